//! What tickers say, drawn from the market alone.
//!
//! The market keeps prices, books, funding and a day's volume. What it doesn't keep is modelled here, once: the last
//! trade is at the best bid; the day's extremes are those of its hours; turnover is volume at the last price.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::convert::tidy;
use super::params::{Category, DAY_MS};
use super::ticker::{Fields, Value};
use crate::exchange::Market;
use crate::market::{Key, Ms};
use crate::wire::chart::{on_tick, open_interest};

/// Milliseconds of an hour.
pub const HOUR_MS: Ms = 3_600_000;
/// How long the day's statistics of an instrument are good for.
const FRESH_MS: Ms = 300_000;

/// The last day of one instrument.
#[derive(Clone, Copy, Debug)]
struct Day {
    at: Ms,
    yesterday: Decimal,
    hour_ago: Decimal,
    high: Decimal,
    low: Decimal,
}

/// Who wants to know: REST shows bids and asks on spot, streams don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `GET /v5/market/tickers`.
    Rest,
    /// Topic `tickers.SYMBOL`.
    Stream,
}

/// The last days of all instruments, computed when asked for and kept for a while.
#[derive(Clone, Debug, Default)]
pub struct Days(BTreeMap<Key, Day>);

impl Days {
    fn of(&mut self, market: &Market, key: &Key, now: Ms, last: Decimal) -> Day {
        if let Some(day) = self.0.get(key)
            && (day.at..day.at + FRESH_MS).contains(&now)
        {
            return *day;
        }
        let day = measure(market, key, now, last);
        self.0.insert(key.clone(), day);
        day
    }

    /// The ticker's fields; `None` while the instrument has no book.
    pub fn ticker(&mut self, market: &Market, key: &Key, now: Ms, shape: Shape) -> Option<Fields> {
        let best = market.best(key, now)?;
        let last = best.bid.price;
        let day = self.of(market, key, now, last);
        let (high, low) = (day.high.max(last), day.low.min(last));
        let moved = (last - day.yesterday).checked_div(day.yesterday).unwrap_or_default();
        let volume = market.volume_24h(key, now).unwrap_or_default();
        let mut fields: Fields = Vec::with_capacity(28);
        let mut put = |name, value| fields.push((name, value));
        let category = Category::of(key.product);
        if category == Category::Linear || shape == Shape::Rest {
            put("bid1Price", Value::Figure(best.bid.price));
            put("bid1Size", Value::Figure(best.bid.quantity));
            put("ask1Price", Value::Figure(best.ask.price));
            put("ask1Size", Value::Figure(best.ask.quantity));
        }
        put("lastPrice", Value::Figure(last));
        put("prevPrice24h", Value::Figure(day.yesterday));
        put("price24hPcnt", Value::Figure(moved.round_dp(6).normalize()));
        put("highPrice24h", Value::Figure(high));
        put("lowPrice24h", Value::Figure(low));
        put("turnover24h", Value::Figure((volume * last).round_dp(4).normalize()));
        put("volume24h", Value::Figure(volume.normalize()));
        match category {
            Category::Spot => put("usdIndexPrice", Value::Figure(last)),
            Category::Linear => contract(market, key, now, &day, last, shape, &mut fields)?,
        }
        Some(fields)
    }
}

fn contract(
    market: &Market,
    key: &Key,
    now: Ms,
    day: &Day,
    last: Decimal,
    shape: Shape,
    fields: &mut Fields,
) -> Option<()> {
    let funding = market.funding(key, now)?;
    let interest = open_interest(market, key, now);
    let figure = |figure: Decimal| Value::Figure(tidy(figure));
    fields.extend([
        ("prevPrice1h", Value::Figure(day.hour_ago)),
        ("markPrice", figure(market.mark(key, now)?)),
        ("indexPrice", figure(market.index(key, now).unwrap_or(last))),
        ("openInterest", Value::Figure(interest)),
        (
            "openInterestValue",
            Value::Figure((interest * last).round_dp(2).normalize()),
        ),
        ("nextFundingTime", Value::Number(funding.next_ms)),
        ("fundingRate", figure(funding.predicted)),
        ("fundingIntervalHour", Value::Number(funding.interval_hours.into())),
        ("fundingCap", figure(funding.cap)),
    ]);
    match shape {
        Shape::Stream => fields.push(("tickDirection", Value::Word("ZeroPlusTick"))),
        Shape::Rest => fields.extend([
            ("predictedDeliveryPrice", Value::Word("")),
            ("basisRate", Value::Word("")),
            ("deliveryFeeRate", Value::Word("")),
            ("deliveryTime", Value::Number(0)),
            ("basis", Value::Word("")),
            ("preOpenPrice", Value::Word("")),
            ("preQty", Value::Word("")),
            ("curPreListingPhase", Value::Word("")),
        ]),
    }
    Some(())
}

fn measure(market: &Market, key: &Key, now: Ms, last: Decimal) -> Day {
    let tick = market.rule(key).map_or(Decimal::ZERO, |rule| rule.tick);
    let at = |then| market.mid(key, then).map_or(last, |price| on_tick(price, tick));
    let (mut high, mut low) = (last, last);
    for hours in 1..=24 {
        let price = at(now - hours * HOUR_MS);
        high = high.max(price);
        low = low.min(price);
    }
    Day {
        at: now,
        yesterday: at(now - DAY_MS),
        hour_ago: at(now - HOUR_MS),
        high,
        low,
    }
}

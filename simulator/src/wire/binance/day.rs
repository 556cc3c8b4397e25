//! The last 24 hours of an instrument. High and low are over hourly marks: the tape is not walked for them.

use rust_decimal::Decimal;

use crate::exchange::Market;
use crate::market::{Ms, Rules};
use crate::wire::chart::{latest_print, on_tick};

use super::feed::scales;
use super::text::{Fixed, eight};

const HOUR_MS: Ms = 3_600_000;
const DAY_MS: Ms = 24 * HOUR_MS;

/// Where the market stands, on the tick.
pub fn last_price(market: &Market, rules: &Rules, at: Ms) -> Option<Decimal> {
    Some(on_tick(market.mid(&rules.key, at)?, rules.tick))
}

/// The figures of a day.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// Price a day ago.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price now.
    pub last: Decimal,
    /// Mean price.
    pub average: Decimal,
    /// Base quantity traded.
    pub volume: Decimal,
}

impl Day {
    /// The day that ends now.
    pub fn of(market: &Market, rules: &Rules, now: Ms) -> Option<Self> {
        let hourly: Vec<Decimal> = (0..=24)
            .rev()
            .filter_map(|hours| last_price(market, rules, now - hours * HOUR_MS))
            .collect();
        Some(Self {
            open: *hourly.first()?,
            high: *hourly.iter().max()?,
            low: *hourly.iter().min()?,
            last: last_price(market, rules, now)?,
            average: hourly.iter().sum::<Decimal>() / Decimal::from(hourly.len()),
            volume: market.volume_24h(&rules.key, now).unwrap_or_default(),
        })
    }

    /// From open to last.
    pub fn change(&self) -> Decimal {
        self.last - self.open
    }

    /// The same in per cent, three decimals.
    pub fn percent(&self) -> String {
        let share = self.change().checked_div(self.open).unwrap_or_default();
        Fixed((share * Decimal::ONE_HUNDRED).round_dp(3), 3).to_string()
    }
}

/// 24hrTicker.
pub fn ticker(market: &Market, rules: &Rules, now: Ms) -> Option<String> {
    let (day, best) = (Day::of(market, rules, now)?, market.best(&rules.key, now)?);
    let (price, size) = scales(rules);
    let p = |value| Fixed(value, price);
    let (symbol, percent) = (&rules.key.symbol, day.percent());
    let (change, average, open, high, low, last) = (
        p(day.change()),
        p(day.average),
        p(day.open),
        p(day.high),
        p(day.low),
        p(day.last),
    );
    let (volume, value, quantity) = (
        Fixed(day.volume, size),
        eight(day.volume * day.average),
        Fixed(rules.min_quantity, size),
    );
    let (bid, ask) = (p(best.bid.price), p(best.ask.price));
    let (bids, asks) = (Fixed(best.bid.quantity, size), Fixed(best.ask.quantity, size));
    let (since, first, count) = (now - DAY_MS, latest_print(now - DAY_MS), latest_print(now));
    let prints = count - first;
    Some(format!(
        r#"{{"e":"24hrTicker","E":{now},"s":"{symbol}","p":"{change}","P":"{percent}","w":"{average}","x":"{open}","c":"{last}","Q":"{quantity}","b":"{bid}","B":"{bids}","a":"{ask}","A":"{asks}","o":"{open}","h":"{high}","l":"{low}","v":"{volume}","q":"{value}","O":{since},"C":{now},"F":{first},"L":{count},"n":{prints},"st":1}}"#
    ))
}

/// 24hrMiniTicker.
pub fn mini_ticker(market: &Market, rules: &Rules, now: Ms) -> Option<String> {
    let day = Day::of(market, rules, now)?;
    let (price, size) = scales(rules);
    let (open, high, low, last) = (
        Fixed(day.open, price),
        Fixed(day.high, price),
        Fixed(day.low, price),
        Fixed(day.last, price),
    );
    let (volume, value) = (Fixed(day.volume, size), eight(day.volume * day.average));
    let symbol = &rules.key.symbol;
    Some(format!(
        r#"{{"e":"24hrMiniTicker","E":{now},"s":"{symbol}","c":"{last}","o":"{open}","h":"{high}","l":"{low}","v":"{volume}","q":"{value}","st":1}}"#
    ))
}

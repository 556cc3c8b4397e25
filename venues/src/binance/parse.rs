//! Public data from the wire to the domain: pure, and strict about numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;

use domain::forecast::Settlement;
use domain::funding::FundingTerms;
use domain::instrument::{Instrument, InstrumentId, Name, Product, TradingStatus, VenueId, split_multiplier};
use domain::market::{MarketFact, Quote};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::ports::VenueError;
use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::{MaybeNum, Num};
use super::{bounds, wire};
use crate::shared::exact::exact;
use crate::shared::lookup::BySymbol;
use crate::shared::scan::{Scalar, fields};
use crate::shared::unreadable::LeftOut;

/// Perpetuals without an end carry this delivery date; some answers are off by seconds, so any date from here on counts.
const NO_END: i64 = 4_133_404_800_000;
/// Binance lists only symbols that were ever adjusted; all others settle every eight hours.
const DEFAULT_INTERVAL: NonZeroU8 = match NonZeroU8::new(8) {
    Some(hours) => hours,
    None => NonZeroU8::MIN,
};
const QUOTE: &str = "USDT";

/// The instrument of a symbol.
pub fn instrument_id(product: Product, symbol: &str) -> InstrumentId {
    InstrumentId {
        venue: VenueId::Binance,
        product,
        symbol: Name::new(symbol),
    }
}

/// Reads JSON; the error names `what`, never the text itself.
pub fn read<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, VenueError> {
    serde_json::from_str(text).map_err(|error| malformed(format!("{what}: {error}")))
}

/// Reads rows of JSON one by one: one that cannot be read is left out and counted, for it says nothing of the others.
pub fn each<'a, T: Deserialize<'a>>(what: &str, text: &'a str, left_out: &LeftOut) -> Result<Vec<T>, VenueError> {
    let rows: Vec<&RawValue> = read(what, text)?;
    left_out.keep_readable(rows.into_iter().map(|row| read(what, row.get())))
}

/// Something unreadable.
pub fn malformed(reason: String) -> VenueError {
    VenueError::Malformed {
        venue: VenueId::Binance,
        reason,
    }
}

/// The limits in an `exchangeInfo`.
pub fn rate_limits(body: &str) -> Result<Vec<wire::RateLimit<'_>>, VenueError> {
    read::<wire::RateLimits<'_>>("exchangeInfo", body).map(|info| info.rate_limits)
}

/// The instruments of an `exchangeInfo`. A symbol whose rules cannot be read is left out: what cannot be sized is not
/// traded.
pub fn instruments(product: Product, body: &str) -> Result<Vec<Instrument>, VenueError> {
    Ok(listed(product, body)?.into_iter().filter_map(Result::ok).collect())
}

/// As [`instruments`], with the symbols of those that are left out.
pub fn listed(product: Product, body: &str) -> Result<Vec<Result<Instrument, String>>, VenueError> {
    let info: wire::ExchangeInfo<'_> = read("exchangeInfo", body)?;
    Ok(info
        .symbols
        .iter()
        .filter(|symbol| is_wanted(product, symbol))
        .map(|symbol| instrument(product, symbol).ok_or_else(|| symbol.symbol.to_string()))
        .collect())
}

fn is_wanted(product: Product, symbol: &wire::Symbol<'_>) -> bool {
    symbol.quote_asset == QUOTE
        && match product {
            Product::Spot => symbol.is_spot_trading_allowed != Some(false),
            Product::Perp => {
                symbol.contract_type.as_deref() == Some("PERPETUAL")
                    && symbol.margin_asset.as_deref().is_none_or(|asset| asset == QUOTE)
            }
        }
}

fn instrument(product: Product, symbol: &wire::Symbol<'_>) -> Option<Instrument> {
    let filter = |name: &str| symbol.filters.iter().find(|filter| filter.filter_type == name);
    let positive = |number: Option<Num>| number.map(|Num(number)| number).filter(|n| *n > Decimal::ZERO);
    let lot = filter("LOT_SIZE")?;
    let market_lot = filter("MARKET_LOT_SIZE").and_then(|filter| positive(filter.max_qty));
    let max_quantity = Quantity(positive(lot.max_qty)?);
    let min_notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"))?;
    let (asset, multiplier) = split_multiplier(&symbol.base_asset);
    // A delivery date on a perpetual is the notice of its end.
    let ends_at = symbol
        .delivery_date
        .filter(|date| product == Product::Perp && *date < NO_END);
    let prices = filter("PRICE_FILTER")?;
    let instrument = Instrument {
        id: instrument_id(product, &symbol.symbol),
        asset,
        base: Name::new(&symbol.base_asset),
        quote: Name::new(&symbol.quote_asset),
        multiplier,
        tick: Price(positive(prices.tick_size)?),
        lot: Quantity(positive(lot.step_size)?),
        min_quantity: Quantity(lot.min_qty?.0),
        max_quantity,
        max_market_quantity: Quantity(market_lot.unwrap_or(max_quantity.0)),
        min_notional: Usd(min_notional.min_notional.or(min_notional.notional)?.0),
        // Nothing says that a bound is not in force.
        least_price: Price(positive(prices.min_price).unwrap_or_default()),
        greatest_price: positive(prices.max_price).map(Price),
        status: trading_status(&symbol.status),
        ends_at: ends_at.map(Timestamp),
        bounds: bounds::of_filters(&symbol.filters),
    };
    instrument.believable().ok()
}

/// A word that is not known takes no new exposure.
fn trading_status(word: &str) -> TradingStatus {
    match word {
        "TRADING" => TradingStatus::Trading,
        "PENDING_TRADING" | "PRE_TRADING" => TradingStatus::PreLaunch,
        "PRE_DELIVERING" | "DELIVERING" | "DELIVERED" | "PRE_SETTLE" | "SETTLING" | "CLOSE" | "END_OF_DAY" => {
            TradingStatus::Ended
        }
        _ => TradingStatus::Halted,
    }
}

/// Marks the perpetuals whose positions are likely to be deleveraged, by `symbolAdlRisk`.
pub fn mark_crowded(perpetuals: &mut [Instrument], body: &str) -> Result<(), VenueError> {
    let rows: Vec<wire::AdlRisk<'_>> = read("symbolAdlRisk", body)?;
    let high: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.adl_risk == "high")
        .map(|row| &*row.symbol)
        .collect();
    for perpetual in perpetuals {
        if perpetual.status == TradingStatus::Trading && high.contains(perpetual.id.symbol.as_str()) {
            perpetual.status = TradingStatus::Crowded;
        }
    }
    Ok(())
}

/// How a perpetual's funding is settled, where it was adjusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundingRule {
    interval_hours: NonZeroU8,
    cap: Option<Rate>,
    floor: Option<Rate>,
}

/// Adjusted rules by symbol.
pub type FundingRules = BTreeMap<String, FundingRule>;

/// The `fundingInfo` answer.
pub fn funding_rules(body: &str) -> Result<FundingRules, VenueError> {
    let rows: Vec<wire::FundingInfo<'_>> = read("fundingInfo", body)?;
    rows.into_iter()
        .map(|row| {
            let interval_hours = NonZeroU8::new(row.funding_interval_hours)
                .ok_or_else(|| malformed(format!("fundingInfo: an interval of 0 h for {}", row.symbol)))?;
            let rule = FundingRule {
                interval_hours,
                cap: row.adjusted_funding_rate_cap.0.map(Rate),
                floor: row.adjusted_funding_rate_floor.0.map(Rate),
            };
            Ok((row.symbol.into_owned(), rule))
        })
        .collect()
}

fn terms(rules: &FundingRules, symbol: &str, rate: Option<Decimal>, next: i64) -> Option<FundingTerms> {
    // Contracts that are being settled carry no rate, or no next settlement.
    let predicted = Rate(rate?);
    let rule = rules.get(symbol);
    (next > 0).then(|| FundingTerms {
        predicted,
        next_settlement: Timestamp(next),
        interval_hours: rule.map_or(DEFAULT_INTERVAL, |rule| rule.interval_hours),
        cap: rule.and_then(|rule| rule.cap),
        floor: rule.and_then(|rule| rule.floor),
    })
}

fn mark_facts(
    id: &InstrumentId,
    mark: Decimal,
    index: Option<Decimal>,
    terms: Option<FundingTerms>,
    at: i64,
) -> impl Iterator<Item = MarketFact> + use<> {
    let (venue_time, positive) = (Timestamp(at), mark > Decimal::ZERO);
    let mark = MarketFact::Mark {
        instrument: id.clone(),
        mark: Price(mark),
        index: index.filter(|index| *index > Decimal::ZERO).map(Price),
        venue_time,
    };
    let funding = terms.map(|terms| MarketFact::Funding {
        instrument: id.clone(),
        terms,
        venue_time,
    });
    // A mark of nothing or less is none.
    let mark = Some(mark).filter(|_| positive);
    mark.into_iter().chain(funding)
}

/// The instruments that a feed was asked for, by symbol.
pub type Wanted = BySymbol<InstrumentId>;

/// Marks and funding of the wanted symbols from `premiumIndex`.
pub fn premium_index(
    body: &str,
    wanted: &Wanted,
    rules: &FundingRules,
    left_out: &LeftOut,
) -> Result<Vec<MarketFact>, VenueError> {
    let rows: Vec<wire::PremiumIndex<'_>> = each("premiumIndex", body, left_out)?;
    Ok(rows
        .iter()
        .filter_map(|row| Some(premium(wanted.get(&row.symbol)?, row, rules)))
        .flatten()
        .collect())
}

/// Mark and funding of one row.
pub fn premium(
    id: &InstrumentId,
    row: &wire::PremiumIndex<'_>,
    rules: &FundingRules,
) -> impl Iterator<Item = MarketFact> + use<> {
    let terms = terms(rules, &row.symbol, row.last_funding_rate.0, row.next_funding_time);
    mark_facts(id, row.mark_price.0, row.index_price.0, terms, row.time)
}

/// Touches of the wanted symbols from `ticker/bookTicker`; spot tells no time, so that of receipt is taken.
pub fn rest_tickers(
    body: &str,
    wanted: &Wanted,
    received: Timestamp,
    left_out: &LeftOut,
) -> Result<Vec<MarketFact>, VenueError> {
    let rows: Vec<wire::RestTicker<'_>> = each("ticker/bookTicker", body, left_out)?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(MarketFact::Quote {
                instrument: wanted.get(&row.symbol)?.clone(),
                quote: quote(row),
                venue_time: row.time.map_or(received, Timestamp),
            })
        })
        .collect())
}

/// The touch in one row.
pub fn quote(row: &wire::RestTicker<'_>) -> Quote {
    Quote {
        bid: Price(row.bid_price.0),
        bid_quantity: Quantity(row.bid_qty.0),
        ask: Price(row.ask_price.0),
        ask_quantity: Quantity(row.ask_qty.0),
    }
}

/// One pushed touch. Its numbers only grow.
#[derive(Debug, PartialEq, Eq)]
pub struct Touch<'a> {
    pub symbol: Cow<'a, str>,
    pub update: u64,
    pub quote: Quote,
    /// Futures tell it, spot does not.
    pub venue_time: Option<Timestamp>,
}

/// One pushed touch, by the scan where it can.
pub fn touch(text: &str) -> Result<Touch<'_>, VenueError> {
    match scanned_touch(text) {
        Some(touch) => Ok(touch),
        None => full_touch(text),
    }
}

pub fn full_touch(text: &str) -> Result<Touch<'_>, VenueError> {
    let ticker: wire::BookTicker<'_> = read("bookTicker", text)?;
    Ok(Touch {
        symbol: ticker.s,
        update: ticker.u,
        quote: Quote {
            bid: Price(ticker.b.0),
            bid_quantity: Quantity(ticker.bid_quantity.0),
            ask: Price(ticker.a.0),
            ask_quantity: Quantity(ticker.ask_quantity.0),
        },
        venue_time: ticker.transaction_time.map(Timestamp),
    })
}

/// As [`full_touch`], for a message without anything unusual.
pub fn scanned_touch(text: &str) -> Option<Touch<'_>> {
    let (mut event, mut update, mut symbol, mut time) = (None, None, None, None);
    let (mut bid, mut bid_quantity, mut ask, mut ask_quantity) = (None, None, None, None);
    let once = |place: &mut Option<Decimal>, value: Scalar<'_>| put(place, exact(value.text()?)?);
    fields(text, |key, value| match key {
        "e" => put(&mut event, value.text()?),
        "u" => put(&mut update, value.unsigned()?),
        "s" => put(&mut symbol, value.text()?),
        "T" => put(&mut time, i64::try_from(value.unsigned()?).ok()?),
        "b" => once(&mut bid, value),
        "B" => once(&mut bid_quantity, value),
        "a" => once(&mut ask, value),
        "A" => once(&mut ask_quantity, value),
        _ => Some(()),
    })?;
    Some(Touch {
        symbol: Cow::Borrowed(symbol?),
        update: update?,
        quote: Quote {
            bid: Price(bid?),
            bid_quantity: Quantity(bid_quantity?),
            ask: Price(ask?),
            ask_quantity: Quantity(ask_quantity?),
        },
        venue_time: time.map(Timestamp),
    })
}

/// A page of settlements of one perpetual: how many rows it had, the last one's time, and those of regular funding. What is
/// paid beside it (dividends of tokenised shares) says nothing about what will be.
pub fn settled(asked: &InstrumentId, body: &str) -> Result<(usize, Option<Timestamp>, Vec<Settlement>), VenueError> {
    let rows: Vec<wire::Settled<'_>> = read("settlements", body)?;
    let last = rows.iter().map(|row| Timestamp(row.funding_time)).max();
    let mut regular = Vec::new();
    for row in &rows {
        if row.symbol != asked.symbol.as_str() {
            return Err(malformed(format!(
                "settlements of another symbol than {}",
                asked.symbol
            )));
        }
        if row.rate_type.as_deref().is_none_or(|kind| kind == "Regular") {
            let settlement = Settlement {
                rate: Rate(row.funding_rate.0),
                at: Timestamp(row.funding_time),
            };
            regular.push(settlement.believable().map_err(|why| malformed(why.to_owned()))?);
        }
    }
    Ok((rows.len(), last, regular))
}

/// Fills a place that is still empty; a field that comes twice is unusual.
pub fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// What one pushed mark price says of its instrument.
pub fn mark_of(
    id: &InstrumentId,
    mark: &wire::MarkPrice<'_>,
    rules: &FundingRules,
) -> impl Iterator<Item = MarketFact> + use<> {
    let terms = terms(rules, &mark.s, mark.r.0, mark.next_funding_time);
    mark_facts(id, mark.p.0, mark.i.0, terms, mark.event_time)
}

/// One pushed mark price, by the full parser.
pub fn marked(text: &str) -> Result<wire::MarkPrice<'_>, VenueError> {
    read("markPrice", text)
}

/// As [`marked`], for a message without anything unusual.
pub fn scanned_mark(text: &str) -> Option<wire::MarkPrice<'_>> {
    let (mut event, mut symbol, mut event_time, mut next) = (None, None, None, None);
    let (mut mark, mut index, mut rate) = (None, None, None);
    let instant = |value: Scalar<'_>| i64::try_from(value.unsigned()?).ok();
    let once = |place: &mut Option<Decimal>, value: Scalar<'_>| put(place, exact(value.text()?)?);
    fields(text, |key, value| match key {
        "e" => put(&mut event, value.text()?),
        "s" => put(&mut symbol, value.text()?),
        "E" => put(&mut event_time, instant(value)?),
        "T" => put(&mut next, instant(value)?),
        "p" => once(&mut mark, value),
        "i" => once(&mut index, value),
        "r" => once(&mut rate, value),
        _ => Some(()),
    })?;
    Some(wire::MarkPrice {
        s: Cow::Borrowed(symbol?),
        event_time: event_time?,
        p: Num(mark?),
        i: MaybeNum(Some(index?)),
        r: MaybeNum(Some(rate?)),
        next_funding_time: next?,
    })
}

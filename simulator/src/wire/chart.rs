//! What both venues draw from the market alone: candles of its four lines, the public tape, open interest.
//!
//! The market keeps prices and a day's volume. Everything finer is modelled here, once, as a pure function of the market
//! and of time: a candle's extremes are those of eight moments of it, the tape is one print every two seconds at the best
//! bid or ask, open interest is a third of the day's volume.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::exchange::{Market, Side};
use crate::market::{Key, Ms, Rules};

/// Milliseconds of a minute.
pub const MINUTE_MS: Ms = 60_000;
/// Milliseconds of a day.
pub const DAY_MS: Ms = 86_400_000;
/// Time between two prints of the tape.
pub const PRINT_MS: Ms = 2_000;
/// Digits of a premium.
const PREMIUM_DIGITS: u32 = 8;

/// What a candle is drawn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Trades.
    Last,
    /// Mark price.
    Mark,
    /// Index price.
    Index,
    /// How far the mark is above the index, as a fraction.
    Premium,
}

/// One candle: start, open, high, low, close, volume.
#[derive(Clone, Copy, Debug)]
pub struct Candle {
    /// Opens at.
    pub start: Ms,
    /// First, highest, lowest and last price.
    pub prices: [Decimal; 4],
    /// Base quantity.
    pub volume: Decimal,
}

/// The price rounded to the tick, with the tick's digits.
pub fn on_tick(price: Decimal, tick: Decimal) -> Decimal {
    if tick.is_zero() {
        price
    } else {
        (price / tick).round() * tick
    }
}

fn point(market: &Market, key: &Key, line: Line, tick: Decimal, at: Ms) -> Option<Decimal> {
    let price = match line {
        Line::Last => market.mid(key, at)?,
        Line::Mark => market.mark(key, at)?,
        Line::Index => market.index(key, at)?,
        Line::Premium => {
            let (mark, index) = (market.mark(key, at)?, market.index(key, at)?);
            return Some((mark - index).checked_div(index)?.round_dp(PREMIUM_DIGITS));
        }
    };
    Some(on_tick(price, tick))
}

/// The candle that opens at `start` and is `length` long, as far as `now` has come.
pub fn candle(market: &Market, key: &Key, line: Line, (start, length): (Ms, Ms), now: Ms) -> Option<Candle> {
    let tick = market.rule(key)?.tick;
    let end = now.min(start + length - 1);
    let at = |then| point(market, key, line, tick, then);
    let (open, close) = (at(start)?, at(end)?);
    let (mut high, mut low) = (open.max(close), open.min(close));
    for step in 1..8 {
        if let Some(price) = at(start + (end - start) * step / 8) {
            high = high.max(price);
            low = low.min(price);
        }
    }
    let day = match line {
        Line::Last => market.volume_24h(key, end).unwrap_or_default(),
        _ => Decimal::ZERO,
    };
    let volume = (day * Decimal::from(end - start + 1) / Decimal::from(DAY_MS))
        .round_dp(3)
        .normalize();
    Some(Candle {
        start,
        prices: [open, high, low, close],
        volume,
    })
}

/// A stretch of candles: the latest `most` up to `end`, or the first ones from `start` on where the venue counts forward.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Not before this.
    pub start: Option<Ms>,
    /// Not after this.
    pub end: Option<Ms>,
    /// How many at most.
    pub most: usize,
    /// With a start alone: count from it (Binance) and not back from the end (Bybit).
    pub forward: bool,
}

/// Candles of `length`, oldest first; the last may still be open.
pub fn candles(market: &Market, key: &Key, line: Line, length: Ms, stretch: Stretch, now: Ms) -> Vec<Candle> {
    let floor = |at: Ms| at - at.rem_euclid(length);
    let most = Ms::try_from(stretch.most).unwrap_or(1).max(1);
    let last = floor(stretch.end.unwrap_or(now).min(now));
    // A candle belongs to a stretch when it opens inside it.
    let known = floor(market.span().0 + length - 1);
    let first = stretch
        .start
        .map(|start| floor(start.saturating_add(length - 1)).max(known));
    let (from, to) = match first {
        Some(first) if stretch.forward => (first, last.min(first.saturating_add((most - 1).saturating_mul(length)))),
        _ => {
            let reach = last.saturating_sub((most - 1).saturating_mul(length)).max(known);
            (first.map_or(reach, |first| first.max(reach)), last)
        }
    };
    let starts = (0..most).map(|step| from + step * length).take_while(|at| *at <= to);
    starts
        .filter_map(|at| candle(market, key, line, (at, length), now))
        .collect()
}

/// One print of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Rises by one from print to print.
    pub id: i64,
    /// When.
    pub at: Ms,
    /// Price, on the tick.
    pub price: Decimal,
    /// Quantity, on the lot.
    pub quantity: Decimal,
    /// Who took.
    pub taker: Side,
}

/// The print of a number, if the market had a book then.
pub fn print(market: &Market, rules: &Rules, id: i64) -> Option<Print> {
    let at = id.checked_mul(PRINT_MS)?;
    let best = market.best(&rules.key, at)?;
    // A fixed mixing of the number: sides and sizes look drawn and are the same in every run.
    let mixed = id.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let (taker, price) = if mixed & 1 == 0 {
        (Side::Buy, best.ask.price)
    } else {
        (Side::Sell, best.bid.price)
    };
    let a_day = Decimal::from(DAY_MS / PRINT_MS);
    let share = Decimal::new(i64::try_from(mixed % 100).ok()? + 50, 2);
    let size = market.volume_24h(&rules.key, at).unwrap_or_default() / a_day * share;
    let lots = size.checked_div(rules.lot)?;
    let quantity = (lots.round_dp_with_strategy(0, RoundingStrategy::ToZero) * rules.lot).max(rules.lot);
    Some(Print {
        id,
        at,
        price,
        quantity,
        taker,
    })
}

/// The latest print at or before an instant.
pub const fn latest_print(now: Ms) -> i64 {
    now.div_euclid(PRINT_MS)
}

/// Prints of the numbers `from..=to`, oldest first.
pub fn tape(market: &Market, rules: &Rules, from: i64, to: i64) -> Vec<Print> {
    (from..=to).filter_map(|id| print(market, rules, id)).collect()
}

/// Open interest of a perpetual, in base units.
pub fn open_interest(market: &Market, key: &Key, at: Ms) -> Decimal {
    let volume = market.volume_24h(key, at).unwrap_or_default();
    (volume / Decimal::from(3)).round_dp(3).normalize()
}

//! Pushed market data: the payloads of the public streams, written straight to text.

use std::fmt::Write;

use rust_decimal::Decimal;

use crate::exchange::{Best, Fill, Market, Order, Side};
use crate::market::{Depth, Key, Level, Ms, Product, Rules};

use crate::wire::chart::{Candle, Print, latest_print};

use super::text::{Fixed, decimals, plain};
use super::words;

/// Book versions per millisecond of venue time; leaves room for a snapshot between two events.
const STEPS: i64 = 8;

/// Version of the book as of `now`, as events and tickers carry it. It only grows.
pub const fn version(now: Ms) -> i64 {
    now * STEPS
}

/// Version of a snapshot taken at `now`: after the event of that instant, before the next.
pub const fn snapshot_version(now: Ms) -> i64 {
    now * STEPS + STEPS / 2
}

/// How many decimals an instrument's prices and quantities are written with.
pub fn scales(rules: &Rules) -> (u32, u32) {
    match rules.key.product {
        Product::Spot => (8, 8),
        Product::Perp => (decimals(rules.tick), decimals(rules.lot)),
    }
}

/// bookTicker. Spot has no event name and no time.
pub fn book_ticker(rules: &Rules, best: &Best, now: Ms) -> String {
    let (price, size) = scales(rules);
    let symbol = &rules.key.symbol;
    let (b, b_size) = (Fixed(best.bid.price, price), Fixed(best.bid.quantity, size));
    let (a, a_size) = (Fixed(best.ask.price, price), Fixed(best.ask.quantity, size));
    let u = version(now);
    match rules.key.product {
        Product::Spot => format!(r#"{{"u":{u},"s":"{symbol}","b":"{b}","B":"{b_size}","a":"{a}","A":"{a_size}"}}"#),
        Product::Perp => format!(
            r#"{{"e":"bookTicker","u":{u},"s":"{symbol}","b":"{b}","B":"{b_size}","a":"{a}","A":"{a_size}","T":{now},"E":{now},"st":1,"ps":"{symbol}"}}"#
        ),
    }
}

/// markPriceUpdate of one perpetual; `None` where it has no mark or no funding.
pub fn mark_price(market: &Market, key: &Key, now: Ms) -> Option<String> {
    let mark = market.mark(key, now)?;
    let index = market.index(key, now).unwrap_or(mark);
    let funding = market.funding(key, now)?;
    let (p, i, r) = (Fixed(mark, 8), Fixed(index, 8), Fixed(funding.predicted, 8));
    let (symbol, next) = (&key.symbol, funding.next_ms);
    Some(format!(
        r#"{{"e":"markPriceUpdate","E":{now},"s":"{symbol}","p":"{p}","ap":"{p}","i":"{i}","P":"{i}","r":"{r}","T":{next},"st":1}}"#
    ))
}

/// `[["price","quantity"],…]`.
pub fn levels<'a>(rows: impl Iterator<Item = &'a Level>, scales: (u32, u32)) -> String {
    let mut out = String::from("[");
    for (at, level) in rows.enumerate() {
        let comma = if at > 0 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            r#"{comma}["{}","{}"]"#,
            Fixed(level.price, scales.0),
            Fixed(level.quantity, scales.1)
        );
    }
    out.push(']');
    out
}

/// The best levels, whole. On spot it is shaped like the REST book, on futures like an event.
pub fn partial(rules: &Rules, depth: &Depth, count: usize, before: Ms, now: Ms) -> String {
    let bids = levels(depth.bids.iter().take(count), scales(rules));
    let asks = levels(depth.asks.iter().take(count), scales(rules));
    match rules.key.product {
        Product::Spot => format!(r#"{{"lastUpdateId":{},"bids":{bids},"asks":{asks}}}"#, version(now)),
        Product::Perp => depth_update(rules, (before, now), &bids, &asks),
    }
}

/// What changed between two books; quantities are absolute, zero removes. `None` if nothing did.
pub fn diff(rules: &Rules, old: &Depth, new: &Depth, before: Ms, now: Ms) -> Option<String> {
    let (bids, asks) = (changed(&old.bids, &new.bids), changed(&old.asks, &new.asks));
    if bids.is_empty() && asks.is_empty() {
        return None;
    }
    let (bids, asks) = (levels(bids.iter(), scales(rules)), levels(asks.iter(), scales(rules)));
    Some(depth_update(rules, (before, now), &bids, &asks))
}

fn depth_update(rules: &Rules, (before, now): (Ms, Ms), bids: &str, asks: &str) -> String {
    let symbol = &rules.key.symbol;
    let (first, last, previous) = (version(before) + 1, version(now), version(before));
    match rules.key.product {
        Product::Spot => {
            format!(r#"{{"e":"depthUpdate","E":{now},"s":"{symbol}","U":{first},"u":{last},"b":{bids},"a":{asks}}}"#)
        }
        Product::Perp => format!(
            r#"{{"e":"depthUpdate","E":{now},"T":{now},"s":"{symbol}","U":{first},"u":{last},"pu":{previous},"b":{bids},"a":{asks},"st":1,"ps":"{symbol}"}}"#
        ),
    }
}

/// Levels that are new or of another quantity, and removed ones with zero.
fn changed(old: &[Level], new: &[Level]) -> Vec<Level> {
    let at = |side: &[Level], price: Decimal| {
        side.iter()
            .find(|level| level.price == price)
            .map(|level| level.quantity)
    };
    let mut out: Vec<Level> = new
        .iter()
        .filter(|level| at(old, level.price) != Some(level.quantity))
        .copied()
        .collect();
    let gone = old.iter().filter(|level| at(new, level.price).is_none());
    out.extend(gone.map(|level| Level {
        price: level.price,
        quantity: Decimal::ZERO,
    }));
    out
}

/// A print of the tape, as trade or aggTrade.
pub fn tape(rules: &Rules, print: &Print, aggregated: bool, now: Ms) -> String {
    let deal = Deal {
        id: print.id,
        price: print.price,
        quantity: print.quantity,
        buyer_is_maker: print.taker == Side::Sell,
        at: print.at,
    };
    deal.write(rules, aggregated, now)
}

/// One trade, whoever made it.
struct Deal {
    id: i64,
    price: Decimal,
    quantity: Decimal,
    buyer_is_maker: bool,
    at: Ms,
}

/// trade and aggTrade of one execution. The buyer is the maker when our side rested as a buy or took as a sell.
pub fn execution(rules: &Rules, fill: &Fill, aggregated: bool, now: Ms) -> String {
    let deal = Deal {
        id: fill.id.cast_signed(),
        price: fill.price,
        quantity: fill.quantity,
        buyer_is_maker: (fill.side.sign() > Decimal::ZERO) == fill.maker,
        at: fill.time_ms,
    };
    deal.write(rules, aggregated, now)
}

impl Deal {
    fn write(&self, rules: &Rules, aggregated: bool, now: Ms) -> String {
        let (price, size) = scales(rules);
        let (p, q) = (Fixed(self.price, price), Fixed(self.quantity, size));
        let (symbol, id, at, maker) = (&rules.key.symbol, self.id, self.at, self.buyer_is_maker);
        let tail = match rules.key.product {
            Product::Spot => r#","M":true"#,
            Product::Perp => r#","st":1"#,
        };
        if aggregated {
            format!(
                r#"{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{id},"p":"{p}","q":"{q}","f":{id},"l":{id},"T":{at},"m":{maker}{tail}}}"#
            )
        } else {
            format!(
                r#"{{"e":"trade","E":{now},"s":"{symbol}","t":{id},"p":"{p}","q":"{q}","T":{at},"m":{maker}{tail}}}"#
            )
        }
    }
}

/// `kline` and `continuous_kline`: the candle that is being drawn.
pub fn kline(rules: &Rules, candle: &Candle, (interval, length): (&str, Ms), continuous: bool, now: Ms) -> String {
    let (price, size) = scales(rules);
    let [open, high, low, close] = candle.prices.map(|value| Fixed(value, price));
    let half = candle.volume / Decimal::TWO;
    let (volume, value) = (Fixed(candle.volume, size), Fixed(candle.volume * close.0, 8));
    let (taken, taken_value) = (Fixed(half, size), Fixed(half * close.0, 8));
    let (start, end) = (candle.start, candle.start + length - 1);
    let (first, last) = (latest_print(start), latest_print(end.min(now)));
    let (count, done) = (last - first, end <= now);
    let symbol = &rules.key.symbol;
    let (head, name) = if continuous {
        (
            format!(r#""e":"continuous_kline","E":{now},"ps":"{symbol}","ct":"PERPETUAL""#),
            String::new(),
        )
    } else {
        (
            format!(r#""e":"kline","E":{now},"s":"{symbol}""#),
            format!(r#""s":"{symbol}","#),
        )
    };
    format!(
        r#"{{{head},"k":{{"t":{start},"T":{end},{name}"i":"{interval}","f":{first},"L":{last},"o":"{open}","c":"{close}","h":"{high}","l":"{low}","v":"{volume}","n":{count},"x":{done},"q":"{value}","V":"{taken}","Q":"{taken_value}","B":"0"}}}}"#
    )
}

/// forceOrder: an order of the venue's own that closed somebody's position.
pub fn forced(fill: &Fill, order: &Order, now: Ms) -> String {
    let (symbol, side, at) = (&fill.key.symbol, words::side(fill.side), fill.time_ms);
    let (q, z, p) = (plain(order.quantity), plain(order.filled), plain(fill.price));
    let status = order.status.name();
    format!(
        r#"{{"e":"forceOrder","E":{now},"st":1,"o":{{"s":"{symbol}","S":"{side}","o":"LIMIT","f":"IOC","q":"{q}","p":"{p}","ap":"{p}","X":"{status}","l":"{q}","z":"{z}","T":{at},"ps":"{symbol}"}}}}"#
    )
}

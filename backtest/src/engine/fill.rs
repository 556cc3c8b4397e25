//! One order meets one bar.

use super::Cause;
use super::book::{Closed, Held, Sums};
use crate::costs::Liquidity;
use crate::exact::Exact;
use crate::hedges::Market;
use crate::tape::{Hour, Pair, Symbol, fee};

/// Units of a quantity in one: it is kept to the eighth digit.
const QUANTITY: i128 = 100_000_000;

/// One leg's fill: fee and slippage on so much, bought or sold.
fn cost(symbol: &Symbol, market: Market, notional: Exact, buy: bool, liquidity: Liquidity) -> Option<Sums> {
    let slippage = notional.millionths(symbol.slip(market.product))?;
    let value = if buy { notional + slippage } else { notional - slippage };
    Some(Sums {
        fees: value.millionths(fee(market, liquidity))?,
        slippage,
        ..Sums::default()
    })
}

/// The notional of a leg at a price, or the fixed one.
fn notional(quantity: i64, price: i64, fixed: i64) -> Option<Exact> {
    if quantity > 0 {
        Exact::product([quantity, price, 1], 18)
    } else {
        Exact::product([fixed, 1, 1], 0)
    }
}

/// Both legs' opens at an hour. Where the notional is fixed there are none, and none are needed.
pub(super) fn opens(symbol: &Symbol, pair: &Pair, hour: Hour, priced: bool) -> Option<(i64, i64)> {
    if !priced {
        return Some((0, 0));
    }
    let open = |market| symbol.columns(market).open_at(hour);
    Some((open(pair.long)?, open(pair.short)?))
}

/// Who takes liquidity at this hour when perpetuals are to be passive; `None` when that leaves both legs untouched. A
/// leg is passive only when its bar trades through by one half-spread; without bars only the dearer leg is trusted to be.
pub(super) fn passive(
    symbol: &Symbol,
    pair: &Pair,
    hour: Hour,
    (priced, entry): (bool, bool),
) -> Option<(Liquidity, Liquidity)> {
    let of = |touched: bool| if touched { Liquidity::Maker } else { Liquidity::Taker };
    if !priced {
        let saved = |market| fee(market, Liquidity::Taker) - fee(market, Liquidity::Maker);
        let long = saved(pair.long) > saved(pair.short);
        return Some((of(long), of(!long)));
    }
    // What is bought is touched from above, what is sold from below.
    let touched = |market: Market, buy: bool| {
        let through = symbol.slip(market.product);
        symbol.columns(market).traded_through(hour, !buy, through)
    };
    let short = touched(pair.short, !entry);
    if pair.is_carry() {
        return Some((Liquidity::Taker, of(short)));
    }
    let long = touched(pair.long, entry);
    (long || short).then(|| (of(long), of(short)))
}

/// A hedge entered at an hour; `None` when an amount does not fit.
pub(super) fn enter(
    symbol: &Symbol,
    (symbol_place, pair_place): (usize, usize),
    (hour, until): (Hour, Hour),
    (opens, dollars): ((i64, i64), i64),
    taken: (Liquidity, Liquidity),
) -> Option<Held> {
    let pair = symbol.pairs.get(pair_place)?;
    let larger = opens.0.max(opens.1);
    let quantity = if larger == 0 {
        0
    } else {
        // Dollars over a price of ten digits, cut to eight.
        i64::try_from(i128::from(dollars) * 10_000_000_000 * QUANTITY / i128::from(larger)).ok()?
    };
    let long = cost(symbol, pair.long, notional(quantity, opens.0, dollars)?, true, taken.0)?;
    let short = cost(
        symbol,
        pair.short,
        notional(quantity, opens.1, dollars)?,
        false,
        taken.1,
    )?;
    Some(Held {
        symbol: symbol_place,
        pair: pair_place,
        entry: hour,
        quantity,
        notional: dollars,
        carry: pair.is_carry(),
        settlements: 0,
        forecast: None,
        opens,
        marks: opens,
        sums: long.and(&short),
        until,
        taken,
    })
}

/// A hedge left at an hour.
pub(super) fn leave(
    symbol: &Symbol,
    held: &Held,
    (hour, opens, cause): (Hour, (i64, i64), Cause),
    taken: (Liquidity, Liquidity),
) -> Option<Closed> {
    let pair = symbol.pairs.get(held.pair)?;
    let at = |price| notional(held.quantity, price, held.notional);
    let long = cost(symbol, pair.long, at(opens.0)?, false, taken.0)?;
    let short = cost(symbol, pair.short, at(opens.1)?, true, taken.1)?;
    Some(Closed {
        held: *held,
        exit: hour,
        sums: held.marked(Some(opens)).and(&long).and(&short),
        cause,
        taken,
    })
}

/// Cash of one settlement for a short of this size.
pub(super) fn settlement(held: &Held, rate: i64, mark: i64) -> Option<Exact> {
    if held.quantity > 0 {
        Exact::product([held.quantity, mark, rate], 28)
    } else {
        Exact::product([held.notional, rate, 1], 10)
    }
}

//! What a hedge of fixed quantity does to its margin: how far a perpetual has moved against it, and what is done then.
//!
//! Both are options, off by default: *re-centring* leaves a hedge and enters it again at once with the usual notional, at
//! the full costs of both; *liquidation* closes it at the open after the hour in which a margin of a third was gone.

use domain::instrument::Product;

use super::Held;
use crate::hedges::Market;
use crate::tape::{Columns, Hour, Pair, Symbol};

/// How far a perpetual moves against a position of three times its margin before it is liquidated, per mille: a third, less
/// a maintenance margin of half a per cent.
pub const LIQUIDATION_PER_MILLE: i64 = 328;

/// A price of a leg that may have moved against it, by the side that it is on.
type Worst = fn(&Columns, Hour, bool) -> Option<i64>;

/// The close of an hour.
pub(super) fn close(columns: &Columns, hour: Hour, _: bool) -> Option<i64> {
    columns.close_at(hour)
}

/// The worst price of an hour.
pub(super) fn worst(columns: &Columns, hour: Hour, long: bool) -> Option<i64> {
    let place = usize::try_from(hour).ok()?;
    let column = if long { &columns.low } else { &columns.high };
    column.get(place).copied().filter(|price| *price > 0)
}

/// Whether a perpetual of a priced hedge has moved so far against its entry in an hour.
pub(super) fn moved(symbol: &Symbol, held: &Held, hour: Hour, per_mille: i64, price: Worst) -> bool {
    let legs = symbol
        .pairs
        .get(held.pair)
        .filter(|_| held.quantity > 0 && hour >= held.entry);
    let of = |pair: &Pair| [(pair.long, true, held.opens.0), (pair.short, false, held.opens.1)];
    legs.is_some_and(|pair| {
        of(pair).into_iter().any(|(market, long, open)| {
            market.product == Product::Perp && against(symbol, (market, hour, long), open, price) >= Some(per_mille)
        })
    })
}

/// How far a leg's price is against its open, per mille.
fn against(symbol: &Symbol, (market, hour, long): (Market, Hour, bool), open: i64, price: Worst) -> Option<i64> {
    let price = i128::from(price(symbol.columns(market), hour, long)?);
    let open = i128::from(open);
    let moved = if long { open - price } else { price - open };
    i64::try_from(moved * 1_000 / open).ok()
}

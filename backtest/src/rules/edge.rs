//! What a pair pays an hour and what its trading costs. Rates in units of 10⁻¹⁰ of notional, costs in millionths.

use domain::instrument::{Product, VenueId};

use crate::costs::Liquidity;
use crate::engine::View;
use crate::hedges::Market;
use crate::tape::{Pair, fee};

/// A basis point in units of 10⁻¹⁰.
pub const BPS: i64 = 1_000_000;
/// A millionth in units of 10⁻¹⁰.
pub const MILLIONTH: i64 = 10_000;

/// What a perpetual's last settlement paid an hour; nothing on spot.
pub fn leg_per_hour(view: &View<'_>, symbol: usize, market: Market) -> Option<i64> {
    match market.product {
        Product::Spot => Some(0),
        Product::Perp => venue_per_hour(view, symbol, market.venue),
    }
}

fn venue_per_hour(view: &View<'_>, symbol: usize, venue: VenueId) -> Option<i64> {
    let last = view.settled(symbol, venue).last()?;
    Some(last.rate / i64::from(last.interval))
}

/// What a pair would have received an hour by the last settlements of both legs.
pub fn per_hour(view: &View<'_>, symbol: usize, pair: &Pair) -> Option<i64> {
    Some(leg_per_hour(view, symbol, pair.short)? - leg_per_hour(view, symbol, pair.long)?)
}

/// Fees of both legs, in and out, in millionths of notional.
pub fn fees(pair: &Pair, perpetuals: Liquidity) -> i64 {
    let of = |market: Market| match market.product {
        Product::Spot => fee(market, Liquidity::Taker),
        Product::Perp => fee(market, perpetuals),
    };
    2 * (of(pair.long) + of(pair.short))
}

/// Slippage of both legs, in and out, in millionths of notional.
pub fn slippage(view: &View<'_>, symbol: usize, pair: &Pair) -> i64 {
    2 * (view.slip(symbol, pair.long.product) + view.slip(symbol, pair.short.product))
}

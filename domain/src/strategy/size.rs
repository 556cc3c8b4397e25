//! How large an entry is.

use super::{Board, Listing, Opportunity, Pair};
use crate::instrument::common_lot;
use crate::money::{AssetQuantity, Price, Usd, floor_to};
use crate::risk::{Exposure, Gate, Limits};

/// An entry that is worth trying: what the executor is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The pair and what it would bring.
    pub opportunity: Opportunity,
    /// Asset units aimed at on each leg, on the common lot of both venues.
    pub target: AssetQuantity,
    /// Notional of one leg at the prices that were seen.
    pub notional: Usd,
    /// What is bought, as it was known when it was decided.
    pub long: Listing,
    /// What is sold, likewise.
    pub short: Listing,
    /// The quantity grid that both share.
    pub lot: AssetQuantity,
}

/// Sizes an opportunity inside the caps.
///
/// # Errors
/// [`Gate::NoRoom`] when the caps leave less than both venues take.
pub fn size(opportunity: &Opportunity, board: &Board, exposure: &Exposure, limits: &Limits) -> Result<Entry, Gate> {
    let Pair { long, short } = &opportunity.pair;
    let room = exposure.room(limits, long.venue, short.venue);
    let too_small = || Gate::NoRoom { room };
    let (long, short) = board
        .listing(long)
        .zip(board.listing(short))
        .ok_or(Gate::Missing("instrument"))?;
    let ask = |listing: &Listing| {
        let quote = listing.quote.as_ref().ok_or(Gate::Missing("quote"))?;
        Ok(Price(quote.value.ask.0 / listing.instrument.multiplier))
    };
    // At the worst price that an order may pay, so that the caps hold whatever it fills at.
    let price = ask(long)?.max(ask(short)?).shifted(limits.max_slippage);
    let lot = common_lot(&long.instrument, &short.instrument).ok_or_else(too_small)?;
    // Nor more than either venue takes in one order: a part of it, taken back, would cost what the whole does.
    let [bought, sold] = [long, short].map(|listing| {
        let instrument = &listing.instrument;
        instrument.to_asset(instrument.max_market_quantity.min(instrument.max_quantity))
    });
    let most = AssetQuantity(floor_to(bought.min(sold).0, lot.0));
    let target = crate::hedge::size(room, price, lot).min(most);
    let fits = [long, short].into_iter().all(|listing| {
        let instrument = &listing.instrument;
        let unit_price = Price(price.0 * instrument.multiplier);
        instrument.is_orderable(instrument.to_units(target), unit_price)
    });
    if !fits {
        return Err(too_small());
    }
    Ok(Entry {
        opportunity: opportunity.clone(),
        target,
        notional: Usd(target.0 * price.0),
        long: long.clone(),
        short: short.clone(),
        lot,
    })
}

//! How large an entry is.

use super::caps::{in_band, narrowest};
use super::{Board, Listing, Opportunity, Pair};
use crate::instrument::{Side, common_lot};
use crate::market::Quote;
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
/// The cap that leaves less than both venues take ([`Gate::NoRoom`] where it is one of the owner's), or the bound that
/// was never told.
pub fn size(opportunity: &Opportunity, board: &Board, exposure: &Exposure, limits: &Limits) -> Result<Entry, Gate> {
    let Pair { long, short } = &opportunity.pair;
    let mut room = exposure.room(limits, long.venue, short.venue);
    let mut narrow = Gate::NoRoom { room };
    let (long, short) = board
        .listing(long)
        .zip(board.listing(short))
        .ok_or(Gate::Missing("instrument"))?;
    let (bought, sold) = (quote(long)?, quote(short)?);
    let ask = |listing: &Listing, quote: &Quote| Price(quote.ask.0 / listing.instrument.multiplier);
    // At the worst price that an order may pay, so that the caps hold whatever it fills at.
    let price = ask(long, bought).max(ask(short, sold)).shifted(limits.max_slippage);
    let most = limits.max_slippage;
    in_band(&long.instrument, bought, mark(long), Side::Buy, most)?;
    in_band(&short.instrument, sold, mark(short), Side::Sell, most)?;
    for listing in [long, short] {
        let unit = Price(price.0 * listing.instrument.multiplier);
        if let Some((most, gate)) = narrowest(listing, unit, limits)?.filter(|(most, _)| *most < room) {
            (room, narrow) = (most, gate);
        }
    }
    let Some(lot) = common_lot(&long.instrument, &short.instrument) else {
        return Err(narrow);
    };
    // Nor more than either venue takes in one order: a part of it, taken back, would cost what the whole does.
    let [first, second] = [long, short].map(|listing| {
        let instrument = &listing.instrument;
        instrument.to_asset(instrument.max_market_quantity.min(instrument.max_quantity))
    });
    let most = AssetQuantity(floor_to(first.min(second).0, lot.0));
    let target = crate::hedge::size(room, price, lot).min(most);
    let fits = [long, short].into_iter().all(|listing| {
        let instrument = &listing.instrument;
        let unit_price = Price(price.0 * instrument.multiplier);
        instrument.is_orderable(instrument.to_units(target), unit_price)
    });
    if !fits {
        return Err(narrow);
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

fn quote(listing: &Listing) -> Result<&Quote, Gate> {
    let heard = listing.quote.as_ref().ok_or(Gate::Missing("quote"))?;
    Ok(&heard.value)
}

fn mark(listing: &Listing) -> Option<Price> {
    listing.mark.as_ref().map(|heard| heard.value)
}

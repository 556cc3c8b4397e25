//! What bounds one leg beside the owner's limits: its venue's risk tiers and filters, and the size of its market.

use rust_decimal::Decimal;

use crate::instrument::{Instrument, Product, Side};
use crate::market::Quote;
use crate::money::{Bps, Price, Usd};
use crate::risk::{Gate, Limits};

use super::Listing;

const BPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// The narrowest bound of a leg, with the gate that it is; `None` where nothing bounds it. `price` is of one unit.
///
/// # Errors
/// [`Gate::Missing`] where something that bounds it was never told, [`Gate::MarginTier`] where no leverage is allowed.
pub fn narrowest(listing: &Listing, price: Price, limits: &Limits) -> Result<Option<(Usd, Gate)>, Gate> {
    let instrument = &listing.instrument;
    let what = || instrument.id.to_string();
    let mut caps = Vec::new();
    if let Some(tiers) = &instrument.bounds.tiers {
        let most = tiers.most().ok_or(Gate::Missing("risk tiers"))?;
        caps.push((most, Gate::MarginTier { what: what(), most }));
    }
    let part = |share: Bps, of: Usd| Usd(of.0 * share.0 / BPS);
    if let Some(share) = limits
        .shares
        .open_interest
        .filter(|_| instrument.id.product == Product::Perp)
    {
        let open = listing.activity.open_interest.ok_or(Gate::Missing("open interest"))?;
        let most = part(share, price.notional(open));
        caps.push((most, Gate::OpenInterest { what: what(), most }));
    }
    if let Some(share) = limits.shares.volume {
        let traded = listing.activity.volume_24h.ok_or(Gate::Missing("volume of a day"))?;
        let most = part(share, traded);
        caps.push((most, Gate::Volume { what: what(), most }));
    }
    if let Some(most) = instrument.bounds.max_position {
        let gate = Gate::Filter {
            what: what(),
            filter: "greatest position",
            bound: most.0,
        };
        caps.push((price.notional(most), gate));
    }
    Ok(caps.into_iter().min_by_key(|(most, _)| *most))
}

/// Whether the worst price that an entry may be given lies inside the venue's band, which moves with the mark on a
/// perpetual and with the middle on spot.
///
/// # Errors
/// [`Gate::Filter`] with the edge of the band.
pub fn in_band(
    instrument: &Instrument,
    quote: &Quote,
    mark: Option<Price>,
    side: Side,
    slippage: Bps,
) -> Result<(), Gate> {
    let Some(band) = instrument.bounds.band else {
        return Ok(());
    };
    let worst = quote.mid().shifted(Bps(slippage.0 * side.sign()));
    let (most, least) = band.edges(mark.unwrap_or_else(|| quote.mid()));
    let (edge, filter) = match side {
        Side::Buy => (most, "band of prices for buyers"),
        Side::Sell => (least, "band of prices for sellers"),
    };
    if (worst.0 - edge.0) * side.sign() <= Decimal::ZERO {
        return Ok(());
    }
    Err(Gate::Filter {
        what: instrument.id.to_string(),
        filter,
        bound: edge.0,
    })
}

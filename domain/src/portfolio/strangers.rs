//! What somebody else holds and trades on our account.
//!
//! - PO-4  A venue nets everybody's trades in a perpetual into one position. What of it no hedge holds is a stranger's: his
//!   executions move that part first, a hedge loses only what goes beyond it, and nothing is entered there.

use rust_decimal::Decimal;

use crate::instrument::{Instrument, InstrumentId, Product, VenueId};
use crate::money::{AssetQuantity, Quantity};
use crate::order::{Fill, LegIndex};
use crate::reconcile::Inconsistency;

use super::{Portfolio, tracked::Tracked};

/// What a hedge holds of an instrument, in units of the asset; negative is short.
fn held(tracked: &Tracked, id: &InstrumentId) -> Decimal {
    let signed = LegIndex::BOTH.map(|index| {
        let leg = tracked.hedge.leg(index);
        match index {
            _ if leg.instrument.id != *id => Decimal::ZERO,
            LegIndex::Long => leg.held.0,
            LegIndex::Short => -leg.held.0,
        }
    });
    signed.into_iter().sum()
}

impl Portfolio {
    /// What of the account's position in a perpetual no hedge holds, in units of the asset.
    fn beyond_hedges(&self, instrument: &Instrument) -> Decimal {
        let account = instrument.to_asset(self.books.position(&instrument.id)).0;
        let hedges: Decimal = self.hedges.values().map(|tracked| held(tracked, &instrument.id)).sum();
        account - hedges
    }

    /// The part of a foreign execution that meets hedges: what a stranger holds on the other side is his own to move. To be
    /// asked before the execution is booked.
    pub(super) fn meets_hedges(&self, fill: &Fill) -> Quantity {
        let Some((instrument, _)) = self.instruments.get(&fill.instrument) else {
            return fill.quantity;
        };
        if fill.instrument.product != Product::Perp {
            return fill.quantity;
        }
        let his = self.beyond_hedges(instrument);
        let change = fill.side.sign() * instrument.to_asset(fill.quantity).0;
        if his.is_zero() || his.is_sign_negative() == change.is_sign_negative() {
            return fill.quantity;
        }
        let rest = (change.abs() - his.abs()).max(Decimal::ZERO);
        instrument.to_units(AssetQuantity(rest)).min(fill.quantity)
    }

    /// The perpetuals in which somebody else holds a part that can be traded.
    pub(super) fn foreign_positions(&self) -> impl Iterator<Item = Inconsistency> {
        self.books.positions().filter_map(|(id, holding)| {
            let (instrument, _) = self.instruments.get(id)?;
            let beyond = self.beyond_hedges(instrument);
            let least = instrument.to_asset(instrument.min_quantity).0;
            let hedges = instrument.to_asset(holding.quantity).0 - beyond;
            (beyond.abs() >= least && !beyond.is_zero()).then(|| Inconsistency::ForeignPosition {
                instrument: id.clone(),
                account: holding.quantity,
                hedges: Quantity(hedges / instrument.multiplier),
            })
        })
    }

    /// The same at one venue.
    pub(super) fn foreign_positions_at(&self, venue: VenueId) -> Vec<Inconsistency> {
        let at_venue = |one: &Inconsistency| one.uncertain().is_some_and(|id| id.venue == venue);
        self.foreign_positions().filter(at_venue).collect()
    }
}

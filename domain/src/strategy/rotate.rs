//! When a hedge gives way to a better one.

use super::{Opportunity, Pair, Plan};
use crate::carry::Costs;
use crate::instrument::{Name, VenueId};
use crate::money::Bps;
use crate::risk::Gate;

/// What changing from one hedge to another is expected to gain, in basis points of one leg's notional over the planned hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// What the new one brings after all of its own costs, in and out.
    pub enters: Bps,
    /// What the old one would bring if it were kept.
    pub stays: Bps,
    /// What leaving the old one costs now instead of later.
    pub leaving: Bps,
    /// What the change has to gain.
    pub least: Bps,
}

impl Rotation {
    /// What is left of the change.
    pub fn gain(&self) -> Bps {
        self.enters - self.stays - self.leaving
    }
}

/// Whether a hedge that has been held for so many whole hours gives way to one that is expected to bring `enters` after all of
/// its own costs. `stays` is what the old one is expected to bring, without doubt taken away: the new one has to be better in
/// spite of its haircut. The gain has to reach what every entry has to bring, `least`: what little more is promised today is
/// not chased, and two hedges that are alike do not give way to each other in turn.
pub fn gives_way(
    (stays, costs): (Bps, &Costs),
    enters: Bps,
    least: Bps,
    plan: &Plan,
    held_hours: u32,
) -> Option<Rotation> {
    let rotation = Rotation {
        enters,
        stays,
        leaving: Bps((costs.fees + costs.slippage).0 / rust_decimal::Decimal::TWO),
        least,
    };
    (plan.rotation && held_hours >= plan.minimum_hold_hours && rotation.gain() >= least).then_some(rotation)
}

/// Whether `wanted`, which this gate stops, could be entered in the place of a hedge: another pair of its asset, or, where a
/// cap stops it, one at the same venues, whose room is then free.
pub fn makes_room((asset, pair): (&Name, &Pair), wanted: &Opportunity, gate: &Gate) -> bool {
    match gate {
        Gate::AlreadyHedged => *asset == wanted.asset && *pair != wanted.pair,
        Gate::NoRoom { .. } => venues(pair) == venues(&wanted.pair),
        _ => false,
    }
}

fn venues(pair: &Pair) -> [VenueId; 2] {
    let mut both = [pair.long.venue, pair.short.venue];
    both.sort();
    both
}

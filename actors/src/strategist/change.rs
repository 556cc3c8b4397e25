//! Whether a hedge gives way to a better pair that finds no room beside it (`domain::strategy::gives_way`).
//!
//! The change is an exit; the entry is decided in the evaluation after it, like any other: what is better then is entered.

use domain::hedge::HedgeState;
use domain::instrument::VenueId;
use domain::risk::{self, Gate};
use domain::strategy::{Opportunity, Pair, Rotation, gives_way};

use super::Strategist;
use crate::messages::{HedgeBrief, Intent, PortfolioView, Surveyed};

impl Strategist {
    /// The exit of the hedge whose place is worth most to another pair, where there is one.
    pub(super) fn change(&self, portfolio: &PortfolioView, surveyed: &Surveyed) -> Option<Intent> {
        let limits = &self.settings.limits;
        let wanted = self.gate.is_none() && surveyed.best.is_none() && risk::within(limits, portfolio.losses).is_ok();
        if !wanted || !self.settings.plan.rotation {
            return None;
        }
        let open = |hedge: &&HedgeBrief| hedge.state == HedgeState::Open && !self.rests(hedge.id);
        let held = || {
            portfolio
                .hedges
                .iter()
                .zip(&surveyed.stays)
                .filter(|(hedge, _)| open(hedge))
        };
        let pairs = surveyed.refused.iter().filter(|(one, _)| {
            let barred = |leg: VenueId| portfolio.barred_venues.contains_key(&leg);
            !barred(one.pair.long.venue) && !barred(one.pair.short.venue)
        });
        let changes = pairs.flat_map(|(one, gate)| {
            held().filter_map(move |(hedge, stay)| {
                let (expected, costs) = stay.as_ref().filter(|_| makes_room(hedge, one, gate))?;
                let (enters, least) = (one.outlook?.net(), limits.min_spread);
                let rotation = gives_way(
                    (*expected, costs),
                    enters,
                    least,
                    &self.settings.plan,
                    self.held_hours(hedge),
                );
                Some((hedge, one, rotation?))
            })
        });
        let (hedge, one, rotation) = changes.max_by_key(|(_, _, rotation)| rotation.gain())?;
        Some(Intent::Exit {
            hedge: hedge.id,
            reason: reason(one, &rotation),
        })
    }
}

/// Whether a pair could be entered in a hedge's place: another pair of its asset, or, where a cap stops the pair, one at the
/// same venues, whose room is then free.
fn makes_room(hedge: &HedgeBrief, one: &Opportunity, gate: &Gate) -> bool {
    let venues = |pair: &Pair| {
        let mut both = [pair.long.venue, pair.short.venue];
        both.sort();
        both
    };
    match gate {
        Gate::AlreadyHedged => hedge.asset == one.asset && hedge.pair != one.pair,
        Gate::NoRoom { .. } => venues(&hedge.pair) == venues(&one.pair),
        _ => false,
    }
}

fn reason(one: &Opportunity, rotation: &Rotation) -> String {
    let [enters, stays, leaving, gain] =
        [rotation.enters, rotation.stays, rotation.leaving, rotation.gain()].map(|bps| bps.0.round_dp(2));
    format!(
        "gives way to {} / {}: that is expected to bring {enters} bps after its costs, staying {stays} bps, leaving now costs \
         {leaving} bps; {gain} bps are gained, {} are asked for",
        one.pair.long, one.pair.short, rotation.least
    )
}

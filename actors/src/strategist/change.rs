//! Whether a hedge gives way to a better pair that finds no room beside it (`domain::strategy::gives_way`).
//!
//! The change is an exit; the entry is decided in the evaluation after it, like any other: what is better then is entered.

use domain::hedge::HedgeState;
use domain::instrument::VenueId;
use domain::risk;
use domain::strategy::{Opportunity, Rotation, gives_way, makes_room};

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
                let (expected, costs) = stay
                    .as_ref()
                    .filter(|_| makes_room((&hedge.asset, &hedge.pair), one, gate))?;
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

fn reason(one: &Opportunity, rotation: &Rotation) -> String {
    let [enters, stays, leaving, gain] =
        [rotation.enters, rotation.stays, rotation.leaving, rotation.gain()].map(|bps| bps.0.round_dp(2));
    format!(
        "gives way to {} / {}: that is expected to bring {enters} bps after its costs, staying {stays} bps, leaving now costs \
         {leaving} bps; {gain} bps are gained, {} are asked for",
        one.pair.long, one.pair.short, rotation.least
    )
}

//! How near each leg is to being taken over by its venue.
//!
//! - DA-1  A liquidation price that is not told is not taken for one that is far away. Then the account's margin tells how far
//!   prices may move against everything that is held there; where that is not told either, the distance is unknown.
//! - DA-2  While a distance is unknown nothing is entered at that venue, and what stays unknown for ten minutes is left.

use std::collections::BTreeMap;
use std::fmt;

use crate::bounds::LIQUIDATION_NEAR;
use crate::hedge::{Hedge, Leg};
use crate::instrument::{InstrumentId, VenueId};
use crate::money::Bps;
use crate::position::AccountTruth;
use crate::risk::Gate;
use crate::time::Timestamp;

use super::Portfolio;

/// How long a distance may be unknown before the hedge is left, in milliseconds of market time: some readings of a venue
/// that is in trouble for a moment, and far less than a leg at a moderate leverage takes to be lost.
pub const UNKNOWN_FOR_MS: i64 = 600_000;

/// What the last reading of a venue said of one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// Taken over after a move of so much.
    Distance(Bps),
    /// Not told.
    Unknown {
        /// In which reading first.
        since: Timestamp,
        /// In which reading last.
        last: Timestamp,
    },
}

/// A leg that its venue might take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// Which.
    pub leg: InstrumentId,
    /// How near it is; `None` where that has not been told for too long.
    pub distance: Option<Bps>,
}

impl fmt::Display for Danger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = &self.leg;
        match self.distance {
            Some(distance) => write!(out, "{leg} is {} bps from its liquidation", distance.0.round_dp(0)),
            None => write!(
                out,
                "how far {leg} is from its liquidation has not been told for {} minutes",
                UNKNOWN_FOR_MS / 60_000
            ),
        }
    }
}

impl Portfolio {
    /// Takes what a venue says of its positions (DA-1).
    pub(super) fn note_safety(&mut self, truth: &AccountTruth) {
        let by_account = truth.distance_by_margin();
        let mut read = BTreeMap::new();
        for position in &truth.positions {
            let id = &position.instrument;
            let since = match self.safety.get(id) {
                Some(Safety::Unknown { since, .. }) => *since,
                _ => truth.read_at,
            };
            let unknown = Safety::Unknown {
                since,
                last: truth.read_at,
            };
            let distance = position.liquidation_distance().or(by_account);
            read.insert(id.clone(), distance.map_or(unknown, Safety::Distance));
        }
        self.safety.retain(|id, _| id.venue != truth.venue);
        self.safety.extend(read);
    }

    /// The leg of a hedge that its venue might take over, the nearest first.
    pub fn endangered(&self, hedge: &Hedge) -> Option<Danger> {
        let danger = |leg: &InstrumentId| {
            let distance = match *self.safety.get(leg)? {
                Safety::Distance(distance) => (distance < LIQUIDATION_NEAR).then_some(Some(distance)),
                Safety::Unknown { since, last } => (last.millis_since(since) >= UNKNOWN_FOR_MS).then_some(None),
            }?;
            Some(Danger {
                leg: leg.clone(),
                distance,
            })
        };
        let found = legs(hedge).into_iter().filter_map(danger);
        found.min_by_key(|danger| danger.distance)
    }

    /// A leg of a hedge of which it is unknown how far it is from its liquidation.
    pub fn unknown_liquidation<'a>(&self, hedge: &'a Hedge) -> Option<&'a InstrumentId> {
        let unknown = |id: &&InstrumentId| matches!(self.safety.get(*id), Some(Safety::Unknown { .. }));
        legs(hedge).into_iter().find(unknown)
    }

    /// The venues at which nothing may be entered, each with its gate (DA-2). What is held there and is not ours is its
    /// owner's risk.
    pub fn barred_venues(&self) -> BTreeMap<VenueId, Gate> {
        let unknown = self
            .hedges
            .values()
            .filter_map(|tracked| self.unknown_liquidation(&tracked.hedge));
        unknown
            .map(|id| (id.venue, Gate::LiquidationUnknown(id.venue)))
            .collect()
    }

    /// How far a leg's position was from its liquidation when its venue was read last, where that is known.
    pub fn liquidation_distance(&self, leg: &Leg) -> Option<Bps> {
        match self.safety.get(&leg.instrument.id)? {
            Safety::Distance(distance) => Some(*distance),
            Safety::Unknown { .. } => None,
        }
    }
}

fn legs(hedge: &Hedge) -> [&InstrumentId; 2] {
    [&hedge.long.instrument.id, &hedge.short.instrument.id]
}

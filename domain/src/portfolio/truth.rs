//! What is asked of a venue, and whether its answer agrees.

use std::collections::BTreeSet;

use crate::instrument::{InstrumentId, VenueId};
use crate::order::ClientOrderId;
use crate::position::AccountTruth;
use crate::reconcile::{Belief, Inconsistency, differences};
use crate::time::{HOUR_MS, Timestamp};

use super::{Portfolio, tracked::Tracked};

/// How long after its last trade an instrument's executions are still asked for, in hours of market time.
const WATCH_HOURS: i64 = 48;
/// How far back rows are asked for again: a venue may show them late.
const OVERLAP_MS: i64 = HOUR_MS;

impl Portfolio {
    /// From where the rows of a venue are asked for: its last agreement, and some more, because a venue may show a row
    /// late. Rows that arrive in between by another road do not move it.
    pub fn rows_since(&self, venue: VenueId, now: Timestamp) -> Timestamp {
        let opened = self.opened_at.get(&venue).copied().unwrap_or(now);
        self.agreed_at
            .get(&venue)
            .map_or(opened, |agreed| agreed.plus_millis(-OVERLAP_MS).max(opened))
    }

    /// Instruments of a venue whose executions are asked for: those of hedges, and those traded lately.
    pub fn watched(&self, venue: VenueId, now: Timestamp) -> Vec<InstrumentId> {
        let since = now.plus_hours(-WATCH_HOURS);
        let recent = self.traded_at.iter().filter(|(_, at)| **at >= since).map(|(id, _)| id);
        let legs = |tracked: &'_ Tracked| {
            let Tracked { hedge, .. } = tracked;
            [hedge.long.instrument.id.clone(), hedge.short.instrument.id.clone()]
        };
        let held = self.hedges.values().flat_map(legs);
        let all: BTreeSet<_> = recent.cloned().chain(held).filter(|id| id.venue == venue).collect();
        all.into_iter().collect()
    }

    /// Holds the books against a venue's truth, after every row of that truth has been believed. An answer that agrees
    /// is where rows are asked from the next time.
    pub fn compare(&mut self, truth: &AccountTruth) -> Vec<Inconsistency> {
        let live_orders: BTreeSet<ClientOrderId> = self
            .orders
            .iter()
            .filter(|(_, row)| !row.state.is_terminal())
            .map(|(id, _)| id.clone())
            .collect();
        let belief = Belief {
            books: &self.books,
            live_orders: &live_orders,
            tag: &self.tag,
        };
        let mut found = differences(belief, truth);
        self.note_safety(truth);
        if found.is_empty() {
            self.agreed_at.insert(truth.venue, truth.read_at);
        }
        found.extend(self.foreign_positions_at(truth.venue));
        let uncertain = found.iter().filter_map(Inconsistency::uncertain).cloned().collect();
        self.uncertain.insert(truth.venue, uncertain);
        found
    }
}

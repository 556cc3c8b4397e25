//! What a comparison of ledger and venues means for entries: decided in `domain::reconcile`, carried out here.

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::instrument::VenueId;
use domain::pause::PauseReason;
use domain::reconcile::Inconsistency;
use slog::warn;

use super::Supervisor;
use crate::position_keeper::Reconciled;

impl Supervisor {
    pub(super) fn judge(&mut self, reconciled: &Reconciled, at_start: bool, ctx: &mut Context<Self>) {
        for found in &reconciled.found {
            if let Inconsistency::UnreachableVenue { venue, reason } = found {
                warn!(self.log, "a venue could not be read"; "venue" => %venue, "reason" => reason);
            }
        }
        let judgement = self.review.judge(&reconciled.found, reconciled.holding);
        for venue in VenueId::ALL {
            let reason = PauseReason::VenueDegraded(venue);
            if judgement.silent.contains(&venue) {
                self.pause_now(reason, ctx);
            } else if !self.feeds_fail(venue) {
                self.cleared(&reason.key());
            }
        }
        if !judgement.news.is_empty() {
            let name = if at_start {
                AlertName::StartupInconsistency
            } else {
                AlertName::Inconsistency
            };
            warn!(self.log, "the ledger and the venues differ"; "differences" => judgement.news.join("; "));
            self.tell(Alert::new(name, "reconciliation", judgement.news.join("\n")), ctx);
        }
        if judgement.needs_a_person {
            self.pause_now(PauseReason::Inconsistent, ctx);
        }
    }

    fn feeds_fail(&self, venue: VenueId) -> bool {
        let mut branches = self.tree.values();
        branches.any(|branch| branch.feed_of == Some(venue) && branch.degraded)
    }
}

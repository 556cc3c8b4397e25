//! Who may send and who may write.
//!
//! - I5  Bytes of an order leave only a process that holds the newest lease with its margin left; epochs grow; rows of an
//!   older epoch never follow those of a newer one.

use std::collections::BTreeMap;

use crate::bounds::Bounds;
use crate::fact::{Request, Standing};
use crate::findings::Findings;

/// Leases by process, and how leadership changed hands.
#[derive(Debug, Default)]
pub struct Leadership {
    held: BTreeMap<u32, (u64, i64)>,
    newest: Option<(u64, u32)>,
    rows: u64,
    /// Since when the leader is dead or stopped.
    gone_since: Option<i64>,
    longest_takeover_ms: Option<i64>,
}

impl Leadership {
    /// The ledger gave or prolonged a lease.
    pub fn lease(&mut self, process: u32, epoch: u64, expires_at_ms: i64, findings: &mut Findings) {
        match self.newest {
            Some((newest, _)) if epoch < newest => {
                findings.broken(
                    "I5",
                    format!("process {process} got epoch {epoch} after epoch {newest}"),
                );
            }
            Some((newest, leader)) if epoch == newest && leader != process => {
                findings.broken("I5", format!("processes {leader} and {process} share epoch {epoch}"));
            }
            Some((newest, leader)) if epoch > newest && leader != process => {
                if let Some(since) = self.gone_since.take() {
                    let lasted = findings.at_ms() - since;
                    self.longest_takeover_ms = Some(self.longest_takeover_ms.unwrap_or(0).max(lasted));
                }
            }
            _ => {}
        }
        if self.newest.is_none_or(|(newest, _)| epoch >= newest) {
            self.newest = Some((epoch, process));
        }
        // Of two renewals the one that lasts longer counts, in whatever order they were told.
        let held = self.held.entry(process).or_insert((epoch, expires_at_ms));
        *held = (*held).max((epoch, expires_at_ms));
    }

    /// A process was started, stopped or ended.
    pub fn process(&mut self, process: u32, standing: Standing, at_ms: i64) {
        let leads = self.newest.is_some_and(|(_, leader)| leader == process);
        match standing {
            Standing::Dead | Standing::Frozen if leads => self.gone_since = self.gone_since.or(Some(at_ms)),
            Standing::Thawed if leads => self.gone_since = None,
            // Nobody can take over before he is there.
            Standing::Started => self.gone_since = self.gone_since.map(|_| at_ms),
            _ => {}
        }
    }

    /// The ledger committed rows of an epoch.
    pub fn rows(&mut self, epoch: u64, findings: &mut Findings) {
        if epoch < self.rows {
            let newest = self.rows;
            findings.broken(
                "I5",
                format!("rows of epoch {epoch} were written after rows of epoch {newest}"),
            );
        }
        self.rows = self.rows.max(epoch);
    }

    /// Bytes of an order or a cancellation left.
    pub fn sent(&self, request: &Request, bounds: &Bounds, findings: &mut Findings) {
        findings.exercise("I5");
        let (process, id, now) = (request.process, &request.client_id, findings.at_ms());
        let newest = self.newest.map_or(0, |(newest, _)| newest);
        match self.held.get(&process) {
            None => findings.broken("I5", format!("process {process} sent {id} without a lease")),
            Some((epoch, _)) if *epoch < newest => {
                findings.broken(
                    "I5",
                    format!("process {process} sent {id} in epoch {epoch}; the newest is {newest}"),
                );
            }
            Some((_, expires)) if expires - now < bounds.lease_margin_ms => {
                let left = expires - now;
                findings.broken(
                    "I5",
                    format!("process {process} sent {id} with {left} ms of its lease left"),
                );
            }
            Some(_) => {}
        }
    }

    /// The longest time from the death or the stop of a leader, or the start of its successor if that came later, to the
    /// successor's lease.
    #[must_use]
    pub fn longest_takeover_ms(&self) -> Option<i64> {
        self.longest_takeover_ms
    }
}

//! What must come about in time.
//!
//! - I21  After the last trouble the engine settles: it runs, or is paused for a named reason, and no order is open.
//! - I22  A hedge that somebody wants to leave without troubles is flat in time.

use std::collections::BTreeMap;

use crate::bounds::Bounds;
use crate::findings::Findings;

/// What is waited for.
#[derive(Debug, Default)]
pub struct Liveness {
    troubles_over: Option<i64>,
    leaving: BTreeMap<String, i64>,
    longest_recovery_ms: i64,
    longest_exit_ms: i64,
}

impl Liveness {
    /// Nothing bad happens from here on.
    pub fn troubles_over(&mut self, at_ms: i64) {
        self.troubles_over = Some(at_ms);
    }

    /// The engine has settled.
    pub fn settled(&mut self, bounds: &Bounds, findings: &mut Findings) {
        if let Some(since) = self.troubles_over.take() {
            self.judge_settling(findings.at_ms() - since, bounds, findings);
        }
    }

    fn judge_settling(&mut self, took: i64, bounds: &Bounds, findings: &mut Findings) {
        self.longest_recovery_ms = self.longest_recovery_ms.max(took);
        findings.exercise("I21");
        let most = bounds.settled_within_ms;
        if took > most {
            findings.broken(
                "I21",
                format!("{took} ms after the last trouble it had not settled, allowed {most}"),
            );
        }
    }

    /// Somebody wants to leave a hedge.
    pub fn leave(&mut self, hedge: &str, at_ms: i64) {
        self.leaving.entry(hedge.to_owned()).or_insert(at_ms);
    }

    /// A hedge holds nothing any more.
    pub fn flat(&mut self, hedge: &str, bounds: &Bounds, findings: &mut Findings) {
        if let Some(since) = self.leaving.remove(hedge) {
            self.judge_exit(hedge, findings.at_ms() - since, bounds, findings);
        }
    }

    fn judge_exit(&mut self, hedge: &str, took: i64, bounds: &Bounds, findings: &mut Findings) {
        self.longest_exit_ms = self.longest_exit_ms.max(took);
        findings.exercise("I22");
        let most = bounds.flat_within_ms;
        if took > most {
            findings.broken(
                "I22",
                format!("hedge {hedge} was not flat {took} ms after it was to be left, allowed {most}"),
            );
        }
    }

    /// The world is at rest: whatever is still waited for does not come.
    pub fn rest(&mut self, bounds: &Bounds, findings: &mut Findings) {
        let now = findings.at_ms();
        for (hedge, since) in std::mem::take(&mut self.leaving) {
            self.judge_exit(&hedge, now - since, bounds, findings);
        }
        if let Some(since) = self.troubles_over.take() {
            self.judge_settling(now - since, bounds, findings);
        }
    }

    /// The longest time to settle after the troubles.
    #[must_use]
    pub fn longest_recovery_ms(&self) -> i64 {
        self.longest_recovery_ms
    }

    /// The longest time to leave a hedge.
    #[must_use]
    pub fn longest_exit_ms(&self) -> i64 {
        self.longest_exit_ms
    }
}

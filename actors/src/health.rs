//! What `/health` answers, kept where any thread can read it without asking an actor.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::time::Machine;

/// One thing that must keep happening.
#[derive(Clone, Copy, Debug)]
struct Check {
    last: Machine,
    bound: Duration,
    failed: bool,
}

/// The checks and the mode, shared between the supervisor and the HTTP thread.
#[derive(Clone, Debug, Default)]
pub struct HealthBoard {
    checks: Arc<Mutex<BTreeMap<String, Check>>>,
    mode: Arc<Mutex<String>>,
    /// Milliseconds of machine time at which every core actor was last seen alive.
    progress: Arc<AtomicU64>,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// Which check.
    pub name: String,
    /// Whether it happened recently enough.
    pub ok: bool,
    /// How long ago.
    pub age: Duration,
}

impl HealthBoard {
    /// Something happened; it must happen again within `bound`.
    pub fn beat(&self, name: &str, now: Machine, bound: Duration) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.insert(
            name.to_owned(),
            Check {
                last: now,
                bound,
                failed: false,
            },
        );
    }

    /// Something is known to be broken, whatever its age.
    pub fn fail(&self, name: &str) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let check = checks.entry(name.to_owned()).or_insert(Check {
            last: Machine::default(),
            bound: Duration::ZERO,
            failed: true,
        });
        check.failed = true;
    }

    /// Sets the mode that is shown.
    pub fn set_mode(&self, mode: &str) {
        mode.clone_into(&mut self.mode.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The mode.
    pub fn mode(&self) -> String {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every check as of `now`, in order of its name.
    pub fn read(&self, now: Machine) -> Vec<CheckResult> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let result = |(name, check): (&String, &Check)| {
            let age = now.since(check.last);
            CheckResult {
                name: name.clone(),
                ok: !check.failed && age <= check.bound,
                age,
            }
        };
        checks.iter().map(result).collect()
    }

    /// Says that every core actor was seen alive.
    pub fn progressed(&self, now: Machine) {
        self.progress
            .store(u64::try_from(now.0.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When every core actor was last seen alive.
    pub fn last_progress(&self) -> Machine {
        Machine(Duration::from_millis(self.progress.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_fails_by_age_and_by_word() {
        let (board, second) = (HealthBoard::default(), Duration::from_secs(1));
        board.beat("scanner", Machine(second), second * 2);
        assert!(board.read(Machine(second * 3)).iter().all(|check| check.ok));
        assert!(board.read(Machine(second * 4)).iter().all(|check| !check.ok));
        board.beat("scanner", Machine(second * 4), second * 2);
        board.fail("lease");
        let read = board.read(Machine(second * 4));
        assert_eq!(
            read.iter()
                .map(|check| (check.name.as_str(), check.ok))
                .collect::<Vec<_>>(),
            [("lease", false), ("scanner", true)]
        );
    }
}

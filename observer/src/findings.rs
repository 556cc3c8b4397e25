//! Violations, and how often each invariant was put to the test.

use std::collections::BTreeMap;

use serde::Serialize;

/// The invariants that are judged here. I7 is not among them: it speaks of doors, and no fact is about one.
pub const INVARIANTS: [&str; 18] = [
    "I1", "I2a", "I2b", "I3", "I4", "I5", "I6", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "I16", "I18", "I21",
    "I22",
];

/// Violations kept with their text. One planted bug can break thousands; the first ones tell, the rest are counted.
pub const KEPT: usize = 1_000;

/// One broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{invariant} broken at fact {sequence} ({at_ms} ms): {text}")]
pub struct Violation {
    /// Its number, one of [`INVARIANTS`].
    pub invariant: &'static str,
    /// What was seen, with the numbers.
    pub text: String,
    /// Number of the fact that showed it; the first fact is 1.
    pub sequence: u64,
    /// True time of that fact.
    pub at_ms: i64,
}

/// Where the checks write.
#[derive(Debug)]
pub struct Findings {
    sequence: u64,
    at_ms: i64,
    count: u64,
    violations: Vec<Violation>,
    exercised: BTreeMap<&'static str, u64>,
}

impl Default for Findings {
    fn default() -> Self {
        let exercised = INVARIANTS.into_iter().map(|invariant| (invariant, 0)).collect();
        Self {
            sequence: 0,
            at_ms: 0,
            count: 0,
            violations: Vec::new(),
            exercised,
        }
    }
}

impl Findings {
    /// Numbers the next fact.
    pub fn next_fact(&mut self, at_ms: i64) -> u64 {
        self.at_ms = at_ms;
        self.sequence += 1;
        self.sequence
    }

    /// True time of the last fact.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }

    /// An invariant was put to the test, whatever came out.
    pub fn exercise(&mut self, invariant: &'static str) {
        *self.exercised.entry(invariant).or_default() += 1;
    }

    /// An invariant did not hold.
    pub fn broken(&mut self, invariant: &'static str, text: String) {
        self.count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(Violation {
                invariant,
                text,
                sequence: self.sequence,
                at_ms: self.at_ms,
            });
        }
    }

    /// The first [`KEPT`] violations.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// All violations, counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Tests per invariant.
    #[must_use]
    pub fn exercised(&self) -> &BTreeMap<&'static str, u64> {
        &self.exercised
    }
}

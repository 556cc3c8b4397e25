//! Two clocks. *Market time* is the calendar that venues settle funding by (UTC). *Machine time* is monotonic and
//! measures ages, deadlines and naked seconds; it never jumps, whatever the calendar does.

use std::time::Duration;

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// An instant of market time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds since 1970-01-01 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to this; negative when `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved by whole hours, backwards when negative.
    #[must_use]
    pub const fn plus_hours(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours.saturating_mul(HOUR_MS)))
    }

    /// This instant moved by milliseconds, backwards when negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// An instant of machine time: how long the process has been running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine(pub Duration);

impl Machine {
    /// Time since `earlier`; nothing when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant and a while.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(while_))
    }
}

/// What time it is, by both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// By the calendar.
    pub market: Timestamp,
    /// By the process.
    pub machine: Machine,
}

//! How far the venue's clock is from ours: venues refuse requests stamped outside a narrow window.

use std::cell::Cell;
use std::time::Duration;

use domain::time::{Machine, Now, Timestamp};

/// A measurement older than this is taken again.
const MAX_AGE: Duration = Duration::from_mins(1);

/// The measured distance, added to our market time when a request is stamped.
#[derive(Debug, Default)]
pub struct Offset {
    measured: Cell<Option<(i64, Machine)>>,
}

impl Offset {
    /// Not measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is time to ask the venue for its time.
    pub fn is_due(&self, now: Now) -> bool {
        self.measured
            .get()
            .is_none_or(|(_, at)| now.machine.since(at) >= MAX_AGE)
    }

    /// Whether it was ever measured, and not found wrong since.
    pub fn is_known(&self) -> bool {
        self.measured.get().is_some()
    }

    /// Learns from one question: the venue read its clock halfway through the round trip.
    pub fn learn(&self, sent: Now, server: Timestamp, received: Now) {
        let middle = sent.market.plus_millis(received.market.millis_since(sent.market) / 2);
        self.measured.set(Some((server.millis_since(middle), received.machine)));
    }

    /// The measurement proved wrong: the next request asks for a new one.
    pub fn forget(&self) {
        self.measured.set(None);
    }

    /// The measured distance, in milliseconds; nothing where it was never measured.
    pub fn millis(&self) -> i64 {
        self.measured.get().map_or(0, |(millis, _)| millis)
    }

    /// The venue's time now, as well as it is known.
    pub fn stamp(&self, now: Now) -> Timestamp {
        now.market.plus_millis(self.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(millis: i64) -> Now {
        Now {
            market: Timestamp(millis),
            machine: Machine(Duration::from_millis(millis.unsigned_abs())),
        }
    }

    #[test]
    fn the_middle_of_the_round_trip_counts() {
        let offset = Offset::new();
        assert!(offset.is_due(now(0)));
        offset.learn(now(1000), Timestamp(5050), now(1100));
        assert_eq!(offset.stamp(now(2000)), Timestamp(6000));
        assert!(!offset.is_due(now(61_099)) && offset.is_due(now(61_100)));
        offset.forget();
        assert!(offset.is_due(now(1200)));
    }
}

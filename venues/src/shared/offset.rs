//! How far the venue's clock is from ours: venues refuse requests stamped outside a narrow window.

use std::cell::Cell;
use std::time::Duration;

use domain::time::{Machine, Now, Timestamp};

/// A measurement older than this is taken again before a question is asked.
pub const FOR_QUESTIONS: Duration = Duration::from_mins(1);
/// The same before an order: the books behind it are seconds old at most, and a measurement would use up that time. The
/// questions of every minute keep it young; a clock that is stepped meanwhile is found by the venue's refusal.
pub const FOR_ORDERS: Duration = Duration::from_mins(10);

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

    /// Whether it is time to ask the venue for its time: it never was, or that is `oldest` ago.
    pub fn is_due(&self, now: Now, oldest: Duration) -> bool {
        self.measured
            .get()
            .is_none_or(|(_, at)| now.machine.since(at) >= oldest)
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
        assert!(offset.is_due(now(0), FOR_ORDERS));
        offset.learn(now(1000), Timestamp(5050), now(1100));
        assert_eq!(offset.stamp(now(2000)), Timestamp(6000));
        let asked = |millis| [FOR_QUESTIONS, FOR_ORDERS].map(|oldest| offset.is_due(now(millis), oldest));
        assert_eq!(asked(61_099), [false, false]);
        assert_eq!(asked(61_100), [true, false]);
        assert_eq!(asked(601_100), [true, true]);
        offset.forget();
        assert!(offset.is_due(now(1200), FOR_ORDERS));
    }
}

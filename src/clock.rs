//! Real time, and the demo's scaled time: the only place that reads the machine's clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::ports::Clock;
use domain::time::{Machine, Now, Timestamp};

/// A clock whose market time runs `speed` times as fast as the machine, from a chosen instant. At speed 1 from now it
/// is the real one. Machine time is never scaled: latency, ages and deadlines are what they are.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    started: Instant,
    epoch: Timestamp,
    speed: u32,
}

impl ScaledClock {
    /// Real time.
    pub fn real() -> Self {
        Self::scaled(wall(), 1)
    }

    /// Market time that begins at `epoch` now and runs `speed` times as fast.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else is handed"
    )]
    pub fn scaled(epoch: Timestamp, speed: u32) -> Self {
        Self {
            started: Instant::now(),
            epoch,
            speed,
        }
    }

    /// Both clocks. At speed 1 the calendar follows the system's, steps included.
    pub fn read(&self) -> Now {
        let machine = self.started.elapsed();
        let market = if self.speed == 1 {
            wall()
        } else {
            self.epoch.plus_millis(scaled_ms(machine, self.speed))
        };
        Now {
            market,
            machine: Machine(machine),
        }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Now {
        self.read()
    }
}

fn scaled_ms(elapsed: Duration, speed: u32) -> i64 {
    let micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
    micros.saturating_mul(i64::from(speed)) / 1_000
}

/// The system's calendar.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else is handed"
)]
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn market_time_is_scaled_and_machine_time_is_not() {
        assert_eq!(scaled_ms(Duration::from_millis(10), 7_200), 72_000);
        let clock = ScaledClock::scaled(Timestamp(1_000), 3_600);
        let now = clock.read();
        assert!(now.market >= Timestamp(1_000) && now.machine.0 < Duration::from_mins(1));
    }
}

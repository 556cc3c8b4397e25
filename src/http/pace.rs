//! How often control may be called: many times at once, then once a second. A loop that has gone wild must not fill the
//! audit log; a person never notices.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::time::Machine;

/// Calls that may come at once.
const BURST: u32 = 30;
/// One more call is allowed each.
const EACH: Duration = Duration::from_secs(1);

/// What is left, and since when it grows.
#[derive(Debug)]
pub struct Pace(Mutex<(u32, Machine)>);

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new((BURST, Machine::default())))
    }
}

impl Pace {
    /// Takes one call.
    ///
    /// # Errors
    /// Whole seconds until the next one is allowed.
    pub fn take(&self, now: Machine) -> Result<(), u64> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *held;
        let grown = now.since(*since).as_secs() / EACH.as_secs();
        *left = left.saturating_add(u32::try_from(grown).unwrap_or(BURST)).min(BURST);
        *since = if *left == BURST {
            now
        } else {
            since.plus(Duration::from_secs(grown))
        };
        match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                Ok(())
            }
            None => Err(EACH.saturating_sub(now.since(*since)).as_secs().max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_one_a_second() {
        let (pace, at) = (Pace::default(), |millis| Machine(Duration::from_millis(millis)));
        for _ in 0..BURST {
            assert_eq!(pace.take(at(500)), Ok(()));
        }
        assert_eq!(pace.take(at(600)), Err(1));
        assert_eq!(pace.take(at(1_600)), Ok(()));
        assert_eq!(pace.take(at(1_700)), Err(1));
        for _ in 0..BURST {
            assert_eq!(
                pace.take(at(3_600_000)),
                Ok(()),
                "an hour later the whole burst is there again"
            );
        }
        assert_eq!(pace.take(at(3_600_000)), Err(1));
    }
}

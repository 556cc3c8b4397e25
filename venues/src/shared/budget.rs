//! How much may be asked of a venue, and when nothing may be asked at all.
//!
//! - RB-1  Nothing is sent inside a window that the venue closed.
//! - RB-2  Reading never uses the part that is reserved for orders.

use std::time::Duration;

use domain::time::Machine;

/// Whose part of the budget a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Placing, finding and cancelling orders: may use the reserve.
    Order,
    /// Everything else.
    Read,
}

/// The size of a venue's budget.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Weight allowed in one window.
    pub per_window: u32,
    /// The window.
    pub window: Duration,
    /// Weight that only orders may use.
    pub reserve: u32,
    /// The response header (lower case) with the weight used in the present window, where the venue tells.
    pub used_header: Option<&'static str>,
}

/// Request weight in the present window.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    used: u32,
    /// Of what was taken: what has not been answered yet, and so may not be in the venue's count.
    in_flight: u32,
    since: Machine,
    closed_until: Option<Machine>,
}

impl Budget {
    /// A full budget.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            used: 0,
            in_flight: 0,
            since: Machine(Duration::ZERO),
            closed_until: None,
        }
    }

    /// Takes `weight`, or says how many seconds to wait.
    ///
    /// # Errors
    /// The seconds until asking again makes sense, at least 1.
    pub fn admit(&mut self, now: Machine, weight: u32, priority: Priority) -> Result<(), u64> {
        if let Some(until) = self.closed_until {
            if now < until {
                return Err(whole_seconds(until.since(now)));
            }
            self.closed_until = None;
        }
        let mut age = now.since(self.since);
        if age >= self.limits.window {
            age = Duration::ZERO;
            // What is still under way counts in the window in which it arrives.
            (self.used, self.since) = (self.in_flight, now);
        }
        let allowed = match priority {
            Priority::Order => self.limits.per_window,
            Priority::Read => self.limits.per_window.saturating_sub(self.limits.reserve),
        };
        let used = self.used.saturating_add(weight);
        if used > allowed {
            return Err(whole_seconds(self.limits.window.saturating_sub(age)));
        }
        self.used = used;
        self.in_flight = self.in_flight.saturating_add(weight);
        Ok(())
    }

    /// A request that was admitted is over, whatever became of it.
    pub const fn over(&mut self, weight: u32) {
        self.in_flight = self.in_flight.saturating_sub(weight);
    }

    /// The venue's own count: it also knows what others behind the same address have used. What is under way meanwhile
    /// comes on top: the venue may not have counted it yet.
    pub fn heard(&mut self, now: Machine, used: u32) {
        let used = used.saturating_add(self.in_flight);
        // The venue's window turned, or it counts more than we do: its word holds either way.
        if used < self.used {
            self.since = now;
        }
        self.used = used;
    }

    /// Closes the gate. A window that is already closed for longer stays so.
    pub fn close(&mut self, now: Machine, wait_seconds: u64) {
        let until = now.plus(Duration::from_secs(wait_seconds.max(1)));
        self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
    }

    /// For how much longer the venue's closed window lasts; `None` when there is none.
    pub fn closed_for(&self, now: Machine) -> Option<Duration> {
        let until = self.closed_until.filter(|until| now < *until)?;
        Some(until.since(now))
    }

    /// The header that carries the venue's count.
    pub const fn used_header(&self) -> Option<&'static str> {
        self.limits.used_header
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Budget {
        Budget::new(Limits {
            per_window: 100,
            window: Duration::from_mins(1),
            reserve: 20,
            used_header: None,
        })
    }

    fn at(seconds: u64) -> Machine {
        Machine(Duration::from_secs(seconds))
    }

    #[test]
    fn reading_leaves_the_reserve_to_orders() {
        let mut budget = budget();
        assert_eq!(budget.admit(at(0), 80, Priority::Read), Ok(()));
        assert_eq!(budget.admit(at(10), 1, Priority::Read), Err(50));
        assert_eq!(budget.admit(at(10), 20, Priority::Order), Ok(()));
        assert_eq!(budget.admit(at(10), 1, Priority::Order), Err(50));
        budget.over(100);
        assert_eq!(budget.admit(at(60), 80, Priority::Read), Ok(()));
    }

    #[test]
    fn a_closed_window_stops_orders_too_until_it_is_over() {
        let mut budget = budget();
        budget.close(at(0), 30);
        budget.close(at(0), 5);
        assert_eq!(budget.closed_for(at(10)), Some(Duration::from_secs(20)));
        assert_eq!(budget.admit(at(29), 0, Priority::Order), Err(1));
        assert_eq!(budget.closed_for(at(30)), None);
        assert_eq!(budget.admit(at(30), 0, Priority::Order), Ok(()));
    }

    #[test]
    fn what_is_under_way_is_not_forgotten_when_the_venue_counts() {
        let mut budget = budget();
        assert_eq!(budget.admit(at(1), 5, Priority::Read), Ok(()));
        assert_eq!(budget.admit(at(1), 70, Priority::Read), Ok(()));
        budget.over(5);
        budget.heard(at(1), 5); // the 70 had not arrived
        assert_eq!(budget.admit(at(2), 6, Priority::Read), Err(58));
        budget.over(70);
        budget.heard(at(2), 75);
        assert_eq!(budget.admit(at(2), 5, Priority::Read), Ok(()));
        // Nor when the window turns.
        assert_eq!(budget.admit(at(62), 76, Priority::Read), Err(60));
    }

    #[test]
    fn the_venues_count_overrides_ours() {
        let mut budget = budget();
        budget.heard(at(1), 79);
        assert_eq!(budget.admit(at(1), 1, Priority::Read), Ok(()));
        assert!(budget.admit(at(1), 1, Priority::Read).is_err());
    }
}

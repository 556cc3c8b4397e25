//! Who may trade: one holder at a time, each in an epoch of its own.
//!
//! - LE-1  Epochs only grow; every change of holder is a new epoch.
//! - LE-2  A holder acts only while more than a margin is left, so that a slow clock never makes two.
//! - LE-3  A holder that is proven dead is followed at once, any other when its term is over.

use std::time::Duration;

use crate::order::Epoch;
use crate::time::{Machine, Timestamp};

/// How long a lease lasts without renewal, in market time.
pub const TERM_MS: i64 = 15_000;
/// How often a holder renews, in machine time.
pub const RENEW_EVERY: Duration = Duration::from_secs(3);
/// What must be left of the term for an order to leave (LE-2): a third of it.
pub const MARGIN: Duration = Duration::from_secs(5);

/// The row in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// Who holds it; empty after a release.
    pub holder: String,
    /// Its term.
    pub epoch: Epoch,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
}

impl LeaseRow {
    fn is_led_by_another(&self, claimant: &str) -> bool {
        !self.holder.is_empty() && self.holder != claimant
    }
}

/// What a claimant may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Write this row, if the old one is still as it was read.
    Take(LeaseRow),
    /// Somebody else holds it until then.
    Wait(Timestamp),
}

/// Decides a claim by `holder` at `now`, for `term_ms` of market time. `dead` names a holder that is proven to live no
/// more.
pub fn claim(row: Option<&LeaseRow>, holder: &str, now: Timestamp, term_ms: i64, dead: Option<&str>) -> Claim {
    let expires_at = now.plus_millis(term_ms);
    match row {
        Some(held) if held.is_led_by_another(holder) && held.expires_at > now && dead != Some(&held.holder) => {
            Claim::Wait(held.expires_at)
        }
        Some(old) => Claim::Take(LeaseRow {
            holder: holder.to_owned(),
            epoch: Epoch(old.epoch.0 + 1),
            expires_at,
        }),
        None => Claim::Take(LeaseRow {
            holder: holder.to_owned(),
            epoch: Epoch(1),
            expires_at,
        }),
    }
}

/// A lease that this process holds, on its own monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The term of office.
    pub epoch: Epoch,
    /// When it ends, counted from before the renewal was asked for.
    pub until: Machine,
}

/// Until when a lease lasts after a renewal that asked for `asked`, where it lasted until `held`. A renewal that was long on
/// its way takes back nothing of a younger one that overtook it: its holder believes the younger one. What lies beyond a
/// term was written by a clock that has been set back since, and is not believed.
pub fn renewed(held: Timestamp, asked: Timestamp) -> Timestamp {
    if held.millis_since(asked) > TERM_MS {
        asked
    } else {
        held.max(asked)
    }
}

impl Held {
    /// Whether an order may leave now (LE-2).
    pub fn allows_orders(&self, now: Machine) -> bool {
        now.plus(MARGIN) < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(holder: &str, epoch: u64, expires: i64) -> LeaseRow {
        LeaseRow {
            holder: holder.to_owned(),
            epoch: Epoch(epoch),
            expires_at: Timestamp(expires),
        }
    }

    #[test]
    fn a_living_holder_is_waited_for_and_a_dead_one_is_followed() {
        let held = row("a", 4, 1_000);
        assert_eq!(
            claim(Some(&held), "b", Timestamp(999), 10, None),
            Claim::Wait(Timestamp(1_000))
        );
        assert_eq!(
            claim(Some(&held), "b", Timestamp(1_000), 10, None),
            Claim::Take(row("b", 5, 1_010))
        );
        assert_eq!(
            claim(Some(&row("", 5, 9_999)), "c", Timestamp(0), 10, None),
            Claim::Take(row("c", 6, 10))
        );
        assert_eq!(claim(None, "a", Timestamp(0), 10, None), Claim::Take(row("a", 1, 10)));
    }

    #[test]
    fn only_the_holder_itself_is_followed_early_when_somebody_is_proven_dead() {
        let held = row("a", 4, 1_000);
        let claimed = |dead| claim(Some(&held), "b", Timestamp(0), 10, Some(dead));
        assert_eq!(claimed("a"), Claim::Take(row("b", 5, 10)));
        assert_eq!(claimed("z"), Claim::Wait(Timestamp(1_000)));
    }

    #[test]
    fn the_last_third_of_a_term_sends_nothing() {
        let held = Held {
            epoch: Epoch(1),
            until: Machine(Duration::from_secs(15)),
        };
        assert!(held.allows_orders(Machine(Duration::from_secs(9))));
        assert!(!held.allows_orders(Machine(Duration::from_secs(10))));
    }

    #[test]
    fn a_renewal_that_was_overtaken_takes_nothing_back() {
        let at = |seconds: i64| Timestamp(seconds * 1_000);
        for (held, asked, until) in [(20, 25, 25), (25, 20, 25), (35, 20, 35), (36, 20, 20)] {
            assert_eq!(renewed(at(held), at(asked)), at(until), "{held} {asked}");
        }
    }
}

//! How many orders an account may still place, by the venue's own counts.
//!
//! - OC-1  What opens leaves a quarter of each count to what reduces: nothing here stops a way out.
//! - OC-2  Limits are the venue's words, not ours; where it tells none, nothing waits.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use domain::time::Machine;

use super::wire::RateLimit;
use crate::shared::rest::Headers;

/// A day's count is looked at again with the first order after this.
const LONGEST: Duration = Duration::from_mins(1);

/// One of the venue's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Count {
    /// The response header with what was placed, in lower case.
    header: String,
    limit: u64,
    window: Duration,
}

/// The counts of one host's account.
#[derive(Debug, Default)]
pub struct Pace {
    counts: RefCell<Vec<Count>>,
    spent_until: Cell<Option<Machine>>,
}

impl Pace {
    /// Takes the venue's limits. Those of other kinds, or without a window that is known, are left out.
    pub fn learn(&self, limits: &[RateLimit<'_>]) {
        let of = |limit: &RateLimit<'_>| {
            let (letter, seconds) = match &*limit.interval {
                "SECOND" => ('s', 1),
                "MINUTE" => ('m', 60),
                "DAY" => ('d', 86_400),
                _ => return None,
            };
            let is_order = limit.rate_limit_type == "ORDERS" && limit.limit > 0;
            is_order.then(|| Count {
                header: format!("x-mbx-order-count-{}{letter}", limit.interval_num),
                limit: limit.limit,
                window: Duration::from_secs(limit.interval_num.saturating_mul(seconds)),
            })
        };
        self.counts.replace(limits.iter().filter_map(of).collect());
    }

    /// Takes what the answer to an order says.
    pub fn note(&self, headers: &Headers, now: Machine) {
        let counts = self.counts.borrow();
        let spent = counts
            .iter()
            .filter(|count| {
                let placed = headers.number(&count.header);
                placed.is_some_and(|placed| placed >= count.limit - count.limit / 4)
            })
            .map(|count| count.window.min(LONGEST))
            .max();
        if let Some(wait) = spent {
            self.spent_until.set(Some(now.plus(wait)));
        }
    }

    /// How long an order that opens something has to wait.
    pub fn wait(&self, now: Machine) -> Option<Duration> {
        let until = self.spent_until.get()?;
        (now < until).then(|| until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binance::parse;

    const LIMITS: &str = r#"{"timezone":"UTC","rateLimits":[
        {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400},
        {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":40},
        {"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":1000},
        {"rateLimitType":"ORDERS","interval":"EPOCH","intervalNum":1,"limit":1}],"symbols":[{"any":[1]}]}"#;

    #[test]
    fn what_opens_waits_when_three_quarters_of_the_orders_are_placed() {
        let (pace, now) = (Pace::default(), Machine(Duration::from_secs(7)));
        let note = |short: &str, day: &str| {
            let told = [("x-mbx-order-count-10s", short), ("x-mbx-order-count-1d", day)];
            pace.note(&Headers::of(&told), now);
        };
        note("40", "1000");
        assert_eq!(pace.wait(now), None, "no limit has been told");
        pace.learn(&parse::rate_limits(LIMITS).unwrap());
        note("29", "749");
        assert_eq!(pace.wait(now), None);
        note("30", "1");
        assert_eq!(pace.wait(now), Some(Duration::from_secs(10)));
        assert_eq!(pace.wait(now.plus(Duration::from_secs(10))), None);
        note("1", "750");
        assert_eq!(
            pace.wait(now),
            Some(LONGEST),
            "of a day it is asked again before its end"
        );
    }

    #[test]
    fn limits_that_cannot_be_read_are_an_error_and_absent_ones_are_none() {
        assert!(parse::rate_limits(r#"{"rateLimits":[{"limit":"many"}]}"#).is_err());
        assert!(parse::rate_limits(r#"{"symbols":[]}"#).unwrap().is_empty());
    }
}

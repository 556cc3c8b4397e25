//! What is left of an endpoint's second, by the venue's own headers: each has a limit of its own beside that of the address.
//!
//! - PA-1  What would be refused for being too early waits for the end of that second, and no longer than one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::{Machine, Timestamp};

use crate::shared::rest::Headers;

/// No second lasts longer, whatever the header says.
const LONGEST_MS: i64 = 1_000;

/// The endpoints of which nothing is left for now.
#[derive(Debug, Default)]
pub struct Pace(RefCell<BTreeMap<String, Machine>>);

impl Pace {
    /// Takes what an answer says of its endpoint. `venue` is the venue's time now.
    pub fn note(&self, path: &str, headers: &Headers, now: Machine, venue: Timestamp) {
        let mut spent = self.0.borrow_mut();
        if headers.number("x-bapi-limit-status") != Some(0) {
            spent.remove(path);
            return;
        }
        let reset = headers.number("x-bapi-limit-reset-timestamp");
        let reset = reset.and_then(|at| i64::try_from(at).ok());
        let left = reset.map_or(LONGEST_MS, |at| Timestamp(at).millis_since(venue).clamp(0, LONGEST_MS));
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        spent.insert(path.to_owned(), now.plus(left));
    }

    /// How long a request to this endpoint has to wait.
    pub fn wait(&self, path: &str, now: Machine) -> Option<Duration> {
        let until = self.0.borrow().get(path).copied()?;
        (now < until).then(|| until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(left: &str, reset: &str) -> Headers {
        Headers::of(&[("x-bapi-limit-status", left), ("x-bapi-limit-reset-timestamp", reset)])
    }

    #[test]
    fn an_endpoint_of_which_nothing_is_left_waits_for_its_second_and_no_longer() {
        let (pace, now, venue) = (Pace::default(), Machine(Duration::from_secs(7)), Timestamp(5_000));
        let wait = |path: &str| pace.wait(path, now).map(|wait| wait.as_millis());
        pace.note("/a", &told("0", "5400"), now, venue);
        assert_eq!((wait("/a"), wait("/b")), (Some(400), None));
        assert_eq!(pace.wait("/a", now.plus(Duration::from_millis(400))), None);
        pace.note("/a", &told("0", "999999"), now, venue);
        assert_eq!(wait("/a"), Some(1_000), "a time far off is not believed");
        pace.note("/a", &told("0", "4000"), now, venue);
        assert_eq!(wait("/a"), None, "it is over already");
        pace.note("/a", &told("0", "no number"), now, venue);
        assert_eq!(wait("/a"), Some(1_000));
        pace.note("/a", &told("3", "5400"), now, venue);
        assert_eq!(wait("/a"), None, "three are left");
    }
}

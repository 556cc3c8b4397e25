//! How a link lies: rules `(whose link, what passes, when) -> action`.
//!
//! ```text
//! rule    one rule, read from JSON with typed errors
//! action  what a rule does
//! mod     the rules in force: counts what passes and says which actions fire
//! ```
//!
//! A rule on `rest` sees requests. A rule on `public` or `private` sees what the venue pushes; with
//! `match.method = "WS"` it sees the client's calls over that socket instead. `LAG`, `SKEW` and
//! `ACCEPT_DUPLICATE_IDS` hold from the moment they are set until the rules are cleared; `FOREIGN`, `HALT`, `DELIST`,
//! `ADL`, `LIQ` and `MARKET` happen at once, or when something passes that fits if the rule has a `match`.

mod action;
mod rule;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::market::Venue;
pub use action::{Action, KNOWN};
use rule::MILLION;
pub use rule::{FaultError, Link, Match, Rule, parse_rules};

/// Something that passes a link.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Whose link.
    pub venue: Venue,
    /// Which link.
    pub link: Link,
    /// HTTP method, `WS` for a call over a socket, empty for a push.
    pub method: &'a str,
    /// Path of a request, else empty.
    pub path: &'a str,
    /// Topic of a push, else empty.
    pub topic: &'a str,
    /// Symbol of a push, or the whole query and body of a request (the symbol is looked for inside).
    pub symbol: &'a str,
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<Rule>,
    chance: ChaCha8Rng,
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Faults {
    /// No rules yet; chances are drawn by `seed`, so that one seed is one course of things.
    pub fn seeded(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            chance: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Adds rules.
    pub fn add(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.rules.extend(rules);
    }

    /// Removes every rule.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether no rule is set.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The actions that fire on what passes now, in the order of the rules.
    pub fn on(&mut self, passing: Passing<'_>) -> Vec<Action> {
        let mut fired = Vec::new();
        let chance = &mut self.chance;
        for rule in &mut self.rules {
            if rule.matches(passing) && rule.fires(|| chance.random_range(0..MILLION)) {
                fired.push(rule.action.clone());
            }
        }
        fired
    }

    /// `{"rules":[…]}` as they were given, with `seen` and `fired` counts.
    pub fn show(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(Rule::show).collect();
        json!({ "rules": rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(path: &str) -> Passing<'_> {
        Passing {
            venue: Venue::Bybit,
            link: Link::Rest,
            method: "POST",
            path,
            topic: "",
            symbol: "",
        }
    }

    #[test]
    fn a_rule_waits_fires_and_is_spent() {
        let text = r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"POST","path":"/v5/order/create"},
            "after":1,"count":2,"action":"DROP_RESP"}]}"#;
        let mut faults = Faults::default();
        faults.add(parse_rules(text).unwrap());
        let fired: Vec<usize> = (0..5).map(|_| faults.on(passing("/v5/order/create")).len()).collect();
        assert_eq!(fired, [0, 1, 1, 0, 0]);
        assert!(faults.on(passing("/v5/order/cancel")).is_empty());
        assert_eq!(faults.show()["rules"][0]["fired"], 2);
    }

    #[test]
    fn a_chance_is_drawn_by_the_seed() {
        let text = r#"{"rules":[{"link":"rest","match":{},"chance":"0.3","count":null,"action":"RESET"}]}"#;
        let course = |seed| {
            let mut faults = Faults::seeded(seed);
            faults.add(parse_rules(text).unwrap());
            let fired: Vec<bool> = (0..1_000).map(|_| !faults.on(passing("/x")).is_empty()).collect();
            fired
        };
        let first = course(7);
        assert_eq!(first, course(7), "one seed is one course");
        assert_ne!(first, course(8));
        let often = first.iter().filter(|fired| **fired).count();
        assert!((250..350).contains(&often), "{often} of 1,000");
    }

    #[test]
    fn what_is_unknown_is_named() {
        let refused = |text: &str| parse_rules(text).unwrap_err().to_string();
        assert!(refused(r#"{"rules":[{"link":"rest","action":"EXPLODE"}]}"#).contains("EXPLODE"));
        assert!(refused(r#"{"rules":[{"link":"rest","action":"RESET","colour":1}]}"#).contains("colour"));
        assert!(refused(r#"{"rules":[{"link":"rest","action":"DELAY","args":{"sec":1}}]}"#).contains("sec"));
        assert!(refused(r#"{"rules":[{"link":"rest","match":{"verb":"GET"},"action":"RESET"}]}"#).contains("verb"));
        assert!(refused(r#"{"rules":[{"link":"rest","action":"STALL"}]}"#).contains("STALL"));
        assert!(refused(r#"{"rules":[{"link":"rest","chance":"2","action":"RESET"}]}"#).contains("chance"));
        assert!(refused(r#"{"rules":[{"link":"tcp","action":"RESET"}]}"#).contains("tcp"));
        assert!(refused("[]").contains("rules"));
    }

    #[test]
    fn a_symbol_is_a_whole_word() {
        let text = r#"{"rules":[{"link":"rest","match":{"symbol":"BTCUSDT"},"count":null,"action":"RESET"}]}"#;
        let mut faults = Faults::default();
        faults.add(parse_rules(text).unwrap());
        let mut fires = |symbol| {
            !faults
                .on(Passing {
                    symbol,
                    ..passing("/x")
                })
                .is_empty()
        };
        assert!(fires("symbol=BTCUSDT&side=BUY"));
        assert!(fires(r#"{"symbol":"BTCUSDT"}"#));
        assert!(!fires("symbol=1000BTCUSDT"));
        assert!(!fires(""));
    }
}

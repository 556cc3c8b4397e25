//! What scanners of other processes have named: the pairs that an executor of theirs may enter.
//!
//! - NA-1  A naming allows and never asks: what is named still passes every gate of its own, and no way out looks here.
//! - NA-2  It is worth nothing once `lasts` have passed since it was said.
//! - NA-3  What cannot be read, was said too long ago, lies in the future, or is too much, is counted and changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::money::Bps;
use crate::risk::Gate;
use crate::strategy::Pair;
use crate::time::{Machine, Now, Timestamp};

/// Pairs and scanners that are remembered, at most: what comes over a wire does not grow without bound.
const MOST_PAIRS: usize = 4_096;
const MOST_SCANNERS: usize = 64;
/// For how long a pair, or a scanner, that is not heard of any more is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);

/// What one scanner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Which scanner.
    pub who: String,
    /// When it said so, by the calendar.
    pub at: Timestamp,
    /// The pairs that nothing stops, each with its expected net carry.
    pub pairs: Vec<(Pair, Bps)>,
}

/// One scanner as it was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerHeard {
    /// When it spoke last.
    pub last: Machine,
    /// How often it has spoken.
    pub namings: u64,
    /// How many pairs it named last.
    pub pairs: usize,
}

/// Who named a pair last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    said: Machine,
    who: String,
    net: Bps,
}

/// All that was named.
#[derive(Clone, Debug)]
pub struct Named {
    lasts: Duration,
    since: Machine,
    pairs: BTreeMap<Pair, Word>,
    scanners: BTreeMap<String, ScannerHeard>,
    ignored: u64,
}

impl Named {
    /// Nothing was named yet; a naming is good for `lasts`.
    pub const fn new(lasts: Duration, since: Machine) -> Self {
        Self {
            lasts,
            since,
            pairs: BTreeMap::new(),
            scanners: BTreeMap::new(),
            ignored: 0,
        }
    }

    /// Takes what was heard; `None` stands for what could not be read. Answers whether it counts.
    pub fn hear(&mut self, naming: Option<Naming>, now: Now) -> bool {
        self.pairs.retain(|_, word| now.machine.since(word.said) < REMEMBERED);
        self.scanners.retain(|_, one| now.machine.since(one.last) < REMEMBERED);
        let bound = i64::try_from(self.lasts.as_millis()).unwrap_or(i64::MAX);
        let counts = naming.filter(|naming| {
            let late = now.market.millis_since(naming.at);
            let known = self.scanners.len() < MOST_SCANNERS || self.scanners.contains_key(&naming.who);
            known && (-bound..=bound).contains(&late)
        });
        let Some(Naming { who, at, pairs }) = counts else {
            self.ignored += 1;
            return false;
        };
        let delay = Duration::from_millis(now.market.millis_since(at).max(0).unsigned_abs());
        let said = Machine(now.machine.0.saturating_sub(delay));
        let heard = self.scanners.entry(who.clone()).or_insert(ScannerHeard {
            last: now.machine,
            namings: 0,
            pairs: 0,
        });
        (heard.last, heard.namings, heard.pairs) = (now.machine, heard.namings + 1, pairs.len());
        for (pair, net) in pairs {
            let room = self.pairs.len() < MOST_PAIRS;
            let newer = self.pairs.get(&pair).map_or(room, |word| word.said <= said);
            if newer {
                let who = who.clone();
                self.pairs.insert(pair, Word { said, who, net });
            }
        }
        true
    }

    /// What stops a pair that nobody has named lately.
    pub fn gate(&self, pair: &Pair, now: Machine) -> Option<Gate> {
        let silent = now.since(self.pairs.get(pair).map_or(self.since, |word| word.said));
        let named = self.pairs.contains_key(pair) && silent <= self.lasts;
        (!named).then_some(Gate::Unnamed {
            silent,
            bound: self.lasts,
        })
    }

    /// Who named a pair last, and with which expected net carry.
    pub fn by(&self, pair: &Pair) -> Option<(&str, Bps)> {
        self.pairs.get(pair).map(|word| (word.who.as_str(), word.net))
    }

    /// The scanners that were heard, by name.
    pub const fn scanners(&self) -> &BTreeMap<String, ScannerHeard> {
        &self.scanners
    }

    /// How many messages did not count.
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::instrument::{InstrumentId, Name, Product, VenueId};

    const LASTS: Duration = Duration::from_secs(30);

    fn pair(symbol: &str) -> Pair {
        let leg = |venue| InstrumentId {
            venue,
            product: Product::Perp,
            symbol: Name::new(symbol),
        };
        Pair {
            long: leg(VenueId::Binance),
            short: leg(VenueId::Bybit),
        }
    }

    /// So many milliseconds after the beginning, by both clocks.
    fn at(ms: u32) -> Now {
        Now {
            market: Timestamp(1_000_000 + i64::from(ms)),
            machine: Machine(Duration::from_millis(u64::from(ms))),
        }
    }

    fn naming(who: &str, said: u32, symbols: &[&str]) -> Naming {
        let pairs = symbols.iter().map(|symbol| (pair(symbol), Bps(Decimal::TEN))).collect();
        Naming {
            who: who.to_owned(),
            at: at(said).market,
            pairs,
        }
    }

    fn silent(named: &Named, symbol: &str, now: u32) -> Option<u64> {
        match named.gate(&pair(symbol), at(now).machine) {
            Some(Gate::Unnamed { silent, .. }) => Some(silent.as_secs()),
            other => {
                assert_eq!(other, None);
                None
            }
        }
    }

    #[test]
    fn a_pair_is_open_for_as_long_as_a_scanner_names_it() {
        let mut named = Named::new(LASTS, Machine::default());
        assert_eq!(silent(&named, "SOL", 7_000), Some(7), "nobody ever has");
        assert!(named.hear(Some(naming("a", 10_000, &["SOL"])), at(12_000)));
        assert_eq!(silent(&named, "SOL", 40_000), None);
        assert_eq!(silent(&named, "ETH", 40_000), Some(40));
        assert_eq!(silent(&named, "SOL", 40_001), Some(30), "counted from when it was said");
        // Another one goes on; what comes out of order takes nothing back.
        assert!(named.hear(Some(naming("b", 39_000, &["SOL"])), at(39_000)));
        assert!(named.hear(Some(naming("a", 20_000, &["SOL"])), at(39_500)));
        assert_eq!(silent(&named, "SOL", 69_000), None);
        assert_eq!(named.by(&pair("SOL")), Some(("b", Bps(Decimal::TEN))));
        assert_eq!(named.scanners().keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((named.scanners()["a"].namings, named.ignored()), (2, 0));
    }

    #[test]
    fn what_is_garbage_old_ahead_or_too_much_is_counted_and_changes_nothing() {
        let mut named = Named::new(LASTS, Machine::default());
        assert!(!named.hear(None, at(1)));
        assert!(!named.hear(Some(naming("old", 1_000, &["SOL"])), at(31_001)));
        assert!(!named.hear(Some(naming("ahead", 90_000, &["SOL"])), at(59_999)));
        assert_eq!((named.ignored(), named.scanners().len()), (3, 0));
        assert_eq!(silent(&named, "SOL", 60_000), Some(60));
        for scanner in 0..100 {
            named.hear(Some(naming(&format!("many-{scanner}"), 60_000, &[])), at(60_000));
        }
        assert_eq!((named.scanners().len(), named.ignored()), (MOST_SCANNERS, 39));
        let many: Vec<String> = (0..MOST_PAIRS + 9).map(|n| format!("A{n}")).collect();
        named.hear(
            Some(naming(
                "many-0",
                61_000,
                &many.iter().map(String::as_str).collect::<Vec<_>>(),
            )),
            at(61_000),
        );
        assert_eq!(named.pairs.len(), MOST_PAIRS);
        // An hour later nobody remembers.
        named.hear(Some(naming("new", 4_000_000, &["SOL"])), at(4_000_000));
        assert_eq!((named.pairs.len(), named.scanners().len()), (1, 1));
    }
}

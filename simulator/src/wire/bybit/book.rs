//! A subscribed book: a snapshot first, then what changed, numbered.

use std::fmt::Write;

use rust_decimal::Decimal;

use crate::market::{Depth, Level, Ms};

/// A one-level book is said again after so long without a change.
const REPEAT_MS: Ms = 3_000;

/// What one connection has been told of one book.
#[derive(Clone, Debug)]
pub struct BookFeed {
    topic: String,
    symbol: String,
    levels: usize,
    told: Option<Depth>,
    update: u64,
    sent_ms: Ms,
    /// When it last changed: a repetition tells that again.
    matched_ms: Ms,
}

impl BookFeed {
    /// A book of `levels` a side that nothing has been said about. `update` is where its numbers go on from.
    pub fn new(topic: &str, symbol: &str, levels: usize, update: u64) -> Self {
        Self {
            topic: topic.to_owned(),
            symbol: symbol.to_owned(),
            levels,
            told: None,
            update,
            sent_ms: 0,
            matched_ms: 0,
        }
    }

    /// The next message, if there is anything to say. A fast clock stretches the pace of repetitions.
    pub fn message(&mut self, now: Ms, depth: &Depth, sequence: u64, speed: i64) -> Option<String> {
        let (bids, asks) = (top(&depth.bids, self.levels), top(&depth.asks, self.levels));
        let told = self.told.as_ref();
        let same = told.is_some_and(|told| told.bids == bids && told.asks == asks);
        if same && (self.levels > 1 || now - self.sent_ms < REPEAT_MS.saturating_mul(speed)) {
            return None;
        }
        if !same {
            self.update += 1;
            self.matched_ms = now;
        }
        let mut text = String::with_capacity(160 + 24 * if told.is_some() { 4 } else { bids.len() + asks.len() });
        let delta = told.filter(|_| self.levels > 1);
        let kind = if delta.is_some() { "delta" } else { "snapshot" };
        let _ = write!(
            text,
            r#"{{"topic":"{}","type":"{kind}","ts":{now},"data":{{"s":"{}","b":["#,
            self.topic, self.symbol
        );
        if let Some(told) = delta {
            write_changes(&mut text, &told.bids, bids, |new, old| new > old);
            text.push_str("],\"a\":[");
            write_changes(&mut text, &told.asks, asks, |new, old| new < old);
        } else {
            write_levels(&mut text, bids);
            text.push_str("],\"a\":[");
            write_levels(&mut text, asks);
        }
        let (update, matched) = (self.update, self.matched_ms);
        let _ = write!(text, r#"],"u":{update},"seq":{sequence}}},"cts":{matched}}}"#);
        self.remember(bids, asks);
        self.sent_ms = now;
        Some(text)
    }

    fn remember(&mut self, bids: &[Level], asks: &[Level]) {
        let told = self.told.get_or_insert_default();
        told.bids.clear();
        told.bids.extend_from_slice(bids);
        told.asks.clear();
        told.asks.extend_from_slice(asks);
    }
}

/// The best `count` levels.
pub fn top(levels: &[Level], count: usize) -> &[Level] {
    levels.get(..count.min(levels.len())).unwrap_or_default()
}

/// Levels as the wire writes them, without the outer brackets.
pub fn write_levels(text: &mut String, levels: &[Level]) {
    let mut comma = Comma::default();
    for level in levels {
        comma.level(text, level.price, level.quantity);
    }
}

/// What turns `old` into `new`, best first; a level that went has size 0. `before(a, b)`: `a` is the better price.
fn write_changes(text: &mut String, old: &[Level], new: &[Level], before: impl Fn(Decimal, Decimal) -> bool) {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut comma = Comma::default();
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(was), None) => {
                comma.level(text, was.price, Decimal::ZERO);
                old.next();
            }
            (None, Some(is)) => {
                comma.level(text, is.price, is.quantity);
                new.next();
            }
            (Some(was), Some(is)) if was.price == is.price => {
                if was.quantity != is.quantity {
                    comma.level(text, is.price, is.quantity);
                }
                old.next();
                new.next();
            }
            (Some(was), Some(is)) if before(is.price, was.price) => {
                comma.level(text, is.price, is.quantity);
                new.next();
            }
            (Some(was), Some(_)) => {
                comma.level(text, was.price, Decimal::ZERO);
                old.next();
            }
        }
    }
}

#[derive(Default)]
struct Comma(bool);

impl Comma {
    fn level(&mut self, text: &mut String, price: Decimal, quantity: Decimal) {
        if self.0 {
            text.push(',');
        }
        self.0 = true;
        let _ = write!(text, r#"["{price}","{quantity}"]"#);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn levels(rows: &[(i64, i64)]) -> Vec<Level> {
        rows.iter()
            .map(|&(price, quantity)| Level {
                price: Decimal::new(price, 1),
                quantity: quantity.into(),
            })
            .collect()
    }

    fn apply(side: &mut BTreeMap<Decimal, Decimal>, rows: &Value) {
        for row in rows.as_array().unwrap() {
            let figure = |at: usize| row[at].as_str().unwrap().parse::<Decimal>().unwrap();
            if figure(1).is_zero() {
                side.remove(&figure(0))
            } else {
                side.insert(figure(0), figure(1))
            };
        }
    }

    #[test]
    fn a_client_that_applies_deltas_holds_the_book() {
        let books = [
            Depth {
                bids: levels(&[(100, 1), (99, 2), (98, 3)]),
                asks: levels(&[(101, 1), (102, 2), (103, 3)]),
            },
            Depth {
                bids: levels(&[(100, 4), (98, 3), (97, 1)]),
                asks: levels(&[(102, 2), (103, 3), (104, 9)]),
            },
            Depth {
                bids: levels(&[(105, 1), (104, 1)]),
                asks: levels(&[(106, 5)]),
            },
        ];
        let mut feed = BookFeed::new("orderbook.50.XUSDT", "XUSDT", 50, 6);
        let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
        for (at, book) in books.iter().enumerate() {
            let text = feed.message(1_000, book, 77, 1).unwrap();
            let message: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(message["type"], if at == 0 { "snapshot" } else { "delta" });
            assert_eq!(message["data"]["u"], 7 + at);
            apply(&mut bids, &message["data"]["b"]);
            apply(&mut asks, &message["data"]["a"]);
            let held: Vec<_> = bids
                .iter()
                .rev()
                .map(|(&price, &quantity)| Level { price, quantity })
                .collect();
            assert_eq!(held, book.bids);
            let held: Vec<_> = asks
                .iter()
                .map(|(&price, &quantity)| Level { price, quantity })
                .collect();
            assert_eq!(held, book.asks);
            assert_eq!(feed.message(60_000, book, 78, 1), None, "nothing changed");
        }
    }

    #[test]
    fn one_level_is_always_a_snapshot_and_is_repeated_after_three_seconds() {
        let book = Depth {
            bids: levels(&[(100, 1), (99, 1)]),
            asks: levels(&[(101, 1)]),
        };
        let mut feed = BookFeed::new("orderbook.1.XUSDT", "XUSDT", 1, 0);
        let first = feed.message(0, &book, 5, 1).unwrap();
        assert!(
            first.contains(r#""b":[["10.0","1"]],"a":[["10.1","1"]],"u":1,"#),
            "{first}"
        );
        assert_eq!(feed.message(2_999, &book, 5, 1), None);
        let again = feed.message(3_000, &book, 5, 1).unwrap();
        assert!(
            again.contains(r#""type":"snapshot""#) && again.contains(r#""u":1,"#),
            "{again}"
        );
    }
}

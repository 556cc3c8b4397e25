//! Streams that tell changes, made whole again: one copy per symbol and connection.

use domain::market::{Book, Quote};

use super::depth::Head;
use super::parse::{Read, malformed, shortened};
use super::ticker::{Figures, Pushed};
use crate::shared::ladder::Ladder;
use crate::shared::lookup::BySymbol;

/// The tickers of one connection. A field that a change leaves out keeps its value; it is never a default.
#[derive(Debug, Default)]
pub struct Tickers(BySymbol<Told>);

/// What is known of a symbol, and when the venue said so last.
#[derive(Debug)]
struct Told {
    figures: Figures,
    at: i64,
}

impl Tickers {
    /// Takes a snapshot, or a change onto one, and gives the whole ticker; `None` when it is older than what is known.
    ///
    /// # Errors
    /// When a change comes before its snapshot: what it leaves out is not known.
    pub fn apply(&mut self, pushed: &Pushed<'_>) -> Read<Option<Figures>> {
        let symbol = &*pushed.symbol;
        match &*pushed.kind {
            "snapshot" => {
                let told = Told {
                    figures: pushed.figures,
                    at: pushed.ts,
                };
                match self.0.get_mut(symbol) {
                    Some(known) if pushed.ts < known.at => return Ok(None),
                    Some(known) => *known = told,
                    None => self.0.insert(symbol, told),
                }
                Ok(Some(pushed.figures))
            }
            "delta" => {
                let known = self
                    .0
                    .get_mut(symbol)
                    .ok_or_else(|| malformed(format!("a ticker of {} before its snapshot", shortened(symbol))))?;
                if pushed.ts < known.at {
                    return Ok(None);
                }
                known.figures.merge(&pushed.figures);
                known.at = pushed.ts;
                Ok(Some(known.figures))
            }
            other => Err(malformed(format!("a ticker of type `{}`", shortened(other)))),
        }
    }

    /// A change of a symbol is missing: what is known of it is worthless until its next snapshot.
    pub fn forget(&mut self, symbol: &str) {
        self.0.remove(symbol);
    }

    /// Whether a symbol had its snapshot.
    pub fn knows(&self, symbol: &str) -> bool {
        self.0.get(symbol).is_some()
    }
}

/// The books of one connection.
#[derive(Debug, Default)]
pub struct Books(BySymbol<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    ladder: Ladder,
    update: u64,
}

impl Books {
    /// A change of a symbol is missing: what is known of it is worthless until its next snapshot.
    pub fn forget(&mut self, symbol: &str) {
        self.0.remove(symbol);
    }

    /// Takes a snapshot, or a change onto one, and gives the touch: `None` when a side is empty, or they cross.
    ///
    /// # Errors
    /// When a change comes before its snapshot.
    pub fn apply(&mut self, head: &Head<'_>, levels: &Book) -> Read<Option<Quote>> {
        let is_whole = head.is_whole();
        if !is_whole && head.kind != "delta" {
            return Err(malformed(format!("a book of type `{}`", shortened(&head.kind))));
        }
        let symbol = &*head.symbol;
        if is_whole && self.0.get(symbol).is_none() {
            self.0.insert(symbol, Numbered::default());
        }
        let known = self
            .0
            .get_mut(symbol)
            .ok_or_else(|| malformed(format!("a book of {} before its snapshot", shortened(symbol))))?;
        // Numbers only grow; 1 is a book that the venue has begun anew.
        if head.update < known.update && head.update != 1 {
            return Ok(None);
        }
        if is_whole {
            known.ladder.clear();
        }
        if is_whole || head.update > known.update {
            known.update = head.update;
            known.ladder.apply(levels);
        }
        Ok(known.ladder.quote())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bybit::wire::{BookRow, TickerRow};
    use domain::money::{Price, Quantity};

    fn apply(tickers: &mut Tickers, kind: &str, json: &str) -> Read<Figures> {
        apply_at(tickers, 1, kind, json).map(Option::unwrap)
    }

    fn apply_at(tickers: &mut Tickers, ts: i64, kind: &str, json: &str) -> Read<Option<Figures>> {
        let row: TickerRow = serde_json::from_str(json).unwrap();
        tickers.apply(&Pushed {
            kind: kind.into(),
            figures: Figures::of(&row).unwrap(),
            symbol: row.symbol.into(),
            ts,
        })
    }

    fn take(books: &mut Books, kind: &str, json: &str) -> Read<Option<Quote>> {
        let row: BookRow = serde_json::from_str(json).unwrap();
        let head = Head {
            kind: kind.into(),
            symbol: row.s.clone().into(),
            update: row.u,
            sequence: None,
            ts: 1,
            matched: None,
        };
        books.apply(&head, &crate::bybit::parse::book(&row).unwrap())
    }

    #[test]
    fn a_field_that_a_change_leaves_out_keeps_its_value() {
        let mut tickers = Tickers::default();
        let snapshot = r#"{"symbol":"XRPUSDT","fundingRate":"0.0002","nextFundingTime":"1790006400000",
            "fundingIntervalHour":"8","fundingCap":"0.005","markPrice":"0.6122"}"#;
        apply(&mut tickers, "snapshot", snapshot).unwrap();
        let change = r#"{"symbol":"XRPUSDT","markPrice":"0.62","ask1Price":"0.63"}"#;
        let whole = apply(&mut tickers, "delta", change).unwrap();
        assert_eq!(whole.mark().unwrap().0, Price("0.62".parse().unwrap()));
        let terms = whole.funding_terms().unwrap();
        assert_eq!(terms.predicted.0, "0.0002".parse().unwrap());
        assert_eq!(terms.cap.unwrap().0, "0.005".parse().unwrap());
        assert_eq!(terms.floor.unwrap().0, "-0.005".parse().unwrap());
        let change = r#"{"symbol":"XRPUSDT","fundingRate":"-0.0001"}"#;
        let terms = apply(&mut tickers, "delta", change).unwrap().funding_terms().unwrap();
        assert_eq!(terms.predicted.0, "-0.0001".parse().unwrap());
        assert_eq!(terms.interval_hours.get(), 8);
        let emptied = apply(&mut tickers, "delta", r#"{"symbol":"XRPUSDT","fundingRate":""}"#).unwrap();
        assert_eq!(emptied.funding_terms(), None);
    }

    #[test]
    fn a_change_before_its_snapshot_is_an_error() {
        let change = r#"{"symbol":"XRPUSDT","markPrice":"0.62"}"#;
        assert!(apply(&mut Tickers::default(), "delta", change).is_err());
        let change = r#"{"s":"XRPUSDT","b":[],"a":[],"u":7}"#;
        assert!(take(&mut Books::default(), "delta", change).is_err());
    }

    #[test]
    fn a_book_follows_changes_and_starts_again_at_one() {
        let mut books = Books::default();
        let whole = r#"{"s":"XRPUSDT","b":[["0.6121","88"]],"a":[["0.6122","120"]],"u":70011}"#;
        let touch = take(&mut books, "snapshot", whole).unwrap().unwrap();
        assert_eq!(touch.ask_quantity, Quantity(120.into()));
        let change = r#"{"s":"XRPUSDT","b":[["0.6121","0"],["0.612","5"]],"a":[["0.6123","15"]],"u":70012}"#;
        let touch = take(&mut books, "delta", change).unwrap().unwrap();
        assert_eq!(touch.bid, Price("0.612".parse().unwrap()));
        assert_eq!(touch.ask, Price("0.6122".parse().unwrap()));
        let late = r#"{"s":"XRPUSDT","b":[["0.6121","9"]],"a":[],"u":70011}"#;
        assert_eq!(take(&mut books, "delta", late).unwrap(), None);
        let again = r#"{"s":"XRPUSDT","b":[["0.5","1"]],"a":[["0.6","1"]],"u":1}"#;
        let touch = take(&mut books, "delta", again).unwrap().unwrap();
        assert_eq!(
            (touch.bid, touch.ask),
            (Price("0.5".parse().unwrap()), Price("0.6".parse().unwrap()))
        );
    }

    #[test]
    fn an_empty_side_is_no_quote() {
        let lone = r#"{"s":"XRPUSDT","b":[],"a":[["0.6","1"]],"u":5}"#;
        assert_eq!(take(&mut Books::default(), "snapshot", lone).unwrap(), None);
    }

    #[test]
    fn what_is_older_than_what_is_known_is_left_out() {
        let mut tickers = Tickers::default();
        let price = |price: &str| format!(r#"{{"symbol":"XRPUSDT","markPrice":"{price}"}}"#);
        assert!(apply_at(&mut tickers, 5, "snapshot", &price("0.6")).unwrap().is_some());
        assert!(apply_at(&mut tickers, 4, "delta", &price("0.5")).unwrap().is_none());
        assert!(apply_at(&mut tickers, 4, "snapshot", &price("0.4")).unwrap().is_none());
        let told = apply_at(&mut tickers, 6, "delta", r#"{"symbol":"XRPUSDT"}"#)
            .unwrap()
            .unwrap();
        assert_eq!(told.mark().unwrap().0, Price("0.6".parse().unwrap()));
        let mut books = Books::default();
        let book = |u: u64| format!(r#"{{"s":"XRPUSDT","b":[["0.6","1"]],"a":[["0.7","1"]],"u":{u}}}"#);
        assert!(take(&mut books, "snapshot", &book(9)).unwrap().is_some());
        assert!(take(&mut books, "snapshot", &book(8)).unwrap().is_none());
        assert!(take(&mut books, "snapshot", &book(1)).unwrap().is_some());
    }
}

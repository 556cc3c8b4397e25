//! Streams that tell changes, made whole again: one copy per symbol and connection.

use std::collections::BTreeMap;

use domain::market::{Book, Level, Quote};
use domain::money::{Price, Quantity};
use rust_decimal::Decimal;

use super::parse::{Read, book, malformed, shortened};
use super::wire::{BookRow, TickerRow};

/// The tickers of one connection. A field that a change leaves out keeps its value; it is never a default.
#[derive(Debug, Default)]
pub struct Tickers(BTreeMap<String, TickerRow>);

impl Tickers {
    /// Takes a snapshot, or a change onto one, and gives the whole ticker.
    ///
    /// # Errors
    /// When a change comes before its snapshot: what it leaves out is not known.
    pub fn apply(&mut self, kind: &str, row: TickerRow) -> Read<&TickerRow> {
        match kind {
            "snapshot" => {
                let symbol = row.symbol.clone();
                let whole = self.0.entry(symbol).or_default();
                *whole = row;
                Ok(whole)
            }
            "delta" => {
                let whole = self
                    .0
                    .get_mut(&row.symbol)
                    .ok_or_else(|| malformed(format!("a ticker of {} before its snapshot", shortened(&row.symbol))))?;
                merge(whole, row);
                Ok(whole)
            }
            other => Err(malformed(format!("a ticker of type `{}`", shortened(other)))),
        }
    }
}

fn merge(whole: &mut TickerRow, change: TickerRow) {
    let keep = |old: &mut Option<String>, new: Option<String>| {
        if new.is_some() {
            *old = new;
        }
    };
    keep(&mut whole.mark_price, change.mark_price);
    keep(&mut whole.index_price, change.index_price);
    keep(&mut whole.funding_rate, change.funding_rate);
    keep(&mut whole.next_funding_time, change.next_funding_time);
    keep(&mut whole.funding_interval_hour, change.funding_interval_hour);
    keep(&mut whole.funding_cap, change.funding_cap);
    keep(&mut whole.bid1_price, change.bid1_price);
    keep(&mut whole.bid1_size, change.bid1_size);
    keep(&mut whole.ask1_price, change.ask1_price);
    keep(&mut whole.ask1_size, change.ask1_size);
}

/// The books of one connection.
#[derive(Debug, Default)]
pub struct Books(BTreeMap<String, Sides>);

#[derive(Debug, Default)]
struct Sides {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    update: i64,
}

impl Books {
    /// Takes a snapshot, or a change onto one, and gives the touch: `None` when a side is empty, or they cross.
    ///
    /// # Errors
    /// When a level cannot be read, or a change comes before its snapshot.
    pub fn apply(&mut self, kind: &str, row: &BookRow) -> Read<Option<Quote>> {
        // After a restart of its service the venue begins again at 1, whatever it calls the message.
        let is_whole = match kind {
            "snapshot" => true,
            "delta" => row.u == 1,
            other => return Err(malformed(format!("a book of type `{}`", shortened(other)))),
        };
        let change = book(row)?;
        let sides = if is_whole {
            let sides = self.0.entry(row.s.clone()).or_default();
            *sides = Sides::default();
            sides
        } else {
            self.0
                .get_mut(&row.s)
                .ok_or_else(|| malformed(format!("a book of {} before its snapshot", shortened(&row.s))))?
        };
        if is_whole || row.u > sides.update {
            sides.update = row.u;
            set(&mut sides.bids, &change.bids);
            set(&mut sides.asks, &change.asks);
        }
        Ok(sides.quote())
    }
}

fn set(side: &mut BTreeMap<Decimal, Decimal>, levels: &[Level]) {
    for level in levels {
        if level.quantity.is_zero() {
            side.remove(&level.price.0);
        } else {
            side.insert(level.price.0, level.quantity.0);
        }
    }
}

impl Sides {
    fn quote(&self) -> Option<Quote> {
        let level = |(price, size): (&Decimal, &Decimal)| Level {
            price: Price(*price),
            quantity: Quantity(*size),
        };
        Book {
            bids: self.bids.last_key_value().map(level).into_iter().collect(),
            asks: self.asks.first_key_value().map(level).into_iter().collect(),
        }
        .quote()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bybit::parse::funding_terms;

    fn ticker(json: &str) -> TickerRow {
        serde_json::from_str(json).unwrap()
    }

    fn row(json: &str) -> BookRow {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_field_that_a_change_leaves_out_keeps_its_value() {
        let mut tickers = Tickers::default();
        tickers
            .apply(
                "snapshot",
                ticker(
                    r#"{"symbol":"XRPUSDT","fundingRate":"0.0002","nextFundingTime":"1790006400000",
                    "fundingIntervalHour":"8","fundingCap":"0.005","markPrice":"0.6122"}"#,
                ),
            )
            .unwrap();
        let whole = tickers
            .apply(
                "delta",
                ticker(r#"{"symbol":"XRPUSDT","markPrice":"0.62","ask1Price":"0.63"}"#),
            )
            .unwrap();
        assert_eq!(whole.mark_price.as_deref(), Some("0.62"));
        let terms = funding_terms(whole).unwrap().unwrap();
        assert_eq!(terms.predicted.0, "0.0002".parse().unwrap());
        assert_eq!(terms.cap.unwrap().0, "0.005".parse().unwrap());
        assert_eq!(terms.floor.unwrap().0, "-0.005".parse().unwrap());
        let whole = tickers
            .apply("delta", ticker(r#"{"symbol":"XRPUSDT","fundingRate":"-0.0001"}"#))
            .unwrap();
        let terms = funding_terms(whole).unwrap().unwrap();
        assert_eq!(terms.predicted.0, "-0.0001".parse().unwrap());
        assert_eq!(terms.interval_hours.get(), 8);
    }

    #[test]
    fn a_change_before_its_snapshot_ends_the_stream() {
        let change = ticker(r#"{"symbol":"XRPUSDT","markPrice":"0.62"}"#);
        assert!(Tickers::default().apply("delta", change).is_err());
        let change = row(r#"{"s":"XRPUSDT","b":[],"a":[],"u":7}"#);
        assert!(Books::default().apply("delta", &change).is_err());
    }

    #[test]
    fn a_book_follows_changes_and_starts_again_at_one() {
        let mut books = Books::default();
        let touch = books
            .apply(
                "snapshot",
                &row(r#"{"s":"XRPUSDT","b":[["0.6121","88"]],"a":[["0.6122","120"]],"u":70011}"#),
            )
            .unwrap()
            .unwrap();
        assert_eq!(touch.ask_quantity, Quantity(120.into()));
        let change = row(r#"{"s":"XRPUSDT","b":[["0.6121","0"],["0.612","5"]],"a":[["0.6123","15"]],"u":70012}"#);
        let touch = books.apply("delta", &change).unwrap().unwrap();
        assert_eq!(touch.bid, Price("0.612".parse().unwrap()));
        assert_eq!(touch.ask, Price("0.6122".parse().unwrap()));
        let late = row(r#"{"s":"XRPUSDT","b":[["0.6121","9"]],"a":[],"u":70011}"#);
        assert_eq!(books.apply("delta", &late).unwrap().unwrap().bid, touch.bid);
        let again = row(r#"{"s":"XRPUSDT","b":[["0.5","1"]],"a":[["0.6","1"]],"u":1}"#);
        let touch = books.apply("delta", &again).unwrap().unwrap();
        assert_eq!(
            (touch.bid, touch.ask),
            (Price("0.5".parse().unwrap()), Price("0.6".parse().unwrap()))
        );
    }

    #[test]
    fn an_empty_side_is_no_quote() {
        let lone = row(r#"{"s":"XRPUSDT","b":[],"a":[["0.6","1"]],"u":5}"#);
        assert_eq!(Books::default().apply("snapshot", &lone).unwrap(), None);
    }
}

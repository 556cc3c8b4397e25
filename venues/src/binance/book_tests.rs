//! Books of interest over in-process pipes.

use std::cell::Cell;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::money::Quantity;
use domain::ports::{FactStream, MarketFeed};
use futures_util::FutureExt;

use super::parse::instrument_id;
use super::{Binance, BinanceConfig};
use crate::shared::fake::{Fake, Script, clock, pass, virtual_time};

/// Futures of one symbol, whose whole book has this number.
struct Futures(Cell<u64>);

impl Script for Futures {
    fn http(&self, target: &str) -> String {
        if target.starts_with("/fapi/v1/depth") {
            let update = self.0.get();
            return format!(r#"{{"lastUpdateId":{update},"T":7,"bids":[["0.60","5"]],"asks":[["0.70","5"]]}}"#);
        }
        "[]".to_owned()
    }

    fn socket(&self, _: &str, text: &str) -> Vec<String> {
        let asked: serde_json::Value = serde_json::from_str(text).unwrap();
        vec![format!(r#"{{"result":null,"id":{}}}"#, asked["id"])]
    }
}

fn change(first: u64, last: u64, previous: u64, bid: &str) -> String {
    format!(
        r#"{{"stream":"xrpusdt@depth@100ms","data":{{"e":"depthUpdate","E":9,"T":8,"s":"XRPUSDT","U":{first},"u":{last},"pu":{previous},"b":[["0.61","{bid}"]],"a":[],"st":1,"ps":"XRPUSDT"}}}}"#
    )
}

fn adapter() -> (std::rc::Rc<Fake<Futures>>, Binance) {
    let (fake, transport) = Fake::new(Futures(Cell::new(140)));
    let config = BinanceConfig {
        marks_within: std::time::Duration::from_hours(1),
        ..BinanceConfig::default()
    };
    let log = slog::Logger::root(slog::Discard, slog::o!());
    (fake, Binance::new(config, transport, clock(), log).unwrap())
}

fn xrp() -> InstrumentId {
    instrument_id(Product::Perp, "XRPUSDT")
}

/// All that is told within a while, of books alone.
async fn told(stream: &mut Box<dyn FactStream<MarketFact>>, millis: u64) -> Vec<Option<Quantity>> {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        pass(10).await;
        while let Some(facts) = stream.next().now_or_never() {
            for fact in facts.unwrap() {
                match fact {
                    MarketFact::Book { book, instrument, .. } => {
                        assert_eq!(instrument, xrp());
                        all.push(Some(book.bids.first().unwrap().quantity));
                    }
                    MarketFact::BookLost { .. } => all.push(None),
                    _ => {}
                }
            }
        }
    }
    all
}

fn units(quantity: i64) -> Quantity {
    Quantity(quantity.into())
}

#[test]
fn f004_a_gap_makes_a_book_unusable_at_once_and_a_whole_one_brings_it_back() {
    virtual_time(async {
        let (fake, binance) = adapter();
        let interest = Interest::none();
        let feed = binance.market_feed(Product::Perp);
        let mut stream = feed.open(&[xrp()], &interest).await.unwrap();
        assert_eq!(told(&mut stream, 1500).await, []);
        assert_eq!(
            fake.peers.borrow().len(),
            2,
            "no connection for books that nobody wants"
        );
        interest.set([xrp()].into());
        // A whole book is told as soon as it has come: nothing changed meanwhile.
        assert_eq!(told(&mut stream, 2500).await, [Some(units(5))]);
        let books = fake.peers.borrow().last().unwrap().clone();
        assert_eq!(books.path, "/public/stream");
        books.push(&change(130, 145, 120, "7"));
        assert_eq!(told(&mut stream, 50).await, [Some(units(7))]);
        books.push(&change(150, 160, 145, "8"));
        books.push(&change(170, 180, 166, "9"));
        assert_eq!(told(&mut stream, 50).await, [Some(units(8)), None]);
        // The whole book is older than what waits: it is asked for again, and nothing is told before it joins.
        books.push(&change(181, 190, 180, "10"));
        let asked = || {
            fake.asked
                .borrow()
                .iter()
                .filter(|target| target.contains("depth"))
                .count()
        };
        let before = asked();
        assert_eq!(told(&mut stream, 4000).await, []);
        assert!(asked() > before + 1);
        drop(stream);
        assert_eq!(interest.of(VenueId::Binance, Product::Perp), [xrp()]);
    });
}

#[test]
fn f004_a_whole_book_that_comes_late_joins_what_waited() {
    virtual_time(async {
        let (fake, binance) = adapter();
        let interest = Interest::none();
        interest.set([xrp()].into());
        let feed = binance.market_feed(Product::Perp);
        let mut stream = feed.open(&[xrp()], &interest).await.unwrap();
        assert_eq!(told(&mut stream, 2500).await, [Some(units(5))]);
        let books = fake.peers.borrow().last().unwrap().clone();
        books.push(&change(150, 160, 149, "8"));
        assert_eq!(told(&mut stream, 50).await, [None]);
        books.push(&change(161, 165, 160, "9"));
        // Older than what waits: nothing is told.
        assert_eq!(told(&mut stream, 900).await, []);
        fake.script.0.set(163);
        assert_eq!(told(&mut stream, 3000).await, [Some(units(9))]);
    });
}

#[test]
fn what_is_no_more_of_interest_is_lost_and_asked_for_no_more() {
    virtual_time(async {
        let (fake, binance) = adapter();
        let interest = Interest::none();
        interest.set([xrp()].into());
        let feed = binance.market_feed(Product::Perp);
        let mut stream = feed.open(&[xrp()], &interest).await.unwrap();
        assert_eq!(told(&mut stream, 2500).await, [Some(units(5))]);
        interest.set(std::collections::BTreeSet::new());
        assert_eq!(told(&mut stream, 2500).await, [None]);
        let books = fake.peers.borrow().last().unwrap().clone();
        books.push(&change(130, 145, 120, "7"));
        assert_eq!(told(&mut stream, 50).await, []);
        let said: Vec<String> = fake.said.borrow().iter().map(|said| said.text.clone()).collect();
        assert!(said.last().unwrap().contains("UNSUBSCRIBE"), "{said:?}");
        // The other connections stayed.
        assert_eq!(fake.peers.borrow().len(), 3);
    });
}

#[test]
fn a_connection_of_books_that_ends_loses_its_books_and_comes_back_by_itself() {
    virtual_time(async {
        let (fake, binance) = adapter();
        let interest = Interest::none();
        interest.set([xrp()].into());
        let feed = binance.market_feed(Product::Perp);
        let mut stream = feed.open(&[xrp()], &interest).await.unwrap();
        assert_eq!(told(&mut stream, 2500).await, [Some(units(5))]);
        fake.peers.borrow().last().unwrap().hang_up();
        assert_eq!(told(&mut stream, 5000).await, [None, Some(units(5))]);
        assert_eq!(fake.peers.borrow().len(), 4);
    });
}

//! Books of interest over in-process pipes.

use domain::instrument::{InstrumentId, Product};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::money::Quantity;
use domain::ports::{FactStream, MarketFeed};
use futures_util::FutureExt;

use super::parse::instrument_id;
use super::{Bybit, BybitConfig};
use crate::shared::fake::{Fake, Script, clock, pass, virtual_time};

/// Linear perpetuals. A subscription to books is answered with a whole one.
struct Linear;

impl Script for Linear {
    fn http(&self, _: &str) -> String {
        r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[]},"time":1790000000000}"#.to_owned()
    }

    fn socket(&self, _: &str, text: &str) -> Vec<String> {
        let asked: serde_json::Value = serde_json::from_str(text).unwrap();
        let (op, id) = (asked["op"].as_str().unwrap(), &asked["req_id"]);
        let mut answers = vec![format!(r#"{{"success":true,"ret_msg":"","req_id":{id},"op":"{op}"}}"#)];
        if op == "subscribe" && text.contains("orderbook.50.") {
            answers.push(book("snapshot", 100, "5"));
        }
        answers
    }
}

fn book(kind: &str, update: u64, bid: &str) -> String {
    format!(
        r#"{{"topic":"orderbook.50.XRPUSDT","type":"{kind}","ts":9,"data":{{"s":"XRPUSDT","b":[["0.6","{bid}"]],"a":[["0.7","1"]],"u":{update},"seq":{update}}},"cts":8}}"#
    )
}

fn xrp() -> InstrumentId {
    instrument_id(Product::Perp, "XRPUSDT")
}

async fn told(stream: &mut Box<dyn FactStream<MarketFact>>, millis: u64) -> Vec<Option<Quantity>> {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        pass(10).await;
        while let Some(facts) = stream.next().now_or_never() {
            for fact in facts.unwrap() {
                match fact {
                    MarketFact::Book { book, .. } => all.push(Some(book.bids.first().unwrap().quantity)),
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
fn f004_a_gap_makes_a_book_unusable_until_a_new_subscription_brings_a_whole_one() {
    virtual_time(async {
        let (fake, transport) = Fake::new(Linear);
        let config = BybitConfig {
            rest_url: "https://api.test".to_owned(),
            ws_url: "wss://stream.test".to_owned(),
            ..BybitConfig::default()
        };
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let bybit = Bybit::new(config, transport, clock(), log).unwrap();
        let interest = Interest::none();
        // What is not watched is not kept either, whatever is of interest.
        interest.set([xrp(), instrument_id(Product::Perp, "OTHERUSDT")].into());
        let feed = bybit.market_feed(Product::Perp);
        let mut stream = feed.open(&[xrp()], &interest).await.unwrap();
        assert_eq!(told(&mut stream, 1500).await, [Some(units(5))]);
        let books = fake.peers.borrow().last().unwrap().clone();
        books.push(&book("delta", 101, "6"));
        books.push(&book("delta", 101, "99"));
        assert_eq!(told(&mut stream, 50).await, [Some(units(6))]);
        let before = fake.said.borrow().len();
        books.push(&book("delta", 103, "7"));
        books.push(&book("delta", 104, "8"));
        assert_eq!(told(&mut stream, 40).await[..2], [None, None]);
        assert_eq!(told(&mut stream, 500).await, [Some(units(5))]);
        let said: Vec<String> = fake.said.borrow()[before..]
            .iter()
            .map(|said| said.text.clone())
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("unsubscribe") && said[1].contains("\"subscribe\""),
            "{said:?}"
        );
        assert!(!format!("{:?}", fake.said.borrow()).contains("OTHERUSDT"));
        // It crosses itself: no book of a venue is like that, so it is begun anew.
        books.push(&book("delta", 101, "6").replace(r#"["0.6""#, r#"["0.8""#));
        assert_eq!(told(&mut stream, 500).await, [None, Some(units(5))]);
    });
}

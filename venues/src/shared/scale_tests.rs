//! 600 symbols of each venue and product, with books of interest beside them, inside the venues' limits.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::interest::Interest;
use domain::ports::MarketFeed;
use serde_json::Value;

use super::fake::{Fake, Said, Script, clock, virtual_time};
use super::transport::Transport;
use crate::binance::{Binance, BinanceConfig};
use crate::bybit::{Bybit, BybitConfig};

const SYMBOLS: usize = 600;
const BOOKS: usize = 30;

/// Acknowledges everything; Bybit's topics begin with a snapshot, Binance's books with an answer.
pub(super) struct Willing;

impl Script for Willing {
    fn http(&self, target: &str) -> String {
        if target.starts_with("/v5/") {
            return r#"{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1790000000000}"#.to_owned();
        }
        if target.contains("/depth") {
            return r#"{"lastUpdateId":140,"T":7,"bids":[["0.60","5"]],"asks":[["0.70","5"]]}"#.to_owned();
        }
        "[]".to_owned()
    }

    fn socket(&self, _: &str, text: &str) -> Vec<String> {
        let asked: Value = serde_json::from_str(text).unwrap();
        let Some(op) = asked["op"].as_str() else {
            return vec![format!(r#"{{"result":null,"id":{}}}"#, asked["id"])];
        };
        let ack = format!(
            r#"{{"success":true,"ret_msg":"","req_id":{},"op":"{op}"}}"#,
            asked["req_id"]
        );
        let snapshot = |topic: &Value| {
            let topic = topic.as_str().unwrap();
            let symbol = topic.rsplit('.').next().unwrap();
            if topic.starts_with("tickers.") {
                return format!(
                    r#"{{"topic":"{topic}","type":"snapshot","ts":1,"data":{{"symbol":"{symbol}","markPrice":"0.7"}}}}"#
                );
            }
            format!(
                r#"{{"topic":"{topic}","type":"snapshot","ts":1,"data":{{"s":"{symbol}","b":[["0.6","1"]],"a":[["0.7","1"]],"u":5}},"cts":1}}"#
            )
        };
        let topics = asked["args"].as_array().into_iter().flatten();
        std::iter::once(ack).chain(topics.map(snapshot)).collect()
    }
}

/// The market feed of a venue whose other end is a script.
pub(super) fn market_feed(venue: VenueId, product: Product, transport: Transport) -> Rc<dyn MarketFeed> {
    let log = slog::Logger::root(slog::Discard, slog::o!());
    match venue {
        VenueId::Binance => {
            let config = BinanceConfig {
                marks_within: Duration::from_hours(1),
                ..BinanceConfig::default()
            };
            let binance = Binance::new(config, transport, clock(), log).unwrap();
            Rc::new(binance.market_feed(product))
        }
        VenueId::Bybit => {
            let config = BybitConfig {
                rest_url: "https://api.test".to_owned(),
                ws_url: "wss://stream.test".to_owned(),
                ..BybitConfig::default()
            };
            let bybit = Bybit::new(config, transport, clock(), log).unwrap();
            Rc::new(bybit.market_feed(product))
        }
    }
}

fn symbols(venue: VenueId, product: Product) -> Vec<InstrumentId> {
    let id = |number: usize| InstrumentId {
        venue,
        product,
        symbol: Name::new(&format!("1000COIN{number:03}USDT")),
    };
    (0..SYMBOLS).map(id).collect()
}

/// What was said on the sockets of a feed within twelve seconds: marks have to speak within fifteen.
fn said(venue: VenueId, product: Product) -> Vec<Said> {
    virtual_time(async {
        let (fake, transport) = Fake::new(Willing);
        let feed = market_feed(venue, product, transport);
        let (instruments, interest) = (symbols(venue, product), Interest::none());
        interest.set(instruments.iter().take(BOOKS).cloned().collect());
        let mut stream = feed.open(&instruments, &interest).await.unwrap();
        let listening = async {
            loop {
                stream.next().await.unwrap();
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(12), listening).await.is_err());
        fake.said.take()
    })
}

/// The topics of a request, where it is a subscription.
fn topics(said: &Said) -> Vec<String> {
    let asked: Value = serde_json::from_str(&said.text).unwrap();
    let topics = asked["params"].as_array().or_else(|| asked["args"].as_array());
    let of = |topic: &Value| topic.as_str().unwrap().to_owned();
    topics.map_or_else(Vec::new, |topics| topics.iter().map(of).collect())
}

/// The most messages that one connection got within any second.
fn most_a_second(said: &[Said]) -> usize {
    let within = |one: &Said, other: &Said| {
        other.connection == one.connection && other.at >= one.at && other.at < one.at + Duration::from_secs(1)
    };
    let count = |one: &Said| said.iter().filter(|other| within(one, other)).count();
    said.iter().map(count).max().unwrap_or(0)
}

fn by_connection(said: &[Said]) -> BTreeMap<usize, Vec<String>> {
    let mut all: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for one in said {
        all.entry(one.connection).or_default().extend(topics(one));
    }
    all
}

/// Each topic is asked for once, and there are as many as there should be.
fn is_whole(said: &[Said], a_symbol: usize) {
    let all: Vec<String> = said.iter().flat_map(topics).collect();
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (SYMBOLS * a_symbol + BOOKS, all.len()));
}

#[test]
fn six_hundred_symbols_of_binance_stay_inside_its_limits() {
    for (product, a_symbol, messages) in [(Product::Spot, 1, 5), (Product::Perp, 2, 10)] {
        let said = said(VenueId::Binance, product);
        is_whole(&said, a_symbol);
        assert!(by_connection(&said).values().all(|topics| topics.len() <= 1024));
        assert!(
            said.iter().all(|one| one.text.len() <= 4096),
            "one message is too large"
        );
        assert!(most_a_second(&said) <= messages, "{}", most_a_second(&said));
    }
}

#[test]
fn six_hundred_symbols_of_bybit_stay_inside_its_limits() {
    for (product, a_symbol, arguments) in [(Product::Spot, 1, 10), (Product::Perp, 2, 100)] {
        let said: Vec<Said> = said(VenueId::Bybit, product)
            .into_iter()
            .filter(|one| one.text.contains("subscribe"))
            .collect();
        is_whole(&said, a_symbol);
        assert!(said.iter().all(|one| topics(one).len() <= arguments));
        for topics in by_connection(&said).values() {
            let characters: usize = topics.iter().map(|topic| topic.len() + 3).sum();
            assert!(characters <= 21_000, "{characters}");
        }
        assert!(by_connection(&said).len() <= 4);
        // No bound is published; a burst is not asked for.
        assert!(most_a_second(&said) <= 20, "{}", most_a_second(&said));
    }
}

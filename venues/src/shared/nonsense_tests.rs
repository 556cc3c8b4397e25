//! One symbol of which a venue tells nonsense, among others, over in-process pipes.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::{FactStream, MarketFeed, VenueError};
use futures_util::FutureExt;

use super::fake::{Fake, Peer, clock, pass, virtual_time};
use super::scale_tests::Willing;
use super::unreadable::{LeftOut, MOST_IN_A_ROW};
use crate::binance::{Binance, BinanceConfig};
use crate::bybit::{Bybit, BybitConfig};

type Stream = Box<dyn FactStream<MarketFact>>;
type Message = fn(&str, u64, &str) -> String;

const BAD: &str = "ADAUSDT";
const GOOD: &str = "XRPUSDT";

struct World {
    fake: Rc<Fake<Willing>>,
    stream: Stream,
    left_out: LeftOut,
}

fn id(venue: VenueId, symbol: &str) -> InstrumentId {
    InstrumentId {
        venue,
        product: Product::Perp,
        symbol: Name::new(symbol),
    }
}

async fn world(venue: VenueId) -> World {
    let (fake, transport) = Fake::new(Willing);
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let (feed, left_out): (Rc<dyn MarketFeed>, _) = match venue {
        VenueId::Binance => {
            let config = BinanceConfig {
                marks_within: Duration::from_hours(1),
                ..BinanceConfig::default()
            };
            let binance = Binance::new(config, transport, clock(), log).unwrap();
            (Rc::new(binance.market_feed(Product::Perp)), binance.left_out())
        }
        VenueId::Bybit => {
            let config = BybitConfig {
                rest_url: "https://api.test".to_owned(),
                ws_url: "wss://stream.test".to_owned(),
                ..BybitConfig::default()
            };
            let bybit = Bybit::new(config, transport, clock(), log).unwrap();
            (Rc::new(bybit.market_feed(Product::Perp)), bybit.left_out())
        }
    };
    let instruments = [id(venue, BAD), id(venue, GOOD)];
    let interest = Interest::none();
    interest.set(instruments.iter().cloned().collect());
    let stream = feed.open(&instruments, &interest).await.unwrap();
    if venue == VenueId::Binance {
        // Marks have to speak; whether they can be read is another matter.
        let marks = first(&fake, "/market");
        marks.push(&mark(BAD, "NaN"));
        marks.push(&mark(GOOD, "0.65"));
    }
    World { fake, stream, left_out }
}

/// What is told within a while, until the stream ends.
async fn told(stream: &mut Stream, millis: u64) -> (Vec<MarketFact>, Option<VenueError>) {
    let mut all = Vec::new();
    for _ in 0..millis / 10 {
        pass(10).await;
        while let Some(facts) = stream.next().now_or_never() {
            match facts {
                Ok(facts) => all.extend(facts),
                Err(error) => return (all, Some(error)),
            }
        }
    }
    (all, None)
}

/// The symbols of the facts for which `of` is true.
fn symbols(facts: &[MarketFact], of: fn(&MarketFact) -> bool) -> BTreeSet<&str> {
    let chosen = facts.iter().filter(|fact| of(fact));
    chosen.map(|fact| fact.instrument().symbol.as_str()).collect()
}

fn touch(symbol: &str, update: u64, bid: &str) -> String {
    let stream = symbol.to_lowercase();
    format!(
        r#"{{"stream":"{stream}@bookTicker","data":{{"e":"bookTicker","u":{update},"s":"{symbol}","b":"{bid}","B":"1","a":"0.7","A":"1","T":9,"E":9}}}}"#
    )
}

fn mark(symbol: &str, mark: &str) -> String {
    let stream = symbol.to_lowercase();
    format!(
        r#"{{"stream":"{stream}@markPrice@1s","data":{{"e":"markPriceUpdate","E":9,"s":"{symbol}","p":"{mark}","i":"0.6","P":"0.6","r":"0.0001","T":1790006400000}}}}"#
    )
}

fn ticker(symbol: &str, kind: &str, ts: u64, mark: &str) -> String {
    format!(
        r#"{{"topic":"tickers.{symbol}","type":"{kind}","ts":{ts},"data":{{"symbol":"{symbol}","markPrice":"{mark}"}}}}"#
    )
}

/// The message of one symbol with this number and price, as the venue pushes it, and the socket on which it does.
fn market(venue: VenueId) -> (&'static str, Message) {
    match venue {
        VenueId::Binance => ("/public", touch),
        VenueId::Bybit => ("/v5/public", |symbol, ts, mark| ticker(symbol, "delta", ts, mark)),
    }
}

/// The first socket on such a path; that of books is opened after it.
fn first(fake: &Fake<Willing>, path: &str) -> Peer {
    let peers = fake.peers.borrow();
    peers.iter().find(|peer| peer.path.contains(path)).unwrap().clone()
}

fn is_market(fact: &MarketFact) -> bool {
    matches!(fact, MarketFact::Quote { .. } | MarketFact::Mark { .. })
}

fn is_loss(fact: &MarketFact) -> bool {
    matches!(fact, MarketFact::BookLost { .. })
}

fn is_book(fact: &MarketFact) -> bool {
    matches!(fact, MarketFact::Book { .. })
}

#[test]
fn f119_nonsense_of_one_symbol_leaves_the_others_and_the_connection() {
    for venue in [VenueId::Binance, VenueId::Bybit] {
        virtual_time(async {
            let World {
                fake,
                mut stream,
                left_out,
            } = world(venue).await;
            assert_eq!(told(&mut stream, 3000).await.1, None);
            let before = left_out.count();
            let (path, message) = market(venue);
            let (peer, connections) = (first(&fake, path), fake.peers.borrow().len());
            for number in 0..200 {
                peer.push(&message(BAD, 10 + number, "NaN"));
                peer.push(&message(GOOD, 10 + number, "0.65"));
                let (facts, end) = told(&mut stream, 500).await;
                assert_eq!((end, symbols(&facts, is_market).contains(GOOD)), (None, true));
                // What a new subscription tells is whole and true; it comes once in a while.
                let is_bad = facts
                    .iter()
                    .filter(|fact| is_market(fact))
                    .any(|fact| fact.instrument().symbol.as_str() == BAD);
                assert!(!is_bad || venue == VenueId::Bybit, "{facts:?}");
            }
            assert_eq!(left_out.count() - before, 200);
            assert_eq!(fake.peers.borrow().len(), connections, "nothing was opened anew");
            let asked = fake
                .said
                .borrow()
                .iter()
                .filter(|said| said.text.contains("unsubscribe"))
                .count();
            assert_eq!(asked, if venue == VenueId::Bybit { 4 } else { 0 });
        });
    }
}

#[test]
fn f119_nothing_but_nonsense_ends_the_connection() {
    for venue in [VenueId::Binance, VenueId::Bybit] {
        virtual_time(async {
            let World {
                fake,
                mut stream,
                left_out,
            } = world(venue).await;
            assert_eq!(told(&mut stream, 3000).await.1, None);
            let before = left_out.count();
            let (path, message) = market(venue);
            let peer = first(&fake, path);
            for number in 1..MOST_IN_A_ROW {
                peer.push(&message(if number % 2 == 0 { BAD } else { GOOD }, 10, "NaN"));
            }
            // A new subscription would tell something readable.
            let (_, end) = told(&mut stream, 10).await;
            assert_eq!((end, left_out.count() - before), (None, u64::from(MOST_IN_A_ROW) - 1));
            for _ in 0..MOST_IN_A_ROW {
                peer.push(&message(BAD, 10, "NaN"));
            }
            let (_, end) = told(&mut stream, 100).await;
            assert!(matches!(end, Some(VenueError::Malformed { .. })), "{end:?}");
        });
    }
}

#[test]
fn a_change_that_cannot_be_read_loses_its_book_and_no_other() {
    for venue in [VenueId::Binance, VenueId::Bybit] {
        virtual_time(async {
            let World {
                fake,
                mut stream,
                left_out,
            } = world(venue).await;
            let (facts, _) = told(&mut stream, 8000).await;
            assert_eq!(symbols(&facts, is_book), [BAD, GOOD].into());
            let before = left_out.count();
            let books = fake.peers.borrow().last().unwrap().clone();
            let change = match venue {
                VenueId::Binance => {
                    r#"{"stream":"adausdt@depth@100ms","data":{"e":"depthUpdate","E":9,"T":8,"s":"ADAUSDT","U":130,"u":145,"pu":120,"b":[["0.61","NaN"]],"a":[]}}"#
                }
                VenueId::Bybit => {
                    r#"{"topic":"orderbook.50.ADAUSDT","type":"delta","ts":9,"data":{"s":"ADAUSDT","b":[["0.6","NaN"]],"a":[],"u":6},"cts":8}"#
                }
            };
            books.push(change);
            let (facts, end) = told(&mut stream, 20).await;
            assert_eq!((symbols(&facts, is_loss), end), ([BAD].into(), None));
            // A whole one brings it back.
            let (facts, _) = told(&mut stream, 8000).await;
            assert_eq!(symbols(&facts, is_book), [BAD].into());
            // Of whom is that? Every book may miss something.
            books.push("<html>");
            let (facts, end) = told(&mut stream, 20).await;
            assert_eq!((symbols(&facts, is_loss), end), ([BAD, GOOD].into(), None));
            assert_eq!(left_out.count() - before, 2);
        });
    }
}

//! The way of a market message from the socket's bytes to a fact that an actor takes, counted in allocations: websocket
//! frame, line, decoder, merged stream, as in production. Only the connection is a pipe.
//!
//! What is left is the websocket library's: it takes a new buffer when the old one is still lent out, once for many
//! messages. So the count does not grow with the messages of a buffer, and none of it is ours.

use std::rc::Rc;
use std::task::{Context, Waker};

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::FactStream;

use super::fake::{Fake, pass, virtual_time};
use super::scale_tests::{Willing, market_feed};

const SYMBOLS: usize = 100;
/// So many rounds of all symbols that they fit into the pipe.
const ROUNDS: usize = 40;

fn symbol(number: usize) -> String {
    format!("1000COIN{number:03}USDT")
}

/// One message of each symbol, by a pattern in which `SYM` stands for it, `LOW` for it in small letters, `#` for a digit that changes and `$` for a
/// number that grows.
fn round(pattern: &str, round: usize) -> impl Iterator<Item = String> {
    (0..SYMBOLS).map(move |number| {
        pattern
            .replace("SYM", &symbol(number))
            .replace("LOW", &symbol(number).to_lowercase())
            .replace('#', &((number + round) % 10).to_string())
            .replace('$', &(1_790_000_001_000 + round).to_string())
    })
}

/// All facts that are there without waiting.
fn drain(stream: &mut dyn FactStream<MarketFact>, facts: &mut Vec<MarketFact>) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut told = 0;
    facts.clear();
    while stream.poll_facts(&mut context, facts).map(Result::unwrap).is_ready() {
        told += facts.len();
        facts.clear();
    }
    told
}

async fn feed(venue: VenueId, product: Product) -> (Rc<Fake<Willing>>, Box<dyn FactStream<MarketFact>>) {
    let (fake, transport) = Fake::new(Willing);
    let feed = market_feed(venue, product, transport);
    let id = |number: usize| InstrumentId {
        venue,
        product,
        symbol: Name::new(&symbol(number)),
    };
    let instruments: Vec<_> = (0..SYMBOLS).map(id).collect();
    let stream = feed.open(&instruments, &Interest::none()).await.unwrap();
    (fake, stream)
}

/// Allocations of so many messages, after each symbol was met; the messages and how many of them were told.
fn counted(venue: VenueId, product: Product, path: &str, pattern: &str) -> (u64, usize, usize) {
    virtual_time(async {
        let (fake, mut stream) = feed(venue, product).await;
        let (mut facts, peer) = (Vec::with_capacity(64), fake.peer(path));
        // Subscriptions are made and answered first; then everything is heard once.
        for warm in 0..3 {
            for message in (0..warm).flat_map(|_| round(pattern, warm)) {
                peer.push(&message);
            }
            for _ in 0..5 {
                pass(300).await;
                tokio::task::unconstrained(async { drain(&mut *stream, &mut facts) }).await;
            }
        }
        for turn in 3..3 + ROUNDS {
            for message in round(pattern, turn) {
                peer.push(&message);
            }
        }
        pass(50).await;
        let mut told = 0;
        let spent = tokio::task::unconstrained(async {
            allocation_counter::measure(|| told = drain(&mut *stream, &mut facts))
        })
        .await;
        (spent.count_total, SYMBOLS * ROUNDS, told)
    })
}

#[test]
fn the_way_from_the_socket_to_a_fact_allocates_nothing_for_a_message() {
    let touch = r#"{"e":"bookTicker","u":$,"s":"SYM","b":"0.6#","B":"1200.#","a":"0.8#","A":"310.#","T":$,"E":$,"st":1,"ps":"SYM"}"#;
    let touch = format!(r#"{{"stream":"LOW@bookTicker","data":{touch}}}"#);
    let mark = r#"{"e":"markPriceUpdate","E":$,"s":"SYM","p":"0.612345#","ap":"0.61230000","i":"0.6120123#","P":"0.61188000","r":"-0.0003120#","T":1790006400000,"st":1}"#;
    let mark = format!(r#"{{"stream":"LOW@markPrice@1s","data":{mark}}}"#);
    let orderbook = r#"{"topic":"orderbook.1.SYM","type":"snapshot","ts":$,"data":{"s":"SYM","b":[["0.61","88"]],"a":[["0.62","12#"]],"u":$,"seq":$},"cts":$}"#;
    let ticker = r#"{"topic":"tickers.SYM","type":"delta","data":{"symbol":"SYM","markPrice":"0.6#"},"cs":1,"ts":$}"#;
    for (venue, product, path, pattern) in [
        (VenueId::Binance, Product::Spot, "stream", &*touch),
        (VenueId::Binance, Product::Perp, "public", &*touch),
        (VenueId::Binance, Product::Perp, "market", &*mark),
        (VenueId::Bybit, Product::Perp, "linear", orderbook),
        (VenueId::Bybit, Product::Perp, "linear", ticker),
    ] {
        let (allocations, messages, told) = counted(venue, product, path, pattern);
        println!("{venue} {product} {path}: {allocations} allocations, {messages} messages, {told} told");
        assert!(told >= messages, "{venue} {product}: {told} of {messages}");
        assert!(
            allocations * 50 <= u64::try_from(messages).unwrap(),
            "{venue} {product} {path}: {allocations} allocations for {messages} messages"
        );
    }
}

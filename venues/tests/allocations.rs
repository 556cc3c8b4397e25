//! Best bids and asks are read without a single allocation, once every symbol was met.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use domain::instrument::{Product, VenueId};
use venues::raw::Reader;
use venues::shared::event::Event;
use venues::shared::recorded::unwrapped;

const SYMBOLS: u32 = 600;
const ROUNDS: u32 = 20;

/// One message of each symbol, by a pattern in which `SYM` stands for it and `#` for a digit that changes.
fn round(pattern: &str, round: u32) -> Vec<String> {
    (0..SYMBOLS)
        .map(|symbol| {
            let digit = (symbol + round) % 10;
            pattern
                .replace("SYM", &format!("COIN{symbol}USDT"))
                .replace('#', &digit.to_string())
        })
        .collect()
}

fn allocations(venue: VenueId, pattern: &str) -> u64 {
    let mut reader = Reader::new(venue, Product::Perp);
    let mut events: Vec<Event> = Vec::with_capacity(8);
    let mut read = |text: &str| {
        events.clear();
        reader.read(&unwrapped(text), &mut events).unwrap();
        events.len()
    };
    for text in round(pattern, 0) {
        assert_eq!(read(&text), 1, "{text}");
    }
    let messages: Vec<String> = (1..=ROUNDS).flat_map(|number| round(pattern, number)).collect();
    let counted = allocation_counter::measure(|| {
        for text in &messages {
            assert!(read(text) > 0);
        }
    });
    counted.count_total
}

#[test]
fn a_touch_of_binance_allocates_nothing() {
    let bare = r#"{"e":"bookTicker","u":9000123,"s":"SYM","b":"0.6#","B":"1200.#","a":"0.8#","A":"310.#","T":1790000001001,"E":1790000001004,"st":1,"ps":"SYM"}"#;
    assert_eq!(allocations(VenueId::Binance, bare), 0);
    let combined =
        r#"{"stream":"x@bookTicker","data":{"u":400901,"s":"SYM","b":"0.6#","B":"812.0","a":"0.8#","A":"95.#"}}"#;
    assert_eq!(allocations(VenueId::Binance, combined), 0);
}

#[test]
fn a_touch_of_bybit_allocates_nothing() {
    let touch = r#"{"topic":"orderbook.1.SYM","type":"snapshot","ts":1790000000101,"data":{"s":"SYM","b":[["0.61","88"]],"a":[["0.62","12#"]],"u":70011,"seq":90221000001},"cts":1790000000099}"#;
    assert_eq!(allocations(VenueId::Bybit, touch), 0);
    let ticker = r#"{"topic":"tickers.SYM","type":"snapshot","data":{"symbol":"SYM","markPrice":"0.6#"},"cs":1,"ts":1790000000101}"#;
    assert_eq!(allocations(VenueId::Bybit, ticker), 0);
}

//! What must hold for any bytes at all. Shared by the fuzz targets and by the seeded runner of `tests/hostile.rs`.

use domain::instrument::{Product, VenueId};
use rust_decimal::Decimal;
use venues::raw::Reader;
use venues::shared::event::{Event, Outcome};
use venues::shared::event_json;
use venues::shared::exact::exact;
use venues::shared::recorded::{messages, unpacked, unwrapped};

/// A message is events, is left aside, or is one typed error; an error leaves nothing behind, and an event is JSON.
pub fn message(venue: VenueId, bytes: &[u8]) {
    for product in Product::ALL {
        let mut reader = Reader::new(venue, product);
        let mut events = vec![Event::Acknowledged];
        let outcome = reader.read_bytes(bytes, &mut events);
        assert_eq!(events[0], Event::Acknowledged);
        match outcome {
            Ok(Outcome::Told) => {}
            Ok(Outcome::Ignored(reason)) => assert!(!reason.is_empty()),
            Err(error) => {
                assert_eq!(events.len(), 1, "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
        for event in &events {
            let json = event_json::json(event);
            assert!(json["event"].is_string(), "{event:?}");
        }
        // A second time, with what the first left known.
        let _ = reader.read_bytes(bytes, &mut events);
    }
}

/// What is read in place is what the full parser reads.
pub fn agreement(venue: VenueId, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let message = unwrapped(text);
    for product in Product::ALL {
        let (mut fast, mut full) = (Reader::new(venue, product), Reader::new(venue, product));
        // Twice: the second time symbols and tickers are known.
        for _ in 0..2 {
            let (mut by_fast, mut by_full) = (Vec::new(), Vec::new());
            let told = fast.read(&message, &mut by_fast);
            let fully = full.read_fully(&message, &mut by_full);
            assert_eq!(told, fully, "{text}");
            assert_eq!(by_fast, by_full, "{text}");
        }
    }
}

/// A number is exactly what its text says, or none.
pub fn number(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(read) = exact(text) else { return };
    assert!(read.abs() <= Decimal::from(10_000_000_000_000_i64), "{text}");
    if !text.contains(['e', 'E']) {
        let digits = |text: &str| text.trim_start_matches(['-', '+']).replace('_', "");
        let (said, shown) = (digits(text), digits(&read.to_string()));
        let same = |text: &str| text.trim_start_matches('0').trim_end_matches('.').to_owned();
        assert_eq!(same(&said), same(&shown), "{text} is read as {read}");
    }
}

/// A file is messages, whatever is in it.
pub fn file(bytes: &[u8]) {
    for name in ["x.json", "x.jsonl", "x.json.gz"] {
        for message in messages(name, bytes) {
            assert!(message.len() <= bytes.len());
        }
    }
    if bytes.len() < 4096 {
        let _ = unpacked(bytes.to_vec());
    }
}

//! How long messages take from their text to events: one best bid and ask, or whole files.
//!
//! `cargo bench -p venues --bench decode -- binance FILE... bybit FILE...` reads each file seven times, in the product of
//! perpetuals, and prints nanoseconds a message, best and median.

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::time::Timestamp;
use venues::binance::Decoder;
use venues::raw::{Reader, text};
use venues::shared::recorded::{Message, messages, unpacked, unwrapped};

const ROUNDS: u32 = 200_000;
const PASSES: usize = 7;
const TEXT: &str = r#"{"e":"bookTicker","u":9000123,"s":"XRPUSDT","b":"0.6126","B":"1200.1","a":"0.6127","A":"310.0","T":1790000001001,"E":1790000001004,"st":1,"ps":"XRPUSDT"}"#;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.is_empty() {
        return one_touch();
    }
    let mut venue = VenueId::Binance;
    for word in &words {
        match VenueId::parse(word) {
            Some(named) => venue = named,
            None => match std::fs::read(word).and_then(unpacked) {
                Ok(bytes) => file(venue, word, &bytes),
                Err(error) => eprintln!("{word}: {error}"),
            },
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn one_touch() {
    let id = InstrumentId {
        venue: VenueId::Binance,
        product: Product::Perp,
        symbol: Name::new("XRPUSDT"),
    };
    let mut decoder = Decoder::new(&[id]);
    let began = std::time::Instant::now();
    let mut into = Vec::with_capacity(1);
    let mut facts = 0_usize;
    for _ in 0..ROUNDS {
        into.clear();
        if decoder
            .touch(std::hint::black_box(TEXT), Timestamp(0), &mut into)
            .is_ok()
        {
            facts += into.len();
        }
    }
    let spent = began.elapsed();
    println!("{facts} touches, {} ns each", spent.as_nanos() / u128::from(ROUNDS));
}

/// One file; what a message says takes the place of what the one before said.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn file(venue: VenueId, name: &str, bytes: &[u8]) {
    let texts: Vec<Message<'_>> = messages(name, bytes)
        .into_iter()
        .filter_map(|message| text(venue, message).ok())
        .map(unwrapped)
        .collect();
    let count = u128::try_from(texts.len().max(1)).unwrap_or(1);
    let (mut passes, mut events, mut refused) = (Vec::new(), Vec::new(), 0_usize);
    let mut reader = Reader::new(venue, Product::Perp);
    for _ in 0..PASSES {
        refused = 0;
        let began = std::time::Instant::now();
        for message in &texts {
            events.clear();
            refused += usize::from(reader.read(std::hint::black_box(message), &mut events).is_err());
        }
        passes.push(began.elapsed().as_nanos() / count);
    }
    passes.sort_unstable();
    let at = |place: usize| passes.get(place).copied().unwrap_or_default();
    println!(
        "{venue} {name}: {count} messages, {refused} unread, {} ns at best, {} ns median",
        at(0),
        at(PASSES / 2)
    );
}

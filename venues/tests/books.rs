//! Books that are kept from changes: against a plain map over seeded histories, and over everything recorded.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail where it stands"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::instrument::{Product, VenueId};
use domain::market::{Book, Level};
use domain::money::{Price, Quantity};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use venues::binance::book::{KeptBook, Step};
use venues::bybit;
use venues::raw::Reader;
use venues::shared::event::{Event, Span};
use venues::shared::recorded::{messages, unpacked};

/// A book as simple as can be: price to quantity.
#[derive(Clone, Default)]
struct Plain {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

fn level(price: i64, quantity: i64) -> Level {
    Level {
        price: Price(price.into()),
        quantity: Quantity(quantity.into()),
    }
}

impl Plain {
    /// One numbered change of one level, noted in `change` too.
    fn step(&mut self, rng: &mut impl Rng, change: &mut Plain) {
        let quantity = if rng.random_bool(0.3) {
            0
        } else {
            rng.random_range(1..100)
        };
        let price = rng.random_range(0..30);
        let (side, noted, price) = if rng.random_bool(0.5) {
            (&mut self.bids, &mut change.bids, 100 - price)
        } else {
            (&mut self.asks, &mut change.asks, 101 + price)
        };
        if quantity == 0 {
            side.remove(&price);
        } else {
            side.insert(price, quantity);
        }
        noted.insert(price, quantity);
    }

    fn book(&self) -> Book {
        let level = |(price, quantity): (&i64, &i64)| level(*price, *quantity);
        Book {
            bids: self.bids.iter().rev().map(level).collect(),
            asks: self.asks.iter().map(level).collect(),
        }
    }
}

/// A history: each change with its numbers, and the book after each number.
struct History {
    changes: Vec<(Span, Book)>,
    at: BTreeMap<u64, Plain>,
}

fn history(rng: &mut impl Rng, product: Product) -> History {
    let (mut plain, mut number, mut last) = (Plain::default(), 100_u64, 100_u64);
    let mut history = History {
        changes: Vec::new(),
        at: BTreeMap::from([(number, plain.clone())]),
    };
    for _ in 0..60 {
        // Numbers of futures are shared by all symbols, so that they jump.
        number += if product == Product::Perp {
            rng.random_range(0..50)
        } else {
            0
        };
        let first = number + 1;
        let mut change = Plain::default();
        for _ in 0..rng.random_range(1..6) {
            number += 1;
            plain.step(rng, &mut change);
            history.at.insert(number, plain.clone());
        }
        let span = Span {
            first: Some(first),
            last: number,
            previous: (product == Product::Perp).then_some(last),
        };
        last = number;
        history.changes.push((span, change.book()));
    }
    history
}

#[test]
fn a_kept_book_is_the_plain_book_wherever_it_joins() {
    for seed in 0..400 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for product in Product::ALL {
            let history = history(&mut rng, product);
            let mut kept = KeptBook::new(product);
            let (asked_after, numbers) = (rng.random_range(1..40), history.at.keys().copied().collect::<Vec<_>>());
            let mut joined = false;
            for (count, (span, change)) in history.changes.iter().enumerate() {
                let step = kept.change(*span, change);
                if joined {
                    assert!(matches!(step, Step::Applied | Step::Old), "{seed} {product} {step:?}");
                    assert_eq!(
                        kept.top(1000).unwrap(),
                        history.at[&kept.last().unwrap()].book(),
                        "{seed}"
                    );
                } else {
                    assert_eq!(step, Step::Waiting);
                }
                if !joined && count >= asked_after {
                    // The answer may be as old as any number so far, or a little ahead of the stream.
                    let reach = numbers
                        .iter()
                        .position(|number| *number > span.last + 8)
                        .unwrap_or(numbers.len());
                    let update = numbers[rng.random_range(0..reach)];
                    match kept.whole(update, &history.at[&update].book()) {
                        Step::Applied => joined = true,
                        Step::TooOld => assert!(update < history.changes[0].0.first.unwrap(), "{seed}"),
                        other => panic!("{seed} {product} {update}: {other:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn whatever_is_lost_makes_the_book_unusable_until_a_whole_one_joins() {
    for seed in 0..400 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for product in Product::ALL {
            let history = history(&mut rng, product);
            let mut kept = KeptBook::new(product);
            let lost = rng.random_range(2..55);
            assert_eq!(kept.whole(100, &history.at[&100].book()), Step::Applied);
            for (count, (span, change)) in history.changes.iter().enumerate() {
                if count == lost {
                    continue;
                }
                let step = kept.change(*span, change);
                match count {
                    _ if count < lost => assert_eq!(step, Step::Applied, "{seed} {product}"),
                    _ if count == lost + 1 => {
                        assert_eq!(step, Step::Gap, "{seed} {product}");
                        assert!(kept.top(1).is_none() && kept.quote().is_none());
                        assert_eq!(kept.whole(span.last, &history.at[&span.last].book()), Step::Applied);
                    }
                    _ => assert_eq!(step, Step::Applied, "{seed} {product}"),
                }
            }
            assert_eq!(kept.top(1000).unwrap(), history.at.values().next_back().unwrap().book());
        }
    }
}

fn lines(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: no {}", path.display());
    }
    bytes.map(|bytes| unpacked(bytes).unwrap())
}

/// What was counted in a recording.
#[derive(Debug, Default)]
struct Counted {
    applied: usize,
    gaps: usize,
    compared: usize,
}

/// Keeps the books of a recording; where its whole book is without symbol there is only one symbol.
fn keep(name: &str, product: Product) -> Option<Counted> {
    let bytes = lines(name)?;
    let mut reader = Reader::new(VenueId::Binance, product);
    let mut books: BTreeMap<String, KeptBook> = BTreeMap::new();
    let (mut events, mut counted) = (Vec::new(), Counted::default());
    for message in messages(name, &bytes) {
        events.clear();
        reader.read_bytes(message, &mut events).unwrap();
        for event in &events {
            let step = match event {
                Event::BookChange {
                    instrument,
                    change,
                    span,
                    ..
                } => books
                    .entry(instrument.symbol.as_str().to_owned())
                    .or_insert_with(|| KeptBook::new(product))
                    .change(*span, change),
                Event::Book {
                    instrument,
                    book,
                    update,
                    ..
                } => {
                    let symbol = instrument.as_ref().map(|id| id.symbol.as_str().to_owned());
                    let symbol = symbol.unwrap_or_else(|| books.keys().next().unwrap().clone());
                    books
                        .entry(symbol)
                        .or_insert_with(|| KeptBook::new(product))
                        .whole(*update, book)
                }
                _ => continue,
            };
            counted.gaps += usize::from(step == Step::Gap);
            counted.applied += usize::from(step == Step::Applied);
        }
        counted.compared += books.values().filter(|book| book.quote().is_some()).count().min(1);
    }
    for (symbol, book) in &books {
        assert!(book.is_usable(), "{name}: {symbol} has no book");
        let top = book.top(20).unwrap();
        assert!(top.bids.len() >= 20 && top.asks.len() >= 20, "{name} {symbol}");
        assert!(top.bids[0].price < top.asks[0].price, "{name}: {symbol} is crossed");
        assert!(
            top.bids
                .iter()
                .chain(&top.asks)
                .all(|level| level.quantity.0 > Decimal::ZERO)
        );
    }
    println!("{name}: {counted:?}, {} books", books.len());
    Some(counted)
}

#[test]
fn no_recording_has_a_gap() {
    for (name, product) in [
        ("data/raw/binance/usdm-btcusdt-20240808.jsonl.gz", Product::Perp),
        (
            "data/raw/binance/usdm-sushi-akro-keep-ctk-20210722.jsonl.gz",
            Product::Perp,
        ),
        ("data/raw/binance/spot-btcusdt-20240808.jsonl.gz", Product::Spot),
        (
            "data/raw/binance/spot-nkn-blz-lrc-rune-20211012.jsonl.gz",
            Product::Spot,
        ),
    ] {
        if let Some(counted) = keep(name, product) {
            assert_eq!(counted.gaps, 0, "{name}");
            assert!(counted.applied > 20 && counted.compared > 20, "{name} {counted:?}");
        }
    }
}

#[test]
fn a_recorded_book_of_the_other_venue_follows_too() {
    let name = "data/raw/bybit/linear-orderbook500-xrpusdt-20241201.jsonl.gz";
    let Some(bytes) = lines(name) else { return };
    let (mut book, mut levels, mut applied) = (bybit::book::KeptBook::default(), Book::default(), 0);
    for message in messages(name, &bytes) {
        let text = venues::shared::recorded::unwrapped(std::str::from_utf8(message).unwrap()).text;
        let head = bybit::depth::full(text, &mut levels).unwrap();
        assert_eq!(book.take(&head, &levels), bybit::book::Step::Applied);
        let top = book.top(20).unwrap();
        assert!(top.bids.len() == 20 && top.bids[0].price < top.asks[0].price);
        applied += 1;
    }
    assert_eq!(applied, 50);
}

#[test]
fn the_other_venues_kept_book_is_the_plain_book() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut plain, mut kept) = (Plain::default(), bybit::book::KeptBook::default());
        let mut update = rng.random_range(10..1000_u64);
        for count in 0..80 {
            let mut change = Plain::default();
            for _ in 0..rng.random_range(1..5) {
                plain.step(&mut rng, &mut change);
            }
            let is_whole = count == 0 || rng.random_bool(0.05);
            let is_lost = !is_whole && rng.random_bool(0.03);
            update = if is_whole && rng.random_bool(0.5) {
                1
            } else {
                update + 1 + u64::from(is_lost)
            };
            let head = bybit::depth::Head {
                kind: if is_whole { "snapshot" } else { "delta" }.into(),
                symbol: "XRPUSDT".into(),
                update,
                sequence: Some(1_000_000 + count),
                ts: 1,
                matched: None,
            };
            let was_usable = kept.is_usable();
            let levels = if is_whole { plain.book() } else { change.book() };
            let step = kept.take(&head, &levels);
            if is_whole || was_usable && !is_lost {
                assert_eq!(step, bybit::book::Step::Applied, "{seed}");
                assert_eq!(kept.top(1000).unwrap(), plain.book(), "{seed}");
            } else {
                assert_eq!(step, bybit::book::Step::Gap, "{seed}");
                assert_eq!(kept.top(1), None);
            }
        }
    }
}

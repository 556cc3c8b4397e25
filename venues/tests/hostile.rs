//! Spoilt messages by the thousand, from a seed: whatever comes, no parser panics, and the two ways of reading agree.
//!
//! `FUZZ_SECONDS` says how long each check runs (default 1), `FUZZ_SEED` where chance begins (default 1).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::instrument::VenueId;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use venues::shared::recorded::{messages, unpacked};

/// Parts that break parsers.
const PARTS: &[&str] = &[
    "",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-0",
    "1e400",
    "1E-400",
    "1e5",
    "0x10",
    "99999999999999999999999999999999",
    "-1",
    "\"\"",
    "\"NaN\"",
    "\"1e400\"",
    "0.00000000000000000000000000001",
    ".5",
    "5.",
    "+1",
    "01",
    "\\u0000",
    "\\",
    "\u{feff}",
    "<html>",
    "18446744073709551616",
    "9223372036854775808",
    "10000000000000",
    "10000000000000.1",
    " ",
    "\n",
];

/// Samples of our own, so that there is always something to spoil.
const SAMPLES: &[&str] = &[
    r#"{"e":"bookTicker","u":9000123,"s":"XRPUSDT","b":"0.6126","B":"1200.1","a":"0.6127","A":"310.0","T":1790000001001,"E":1790000001004,"st":1,"ps":"XRPUSDT"}"#,
    r#"{"stream":"xrpusdt@bookTicker","data":{"u":400901,"s":"XRPUSDT","b":"0.61270000","B":"812.00000000","a":"0.61280000","A":"95.00000000"}}"#,
    r#"{"e":"depthUpdate","E":1790000001000,"T":1790000000996,"s":"XRPUSDT","U":88001,"u":88040,"pu":87996,"b":[["0.6126","1200.1"]],"a":[],"st":1}"#,
    r#"{"e":"markPriceUpdate","E":1790000001000,"s":"XRPUSDT","p":"0.61234567","ap":"0.61230000","i":"0.61201234","P":"0.61188000","r":"-0.00031200","T":1790006400000,"st":1}"#,
    r#"{"topic":"orderbook.1.XRPUSDT","type":"snapshot","ts":1790000000101,"data":{"s":"XRPUSDT","b":[["0.6121","88"]],"a":[["0.6122","120"]],"u":70011,"seq":90221000001},"cts":1790000000099}"#,
    r#"{"topic":"orderbook.50.XRPUSDT","type":"delta","ts":1790000000121,"data":{"s":"XRPUSDT","b":[["0.6121","0"]],"a":[["0.6123","15"]],"u":70012,"seq":90221000009},"cts":1790000000118}"#,
    r#"{"topic":"tickers.XRPUSDT","type":"snapshot","data":{"symbol":"XRPUSDT","markPrice":"0.6122","indexPrice":"","fundingRate":"-0.0002","nextFundingTime":"1790006400000","fundingIntervalHour":"8","fundingCap":"0.005","openInterest":"81","turnover24h":"9.1"},"cs":1,"ts":1790000000101}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"symbol":"XRPUSDT","fundingRate":"0.0002","fundingRateTimestamp":"1789977600000"}]},"time":1790000000123}"#,
];

fn seeds(kinds: &[&str]) -> Vec<Vec<u8>> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let mut all: Vec<Vec<u8>> = SAMPLES.iter().map(|text| text.as_bytes().to_vec()).collect();
    for kind in kinds {
        let Ok(entries) = std::fs::read_dir(shared.join(kind)) else {
            println!("skipped: no {kind}");
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            all.extend(messages_of(&path));
        }
    }
    all
}

fn messages_of(path: &Path) -> Vec<Vec<u8>> {
    let bytes = unpacked(std::fs::read(path).unwrap()).unwrap();
    let few = messages(&path.to_string_lossy(), &bytes).into_iter().take(50);
    few.filter(|message| message.len() < 20_000)
        .map(<[u8]>::to_vec)
        .collect()
}

/// A seed with some parts of it changed.
fn spoilt(rng: &mut impl Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.random_range(0..bytes.len());
        let end = (at + rng.random_range(0..12)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            5 => {
                let part = PARTS[rng.random_range(0..PARTS.len())];
                drop(bytes.splice(at..end, part.bytes()));
            }
            // A whole value: from a colon to the next comma.
            _ => {
                let from = bytes[at..]
                    .iter()
                    .position(|byte| *byte == b':')
                    .map(|colon| at + colon + 1);
                let from = from.unwrap_or(at);
                let to = bytes[from..]
                    .iter()
                    .position(|byte| *byte == b',')
                    .map_or(bytes.len(), |comma| from + comma);
                let part = PARTS[rng.random_range(0..PARTS.len())];
                drop(bytes.splice(from..to, part.bytes()));
            }
        }
    }
    bytes
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[expect(clippy::disallowed_methods, reason = "how long a test runs is no market time")]
fn run(name: &str, kinds: &[&str], check: impl Fn(&[u8])) {
    let (seeds, seed) = (seeds(kinds), number_of("FUZZ_SEED", 1));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (began, lasts) = (
        std::time::Instant::now(),
        Duration::from_secs(number_of("FUZZ_SECONDS", 1)),
    );
    for seed in &seeds {
        check(seed);
    }
    let mut rounds = 0_u64;
    while began.elapsed() < lasts {
        for _ in 0..100 {
            check(&spoilt(&mut rng, &seeds));
        }
        rounds += 100;
    }
    println!("{name}: {} seeds, {rounds} spoilt messages from {seed}", seeds.len());
    assert!(rounds > 0);
}

const BINANCE_REST: &[&str] = &[
    "binance/futures-rest",
    "binance/spot-rest",
    "binance/futures-wsapi",
    "binance/spot-wsapi",
];
const BINANCE_MARKET: &[&str] = &[
    "binance/futures-ws-market",
    "binance/spot-ws-market",
    "binance/recorded",
];
const BINANCE_USER: &[&str] = &["binance/futures-ws-user", "binance/spot-ws-user"];
const BYBIT_MARKET: &[&str] = &["bybit/ws-public", "bybit/ws-control"];

#[test]
fn binance_rest() {
    run("binance_rest", BINANCE_REST, |bytes| {
        checks::message(VenueId::Binance, bytes)
    });
}

#[test]
fn binance_market() {
    run("binance_market", BINANCE_MARKET, |bytes| {
        checks::message(VenueId::Binance, bytes)
    });
}

#[test]
fn binance_user() {
    run("binance_user", BINANCE_USER, |bytes| {
        checks::message(VenueId::Binance, bytes)
    });
}

#[test]
fn binance_agreement() {
    run("binance_agreement", BINANCE_MARKET, |bytes| {
        checks::agreement(VenueId::Binance, bytes)
    });
}

#[test]
fn bybit_rest() {
    run("bybit_rest", &["bybit/rest"], |bytes| {
        checks::message(VenueId::Bybit, bytes)
    });
}

#[test]
fn bybit_market() {
    run("bybit_market", BYBIT_MARKET, |bytes| {
        checks::message(VenueId::Bybit, bytes)
    });
}

#[test]
fn bybit_user() {
    run("bybit_user", &["bybit/ws-private"], |bytes| {
        checks::message(VenueId::Bybit, bytes)
    });
}

#[test]
fn bybit_agreement() {
    run("bybit_agreement", BYBIT_MARKET, |bytes| {
        checks::agreement(VenueId::Bybit, bytes)
    });
}

#[test]
fn numbers_and_files() {
    run("numbers_and_files", &[], |bytes| {
        checks::file(bytes);
        for part in bytes.split(|byte| b"\",:[]{}".contains(byte)) {
            checks::number(part);
        }
    });
}

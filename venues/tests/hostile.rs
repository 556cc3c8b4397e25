//! Spoilt messages by the thousand, from a seed: whatever comes, no parser panics, and the two ways of reading agree.
//!
//! How long and from which seed: see `fuzz/spoil.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "../fuzz/spoil.rs"]
mod spoil;

use std::path::{Path, PathBuf};

use domain::instrument::VenueId;
use venues::shared::recorded::{messages, unpacked};

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

fn run(name: &str, kinds: &[&str], check: impl Fn(&[u8])) {
    spoil::run(name, &seeds(kinds), check);
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

//! Every recorded message and every sample at hand is events, or is left aside for a stated reason.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use domain::instrument::{Product, VenueId};
use domain::ports::VenueError;
use venues::raw::Reader;
use venues::shared::event::{Event, Outcome};
use venues::shared::event_json;
use venues::shared::recorded::{messages, unpacked};

fn shared() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared")
}

fn files(under: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(under) else {
        println!("skipped: no {}", under.display());
        return Vec::new();
    };
    let mut all = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn is_messages(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".json", ".ndjson", ".json.gz", ".jsonl.gz"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Answers that are refusals: a typed error is what they mean.
const REFUSALS: &[&str] = &["bybit/ws-control/nt_auth_failure.json"];

#[derive(Default)]
struct Tally {
    kinds: BTreeMap<String, usize>,
    reasons: BTreeMap<&'static str, usize>,
    failures: Vec<String>,
    messages: usize,
}

impl Tally {
    fn read(&mut self, path: &Path) {
        let name = path.to_string_lossy();
        let venue = if name.contains("/bybit/") {
            VenueId::Bybit
        } else {
            VenueId::Binance
        };
        let is_spot = name.contains("spot") && !name.contains("account_spot");
        let product = if is_spot { Product::Spot } else { Product::Perp };
        let bytes = unpacked(std::fs::read(path).unwrap()).unwrap();
        let mut reader = Reader::new(venue, product);
        let mut events = Vec::new();
        for message in messages(&name, &bytes) {
            events.clear();
            self.messages += 1;
            match reader.read_bytes(message, &mut events) {
                Ok(Outcome::Told) => {}
                Ok(Outcome::Ignored(reason)) => *self.reasons.entry(reason).or_default() += 1,
                Err(VenueError::Refused { .. }) if REFUSALS.iter().any(|file| name.ends_with(file)) => {}
                Err(error) => {
                    let text = String::from_utf8_lossy(message);
                    self.failures.push(format!(
                        "{name}: {error}: {}",
                        text.chars().take(200).collect::<String>()
                    ));
                }
            }
            for event in &events {
                let json = event_json::json(event);
                *self
                    .kinds
                    .entry(json["event"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
    }
}

/// Kinds that must be found in the recordings; the rest have tests of their own.
const KINDS: &[&str] = &[
    "quote",
    "mark",
    "funding",
    "book",
    "book_change",
    "trade",
    "day_volume",
    "open_interest",
    "settled_funding",
    "funding_rule",
    "instrument",
    "margin_tier",
    "order",
    "fill",
    "balance",
    "position",
    "position_change",
    "wallet_change",
    "cash_flow",
    "forced_reduction",
    "fees",
    "leverage",
    "adl",
    "borrow",
    "account_mode",
    "receipt",
    "listen_key",
    "venue_time",
    "acknowledged",
];

#[test]
fn every_recorded_message_is_events_or_left_aside_for_a_stated_reason() {
    let mut tally = Tally::default();
    for folder in ["fixtures", "data/raw", "data/rest"] {
        for path in files(&shared().join(folder)).iter().filter(|path| is_messages(path)) {
            tally.read(path);
        }
    }
    if tally.messages == 0 {
        return;
    }
    println!("{} messages", tally.messages);
    for (kind, count) in &tally.kinds {
        println!("{count:>9} {kind}");
    }
    for (reason, count) in &tally.reasons {
        println!("{count:>9} left aside: {reason}");
    }
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
    let missing: BTreeSet<_> = KINDS.iter().filter(|kind| !tally.kinds.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "no {missing:?}");
    let stated =
        std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/decoding.md")).unwrap();
    let unstated: Vec<_> = tally
        .reasons
        .keys()
        .filter(|reason| !stated.contains(**reason))
        .collect();
    assert!(unstated.is_empty(), "docs/decoding.md does not say {unstated:#?}");
}

fn read(venue: VenueId, product: Product, bytes: &[u8]) -> Result<Vec<Event>, VenueError> {
    let mut events = Vec::new();
    Reader::new(venue, product)
        .read_bytes(bytes, &mut events)
        .map(|_| events)
}

#[test]
fn whatever_is_broken_is_one_typed_error() {
    let bomb = "[".repeat(200_000);
    let long = format!("{{\"e\":\"bookTicker\",\"pad\":\"{}\"}}", "x".repeat(10 << 20));
    let broken: Vec<&[u8]> = vec![
        b"",
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b"null",
        b"true",
        b"7",
        b"NaN",
        b"{\"e\":\"bookTicker\",\"u\":1,\"s\":\"XRPUSDT\",\"b\":NaN,\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"e\":\"bookTicker\",\"u\":1,\"s\":\"XRPUSDT\",\"b\":\"NaN\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"e\":\"bookTicker\",\"u\":1,\"s\":\"XRPUSDT\",\"b\":1e400,\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"e\":\"bookTicker\",\"u\":99999999999999999999999,\"s\":\"XRPUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"e\":\"bookTicker\",\"u\":1,\"s\":\"XRPUSDT\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"e\":\"markPriceUpdate\",\"E\":1,\"s\":\"XRPUSDT\",\"p\":\"1\",\"i\":\"1\",\"T\":5}",
        b"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"XRPUSDT\",\"U\":1,\"u\":2,\"b\":[[\"1\"]],\"a\":[]}",
        b"{\"u\":1,\"s\":\"XRPUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\"}",
        b"{\"e\":\"bookTicker\",\"u\":1,\"s\":\"XRPUSDT\",\"b\":\"-1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}",
        b"{\"symbol\":\"XRPUSDT\",\"bidPrice\":\"1\",\"bidQty\":\"1\",\"askQty\":\"1\"}",
        b"{\"topic\":\"orderbook.1.XRPUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":{\"s\":\"XRPUSDT\",\"b\":[[\"x\",\"1\"]],\"a\":[],\"u\":1}}",
        b"{\"topic\":\"tickers.XRPUSDT\",\"type\":\"snapshot\",\"ts\":1,\"data\":{\"symbol\":\"XRPUSDT\",\"markPrice\":\"1e400\"}}",
        b"{\"topic\":\"order\",\"data\":[{\"symbol\":\"XRPUSDT\"}]}",
        b"{\"retCode\":0,\"result\":{\"list\":[{\"what\":1}]}}",
        b"{\"retCode\":10002,\"retMsg\":\"clock\"}",
        b"{\"code\":-1121,\"msg\":\"Invalid symbol.\"}",
        b"{\"stream\":\"x@bookTicker\",\"data\":{\"stream\":\"x\",\"data\":{\"stream\":\"y\",\"data\":{\"stream\":\"z\",\"data\":{\"stream\":\"z\",\"data\":{}}}}}}",
        b"{\"unheard\":\"of\"}",
        b"\xff\xfe{\"e\":\"bookTicker\"}",
        b"{\"recv_ns\":1,\"msg\":{\"e\":\"bookTicker\"}}",
        b"{\"e\":\"ORDER_TRADE_UPDATE\",\"E\":1,\"T\":1,\"o\":{\"s\":\"XRPUSDT\"}}",
        bomb.as_bytes(),
        long.as_bytes(),
    ];
    for venue in VenueId::ALL {
        for product in Product::ALL {
            for bytes in &broken {
                let shown: String = String::from_utf8_lossy(bytes).chars().take(120).collect();
                let read = read(venue, product, bytes);
                assert!(read.is_err(), "{venue} {product} {shown}: {read:?}");
            }
        }
    }
}

#[test]
fn a_message_that_is_cut_anywhere_is_an_error() {
    let texts = [
        (
            VenueId::Binance,
            r#"{"stream":"xrpusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"XRPUSDT","U":1,"u":2,"b":[["0.6","1"]],"a":[]}}"#,
        ),
        (
            VenueId::Bybit,
            r#"{"topic":"tickers.XRPUSDT","type":"snapshot","data":{"symbol":"XRPUSDT","markPrice":"0.6"},"cs":1,"ts":5}"#,
        ),
    ];
    for (venue, text) in texts {
        assert!(read(venue, Product::Perp, text.as_bytes()).is_ok());
        for end in 0..text.len() {
            assert!(
                read(venue, Product::Perp, &text.as_bytes()[..end]).is_err(),
                "{}",
                &text[..end]
            );
        }
    }
}

/// Samples of the venues' documents for what no recording holds.
#[test]
fn documented_samples_are_what_they_say() {
    let samples = [
        (
            VenueId::Binance,
            "funding_payment",
            r#"[{"symbol":"XRPUSDT","incomeType":"FUNDING_FEE","income":"0.00764000","asset":"USDT","info":"FUNDING_FEE","time":1790006400000,"tranId":5512093387,"tradeId":""}]"#,
        ),
        (
            VenueId::Bybit,
            "funding_payment",
            r#"{"retCode":0,"retMsg":"OK","result":{"list":[{"id":"881_XRPUSDT_1","symbol":"XRPUSDT","category":"linear","side":"Sell","transactionTime":"1790006400000","type":"SETTLEMENT","transSubType":"","qty":"40","size":"-40","currency":"USDT","tradePrice":"0.6122","funding":"0.0048976","fee":"0","cashFlow":"0","change":"0.0048976","cashBalance":"1204.8849","feeRate":"0.0002"}],"nextPageCursor":""},"time":1}"#,
        ),
        (
            VenueId::Binance,
            "margin_call",
            r#"{"e":"MARGIN_CALL","E":1790000900000,"cw":"12.1","p":[{"s":"XRPUSDT","ps":"BOTH","pa":"-40","mt":"CROSSED","iw":"0","mp":"0.7001","up":"-3.5","mm":"0.14"}]}"#,
        ),
        (
            VenueId::Binance,
            "stream_over",
            r#"{"e":"listenKeyExpired","E":1790000900000,"listenKey":"k"}"#,
        ),
        (
            VenueId::Binance,
            "leverage",
            r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1790000000700,"T":1790000000698,"ac":{"s":"XRPUSDT","l":3}}"#,
        ),
        (VenueId::Binance, "acknowledged", r#"{"result":null,"id":1}"#),
        (
            VenueId::Bybit,
            "acknowledged",
            r#"{"req_id":"p","op":"pong","args":["1790000000000"],"conn_id":"c0f-1"}"#,
        ),
        (
            VenueId::Bybit,
            "acknowledged",
            r#"{"retCode":0,"retMsg":"OK","op":"auth","connId":"c0f-2"}"#,
        ),
        (
            VenueId::Bybit,
            "book",
            r#"{"topic":"orderbook.50.XRPUSDT","type":"snapshot","ts":1790000000101,"data":{"s":"XRPUSDT","b":[["0.6121","88"]],"a":[["0.6122","120"]],"u":70011,"seq":90221000001},"cts":1790000000099}"#,
        ),
        (
            VenueId::Bybit,
            "book_change",
            r#"{"topic":"orderbook.50.XRPUSDT","type":"delta","ts":1790000000121,"data":{"s":"XRPUSDT","b":[["0.6121","0"]],"a":[["0.6123","15"]],"u":70012,"seq":90221000009},"cts":1790000000118}"#,
        ),
    ];
    for (venue, kind, text) in samples {
        let events = read(venue, Product::Perp, text.as_bytes()).unwrap();
        assert_eq!(events.len(), 1, "{text}");
        assert_eq!(event_json::json(&events[0])["event"], kind, "{text}");
    }
    let funding = r#"{"e":"ACCOUNT_UPDATE","E":1790006400412,"T":1790006400400,"a":{"m":"FUNDING_FEE","S":"XRPUSDT","B":[{"a":"USDT","wb":"1204.88884000","cw":"1204.88884000","bc":"0.00764000"}],"P":[]}}"#;
    let events = read(VenueId::Binance, Product::Perp, funding.as_bytes()).unwrap();
    assert!(
        matches!(&events[..], [Event::CashFlow { amount, .. }, Event::WalletChange { .. }] if amount.to_string() == "0.00764000")
    );
}

//! What is done to the market, the account and the venue as a whole; and rules that are none.

use std::time::Duration;

use serde_json::json;
use simulator::market::{Product, Status, Venue};
use simulator::serve::Twin;
use tokio::time::sleep;
use tokio_tungstenite::client_async;

use super::common::{ME, key};
use super::{call, dial, name, request, rule, set, stage};

#[test]
fn what_others_and_the_venue_do_happens_at_once_or_when_something_passes() {
    let at_once = [
        (
            "FOREIGN",
            json!({"kind": "trade", "symbol": "BTCUSDT", "side": "buy", "quantity": "2"}),
            "3",
        ),
        ("ADL", json!({"symbol": "BTCUSDT", "fraction": "1"}), "none"),
        ("LIQ", json!({"symbol": "BTCUSDT", "fraction": "1"}), "none"),
    ];
    for (verb, args, held) in at_once {
        let args = &args;
        stage(async |twin: Twin, venue, over_http| {
            let position = |twin: &Twin| {
                let truth = twin.truth();
                let position = &truth["venues"][name(venue)]["positions"][0]["quantity"];
                position.as_str().unwrap_or("none").to_owned()
            };
            let flat = rule(venue, "rest", "ADL", &json!({"symbol": "BTCUSDT"}));
            for link in ["rest", "public", "private"] {
                request(&twin, venue).await;
                assert_eq!(position(&twin), "1");
                set(&twin, venue, over_http, &rule(venue, link, verb, args))
                    .await
                    .unwrap();
                assert_eq!(position(&twin), held, "{verb} at once");
                twin.clear_faults();
                set(&twin, venue, over_http, &flat).await.ok();
                request(&twin, venue).await;
                let mut when = rule(venue, link, verb, args);
                when["match"] = json!({"method": if link == "rest" { "POST" } else { "" }});
                set(&twin, venue, over_http, &when).await.unwrap();
                assert_eq!(position(&twin), "1", "{verb} waits");
                if link == "rest" {
                    call(&twin, venue, "/nothing", "").await.unwrap();
                } else {
                    let _socket = client_async(format!("ws://sim/{link}"), dial(&twin, venue))
                        .await
                        .unwrap()
                        .0;
                    sleep(Duration::from_millis(2_500)).await;
                    assert_eq!(position(&twin), held, "{verb} with a push on {link}");
                }
                twin.clear_faults();
                set(&twin, venue, over_http, &flat).await.ok();
                twin.clear_faults();
            }
        });
    }
}

#[test]
fn the_verbs_of_the_documentation_are_the_verbs_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simulator.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text
        .split("| verb | args |")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let upper = |word: &&str| word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let mut told: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(['`', ',', ' ']).filter(upper))
        .collect();
    let mut known: Vec<&str> = simulator::faults::KNOWN.split(", ").collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
}

#[test]
fn the_market_is_moved_at_once_or_when_it_was_announced() {
    stage(async |twin: Twin, venue, over_http| {
        let perp = key(venue, Product::Perp, "BTCUSDT");
        let hours = || {
            let now = twin.now();
            twin.with_exchange(|exchange| exchange.market().funding(&perp, now).unwrap().interval_hours)
        };
        let now = rule(
            venue,
            "rest",
            "MARKET",
            &json!({"symbol": "BTCUSDT", "interval_hours": 4}),
        );
        set(&twin, venue, over_http, &now).await.unwrap();
        assert_eq!(hours(), 4);
        let later = json!({"symbol": "BTCUSDT", "interval_hours": 1, "in_s": 600});
        set(&twin, venue, over_http, &rule(venue, "rest", "MARKET", &later))
            .await
            .unwrap();
        let end = rule(venue, "rest", "DELIST", &json!({"symbol": "BTCUSDT", "in_s": 900}));
        set(&twin, venue, over_http, &end).await.unwrap();
        assert_eq!(hours(), 4);
        sleep(Duration::from_secs(601)).await;
        twin.push();
        assert_eq!(hours(), 1);
        assert!(twin.with_exchange(|exchange| exchange.market().ends(&perp)).is_some());
        sleep(Duration::from_mins(5)).await;
        twin.push();
        let status = twin.with_exchange(|exchange| exchange.market().status(&perp));
        assert_eq!(status, Some(Status::Delisted));
        let elsewhere = rule(venue, "rest", "MARKET", &json!({"symbol": "BTCUSDT", "venue": "bybit"}));
        let refused = set(&twin, venue, over_http, &elsewhere).await.unwrap_err();
        assert!(refused.contains("`venue`"), "{refused}");
    });
}

/// All promises broken at once and by chance; one seed is one course of things.
#[test]
fn a_hostile_venue_breaks_its_promises_the_same_way_for_one_seed() {
    stage(async |twin: Twin, venue, over_http| {
        for hostile in [
            rule(venue, "rest", "ACCEPT_DUPLICATE_IDS", &json!({})),
            rule(venue, "rest", "LAG", &json!({"ms": 30_000})),
            json!({"venue": name(venue), "link": "rest", "match": {"path": "/buy"}, "chance": "0.5", "count": null,
                "action": "DROP_RESP"}),
        ] {
            set(&twin, venue, over_http, &hostile).await.unwrap();
        }
        let mut lost = 0;
        for _ in 0..15 {
            lost += usize::from(request(&twin, venue).await.0 == "closed");
        }
        assert!((2..=13).contains(&lost), "{lost} of 15 answers were lost");
        let (seen, held) = (twin.now(), key(venue, Product::Perp, "BTCUSDT"));
        twin.with_exchange(|exchange| {
            // Every one was carried out, and requests do not show it yet.
            assert_eq!(exchange.position_quantity(ME, &held), rust_decimal::Decimal::from(15));
            assert_eq!(exchange.orders(ME, venue, Product::Perp, seen).count(), 0);
            assert_eq!(exchange.orders(ME, venue, Product::Perp, seen + 31_000).count(), 15);
            assert!(exchange.quirks(venue).accept_duplicate_ids);
        });
    });
}

#[test]
fn an_instrument_is_halted_or_delisted_and_quirks_are_set_and_lifted() {
    stage(async |twin: Twin, venue, over_http| {
        for (verb, status) in [("HALT", Status::Halted), ("DELIST", Status::Delisted)] {
            set(
                &twin,
                venue,
                over_http,
                &rule(venue, "rest", verb, &json!({"symbol": "BTCUSDT"})),
            )
            .await
            .unwrap();
            let now = twin.with_exchange(|exchange| exchange.market().status(&key(venue, Product::Perp, "BTCUSDT")));
            assert_eq!(now, Some(status), "{verb}");
            assert!(request(&twin, venue).await.0.contains("\"bought\":false"), "{verb}");
        }
        for (verb, args) in [
            ("LAG", json!({"ms": 70})),
            ("SKEW", json!({"ms": -90})),
            ("ACCEPT_DUPLICATE_IDS", json!({})),
        ] {
            set(&twin, venue, over_http, &rule(venue, "rest", verb, &args))
                .await
                .unwrap();
        }
        let quirks = twin.with_exchange(|exchange| exchange.quirks(venue));
        assert_eq!(
            (quirks.lag_ms, quirks.skew_ms, quirks.accept_duplicate_ids),
            (70, -90, true)
        );
        let other = if venue == Venue::Bybit {
            Venue::Binance
        } else {
            Venue::Bybit
        };
        assert!(
            !twin
                .with_exchange(|exchange| exchange.quirks(other))
                .accept_duplicate_ids
        );
        twin.clear_faults();
        assert_eq!(twin.with_exchange(|exchange| exchange.quirks(venue)).lag_ms, 0);
    });
}

#[test]
fn a_bad_rule_is_refused_with_the_name_of_what_is_wrong() {
    let table = [
        (json!({"action": "EXPLODE"}), "EXPLODE"),
        (json!({}), "action"),
        (json!({"action": 5}), "action"),
        (json!({"action": "RESET", "after": "x"}), "after"),
        (json!({"action": "RESET", "count": -1}), "count"),
        (json!({"action": "RESET", "venue": "kraken"}), "venue"),
        (json!({"action": "RESET", "link": "tcp"}), "link"),
        (json!({"action": "RESET", "colour": 1}), "colour"),
        (json!({"action": "RESET", "match": {"path": 5}}), "match"),
        (json!({"action": "RESET", "match": {"verb": "GET"}}), "verb"),
        (json!({"action": "RESET", "args": {"ms": 1}}), "ms"),
        (json!({"action": "RESET", "args": 7}), "args"),
        (json!({"action": "DELAY"}), "ms"),
        (json!({"action": "DELAY", "args": {"ms": "x"}}), "ms"),
        (json!({"action": "DELAY", "args": {"ms": -1}}), "ms"),
        (json!({"action": "DELAY", "args": {"sec": 1}}), "sec"),
        (json!({"action": "REPLY", "args": {"status": 700}}), "status"),
        (
            json!({"action": "REPLY", "args": {"status": 200, "headers": 5}}),
            "headers",
        ),
        (json!({"action": "DUP", "link": "public", "args": {"n": 0}}), "n"),
        (json!({"action": "REORDER", "link": "public", "args": {"w": 1}}), "w"),
        (json!({"action": "MUTATE", "args": {"value": 1}}), "field"),
        (json!({"action": "HALT", "args": {}}), "symbol"),
        (
            json!({"action": "FOREIGN", "args": {"kind": "trade", "symbol": "X", "side": "up", "quantity": "1"}}),
            "side",
        ),
        (
            json!({"action": "ADL", "args": {"symbol": "BTCUSDT", "fraction": "half"}}),
            "fraction",
        ),
        (json!({"action": "SKEW", "args": {"ms": 999_999_999_999_i64}}), "ms"),
    ];
    stage(async |twin: Twin, venue, over_http| {
        for (rule, named) in &table {
            let refused = set(&twin, venue, over_http, rule).await.unwrap_err();
            assert!(
                refused.contains(&format!("`{named}`")) || refused.contains(&format!(" {named}")),
                "{rule}: {refused}"
            );
            assert!(refused.contains("rule 0"), "{refused}");
        }
        assert_eq!(
            twin.faults()["rules"].as_array().map(Vec::len),
            Some(0),
            "a refused rule holds"
        );
    });
}

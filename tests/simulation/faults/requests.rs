//! F015, F020, F021, F023, F025 to F027, F029, F030, F077: requests that are lost, limited or refused while an engine trades.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use domain::alert::AlertName;
use domain::instrument::{Product, VenueId};
use domain::order::Placed;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::bench::{DESKS, bench};
use super::cable::Ill;
use super::stage::{CREATES, Stage, VENUES, count, is_running, play, ports, restarts};
use crate::harness::on_all_cores;

/// One rule on every request that makes an order.
fn on_creates(action: &str, args: &Value, after: u64, times: Option<u64>) -> Value {
    let rule = |(venue, path): (&str, &str)| {
        json!({"venue": venue, "link": "rest", "match": {"method": "POST", "path": path}, "after": after,
            "count": times, "action": action, "args": args})
    };
    CREATES.map(rule).to_vec().into()
}

/// The instant of the simulator.
fn now(stage: &Stage) -> i64 {
    stage.world.twin.now()
}

/// Orders that were asked for since an instant.
fn creates_since(stage: &Stage, since: i64) -> usize {
    let of = |venue: &str| {
        let requests = stage.requests(venue, since);
        let is_create = |asked: &String| CREATES.iter().any(|(_, path)| *asked == format!("POST {path}"));
        requests.iter().filter(|(_, asked)| is_create(asked)).count()
    };
    VENUES.iter().map(|venue| of(venue)).sum()
}

#[test]
fn f015_an_order_whose_answer_is_lost_is_proven_and_never_sent_again() {
    let lost = [
        ("DROP_RESP", 0, 0),
        ("DROP_RESP", 1, 0),
        ("DROP_RESP", 0, 3_000),
        ("DROP_REQ", 0, 0),
        ("HALF_OPEN", 0, 0),
    ];
    on_all_cores(&lost, |(action, after, lag)| {
        play(7, async |stage: Stage| {
            stage.inject(&on_creates(action, &json!({}), *after, Some(1)));
            if *after > 0 {
                stage
                    .until("a second order", Duration::from_mins(45), |_| stage.fired() > 0)
                    .await;
            }
            if *lag > 0 {
                stage.inject(&json!([{"action": "LAG", "args": {"ms": lag}}]));
            }
            stage.until_open().await;
            assert!(stage.fired() > 0, "{action}: no order was lost");
            stage.ends_well().await;
        });
    });
}

#[test]
fn f077_a_clock_that_is_half_a_minute_off_keeps_nobody_from_leaving() {
    on_all_cores(&[-30_000, 30_000], |skew| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            stage.inject(&json!([{"action": "SKEW", "args": {"ms": skew}}]));
            stage.world.wind_down().await;
            let held = stage.status().await["hedges"].as_array().map_or(0, Vec::len);
            assert_eq!(held, 0, "{skew}: a hedge was not left\n{}", stage.tale());
            stage.ends_well().await;
        });
    });
}

#[test]
fn f020_a_ban_is_obeyed_by_everybody_and_its_end_is_not_forgotten() {
    let bans = [
        (
            "bybit",
            429,
            json!({"retry-after": "240"}),
            240,
            "GET /v5/market/tickers",
        ),
        ("bybit", 403, json!({}), 600, "GET /v5/market/tickers"),
        (
            "binance",
            418,
            json!({"retry-after": "300"}),
            300,
            "GET /fapi/v1/ticker/bookTicker",
        ),
        (
            "binance",
            429,
            json!({"retry-after": "240"}),
            240,
            "GET /fapi/v1/ticker/bookTicker",
        ),
    ];
    on_all_cores(&bans, |(venue, status, headers, seconds, _)| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            let host = if *venue == "binance" { "/fapi/*" } else { "*" };
            stage.inject(&json!([
                {"venue": venue, "match": {"path": host}, "action": "REPLY",
                 "args": {"status": status, "headers": headers, "body": ""}},
                // Something that asks at once.
                {"venue": venue, "link": "private", "match": {"method": ""}, "action": "RESET"}
            ]));
            let begun = now(&stage);
            stage.reconcile().await;
            let asked = |stage: &Stage| -> Vec<(i64, String)> {
                let mut asked = stage.requests(venue, begun - 1);
                asked.retain(|(_, asked)| *venue == "bybit" || asked.contains("/fapi/"));
                asked
            };
            let first = asked(&stage).first().expect("nobody asked").0;
            sleep(Duration::from_secs(*seconds - 5)).await;
            let inside = asked(&stage);
            assert!(
                inside.iter().all(|(at, _)| *at <= first + 1_000),
                "{venue} {status}: asked inside the ban: {inside:?}"
            );
            stage.until_running().await;
            assert!(
                asked(&stage).len() > inside.len(),
                "{venue} {status}: never asked again"
            );
            stage.ends_well().await;
        });
    });
}

#[test]
fn f021_a_limit_on_orders_is_met_with_few_attempts() {
    let limits = [
        (
            200,
            json!({"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "time": 1}),
        ),
        (
            400,
            json!({"code": -1015, "msg": "Too many new orders; current limit is 3 orders per MINUTE."}),
        ),
    ];
    on_all_cores(&limits, |(status, body)| {
        play(7, async |stage: Stage| {
            let venue = if *status == 200 { "bybit" } else { "binance" };
            let mut rules = on_creates("REPLY", &json!({"status": status, "body": body}), 0, None);
            rules.as_array_mut().unwrap().retain(|rule| rule["venue"] == venue);
            stage.inject(&rules);
            let begun = now(&stage);
            sleep(Duration::from_mins(30)).await;
            assert!(stage.fired() > 0, "{venue}: no order was limited");
            let tries = creates_since(&stage, begun);
            assert!(tries <= 48, "{venue}: {tries} orders in half an hour\n{}", stage.tale());
            stage.heal();
            stage.until_open().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f023_a_key_that_may_not_trade_any_more_stops_entries_everywhere() {
    let refusals = [
        (
            "bybit",
            200,
            json!({"retCode": 10005, "retMsg": "Permission denied", "result": {}, "time": 1}),
        ),
        (
            "bybit",
            200,
            json!({"retCode": 33004, "retMsg": "Your api key has expired.", "result": {}, "time": 1}),
        ),
        (
            "binance",
            401,
            json!({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
        ),
    ];
    on_all_cores(&refusals, |(venue, status, body)| {
        play(7, async |stage: Stage| {
            let mut rules = on_creates("REPLY", &json!({"status": status, "body": body}), 0, None);
            rules.as_array_mut().unwrap().retain(|rule| rule["venue"] == *venue);
            stage.inject(&rules);
            let refused = stage
                .until("a refused order", Duration::from_mins(45), |_| stage.fired() > 0)
                .await;
            drop(refused);
            sleep(Duration::from_mins(3)).await;
            let (begun, status) = (now(&stage), stage.status().await);
            assert_eq!(
                status["mode"],
                "paused",
                "{venue}: {}\n{}",
                status["pause_reasons"],
                stage.tale()
            );
            sleep(Duration::from_mins(20)).await;
            assert_eq!(
                creates_since(&stage, begun),
                0,
                "{venue}: still trying\n{}",
                stage.tale()
            );
            assert!(stage.alerts(AlertName::VenueDegraded) + stage.alerts(AlertName::Paused) > 0);
            stage.ends_well().await;
        });
    });
}

#[test]
fn f025_an_empty_list_or_a_missing_row_is_not_taken_for_flat() {
    let empty = json!({"retCode": 0, "retMsg": "OK", "time": 1,
        "result": {"category": "linear", "list": [], "nextPageCursor": ""}});
    let lies = [
        ("bybit", "/v5/position/list", 200, empty.to_string()),
        ("binance", "/fapi/v3/positionRisk", 200, "[]".to_owned()),
        ("bybit", "/v5/position/list", 500, String::new()),
        ("binance", "/fapi/v3/account", 500, String::new()),
        ("bybit", "/v5/account/wallet-balance", 200, "{}".to_owned()),
    ];
    on_all_cores(&lies, |(venue, path, status, body)| {
        play(7, async |stage: Stage| {
            let before = stage.until_open().await;
            stage
                .until("rest", Duration::from_mins(30), |status| {
                    status["executor"]["busy"] == false
                })
                .await;
            let (begun, orders) = (now(&stage), stage.orders());
            let held: Vec<Value> = VENUES
                .iter()
                .flat_map(|venue| stage.truth(venue, "positions"))
                .collect();
            stage.inject(&json!([
                {"venue": venue, "match": {"path": path}, "action": "REPLY", "args": {"status": status, "body": body}},
                {"venue": "bybit", "link": "private", "match": {"method": ""}, "action": "RESET"}
            ]));
            stage.reconcile().await;
            sleep(Duration::from_secs(50)).await;
            let after = stage.status().await;
            assert_eq!(
                stage.orders(),
                orders,
                "{path}: acted on one contradictory answer\n{}",
                stage.tale()
            );
            assert_eq!(creates_since(&stage, begun), 0);
            assert_eq!(count(&after, "open"), count(&before, "open"), "{path}");
            let now_held: Vec<Value> = VENUES
                .iter()
                .flat_map(|venue| stage.truth(venue, "positions"))
                .collect();
            assert_eq!(now_held.len(), held.len());
            stage.ends_well().await;
        });
    });
}

#[test]
fn f026_an_order_that_requests_do_not_show_yet_is_neither_failed_nor_repeated() {
    let lags = [
        (100, false),
        (1_000, true),
        (5_000, true),
        (10_000, false),
        (60_000, false),
        (60_000, true),
    ];
    on_all_cores(&lags, |(lag, is_lost)| {
        play(7, async |stage: Stage| {
            stage.inject(&json!([{"action": "LAG", "args": {"ms": lag}}]));
            if *is_lost {
                stage.inject(&on_creates("DROP_RESP", &json!({}), 0, Some(1)));
            }
            // With a venue that is so far behind a hedge may come about or not; no order is doubled either way.
            stage
                .until("an order", Duration::from_mins(45), |_| stage.orders() > 0)
                .await;
            sleep(Duration::from_mins(10)).await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f027_a_venue_whose_name_or_certificate_fails_is_found_again() {
    let failures = [
        ("bybit", ErrorKind::NotFound, 1),
        ("bybit", ErrorKind::ConnectionRefused, 60),
        ("binance", ErrorKind::TimedOut, 600),
        ("binance", ErrorKind::InvalidData, 60),
        ("all", ErrorKind::HostUnreachable, 3_600),
    ];
    on_all_cores(&failures, |(venue, kind, seconds)| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            let of: Vec<u16> = VENUES
                .iter()
                .filter(|one| *venue == **one || *venue == "all")
                .flat_map(|one| ports(one))
                .copied()
                .collect();
            stage.cable.ail(&of, Ill::Refused(*kind));
            // What is open breaks too: otherwise nobody would look for the venue again.
            stage.inject(
                &json!([{"link": "public", "match": {"method": ""}, "count": null, "action": "RESET"},
                {"link": "private", "match": {"method": ""}, "count": null, "action": "RESET"},
                {"link": "rest", "count": null, "action": "RESET"}]),
            );
            let begun = now(&stage);
            sleep(Duration::from_secs(*seconds)).await;
            assert_eq!(creates_since(&stage, begun), 0);
            let tries = of.iter().map(|port| stage.cable.dialled(*port).len()).sum::<usize>();
            assert!(
                tries <= 200 + usize::try_from(*seconds).unwrap(),
                "{tries} connections in {seconds} s"
            );
            stage.heal();
            stage.until_running().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f029_a_venue_in_maintenance_stops_entries_on_both_and_keeps_the_hedges() {
    on_all_cores(&VENUES, |venue| {
        play(7, async |stage: Stage| {
            let before = stage.until_open().await;
            stage.inject(&json!([
                {"venue": venue, "link": "rest", "count": null, "action": "REPLY", "args": {"status": 503, "body": ""}},
                {"venue": venue, "link": "public", "match": {"method": ""}, "count": null, "action": "RESET"},
                {"venue": venue, "link": "private", "match": {"method": ""}, "count": null, "action": "RESET"}
            ]));
            sleep(Duration::from_mins(5)).await;
            let begun = now(&stage);
            sleep(Duration::from_mins(25)).await;
            let during = stage.status().await;
            assert_eq!(
                creates_since(&stage, begun),
                0,
                "{venue}: traded during an outage\n{}",
                stage.tale()
            );
            assert_eq!(during["mode"], "paused", "{venue}: {}", during["pause_reasons"]);
            assert!(
                count(&during, "open") >= count(&before, "open"),
                "{venue}: a hedge was lost"
            );
            assert!(stage.alerts(AlertName::VenueDegraded) > 0, "{venue}: nobody was told");
            stage.heal();
            let back = stage.until_running().await;
            assert!(restarts(&back, venue) > 0 && is_running(&back));
            stage.ends_well().await;
        });
    });
}

#[test]
fn f030_nothing_is_asked_for_in_bulk_and_a_cancel_is_verified() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        stage.ends_well().await;
        let asked: BTreeSet<String> = VENUES
            .iter()
            .flat_map(|venue| stage.requests(venue, 0))
            .map(|(_, asked)| asked)
            .collect();
        let bulk = [
            "batch",
            "cancel-all",
            "allOpenOrders",
            "countdownCancelAll",
            "orderList",
        ];
        for asked in &asked {
            assert!(bulk.iter().all(|word| !asked.contains(word)), "{asked}");
        }
        assert!(
            asked
                .iter()
                .any(|asked| asked.ends_with("order/create") || asked.ends_with("/order"))
        );
    });
}

#[test]
fn f030_an_answer_about_another_order_is_no_answer() {
    bench(1, |bench| async move {
        for (desk, (venue, product, _)) in DESKS.into_iter().enumerate() {
            let name = format!("fabench-{desk}");
            let ticket = bench.ticket(venue, product, &name).await;
            assert!(matches!(
                bench.gateway(venue).place(&ticket).await,
                Placed::Confirmed { .. }
            ));
            let (field, path) = match (venue, product) {
                (VenueId::Bybit, _) => ("orderLinkId", "/v5/order/realtime"),
                (VenueId::Binance, Product::Perp) => ("clientOrderId", "/fapi/v1/order"),
                (VenueId::Binance, Product::Spot) => ("clientOrderId", "/api/v3/order"),
            };
            bench.inject(
                &json!([{"venue": venue.as_str(), "match": {"method": "GET", "path": path}, "count": null,
                "action": "MUTATE", "args": {"field": field, "value": "another"}}]),
            );
            let found = bench.gateway(venue).find(&ticket.instrument, &ticket.client_id).await;
            assert!(
                found.is_err(),
                "{venue}: an answer about another order was believed: {found:?}"
            );
            bench.heal();
        }
    });
}

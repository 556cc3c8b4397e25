//! F031 to F039: the account's streams die, lie, stutter or fall silent; the ledger equals the venues all the same.

use std::time::Duration;

use domain::instrument::VenueId;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::bench::bench;
use super::stage::{Stage, VENUES, play, restarts};
use crate::harness::on_all_cores;

/// One rule on every push of the account's streams of both venues.
fn on_pushes(action: &str, args: &Value, times: Option<u64>) -> Value {
    json!([{"link": "private", "count": times, "action": action, "args": args}])
}

/// A leg of ours on a perpetual: venue, symbol, signed quantity.
fn perp_leg(stage: &Stage) -> (&'static str, String, rust_decimal::Decimal) {
    let mut legs = VENUES.into_iter().flat_map(|venue| {
        let positions = stage.truth(venue, "positions");
        positions.into_iter().map(move |row| {
            let quantity = row["quantity"].as_str().unwrap().parse().unwrap();
            (venue, row["symbol"].as_str().unwrap().to_owned(), quantity)
        })
    });
    legs.next().expect("no position")
}

/// A stranger takes half of a leg away.
fn halved((venue, symbol, quantity): &(&str, String, rust_decimal::Decimal)) -> Value {
    let side = if quantity.is_sign_negative() { "buy" } else { "sell" };
    let half = (quantity.abs() / rust_decimal::Decimal::TWO)
        .round_dp(0)
        .max(rust_decimal::Decimal::ONE);
    json!({"venue": venue, "action": "FOREIGN",
        "args": {"kind": "trade", "symbol": symbol, "side": side, "quantity": half.to_string()}})
}

#[test]
fn f031_a_listen_key_that_dies_is_replaced_and_one_failure_is_retried() {
    let unavailable = json!({"status": 503, "body": ""});
    let gone = json!({"status": 400, "body": {"code": -1125, "msg": "This listenKey does not exist."}});
    let deaths = [
        (&unavailable, Some(1), false),
        (&unavailable, Some(3), false),
        (&gone, Some(1), true),
        (&unavailable, None, true),
    ];
    on_all_cores(&deaths, |(reply, times, is_rebuilt)| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            let before = restarts(&stage.status().await, "binance");
            stage.inject(
                &json!([{"venue": "binance", "match": {"method": "PUT", "path": "/fapi/v1/listenKey"},
                "count": times, "action": "REPLY", "args": reply}]),
            );
            sleep(Duration::from_mins(63)).await;
            assert!(stage.fired() > 0, "no key was prolonged");
            let after = restarts(&stage.status().await, "binance");
            assert_eq!(after > before, *is_rebuilt, "{reply} {times:?}: {before} -> {after}");
            stage.ends_well().await;
        });
    });
}

#[test]
fn f032_what_happened_between_two_connections_is_read_after_the_second() {
    on_all_cores(&[false, true], |also_lags| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            let leg = perp_leg(&stage);
            let name = format!("{}:perp:{}", leg.0, leg.1);
            let believed = stage.status().await["positions"][&name].clone();
            // The push of the stranger's trade is the one that is lost with the connection.
            stage.inject(&json!([{"venue": leg.0, "link": "private", "action": "RESET"}, halved(&leg)]));
            if *also_lags {
                stage.inject(&json!([{"venue": leg.0, "action": "LAG", "args": {"ms": 2_000}}]));
            }
            let found = |status: &Value| status["positions"][&name] != believed;
            stage.until("the lost trade", Duration::from_mins(3), found).await;
            stage.heal();
            let level = |status: &Value| {
                let hedges = status["hedges"].as_array().unwrap();
                hedges.iter().all(|hedge| {
                    hedge["net_delta"]
                        .as_str()
                        .unwrap()
                        .parse::<rust_decimal::Decimal>()
                        .unwrap()
                        .is_zero()
                })
            };
            stage.until("level hedges", Duration::from_mins(10), level).await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f033_a_connection_that_is_not_signed_in_is_none() {
    bench(1, |bench| async move {
        let lies = [
            (
                VenueId::Bybit,
                json!({"action": "MUTATE", "args": {"field": "success", "value": false}}),
            ),
            (VenueId::Bybit, json!({"action": "DROP_RESP"})),
            (VenueId::Bybit, json!({"action": "DELAY", "args": {"ms": 30_000}})),
            (
                VenueId::Bybit,
                json!({"after": 1, "action": "MUTATE", "args": {"field": "success", "value": false}}),
            ),
            (
                VenueId::Binance,
                json!({"action": "MUTATE", "args": {"field": "status", "value": 401}}),
            ),
            (
                VenueId::Binance,
                json!({"action": "REPLY", "args": {"status": 200, "body":
                {"id": "subscribe", "status": 400, "error": {"code": -1021, "msg": "outside of the recvWindow"}}}}),
            ),
            (VenueId::Binance, json!({"action": "DROP_RESP"})),
        ];
        for (venue, lie) in lies {
            let mut rule = json!({"venue": venue.as_str(), "link": "private", "match": {"method": "WS"}});
            rule.as_object_mut().unwrap().extend(lie.as_object().unwrap().clone());
            bench.inject(&json!([rule]));
            let begun = Instant::now();
            // A subscription that is refused after the sign-in may end the stream with its first message.
            let opened = timeout(Duration::from_mins(2), async {
                let mut stream = bench.venue(venue).stream.open().await?;
                stream.next().await.map(drop)
            });
            let ended = opened.await;
            assert!(matches!(ended, Ok(Err(_))), "{venue} {lie}: taken for signed in");
            assert!(
                begun.elapsed() <= Duration::from_secs(45),
                "{venue} {lie}: {:?}",
                begun.elapsed()
            );
            bench.heal();
        }
    });
}

#[test]
fn f033_without_a_signed_in_stream_nothing_is_entered() {
    play(7, async |stage: Stage| {
        stage.inject(
            &json!([{"venue": "bybit", "link": "private", "match": {"method": "WS"}, "count": null,
            "action": "MUTATE", "args": {"field": "success", "value": false}}]),
        );
        sleep(Duration::from_mins(20)).await;
        assert!(stage.fired() > 1, "signed in once only");
        assert_eq!(stage.orders(), 0, "entered without an account stream\n{}", stage.tale());
        stage.heal();
        stage.until_open().await;
        stage.ends_well().await;
    });
}

#[test]
fn f034_a_fill_that_is_pushed_many_times_counts_once() {
    on_all_cores(&[1, 5, 20], |times| {
        play(7, async |stage: Stage| {
            stage.inject(&on_pushes("DUP", &json!({"n": times}), None));
            stage.until_open().await;
            stage.inject(&json!([{"link": "private", "action": "RESET"}]));
            stage.reconcile().await;
            stage.ends_well().await;
            let fills: usize = VENUES.iter().map(|venue| stage.truth(venue, "fills").len()).sum();
            assert_eq!(stage.status().await["fills"].as_u64(), u64::try_from(fills).ok());
        });
    });
}

#[test]
fn f035_updates_in_any_order_come_to_the_same() {
    let orders = [
        json!([{"link": "private", "count": null, "action": "REORDER", "args": {"w": 2}}]),
        json!([{"link": "private", "count": null, "action": "REORDER", "args": {"w": 3}}]),
        json!([{"link": "private", "count": null, "action": "REORDER", "args": {"w": 7}}]),
        json!([{"link": "private", "count": 1, "action": "DELAY", "args": {"ms": 1_900}},
            {"link": "private", "after": 2, "count": 2, "action": "DELAY", "args": {"ms": 700}}]),
    ];
    on_all_cores(&orders, |rules| {
        play(7, async |stage: Stage| {
            stage.inject(rules);
            stage.until_open().await;
            assert!(stage.fired() > 0);
            stage.ends_well().await;
        });
    });
}

#[test]
fn f036_fills_that_come_before_the_acknowledgement_are_ours() {
    on_all_cores(&[300_u64, 4_000, 10_000], |late| {
        play(7, async |stage: Stage| {
            let rule = |(venue, path): (&str, &str)| {
                json!({"venue": venue, "match": {"method": "POST", "path": path}, "count": 4,
                    "action": "DELAY", "args": {"ms": late}})
            };
            stage.inject(&super::stage::CREATES.map(rule).to_vec().into());
            stage.until_open().await;
            assert!(stage.fired() > 0);
            stage.ends_well().await;
        });
    });
}

#[test]
fn f037_a_private_stream_that_is_late_or_silent_is_checked_by_requests() {
    let quiet = [("DELAY", json!({"ms": 135_000})), ("STALL", json!({}))];
    on_all_cores(&quiet, |(action, args)| {
        play(7, async |stage: Stage| {
            stage.inject(&on_pushes(action, args, None));
            stage.until_open().await;
            let leg = perp_leg(&stage);
            let name = format!("{}:perp:{}", leg.0, leg.1);
            let believed = stage.status().await["positions"][&name].clone();
            stage.inject(&json!([halved(&leg)]));
            let found = |status: &Value| status["positions"][&name] != believed;
            // A world compares every half hour, which is longer than a leg may be naked; an engine does each minute.
            sleep(Duration::from_mins(1)).await;
            stage.reconcile().await;
            stage.until("the foreign trade", Duration::from_mins(1), found).await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f038_a_new_word_in_a_private_message_loses_no_fill() {
    let words = [
        ("binance", "X", json!("EXPIRED_IN_NOVELTY")),
        ("binance", "x", json!("AMENDMENT_2")),
        ("binance", "e", json!("TRADE_NOVEL")),
        ("binance", "o", json!("GTE_ODD")),
        ("bybit", "execType", json!("NewKind")),
        ("bybit", "orderStatus", json!("Odd")),
        ("bybit", "category", json!("novel")),
        ("bybit", "topic", json!("execution.slow")),
    ];
    on_all_cores(&words, |(venue, field, value)| {
        play(7, async |stage: Stage| {
            stage.inject(
                &json!([{"venue": venue, "link": "private", "count": 12, "action": "MUTATE",
                "args": {"field": field, "value": value}}]),
            );
            stage.until_open().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f039_a_fee_that_is_missing_is_asked_for_and_never_guessed() {
    let missing = [
        ("binance", "private", "n", Value::Null),
        ("binance", "private", "N", Value::Null),
        ("bybit", "private", "execFee", json!("")),
        ("bybit", "private", "feeCurrency", Value::Null),
        ("binance", "rest", "commission", Value::Null),
        ("binance", "rest", "commissionAsset", Value::Null),
        ("bybit", "rest", "execFee", json!("")),
    ];
    on_all_cores(&missing, |(venue, link, field, value)| {
        play(7, async |stage: Stage| {
            let path = if *link == "private" {
                ""
            } else if *venue == "bybit" {
                "/v5/execution/list"
            } else {
                "/*"
            };
            stage.inject(
                &json!([{"venue": venue, "link": link, "match": {"path": path}, "count": 6,
                "action": "MUTATE", "args": {"field": field, "value": value}}]),
            );
            stage.until_open().await;
            stage.ends_well().await;
        });
    });
}

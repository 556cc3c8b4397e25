//! F001 to F014: market data that is silent, torn, wrong, old, doubled or from the past is not traded on.

use std::time::Duration;

use actors::messages::{Pause, Resume};
use std::collections::BTreeMap;

use domain::alert::AlertName;
use domain::instrument::{Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::pause::PauseReason;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::bench::bench;
use super::cable::Ill;
use super::stage::{Stage, VENUES, count, is_running, play, restarts};
use crate::harness::on_all_cores;

/// Whether a hedge of an asset is held.
fn holds(status: &Value, asset: &str) -> bool {
    let hedges = status["hedges"].as_array().into_iter().flatten();
    hedges.into_iter().any(|hedge| hedge["asset"] == asset)
}

/// The asset that would be entered first.
fn best(status: &Value) -> Option<String> {
    let pairs = status["scanner"]["opportunities"].as_array()?;
    let free = pairs.iter().find(|pair| pair["refused_by"].is_null())?;
    free["asset"].as_str().map(str::to_owned)
}

/// Holds entries, spoils what is said about the best asset, and lets go: others may be entered, this one only after the
/// fault is over.
async fn bars(stage: &Stage, rules: impl Fn(&str) -> Value, wait: Duration) {
    let supervisor = stage.world.engine.supervisor.clone();
    let by = || "test".to_owned();
    let reason = PauseReason::Human("not yet".to_owned());
    supervisor.send(Pause { reason, by: by() }).await.unwrap().unwrap();
    let known = |status: &Value| best(status).is_some();
    let asset = best(&stage.until("an opportunity", Duration::from_mins(30), known).await).unwrap();
    let symbol = format!("{asset}USDT");
    stage.inject(&rules(&symbol));
    sleep(wait).await;
    supervisor.send(Resume { by: by() }).await.unwrap().unwrap();
    sleep(Duration::from_mins(7)).await;
    let during = stage.status().await;
    assert!(stage.fired() > 0, "nothing was spoilt");
    assert!(
        !holds(&during, &asset),
        "{asset} was entered: {}\n{}",
        rules(&symbol),
        stage.tale()
    );
    let of_asset = |venue: &&str| {
        stage
            .truth(venue, "orders")
            .iter()
            .any(|order| order["symbol"] == symbol.as_str())
    };
    assert!(!VENUES.iter().any(of_asset), "{asset} was ordered");
    stage.heal();
    // Some figures are repeated in snapshots only.
    stage.inject(&json!([{"venue": "bybit", "link": "public", "match": {"topic": "tickers.*"}, "action": "RESET"}]));
    stage
        .until("an entry after the fault", Duration::from_hours(3), |status| {
            holds(status, &asset)
        })
        .await;
    stage.ends_well().await;
}

/// A rule for each field, on the pushes about a symbol.
fn mutated(symbol: &str, changes: &[(&str, &str, Value)]) -> Value {
    let rule = |(venue, field, value): &(&str, &str, Value)| {
        json!({"venue": venue, "link": "public", "match": {"symbol": symbol}, "count": null,
            "action": "MUTATE", "args": {"field": field, "value": value}})
    };
    changes.iter().map(rule).collect()
}

const WHILE: Duration = Duration::from_mins(4);

#[test]
fn f001_a_symbol_that_falls_silent_is_not_entered() {
    play(7, async |stage: Stage| {
        bars(
            &stage,
            |symbol| json!([{"link": "public", "match": {"symbol": symbol}, "action": "STALL"}]),
            WHILE,
        )
        .await;
    });
}

#[test]
fn f001_when_everything_falls_silent_entries_stop_and_the_lines_are_made_anew() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        stage.inject(&json!([{"link": "public", "action": "STALL"}]));
        sleep(Duration::from_mins(4)).await;
        let (open, orders) = (stage.status().await, stage.orders());
        // Requests answer while the lines are made anew, so that one look at the market may be fresh for a while: held
        // back here, to be sure that only silence is played.
        stage.inject(&json!([{"count": null, "match": {"method": "GET"}, "action": "REPLY", "args": {"status": 503}}]));
        sleep(Duration::from_mins(20)).await;
        let during = stage.status().await;
        assert_eq!(stage.orders(), orders, "traded blindly\n{}", stage.tale());
        assert_eq!(count(&during, "open"), count(&open, "open"), "a hedge was left blindly");
        for venue in VENUES {
            assert!(
                restarts(&during, venue) > 0,
                "{venue} was not called again: {}",
                during["feeds"]
            );
        }
        assert!(stage.alerts(AlertName::FeedRestarted) > 0);
        stage.heal();
        stage.until_running().await;
        stage.ends_well().await;
    });
}

#[test]
fn f002_a_subscription_that_is_refused_or_not_acknowledged_ends_the_feed() {
    bench(4, |bench| async move {
        let lies = [
            (
                VenueId::Bybit,
                json!({"action": "MUTATE", "args": {"field": "success", "value": false}}),
            ),
            (
                VenueId::Bybit,
                json!({"action": "MUTATE", "args": {"field": "req_id", "value": "s9"}}),
            ),
            (VenueId::Bybit, json!({"action": "DROP_RESP"})),
            (VenueId::Bybit, json!({"action": "DROP_REQ"})),
            (
                VenueId::Binance,
                json!({"action": "REPLY", "args": {"status": 200, "body":
                {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}}}),
            ),
            (
                VenueId::Binance,
                json!({"action": "MUTATE", "args": {"field": "id", "value": 9}}),
            ),
            (VenueId::Binance, json!({"action": "DROP_RESP"})),
            (VenueId::Binance, json!({"action": "DROP_REQ"})),
        ];
        for (venue, lie) in lies {
            let ids: Vec<_> = bench
                .instruments(venue, Product::Perp)
                .await
                .into_iter()
                .map(|one| one.id)
                .collect();
            let (_, feed) = bench
                .venue(venue)
                .feeds
                .iter()
                .find(|(product, _)| *product == Product::Perp)
                .unwrap();
            let mut rule = json!({"venue": venue.as_str(), "link": "public", "match": {"method": "WS"}});
            rule.as_object_mut().unwrap().extend(lie.as_object().unwrap().clone());
            bench.inject(&json!([rule]));
            let ended = timeout(Duration::from_mins(3), async {
                let mut stream = feed.open(&ids, &Interest::none()).await?;
                loop {
                    stream.next().await?;
                }
                #[expect(unreachable_code, reason = "says what kind of error it is")]
                Ok::<(), domain::ports::VenueError>(())
            });
            assert!(matches!(ended.await, Ok(Err(_))), "{venue} {lie}: nobody noticed");
            bench.heal();
        }
    });
}

#[test]
fn f003_a_line_that_is_half_open_is_dropped_also_while_it_is_being_made() {
    let halves = [
        json!([{"link": "public", "count": 5, "action": "HALF_OPEN"}, {"link": "private", "count": 3, "action": "HALF_OPEN"}]),
        json!([{"link": "public", "action": "RESET"},
            {"match": {"path": "/v5/public/linear"}, "count": 2, "action": "HALF_OPEN"},
            {"match": {"path": "/stream"}, "count": 2, "action": "HALF_OPEN"},
            {"link": "private", "count": 2, "action": "RESET"},
            {"match": {"path": "/v5/private"}, "count": 2, "action": "HALF_OPEN"}]),
    ];
    on_all_cores(&halves, |rules| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            stage.inject(rules);
            stage.reconcile().await;
            sleep(Duration::from_mins(12)).await;
            let status = stage.status().await;
            assert!(
                VENUES.iter().any(|venue| restarts(&status, venue) > 0),
                "{}",
                status["feeds"]
            );
            stage.until_running().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f003_bytes_that_vanish_on_the_way_end_every_line_in_time() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        stage.cable.ail(&[1, 2, 3], Ill::Mute);
        sleep(Duration::from_mins(3)).await;
        let during = stage.status().await;
        assert!(
            VENUES.iter().all(|venue| restarts(&during, venue) > 0),
            "{}",
            during["feeds"]
        );
        let orders = stage.orders();
        sleep(Duration::from_mins(5)).await;
        assert_eq!(stage.orders(), orders);
        stage.heal();
        stage.until_running().await;
        stage.ends_well().await;
    });
}

#[test]
fn f005_what_an_old_connection_still_says_reaches_nobody() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        let dialled = stage.cable.dialled(3).len();
        stage.cable.ail(&[3], Ill::Held);
        stage
            .until("a second connection", Duration::from_mins(15), |_| {
                stage.cable.dialled(3).len() > dialled
            })
            .await;
        let before = restarts(&stage.status().await, "bybit");
        assert!(before > 0);
        // Everything that was held back arrives at once.
        stage.heal();
        let back = stage.until_running().await;
        assert!(is_running(&back));
        sleep(Duration::from_mins(5)).await;
        let after = restarts(&stage.status().await, "bybit");
        assert!(after <= before + 6, "old words made it restart: {before} -> {after}");
        stage.ends_well().await;
    });
}

#[test]
fn f006_a_change_before_its_snapshot_is_discarded_and_the_line_made_anew() {
    bench(4, |bench| async move {
        let ids: Vec<_> = bench
            .instruments(VenueId::Bybit, Product::Perp)
            .await
            .into_iter()
            .map(|one| one.id)
            .collect();
        let (_, feed) = bench
            .venue(VenueId::Bybit)
            .feeds
            .iter()
            .find(|(product, _)| *product == Product::Perp)
            .unwrap();
        for topic in ["tickers.*", "orderbook.*"] {
            // The snapshot is lost: the first that comes of this topic is a change.
            bench.inject(
                &json!([{"venue": "bybit", "link": "public", "match": {"topic": topic}, "action": "DROP_RESP"},
                {"venue": "bybit", "link": "public", "match": {"topic": topic}, "action": "MUTATE",
                 "args": {"field": "type", "value": "delta"}}]),
            );
            let begun = Instant::now();
            let mut stream = feed.open(&ids, &Interest::none()).await.unwrap();
            let ended = timeout(Duration::from_mins(5), async {
                loop {
                    if let Err(error) = stream.next().await {
                        return error;
                    }
                }
            });
            let error = ended.await.expect("nobody noticed");
            assert!(begun.elapsed() < Duration::from_mins(3), "{topic}: {error}");
            bench.heal();
        }
    });
}

#[test]
fn f007_a_crossed_or_empty_touch_is_not_entered_on() {
    let touches: [&[(&str, &str, Value)]; 3] = [
        &[
            ("binance", "b", json!("99999999")),
            ("bybit", "b", json!([["99999999", "5"]])),
        ],
        &[("binance", "B", json!("0")), ("bybit", "b", json!([]))],
        &[
            ("binance", "a", json!("0.0000001")),
            ("bybit", "a", json!([["0.0000001", "5"]])),
        ],
    ];
    on_all_cores(&touches, |changes| {
        play(7, async |stage: Stage| {
            bars(&stage, |symbol| mutated(symbol, changes), WHILE).await
        });
    });
}

#[test]
fn f007_a_book_that_breaks_between_the_legs_is_not_traded_at_any_price() {
    let books = [
        ("bybit", "/v5/market/orderbook", "a", json!([])),
        ("bybit", "/v5/market/orderbook", "b", json!([["99999999", "5"]])),
        ("binance", "/fapi/v1/depth", "bids", json!([["99999999", "5"]])),
        ("binance", "/fapi/v1/depth", "asks", json!([])),
    ];
    on_all_cores(&books, |(venue, path, field, value)| {
        play(7, async |stage: Stage| {
            // The first reading decides the size and the first leg; what follows is the second leg's.
            stage.inject(
                &json!([{"venue": venue, "match": {"path": path}, "after": 2, "count": 6, "action": "MUTATE",
                "args": {"field": field, "value": value}}]),
            );
            stage.until_open().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f008_an_absurd_figure_is_not_entered_on() {
    let figures: [&[(&str, &str, Value)]; 3] = [
        &[("binance", "r", json!("3")), ("bybit", "fundingRate", json!("3"))],
        &[
            ("binance", "r", json!("-3.00000000")),
            ("bybit", "fundingRate", json!("-3")),
        ],
        &[("binance", "b", json!("-1")), ("bybit", "b", json!([["0", "5"]]))],
    ];
    on_all_cores(&figures, |changes| {
        play(7, async |stage: Stage| {
            bars(&stage, |symbol| mutated(symbol, changes), WHILE).await
        });
    });
}

#[test]
fn f009_what_keeps_flowing_but_is_minutes_old_is_not_entered_on() {
    play(7, async |stage: Stage| {
        let supervisor = stage.world.engine.supervisor.clone();
        let by = || "test".to_owned();
        let reason = PauseReason::Human("not yet".to_owned());
        supervisor.send(Pause { reason, by: by() }).await.unwrap().unwrap();
        stage
            .until("an opportunity", Duration::from_mins(30), |status| {
                best(status).is_some()
            })
            .await;
        // In three steps, so that no line is ever silent for long: only late.
        for _ in 0..3 {
            stage.inject(&json!([{"link": "public", "count": null, "action": "DELAY", "args": {"ms": 100_000}}]));
            sleep(Duration::from_mins(3)).await;
        }
        let before = stage.status().await;
        supervisor.send(Resume { by: by() }).await.unwrap().unwrap();
        sleep(Duration::from_mins(7)).await;
        let during = stage.status().await;
        let facts = |status: &Value| status["scanner"]["facts"].as_u64().unwrap();
        assert!(facts(&during) > facts(&before) + 20, "nothing flows");
        for venue in VENUES {
            assert_eq!(restarts(&during, venue), 0, "{venue}'s lines were not late but lost");
        }
        assert_eq!(stage.orders(), 0, "entered on old data\n{}", stage.tale());
        let pairs = during["scanner"]["opportunities"].as_array().unwrap();
        let is_late = |pair: &&Value| {
            let because = pair["refused_because"].as_str().unwrap_or_default();
            pair["refused_by"] == "stale" && because.contains("by the venue's clock")
        };
        assert!(pairs.iter().any(|pair| is_late(&pair)), "{pairs:#?}");
        stage.heal();
        stage.until_open().await;
        stage.ends_well().await;
    });
}

#[test]
fn f010_the_loss_of_all_streams_at_once_leaves_no_job_half_done() {
    let moments = [0, 1, 2, 4];
    on_all_cores(&moments, |after| {
        play(7, async |stage: Stage| {
            stage.until_running().await;
            // With an execution's push, in the middle of a job, everything is cut.
            stage.inject(&json!([
                {"link": "private", "after": after, "count": 6, "action": "RESET"},
                {"link": "public", "count": 12, "action": "RESET"}
            ]));
            stage.until_open().await;
            stage.until_running().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f011_a_refused_or_endless_handshake_is_tried_again_at_growing_distances() {
    let refusals = [
        json!({"action": "REPLY", "args": {"status": 502, "body": "<html>"}}),
        json!({"action": "REPLY", "args": {"status": 429, "body": ""}}),
        json!({"action": "HALF_OPEN"}),
    ];
    on_all_cores(&refusals, |refusal| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            let mut rule = json!({"venue": "bybit", "match": {"path": "/v5/public/*"}, "count": null});
            rule.as_object_mut()
                .unwrap()
                .extend(refusal.as_object().unwrap().clone());
            stage.inject(&json!([rule]));
            stage.inject(&json!([{"venue": "bybit", "link": "public", "count": 20, "action": "RESET"}]));
            let before = restarts(&stage.status().await, "bybit");
            sleep(Duration::from_mins(10)).await;
            let tries = restarts(&stage.status().await, "bybit") - before;
            // Two feeds of this venue, half a minute apart at most, ten seconds on the way there.
            assert!((5..=150).contains(&tries), "{refusal}: {tries} tries in ten minutes");
            let dialled = stage.cable.dialled(3);
            let last = dialled
                .iter()
                .filter(|at| at.elapsed() < Duration::from_mins(1))
                .count();
            assert!(last <= 15, "{refusal}: {last} connections in the last minute");
            stage.heal();
            stage.until_running().await;
            stage.ends_well().await;
        });
    });
}

#[test]
fn f012_doubled_messages_and_messages_from_the_past_change_nothing() {
    let disorder = [
        json!([{"link": "public", "count": null, "action": "DUP", "args": {"n": 3}}]),
        json!([{"link": "public", "count": null, "action": "REORDER", "args": {"w": 5}}]),
    ];
    on_all_cores(&disorder, |rules| {
        bench(4, |bench| async move {
            for (venue, product) in [
                (VenueId::Binance, Product::Spot),
                (VenueId::Binance, Product::Perp),
                (VenueId::Bybit, Product::Perp),
            ] {
                let ids: Vec<_> = bench
                    .instruments(venue, product)
                    .await
                    .into_iter()
                    .map(|one| one.id)
                    .collect();
                let (_, feed) = bench.venue(venue).feeds.iter().find(|(of, _)| *of == product).unwrap();
                bench.heal();
                let mut stream = feed.open(&ids, &Interest::none()).await.unwrap();
                let mut newest = BTreeMap::new();
                // The first words of every topic come in order: without them there is no line.
                let settled = Instant::now() + Duration::from_mins(3);
                let end = settled + Duration::from_mins(20);
                let mut heard = 0_u64;
                while let Ok(facts) = timeout(end.saturating_duration_since(Instant::now()), stream.next()).await {
                    if Instant::now() > settled && !bench.is_faulty() {
                        bench.inject(rules);
                    }
                    for fact in facts.unwrap() {
                        let (kind, at) = match &fact {
                            MarketFact::Quote { venue_time, .. } => (0, *venue_time),
                            MarketFact::Funding { venue_time, .. } => (1, *venue_time),
                            MarketFact::Mark { venue_time, .. } => (2, *venue_time),
                            MarketFact::Book { venue_time, .. } => (3, *venue_time),
                            MarketFact::BookLost { .. } => continue,
                        };
                        let last = newest.insert((fact.instrument().clone(), kind), at);
                        assert!(
                            last.is_none_or(|last| last <= at),
                            "{venue} {product:?} went back: {fact:?}"
                        );
                        heard += u64::from(bench.is_faulty());
                    }
                }
                assert!(heard > 20, "{venue} {product:?}: {heard} facts in disorder");
            }
        });
    });
    play(7, async |stage: Stage| {
        stage.inject(&disorder[0]);
        stage.until_open().await;
        stage.ends_well().await;
    });
}

#[test]
fn f013_a_settlement_in_the_past_or_an_unknown_interval_is_not_entered_on() {
    let terms: [&[(&str, &str, Value)]; 2] = [
        &[("binance", "T", json!(1)), ("bybit", "nextFundingTime", json!("1"))],
        &[("binance", "T", json!(1)), ("bybit", "fundingIntervalHour", json!("0"))],
    ];
    on_all_cores(&terms, |changes| {
        play(7, async |stage: Stage| {
            // The venue repeats these in its snapshots only: it is made to begin anew.
            let rules = |symbol: &str| {
                let mut rules = mutated(symbol, changes);
                let (_, field, value) = &changes[1];
                rules.as_array_mut().unwrap().extend([
                    json!({"venue": "bybit", "link": "public", "match": {"symbol": symbol}, "count": 4, "action": "RESET"}),
                    json!({"venue": "bybit", "match": {"path": "/v5/market/tickers"}, "count": null,
                        "action": "MUTATE", "args": {"field": field, "value": value}}),
                ]);
                rules
            };
            bars(&stage, rules, WHILE).await;
        });
    });
}

#[test]
fn f014_a_flood_of_market_data_does_not_delay_an_exit() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        stage.inject(&json!([{"link": "public", "count": null, "action": "DUP", "args": {"n": 50}}]));
        let begun = Instant::now();
        stage.world.wind_down().await;
        assert!(
            begun.elapsed() < Duration::from_mins(3),
            "leaving took {:?}",
            begun.elapsed()
        );
        assert_eq!(count(&stage.status().await, "open"), 0);
        stage.ends_well().await;
    });
}

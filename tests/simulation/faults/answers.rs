//! F016 to F019, F022, F024, F028, F045: what an adapter makes of one answer. Silence and nonsense are never a refusal, and
//! nothing is sent twice.

use std::time::Duration;

use domain::instrument::{Product, VenueId};
use domain::order::Placed;
use domain::ports::VenueError;
use domain::time::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::bench::{Bench, DESKS, bench, forged};
use super::cable::Ill;

/// Whether an outcome is what a row of a table wants.
fn is_unknown(placed: &Placed) -> bool {
    matches!(placed, Placed::Unknown { .. })
}

/// Plays a row with and without the order behind it, and holds the venue's later word against the truth.
async fn whether_or_not(bench: &Bench, desk: usize, row: usize, answer: (u16, &str)) {
    for executed in [true, false] {
        let name = format!("fabench-{desk}-{row}-{}", u8::from(executed));
        let (ticket, placed) = forged(bench, DESKS[desk], &name, (answer.0, answer.1, executed)).await;
        assert!(is_unknown(&placed), "{answer:?} executed {executed}: {placed:?}");
        assert_eq!(bench.orders(ticket.instrument.venue, &name), usize::from(executed));
        assert_eq!(bench.knows(&ticket.instrument, &name).await, executed, "{answer:?}");
    }
}

#[test]
fn f016_a_venue_that_does_not_know_itself_leaves_the_order_unknown() {
    bench(1, |bench| async move {
        for (row, code) in [10000, 10016, 10019, 20003, 170_007, 500_000].iter().enumerate() {
            let body = json!({"retCode": code, "retMsg": "Server error.", "result": {}, "time": 1}).to_string();
            whether_or_not(&bench, 0, row, (200, &body)).await;
        }
        for (row, (status, code)) in [(400, -1007), (400, -1006), (408, -1007), (504, -1007)]
            .iter()
            .enumerate()
        {
            let words =
                "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
            let body = json!({"code": code, "msg": words}).to_string();
            whether_or_not(&bench, 1, row, (*status, &body)).await;
            whether_or_not(&bench, 2, row, (*status, &body)).await;
        }
    });
}

#[test]
fn f017_each_meaning_of_a_503_is_told_by_its_words() {
    bench(1, |bench| async move {
        let unknown = [
            r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#,
            "Unknown error, please check your request or try again later.",
            // Bare words may be those of a machine in between, which does not know.
            "Service Unavailable.",
            "",
            r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#,
        ];
        for desk in [1, 2] {
            for (row, body) in unknown.iter().enumerate() {
                whether_or_not(&bench, desk, row, (503, body)).await;
            }
            let throttled = r#"{"code":-1008,"msg":"Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}"#;
            let failed = r#"{"code":-1000,"msg":"Service Unavailable."}"#;
            for (row, body) in [throttled, failed].iter().enumerate() {
                let name = format!("fabench-{desk}-r{row}");
                let (ticket, placed) = forged(&bench, DESKS[desk], &name, (503, body, false)).await;
                assert!(matches!(placed, Placed::Refused { .. }), "{body}: {placed:?}");
                assert!(!bench.knows(&ticket.instrument, &name).await);
            }
        }
    });
}

#[test]
fn f018_a_page_or_a_torn_answer_leaves_the_order_unknown() {
    bench(1, |bench| async move {
        let page = format!("<!DOCTYPE html><html><body>{}</body></html>", "busy ".repeat(2_000));
        for (desk, place) in DESKS.into_iter().enumerate() {
            for (row, status) in [200, 451, 500, 502, 504, 520, 521, 522, 524, 526]
                .into_iter()
                .enumerate()
            {
                let name = format!("fabench-{desk}-{row}");
                let (_, placed) = forged(&bench, place, &name, (status, &page, row % 2 == 0)).await;
                let Placed::Unknown { reason } = placed else {
                    panic!("{status}: {placed:?}");
                };
                assert!(
                    reason.len() <= 512,
                    "{status}: {} bytes of a page are kept",
                    reason.len()
                );
            }
            let whole = if desk == 0 {
                r#"{"retCode":0,"retMsg":"OK","result":{"orderId":"o-1","orderLinkId":"x"},"time":1}"#
            } else {
                r#"{"orderId":7,"symbol":"X","status":"FILLED","clientOrderId":"x","price":"0"}"#
            };
            for cut in 0..whole.len() {
                let name = format!("fabench-{desk}-c{cut}");
                let (_, placed) = forged(&bench, place, &name, (200, &whole[..cut], false)).await;
                assert!(is_unknown(&placed), "cut at {cut}: {placed:?}");
            }
        }
    });
}

#[test]
fn f019_a_kept_connection_that_dies_under_an_order_is_not_used_to_send_it_again() {
    bench(1, |bench| async move {
        for (desk, (venue, product, path)) in DESKS.into_iter().enumerate() {
            let begin = format!("POST {path} ");
            let first = bench.ticket(venue, product, &format!("fabench-{desk}-1")).await;
            assert!(matches!(
                bench.gateway(venue).place(&first).await,
                Placed::Confirmed { .. }
            ));
            let port = [3, 2, 1][desk];
            let (dialled, sent) = (bench.cable.dialled(port).len(), bench.cable.requests(&begin));
            for (row, action) in ["DROP_REQ", "RESET", "DROP_RESP"].into_iter().enumerate() {
                let name = format!("fabench-{desk}-{action}");
                let ticket = bench.ticket(venue, product, &name).await;
                bench.inject(
                    &json!([{"venue": venue.as_str(), "match": {"method": "POST", "path": path}, "action": action}]),
                );
                let placed = bench.gateway(venue).place(&ticket).await;
                bench.heal();
                assert!(is_unknown(&placed), "{action}: {placed:?}");
                assert_eq!(
                    bench.cable.requests(&begin),
                    sent + row + 1,
                    "{action}: not sent exactly once"
                );
                assert_eq!(bench.orders(venue, &name), usize::from(action == "DROP_RESP"));
            }
            assert!(
                bench.cable.dialled(port).len() <= dialled + 3,
                "the first order's connection was not kept"
            );
        }
    });
}

#[test]
fn f045_a_name_that_the_venue_has_already_is_neither_a_refusal_nor_sent_again() {
    bench(1, |bench| async move {
        let answers = [
            (
                200,
                r#"{"retCode":110072,"retMsg":"OrderLinkedID is duplicate","result":{},"time":1}"#,
            ),
            (400, r#"{"code":-4116,"msg":"ClientOrderId is duplicated."}"#),
            (400, r#"{"code":-2010,"msg":"Duplicate order sent."}"#),
        ];
        for (desk, answer) in answers.into_iter().enumerate() {
            whether_or_not(&bench, desk, 45, answer).await;
        }
    });
}

#[test]
fn f022_a_request_out_of_its_time_leaves_no_order_and_the_next_one_is_stamped_anew() {
    bench(1, |bench| async move {
        for (desk, (venue, product, _)) in DESKS.into_iter().enumerate() {
            let before = bench.ticket(venue, product, &format!("fabench-{desk}-a")).await;
            assert!(matches!(
                bench.gateway(venue).place(&before).await,
                Placed::Confirmed { .. }
            ));
            for skew in [-6_000, 6_000] {
                // Before: what asks for instruments signs a question, too, and would measure the clock anew.
                let late = bench.ticket(venue, product, &format!("fabench-{desk}-b{skew}")).await;
                bench.inject(&json!([{"venue": venue.as_str(), "action": "SKEW", "args": {"ms": skew}}]));
                let placed = bench.gateway(venue).place(&late).await;
                assert!(matches!(placed, Placed::Refused { .. }), "skew {skew}: {placed:?}");
                assert_eq!(bench.orders(venue, late.client_id.as_str()), 0);
                let again = bench.ticket(venue, product, &format!("fabench-{desk}-c{skew}")).await;
                let placed = bench.gateway(venue).place(&again).await;
                assert!(matches!(placed, Placed::Confirmed { .. }), "skew {skew}: {placed:?}");
                // The next reader may meet the old measurement once more, and nobody waits until it has grown old.
                bench.heal();
                let view = &bench.venue(venue).account;
                assert!(
                    view.balances().await.is_ok() || view.balances().await.is_ok(),
                    "skew {skew}"
                );
            }
        }
    });
}

#[test]
fn f024_every_page_is_read_or_none() {
    bench(75, |bench| async move {
        let perps = bench.instruments(VenueId::Bybit, Product::Perp).await;
        assert!(perps.len() > 20, "{} perpetuals are no second page", perps.len());
        for instrument in perps.iter().cycle().take(120) {
            let least = instrument.lot.0.max(instrument.min_quantity.0) * rust_decimal::Decimal::TEN;
            bench.inject(
                &json!([{"venue": "bybit", "action": "FOREIGN", "args": {"kind": "trade",
                "symbol": instrument.id.symbol.as_str(), "side": "buy", "quantity": least.to_string()}}]),
            );
        }
        bench.heal();
        let view = &bench.venue(VenueId::Bybit).account;
        let since = Timestamp(bench.street.twin.now() - 3_600_000);
        let read = view.truth(since, &[]).await.unwrap();
        assert_eq!(read.positions.len(), perps.len());
        // A page holds a hundred executions.
        let truth = bench.street.twin.truth();
        let fills = truth["venues"]["bybit"]["fills"].as_array().unwrap().len();
        assert!(fills > 100, "{fills} executions are no second page");
        assert_eq!(read.fills.len(), fills);
        for path in ["/v5/position/list", "/v5/execution/list"] {
            bench.inject(&json!([
                {"venue": "bybit", "match": {"path": path}, "action": "MUTATE",
                 "args": {"field": "nextPageCursor", "value": "more"}},
                {"venue": "bybit", "match": {"path": path}, "after": 1, "action": "REPLY",
                 "args": {"status": 500, "body": ""}}
            ]));
            let failed = view.truth(since, &[]).await;
            assert!(
                matches!(failed, Err(VenueError::Unreachable { .. })),
                "{path}: a lost page was not missed"
            );
            bench.heal();
        }
        // The last five rows, over and over.
        bench.inject(
            &json!([{"venue": "bybit", "match": {"path": "/v5/position/list"}, "count": null,
            "action": "MUTATE", "args": {"field": "nextPageCursor", "value": "page_token%3D5"}}]),
        );
        let begun = Instant::now();
        assert!(
            view.truth(since, &[]).await.is_err(),
            "a cursor that repeats was followed"
        );
        assert!(begun.elapsed() < Duration::from_secs(30));
    });
}

#[test]
fn f028_an_answer_that_drips_is_given_up_in_time() {
    bench(1, |bench| async move {
        for (desk, (venue, product, _)) in DESKS.into_iter().enumerate() {
            let port = [3, 2, 1][desk];
            let name = format!("fabench-{desk}-drip");
            let ticket = bench.ticket(venue, product, &name).await;
            // The venue's clock is known already: what drips is the answer to the order.
            assert!(!bench.knows(&ticket.instrument, &name).await);
            bench.cable.ail(&[port], Ill::Drip(Duration::from_secs(2)));
            let begun = Instant::now();
            let placed = bench.gateway(venue).place(&ticket).await;
            assert!(is_unknown(&placed), "{placed:?}");
            assert!(begun.elapsed() <= Duration::from_secs(10), "{:?}", begun.elapsed());
            bench.heal();
            assert_eq!(bench.orders(venue, &name), 1);
            assert!(bench.knows(&ticket.instrument, &name).await);
        }
        // So is the listen key, and with it the opening of the account's stream.
        bench.cable.ail(&[2], Ill::Drip(Duration::from_secs(2)));
        let begun = Instant::now();
        assert!(bench.venue(VenueId::Binance).stream.open().await.is_err());
        assert!(begun.elapsed() <= Duration::from_secs(30), "{:?}", begun.elapsed());
    });
}

//! F066 and F067: a venue deleverages or liquidates a leg; the other one is cut within three seconds.

use std::time::Duration;

use domain::alert::AlertName;
use rust_decimal::Decimal;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::stage::{Stage, VENUES, play};
use crate::harness::on_all_cores;

/// How long the other leg may stay uncut.
const BOUND: Duration = Duration::from_secs(3);

/// Open perpetual positions by the venues' truth: venue, symbol and signed quantity.
fn positions(stage: &Stage) -> Vec<(&'static str, String, Decimal)> {
    let of_venue = |venue: &'static str| {
        let rows = stage.truth(venue, "positions").into_iter();
        rows.map(move |row| {
            let symbol = row["symbol"].as_str().unwrap().to_owned();
            (venue, symbol, row["quantity"].as_str().unwrap().parse().unwrap())
        })
    };
    let all = VENUES.into_iter().flat_map(of_venue);
    all.filter(|(_, _, quantity): &(_, _, Decimal)| !quantity.is_zero())
        .collect()
}

/// What both legs of the hedge of a symbol come to, by the venues' truth, spot included.
fn delta(stage: &Stage, symbol: &str) -> Decimal {
    let base = symbol.trim_end_matches("USDT");
    let perps = positions(stage).into_iter().filter(|(_, name, _)| name == symbol);
    let coins = VENUES.into_iter().flat_map(|venue| stage.truth(venue, "balances"));
    let coins = coins.filter(|row| row["asset"] == base).map(|row| {
        let part = |key: &str| row[key].as_str().unwrap().parse::<Decimal>().unwrap();
        part("free") + part("locked")
    });
    perps.map(|(_, _, quantity)| quantity).sum::<Decimal>() + coins.sum::<Decimal>()
}

#[test]
fn f066_a_leg_that_is_deleveraged_has_the_other_one_cut_within_three_seconds() {
    answered_within_bound("ADL", ["0.3", "1"]);
}

#[test]
fn f067_a_leg_that_is_liquidated_has_the_other_one_cut_within_three_seconds() {
    answered_within_bound("LIQ", ["0.4", "1"]);
}

fn answered_within_bound(act: &str, fractions: [&str; 2]) {
    let stories = VENUES.map(|venue| fractions.map(|fraction| (venue, fraction))).concat();
    on_all_cores(&stories, |(venue, fraction)| {
        play(7, async |stage: Stage| {
            stage.until_open().await;
            // A venue reduces what is held there; the other venue's leg is then what stands alone.
            let held = positions(&stage).into_iter().find(|(at, ..)| at == venue);
            let Some((_, symbol, before)) = held else {
                panic!("no perpetual is held at {venue}: {:?}", positions(&stage));
            };
            let level = delta(&stage, &symbol).abs();
            let begun = Instant::now();
            stage.inject(&json!([{"venue": venue, "action": act, "args": {"symbol": symbol, "fraction": fraction}}]));
            let naked = delta(&stage, &symbol).abs();
            assert!(naked > level, "nothing was reduced of {before} {symbol} at {venue}");
            while delta(&stage, &symbol).abs() > level.max(before.abs() / Decimal::from(100)) {
                assert!(
                    begun.elapsed() <= BOUND,
                    "{venue} {act} {fraction}: still naked by {} after {:?}\n{}",
                    delta(&stage, &symbol),
                    begun.elapsed(),
                    stage.tale()
                );
                sleep(Duration::from_millis(20)).await;
            }
            println!(
                "{venue} {act} {fraction}: the other leg was cut after {:?}",
                begun.elapsed()
            );
            sleep(Duration::from_secs(5)).await;
            assert!(stage.alerts(AlertName::ForcedReduction) > 0, "nobody was told");
            stage.ends_well().await;
        });
    });
}

/// The stream says that a position moved, and its execution never comes: the venue is read soon, not in half an hour.
#[test]
fn f066_a_reduction_whose_execution_is_lost_is_read_by_request_within_seconds() {
    play(7, async |stage: Stage| {
        stage.until_open().await;
        let (venue, symbol, before) = positions(&stage).remove(0);
        let level = delta(&stage, &symbol).abs();
        let lost = if venue == "bybit" {
            "execution"
        } else {
            "ORDER_TRADE_UPDATE"
        };
        stage.inject(&json!([
            {"venue": venue, "link": "private", "match": {"topic": lost}, "count": 2, "action": "DROP_RESP"},
            {"venue": venue, "action": "ADL", "args": {"symbol": symbol, "fraction": "0.5"}}]));
        let begun = Instant::now();
        while delta(&stage, &symbol).abs() > level.max(before.abs() / Decimal::from(100)) {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "still naked\n{}",
                stage.tale()
            );
            sleep(Duration::from_millis(50)).await;
        }
        assert!(stage.fired() > 1, "no execution was lost");
        stage.ends_well().await;
    });
}

//! Days of trading with faults.

use std::time::Duration;

use actors::settings::Manner;
use domain::money::Usd;
use funding_arb::world::{WorldOptions, WorldReport};
use serde_json::Value;

use crate::IN_EVERY_WORLD;
use crate::harness::{on_all_cores, play, play_in};

const fn world(seed: u64, hours: u32) -> WorldOptions {
    WorldOptions {
        seed,
        hours,
        symbols: 10,
        faults: true,
        campaign: false,
        left_out: &[],
    }
}

/// Nothing was violated, nothing was left untested, and the engine wanted to go on.
fn assert_clean(seed: u64, report: &WorldReport) {
    let verdict = &report.verdict;
    assert_eq!(
        verdict.count,
        0,
        "seed {seed}: {:#?}\n{}",
        verdict.violations,
        report.last_events.join("\n")
    );
    assert_eq!(report.exit, None, "seed {seed}: the engine ended itself");
    for invariant in IN_EVERY_WORLD {
        assert!(
            verdict.exercised.get(invariant).is_some_and(|times| *times > 0),
            "seed {seed}: {invariant} was never put to the test"
        );
    }
}

fn number(report: &WorldReport, name: &str) -> u64 {
    report.status.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Venues on which a closed hedge had a leg.
fn venues_traded(report: &WorldReport) -> Vec<String> {
    let closed = report.status.get("closed").and_then(Value::as_array);
    let legs = closed
        .into_iter()
        .flatten()
        .filter_map(|hedge| hedge.get("legs").and_then(Value::as_array))
        .flatten();
    let mut venues: Vec<String> = legs
        .filter_map(|leg| leg.get("venue").and_then(Value::as_str))
        .map(str::to_owned)
        .collect();
    venues.sort();
    venues.dedup();
    venues
}

#[test]
fn three_days_with_faults_hold_every_invariant_and_repeat_to_the_byte() {
    let seeds = [7, 7, 8];
    let reports = on_all_cores(&seeds, |seed| play(world(*seed, 72), None).unwrap());
    for (seed, report) in seeds.iter().zip(&reports) {
        assert_clean(*seed, report);
        assert!(number(report, "hedges_opened") >= 1, "seed {seed}: no hedge was opened");
        assert!(number(report, "hedges_closed") >= 1, "seed {seed}: no hedge was closed");
        assert!(
            report.verdict.counts.funding_payments >= 1,
            "seed {seed}: no funding was paid"
        );
        assert_eq!(venues_traded(report), ["binance", "bybit"], "seed {seed}");
    }
    let [first, again, other] = &reports[..] else {
        panic!("three worlds were asked for");
    };
    assert_eq!(
        first.verdict.trace_hash, again.verdict.trace_hash,
        "one seed, two traces"
    );
    assert_eq!(first.verdict.counts, again.verdict.counts);
    assert_ne!(
        first.verdict.trace_hash, other.verdict.trace_hash,
        "two seeds, one trace"
    );
}

#[test]
fn a_small_campaign_finds_nothing() {
    let seeds = [21, 22, 23, 24];
    let reports = on_all_cores(&seeds, |seed| play(world(*seed, 12), None).unwrap());
    for (seed, report) in seeds.iter().zip(&reports) {
        assert_clean(*seed, report);
    }
}

#[test]
fn entries_that_rest_or_go_in_slices_hold_every_invariant_under_faults() {
    let rests = Manner {
        rests_for: Some(Duration::from_mins(1)),
        ..Manner::default()
    };
    let slices = Manner {
        slice: Some(Usd(2_500.into())),
        slices_every: Duration::from_secs(5),
        ..rests
    };
    let worlds = [(31, rests), (32, rests), (33, slices), (34, slices)];
    let reports = on_all_cores(&worlds, |(seed, manner)| {
        play_in(world(*seed, 24), *manner, None).unwrap()
    });
    let (mut rested, mut met) = (0, 0);
    for ((seed, _), report) in worlds.iter().zip(&reports) {
        assert_clean(*seed, report);
        assert!(number(report, "hedges_opened") >= 1, "seed {seed}: no hedge was opened");
        assert_eq!(report.rested.open, 0, "seed {seed}: an order still rests");
        rested += report.rested.orders;
        met += report.rested.met;
    }
    println!("{rested} orders rested, {met} of them were met");
    assert!(rested > 0, "no entry ever rested");
    assert!(met > 0, "none that rested was ever met");
}

//! Bad luck that the engine must live with: here the observer has to stay silent.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use funding_arb::world::{Tamper, WorldOptions, WorldReport};

use crate::books::Stutters;
use crate::harness::{Failure, on_all_cores, play};
use crate::wire::{Lossy, Struck};

/// Of three orders one loses its answer and one never arrives; every fourth question about an order fails.
fn lossy_gateways(struck: &Struck) -> Tamper {
    let struck = Arc::clone(struck);
    Rc::new(move |mut venues, journal| {
        for venue in &mut venues {
            venue.gateway = Rc::new(Lossy::new(Rc::clone(&venue.gateway), venue.id, &struck));
        }
        (venues, journal)
    })
}

/// A ledger that is now and then unavailable, with and without having written.
fn stuttering_journal(struck: &Struck) -> Tamper {
    let struck = Arc::clone(struck);
    Rc::new(move |venues, journal| (venues, Stutters::around(journal, &struck)))
}

/// Plays worlds under bad luck; answers how often it struck in all.
fn endure(luck: fn(&Struck) -> Tamper) -> Result<u64, Failure> {
    let seeds = [7, 31];
    let play_one = |seed: &u64| -> Result<(WorldReport, u64), Failure> {
        let struck = Struck::default();
        let options = WorldOptions {
            seed: *seed,
            hours: 9,
            symbols: 4,
            faults: true,
            campaign: false,
            left_out: &[],
        };
        let report = play(options, Some(luck(&struck)))?;
        Ok((report, struck.load(Ordering::Relaxed)))
    };
    let mut all = 0;
    for (seed, outcome) in seeds.iter().zip(on_all_cores(&seeds, play_one)) {
        let (report, struck) = outcome?;
        let verdict = report.verdict;
        assert_eq!(
            verdict.count,
            0,
            "seed {seed}: {:#?}\n{}",
            verdict.violations,
            report.last_events.join("\n")
        );
        assert_eq!(report.exit, None, "seed {seed}: the engine ended itself");
        assert!(verdict.counts.orders > 0, "seed {seed}: nothing was traded");
        println!("seed {seed}: struck {struck} times, {:?}", verdict.counts);
        all += struck;
    }
    Ok(all)
}

#[test]
fn f015_lost_orders_and_lost_answers_never_double_an_order() {
    assert!(endure(lossy_gateways).unwrap() >= 8, "hardly an outcome was unknown");
}

#[test]
fn f097_a_stuttering_ledger_never_loses_or_doubles_a_row() {
    assert!(endure(stuttering_journal).unwrap() >= 8, "the ledger hardly stuttered");
}

//! Planted bugs. Each must be seen by the observer, and by the check that it was planted for: an observer who misses one
//! is too weak, and his silence about the engine would mean nothing.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use funding_arb::world::{Tamper, WorldOptions};

use crate::books::{self, BookBug};
use crate::harness::{on_all_cores, play};
use crate::wire::{self, Struck, WireBug};

enum Bug {
    Wire(WireBug),
    Books(BookBug),
}

impl Bug {
    fn plant(&self, struck: &Struck) -> Tamper {
        match self {
            Self::Wire(bug) => wire::plant(*bug, struck),
            Self::Books(bug) => books::plant(*bug, struck),
        }
    }

    /// How long the world must last for the bug to matter.
    fn hours(&self) -> u32 {
        let needs_funding = [
            BookBug::FundingDropped,
            BookBug::FundingTwice,
            BookBug::FundingSignFlipped,
            BookBug::FundingRounded,
            BookBug::FundingOfOtherSymbol,
        ];
        match self {
            Self::Books(bug) if needs_funding.contains(bug) => SETTLEMENT,
            _ => TRADES,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Wire(bug) => format!("{bug:?}"),
            Self::Books(bug) => format!("{bug:?}"),
        }
    }
}

/// Each bug with the invariants that must be reported broken.
const MUTANTS: [(Bug, &[&str]); 37] = [
    (Bug::Wire(WireBug::SentTwice), &["I1"]),
    (Bug::Wire(WireBug::QuantityDoubled), &["I1"]),
    (Bug::Wire(WireBug::ShortLegBought), &["I1", "I2a"]),
    (Bug::Wire(WireBug::ExecutedTakenForRefused), &["I2a"]),
    (Bug::Wire(WireBug::ResentUnderNewId), &["I8"]),
    (Bug::Wire(WireBug::ClosedTheWrongWay), &["I1", "I11"]),
    (Bug::Wire(WireBug::ClosedTwiceOver), &["I1", "I11"]),
    (Bug::Wire(WireBug::ExecutionsUnseen), &["I3", "I4"]),
    (Bug::Wire(WireBug::LongLegSold), &["I1"]),
    (Bug::Wire(WireBug::ProductMistaken), &["I1"]),
    (Bug::Wire(WireBug::IdUsedAgain), &["I1"]),
    (Bug::Wire(WireBug::LimitIgnored), &["I1"]),
    (Bug::Wire(WireBug::LimitLoosened), &["I1"]),
    (Bug::Wire(WireBug::ReduceOnlyLost), &["I11"]),
    (Bug::Wire(WireBug::ExitUnderNewId), &["I8"]),
    (Bug::Books(BookBug::FillDropped), &["I3", "I4"]),
    (Bug::Books(BookBug::FillTwice), &["I3", "I4"]),
    (Bug::Books(BookBug::FeeForgotten), &["I3", "I4"]),
    (Bug::Books(BookBug::FeeSignFlipped), &["I3", "I4"]),
    (Bug::Books(BookBug::FeeInOtherAsset), &["I3", "I4"]),
    (Bug::Books(BookBug::PriceRounded), &["I3", "I4"]),
    (Bug::Books(BookBug::FillDoubled), &["I3"]),
    (Bug::Books(BookBug::FillOnOtherSide), &["I3"]),
    (Bug::Books(BookBug::FillOfOtherVenue), &["I3"]),
    (Bug::Books(BookBug::TradeIdCutShort), &["I3"]),
    (Bug::Books(BookBug::FundingDropped), &["I3", "I4"]),
    (Bug::Books(BookBug::FundingTwice), &["I3", "I4"]),
    (Bug::Books(BookBug::FundingSignFlipped), &["I3", "I4"]),
    (Bug::Books(BookBug::FundingRounded), &["I3", "I4"]),
    (Bug::Books(BookBug::FundingOfOtherSymbol), &["I3"]),
    (Bug::Books(BookBug::IntentDropped), &["I8"]),
    (Bug::Books(BookBug::IntentDoubled), &["I1"]),
    (Bug::Books(BookBug::IntentOnOtherSide), &["I1"]),
    (Bug::Books(BookBug::OpeningCalledClosing), &["I11"]),
    (Bug::Books(BookBug::OpeningInflated), &["I4"]),
    (Bug::Books(BookBug::IntentLate), &["I8"]),
    (Bug::Books(BookBug::OpeningDropped), &["I4"]),
];

/// Short worlds: the market of a world opens with what is worth entering, and a world ends by leaving every hedge.
const fn world(hours: u32) -> WorldOptions {
    WorldOptions {
        seed: 7,
        hours,
        symbols: 4,
        faults: false,
    }
}

/// Long enough for entries and exits.
const TRADES: u32 = 1;
/// Long enough for a settlement: the market of a world opens two hours before one.
const SETTLEMENT: u32 = 3;

/// Runs a mutant; the error is what is wrong with its death.
fn death((bug, must_break): &(Bug, &[&str])) -> Result<(), String> {
    let name = bug.name();
    let struck = Struck::default();
    let report = play(world(bug.hours()), Some(bug.plant(&struck))).map_err(|failure| format!("{name}: {failure}"))?;
    let (verdict, struck) = (report.verdict, struck.load(Ordering::Relaxed));
    let broken: BTreeSet<&str> = verdict
        .violations
        .iter()
        .filter_map(|violation| violation.split(' ').next())
        .collect();
    println!(
        "{name}: struck {struck} times, broke {broken:?}, {} violations",
        verdict.count
    );
    if struck == 0 {
        return Err(format!("{name} never struck: {:?}", verdict.counts));
    }
    let missed: Vec<_> = must_break
        .iter()
        .filter(|invariant| !broken.contains(*invariant))
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{name} struck {struck} times; {missed:?} did not see it, only {broken:?}"
    ))
}

#[test]
fn every_planted_bug_is_named_by_the_check_that_it_breaks() {
    let deaths = on_all_cores(&MUTANTS, death);
    let survivors: Vec<String> = deaths.into_iter().filter_map(Result::err).collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn without_a_bug_the_same_world_is_clean() {
    let report = play(world(SETTLEMENT), None).unwrap();
    assert_eq!(report.verdict.count, 0, "{:#?}", report.verdict.violations);
    for (invariant, exercised) in &report.verdict.exercised {
        assert!(*exercised > 0, "{invariant} was never put to the test");
    }
}

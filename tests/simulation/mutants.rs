//! Planted bugs. Each must be seen by the observer, and by the check that it was planted for: an observer who misses one
//! is too weak, and his silence about the engine would mean nothing.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use funding_arb::world::{Tamper, WorldOptions};

use crate::IN_EVERY_WORLD;
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
const MUTANTS: [(Bug, &[&str]); 47] = [
    (Bug::Wire(WireBug::SentTwice), &["I1"]),
    (Bug::Wire(WireBug::QuantityDoubled), &["I1", "I10"]),
    (Bug::Wire(WireBug::ShortLegBought), &["I1", "I2a"]),
    (Bug::Wire(WireBug::ExecutedTakenForRefused), &["I2a", "I9"]),
    (Bug::Wire(WireBug::ResentUnderNewId), &["I8"]),
    (Bug::Wire(WireBug::ClosedTheWrongWay), &["I1", "I11"]),
    (Bug::Wire(WireBug::ClosedTwiceOver), &["I1", "I11"]),
    (Bug::Wire(WireBug::ExecutionsUnseen), &["I3", "I4", "I9"]),
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
    (Bug::Wire(WireBug::OffTheStep), &["I14"]),
    (Bug::Wire(WireBug::OffTheTick), &["I14"]),
    // Its execution is known, so it is not called absent: its hedge waits instead, naked and shut in.
    (Bug::Wire(WireBug::NeverFound), &["I2b", "I22"]),
    (Bug::Wire(WireBug::ExitsSwallowed), &["I22"]),
    (Bug::Wire(WireBug::HeldBack), &["I6"]),
    (Bug::Books(BookBug::RenewalDropped), &["I5"]),
    (Bug::Books(BookBug::PauseLifted), &["I12"]),
    (Bug::Books(BookBug::EndWithoutFills), &["I9"]),
    (Bug::Wire(WireBug::NeverAnswered), &["I21"]),
    (Bug::Wire(WireBug::TruthInvented), &["I13"]),
];

/// Bugs that show only where processes die, strangers trade or troubles end: each is looked for seed by seed.
const BY_SEED: [(Bug, &[&str]); 2] = [
    (Bug::Books(BookBug::LastHedgeForgotten), &["I18"]),
    (Bug::Wire(WireBug::StrangersCancelled), &["I16"]),
];
/// Seeds that are tried for each of those; `MUTANT_SEEDS` sets another number.
const SEEDS: u64 = 40;

/// Short worlds: the market of a world opens with what is worth entering, and a world ends by leaving every hedge.
const fn world(hours: u32) -> WorldOptions {
    WorldOptions {
        seed: 7,
        hours,
        symbols: 4,
        faults: false,
        campaign: false,
        left_out: &[],
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

/// Plays campaigns' worlds until the observer names what a bug breaks; answers the seeds that it took.
fn seeds_until_death((bug, must_break): &(Bug, &[&str])) -> Result<u64, String> {
    let name = bug.name();
    let most = std::env::var("MUTANT_SEEDS").ok().and_then(|text| text.parse().ok());
    for seed in 1..=most.unwrap_or(SEEDS) {
        let options = WorldOptions {
            seed,
            hours: 1,
            symbols: 4,
            faults: true,
            campaign: true,
            left_out: &[],
        };
        let report =
            play(options, Some(bug.plant(&Struck::default()))).map_err(|failure| format!("{name}: {failure}"))?;
        let broken = |invariant: &str| {
            let mut violations = report.verdict.violations.iter();
            violations.any(|violation| violation.split(' ').next() == Some(invariant))
        };
        if must_break.iter().all(|invariant| broken(invariant)) {
            println!("{name}: named {must_break:?} at seed {seed}");
            return Ok(seed);
        }
    }
    Err(format!("{name} was not named by {must_break:?}"))
}

#[test]
fn bugs_of_deaths_and_strangers_are_named_within_a_few_seeds() {
    let deaths = on_all_cores(&BY_SEED, seeds_until_death);
    let survivors: Vec<String> = deaths.into_iter().filter_map(Result::err).collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
}

#[test]
fn without_a_bug_the_same_world_is_clean() {
    let report = play(world(SETTLEMENT), None).unwrap();
    assert_eq!(report.verdict.count, 0, "{:#?}", report.verdict.violations);
    for invariant in IN_EVERY_WORLD {
        let exercised = report.verdict.exercised[invariant];
        assert!(exercised > 0, "{invariant} was never put to the test");
    }
}

//! Many worlds, one seed each, looking for one that breaks an invariant.
//!
//! ```text
//! cargo run --release --example campaign -- --seeds 100 --first-seed 1 --virtual-hours 72 --symbols 10
//! ```
//!
//! One line per seed, then how often each invariant was put to the test. Ends with 3 when a seed broke one (with its
//! violations and the last 200 events) or when an invariant was never tested: such a campaign proves nothing about it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use funding_arb::world::{WorldOptions, WorldReport};
use serde_json::Value;

#[path = "../tests/simulation/harness.rs"]
mod harness;

use harness::{Failure, on_all_cores, play};

/// What a campaign ends with when it found something.
const FOUND: u8 = 3;

/// Runs the whole engine in virtual time, once for each seed, and watches every invariant.
#[derive(Clone, Copy, Debug, Parser)]
struct Campaign {
    /// How many worlds.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// The seed of the first one; the others follow it.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How long each lasts, in virtual hours.
    #[arg(long, default_value_t = 72)]
    virtual_hours: u32,
    /// Symbols on each venue.
    #[arg(long, default_value_t = 10)]
    symbols: usize,
    /// Leave the links alone.
    #[arg(long)]
    no_faults: bool,
}

impl Campaign {
    const fn world(self, seed: u64) -> WorldOptions {
        WorldOptions {
            seed,
            hours: self.virtual_hours,
            symbols: self.symbols,
            faults: !self.no_faults,
        }
    }
}

fn main() -> ExitCode {
    let campaign = Campaign::parse();
    let seeds: Vec<u64> = (campaign.first_seed..)
        .zip(0..campaign.seeds)
        .map(|(seed, _)| seed)
        .collect();
    let found = on_all_cores(&seeds, |seed| {
        let outcome = play(campaign.world(*seed), None);
        println!("{}", line(*seed, &outcome));
        outcome
    });
    let mut fine = true;
    let mut exercised: BTreeMap<&str, u64> = BTreeMap::new();
    for (seed, outcome) in seeds.iter().zip(&found) {
        fine &= explain(*seed, outcome);
        for (invariant, times) in outcome.iter().flat_map(|report| &report.verdict.exercised) {
            *exercised.entry(*invariant).or_default() += times;
        }
    }
    for (invariant, times) in &exercised {
        println!("{invariant} was put to the test {times} times");
        fine &= *times > 0;
    }
    if fine && !exercised.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("the campaign is not a pass");
        ExitCode::from(FOUND)
    }
}

/// One world in one line.
fn line(seed: u64, outcome: &Result<WorldReport, Failure>) -> String {
    match outcome {
        Ok(report) => {
            let number = |name: &str| report.status.get(name).and_then(Value::as_u64).unwrap_or_default();
            let (verdict, opened, closed) = (&report.verdict, number("hedges_opened"), number("hedges_closed"));
            let exit = report.exit.map(|code| format!(", the engine ended with {code}"));
            format!(
                "seed {seed}: trace {}, hedges {opened} opened and {closed} closed, orders {}, fills {}, funding payments {}, violations {}{}",
                verdict.trace_hash,
                verdict.counts.orders,
                verdict.counts.fills,
                verdict.counts.funding_payments,
                verdict.count,
                exit.unwrap_or_default()
            )
        }
        Err(failure) => format!("seed {seed}: {failure}"),
    }
}

/// Whether a world went well; tells everything about one that did not.
fn explain(seed: u64, outcome: &Result<WorldReport, Failure>) -> bool {
    let Ok(report) = outcome else { return false };
    for violation in &report.verdict.violations {
        println!("seed {seed} violates {violation}");
    }
    for event in &report.last_events {
        println!("seed {seed} {event}");
    }
    report.verdict.count == 0 && report.exit.is_none()
}

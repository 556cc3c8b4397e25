//! Many worlds, one seed each, looking for one that breaks an invariant.
//!
//! ```text
//! cargo run --release --example campaign -- --seeds 1000 --first-seed 1
//! ```
//!
//! Short worlds find the most: funding is paid every hour, so that in two hours hedges are opened, paid and left, with
//! one to four troubles of every kind on the way and a tail without any. One line per seed; then how often each
//! invariant was put to the test, which troubles happened, the worst times, and how fast virtual time passed. The first
//! world that breaks an invariant ends the campaign, with its violations, its last 200 events and the command that plays
//! it again. Ends with 3 then, and when an invariant was never tested or nothing was ever opened, left or paid: such a
//! campaign proves nothing about it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use funding_arb::witness::Times;
use funding_arb::world::troubles::NAMES;
use funding_arb::world::{WorldOptions, WorldReport};
use serde_json::Value;

#[path = "../tests/simulation/harness.rs"]
mod harness;

use harness::{Failure, on_all_cores, play};

/// What a campaign ends with when it found something.
const FOUND: u8 = 3;

/// Runs the whole engine in virtual time, once for each seed, and watches every invariant.
#[derive(Clone, Debug, Parser)]
struct Campaign {
    /// How many worlds.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// The seed of the first one; the others follow it.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// How long each lasts, in virtual hours.
    #[arg(long, default_value_t = 2)]
    virtual_hours: u32,
    /// Symbols on each venue.
    #[arg(long, default_value_t = 4)]
    symbols: usize,
    /// Leave the links alone.
    #[arg(long)]
    no_faults: bool,
    /// Leave out a trouble, by its name in capitals; may be given several times.
    #[arg(long)]
    leave_out: Vec<String>,
}

impl Campaign {
    /// The names of what is left out, as the worlds know them.
    fn left_out(&self) -> &'static [&'static str] {
        let known = NAMES
            .into_iter()
            .filter(|name| self.leave_out.iter().any(|out| out == name));
        Vec::leak(known.collect())
    }

    const fn world(&self, seed: u64, left_out: &'static [&'static str]) -> WorldOptions {
        WorldOptions {
            seed,
            hours: self.virtual_hours,
            symbols: self.symbols,
            faults: !self.no_faults,
            campaign: true,
            left_out,
        }
    }
}

/// What came of one world.
struct Played {
    outcome: Result<WorldReport, Failure>,
    /// Processor time of its thread in nanoseconds, where the system counts it.
    spent: Option<u64>,
}

/// What a campaign came to.
#[derive(Default)]
struct Sum {
    worlds: u64,
    exercised: BTreeMap<&'static str, u64>,
    happened: BTreeMap<&'static str, u64>,
    troubles: BTreeMap<String, u64>,
    times: Times,
    nanoseconds: u64,
}

impl Sum {
    fn add(&mut self, played: &Played) {
        self.worlds += 1;
        self.nanoseconds += played.spent.unwrap_or_default();
        let Ok(report) = &played.outcome else { return };
        for (invariant, times) in &report.verdict.exercised {
            *self.exercised.entry(*invariant).or_default() += times;
        }
        for (trouble, times) in &report.troubles {
            *self.troubles.entry(trouble.clone()).or_default() += times;
        }
        self.times = self.times.worst(report.verdict.times);
        for (what, times) in happenings(report) {
            *self.happened.entry(what).or_default() += times;
        }
    }

    /// Whether everything was put to the test.
    fn tell(&self, campaign: &Campaign) -> bool {
        for (invariant, times) in &self.exercised {
            println!("{invariant} was put to the test {times} times");
        }
        for (what, times) in &self.happened {
            println!("{what}: {times}");
        }
        for (trouble, times) in &self.troubles {
            println!("trouble {trouble}: {times}");
        }
        let Times {
            naked,
            recovery,
            takeover,
            exit,
        } = self.times;
        println!("longest naked: {naked} ms; longest recovery after the last trouble: {recovery} ms");
        let takeover = takeover.map_or_else(|| "none".to_owned(), |ms| format!("{ms} ms"));
        println!("longest takeover: {takeover}; longest way out without troubles: {exit} ms");
        let virtual_seconds = self.worlds * u64::from(campaign.virtual_hours) * 3_600;
        let speed = (virtual_seconds * 1_000_000)
            .checked_div(self.nanoseconds / 1_000)
            .map_or_else(|| "not measured here".to_owned(), |speed| speed.to_string());
        let worlds = self.worlds;
        println!("{worlds} worlds, {virtual_seconds} virtual seconds; a second of one core: {speed}");
        let mut all = self.exercised.values().chain(self.happened.values());
        self.worlds > 0 && !self.happened.is_empty() && all.all(|times| *times > 0)
    }
}

/// What must happen for a campaign to mean something.
fn happenings(report: &WorldReport) -> [(&'static str, u64); 5] {
    let number = |name: &str| report.status.get(name).and_then(Value::as_u64).unwrap_or_default();
    let counts = report.verdict.counts;
    [
        ("hedges opened", number("hedges_opened")),
        ("hedges closed", number("hedges_closed")),
        ("orders", counts.orders),
        ("executions", counts.fills),
        ("funding payments", counts.funding_payments),
    ]
}

/// Processor time of this thread so far.
fn processor_time() -> Option<u64> {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    counted.split(' ').next()?.parse().ok()
}

fn main() -> ExitCode {
    let campaign = Campaign::parse();
    let left_out = campaign.left_out();
    let seeds: Vec<u64> = (campaign.first_seed..)
        .zip(0..campaign.seeds)
        .map(|(seed, _)| seed)
        .collect();
    let is_over = AtomicBool::new(false);
    let all = on_all_cores(&seeds, |seed| {
        if is_over.load(Ordering::Relaxed) {
            return None;
        }
        let began = processor_time();
        let outcome = play(campaign.world(*seed, left_out), None);
        let spent = processor_time().zip(began).map(|(now, began)| now - began);
        println!("{}", line(*seed, &outcome));
        if !is_clean(&outcome) {
            is_over.store(true, Ordering::Relaxed);
        }
        Some(Played { outcome, spent })
    });
    let mut sum = Sum::default();
    let mut fine = true;
    for (seed, played) in seeds.iter().zip(all.iter().flatten()) {
        sum.add(played);
        if !is_clean(&played.outcome) {
            fine = false;
            explain(&campaign, *seed, &played.outcome);
        }
    }
    if sum.tell(&campaign) && fine {
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
                "seed {seed}: trace {}, {:?}, hedges {opened} opened and {closed} closed, orders {}, fills {}, funding payments {}, violations {}{}",
                verdict.trace_hash,
                report.troubles,
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

/// Whether a world went well.
fn is_clean(outcome: &Result<WorldReport, Failure>) -> bool {
    outcome
        .as_ref()
        .is_ok_and(|report| report.verdict.count == 0 && report.exit.is_none())
}

/// Tells everything about a world that did not go well, and how to see it again.
fn explain(campaign: &Campaign, seed: u64, outcome: &Result<WorldReport, Failure>) {
    if let Ok(report) = outcome {
        for violation in &report.verdict.violations {
            println!("seed {seed} violates {violation}");
        }
        for event in &report.last_events {
            println!("seed {seed} {event}");
        }
    }
    let left_out = campaign
        .leave_out
        .iter()
        .flat_map(|name| [" --leave-out ", name.as_str()]);
    let left_out: String = left_out.collect();
    println!(
        "to play it again: cargo run --release --example campaign -- --seeds 1 --first-seed {seed} --virtual-hours {} --symbols {}{}{}",
        campaign.virtual_hours,
        campaign.symbols,
        if campaign.no_faults { " --no-faults" } else { "" },
        left_out
    );
}

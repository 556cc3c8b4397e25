//! `backtest`: what hedges would have earned on recorded data.

use std::time::Duration;

use ::backtest::hedges;
use ::backtest::history::History;
use ::backtest::price::{load, price};
use ::backtest::report::{Effort, PricedList, json, table};

use super::{Answer, Exit, Refused};
use crate::cli::Backtest;
use crate::clock::ScaledClock;

pub fn run(options: &Backtest, as_json: bool) -> Answer {
    let watch = Stopwatch::started();
    let file = &options.hedges;
    let text = std::fs::read_to_string(file)
        .map_err(|error| Refused::usage(format!("{} cannot be read: {error}", file.display())))?;
    let wanted = hedges::parse(&text).map_err(|error| Refused::usage(format!("{}: {error}", file.display())))?;
    let mut history = History::open(&options.data).map_err(|error| Refused::usage(error.to_string()))?;
    for hedge in &wanted {
        load(&mut history, hedge);
    }
    let loaded = watch.read();
    let mut list = PricedList::default();
    for (index, hedge) in wanted.iter().enumerate() {
        match price(&mut history, hedge) {
            Ok(priced) => list.hedges.push(priced),
            Err(error) => {
                let name = hedge.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
                eprintln!("funding-arb: {}: hedge {index}{name}: {error}", file.display());
                list.failed.push((index, hedge.id.clone(), error.to_string()));
            }
        }
    }
    let effort = Effort {
        load: loaded,
        cpu: watch.read().saturating_sub(loaded),
    };
    let exit = if list.failed.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    let text = if as_json {
        json::priced(&list, effort).to_string()
    } else {
        table::priced(&list)
    };
    Ok((text, exit))
}

/// Processor time of this thread, where the system tells it; the machine's time where it does not.
struct Stopwatch {
    clock: ScaledClock,
    started: Option<Duration>,
}

impl Stopwatch {
    fn started() -> Self {
        Self {
            clock: ScaledClock::real(),
            started: used(),
        }
    }

    fn read(&self) -> Duration {
        match (self.started, used()) {
            (Some(started), Some(now)) => now.saturating_sub(started),
            _ => self.clock.read().machine.0,
        }
    }
}

/// What this thread has used of the processor so far. The system brings the figure up to date when the thread is put
/// aside, so it offers to be.
fn used() -> Option<Duration> {
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = told.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

//! `backtest`: what hedges would have earned on recorded data.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use ::backtest::engine::Caps;
use ::backtest::hedges;
use ::backtest::history::{History, parse_utc};
use ::backtest::price::{load, price};
use ::backtest::report::{Effort, PricedList, compared, html, json, parquet, table};
use ::backtest::rules::expected::Settings;
use ::backtest::study::study;
use ::backtest::sweep::sweep;
use ::backtest::tape::{Period, Tape, TapeError, build};
use domain::time::Timestamp;

use super::{Answer, Exit, Refused};
use crate::cli::Backtest;
use crate::clock::ScaledClock;

pub fn run(options: &Backtest, as_json: bool) -> Answer {
    match &options.hedges {
        Some(file) => given(options, file, as_json),
        None => decided(options, as_json),
    }
}

/// The deciding backtest.
fn decided(options: &Backtest, as_json: bool) -> Answer {
    let watch = Stopwatch::started();
    let period = Period {
        from: options
            .from
            .as_deref()
            .map(|text| instant("--from", text, 0))
            .transpose()?,
        to: options
            .to
            .as_deref()
            .map(|text| instant("--to", text, 24))
            .transpose()?,
    };
    let mut history = History::open(&options.data).map_err(|error| Refused::usage(error.to_string()))?;
    let tape = build(&mut history, &options.symbols, period).map_err(|error| match error {
        TapeError::History(_) => Refused::failed(error.to_string()),
        TapeError::Unknown(_) | TapeError::NothingToHedge(_) | TapeError::EmptyRange { .. } => {
            Refused::usage(error.to_string())
        }
    })?;
    drop(history);
    let tape = tape.for_orders_of(options.leg);
    let loaded = watch.read();
    let caps = caps(options);
    if options.sweep {
        let shard = options.shard.unwrap_or((1, 1));
        let written = options.parquet.as_deref();
        return swept(&tape, (caps, shard), (&watch, loaded), (written, as_json));
    }
    let mut marks = Vec::new();
    let compared = study(&tape, caps, Settings::default(), |done, all| {
        marks.push(watch.read());
        progress(done, all);
    });
    let compared = compared.map_err(|error| Refused::failed(error.to_string()))?;
    let planned = marks.first().copied().unwrap_or_default();
    let effort = Effort {
        load: loaded,
        cpu: marks.get(1).copied().unwrap_or_default().saturating_sub(planned),
        study: watch.read().saturating_sub(loaded),
    };
    if let Some(path) = &options.report {
        std::fs::write(path, html::report(&compared, &tape))
            .map_err(|error| Refused::failed(format!("{} cannot be written: {error}", path.display())))?;
    }
    if let Some(folder) = &options.svg {
        draw(folder, &html::drawings(&compared, &tape))?;
    }
    let text = if as_json {
        compared::study(&compared, &tape, effort).to_string()
    } else {
        table::study(&compared, &tape)
    };
    Ok((text, Exit::Done))
}

/// What the options allow.
fn caps(options: &Backtest) -> Caps {
    Caps {
        capital: options.capital,
        hedges: options.most.into(),
        notional: options.leg,
        priced: options.book != "funding",
        funding_only: options.book != "priced",
        recentre: options.recentre.map(|percent| i64::from(percent) * 10),
        liquidate: options.liquidate,
    }
}

/// Writes drawings into a folder.
fn draw(folder: &std::path::Path, drawings: &[(&str, String)]) -> Result<(), Refused> {
    let mut files = drawings.iter();
    std::fs::create_dir_all(folder)
        .and_then(|()| files.try_for_each(|(name, drawing)| std::fs::write(folder.join(name), drawing)))
        .map_err(|error| Refused::failed(format!("{} cannot be written: {error}", folder.display())))
}

/// A grid of settings.
fn swept(
    tape: &Tape,
    (caps, shard): (Caps, (usize, usize)),
    (watch, loaded): (&Stopwatch, Duration),
    (written, as_json): (Option<&Path>, bool),
) -> Answer {
    let points = sweep(tape, caps, shard, progress).map_err(|error| Refused::failed(error.to_string()))?;
    let effort = Effort {
        load: loaded,
        study: watch.read().saturating_sub(loaded),
        ..Effort::default()
    };
    if let Some(path) = written {
        std::fs::write(path, parquet::file(&table::columns(tape, &points)))
            .map_err(|error| Refused::failed(format!("{} cannot be written: {error}", path.display())))?;
    }
    let text = if as_json {
        compared::swept(tape, &points, effort).to_string()
    } else if written.is_some() {
        table::walked(tape, &points)
    } else {
        // Beside the table, so that a file of it holds nothing else.
        let _ = std::io::stderr().write_all(table::walked(tape, &points).as_bytes());
        table::swept(tape, &points)
    };
    Ok((text, Exit::Done))
}

/// A bar of thirty fields on the terminal, gone when it is full.
fn progress(done: usize, all: usize) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let full = done * 30 / all.max(1);
    let mut line = format!("\r[{}{}] {done}/{all}", "#".repeat(full), "-".repeat(30 - full.min(30)));
    if done == all {
        let _ = write!(line, "\r\x1b[K");
    }
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A day, or an hour with its zone; of a day the hour that many hours later.
fn instant(option: &str, text: &str, hours: i64) -> Result<Timestamp, Refused> {
    let wrong = || {
        Refused::usage(format!(
            "{option} {text:?}: write a day (2024-01-31) or an hour with its zone (2024-01-31T08:00Z)"
        ))
    };
    let at = parse_utc(text).ok_or_else(wrong)?;
    if at.0 % domain::time::HOUR_MS != 0 {
        return Err(wrong());
    }
    let is_day = !text.contains(['T', ' ']);
    Ok(at.plus_hours(if is_day { hours } else { 0 }))
}

/// A given list of hedges, priced.
fn given(options: &Backtest, file: &Path, as_json: bool) -> Answer {
    let watch = Stopwatch::started();
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
        study: Duration::ZERO,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_taken_whole_and_an_hour_as_it_is() {
        let read = |text, hours| instant("--to", text, hours).map(|at| at.to_string());
        assert_eq!(read("2025-12-31", 24), Ok("2026-01-01T00:00:00.000Z".to_owned()));
        assert_eq!(read("2025-12-31T08:00Z", 24), Ok("2025-12-31T08:00:00.000Z".to_owned()));
        for text in ["yesterday", "2025-12-31T08:00", "2025-12-31T08:30Z"] {
            assert_eq!(read(text, 0).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}

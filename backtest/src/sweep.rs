//! A grid of settings for the engine's own rule, and the walk forward: what was chosen on everything before a year, judged
//! in that year.
//!
//! One run of a setting serves every split, because no decision sees the future: marked profit up to a New Year is the same
//! whatever follows it.

use crate::engine::{Caps, RunError, run};
use crate::measure::drawdown;
use crate::rules::expected::{Expected, Settings};
use crate::tape::{Hour, Tape};

/// Dollars of drawdown weigh so many times as much as dollars of net when a setting is chosen.
const DRAWDOWN_WEIGHS: i64 = 20;

/// One setting and what it brought. Amounts in units of 10⁻⁸ USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The setting.
    pub settings: Settings,
    /// Hedges of the whole run.
    pub trades: usize,
    /// At each split and at the end: marked profit so far, and the deepest fall so far.
    pub at_splits: Vec<(i64, i64)>,
}

impl Point {
    /// What a setting is chosen by, from what was known at a split.
    fn score(&self, split: usize) -> i64 {
        let (net, fall) = self.at_splits.get(split).copied().unwrap_or_default();
        net.saturating_sub(fall.saturating_mul(DRAWDOWN_WEIGHS))
    }
}

/// What was chosen before a year, and what it brought in that year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The year that judges.
    pub year: i32,
    /// The setting chosen.
    pub chosen: Settings,
    /// Its marked profit before the year, 10⁻⁸ USD.
    pub before: i64,
    /// Its deepest fall before the year.
    pub fall: i64,
    /// What it brought in the year.
    pub judged: i64,
}

/// New Years inside of a tape: the hour and the year that begins.
pub fn splits(tape: &Tape) -> Vec<(Hour, i32)> {
    let hours = (1..tape.hours).filter(|hour| tape.is_midnight(*hour));
    hours
        .filter_map(|hour| {
            let text = tape.time(hour).to_string();
            let year = text.split_once("-01-01T").and_then(|(year, _)| year.parse().ok())?;
            Some((hour, year))
        })
        .collect()
}

/// Every setting of the grid. The least net and the planned hold are the engine's own and stay.
pub fn grid() -> Vec<Settings> {
    let mut grid = Vec::new();
    for quick_hours in [24, 72] {
        for slow_hours in [120, 180, 240] {
            for quick_share in [30, 60] {
                for haircut in [100, 140, 200] {
                    for reentry_share in [50, 75, 100] {
                        grid.push(Settings {
                            quick_hours,
                            slow_hours,
                            quick_share,
                            haircut,
                            reentry_share,
                            ..Settings::default()
                        });
                    }
                }
            }
        }
    }
    grid
}

/// Runs the settings of one shard of the grid, the first being 1 of `of`.
///
/// # Errors
/// The first [`RunError`].
pub fn sweep(
    tape: &Tape,
    caps: Caps,
    (shard, of): (usize, usize),
    mut done: impl FnMut(usize, usize),
) -> Result<Vec<Point>, RunError> {
    let mine = grid()
        .into_iter()
        .enumerate()
        .filter(|(place, _)| place % of.max(1) + 1 == shard);
    let mine: Vec<Settings> = mine.map(|(_, settings)| settings).collect();
    let ends: Vec<Hour> = splits(tape)
        .into_iter()
        .map(|(hour, _)| hour)
        .chain([tape.hours])
        .collect();
    let mut points = Vec::with_capacity(mine.len());
    for settings in &mine {
        let outcome = run(tape, &mut Expected::new(*settings), &caps)?;
        let at_splits = ends.iter().map(|end| {
            let equity = usize::try_from(*end)
                .ok()
                .and_then(|end| outcome.equity.get(..end))
                .unwrap_or_default();
            (equity.last().copied().unwrap_or_default(), drawdown(equity))
        });
        points.push(Point {
            settings: *settings,
            trades: outcome.closed.len(),
            at_splits: at_splits.collect(),
        });
        done(points.len(), mine.len());
    }
    Ok(points)
}

/// For each year after the first: the best before it, judged in it.
pub fn walk_forward(tape: &Tape, points: &[Point]) -> Vec<Fold> {
    let years = splits(tape);
    let folds = years.iter().enumerate().filter_map(|(split, (hour, year))| {
        // A few weeks are no ground for a choice.
        if *hour < 24 * 90 {
            return None;
        }
        let best = points.iter().max_by_key(|point| point.score(split))?;
        let (before, fall) = best.at_splits.get(split).copied()?;
        let (after, _) = best.at_splits.get(split + 1).copied()?;
        Some(Fold {
            year: *year,
            chosen: best.settings,
            before,
            fall,
            judged: after - before,
        })
    });
    folds.collect()
}

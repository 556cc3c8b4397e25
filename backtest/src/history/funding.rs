//! Settled funding of one perpetual.

use std::path::Path;

use domain::time::Timestamp;

use super::clock::{nearest_hour, parse_stamp};
use super::fault::{HistoryError, Place};
use super::text::{header, rows};
use super::{Gap, HOUR};
use crate::fixed::Fixed;

/// Time, interval and rate by their names in the data folder.
const NAMES: [&str; 3] = ["settled_at", "interval_hours", "funding_rate"];
const ARCHIVE: [&str; 3] = ["calc_time", "funding_interval_hours", "last_funding_rate"];
const COLUMNS: [&str; 5] = ["settled_at", "funding_rate", "interval_hours", "mark_price", "source"];

/// No venue has charged more than this for one settlement; a greater rate is reported, and paid as it stands.
pub const BELIEVED_RATE: Fixed = Fixed(300_000_000);

/// One settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The whole hour at which it settles; venues stamp it some milliseconds later.
    pub at: Timestamp,
    /// Fraction of notional. Positive: longs pay shorts.
    pub rate: Fixed,
    /// Hours that it covers: 1, 2, 4 or 8.
    pub interval_hours: u8,
    /// Mark price at the settlement, where the venue reports it.
    pub mark: Option<Fixed>,
}

/// Settlements of one perpetual, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FundingSeries {
    rows: Vec<Settlement>,
}

impl FundingSeries {
    /// All of them.
    pub fn rows(&self) -> &[Settlement] {
        &self.rows
    }

    /// Those with `after < at <= until`.
    pub fn within(&self, after: Timestamp, until: Timestamp) -> &[Settlement] {
        let from = self.rows.partition_point(|row| row.at <= after);
        let to = self.rows.partition_point(|row| row.at <= until);
        self.rows.get(from..to).unwrap_or_default()
    }

    /// Stretches of `(after, until]` in which a settlement is missing: between rows further apart than the later one's
    /// interval, before the first row and after the last one.
    pub fn gaps(&self, after: Timestamp, until: Timestamp) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut note = |from: Timestamp, to: Timestamp, step: u8| {
            let step = i64::from(step.max(1)) * HOUR;
            // Of what is missing, what lies inside.
            let missing = (from.0 + step..to.0)
                .step_by(usize::try_from(step).unwrap_or(1))
                .filter(|at| *at > after.0 && *at <= until.0)
                .count();
            if missing > 0 {
                gaps.push(Gap { from, to, missing });
            }
        };
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else {
            return gaps;
        };
        if first.at > after {
            // Where the schedule would have been, counted back from the first row.
            let step = i64::from(first.interval_hours) * HOUR;
            let back = (first.at.0 - after.0) / step;
            note(first.at.plus_millis(-(back + 1) * step), first.at, first.interval_hours);
        }
        let from = self.rows.partition_point(|row| row.at <= after).saturating_sub(1);
        let to = self.rows.partition_point(|row| row.at <= until).saturating_add(1);
        let seen = self.rows.get(from..to.min(self.rows.len())).unwrap_or_default();
        for (before, row) in seen.iter().zip(seen.iter().skip(1)) {
            if row.at.millis_since(before.at) > i64::from(row.interval_hours) * HOUR {
                note(before.at, row.at, row.interval_hours);
            }
        }
        if last.at < until {
            let end = until.plus_millis(1);
            note(last.at, end, last.interval_hours);
        }
        gaps
    }
}

/// Reads a file in the layout of the data folder, or in that of Binance's archive, which has no mark prices.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<FundingSeries, HistoryError> {
    let mut read: Vec<Settlement> = Vec::with_capacity(bytes.len() / 50);
    if header(bytes) == ARCHIVE.join(",").as_bytes() {
        rows((path, bytes), ARCHIVE, false, |place, [at, interval, rate]| {
            let row = row(place, ARCHIVE, [at, rate, interval, b""], read.last())?;
            read.push(row);
            Ok(())
        })?;
    } else {
        rows((path, bytes), COLUMNS, false, |place, [at, rate, interval, mark, _]| {
            let row = row(place, NAMES, [at, rate, interval, mark], read.last())?;
            read.push(row);
            Ok(())
        })?;
    }
    Ok(FundingSeries { rows: read })
}

/// One row; the names are those of time, interval and rate.
fn row(
    place: Place<'_>,
    [at_name, interval_name, rate_name]: [&'static str; 3],
    [at, rate, interval, mark]: [&[u8]; 4],
    before: Option<&Settlement>,
) -> Result<Settlement, HistoryError> {
    let stamped = parse_stamp(at)
        .ok_or_else(|| place.fault(at_name, "a time with its zone, such as 2026-01-31T08:00:00.000Z", at))?;
    let hour = nearest_hour(stamped)
        .ok_or_else(|| place.fault(at_name, "a settlement within a minute of a whole hour", at))?;
    match before {
        Some(last) if last.at == hour => {
            return Err(place.fault(at_name, "another hour than the row before: it is a duplicate", at));
        }
        Some(last) if last.at > hour => {
            return Err(place.fault(at_name, format!("a time after {}: rows are sorted", last.at), at));
        }
        _ => {}
    }
    let interval_hours = match interval {
        b"1" => 1,
        b"2" => 2,
        b"4" => 4,
        b"8" => 8,
        other => return Err(place.fault(interval_name, "1, 2, 4 or 8", other)),
    };
    let price = |text| Fixed::parse(text).filter(|price| price.0 > 0);
    let mark = match mark {
        b"" => None,
        text => Some(price(text).ok_or_else(|| place.fault("mark_price", "a price above zero, or nothing", text))?),
    };
    Ok(Settlement {
        at: hour,
        rate: Fixed::parse(rate).ok_or_else(|| place.fault(rate_name, "a decimal fraction", rate))?,
        interval_hours,
        mark,
    })
}

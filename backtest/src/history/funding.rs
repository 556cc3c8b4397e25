//! Settled funding of one perpetual.

use std::path::Path;

use domain::time::Timestamp;

use super::clock::{nearest_hour, parse_stamp};
use super::fault::{HistoryError, Place};
use super::pieces::{Order, Piece, Row, join};
use super::text::{header, rows};
use super::{Gap, HOUR};
use crate::fixed::Fixed;

/// Time, interval and rate by their names in the data folder.
const NAMES: [&str; 3] = ["settled_at", "interval_hours", "funding_rate"];
const ARCHIVE: [&str; 3] = ["calc_time", "funding_interval_hours", "last_funding_rate"];
/// As Bybit's interface names them; the interval has no column.
const BYBIT: [&str; 3] = ["symbol", "fundingRate", "fundingRateTimestamp"];
const BYBIT_NAMES: [&str; 3] = ["fundingRateTimestamp", "(none: interval)", "fundingRate"];
/// Interval of a row that does not tell it, until all rows are there.
const UNTOLD: u8 = 0;
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

impl Row for Settlement {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn merge(&mut self, other: &Self) -> Result<(), (usize, String, String)> {
        if self.rate != other.rate {
            return Err((2, self.rate.decimal().to_string(), other.rate.decimal().to_string()));
        }
        match (self.interval_hours, other.interval_hours) {
            (UNTOLD, told) => self.interval_hours = told,
            (own, told) if told != UNTOLD && own != told => return Err((1, own.to_string(), told.to_string())),
            _ => {}
        }
        match (self.mark, other.mark) {
            (None, told) => self.mark = told,
            (Some(own), Some(told)) if own != told => {
                return Err((3, own.decimal().to_string(), told.decimal().to_string()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Makes a series of files that follow each other. Intervals that no file tells are the hours between settlements.
pub(super) fn series(pieces: Vec<Piece<Settlement>>) -> Result<FundingSeries, HistoryError> {
    let path = pieces.first().map(|piece| (piece.path.clone(), piece.line(0)));
    let mut rows = join(pieces)?;
    if let ([only], Some((path, line))) = (rows.as_slice(), path)
        && only.interval_hours == UNTOLD
    {
        let place = Place { path: &path, line };
        let wanted = "a second settlement: the interval is the time between two";
        return Err(place.fault("fundingRateTimestamp", wanted, only.at.to_string().as_bytes()));
    }
    tell_intervals(&mut rows);
    Ok(FundingSeries { rows })
}

/// Bybit's rows do not tell their interval: it is the time since the row before. Longer than the interval before it, it
/// may be a hole as well, and counts only when the next settlement is as far away; else the hole stays one.
fn tell_intervals(rows: &mut [Settlement]) {
    let hours: Vec<i64> = rows
        .iter()
        .zip(rows.iter().skip(1))
        .map(|(row, next)| next.at.millis_since(row.at) / HOUR)
        .collect();
    let known = |hours: i64| u8::try_from(hours).ok().filter(|hours| matches!(hours, 1 | 2 | 4 | 8));
    // Before the first settlement there is none: its interval is the first that is one.
    let mut last = hours.iter().find_map(|hours| known(*hours)).unwrap_or(8);
    for (place, row) in rows.iter_mut().enumerate() {
        if row.interval_hours == UNTOLD {
            let since = place.checked_sub(1).and_then(|before| hours.get(before)).copied();
            let until = hours.get(place).copied();
            row.interval_hours = match since {
                Some(since) if since <= i64::from(last) => known(since).or_else(|| known(until?)),
                Some(since) if until == Some(since) => known(since),
                // A new, longer interval may begin with less than itself.
                Some(since) => until.filter(|until| *until >= since).and_then(known),
                None => None,
            }
            .unwrap_or(last);
        }
        last = row.interval_hours;
    }
}

/// Reads a file in the layout of the data folder, in that of Binance's archive, which has no mark prices, or with the names of
/// Bybit's interface, which has no intervals either and answers with the latest row first.
pub(super) fn parse(path: &Path, bytes: &[u8], symbol: &str) -> Result<Piece<Settlement>, HistoryError> {
    let first = header(bytes);
    let mut piece = Piece {
        path: path.to_owned(),
        rows: Vec::with_capacity(bytes.len() / 50),
        columns: &NAMES,
        first_line: 2,
        falling: false,
    };
    let read = &mut piece.rows;
    if first == ARCHIVE.join(",").as_bytes() {
        piece.columns = &ARCHIVE;
        let mut order = Order::rising();
        rows((path, bytes), ARCHIVE, false, |place, [at, interval, rate]| {
            read.push(row(place, ARCHIVE, [at, rate, interval, b""], &mut order)?);
            Ok(())
        })?;
    } else if first == BYBIT.join(",").as_bytes() {
        piece.columns = &BYBIT_NAMES;
        let mut order = Order::either_way();
        rows((path, bytes), BYBIT, false, |place, [name, rate, at]| {
            if name != symbol.as_bytes() {
                return Err(place.fault("symbol", symbol, name));
            }
            read.push(row(place, BYBIT_NAMES, [at, rate, b"", b""], &mut order)?);
            Ok(())
        })?;
        piece.falling = order.is_falling();
        if piece.falling {
            piece.rows.reverse();
        }
    } else {
        let mut order = Order::rising();
        rows((path, bytes), COLUMNS, false, |place, [at, rate, interval, mark, _]| {
            read.push(row(place, NAMES, [at, rate, interval, mark], &mut order)?);
            Ok(())
        })?;
    }
    Ok(piece)
}

/// One row; the names are those of time, interval and rate.
fn row(
    place: Place<'_>,
    names: [&'static str; 3],
    [at, rate, interval, mark]: [&[u8]; 4],
    order: &mut Order,
) -> Result<Settlement, HistoryError> {
    let [at_name, interval_name, rate_name] = names;
    let stamped = parse_stamp(at)
        .ok_or_else(|| place.fault(at_name, "a time with its zone, such as 2026-01-31T08:00:00.000Z", at))?;
    let hour = nearest_hour(stamped)
        .ok_or_else(|| place.fault(at_name, "a settlement within a minute of a whole hour", at))?;
    order.follow(place, at_name, hour, at)?;
    let interval_hours = match interval {
        b"1" => 1,
        b"2" => 2,
        b"4" => 4,
        b"8" => 8,
        b"" if names == BYBIT_NAMES => UNTOLD,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_the_time_between_settlements_and_a_hole_stays_a_hole() {
        let told = |hours: &[i64]| {
            let mut rows: Vec<Settlement> = hours
                .iter()
                .map(|hour| Settlement {
                    at: Timestamp(0).plus_hours(*hour),
                    rate: Fixed(1),
                    interval_hours: UNTOLD,
                    mark: None,
                })
                .collect();
            tell_intervals(&mut rows);
            let series = FundingSeries { rows };
            let intervals: Vec<u8> = series.rows().iter().map(|row| row.interval_hours).collect();
            let (first, last) = (hours.first().copied(), hours.last().copied());
            let at = |hour: Option<i64>| Timestamp(0).plus_hours(hour.unwrap_or_default());
            let missing: usize = series.gaps(at(first), at(last)).iter().map(|gap| gap.missing).sum();
            (intervals, missing)
        };
        assert_eq!(told(&[0, 8, 16, 20, 24]), (vec![8, 8, 8, 4, 4], 0));
        assert_eq!(told(&[0, 4, 12, 16, 20]), (vec![4, 4, 4, 4, 4], 1));
        assert_eq!(told(&[0, 4, 12, 20, 28]), (vec![4, 4, 8, 8, 8], 0));
        assert_eq!(told(&[0, 1, 2, 8, 16, 24]), (vec![1, 1, 1, 8, 8, 8], 0));
        assert_eq!(told(&[0, 8, 24, 32]), (vec![8, 8, 8, 8], 1));
    }
}

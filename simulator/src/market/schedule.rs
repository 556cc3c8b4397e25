//! Settlements of one perpetual in order of time, and the running estimate between two of them.

use rust_decimal::Decimal;

use super::{Funding, Ms};

/// Milliseconds of an hour.
pub(super) const HOUR_MS: Ms = 3_600_000;

/// Holes up to this long are bridged.
pub(super) const BRIDGED_MS: Ms = 3 * HOUR_MS;

/// One settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The boundary.
    pub at_ms: Ms,
    /// Hours that it covers.
    pub interval_hours: u32,
    /// The rate paid.
    pub rate: Decimal,
    /// The mark price in the record, if it has one.
    pub mark: Option<Decimal>,
}

/// Rows with strictly rising times.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    rows: Vec<Row>,
    cap: Decimal,
    floor: Decimal,
}

impl Schedule {
    /// `rows` must rise strictly in time.
    pub(super) fn new(rows: Vec<Row>, cap: Decimal, floor: Decimal) -> Self {
        Self { rows, cap, floor }
    }

    /// First and last settlement.
    pub(super) fn span(&self) -> Option<(Ms, Ms)> {
        Some((self.rows.first()?.at_ms, self.rows.last()?.at_ms))
    }

    /// Rows with `after < at <= until`.
    pub(super) fn between(&self, after: Ms, until: Ms) -> &[Row] {
        let from = self.rows.partition_point(|row| row.at_ms <= after);
        let to = self.rows.partition_point(|row| row.at_ms <= until);
        self.rows.get(from..to).unwrap_or(&[])
    }

    /// Terms in force at `now`. The estimate starts at the last settled rate and has become the coming one when the
    /// interval ends, as an average over the interval does. `None` before the first row and after the last.
    pub(super) fn terms(&self, now: Ms) -> Option<Funding> {
        let index = self.rows.partition_point(|row| row.at_ms <= now);
        let next = self.rows.get(index)?;
        let span = Ms::from(next.interval_hours) * HOUR_MS;
        if next.at_ms.saturating_sub(now) > span + BRIDGED_MS {
            // The record has a hole here: nobody knows what was quoted.
            return None;
        }
        let elapsed = (now - (next.at_ms - span)).clamp(0, span);
        if elapsed == 0 && index == 0 {
            return None;
        }
        let last = index.checked_sub(1).and_then(|i| self.rows.get(i));
        // Two settlements of unequal length are compared per hour.
        let start = last.map_or(next.rate, |row| {
            row.rate * Decimal::from(next.interval_hours) / Decimal::from(row.interval_hours.max(1))
        });
        let blended = start + (next.rate - start) * Decimal::from(elapsed) / Decimal::from(span.max(1));
        Some(Funding {
            predicted: blended.round_dp(8).clamp(self.floor, self.cap),
            next_ms: next.at_ms,
            interval_hours: next.interval_hours,
            cap: self.cap,
            floor: self.floor,
        })
    }
}

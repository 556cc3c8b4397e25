//! Hourly prices with straight lines between the opens.

use rust_decimal::Decimal;

use super::super::Ms;
use super::super::schedule::{BRIDGED_MS, HOUR_MS};

/// Bars of one instrument: times rise strictly.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    times: Vec<Ms>,
    opens: Vec<Decimal>,
    /// Units traded in all bars before the one of the same place.
    traded: Vec<Decimal>,
    total: Decimal,
}

impl Series {
    /// Adds a bar after all others.
    pub(super) fn push(&mut self, open_ms: Ms, open: Decimal, volume: Decimal) {
        self.times.push(open_ms);
        self.opens.push(open);
        self.traded.push(self.total);
        self.total += volume;
    }

    /// First and last open.
    pub(super) fn span(&self) -> Option<(Ms, Ms)> {
        Some((*self.times.first()?, *self.times.last()?))
    }

    /// The price at an instant. Holes of at most three missing bars are bridged; `None` in longer ones and outside.
    pub(super) fn price(&self, now: Ms) -> Option<Decimal> {
        let next = self.times.partition_point(|at| *at <= now);
        let here = next.checked_sub(1)?;
        let (from, open) = (*self.times.get(here)?, *self.opens.get(here)?);
        if from == now {
            return Some(open);
        }
        let (until, target) = (*self.times.get(next)?, *self.opens.get(next)?);
        if until - from > HOUR_MS + BRIDGED_MS {
            return None;
        }
        let moved = (target - open) * Decimal::from(now - from) / Decimal::from(until - from);
        Some(
            (open + moved)
                .round_dp(open.scale().max(target.scale()) + 4)
                .normalize(),
        )
    }

    /// Units traded in the bars that closed in the 24 h up to `now`.
    pub(super) fn volume_24h(&self, now: Ms) -> Option<Decimal> {
        self.price(now)?;
        let before = |at: Ms| {
            let index = self.times.partition_point(|open| *open + HOUR_MS <= at);
            self.traded.get(index).copied().unwrap_or(self.total)
        };
        Some(before(now) - before(now - 24 * HOUR_MS))
    }
}

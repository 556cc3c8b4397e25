//! When a pair can be held.
//!
//! A *priced* span has bars of both legs and live funding of its perpetuals; up to three missing hours are bridged, during
//! which nothing is filled. A *funding-only* span has live funding on both venues at times when a leg has no bars: its
//! notional is fixed and its basis is nothing. Where a span ends, a hedge is closed, and nothing is entered in its last
//! day: the only use of what comes later, and only about whether data are there.

use super::{Columns, Hour, Settled};

/// Hours without a row that are bridged.
const BRIDGED: Hour = 3;
/// Hours before the end of a span in which nothing is entered.
const NO_ENTRY: Hour = 24;

/// A stretch in which a pair can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First hour at which it can be filled.
    pub first: Hour,
    /// Last hour at which it can be filled: what is held then is closed.
    pub last: Hour,
    /// Both legs have bars; otherwise it is funding alone.
    pub priced: bool,
}

impl Span {
    /// Whether an entry may be filled at an hour.
    pub const fn takes(&self, hour: Hour) -> bool {
        self.first <= hour && hour <= self.last - NO_ENTRY
    }
}

/// The hours of a perpetual at which its funding is live: from one interval before its first settlement to one before the
/// settlement that is missing.
pub(super) fn live(settled: &[Settled], hours: Hour) -> Vec<bool> {
    let mut live = vec![false; usize::try_from(hours).unwrap_or_default()];
    let mut mark = |from: Hour, until: Hour| {
        for hour in from.max(0)..until.min(hours) {
            if let Some(place) = usize::try_from(hour).ok().and_then(|place| live.get_mut(place)) {
                *place = true;
            }
        }
    };
    let mut before: Option<Settled> = None;
    for row in settled {
        let interval = Hour::from(row.interval);
        let due = before.map_or(row.hour - interval, |before| before.hour);
        if row.hour - due <= interval.max(8) + BRIDGED {
            mark(due, row.hour + 1);
        } else {
            mark(row.hour - interval, row.hour + 1);
        }
        before = Some(*row);
    }
    if let Some(last) = before {
        mark(last.hour, last.hour + Hour::from(last.interval));
    }
    live
}

/// Hours with a bar.
pub(super) fn present(columns: &Columns, hours: Hour) -> Vec<bool> {
    (0..hours).map(|hour| columns.open_at(hour).is_some()).collect()
}

/// Hours at which a priced hedge can be held as far as marks go: a settlement without any mark price cannot be paid, so the
/// hours before it are left out, too many to be bridged.
pub(super) fn marked(settled: &[Settled], hours: Hour) -> Vec<bool> {
    let mut marked = vec![true; usize::try_from(hours).unwrap_or_default()];
    for row in settled.iter().filter(|row| row.mark == 0) {
        for hour in row.hour - BRIDGED..=row.hour {
            if let Some(place) = usize::try_from(hour).ok().and_then(|place| marked.get_mut(place)) {
                *place = false;
            }
        }
    }
    marked
}

/// Hours at which all of them are true.
pub(super) fn all(of: &[&[bool]], hours: Hour) -> Vec<bool> {
    (0..usize::try_from(hours).unwrap_or_default())
        .map(|place| of.iter().all(|list| list.get(place).copied().unwrap_or_default()))
        .collect()
}

/// Runs of true, with bridges over up to three hours.
pub(super) fn runs(there: &[bool], priced: bool) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (hour, there) in (0..).zip(there) {
        if !there {
            continue;
        }
        match spans.last_mut() {
            Some(span) if hour - span.last <= if priced { BRIDGED + 1 } else { 1 } => span.last = hour,
            _ => spans.push(Span {
                first: hour,
                last: hour,
                priced,
            }),
        }
    }
    spans
}

/// Hours that no span covers.
pub(super) fn outside(spans: &[Span], hours: Hour) -> Vec<bool> {
    let mut free = vec![true; usize::try_from(hours).unwrap_or_default()];
    for span in spans {
        for hour in span.first..=span.last {
            if let Some(place) = usize::try_from(hour).ok().and_then(|place| free.get_mut(place)) {
                *place = false;
            }
        }
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hours_are_bridged_and_four_are_not() {
        let there = |missing: &[usize]| (0..60).map(|hour| !missing.contains(&hour)).collect::<Vec<_>>();
        let spans = |missing: &[usize]| {
            let runs = runs(&there(missing), true);
            runs.iter().map(|span| (span.first, span.last)).collect::<Vec<_>>()
        };
        assert_eq!(spans(&[10, 11, 12]), [(0, 59)]);
        assert_eq!(spans(&[10, 11, 12, 13]), [(0, 9), (14, 59)]);
        let span = runs(&there(&[]), true)[0];
        assert!(span.takes(35) && !span.takes(36));
    }

    #[test]
    fn a_settlement_that_cannot_be_paid_ends_a_priced_hold_before_it() {
        let row = |hour, mark| Settled {
            hour,
            rate: 0,
            interval: 8,
            mark,
        };
        let spans = runs(&marked(&[row(8, 5), row(16, 0), row(24, 5)], 40), true);
        let spans: Vec<_> = spans.iter().map(|span| (span.first, span.last)).collect();
        assert_eq!(spans, [(0, 12), (17, 39)]);
    }

    #[test]
    fn funding_is_live_between_settlements_that_follow_each_other() {
        let row = |hour, interval| Settled {
            hour,
            rate: 0,
            interval,
            mark: 0,
        };
        let live = live(&[row(8, 8), row(16, 8), row(40, 8), row(44, 4)], 60);
        let hours: Vec<usize> = live
            .iter()
            .enumerate()
            .filter(|(_, live)| **live)
            .map(|(hour, _)| hour)
            .collect();
        let want: Vec<usize> = (0..=16).chain(32..48).collect();
        assert_eq!(hours, want);
    }
}

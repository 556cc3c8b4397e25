//! Price bars of one market.

use std::path::Path;

use domain::time::Timestamp;

use super::clock::parse_stamp;
use super::fault::{HistoryError, Place};
use super::text::rows;
use super::{Gap, HOUR};
use crate::fixed::Fixed;

const COLUMNS: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

/// One hour of prices, quote currency for one unit of the instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When the hour begins.
    pub at: Timestamp,
    /// First price.
    pub open: Fixed,
    /// Highest price.
    pub high: Fixed,
    /// Lowest price.
    pub low: Fixed,
    /// Last price.
    pub close: Fixed,
}

/// Hourly bars of one market, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarSeries {
    rows: Vec<Bar>,
}

impl BarSeries {
    /// All of them.
    pub fn rows(&self) -> &[Bar] {
        &self.rows
    }

    /// The bar that begins at `at`.
    pub fn at(&self, at: Timestamp) -> Option<&Bar> {
        let place = self.rows.binary_search_by_key(&at, |bar| bar.at).ok()?;
        self.rows.get(place)
    }

    /// Stretches of `[from, until]` in which a bar is missing, the time before the first and after the last one included.
    pub fn gaps(&self, from: Timestamp, until: Timestamp) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut before = from.plus_hours(-1);
        let first = self.rows.partition_point(|bar| bar.at < from);
        let inside = self.rows.get(first..).unwrap_or_default();
        let beyond = until.plus_hours(1);
        let seen = inside.iter().map(|bar| bar.at).take_while(|at| *at <= until);
        for at in seen.chain([beyond]) {
            let missing = at.millis_since(before) / HOUR - 1;
            if missing > 0 {
                gaps.push(Gap {
                    from: before,
                    to: at,
                    missing: usize::try_from(missing).unwrap_or_default(),
                });
            }
            before = at;
        }
        gaps
    }
}

/// Reads a file in the layout of the data folder, which is that of Binance's archive.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<BarSeries, HistoryError> {
    let mut read: Vec<Bar> = Vec::with_capacity(bytes.len() / 80);
    // Older files of the archive begin without a header.
    rows((path, bytes), COLUMNS, true, |place, fields| {
        let [time, open, high, low, close, ..] = fields;
        let at = parse_stamp(time)
            .filter(|at| at.0 % HOUR == 0)
            .ok_or_else(|| place.fault("open_time", "milliseconds since 1970 of a whole hour", time))?;
        match read.last() {
            Some(last) if last.at == at => {
                return Err(place.fault("open_time", "another hour than the row before: it is a duplicate", time));
            }
            Some(last) if last.at > at => {
                return Err(place.fault(
                    "open_time",
                    format!("a time after {}: rows are sorted", last.at.0),
                    time,
                ));
            }
            _ => {}
        }
        let bar = Bar {
            at,
            open: price(place, "open", open)?,
            high: price(place, "high", high)?,
            low: price(place, "low", low)?,
            close: price(place, "close", close)?,
        };
        if bar.high < bar.open.max(bar.close) {
            return Err(place.fault("high", "no less than open and close", high));
        }
        if bar.low > bar.open.min(bar.close) {
            return Err(place.fault("low", "no more than open and close", low));
        }
        read.push(bar);
        Ok(())
    })?;
    Ok(BarSeries { rows: read })
}

fn price(place: Place<'_>, column: &'static str, text: &[u8]) -> Result<Fixed, HistoryError> {
    Fixed::parse(text)
        .filter(|price| price.0 > 0)
        .ok_or_else(|| place.fault(column, "a price above zero", text))
}

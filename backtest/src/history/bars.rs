//! Price bars of one market.

use std::path::Path;

use domain::time::Timestamp;

use super::clock::{parse_metatrader, parse_stamp};
use super::fault::{HistoryError, Place};
use super::pieces::{Order, Piece, Row, join};
use super::text::{header, rows};
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

/// Bars as Bybit's interface names them, and those of its mark prices.
const BYBIT: [&str; 7] = [
    "startTime",
    "openPrice",
    "highPrice",
    "lowPrice",
    "closePrice",
    "volume",
    "turnover",
];
const BYBIT_MARK: [&str; 5] = ["startTime", "openPrice", "highPrice", "lowPrice", "closePrice"];
/// Bars of Bybit's public archive, `kline_for_metatrader4`, which come without a header.
const METATRADER: [&str; 6] = ["time", "open", "high", "low", "close", "volume"];

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

impl Row for Bar {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn merge(&mut self, other: &Self) -> Result<(), (usize, String, String)> {
        let prices = |of: &Self| [of.open, of.high, of.low, of.close];
        let pairs = prices(self).into_iter().zip(prices(other));
        match (1..).zip(pairs).find(|(_, (own, others))| own != others) {
            Some((column, (own, others))) => Err((column, own.decimal().to_string(), others.decimal().to_string())),
            None => Ok(()),
        }
    }
}

/// Makes a series of files that follow each other.
pub(super) fn series(pieces: Vec<Piece<Bar>>) -> Result<BarSeries, HistoryError> {
    Ok(BarSeries { rows: join(pieces)? })
}

/// Reads a file in one of the layouts that the room knows.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Piece<Bar>, HistoryError> {
    let first = header(bytes);
    if first.starts_with(b"startTime,") {
        // As Bybit's interface names them; mark prices come without volumes. It answers with the latest row first.
        let columns: &[&str] = &BYBIT;
        let way = Order::either_way();
        return if first == BYBIT_MARK.join(",").as_bytes() {
            table(path, bytes, (BYBIT_MARK, columns, false), way, parse_stamp)
        } else {
            table(path, bytes, (BYBIT, columns, false), way, parse_stamp)
        };
    }
    if first.get(4) == Some(&b'.') {
        return table(
            path,
            bytes,
            (METATRADER, &METATRADER, true),
            Order::rising(),
            parse_metatrader,
        );
    }
    // Older files of Binance's archive begin without a header.
    table(path, bytes, (COLUMNS, &COLUMNS, true), Order::rising(), parse_stamp)
}

/// A table whose first five columns are time, open, high, low and close.
fn table<const N: usize>(
    path: &Path,
    bytes: &[u8],
    (names, columns, bare): ([&'static str; N], &'static [&'static str], bool),
    mut order: Order,
    stamp: impl Fn(&[u8]) -> Option<Timestamp>,
) -> Result<Piece<Bar>, HistoryError> {
    let mut read: Vec<Bar> = Vec::with_capacity(bytes.len() / 80);
    let mut first_line = None;
    let name = |column: usize| columns.get(column).copied().unwrap_or("(all)");
    rows((path, bytes), names, bare, |place, fields| {
        first_line.get_or_insert(place.line);
        let [time, open, high, low, close] = first_five(&fields);
        let at = stamp(time).filter(|at| at.0 % HOUR == 0).ok_or_else(|| {
            let expected = if columns == METATRADER.as_slice() {
                "a whole hour such as 2024.01.31 08:00"
            } else {
                "milliseconds since 1970 of a whole hour"
            };
            place.fault(name(0), expected, time)
        })?;
        order.follow(place, name(0), at, time)?;
        let bar = Bar {
            at,
            open: price(place, name(1), open)?,
            high: price(place, name(2), high)?,
            low: price(place, name(3), low)?,
            close: price(place, name(4), close)?,
        };
        if bar.high < bar.open.max(bar.close) {
            return Err(place.fault(name(2), "no less than open and close", high));
        }
        if bar.low > bar.open.min(bar.close) {
            return Err(place.fault(name(3), "no more than open and close", low));
        }
        read.push(bar);
        Ok(())
    })?;
    if order.is_falling() {
        read.reverse();
    }
    Ok(Piece {
        path: path.to_owned(),
        rows: read,
        columns,
        first_line: first_line.unwrap_or(1),
        falling: order.is_falling(),
    })
}

/// Time and prices; a table of fewer columns has empty ones, which no price is.
fn first_five<'a>(fields: &[&'a [u8]]) -> [&'a [u8]; 5] {
    let mut five = [b"".as_slice(); 5];
    five.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    five
}

fn price(place: Place<'_>, column: &'static str, text: &[u8]) -> Result<Fixed, HistoryError> {
    Fixed::parse(text)
        .filter(|price| price.0 > 0)
        .ok_or_else(|| place.fault(column, "a price above zero", text))
}

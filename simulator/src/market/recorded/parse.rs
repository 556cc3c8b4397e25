//! The files of a recorded market, row by row into exact values.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;

use super::super::files::{self, Column, MarketError, needed, optional};
use super::super::schedule::{HOUR_MS, Row};
use super::super::{Ms, Product, Venue};
use super::series::Series;

/// Columns of funding files; the second names are those of the venue's public archive.
const FUNDING: [Column; 4] = [
    needed(&["settled_at", "calc_time"]),
    needed(&["funding_rate", "last_funding_rate"]),
    needed(&["interval_hours", "funding_interval_hours"]),
    optional(&["mark_price"]),
];
const BARS: [Column; 6] = [
    needed(&["open_time"]),
    needed(&["open"]),
    needed(&["high"]),
    needed(&["low"]),
    needed(&["close"]),
    needed(&["volume"]),
];
/// Order of columns of a bar file without a header.
const BARE_BARS: [&str; 6] = ["open_time", "open", "high", "low", "close", "volume"];
const PROPERTIES: [Column; 6] = [
    needed(&["market"]),
    needed(&["type"]),
    needed(&["market_ticker"]),
    needed(&["minimum_price_variation"]),
    needed(&["lot_size"]),
    needed(&["minimum_order_size"]),
];

/// Rows stamped within `from..=until`. The stamps are rounded to the hour.
pub(super) fn funding(path: &Path, (from, until): (Ms, Ms)) -> Result<Vec<Row>, MarketError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    files::read(path, &FUNDING, &[], |row| {
        let at_ms = (row.time(0)? + HOUR_MS / 2).div_euclid(HOUR_MS) * HOUR_MS;
        if last.is_some_and(|last| at_ms <= last) {
            return Err(row.fault(0, "a later hour than in the row before"));
        }
        last = Some(at_ms);
        let rate = row.decimal(1, -Decimal::ONE, Decimal::ONE)?;
        let interval_hours = u32::try_from(row.whole(2, 1, 24)?).map_err(|_| row.fault(2, "hours"))?;
        let mark = if row.is_empty(3) { None } else { Some(row.price(3)?) };
        if (from..=until).contains(&at_ms) {
            rows.push(Row {
                at_ms,
                interval_hours,
                rate,
                mark,
            });
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Hourly bars that open within `from..=until`.
pub(super) fn bars(path: &Path, (from, until): (Ms, Ms)) -> Result<Series, MarketError> {
    let most = Decimal::from(1_000_000_000_000_000_i64);
    let mut series = Series::default();
    let mut last = None;
    files::read(path, &BARS, &BARE_BARS, |row| {
        let at = row.time(0)?;
        if at % HOUR_MS != 0 {
            return Err(row.fault(0, "a whole hour"));
        }
        if last.is_some_and(|last| at <= last) {
            return Err(row.fault(0, "a later hour than in the row before"));
        }
        last = Some(at);
        let (open, high, low, close) = (row.price(1)?, row.price(2)?, row.price(3)?, row.price(4)?);
        if high < open.max(close) {
            return Err(row.fault(2, "a price not below open and close"));
        }
        if low > open.min(close) {
            return Err(row.fault(3, "a price not above open and close"));
        }
        let volume = if row.is_empty(5) {
            Decimal::ZERO
        } else {
            row.decimal(5, Decimal::ZERO, most)?
        };
        if (from..=until).contains(&at) {
            series.push(at, open, volume);
        }
        Ok(())
    })?;
    Ok(series)
}

/// First and last time of a bar file, from its first and last rows alone.
pub(super) fn span(path: &Path) -> Result<Option<(Ms, Ms)>, MarketError> {
    let bytes = files::unpacked(path)?;
    let time = |line: &[u8]| -> Option<Ms> {
        let field = line.split(|b| *b == b',').next()?;
        let number: i64 = std::str::from_utf8(field).ok()?.trim().parse().ok()?;
        Some(if number >= 100_000_000_000_000 {
            number / 1_000
        } else {
            number
        })
    };
    let first = bytes.split(|b| *b == b'\n').take(2).find_map(time);
    let last = bytes.rsplit(|b| *b == b'\n').take(2).find_map(time);
    Ok(first.zip(last))
}

/// Steps of one listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// Price step.
    pub tick: Decimal,
    /// Quantity step.
    pub lot: Decimal,
    /// The least order: quote currency on Binance, units on Bybit.
    pub least: Option<Decimal>,
}

/// Steps by venue, product and the venue's symbol.
pub(super) type Properties = BTreeMap<(Venue, Product, String), Steps>;

/// Reads the list of instruments. Rows of other markets and kinds are passed over.
pub(super) fn properties(path: &Path) -> Result<Properties, MarketError> {
    let most = Decimal::from(1_000_000_000_i64);
    let least = Decimal::new(1, 12);
    let mut all = Properties::new();
    files::read(path, &PROPERTIES, &[], |row| {
        let venue = match row.text(0)? {
            "binance" => Venue::Binance,
            "bybit" => Venue::Bybit,
            _ => return Ok(()),
        };
        let product = match row.text(1)? {
            "crypto" => Product::Spot,
            "cryptofuture" => Product::Perp,
            _ => return Ok(()),
        };
        let symbol = row.text(2)?;
        if symbol.is_empty() {
            return Err(row.fault(2, "the venue's symbol"));
        }
        let steps = Steps {
            tick: row.decimal(3, least, most)?.normalize(),
            lot: row.decimal(4, least, most)?.normalize(),
            least: if row.is_empty(5) {
                None
            } else {
                Some(row.decimal(5, Decimal::ZERO, most)?.normalize())
            },
        };
        all.insert((venue, product, symbol.to_owned()), steps);
        Ok(())
    })?;
    Ok(all)
}

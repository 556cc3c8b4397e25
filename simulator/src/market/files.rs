//! Comma-separated files, packed (`.csv.gz`) or plain (`.csv`), read with the place of every fault.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use rust_decimal::Decimal;

use super::Ms;

/// No file of a market is larger than this when unpacked; a packed file that claims more is refused.
const LARGEST_BYTES: u64 = 512 * 1024 * 1024;

/// Why a market could not be loaded. Nothing is loaded then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    /// A folder or file that is needed is not there.
    #[error("{}: not found; expected {expected}", .path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// The folder is there but holds nothing that can be traded.
    #[error("{}: nothing to trade; expected {expected}", .path.display())]
    Nothing {
        /// Where.
        path: PathBuf,
        /// What would be enough.
        expected: String,
    },
    /// A file cannot be read or unpacked at all.
    #[error("{}: cannot be read ({cause}); expected {expected}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system or the unpacker said.
        cause: String,
        /// What should be there.
        expected: String,
    },
    /// A row is wrong.
    #[error("{}, line {line}, column {column}: expected {expected}, found {found}", .path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Line of the unpacked text, from 1; the header is line 1.
        line: u64,
        /// The column's name in the header.
        column: String,
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
}

/// The file `stem` in its packed or plain form.
pub(super) fn find(stem: &Path) -> Option<PathBuf> {
    [".csv.gz", ".csv"]
        .iter()
        .map(|ending| with_ending(stem, ending))
        .find(|path| path.is_file())
}

fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut text = stem.as_os_str().to_owned();
    text.push(ending);
    PathBuf::from(text)
}

/// The unpacked bytes of a file.
pub(super) fn unpacked(path: &Path) -> Result<Vec<u8>, MarketError> {
    let packed = path.extension().is_some_and(|e| e == "gz");
    let unreadable = |cause: String| MarketError::Unreadable {
        path: path.to_owned(),
        cause,
        expected: if packed {
            "a gzip file, whole".into()
        } else {
            "a text file".into()
        },
    };
    let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let mut bytes = Vec::new();
    let read = if packed {
        MultiGzDecoder::new(file)
            .take(LARGEST_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)
    };
    read.map_err(|e| unreadable(e.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_BYTES {
        return Err(unreadable(format!("more than {LARGEST_BYTES} bytes")));
    }
    Ok(bytes)
}

/// A column by the names that it goes by, the usual one first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub names: &'static [&'static str],
    pub needed: bool,
}

/// A column that must be there.
pub(super) const fn needed(names: &'static [&'static str]) -> Column {
    Column { names, needed: true }
}

/// A column that may be absent.
pub(super) const fn optional(names: &'static [&'static str]) -> Column {
    Column { names, needed: false }
}

/// One row, read by the numbers of the columns asked for.
pub(super) struct Row<'a> {
    path: &'a Path,
    columns: &'a [(Option<usize>, &'static str)],
    record: &'a ByteRecord,
    line: u64,
}

impl Row<'_> {
    fn raw(&self, column: usize) -> &[u8] {
        let at = self.columns.get(column).and_then(|(at, _)| *at);
        at.and_then(|at| self.record.get(at)).unwrap_or(b"").trim_ascii()
    }

    /// Whether nothing stands there.
    pub(super) fn is_empty(&self, column: usize) -> bool {
        self.raw(column).is_empty()
    }

    /// The fault of this row at a column.
    pub(super) fn fault(&self, column: usize, expected: impl fmt::Display) -> MarketError {
        let raw = self.raw(column);
        let found = if raw.is_empty() {
            "nothing".to_owned()
        } else {
            format!(
                "{:?}",
                String::from_utf8_lossy(raw.get(..raw.len().min(40)).unwrap_or(raw))
            )
        };
        MarketError::Row {
            path: self.path.to_owned(),
            line: self.line,
            column: self.columns.get(column).map_or("?", |(_, name)| name).to_owned(),
            expected: expected.to_string(),
            found,
        }
    }

    /// The text at a column.
    pub(super) fn text(&self, column: usize) -> Result<&str, MarketError> {
        std::str::from_utf8(self.raw(column)).map_err(|_| self.fault(column, "text in UTF-8"))
    }

    /// A decimal with `least <= value <= most`.
    pub(super) fn decimal(&self, column: usize, least: Decimal, most: Decimal) -> Result<Decimal, MarketError> {
        let value = self
            .text(column)?
            .parse::<Decimal>()
            .ok()
            .filter(|v| *v >= least && *v <= most);
        value.ok_or_else(|| self.fault(column, format_args!("a decimal number from {least} to {most}")))
    }

    /// A price: above zero and below a million million.
    pub(super) fn price(&self, column: usize) -> Result<Decimal, MarketError> {
        self.decimal(column, Decimal::new(1, 15), Decimal::from(1_000_000_000_000_i64))
    }

    /// A whole number with `least <= value <= most`.
    pub(super) fn whole(&self, column: usize, least: i64, most: i64) -> Result<i64, MarketError> {
        let value = self
            .text(column)?
            .parse::<i64>()
            .ok()
            .filter(|v| (least..=most).contains(v));
        value.ok_or_else(|| self.fault(column, format_args!("a whole number from {least} to {most}")))
    }

    /// A time: `YYYY-MM-DDTHH:MM:SS[.fff]Z`, or milliseconds or microseconds since 1970.
    pub(super) fn time(&self, column: usize) -> Result<Ms, MarketError> {
        let text = self.text(column)?;
        let time = match text.parse::<i64>() {
            Ok(number) if number >= 100_000_000_000_000 => Some(number / 1_000),
            Ok(number) => Some(number),
            Err(_) => iso_ms(text),
        };
        // 2000 to 2200.
        time.filter(|ms| (946_684_800_000..7_258_118_400_000).contains(ms))
            .ok_or_else(|| self.fault(column, "a UTC time, ISO 8601 or milliseconds since 1970"))
    }
}

fn iso_ms(text: &str) -> Option<Ms> {
    let (date, clock) = text.strip_suffix('Z')?.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let millis = digits(format!("{fraction:0<3}").get(..3)?)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year > 9_999 || !(1..=longest).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970 by the calendar that begins its years in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + millis)
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads a file row by row. `bare` is the order of columns of a file that comes without a header.
pub(super) fn read(
    path: &Path,
    columns: &[Column],
    bare: &[&str],
    mut each: impl FnMut(&Row<'_>) -> Result<(), MarketError>,
) -> Result<(), MarketError> {
    let bytes = unpacked(path)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes.as_slice());
    let mut record = ByteRecord::new();
    let mut places: Option<Vec<(Option<usize>, &'static str)>> = None;
    let (mut width, mut rows) = (None, 0_usize);
    loop {
        let line = reader.position().line();
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|e| MarketError::Unreadable {
                path: path.to_owned(),
                cause: e.to_string(),
                expected: "comma-separated values".into(),
            })?;
        if !more {
            break;
        }
        // The reader skips empty lines; the record knows where it really began.
        let line = record.position().map_or(line, csv::Position::line);
        // Fields that are missing at the end of a row are judged by who needs them.
        let width = *width.get_or_insert(record.len());
        if record.len() > width {
            let (expected, found) = (format!("{width} fields"), record.len().to_string());
            return Err(wrong(path, line, &format!("number {}", width + 1), &expected, &found));
        }
        if places.is_none() {
            let is_bare = !bare.is_empty() && record.get(0).is_some_and(|f| f.first().is_some_and(u8::is_ascii_digit));
            let found = if is_bare {
                locate(path, columns, |i| bare.get(i).map(|name| name.as_bytes()))
            } else {
                locate(path, columns, |i| record.get(i))
            };
            places = Some(found?);
            if !is_bare {
                continue;
            }
        }
        let columns = places.as_deref().unwrap_or_default();
        rows += 1;
        each(&Row {
            path,
            columns,
            record: &record,
            line,
        })?;
    }
    if places.is_none() {
        let column = columns.first().and_then(|c| c.names.first()).copied();
        return Err(wrong(path, 1, column.unwrap_or("?"), "a header line", "an empty file"));
    }
    if rows == 0 {
        return Err(wrong(path, 2, "number 1", "a row", "the end of the file"));
    }
    Ok(())
}

fn wrong(path: &Path, line: u64, column: &str, expected: &str, found: &str) -> MarketError {
    MarketError::Row {
        path: path.to_owned(),
        line,
        column: column.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

fn locate<'h>(
    path: &Path,
    columns: &[Column],
    header: impl Fn(usize) -> Option<&'h [u8]>,
) -> Result<Vec<(Option<usize>, &'static str)>, MarketError> {
    let clean = |field: &'h [u8]| field.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(field).trim_ascii();
    let find = |name: &str| {
        (0..)
            .map_while(&header)
            .position(|field| clean(field) == name.as_bytes())
    };
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        let found = column.names.iter().find_map(|name| find(name).map(|at| (at, *name)));
        let usual = column.names.first().copied().unwrap_or("?");
        match found {
            Some((at, name)) => places.push((Some(at), name)),
            None if column.needed => {
                return Err(MarketError::Row {
                    path: path.to_owned(),
                    line: 1,
                    column: usual.to_owned(),
                    expected: format!("a column named {}", column.names.join(" or ")),
                    found: "a header without it".into(),
                });
            }
            None => places.push((None, usual)),
        }
    }
    Ok(places)
}

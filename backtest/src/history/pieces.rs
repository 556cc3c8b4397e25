//! The files of one series: one that holds it whole, or months and days of the venues' archives; and how they are joined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::time::Timestamp;

use super::Kind;
use super::fault::{Disagreement, HistoryError, Place};

/// How deep folders may lie in folders below a venue's one: `BTCUSDT/1h/2025/`.
const DEEPEST: u32 = 3;

/// Files by symbol, in the order of their names.
pub(super) type Files = BTreeMap<String, Vec<PathBuf>>;

/// Lists the files of a kind below a folder; none where there is no folder.
pub(super) fn list(folder: &Path, kind: Kind) -> Result<Files, HistoryError> {
    let mut files = Files::new();
    if folder.is_dir() {
        descend(folder, kind, DEEPEST, &mut files)?;
    }
    for paths in files.values_mut() {
        paths.sort();
    }
    Ok(files)
}

fn descend(folder: &Path, kind: Kind, deeper: u32, files: &mut Files) -> Result<(), HistoryError> {
    let unreadable = |error: std::io::Error| HistoryError::Unreadable {
        path: folder.to_owned(),
        cause: error.to_string(),
        expected: "a folder of files",
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if let Some(symbol) = symbol_of(&name.to_string_lossy(), kind) {
            files.entry(symbol.to_owned()).or_default().push(entry.path());
        } else if deeper > 0 && entry.path().is_dir() {
            descend(&entry.path(), kind, deeper - 1, files)?;
        }
    }
    Ok(())
}

/// The symbol that a file's name tells; `None` for what is no table of this kind, a bar of five minutes among them.
fn symbol_of(name: &str, kind: Kind) -> Option<&str> {
    let stem = [".csv.gz", ".csv", ".zip"]
        .iter()
        .find_map(|end| name.strip_suffix(end))?;
    if kind == Kind::Funding {
        let dated = stem.split_once("-fundingRate-").filter(|(_, date)| is_date(date));
        return Some(dated.map_or(stem, |(symbol, _)| symbol));
    }
    if let Some((symbol, dates)) = stem.split_once("_60_") {
        let (from, to) = dates.split_once('_')?;
        return (is_date(from) && is_date(to)).then_some(symbol);
    }
    let (symbol, date) = stem.rsplit_once("-1h")?;
    (date.is_empty() || date.strip_prefix('-').is_some_and(is_date)).then_some(symbol)
}

/// `2025-01` or `2025-01-31`.
fn is_date(text: &str) -> bool {
    let form = |(place, byte): (usize, u8)| {
        if place % 3 == 1 && place > 3 {
            byte == b'-'
        } else {
            byte.is_ascii_digit()
        }
    };
    matches!(text.len(), 7 | 10) && text.bytes().enumerate().all(form)
}

/// A row that belongs to an hour.
pub(super) trait Row: Copy {
    /// Its hour.
    fn at(&self) -> Timestamp;
    /// Takes from another row of its hour what it lacks itself; where both tell and differ, which column it is, and what
    /// this row and the other one say.
    fn merge(&mut self, other: &Self) -> Result<(), (usize, String, String)>;
}

/// One file, read: its rows in order of time.
#[derive(Debug)]
pub(super) struct Piece<R> {
    pub path: PathBuf,
    pub rows: Vec<R>,
    /// What this file calls the columns that [`Row::merge`] counts.
    pub columns: &'static [&'static str],
    /// Line of the first row in the file.
    pub first_line: u64,
    /// Whether the file begins with the latest row.
    pub falling: bool,
}

impl<R> Piece<R> {
    /// The line on which a row stood.
    pub fn line(&self, row: usize) -> u64 {
        let place = if self.falling {
            self.rows.len().saturating_sub(row + 1)
        } else {
            row
        };
        self.first_line.saturating_add(u64::try_from(place).unwrap_or_default())
    }
}

/// Joins files by time. Rows of the same hour that agree are one.
///
/// # Errors
/// [`HistoryError::Disagree`] at the first hour for which two files tell different things.
pub(super) fn join<R: Row>(mut pieces: Vec<Piece<R>>) -> Result<Vec<R>, HistoryError> {
    if let [only] = pieces.as_mut_slice() {
        return Ok(std::mem::take(&mut only.rows));
    }
    let mut all: Vec<(Timestamp, usize, usize)> = Vec::new();
    for (piece, of) in pieces.iter().enumerate() {
        all.extend(of.rows.iter().enumerate().map(|(row, of)| (of.at(), piece, row)));
    }
    all.sort_unstable();
    let mut joined: Vec<R> = Vec::with_capacity(all.len());
    let mut before: Option<(Timestamp, usize, usize)> = None;
    for (at, piece, row) in all {
        let Some(of) = pieces.get(piece) else { continue };
        let Some(new) = of.rows.get(row) else { continue };
        match (before, joined.last_mut()) {
            (Some((same, first, first_row)), Some(kept)) if same == at => {
                if let Err((column, others, found)) = kept.merge(new) {
                    let other = pieces.get(first);
                    return Err(HistoryError::Disagree(Box::new(Disagreement {
                        path: of.path.clone(),
                        line: of.line(row),
                        column: of.columns.get(column).copied().unwrap_or("mark_price"),
                        found,
                        other: other.map(|other| other.path.clone()).unwrap_or_default(),
                        other_line: other.map(|other| other.line(first_row)).unwrap_or_default(),
                        others,
                    })));
                }
            }
            _ => {
                joined.push(*new);
                before = Some((at, piece, row));
            }
        }
    }
    Ok(joined)
}

/// Whether the rows of a file follow each other. Those of a venue's interface may begin with the latest one.
#[derive(Debug)]
pub(super) struct Order {
    either_way: bool,
    falling: Option<bool>,
    last: Option<Timestamp>,
}

impl Order {
    pub const fn rising() -> Self {
        Self {
            either_way: false,
            falling: None,
            last: None,
        }
    }

    pub const fn either_way() -> Self {
        Self {
            either_way: true,
            falling: None,
            last: None,
        }
    }

    /// Whether the latest row came first.
    pub fn is_falling(&self) -> bool {
        self.falling == Some(true)
    }

    /// Takes the next row's time, written as `text` in a column.
    pub fn follow(
        &mut self,
        place: Place<'_>,
        column: &'static str,
        at: Timestamp,
        text: &[u8],
    ) -> Result<(), HistoryError> {
        if let Some(last) = self.last {
            if last == at {
                return Err(place.fault(column, "another hour than the row before: it is a duplicate", text));
            }
            let falls = at < last;
            let falling = *self.falling.get_or_insert(self.either_way && falls);
            if falls != falling {
                let side = if falling { "before" } else { "after" };
                return Err(place.fault(column, format!("a time {side} {last}: rows are sorted"), text));
            }
        }
        self.last = Some(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_symbol_and_other_steps_are_left_alone() {
        let bars = |name| symbol_of(name, Kind::Perp);
        for name in [
            "BTCUSDT-1h.csv.gz",
            "BTCUSDT-1h-2025-01.csv",
            "BTCUSDT-1h-2025-01-31.zip",
            "BTCUSDT_60_2024-01-01_2024-01-31.csv.gz",
        ] {
            assert_eq!(bars(name), Some("BTCUSDT"), "{name}");
        }
        for name in [
            "BTCUSDT-5m.csv.gz",
            "BTCUSDT-1h-2025.csv",
            "BTCUSDT-1h-2025-01.zip.CHECKSUM",
            "BTCUSDT_5_2024-01-01_2024-01-31.csv.gz",
            "README.md",
        ] {
            assert_eq!(bars(name), None, "{name}");
        }
        let funding = |name| symbol_of(name, Kind::Funding);
        assert_eq!(funding("BTCUSDT-fundingRate-2025-01.zip"), Some("BTCUSDT"));
        assert_eq!(funding("BTCUSDT.csv.gz"), Some("BTCUSDT"));
    }
}

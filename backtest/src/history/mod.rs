//! Recorded settlements and bars of a data folder:
//!
//! ```text
//! funding/<venue>/<SYMBOL>.csv[.gz]              one row per settlement
//! klines/<venue>/<spot|perp|mark>/<SYMBOL>-1h.csv[.gz]   one row per hour
//! ```
//!
//! A file is believed whole or not at all: a broken, duplicate or unsorted row, a column out of its order or a packed
//! file cut short is a [`HistoryError`] with file, line, column and value. A missing row is no error: it is a [`Gap`],
//! and nothing is put in its place.
//!
//! ```text
//! clock    times as files and people write them
//! fault    what can be wrong
//! text     bytes, lines, columns
//! funding  settlements
//! bars     hourly prices
//! ```

mod bars;
mod clock;
mod fault;
mod funding;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use domain::instrument::VenueId;
use domain::time::Timestamp;

pub use bars::{Bar, BarSeries};
pub use clock::{nearest_hour, parse_utc};
pub use fault::HistoryError;
pub use funding::{BELIEVED_RATE, FundingSeries, Settlement};

/// Milliseconds in an hour.
const HOUR: i64 = domain::time::HOUR_MS;

/// What a series records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Settlements of a perpetual.
    Funding,
    /// Bars of a spot market.
    Spot,
    /// Bars of a perpetual.
    Perp,
    /// Bars of a perpetual's mark price.
    Mark,
}

impl Kind {
    /// Its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Funding => "funding",
            Self::Spot => "spot",
            Self::Perp => "perp",
            Self::Mark => "mark",
        }
    }
}

/// One series of a data folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesId {
    /// Whose.
    pub venue: VenueId,
    /// Of what.
    pub kind: Kind,
    /// As the venue writes it.
    pub symbol: String,
}

impl SeriesId {
    /// A series.
    pub fn new(venue: VenueId, kind: Kind, symbol: &str) -> Self {
        Self {
            venue,
            kind,
            symbol: symbol.to_owned(),
        }
    }

    fn stem(&self, folder: &Path) -> PathBuf {
        let Self { venue, kind, symbol } = self;
        match kind {
            Kind::Funding => folder.join(format!("funding/{venue}/{symbol}")),
            bars => folder.join(format!("klines/{venue}/{}/{symbol}-1h", bars.as_str())),
        }
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.venue, self.kind.as_str(), self.symbol)
    }
}

/// A stretch in which rows are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The last row before it, or where one would have been.
    pub from: Timestamp,
    /// The first row after it, or the end of what was asked for.
    pub to: Timestamp,
    /// Rows that are missing, of those asked for.
    pub missing: usize,
}

/// A data folder, each file read once, when it is first asked for.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    funding: BTreeMap<SeriesId, Option<Rc<FundingSeries>>>,
    bars: BTreeMap<SeriesId, Option<Rc<BarSeries>>>,
    rows: u64,
}

impl History {
    /// The folder is there; its files are read later.
    ///
    /// # Errors
    /// [`HistoryError::Missing`] when it is no folder, or holds no funding.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        let missing = |path: PathBuf, expected: &str| HistoryError::Missing {
            path,
            expected: expected.to_owned(),
        };
        if !folder.is_dir() {
            return Err(missing(folder.to_owned(), "a folder of recorded data"));
        }
        let funding = folder.join("funding");
        if !funding.is_dir() {
            return Err(missing(
                funding,
                "a folder of settlements, funding/<venue>/<SYMBOL>.csv.gz",
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
            funding: BTreeMap::new(),
            bars: BTreeMap::new(),
            rows: 0,
        })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        self.rows
    }

    /// Symbols that have a file of a kind.
    ///
    /// # Errors
    /// [`HistoryError::Unreadable`] when the folder cannot be listed.
    pub fn symbols(&self, kind: Kind, venue: VenueId) -> Result<BTreeSet<String>, HistoryError> {
        let mut folder = SeriesId::new(venue, kind, "any").stem(&self.folder);
        folder.pop();
        if !folder.is_dir() {
            return Ok(BTreeSet::new());
        }
        let unreadable = |error: std::io::Error| HistoryError::Unreadable {
            path: folder.clone(),
            cause: error.to_string(),
            expected: "a folder of files",
        };
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let name = name.to_string_lossy();
            let stem = name.strip_suffix(".csv.gz").or_else(|| name.strip_suffix(".csv"));
            let symbol = match kind {
                Kind::Funding => stem,
                _ => stem.and_then(|stem| stem.strip_suffix("-1h")),
            };
            names.extend(symbol.map(str::to_owned));
        }
        Ok(names)
    }

    /// Settlements of a perpetual; `None` when there is no file of them.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn funding(&mut self, venue: VenueId, symbol: &str) -> Result<Option<Rc<FundingSeries>>, HistoryError> {
        let id = SeriesId::new(venue, Kind::Funding, symbol);
        if let Some(known) = self.funding.get(&id) {
            return Ok(known.clone());
        }
        let read = match self.bytes(&id)? {
            Some((path, bytes)) => Some(Rc::new(funding::parse(&path, &bytes)?)),
            None => None,
        };
        self.count(read.as_ref().map_or(0, |series| series.rows().len()));
        self.funding.insert(id, read.clone());
        Ok(read)
    }

    /// Hourly bars; `None` when there is no file of them.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn bars(&mut self, id: &SeriesId) -> Result<Option<Rc<BarSeries>>, HistoryError> {
        if let Some(known) = self.bars.get(id) {
            return Ok(known.clone());
        }
        let read = match self.bytes(id)? {
            Some((path, bytes)) => Some(Rc::new(bars::parse(&path, &bytes)?)),
            None => None,
        };
        self.count(read.as_ref().map_or(0, |series| series.rows().len()));
        self.bars.insert(id.clone(), read.clone());
        Ok(read)
    }

    /// The error of a series that is needed and is not there.
    pub fn missing(&self, id: &SeriesId, what_for: &str) -> HistoryError {
        let mut path = id.stem(&self.folder).into_os_string();
        path.push(".csv.gz");
        HistoryError::Missing {
            path: path.into(),
            expected: format!(
                "{} {what_for}",
                if id.kind == Kind::Funding {
                    "settlements"
                } else {
                    "hourly bars"
                }
            ),
        }
    }

    fn bytes(&self, id: &SeriesId) -> Result<Option<(PathBuf, Vec<u8>)>, HistoryError> {
        let Some(path) = text::find(&id.stem(&self.folder)) else {
            return Ok(None);
        };
        let bytes = text::unpacked(&path)?;
        Ok(Some((path, bytes)))
    }

    fn count(&mut self, rows: usize) {
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or_default());
    }
}

//! Recorded settlements and bars of a data folder:
//!
//! ```text
//! funding/<venue>/<SYMBOL>.csv[.gz]              one row per settlement
//! klines/<venue>/<spot|perp|mark>/<SYMBOL>-1h.csv[.gz]   one row per hour
//! ```
//!
//! In place of one file, or beside it, months and days of the venues' own archives may lie there under their own names, in
//! folders or not, packed as they come; they are joined by time. A file is believed whole or not at all: a broken,
//! duplicate or unsorted row, a column out of its order or a packed file cut short is a [`HistoryError`] with file, line,
//! column and value, and so is an hour of which two files tell different things. A missing row is no error: it is a
//! [`Gap`], and nothing is put in its place.
//!
//! ```text
//! clock    times as files and people write them
//! fault    what can be wrong
//! text     bytes, lines, columns
//! zip      the one file in an archive
//! pieces   which files a series has, and how they are joined
//! funding  settlements
//! bars     hourly prices
//! ```

mod bars;
mod clock;
mod fault;
mod funding;
mod pieces;
mod text;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use domain::instrument::VenueId;
use domain::time::Timestamp;

pub use bars::{Bar, BarSeries};
pub use clock::{nearest_hour, parse_utc};
pub use fault::{Disagreement, HistoryError};
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
    files: BTreeMap<(VenueId, Kind), pieces::Files>,
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
            files: BTreeMap::new(),
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
        Ok(pieces::list(&self.place(venue, kind), kind)?.into_keys().collect())
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
        let files = self.files(&id)?;
        let read = files
            .iter()
            .map(|path| funding::parse(path, &text::unpacked(path)?, symbol));
        let read = match read.collect::<Result<Vec<_>, _>>()? {
            none if none.is_empty() => None,
            pieces => Some(Rc::new(funding::series(pieces)?)),
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
        let files = self.files(id)?;
        let read = files.iter().map(|path| bars::parse(path, &text::unpacked(path)?));
        let read = match read.collect::<Result<Vec<_>, _>>()? {
            none if none.is_empty() => None,
            pieces => Some(Rc::new(bars::series(pieces)?)),
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

    /// The folder of a kind.
    fn place(&self, venue: VenueId, kind: Kind) -> PathBuf {
        let mut folder = SeriesId::new(venue, kind, "any").stem(&self.folder);
        folder.pop();
        folder
    }

    /// The files of a series; a folder is listed once.
    fn files(&mut self, id: &SeriesId) -> Result<Vec<PathBuf>, HistoryError> {
        let key = (id.venue, id.kind);
        if !self.files.contains_key(&key) {
            let listed = pieces::list(&self.place(id.venue, id.kind), id.kind)?;
            self.files.insert(key, listed);
        }
        let files = self.files.get(&key).and_then(|files| files.get(&id.symbol));
        Ok(files.cloned().unwrap_or_default())
    }

    fn count(&mut self, rows: usize) {
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or_default());
    }
}

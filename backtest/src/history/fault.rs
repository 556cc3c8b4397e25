//! What can be wrong with recorded data, with the place where it is wrong.

use std::path::{Path, PathBuf};

/// Why a series could not be read. Nothing of the file is used then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// A folder or file that is needed is not there.
    #[error("{}: not found; expected {expected}", .path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// A file cannot be read or unpacked to its end.
    #[error("{}: cannot be read ({cause}); expected {expected}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system or the unpacker said.
        cause: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The first line does not name the columns in their order.
    #[error("{}, line 1: the columns must be {expected}, in this order; found {found:?}", .path.display())]
    Header {
        /// Which file.
        path: PathBuf,
        /// The columns as they should stand.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// A row is wrong.
    #[error("{}, line {line}, column {column}: expected {expected}, found {found:?}", .path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Line of the unpacked text, from 1; the header is line 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// Two files tell different things of the same hour.
    #[error("{0}")]
    Disagree(Box<Disagreement>),
    /// A file has its header and nothing else.
    #[error("{}: there is no row in it", .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// Two files and the hour of which they tell different things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}, column {column}: {found} is not the {others} of {}, line {other_line}, for the same hour", .path.display(), .other.display())]
pub struct Disagreement {
    /// Which file.
    pub path: PathBuf,
    /// Line of its unpacked text, from 1.
    pub line: u64,
    /// The column's name there.
    pub column: &'static str,
    /// What stands there.
    pub found: String,
    /// The other file.
    pub other: PathBuf,
    /// Its line.
    pub other_line: u64,
    /// What stands there.
    pub others: String,
}

/// The place of a row, for its faults.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub path: &'a Path,
    pub line: u64,
}

impl Place<'_> {
    pub(super) fn fault(&self, column: &'static str, expected: impl Into<String>, found: &[u8]) -> HistoryError {
        HistoryError::Row {
            path: self.path.to_owned(),
            line: self.line,
            column,
            expected: expected.into(),
            found: shortened(found),
        }
    }
}

/// Bytes of a file as text that fits a line.
pub(super) fn shortened(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(120)).unwrap_or(bytes));
    if bytes.len() > 120 {
        format!("{text}…")
    } else {
        text.into_owned()
    }
}

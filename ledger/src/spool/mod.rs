//! The file that keeps ways out while the ledger is away.
//!
//! - SP-1  What [`Spool::keep`] has answered is on the disk, and is read back after any crash.
//! - SP-2  A last line that was torn by a crash was never answered, and is left out. A damaged line before a whole one is
//!   an error: nothing is guessed.
//! - SP-3  It never grows. Its room is laid out with zeros when it is opened, so that a disk that is full by then still
//!   takes what comes; what does not fit is refused.
//!
//! One line is one batch: 16 hex digits of the SHA-256 of the rest, a blank, a JSON object. The first zero byte ends it.
//! The file is locked while it is open, because a process that stands by may share the folder.

mod rows;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::journal::{Batch, JournalError};
use domain::ports::Spool;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::presence::Presence;

/// Bytes of the file: some hundred ways out.
const ROOM: usize = 1 << 20;
/// Hex digits of a line's checksum.
const CHECK: usize = 16;

/// The file of one ledger in one folder.
pub struct ExitSpool {
    path: PathBuf,
    presence: Option<Arc<Presence>>,
    /// The owner's word that nobody else uses the ledger.
    sole: bool,
    open: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    /// Where the next line begins.
    end: usize,
}

impl ExitSpool {
    pub(crate) const fn new(path: PathBuf, presence: Option<Arc<Presence>>, sole: bool) -> Self {
        Self {
            path,
            presence,
            sole,
            open: Mutex::new(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the open file; opens it first where it is not yet.
    fn with<T>(&self, work: impl FnOnce(&mut Open) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut open = self.lock();
        if open.is_none() {
            *open = Some(self.open()?);
        }
        open.as_mut().map_or_else(
            || Err(JournalError::Unavailable("the file is not open".to_owned())),
            work,
        )
    }

    fn open(&self) -> Result<Open, JournalError> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&self.path).map_err(|error| self.away(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.away(&"another process has it open")),
            Err(TryLockError::Error(error)) => return Err(self.away(&error)),
        }
        let mut bytes = std::fs::read(&self.path).map_err(|error| self.away(&error))?;
        bytes.resize(ROOM, 0);
        let (lines, end) = whole_lines(&bytes).map_err(|why| self.damaged(&why))?;
        for line in lines {
            rows::read(line).map_err(|why| self.damaged(&why))?;
        }
        // What follows the last whole line is nothing, or was torn: it makes room, and is room that is really there.
        let rest = vec![0; ROOM - end];
        file.write_all_at(&rest, offset(end))
            .and_then(|()| file.sync_all())
            .map_err(|error| self.away(&error))?;
        Ok(Open { file, end })
    }

    fn away(&self, why: &dyn std::fmt::Display) -> JournalError {
        JournalError::Unavailable(format!("{}: {why}", self.path.display()))
    }

    fn damaged(&self, why: &str) -> JournalError {
        JournalError::Refused(format!("{} is damaged: {why}", self.path.display()))
    }
}

impl Spool for ExitSpool {
    fn keep(&self, batch: &Batch) -> Result<(), JournalError> {
        let line = line_of(&rows::write(batch).map_err(JournalError::Refused)?);
        self.with(|open| {
            if open.end + line.len() >= ROOM {
                return Err(JournalError::Refused(format!("{} is full", self.path.display())));
            }
            open.file
                .write_all_at(&line, offset(open.end))
                .and_then(|()| open.file.sync_data())
                .map_err(|error| self.away(&error))?;
            open.end += line.len();
            Ok(())
        })
    }

    fn kept(&self) -> Result<Vec<Batch>, JournalError> {
        self.with(|open| {
            let mut bytes = vec![0; open.end];
            open.file
                .read_exact_at(&mut bytes, 0)
                .map_err(|error| self.away(&error))?;
            let (lines, _) = whole_lines(&bytes).map_err(|why| self.damaged(&why))?;
            let read = |line| rows::read(line).map_err(|why| self.damaged(&why));
            lines.into_iter().map(read).collect()
        })
    }

    fn forget(&self) -> Result<(), JournalError> {
        self.with(|open| {
            open.file
                .write_all_at(&vec![0; open.end], 0)
                .and_then(|()| open.file.sync_data())
                .map_err(|error| self.away(&error))?;
            open.end = 0;
            Ok(())
        })
    }

    fn extend_lease(&self, holder: &str, until: Timestamp) -> Result<(), JournalError> {
        let Some(presence) = &self.presence else {
            if self.sole {
                return Ok(());
            }
            let why = "only the ledger itself can prolong this lease: another process may lead after its term";
            return Err(JournalError::Refused(why.to_owned()));
        };
        presence.extend(holder, until).map_err(|error| self.away(&error))
    }
}

fn offset(place: usize) -> u64 {
    u64::try_from(place).unwrap_or(u64::MAX)
}

fn checksum(text: &[u8]) -> String {
    let mut hex = hex::encode(Sha256::digest(text));
    hex.truncate(CHECK);
    hex
}

fn line_of(text: &str) -> Vec<u8> {
    format!("{} {text}\n", checksum(text.as_bytes())).into_bytes()
}

/// The text of one line, if it is whole.
fn whole(line: &[u8]) -> Option<&str> {
    let (check, rest) = line.split_at_checked(CHECK)?;
    let text = rest.strip_prefix(b" ")?;
    (checksum(text).as_bytes() == check).then(|| std::str::from_utf8(text).ok())?
}

/// The texts of all whole lines, and where the last one ends.
fn whole_lines(bytes: &[u8]) -> Result<(Vec<&str>, usize), String> {
    let used = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let (mut texts, mut end, mut torn) = (Vec::new(), 0, None);
    let mut place = 0;
    for line in used.split_inclusive(|byte| *byte == b'\n') {
        place += line.len();
        match line.strip_suffix(b"\n").and_then(whole) {
            Some(_) if torn.is_some() => {
                return Err(format!("line {} is not what was written", texts.len() + 1));
            }
            Some(text) => {
                texts.push(text);
                end = place;
            }
            None => torn = Some(place),
        }
    }
    Ok((texts, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(lines: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = lines.concat();
        bytes.resize(bytes.len() + 64, 0);
        bytes
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_a_damaged_one_before_it_is_an_error() {
        let lines = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"].map(line_of);
        let (texts, end) = whole_lines(&padded(&lines))
            .map(|(texts, end)| (texts.len(), end))
            .unwrap();
        assert_eq!((texts, end), (3, lines.concat().len()));
        for cut in 1..lines[2].len() {
            let mut torn = lines.to_vec();
            torn[2].truncate(cut);
            let bytes = padded(&torn);
            let (texts, end) = whole_lines(&bytes).unwrap();
            assert_eq!((texts.len(), end), (2, lines[..2].concat().len()), "cut at {cut}");
        }
        for place in 0..lines[1].len() - 1 {
            let mut flipped = lines.to_vec();
            flipped[1][place] ^= 1;
            if flipped[1][place] != b'\n' {
                assert!(whole_lines(&padded(&flipped)).is_err(), "flipped at {place}");
            }
        }
    }
}

//! The file beside an SQLite ledger whose lock tells a dead holder of the lease from a slow one.
//!
//! The lease row alone cannot: a successor would wait a whole term after every crash. The lock of this file goes with
//! its process, however that dies. Whoever gets the lock reads who had it last, and that process is proven dead. Nothing
//! is ever allowed by the lock alone: a holder that is frozen keeps it, and is followed when its term ends.
//!
//! While the database cannot be written, a holder that lives may write the end of its term here instead: whoever could
//! follow it must read this file first. The file holds the holder's name and, on a line of its own, that end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Timestamp;

/// The lock of one ledger, as one process sees it.
#[derive(Debug)]
pub struct Presence {
    path: PathBuf,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    file: File,
    /// In whose name this process leads.
    signed: Option<String>,
}

impl Presence {
    /// The lock beside a database file.
    pub fn beside(database: &str) -> Self {
        Self {
            path: PathBuf::from(format!("{database}.lock")),
            held: Mutex::new(None),
        }
    }

    /// Takes the lock if nobody has it, and answers who signed it last: a process that lives no more. `None` when
    /// another process has the lock, when this one had it already, and when nobody has signed yet.
    pub fn take(&self) -> io::Result<Option<String>> {
        let mut held = self.lock();
        if held.is_some() {
            return Ok(None);
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut last = String::new();
        file.read_to_string(&mut last)?;
        *held = Some(Held { file, signed: None });
        let name = last.lines().next().unwrap_or_default();
        Ok(Some(name.to_owned()).filter(|name| !name.is_empty()))
    }

    /// Writes who leads now, if this process has the lock.
    pub fn sign(&self, holder: &str) -> io::Result<()> {
        let mut held = self.lock();
        let Some(Held { file, signed }) = held.as_mut().filter(|held| held.signed.as_deref() != Some(holder)) else {
            return Ok(());
        };
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(holder.as_bytes())?;
        *signed = Some(holder.to_owned());
        Ok(())
    }

    /// Writes until when the leader leads although the database cannot say so.
    pub fn extend(&self, holder: &str, until: Timestamp) -> io::Result<()> {
        let mut held = self.lock();
        let Some(Held { file, .. }) = held.as_mut().filter(|held| held.signed.as_deref() == Some(holder)) else {
            return Err(io::Error::other("the lock beside the ledger is not ours"));
        };
        // One write in place, always as long: it needs no new room on a full disk, and no reader meets half of it.
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format!("{holder}\n{:020}\n", until.millis()).as_bytes())
    }

    /// Until when another process, which has the lock, has prolonged its term here.
    pub fn extended(&self) -> Option<Timestamp> {
        if self.lock().is_some() {
            return None; // it is ours: nobody else lives who could have written it
        }
        let text = std::fs::read_to_string(&self.path).ok()?;
        text.lines().nth(1)?.parse().ok().map(Timestamp)
    }

    /// Lets go of the lock unless this process leads in another name than `holder`.
    pub fn leave(&self, holder: &str) {
        let mut held = self.lock();
        if let Some(Held { file, .. }) = held.as_ref().filter(|held| held.signed.as_deref() == Some(holder)) {
            // A term that was given back is over, also where it was prolonged here.
            let _ = file.set_len(u64::try_from(holder.len()).unwrap_or_default());
        }
        held.take_if(|held| held.signed.as_deref().is_none_or(|signed| signed == holder));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

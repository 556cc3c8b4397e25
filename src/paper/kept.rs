//! What the played account holds, kept from one start to the next.
//!
//! Written whole beside the ledger after each change, before anybody hears of it: a fill that the engine knows is never
//! missing here. Orders are not kept; those that rested are gone after a restart, as the ledger's check will find.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use simulator::exchange::{Carried, Exchange};
use simulator::serve::Twin;
use slog::{Logger, error};

use super::PaperError;

/// Beside the ledger.
const NAME: &str = "paper-account.json";

/// The file.
#[derive(Clone, Debug)]
pub struct Kept {
    path: PathBuf,
}

impl Kept {
    pub fn at(folder: &Path) -> Self {
        Self {
            path: folder.join(NAME),
        }
    }

    fn wrong(&self, why: impl std::fmt::Display) -> PaperError {
        PaperError::Kept {
            path: self.path.clone(),
            why: why.to_string(),
        }
    }

    /// What was kept; nothing at the first start.
    pub fn read(&self) -> Result<Option<Carried>, PaperError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| self.wrong(error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.wrong(error)),
        }
    }

    /// Replaces the file whole, or leaves the old one.
    fn write(&self, carried: &Carried) -> std::io::Result<()> {
        let beside = self.path.with_extension("json.new");
        let mut file = File::create(&beside)?;
        file.write_all(serde_json::to_string(carried)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, &self.path)
    }

    /// From now on writes down what each change of the account comes to.
    ///
    /// # Errors
    /// When it cannot be written at all: then nothing may be played.
    pub fn follow(self, twin: &Twin, log: Logger) -> Result<(), PaperError> {
        self.write(&twin.with_exchange(Exchange::carried))
            .map_err(|error| self.wrong(error))?;
        let (account, mut written) = (twin.clone(), None);
        twin.on_event(Box::new(move |_, _| {
            // The events of one trade are told after all of it has happened: one writing is enough for them.
            let carried = account.with_exchange(Exchange::carried);
            if written.as_ref() == Some(&carried) {
                return;
            }
            match self.write(&carried) {
                Ok(()) => written = Some(carried),
                Err(cause) => {
                    error!(log, "the paper account could not be written; a restart would forget its last change";
                    "file" => %self.path.display(), "cause" => %cause)
                }
            }
        }));
        Ok(())
    }
}

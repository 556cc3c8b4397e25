//! How an actor writes: through the ledger writer, in the epoch that is held.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::journal::{Batch, JournalError, Record, Written};
use domain::order::Epoch;
use domain::ports::Clock;

use crate::messages::WriteBatch;

/// Tries of a write that must succeed or be refused; about three seconds.
const TRIES: u32 = 6;

/// A pen. Clones share the epoch.
#[derive(Clone)]
pub struct Recorder {
    writer: Recipient<WriteBatch>,
    clock: Rc<dyn Clock>,
    epoch: Rc<Cell<Epoch>>,
}

impl Recorder {
    /// A pen in epoch 0, which the ledger takes only while nobody holds the lease.
    pub fn new(writer: Recipient<WriteBatch>, clock: Rc<dyn Clock>) -> Self {
        Self {
            writer,
            clock,
            epoch: Rc::new(Cell::new(Epoch(0))),
        }
    }

    /// Enters an epoch.
    pub fn enter(&self, epoch: Epoch) {
        self.epoch.set(epoch);
    }

    /// The epoch that is held.
    pub fn epoch(&self) -> Epoch {
        self.epoch.get()
    }

    /// Writes records together. A ledger that is away is asked again for a few seconds.
    ///
    /// # Errors
    /// When it stays away, has a newer executor, or refuses.
    pub async fn write(&self, records: Vec<Record>) -> Result<Written, JournalError> {
        self.repeat(&self.stamp(records)).await
    }

    /// A batch is stamped once: written again after a lost answer, it is recognised and changes nothing.
    fn stamp(&self, records: Vec<Record>) -> Batch {
        Batch {
            epoch: self.epoch.get(),
            at: self.clock.now().market,
            records,
        }
    }

    async fn repeat(&self, batch: &Batch) -> Result<Written, JournalError> {
        let mut wait = Duration::from_millis(100);
        let mut last = JournalError::Unavailable("not asked".to_owned());
        for _ in 0..TRIES {
            last = match self.once(batch.clone()).await {
                Err(JournalError::Unavailable(reason)) => JournalError::Unavailable(reason),
                answer => return answer,
            };
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
        Err(last)
    }

    /// Writes records that must not be lost, for as long as it takes.
    ///
    /// # Errors
    /// When the ledger has a newer executor, or refuses.
    pub async fn insist(&self, records: Vec<Record>) -> Result<Written, JournalError> {
        let batch = self.stamp(records);
        loop {
            match self.repeat(&batch).await {
                Err(JournalError::Unavailable(_)) => tokio::time::sleep(Duration::from_secs(1)).await,
                answer => return answer,
            }
        }
    }

    async fn once(&self, batch: Batch) -> Result<Written, JournalError> {
        match self.writer.send(WriteBatch(batch)).await {
            Ok(answer) => answer,
            Err(gone) => Err(JournalError::Unavailable(format!("the ledger writer is gone: {gone}"))),
        }
    }
}

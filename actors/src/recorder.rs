//! How an actor writes: through the ledger writer, in the epoch that is held.
//!
//! What a way out needs goes to a file of this process when the ledger does not answer (see [`Spool`]): the intent of an
//! order that reduces, what became of any order, and where a hedge comes to rest. Never the intent of an entry. What is
//! kept there is written to the ledger when it is back, oldest first, before anything is entered.
//!
//! People are told of what waits for them by its outbox, which is of no use while the ledger is away: what is critical goes past
//! it then, and comes once more when the ledger is back.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, Severity};
use domain::crash::{self, Point};
use domain::journal::{Batch, JournalError, Record, Written};
use domain::order::Epoch;
use domain::ports::{Clock, Spool};
use domain::time::Timestamp;

use crate::messages::{BackFill, TellNow, WriteBatch};

/// Tries of a write that must succeed or be refused; about three seconds.
const TRIES: u32 = 6;
/// How long a way out waits for the ledger before it turns to the file.
const EXIT_PATIENCE: Duration = Duration::from_secs(1);
/// How long something critical waits for the ledger before people are told past it.
const LOUD_AFTER: Duration = Duration::from_secs(2);

/// The file beside the ledger, and the way back from it.
struct Beside {
    spool: Rc<dyn Spool>,
    back_fill: Recipient<BackFill>,
    /// Whether the file holds anything that the ledger may lack.
    keeping: Cell<bool>,
    filling: Cell<bool>,
}

/// A pen. Clones share the epoch.
#[derive(Clone)]
pub struct Recorder {
    writer: Recipient<WriteBatch>,
    clock: Rc<dyn Clock>,
    epoch: Rc<Cell<Epoch>>,
    beside: Option<Rc<Beside>>,
    /// Tells people past the ledger; known once the one who does it is there.
    loud: Rc<OnceCell<Recipient<TellNow>>>,
}

impl Recorder {
    /// A pen in epoch 0, which the ledger takes only while nobody holds the lease.
    pub fn new(writer: Recipient<WriteBatch>, clock: Rc<dyn Clock>) -> Self {
        Self {
            writer,
            clock,
            epoch: Rc::new(Cell::new(Epoch(0))),
            beside: None,
            loud: Rc::default(),
        }
    }

    /// The same pen with a file to turn to.
    #[must_use]
    pub fn beside(mut self, spool: Rc<dyn Spool>, back_fill: Recipient<BackFill>) -> Self {
        self.beside = Some(Rc::new(Beside {
            spool,
            back_fill,
            keeping: Cell::new(false),
            filling: Cell::new(false),
        }));
        self
    }

    /// From now on what is critical goes to `tell` where the ledger does not take it in time. The first one counts.
    pub fn loud(&self, tell: Recipient<TellNow>) {
        let _ = self.loud.set(tell);
    }

    /// Tells people what is critical in a batch, past the ledger.
    fn tell_past(&self, batch: &Batch) {
        let Some(tell) = self.loud.get() else { return };
        for alert in critical(batch).cloned() {
            let _ = tell.try_send(TellNow { alert, at: batch.at }); // a full mailbox: the ledger tells it later
        }
    }

    /// Writes, and tells people meanwhile what is critical if it takes long.
    async fn or_loudly<T>(
        &self,
        batch: &Batch,
        writing: impl Future<Output = Result<T, JournalError>>,
    ) -> Result<T, JournalError> {
        if critical(batch).next().is_none() {
            return writing.await;
        }
        let mut writing = std::pin::pin!(writing);
        if let Ok(answer) = tokio::time::timeout(LOUD_AFTER, &mut writing).await {
            return answer;
        }
        self.tell_past(batch);
        writing.await
    }

    /// Whether there are rows that wait outside of the ledger: nothing is entered then.
    pub fn is_keeping(&self) -> bool {
        self.beside.as_ref().is_some_and(|beside| beside.keeping.get())
    }

    /// Prolongs the lease beside the ledger, where that is possible.
    ///
    /// # Errors
    /// When it is not.
    pub fn extend_lease(&self, holder: &str, until: Timestamp) -> Result<(), JournalError> {
        let none = || JournalError::Refused("there is no file beside the ledger".to_owned());
        let beside = self.beside.as_ref().ok_or_else(none)?;
        beside.spool.extend_lease(holder, until)
    }

    /// Writes what a way out needs before its order: to the ledger if it answers soon, else to the file.
    ///
    /// # Errors
    /// When neither takes it, when there is a newer executor, or when the ledger refuses.
    pub async fn write_way_out(&self, records: Vec<Record>) -> Result<(), JournalError> {
        let batch = self.stamp(records);
        match self.soon_or_beside(&batch).await {
            Some(answer) => answer,
            None => self.or_loudly(&batch, self.repeat(&batch)).await.map(drop),
        }
    }

    /// Writes what has become of an order or a hedge, which must not be lost: as [`Self::write_way_out`], and where
    /// there is no file, for as long as it takes.
    ///
    /// # Errors
    /// When the ledger has a newer executor, or refuses.
    pub async fn insist_way_out(&self, records: Vec<Record>) -> Result<(), JournalError> {
        let batch = self.stamp(records);
        match self.soon_or_beside(&batch).await {
            Some(answer) => answer,
            None => self.or_loudly(&batch, self.insist_batch(&batch)).await.map(drop),
        }
    }

    /// `None` when neither the ledger nor the file has taken it yet. A batch that the ledger takes later, after all, is
    /// recognised when it comes from the file.
    async fn soon_or_beside(&self, batch: &Batch) -> Option<Result<(), JournalError>> {
        let beside = self.beside.as_ref()?;
        if !beside.keeping.get() {
            match tokio::time::timeout(EXIT_PATIENCE, self.once(batch.clone())).await {
                Ok(Err(JournalError::Unavailable(_))) | Err(_) => {}
                Ok(answer) => return Some(answer.map(drop)),
            }
        }
        crash::point(Point::SpoolBeforeKeep);
        beside.spool.keep(batch).ok()?;
        crash::point(Point::SpoolKept);
        beside.keeping.set(true);
        self.tell_past(batch);
        Some(Ok(()))
    }

    /// Writes to the ledger what the file has kept, in order, and empties the file once the ledger has all of it.
    /// Answers how many batches that were.
    ///
    /// # Errors
    /// When the ledger is still away, or refuses; or when the file cannot be read. Nothing is lost then.
    pub async fn back_fill(&self) -> Result<usize, JournalError> {
        let Some(beside) = self.beside.as_ref().filter(|beside| !beside.filling.replace(true)) else {
            return Ok(0);
        };
        let filled = self.fill_from(beside).await;
        beside.filling.set(false);
        filled
    }

    async fn fill_from(&self, beside: &Beside) -> Result<usize, JournalError> {
        let mut written = 0;
        loop {
            let kept = beside.spool.kept()?;
            beside.keeping.set(!kept.is_empty());
            if kept.is_empty() {
                return Ok(0);
            }
            if kept.len() == written {
                crash::point(Point::SpoolBeforeForget);
                beside.spool.forget()?;
                crash::point(Point::SpoolForgotten);
                beside.keeping.set(false);
                return Ok(written);
            }
            // More may come while these are written: then the file is read again.
            for batch in kept.into_iter().skip(written) {
                let epoch = self.epoch.get();
                crash::point(Point::FillBackBefore);
                let sent = beside.back_fill.send(BackFill { epoch, batch }).await;
                crash::point(Point::FillBackWritten);
                sent.map_err(|gone| JournalError::Unavailable(format!("the ledger writer is gone: {gone}")))??;
                written += 1;
            }
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
        let batch = self.stamp(records);
        self.or_loudly(&batch, self.repeat(&batch)).await
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
        self.or_loudly(&batch, self.insist_batch(&batch)).await
    }

    async fn insist_batch(&self, batch: &Batch) -> Result<Written, JournalError> {
        loop {
            match self.repeat(batch).await {
                Err(JournalError::Unavailable(_)) => tokio::time::sleep(Duration::from_secs(1)).await,
                answer => return answer,
            }
        }
    }

    async fn once(&self, batch: Batch) -> Result<Written, JournalError> {
        crash::point(Point::WriteBeforeAsk);
        let answer = self.writer.send(WriteBatch(batch)).await;
        crash::point(Point::WriteAnswered);
        match answer {
            Ok(answer) => answer,
            Err(gone) => Err(JournalError::Unavailable(format!("the ledger writer is gone: {gone}"))),
        }
    }
}

/// What of a batch would wake somebody.
fn critical(batch: &Batch) -> impl Iterator<Item = &Alert> {
    batch.records.iter().filter_map(|record| match record {
        Record::Alert(alert) if alert.name.severity() == Severity::Critical => Some(alert),
        _ => None,
    })
}

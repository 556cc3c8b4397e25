//! The database as another process: what was asked of it happens also when the asker dies, and it can be away, slow, or
//! lose an answer. Beside it lies the file that keeps ways out.

use std::cell::{Cell, RefCell, RefMut};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use domain::journal::{Batch, JournalError, LedgerState, PendingAlert, Written};
use domain::lease::Claim;
use domain::order::Epoch;
use domain::ports::{Answer, Clock, Journal, Spool};
use domain::time::Timestamp;

use super::outside::Outside;
use crate::witness::Witness;

/// How the database is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ailment {
    /// It answers.
    #[default]
    None,
    /// It refuses every call.
    Away,
    /// It takes this long for every call.
    Slow(Duration),
    /// It does what it is asked and the answer is lost.
    AnswersLost,
}

/// Outlives every life of the engine.
pub struct Database {
    outside: Outside,
    witness: Witness,
    clock: Rc<dyn Clock>,
    ailment: Cell<Ailment>,
    kept: RefCell<Vec<Batch>>,
    /// The process that has the file beside the ledger open.
    keeper: Cell<Option<u32>>,
    /// A lease that was prolonged beside the ledger.
    extended: RefCell<Option<(String, Timestamp)>>,
}

impl Database {
    /// A database that answers.
    pub fn new(outside: Outside, witness: Witness, clock: Rc<dyn Clock>) -> Self {
        Self {
            outside,
            witness,
            clock,
            ailment: Cell::default(),
            kept: RefCell::default(),
            keeper: Cell::default(),
            extended: RefCell::default(),
        }
    }

    /// Makes it ill or well.
    pub fn ail(&self, ailment: Ailment) {
        self.ailment.set(ailment);
    }

    /// A process has ended: its file is unlocked.
    pub fn forget(&self, process: u32) {
        if self.keeper.get() == Some(process) {
            self.keeper.set(None);
        }
    }

    /// Whether no rows wait beside the ledger.
    pub fn keeps_nothing(&self) -> bool {
        self.kept.borrow().is_empty()
    }

    async fn call<T: 'static>(
        &self,
        work: impl Future<Output = Result<T, JournalError>> + 'static,
    ) -> Result<T, JournalError> {
        let lost = || JournalError::Unavailable("no answer".to_owned());
        match self.ailment.get() {
            Ailment::None => self.outside.ask(work).await.ok_or_else(lost)?,
            Ailment::Away => Err(JournalError::Unavailable("no connection".to_owned())),
            Ailment::Slow(pause) => {
                let late = async move {
                    tokio::time::sleep(pause).await;
                    work.await
                };
                self.outside.ask(late).await.ok_or_else(lost)?
            }
            Ailment::AnswersLost => {
                self.outside.ask(work).await;
                Err(lost())
            }
        }
    }

    /// Until when somebody else has prolonged his lease beside the ledger.
    fn prolonged_by_another(&self, claimant: &str) -> Option<Timestamp> {
        let extended = self.extended.borrow();
        let (holder, until) = extended.as_ref()?;
        (holder != claimant && *until > self.clock.now().market).then_some(*until)
    }
}

/// The database as one process reaches it.
pub struct Reached {
    database: Rc<Database>,
    journal: Rc<dyn Journal>,
    process: u32,
}

impl Reached {
    /// By this life; `journal` is what answers when the database does.
    pub const fn new(database: Rc<Database>, journal: Rc<dyn Journal>, process: u32) -> Self {
        Self {
            database,
            journal,
            process,
        }
    }

    fn journal(&self) -> Rc<dyn Journal> {
        Rc::clone(&self.journal)
    }

    /// What is kept, unless another process has the file open.
    fn file(&self) -> Result<RefMut<'_, Vec<Batch>>, JournalError> {
        let keeper = self.database.keeper.get().unwrap_or(self.process);
        if keeper != self.process {
            return Err(JournalError::Unavailable(
                "another process has the file open".to_owned(),
            ));
        }
        self.database.keeper.set(Some(self.process));
        Ok(self.database.kept.borrow_mut())
    }
}

impl Journal for Reached {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        let journal = self.journal();
        Box::pin(self.database.call(async move { journal.write(batch).await }))
    }

    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        let journal = self.journal();
        Box::pin(self.database.call(async move { journal.back_fill(epoch, batch).await }))
    }

    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
        let journal = self.journal();
        Box::pin(async move {
            let state = self.database.call(async move { journal.load().await }).await?;
            self.database
                .witness
                .loaded(self.process, self.database.clock.now().market);
            Ok(state)
        })
    }

    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        let (journal, name) = (self.journal(), holder.to_owned());
        Box::pin(async move {
            if let Some(until) = self.database.prolonged_by_another(holder) {
                return Ok(Claim::Wait(until));
            }
            let claimed = async move { journal.claim_lease(&name, now, term_ms).await };
            self.database.call(claimed).await
        })
    }

    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        let (journal, name) = (self.journal(), holder.to_owned());
        Box::pin(
            self.database
                .call(async move { journal.renew_lease(&name, epoch, expires_at).await }),
        )
    }

    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
        let (journal, name) = (self.journal(), holder.to_owned());
        Box::pin(
            self.database
                .call(async move { journal.release_lease(&name, epoch).await }),
        )
    }

    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
        let journal = self.journal();
        Box::pin(self.database.call(async move { journal.pending_alerts(limit).await }))
    }
}

impl Spool for Reached {
    fn keep(&self, batch: &Batch) -> Result<(), JournalError> {
        self.file()?.push(batch.clone());
        self.database.witness.kept(batch, self.database.clock.now().market);
        Ok(())
    }

    fn kept(&self) -> Result<Vec<Batch>, JournalError> {
        Ok(self.file()?.clone())
    }

    fn forget(&self) -> Result<(), JournalError> {
        self.file()?.clear();
        Ok(())
    }

    fn extend_lease(&self, holder: &str, until: Timestamp) -> Result<(), JournalError> {
        *self.database.extended.borrow_mut() = Some((holder.to_owned(), until));
        self.database
            .witness
            .prolonged(self.process, until, self.database.clock.now().market);
        Ok(())
    }
}

//! A journal with something around it: what is not tapped goes through.

use std::rc::Rc;

use domain::journal::{Batch, JournalError, LedgerState, PendingAlert, Written};
use domain::lease::Claim;
use domain::order::Epoch;
use domain::ports::{Answer, Journal};
use domain::time::Timestamp;

/// What is done around a journal. Each call that is left out goes through.
pub trait Tap {
    /// Around [`Journal::write`].
    fn write<'a>(&'a self, journal: &'a dyn Journal, batch: Batch) -> Answer<'a, Result<Written, JournalError>> {
        journal.write(batch)
    }

    /// Around [`Journal::back_fill`].
    fn back_fill<'a>(
        &'a self,
        journal: &'a dyn Journal,
        epoch: Epoch,
        batch: Batch,
    ) -> Answer<'a, Result<Written, JournalError>> {
        journal.back_fill(epoch, batch)
    }

    /// Around [`Journal::load`].
    fn load<'a>(&'a self, journal: &'a dyn Journal) -> Answer<'a, Result<LedgerState, JournalError>> {
        journal.load()
    }

    /// Around [`Journal::claim_lease`].
    fn claim_lease<'a>(
        &'a self,
        journal: &'a dyn Journal,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        journal.claim_lease(holder, now, term_ms)
    }

    /// Around [`Journal::renew_lease`].
    fn renew_lease<'a>(
        &'a self,
        journal: &'a dyn Journal,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        journal.renew_lease(holder, epoch, expires_at)
    }
}

/// A journal and what is done around it.
pub struct Tapped<T> {
    /// The journal.
    pub journal: Rc<dyn Journal>,
    /// What is done.
    pub tap: T,
}

impl<T: Tap> Journal for Tapped<T> {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        self.tap.write(self.journal.as_ref(), batch)
    }

    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        self.tap.back_fill(self.journal.as_ref(), epoch, batch)
    }

    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
        self.tap.load(self.journal.as_ref())
    }

    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        self.tap.claim_lease(self.journal.as_ref(), holder, now, term_ms)
    }

    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        self.tap.renew_lease(self.journal.as_ref(), holder, epoch, expires_at)
    }

    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
        self.journal.release_lease(holder, epoch)
    }

    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
        self.journal.pending_alerts(limit)
    }
}

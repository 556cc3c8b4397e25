//! A journal whose commits are witnessed.

use std::rc::Rc;

use domain::journal::{Batch, JournalError, Written};
use domain::lease::Claim;
use domain::order::Epoch;
use domain::ports::{Answer, Journal};
use domain::time::Timestamp;

use super::Witness;
use super::tapped::{Tap, Tapped};

/// A journal whose commits are witnessed.
pub type Watched = Tapped<Witness>;

impl Watched {
    /// Stands around a journal.
    pub fn new(journal: impl Journal + 'static, witness: Witness) -> Self {
        Self {
            journal: Rc::new(journal),
            tap: witness,
        }
    }
}

impl Tap for Witness {
    fn write<'a>(&'a self, journal: &'a dyn Journal, batch: Batch) -> Answer<'a, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = journal.write(batch.clone()).await?;
            self.ledger(&batch, written, batch.epoch);
            Ok(written)
        })
    }

    fn back_fill<'a>(
        &'a self,
        journal: &'a dyn Journal,
        epoch: Epoch,
        batch: Batch,
    ) -> Answer<'a, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = journal.back_fill(epoch, batch.clone()).await?;
            self.ledger(&batch, written, epoch);
            Ok(written)
        })
    }

    fn claim_lease<'a>(
        &'a self,
        journal: &'a dyn Journal,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        Box::pin(async move {
            let claim = journal.claim_lease(holder, now, term_ms).await?;
            if let Claim::Take(row) = &claim {
                self.leads(holder, row.epoch, row.expires_at, now);
            }
            Ok(claim)
        })
    }

    fn renew_lease<'a>(
        &'a self,
        journal: &'a dyn Journal,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        Box::pin(async move {
            journal.renew_lease(holder, epoch, expires_at).await?;
            self.goes_on(holder, epoch, expires_at);
            Ok(())
        })
    }
}

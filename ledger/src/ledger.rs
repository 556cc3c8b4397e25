//! The ledger as the engine sees it.

use std::sync::Arc;

use domain::journal::{Batch, JournalError, LedgerState, PendingAlert, Written};
use domain::lease::{Claim, LeaseRow};
use domain::order::{Epoch, HedgeId};
use domain::ports::{Answer, Journal};
use domain::time::Timestamp;
use serde_json::Value;

use crate::dump::Table;
use crate::evidence::{HedgeEvidence, HedgeRows};
use crate::fault::Fault;
use crate::presence::Presence;
use crate::proof::{self, Evidence, VerifyReport};
use crate::spool::ExitSpool;
use crate::store::{Store, on_store};
use crate::views::{Page, PageOf, PauseView};

/// The most rows that a page holds.
const LONGEST_PAGE: usize = 1_000;

/// The durable record. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    tag: String,
    /// Only beside a file.
    presence: Option<Arc<Presence>>,
}

impl Ledger {
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn new(store: Store, tag: String, presence: Option<Presence>) -> Self {
        Self {
            store,
            tag,
            presence: presence.map(Arc::new),
        }
    }

    /// The ledger's own tag in client order ids.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The file in `folder` that keeps ways out while this ledger is away. Nothing is opened before it is used. `sole` is
    /// the owner's word that no other process uses this ledger.
    pub fn spool(&self, folder: &std::path::Path, sole: bool) -> ExitSpool {
        let path = folder.join(format!("exits-{}.wal", self.tag));
        ExitSpool::new(path, self.presence.clone(), sole)
    }

    /// One page of a list, the newest row first: rows before `cursor`, at most `limit` (and at most 1000).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn page(&self, table: Page, cursor: Option<i64>, limit: usize) -> Result<PageOf<Value>, JournalError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let further = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let before = cursor.unwrap_or(i64::MAX);
        let rows = self.rows(table, before, further).await.map_err(|Fault(error)| error)?;
        Ok(PageOf::cut(rows, limit))
    }

    /// Why entries are stopped, by whose wish and since when; the oldest reason first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn pauses(&self) -> Result<Vec<PauseView>, JournalError> {
        self.pauses_in_force().await.map_err(|Fault(error)| error)
    }

    /// Who holds the lease, or held it last; `None` in a ledger that nobody ever led.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn lease(&self) -> Result<Option<LeaseRow>, JournalError> {
        let row = self.lease_row().await.map_err(|Fault(error)| error)?;
        // The row is made with the schema; before the first leader it names nobody.
        Ok(row.filter(|row| !row.holder.is_empty()))
    }

    /// Proves from the rows alone that they belong together. Needs no venue, and changes nothing.
    ///
    /// # Errors
    /// When the ledger cannot be read; what differs is no error but in the report.
    pub async fn verify(&self) -> Result<VerifyReport, JournalError> {
        let evidence = self.evidence().await.map_err(|Fault(error)| error)?;
        proof::judge(&evidence).map_err(|Fault(error)| error)
    }

    async fn lease_row(&self) -> Result<Option<LeaseRow>, Fault> {
        on_store!(&self.store, load::lease())
    }

    /// Every table whole, as one state of the whole, rows in the order of their key.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn export(&self) -> Result<Vec<Table>, JournalError> {
        self.tables().await.map_err(|Fault(error)| error)
    }

    /// Everything about one hedge, its sums computed again from its rows; `None` when there is no such hedge.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn hedge_evidence(&self, hedge: HedgeId) -> Result<Option<HedgeEvidence>, JournalError> {
        let rows = self.hedge_rows(hedge).await.map_err(|Fault(error)| error)?;
        let weighed = rows.map(HedgeRows::weigh).transpose();
        weighed.map_err(|Fault(error)| error)
    }

    async fn tables(&self) -> Result<Vec<Table>, Fault> {
        on_store!(&self.store, export::tables())
    }

    async fn hedge_rows(&self, hedge: HedgeId) -> Result<Option<HedgeRows>, Fault> {
        let Ok(id) = i64::try_from(hedge.0) else {
            return Ok(None);
        };
        on_store!(&self.store, evidence::hedge(id))
    }

    async fn rows(&self, page: Page, before: i64, limit: i64) -> Result<Vec<(i64, Value)>, Fault> {
        on_store!(&self.store, page::read(page, before, limit))
    }

    async fn pauses_in_force(&self) -> Result<Vec<PauseView>, Fault> {
        on_store!(&self.store, load::pauses())
    }

    async fn evidence(&self) -> Result<Evidence, Fault> {
        on_store!(&self.store, verify::evidence())
    }

    async fn write_batch(&self, batch: &Batch, leads: Epoch) -> Result<Written, Fault> {
        on_store!(&self.store, write::batch(batch, leads, &self.tag))
    }

    async fn state(&self) -> Result<LedgerState, Fault> {
        on_store!(&self.store, load::state(&self.tag))
    }

    async fn claim(&self, holder: &str, now: Timestamp, term_ms: i64) -> Result<Claim, Fault> {
        let dead = self
            .presence
            .as_ref()
            .map(|presence| presence.take())
            .transpose()?
            .flatten();
        if let Some(until) = self.presence.as_ref().and_then(|presence| presence.extended())
            && until > now
        {
            return Ok(Claim::Wait(until));
        }
        let claim = on_store!(&self.store, lease::claim(holder, now, term_ms, dead.as_deref()))?;
        if let Some(presence) = &self.presence {
            match claim {
                Claim::Take(_) => presence.sign(holder)?,
                Claim::Wait(_) => presence.leave(holder),
            }
        }
        Ok(claim)
    }

    async fn renew(&self, holder: &str, epoch: Epoch, expires_at: Timestamp) -> Result<(), Fault> {
        on_store!(&self.store, lease::renew(holder, epoch, expires_at))?;
        // Whoever followed a frozen holder gets the lock when that one ends.
        if let Some(presence) = &self.presence {
            presence.take()?;
            presence.sign(holder)?;
        }
        Ok(())
    }

    async fn release(&self, holder: &str, epoch: Epoch) -> Result<(), Fault> {
        on_store!(&self.store, lease::release(holder, epoch))?;
        if let Some(presence) = &self.presence {
            presence.leave(holder);
        }
        Ok(())
    }

    async fn pending(&self, limit: i64) -> Result<Vec<PendingAlert>, Fault> {
        on_store!(&self.store, outbox::pending(limit))
    }
}

fn answer<'a, T>(work: impl Future<Output = Result<T, Fault>> + 'a) -> Answer<'a, Result<T, JournalError>> {
    Box::pin(async move { work.await.map_err(|Fault(error)| error) })
}

impl Journal for Ledger {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        answer(async move { self.write_batch(&batch, batch.epoch).await })
    }

    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        answer(async move { self.write_batch(&batch, epoch).await })
    }

    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
        answer(self.state())
    }

    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        answer(self.claim(holder, now, term_ms))
    }

    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        answer(self.renew(holder, epoch, expires_at))
    }

    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
        answer(self.release(holder, epoch))
    }

    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
        answer(self.pending(i64::try_from(limit).unwrap_or(i64::MAX)))
    }
}

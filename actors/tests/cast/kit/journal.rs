//! A ledger in memory that keeps the promises of the real one, and can be told to be in trouble.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::accounting::{CashAccount, Opening};
use domain::hedge::{HedgeRow, HedgeState};
use domain::instrument::InstrumentId;
use domain::journal::{Batch, JournalError, LedgerState, OrderRow, PendingAlert, Record, Written};
use domain::lease::{Claim, LeaseRow, claim};
use domain::order::{ClientOrderId, Epoch, Fill, HedgeId, OrderState};
use domain::pause::PauseReason;
use domain::ports::{Answer, Journal, Spool};
use domain::time::Timestamp;

use super::probes::{Event, Events};

/// What ails the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Nothing is answered but errors.
    Down,
    /// Nothing is answered but errors, each after this long.
    Locked(Duration),
    /// Each write takes this long.
    Slow(Duration),
    /// Each write of an order takes this long.
    SlowOrders(Duration),
    /// Orders take this long to become durable, but for the very first.
    SlowLaterOrders(Duration),
    /// Each write of an order is taken, and the answer is an error.
    OrdersUnanswered,
    /// Each write is refused.
    Refuses,
    /// A newer executor exists.
    Fenced,
    /// A bug.
    Panics,
}

#[derive(Default)]
pub struct Rows {
    pub hedges: BTreeMap<HedgeId, HedgeRow>,
    pub orders: BTreeMap<ClientOrderId, OrderRow>,
    pub fills: BTreeMap<(InstrumentId, String), Fill>,
    pub openings: BTreeMap<CashAccount, Opening>,
    pub pauses: BTreeMap<String, PauseReason>,
    pub paused_by: BTreeMap<String, (String, Timestamp)>,
    pub alerts: Vec<PendingAlert>,
    pub delivered: BTreeSet<i64>,
    pub lease: Option<LeaseRow>,
    /// When the last clean comparison was kept.
    pub agreed: Option<Timestamp>,
    /// Every record that was taken, replays included.
    pub records: Vec<Record>,
}

pub struct MemJournal {
    pub rows: RefCell<Rows>,
    pub trouble: Cell<Trouble>,
    events: Events,
}

impl MemJournal {
    pub fn new(events: Events) -> Self {
        Self {
            rows: RefCell::default(),
            trouble: Cell::new(Trouble::None),
            events,
        }
    }

    pub fn is_paused(&self, key: &str) -> bool {
        self.rows.borrow().pauses.contains_key(key)
    }

    /// How many kept records are like this.
    pub fn count(&self, like: impl Fn(&Record) -> bool) -> usize {
        self.rows.borrow().records.iter().filter(|record| like(record)).count()
    }

    /// The inputs of every intent, in order.
    pub fn intents(&self) -> Vec<serde_json::Value> {
        let inputs = |record: &Record| match record {
            Record::Intent { inputs, .. } => serde_json::from_str(inputs).ok(),
            _ => None,
        };
        self.rows.borrow().records.iter().filter_map(inputs).collect()
    }

    pub fn alerts_with(&self, words: &str) -> usize {
        self.count(|record| matches!(record, Record::Alert(alert) if alert.text.contains(words)))
    }

    pub fn alerts_named(&self, name: domain::alert::AlertName) -> usize {
        self.count(|record| matches!(record, Record::Alert(alert) if alert.name == name))
    }

    async fn suffer(&self, has_order: bool) -> Result<(), JournalError> {
        match self.trouble.get() {
            Trouble::Down => Err(JournalError::Unavailable("the disk is gone".to_owned())),
            Trouble::Refuses => Err(JournalError::Refused("it does not like it".to_owned())),
            Trouble::Fenced => Err(JournalError::Fenced { ours: 1, newest: 2 }),
            Trouble::Panics => panic!("the journal is broken"),
            Trouble::Locked(wait) => {
                tokio::time::sleep(wait).await;
                Err(JournalError::Unavailable("database is locked".to_owned()))
            }
            Trouble::Slow(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Trouble::SlowOrders(wait) if has_order => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Trouble::SlowLaterOrders(wait) if has_order && !self.rows.borrow().orders.is_empty() => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Trouble::SlowOrders(_) | Trouble::SlowLaterOrders(_) | Trouble::OrdersUnanswered | Trouble::None => Ok(()),
        }
    }

    fn take(&self, record: &Record, at: Timestamp) {
        let mut rows = self.rows.borrow_mut();
        rows.records.push(record.clone());
        match record.clone() {
            Record::Hedge { row, .. } => drop(rows.hedges.insert(row.id, row)),
            Record::Order(ticket) => {
                self.events.push(Event::Durable(ticket.client_id.clone()));
                let row = OrderRow {
                    ticket,
                    state: OrderState::Recorded,
                    venue_order_id: None,
                    recorded_at: at,
                };
                rows.orders.entry(row.ticket.client_id.clone()).or_insert(row);
            }
            Record::OrderMoved {
                client_id,
                state,
                venue_order_id,
                ..
            } => {
                let row = rows
                    .orders
                    .get_mut(&client_id)
                    .expect("an order is recorded before it moves");
                row.state = state;
                row.venue_order_id = venue_order_id.or_else(|| row.venue_order_id.take());
            }
            Record::Fill(fill) => {
                rows.fills
                    .entry((fill.instrument.clone(), fill.trade_id.clone()))
                    .or_insert(fill);
            }
            Record::Opening(opening) => {
                rows.openings.entry(opening.account.clone()).or_insert(opening);
            }
            Record::Paused { reason, by } => {
                rows.paused_by.insert(reason.key(), (by, at));
                rows.pauses.insert(reason.key(), reason);
            }
            Record::Unpaused { key, .. } => drop(rows.pauses.remove(&key)),
            Record::Alert(alert) => {
                let id = i64::try_from(rows.alerts.len()).unwrap() + 1;
                rows.alerts.push(PendingAlert { id, alert, at });
            }
            Record::Snapshot { .. } => rows.agreed = Some(at),
            Record::AlertDelivered { id } => drop(rows.delivered.insert(id)),
            _ => {}
        }
    }

    fn state(&self) -> LedgerState {
        let rows = self.rows.borrow();
        let hedges: Vec<_> = rows
            .hedges
            .values()
            .filter(|row| row.state != HedgeState::Closed)
            .cloned()
            .collect();
        let known = |row: &&OrderRow| !row.state.is_terminal() || hedges.iter().any(|one| one.id == row.ticket.hedge);
        LedgerState {
            tag: "test".to_owned(),
            orders: rows.orders.values().filter(known).cloned().collect(),
            fills: rows.fills.values().cloned().collect(),
            openings: rows.openings.values().cloned().collect(),
            pauses: rows.pauses.values().cloned().collect(),
            paused_by: rows.paused_by.clone(),
            last_hedge: rows.hedges.keys().next_back().map_or(0, |id| id.0),
            closed: rows
                .hedges
                .values()
                .filter(|row| row.state == HedgeState::Closed)
                .map(|row| {
                    let own = |order: &&OrderRow| order.ticket.hedge == row.id;
                    let names = rows
                        .orders
                        .values()
                        .filter(own)
                        .map(|order| order.ticket.client_id.clone());
                    (row.clone(), names.collect())
                })
                .collect(),
            funding: Vec::new(),
            reconciled_at: rows.agreed,
            hedges,
        }
    }
}

/// A file in memory that outlives the process.
#[derive(Default)]
pub struct MemSpool {
    pub batches: RefCell<Vec<Batch>>,
    /// Whether the lease can be prolonged beside the ledger.
    pub extends: Cell<bool>,
    /// Batches that were ever kept.
    pub kept: Cell<usize>,
}

impl Spool for MemSpool {
    fn keep(&self, batch: &Batch) -> Result<(), JournalError> {
        self.kept.set(self.kept.get() + 1);
        self.batches.borrow_mut().push(batch.clone());
        Ok(())
    }

    fn kept(&self) -> Result<Vec<Batch>, JournalError> {
        Ok(self.batches.borrow().clone())
    }

    fn forget(&self) -> Result<(), JournalError> {
        self.batches.borrow_mut().clear();
        Ok(())
    }

    fn extend_lease(&self, _: &str, _: Timestamp) -> Result<(), JournalError> {
        let refused = || JournalError::Refused("nowhere".to_owned());
        self.extends.get().then_some(()).ok_or_else(refused)
    }
}

impl Journal for MemJournal {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        Box::pin(async move {
            let has_order = batch.records.iter().any(|one| matches!(one, Record::Order(_)));
            self.suffer(has_order).await?;
            let newest = self.rows.borrow().lease.as_ref().map_or(0, |row| row.epoch.0);
            if batch.epoch.0 < newest {
                return Err(JournalError::Fenced {
                    ours: batch.epoch.0,
                    newest,
                });
            }
            // As the ledger does: an order moves where there is one, and a batch is taken whole or not at all.
            let is_new = |id: &ClientOrderId| {
                let names = |one: &Record| matches!(one, Record::Order(ticket) if ticket.client_id == *id);
                batch.records.iter().any(names)
            };
            for record in &batch.records {
                if let Record::OrderMoved { client_id, .. } = record
                    && !is_new(client_id)
                    && !self.rows.borrow().orders.contains_key(client_id)
                {
                    return Err(JournalError::Refused(format!("there is no order {client_id}")));
                }
            }
            for record in &batch.records {
                self.take(record, batch.at);
            }
            if has_order && matches!(self.trouble.get(), Trouble::OrdersUnanswered) {
                return Err(JournalError::Unavailable(
                    "the connection ended at the commit".to_owned(),
                ));
            }
            Ok(Written::default())
        })
    }

    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        self.write(Batch { epoch, ..batch })
    }

    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
        Box::pin(async move {
            self.suffer(false).await?;
            Ok(self.state())
        })
    }

    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        Box::pin(async move {
            self.suffer(false).await?;
            let verdict = claim(self.rows.borrow().lease.as_ref(), holder, now, term_ms, None);
            if let Claim::Take(row) = &verdict {
                self.rows.borrow_mut().lease = Some(row.clone());
            }
            Ok(verdict)
        })
    }

    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        Box::pin(async move {
            self.suffer(false).await?;
            let mut rows = self.rows.borrow_mut();
            match rows.lease.as_mut() {
                Some(row) if row.epoch == epoch && row.holder == holder => {
                    row.expires_at = expires_at;
                    Ok(())
                }
                other => Err(JournalError::Fenced {
                    ours: epoch.0,
                    newest: other.map_or(0, |row| row.epoch.0),
                }),
            }
        })
    }

    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
        Box::pin(async move {
            self.suffer(false).await?;
            if let Some(row) = self.rows.borrow_mut().lease.as_mut()
                && row.holder == holder
                && row.epoch == epoch
            {
                row.holder.clear();
            }
            Ok(())
        })
    }

    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
        Box::pin(async move {
            self.suffer(false).await?;
            let rows = self.rows.borrow();
            let waiting = rows.alerts.iter().filter(|alert| !rows.delivered.contains(&alert.id));
            Ok(waiting.take(limit).cloned().collect())
        })
    }
}

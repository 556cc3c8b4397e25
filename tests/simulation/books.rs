//! Bugs and bad luck in what is kept: decorators around the journal and the account.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::instrument::{FeeRates, InstrumentId};
use domain::journal::{Batch, JournalError, LedgerState, PendingAlert, Record, Written};
use domain::lease::Claim;
use domain::money::{Price, Usd};
use domain::order::Epoch;
use domain::ports::{AccountView, Answer, Journal, VenueError};
use domain::position::{AccountTruth, Balance, Wallet};
use domain::time::Timestamp;
use funding_arb::world::Tamper;
use rust_decimal::Decimal;
use tokio::sync::Mutex;

use crate::wire::Struck;

/// What is wrong with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookBug {
    /// Executions are not kept.
    FillDropped,
    /// Executions are kept a second time under another id.
    FillTwice,
    /// Fees are not kept.
    FeeForgotten,
    /// Prices are kept with two decimals.
    PriceRounded,
    /// Funding rows are not kept.
    FundingDropped,
    /// Funding rows are kept a second time under another id.
    FundingTwice,
    /// Funding is kept with the wrong sign.
    FundingSignFlipped,
    /// Orders are not kept.
    IntentDropped,
    /// A batch with an order is acknowledged before it is durable.
    IntentLate,
    /// What the wallets of perpetuals held at first is not kept.
    OpeningDropped,
}

/// Plants a bug in the journal.
pub fn plant(bug: BookBug, struck: &Struck) -> Tamper {
    let struck = Arc::clone(struck);
    Rc::new(move |venues, journal| {
        let faulty = Faulty {
            journal,
            bug,
            turn: Arc::new(Mutex::new(())),
            struck: Arc::clone(&struck),
        };
        (venues, Rc::new(faulty))
    })
}

struct Faulty {
    journal: Rc<dyn Journal>,
    bug: BookBug,
    /// Keeps the order of batches while one of them is late.
    turn: Arc<Mutex<()>>,
    struck: Struck,
}

impl Faulty {
    fn strike(&self) {
        self.struck.fetch_add(1, Ordering::Relaxed);
    }

    /// What is kept instead of a record.
    fn spoilt(&self, record: &Record) -> Option<Vec<Record>> {
        Some(match (self.bug, record) {
            (BookBug::FillDropped, Record::Fill(_))
            | (BookBug::FundingDropped, Record::Funding(_))
            | (BookBug::IntentDropped, Record::Order(_)) => Vec::new(),
            (BookBug::FillTwice, Record::Fill(fill)) => {
                let mut again = fill.clone();
                again.trade_id.push_str("9999");
                vec![record.clone(), Record::Fill(again)]
            }
            (BookBug::FeeForgotten, Record::Fill(fill)) => {
                let mut free = fill.clone();
                free.fee = Decimal::ZERO;
                vec![Record::Fill(free)]
            }
            (BookBug::PriceRounded, Record::Fill(fill)) => {
                let mut rounded = fill.clone();
                rounded.price = Price(fill.price.0.round_dp(2));
                vec![Record::Fill(rounded)]
            }
            (BookBug::FundingTwice, Record::Funding(payment)) => {
                let mut again = payment.clone();
                again.id.insert_str(0, "9999");
                vec![record.clone(), Record::Funding(again)]
            }
            (BookBug::FundingSignFlipped, Record::Funding(payment)) => {
                let mut flipped = payment.clone();
                flipped.amount = Usd(-payment.amount.0);
                vec![Record::Funding(flipped)]
            }
            (BookBug::OpeningDropped, Record::Opening(opening)) if opening.account.wallet != Wallet::Spot => Vec::new(),
            _ => return None,
        })
    }

    async fn keep(&self, mut batch: Batch) -> Result<Written, JournalError> {
        let has_order = batch.records.iter().any(|record| matches!(record, Record::Order(_)));
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.bug == BookBug::IntentLate && has_order {
            self.strike();
            let journal = Rc::clone(&self.journal);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = journal.write(batch).await;
                drop(turn);
            });
            return Ok(Written::default());
        }
        batch.records = batch
            .records
            .into_iter()
            .flat_map(|record| match self.spoilt(&record) {
                Some(instead) => {
                    self.strike();
                    instead
                }
                None => vec![record],
            })
            .collect();
        self.journal.write(batch).await
    }
}

/// All of a journal but its writing.
macro_rules! reads_as_inner {
    () => {
        fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
            self.journal.load()
        }

        fn claim_lease<'a>(
            &'a self,
            holder: &'a str,
            now: Timestamp,
            term_ms: i64,
        ) -> Answer<'a, Result<Claim, JournalError>> {
            self.journal.claim_lease(holder, now, term_ms)
        }

        fn renew_lease<'a>(
            &'a self,
            holder: &'a str,
            epoch: Epoch,
            expires_at: Timestamp,
        ) -> Answer<'a, Result<(), JournalError>> {
            self.journal.renew_lease(holder, epoch, expires_at)
        }

        fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
            self.journal.release_lease(holder, epoch)
        }

        fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
            self.journal.back_fill(epoch, batch)
        }

        fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
            self.journal.pending_alerts(limit)
        }
    };
}

impl Journal for Faulty {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        Box::pin(self.keep(batch))
    }

    reads_as_inner!();
}

/// Bad luck, not a bug: of seven batches one is refused for the moment, and one is kept without an answer that says so.
/// `struck` counts both.
pub struct Stutters {
    journal: Rc<dyn Journal>,
    written: Cell<u64>,
    struck: Struck,
}

impl Stutters {
    /// A journal on a bad connection.
    pub fn new(journal: Rc<dyn Journal>, struck: &Struck) -> Self {
        Self {
            journal,
            written: Cell::new(0),
            struck: Arc::clone(struck),
        }
    }

    fn unavailable(&self) -> Result<Written, JournalError> {
        self.struck.fetch_add(1, Ordering::Relaxed);
        Err(JournalError::Unavailable("no answer in time".to_owned()))
    }
}

impl Journal for Stutters {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        let turn = self.written.get();
        self.written.set(turn + 1);
        Box::pin(async move {
            match turn % 7 {
                3 => self.unavailable(),
                5 => {
                    self.journal.write(batch).await?;
                    self.unavailable()
                }
                _ => self.journal.write(batch).await,
            }
        })
    }

    reads_as_inner!();
}

/// An account whose list of executions is always empty.
pub struct NoExecutions(pub Rc<dyn AccountView>);

impl AccountView for NoExecutions {
    fn truth<'a>(
        &'a self,
        since: Timestamp,
        instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(async move {
            let mut truth = self.0.truth(since, instruments).await?;
            truth.fills.clear();
            Ok(truth)
        })
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        self.0.balances()
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        self.0.fees(instrument)
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, leverage: u8) -> Answer<'a, Result<(), VenueError>> {
        self.0.prepare(instrument, leverage)
    }
}

//! Bugs and bad luck in what is kept: decorators around the journal and the account.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::funding::FundingPayment;
use domain::instrument::{FeeRates, InstrumentId, Name, VenueId};
use domain::journal::{Batch, JournalError, LedgerState, Record, Written};
use domain::money::{Price, Quantity, Usd};
use domain::order::{Ending, Epoch, Fill, OrderState, OrderTicket, Purpose};
use domain::ports::{AccountView, Answer, Journal, VenueError};
use domain::position::{AccountTruth, Balance, Wallet};
use domain::setup::Setup;
use domain::time::Timestamp;
use funding_arb::witness::tapped::{Tap, Tapped};
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
    /// Fees are kept as rebates.
    FeeSignFlipped,
    /// Fees are kept in another asset than they were taken in.
    FeeInOtherAsset,
    /// Prices are kept with two decimals.
    PriceRounded,
    /// Executions are kept with twice their quantity.
    FillDoubled,
    /// Executions are kept on the other side.
    FillOnOtherSide,
    /// Executions are kept as the other venue's.
    FillOfOtherVenue,
    /// Of an execution's id only the last digit is kept.
    TradeIdCutShort,
    /// Funding rows are not kept.
    FundingDropped,
    /// Funding rows are kept a second time under another id.
    FundingTwice,
    /// Funding is kept with the wrong sign.
    FundingSignFlipped,
    /// Funding is kept with one decimal.
    FundingRounded,
    /// Funding is kept as paid by another perpetual.
    FundingOfOtherSymbol,
    /// Orders are not kept.
    IntentDropped,
    /// Orders are kept with twice their quantity.
    IntentDoubled,
    /// Orders are kept on the other side.
    IntentOnOtherSide,
    /// Opening orders are kept as closing ones.
    OpeningCalledClosing,
    /// A batch with an order is acknowledged before it is durable.
    IntentLate,
    /// What the wallets of perpetuals held at first is not kept.
    OpeningDropped,
    /// What a wallet held at first is kept with money that came from elsewhere.
    OpeningInflated,
    /// The lease is said to be prolonged and is not.
    RenewalDropped,
    /// A person's reason to stop entries is removed as soon as it is kept.
    PauseLifted,
    /// A start does not hear of the last hedge.
    LastHedgeForgotten,
    /// The end of an order is kept as if nothing had been executed.
    EndWithoutFills,
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
        let journal = Rc::clone(&faulty.journal);
        (venues, Rc::new(Tapped { journal, tap: faulty }))
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
            (BookBug::FundingTwice, Record::Funding(payment)) => {
                let mut again = payment.clone();
                again.id.insert_str(0, "9999");
                vec![record.clone(), Record::Funding(again)]
            }
            (BookBug::OpeningDropped, Record::Opening(opening)) if opening.account.wallet != Wallet::Spot => Vec::new(),
            (BookBug::OpeningInflated, Record::Opening(opening)) => {
                let mut inflated = opening.clone();
                inflated.total += Decimal::ONE;
                vec![Record::Opening(inflated)]
            }
            (BookBug::PauseLifted, Record::Paused { reason, .. }) => {
                let (key, by) = (reason.key(), "engine".to_owned());
                vec![record.clone(), Record::Unpaused { key, by }]
            }
            (BookBug::EndWithoutFills, Record::OrderMoved { state, .. }) => vec![without_fills(record, state)?],
            (bug, Record::Fill(fill)) => vec![Record::Fill(misread_fill(bug, fill)?)],
            (bug, Record::Funding(payment)) => vec![Record::Funding(misread_funding(bug, payment)?)],
            (bug, Record::Order(ticket)) => vec![Record::Order(misread_order(bug, ticket)?)],
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

/// The end of an order that executed something, as if it had not.
fn without_fills(record: &Record, state: &OrderState) -> Option<Record> {
    let (
        Record::OrderMoved {
            client_id,
            venue_order_id,
            cause,
            ..
        },
        OrderState::Done { filled, .. },
    ) = (record, state)
    else {
        return None;
    };
    (!filled.is_zero()).then(|| Record::OrderMoved {
        client_id: client_id.clone(),
        state: OrderState::Done {
            how: Ending::Cancelled,
            filled: Quantity::ZERO,
        },
        venue_order_id: venue_order_id.clone(),
        cause: cause.clone(),
    })
}

/// An execution as a bug keeps it.
fn misread_fill(bug: BookBug, fill: &Fill) -> Option<Fill> {
    let mut kept = fill.clone();
    match bug {
        BookBug::FeeForgotten => kept.fee = Decimal::ZERO,
        BookBug::FeeSignFlipped => kept.fee = -fill.fee,
        BookBug::FeeInOtherAsset => kept.fee_asset = Name::new("BNB"),
        BookBug::PriceRounded => kept.price = Price(fill.price.0.round_dp(2)),
        BookBug::FillDoubled => kept.quantity = Quantity(fill.quantity.0 * Decimal::TWO),
        BookBug::FillOnOtherSide => kept.side = fill.side.opposite(),
        BookBug::FillOfOtherVenue => {
            kept.instrument.venue = match fill.instrument.venue {
                VenueId::Binance => VenueId::Bybit,
                VenueId::Bybit => VenueId::Binance,
            };
        }
        BookBug::TradeIdCutShort => kept.trade_id = fill.trade_id.chars().last().map(String::from)?,
        _ => return None,
    }
    Some(kept)
}

/// A payment as a bug keeps it.
fn misread_funding(bug: BookBug, payment: &FundingPayment) -> Option<FundingPayment> {
    let mut kept = payment.clone();
    match bug {
        BookBug::FundingSignFlipped => kept.amount = Usd(-payment.amount.0),
        BookBug::FundingRounded => kept.amount = Usd(payment.amount.0.round_dp(1)),
        BookBug::FundingOfOtherSymbol => {
            let others = ["BTCUSDT", "ETHUSDT"].map(Name::new);
            kept.instrument.symbol = others.into_iter().find(|other| *other != payment.instrument.symbol)?;
        }
        _ => return None,
    }
    Some(kept)
}

/// An order as a bug keeps it.
fn misread_order(bug: BookBug, ticket: &OrderTicket) -> Option<OrderTicket> {
    let mut kept = ticket.clone();
    match bug {
        BookBug::IntentDoubled => kept.quantity = Quantity(ticket.quantity.0 * Decimal::TWO),
        BookBug::IntentOnOtherSide => kept.side = ticket.side.opposite(),
        BookBug::OpeningCalledClosing if !ticket.purpose.reduces() => kept.purpose = Purpose::Close,
        _ => return None,
    }
    Some(kept)
}

impl Tap for Faulty {
    fn write<'a>(&'a self, _: &'a dyn Journal, batch: Batch) -> Answer<'a, Result<Written, JournalError>> {
        Box::pin(self.keep(batch))
    }

    fn load<'a>(&'a self, journal: &'a dyn Journal) -> Answer<'a, Result<LedgerState, JournalError>> {
        Box::pin(async move {
            let mut state = journal.load().await?;
            if self.bug == BookBug::LastHedgeForgotten && state.hedges.pop().is_some() {
                self.strike();
            }
            Ok(state)
        })
    }

    fn renew_lease<'a>(
        &'a self,
        journal: &'a dyn Journal,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        if self.bug != BookBug::RenewalDropped {
            return journal.renew_lease(holder, epoch, expires_at);
        }
        self.strike();
        Box::pin(async { Ok(()) })
    }
}

/// Bad luck, not a bug: of seven batches one is refused for the moment, and one is kept without an answer that says so.
/// `struck` counts both.
pub struct Stutters {
    written: Cell<u64>,
    struck: Struck,
}

impl Stutters {
    /// A journal on a bad connection.
    pub fn around(journal: Rc<dyn Journal>, struck: &Struck) -> Rc<dyn Journal> {
        let tap = Self {
            written: Cell::new(0),
            struck: Arc::clone(struck),
        };
        Rc::new(Tapped { journal, tap })
    }

    fn unavailable(&self) -> Result<Written, JournalError> {
        self.struck.fetch_add(1, Ordering::Relaxed);
        Err(JournalError::Unavailable("no answer in time".to_owned()))
    }
}

impl Tap for Stutters {
    fn write<'a>(&'a self, journal: &'a dyn Journal, batch: Batch) -> Answer<'a, Result<Written, JournalError>> {
        let turn = self.written.get();
        self.written.set(turn + 1);
        Box::pin(async move {
            match turn % 7 {
                3 => self.unavailable(),
                5 => {
                    journal.write(batch).await?;
                    self.unavailable()
                }
                _ => journal.write(batch).await,
            }
        })
    }
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

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        self.0.prepare(instrument, setup)
    }
}

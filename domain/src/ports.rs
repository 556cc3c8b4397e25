//! What the engine needs of the world: one small trait for one customer.
//!
//! Only `src/wiring.rs` names what stands behind them. Futures are local to one thread, as the actors are.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::alert::Alert;
use crate::bounds::Activity;
use crate::forecast::Settlement;
use crate::instrument::{FeeRates, Instrument, InstrumentId, VenueId};
use crate::interest::Interest;
use crate::journal::{Batch, JournalError, LedgerState, PendingAlert, Written};
use crate::lease::Claim;
use crate::market::{Book, MarketFact};
use crate::money::Quantity;
use crate::order::{ClientOrderId, Epoch, Fill, OrderReport, OrderTicket, Placed};
use crate::position::{AccountFact, AccountTruth, Balance};
use crate::setup::Setup;
use crate::time::{Now, Timestamp};

/// A promise of a value, made on one thread.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Tells the time. The only clock.
pub trait Clock {
    /// Both clocks, read together.
    fn now(&self) -> Now;
}

/// Why a venue did not tell what was asked. None of these may be taken for an empty answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VenueError {
    /// No usable answer: no connection, a timeout, a 5xx. Asking again later is right.
    #[error("{venue} did not answer: {reason}")]
    Unreachable {
        /// Who.
        venue: VenueId,
        /// What happened.
        reason: String,
    },
    /// Too many requests; nothing may be sent before `wait_seconds` have passed.
    #[error("{venue} asks to wait {wait_seconds} s")]
    Throttled {
        /// Who.
        venue: VenueId,
        /// How long, in seconds.
        wait_seconds: u64,
    },
    /// The venue answered no: a bad key, a wrong parameter, a missing permission.
    #[error("{venue} refused with code {code}: {reason}")]
    Refused {
        /// Who.
        venue: VenueId,
        /// Its code.
        code: i64,
        /// Its words.
        reason: String,
    },
    /// The answer could not be understood; it is never guessed at.
    #[error("{venue} sent something unreadable: {reason}")]
    Malformed {
        /// Who.
        venue: VenueId,
        /// Which field of what.
        reason: String,
    },
}

impl VenueError {
    /// Whose error it is.
    pub const fn venue(&self) -> VenueId {
        match self {
            Self::Unreachable { venue, .. }
            | Self::Throttled { venue, .. }
            | Self::Refused { venue, .. }
            | Self::Malformed { venue, .. } => *venue,
        }
    }
}

/// An open stream of facts. It ends with a reason and never mends itself: its actor is rebuilt instead.
pub trait FactStream<T> {
    /// Adds the next facts to `into`: at least one of them, unless the venue only said that it is alive. Asked in place,
    /// so that a message costs no allocation of its own.
    ///
    /// # Errors
    /// When the stream is over: closed, silent for too long, refused, or out of sequence. It is not asked again then.
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<T>) -> Poll<Result<(), VenueError>>;

    /// The next facts, on their own.
    ///
    /// # Errors
    /// As [`FactStream::poll_facts`].
    fn next(&mut self) -> Answer<'_, Result<Vec<T>, VenueError>> {
        Box::pin(poll_fn(move |cx| {
            let mut facts = Vec::new();
            self.poll_facts(cx, &mut facts).map_ok(|()| facts)
        }))
    }
}

/// Public data of one venue and product, as a stream.
pub trait MarketFeed {
    /// Connects, subscribes to `instruments`, and catches up over REST. While the stream is open it also keeps the books
    /// that are of `interest`, however that changes.
    fn open<'a>(
        &'a self,
        instruments: &'a [InstrumentId],
        interest: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>>;

    /// How far the venue's clock was ahead of ours when it was last measured, in milliseconds of market time; negative
    /// when it was behind, nothing where it was never measured.
    fn clock_ahead_ms(&self) -> i64;

    /// How many messages and rows of the venue's public data could not be read and were left out since the start; nothing
    /// where nobody counts.
    fn left_out(&self) -> u64 {
        0
    }
}

/// Private data of one venue, as a stream.
pub trait AccountStream {
    /// Connects and signs in. What was missed before it is open is read with [`AccountView::truth`].
    fn open(&self) -> Answer<'_, Result<Box<dyn FactStream<AccountFact>>, VenueError>>;
}

/// Public data of one venue, on request.
pub trait MarketData {
    /// Everything that can be traded in the quote currency USDT, on spot and as perpetuals.
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>>;
    /// The book of one instrument now, at least 20 levels a side where there are so many.
    fn book<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>>;
    /// The settlements of a perpetual with `since <= time`, paged to the end, in the order of time, each once. A page that
    /// could not be read is an error: a part is never taken for the whole.
    fn funding_history<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        since: Timestamp,
    ) -> Answer<'a, Result<Vec<Settlement>, VenueError>>;
    /// How much is going on in every market, as far as the venue tells it of all of them at once.
    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>>;
    /// The open interest of one perpetual; `None` where the venue tells it of all at once.
    fn open_interest<'a>(&'a self, perpetual: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>>;
}

/// Our account at one venue, on request.
pub trait AccountView {
    /// Balances, positions, open orders, and the fills and funding rows with `since <= time`, paged to the end.
    /// `instruments` are those whose fills must be read where the venue answers by symbol only.
    fn truth<'a>(
        &'a self,
        since: Timestamp,
        instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>>;
    /// Wallets only.
    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>>;
    /// What we pay for trading an instrument.
    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>>;
    /// Prepares an instrument for trading: one-way mode, this margin mode and this leverage on a perpetual. "Already so" is
    /// success; a mode that the venue will not change, because something is held in the other, is not.
    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>>;
}

/// Orders at one venue. Only the executor is handed one.
pub trait OrderGateway {
    /// Sends one order, once. Never retries.
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed>;
    /// The venue's word on one of our orders. `None` means that the venue, in a good answer, does not know it.
    fn find<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>>;
    /// The executions of one order, paged to the end.
    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>>;
    /// Whether a refusal with this code is one of the key: revoked, expired, without the permission, or used from
    /// another address. Sending again is of no use then.
    fn refuses_the_key(&self, _code: i64) -> bool {
        false
    }
    /// Whether a refusal with this code says that too much was asked, and nothing of the order itself.
    fn refuses_the_pace(&self, _code: i64) -> bool {
        false
    }
    /// For how much longer the host of this instrument takes nothing from us, by its own word. `None` when it is open as
    /// far as is known.
    fn shut_for(&self, _instrument: &InstrumentId) -> Option<Duration> {
        None
    }
    /// Cancels one of our orders. An order that is already over is success. Success is no proof that it ended unfilled.
    fn cancel<'a>(&'a self, instrument: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>>;
    /// The orders of an instrument that are in its book, whoever placed them.
    fn open_orders<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>>;
    /// Cancels every open order of an instrument that the ledger with this tag made, and answers which. One by one: what
    /// the venues call "cancel all" takes orders of others on the same account with it.
    ///
    /// # Errors
    /// When the open orders cannot be read, or the first of the cancellations that was not taken; the others were asked
    /// for nevertheless.
    fn cancel_all<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        tag: &'a str,
    ) -> Answer<'a, Result<Vec<ClientOrderId>, VenueError>> {
        Box::pin(async move {
            let open = self.open_orders(instrument).await?;
            let (mut asked, mut failed) = (Vec::new(), None);
            for order in open.into_iter().filter(|order| order.client_id.is_ours(tag)) {
                match self.cancel(instrument, &order.client_id).await {
                    Ok(()) => asked.push(order.client_id),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            failed.map_or(Ok(asked), Err)
        })
    }
}

/// The durable record.
pub trait Journal {
    /// Writes a batch whole, or not at all. A replay changes nothing.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] says nothing about whether it was written: write it again.
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>>;
    /// Writes a batch that waited outside of the ledger, in the epoch that leads now. It keeps the name of its own epoch, so
    /// that one which was written after all is recognised. Where somebody else has led in between, it moves no hedge.
    ///
    /// # Errors
    /// As [`Journal::write`].
    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>>;
    /// What a start needs to know.
    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>>;
    /// Tries to become the executor; decided by [`crate::lease::claim`] inside one transaction.
    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>>;
    /// Prolongs the lease of this epoch.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] when another epoch has begun.
    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>>;
    /// Gives the lease back, so that a successor need not wait.
    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>>;
    /// The oldest alerts that are not delivered, at most `limit`.
    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>>;
}

/// Until when a venue's host wants to hear nothing of us. It outlives the process: a restart in the middle of a ban that
/// asks at once makes it longer.
pub trait Bans {
    /// When the host may be asked again, if that is known.
    fn until(&self, host: &str) -> Option<Timestamp>;
    /// The host said when. One that is known to last longer stays.
    fn keep(&self, host: &str, until: Timestamp);
}

/// A file of this process beside the ledger. It keeps what a way out needs to be durable while the ledger is away.
///
/// Calls block until the disk has answered. All errors are the ledger's: unavailable, or refused for good.
pub trait Spool {
    /// Makes a batch durable.
    ///
    /// # Errors
    /// When the file cannot be written, is another process's, or has no room left.
    fn keep(&self, batch: &Batch) -> Result<(), JournalError>;
    /// Everything that is kept, the oldest first.
    ///
    /// # Errors
    /// When the file cannot be read, is another process's, or is damaged.
    fn kept(&self) -> Result<Vec<Batch>, JournalError>;
    /// Lets go of everything: the ledger has it.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn forget(&self) -> Result<(), JournalError>;
    /// Prolongs a lease that the ledger cannot prolong, where every possible successor would see it.
    ///
    /// # Errors
    /// When there is no such place, or this process does not hold it.
    fn extend_lease(&self, holder: &str, until: Timestamp) -> Result<(), JournalError>;
}

/// One channel to people.
pub trait AlertSink {
    /// Its name in logs.
    fn name(&self) -> &'static str;
    /// Whether it carries alerts of this kind.
    fn wants(&self, alert: &Alert) -> bool;
    /// Delivers one alert.
    ///
    /// # Errors
    /// Why it was not taken; it is tried again.
    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>>;
}

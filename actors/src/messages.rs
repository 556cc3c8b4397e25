//! What the actors say to one another. Commands are imperative, facts are past.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::prelude::*;
use domain::alert::Alert;
use domain::bounds::Activity;
use domain::carry::Costs;
use domain::forecast::Settlement;
use domain::hedge::{Hedge, HedgeRow, HedgeState};
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, VenueId};
use domain::journal::{Batch, JournalError, LedgerState, OrderRow, PendingAlert, Written};
use domain::lease::{Claim, Held};
use domain::market::{Book, Heard, MarketFact};
use domain::money::Bps;
use domain::named::Naming;
use domain::order::{ClientOrderId, Epoch, Fill, HedgeId, OrderState, OrderTicket};
use domain::pause::PauseReason;
use domain::portfolio::Danger;
use domain::position::{AccountFact, Balance};
use domain::reconcile::Inconsistency;
use domain::risk::{Exposure, Gate, Losses};
use domain::shadow::Regret;
use domain::strategy::{Entry, Opportunity, Pair};
use domain::time::{Machine, Timestamp};

// ---- facts from the feeds ----

/// A public feed heard something.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct MarketFacts {
    /// What.
    pub facts: Vec<MarketFact>,
    /// How far its venue's clock is ahead of ours, in milliseconds of market time.
    pub ahead_ms: i64,
    /// Whose.
    pub venue: VenueId,
    /// How many messages of that venue could not be read and were left out, since the start.
    pub left_out: u64,
}

/// A public feed was rebuilt: what it said before is no longer true.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct MarketLost {
    /// Whose.
    pub venue: VenueId,
    /// Which.
    pub product: Product,
}

/// A private feed heard something.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct AccountFacts {
    /// Whose.
    pub venue: VenueId,
    /// What.
    pub facts: Vec<AccountFact>,
}

/// Something cannot wait for the next evaluation: a venue has cut a leg by itself.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Urgent;

/// A private feed is open (again): what was missed must be read.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct AccountFeedOpened {
    /// Whose.
    pub venue: VenueId,
}

// ---- the supervisor's ----

/// An actor made progress.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Heartbeat {
    /// Who.
    pub actor: &'static str,
    /// Which life of it: feeds count.
    pub generation: u32,
}

/// Stop entries.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Who asked.
    pub by: String,
}

/// Allow entries again, as far as a human may.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct Resume {
    /// Who asked.
    pub by: String,
}

/// A pause reason that clears itself has lost its cause.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ClearPause {
    /// Its key.
    pub key: String,
}

/// Keep that somebody asked for something. Answered once it is durable.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct Audit {
    /// What was asked for.
    pub action: String,
    /// By whom.
    pub who: String,
    /// With which words and which outcome.
    pub detail: String,
}

/// Finish what is running, release the lease, and stop.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Tell everything about yourself, as JSON.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "serde_json::Value")]
pub struct Observe;

/// Entries are allowed, or stopped by this gate.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct EntriesGated(pub Option<Gate>);

/// The lease is held until then, or lost.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LeaseChanged(pub Option<Held>);

// ---- the scanner's ----

/// These instruments are to be watched.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ListInstruments(pub Vec<(Instrument, FeeRates)>);

/// Which pairs are worth it now, given what is held?
#[derive(Clone, Debug, Message)]
#[rtype(result = "Surveyed")]
pub struct Survey {
    /// Worst-case exposure.
    pub exposure: Exposure,
    /// Assets that may not be entered, each with its gate.
    pub barred: BTreeMap<Name, Gate>,
    /// Venues at which nothing may be entered, each with its gate.
    pub barred_venues: BTreeMap<VenueId, Gate>,
    /// Pairs that are held.
    pub held: Vec<Pair>,
    /// What keeps every entry away, if anything does.
    pub paused: Option<Gate>,
    /// What closed hedges have lost.
    pub losses: Losses,
}

/// The book of an instrument as it is kept from its changes, if it is kept and nothing is missing in it.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Option<Heard<Arc<Book>>>")]
pub struct GetBook(pub InstrumentId);

/// The answer to [`Survey`].
#[derive(Clone, Debug, MessageResponse)]
pub struct Surveyed {
    /// The best entry that fits, if any.
    pub best: Option<Entry>,
    /// Entries that paid but did not fit, with the gate.
    pub refused: Vec<(Opportunity, Gate)>,
    /// For each held pair: what staying brings, where all inputs are fresh.
    pub stays: Vec<Option<(Bps, Costs)>>,
    /// For each held pair: why it has to be left whatever staying brings, if it has to.
    pub must_leave: Vec<Option<Gate>>,
    /// Pairs judged.
    pub judged: usize,
    /// When a UTC day is over: what each gate has cost in the week so far, or in the one that ended with it.
    pub regrets: Vec<Regret>,
}

/// A scanner of another process has named pairs; `None` stands for words that could not be read.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ScannerSaid(pub Option<Naming>);

/// The pairs that nothing stops now, the best first, each with its expected net carry.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<(Pair, Bps)>")]
pub struct GetEnterable {
    /// At most so many.
    pub most: usize,
}

/// Settlements of a perpetual that are over, in the order of time.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct SettlementsHeard(pub InstrumentId, pub Vec<Settlement>);

/// How much is going on in some markets, as it was just read.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ActivityHeard(pub Vec<(InstrumentId, Activity)>);

// ---- the keeper's ----

/// Begin from what the ledger knows.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Restore {
    /// Everything that a start needs to know.
    pub state: LedgerState,
    /// Every instrument of the venues and what we pay.
    pub instruments: BTreeMap<InstrumentId, (Instrument, FeeRates)>,
}

/// Hold the ledger against the venues.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Vec<Inconsistency>, JournalError>")]
pub struct Reconcile {
    /// Whether this is the one before the first trade.
    pub at_start: bool,
}

/// What is held, for the strategist.
#[derive(Clone, Debug, MessageResponse)]
pub struct PortfolioView {
    /// Worst-case exposure.
    pub exposure: Exposure,
    /// Hedges that are not closed.
    pub hedges: Vec<HedgeBrief>,
    /// Assets that may not be entered, each with its gate.
    pub barred: BTreeMap<Name, Gate>,
    /// Venues at which nothing may be entered, each with its gate.
    pub barred_venues: BTreeMap<VenueId, Gate>,
    /// What closed hedges have lost.
    pub losses: Losses,
}

/// One hedge, briefly.
#[derive(Clone, Debug)]
pub struct HedgeBrief {
    /// Its number.
    pub id: HedgeId,
    /// Its asset.
    pub asset: Name,
    /// Its legs.
    pub pair: Pair,
    /// Where it stands.
    pub state: HedgeState,
    /// When both its legs were filled, if they are.
    pub opened_at: Option<Timestamp>,
    /// The leg that its venue might take over, if there is one, and why.
    pub endangered: Option<Danger>,
}

/// Tell what is held.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "PortfolioView")]
pub struct GetPortfolio;

/// Make a hedge of an entry and give it a number. Nothing is durable yet.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Option<Hedge>")]
pub struct PlanHedge(pub Entry);

/// Tell everything about one hedge.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<Hedge>")]
pub struct GetHedge(pub HedgeId);

/// Is an execution of this order believed?
#[derive(Clone, Debug, Message)]
#[rtype(result = "bool")]
pub struct HasExecuted(pub ClientOrderId);

/// An order was made durable and may be sent.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct OrderRecorded(pub OrderTicket);

/// What became of an order, with its executions. Answered once it is durable.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct OrderMoved {
    /// Which.
    pub client_id: ClientOrderId,
    /// Where it stands.
    pub state: OrderState,
    /// The venue's name for it.
    pub venue_order_id: Option<String>,
    /// Why it moved.
    pub cause: String,
    /// Its executions so far.
    pub fills: Vec<Fill>,
}

/// A hedge stands elsewhere. Answered once it is durable.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct HedgeMoved {
    /// The row as the job sees it.
    pub row: HedgeRow,
    /// Why.
    pub cause: String,
}

// ---- the executor's ----

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Open a hedge, as decided at this machine time.
    Enter {
        /// What.
        entry: Box<Entry>,
        /// When it was decided.
        decided_at: Machine,
        /// Exposure when it was decided.
        exposure: Exposure,
        /// What had been lost when it was decided.
        losses: Losses,
    },
    /// Leave a hedge.
    Exit {
        /// Which.
        hedge: HedgeId,
        /// Why.
        reason: String,
    },
    /// Make the legs of a hedge equal again.
    Repair {
        /// Which.
        hedge: HedgeId,
    },
}

/// Do this. Answered when the job is over.
#[derive(Clone, Debug, Message)]
#[rtype(result = "JobEnded")]
pub struct Execute(pub Intent);

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, MessageResponse)]
pub enum JobEnded {
    /// The hedge rests here.
    Rested(HedgeId, HedgeState),
    /// Nothing was sent, because of this gate.
    Refused(Gate),
    /// There is no such hedge.
    NoSuchHedge,
    /// An order of this hedge has not been accounted for by its venue: nothing is done to the hedge before.
    Unproven(HedgeId),
    /// It was not begun: the engine is stopping.
    Stopping,
    /// The ledger did not take what had to be durable first.
    NotRecorded(String),
}

/// Prove the fate of these orders before anything else. Answers how many could not be proven yet.
#[derive(Clone, Debug, Message)]
#[rtype(result = "usize")]
pub struct ResolveOrders(pub Vec<OrderRow>);

// ---- the ledger writer's ----

/// Write a batch whole, or not at all.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Written, JournalError>")]
pub struct WriteBatch(pub Batch);

/// Write a batch that waited outside of the ledger.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Written, JournalError>")]
pub struct BackFill {
    /// The epoch that leads now.
    pub epoch: Epoch,
    /// What waited.
    pub batch: Batch,
}

/// Load what a start needs to know.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<LedgerState, JournalError>")]
pub struct LoadLedger;

/// Try to become the executor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Claim, JournalError>")]
pub struct ClaimLease {
    /// Who.
    pub holder: String,
    /// Market time.
    pub now: Timestamp,
    /// For how long, in milliseconds of market time.
    pub term_ms: i64,
}

/// Prolong the lease.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct RenewLease {
    /// Who.
    pub holder: String,
    /// In which epoch.
    pub epoch: Epoch,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Give the lease back.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), JournalError>")]
pub struct ReleaseLease {
    /// Who.
    pub holder: String,
    /// In which epoch.
    pub epoch: Epoch,
}

/// The oldest alerts that nobody has taken.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Vec<PendingAlert>, JournalError>")]
pub struct GetPendingAlerts {
    /// At most so many.
    pub limit: usize,
}

/// Tell people this at once, past the outbox: the ledger is away.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct TellNow {
    /// What.
    pub alert: Alert,
    /// Since when.
    pub at: Timestamp,
}

/// What a reconciliation read of the wallets, for snapshots.
pub type Balances = Vec<Balance>;

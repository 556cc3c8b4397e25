//! The records that the ledger keeps, in the words of the domain.
//!
//! A [`Batch`] is written whole or not at all, and writing it again changes nothing.

use std::collections::BTreeMap;

use crate::accounting::Opening;
use crate::alert::Alert;
use crate::funding::FundingPayment;
use crate::hedge::HedgeRow;
use crate::instrument::InstrumentId;
use crate::money::Rate;
use crate::order::{ClientOrderId, Epoch, Fill, HedgeId, OrderState, OrderTicket};
use crate::pause::PauseReason;
use crate::position::Balance;
use crate::time::Timestamp;

/// An order as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// What was asked for.
    pub ticket: OrderTicket,
    /// Where it stands.
    pub state: OrderState,
    /// The venue's name for it, once known.
    pub venue_order_id: Option<String>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A hedge is new, or stands elsewhere than before.
    Hedge {
        /// The row as it now is.
        row: HedgeRow,
        /// Why it moved.
        cause: String,
    },
    /// Why an order is about to be sent: the decision's inputs (values and ages) and its reason.
    Intent {
        /// For which hedge.
        hedge: HedgeId,
        /// What was decided.
        reason: String,
        /// The inputs, as a JSON object.
        inputs: String,
    },
    /// A new order, in state [`OrderState::Recorded`].
    Order(OrderTicket),
    /// An order stands elsewhere than before.
    OrderMoved {
        /// Which.
        client_id: ClientOrderId,
        /// Where it stands now.
        state: OrderState,
        /// The venue's name for it, once known.
        venue_order_id: Option<String>,
        /// Why it moved.
        cause: String,
    },
    /// An execution; once, by venue, product, symbol and trade id.
    Fill(Fill),
    /// A funding row; once, by venue, product and id.
    Funding(FundingPayment),
    /// A funding rate, as predicted before a settlement or as settled.
    FundingRate {
        /// Of which perpetual.
        instrument: InstrumentId,
        /// Of which settlement.
        settlement: Timestamp,
        /// The rate.
        rate: Rate,
        /// False for an estimate.
        settled: bool,
    },
    /// What a wallet held before the first row about it; once, by venue, wallet and asset.
    Opening(Opening),
    /// A reconciled picture of all wallets.
    Snapshot {
        /// Every wallet's balances.
        balances: Vec<Balance>,
        /// Positions and orders, as a JSON object.
        state: String,
    },
    /// A decision, also one not to trade.
    Decision {
        /// The pair or hedge that was judged.
        subject: String,
        /// `enter`, `exit`, `hold` or the gate that refused.
        verdict: String,
        /// The numbers, as a JSON object.
        numbers: String,
    },
    /// Entries stop for this reason.
    Paused {
        /// Why.
        reason: PauseReason,
        /// Who asked: `engine`, or whoever holds the token.
        by: String,
    },
    /// A reason no longer holds.
    Unpaused {
        /// Its key.
        key: String,
        /// Who removed it.
        by: String,
    },
    /// Something to tell people, durably.
    Alert(Alert),
    /// An alert was taken by a channel.
    AlertDelivered {
        /// Its row.
        id: i64,
    },
    /// Anything else worth keeping: control calls, starts, stops.
    Audit {
        /// Which part of the engine.
        actor: String,
        /// What it did.
        action: String,
        /// On whose behalf.
        who: String,
        /// Details in words.
        detail: String,
    },
}

/// Records that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The writer's term of office; an older one than the ledger knows is refused.
    pub epoch: Epoch,
    /// Market time of the writing.
    pub at: Timestamp,
    /// In order.
    pub records: Vec<Record>,
}

/// What a batch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Executions that were not known before.
    pub new_fills: usize,
    /// Funding rows that were not known before.
    pub new_funding: usize,
}

/// Everything that a start needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    /// The ledger's own tag in client order ids: 4 letters or digits, drawn when it was made.
    pub tag: String,
    /// Hedges that are not closed.
    pub hedges: Vec<HedgeRow>,
    /// Hedges that are closed, each with our names for its orders; the earliest first.
    pub closed: Vec<(HedgeRow, Vec<ClientOrderId>)>,
    /// Orders of the hedges that are not, and every order that is not terminal.
    pub orders: Vec<OrderRow>,
    /// Every execution.
    pub fills: Vec<Fill>,
    /// Every funding row.
    pub funding: Vec<FundingPayment>,
    /// What the wallets held at first.
    pub openings: Vec<Opening>,
    /// Why entries are stopped.
    pub pauses: Vec<PauseReason>,
    /// By whose wish and since when each of them holds, by its key.
    pub paused_by: BTreeMap<String, (String, Timestamp)>,
    /// The highest hedge number used.
    pub last_hedge: u64,
    /// When the ledger last agreed with the venues: rows are asked for again from there.
    pub reconciled_at: Option<Timestamp>,
}

/// An alert that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAlert {
    /// Its row.
    pub id: i64,
    /// What to say.
    pub alert: Alert,
    /// Since when.
    pub at: Timestamp,
}

/// Why the ledger did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It cannot be reached, or not now. Nothing is known to be written; asking again is safe.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// A newer executor has taken over; this process must stop trading.
    #[error("epoch {ours} was fenced off: the ledger is at epoch {newest}")]
    Fenced {
        /// The epoch of the batch.
        ours: u64,
        /// The epoch of the ledger.
        newest: u64,
    },
    /// It refuses the record as it is; asking again brings the same answer.
    #[error("the ledger refused the record: {0}")]
    Refused(String),
}

//! What happened, in order: the private streams are rendered from this, and observers see each one.

use rust_decimal::Decimal;

use super::cash::{CashKind, FundingRow};
use super::types::{AccountId, Fill, Order, Position, Wallet};
use crate::market::{Key, Ms, Venue};

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// Accepted by the venue.
    Accepted,
    /// Another price or quantity, by the client.
    Amended,
    /// Cancelled by the client.
    Cancelled,
    /// Ended by the venue; see the order's `end_cause`.
    Expired,
    /// Refused after acknowledgement.
    Rejected,
}

/// One balance after a movement.
#[derive(Clone, Debug)]
pub struct BalanceChange {
    /// Owner.
    pub account: AccountId,
    /// Wallet.
    pub wallet: Wallet,
    /// Asset.
    pub asset: String,
    /// Free afterwards.
    pub free: Decimal,
    /// Locked afterwards.
    pub locked: Decimal,
    /// Change of the total; zero when only the lock moved.
    pub delta: Decimal,
    /// Why; `None` when only the lock moved.
    pub kind: Option<CashKind>,
    /// Instrument, if any.
    pub key: Option<Key>,
    /// When.
    pub time_ms: Ms,
}

/// One fact of the truth. Rows are as they stood when it happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An order was accepted or ended.
    Order {
        /// The order afterwards.
        order: Order,
        /// What became of it.
        change: OrderChange,
    },
    /// A fill, with the order as it stood right after it.
    Fill {
        /// The fill.
        fill: Fill,
        /// The order right after it.
        order: Order,
    },
    /// A funding payment.
    Funding(FundingRow),
    /// A balance moved. Follows its cause.
    Balance(BalanceChange),
    /// A position changed. Follows its fill.
    Position(Position),
}

impl Event {
    /// Whose it is.
    pub const fn account(&self) -> AccountId {
        match self {
            Self::Order { order, .. } => order.account,
            Self::Fill { fill, .. } => fill.account,
            Self::Funding(row) => row.account,
            Self::Balance(change) => change.account,
            Self::Position(position) => position.account,
        }
    }

    /// Where it happened.
    pub const fn venue(&self) -> Venue {
        match self {
            Self::Order { order, .. } => order.key.venue,
            Self::Fill { fill, .. } => fill.key.venue,
            Self::Funding(row) => row.key.venue,
            Self::Balance(change) => change.wallet.venue(),
            Self::Position(position) => position.key.venue,
        }
    }

    /// The instrument, where there is one.
    pub const fn key(&self) -> Option<&Key> {
        match self {
            Self::Order { order, .. } => Some(&order.key),
            Self::Fill { fill, .. } => Some(&fill.key),
            Self::Funding(row) => Some(&row.key),
            Self::Balance(change) => change.key.as_ref(),
            Self::Position(position) => Some(&position.key),
        }
    }

    /// When, by the simulator's clock (for a funding payment: the boundary).
    pub const fn time_ms(&self) -> Ms {
        match self {
            Self::Order { order, .. } => order.updated_ms,
            Self::Fill { fill, .. } => fill.time_ms,
            Self::Funding(row) => row.settled_ms,
            Self::Balance(change) => change.time_ms,
            Self::Position(position) => position.updated_ms,
        }
    }
}

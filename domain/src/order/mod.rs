//! One order: what is asked for, what became of it, and the states in between.
//!
//! ```text
//! mod      its names, what is asked for, and the venue's words on it
//! kind     how it meets the book: at once, or resting
//! state    the machine from recorded to over
//! breaker  when the orders themselves say that something is wrong
//! ```
//!
//! - OR-1  A client order id names one intent for ever: it carries the ledger's tag, the run's, the lease epoch, the hedge
//!   and a serial number, and these never repeat together; a ledger restored from an old copy repeats its epochs, but
//!   not its runs.
//! - OR-2  Unknown is not failed: an order leaves [`OrderState::Unknown`] only on proof.
//! - OR-3  A terminal order never moves again.

mod breaker;
mod kind;
mod state;

use std::fmt;

pub use breaker::{Breaker, MOST_A_MINUTE, SAME, Tripped};
pub use kind::OrderKind;
use rust_decimal::Decimal;

use crate::instrument::{InstrumentId, Side};
use crate::money::{Price, Quantity, Usd};
use crate::time::Timestamp;
pub use state::{Ending, IllegalOrderEvent, OrderEvent, OrderState, step};

/// A hedge's number, counted by the ledger from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HedgeId(pub u64);

impl fmt::Display for HedgeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// The executor's term of office; a later one fences an earlier one off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Our name for an order, unique for ever (OR-1). At most 36 characters of letters, digits and dashes: the narrowest
/// rule of the venues.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId(String);

impl ClientOrderId {
    /// The id of the `serial`-th order of a run. `tag` is the ledger's own (4 letters or digits), so that a fresh ledger
    /// never reuses the names of a lost one; `run` is drawn at each start (4 letters or digits), so that a restored one
    /// does not either.
    pub fn derive(tag: &str, run: &str, epoch: Epoch, hedge: HedgeId, serial: u32) -> Self {
        Self(format!("fa{tag}-{run}{}-{}-{serial}", epoch.0, hedge.0))
    }

    /// An id as read from a venue or a row.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the ledger with this tag made it; anything else is foreign and is never touched.
    pub fn is_ours(&self, tag: &str) -> bool {
        self.0
            .strip_prefix("fa")
            .and_then(|rest| rest.strip_prefix(tag))
            .is_some_and(|rest| rest.starts_with('-'))
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Which of a hedge's two legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegIndex {
    /// The leg that is long the asset.
    Long,
    /// The leg that is short it.
    Short,
}

impl LegIndex {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Long, Self::Short];

    /// The other leg.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }

    /// The side that enters this leg.
    pub const fn entry_side(self) -> Side {
        match self {
            Self::Long => Side::Buy,
            Self::Short => Side::Sell,
        }
    }

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|leg| leg.as_str() == text)
    }
}

/// What an order is for. Only `Open` may add exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Enters a leg, or completes one to match the other.
    Open,
    /// Leaves a leg on purpose.
    Close,
    /// Takes back what the other leg could not match.
    Unwind,
}

impl Purpose {
    /// Whether it must never open anything: sent reduce-only on a perpetual, capped at the free balance on spot.
    pub const fn reduces(self) -> bool {
        !matches!(self, Self::Open)
    }

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Unwind => "unwind",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Close, Self::Unwind]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// Everything that a gateway needs to send one order. Durable before a byte of it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTicket {
    /// Our name for it.
    pub client_id: ClientOrderId,
    /// For which hedge.
    pub hedge: HedgeId,
    /// For which leg.
    pub leg: LegIndex,
    /// What for.
    pub purpose: Purpose,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Direction.
    pub side: Side,
    /// How.
    pub kind: OrderKind,
    /// How much, on the lot.
    pub quantity: Quantity,
}

impl OrderTicket {
    /// Whether the venue is told that this order may only reduce a position.
    pub const fn reduce_only(&self) -> bool {
        self.purpose.reduces() && matches!(self.instrument.product, crate::instrument::Product::Perp)
    }
}

/// What a venue says an order's state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VenueOrderStatus {
    /// In the book or on its way there.
    Live,
    /// Done entirely.
    Filled,
    /// Ended by us, or by its time in force.
    Cancelled,
    /// Refused after it was taken.
    Rejected,
    /// Ended by the venue.
    Expired,
}

impl VenueOrderStatus {
    /// Whether nothing more can happen to it.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Live)
    }
}

/// An order in the venue's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// Our name for it; empty for an order that carried none.
    pub client_id: ClientOrderId,
    /// The venue's name for it.
    pub venue_order_id: String,
    /// Direction.
    pub side: Side,
    /// How much was asked for.
    pub quantity: Quantity,
    /// How much is done.
    pub filled: Quantity,
    /// Its state.
    pub status: VenueOrderStatus,
    /// The venue's time of this state.
    pub updated_at: Timestamp,
}

/// What became of a request to place an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The venue has it. An acknowledgement is no fill: quantities come from reports and executions.
    Confirmed {
        /// The venue's name for it.
        venue_order_id: String,
    },
    /// The venue said no, and no order exists.
    Refused {
        /// The venue's code.
        code: i64,
        /// The venue's words.
        reason: String,
    },
    /// Nothing left this process.
    NotSent {
        /// Why.
        reason: String,
    },
    /// An order may exist: a timeout, a lost connection, a 5xx, an answer that could not be read.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// One execution: the only source of quantities, prices and fees. Counted once, by venue, product, symbol and trade id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The venue's id of the execution.
    pub trade_id: String,
    /// Our name for the order; empty when the order carried none or the venue does not repeat it.
    pub client_id: ClientOrderId,
    /// The venue's name for the order.
    pub venue_order_id: String,
    /// Direction.
    pub side: Side,
    /// Units.
    pub quantity: Quantity,
    /// Price of them.
    pub price: Price,
    /// Charged when positive, in units of `fee_asset`.
    pub fee: Decimal,
    /// What the fee was taken in.
    pub fee_asset: crate::instrument::Name,
    /// Whether the order was resting.
    pub is_maker: bool,
    /// Profit that the venue booked to the wallet with this execution (perpetuals), where it tells.
    pub realised: Option<Usd>,
    /// The venue's time.
    pub at: Timestamp,
}

impl Fill {
    /// Whether it can be believed: something was traded, for a price, under a name of its own.
    ///
    /// # Errors
    /// What cannot be.
    pub fn believable(self) -> Result<Self, &'static str> {
        if self.quantity.0 <= Decimal::ZERO {
            Err("an execution of nothing or less")
        } else if self.price.0 <= Decimal::ZERO {
            Err("an execution for nothing or less")
        } else if self.trade_id.is_empty() {
            Err("an execution without an id")
        } else {
            Ok(self)
        }
    }
}

impl OrderReport {
    /// Whether it can be believed: not less than nothing was asked for or done, and not more done than asked for. An order
    /// of no quantity is one that was asked for by its value, or that closes whatever is held.
    ///
    /// # Errors
    /// What cannot be.
    pub fn believable(self) -> Result<Self, &'static str> {
        if self.quantity.0 < Decimal::ZERO || self.filled.0 < Decimal::ZERO {
            Err("an order of less than nothing")
        } else if !self.quantity.0.is_zero() && self.filled > self.quantity {
            Err("an order with more done than asked for")
        } else {
            Ok(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f046_ids_are_recognised_by_the_ledger_that_made_them() {
        let id = ClientOrderId::derive("k3x9", "q", Epoch(12), HedgeId(345), 6);
        assert_eq!(id.as_str(), "fak3x9-q12-345-6");
        assert!(id.is_ours("k3x9") && !id.is_ours("k3x") && !id.is_ours("zzzz"));
        let longest = ClientOrderId::derive("k3x9", "wxyz", Epoch(9_999_999), HedgeId(9_999_999), 99_999);
        assert!(longest.as_str().len() <= 36);
    }
}

//! What a price is made of.

use domain::instrument::{Product, VenueId};
use domain::time::Timestamp;
use rust_decimal::Decimal;

use crate::costs::Hundredths;
use crate::hedges::{Hedge, Market};
use crate::history::{Gap, HistoryError, SeriesId};

/// Why a hedge could not be priced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// A file is missing or wrong.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A fill falls on an hour without a bar.
    #[error("no bar of {series} begins at {at}: a fill there has no price")]
    NoBar {
        /// Of which market.
        series: SeriesId,
        /// When.
        at: Timestamp,
    },
    /// A settlement has no mark price in its row, and no bar either.
    #[error("the settlement of {series} at {at} has no mark price, and no mark or perp bar begins there")]
    NoMark {
        /// Of which perpetual.
        series: SeriesId,
        /// When.
        at: Timestamp,
    },
    /// The hold lies outside of what was recorded.
    #[error("{series} is recorded from {from} to {until}; the hold from {entry} to {exit} lies outside")]
    Outside {
        /// Of which perpetual.
        series: SeriesId,
        /// First settlement.
        from: Timestamp,
        /// Last settlement.
        until: Timestamp,
        /// The hold's beginning.
        entry: Timestamp,
        /// The hold's end.
        exit: Timestamp,
    },
    /// An amount has more digits than the arithmetic holds.
    #[error("an amount is too large to be held exactly")]
    TooLarge,
}

/// What a hedge earned and cost, US dollars. Fees and slippage are positive costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// Settlements, positive when received.
    pub funding: Decimal,
    /// Fees paid.
    pub fees: Decimal,
    /// Slippage paid.
    pub slippage: Decimal,
    /// Price profit of both legs between the opens of their bars.
    pub basis: Decimal,
}

impl Attribution {
    /// What is left.
    pub fn net(&self) -> Decimal {
        self.funding + self.basis - self.fees - self.slippage
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            funding: self.funding + other.funding,
            fees: self.fees + other.fees,
            slippage: self.slippage + other.slippage,
            basis: self.basis + other.basis,
        }
    }
}

/// One fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Where.
    pub market: Market,
    /// Bought or sold.
    pub buy: bool,
    /// At entry or at exit.
    pub entry: bool,
    /// The hour whose bar it fills in.
    pub at: Timestamp,
    /// The open of that bar; `None` where the notional is fixed.
    pub open: Option<Decimal>,
    /// Slippage charged.
    pub slip: Hundredths,
    /// Fee charged.
    pub fee_rate: Hundredths,
    /// Quantity at the open: notional before slippage.
    pub notional: Decimal,
    /// Value at the price with slippage: what the fee is charged on.
    pub value: Decimal,
    /// The fee, US dollars.
    pub fee: Decimal,
    /// The slippage, US dollars.
    pub slippage: Decimal,
}

/// Where a mark price came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkSource {
    /// The settlement's own row.
    FundingFile,
    /// The open of the mark bar that begins there.
    MarkBar,
    /// The open of the perpetual's bar that begins there.
    PerpBar,
    /// None is needed: the notional is fixed.
    FixedNotional,
}

/// One settlement earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// When.
    pub at: Timestamp,
    /// Which venue.
    pub venue: VenueId,
    /// Whether the leg that earned it is the long one.
    pub long: bool,
    /// Hours that it covers.
    pub interval_hours: u8,
    /// The rate that settled.
    pub rate: Decimal,
    /// The mark price.
    pub mark: Option<Decimal>,
    /// Where that came from.
    pub mark_source: MarkSource,
    /// Received when positive, US dollars.
    pub cash: Decimal,
}

/// What is missing in a hedge's hold, in one of its series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PricedGap {
    /// In which.
    pub series: SeriesId,
    /// What.
    pub gap: Gap,
}

/// A hedge, priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The hedge.
    pub hedge: Hedge,
    /// Entry of the long leg and its exit, then those of the short one.
    pub fills: Vec<Fill>,
    /// Settlements earned, in order of time.
    pub payments: Vec<Payment>,
    /// The sums.
    pub total: Attribution,
    /// What is missing.
    pub gaps: Vec<PricedGap>,
    /// Settlements whose rate is beyond what any venue has charged. They are counted as they stand.
    pub beyond_cap: Vec<Payment>,
}

impl Priced {
    /// Notional of the larger leg at entry.
    pub fn entry_notional(&self) -> Decimal {
        let entries = self.fills.iter().filter(|fill| fill.entry);
        entries.map(|fill| fill.notional).max().unwrap_or_default()
    }

    /// Capital tied up: the notional and a third of it for a carry, two thirds for two perpetuals.
    pub fn capital_tied(&self) -> Decimal {
        let thirds = match self.hedge.long.market.product {
            Product::Spot => 4,
            Product::Perp => 2,
        };
        self.entry_notional() * Decimal::from(thirds) / Decimal::from(3)
    }
}

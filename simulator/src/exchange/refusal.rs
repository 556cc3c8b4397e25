//! Why a venue says no. Each wire maps these to its venue's codes.

use rust_decimal::Decimal;
use thiserror::Error;

/// A typed refusal: nothing happened at the venue.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such instrument.
    #[error("unknown symbol {0}")]
    UnknownSymbol(String),
    /// The instrument takes no orders, or only reductions.
    #[error("market is closed for this order")]
    MarketClosed,
    /// Neither or both of quantity and quote quantity, or a limit order without a price.
    #[error("{0}")]
    BadRequest(&'static str),
    /// Quantity is zero or negative.
    #[error("quantity must be positive")]
    BadQuantity,
    /// Price is zero or negative.
    #[error("price must be positive")]
    BadPrice,
    /// Price off the tick.
    #[error("price is not a multiple of the tick {tick}")]
    Tick {
        /// The price step.
        tick: Decimal,
    },
    /// Price too far from the market.
    #[error("price is outside {low} to {high}")]
    PriceBand {
        /// Least price taken now.
        low: Decimal,
        /// Greatest price taken now.
        high: Decimal,
    },
    /// Quantity off the lot.
    #[error("quantity is not a multiple of the lot {lot}")]
    Lot {
        /// The quantity step.
        lot: Decimal,
    },
    /// Quantity under the least.
    #[error("quantity is under {min}")]
    MinQuantity {
        /// The least.
        min: Decimal,
    },
    /// Quantity over the most.
    #[error("quantity is over {max}")]
    MaxQuantity {
        /// The most.
        max: Decimal,
    },
    /// Value under the least.
    #[error("order value is under {min}")]
    MinNotional {
        /// The least value in quote currency.
        min: Decimal,
    },
    /// An order with this client id exists (Binance: is open; Bybit: ever existed).
    #[error("duplicate client id")]
    DuplicateClientId,
    /// A client id that the venue's pattern refuses.
    #[error("bad client id")]
    BadClientId,
    /// Spot: not enough of the asset.
    #[error("insufficient balance of {asset}")]
    InsufficientBalance {
        /// The asset that lacks.
        asset: String,
    },
    /// Perpetual: not enough margin.
    #[error("insufficient margin")]
    InsufficientMargin,
    /// Reduce-only and nothing to reduce (Binance: also if it would flip).
    #[error("reduce-only order is rejected")]
    ReduceOnly,
    /// Post-only and it would take at once (Binance spot and Bybit differ in how they say it).
    #[error("post-only order would take liquidity")]
    WouldTake,
    /// Market order and an empty book.
    #[error("no liquidity")]
    NoLiquidity,
    /// No such order (never accepted, or not visible yet).
    #[error("order does not exist")]
    UnknownOrder,
    /// The order is closed and cannot be cancelled.
    #[error("order is already closed")]
    OrderClosed,
    /// Leverage outside what the instrument allows.
    #[error("leverage must be between 1 and {max}")]
    BadLeverage {
        /// The most.
        max: Decimal,
    },
    /// Leverage is what it was (Bybit calls that an error).
    #[error("leverage not modified")]
    LeverageUnchanged,
    /// The order's position side does not fit the account's mode.
    #[error("position side does not match the position mode")]
    PositionSide,
    /// The position would be greater than its leverage allows.
    #[error("position would exceed {max} at this leverage")]
    PositionLimit {
        /// Greatest notional at the leverage set.
        max: Decimal,
    },
    /// A setting that is so already.
    #[error("nothing to change")]
    Unchanged,
    /// Open orders stand in the way of a setting.
    #[error("open orders are in the way")]
    OrdersInTheWay,
    /// Positions stand in the way of a setting.
    #[error("positions are in the way")]
    PositionsInTheWay,
    /// The key may not do this.
    #[error("the key has no permission for this")]
    NotPermitted,
}

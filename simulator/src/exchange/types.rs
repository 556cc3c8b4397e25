//! The rows that a venue keeps: orders, fills, positions, requests.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::hand::AdlRisk;
use super::names::id_text;
use super::self_trade::SelfTrade;
use crate::market::{Key, Ms, Product, Venue};

/// One customer of the venues: an index into the accounts, valid for the life of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub usize);

/// Where money lies. Bybit's unified account serves spot and perpetuals from one pocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wallet {
    /// Binance spot.
    Spot,
    /// Binance USDⓈ-M futures.
    Usdm,
    /// Bybit unified.
    Unified,
}

impl Wallet {
    /// Every wallet.
    pub const ALL: [Self; 3] = [Self::Spot, Self::Usdm, Self::Unified];

    /// The wallet that pays for trades of this product on this venue.
    pub const fn of(venue: Venue, product: Product) -> Self {
        match (venue, product) {
            (Venue::Binance, Product::Spot) => Self::Spot,
            (Venue::Binance, Product::Perp) => Self::Usdm,
            (Venue::Bybit, _) => Self::Unified,
        }
    }

    /// The venue that holds it.
    pub const fn venue(self) -> Venue {
        match self {
            Self::Spot | Self::Usdm => Venue::Binance,
            Self::Unified => Venue::Bybit,
        }
    }

    /// Its name in the accounts file and in the truth.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Usdm => "usdm",
            Self::Unified => "unified",
        }
    }
}

/// Which way a trade goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// More of the base.
    Buy,
    /// Less of the base.
    Sell,
}

impl Side {
    /// `+1` or `-1`.
    pub const fn sign(self) -> Decimal {
        match self {
            Self::Buy => Decimal::ONE,
            Self::Sell => Decimal::NEGATIVE_ONE,
        }
    }

    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Lower-case name, as in the truth.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// Which position of a perpetual is meant. An account in one-way mode has one, an account in hedge mode two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PositionSide {
    /// The one position of one-way mode.
    #[default]
    Both,
    /// The long one of hedge mode.
    Long,
    /// The short one of hedge mode.
    Short,
}

impl PositionSide {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Both, Self::Long, Self::Short];

    /// Which orders make it grow; `None` where either may.
    pub const fn opens_with(self) -> Option<Side> {
        match self {
            Self::Both => None,
            Self::Long => Some(Side::Buy),
            Self::Short => Some(Side::Sell),
        }
    }
}

/// Priced or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Takes what the book holds.
    Market,
    /// Never worse than its price.
    Limit,
}

/// How long a limit order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc,
    /// What fills at once; the rest expires.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Maker only (Binance GTX and `LIMIT_MAKER`, Bybit `PostOnly`).
    PostOnly,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct OrderRequest {
    /// The venue's symbol.
    pub symbol: String,
    /// Which way.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// Lifetime of a limit order; ignored on a market order.
    pub time_in_force: TimeInForce,
    /// Base quantity. Exactly one of this and `quote_quantity`.
    pub quantity: Option<Decimal>,
    /// Quote amount to spend or receive (market orders on spot).
    pub quote_quantity: Option<Decimal>,
    /// Limit price.
    pub price: Option<Decimal>,
    /// May only shrink a position (perpetuals).
    pub reduce_only: bool,
    /// The client's own id.
    pub client_id: Option<String>,
    /// Which position it is for (perpetuals).
    pub position_side: PositionSide,
    /// What is prevented where it would meet an order of its own account.
    pub self_trade: SelfTrade,
}

impl OrderRequest {
    /// Whether it can only shrink a position: it says so, or it goes against its side of hedge mode.
    pub fn only_reduces(&self) -> bool {
        self.reduce_only || self.position_side.opens_with().is_some_and(|side| side != self.side)
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// On the book, nothing filled.
    New,
    /// On the book, partly filled.
    PartiallyFilled,
    /// Done.
    Filled,
    /// Taken off by the client (it may carry fills).
    Cancelled,
    /// Ended by the venue: IOC rest, FOK, post-only that would cross, reduce-only without a position.
    Expired,
    /// Ended by the venue because it would have traded with an order of its own account; Bybit calls it cancelled.
    ExpiredInMatch,
    /// Accepted for processing and then refused (Bybit's way of refusing after its acknowledgement).
    Rejected,
}

impl OrderStatus {
    /// Still on the book.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }

    /// Upper-case name as Binance spells it, and as the truth does.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::PartiallyFilled => "PARTIALLY_FILLED",
            Self::Filled => "FILLED",
            Self::Cancelled => "CANCELED",
            Self::Expired => "EXPIRED",
            Self::ExpiredInMatch => "EXPIRED_IN_MATCH",
            Self::Rejected => "REJECTED",
        }
    }
}

/// Why an order ended without being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The client cancelled it.
    ByUser,
    /// The rest of an immediate order found no book inside its price.
    NoLiquidity,
    /// A post-only order would have taken.
    WouldTake,
    /// An order of the same account would have traded with it.
    SelfTrade,
    /// A reduce-only order had nothing left to reduce.
    NothingToReduce,
    /// Liquidation took the account's orders off.
    Liquidation,
    /// Auto-deleveraging (on a filled foreign order: what it was for).
    Deleveraging,
    /// The venue closed the market.
    MarketClosed,
}

/// One order; kept for ever.
#[derive(Clone, Debug)]
pub struct Order {
    /// Owner.
    pub account: AccountId,
    /// Instrument.
    pub key: Key,
    /// The venue's id as a number (Binance shows this one).
    pub id: u64,
    /// The client's id; generated on Binance when none was given, empty on Bybit.
    pub client_id: String,
    /// Which way.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// Lifetime.
    pub time_in_force: TimeInForce,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// Base quantity asked for (for a quote amount: what was filled).
    pub quantity: Decimal,
    /// Quote amount asked for, if the order was sized that way.
    pub quote_quantity: Option<Decimal>,
    /// Limit price.
    pub price: Option<Decimal>,
    /// Base quantity filled.
    pub filled: Decimal,
    /// Quote value filled.
    pub filled_quote: Decimal,
    /// Fees so far, in `fee_asset` of its fills.
    pub fee: Decimal,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it ended, unless filled.
    pub end_cause: Option<EndCause>,
    /// Accepted at.
    pub created_ms: Ms,
    /// Last change.
    pub updated_ms: Ms,
    /// Not sent by the account's client (fault, liquidation, deleveraging).
    pub foreign: bool,
    /// Which position it is for (perpetuals).
    pub position_side: PositionSide,
    /// What it prevents where it would meet an order of its own account.
    pub self_trade: SelfTrade,
    /// The number of the own order that it would have met, where it ended for that.
    pub met: Option<u64>,
    /// Funds held on spot while it rests: quote for a buy, base for a sell.
    pub(crate) hold: Decimal,
}

impl Order {
    /// Whether it can only shrink a position: it says so, or it goes against its side of hedge mode.
    pub fn only_reduces(&self) -> bool {
        self.reduce_only || self.position_side.opens_with().is_some_and(|side| side != self.side)
    }

    /// Quantity not filled yet.
    pub fn remaining(&self) -> Decimal {
        self.quantity - self.filled
    }

    /// Average price of the fills; `None` before the first.
    pub fn average_price(&self) -> Option<Decimal> {
        self.filled_quote.checked_div(self.filled)
    }

    /// The venue's id as its API shows it: a decimal on Binance, a UUID on Bybit.
    pub fn venue_order_id(&self) -> String {
        id_text(self.key.venue, self.id)
    }
}

/// How a client names an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the client's id (the newest order that bears it).
    Client(String),
    /// By the venue's id, in the venue's own spelling.
    Venue(String),
}

/// One execution.
#[derive(Clone, Debug)]
pub struct Fill {
    /// Owner.
    pub account: AccountId,
    /// Instrument.
    pub key: Key,
    /// The venue's trade id as a number.
    pub id: u64,
    /// The order's numeric id.
    pub order_id: u64,
    /// The order's client id.
    pub client_id: String,
    /// Which way.
    pub side: Side,
    /// Base quantity.
    pub quantity: Decimal,
    /// Price.
    pub price: Decimal,
    /// Fee, positive is a cost.
    pub fee: Decimal,
    /// What the fee is paid in.
    pub fee_asset: String,
    /// Profit realised by the part that closed a position (perpetuals), before the fee.
    pub realised: Decimal,
    /// Signed position after this fill (perpetuals).
    pub position_after: Decimal,
    /// Which position it changed (perpetuals).
    pub position_side: PositionSide,
    /// Rested on the book.
    pub maker: bool,
    /// Not caused by the account's client.
    pub foreign: bool,
    /// When.
    pub time_ms: Ms,
}

impl Fill {
    /// The trade id as the venue's API shows it.
    pub fn trade_id(&self) -> String {
        id_text(self.key.venue, self.id)
    }

    /// The order's id as the venue's API shows it.
    pub fn venue_order_id(&self) -> String {
        id_text(self.key.venue, self.order_id)
    }

    /// Price times quantity.
    pub fn value(&self) -> Decimal {
        self.price * self.quantity
    }
}

/// A perpetual position with what the market makes of it now.
#[derive(Clone, Debug)]
pub struct Position {
    /// Owner.
    pub account: AccountId,
    /// Instrument.
    pub key: Key,
    /// Which of the instrument's positions.
    pub position_side: PositionSide,
    /// Signed: positive is long.
    pub quantity: Decimal,
    /// Average entry price (zero when flat).
    pub entry_price: Decimal,
    /// Mark price now.
    pub mark_price: Decimal,
    /// Mark at which the account would be liquidated, if any; an estimate that holds all else still.
    pub liquidation_price: Option<Decimal>,
    /// Profit not realised, at mark.
    pub unrealised: Decimal,
    /// Profit realised since the position was last flat.
    pub realised: Decimal,
    /// Leverage set for the symbol.
    pub leverage: Decimal,
    /// Initial margin at mark.
    pub initial_margin: Decimal,
    /// Maintenance margin at mark.
    pub maintenance_margin: Decimal,
    /// How likely its venue says deleveraging is.
    pub adl_risk: AdlRisk,
    /// What is put aside for this position alone, where it is margined in isolation.
    pub isolated_margin: Option<Decimal>,
    /// Last change.
    pub updated_ms: Ms,
}

/// One request that reached a venue.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// When.
    pub time_ms: Ms,
    /// Method (`WS` for a call over a socket).
    pub method: String,
    /// Path, or the name of a socket call.
    pub path: String,
    /// Raw query.
    pub query: String,
    /// HTTP status answered.
    pub status: u16,
    /// Weight charged.
    pub weight: u32,
}

/// Fees of one instrument, as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// For resting orders.
    pub maker: Decimal,
    /// For orders that take.
    pub taker: Decimal,
}

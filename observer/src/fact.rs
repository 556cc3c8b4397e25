//! What the witness can be told. Plain strings and exact decimals; ids and names as the venue writes them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Direction of an order or a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from the position.
    Sell,
}

impl Side {
    /// `quantity` with the sign of its effect on the position.
    #[must_use]
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// What an intent is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// May build a position.
    Open,
    /// Reduces, closes or unwinds: may only shrink a position.
    Close,
}

/// A committed ledger row that allows one venue order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The hedge on whose behalf.
    pub hedge: String,
    /// The client order id that the order will carry.
    pub client_id: String,
    /// `binance` or `bybit`.
    pub venue: String,
    /// As the venue writes it.
    pub symbol: String,
    /// `spot`, `usdm` or `linear`.
    pub product: String,
    /// Direction.
    pub side: Side,
    /// In the venue's units of the symbol.
    pub quantity: Decimal,
    /// The worst price that it may be executed at; `None` for a market order.
    pub price: Option<Decimal>,
    /// What it is for.
    pub purpose: Purpose,
    /// The asset whose price the hedge is neutral to, e.g. `BTC`.
    pub asset: String,
    /// Units of the asset in one unit of the symbol: 1000 for `1000SHIBUSDT`, mostly 1.
    pub multiplier: Decimal,
}

/// An order that the venue accepted, even for a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which venue.
    pub venue: String,
    /// The client order id it came with.
    pub client_id: String,
    /// The venue's own id.
    pub venue_order_id: String,
    /// As the venue writes it.
    pub symbol: String,
    /// `spot`, `usdm` or `linear`.
    pub product: String,
    /// Direction.
    pub side: Side,
    /// In the venue's units.
    pub quantity: Decimal,
    /// Limit; `None` for a market order.
    pub price: Option<Decimal>,
    /// Whether the venue will only let it shrink a position.
    pub reduce_only: bool,
    /// Somebody else's on the same account: a human's, or the venue's own (liquidation, forced reduction).
    pub foreign: bool,
}

/// One execution, at the venue or as a ledger row; both carry the same fields, so that they can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Which venue.
    pub venue: String,
    /// The venue's id of this execution.
    pub trade_id: String,
    /// The order's client id; empty when the venue itself acted (liquidation, forced reduction).
    pub client_id: String,
    /// As the venue writes it.
    pub symbol: String,
    /// `spot`, `usdm` or `linear`.
    pub product: String,
    /// Direction.
    pub side: Side,
    /// In the venue's units, above zero.
    pub quantity: Decimal,
    /// Quote per unit.
    pub price: Decimal,
    /// Positive when paid, negative when it is a rebate.
    pub fee: Decimal,
    /// What the fee was taken in.
    pub fee_asset: String,
}

/// One funding payment, at the venue or as a ledger row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// Which venue.
    pub venue: String,
    /// The venue's id of this payment.
    pub id: String,
    /// As the venue writes it.
    pub symbol: String,
    /// `usdm` or `linear`.
    pub product: String,
    /// In the quote asset; positive when received.
    pub amount: Decimal,
}

/// The whole of one asset in one wallet: free and locked, without unrealised profit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cash {
    /// Which venue.
    pub venue: String,
    /// By the names in [`crate::Bounds::wallets`].
    pub wallet: String,
    /// Which asset.
    pub asset: String,
    /// Free and locked.
    pub total: Decimal,
}

/// A position as the venue states it. Spot holdings are cash: their positions are not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which venue.
    pub venue: String,
    /// As the venue writes it.
    pub symbol: String,
    /// `usdm` or `linear`.
    pub product: String,
    /// Signed: negative is short.
    pub quantity: Decimal,
}

/// A request that would make or cancel an order, as its bytes left a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The process that sent it.
    pub process: u32,
    /// To which venue.
    pub venue: String,
    /// The client order id that it carries.
    pub client_id: String,
    /// The quantity as it was written; absent in a cancellation.
    pub quantity: Option<String>,
    /// The price as it was written, if it has one.
    pub price: Option<String>,
    /// Whether it is to cancel.
    pub cancels: bool,
}

/// What an engine may hear of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Best bid and ask.
    Quote,
    /// Funding terms.
    Funding,
    /// A book.
    Book,
}

/// How a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was started.
    Started,
    /// It was stopped by a signal and may go on.
    Frozen,
    /// It goes on.
    Thawed,
    /// It is dead.
    Dead,
}

/// What a process holds its open hedges to be, in words that only rows of the ledger can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belief {
    /// Which process.
    pub process: u32,
    /// The hedges, their legs and what they hold.
    pub text: String,
}

/// One thing that became true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The ledger committed an intent.
    IntentCommitted(Intent),
    /// A venue accepted an order.
    VenueOrder(Order),
    /// A venue executed.
    VenueFill(Fill),
    /// A venue paid or took funding.
    VenueFunding(Funding),
    /// The ledger committed an execution.
    LedgerFill(Fill),
    /// The ledger committed a funding payment.
    LedgerFunding(Funding),
    /// The ledger's first statement of a wallet, from which its cash is counted. Later ones are not believed.
    LedgerOpeningCash(Cash),
    /// A person moved cash into a wallet, or out of it: the total is what it changed by. No row of the ledger says so.
    CashMoved(Cash),
    /// A venue's statement of a wallet; send all of a venue's wallets before [`Fact::Quiescent`].
    VenueCash(Cash),
    /// A venue's statement of a position; send all of a venue's positions before [`Fact::Quiescent`].
    VenuePosition(Position),
    /// Nothing is under way: what the venues know, the ledger must know.
    Quiescent,
    /// A process was started, stopped, or ended.
    Process {
        /// Which.
        process: u32,
        /// How it stands now.
        standing: Standing,
    },
    /// The ledger gave a lease to a process, or prolonged it.
    Lease {
        /// To whom.
        process: u32,
        /// The term of office.
        epoch: u64,
        /// When it ends, by the true clock.
        expires_at_ms: i64,
    },
    /// The ledger committed rows.
    Rows {
        /// Of which term of office.
        epoch: u64,
        /// How many of those that a reconciliation writes, without the picture that one without a difference leaves.
        count: u64,
    },
    /// Bytes of an order or of a cancellation left a process.
    Sent(Request),
    /// The ledger says that an order is over.
    OrderOver {
        /// Which.
        client_id: String,
        /// What it executed, by the ledger.
        filled: Decimal,
        /// In a word: `absent` where it was proven that no venue ever had it, `not_sent` where it never left.
        how: String,
    },
    /// A venue says that an order is over without being filled.
    VenueOrderOver {
        /// At which venue.
        venue: String,
        /// Which.
        client_id: String,
        /// Whether its own client cancelled it.
        cancelled: bool,
    },
    /// The ledger committed a reason to stop entries.
    Paused {
        /// Its key.
        key: String,
        /// Whether the engine may remove it.
        clears_itself: bool,
    },
    /// The ledger committed that a reason is gone.
    Unpaused {
        /// Its key.
        key: String,
        /// Whether the engine removed it, and not a person.
        by_engine: bool,
    },
    /// A process has loaded the ledger.
    LedgerLoaded {
        /// Which.
        process: u32,
    },
    /// A venue told a process all of its account in a good answer.
    AccountRead {
        /// Which process.
        process: u32,
        /// Which venue.
        venue: String,
    },
    /// A process heard of a market.
    Heard {
        /// Which process.
        process: u32,
        /// Of which venue.
        venue: String,
        /// Of which product.
        product: String,
        /// Of which symbol.
        symbol: String,
        /// What.
        input: Input,
    },
    /// The connection ended on which a process heard of the markets of a product.
    Deaf {
        /// Which process.
        process: u32,
        /// Of which venue.
        venue: String,
        /// Of which product.
        product: String,
    },
    /// What happens to the world from outside has ended.
    TroublesOver,
    /// The engine says that it runs or is paused for a named reason, and the venues know no living order of it.
    Settled {
        /// Its mode.
        mode: String,
    },
    /// Somebody told the engine to leave a hedge.
    ExitAsked {
        /// Which.
        hedge: String,
    },
    /// A second reconciliation of an unchanged world begins.
    RepeatBegan,
    /// It is over, and found no difference.
    RepeatEnded,
    /// It found something: the world was not unchanged.
    RepeatGivenUp,
    /// Something bad begins to happen to the world from outside.
    TroubleBegan,
    /// It has ended; other things may follow.
    TroubleEnded,
    /// What a process believes: before it is killed, and again when its successor has read the ledger.
    Believed(Belief),
}

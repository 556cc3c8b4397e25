//! What the world does, apart from any account: prices, books, funding rates and their schedule.
//!
//! Everything here is a pure function of the market's own data (or seed) and of `now_ms`; nothing is drawn at
//! random while it runs, so that two runs of one seed are one run.
//!
//! ```text
//! mod.rs      the words (key, rules, funding, book) and the trait `Source`
//! book.rs     a book around a mid price, calibrated on the slippage table
//! tiers.rs    how margin grows with the size of a position
//! schedule.rs settlements in order of time, and the running estimate between two of them
//! generated/  a seeded market: no file needed
//! files.rs    comma-separated files, packed or plain, and what is wrong with them
//! recorded/   a market from recorded files
//! shifted.rs  another market, moved in time
//! told.rs     a market that is told from outside, as it happens
//! ```

pub mod book;
pub mod files;
pub mod generated;
pub mod recorded;
mod schedule;
mod shifted;
mod tiers;
mod told;

pub use files::MarketError;
pub use generated::{Generated, GeneratedOptions, lowest_tier};
pub use recorded::{Recorded, RecordedOptions};
pub use shifted::Shifted;
pub use tiers::Tier;
pub use told::{BELIEVED_MS, Teller, Told};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC, by the simulator's clock.
pub type Ms = i64;

/// A venue that the simulator stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Venue {
    /// Binance: spot and USDⓈ-M perpetuals.
    Binance,
    /// Bybit v5: spot and linear perpetuals.
    Bybit,
}

/// What is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Coins against USDT.
    Spot,
    /// A USDT-margined perpetual.
    Perp,
}

/// One tradable thing of one venue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Where.
    pub venue: Venue,
    /// What kind.
    pub product: Product,
    /// The venue's own symbol, for example `BTCUSDT`.
    pub symbol: String,
}

/// Whether orders are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Normal trading.
    Trading,
    /// No orders at all.
    Halted,
    /// Cancels and reductions only.
    CancelOnly,
    /// Gone.
    Delisted,
}

/// The rules of one instrument. Steps and sizes in the instrument's own units (contracts count base coins).
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which instrument.
    pub key: Key,
    /// Base asset as the venue names it (`BTC`, `1000PEPE`).
    pub base: String,
    /// Quote asset (`USDT`).
    pub quote: String,
    /// Price step.
    pub tick: Decimal,
    /// Quantity step.
    pub lot: Decimal,
    /// Least quantity of an order.
    pub min_quantity: Decimal,
    /// Most quantity of a limit order.
    pub max_quantity: Decimal,
    /// Most quantity of a market order.
    pub max_market_quantity: Decimal,
    /// Least price times quantity, in quote currency.
    pub min_notional: Decimal,
    /// Taker fee as a fraction (0.0005 is 5 bps).
    pub taker_fee: Decimal,
    /// Maker fee as a fraction.
    pub maker_fee: Decimal,
    /// Greatest leverage.
    pub max_leverage: Decimal,
    /// Maintenance margin as a fraction of notional.
    pub maintenance_margin: Decimal,
    /// Whether orders are taken.
    pub status: Status,
}

/// Funding terms of a perpetual at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Running estimate for the settlement at `next_ms`, fraction of notional. Positive: longs pay shorts.
    pub predicted: Decimal,
    /// Next settlement.
    pub next_ms: Ms,
    /// Hours between settlements now in force.
    pub interval_hours: u32,
    /// Greatest rate per settlement.
    pub cap: Decimal,
    /// Least rate per settlement (negative).
    pub floor: Decimal,
}

/// One settlement that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The boundary, rounded to the hour.
    pub at_ms: Ms,
    /// The rate paid.
    pub rate: Decimal,
    /// Mark price used.
    pub mark: Decimal,
    /// Hours that it covers; 0 for a special one.
    pub interval_hours: u32,
    /// Paid once beside the regular ones (Binance's `Special` rows).
    pub special: bool,
}

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Quote currency per unit.
    pub price: Decimal,
    /// Units on offer.
    pub quantity: Decimal,
}

/// A book as of one instant: best first, never crossed, prices on the tick, quantities on the lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Buyers, highest first.
    pub bids: Vec<Level>,
    /// Sellers, lowest first.
    pub asks: Vec<Level>,
}

/// What the venues quote. Implementations: recorded files, a seeded generator, the present as it is told.
pub trait Source {
    /// First instant at which every instrument has prices.
    fn starts_ms(&self) -> Ms;
    /// Last such instant.
    fn ends_ms(&self) -> Ms;
    /// A good instant to begin a short showing: carry is rich soon after it and fades within days.
    fn showcase_ms(&self) -> Ms;
    /// The instruments, in the order of their keys.
    fn rules(&self) -> &[Rules];
    /// Mid price at `now`, exact and deterministic. `None` outside the recorded time.
    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal>;
    /// Mark price of a perpetual.
    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal>;
    /// Index price of a perpetual.
    fn index(&self, key: &Key, now: Ms) -> Option<Decimal>;
    /// The book around the mid, at least 20 levels a side.
    fn depth(&self, key: &Key, now: Ms) -> Option<Depth>;
    /// Best bid and best ask of the same book. Implementations answer it without building every level.
    fn best(&self, key: &Key, now: Ms) -> Option<(Level, Level)> {
        let depth = self.depth(key, now)?;
        Some((*depth.bids.first()?, *depth.asks.first()?))
    }
    /// Funding terms of a perpetual.
    fn funding(&self, key: &Key, now: Ms) -> Option<Funding>;
    /// Settlements with `after < at <= until`, oldest first.
    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement>;
    /// Units traded in the last 24 h.
    fn volume_24h(&self, key: &Key, now: Ms) -> Option<Decimal>;
}

//! The rows of money: balances, margin, cash movements, funding payments.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::id_text;
use super::types::{AccountId, Wallet};
use crate::market::{Key, Ms};

/// What a wallet holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Wallet.
    pub wallet: Wallet,
    /// Asset.
    pub asset: String,
    /// Not held by resting spot orders.
    pub free: Decimal,
    /// Held by resting spot orders. (Margin in use is not counted here; see [`Margin`].)
    pub locked: Decimal,
}

/// A venue's view of an account's perpetual margin, in USDT.
#[derive(Clone, Debug, Default)]
pub struct Margin {
    /// USDT in the wallet.
    pub wallet_balance: Decimal,
    /// Sum of unrealised profits.
    pub unrealised: Decimal,
    /// Collateral: wallet, unrealised profit and, on the unified account, the haircut value of coins.
    pub equity: Decimal,
    /// Initial margin of positions.
    pub position_initial: Decimal,
    /// Initial margin of resting orders that open.
    pub order_initial: Decimal,
    /// Maintenance margin.
    pub maintenance: Decimal,
    /// What may still be used to open.
    pub available: Decimal,
    /// Put aside for positions margined in isolation.
    pub isolated: Decimal,
    /// Unrealised profit of positions margined in isolation.
    pub isolated_unrealised: Decimal,
    /// Maintenance margin of positions margined in isolation.
    pub isolated_maintenance: Decimal,
}

impl Margin {
    /// What stands behind the positions that share their margin.
    pub fn cross_equity(&self) -> Decimal {
        self.equity - self.isolated - self.isolated_unrealised
    }

    /// What those positions need at the least.
    pub fn cross_maintenance(&self) -> Decimal {
        self.maintenance - self.isolated_maintenance
    }
}

/// Why cash moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashKind {
    /// One side of a spot trade.
    Trade,
    /// Profit realised on a perpetual.
    RealisedProfit,
    /// Trading fee (negative amount = paid).
    Fee,
    /// Funding settlement.
    Funding,
    /// Deposit, withdrawal or move between wallets.
    Transfer,
    /// The insurance fund made a bankrupt account whole.
    Insurance,
}

/// One movement of money. Start balance plus all rows is the balance, always.
#[derive(Clone, Debug)]
pub struct CashRow {
    /// Row id, unique over everything.
    pub id: u64,
    /// Owner.
    pub account: AccountId,
    /// Wallet that changed.
    pub wallet: Wallet,
    /// Asset that moved.
    pub asset: String,
    /// Signed amount, positive is received.
    pub amount: Decimal,
    /// Total of the asset in the wallet afterwards.
    pub balance_after: Decimal,
    /// Why.
    pub kind: CashKind,
    /// Instrument, if any.
    pub key: Option<Key>,
    /// Numeric fill id, if the cause was a fill; funding row id, if it was a settlement.
    pub reference: Option<u64>,
    /// When it was booked.
    pub time_ms: Ms,
}

/// One funding payment.
#[derive(Clone, Debug)]
pub struct FundingRow {
    /// Owner.
    pub account: AccountId,
    /// Instrument.
    pub key: Key,
    /// Id as a number.
    pub id: u64,
    /// Received (positive) or paid (negative), in USDT.
    pub amount: Decimal,
    /// Rate of the settlement.
    pub rate: Decimal,
    /// Signed position at the boundary.
    pub quantity: Decimal,
    /// Mark price used.
    pub mark_price: Decimal,
    /// The boundary.
    pub settled_ms: Ms,
    /// Wallet total afterwards.
    pub balance_after: Decimal,
}

impl FundingRow {
    /// The id as the venue's API shows it: Binance's `tranId`; Bybit's `execId` and log `id` alike.
    pub fn funding_id(&self) -> String {
        id_text(self.key.venue, self.id)
    }
}

//! The objects of the wire: orders, executions, positions, wallets, cash flow, as REST and streams both carry them.
//!
//! Figures travel as text; what does not apply is `""`. A field that only streams carry is an `Option` that REST leaves
//! out.

use rust_decimal::Decimal;
use serde::Serialize;

/// An order. Streams add `category`, `closedPnl` and `feeCurrency`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_pnl: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_currency: Option<&'a str>,
    pub order_id: String,
    pub order_link_id: &'a str,
    pub block_trade_id: &'static str,
    pub symbol: &'a str,
    pub price: Decimal,
    pub qty: Decimal,
    pub side: &'static str,
    pub is_leverage: &'static str,
    pub position_idx: u8,
    pub order_status: &'static str,
    pub create_type: &'static str,
    pub cancel_type: &'static str,
    pub reject_reason: &'static str,
    pub avg_price: String,
    pub leaves_qty: Decimal,
    pub leaves_value: Decimal,
    pub cum_exec_qty: Decimal,
    pub cum_exec_value: Decimal,
    pub cum_exec_fee: Decimal,
    pub time_in_force: &'static str,
    pub order_type: &'static str,
    pub stop_order_type: &'static str,
    pub order_iv: &'static str,
    pub market_unit: &'static str,
    pub trigger_price: &'static str,
    pub take_profit: &'static str,
    pub stop_loss: &'static str,
    /// Contracts only: its presence tells them from spot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpsl_mode: Option<&'static str>,
    pub oco_trigger_by: &'static str,
    pub tp_limit_price: &'static str,
    pub sl_limit_price: &'static str,
    pub tp_trigger_by: &'static str,
    pub sl_trigger_by: &'static str,
    pub trigger_direction: u8,
    pub trigger_by: &'static str,
    pub last_price_on_created: &'static str,
    pub reduce_only: bool,
    pub close_on_trigger: bool,
    pub place_type: &'static str,
    pub smp_type: &'static str,
    pub smp_group: u8,
    pub smp_order_id: String,
    pub created_time: String,
    pub updated_time: String,
}

/// An execution. Streams add `category`, `execPnl`, `isLeverage`, `marketUnit`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec_pnl: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_leverage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_unit: Option<&'static str>,
    pub symbol: &'a str,
    pub order_id: String,
    pub order_link_id: &'a str,
    pub side: &'static str,
    pub order_price: Decimal,
    pub order_qty: Decimal,
    pub leaves_qty: Decimal,
    pub create_type: &'static str,
    pub order_type: &'static str,
    pub stop_order_type: &'static str,
    pub exec_fee: Decimal,
    pub fee_currency: &'a str,
    pub exec_id: String,
    pub exec_price: Decimal,
    pub exec_qty: Decimal,
    pub exec_type: &'static str,
    pub exec_value: Decimal,
    pub exec_time: String,
    pub is_maker: bool,
    pub fee_rate: Decimal,
    pub trade_iv: &'static str,
    pub mark_iv: &'static str,
    pub mark_price: String,
    pub index_price: &'static str,
    pub underlying_price: &'static str,
    pub block_trade_id: &'static str,
    pub closed_size: String,
    pub seq: u64,
    pub extra_fees: &'static str,
}

/// A row of `execution.fast`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FastRow<'a> {
    pub category: &'static str,
    pub symbol: &'a str,
    pub exec_id: String,
    pub exec_price: Decimal,
    pub exec_qty: Decimal,
    pub order_id: String,
    pub is_maker: bool,
    pub order_link_id: &'a str,
    pub side: &'static str,
    pub exec_time: String,
    pub seq: u64,
}

/// A position. REST says `avgPrice`, streams `entryPrice` and `category`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_price: Option<String>,
    pub position_idx: u8,
    pub trade_mode: u8,
    pub risk_id: u8,
    pub risk_limit_value: Decimal,
    pub symbol: &'a str,
    pub side: &'static str,
    pub size: Decimal,
    pub position_value: String,
    pub auto_add_margin: u8,
    pub position_status: &'static str,
    pub leverage: Decimal,
    pub mark_price: Decimal,
    pub liq_price: String,
    pub bust_price: &'static str,
    #[serde(rename = "positionIM")]
    pub position_im: Decimal,
    #[serde(rename = "positionMM")]
    pub position_mm: Decimal,
    #[serde(rename = "positionIMByMp")]
    pub position_im_by_mp: Decimal,
    #[serde(rename = "positionMMByMp")]
    pub position_mm_by_mp: Decimal,
    pub position_balance: Decimal,
    pub unrealised_pnl: Decimal,
    pub cur_realised_pnl: Decimal,
    pub cum_realised_pnl: Decimal,
    pub break_even_price: &'static str,
    pub session_avg_price: &'static str,
    pub tpsl_mode: &'static str,
    pub take_profit: &'static str,
    pub stop_loss: &'static str,
    pub trailing_stop: &'static str,
    pub adl_rank_indicator: u8,
    pub is_reduce_only: bool,
    pub mmr_sys_updated_time: &'static str,
    pub leverage_sys_updated_time: &'static str,
    pub created_time: String,
    pub updated_time: String,
    pub seq: u64,
}

/// The unified account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletRow {
    pub account_type: &'static str,
    #[serde(rename = "accountIMRate")]
    pub account_im_rate: Decimal,
    #[serde(rename = "accountMMRate")]
    pub account_mm_rate: Decimal,
    #[serde(rename = "accountLTV")]
    pub account_ltv: &'static str,
    pub total_equity: Decimal,
    pub total_wallet_balance: Decimal,
    pub total_margin_balance: Decimal,
    pub total_available_balance: Decimal,
    #[serde(rename = "totalPerpUPL")]
    pub total_perp_upl: Decimal,
    pub total_initial_margin: Decimal,
    pub total_maintenance_margin: Decimal,
    pub coin: Vec<CoinRow>,
}

/// One coin of the unified account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoinRow {
    pub coin: String,
    pub equity: Decimal,
    pub usd_value: Decimal,
    pub wallet_balance: Decimal,
    pub locked: Decimal,
    pub available_to_withdraw: &'static str,
    pub available_to_borrow: &'static str,
    pub borrow_amount: &'static str,
    pub spot_borrow: &'static str,
    pub accrued_interest: &'static str,
    #[serde(rename = "totalOrderIM")]
    pub total_order_im: Decimal,
    #[serde(rename = "totalPositionIM")]
    pub total_position_im: Decimal,
    #[serde(rename = "totalPositionMM")]
    pub total_position_mm: Decimal,
    pub unrealised_pnl: Decimal,
    pub cum_realised_pnl: Decimal,
    pub bonus: &'static str,
    pub collateral_switch: bool,
    pub margin_collateral: bool,
    pub spot_hedging_qty: &'static str,
}

/// One booking of the unified account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRow<'a> {
    pub id: String,
    pub symbol: &'a str,
    pub category: &'static str,
    pub side: &'static str,
    pub transaction_time: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub trans_sub_type: &'static str,
    pub qty: Decimal,
    pub size: Decimal,
    pub currency: &'a str,
    pub trade_price: Decimal,
    pub funding: String,
    pub fee: Decimal,
    pub cash_flow: Decimal,
    pub change: Decimal,
    pub cash_balance: Decimal,
    pub fee_rate: Decimal,
    pub bonus_change: &'static str,
    pub trade_id: String,
    pub order_id: String,
    pub order_link_id: &'a str,
    pub extra_fees: &'static str,
}

/// A list under a category, with the cursor of the next page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    pub list: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// A list that pages.
    pub fn paged(category: Option<&'static str>, (list, next): (Vec<T>, String)) -> Self {
        Self {
            category,
            list,
            next_page_cursor: Some(next),
        }
    }

    /// A list that is whole.
    pub fn whole(category: Option<&'static str>, list: Vec<T>) -> Self {
        Self {
            category,
            list,
            next_page_cursor: None,
        }
    }
}

//! Payloads as the venue writes them. They never leave this folder.
//!
//! Figures stay text until [`super::parse`] reads them: `""` means "not applicable" here and is never a zero.

use serde::Deserialize;

/// How every answer to a request begins. HTTP is 200 for refusals too: `ret_code` is the judge.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Zero, or why not.
    pub ret_code: i64,
    /// The venue's words.
    #[serde(default)]
    pub ret_msg: String,
}

/// The answer itself, read only when the verdict is zero.
#[derive(Debug, Deserialize)]
pub struct Answer<T> {
    pub result: T,
    /// The venue's time of the answer, milliseconds.
    #[serde(default)]
    pub time: i64,
}

/// A page of rows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub list: Vec<T>,
    /// Where the next page begins; empty, null or absent on the last one.
    #[serde(default)]
    pub next_page_cursor: Option<String>,
}

/// `GET /v5/market/instruments-info`, one row of either category.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstrumentRow {
    pub symbol: String,
    pub status: String,
    pub base_coin: String,
    pub quote_coin: String,
    #[serde(default)]
    pub contract_type: Option<String>,
    #[serde(default)]
    pub settle_coin: Option<String>,
    #[serde(default)]
    pub delivery_time: Option<String>,
    #[serde(default)]
    pub is_pre_listing: bool,
    pub price_filter: PriceFilter,
    pub lot_size_filter: LotSizeFilter,
    #[serde(default)]
    pub risk_parameters: RiskParameters,
}

/// How far from the mark a price may be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RiskParameters {
    #[serde(default)]
    pub price_limit_ratio_x: Option<String>,
    #[serde(default)]
    pub price_limit_ratio_y: Option<String>,
}

/// `GET /v5/market/risk-limit`, one row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierRow {
    pub symbol: String,
    pub risk_limit_value: String,
    pub maintenance_margin: String,
    pub max_leverage: String,
    #[serde(default)]
    pub mm_deduction: Option<String>,
}

/// The price grid.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceFilter {
    pub tick_size: String,
    #[serde(default)]
    pub min_price: Option<String>,
    #[serde(default)]
    pub max_price: Option<String>,
}

/// The quantity grid; which fields are there depends on the category.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LotSizeFilter {
    #[serde(default)]
    pub qty_step: Option<String>,
    #[serde(default)]
    pub base_precision: Option<String>,
    #[serde(default)]
    pub min_order_qty: Option<String>,
    #[serde(default)]
    pub max_order_qty: Option<String>,
    #[serde(default)]
    pub max_mkt_order_qty: Option<String>,
    #[serde(default)]
    pub max_limit_order_qty: Option<String>,
    #[serde(default)]
    pub max_market_order_qty: Option<String>,
    #[serde(default)]
    pub min_notional_value: Option<String>,
    #[serde(default)]
    pub min_order_amt: Option<String>,
}

/// `GET /v5/market/funding/history`, one row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettledRow {
    pub symbol: String,
    pub funding_rate: String,
    pub funding_rate_timestamp: String,
}

/// A ticker, whole or with only the fields that changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TickerRow {
    pub symbol: String,
    #[serde(default)]
    pub mark_price: Option<String>,
    #[serde(default)]
    pub index_price: Option<String>,
    #[serde(default)]
    pub funding_rate: Option<String>,
    #[serde(default)]
    pub next_funding_time: Option<String>,
    #[serde(default)]
    pub funding_interval_hour: Option<String>,
    #[serde(default)]
    pub funding_cap: Option<String>,
    #[serde(default)]
    pub bid1_price: Option<String>,
    #[serde(default)]
    pub bid1_size: Option<String>,
    #[serde(default)]
    pub ask1_price: Option<String>,
    #[serde(default)]
    pub ask1_size: Option<String>,
    #[serde(default)]
    pub open_interest: Option<String>,
    #[serde(default)]
    pub turnover24h: Option<String>,
}

/// A book or a change of one: price and size of each level.
#[derive(Debug, Deserialize)]
pub struct BookRow {
    pub s: String,
    pub b: Vec<(String, String)>,
    pub a: Vec<(String, String)>,
    /// Required in what is pushed and in what is answered: without it nothing tells what came first.
    pub u: u64,
    #[serde(default)]
    pub seq: Option<u64>,
    #[serde(default)]
    pub ts: Option<i64>,
}

/// An order, on request or pushed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow {
    #[serde(default)]
    pub category: Option<String>,
    pub symbol: String,
    pub order_id: String,
    #[serde(default)]
    pub order_link_id: Option<String>,
    pub side: String,
    pub qty: String,
    pub cum_exec_qty: String,
    pub order_status: String,
    #[serde(default)]
    pub cancel_type: Option<String>,
    pub updated_time: String,
}

/// An execution, on request or pushed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRow {
    #[serde(default)]
    pub category: Option<String>,
    pub symbol: String,
    pub order_id: String,
    #[serde(default)]
    pub order_link_id: Option<String>,
    pub side: String,
    pub exec_id: String,
    pub exec_type: String,
    pub exec_price: String,
    pub exec_qty: String,
    #[serde(default)]
    pub exec_fee: Option<String>,
    #[serde(default)]
    pub fee_currency: Option<String>,
    #[serde(default)]
    pub exec_pnl: Option<String>,
    pub exec_time: String,
    #[serde(default)]
    pub is_maker: bool,
}

/// `GET /v5/position/list`, one row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRow {
    pub symbol: String,
    pub side: String,
    pub size: String,
    pub avg_price: String,
    pub mark_price: String,
    #[serde(default)]
    pub liq_price: Option<String>,
}

/// A position as it is pushed: after every order, changed or not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushedPosition {
    #[serde(default)]
    pub category: Option<String>,
    pub symbol: String,
    pub side: String,
    pub size: String,
    #[serde(default)]
    pub position_idx: u8,
}

/// One account with its coins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletRow {
    /// Empty where positions are margined in isolation.
    #[serde(default)]
    pub total_margin_balance: Option<String>,
    #[serde(default)]
    pub total_maintenance_margin: Option<String>,
    pub coin: Vec<CoinRow>,
}

/// One coin of an account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoinRow {
    pub coin: String,
    pub wallet_balance: String,
    #[serde(default)]
    pub locked: Option<String>,
}

/// `GET /v5/account/transaction-log`, one row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRow {
    pub id: String,
    pub symbol: String,
    pub category: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub transaction_time: String,
    #[serde(default)]
    pub funding: Option<String>,
    #[serde(default)]
    pub size: Option<String>,
    #[serde(default)]
    pub fee_rate: Option<String>,
    pub currency: String,
}

/// `GET /v5/account/fee-rate`, one row.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeRow {
    pub symbol: String,
    pub taker_fee_rate: String,
    pub maker_fee_rate: String,
}

/// The receipt for an order: nothing is done yet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub order_id: String,
}

/// `GET /v5/market/time`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    pub time_nano: String,
}

/// How whatever comes over a socket begins: data with a topic, or an answer to something that was asked.
#[derive(Debug, Deserialize)]
pub struct Frame {
    #[serde(default)]
    pub topic: Option<String>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub ts: i64,
    #[serde(default)]
    pub cts: Option<i64>,
    #[serde(default)]
    pub op: Option<String>,
    #[serde(default)]
    pub success: Option<bool>,
    #[serde(default)]
    pub ret_msg: Option<String>,
    #[serde(default)]
    pub req_id: Option<String>,
    #[serde(default, rename = "retCode")]
    pub ret_code: Option<i64>,
    #[serde(default, rename = "retMsg")]
    pub ret_message: Option<String>,
}

/// What a frame with a topic carries.
#[derive(Debug, Deserialize)]
pub struct Pushed<T> {
    pub data: T,
}

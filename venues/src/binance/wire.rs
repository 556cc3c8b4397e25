//! Shapes on the wire. They never leave this folder; fields that the engine does not need are not read.

#![expect(clippy::struct_field_names, reason = "the venue names the fields")]

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::{Id, MaybeNum, Num};

// ---- REST, public ----

#[derive(Deserialize)]
pub struct ServerTime {
    #[serde(rename = "serverTime")]
    pub server_time: i64,
}

/// The limits in an `exchangeInfo`; the symbols are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimits<'a> {
    #[serde(borrow, default)]
    pub rate_limits: Vec<RateLimit<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit<'a> {
    #[serde(borrow)]
    pub rate_limit_type: Cow<'a, str>,
    #[serde(borrow)]
    pub interval: Cow<'a, str>,
    pub interval_num: u64,
    pub limit: u64,
}

#[derive(Deserialize)]
pub struct ExchangeInfo<'a> {
    #[serde(borrow)]
    pub symbols: Vec<Symbol<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Symbol<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    #[serde(borrow)]
    pub base_asset: Cow<'a, str>,
    #[serde(borrow)]
    pub quote_asset: Cow<'a, str>,
    #[serde(borrow)]
    pub contract_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub margin_asset: Option<Cow<'a, str>>,
    pub delivery_date: Option<i64>,
    pub is_spot_trading_allowed: Option<bool>,
    #[serde(borrow)]
    pub filters: Vec<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter<'a> {
    #[serde(borrow)]
    pub filter_type: Cow<'a, str>,
    pub tick_size: Option<Num>,
    pub min_price: Option<Num>,
    pub max_price: Option<Num>,
    pub min_qty: Option<Num>,
    pub max_qty: Option<Num>,
    pub step_size: Option<Num>,
    pub notional: Option<Num>,
    pub min_notional: Option<Num>,
    pub multiplier_up: Option<Num>,
    pub multiplier_down: Option<Num>,
    pub bid_multiplier_up: Option<Num>,
    pub ask_multiplier_down: Option<Num>,
    pub max_position: Option<Num>,
}

/// `GET /api/v3/ticker/24hr` and `GET /fapi/v1/ticker/24hr`, one row.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayTicker<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub quote_volume: Num,
}

/// `GET /fapi/v1/openInterest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenInterest<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub open_interest: Num,
}

/// `GET /fapi/v1/fundingRate`, one row.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub funding_rate: Num,
    pub funding_time: i64,
    #[serde(borrow)]
    pub rate_type: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub struct Depth {
    #[serde(rename = "lastUpdateId")]
    pub last_update_id: u64,
    #[serde(rename = "T")]
    pub transaction_time: Option<i64>,
    pub bids: Vec<(Num, Num)>,
    pub asks: Vec<(Num, Num)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestTicker<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub bid_price: Num,
    pub bid_qty: Num,
    pub ask_price: Num,
    pub ask_qty: Num,
    pub time: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PremiumIndex<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub mark_price: Num,
    #[serde(default)]
    pub index_price: MaybeNum,
    pub last_funding_rate: MaybeNum,
    pub next_funding_time: i64,
    pub time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingInfo<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    #[serde(default)]
    pub adjusted_funding_rate_cap: MaybeNum,
    #[serde(default)]
    pub adjusted_funding_rate_floor: MaybeNum,
    pub funding_interval_hours: u8,
}

// ---- REST, private ----

/// `GET /fapi/v1/leverageBracket`, one row.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Brackets<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub notional_coef: Option<Num>,
    pub brackets: Vec<Bracket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    pub initial_leverage: Num,
    pub notional_cap: Num,
    pub maint_margin_ratio: Num,
    pub cum: Num,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    pub order_id: Id,
    #[serde(borrow)]
    pub client_order_id: Cow<'a, str>,
    #[serde(borrow)]
    pub side: Cow<'a, str>,
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    pub orig_qty: Num,
    pub executed_qty: Num,
    pub update_time: Option<i64>,
    pub time: Option<i64>,
    pub transact_time: Option<i64>,
    /// The order's own name where the answer is about its cancellation, which has one of its own.
    #[serde(borrow)]
    pub orig_client_order_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedOrder<'a> {
    pub order_id: Id,
    #[serde(borrow)]
    pub client_order_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade<'a> {
    #[serde(borrow)]
    pub symbol: Option<Cow<'a, str>>,
    pub id: u64,
    pub order_id: Id,
    pub price: Num,
    pub qty: Num,
    pub commission: Num,
    #[serde(borrow)]
    pub commission_asset: Cow<'a, str>,
    pub time: i64,
    #[serde(borrow)]
    pub side: Option<Cow<'a, str>>,
    pub maker: Option<bool>,
    pub realized_pnl: Option<Num>,
    pub is_buyer: Option<bool>,
    pub is_maker: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRisk<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub position_side: Cow<'a, str>,
    pub position_amt: Num,
    pub entry_price: Num,
    pub mark_price: Num,
    #[serde(default)]
    pub liquidation_price: MaybeNum,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdlRisk<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub adl_risk: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FuturesAccount {
    pub total_margin_balance: Num,
    pub total_maint_margin: Num,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FuturesBalance<'a> {
    #[serde(borrow)]
    pub asset: Cow<'a, str>,
    pub balance: Num,
    pub available_balance: Num,
}

#[derive(Deserialize)]
pub struct SpotAccount<'a> {
    #[serde(borrow)]
    pub balances: Vec<SpotBalance<'a>>,
}

#[derive(Deserialize)]
pub struct SpotBalance<'a> {
    #[serde(borrow)]
    pub asset: Cow<'a, str>,
    pub free: Num,
    pub locked: Num,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Income<'a> {
    #[serde(borrow)]
    pub symbol: Cow<'a, str>,
    #[serde(borrow)]
    pub income_type: Cow<'a, str>,
    pub income: Num,
    #[serde(borrow)]
    pub asset: Cow<'a, str>,
    pub time: i64,
    pub tran_id: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionRate {
    pub maker_commission_rate: Num,
    pub taker_commission_rate: Num,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpotCommission {
    pub standard_commission: Commission,
    pub special_commission: Option<Commission>,
    pub tax_commission: Option<Commission>,
}

#[derive(Deserialize, Clone, Copy, Default)]
pub struct Commission {
    pub maker: Num,
    pub taker: Num,
    pub buyer: Num,
    pub seller: Num,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenKey {
    pub listen_key: String,
}

#[derive(Deserialize)]
pub struct ErrorBody {
    pub code: i64,
    #[serde(default)]
    pub msg: String,
}

// ---- streams ----

/// Anything that a market stream says: `{"stream","data"}`, or an answer to a subscription.
#[derive(Deserialize)]
pub struct Envelope<'a> {
    #[serde(borrow)]
    pub stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    pub id: Option<u64>,
    pub error: Option<ErrorBody>,
    #[serde(borrow)]
    pub e: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub struct BookTicker<'a> {
    pub u: u64,
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    pub b: Num,
    #[serde(rename = "B")]
    pub bid_quantity: Num,
    pub a: Num,
    #[serde(rename = "A")]
    pub ask_quantity: Num,
    #[serde(rename = "T")]
    pub transaction_time: Option<i64>,
}

#[derive(Deserialize)]
pub struct DepthUpdate<'a> {
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    #[serde(rename = "E")]
    pub event_time: i64,
    #[serde(rename = "T")]
    pub transaction_time: Option<i64>,
    #[serde(rename = "U")]
    pub first: u64,
    pub u: u64,
    pub pu: Option<u64>,
    pub b: Vec<(Num, Num)>,
    pub a: Vec<(Num, Num)>,
}

#[derive(Deserialize)]
pub struct MarkPrice<'a> {
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    #[serde(rename = "E")]
    pub event_time: i64,
    pub p: Num,
    #[serde(default)]
    pub i: MaybeNum,
    pub r: MaybeNum,
    #[serde(rename = "T")]
    pub next_funding_time: i64,
}

/// Only the name of a user event.
#[derive(Deserialize)]
pub struct EventName<'a> {
    #[serde(borrow)]
    pub e: Cow<'a, str>,
}

#[derive(Deserialize)]
pub struct OrderTradeUpdate<'a> {
    #[serde(borrow)]
    pub o: FuturesOrderEvent<'a>,
}

#[derive(Deserialize)]
pub struct FuturesOrderEvent<'a> {
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    #[serde(borrow)]
    pub c: Cow<'a, str>,
    #[serde(rename = "S", borrow)]
    pub side: Cow<'a, str>,
    pub q: Num,
    #[serde(borrow)]
    pub x: Cow<'a, str>,
    #[serde(rename = "X", borrow)]
    pub status: Cow<'a, str>,
    pub i: Id,
    pub l: Num,
    pub z: Num,
    #[serde(rename = "L")]
    pub last_price: Num,
    #[serde(rename = "N", borrow)]
    pub fee_asset: Option<Cow<'a, str>>,
    #[serde(default)]
    pub n: MaybeNum,
    #[serde(rename = "T")]
    pub time: i64,
    pub t: i64,
    #[serde(default)]
    pub m: bool,
    #[serde(default)]
    pub rp: MaybeNum,
}

#[derive(Deserialize)]
pub struct AccountUpdate<'a> {
    #[serde(borrow)]
    pub a: AccountChange<'a>,
}

#[derive(Deserialize)]
pub struct AccountChange<'a> {
    #[serde(borrow)]
    pub m: Cow<'a, str>,
    #[serde(rename = "P", borrow, default)]
    pub positions: Vec<PositionChange<'a>>,
}

#[derive(Deserialize)]
pub struct PositionChange<'a> {
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    pub pa: Num,
    #[serde(borrow)]
    pub ps: Cow<'a, str>,
}

#[derive(Deserialize)]
pub struct SpotEnvelope<'a> {
    #[serde(borrow)]
    pub event: Option<&'a RawValue>,
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    pub status: Option<u16>,
    pub error: Option<ErrorBody>,
}

#[derive(Deserialize)]
pub struct ExecutionReport<'a> {
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    #[serde(borrow)]
    pub c: Cow<'a, str>,
    #[serde(rename = "C", borrow, default)]
    pub original_client_id: Option<Cow<'a, str>>,
    #[serde(rename = "S", borrow)]
    pub side: Cow<'a, str>,
    pub q: Num,
    #[serde(borrow)]
    pub x: Cow<'a, str>,
    #[serde(rename = "X", borrow)]
    pub status: Cow<'a, str>,
    pub i: Id,
    pub l: Num,
    pub z: Num,
    #[serde(rename = "L")]
    pub last_price: Num,
    #[serde(rename = "N", borrow)]
    pub fee_asset: Option<Cow<'a, str>>,
    #[serde(default)]
    pub n: MaybeNum,
    #[serde(rename = "T")]
    pub time: i64,
    pub t: i64,
    #[serde(default)]
    pub m: bool,
}

#[derive(Deserialize)]
pub struct AccountPosition<'a> {
    #[serde(rename = "B", borrow)]
    pub balances: Vec<PositionBalance<'a>>,
}

#[derive(Deserialize)]
pub struct PositionBalance<'a> {
    #[serde(borrow)]
    pub a: Cow<'a, str>,
    pub f: Num,
    pub l: Num,
}

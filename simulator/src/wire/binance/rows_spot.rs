//! Spot orders and trades as REST shows them.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::exchange::{Fill, Order};
use crate::market::Ms;

use super::text::eight;
use super::words;

/// Answer to an order query.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Query<'a> {
    symbol: &'a str,
    order_id: u64,
    order_list_id: i32,
    client_order_id: &'a str,
    price: String,
    orig_qty: String,
    executed_qty: String,
    cummulative_quote_qty: String,
    status: &'static str,
    time_in_force: &'static str,
    r#type: &'static str,
    side: &'static str,
    stop_price: &'static str,
    iceberg_qty: &'static str,
    time: Ms,
    update_time: Ms,
    is_working: bool,
    working_time: Ms,
    orig_quote_order_qty: String,
    self_trade_prevention_mode: &'static str,
}

/// Zero with eight decimals.
pub const ZERO: &str = "0.00000000";

impl<'a> From<&'a Order> for Query<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            symbol: &order.key.symbol,
            order_id: order.id,
            order_list_id: -1,
            client_order_id: &order.client_id,
            price: eight(order.price.unwrap_or_default()),
            orig_qty: eight(order.quantity),
            executed_qty: eight(order.filled),
            cummulative_quote_qty: eight(order.filled_quote),
            status: order.status.name(),
            time_in_force: words::spot_tif(order),
            r#type: words::spot_type(order),
            side: words::side(order.side),
            stop_price: ZERO,
            iceberg_qty: ZERO,
            time: order.created_ms,
            update_time: order.updated_ms,
            is_working: true,
            working_time: order.created_ms,
            orig_quote_order_qty: eight(order.quote_quantity.unwrap_or_default()),
            self_trade_prevention_mode: words::self_trade(order),
        }
    }
}

/// Answer to a placement, short.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack<'a> {
    symbol: &'a str,
    order_id: u64,
    order_list_id: i32,
    client_order_id: &'a str,
    transact_time: Ms,
}

impl<'a> From<&'a Order> for Ack<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            symbol: &order.key.symbol,
            order_id: order.id,
            order_list_id: -1,
            client_order_id: &order.client_id,
            transact_time: order.created_ms,
        }
    }
}

/// Answer to a placement, RESULT or (with `fills`) FULL.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed<'a> {
    #[serde(flatten)]
    ack: Ack<'a>,
    price: String,
    orig_qty: String,
    executed_qty: String,
    orig_quote_order_qty: String,
    cummulative_quote_qty: String,
    status: &'static str,
    time_in_force: &'static str,
    r#type: &'static str,
    side: &'static str,
    working_time: Ms,
    #[serde(skip_serializing_if = "Option::is_none")]
    fills: Option<Vec<PlacedFill>>,
    self_trade_prevention_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlacedFill {
    price: String,
    qty: String,
    commission: String,
    commission_asset: String,
    trade_id: u64,
}

impl<'a> Placed<'a> {
    /// FULL when the fills are given, RESULT otherwise.
    pub fn new(order: &'a Order, fills: Option<&[Fill]>) -> Self {
        let fill = |fill: &Fill| PlacedFill {
            price: eight(fill.price),
            qty: eight(fill.quantity),
            commission: eight(fill.fee),
            commission_asset: fill.fee_asset.clone(),
            trade_id: fill.id,
        };
        Self {
            ack: Ack::from(order),
            price: eight(order.price.unwrap_or_default()),
            orig_qty: eight(order.quantity),
            executed_qty: eight(order.filled),
            orig_quote_order_qty: eight(order.quote_quantity.unwrap_or_default()),
            cummulative_quote_qty: eight(order.filled_quote),
            status: order.status.name(),
            time_in_force: words::spot_tif(order),
            r#type: words::spot_type(order),
            side: words::side(order.side),
            working_time: order.created_ms,
            fills: fills.map(|fills| fills.iter().map(fill).collect()),
            self_trade_prevention_mode: words::self_trade(order),
        }
    }
}

/// Answer to a cancel: the cancel has an id of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled<'a> {
    symbol: &'a str,
    orig_client_order_id: &'a str,
    order_id: u64,
    order_list_id: i32,
    client_order_id: &'a str,
    transact_time: Ms,
    price: String,
    orig_qty: String,
    executed_qty: String,
    orig_quote_order_qty: String,
    cummulative_quote_qty: String,
    status: &'static str,
    time_in_force: &'static str,
    r#type: &'static str,
    side: &'static str,
    self_trade_prevention_mode: &'static str,
}

impl<'a> Cancelled<'a> {
    /// The cancelled order under the id of its cancel.
    pub fn new(order: &'a Order, cancel_id: &'a str) -> Self {
        Self {
            symbol: &order.key.symbol,
            orig_client_order_id: &order.client_id,
            order_id: order.id,
            order_list_id: -1,
            client_order_id: cancel_id,
            transact_time: order.updated_ms,
            price: eight(order.price.unwrap_or_default()),
            orig_qty: eight(order.quantity),
            executed_qty: eight(order.filled),
            orig_quote_order_qty: eight(order.quote_quantity.unwrap_or_default()),
            cummulative_quote_qty: eight(order.filled_quote),
            status: order.status.name(),
            time_in_force: words::spot_tif(order),
            r#type: words::spot_type(order),
            side: words::side(order.side),
            self_trade_prevention_mode: words::self_trade(order),
        }
    }
}

/// One row of myTrades.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade<'a> {
    symbol: &'a str,
    id: u64,
    order_id: u64,
    order_list_id: i32,
    price: String,
    qty: String,
    quote_qty: String,
    commission: String,
    commission_asset: &'a str,
    time: Ms,
    is_buyer: bool,
    is_maker: bool,
    is_best_match: bool,
}

impl<'a> From<&'a Fill> for Trade<'a> {
    fn from(fill: &'a Fill) -> Self {
        Self {
            symbol: &fill.key.symbol,
            id: fill.id,
            order_id: fill.order_id,
            order_list_id: -1,
            price: eight(fill.price),
            qty: eight(fill.quantity),
            quote_qty: eight(fill.value()),
            commission: eight(fill.fee),
            commission_asset: &fill.fee_asset,
            time: fill.time_ms,
            is_buyer: fill.side.sign() > Decimal::ZERO,
            is_maker: fill.maker,
            is_best_match: true,
        }
    }
}

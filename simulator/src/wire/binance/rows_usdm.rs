//! USDⓈ-M orders, trades, positions and cash as REST shows them.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::exchange::{AdlRisk, Fill, Order, Position};
use crate::market::{Ms, Rules};

use super::text::{Fixed, decimals, eight, plain};
use super::words;

/// What every order answer has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Common<'a> {
    order_id: u64,
    symbol: &'a str,
    status: &'static str,
    client_order_id: &'a str,
    price: String,
    orig_qty: String,
    executed_qty: String,
    time_in_force: &'static str,
    r#type: &'static str,
    reduce_only: bool,
    close_position: bool,
    side: &'static str,
    position_side: &'static str,
    stop_price: &'static str,
    working_type: &'static str,
    price_protect: bool,
    orig_type: &'static str,
    price_match: &'static str,
    self_trade_prevention_mode: &'static str,
    good_till_date: i64,
    update_time: Ms,
}

impl<'a> From<&'a Order> for Common<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            order_id: order.id,
            symbol: &order.key.symbol,
            status: order.status.name(),
            client_order_id: &order.client_id,
            price: plain(order.price.unwrap_or_default()),
            orig_qty: plain(order.quantity),
            executed_qty: plain(order.filled),
            time_in_force: words::usdm_tif(order),
            r#type: words::usdm_type(order),
            reduce_only: order.reduce_only,
            close_position: false,
            side: words::side(order.side),
            position_side: words::position_side(order.position_side),
            stop_price: "0",
            working_type: "CONTRACT_PRICE",
            price_protect: false,
            orig_type: words::usdm_type(order),
            price_match: "NONE",
            self_trade_prevention_mode: words::self_trade(order),
            good_till_date: 0,
            update_time: order.updated_ms,
        }
    }
}

/// Answer to a placement or a cancel: `cumQty`, and neither average price nor quote volume.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    cum_qty: String,
}

impl<'a> From<&'a Order> for Changed<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            common: Common::from(order),
            cum_qty: plain(order.filled),
        }
    }
}

impl<'a> Changed<'a> {
    /// The answer of the ACK kind: accepted, whatever the matching made of it since.
    pub fn acknowledged(order: &'a Order) -> Self {
        let mut answer = Self::from(order);
        answer.common.status = "NEW";
        "0".clone_into(&mut answer.common.executed_qty);
        answer.common.update_time = order.created_ms;
        "0".clone_into(&mut answer.cum_qty);
        answer
    }
}

/// Answer to an order query.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Query<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    avg_price: String,
    cum_quote: String,
    time: Ms,
}

impl<'a> From<&'a Order> for Query<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            common: Common::from(order),
            avg_price: average(order),
            cum_quote: plain(order.filled_quote),
            time: order.created_ms,
        }
    }
}

/// Average price of the fills as the venue writes it: `0.00` before the first.
pub fn average(order: &Order) -> String {
    order
        .average_price()
        .map_or_else(|| "0.00".to_owned(), |price| plain(price.round_dp(8)))
}

/// One row of userTrades.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trade<'a> {
    symbol: &'a str,
    id: u64,
    order_id: u64,
    side: &'static str,
    price: String,
    qty: String,
    realized_pnl: String,
    quote_qty: String,
    commission: String,
    commission_asset: &'a str,
    time: Ms,
    position_side: &'static str,
    maker: bool,
    buyer: bool,
    margin_asset: &'static str,
}

impl<'a> From<&'a Fill> for Trade<'a> {
    fn from(fill: &'a Fill) -> Self {
        Self {
            symbol: &fill.key.symbol,
            id: fill.id,
            order_id: fill.order_id,
            side: words::side(fill.side),
            price: plain(fill.price),
            qty: plain(fill.quantity),
            realized_pnl: plain(fill.realised),
            quote_qty: plain(fill.value()),
            commission: eight(fill.fee),
            commission_asset: &fill.fee_asset,
            time: fill.time_ms,
            position_side: words::position_side(fill.position_side),
            maker: fill.maker,
            buyer: fill.side.sign() > Decimal::ZERO,
            margin_asset: "USDT",
        }
    }
}

/// One row of positionRisk, third generation: no leverage, no margin type.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Risk<'a> {
    symbol: &'a str,
    position_side: &'static str,
    position_amt: String,
    entry_price: String,
    break_even_price: String,
    mark_price: String,
    un_realized_profit: String,
    liquidation_price: String,
    isolated_margin: String,
    notional: String,
    margin_asset: &'static str,
    isolated_wallet: String,
    initial_margin: String,
    maint_margin: String,
    position_initial_margin: String,
    open_order_initial_margin: String,
    adl: u8,
    bid_notional: String,
    ask_notional: String,
    update_time: Ms,
}

/// What resting orders add to a position row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resting {
    /// Value of buys.
    pub bids: Decimal,
    /// Value of sells.
    pub asks: Decimal,
}

impl<'a> Risk<'a> {
    /// The row of a position with its resting orders.
    pub fn new(position: &'a Position, rules: &Rules, resting: Resting) -> Self {
        let signed = Fixed(position.quantity, decimals(rules.lot)).to_string();
        let leverage = position.leverage.max(Decimal::ONE);
        let order_margin = resting.bids.max(resting.asks) / leverage;
        Self {
            symbol: &position.key.symbol,
            position_side: words::position_side(position.position_side),
            position_amt: signed,
            entry_price: plain(position.entry_price.round_dp(11)),
            break_even_price: plain(break_even(position, rules).round_dp(11)),
            mark_price: eight(position.mark_price),
            un_realized_profit: eight(position.unrealised),
            liquidation_price: position
                .liquidation_price
                .map_or_else(|| "0".to_owned(), |price| plain(price.round_dp(8))),
            isolated_margin: position
                .isolated_margin
                .map_or_else(|| "0".to_owned(), |aside| eight(aside + position.unrealised)),
            notional: eight(position.quantity * position.mark_price),
            margin_asset: "USDT",
            isolated_wallet: position.isolated_margin.map_or_else(|| "0".to_owned(), eight),
            initial_margin: eight(position.initial_margin + order_margin),
            maint_margin: eight(position.maintenance_margin),
            position_initial_margin: eight(position.initial_margin),
            open_order_initial_margin: eight(order_margin),
            adl: adl_quantile(position),
            bid_notional: plain(resting.bids),
            ask_notional: plain(resting.asks),
            update_time: position.updated_ms,
        }
    }
}

/// Entry price shifted by what opening has cost and closing will cost.
pub fn break_even(position: &Position, rules: &Rules) -> Decimal {
    let fee = rules.taker_fee;
    if position.quantity.is_zero() {
        Decimal::ZERO
    } else if position.quantity.is_sign_positive() {
        position.entry_price * (Decimal::ONE + fee)
    } else {
        position.entry_price * (Decimal::ONE - fee)
    }
}

/// Place in the deleveraging queue, 0 (last) to 4 (first): by profit on margin, and first while it is going on.
pub fn adl_quantile(position: &Position) -> u8 {
    match position.adl_risk {
        AdlRisk::High if !position.quantity.is_zero() => 4,
        AdlRisk::Medium if !position.quantity.is_zero() => by_profit(position).max(2),
        _ => by_profit(position),
    }
}

fn by_profit(position: &Position) -> u8 {
    if position.quantity.is_zero() || position.unrealised <= Decimal::ZERO || position.initial_margin.is_zero() {
        return 0;
    }
    let gain = position.unrealised / position.initial_margin;
    let steps = [Decimal::new(1, 1), Decimal::new(5, 1), Decimal::ONE, Decimal::TWO];
    u8::try_from(steps.iter().filter(|step| gain >= **step).count()).unwrap_or(4)
}

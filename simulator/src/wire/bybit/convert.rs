//! The exchange's rows in the words of the wire.

use rust_decimal::Decimal;

use super::params::Category;
use super::rows::{ExecutionRow, FastRow, OrderRow, PositionRow};
use crate::exchange::{
    AdlRisk, EndCause, Fill, FundingRow, Order, OrderKind, OrderStatus, Position, PositionSide, SelfTrade, Side,
    TimeInForce, id_text,
};
use crate::market::Product;

/// Digits after the point that quotients keep.
const QUOTIENT_DIGITS: u32 = 10;

/// Whether a row goes to a client that asked or to one that listens: streams carry a few fields more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// An answer.
    Rest,
    /// A push.
    Stream,
}

/// `Buy` or `Sell`.
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// 0 in one-way mode; in hedge mode 1 for the long position, 2 for the short.
pub const fn position_index(side: PositionSide) -> u8 {
    match side {
        PositionSide::Both => 0,
        PositionSide::Long => 1,
        PositionSide::Short => 2,
    }
}

/// The side of a signed quantity; `""` when flat.
pub fn side_of(quantity: Decimal) -> &'static str {
    match quantity {
        q if q.is_zero() => "",
        q if q.is_sign_positive() => "Buy",
        _ => "Sell",
    }
}

/// The status on the wire.
pub fn status(order: &Order) -> &'static str {
    match order.status {
        OrderStatus::New => "New",
        OrderStatus::PartiallyFilled => "PartiallyFilled",
        OrderStatus::Filled => "Filled",
        OrderStatus::Rejected => "Rejected",
        OrderStatus::Cancelled | OrderStatus::Expired | OrderStatus::ExpiredInMatch => {
            if order.key.product == Product::Spot && !order.filled.is_zero() {
                "PartiallyFilledCanceled"
            } else {
                "Cancelled"
            }
        }
    }
}

fn cancel_type(order: &Order) -> &'static str {
    if order.status == OrderStatus::Filled || order.status.is_open() {
        return "UNKNOWN";
    }
    match (order.status, order.end_cause) {
        (OrderStatus::Cancelled, None) | (_, Some(EndCause::ByUser)) => "CancelByUser",
        (_, Some(EndCause::NothingToReduce)) => "CancelByReduceOnly",
        (_, Some(EndCause::SelfTrade)) => "CancelBySmp",
        (_, Some(EndCause::Liquidation)) => "CancelByPrepareLiq",
        (_, Some(EndCause::MarketClosed)) => "CancelByAdmin",
        _ => "UNKNOWN",
    }
}

/// How an order keeps away from its own account's.
const fn smp_type(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allow => "None",
        SelfTrade::EndMaker => "CancelMaker",
        SelfTrade::EndTaker => "CancelTaker",
        SelfTrade::EndBoth => "CancelBoth",
    }
}

fn reject_reason(order: &Order) -> &'static str {
    match (order.status, order.end_cause) {
        (_, Some(EndCause::WouldTake)) => "EC_PostOnlyWillTakeLiquidity",
        (_, Some(EndCause::NoLiquidity)) if order.time_in_force == TimeInForce::Fok => "EC_CancelForNoFullFill",
        (_, Some(EndCause::NoLiquidity)) if order.filled.is_zero() => "EC_NoImmediateQtyToFill",
        (OrderStatus::Rejected, _) => "EC_Others",
        _ => "EC_NoError",
    }
}

/// `GTC`, `IOC`, `FOK` or `PostOnly`; a market order is always `IOC`.
pub const fn time_in_force(kind: OrderKind, value: TimeInForce) -> &'static str {
    match (kind, value) {
        (OrderKind::Market, _) | (_, TimeInForce::Ioc) => "IOC",
        (_, TimeInForce::Gtc) => "GTC",
        (_, TimeInForce::Fok) => "FOK",
        (_, TimeInForce::PostOnly) => "PostOnly",
    }
}

const fn kind(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "Market",
        OrderKind::Limit => "Limit",
    }
}

/// A figure without trailing zeros, `""` for none.
pub fn text(figure: Option<Decimal>) -> String {
    figure.map(|figure| tidy(figure).to_string()).unwrap_or_default()
}

/// A quotient brought to the wire's digits.
pub fn tidy(figure: Decimal) -> Decimal {
    figure.round_dp(QUOTIENT_DIGITS).normalize()
}

/// An order.
pub fn order(order: &Order, voice: Voice) -> OrderRow<'_> {
    let category = Category::of(order.key.product);
    let stream = voice == Voice::Stream;
    let by_value = order.quote_quantity;
    let leaves = if order.status.is_open() {
        order.remaining()
    } else {
        Decimal::ZERO
    };
    OrderRow {
        category: stream.then_some(category.name()),
        closed_pnl: stream.then_some(Decimal::ZERO),
        fee_currency: stream.then_some(""),
        order_id: order.venue_order_id(),
        order_link_id: &order.client_id,
        block_trade_id: "",
        symbol: &order.key.symbol,
        price: order.price.unwrap_or_default().normalize(),
        qty: by_value.unwrap_or(order.quantity).normalize(),
        side: side(order.side),
        is_leverage: if category == Category::Spot { "0" } else { "" },
        position_idx: position_index(order.position_side),
        order_status: status(order),
        create_type: create_type(order),
        cancel_type: cancel_type(order),
        reject_reason: reject_reason(order),
        avg_price: text(order.average_price()),
        leaves_qty: leaves.normalize(),
        leaves_value: tidy(leaves * order.price.unwrap_or_default()),
        cum_exec_qty: order.filled.normalize(),
        cum_exec_value: tidy(order.filled_quote),
        cum_exec_fee: order.fee.normalize(),
        time_in_force: time_in_force(order.kind, order.time_in_force),
        order_type: kind(order.kind),
        stop_order_type: "",
        order_iv: "",
        market_unit: market_unit(order),
        trigger_price: "",
        take_profit: "",
        stop_loss: "",
        tpsl_mode: (category == Category::Linear).then_some(""),
        oco_trigger_by: "",
        tp_limit_price: "",
        sl_limit_price: "",
        tp_trigger_by: "",
        sl_trigger_by: "",
        trigger_direction: 0,
        trigger_by: "",
        last_price_on_created: "",
        reduce_only: order.reduce_only,
        close_on_trigger: false,
        place_type: "",
        smp_type: smp_type(order.self_trade),
        smp_group: 0,
        smp_order_id: order.met.map(|id| id_text(order.key.venue, id)).unwrap_or_default(),
        created_time: order.created_ms.to_string(),
        updated_time: order.updated_ms.to_string(),
    }
}

fn market_unit(order: &Order) -> &'static str {
    match (order.key.product, order.kind, order.quote_quantity) {
        (Product::Spot, OrderKind::Market, Some(_)) => "quoteCoin",
        (Product::Spot, OrderKind::Market, None) => "baseCoin",
        _ => "",
    }
}

/// Who made an order: the account's client (or somebody by hand), or the venue itself.
fn create_type(order: &Order) -> &'static str {
    match (order.foreign, order.end_cause) {
        (true, Some(EndCause::Liquidation)) => "CreateByLiq",
        (true, Some(EndCause::Deleveraging)) => "CreateByAdl_PassThrough",
        _ => "CreateByUser",
    }
}

/// An execution of a trade, with its order as it stood after it.
pub fn execution<'a>(fill: &'a Fill, order: &'a Order, voice: Voice) -> ExecutionRow<'a> {
    let category = Category::of(fill.key.product);
    let stream = voice == Voice::Stream;
    let spot = category == Category::Spot;
    ExecutionRow {
        category: stream.then_some(category.name()),
        exec_pnl: stream.then_some(fill.realised.normalize()),
        is_leverage: stream.then_some("0"),
        market_unit: stream.then_some(""),
        symbol: &fill.key.symbol,
        order_id: fill.venue_order_id(),
        order_link_id: &fill.client_id,
        side: side(fill.side),
        order_price: order.price.unwrap_or_default().normalize(),
        order_qty: order.quote_quantity.unwrap_or(order.quantity).normalize(),
        leaves_qty: order.remaining().normalize(),
        create_type: create_type(order),
        order_type: kind(order.kind),
        stop_order_type: "UNKNOWN",
        exec_fee: fill.fee.normalize(),
        fee_currency: if spot { &fill.fee_asset } else { "" },
        exec_id: fill.trade_id(),
        exec_price: fill.price.normalize(),
        exec_qty: fill.quantity.normalize(),
        exec_type: exec_type(order),
        exec_value: tidy(fill.value()),
        exec_time: fill.time_ms.to_string(),
        is_maker: fill.maker,
        fee_rate: fee_rate(fill),
        trade_iv: "",
        mark_iv: "",
        mark_price: String::new(),
        index_price: "",
        underlying_price: "",
        block_trade_id: "",
        closed_size: if spot {
            String::new()
        } else {
            closed(fill).normalize().to_string()
        },
        seq: fill.id,
        extra_fees: "",
    }
}

fn exec_type(order: &Order) -> &'static str {
    match (order.foreign, order.end_cause) {
        (true, Some(EndCause::Liquidation)) => "BustTrade",
        (true, Some(EndCause::Deleveraging)) => "AdlTrade",
        _ => "Trade",
    }
}

/// The fee as a fraction: of the quantity where it is paid in the coin bought, of the value otherwise.
pub fn fee_rate(fill: &Fill) -> Decimal {
    let in_base = fill.key.product == Product::Spot && fill.side == Side::Buy;
    let whole = if in_base { fill.quantity } else { fill.value() };
    fill.fee.checked_div(whole).unwrap_or_default().round_dp(8).normalize()
}

/// How much of the position a fill closed.
fn closed(fill: &Fill) -> Decimal {
    let signed = fill.quantity * fill.side.sign();
    let before = fill.position_after - signed;
    if before.is_zero() || before.is_sign_positive() == signed.is_sign_positive() {
        return Decimal::ZERO;
    }
    before.abs().min(fill.quantity)
}

/// A funding payment as an execution: `execFee` positive is paid.
pub fn funding(row: &FundingRow, voice: Voice) -> ExecutionRow<'_> {
    let stream = voice == Voice::Stream;
    let size = row.quantity.abs();
    ExecutionRow {
        category: stream.then_some(Category::Linear.name()),
        exec_pnl: stream.then_some(Decimal::ZERO),
        is_leverage: stream.then_some("0"),
        market_unit: stream.then_some(""),
        symbol: &row.key.symbol,
        order_id: format!("{}-{}-Funding", row.settled_ms, row.key.symbol),
        order_link_id: "",
        side: side_of(row.quantity),
        order_price: Decimal::ZERO,
        order_qty: Decimal::ZERO,
        leaves_qty: Decimal::ZERO,
        create_type: "",
        order_type: "UNKNOWN",
        stop_order_type: "UNKNOWN",
        exec_fee: (-row.amount).normalize(),
        fee_currency: "",
        exec_id: row.funding_id(),
        exec_price: row.mark_price.normalize(),
        exec_qty: size.normalize(),
        exec_type: "Funding",
        exec_value: tidy(size * row.mark_price),
        exec_time: row.settled_ms.to_string(),
        is_maker: false,
        fee_rate: row.rate.normalize(),
        trade_iv: "",
        mark_iv: "",
        mark_price: row.mark_price.normalize().to_string(),
        index_price: "",
        underlying_price: "",
        block_trade_id: "",
        closed_size: String::new(),
        seq: row.id,
        extra_fees: "",
    }
}

/// A trade for `execution.fast`: a maker's link id is left out.
pub fn fast(fill: &Fill) -> FastRow<'_> {
    FastRow {
        category: Category::of(fill.key.product).name(),
        symbol: &fill.key.symbol,
        exec_id: fill.trade_id(),
        exec_price: fill.price.normalize(),
        exec_qty: fill.quantity.normalize(),
        order_id: fill.venue_order_id(),
        is_maker: fill.maker,
        order_link_id: if fill.maker { "" } else { &fill.client_id },
        side: side(fill.side),
        exec_time: fill.time_ms.to_string(),
        seq: fill.id,
    }
}

/// Place in the deleveraging queue, 1 (last) to 5 (first); 0 without a position.
const fn adl_rank(row: &Position) -> u8 {
    match row.adl_risk {
        _ if row.quantity.is_zero() => 0,
        AdlRisk::Low => 2,
        AdlRisk::Medium => 4,
        AdlRisk::High => 5,
    }
}

/// A position. `seq` is the account's cross sequence.
pub fn position(row: &Position, voice: Voice, reduce_only: bool, seq: u64) -> PositionRow<'_> {
    let stream = voice == Voice::Stream;
    let flat = row.quantity.is_zero();
    let entry = if flat {
        "0".to_owned()
    } else {
        tidy(row.entry_price).to_string()
    };
    let none = if stream { "0" } else { "" };
    let initial = tidy(row.initial_margin);
    let maintenance = tidy(row.maintenance_margin);
    PositionRow {
        category: stream.then_some(Category::Linear.name()),
        avg_price: (!stream).then(|| entry.clone()),
        entry_price: stream.then_some(entry),
        position_idx: position_index(row.position_side),
        trade_mode: 0,
        risk_id: 1,
        risk_limit_value: Decimal::ZERO,
        symbol: &row.key.symbol,
        side: side_of(row.quantity),
        size: row.quantity.abs().normalize(),
        position_value: if flat {
            none.to_owned()
        } else {
            tidy(row.quantity.abs() * row.entry_price).to_string()
        },
        auto_add_margin: 0,
        position_status: "Normal",
        leverage: row.leverage.normalize(),
        mark_price: row.mark_price.normalize(),
        liq_price: row
            .liquidation_price
            .map_or_else(|| none.to_owned(), |price| tidy(price).to_string()),
        bust_price: "",
        position_im: initial,
        position_mm: maintenance,
        position_im_by_mp: initial,
        position_mm_by_mp: maintenance,
        position_balance: row.isolated_margin.unwrap_or_default(),
        unrealised_pnl: tidy(row.unrealised),
        cur_realised_pnl: tidy(row.realised),
        cum_realised_pnl: tidy(row.realised),
        break_even_price: "",
        session_avg_price: "",
        tpsl_mode: "Full",
        take_profit: "",
        stop_loss: "",
        trailing_stop: "0",
        adl_rank_indicator: adl_rank(row),
        is_reduce_only: reduce_only,
        mmr_sys_updated_time: "",
        leverage_sys_updated_time: "",
        created_time: row.updated_ms.to_string(),
        updated_time: row.updated_ms.to_string(),
        seq,
    }
}

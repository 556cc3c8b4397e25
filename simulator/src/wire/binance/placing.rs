//! From parameters to an order, and from the exchange's refusal to the venue's code.

use rust_decimal::Decimal;

use crate::exchange::{OrderKind, OrderRef, OrderRequest, PositionSide, Refusal as Core, SelfTrade, Side, TimeInForce};
use crate::market::{Product, Rules, Status};

use super::codes::{self, Refusal, missing, spot, usdm};
use super::params::Params;
use super::text::plain;

/// Order types that need a trigger.
const CONDITIONAL: [&str; 7] = [
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
];
/// -1020: the venue has it, this account does not.
pub const UNSUPPORTED: Refusal = Refusal::new(-1020, "This operation is not supported.");

/// Reads the parameters of a placement.
pub fn read(params: &Params, rules: &Rules) -> Result<OrderRequest, Refusal> {
    let usdm = rules.key.product == Product::Perp;
    let side = side(params)?;
    let (kind, post_only) = kind(params, usdm)?;
    let position_side = if usdm {
        check_futures_flags(params)?;
        position_side(params)?
    } else {
        PositionSide::Both
    };
    let reduce_only = usdm && params.flag("reduceOnly")?.unwrap_or(false);
    if reduce_only && position_side != PositionSide::Both {
        return Err(not_required("reduceOnly"));
    }
    let time_in_force = if post_only {
        TimeInForce::PostOnly
    } else {
        lifetime(params, kind, usdm)?
    };
    let price = params.decimal("price")?;
    match (kind, price) {
        (OrderKind::Limit, None) => return Err(missing("price")),
        (OrderKind::Market, Some(_)) => return Err(not_required("price")),
        _ => {}
    }
    let quote_quantity = if usdm { None } else { params.decimal("quoteOrderQty")? };
    let quantity = params.decimal("quantity")?;
    match (kind, quantity, quote_quantity) {
        (_, None, None) => return Err(missing("quantity")),
        (_, Some(_), Some(_)) => return Err(codes::BAD_COMBINATION),
        (OrderKind::Limit, _, Some(_)) => return Err(not_required("quoteOrderQty")),
        _ => {}
    }
    check_precision(rules, "price", price, if usdm { rules.tick.scale() } else { 8 })?;
    check_precision(rules, "quantity", quantity, if usdm { rules.lot.scale() } else { 8 })?;
    Ok(OrderRequest {
        symbol: rules.key.symbol.clone(),
        side,
        kind,
        time_in_force,
        quantity,
        quote_quantity,
        price,
        reduce_only,
        client_id: params.get("newClientOrderId").map(str::to_owned),
        position_side,
        self_trade: self_trade(params, usdm)?,
    })
}

fn side(params: &Params) -> Result<Side, Refusal> {
    match params.need("side")? {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(codes::BAD_SIDE),
    }
}

/// The type, and whether it is post-only by itself.
fn kind(params: &Params, usdm: bool) -> Result<(OrderKind, bool), Refusal> {
    match params.need("type")? {
        "LIMIT" => Ok((OrderKind::Limit, false)),
        "MARKET" => Ok((OrderKind::Market, false)),
        "LIMIT_MAKER" if !usdm => Ok((OrderKind::Limit, true)),
        other if CONDITIONAL.contains(&other) => Err(if usdm { usdm::ALGO_TYPE } else { UNSUPPORTED }),
        _ => Err(codes::BAD_TYPE),
    }
    .and_then(|(kind, post_only)| {
        let sent = params.get("timeInForce").is_some();
        if sent && (post_only || kind == OrderKind::Market) {
            Err(codes::TIF_NOT_REQUIRED)
        } else {
            Ok((kind, post_only))
        }
    })
}

/// What is prevented where an order would meet one of its own account; the venue's default where nothing is said.
fn self_trade(params: &Params, usdm: bool) -> Result<SelfTrade, Refusal> {
    match params.get("selfTradePreventionMode") {
        None | Some("EXPIRE_MAKER") => Ok(SelfTrade::EndMaker),
        Some("EXPIRE_TAKER") => Ok(SelfTrade::EndTaker),
        Some("EXPIRE_BOTH") => Ok(SelfTrade::EndBoth),
        Some("NONE") => Ok(SelfTrade::Allow),
        Some("DECREMENT" | "TRANSFER") if !usdm => Err(codes::STP_NOT_ALLOWED),
        Some(_) => Err(codes::illegal(
            "selfTradePreventionMode",
            "^(NONE|EXPIRE_TAKER|EXPIRE_MAKER|EXPIRE_BOTH)$",
        )),
    }
}

fn lifetime(params: &Params, kind: OrderKind, usdm: bool) -> Result<TimeInForce, Refusal> {
    if kind == OrderKind::Market {
        return Ok(TimeInForce::Ioc);
    }
    match params.need("timeInForce")? {
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        "GTX" if usdm => Ok(TimeInForce::PostOnly),
        "GTD" | "RPI" if usdm => Err(UNSUPPORTED),
        _ => Err(codes::BAD_TIF),
    }
}

/// Which position is meant: BOTH where nothing is said. Whether that fits the account's mode the exchange knows.
pub fn position_side(params: &Params) -> Result<PositionSide, Refusal> {
    match params.get("positionSide") {
        None | Some("BOTH") => Ok(PositionSide::Both),
        Some("LONG") => Ok(PositionSide::Long),
        Some("SHORT") => Ok(PositionSide::Short),
        Some(_) => Err(codes::missing("positionSide")),
    }
}

/// Whole-position closes and venue-made prices are not offered.
fn check_futures_flags(params: &Params) -> Result<(), Refusal> {
    if params.flag("closePosition")? == Some(true) {
        return Err(usdm::ALGO_TYPE);
    }
    if params.get("priceMatch").is_some_and(|way| way != "NONE") {
        return Err(UNSUPPORTED);
    }
    Ok(())
}

fn not_required(name: &str) -> Refusal {
    Refusal::worded(-1106, format!("Parameter '{name}' sent when not required."))
}

/// "49500.00" is 49500: trailing zeros are no precision.
fn check_precision(rules: &Rules, name: &str, value: Option<Decimal>, most: u32) -> Result<(), Refusal> {
    if value.is_none_or(|value| value.normalize().scale() <= most) {
        return Ok(());
    }
    Err(match rules.key.product {
        Product::Perp => codes::PRECISION,
        Product::Spot => Refusal::worded(-1111, format!("Parameter '{name}' has too much precision.")),
    })
}

/// Which order a query or a cancel means; the venue's id wins.
pub fn reference(params: &Params) -> Result<OrderRef, Refusal> {
    if let Some(id) = params.parsed::<u64>("orderId")? {
        return Ok(OrderRef::Venue(id.to_string()));
    }
    let id = params
        .get("origClientOrderId")
        .map(|id| OrderRef::Client(id.to_owned()));
    id.ok_or(Refusal::new(
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    ))
}

/// The spot market's words for a refusal of the exchange.
pub fn spot_refusal(refusal: &Core, market_order: bool) -> Refusal {
    match refusal {
        Core::UnknownSymbol(_) => codes::BAD_SYMBOL,
        Core::MarketClosed => spot::CLOSED,
        Core::BadRequest(_) => codes::BAD_COMBINATION,
        Core::BadQuantity => Refusal::new(-1013, "Invalid quantity."),
        Core::BadPrice => Refusal::new(-1013, "Invalid price."),
        Core::Tick { .. } => spot::filter("PRICE_FILTER"),
        Core::PriceBand { .. } => spot::filter("PERCENT_PRICE_BY_SIDE"),
        Core::MaxQuantity { .. } if market_order => spot::filter("MARKET_LOT_SIZE"),
        Core::Lot { .. } | Core::MinQuantity { .. } | Core::MaxQuantity { .. } => spot::filter("LOT_SIZE"),
        Core::MinNotional { .. } => spot::filter("NOTIONAL"),
        Core::DuplicateClientId => spot::DUPLICATE,
        Core::BadClientId => codes::illegal("newClientOrderId", "^[a-zA-Z0-9-_]{1,36}$"),
        Core::InsufficientBalance { .. } | Core::InsufficientMargin => spot::FUNDS,
        Core::WouldTake => spot::WOULD_MATCH,
        Core::NoLiquidity => Refusal::new(
            -2010,
            "Order book liquidity is less than LOT_SIZE filter minimum quantity.",
        ),
        Core::UnknownOrder => codes::NO_ORDER,
        Core::OrderClosed => codes::CANCEL_UNKNOWN,
        Core::NotPermitted => codes::KEY_UNKNOWN,
        Core::Unchanged => Refusal::new(-2038, "The requested action would change no state; rejecting."),
        Core::ReduceOnly
        | Core::BadLeverage { .. }
        | Core::LeverageUnchanged
        | Core::PositionSide
        | Core::PositionLimit { .. }
        | Core::OrdersInTheWay
        | Core::PositionsInTheWay => UNSUPPORTED,
    }
}

/// The futures market's words for a refusal of the exchange.
pub fn usdm_refusal(refusal: &Core, price: Option<Decimal>, status: Option<Status>) -> Refusal {
    match refusal {
        Core::UnknownSymbol(_) => codes::BAD_SYMBOL,
        Core::MarketClosed if status == Some(Status::CancelOnly) => usdm::NOT_OPENABLE,
        Core::MarketClosed => usdm::CLOSED,
        Core::BadRequest(_) => codes::BAD_COMBINATION,
        Core::BadQuantity => usdm::QUANTITY_ZERO,
        Core::BadPrice => usdm::PRICE_ZERO,
        Core::Tick { .. } => usdm::OFF_TICK,
        Core::PriceBand { high, .. } if price.is_some_and(|price| price > *high) => usdm::PRICE_HIGH,
        Core::PriceBand { .. } => usdm::PRICE_LOW,
        Core::Lot { .. } => usdm::OFF_STEP,
        Core::MinQuantity { .. } => usdm::QUANTITY_SMALL,
        Core::MaxQuantity { .. } => usdm::QUANTITY_LARGE,
        Core::MinNotional { min } => usdm::notional(&plain(*min)),
        Core::DuplicateClientId => usdm::DUPLICATE,
        Core::BadClientId => usdm::BAD_CLIENT_ID,
        Core::InsufficientMargin | Core::InsufficientBalance { .. } => usdm::MARGIN,
        Core::ReduceOnly => usdm::REDUCE_ONLY,
        Core::WouldTake => usdm::POST_ONLY,
        Core::NoLiquidity => Refusal::new(
            -4131,
            "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
        ),
        Core::UnknownOrder => codes::NO_ORDER,
        Core::OrderClosed => codes::CANCEL_UNKNOWN,
        Core::BadLeverage { .. } | Core::LeverageUnchanged => usdm::BAD_LEVERAGE,
        Core::PositionSide => usdm::SIDE_MODE,
        Core::PositionLimit { .. } => usdm::POSITION_LIMIT,
        Core::Unchanged => usdm::NOTHING_AMENDED,
        Core::OrdersInTheWay => usdm::MODE_ORDERS,
        Core::PositionsInTheWay => usdm::LEVERAGE_ISOLATED,
        Core::NotPermitted => codes::KEY_UNKNOWN,
    }
}

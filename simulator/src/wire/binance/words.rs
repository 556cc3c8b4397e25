//! The venue's words for sides, types, lifetimes and states of an order.

use crate::exchange::{Order, OrderKind, PositionSide, SelfTrade, Side, TimeInForce};

/// `BUY` or `SELL`.
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// `BOTH`, `LONG` or `SHORT`.
pub const fn position_side(side: PositionSide) -> &'static str {
    match side {
        PositionSide::Both => "BOTH",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    }
}

/// Type on the spot market, where post-only is a type of its own.
pub const fn spot_type(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Market, _) => "MARKET",
        (OrderKind::Limit, TimeInForce::PostOnly) => "LIMIT_MAKER",
        (OrderKind::Limit, _) => "LIMIT",
    }
}

/// Type on futures.
pub const fn usdm_type(order: &Order) -> &'static str {
    match order.kind {
        OrderKind::Market => "MARKET",
        OrderKind::Limit => "LIMIT",
    }
}

/// Time in force on the spot market; orders that take none are shown as GTC.
pub const fn spot_tif(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Limit, TimeInForce::Ioc) => "IOC",
        (OrderKind::Limit, TimeInForce::Fok) => "FOK",
        _ => "GTC",
    }
}

/// Time in force on futures, where post-only is GTX.
pub const fn usdm_tif(order: &Order) -> &'static str {
    match (order.kind, order.time_in_force) {
        (OrderKind::Limit, TimeInForce::PostOnly) => "GTX",
        _ => spot_tif(order),
    }
}

/// What the order prevents where it would meet one of its own account.
pub const fn self_trade(order: &Order) -> &'static str {
    match order.self_trade {
        SelfTrade::Allow => "NONE",
        SelfTrade::EndMaker => "EXPIRE_MAKER",
        SelfTrade::EndTaker => "EXPIRE_TAKER",
        SelfTrade::EndBoth => "EXPIRE_BOTH",
    }
}

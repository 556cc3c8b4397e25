//! Futures trading: place, query, cancel, list.

use rust_decimal::Decimal;

use crate::exchange::{Order, OrderKind, OrderRequest, Refusal as Core, Side, TimeInForce};
use crate::market::{Ms, Product, Rules, Venue};

use super::codes::{self, Answer, Refusal, usdm};
use super::context::{Context, json};
use super::history::page_orders;
use super::params::Params;
use super::placing::{self, reference, usdm_refusal};
use super::rows_usdm::{Changed, Query};

const VENUE: Venue = Venue::Binance;
const PERP: Product = Product::Perp;
const DAY_MS: Ms = 86_400_000;
/// Orders that ended without a fill are forgotten after this; all others after 90 days.
const EMPTY_KEPT_MS: Ms = 3 * DAY_MS;
const KEPT_MS: Ms = 90 * DAY_MS;
/// Open orders per symbol.
const MOST_OPEN: usize = 200;

/// POST order.
pub fn place(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let request = placing::read(params, &rules)?;
    let result = match params.get("newOrderRespType") {
        None | Some("ACK") => false,
        Some("RESULT") => true,
        Some(_) => return Err(codes::missing("newOrderRespType")),
    };
    context.state.budget.count_order(account, now)?;
    let open = context
        .exchange
        .open_orders(account, VENUE, PERP)
        .filter(|order| order.key == rules.key)
        .count();
    if open >= MOST_OPEN {
        return Err(usdm::OPEN_ORDERS);
    }
    let order = submit(context, &rules, &request)?;
    Ok(json(&if result {
        Changed::from(&order)
    } else {
        Changed::acknowledged(&order)
    }))
}

fn submit(context: &mut Context<'_>, rules: &Rules, request: &OrderRequest) -> Result<Order, Refusal> {
    let (account, now) = (context.account()?, context.now);
    if !fillable(context, rules, request) {
        return Err(usdm::FOK);
    }
    let status = context.exchange.market().status(&rules.key);
    let placed = context.exchange.place(account, VENUE, PERP, request, now);
    placed.map_err(|refusal: Core| usdm_refusal(&refusal, request.price, status))
}

/// Whether the book holds a fill-or-kill order; such an order is refused and leaves no trace.
fn fillable(context: &Context<'_>, rules: &Rules, request: &OrderRequest) -> bool {
    let (OrderKind::Limit, TimeInForce::Fok) = (request.kind, request.time_in_force) else {
        return true;
    };
    let (Some(price), Some(quantity)) = (request.price, request.quantity) else {
        return true;
    };
    let depth = context
        .exchange
        .market()
        .depth(&rules.key, context.now)
        .unwrap_or_default();
    let inside: Decimal = match request.side {
        Side::Buy => depth
            .asks
            .iter()
            .filter(|level| level.price <= price)
            .map(|level| level.quantity)
            .sum(),
        Side::Sell => depth
            .bids
            .iter()
            .filter(|level| level.price >= price)
            .map(|level| level.quantity)
            .sum(),
    };
    inside >= quantity
}

/// POST order/test.
pub fn test(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let request = placing::read(params, &rules)?;
    if request.quantity.is_some_and(|quantity| quantity < rules.min_quantity) {
        return Err(usdm::QUANTITY_SMALL);
    }
    Ok("{}".to_owned())
}

fn remembered(order: &Order, now: Ms) -> bool {
    let age = now - order.updated_ms;
    order.status.is_open() || age <= if order.filled.is_zero() { EMPTY_KEPT_MS } else { KEPT_MS }
}

/// GET order.
pub fn query(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    let order = context
        .exchange
        .find_order(context.account()?, VENUE, PERP, &wanted, context.now);
    let order = order.filter(|order| order.key == rules.key && remembered(order, context.now));
    Ok(json(&Query::from(order.ok_or(codes::NO_ORDER)?)))
}

/// GET openOrder: an error once it is closed.
pub fn query_open(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    let order = context
        .exchange
        .find_order(context.account()?, VENUE, PERP, &wanted, context.now);
    let order = order.filter(|order| order.key == rules.key && order.status.is_open());
    Ok(json(&Query::from(order.ok_or(codes::NO_ORDER)?)))
}

/// DELETE order.
pub fn cancel(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let ended = context
        .exchange
        .cancel(account, VENUE, PERP, &rules.key.symbol, &reference(params)?, now);
    Ok(json(&Changed::from(&ended.map_err(|_| codes::CANCEL_UNKNOWN)?)))
}

/// DELETE allOpenOrders: success also when there are none.
pub fn cancel_all(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    context
        .exchange
        .cancel_all(account, VENUE, PERP, Some(&rules.key.symbol), now);
    Ok(r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#.to_owned())
}

/// GET openOrders.
pub fn open(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.optional_symbol(params)?;
    let seen = context.now - context.exchange.quirks(VENUE).lag_ms;
    let orders = context.exchange.open_orders(context.account()?, VENUE, PERP);
    let wanted =
        orders.filter(|order| rules.as_ref().is_none_or(|rules| order.key == rules.key) && order.created_ms <= seen);
    let rows: Vec<Query<'_>> = wanted.map(Query::from).collect();
    Ok(json(&rows))
}

/// GET allOrders: seven days at most, the last seven without times.
pub fn all(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.optional_symbol(params)?;
    let now = context.now;
    let orders = context.exchange.orders(context.account()?, VENUE, PERP, now);
    let wanted =
        orders.filter(|order| rules.as_ref().is_none_or(|rules| order.key == rules.key) && remembered(order, now));
    let orders: Vec<&Order> = wanted.collect();
    let page = page_orders(orders, params, Some(now - 7 * DAY_MS), codes::SPAN_7D, 7 * DAY_MS)?;
    let rows: Vec<Query<'_>> = page.into_iter().map(Query::from).collect();
    Ok(json(&rows))
}

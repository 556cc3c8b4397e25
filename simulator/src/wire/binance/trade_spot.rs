//! Spot trading: place, test, query, cancel, list.

use crate::exchange::{Fill, Order, OrderKind};
use crate::market::{Product, Venue};

use super::codes::{self, Answer, Refusal, spot};
use super::context::{Context, json};
use super::history::page_orders;
use super::params::Params;
use super::placing::{reference, spot_refusal};
use super::rows_spot::{Ack, Cancelled, Placed, Query};
use super::{budget, placing};

const VENUE: Venue = Venue::Binance;
const SPOT: Product = Product::Spot;

/// POST order.
pub fn place(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let request = placing::read(params, &rules)?;
    let detail = detail(
        params,
        request.kind,
        request.time_in_force == crate::exchange::TimeInForce::PostOnly,
    )?;
    context.state.budget.count_order(account, now)?;
    let placed = context.exchange.place(account, VENUE, SPOT, &request, now);
    let order = placed.map_err(|refusal| spot_refusal(&refusal, request.kind == OrderKind::Market))?;
    Ok(match detail {
        Detail::Ack => json(&Ack::from(&order)),
        Detail::Result => json(&Placed::new(&order, None)),
        Detail::Full => {
            let fills = context.exchange.fills(account, VENUE, SPOT, i64::MAX / 2);
            let fills: Vec<Fill> = fills.filter(|fill| fill.order_id == order.id).cloned().collect();
            json(&Placed::new(&order, Some(&fills)))
        }
    })
}

enum Detail {
    Ack,
    Result,
    Full,
}

/// FULL is the default for LIMIT and MARKET, ACK for the rest.
fn detail(params: &Params, kind: OrderKind, maker_type: bool) -> Result<Detail, Refusal> {
    match params.get("newOrderRespType") {
        Some("ACK") => Ok(Detail::Ack),
        Some("RESULT") => Ok(Detail::Result),
        Some("FULL") => Ok(Detail::Full),
        Some(_) => Err(codes::missing("newOrderRespType")),
        None if kind == OrderKind::Limit && maker_type => Ok(Detail::Ack),
        None => Ok(Detail::Full),
    }
}

/// POST order/test: the parameters are checked, nothing is sent to the market.
pub fn test(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let request = placing::read(params, &rules)?;
    if request.quantity.is_some_and(|quantity| quantity < rules.min_quantity) {
        return Err(spot::filter("LOT_SIZE"));
    }
    if params.flag("computeCommissionRates")? != Some(true) {
        return Ok("{}".to_owned());
    }
    let (maker, taker) = (super::text::eight(rules.maker_fee), super::text::eight(rules.taker_fee));
    let tax = serde_json::json!({ "maker": "0.00000000", "taker": "0.00000000" });
    Ok(serde_json::json!({
        "standardCommissionForOrder": { "maker": maker, "taker": taker },
        "specialCommissionForOrder": tax, "taxCommissionForOrder": tax,
        "discount": { "enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "BNB", "discount": "0.00000000" },
    })
    .to_string())
}

/// GET order.
pub fn query(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    let order = context
        .exchange
        .find_order(context.account()?, VENUE, SPOT, &wanted, context.now);
    let order = order.filter(|order| order.key == rules.key).ok_or(codes::NO_ORDER)?;
    agrees(params, order)?;
    Ok(json(&Query::from(order)))
}

/// With both ids sent they must name one order.
fn agrees(params: &Params, order: &Order) -> Result<(), Refusal> {
    let named = params.get("origClientOrderId").is_none_or(|id| id == order.client_id);
    if named { Ok(()) } else { Err(spot::MISMATCH) }
}

/// DELETE order.
pub fn cancel(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    if let Some(order) = context.exchange.find_order(account, VENUE, SPOT, &wanted, i64::MAX / 2) {
        agrees(params, order)?;
        let id = order.id;
        if let Some(name) = params.get("newClientOrderId") {
            context.state.name_cancel(id, name);
        }
    }
    let ended = context
        .exchange
        .cancel(account, VENUE, SPOT, &rules.key.symbol, &wanted, now);
    let order = ended.map_err(|_| codes::CANCEL_UNKNOWN)?;
    Ok(json(&Cancelled::new(&order, &context.state.cancel_id(order.id))))
}

/// DELETE openOrders: the cancelled orders, or -2011 when there are none.
pub fn cancel_all(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let ended = context
        .exchange
        .cancel_all(account, VENUE, SPOT, Some(&rules.key.symbol), now);
    if ended.is_empty() {
        return Err(codes::CANCEL_UNKNOWN);
    }
    let rows: Vec<String> = ended
        .iter()
        .map(|order| json(&Cancelled::new(order, &context.state.cancel_id(order.id))))
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// GET openOrders.
pub fn open(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.optional_symbol(params)?;
    let seen = context.now - context.exchange.quirks(VENUE).lag_ms;
    let orders = context.exchange.open_orders(context.account()?, VENUE, SPOT);
    let wanted =
        orders.filter(|order| rules.as_ref().is_none_or(|rules| order.key == rules.key) && order.created_ms <= seen);
    let rows: Vec<Query<'_>> = wanted.map(Query::from).collect();
    Ok(json(&rows))
}

/// GET allOrders.
pub fn all(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let orders = context.exchange.orders(context.account()?, VENUE, SPOT, context.now);
    let orders: Vec<&Order> = orders.filter(|order| order.key == rules.key).collect();
    let rows: Vec<Query<'_>> = page_orders(orders, params, None, codes::SPAN_24H, 86_400_000)?
        .into_iter()
        .map(Query::from)
        .collect();
    Ok(json(&rows))
}

/// GET rateLimit/order.
pub fn order_budget(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let counts = context.state.budget.order_counts(account, context.now);
    let limits = context.state.budget.limits().orders;
    let with_count = context.product == Product::Spot;
    let row = |(limit, count): (&budget::OrderLimit, u32)| {
        let tail = if with_count {
            format!(r#","count":{count}"#)
        } else {
            String::new()
        };
        format!(
            r#"{{"rateLimitType":"ORDERS","interval":"{}","intervalNum":{},"limit":{}{tail}}}"#,
            limit.interval, limit.interval_num, limit.limit
        )
    };
    let rows: Vec<String> = limits.iter().zip(counts).map(row).collect();
    Ok(format!("[{}]", rows.join(",")))
}

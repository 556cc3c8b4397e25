//! Futures: change an order, and several orders in one call.

use serde_json::Value;

use crate::exchange::{Amendment, EndCause, Order};
use crate::market::{Ms, Product, Venue};

use super::codes::{self, Answer, Refusal, usdm};
use super::context::{Context, json};
use super::params::Params;
use super::placing::{reference, usdm_refusal};
use super::rows_usdm::{Changed, Query};
use super::trade_usdm;

const VENUE: Venue = Venue::Binance;
const PERP: Product = Product::Perp;
/// Orders of one batch.
const MOST_PLACED: usize = 5;
const MOST_CANCELLED: usize = 10;

/// PUT order: quantity and price of a limit order; the order keeps its ids.
pub fn amend(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    params.need("side")?;
    let change = Amendment {
        quantity: params.decimal("quantity")?,
        price: params.decimal("price")?,
    };
    if change == Amendment::default() {
        return Err(codes::missing("quantity"));
    }
    context.state.budget.count_order(account, now)?;
    let before = context.exchange.find_order(account, VENUE, PERP, &wanted, now);
    let before = before.filter(|order| order.key == rules.key).ok_or(codes::NO_ORDER)?;
    if super::words::side(before.side) != params.need("side")? {
        return Err(codes::BAD_SIDE);
    }
    let status = context.exchange.market().status(&rules.key);
    let amended = context.exchange.amend(account, (VENUE, PERP), &wanted, change, now);
    let order = amended.map_err(|refusal| match refusal {
        crate::exchange::Refusal::OrderClosed => codes::NO_ORDER,
        other => usdm_refusal(&other, change.price, status),
    })?;
    Ok(json(&Changed::from(&order)))
}

/// The orders of a batch, each as parameters of its own.
fn batch(params: &Params) -> Result<Vec<Params>, Refusal> {
    let text = params.need("batchOrders")?;
    let rows: Vec<serde_json::Map<String, Value>> =
        serde_json::from_str(text).map_err(|_| codes::missing("batchOrders"))?;
    if rows.is_empty() || rows.len() > MOST_PLACED {
        return Err(usdm::TOO_MANY_IN_BATCH);
    }
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(rows
        .into_iter()
        .map(|row| Params::from_pairs(row.into_iter().map(|(name, value)| (name, text(value))).collect()))
        .collect())
}

/// Each order's answer in the place of the order; a refusal of one is no refusal of the others.
fn each(answers: impl Iterator<Item = Answer>) -> String {
    let rows: Vec<String> = answers
        .map(|answer| answer.unwrap_or_else(|refusal| refusal.body()))
        .collect();
    format!("[{}]", rows.join(","))
}

/// POST batchOrders.
pub fn place_batch(context: &mut Context<'_>, params: &Params) -> Answer {
    let orders = batch(params)?;
    Ok(each(orders.iter().map(|order| trade_usdm::place(context, order))))
}

/// PUT batchOrders.
pub fn amend_batch(context: &mut Context<'_>, params: &Params) -> Answer {
    let orders = batch(params)?;
    Ok(each(orders.iter().map(|order| amend(context, order))))
}

/// DELETE batchOrders: by the venue's ids or by the client's.
pub fn cancel_batch(context: &mut Context<'_>, params: &Params) -> Answer {
    let symbol = params.need("symbol")?.to_owned();
    // Some clients write the names in lower case.
    let list = |name: &str| params.get(name).or_else(|| params.get(&name.to_lowercase()));
    let (text, name) = match (list("orderIdList"), list("origClientOrderIdList")) {
        (Some(text), _) => (text, "orderId"),
        (None, Some(text)) => (text, "origClientOrderId"),
        (None, None) => return Err(codes::missing("orderIdList")),
    };
    let ids: Vec<Value> = serde_json::from_str(text).map_err(|_| codes::missing("orderIdList"))?;
    if ids.is_empty() || ids.len() > MOST_CANCELLED {
        return Err(usdm::TOO_MANY_IN_BATCH);
    }
    let answers = ids.into_iter().map(|id| {
        let id = match id {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let pairs = vec![("symbol".to_owned(), symbol.clone()), (name.to_owned(), id)];
        trade_usdm::cancel(context, &Params::from_pairs(pairs))
    });
    Ok(each(answers))
}

/// GET forceOrders: what the venue closed of the account's positions.
pub fn forced(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.optional_symbol(params)?;
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let kind = params.get("autoCloseType");
    let limit = params.limit(50, 100)?;
    let orders = context.exchange.orders(account, VENUE, PERP, context.now);
    let mut rows: Vec<&Order> = orders
        .filter(|order| rules.as_ref().is_none_or(|rules| order.key == rules.key))
        .filter(|order| close_type(order).is_some_and(|found| kind.is_none_or(|kind| kind == found)))
        .filter(|order| start.is_none_or(|start| order.created_ms >= start))
        .filter(|order| end.is_none_or(|end| order.created_ms <= end))
        .collect();
    rows.reverse();
    rows.truncate(limit);
    let rows: Vec<Query<'_>> = rows.into_iter().map(Query::from).collect();
    Ok(json(&rows))
}

/// Why the venue closed a position with this order, if it did.
fn close_type(order: &Order) -> Option<&'static str> {
    match order.end_cause.filter(|_| order.foreign)? {
        EndCause::Liquidation => Some("LIQUIDATION"),
        EndCause::Deleveraging => Some("ADL"),
        _ => None,
    }
}

/// The algo service: conditional orders are not offered to this account.
pub fn no_algo(_: &mut Context<'_>, _: &Params) -> Answer {
    Err(super::placing::UNSUPPORTED)
}

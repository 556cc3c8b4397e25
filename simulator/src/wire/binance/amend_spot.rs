//! Spot: cancel and place in one call; less of an order in its place in the queue.

use serde_json::{Value, json};

use crate::exchange::Amendment;
use crate::market::{Product, Venue};

use super::codes::{self, Answer, Refusal};
use super::context::Context;
use super::params::Params;
use super::placing::{reference, spot_refusal};
use super::rows_spot::ZERO;
use super::text::eight;
use super::trade_spot;
use super::words;

const VENUE: Venue = Venue::Binance;
const SPOT: Product = Product::Spot;

/// The half of a cancel-replace, as its answer shows it.
fn half(answer: Option<&Answer>) -> (&'static str, Value) {
    match answer {
        None => ("NOT_ATTEMPTED", Value::Null),
        Some(Ok(body)) => ("SUCCESS", serde_json::from_str(body).unwrap_or(Value::Null)),
        Some(Err(refusal)) => ("FAILURE", json!({ "code": refusal.code, "msg": refusal.msg })),
    }
}

/// POST order/cancelReplace.
pub fn cancel_replace(context: &mut Context<'_>, params: &Params) -> Answer {
    let go_on = match params.need("cancelReplaceMode")? {
        "STOP_ON_FAILURE" => false,
        "ALLOW_FAILURE" => true,
        _ => return Err(codes::missing("cancelReplaceMode")),
    };
    let mut named = vec![("symbol".to_owned(), params.need("symbol")?.to_owned())];
    let names = [
        ("cancelOrderId", "orderId"),
        ("cancelOrigClientOrderId", "origClientOrderId"),
        ("cancelNewClientOrderId", "newClientOrderId"),
    ];
    for (sent, name) in names {
        named.extend(params.get(sent).map(|value| (name.to_owned(), value.to_owned())));
    }
    if !named
        .iter()
        .any(|(name, _)| name.to_lowercase().contains("order") && name != "newClientOrderId")
    {
        return Err(codes::missing("cancelOrderId"));
    }
    let cancelled = trade_spot::cancel(context, &Params::from_pairs(named));
    let placed = (cancelled.is_ok() || go_on).then(|| trade_spot::place(context, params));
    let (first, first_said) = half(Some(&cancelled));
    let (second, second_said) = half(placed.as_ref());
    let data = json!({
        "cancelResult": first, "newOrderResult": second, "cancelResponse": first_said, "newOrderResponse": second_said,
    });
    let both = Refusal::new(-2022, "Order cancel-replace failed.");
    let one = Refusal::new(-2021, "Order cancel-replace partially failed.").with_status(409);
    match (cancelled.is_ok(), placed.as_ref().is_some_and(Result::is_ok)) {
        (true, true) => Ok(data.to_string()),
        (false, false) => Err(both.with_data(data.to_string())),
        _ => Err(one.with_data(data.to_string())),
    }
}

/// PUT order/amend/keepPriority: a smaller quantity.
pub fn amend(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let wanted = reference(params)?;
    params.need("newQty")?;
    let quantity = params.decimal("newQty")?;
    let before = context.exchange.find_order(account, VENUE, SPOT, &wanted, now);
    let before = before.filter(|order| order.key == rules.key && order.status.is_open());
    let before = before.ok_or(codes::NO_ORDER)?;
    if quantity.is_none_or(|quantity| quantity >= before.quantity) {
        return Err(Refusal::new(
            -2038,
            "The requested action would change no state; rejecting.",
        ));
    }
    let change = Amendment { quantity, price: None };
    let amended = context.exchange.amend(account, (VENUE, SPOT), &wanted, change, now);
    let order = amended.map_err(|refusal| spot_refusal(&refusal, false))?;
    Ok(json!({
        "transactTime": now, "executionId": order.id,
        "amendedOrder": {
            "symbol": order.key.symbol, "orderId": order.id, "orderListId": -1, "origClientOrderId": order.client_id,
            "clientOrderId": order.client_id, "price": eight(order.price.unwrap_or_default()),
            "qty": eight(order.quantity), "executedQty": eight(order.filled), "preventedQty": ZERO, "quoteOrderQty": ZERO,
            "cumulativeQuoteQty": eight(order.filled_quote), "status": order.status.name(),
            "timeInForce": words::spot_tif(&order), "type": words::spot_type(&order), "side": words::side(order.side),
            "workingTime": order.created_ms, "selfTradePreventionMode": words::self_trade(&order),
        },
    })
    .to_string())
}

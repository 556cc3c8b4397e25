//! `GET /v5/position/closed-pnl`: what closing orders earned, fees of both ends included.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::codes::{ILLEGAL_CATEGORY, Result};
use super::convert::{side, tidy};
use super::params::{Category, Query, WEEK_MS, page};
use crate::exchange::{AccountId, Exchange, Fill};
use crate::market::{Ms, Product, Venue};

/// What one order closed.
#[derive(Default)]
struct Closed<'a> {
    last: Option<&'a Fill>,
    size: Decimal,
    profit: Decimal,
    exit: Decimal,
    open_fee: Decimal,
    close_fee: Decimal,
    fills: u32,
}

/// An open position's size and the fees that opening it cost.
#[derive(Clone, Copy, Default)]
struct Open {
    fees: Decimal,
}

/// Newest first, by page.
pub fn closed_pnl(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    if category != Category::Linear {
        return Err(ILLEGAL_CATEGORY);
    }
    let (start, end) = query.window(now, WEEK_MS, WEEK_MS)?;
    let symbol = query.get("symbol");
    let closed = by_order(exchange, account, now);
    let mut rows: Vec<(Ms, Value)> = closed
        .values()
        .filter_map(|closed| {
            let last = closed.last?;
            let wanted = (start..=end).contains(&last.time_ms) && symbol.is_none_or(|symbol| last.key.symbol == symbol);
            wanted.then(|| (last.time_ms, row(exchange, account, closed, last)))
        })
        .collect();
    rows.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let (rows, next) = page(rows, query.get("cursor"), query.limit(50, 100)?)?;
    Ok(json!({ "category": category.name(), "list": rows, "nextPageCursor": next }).to_string())
}

fn by_order(exchange: &Exchange, account: AccountId, now: Ms) -> BTreeMap<u64, Closed<'_>> {
    let mut open: BTreeMap<_, Open> = BTreeMap::new();
    let mut closed: BTreeMap<u64, Closed<'_>> = BTreeMap::new();
    for fill in exchange.fills(account, Venue::Bybit, Product::Perp, now) {
        let position = open.entry((fill.key.symbol.as_str(), fill.position_side)).or_default();
        let signed = fill.quantity * fill.side.sign();
        let before = fill.position_after - signed;
        let size = if before * signed < Decimal::ZERO {
            before.abs().min(fill.quantity)
        } else {
            Decimal::ZERO
        };
        let share = |part: Decimal, whole: Decimal| part.checked_div(whole).unwrap_or_default();
        let close_fee = fill.fee * share(size, fill.quantity);
        let open_fee = position.fees * share(size, before.abs());
        position.fees += fill.fee - close_fee - open_fee;
        if size.is_zero() {
            continue;
        }
        let entry = closed.entry(fill.order_id).or_default();
        entry.last = Some(fill);
        entry.size += size;
        entry.profit += fill.realised;
        entry.exit += size * fill.price;
        entry.open_fee += open_fee;
        entry.close_fee += close_fee;
        entry.fills += 1;
    }
    closed
}

fn row(exchange: &Exchange, account: AccountId, closed: &Closed<'_>, last: &Fill) -> Value {
    let order = exchange.order_by_number(last.order_id);
    let exit = closed.exit.checked_div(closed.size).unwrap_or_default();
    // A sale closes a long: it earned what the exit is above the entry.
    let entry_value = closed.exit + last.side.sign() * closed.profit;
    let entry = entry_value.checked_div(closed.size).unwrap_or_default();
    json!({
        "symbol": last.key.symbol, "orderId": last.venue_order_id(), "side": side(last.side),
        "orderType": if order.is_some_and(|order| order.price.is_none()) { "Market" } else { "Limit" },
        "qty": order.map_or(closed.size, |order| order.quantity).normalize(), "closedSize": closed.size.normalize(),
        "orderPrice": order.and_then(|order| order.price).unwrap_or_default().normalize(), "execType": "Trade",
        "cumEntryValue": tidy(entry_value), "avgEntryPrice": tidy(entry), "cumExitValue": tidy(closed.exit),
        "avgExitPrice": tidy(exit), "closedPnl": tidy(closed.profit - closed.open_fee - closed.close_fee),
        "openFee": tidy(closed.open_fee), "closeFee": tidy(closed.close_fee), "fillCount": closed.fills.to_string(),
        "leverage": exchange.leverage(account, &last.key).normalize(),
        "createdTime": order.map_or(last.time_ms, |order| order.created_ms).to_string(),
        "updatedTime": last.time_ms.to_string(),
    })
}

//! The spot user stream: executionReport, outboundAccountPosition, balanceUpdate.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::exchange::{AccountId, CashKind, Event, Exchange, Fill, Order, OrderChange, OrderKind, OrderStatus, Wallet};
use crate::market::{Ms, Product};

use super::events_usdm::text;
use super::rows_spot::ZERO;
use super::text::eight;
use super::words;

#[derive(Serialize)]
struct ExecutionReport<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    s: &'a str,
    c: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    o: &'static str,
    f: &'static str,
    q: String,
    p: String,
    #[serde(rename = "P")]
    stop_price: &'static str,
    #[serde(rename = "F")]
    iceberg: &'static str,
    g: i32,
    #[serde(rename = "C")]
    original_id: &'a str,
    x: &'static str,
    #[serde(rename = "X")]
    status: &'static str,
    r: &'static str,
    i: u64,
    l: String,
    z: String,
    #[serde(rename = "L")]
    last_price: String,
    n: String,
    #[serde(rename = "N")]
    fee_asset: Option<&'a str>,
    #[serde(rename = "T")]
    transaction_ms: Ms,
    t: i64,
    #[serde(rename = "I")]
    execution: u64,
    w: bool,
    m: bool,
    #[serde(rename = "M")]
    ignored: bool,
    #[serde(rename = "O")]
    created_ms: Ms,
    #[serde(rename = "Z")]
    filled_quote: String,
    #[serde(rename = "Y")]
    last_quote: String,
    #[serde(rename = "Q")]
    quote_quantity: String,
    #[serde(rename = "W", skip_serializing_if = "Option::is_none")]
    working_ms: Option<Ms>,
    #[serde(rename = "V")]
    self_trade: &'static str,
}

#[derive(Serialize)]
struct AccountPosition {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    u: Ms,
    #[serde(rename = "B")]
    balances: Vec<AssetPart>,
}

#[derive(Serialize)]
struct AssetPart {
    a: String,
    f: String,
    l: String,
}

#[derive(Serialize)]
struct BalanceUpdate<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    a: &'a str,
    d: String,
    #[serde(rename = "T")]
    cleared_ms: Ms,
}

/// What an event says on the spot user stream: event name, symbol, text. `cancel_id` is the id of the cancel that
/// ended an order.
pub fn render(exchange: &Exchange, event: &Event, cancel_id: &str, now: Ms) -> Vec<(&'static str, String, String)> {
    match event {
        Event::Order { order, change } if order.key.product == Product::Spot => {
            let mut out = vec![report(order, None, *change, cancel_id, now)];
            // Only a priced order holds funds while it stands.
            if order.kind == OrderKind::Limit {
                out.push(position(exchange, order, now));
            }
            out
        }
        Event::Fill { fill, order } if order.key.product == Product::Spot => {
            let report = report(order, Some(fill), OrderChange::Accepted, cancel_id, now);
            vec![report, position(exchange, order, now)]
        }
        Event::Balance(change) if change.wallet == Wallet::Spot && change.kind == Some(CashKind::Transfer) => {
            let update = BalanceUpdate {
                e: "balanceUpdate",
                event_ms: now,
                a: &change.asset,
                d: eight(change.delta),
                cleared_ms: change.time_ms,
            };
            let assets = [change.asset.as_str()];
            let after = assets_now(exchange, change.account, &assets, change.time_ms, now);
            vec![
                ("balanceUpdate", String::new(), text(&update)),
                ("outboundAccountPosition", String::new(), after),
            ]
        }
        _ => Vec::new(),
    }
}

fn report(
    order: &Order,
    fill: Option<&Fill>,
    change: OrderChange,
    cancel_id: &str,
    now: Ms,
) -> (&'static str, String, String) {
    let cancelled = fill.is_none() && change == OrderChange::Cancelled;
    let what = match (fill, change) {
        (Some(_), _) => "TRADE",
        (None, OrderChange::Accepted) => "NEW",
        (None, OrderChange::Amended) => "REPLACED",
        (None, OrderChange::Cancelled) => "CANCELED",
        (None, OrderChange::Expired) if order.status == OrderStatus::ExpiredInMatch => "TRADE_PREVENTION",
        (None, OrderChange::Expired) => "EXPIRED",
        (None, OrderChange::Rejected) => "REJECTED",
    };
    let number = |value: Option<Decimal>| eight(value.unwrap_or_default());
    let rests = order.kind == OrderKind::Limit && order.status.is_open();
    let report = ExecutionReport {
        e: "executionReport",
        event_ms: now,
        s: &order.key.symbol,
        c: if cancelled { cancel_id } else { &order.client_id },
        side: words::side(order.side),
        o: words::spot_type(order),
        f: words::spot_tif(order),
        q: eight(order.quantity),
        p: number(order.price),
        stop_price: ZERO,
        iceberg: ZERO,
        g: -1,
        original_id: if cancelled { &order.client_id } else { "" },
        x: what,
        status: order.status.name(),
        r: "NONE",
        i: order.id,
        l: number(fill.map(|fill| fill.quantity)),
        z: eight(order.filled),
        last_price: number(fill.map(|fill| fill.price)),
        n: fill.map_or_else(|| "0".to_owned(), |fill| eight(fill.fee)),
        fee_asset: fill.map(|fill| fill.fee_asset.as_str()),
        transaction_ms: fill.map_or(order.updated_ms, |fill| fill.time_ms),
        t: fill.map_or(-1, |fill| i64::try_from(fill.id).unwrap_or(i64::MAX)),
        execution: fill.map_or(order.id, |fill| fill.id),
        w: rests,
        m: fill.is_some_and(|fill| fill.maker),
        ignored: false,
        created_ms: order.created_ms,
        filled_quote: eight(order.filled_quote),
        last_quote: number(fill.map(Fill::value)),
        quote_quantity: number(order.quote_quantity),
        working_ms: Some(order.created_ms),
        self_trade: words::self_trade(order),
    };
    ("executionReport", order.key.symbol.clone(), text(&report))
}

/// Both assets of an order's pair as they stand now.
fn position(exchange: &Exchange, order: &Order, now: Ms) -> (&'static str, String, String) {
    let rules = exchange.market().rule(&order.key);
    let assets = rules.map_or_else(Vec::new, |rules| vec![rules.base.as_str(), rules.quote.as_str()]);
    let text = assets_now(exchange, order.account, &assets, order.updated_ms, now);
    ("outboundAccountPosition", order.key.symbol.clone(), text)
}

fn assets_now(exchange: &Exchange, account: AccountId, assets: &[&str], changed_ms: Ms, now: Ms) -> String {
    let part = |asset: &&str| {
        let held = exchange.balance(account, Wallet::Spot, asset);
        AssetPart {
            a: held.asset,
            f: eight(held.free),
            l: eight(held.locked),
        }
    };
    let balances = assets.iter().map(part).collect();
    text(&AccountPosition {
        e: "outboundAccountPosition",
        event_ms: now,
        u: changed_ms,
        balances,
    })
}

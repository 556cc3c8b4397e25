//! Rows as the doors show them: decimals as text, times as ISO-8601 UTC with milliseconds.

use chrono::{DateTime, SecondsFormat};
use domain::pause::PauseReason;
use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::chain::AuditLine;
use crate::columns::{Amount, At, Json};
use crate::rows::{FillLine, FundingLine, HedgeLine, OrderLine};

/// Which list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Hedges, by their number.
    Hedges,
    /// Orders.
    Orders,
    /// Executions.
    Fills,
    /// Funding received and paid.
    Funding,
    /// What was judged.
    Decisions,
    /// The audit log.
    Audit,
}

/// A piece of a list, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PageOf<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask with for the rows after these; `None` at the end.
    pub next_cursor: Option<i64>,
}

impl PageOf<Value> {
    /// Makes a page of rows that were read one further than asked for.
    pub(crate) fn cut(mut rows: Vec<(i64, Value)>, limit: usize) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|(id, _)| *id);
        Self {
            items: rows.into_iter().map(|(_, item)| item).collect(),
            next_cursor: if more { last } else { None },
        }
    }
}

/// A pause reason in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseView {
    /// Why.
    pub reason: PauseReason,
    /// Who asked.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

pub(crate) fn time(at: At) -> Value {
    DateTime::from_timestamp_millis(at.0.millis())
        .map_or(Value::Null, |at| at.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

fn perhaps_time(at: Option<At>) -> Value {
    at.map_or(Value::Null, time)
}

pub(crate) fn decimal(amount: Amount) -> Value {
    amount.0.to_string().into()
}

fn perhaps(amount: Option<Amount>) -> Value {
    amount.map_or(Value::Null, decimal)
}

pub(crate) fn hedge(id: i64, line: &HedgeLine) -> Value {
    json!({
        "id": id,
        "kind": line.kind,
        "asset": line.asset,
        "long": { "venue": line.long_venue, "product": line.long_product, "symbol": line.long_symbol },
        "short": { "venue": line.short_venue, "product": line.short_product, "symbol": line.short_symbol },
        "target": decimal(line.target),
        "state": line.state,
        "leg": line.leg,
        "missing": perhaps(line.missing),
        "planned_at": time(line.planned_at),
        "opened_at": perhaps_time(line.opened_at),
        "closed_at": perhaps_time(line.closed_at),
    })
}

pub(crate) fn order(id: i64, line: &OrderLine) -> Value {
    json!({
        "id": id,
        "client_id": line.client_id,
        "intent": line.intent,
        "hedge": line.hedge,
        "leg": line.leg,
        "purpose": line.purpose,
        "venue": line.venue,
        "product": line.product,
        "symbol": line.symbol,
        "side": line.side,
        "type": line.kind,
        "limit_price": perhaps(line.limit_price),
        "quantity": decimal(line.quantity),
        "state": line.state,
        "filled": decimal(line.filled),
        "venue_order_id": line.venue_order_id,
        "recorded_at": time(line.recorded_at),
    })
}

pub(crate) fn fill(id: i64, line: &FillLine) -> Value {
    json!({
        "id": id,
        "venue": line.venue,
        "product": line.product,
        "symbol": line.symbol,
        "trade_id": line.trade_id,
        "client_id": line.client_id,
        "venue_order_id": line.venue_order_id,
        "side": line.side,
        "quantity": decimal(line.quantity),
        "price": decimal(line.price),
        "fee": decimal(line.fee),
        "fee_asset": line.fee_asset,
        "maker": line.is_maker,
        "realised": perhaps(line.realised),
        "foreign": line.is_foreign,
        "at": time(line.at),
    })
}

pub(crate) fn funding(id: i64, line: &FundingLine) -> Value {
    json!({
        "id": id,
        "venue": line.venue,
        "product": line.product,
        "symbol": line.symbol,
        "payment_id": line.payment_id,
        "amount": decimal(line.amount),
        "rate": perhaps(line.rate),
        "settled_at": time(line.settled_at),
    })
}

/// Subject, verdict, numbers and time of a decision.
pub(crate) type DecisionLine = (String, String, Json, At);

pub(crate) fn decision(id: i64, (subject, verdict, numbers, at): &DecisionLine) -> Value {
    let numbers = serde_json::from_str(&numbers.0).unwrap_or(Value::Null);
    json!({ "id": id, "subject": subject, "verdict": verdict, "numbers": numbers, "at": time(*at) })
}

pub(crate) fn audit(id: i64, line: &AuditLine) -> Value {
    json!({
        "id": id,
        "at": time(line.at),
        "actor": line.actor,
        "action": line.action,
        "who": line.who,
        "detail": line.detail,
        "hash": line.hash,
    })
}

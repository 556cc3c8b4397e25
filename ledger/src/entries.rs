//! What the audit log says about each kind of move.

use domain::hedge::HedgeRow;
use domain::order::{LegIndex, OrderState, OrderTicket};
use domain::pause::PauseReason;
use serde_json::{Value, json};

use crate::chain::Entry;

fn entry(actor: &str, action: &str, who: String, detail: &Value) -> Entry {
    Entry {
        actor: actor.to_owned(),
        action: action.to_owned(),
        who,
        detail: detail.to_string(),
    }
}

/// A hedge stands elsewhere than before.
pub fn hedge(row: &HedgeRow, cause: &str) -> Entry {
    let detail = json!({
        "hedge": row.id.0,
        "kind": row.kind.as_str(),
        "asset": row.asset.as_str(),
        "long": row.long.to_string(),
        "short": row.short.to_string(),
        "target": row.target.0.to_string(),
        "state": row.state.as_str(),
        "leg": row.state.leg().map(LegIndex::as_str),
        "missing": row.state.missing().map(|missing| missing.0.to_string()),
        "cause": cause,
    });
    entry("executor", "hedge_moved", format!("hedge {}", row.id), &detail)
}

/// A new order.
pub fn order(ticket: &OrderTicket) -> Entry {
    let limit = ticket.kind.limit().map(|limit| limit.0.to_string());
    let detail = json!({
        "order": ticket.client_id.as_str(),
        "hedge": ticket.hedge.0,
        "leg": ticket.leg.as_str(),
        "purpose": ticket.purpose.as_str(),
        "instrument": ticket.instrument.to_string(),
        "side": ticket.side.as_str(),
        "kind": ticket.kind.as_str(),
        "limit_price": limit,
        "quantity": ticket.quantity.0.to_string(),
    });
    entry("executor", "order_recorded", format!("hedge {}", ticket.hedge), &detail)
}

/// An order stands elsewhere than before.
pub fn order_moved(client_id: &str, state: &OrderState, venue_order_id: Option<&str>, cause: &str) -> Entry {
    let detail = json!({
        "order": client_id,
        "state": state.as_str(),
        "filled": state.filled().0.to_string(),
        "venue_order_id": venue_order_id,
        "cause": cause,
    });
    entry("executor", "order_moved", format!("order {client_id}"), &detail)
}

/// A pause reason came into force.
pub fn paused(reason: &PauseReason, by: &str) -> Entry {
    let detail = json!({ "reason": reason.key(), "words": words(reason) });
    entry("pauses", "paused", by.to_owned(), &detail)
}

/// A pause reason no longer holds.
pub fn unpaused(key: &str, by: &str) -> Entry {
    entry("pauses", "unpaused", by.to_owned(), &json!({ "reason": key }))
}

/// An entry in the words of whoever wrote it.
pub fn said(actor: &str, action: &str, who: &str, detail: &str) -> Entry {
    Entry {
        actor: actor.to_owned(),
        action: action.to_owned(),
        who: who.to_owned(),
        detail: detail.to_owned(),
    }
}

/// A person's own words, where a reason has some.
pub fn words(reason: &PauseReason) -> &str {
    match reason {
        PauseReason::Human(words) => words,
        _ => "",
    }
}

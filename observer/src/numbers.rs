//! Numbers as they were written.
//!
//! - I14  A quantity and a price leave in plain decimal, above zero, on the steps of their instrument.

use rust_decimal::Decimal;

use crate::bounds::Bounds;
use crate::fact::{Intent, Request};
use crate::findings::Findings;

/// Judges the numbers of an order whose bytes left.
pub fn sent(request: &Request, intent: &Intent, bounds: &Bounds, findings: &mut Findings) {
    let Some((tick, lot)) = bounds.steps(&intent.venue, &intent.product, &intent.symbol) else {
        return;
    };
    findings.exercise("I14");
    let id = &request.client_id;
    match &request.quantity {
        None => findings.broken("I14", format!("{id} was sent without a quantity")),
        Some(text) => judge(id, "quantity", text, lot, findings),
    }
    if let Some(text) = &request.price {
        judge(id, "price", text, tick, findings);
    }
}

fn judge(id: &str, what: &str, text: &str, step: Decimal, findings: &mut Findings) {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<Decimal>() {
        Ok(number) if plain && number > Decimal::ZERO => {
            if !step.is_zero() && !(number % step).is_zero() {
                findings.broken("I14", format!("{what} {text} of {id} is no multiple of {step}"));
            }
        }
        _ => findings.broken("I14", format!("{what} of {id} is written `{text}`")),
    }
}

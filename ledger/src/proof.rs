//! Whether the rows of a ledger belong together, judged from the rows alone.
//!
//! - LV-1  The audit chain is unbroken.
//! - LV-2  Every execution belongs to an order of ours, or is marked foreign.
//! - LV-3  An order that is over holds the sum of its executions, and none holds more than was asked for.
//! - LV-4  Every order has an intent.
//! - LV-5, LV-6  The rows of each wallet add up: see [`crate::wallets`].

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::chain::{AuditLine, first_broken};
use crate::fault::Fault;
use crate::rows::{LIVE_ORDERS, OrderLine};
use crate::wallets::{self, WalletRows};

/// What [`crate::Ledger::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerifyReport {
    /// Whether nothing differs.
    pub ok: bool,
    /// What differs, in words; the first one first.
    pub differences: Vec<String>,
    /// Orders that were judged.
    pub orders: usize,
    /// Executions that were judged.
    pub fills: usize,
    /// Funding rows there are.
    pub funding_payments: usize,
    /// Whether the audit log is as it was written.
    pub audit_chain_ok: bool,
}

/// Everything that is judged, as one state of the whole.
pub struct Evidence {
    pub orders: Vec<OrderLine>,
    /// Executions, funding rows, openings and the venues' newest statement.
    pub wallets: WalletRows,
    pub audit: Vec<AuditLine>,
    /// Numbers of all intents, in order.
    pub intents: Vec<i64>,
}

/// Judges.
///
/// # Errors
/// When a row cannot be read.
pub fn judge(evidence: &Evidence) -> Result<VerifyReport, Fault> {
    let mut differences = Vec::new();
    let broken = first_broken(&evidence.audit);
    if let Some(id) = broken {
        differences.push(format!("audit row {id} does not follow from the rows before it"));
    }
    let sums = executed(evidence, &mut differences);
    for order in &evidence.orders {
        judge_order(
            order,
            &evidence.intents,
            sums.get(order.client_id.as_str()),
            &mut differences,
        );
    }
    wallets::judge(&evidence.wallets, &mut differences)?;
    Ok(VerifyReport {
        ok: differences.is_empty(),
        differences,
        orders: evidence.orders.len(),
        fills: evidence.wallets.fills.len(),
        funding_payments: evidence.wallets.funding.len(),
        audit_chain_ok: broken.is_none(),
    })
}

/// An order by the venue's name for it: venue, product, symbol, name.
type VenueName<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Units executed of each order, by our name for it.
fn executed<'a>(evidence: &'a Evidence, differences: &mut Vec<String>) -> BTreeMap<&'a str, Decimal> {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    let mut by_venue_name: BTreeMap<VenueName<'_>, &str> = BTreeMap::new();
    for order in &evidence.orders {
        sums.insert(&order.client_id, Decimal::ZERO);
        if let Some(name) = &order.venue_order_id {
            by_venue_name.insert((&order.venue, &order.product, &order.symbol, name), &order.client_id);
        }
    }
    for fill in &evidence.wallets.fills {
        let venue_name = (&*fill.venue, &*fill.product, &*fill.symbol, &*fill.venue_order_id);
        let order = if sums.contains_key(fill.client_id.as_str()) {
            Some(fill.client_id.as_str())
        } else {
            by_venue_name.get(&venue_name).copied()
        };
        match order.and_then(|order| sums.get_mut(order)) {
            Some(sum) => *sum += fill.quantity.0,
            None if fill.is_foreign => {}
            None => differences.push(format!(
                "execution {} of {} {} {} belongs to no order of ours",
                fill.trade_id, fill.venue, fill.product, fill.symbol
            )),
        }
    }
    sums
}

fn judge_order(order: &OrderLine, intents: &[i64], executed: Option<&Decimal>, differences: &mut Vec<String>) {
    let id = &order.client_id;
    let executed = executed.copied().unwrap_or_default();
    let is_over = !LIVE_ORDERS.contains(&order.state.as_str());
    if is_over && executed != order.filled.0 {
        differences.push(format!(
            "order {id} says that {} units are filled, and its executions say {executed}",
            order.filled.0
        ));
    }
    if executed > order.quantity.0 {
        differences.push(format!(
            "order {id} asked for {} units, and {executed} were executed",
            order.quantity.0
        ));
    }
    if order
        .intent
        .is_none_or(|intent| intents.binary_search(&intent).is_err())
    {
        differences.push(format!("order {id} has no intent"));
    }
}

//! What became of each order, by its venue and by the ledger.
//!
//! - I9  Until an order's outcome is proven, nothing else is sent for its leg and purpose, and the ledger does not call it
//!   over. What the ledger calls over is over, and has executed what the ledger says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::bounds::Bounds;
use crate::fact::{Fill, Intent, Order, Purpose, Request};
use crate::findings::Findings;

/// Hedge, venue, product, symbol, purpose.
type Place = (String, String, String, String, Purpose);

/// Every order that the ledger intended.
#[derive(Debug, Default)]
pub struct Outcomes {
    orders: BTreeMap<String, Fate>,
    /// Orders of a place that were sent and are not over by the ledger.
    open: BTreeMap<Place, Vec<String>>,
}

#[derive(Debug)]
struct Fate {
    place: Place,
    quantity: Decimal,
    sent_at: Option<i64>,
    accepted: bool,
    ended: bool,
    executed: Decimal,
    /// What the ledger says that it executed, once it says that it is over.
    over: Option<Decimal>,
}

impl Outcomes {
    /// The ledger intends an order.
    pub fn intend(&mut self, intent: &Intent) {
        let (hedge, venue) = (intent.hedge.clone(), intent.venue.clone());
        let place = (
            hedge,
            venue,
            intent.product.clone(),
            intent.symbol.clone(),
            intent.purpose,
        );
        let fate = Fate {
            place,
            quantity: intent.quantity,
            sent_at: None,
            accepted: false,
            ended: false,
            executed: Decimal::ZERO,
            over: None,
        };
        self.orders.entry(intent.client_id.clone()).or_insert(fate);
    }

    /// Bytes of an order left.
    pub fn sent(&mut self, request: &Request, findings: &mut Findings) {
        let id = &request.client_id;
        let now = findings.at_ms();
        let Some(fate) = self.orders.get_mut(id) else { return };
        if fate.over.is_some() {
            findings.broken("I9", format!("order {id} was sent after the ledger had called it over"));
        }
        fate.sent_at = fate.sent_at.or(Some(now));
        let open = self.open.entry(fate.place.clone()).or_default();
        if let Some(unproven) = open.iter().find(|other| *other != id) {
            findings.broken(
                "I9",
                format!("order {id} was sent while the fate of {unproven} is open"),
            );
        }
        if !open.contains(id) {
            open.push(id.clone());
        }
    }

    /// A venue accepted an order.
    pub fn accepted(&mut self, order: &Order, findings: &mut Findings) {
        let Some(fate) = self.orders.get_mut(&order.client_id) else {
            return;
        };
        fate.accepted = true;
        fate.quantity = order.quantity;
        if fate.over.is_some() {
            let id = &order.client_id;
            findings.broken(
                "I9",
                format!("{} accepted {id}, which the ledger had called over", order.venue),
            );
        }
    }

    /// A venue executed.
    pub fn executed(&mut self, fill: &Fill, findings: &mut Findings) {
        let Some(fate) = self.orders.get_mut(&fill.client_id) else {
            return;
        };
        fate.executed += fill.quantity;
        if fate.over.is_some_and(|filled| fate.executed > filled) {
            let (id, trade) = (&fill.client_id, &fill.trade_id);
            findings.broken("I9", format!("trade {trade} of {id}, which the ledger had called over"));
        }
    }

    /// A venue ended an order.
    pub fn ended(&mut self, client_id: &str) {
        if let Some(fate) = self.orders.get_mut(client_id) {
            fate.ended = true;
        }
    }

    /// The ledger calls an order over.
    pub fn over(&mut self, id: &str, filled: Decimal, how: &str, bounds: &Bounds, findings: &mut Findings) {
        let now = findings.at_ms();
        let Some(fate) = self.orders.get_mut(id) else { return };
        if fate.over.replace(filled).is_some() {
            return;
        }
        if let Some(open) = self.open.get_mut(&fate.place) {
            open.retain(|other| other != id);
        }
        findings.exercise("I9");
        let executed = fate.executed;
        if fate.accepted && !fate.ended && executed < fate.quantity {
            findings.broken(
                "I9",
                format!("the ledger calls {id} over ({how}), and its venue has it alive"),
            );
        } else if executed != filled {
            findings.broken(
                "I9",
                format!("{id} executed {executed}; the ledger calls it over with {filled}"),
            );
        } else if how == "not_sent" && fate.sent_at.is_some() {
            findings.broken("I9", format!("the ledger says that {id} never left; its bytes did"));
        } else if how == "absent" && fate.sent_at.is_some_and(|sent| now - sent < bounds.quiet_ms) {
            let (waited, least) = (now - fate.sent_at.unwrap_or(now), bounds.quiet_ms);
            findings.broken(
                "I9",
                format!("{id} was called absent {waited} ms after it was sent, least {least}"),
            );
        }
    }
}

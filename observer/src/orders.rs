//! Intents against venue orders.
//!
//! - I1  At most one venue order ever exists per client order id, and no id serves two intents.
//! - I8  An intent is committed before the venue order appears.
//! - I11 What closes a perpetual is sent so that the venue itself lets it open nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::fact::{Fill, Intent, Order, Purpose};
use crate::findings::Findings;

/// Every intent and every order, for ever: an id must not come back after any crash or restore.
#[derive(Debug, Default)]
pub struct Orders {
    intents: BTreeMap<String, Intent>,
    accepted: BTreeMap<String, Order>,
    foreign: BTreeSet<(String, String)>,
}

impl Orders {
    /// Takes note of an intent; `false` when its id is taken (the same row told twice is no second intent).
    pub fn commit(&mut self, intent: &Intent, findings: &mut Findings) -> bool {
        match self.intents.get(&intent.client_id) {
            None => {
                self.intents.insert(intent.client_id.clone(), intent.clone());
                return true;
            }
            Some(known) if known == intent => {}
            Some(known) => {
                let (id, first, second) = (&intent.client_id, &known.hedge, &intent.hedge);
                findings.broken(
                    "I1",
                    format!("client id {id} serves two intents, of hedge {first} and hedge {second}"),
                );
            }
        }
        false
    }

    /// Judges an order that a venue accepted.
    pub fn appear(&mut self, order: &Order, findings: &mut Findings) {
        if order.foreign {
            self.foreign.insert((order.venue.clone(), order.client_id.clone()));
            return;
        }
        findings.exercise("I8");
        findings.exercise("I1");
        let id = &order.client_id;
        match self.intents.get(id) {
            None => findings.broken(
                "I8",
                format!("{} accepted order {id} before its intent was committed", order.venue),
            ),
            Some(intent) if !same(intent, order) => {
                findings.broken(
                    "I1",
                    format!("order {id} differs from its intent: {order:?} against {intent:?}"),
                );
            }
            Some(intent) if intent.purpose == Purpose::Close && order.product != "spot" => {
                findings.exercise("I11");
                if !order.reduce_only {
                    findings.broken("I11", format!("closing order {id} may open: it is not reduce-only"));
                }
            }
            Some(_) => {}
        }
        match self.accepted.get(id) {
            None => {
                self.accepted.insert(id.clone(), order.clone());
            }
            Some(first) if first == order => {}
            Some(first) => {
                let (a, b) = (&first.venue_order_id, &order.venue_order_id);
                findings.broken(
                    "I1",
                    format!("client id {id} has two venue orders or two contents: {a} and {b}"),
                );
            }
        }
    }

    /// Whether a fill belongs to an order that is not the engine's.
    #[must_use]
    pub fn is_foreign(&self, fill: &Fill) -> bool {
        !fill.client_id.is_empty() && self.foreign.contains(&(fill.venue.clone(), fill.client_id.clone()))
    }

    /// The intent of this name.
    #[must_use]
    pub fn named(&self, client_id: &str) -> Option<&Intent> {
        self.intents.get(client_id)
    }

    /// The intent behind a fill.
    #[must_use]
    pub fn intent_of(&self, fill: &Fill) -> Option<&Intent> {
        self.intents
            .get(&fill.client_id)
            .filter(|intent| intent.venue == fill.venue)
    }
}

fn same(intent: &Intent, order: &Order) -> bool {
    intent.venue == order.venue
        && intent.symbol == order.symbol
        && intent.product == order.product
        && intent.side == order.side
        && (intent.quantity == order.quantity || trimmed(intent, order))
        && intent.price == order.price
}

/// Venues cut a reduce-only order to what is still held.
fn trimmed(intent: &Intent, order: &Order) -> bool {
    order.reduce_only && intent.purpose == Purpose::Close && order.quantity < intent.quantity
}

//! What is not the engine's.
//!
//! - I16  The engine cancels no order of a stranger, and when a stranger trades what a hedge holds, entries are stopped in
//!   time. (That it trades no more than its own is I11 and I2a, which count the engine's part alone.)

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::{Bounds, instrument};
use crate::fact::{Fill, Order, Request};
use crate::findings::Findings;

/// Strangers' living orders, and their trades that entries do not know of yet.
#[derive(Debug, Default)]
pub struct Strangers {
    orders: BTreeSet<(String, String)>,
    /// Instruments that strangers have traded.
    traded: BTreeSet<String>,
    /// Since when a trade of theirs in what a hedge holds has met no reason against entries.
    unseen: BTreeMap<String, i64>,
}

impl Strangers {
    /// A stranger's order was accepted.
    pub fn order(&mut self, order: &Order) {
        self.orders.insert((order.venue.clone(), order.client_id.clone()));
    }

    /// A stranger's order was executed; `held` when a hedge holds the instrument.
    pub fn fill(&mut self, fill: &Fill, held: bool, paused: bool, at_ms: i64) {
        let market = instrument(&fill.venue, &fill.product, &fill.symbol);
        self.orders.remove(&(fill.venue.clone(), fill.client_id.clone()));
        if held && !paused {
            self.unseen.entry(market.clone()).or_insert(at_ms);
        }
        self.traded.insert(market);
    }

    /// A venue ended an order without filling it.
    pub fn ended(&mut self, venue: &str, client_id: &str, cancelled: bool, findings: &mut Findings) {
        if self.orders.remove(&(venue.to_owned(), client_id.to_owned())) && cancelled {
            findings.broken("I16", format!("{venue} cancelled a stranger's order {client_id}"));
        }
    }

    /// Bytes of an order or a cancellation left; `ours` when its name is one that the ledger gave.
    pub fn sent(&self, request: &Request, ours: bool, findings: &mut Findings) {
        if !self.orders.is_empty() || !self.traded.is_empty() {
            findings.exercise("I16");
        }
        if request.cancels && !ours {
            let (venue, id) = (&request.venue, &request.client_id);
            findings.broken(
                "I16",
                format!("a cancellation of {id} was sent to {venue}, which is not the engine's"),
            );
        }
    }

    /// Entries are stopped: somebody will look.
    pub fn stopped(&mut self) {
        self.unseen.clear();
    }

    /// No hedge holds an instrument any more.
    pub fn forget(&mut self, holds: impl Fn(&str) -> bool) {
        self.unseen.retain(|market, _| holds(market));
    }

    /// Time has passed.
    pub fn judge(&mut self, bounds: &Bounds, findings: &mut Findings) {
        let (now, most) = (findings.at_ms(), bounds.stranger_seen_within_ms);
        let late: Vec<String> = self
            .unseen
            .iter()
            .filter(|(_, since)| now - **since > most)
            .map(|(market, _)| market.clone())
            .collect();
        for market in late {
            self.unseen.remove(&market);
            findings.broken(
                "I16",
                format!("a stranger traded {market}, and entries went on for {most} ms"),
            );
        }
    }
}

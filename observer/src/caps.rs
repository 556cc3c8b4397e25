//! The owner's limits in the worst case.
//!
//! - I10  When bytes of an opening order leave, what is held and what may still be executed stay within the caps: of the
//!   leg, of the venue, of everything. Holdings count at the last price of their leg that the engine named or paid.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::bounds::{Bounds, Caps};
use crate::fact::{Fill, Intent, Purpose, Request};
use crate::findings::Findings;

/// Hedge, venue, product, symbol.
type Leg = (String, String, String, String);

/// Every leg with what may still come to it.
#[derive(Debug, Default)]
pub struct Exposed {
    legs: BTreeMap<Leg, Standing>,
    /// Opening orders that are not over: their leg and what they may still execute.
    pending: BTreeMap<String, (Leg, Decimal)>,
}

#[derive(Debug, Default)]
struct Standing {
    held: Decimal,
    pending: Decimal,
    price: Decimal,
}

impl Standing {
    fn worst(&self) -> Decimal {
        (self.held.abs() + self.pending) * self.price
    }
}

fn leg(intent: &Intent) -> Leg {
    let (venue, product) = (intent.venue.clone(), intent.product.clone());
    (intent.hedge.clone(), venue, product, intent.symbol.clone())
}

impl Exposed {
    /// A venue executed for an intent.
    pub fn executed(&mut self, fill: &Fill, intent: &Intent) {
        let standing = self.legs.entry(leg(intent)).or_default();
        standing.held += fill.side.signed(fill.quantity);
        standing.price = fill.price;
        if let Some((_, left)) = self.pending.get_mut(&fill.client_id) {
            let part = fill.quantity.min(*left);
            *left -= part;
            standing.pending -= part;
        }
    }

    /// A venue executed what nobody here ordered, and hedges lost so much by it: less is held from there on, in the order of
    /// their names.
    pub fn taken(&mut self, fill: &Fill, lost: Decimal) {
        let mut left = lost;
        for ((_, venue, product, symbol), standing) in &mut self.legs {
            let is_there = *venue == fill.venue && *product == fill.product && *symbol == fill.symbol;
            let opposed = (standing.held * left).is_sign_negative() && !standing.held.is_zero() && !left.is_zero();
            if is_there && opposed {
                let size = standing.held.abs().min(left.abs());
                let part = if left.is_sign_negative() { -size } else { size };
                standing.held += part;
                left -= part;
            }
        }
    }

    /// The ledger calls an order over: nothing more is executed of it.
    pub fn over(&mut self, client_id: &str) {
        if let Some((leg, left)) = self.pending.remove(client_id)
            && let Some(standing) = self.legs.get_mut(&leg)
        {
            standing.pending -= left;
        }
    }

    /// Bytes of an order left.
    pub fn sent(&mut self, request: &Request, intent: &Intent, bounds: &Bounds, findings: &mut Findings) {
        let Some(caps) = &bounds.caps else { return };
        if intent.purpose != Purpose::Open {
            return;
        }
        findings.exercise("I10");
        let leg = leg(intent);
        let standing = self.legs.entry(leg.clone()).or_default();
        standing.price = intent.price.unwrap_or(standing.price);
        // What the bytes say counts, not what was meant.
        let written = request.quantity.as_ref().and_then(|text| text.parse().ok());
        let quantity: Decimal = written.unwrap_or(intent.quantity);
        let pending = (leg.clone(), quantity);
        if self.pending.insert(intent.client_id.clone(), pending).is_none() {
            standing.pending += quantity;
        }
        self.judge(&leg, intent, caps, findings);
    }

    fn judge(&self, leg: &Leg, intent: &Intent, caps: &Caps, findings: &mut Findings) {
        let id = &intent.client_id;
        let of_leg = self.legs.get(leg).map_or(Decimal::ZERO, Standing::worst);
        let at_venue = |venue: &str| {
            let legs = self.legs.iter().filter(|(leg, _)| leg.1 == venue);
            legs.map(|(_, standing)| standing.worst()).sum::<Decimal>()
        };
        let all: Decimal = self.legs.values().map(Standing::worst).sum();
        let found = [
            ("the leg", of_leg, caps.leg),
            ("the venue", at_venue(&intent.venue), caps.venue),
            ("everything", all, caps.total),
        ];
        for (what, worst, most) in found {
            if worst > most {
                findings.broken(
                    "I10",
                    format!("with order {id} {what} comes to {worst}, allowed {most}"),
                );
            }
        }
    }
}

//! The venue's rows against the ledger's.
//!
//! - I3  The ledger's multiset of fills and of funding payments is never larger than the venues', and equal at rest.

use std::collections::BTreeMap;

use crate::fact::{Fill, Funding, Side};
use crate::findings::Findings;

/// Rows quoted in one violation; the rest is counted.
const QUOTED: usize = 5;

/// Only what differs is kept, so memory follows what is under way, not what is past.
#[derive(Debug, Default)]
pub struct Books {
    fills: Tally,
    funding: Tally,
}

/// Rows of the venue that the ledger does not have (yet), counted by their whole content.
#[derive(Debug, Default)]
struct Tally {
    unbooked: BTreeMap<String, u64>,
    /// Rows that the ledger may have or not.
    optional: BTreeMap<String, u64>,
}

impl Tally {
    /// `false` when the venue has no such row left.
    fn book(&mut self, key: &str) -> bool {
        take(&mut self.unbooked, key) || take(&mut self.optional, key)
    }

    fn compare(&self, what: &str, findings: &mut Findings) {
        if self.unbooked.is_empty() {
            return;
        }
        let missing: u64 = self.unbooked.values().sum();
        let quoted: Vec<&str> = self.unbooked.keys().take(QUOTED).map(String::as_str).collect();
        findings.broken(
            "I3",
            format!("at rest the ledger lacks {missing} {what}: {}", quoted.join("; ")),
        );
    }
}

fn take(rows: &mut BTreeMap<String, u64>, key: &str) -> bool {
    let Some(count) = rows.get_mut(key) else { return false };
    *count -= 1;
    if *count == 0 {
        rows.remove(key);
    }
    true
}

impl Books {
    /// A venue executed.
    pub fn venue_fill(&mut self, fill: &Fill, optional: bool) {
        let rows = if optional {
            &mut self.fills.optional
        } else {
            &mut self.fills.unbooked
        };
        *rows.entry(fill_key(fill)).or_default() += 1;
    }

    /// The ledger committed an execution.
    pub fn ledger_fill(&mut self, fill: &Fill, findings: &mut Findings) {
        findings.exercise("I3");
        let key = fill_key(fill);
        if !self.fills.book(&key) {
            findings.broken(
                "I3",
                format!("the ledger has a fill that the venue has not, or has it twice: {key}"),
            );
        }
    }

    /// A venue paid funding.
    pub fn venue_funding(&mut self, funding: &Funding) {
        *self.funding.unbooked.entry(funding_key(funding)).or_default() += 1;
    }

    /// The ledger committed a funding payment.
    pub fn ledger_funding(&mut self, funding: &Funding, findings: &mut Findings) {
        findings.exercise("I3");
        let key = funding_key(funding);
        if !self.funding.book(&key) {
            findings.broken(
                "I3",
                format!("the ledger has a funding that the venue has not, or has it twice: {key}"),
            );
        }
    }

    /// The world is at rest.
    pub fn compare(&self, findings: &mut Findings) {
        self.fills.compare("fills", findings);
        self.funding.compare("funding payments", findings);
    }
}

/// All of a fill that must agree, readable. `1.0` and `1.00` are the same number.
#[must_use]
pub fn fill_key(fill: &Fill) -> String {
    let side = match fill.side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    let (quantity, price, fee) = (fill.quantity.normalize(), fill.price.normalize(), fill.fee.normalize());
    let (venue, product, symbol, trade) = (&fill.venue, &fill.product, &fill.symbol, &fill.trade_id);
    format!(
        "{venue} {product} {symbol} trade {trade} {side} {quantity} at {price}, fee {fee} {}",
        fill.fee_asset
    )
}

fn funding_key(funding: &Funding) -> String {
    let Funding {
        venue,
        id,
        symbol,
        product,
        amount,
    } = funding;
    format!("{venue} {product} {symbol} funding {id} amount {}", amount.normalize())
}

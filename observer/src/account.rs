//! Position and cash, recomputed from ledger rows alone.
//!
//! - I4  At rest they equal the venue's to the last decimal.
//!
//! Spot moves two assets of a wallet; a perpetual moves none until a profit is taken, which happens at the average entry
//! price. That average is the one quotient here. Where it cannot be written exactly, the venue's rounding of it is
//! allowed for ([`Bounds::last_decimal`]); every other comparison is exact.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::bounds::Bounds;
use crate::fact::{Cash, Fill, Funding, Position};
use crate::findings::Findings;

/// Venue, wallet, asset.
type Purse = (String, String, String);
/// Venue, product, symbol.
type Contract = (String, String, String);

/// The account as the ledger's rows have it, beside what the venues last stated.
#[derive(Debug, Default)]
pub struct Account {
    purses: BTreeMap<Purse, Money>,
    contracts: BTreeMap<Contract, Held>,
    opened: BTreeSet<Purse>,
    stated_cash: BTreeMap<Purse, Decimal>,
    stated_positions: BTreeMap<Contract, Decimal>,
    /// Touched by trades that the ledger is not asked to book.
    excused_wallets: BTreeSet<(String, String)>,
    excused_contracts: BTreeSet<Contract>,
}

#[derive(Debug, Default)]
struct Money {
    total: Decimal,
    /// How far the venue's rounding of average prices may have led us apart.
    allowance: Decimal,
}

/// A perpetual's position: signed quantity, and what it cost (same sign).
#[derive(Debug, Default)]
struct Held {
    quantity: Decimal,
    cost: Decimal,
}

/// A profit taken, and the quantity closed at an average price that cannot be written exactly.
#[derive(Debug, Default, PartialEq, Eq)]
struct Realised {
    profit: Decimal,
    inexact: Decimal,
}

impl Held {
    fn trade(&mut self, change: Decimal, price: Decimal) -> Realised {
        let mut realised = Realised::default();
        let mut opening = change;
        if !self.quantity.is_zero() && self.quantity.is_sign_negative() != change.is_sign_negative() {
            let closed = change.abs().min(self.quantity.abs());
            let part = if change.is_sign_negative() { -closed } else { closed };
            realised = self.reduce(part, price);
            opening -= part;
        }
        self.quantity += opening;
        self.cost += opening * price;
        realised
    }

    /// `part` has the opposite sign of the quantity and is not larger.
    fn reduce(&mut self, part: Decimal, price: Decimal) -> Realised {
        let entry = self.cost / self.quantity;
        let exact = product_is_exact(entry, self.quantity) && entry * self.quantity == self.cost;
        let released = if part == -self.quantity {
            self.cost
        } else {
            -part * entry
        };
        self.quantity += part;
        self.cost -= released;
        let inexact = if exact {
            Decimal::ZERO
        } else {
            part.abs().max(Decimal::ONE)
        };
        Realised {
            profit: -part * price - released,
            inexact,
        }
    }
}

/// Whether a product keeps every digit of its factors: a rounded product may look right although a factor is not.
fn product_is_exact(left: Decimal, right: Decimal) -> bool {
    let digits = |factor: Decimal| {
        let mantissa = factor.normalize().mantissa().unsigned_abs();
        mantissa.checked_ilog10().map_or(0, |last| last + 1)
    };
    digits(left) + digits(right) <= Decimal::MAX_SCALE
}

impl Account {
    /// The ledger's first word on a wallet counts; a later one could hide a difference.
    pub fn open(&mut self, cash: &Cash) {
        let purse = purse(cash);
        if self.opened.insert(purse.clone()) {
            self.purses.entry(purse).or_default().total += cash.total;
        }
    }

    /// The ledger committed an execution.
    pub fn fill(&mut self, fill: &Fill, bounds: &Bounds, findings: &mut Findings) {
        let Some((base, quote)) = bounds.split(&fill.symbol) else {
            findings.broken(
                "I4",
                format!("no known quote asset in {}: its cash cannot be followed", fill.symbol),
            );
            return;
        };
        let wallet = bounds.wallet(&fill.venue, &fill.product);
        let change = fill.side.signed(fill.quantity);
        if fill.product == "spot" {
            self.money(&fill.venue, wallet, base).total += change;
            self.money(&fill.venue, wallet, quote).total -= change * fill.price;
        } else {
            let contract = (fill.venue.clone(), fill.product.clone(), fill.symbol.clone());
            let realised = self.contracts.entry(contract).or_default().trade(change, fill.price);
            let money = self.money(&fill.venue, wallet, quote);
            money.total += realised.profit;
            money.allowance += realised.inexact * bounds.last_decimal;
        }
        if !fill.fee.is_zero() {
            self.money(&fill.venue, wallet, &fill.fee_asset).total -= fill.fee;
        }
    }

    /// The ledger committed a funding payment.
    pub fn funding(&mut self, funding: &Funding, bounds: &Bounds, findings: &mut Findings) {
        match bounds.split(&funding.symbol) {
            Some((_, quote)) => {
                let wallet = bounds.wallet(&funding.venue, &funding.product);
                self.money(&funding.venue, wallet, quote).total += funding.amount;
            }
            None => findings.broken("I4", format!("no known quote asset in {}", funding.symbol)),
        }
    }

    /// A foreign trade that the ledger is not asked to book: what it touched can no longer be compared.
    pub fn excuse(&mut self, fill: &Fill, bounds: &Bounds) {
        let wallet = bounds.wallet(&fill.venue, &fill.product);
        self.excused_wallets.insert((fill.venue.clone(), wallet.to_owned()));
        self.excused_contracts
            .insert((fill.venue.clone(), fill.product.clone(), fill.symbol.clone()));
    }

    /// A person moved cash. What came before the wallet was first read is part of that reading.
    pub fn moved(&mut self, cash: &Cash) {
        let key = purse(cash);
        if self.opened.contains(&key) {
            self.purses.entry(key).or_default().total += cash.total;
        }
    }

    /// A venue states a wallet.
    pub fn venue_cash(&mut self, cash: &Cash) {
        self.stated_cash.insert(purse(cash), cash.total);
    }

    /// A venue states a position.
    pub fn venue_position(&mut self, position: &Position) {
        if position.product != "spot" {
            let contract = (
                position.venue.clone(),
                position.product.clone(),
                position.symbol.clone(),
            );
            self.stated_positions.insert(contract, position.quantity);
        }
    }

    /// The world is at rest. Judges the venues that stated anything since the last time; what such a venue does not
    /// mention, it states to be zero.
    pub fn compare(&mut self, findings: &mut Findings) {
        let cash = std::mem::take(&mut self.stated_cash);
        let positions = std::mem::take(&mut self.stated_positions);
        let venues: BTreeSet<&String> = cash.keys().chain(positions.keys()).map(|(venue, ..)| venue).collect();

        let purses: BTreeSet<&Purse> = self.purses.keys().chain(cash.keys()).collect();
        for key in purses.into_iter().filter(|key| venues.contains(&key.0)) {
            let (venue, wallet, asset) = key;
            if self.excused_wallets.contains(&(venue.clone(), wallet.clone())) {
                continue;
            }
            findings.exercise("I4");
            let (ours, allowance) = self
                .purses
                .get(key)
                .map_or_else(Default::default, |money| (money.total, money.allowance));
            let theirs = cash.get(key).copied().unwrap_or_default();
            if (ours - theirs).abs() > allowance {
                findings.broken(
                    "I4",
                    format!("{venue} {wallet}: {theirs} {asset}, by the ledger's rows {ours}"),
                );
            }
        }

        let contracts: BTreeSet<&Contract> = self.contracts.keys().chain(positions.keys()).collect();
        for key in contracts
            .into_iter()
            .filter(|key| venues.contains(&key.0) && !self.excused_contracts.contains(*key))
        {
            findings.exercise("I4");
            let (venue, product, symbol) = key;
            let ours = self.contracts.get(key).map_or(Decimal::ZERO, |held| held.quantity);
            let theirs = positions.get(key).copied().unwrap_or_default();
            if ours != theirs {
                findings.broken(
                    "I4",
                    format!("{venue} {product} {symbol}: holds {theirs}, by the ledger's rows {ours}"),
                );
            }
        }
    }

    fn money(&mut self, venue: &str, wallet: &str, asset: &str) -> &mut Money {
        self.purses
            .entry((venue.to_owned(), wallet.to_owned(), asset.to_owned()))
            .or_default()
    }
}

fn purse(cash: &Cash) -> Purse {
    (cash.venue.clone(), cash.wallet.clone(), cash.asset.clone())
}

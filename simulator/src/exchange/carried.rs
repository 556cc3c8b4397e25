//! What an account takes from one life of an exchange into the next: wallets and positions. Orders do not outlive it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Exchange;
use super::book::{Holding, Lot};
use super::types::{AccountId, PositionSide, Wallet};
use crate::market::{Key, Product, Venue};

/// Wallets and positions of the first account, and where its ids go on: an id names one row for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Wallet, asset, total.
    pub wallets: BTreeMap<String, BTreeMap<String, Decimal>>,
    /// Open perpetual positions.
    pub positions: Vec<CarriedPosition>,
    /// The next id of an order, a trade or a funding row.
    pub next_id: u64,
}

/// One open perpetual position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedPosition {
    /// Where.
    pub venue: Venue,
    /// The venue's symbol.
    pub symbol: String,
    /// Units; negative is short.
    pub quantity: Decimal,
    /// Signed value paid for them.
    pub cost: Decimal,
}

/// Why it could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CarriedError {
    /// A wallet that does not exist.
    #[error("there is no wallet {0}")]
    Wallet(String),
    /// A perpetual that this market does not list.
    #[error("{0:?} does not list the perpetual {1}")]
    Symbol(Venue, String),
}

impl Exchange {
    /// What the first account holds.
    pub fn carried(&self) -> Carried {
        let mut carried = Carried {
            next_id: self.next_id,
            ..Carried::default()
        };
        for ((account, wallet), assets) in &self.holdings {
            if *account == AccountId(0) {
                let totals = assets.iter().map(|(asset, holding)| (asset.clone(), holding.total));
                carried.wallets.insert(wallet.name().to_owned(), totals.collect());
            }
        }
        for ((account, key, _), lot) in &self.lots {
            if *account == AccountId(0) && !lot.quantity.is_zero() {
                carried.positions.push(CarriedPosition {
                    venue: key.venue,
                    symbol: key.symbol.clone(),
                    quantity: lot.quantity,
                    cost: lot.cost,
                });
            }
        }
        carried
    }

    /// Gives the first account what it held in an earlier life, in place of its start balances.
    ///
    /// # Errors
    /// [`CarriedError`]; nothing has changed then.
    pub fn carry_on(&mut self, carried: &Carried) -> Result<(), CarriedError> {
        let mut holdings = BTreeMap::new();
        for (name, assets) in &carried.wallets {
            let wallet = Wallet::ALL.into_iter().find(|wallet| wallet.name() == name);
            let wallet = wallet.ok_or_else(|| CarriedError::Wallet(name.clone()))?;
            let held = assets.iter().map(|(asset, total)| {
                let holding = Holding {
                    total: *total,
                    locked: Decimal::ZERO,
                };
                (asset.clone(), holding)
            });
            holdings.insert((AccountId(0), wallet), held.collect::<BTreeMap<_, _>>());
            if let Some(start) = self.start.first_mut() {
                start.insert(wallet, assets.clone());
            }
        }
        let mut lots = BTreeMap::new();
        for position in &carried.positions {
            let rule = self.market.find(position.venue, Product::Perp, &position.symbol);
            let key: Key = rule
                .map(|rule| rule.key.clone())
                .ok_or_else(|| CarriedError::Symbol(position.venue, position.symbol.clone()))?;
            let lot = Lot {
                quantity: position.quantity,
                cost: position.cost,
                updated_ms: self.clock,
                ..Lot::default()
            };
            lots.insert((AccountId(0), key, PositionSide::Both), lot);
        }
        self.holdings.extend(holdings);
        self.lots.extend(lots);
        self.next_id = self.next_id.max(carried.next_id);
        Ok(())
    }
}

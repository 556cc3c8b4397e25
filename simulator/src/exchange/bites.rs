//! What trades took out of a book and nobody has put back yet.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::types::Side;
use crate::market::{Depth, Key, Level, Ms};

/// How long a level that was taken stays away: others quote again within a second.
const REFILL_MS: Ms = 1_000;

/// One level's loss, on the side of the book that was hit.
#[derive(Clone, Copy, Debug)]
struct Bite {
    side: Side,
    price: Decimal,
    quantity: Decimal,
    at: Ms,
}

/// The losses of every book.
#[derive(Clone, Debug, Default)]
pub(super) struct Bites(BTreeMap<Key, Vec<Bite>>);

impl Bites {
    /// Takes a quantity off a level of the side that was hit.
    pub fn take(&mut self, key: &Key, side: Side, price: Decimal, quantity: Decimal, now: Ms) {
        self.0.retain(|_, bites| {
            bites.retain(|bite| fresh(bite, now));
            !bites.is_empty()
        });
        self.0.entry(key.clone()).or_default().push(Bite {
            side,
            price,
            quantity,
            at: now,
        });
    }

    /// Whether a book is short of anything.
    pub fn any(&self, key: &Key, now: Ms) -> bool {
        self.0
            .get(key)
            .is_some_and(|bites| bites.iter().any(|bite| fresh(bite, now)))
    }

    /// The book without what was taken. One level always stays: a market without a price is no market.
    pub fn out_of(&self, key: &Key, mut depth: Depth, now: Ms) -> Depth {
        let Some(bites) = self.0.get(key) else { return depth };
        let (bid, ask) = (depth.bids.last().copied(), depth.asks.last().copied());
        for bite in bites.iter().filter(|bite| fresh(bite, now)) {
            let levels = match bite.side {
                Side::Buy => &mut depth.bids,
                Side::Sell => &mut depth.asks,
            };
            if let Some(level) = levels.iter_mut().find(|level| level.price == bite.price) {
                level.quantity -= bite.quantity;
            }
        }
        trim(&mut depth.bids, bid);
        trim(&mut depth.asks, ask);
        depth
    }
}

fn fresh(bite: &Bite, now: Ms) -> bool {
    (bite.at..bite.at + REFILL_MS).contains(&now)
}

fn trim(levels: &mut Vec<Level>, farthest: Option<Level>) {
    levels.retain(|level| level.quantity > Decimal::ZERO);
    if levels.is_empty() {
        levels.extend(farthest);
    }
}

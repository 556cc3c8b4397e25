//! The levels of a book in order, with room for changes and no allocation once it has grown.

use std::cmp::Ordering;

use domain::market::{Book, Level, Quote};
use domain::money::{Price, Quantity};
use rust_decimal::Decimal;

/// Both sides of a book. The best of each stands last, so that what changes most moves least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Ladder {
    /// No level at all.
    pub const EMPTY: Self = Self {
        bids: Vec::new(),
        asks: Vec::new(),
    };

    /// Forgets every level.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Takes the levels of a change: a quantity of zero takes a level away, and one that is not there already.
    pub fn apply(&mut self, change: &Book) {
        for level in &change.bids {
            self.set_bid(level.price.0, level.quantity.0);
        }
        for level in &change.asks {
            self.set_ask(level.price.0, level.quantity.0);
        }
    }

    /// Sets one level of the buyers.
    pub fn set_bid(&mut self, price: Decimal, quantity: Decimal) {
        set(&mut self.bids, price, quantity, |there| there.cmp(&price));
    }

    /// Sets one level of the sellers.
    pub fn set_ask(&mut self, price: Decimal, quantity: Decimal) {
        set(&mut self.asks, price, quantity, |there| price.cmp(there));
    }

    /// The best levels of both sides, at most `most` of each, best first.
    pub fn top(&self, most: usize) -> Book {
        let best = |side: &[Level]| side.iter().rev().take(most).copied().collect();
        Book {
            bids: best(&self.bids),
            asks: best(&self.asks),
        }
    }

    /// The touch; `None` when a side is empty, or they cross.
    pub fn quote(&self) -> Option<Quote> {
        let (bid, ask) = (self.bids.last()?, self.asks.last()?);
        let quote = Quote {
            bid: bid.price,
            bid_quantity: bid.quantity,
            ask: ask.price,
            ask_quantity: ask.quantity,
        };
        quote.is_sane().then_some(quote)
    }

    /// Whether the best buyer bids no less than the best seller asks: no book of a venue is like that for long.
    pub fn is_crossed(&self) -> bool {
        matches!((self.bids.last(), self.asks.last()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }
}

fn set(side: &mut Vec<Level>, price: Decimal, quantity: Decimal, order: impl Fn(&Decimal) -> Ordering) {
    let place = side.binary_search_by(|level| order(&level.price.0));
    match place {
        Ok(at) if quantity.is_zero() => {
            side.remove(at);
        }
        Ok(at) => {
            if let Some(level) = side.get_mut(at) {
                level.quantity = Quantity(quantity);
            }
        }
        Err(_) if quantity.is_zero() => {}
        Err(at) => side.insert(
            at,
            Level {
                price: Price(price),
                quantity: Quantity(quantity),
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_comes_first_and_a_zero_takes_away() {
        let mut ladder = Ladder::default();
        for (price, quantity) in [(10, 1), (12, 2), (11, 3), (12, 0), (99, 0), (10, 5)] {
            ladder.set_bid(price.into(), quantity.into());
        }
        for (price, quantity) in [(15, 1), (13, 2), (14, 3)] {
            ladder.set_ask(price.into(), quantity.into());
        }
        let prices = |side: &[Level]| side.iter().map(|level| level.price.0.to_string()).collect::<Vec<_>>();
        let top = ladder.top(2);
        assert_eq!(
            (prices(&top.bids), prices(&top.asks)),
            (vec!["11".into(), "10".into()], vec!["13".into(), "14".into()])
        );
        assert_eq!(top.bids[1].quantity, Quantity(5.into()));
        assert!(!ladder.is_crossed());
        assert_eq!(ladder.quote().unwrap().bid_quantity, Quantity(3.into()));
        ladder.set_ask(11.into(), 1.into());
        assert!(ladder.is_crossed());
        ladder.clear();
        assert_eq!(ladder.quote(), None);
    }
}

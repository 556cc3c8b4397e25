//! Which books are worth keeping from their changes: those of what is held, and of what may be entered next.
//!
//! - IN-1  One writes it (the scanner), the feeds read it; a feed learns of a change by its turn, and is woken by it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::task::Waker;

use crate::instrument::{InstrumentId, Product, VenueId};

/// A shared list of instruments. Cheap to clone; belongs to one thread.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    wanted: Rc<RefCell<BTreeSet<InstrumentId>>>,
    turn: Rc<Cell<u64>>,
    waiting: Rc<RefCell<Vec<Waker>>>,
}

impl Interest {
    /// Nothing is of interest yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// From now on these are of interest, and no others.
    pub fn set(&self, wanted: BTreeSet<InstrumentId>) {
        if *self.wanted.borrow() != wanted {
            *self.wanted.borrow_mut() = wanted;
            self.turn.set(self.turn.get() + 1);
            for waiting in self.waiting.take() {
                waiting.wake();
            }
        }
    }

    /// Wakes whoever waits, once, when it changes.
    pub fn wake(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Grows with every change.
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// What is of interest at one venue and product, in order.
    pub fn of(&self, venue: VenueId, product: Product) -> Vec<InstrumentId> {
        let wanted = self.wanted.borrow();
        let of_feed = |id: &&InstrumentId| id.venue == venue && id.product == product;
        wanted.iter().filter(of_feed).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Name;

    #[test]
    fn a_change_is_seen_by_every_clone_and_the_same_again_is_none() {
        let id = |venue| InstrumentId {
            venue,
            product: Product::Perp,
            symbol: Name::new("XRPUSDT"),
        };
        let (written, read) = {
            let interest = Interest::none();
            (interest.clone(), interest)
        };
        assert_eq!(read.turn(), 0);
        let both = BTreeSet::from([id(VenueId::Binance), id(VenueId::Bybit)]);
        written.set(both.clone());
        written.set(both);
        assert_eq!(read.turn(), 1);
        assert_eq!(read.of(VenueId::Bybit, Product::Perp), [id(VenueId::Bybit)]);
        assert!(read.of(VenueId::Bybit, Product::Spot).is_empty());
    }
}

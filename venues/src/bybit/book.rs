//! A book kept from its changes, by the venue's own rules of continuity.
//!
//! - BB-1  A whole book replaces everything, whenever it comes; number 1 is one, after a restart of the venue's service.
//! - BB-2  Numbers of one depth on one connection grow by one; the same one again is a repetition, and no progress.
//! - BB-3  `seq` never goes back: what is older than the book is a fault of the wire.
//! - BB-4  After a gap the book is unusable until a whole one has come, which needs a new subscription.

use domain::market::{Book, Quote};

use super::depth::Head;
use crate::shared::ladder::Ladder;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the book now, or part of it.
    Applied,
    /// It says again what is known.
    Repeated,
    /// It came before any whole book, or something is missing before it: the book is unusable.
    Gap,
}

/// One book.
#[derive(Debug, Default)]
pub struct KeptBook {
    ladder: Ladder,
    /// The last number in the book; `None` while it is unusable.
    last: Option<u64>,
    sequence: u64,
}

impl KeptBook {
    /// Whether it may be used.
    pub const fn is_usable(&self) -> bool {
        self.last.is_some()
    }

    /// The number of the last message in it.
    pub const fn last(&self) -> Option<u64> {
        self.last
    }

    /// The best levels, at most `most` of each side; `None` while it is unusable.
    pub fn top(&self, most: usize) -> Option<Book> {
        self.last.map(|_| self.ladder.top(most))
    }

    /// The touch; `None` while it is unusable, when a side is empty, or when they cross.
    pub fn quote(&self) -> Option<Quote> {
        self.last.and_then(|_| self.ladder.quote())
    }

    /// Takes one message with its levels.
    pub fn take(&mut self, head: &Head<'_>, levels: &Book) -> Step {
        let sequence = head.sequence.unwrap_or(self.sequence);
        if head.is_whole() {
            self.ladder.clear();
            self.ladder.apply(levels);
            self.last = Some(head.update);
            self.sequence = sequence;
            return Step::Applied;
        }
        match self.last {
            Some(last) if head.update == last => Step::Repeated,
            Some(last) if last.checked_add(1) == Some(head.update) && sequence >= self.sequence => {
                self.ladder.apply(levels);
                self.last = Some(head.update);
                self.sequence = sequence;
                Step::Applied
            }
            _ => {
                self.forget();
                Step::Gap
            }
        }
    }

    /// The connection is gone, or something else makes what is known worthless.
    pub fn forget(&mut self) {
        self.last = None;
        self.sequence = 0;
        self.ladder.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::market::Level;
    use domain::money::{Price, Quantity};

    fn head(kind: &'static str, update: u64, sequence: u64) -> Head<'static> {
        Head {
            kind: kind.into(),
            symbol: "XRPUSDT".into(),
            update,
            sequence: Some(sequence),
            ts: 1,
            matched: None,
        }
    }

    fn bid(quantity: i64) -> Book {
        Book {
            bids: vec![Level {
                price: Price(1.into()),
                quantity: Quantity(quantity.into()),
            }],
            asks: Vec::new(),
        }
    }

    fn best(book: &KeptBook) -> Option<Quantity> {
        book.top(1)?.bids.first().map(|level| level.quantity)
    }

    #[test]
    fn a_book_follows_one_by_one_and_a_gap_makes_it_unusable() {
        let mut book = KeptBook::default();
        assert_eq!(book.take(&head("delta", 8, 1), &bid(1)), Step::Gap);
        assert_eq!(book.take(&head("snapshot", 8, 1), &bid(1)), Step::Applied);
        assert_eq!(book.take(&head("delta", 9, 2), &bid(2)), Step::Applied);
        assert_eq!(book.take(&head("delta", 9, 2), &bid(7)), Step::Repeated);
        assert_eq!((best(&book), book.last()), (Some(Quantity(2.into())), Some(9)));
        assert_eq!(book.take(&head("delta", 11, 3), &bid(3)), Step::Gap);
        assert!(!book.is_usable() && book.quote().is_none() && best(&book).is_none());
        assert_eq!(book.take(&head("delta", 12, 4), &bid(3)), Step::Gap);
        assert_eq!(book.take(&head("snapshot", 20, 5), &bid(4)), Step::Applied);
        assert_eq!(book.take(&head("delta", 21, 4), &bid(5)), Step::Gap);
    }

    #[test]
    fn number_one_is_a_whole_book_whatever_it_is_called() {
        let mut book = KeptBook::default();
        book.take(&head("snapshot", 900, 900), &bid(9));
        assert_eq!(book.take(&head("delta", 1, 901), &bid(4)), Step::Applied);
        assert_eq!((best(&book), book.last()), (Some(Quantity(4.into())), Some(1)));
    }
}

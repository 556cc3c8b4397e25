//! A book kept from its changes, by the venue's own rules of continuity.
//!
//! - BK-1  Changes are kept from the first on; a whole book joins them where its number falls into one.
//! - BK-2  On spot a change begins with the number after the last one; on futures it names the last one (`pu`), and its
//!   own first number need not follow.
//! - BK-3  After a gap the book is unusable until a whole one has joined again; it is never mended by guessing.
//!
//! Levels outside the whole book that was asked for are unknown until they change: only the best ones are handed out.

use std::collections::VecDeque;

use domain::instrument::Product;
use domain::market::{Book, Quote};

use crate::shared::event::Span;
use crate::shared::ladder::Ladder;

/// Changes that wait for a whole book; more of them say that none will come.
const MOST_WAITING: usize = 10_000;

/// What became of a change or of a whole book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is part of the book.
    Applied,
    /// It is older than the book.
    Old,
    /// It waits for a whole book.
    Waiting,
    /// The whole book is older than the first change that waits: another one has to be asked for.
    TooOld,
    /// Something is missing before it: the book is unusable, and a whole one has to be asked for.
    Gap,
}

/// One book.
#[derive(Debug)]
pub struct KeptBook {
    product: Product,
    ladder: Ladder,
    /// The last number in the book; `None` while it is unusable.
    last: Option<u64>,
    /// Whether a change was applied since the whole book came: only the first one may overlap it.
    is_joined: bool,
    waiting: VecDeque<(Span, Book)>,
}

impl KeptBook {
    /// A book that is unusable until a whole one has come.
    pub const fn new(product: Product) -> Self {
        Self {
            product,
            ladder: Ladder::EMPTY,
            last: None,
            is_joined: false,
            waiting: VecDeque::new(),
        }
    }

    /// Whether it may be used.
    pub const fn is_usable(&self) -> bool {
        self.last.is_some()
    }

    /// The number of the last change in it.
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

    /// Takes one change.
    pub fn change(&mut self, span: Span, levels: &Book) -> Step {
        if self.last.is_none() {
            return self.wait(span, levels);
        }
        let step = self.follow(span, levels);
        if step == Step::Gap {
            self.forget();
            self.wait(span, levels);
        }
        step
    }

    /// Takes a whole book, and the changes that waited for it. While it is [`Step::TooOld`] the changes go on waiting.
    pub fn whole(&mut self, update: u64, book: &Book) -> Step {
        let first_waiting = self.waiting.front().and_then(|(span, _)| span.first);
        // What happened between the two is told by neither.
        if first_waiting.is_some_and(|first| first > update.saturating_add(1)) && !self.joins_by_name(update) {
            return Step::TooOld;
        }
        self.ladder.clear();
        self.ladder.apply(book);
        self.last = Some(update);
        self.is_joined = false;
        while let Some((span, levels)) = self.waiting.pop_front() {
            if self.follow(span, &levels) == Step::Gap {
                self.last = None;
                return Step::Gap;
            }
        }
        Step::Applied
    }

    /// What is known cannot be believed: another whole book is needed. Changes go on waiting for it.
    pub fn unuse(&mut self) {
        self.last = None;
        self.is_joined = false;
        self.ladder.clear();
    }

    /// The connection is gone, or something else makes what is known worthless.
    pub fn forget(&mut self) {
        self.unuse();
        self.waiting.clear();
    }

    /// Whether the first waiting change of futures names this very number as the one before it.
    fn joins_by_name(&self, update: u64) -> bool {
        self.product == Product::Perp
            && self
                .waiting
                .front()
                .is_some_and(|(span, _)| span.previous == Some(update))
    }

    fn wait(&mut self, span: Span, levels: &Book) -> Step {
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((span, levels.clone()));
        Step::Waiting
    }

    fn follow(&mut self, span: Span, levels: &Book) -> Step {
        let (Some(last), Some(first)) = (self.last, span.first) else {
            return Step::Gap;
        };
        if self.is_old(span, last) {
            return Step::Old;
        }
        let follows = match (self.product, span.previous) {
            (Product::Perp, Some(previous)) if self.is_joined => previous == last,
            (Product::Perp, Some(previous)) => previous == last || first <= last && last <= span.last,
            (Product::Perp, None) => false,
            (Product::Spot, _) => first <= last.saturating_add(1),
        };
        if !follows || span.last < first {
            return Step::Gap;
        }
        self.ladder.apply(levels);
        self.last = Some(span.last);
        self.is_joined = true;
        Step::Applied
    }

    /// Spot drops what ends at the book's number or before it; futures only what ends before it, until one has joined.
    const fn is_old(&self, span: Span, last: u64) -> bool {
        match self.product {
            Product::Perp if !self.is_joined => span.last < last,
            Product::Perp | Product::Spot => span.last <= last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::market::Level;
    use domain::money::{Price, Quantity};

    fn span(first: u64, last: u64, previous: u64) -> Span {
        Span {
            first: Some(first),
            last,
            previous: Some(previous).filter(|number| *number > 0),
        }
    }

    fn bid(price: i64, quantity: i64) -> Book {
        Book {
            bids: vec![Level {
                price: Price(price.into()),
                quantity: Quantity(quantity.into()),
            }],
            asks: Vec::new(),
        }
    }

    fn best(book: &KeptBook) -> Option<Quantity> {
        book.top(1)?.bids.first().map(|level| level.quantity)
    }

    #[test]
    fn spot_joins_where_the_number_falls_and_follows_one_by_one() {
        let mut book = KeptBook::new(Product::Spot);
        assert_eq!(book.change(span(5, 9, 0), &bid(1, 1)), Step::Waiting);
        assert_eq!(book.change(span(10, 14, 0), &bid(1, 2)), Step::Waiting);
        assert_eq!(book.whole(3, &bid(1, 9)), Step::TooOld);
        assert!(!book.is_usable());
        assert_eq!(book.whole(9, &bid(1, 9)), Step::Applied);
        assert_eq!((best(&book), book.last()), (Some(Quantity(2.into())), Some(14)));
        assert_eq!(book.change(span(12, 14, 0), &bid(1, 7)), Step::Old);
        assert_eq!(book.change(span(15, 15, 0), &bid(1, 3)), Step::Applied);
        assert_eq!(book.change(span(17, 18, 0), &bid(1, 4)), Step::Gap);
        assert_eq!((best(&book), book.last()), (None, None));
        assert_eq!(book.whole(17, &bid(1, 5)), Step::Applied);
        assert_eq!((best(&book), book.last()), (Some(Quantity(4.into())), Some(18)));
    }

    #[test]
    fn futures_follow_by_the_name_of_the_last_one() {
        let mut book = KeptBook::new(Product::Perp);
        book.change(span(100, 140, 90), &bid(1, 1));
        assert_eq!(book.whole(120, &bid(1, 9)), Step::Applied);
        assert_eq!((best(&book), book.last()), (Some(Quantity(1.into())), Some(140)));
        assert_eq!(book.change(span(300, 350, 140), &bid(1, 2)), Step::Applied);
        assert_eq!(book.change(span(351, 360, 349), &bid(1, 3)), Step::Gap);
        assert!(!book.is_usable() && book.quote().is_none());
        assert_eq!(book.whole(355, &bid(1, 8)), Step::Applied);
        assert_eq!(book.change(span(370, 380, 0), &bid(1, 2)), Step::Gap);
    }

    #[test]
    fn a_whole_book_between_two_changes_of_futures_joins_by_name() {
        let mut book = KeptBook::new(Product::Perp);
        book.change(span(200, 240, 150), &bid(1, 1));
        assert_eq!(book.whole(149, &bid(1, 9)), Step::TooOld);
        assert_eq!(book.whole(150, &bid(1, 9)), Step::Applied);
        assert_eq!(best(&book), Some(Quantity(1.into())));
    }

    #[test]
    fn nothing_is_known_after_it_is_forgotten() {
        let mut book = KeptBook::new(Product::Spot);
        assert_eq!(book.whole(9, &bid(1, 9)), Step::Applied);
        book.forget();
        assert_eq!((book.top(5), book.quote()), (None, None));
    }
}

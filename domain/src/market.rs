//! Quotes and books, and the proof that they were fresh when they were used.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::funding::FundingTerms;
use crate::instrument::{InstrumentId, Side};
use crate::money::{Price, Quantity};
use crate::time::{Machine, Now, Timestamp};

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Highest buyer.
    pub bid: Price,
    /// Units that the highest buyer takes.
    pub bid_quantity: Quantity,
    /// Lowest seller.
    pub ask: Price,
    /// Units that the lowest seller gives.
    pub ask_quantity: Quantity,
}

impl Quote {
    /// Halfway between bid and ask.
    pub fn mid(&self) -> Price {
        Price((self.bid.0 + self.ask.0) / Decimal::TWO)
    }

    /// Whether it can be believed: both sides positive and not crossed.
    pub fn is_sane(&self) -> bool {
        self.bid.0 > Decimal::ZERO && self.ask >= self.bid
    }
}

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// Units on offer at it.
    pub quantity: Quantity,
}

/// A book to some depth, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Buyers, highest first.
    pub bids: Vec<Level>,
    /// Sellers, lowest first.
    pub asks: Vec<Level>,
}

/// What walking a book for some quantity would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Units that the book holds, at most those asked for.
    pub quantity: Quantity,
    /// Volume-weighted price of them.
    pub average: Price,
    /// The last level touched.
    pub worst: Price,
}

impl Book {
    /// The touch; `None` when a side is empty, or crossed.
    pub fn quote(&self) -> Option<Quote> {
        let (bid, ask) = (self.bids.first()?, self.asks.first()?);
        let quote = Quote {
            bid: bid.price,
            bid_quantity: bid.quantity,
            ask: ask.price,
            ask_quantity: ask.quantity,
        };
        quote.is_sane().then_some(quote)
    }

    /// As [`Book::believable`], to be asked in place.
    pub fn is_believable(&self) -> bool {
        let sound = |level: &Level| level.price.0 > Decimal::ZERO && level.quantity.0 >= Decimal::ZERO;
        self.bids.iter().chain(&self.asks).all(sound)
    }

    /// Whether its levels can be believed: each has a price, and none offers less than nothing.
    ///
    /// # Errors
    /// What cannot be.
    pub fn believable(self) -> Result<Self, &'static str> {
        if self.is_believable() {
            Ok(self)
        } else {
            Err("a level without a price, or of less than nothing")
        }
    }

    /// Takes `quantity` from the side that an order of `side` meets. `None` when there is nothing to take.
    pub fn walk(&self, side: Side, quantity: Quantity) -> Option<Walk> {
        let (mut left, mut cost, mut worst) = (quantity, Decimal::ZERO, None);
        for level in self.facing(side) {
            let taken = level.quantity.min(left);
            if taken.0 <= Decimal::ZERO {
                break;
            }
            left -= taken;
            cost += taken.0 * level.price.0;
            worst = Some(level.price);
        }
        let taken = quantity - left;
        Some(Walk {
            quantity: taken,
            average: Price(cost.checked_div(taken.0)?),
            worst: worst?,
        })
    }

    /// Units available to an order of `side` at `limit` or better.
    pub fn available(&self, side: Side, limit: Price) -> Quantity {
        self.facing(side)
            .iter()
            .take_while(|level| match side {
                Side::Buy => level.price <= limit,
                Side::Sell => level.price >= limit,
            })
            .map(|level| level.quantity)
            .sum()
    }

    fn facing(&self, side: Side) -> &[Level] {
        match side {
            Side::Buy => &self.asks,
            Side::Sell => &self.bids,
        }
    }
}

/// A value and when it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<T> {
    /// What was heard.
    pub value: T,
    /// The venue's own time of it.
    pub venue_time: Timestamp,
    /// When this process received it.
    pub at: Machine,
    /// How long it was on its way by the venue's clock, in market time. How long nothing has changed since is no part of
    /// it: a venue repeats what stays as it is with the time of the repetition, or says nothing.
    pub delay: Duration,
}

/// How old something may be, by both measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Since it was received, in machine time.
    pub age: Duration,
    /// On its way to us, in market time.
    pub delay: Duration,
}

/// Which bound was broken, with the figure that broke it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooOld {
    /// It was received so long ago.
    Age(Duration),
    /// It had been on its way for so long when it was received.
    Delay(Duration),
}

/// Proof that a value was young enough when it was checked; only [`Heard::fresh`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh<T> {
    value: T,
    age: Duration,
}

impl<T: Clone> Heard<T> {
    /// A value that is received now; `now.market` is the time by the clock of the venue that said it.
    pub fn new(value: T, venue_time: Timestamp, now: Now) -> Self {
        let delay = u64::try_from(now.market.millis_since(venue_time)).unwrap_or(0);
        Self {
            value,
            venue_time,
            at: now.machine,
            delay: Duration::from_millis(delay),
        }
    }

    /// The value, if it was received within the bound before `now`, and was not on its way for longer than that allows:
    /// what flows steadily may still be minutes old.
    ///
    /// # Errors
    /// The figure that is above its bound.
    pub fn fresh(&self, now: Machine, bound: Bound) -> Result<Fresh<T>, TooOld> {
        let age = now.since(self.at);
        if age > bound.age {
            return Err(TooOld::Age(age));
        }
        if self.delay > bound.delay {
            return Err(TooOld::Delay(self.delay));
        }
        Ok(Fresh {
            value: self.value.clone(),
            age,
        })
    }
}

impl<T> Fresh<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// How old it was when it was checked.
    pub const fn age(&self) -> Duration {
        self.age
    }
}

/// Something that a venue said in public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketFact {
    /// The touch of a book moved.
    Quote {
        /// Of which instrument.
        instrument: InstrumentId,
        /// The touch.
        quote: Quote,
        /// The venue's time.
        venue_time: Timestamp,
    },
    /// Funding terms of a perpetual.
    Funding {
        /// Of which perpetual.
        instrument: InstrumentId,
        /// The terms.
        terms: FundingTerms,
        /// The venue's time.
        venue_time: Timestamp,
    },
    /// Mark and index price of a perpetual.
    Mark {
        /// Of which perpetual.
        instrument: InstrumentId,
        /// Mark price: what margin and funding are computed from.
        mark: Price,
        /// Index price, where the venue tells.
        index: Option<Price>,
        /// The venue's time.
        venue_time: Timestamp,
    },
    /// The best levels of a book that is kept from its changes, without a gap.
    Book {
        /// Of which instrument.
        instrument: InstrumentId,
        /// The levels, best first; shared, so that handing it on copies nothing.
        book: Arc<Book>,
        /// The venue's time.
        venue_time: Timestamp,
    },
    /// A book cannot be used any more: something is missing in it, or it is not kept any longer.
    BookLost {
        /// Of which instrument.
        instrument: InstrumentId,
    },
}

impl MarketFact {
    /// Facts of one kind and instrument replace one another.
    const fn kind(&self) -> u8 {
        match self {
            Self::Quote { .. } => 0,
            Self::Funding { .. } => 1,
            Self::Mark { .. } => 2,
            Self::Book { .. } | Self::BookLost { .. } => 3,
        }
    }

    /// What it is about.
    pub const fn instrument(&self) -> &InstrumentId {
        match self {
            Self::Quote { instrument, .. }
            | Self::Funding { instrument, .. }
            | Self::Mark { instrument, .. }
            | Self::Book { instrument, .. }
            | Self::BookLost { instrument } => instrument,
        }
    }
}

/// Leaves of each instrument the newest fact of each kind: what a burst comes to. The order of those that stay is kept.
/// Instruments are told apart by where their symbol is kept: one feed knows each by one name, and comparing letters would
/// cost more than reading the message did.
pub fn newest_only(facts: &mut Vec<MarketFact>) {
    if facts.len() < 2 {
        return;
    }
    // One list for all of them: a set would allocate for every few.
    let key = |(at, fact): (usize, &MarketFact)| (fact.instrument().symbol.place(), fact.kind(), Reverse(at));
    let mut met: Vec<_> = facts.iter().enumerate().map(key).collect();
    met.sort_unstable();
    met.dedup_by_key(|(place, kind, _)| (*place, *kind));
    if met.len() == facts.len() {
        return;
    }
    met.sort_unstable_by_key(|(_, _, Reverse(at))| *at);
    let mut newest = met.into_iter().map(|(_, _, Reverse(at))| at).peekable();
    let mut at = 0;
    facts.retain(|_| {
        let stays = newest.next_if_eq(&at).is_some();
        at += 1;
        stays
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, quantity: i64) -> Level {
        Level {
            price: Price(price.into()),
            quantity: Quantity(quantity.into()),
        }
    }

    fn book() -> Book {
        Book {
            bids: vec![level(99, 1), level(98, 5)],
            asks: vec![level(101, 1), level(103, 3)],
        }
    }

    #[test]
    fn a_walk_pays_each_level_for_what_it_gives() {
        let walk = book().walk(Side::Buy, Quantity(2.into())).unwrap();
        assert_eq!(
            (walk.average, walk.worst, walk.quantity),
            (Price(102.into()), Price(103.into()), Quantity(2.into()))
        );
        let thin = book().walk(Side::Buy, Quantity(9.into())).unwrap();
        assert_eq!(thin.quantity, Quantity(4.into()));
        assert_eq!(Book::default().walk(Side::Buy, Quantity(1.into())), None);
    }

    #[test]
    fn only_levels_inside_the_limit_are_available() {
        assert_eq!(book().available(Side::Sell, Price(99.into())), Quantity(1.into()));
        assert_eq!(book().available(Side::Sell, Price(98.into())), Quantity(6.into()));
        assert_eq!(book().available(Side::Buy, Price(100.into())), Quantity::ZERO);
    }

    #[test]
    fn f009_an_old_value_yields_no_proof() {
        let second = Duration::from_secs;
        let heard = |market: i64| {
            let machine = Machine(second(1));
            let market = Timestamp(market);
            Heard::new(7, Timestamp(5_000), Now { market, machine })
        };
        let bound = Bound {
            age: second(2),
            delay: second(10),
        };
        let asked = |market, at| heard(market).fresh(Machine(second(at)), bound).map(|fresh| fresh.age());
        assert_eq!(asked(15_000, 3), Ok(second(2)));
        assert_eq!(asked(15_000, 4), Err(TooOld::Age(second(3))));
        // It comes just now, and was true five minutes ago.
        assert_eq!(asked(305_000, 1), Err(TooOld::Delay(second(300))));
        // A venue whose clock seems to be ahead of its own measurement is not late.
        assert_eq!(asked(0, 3), Ok(second(2)));
    }

    #[test]
    fn of_a_burst_the_newest_of_each_kind_stays() {
        let id = |symbol: &str| InstrumentId {
            venue: crate::instrument::VenueId::Bybit,
            product: crate::instrument::Product::Perp,
            symbol: crate::instrument::Name::new(symbol),
        };
        let (a, b) = (id("A"), id("B"));
        let mark = |of: &InstrumentId, at: i64| MarketFact::Mark {
            instrument: of.clone(),
            mark: Price(at.into()),
            index: None,
            venue_time: Timestamp(at),
        };
        let lost = MarketFact::BookLost { instrument: a.clone() };
        let book = MarketFact::Book {
            instrument: a.clone(),
            book: Arc::default(),
            venue_time: Timestamp(0),
        };
        let mut facts = vec![mark(&a, 1), book.clone(), mark(&b, 1), lost.clone()];
        facts.extend((2..=1000).map(|at| mark(&a, at)));
        newest_only(&mut facts);
        assert_eq!(facts, [mark(&b, 1), lost.clone(), mark(&a, 1000)]);
        let mut again = vec![lost, book.clone()];
        newest_only(&mut again);
        assert_eq!(again, [book]);
    }

    #[test]
    fn f007_a_crossed_touch_is_no_quote() {
        let crossed = Book {
            bids: vec![level(102, 1)],
            asks: vec![level(101, 1)],
        };
        assert_eq!(crossed.quote(), None);
    }
}

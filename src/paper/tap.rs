//! What the real venues say in public, told to the twin's market on its way to the engine.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use domain::bounds::Activity;
use domain::forecast::Settlement;
use domain::funding::FundingTerms;
use domain::instrument::{Instrument, InstrumentId};
use domain::interest::Interest;
use domain::market::{Book, Level as Told, MarketFact, Quote};
use domain::money::{Price, Quantity};
use domain::ports::{Answer, FactStream, MarketData, MarketFeed, VenueError};
use domain::time::Timestamp;
use rust_decimal::Decimal;
use simulator::market::{Depth, Funding, Key, Level, Ms, Teller};

use super::rules;

/// Tells the twin's market.
pub struct Tell {
    teller: Teller,
    keys: BTreeMap<InstrumentId, Key>,
    now: Rc<dyn Fn() -> Ms>,
}

impl Tell {
    pub fn new(teller: Teller, instruments: &[Instrument], now: Rc<dyn Fn() -> Ms>) -> Self {
        let keys = instruments.iter().map(|one| (one.id.clone(), rules::key(&one.id)));
        Self {
            teller,
            keys: keys.collect(),
            now,
        }
    }

    fn fact(&self, fact: &MarketFact) {
        let Some(key) = self.keys.get(fact.instrument()) else {
            return;
        };
        match fact {
            MarketFact::Quote { quote, .. } => self.quote(key, quote),
            MarketFact::Funding { terms, .. } => self.teller.funding(key, funding(terms)),
            MarketFact::Mark { mark, index, .. } => self.teller.mark(key, mark.0, index.map(|index| index.0)),
            MarketFact::Book { book, .. } => self.book(key, book),
            MarketFact::BookLost { .. } => {}
        }
    }

    fn quote(&self, key: &Key, quote: &Quote) {
        let level = |price: Price, quantity: Quantity| Level {
            price: price.0,
            quantity: quantity.0,
        };
        let (bid, ask) = (
            level(quote.bid, quote.bid_quantity),
            level(quote.ask, quote.ask_quantity),
        );
        self.teller.touch(key, bid, ask, (self.now)());
    }

    fn book(&self, key: &Key, book: &Book) {
        let depth = Depth {
            bids: levels(&book.bids),
            asks: levels(&book.asks),
        };
        self.teller.book(key, depth, (self.now)());
    }
}

fn levels(side: &[Told]) -> Vec<Level> {
    let level = |level: &Told| Level {
        price: level.price.0,
        quantity: level.quantity.0,
    };
    side.iter().map(level).collect()
}

/// A venue that publishes no bounds has none that the twin could hold it to.
fn funding(terms: &FundingTerms) -> Funding {
    Funding {
        predicted: terms.predicted.0,
        next_ms: terms.next_settlement.millis(),
        interval_hours: terms.interval_hours.get().into(),
        cap: terms.cap.map_or(Decimal::ONE, |cap| cap.0),
        floor: terms.floor.map_or(-Decimal::ONE, |floor| floor.0),
    }
}

/// A public feed that tells the twin too.
pub struct TappedFeed {
    real: Rc<dyn MarketFeed>,
    tell: Rc<Tell>,
}

impl TappedFeed {
    pub fn new(real: Rc<dyn MarketFeed>, tell: Rc<Tell>) -> Self {
        Self { real, tell }
    }
}

impl MarketFeed for TappedFeed {
    fn open<'a>(
        &'a self,
        instruments: &'a [InstrumentId],
        interest: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(async move {
            let real = self.real.open(instruments, interest).await?;
            let tell = Rc::clone(&self.tell);
            Ok(Box::new(Tapped { real, tell }) as Box<dyn FactStream<MarketFact>>)
        })
    }

    fn clock_ahead_ms(&self) -> i64 {
        self.real.clock_ahead_ms()
    }

    fn left_out(&self) -> u64 {
        self.real.left_out()
    }
}

struct Tapped {
    real: Box<dyn FactStream<MarketFact>>,
    tell: Rc<Tell>,
}

impl FactStream<MarketFact> for Tapped {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        let known = into.len();
        let polled = ready!(self.real.poll_facts(cx, into));
        into.iter().skip(known).for_each(|fact| self.tell.fact(fact));
        Poll::Ready(polled)
    }
}

/// Market data on request that tells the twin too: an order meets the book that was read for it.
pub struct TappedData {
    real: Rc<dyn MarketData>,
    tell: Rc<Tell>,
}

impl TappedData {
    pub fn new(real: Rc<dyn MarketData>, tell: Rc<Tell>) -> Self {
        Self { real, tell }
    }
}

impl MarketData for TappedData {
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>> {
        self.real.instruments()
    }

    fn book<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>> {
        Box::pin(async move {
            let book = self.real.book(instrument).await?;
            if let Some(key) = self.tell.keys.get(instrument) {
                self.tell.book(key, &book);
            }
            Ok(book)
        })
    }

    fn funding_history<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        since: Timestamp,
    ) -> Answer<'a, Result<Vec<Settlement>, VenueError>> {
        self.real.funding_history(instrument, since)
    }

    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>> {
        self.real.activity()
    }

    fn open_interest<'a>(&'a self, perpetual: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>> {
        self.real.open_interest(perpetual)
    }
}

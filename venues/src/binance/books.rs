//! Books of interest: changes pushed every 100 ms, joined to a whole book that is asked for.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::market::{Book, MarketFact};
use domain::money::Price;
use domain::ports::VenueError;
use domain::time::Timestamp;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::Core;
use super::book::{KeptBook, Step};
use super::depth::{self, Change, Snapshot};
use super::feed::{ACKNOWLEDGED_WITHIN, STREAMS_PER_REQUEST, acknowledgement, control, route, stream_of};
use super::host::Params;
use super::parse::read;
use super::wire;
use crate::shared::books::{Keeper, LEVELS};
use crate::shared::scan::combined;
use crate::shared::stream::{Line, Patience};

/// Levels of a whole book; what lies beyond them is unknown until it changes.
const DEPTH: i64 = 500;
/// Between two whole books of one instrument.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// After a change that cannot be read: where every one is like that, whole books would spend the budget.
const ASK_AFTER_MISS: Duration = Duration::from_secs(5);

type Asked = LocalBoxFuture<'static, Result<Snapshot, VenueError>>;

/// One book with what is asked for it.
struct Kept {
    id: InstrumentId,
    book: KeptBook,
    /// The subscription was taken: a whole book may be asked for.
    is_live: bool,
    ask_at: Instant,
    /// The worst prices of the last whole book, where it was cut off there.
    edge: (Option<Price>, Option<Price>),
    at: Timestamp,
}

/// The books of one connection.
pub(super) struct Shelf {
    core: Rc<Core>,
    product: Product,
    serial: u64,
    kept: BTreeMap<String, Kept>,
    /// Requests that are not acknowledged, with their symbols.
    pending: BTreeMap<u64, Vec<String>>,
    /// One whole book at a time, so that a reconnection does not spend the budget at once.
    asking: Option<(String, Asked)>,
}

impl Shelf {
    pub(super) const fn new(core: Rc<Core>, product: Product) -> Self {
        Self {
            core,
            product,
            serial: 0,
            kept: BTreeMap::new(),
            pending: BTreeMap::new(),
            asking: None,
        }
    }

    fn say(&mut self, line: &mut Line, method: &str, books: &[InstrumentId]) -> Vec<u64> {
        let mut numbers = Vec::new();
        for some in books.chunks(STREAMS_PER_REQUEST) {
            self.serial += 1;
            let streams: Vec<String> = some.iter().map(|id| stream(&id.symbol)).collect();
            line.queue(control(method, &streams, self.serial));
            line.await_topics([acknowledgement(self.serial)], ACKNOWLEDGED_WITHIN);
            let symbols = some.iter().map(|id| id.symbol.to_string()).collect();
            self.pending.insert(self.serial, symbols);
            numbers.push(self.serial);
        }
        numbers
    }

    fn acknowledged(&mut self, line: &mut Line, number: u64) {
        line.topic_spoke(&acknowledgement(number));
        for symbol in self.pending.remove(&number).unwrap_or_default() {
            if let Some(kept) = self.kept.get_mut(&symbol) {
                kept.is_live = true;
            }
        }
    }

    fn change(&mut self, change: &Change<'_>, into: &mut Vec<MarketFact>) {
        let Some(kept) = self.kept.get_mut(&*change.symbol) else {
            return; // not of interest any more
        };
        match kept.book.change(change.span, &change.levels) {
            Step::Applied => {
                kept.at = change.venue_time;
                kept.tell(into);
            }
            Step::Gap => kept.lose(into),
            Step::Old | Step::Waiting | Step::TooOld => {}
        }
    }

    /// The next book that needs a whole one.
    fn next_to_ask(&self) -> Option<String> {
        let now = Instant::now();
        let lacks = |kept: &&Kept| kept.is_live && !kept.book.is_usable() && now >= kept.ask_at;
        self.kept.values().find(lacks).map(|kept| kept.id.symbol.to_string())
    }

    fn ask(&self, symbol: &str) -> Asked {
        let (core, product, symbol) = (self.core.clone(), self.product, symbol.to_owned());
        Box::pin(async move {
            let (path, weight) = match product {
                Product::Spot => ("/api/v3/depth", 25),
                Product::Perp => ("/fapi/v1/depth", 10),
            };
            let params = Params::new().with("symbol", &symbol).number("limit", DEPTH);
            depth::snapshot(&core.host(product).public(path, params, weight).await?)
        })
    }

    fn answered(&mut self, symbol: &str, answer: Result<Snapshot, VenueError>, into: &mut Vec<MarketFact>) {
        let received = self.core.host(self.product).venue_time();
        let Some(kept) = self.kept.get_mut(symbol) else {
            return;
        };
        let wait = match answer {
            Ok(snapshot) => {
                kept.edge = edge(&snapshot.book);
                kept.at = snapshot.venue_time.unwrap_or(received);
                if kept.book.whole(snapshot.update, &snapshot.book) == Step::Applied {
                    kept.tell(into);
                }
                ASK_AGAIN
            }
            Err(VenueError::Throttled { wait_seconds, .. }) => Duration::from_secs(wait_seconds),
            Err(error) => {
                slog::debug!(self.core.log, "a whole book was not told"; "symbol" => symbol, "error" => %error);
                ASK_AGAIN * 5
            }
        };
        kept.ask_at = Instant::now() + wait;
    }
}

impl Kept {
    fn new(id: InstrumentId) -> Self {
        Self {
            book: KeptBook::new(id.product),
            id,
            is_live: false,
            ask_at: Instant::now(),
            edge: (None, None),
            at: Timestamp(0),
        }
    }

    /// Tells the best levels as far as they are known. A book that crosses itself, or has moved to the edge of what is
    /// known, is begun anew.
    fn tell(&mut self, into: &mut Vec<MarketFact>) {
        let Some(mut book) = self.book.top(LEVELS) else {
            return;
        };
        let (bids, asks) = (book.bids.len(), book.asks.len());
        book.bids
            .retain(|level| self.edge.0.is_none_or(|edge| level.price >= edge));
        book.asks
            .retain(|level| self.edge.1.is_none_or(|edge| level.price <= edge));
        let is_cut = book.bids.len() < bids || book.asks.len() < asks;
        if is_cut || book.quote().is_none() {
            self.lose(into);
            return;
        }
        into.push(MarketFact::Book {
            instrument: self.id.clone(),
            book: Arc::new(book),
            venue_time: self.at,
        });
    }

    fn lose(&mut self, into: &mut Vec<MarketFact>) {
        self.book.unuse();
        into.push(MarketFact::BookLost {
            instrument: self.id.clone(),
        });
    }
}

/// The worst prices of a book that goes on beyond them.
fn edge(book: &Book) -> (Option<Price>, Option<Price>) {
    let is_cut = |levels: usize| i64::try_from(levels).is_ok_and(|levels| levels >= DEPTH);
    let worst = |side: &[domain::market::Level]| side.last().filter(|_| is_cut(side.len())).map(|level| level.price);
    (worst(&book.bids), worst(&book.asks))
}

fn stream(symbol: &Name) -> String {
    format!("{}@depth@100ms", symbol.as_str().to_lowercase())
}

impl Keeper for Shelf {
    fn connect(&self) -> LocalBoxFuture<'static, Result<Line, VenueError>> {
        let core = self.core.clone();
        let name = match self.product {
            Product::Spot => "spot books",
            Product::Perp => "futures books",
        };
        let base = route(&core, self.product, "public");
        Box::pin(
            async move { Line::connect(&core.transport, VenueId::Binance, name, &base, Patience::default()).await },
        )
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.pending.clear();
        self.asking = None;
    }

    fn begin(&mut self, line: &mut Line, books: &[InstrumentId]) {
        for id in books {
            self.kept.insert(id.symbol.to_string(), Kept::new(id.clone()));
        }
        self.say(line, "SUBSCRIBE", books);
    }

    fn end(&mut self, line: &mut Line, books: &[InstrumentId]) {
        for id in books {
            self.kept.remove(id.symbol.as_str());
        }
        // What its acknowledgement concerns is not kept any more, or was begun again by a later request.
        for number in self.say(line, "UNSUBSCRIBE", books) {
            self.pending.remove(&number);
        }
    }

    fn hear(&mut self, line: &mut Line, text: &str, into: &mut Vec<MarketFact>) -> Result<bool, VenueError> {
        if let Some((_, data)) = combined(text)
            && let Some(change) = depth::scanned_change(data)
        {
            self.change(&change, into);
            return Ok(true);
        }
        let envelope: wire::Envelope<'_> = read("book message", text)?;
        if let Some(error) = envelope.error {
            return Err(VenueError::Refused {
                venue: VenueId::Binance,
                code: error.code,
                reason: error.msg,
            });
        }
        if envelope.e.as_deref() == Some("serverShutdown") {
            return Err(line.over("the venue shuts this connection down"));
        }
        match (envelope.data, envelope.id) {
            (Some(data), _) => {
                self.change(&depth::full_change(data.get())?, into);
                return Ok(true);
            }
            (None, Some(number)) => self.acknowledged(line, number),
            (None, None) => {}
        }
        Ok(false)
    }

    fn miss(&mut self, _: &mut Line, text: &str, into: &mut Vec<MarketFact>) {
        let name = stream_of(text);
        let is_told = self
            .kept
            .values()
            .any(|kept| Some(&stream(&kept.id.symbol)) == name.as_ref());
        for (symbol, kept) in &mut self.kept {
            if is_told && Some(&stream(&kept.id.symbol)) != name.as_ref() {
                continue;
            }
            if kept.book.is_usable() {
                kept.lose(into);
            }
            // What waited before it does not join what comes after it; nor does an answer that may be older.
            kept.book.forget();
            kept.ask_at = Instant::now() + ASK_AFTER_MISS;
            self.asking.take_if(|(asked, _)| asked == symbol);
        }
    }

    fn work(&mut self, _: &mut Line, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Result<(), VenueError> {
        loop {
            let (symbol, mut asked) = match self.asking.take() {
                Some(asking) => asking,
                None => match self.next_to_ask() {
                    Some(symbol) => (symbol.clone(), self.ask(&symbol)),
                    None => return Ok(()),
                },
            };
            match asked.as_mut().poll(cx) {
                Poll::Ready(answer) => self.answered(&symbol, answer, into),
                Poll::Pending => {
                    self.asking = Some((symbol, asked));
                    return Ok(());
                }
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let lacks = |kept: &&Kept| kept.is_live && !kept.book.is_usable();
        let idle = self.asking.is_none();
        self.kept
            .values()
            .filter(|_| idle)
            .filter(lacks)
            .map(|kept| kept.ask_at)
            .min()
    }
}

//! Books of interest: a whole book first, then its changes, 50 levels deep.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use domain::instrument::{InstrumentId, Product};
use domain::market::{Book, MarketFact};
use domain::ports::VenueError;
use domain::time::Timestamp;
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use tokio::time::Instant;

use super::book::{KeptBook, Step};
use super::control::refused;
use super::depth::{self, Head};
use super::feed::{read, topic_in, topics_per_request};
use super::stream::Sockets;
use super::wire::Frame;
use crate::shared::books::{Keeper, LEVELS};
use crate::shared::stream::Line;

/// Within this the venue has acknowledged a request, and a topic has sent its whole book.
const FIRST_WORD: Duration = Duration::from_secs(20);

struct Kept {
    id: InstrumentId,
    book: KeptBook,
    /// A whole book is on its way: what comes before it is no news.
    is_awaited: bool,
    /// Where something could not be read: it is asked for again, but not before this instant.
    missed: Option<Instant>,
}

/// The books of one connection.
pub(super) struct Shelf {
    sockets: Sockets,
    product: Product,
    serial: u64,
    kept: BTreeMap<String, Kept>,
    levels: Book,
}

impl Shelf {
    pub(super) fn new(sockets: Sockets, product: Product) -> Self {
        Self {
            sockets,
            product,
            serial: 0,
            kept: BTreeMap::new(),
            levels: Book::default(),
        }
    }

    fn say(&mut self, line: &mut Line, op: &str, symbols: &[String]) {
        for some in symbols.chunks(topics_per_request(self.product)) {
            self.serial += 1;
            let (id, topics): (_, Vec<String>) = (format!("b{}", self.serial), some.iter().map(|s| topic(s)).collect());
            line.queue(json!({"req_id": id, "op": op, "args": topics}).to_string());
            line.await_topics([id], FIRST_WORD);
            if op == "subscribe" {
                line.await_topics(topics, FIRST_WORD);
            }
        }
    }

    fn pushed(&mut self, line: &mut Line, name: &str, head: &Head<'_>, into: &mut Vec<MarketFact>) {
        let Some(kept) = self.kept.get_mut(&*head.symbol) else {
            return; // not of interest any more
        };
        if head.is_whole() {
            line.topic_spoke(name);
            kept.is_awaited = false;
        }
        let is_news = match kept.book.take(head, &self.levels) {
            Step::Repeated => return,
            Step::Applied => true,
            Step::Gap => false,
        };
        let told = kept.book.top(LEVELS).filter(|book| is_news && book.quote().is_some());
        if let Some(book) = told {
            into.push(MarketFact::Book {
                instrument: kept.id.clone(),
                book: Arc::new(book),
                venue_time: Timestamp(head.ts),
            });
            return;
        }
        into.push(MarketFact::BookLost {
            instrument: kept.id.clone(),
        });
        // A whole book comes with a new subscription only.
        let now = Instant::now();
        let is_overdue = kept.missed.is_some_and(|not_before| now >= not_before);
        if !kept.is_awaited || is_overdue {
            kept.is_awaited = true;
            kept.missed = kept.missed.map(|_| now + FIRST_WORD);
            kept.book.forget();
            self.ask_anew(line, &head.symbol);
        }
    }

    fn ask_anew(&mut self, line: &mut Line, symbol: &str) {
        let symbol = [symbol.to_owned()];
        self.say(line, "unsubscribe", &symbol);
        self.say(line, "subscribe", &symbol);
    }

    /// Something of a book could not be read. Where every message is like that it is asked for now and then only.
    fn lose(&mut self, line: &mut Line, symbol: &str, into: &mut Vec<MarketFact>) {
        // It is served, whatever it says.
        line.topic_spoke(&topic(symbol));
        let Some(kept) = self.kept.get_mut(symbol) else {
            return;
        };
        if kept.book.is_usable() {
            into.push(MarketFact::BookLost {
                instrument: kept.id.clone(),
            });
        }
        kept.book.forget();
        kept.is_awaited = true;
        let now = Instant::now();
        if kept.missed.is_none_or(|not_before| now >= not_before) {
            kept.missed = Some(now + FIRST_WORD);
            self.ask_anew(line, symbol);
        }
    }

    fn answered(line: &mut Line, frame: &Frame) -> Result<(), VenueError> {
        let asked = matches!(frame.op.as_deref(), Some("subscribe" | "unsubscribe"));
        if !asked {
            return Ok(()); // a pong, in one of its shapes
        }
        if frame.success != Some(true) {
            return Err(refused(frame, "a subscription to books"));
        }
        line.topic_spoke(frame.req_id.as_deref().unwrap_or_default());
        Ok(())
    }
}

fn topic(symbol: &str) -> String {
    format!("orderbook.50.{symbol}")
}

fn symbols(books: &[InstrumentId]) -> Vec<String> {
    books.iter().map(|id| id.symbol.to_string()).collect()
}

impl Keeper for Shelf {
    fn connect(&self) -> LocalBoxFuture<'static, Result<Line, VenueError>> {
        let (sockets, product) = (self.sockets.clone(), self.product);
        Box::pin(async move { sockets.public(product).await })
    }

    fn forget(&mut self) {
        self.kept.clear();
    }

    fn begin(&mut self, line: &mut Line, books: &[InstrumentId]) {
        for id in books {
            let kept = Kept {
                id: id.clone(),
                book: KeptBook::default(),
                is_awaited: true,
                missed: None,
            };
            self.kept.insert(id.symbol.to_string(), kept);
        }
        self.say(line, "subscribe", &symbols(books));
    }

    fn end(&mut self, line: &mut Line, books: &[InstrumentId]) {
        let gone = symbols(books);
        for symbol in &gone {
            self.kept.remove(symbol);
            line.topic_spoke(&topic(symbol));
        }
        self.say(line, "unsubscribe", &gone);
    }

    fn hear(&mut self, line: &mut Line, text: &str, into: &mut Vec<MarketFact>) -> Result<bool, VenueError> {
        if let Some((name, head)) = depth::scanned(text, &mut self.levels) {
            self.pushed(line, name, &head, into);
            return Ok(true);
        }
        let frame: Frame = read(text)?;
        match &frame.topic {
            Some(name) => {
                let head = depth::full(text, &mut self.levels)?;
                self.pushed(line, name, &head, into);
                Ok(true)
            }
            None => Self::answered(line, &frame).map(|()| false),
        }
    }

    fn miss(&mut self, line: &mut Line, text: &str, into: &mut Vec<MarketFact>) {
        let told = topic_in(text);
        let symbols: Vec<String> = self.kept.keys().cloned().collect();
        let is_it = |symbol: &&String| told.as_ref() == Some(&topic(symbol));
        match symbols.iter().find(is_it) {
            Some(symbol) => self.lose(line, symbol, into),
            None => symbols.iter().for_each(|symbol| self.lose(line, symbol, into)),
        }
    }

    fn work(&mut self, _: &mut Line, _: &mut Context<'_>, _: &mut Vec<MarketFact>) -> Result<(), VenueError> {
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        None
    }
}

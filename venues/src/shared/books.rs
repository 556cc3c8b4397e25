//! The books of interest of one venue and product, kept from their changes on a connection of their own.
//!
//! - BO-1  There is no connection before a book is of interest. When it ends, its books are lost at once and a new one is
//!   opened, each later than the one before: touches and marks go on meanwhile.
//! - BO-2  The set changes while the connection stays; what is not of interest any more is lost at once.
//! - BO-3  A book is told only while nothing is missing in it: a change that cannot be read is missing.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::{FactStream, VenueError};
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, Sleep, sleep};

use super::stream::Line;
use super::unreadable::{LeftOut, Unreadable};

/// Levels of each side that are told.
pub const LEVELS: usize = 20;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How a venue serves books.
pub trait Keeper {
    /// Opens a connection that no book is asked for yet.
    fn connect(&self) -> LocalBoxFuture<'static, Result<Line, VenueError>>;
    /// The connection is new: nothing that was known holds.
    fn forget(&mut self);
    /// Asks for these books.
    fn begin(&mut self, line: &mut Line, books: &[InstrumentId]);
    /// Asks for these books no more.
    fn end(&mut self, line: &mut Line, books: &[InstrumentId]);
    /// Takes a message, and says whether it was about a book.
    ///
    /// # Errors
    /// [`VenueError::Malformed`] when it cannot be read; another one when the connection is over.
    fn hear(&mut self, line: &mut Line, text: &str, into: &mut Vec<MarketFact>) -> Result<bool, VenueError>;
    /// A message could not be read: the book that it was about is lost until a whole one has come, and every book where
    /// it does not tell which.
    fn miss(&mut self, line: &mut Line, text: &str, into: &mut Vec<MarketFact>);
    /// Does what is to be done beside listening.
    ///
    /// # Errors
    /// When the connection is over.
    fn work(&mut self, line: &mut Line, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Result<(), VenueError>;
    /// When there is something to do that no message will tell of.
    fn due(&self) -> Option<Instant>;
}

enum State {
    /// Nothing is open; not before this instant.
    Closed(Instant),
    Opening(LocalBoxFuture<'static, Result<Line, VenueError>>),
    Open(Box<Line>),
}

/// The books of interest as a stream of facts that never ends.
pub struct Books<K> {
    keeper: K,
    venue: VenueId,
    product: Product,
    interest: Interest,
    /// The instruments that may be asked for here.
    served: BTreeSet<InstrumentId>,
    turn: Option<u64>,
    kept: BTreeSet<InstrumentId>,
    state: State,
    wait: Duration,
    alarm: Pin<Box<Sleep>>,
    unreadable: Unreadable,
    log: slog::Logger,
}

impl<K: Keeper> Books<K> {
    /// Keeps what is of interest among `served`.
    pub fn new(
        keeper: K,
        (venue, product): (VenueId, Product),
        served: &[InstrumentId],
        interest: &Interest,
        (left_out, log): (&LeftOut, &slog::Logger),
    ) -> Self {
        let name = venue.feed_name(Some(product));
        Self {
            keeper,
            venue,
            product,
            interest: interest.clone(),
            served: served.iter().cloned().collect(),
            turn: None,
            kept: BTreeSet::new(),
            state: State::Closed(Instant::now()),
            wait: FIRST_WAIT,
            alarm: Box::pin(sleep(Duration::ZERO)),
            unreadable: Unreadable::new(format!("{name} books"), left_out, log),
            log: log.new(slog::o!("books" => name)),
        }
    }

    fn wanted(&self) -> BTreeSet<InstrumentId> {
        let of_feed = self.interest.of(self.venue, self.product).into_iter();
        of_feed.filter(|id| self.served.contains(id)).collect()
    }

    /// Asks for what has become of interest, and no more for what is not.
    fn look(&mut self, into: &mut Vec<MarketFact>) {
        let turn = self.interest.turn();
        if !matches!(self.state, State::Open(_)) || self.turn == Some(turn) {
            return;
        }
        let wanted = self.wanted();
        let State::Open(line) = &mut self.state else {
            return;
        };
        let gone: Vec<_> = self.kept.difference(&wanted).cloned().collect();
        let new: Vec<_> = wanted.difference(&self.kept).cloned().collect();
        if !gone.is_empty() {
            self.keeper.end(line, &gone);
            into.extend(gone.into_iter().map(|instrument| MarketFact::BookLost { instrument }));
        }
        if !new.is_empty() {
            self.keeper.begin(line, &new);
        }
        (self.kept, self.turn) = (wanted, Some(turn));
    }

    fn lost(&mut self, error: &VenueError, into: &mut Vec<MarketFact>) {
        slog::warn!(self.log, "books are lost"; "error" => %error, "books" => self.kept.len());
        let kept = std::mem::take(&mut self.kept).into_iter();
        into.extend(kept.map(|instrument| MarketFact::BookLost { instrument }));
        self.turn = None;
        self.state = State::Closed(Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }

    /// Goes as far as it can without waiting. Ready when something was heard.
    fn go_on(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Result<Poll<()>, VenueError> {
        if let State::Closed(not_before) = &self.state {
            if Instant::now() < *not_before || self.wanted().is_empty() {
                return Ok(Poll::Pending);
            }
            self.state = State::Opening(self.keeper.connect());
        }
        if let State::Opening(opening) = &mut self.state {
            let Poll::Ready(opened) = opening.as_mut().poll(cx) else {
                return Ok(Poll::Pending);
            };
            self.state = State::Open(Box::new(opened?));
            self.keeper.forget();
            self.unreadable.read_one();
        }
        self.look(into);
        let State::Open(line) = &mut self.state else {
            return Ok(Poll::Pending);
        };
        self.keeper.work(line, cx, into)?;
        let Poll::Ready(text) = line.poll_next(cx) else {
            return Ok(Poll::Pending);
        };
        let text = text?;
        match self.keeper.hear(line, text.as_str(), into) {
            Ok(true) => {
                self.unreadable.read_one();
                self.wait = FIRST_WAIT;
            }
            Ok(false) => {}
            Err(error) => {
                self.unreadable.leave_out(error)?;
                self.keeper.miss(line, text.as_str(), into);
            }
        }
        Ok(Poll::Ready(()))
    }

    /// When to go on although nothing was heard and nothing has changed.
    fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Closed(not_before) => (!self.wanted().is_empty()).then_some(*not_before),
            State::Opening(_) => None,
            State::Open(_) => self.keeper.due(),
        }
    }
}

impl<K: Keeper> FactStream<MarketFact> for Books<K> {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        let before = into.len();
        loop {
            let heard = match self.go_on(cx, into) {
                Ok(heard) => heard,
                Err(error) => {
                    self.lost(&error, into);
                    Poll::Pending
                }
            };
            if heard.is_ready() || into.len() > before {
                return Poll::Ready(Ok(()));
            }
            self.interest.wake(cx.waker());
            let Some(due) = self.due() else {
                return Poll::Pending;
            };
            self.alarm.as_mut().reset(due);
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

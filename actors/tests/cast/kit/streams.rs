//! The scripted venue's streams: each life of a feed goes as it was told.

use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::{AccountStream, Answer, FactStream, MarketFeed, VenueError};
use domain::position::AccountFact;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::venue::{FakeVenue, FeedLife};

impl FakeVenue {
    pub fn feed(self: &Rc<Self>, product: Product) -> Rc<dyn MarketFeed> {
        Rc::new(PublicFeed {
            venue: Rc::clone(self),
            product,
        })
    }
}

struct PublicFeed {
    venue: Rc<FakeVenue>,
    product: Product,
}

struct PublicStream {
    venue: Rc<FakeVenue>,
    product: Product,
    life: FeedLife,
    /// Until it speaks again; none before its first word.
    rest: Option<Pin<Box<Sleep>>>,
    /// Messages of a burst that are still to come.
    left: usize,
}

impl MarketFeed for PublicFeed {
    fn open<'a>(
        &'a self,
        _: &'a [InstrumentId],
        _: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(async move {
            let (venue, product) = (Rc::clone(&self.venue), self.product);
            let now = venue.clock.read().machine;
            venue.feed_opened.borrow_mut().entry(product).or_default().push(now);
            let life = venue
                .feed_lives
                .borrow_mut()
                .get_mut(&product)
                .and_then(VecDeque::pop_front)
                .unwrap_or(FeedLife::Healthy);
            if life == FeedLife::Refused {
                return Err(venue.unreachable());
            }
            let stream = PublicStream {
                venue,
                product,
                life,
                rest: None,
                left: 999,
            };
            Ok(Box::new(stream) as Box<dyn FactStream<MarketFact>>)
        })
    }

    fn clock_ahead_ms(&self) -> i64 {
        0
    }
}

impl FactStream<MarketFact> for PublicStream {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        if self.life == FeedLife::Mute {
            return Poll::Pending;
        }
        if let Some(rest) = &mut self.rest {
            match self.life {
                FeedLife::Panics => panic!("the feed is broken"),
                FeedLife::Ends => return Poll::Ready(Err(self.venue.unreachable())),
                FeedLife::Silent => return Poll::Pending,
                FeedLife::Bursts if self.left > 0 => self.left -= 1,
                _ => {
                    ready!(rest.as_mut().poll(cx));
                    self.left = 999;
                }
            }
        }
        self.rest = Some(Box::pin(tokio::time::sleep(Duration::from_secs(1))));
        into.extend(self.venue.facts(self.product));
        Poll::Ready(Ok(()))
    }
}

struct PrivateStream {
    facts: mpsc::UnboundedReceiver<AccountFact>,
    life: FeedLife,
}

impl AccountStream for FakeVenue {
    fn open(&self) -> Answer<'_, Result<Box<dyn FactStream<AccountFact>>, VenueError>> {
        Box::pin(async move {
            self.stream_opened.set(self.stream_opened.get() + 1);
            let life = self.stream_lives.borrow_mut().pop_front().unwrap_or(FeedLife::Healthy);
            if life == FeedLife::Refused {
                return Err(self.unreachable());
            }
            let (tell, facts) = mpsc::unbounded_channel();
            *self.stream.borrow_mut() = Some(tell);
            Ok(Box::new(PrivateStream { facts, life }) as Box<dyn FactStream<AccountFact>>)
        })
    }
}

impl FactStream<AccountFact> for PrivateStream {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<AccountFact>) -> Poll<Result<(), VenueError>> {
        match self.life {
            FeedLife::Panics => panic!("the private feed is broken"),
            FeedLife::Ends => Poll::Ready(Err(VenueError::Malformed {
                venue: VenueId::Binance,
                reason: "the end".to_owned(),
            })),
            _ => match ready!(self.facts.poll_recv(cx)) {
                Some(fact) => {
                    into.push(fact);
                    Poll::Ready(Ok(()))
                }
                None => Poll::Pending,
            },
        }
    }
}

//! The scripted venue's streams: each life of a feed goes as it was told.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::market::MarketFact;
use domain::ports::{AccountStream, Answer, FactStream, MarketFeed, VenueError};
use domain::position::AccountFact;
use tokio::sync::mpsc;

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
    said: usize,
}

impl MarketFeed for PublicFeed {
    fn open<'a>(&'a self, _: &'a [InstrumentId]) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
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
                said: 0,
            };
            Ok(Box::new(stream) as Box<dyn FactStream<MarketFact>>)
        })
    }
}

impl FactStream<MarketFact> for PublicStream {
    fn next(&mut self) -> Answer<'_, Result<Vec<MarketFact>, VenueError>> {
        Box::pin(async move {
            if self.life == FeedLife::Mute {
                std::future::pending::<()>().await;
            }
            if self.said > 0 {
                match self.life {
                    FeedLife::Panics => panic!("the feed is broken"),
                    FeedLife::Ends => return Err(self.venue.unreachable()),
                    FeedLife::Silent => std::future::pending().await,
                    _ => tokio::time::sleep(Duration::from_secs(1)).await,
                }
            }
            self.said += 1;
            Ok(self.venue.facts(self.product))
        })
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
    fn next(&mut self) -> Answer<'_, Result<Vec<AccountFact>, VenueError>> {
        Box::pin(async move {
            match self.life {
                FeedLife::Panics => panic!("the private feed is broken"),
                FeedLife::Ends => Err(VenueError::Malformed {
                    venue: VenueId::Binance,
                    reason: "the end".to_owned(),
                }),
                _ => match self.facts.recv().await {
                    Some(fact) => Ok(vec![fact]),
                    None => std::future::pending().await,
                },
            }
        })
    }
}

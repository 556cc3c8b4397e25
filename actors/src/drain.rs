//! An adapter's stream as an actor takes it: all that has arrived, at once.
//!
//! - DR-1  Nothing is lost: what was read before an end is handed over before the end is.
//! - DR-2  Facts keep their order. Whether older ones may be left out is the actor's matter, not this file's.
//! - DR-3  A burst does not keep the machine's only processor from the threads beside this one: whoever asks `/health` would
//!   wait for the end of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use domain::ports::{FactStream, VenueError};

/// Messages that are read at a time, so that a stream which never pauses cannot keep its actor from its mailbox.
const MOST: usize = 1024;

/// Messages of a burst after which other threads get their turn: about a tenth of a millisecond.
const BURST: usize = 64;

/// A stream that ends after its first error.
pub(crate) struct Drained<T> {
    facts: Option<Box<dyn FactStream<T>>>,
    /// An end that was met behind facts that had to be handed over first.
    end: Option<VenueError>,
}

impl<T> Drained<T> {
    pub(crate) const fn new(facts: Box<dyn FactStream<T>>) -> Self {
        Self {
            facts: Some(facts),
            end: None,
        }
    }
}

impl<T> futures_util::Stream for Drained<T> {
    type Item = Result<Vec<T>, VenueError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = self.get_mut();
        if let Some(end) = me.end.take() {
            return Poll::Ready(Some(Err(end)));
        }
        let Some(stream) = &mut me.facts else {
            return Poll::Ready(None);
        };
        let (mut facts, mut heard) = (Vec::new(), 0_usize);
        while heard < MOST {
            match stream.poll_facts(cx, &mut facts) {
                Poll::Ready(Ok(())) => {
                    heard += 1;
                    if heard.is_multiple_of(BURST) {
                        std::thread::yield_now();
                    }
                }
                Poll::Ready(Err(error)) => {
                    me.facts = None;
                    if heard == 0 {
                        return Poll::Ready(Some(Err(error)));
                    }
                    me.end = Some(error);
                    break;
                }
                Poll::Pending if heard > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Some(Ok(facts)))
    }
}

#[cfg(test)]
mod tests {
    use domain::instrument::{InstrumentId, Name, Product, VenueId};
    use domain::market::{MarketFact, newest_only};
    use domain::money::Price;
    use domain::time::Timestamp;
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    /// A burst: these facts one by one, and then nothing more for now.
    struct Burst(std::vec::IntoIter<MarketFact>);

    impl FactStream<MarketFact> for Burst {
        fn poll_facts(&mut self, _: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
            self.0.next().map_or(Poll::Pending, |fact| {
                into.push(fact);
                Poll::Ready(Ok(()))
            })
        }
    }

    /// So many messages of each of so many symbols, by turns.
    fn burst(symbols: usize, each: u32) -> Drained<MarketFact> {
        let ids: Vec<_> = (0..symbols)
            .map(|number| InstrumentId {
                venue: VenueId::Bybit,
                product: Product::Perp,
                symbol: Name::new(&format!("COIN{number}USDT")),
            })
            .collect();
        let mark = |at: u32| {
            ids.iter().map(move |id| MarketFact::Mark {
                instrument: id.clone(),
                mark: Price(at.into()),
                index: None,
                venue_time: Timestamp(at.into()),
            })
        };
        let facts: Vec<_> = (1..=each).flat_map(mark).collect();
        Drained::new(Box::new(Burst(facts.into_iter())))
    }

    #[test]
    fn what_a_batch_allocates_does_not_grow_with_its_messages() {
        for (symbols, each) in [(1, 1_000), (100, 10), (500, 2)] {
            let mut drained = burst(symbols, each);
            let mut told = Vec::new();
            let spent = allocation_counter::measure(|| {
                told = drained.next().now_or_never().unwrap().unwrap().unwrap();
                newest_only(&mut told);
            });
            assert_eq!(told.len(), symbols, "the newest of each");
            assert!(
                told.iter()
                    .all(|fact| matches!(fact, MarketFact::Mark { mark, .. } if *mark == Price(each.into())))
            );
            // The list of facts grows nine times on its way to a thousand; one more tells which are the newest.
            assert!(
                spent.count_total <= 12,
                "{} allocations for 1000 messages",
                spent.count_total
            );
        }
    }
}

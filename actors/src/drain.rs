//! An adapter's stream as an actor takes it: all that has arrived, at once.
//!
//! - DR-1  Nothing is lost: what was read before an end is handed over before the end is.
//! - DR-2  Facts keep their order. Whether older ones may be left out is the actor's matter, not this file's.

use std::pin::Pin;
use std::task::{Context, Poll};

use domain::ports::{FactStream, VenueError};

/// Messages that are read at a time, so that a stream which never pauses cannot keep its actor from its mailbox.
const MOST: usize = 1024;

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
        let (mut facts, mut heard) = (Vec::new(), false);
        for _ in 0..MOST {
            match stream.poll_facts(cx, &mut facts) {
                Poll::Ready(Ok(())) => heard = true,
                Poll::Ready(Err(error)) => {
                    me.facts = None;
                    if !heard {
                        return Poll::Ready(Some(Err(error)));
                    }
                    me.end = Some(error);
                    break;
                }
                Poll::Pending if heard => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Some(Ok(facts)))
    }
}

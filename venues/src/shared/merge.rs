//! Several streams of facts as one, which ends when any of them ends.

use std::task::{Context, Poll};

use domain::ports::{FactStream, VenueError};

/// Facts that are known already, then those of all parts.
pub struct Merged<T> {
    ready: Vec<T>,
    parts: Vec<Box<dyn FactStream<T>>>,
    first: usize,
}

impl<T> Merged<T> {
    /// `ready` is given out first.
    pub fn new(ready: Vec<T>, parts: Vec<Box<dyn FactStream<T>>>) -> Self {
        let first = 0;
        Self { ready, parts, first }
    }
}

impl<T> FactStream<T> for Merged<T> {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<T>) -> Poll<Result<(), VenueError>> {
        if !self.ready.is_empty() {
            into.append(&mut self.ready);
            return Poll::Ready(Ok(()));
        }
        // Who is asked first takes turns, so that a busy part cannot starve a quiet one.
        let parts = self.parts.len();
        self.first = (self.first + 1) % parts.max(1);
        let (early, late) = self.parts.split_at_mut(self.first.min(parts));
        for part in late.iter_mut().chain(early) {
            if let Poll::Ready(told) = part.poll_facts(cx, into) {
                return Poll::Ready(told);
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use domain::instrument::VenueId;
    use futures_util::FutureExt;

    use super::*;

    struct Endless(u8);
    impl FactStream<u8> for Endless {
        fn poll_facts(&mut self, _: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<Result<(), VenueError>> {
            into.push(self.0);
            Poll::Ready(Ok(()))
        }
    }

    struct Over;
    impl FactStream<u8> for Over {
        fn poll_facts(&mut self, _: &mut Context<'_>, _: &mut Vec<u8>) -> Poll<Result<(), VenueError>> {
            Poll::Ready(Err(VenueError::Throttled {
                venue: VenueId::Binance,
                wait_seconds: 1,
            }))
        }
    }

    #[test]
    fn a_busy_part_starves_nobody_and_one_end_is_the_end() {
        let mut both = Merged::new(vec![7], vec![Box::new(Endless(1)), Box::new(Endless(2))]);
        let mut heard: Vec<u8> = Vec::new();
        for _ in 0..5 {
            heard.extend(both.next().now_or_never().unwrap().unwrap());
        }
        assert_eq!(heard.first(), Some(&7));
        assert!(heard.contains(&1) && heard.contains(&2));
        let mut ending = Merged::new(
            vec![],
            vec![Box::new(Endless(1)) as Box<dyn FactStream<u8>>, Box::new(Over)],
        );
        let ended = (0..3).any(|_| ending.next().now_or_never().unwrap().is_err());
        assert!(ended);
    }
}

//! Several streams of facts as one, which ends when any of them ends.

use std::future::poll_fn;
use std::task::Poll;

use domain::ports::{Answer, FactStream, VenueError};

/// Facts that are known already, then those of all parts. Parts must bear that their `next` is dropped and called again.
pub struct Merged<T> {
    ready: Vec<T>,
    parts: Vec<Box<dyn FactStream<T>>>,
}

impl<T> Merged<T> {
    /// `ready` is given out first.
    pub fn new(ready: Vec<T>, parts: Vec<Box<dyn FactStream<T>>>) -> Self {
        Self { ready, parts }
    }
}

impl<T> FactStream<T> for Merged<T> {
    fn next(&mut self) -> Answer<'_, Result<Vec<T>, VenueError>> {
        if !self.ready.is_empty() {
            return Box::pin(std::future::ready(Ok(std::mem::take(&mut self.ready))));
        }
        // Who is asked first takes turns, so that a busy part cannot starve a quiet one.
        let by = usize::from(self.parts.len() > 1);
        self.parts.rotate_left(by);
        let mut waits: Vec<_> = self.parts.iter_mut().map(|part| part.next()).collect();
        Box::pin(poll_fn(move |cx| {
            for wait in &mut waits {
                if let Poll::Ready(facts) = wait.as_mut().poll(cx) {
                    return Poll::Ready(facts);
                }
            }
            Poll::Pending
        }))
    }
}

#[cfg(test)]
mod tests {
    use domain::instrument::VenueId;
    use futures_util::FutureExt;

    use super::*;

    struct Endless(u8);
    impl FactStream<u8> for Endless {
        fn next(&mut self) -> Answer<'_, Result<Vec<u8>, VenueError>> {
            Box::pin(std::future::ready(Ok(vec![self.0])))
        }
    }

    struct Over;
    impl FactStream<u8> for Over {
        fn next(&mut self) -> Answer<'_, Result<Vec<u8>, VenueError>> {
            Box::pin(std::future::ready(Err(VenueError::Throttled {
                venue: VenueId::Binance,
                wait_seconds: 1,
            })))
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

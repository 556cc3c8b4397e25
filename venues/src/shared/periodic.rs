//! A chore that runs beside a stream, such as prolonging a key. It says nothing, until it fails for good.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::ports::{FactStream, VenueError};
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, Sleep, sleep};

/// Does the chore once and says when it is due again.
pub type Chore = Box<dyn Fn() -> LocalBoxFuture<'static, Result<Duration, VenueError>>>;

/// A chore as a part of a [`super::merge::Merged`] stream.
pub struct Periodic {
    chore: Chore,
    due: Pin<Box<Sleep>>,
    running: Option<LocalBoxFuture<'static, Result<Duration, VenueError>>>,
}

impl Periodic {
    /// A chore that is first due after `first`.
    pub fn new(first: Duration, chore: Chore) -> Self {
        Self {
            chore,
            due: Box::pin(sleep(first)),
            running: None,
        }
    }
}

impl<T> FactStream<T> for Periodic {
    fn poll_facts(&mut self, cx: &mut Context<'_>, _: &mut Vec<T>) -> Poll<Result<(), VenueError>> {
        loop {
            if self.running.is_none() {
                ready!(self.due.as_mut().poll(cx));
            }
            let done = ready!(self.running.get_or_insert_with(&self.chore).as_mut().poll(cx));
            self.running = None;
            match done {
                Ok(pause) => self.due.as_mut().reset(Instant::now() + pause),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

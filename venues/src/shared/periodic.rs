//! A chore that runs beside a stream, such as prolonging a key. It says nothing, until it fails for good.

use std::time::Duration;

use domain::ports::{Answer, FactStream, VenueError};
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep_until};

/// Does the chore once and says when it is due again.
pub type Chore = Box<dyn Fn() -> LocalBoxFuture<'static, Result<Duration, VenueError>>>;

/// A chore as a part of a [`super::merge::Merged`] stream.
pub struct Periodic {
    chore: Chore,
    due: Instant,
    running: Option<LocalBoxFuture<'static, Result<Duration, VenueError>>>,
}

impl Periodic {
    /// A chore that is first due after `first`.
    pub fn new(first: Duration, chore: Chore) -> Self {
        Self {
            chore,
            due: Instant::now() + first,
            running: None,
        }
    }

    /// Runs until the chore fails. May be dropped and called again.
    async fn run(&mut self) -> VenueError {
        loop {
            if self.running.is_none() {
                sleep_until(self.due).await;
            }
            let running = self.running.get_or_insert_with(&self.chore);
            let done = running.await;
            self.running = None;
            match done {
                Ok(pause) => self.due = Instant::now() + pause,
                Err(error) => return error,
            }
        }
    }
}

impl<T> FactStream<T> for Periodic {
    fn next(&mut self) -> Answer<'_, Result<Vec<T>, VenueError>> {
        Box::pin(async move { Err(self.run().await) })
    }
}

//! What goes on when the engine's process is dead: the venues' end of each connection, and the server of the database.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Starts work that does not belong to whoever asks for it.
#[derive(Clone)]
pub struct Outside(mpsc::UnboundedSender<LocalBoxFuture<'static, ()>>);

impl Outside {
    /// Work is done on the local set of the caller.
    pub fn open() -> Self {
        let (ask, mut asked) = mpsc::unbounded_channel::<LocalBoxFuture<'static, ()>>();
        tokio::task::spawn_local(async move {
            while let Some(work) = asked.recv().await {
                tokio::task::spawn_local(work);
            }
        });
        Self(ask)
    }

    /// Starts something whose end nobody waits for.
    pub fn start(&self, work: impl Future<Output = ()> + 'static) {
        let _ = self.0.send(work.boxed_local()); // only a world that is over hears nothing
    }

    /// Starts something and waits for its answer. It goes on when the one who waits is gone.
    pub async fn ask<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        self.start(async move {
            let _ = tell.send(work.await);
        });
        told.await.ok()
    }
}

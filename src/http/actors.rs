//! Whom the doors ask: messages, not actors, so that a test can answer them.

use ::actors::engine::Engine;
use ::actors::executor::Executor;
use ::actors::messages::{Audit, Execute, GetHedge, GetPortfolio, Observe, Pause, Resume};
use ::actors::position_keeper::PositionKeeper;
use ::actors::scanner::Scanner;
use ::actors::supervisor::Supervisor;
use actix::prelude::*;
use std::time::Duration;

/// How long a door waits for an actor's word.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The recipients behind the doors.
#[derive(Clone)]
pub struct Actors {
    /// The whole picture.
    pub status: Recipient<Observe>,
    /// Stops entries.
    pub pause: Recipient<Pause>,
    /// Allows them again.
    pub resume: Recipient<Resume>,
    /// Keeps what was asked for.
    pub audit: Recipient<Audit>,
    /// Carries jobs out.
    pub execute: Recipient<Execute>,
    /// Knows a hedge.
    pub hedge: Recipient<GetHedge>,
    /// Knows all hedges.
    pub portfolio: Recipient<GetPortfolio>,
    /// The ranking.
    pub opportunities: Recipient<Observe>,
}

impl Actors {
    /// Those of the cast.
    pub fn new(
        supervisor: &Addr<Supervisor>,
        executor: &Addr<Executor>,
        keeper: &Addr<PositionKeeper>,
        scanner: &Addr<Scanner>,
    ) -> Self {
        Self {
            status: supervisor.clone().recipient(),
            pause: supervisor.clone().recipient(),
            resume: supervisor.clone().recipient(),
            audit: supervisor.clone().recipient(),
            execute: executor.clone().recipient(),
            hedge: keeper.clone().recipient(),
            portfolio: keeper.clone().recipient(),
            opportunities: scanner.clone().recipient(),
        }
    }

    /// Those of a running engine.
    pub fn of(engine: &Engine) -> Self {
        Self::new(&engine.supervisor, &engine.executor, &engine.keeper, &engine.scanner)
    }
}

/// An actor's word, or nothing when it does not come in time.
pub(crate) async fn ask<M>(whom: &Recipient<M>, message: M, patience: Duration) -> Option<M::Result>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    tokio::time::timeout(patience, whom.send(message)).await.ok()?.ok()
}

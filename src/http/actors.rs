//! Whom the doors ask: messages, not actors, so that a test can answer them.

use ::actors::engine::Engine;
use ::actors::executor::Executor;
use ::actors::messages::{Audit, Execute, GetHedge, GetPortfolio, Observe, Pause, Resume};
use ::actors::position_keeper::PositionKeeper;
use ::actors::scanner::Scanner;
use ::actors::supervisor::Supervisor;
use actix::prelude::*;
use domain::pause::PauseReason;
use std::time::Duration;
use tokio::task::JoinHandle;

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

/// How long a way out waits for a pause to be in force and durable before it goes ahead: a commit takes a millisecond.
const BEFORE_LEAVING: Duration = Duration::from_millis(200);

/// The pause that comes with leaving everything: whoever wants to be out does not want to be in again.
pub(crate) struct StayOut(JoinHandle<bool>);

impl StayOut {
    /// Stops entries, and goes on soon even where that cannot be made durable: the exits come first.
    pub(crate) async fn begin(actors: &Actors, by: &str) -> Self {
        let (pause, by) = (actors.pause.clone(), by.to_owned());
        let reason = PauseReason::CloseAll;
        let mut kept = actix_rt::spawn(async move { matches!(pause.send(Pause { reason, by }).await, Ok(Ok(()))) });
        // An answer that came is asked for again below; a late one is waited for there.
        let word = tokio::time::timeout(BEFORE_LEAVING, &mut kept).await;
        Self(word.map_or(kept, |word| actix_rt::spawn(async move { word.unwrap_or(false) })))
    }

    /// Whether a restart would find it.
    pub(crate) async fn durable(self) -> bool {
        matches!(tokio::time::timeout(PATIENCE, self.0).await, Ok(Ok(true)))
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

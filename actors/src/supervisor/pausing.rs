//! Pauses: in force at once, durable before anybody is told, lifted only by whom they belong to.

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::crash::{self, Point};
use domain::journal::{JournalError, Record};
use domain::pause::{By, PauseReason};
use slog::{error, info, warn};
use tokio::sync::oneshot;

use super::Supervisor;
use crate::messages::{ClearPause, Pause, Resume};

impl Supervisor {
    /// The engine lifts a pause that has lost its cause.
    pub(super) fn cleared(&mut self, key: &str) {
        if !self.pauses.remove(key, By::Engine) {
            return;
        }
        self.paused_since.remove(key);
        self.refused.remove(key);
        info!(self.log, "a pause has lost its cause"; "reason" => key);
        self.publish();
        self.record_end(key);
    }

    /// The engine's own pause, in force before anything else is handled; it is written after.
    pub(super) fn pause_now(&mut self, reason: PauseReason, ctx: &mut Context<Self>) {
        let by = "engine".to_owned();
        if self.put_in_force(&reason, &by) {
            let pause = Pause { reason, by };
            self.refused.insert(pause.reason.key(), pause.clone());
            ctx.notify(pause);
        }
    }

    /// Whether this is a new reason. It stops entries from here on.
    fn put_in_force(&mut self, reason: &PauseReason, by: &str) -> bool {
        let is_new = self.pauses.add(reason.clone());
        if is_new {
            let since = (self.clock.now().market, by.to_owned());
            self.paused_since.insert(reason.key(), since);
            warn!(self.log, "entries are paused"; "reason" => %reason, "by" => by);
            self.publish();
        }
        is_new
    }

    /// Writes again what the ledger did not take.
    pub(super) fn write_refused(&mut self, ctx: &mut Context<Self>) {
        for pause in self.refused.values() {
            ctx.notify(pause.clone());
        }
    }

    fn record_end(&self, key: &str) {
        let (recorder, log) = (self.recorder.clone(), self.log.clone());
        let record = Record::Unpaused {
            key: key.to_owned(),
            by: "engine".to_owned(),
        };
        actix_rt::spawn(async move {
            if let Err(error) = recorder.insist(vec![record]).await {
                error!(log, "the end of a pause was not recorded"; "error" => %error);
            }
        });
    }
}

impl Handler<ClearPause> for Supervisor {
    type Result = ();

    fn handle(&mut self, clear: ClearPause, _: &mut Self::Context) {
        self.cleared(&clear.key);
    }
}

impl Handler<Pause> for Supervisor {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    /// In force at once, answered when it is durable.
    fn handle(&mut self, pause: Pause, _: &mut Self::Context) -> Self::Result {
        let Pause { reason, by } = pause;
        let key = reason.key();
        let is_new = self.put_in_force(&reason, &by);
        if let Some(waiting) = self.unwritten.get_mut(&key) {
            let (tell, told) = oneshot::channel();
            waiting.push(tell);
            let gone = || JournalError::Unavailable("the pause was not written".to_owned());
            return Box::pin(async move { told.await.unwrap_or_else(|_| Err(gone())) }.into_actor(self));
        }
        let was_refused = self.refused.remove(&key).is_some();
        if !is_new && !was_refused {
            return Box::pin(actix::fut::ready(Ok(())));
        }
        self.unwritten.insert(key.clone(), Vec::new());
        let alert = Alert::new(
            AlertName::Paused,
            &reason.key(),
            format!("Entries are paused: {reason}. Exits go on."),
        );
        let recorder = self.recorder.clone();
        let asked = Pause {
            reason: reason.clone(),
            by: by.clone(),
        };
        let written = async move {
            crash::point(Point::PauseBeforeKeep);
            let written = recorder
                .insist(vec![Record::Paused { reason, by }, Record::Alert(alert)])
                .await
                .map(drop);
            crash::point(Point::PauseKept);
            written
        };
        Box::pin(written.into_actor(self).map(move |written, supervisor, _| {
            for waiting in supervisor.unwritten.remove(&key).unwrap_or_default() {
                let _ = waiting.send(written.clone()); // whoever asked may be gone
            }
            let in_force = supervisor.pauses.iter().any(|reason| reason.key() == key);
            match &written {
                Err(error) if in_force => {
                    error!(supervisor.log, "a pause is in force and not durable; it is written again"; "reason" => &key, "error" => %error);
                    supervisor.refused.insert(key, asked);
                }
                // It may have lost its cause before it was written: then its end is the later row.
                Ok(()) if !in_force => supervisor.record_end(&key),
                _ => {}
            }
            written
        }))
    }
}

impl Handler<Resume> for Supervisor {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    /// Durable first, in force then: a crash in between leaves the pause.
    fn handle(&mut self, resume: Resume, _: &mut Self::Context) -> Self::Result {
        let going: Vec<_> = self.pauses.clone().resume().iter().map(PauseReason::key).collect();
        if going.is_empty() {
            return Box::pin(actix::fut::ready(Ok(())));
        }
        let mut records: Vec<_> = going
            .iter()
            .map(|key| Record::Unpaused {
                key: key.clone(),
                by: resume.by.clone(),
            })
            .collect();
        records.push(Record::Alert(Alert::new(
            AlertName::Resumed,
            "resume",
            format!("Resumed by {}: {}.", resume.by, going.join(", ")),
        )));
        let recorder = self.recorder.clone();
        let written = async move { recorder.insist(records).await };
        Box::pin(written.into_actor(self).map(move |written, supervisor, _| {
            written?;
            for key in &going {
                supervisor.pauses.remove(key, By::Human);
                supervisor.paused_since.remove(key);
                supervisor.refused.remove(key);
            }
            // Whoever resumes has seen what differs; only something new pauses again.
            supervisor.review.accept();
            info!(supervisor.log, "resumed"; "by" => &resume.by, "reasons" => going.join(", "));
            supervisor.publish();
            Ok(())
        }))
    }
}

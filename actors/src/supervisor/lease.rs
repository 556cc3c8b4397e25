//! The lease: prolonged while the process lives, given back at the end of a drain.

use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::journal::{JournalError, Record};
use domain::lease::Held;
use domain::pause::PauseReason;
use slog::{crit, info, warn};

use super::{EXIT_FENCED, Mode, NAME, Supervisor};
use crate::messages::{Drain, LeaseChanged, Pause, ReleaseLease, RenewLease};

/// Longest wait for the running job at a stop.
const DRAIN: Duration = Duration::from_secs(30);

impl Supervisor {
    pub(super) fn renew(&mut self, ctx: &mut Context<Self>) {
        let (Some(held), Some(cast)) = (self.lease, self.cast.clone()) else {
            return;
        };
        let asked = self.clock.now();
        let renewal = RenewLease {
            holder: self.settings.holder.clone(),
            epoch: held.epoch,
            expires_at: asked.market.plus_millis(self.settings.lease_term_ms),
        };
        let until = asked.machine.plus(self.settings.lease_term);
        let answer = async move { cast.renew.send(renewal).await };
        answer
            .into_actor(self)
            .map(move |answer, supervisor, ctx| match answer {
                Ok(Ok(())) => supervisor.hold(Some(Held { epoch: held.epoch, until })),
                Ok(Err(JournalError::Fenced { newest, .. })) => {
                    crit!(supervisor.log, "another process has taken over; this one ends"; "newest_epoch" => newest, "exit_code" => EXIT_FENCED);
                    supervisor.hold(None);
                    (supervisor.exit)(EXIT_FENCED);
                }
                Ok(Err(error)) => supervisor.ledger_away(&error.to_string(), ctx),
                Err(error) => supervisor.ledger_away(&error.to_string(), ctx),
            })
            .spawn(ctx);
    }

    pub(super) fn hold(&mut self, held: Option<Held>) {
        self.lease = held;
        let now = self.clock.now().machine;
        match held {
            Some(_) => self.health.beat("lease", now, self.settings.lease_term),
            None => self.health.fail("lease"),
        }
        if held.is_some() {
            self.cleared(&PauseReason::LedgerUnavailable.key());
        }
        if let Some(cast) = &self.cast
            && cast.executor.try_send(LeaseChanged(held)).is_err()
        {
            warn!(
                self.log,
                "the executor is busy; it learns of the lease at the next renewal"
            );
        }
    }

    fn ledger_away(&mut self, reason: &str, ctx: &mut Context<Self>) {
        warn!(self.log, "the lease was not renewed: the ledger is away"; "error" => reason);
        ctx.notify(Pause {
            reason: PauseReason::LedgerUnavailable,
            by: "engine".to_owned(),
        });
        let text = format!("The ledger cannot be written ({reason}). Entries wait; check the disk or the database.");
        self.tell(Alert::new(AlertName::LedgerUnavailable, "ledger", text), ctx);
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ResponseActFuture<Self, ()>;

    /// Finishes the running job, gives the lease back, and says so.
    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.mode = Mode::Draining;
        self.publish();
        let (cast, lease, recorder) = (self.cast.clone(), self.lease, self.recorder.clone());
        let (holder, log) = (self.settings.holder.clone(), self.log.clone());
        let drained = async move {
            let Some(cast) = cast else { return };
            if tokio::time::timeout(DRAIN, cast.executor.send(Drain)).await.is_err() {
                warn!(
                    log,
                    "the running job did not end in time; the next start proves its orders"
                );
            }
            let stopped = Record::Audit {
                actor: NAME.into(),
                action: "stopped".into(),
                who: "signal".into(),
                detail: "drained".into(),
            };
            if let Err(error) = recorder.write(vec![stopped]).await {
                warn!(log, "the stop was not recorded"; "error" => %error);
            }
            if let Some(held) = lease
                && let Ok(Err(error)) = cast
                    .release
                    .send(ReleaseLease {
                        holder,
                        epoch: held.epoch,
                    })
                    .await
            {
                warn!(log, "the lease was not given back; it runs out by itself"; "error" => %error);
            }
            info!(log, "drained");
        };
        Box::pin(drained.into_actor(self).map(|(), supervisor, _| supervisor.hold(None)))
    }
}

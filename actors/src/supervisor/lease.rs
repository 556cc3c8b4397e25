//! The lease: prolonged while the process lives, given back at the end of a drain.
//!
//! While the ledger is away it is prolonged beside it, where every possible successor would see that, so that ways out
//! may go on; entries wait. Where there is no such place, nothing is sent after the term. When the ledger is back, what
//! was kept beside it is written first.

use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::crash::{self, Point};
use domain::journal::{JournalError, Record};
use domain::lease::{Held, MARGIN};
use domain::pause::PauseReason;
use domain::time::Machine;
use slog::{crit, info, warn};

use super::{EXIT_FENCED, Mode, NAME, Supervisor};
use crate::messages::{Drain, LeaseChanged, ReleaseLease, RenewLease, TellNow};

/// Longest wait for the running job at a stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Enough to read an answer that has arrived.
const TO_READ: Duration = Duration::from_millis(200);

impl Supervisor {
    pub(super) fn renew(&mut self, ctx: &mut Context<Self>) {
        let (Some(held), Some(cast)) = (self.lease, self.cast.clone()) else {
            return;
        };
        let asked = self.clock.now();
        let expires_at = asked.market.plus_millis(self.settings.lease_term_ms);
        let prolonged = Held {
            epoch: held.epoch,
            until: asked.machine.plus(self.settings.lease_term),
        };
        if let Some(before) = self.renewing {
            self.unless_answered(before, ctx);
            return;
        }
        self.renewing = Some(asked.machine);
        // No answer for so long is as good as none: while the term still has its margin, it can be prolonged otherwise.
        let (term, every) = (self.settings.lease_term, self.settings.lease_renew_every);
        let patience = term.saturating_sub(MARGIN + every) * 2 / 3;
        ctx.run_later(patience, move |supervisor, ctx| {
            supervisor.unless_answered(asked.machine, ctx);
        });
        let renewal = RenewLease {
            holder: self.settings.holder.clone(),
            epoch: held.epoch,
            expires_at,
        };
        let answer = async move {
            crash::point(Point::LeaseBeforeRenew);
            let answer = cast.renew.send(renewal).await;
            crash::point(Point::LeaseRenewed);
            answer
        };
        answer
            .into_actor(self)
            .map(move |answer, supervisor, ctx| {
                supervisor.renewing = None;
                match answer {
                    Ok(Ok(())) => {
                        // An answer that took long says less than what was prolonged meanwhile.
                        let until = supervisor.lease.map_or(prolonged.until, |held| held.until.max(prolonged.until));
                        supervisor.hold(Some(Held { until, ..prolonged }));
                        supervisor.ledger_is_back(ctx);
                    }
                    Ok(Err(JournalError::Fenced { newest, .. })) => {
                        crit!(supervisor.log, "another process has taken over; this one ends"; "newest_epoch" => newest, "exit_code" => EXIT_FENCED);
                        supervisor.hold(None);
                        (supervisor.exit)(EXIT_FENCED);
                    }
                    Ok(Err(error)) => supervisor.ledger_away(&error.to_string(), ctx),
                    Err(error) => supervisor.ledger_away(&error.to_string(), ctx),
                }
            })
            .spawn(ctx);
    }

    /// The ledger is away, unless the renewal that was asked for at `asked` is answered. After a sleep of the process its
    /// timers are due before what has arrived meanwhile was read: there is a moment for that.
    fn unless_answered(&self, asked: Machine, ctx: &mut Context<Self>) {
        if self.renewing != Some(asked) {
            return;
        }
        ctx.run_later(TO_READ, move |supervisor, ctx| {
            if supervisor.renewing == Some(asked) {
                supervisor.ledger_away("it does not answer", ctx);
            }
        });
    }

    pub(super) fn hold(&mut self, held: Option<Held>) {
        self.lease = held;
        let now = self.clock.now().machine;
        match held {
            Some(_) => self.health.beat("lease", now, self.settings.lease_term),
            None => self.health.fail("lease"),
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

    /// Entries stop, people are told past the outbox, and the lease is prolonged beside the ledger while it still holds:
    /// a whole term from this moment on, for the renewal that failed was asked for long ago.
    fn ledger_away(&mut self, reason: &str, ctx: &mut Context<Self>) {
        warn!(self.log, "the lease was not renewed: the ledger is away"; "error" => reason);
        let now = self.clock.now();
        let expires_at = now.market.plus_millis(self.settings.lease_term_ms);
        let holds = self.lease.is_some_and(|held| held.allows_orders(now.machine));
        let kept = holds && self.recorder.extend_lease(&self.settings.holder, expires_at).is_ok();
        if kept {
            // The health board is not told: a lease that the ledger does not know of is no good sign.
            let until = now.machine.plus(self.settings.lease_term);
            self.lease = self.lease.map(|held| Held {
                until: held.until.max(until),
                ..held
            });
            if let Some(cast) = &self.cast {
                let _ = cast.executor.try_send(LeaseChanged(self.lease)); // the next time, if it is busy
            }
        }
        self.pause_now(PauseReason::LedgerUnavailable, ctx);
        if !std::mem::replace(&mut self.told_away, true) {
            let ways_out = if kept {
                "Exits go on and are kept in a file beside it."
            } else {
                "Exits go on for the rest of the lease, then nothing is sent."
            };
            let text = format!(
                "The ledger cannot be written ({reason}). Entries wait. {ways_out} Check the disk or the database."
            );
            let alert = Alert::new(AlertName::LedgerUnavailable, "ledger", text);
            let at = self.clock.now().market;
            if let Some(cast) = &self.cast
                && cast.tell.try_send(TellNow { alert, at }).is_err()
            {
                self.told_away = false;
            }
        }
    }

    /// What waits beside the ledger is written to it; entries go on after that.
    fn ledger_is_back(&mut self, ctx: &mut Context<Self>) {
        self.told_away = false;
        if !self.recorder.is_keeping() {
            self.cleared(&PauseReason::LedgerUnavailable.key());
            return;
        }
        let recorder = self.recorder.clone();
        let filled = async move { recorder.back_fill().await };
        filled
            .into_actor(self)
            .map(|filled, supervisor, ctx| match filled {
                Ok(0) => {}
                Ok(batches) => {
                    info!(supervisor.log, "the ledger is back and has what waited beside it"; "batches" => batches);
                    supervisor.cleared(&PauseReason::LedgerUnavailable.key());
                }
                Err(JournalError::Unavailable(reason)) => {
                    warn!(supervisor.log, "what waits beside the ledger could not be written yet"; "error" => reason)
                }
                Err(error) => supervisor.cannot_back_fill(&error, ctx),
            })
            .spawn(ctx);
    }

    /// What was kept beside the ledger does not fit into it: a person must look.
    pub(super) fn cannot_back_fill(&mut self, error: &JournalError, ctx: &mut Context<Self>) {
        crit!(self.log, "what waits beside the ledger is not taken; the file is kept"; "error" => %error);
        self.pause_now(PauseReason::Inconsistent, ctx);
        let text = format!(
            "Rows of exits that were sent while the ledger was away cannot be written to it ({error}). The file is kept; entries wait."
        );
        self.tell(Alert::new(AlertName::Inconsistency, "exits", text), ctx);
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
            crash::point(Point::DrainBegun);
            if tokio::time::timeout(DRAIN, cast.executor.send(Drain)).await.is_err() {
                warn!(
                    log,
                    "the running job did not end in time; the next start proves its orders"
                );
            }
            crash::point(Point::DrainJobOver);
            let stopped = Record::Audit {
                actor: NAME.into(),
                action: "stopped".into(),
                who: "signal".into(),
                detail: "drained".into(),
            };
            if let Err(error) = recorder.write(vec![stopped]).await {
                warn!(log, "the stop was not recorded"; "error" => %error);
            }
            crash::point(Point::DrainRecorded);
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
            crash::point(Point::DrainReleased);
            info!(log, "drained");
        };
        Box::pin(drained.into_actor(self).map(|(), supervisor, _| supervisor.hold(None)))
    }
}

//! Carries alerts from the outbox to people.
//!
//! Owns      the channels.
//! Receives  nothing: it looks into the outbox at its own pace.
//! Sends     alerts; and tells the ledger when one has been taken by every channel that wants it.
//! Never     slows anybody: no other actor waits for it.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::journal::{PendingAlert, Record};
use domain::ports::AlertSink;
use slog::{Logger, warn};

use crate::messages::{GetPendingAlerts, Heartbeat};
use crate::recorder::Recorder;

/// Alerts taken from the outbox at a time: enough for a bad minute, few enough to deliver before the next look.
const BATCH: usize = 20;

/// Its name in heartbeats.
pub const NAME: &str = "alerter";

/// The actor.
pub struct Alerter {
    sinks: Rc<[Rc<dyn AlertSink>]>,
    outbox: Recipient<GetPendingAlerts>,
    recorder: Recorder,
    supervisor: Recipient<Heartbeat>,
    every: Duration,
    /// Alerts that some channels have taken and others not yet, so that a retry does not tell the first ones twice.
    taken: BTreeSet<(i64, &'static str)>,
    log: Logger,
}

impl Alerter {
    /// An alerter for these channels that looks into the outbox `every` so often.
    pub fn new(
        sinks: Rc<[Rc<dyn AlertSink>]>,
        outbox: Recipient<GetPendingAlerts>,
        recorder: Recorder,
        supervisor: Recipient<Heartbeat>,
        every: Duration,
        log: &Logger,
    ) -> Self {
        Self {
            sinks,
            outbox,
            recorder,
            supervisor,
            every,
            taken: BTreeSet::new(),
            log: log.new(slog::o!("actor" => NAME)),
        }
    }

    /// Which deliveries are still to be made.
    fn todo(&self, pending: &[PendingAlert]) -> Vec<(PendingAlert, Rc<dyn AlertSink>)> {
        let wanted = |alert: &PendingAlert| {
            let sinks = self
                .sinks
                .iter()
                .filter(|sink| sink.wants(&alert.alert) && !self.taken.contains(&(alert.id, sink.name())));
            sinks.map(|sink| (alert.clone(), Rc::clone(sink))).collect::<Vec<_>>()
        };
        pending.iter().flat_map(wanted).collect()
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Look;

impl Actor for Alerter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Look);
    }
}

impl Supervised for Alerter {}

impl Handler<Look> for Alerter {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        let _ = self.supervisor.try_send(Heartbeat {
            actor: NAME,
            generation: 0,
        });
        let outbox = self.outbox.clone();
        let look = async move { outbox.send(GetPendingAlerts { limit: BATCH }).await };
        look.into_actor(self)
            .then(|pending, alerter, _| {
                let pending = pending.ok().and_then(Result::ok).unwrap_or_default();
                let todo = alerter.todo(&pending);
                deliver(pending, todo).into_actor(alerter)
            })
            .then(|(pending, taken), alerter, _| {
                alerter.note(&taken);
                let done = alerter.complete(&pending);
                let recorder = alerter.recorder.clone();
                let told = async move { if done.is_empty() { Ok(()) } else { recorder.write(done).await.map(drop) } };
                told.into_actor(alerter)
            })
            .map(|told, alerter, ctx| {
                if let Err(error) = told {
                    warn!(alerter.log, "alerts were delivered but not ticked off; they may come twice"; "error" => %error);
                }
                ctx.notify_later(Look, alerter.every);
            })
            .spawn(ctx);
    }
}

type Taken = Vec<(i64, &'static str, Result<(), String>)>;

async fn deliver(
    pending: Vec<PendingAlert>,
    todo: Vec<(PendingAlert, Rc<dyn AlertSink>)>,
) -> (Vec<PendingAlert>, Taken) {
    let mut taken = Vec::new();
    for (waiting, sink) in todo {
        let outcome = sink.deliver(&waiting.alert, waiting.at).await;
        taken.push((waiting.id, sink.name(), outcome));
    }
    (pending, taken)
}

impl Alerter {
    fn note(&mut self, taken: &Taken) {
        for (id, sink, outcome) in taken {
            match outcome {
                Ok(()) => drop(self.taken.insert((*id, sink))),
                Err(reason) => warn!(self.log, "an alert was not taken"; "channel" => sink, "reason" => reason),
            }
        }
    }

    /// Records that tick off the alerts which every channel has taken.
    fn complete(&mut self, pending: &[PendingAlert]) -> Vec<Record> {
        let done: Vec<i64> = pending
            .iter()
            .filter(|alert| self.todo(&[(*alert).clone()]).is_empty())
            .map(|alert| alert.id)
            .collect();
        self.taken.retain(|(id, _)| !done.contains(id));
        done.into_iter().map(|id| Record::AlertDelivered { id }).collect()
    }
}

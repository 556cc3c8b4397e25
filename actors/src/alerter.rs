//! Carries alerts from the outbox to people.
//!
//! Owns      the channels, and what people are told unasked.
//! Receives  [`TellNow`], while there is no outbox; else nothing: it looks into the outbox at its own pace.
//! Sends     alerts; tells the ledger when one has been taken by every channel that wants it; what `unasked` says.
//! Never     slows anybody: no other actor waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::crash::{self, Point};
use domain::journal::{JournalError, PendingAlert, Record};
use domain::order::Epoch;
use domain::ports::{AlertSink, Clock};
use domain::time::{HOUR_MS, Timestamp};
use slog::{Logger, warn};

use crate::messages::{GetPendingAlerts, Heartbeat, Observe, TellNow};
use crate::recorder::Recorder;
use crate::unasked::Unasked;

/// Alerts taken from the outbox at a time: enough for a bad minute, few enough to deliver before the next look.
const BATCH: usize = 20;

/// How long a channel may take for one alert before it is left alone until the next look.
const PATIENCE: Duration = Duration::from_secs(8);

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
    unasked: Option<Unasked>,
    /// What went past the outbox in this hour: how often of each key, and since when.
    past: BTreeMap<String, (u32, Timestamp)>,
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
            unasked: None,
            past: BTreeMap::new(),
            log: log.new(slog::o!("actor" => NAME)),
        }
    }

    /// Tells people once a UTC day how it goes, and again and again what waits for a person.
    #[must_use]
    pub fn unasked(mut self, status: Recipient<Observe>, clock: Rc<dyn Clock>) -> Self {
        self.unasked = Some(Unasked::new(status, clock));
        self
    }

    /// Writes what people are told unasked, where something is due.
    fn tell_unasked(&mut self, ctx: &mut Context<Self>) {
        let Some(unasked) = self.unasked.as_mut() else { return };
        let (now, due) = unasked.due();
        if due.is_nothing() {
            return;
        }
        let status = unasked.status();
        let look = async move { tokio::time::timeout(PATIENCE, status.send(Observe)).await };
        let write = look.into_actor(self).then(move |told, alerter, _| {
            let alerts = match (told, alerter.unasked.as_mut()) {
                (Ok(Ok(status)), Some(unasked)) => unasked.alerts(&status, now, due),
                _ => Vec::new(),
            };
            let (recorder, log) = (alerter.recorder.clone(), alerter.log.clone());
            let write = async move {
                if !alerts.is_empty()
                    && let Err(error) = recorder.write(alerts.into_iter().map(Record::Alert).collect()).await
                {
                    warn!(log, "what people are told unasked was not written"; "error" => %error);
                }
            };
            write.into_actor(alerter)
        });
        ctx.spawn(write);
    }

    /// Which deliveries are still to be made, channel by channel.
    fn todo(&self, pending: &[PendingAlert]) -> Vec<(Rc<dyn AlertSink>, Vec<PendingAlert>)> {
        let wanted = |sink: &Rc<dyn AlertSink>| {
            let lacks = |one: &&PendingAlert| sink.wants(&one.alert) && !self.taken.contains(&(one.id, sink.name()));
            let waiting: Vec<_> = pending.iter().filter(lacks).cloned().collect();
            (!waiting.is_empty()).then(|| (Rc::clone(sink), waiting))
        };
        self.sinks.iter().filter_map(wanted).collect()
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
        if self.recorder.epoch() == Epoch::default() {
            // Without the lease nothing can be ticked off: whoever holds it tells, or this one once it does.
            ctx.notify_later(Look, self.every);
            return;
        }
        self.tell_unasked(ctx);
        let outbox = self.outbox.clone();
        // Alerts that wait for a broken channel alone must not hide newer ones from the others.
        let half_told: BTreeSet<i64> = self.taken.iter().map(|(id, _)| *id).collect();
        let limit = BATCH + half_told.len();
        let look = async move {
            crash::point(Point::OutboxBeforeRead);
            let pending = outbox.send(GetPendingAlerts { limit }).await;
            crash::point(Point::OutboxRead);
            pending
        };
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
                let told = tick_off(recorder, done);
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

/// How often a channel is tried with an alert that is not in the outbox.
const TELL_TRIES: u32 = 20;
/// Of one fault people are told so often in an hour, as the outbox does.
const MOST_AN_HOUR: u32 = 3;

impl Handler<TellNow> for Alerter {
    type Result = ();

    /// Each channel by itself, until it has taken the alert or has failed too often: nothing else remembers it.
    fn handle(&mut self, TellNow { alert, at }: TellNow, _: &mut Self::Context) {
        self.past.retain(|_, (_, since)| at.millis_since(*since) < HOUR_MS);
        let (times, _) = self.past.entry(alert.key.clone()).or_insert((0, at));
        *times += 1;
        if *times > MOST_AN_HOUR {
            return;
        }
        for sink in self.sinks.iter().filter(|sink| sink.wants(&alert)) {
            let (sink, alert, every, log) = (Rc::clone(sink), alert.clone(), self.every, self.log.clone());
            actix_rt::spawn(async move {
                for _ in 0..TELL_TRIES {
                    crash::point(Point::OutboxBeforeDeliver);
                    let delivered = tokio::time::timeout(PATIENCE, sink.deliver(&alert, at)).await;
                    crash::point(Point::OutboxTaken);
                    match delivered {
                        Ok(Ok(())) => return,
                        Ok(Err(reason)) => {
                            warn!(log, "an alert was not taken"; "channel" => sink.name(), "reason" => reason)
                        }
                        Err(_) => warn!(log, "an alert was not taken in time"; "channel" => sink.name()),
                    }
                    tokio::time::sleep(every).await;
                }
            });
        }
    }
}

/// Tells the outbox which alerts every channel has taken.
async fn tick_off(recorder: Recorder, done: Vec<Record>) -> Result<(), JournalError> {
    if done.is_empty() {
        return Ok(());
    }
    crash::point(Point::OutboxDelivered);
    let ticked = recorder.write(done).await.map(drop);
    crash::point(Point::OutboxTicked);
    ticked
}

type Taken = Vec<(i64, &'static str, Result<(), String>)>;

async fn deliver(
    pending: Vec<PendingAlert>,
    todo: Vec<(Rc<dyn AlertSink>, Vec<PendingAlert>)>,
) -> (Vec<PendingAlert>, Taken) {
    let channels = todo.into_iter().map(|(sink, waiting)| through(sink, waiting));
    let taken = futures_util::future::join_all(channels).await;
    (pending, taken.into_iter().flatten().collect())
}

/// One channel's turn, oldest alert first. A channel that hangs loses the rest of its turn.
async fn through(sink: Rc<dyn AlertSink>, waiting: Vec<PendingAlert>) -> Taken {
    let mut taken = Vec::new();
    for one in waiting {
        crash::point(Point::OutboxBeforeDeliver);
        let delivered = tokio::time::timeout(PATIENCE, sink.deliver(&one.alert, one.at)).await;
        crash::point(Point::OutboxTaken);
        let Ok(outcome) = delivered else {
            taken.push((one.id, sink.name(), Err("no answer in time".to_owned())));
            break;
        };
        taken.push((one.id, sink.name(), outcome));
    }
    taken
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

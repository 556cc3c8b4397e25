//! Keeps the others alive, and decides nothing but who may trade.
//!
//! Owns      the tree, the mode, the pauses, the lease, the health board.
//! Receives  [`Heartbeat`]s, [`Fault`]s, reconciliations, pause and resume, [`Drain`].
//! Sends     gates to strategist and executor; records pauses before it answers.
//! Ends      the process when an actor of the money path dies: the restart path is the recovery path.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::instrument::VenueId;
use domain::journal::{JournalError, Record};
use domain::lease::Held;
use domain::pause::{PauseReason, Pauses};
use domain::ports::Clock;
use domain::reconcile::Review;
use domain::risk::Gate;
use domain::time::{Machine, Timestamp};
use serde_json::{Value, json};
use slog::{Logger, crit, error, info, o, warn};
use tokio::sync::oneshot;

use crate::boot::Booted;
use crate::engine::Exit;
use crate::executor::Executor;
use crate::guardian::{Cause, Fault};
use crate::health::HealthBoard;
use crate::messages::{Audit, EntriesGated, Heartbeat, Observe, Pause, ReleaseLease, RenewLease, TellNow};
use crate::position_keeper::{PositionKeeper, RECONCILIATION, Reconciled};
use crate::recorder::Recorder;
use crate::scanner::Scanner;
use crate::settings::Settings;
use crate::strategist::Strategist;

mod judging;
mod lease;
mod pausing;
mod status;

/// Its name in the tree.
pub const NAME: &str = "supervisor";
/// Exit code of a panic on the money path.
pub const EXIT_PANIC: i32 = 70;
/// Exit code of a lost lease: another process trades now.
pub const EXIT_FENCED: i32 = 75;
/// Messages waiting: heartbeats of a dozen actors and a burst of faults.
const MAILBOX: usize = 256;
/// Actors without whose progress nothing is right; the watchdog ends the process for them.
const CORE: [&str; 5] = ["scanner", "strategist", "executor", "position_keeper", "ledger_writer"];

/// What the engine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Waiting for the ledger or the venues.
    Starting,
    /// Openly waiting while another process holds the lease.
    Standby,
    /// Comparing the ledger with the venues.
    Reconciling,
    /// Trading, or paused.
    Running,
    /// Finishing the running job.
    Draining,
}

/// The addresses of the rest of the cast.
#[derive(Clone)]
pub struct Cast {
    /// The scanner.
    pub scanner: Addr<Scanner>,
    /// The position keeper.
    pub keeper: Addr<PositionKeeper>,
    /// The strategist.
    pub strategist: Addr<Strategist>,
    /// The executor.
    pub executor: Addr<Executor>,
    /// Prolongs the lease.
    pub renew: Recipient<RenewLease>,
    /// Gives it back.
    pub release: Recipient<ReleaseLease>,
    /// Tells people past the outbox.
    pub tell: Recipient<TellNow>,
}

/// One branch of the tree.
#[derive(Clone, Copy, Debug)]
struct Branch {
    last: Machine,
    generation: u32,
    restarts: u32,
    /// The venue, for a feed; a feed that dies is rebuilt, anything else ends the process.
    feed_of: Option<VenueId>,
    degraded: bool,
}

/// The actor.
pub struct Supervisor {
    settings: Rc<Settings>,
    clock: Rc<dyn Clock>,
    recorder: Recorder,
    health: HealthBoard,
    exit: Exit,
    cast: Option<Cast>,
    mode: Mode,
    pauses: Pauses,
    paused_since: BTreeMap<String, (Timestamp, String)>,
    /// Pauses that are in force and not yet durable, with whoever else waits for that.
    unwritten: BTreeMap<String, Vec<oneshot::Sender<Result<(), JournalError>>>>,
    /// Pauses that are in force and that the ledger was not told of or did not take; they are written until it does.
    refused: BTreeMap<String, Pause>,
    /// What comparisons have found, and what of it was accepted when entries were resumed.
    review: Review,
    lease: Option<Held>,
    /// The renewal that is on its way, by when it was asked for.
    renewing: Option<Machine>,
    /// Whether people have been told that the ledger is away.
    told_away: bool,
    /// Keys of alerts that the ledger has not taken yet.
    unkept: BTreeSet<String>,
    tree: BTreeMap<&'static str, Branch>,
    feed_restarts: u64,
    last_evaluation: Option<Timestamp>,
    log: Logger,
}

impl Supervisor {
    /// A supervisor of nobody yet.
    pub fn new(
        settings: Rc<Settings>,
        clock: Rc<dyn Clock>,
        recorder: Recorder,
        health: HealthBoard,
        exit: Exit,
        log: &Logger,
    ) -> Self {
        health.set_mode("starting");
        Self {
            settings,
            clock,
            recorder,
            health,
            exit,
            cast: None,
            mode: Mode::Starting,
            pauses: Pauses::default(),
            paused_since: BTreeMap::new(),
            unwritten: BTreeMap::new(),
            refused: BTreeMap::new(),
            review: Review::default(),
            lease: None,
            renewing: None,
            told_away: false,
            unkept: BTreeSet::new(),
            tree: BTreeMap::new(),
            feed_restarts: 0,
            last_evaluation: None,
            log: log.new(o!("actor" => NAME)),
        }
    }

    /// What people are shown.
    fn shown_mode(&self) -> &'static str {
        match self.mode {
            Mode::Starting => "starting",
            Mode::Standby => "standby",
            Mode::Reconciling => "reconciling",
            Mode::Running if self.pauses.is_paused() => "paused",
            Mode::Running => "running",
            Mode::Draining => "draining",
        }
    }

    /// Tells everyone whether entries are allowed.
    fn publish(&self) {
        self.health.set_mode(self.shown_mode());
        let gate = if self.mode == Mode::Running {
            self.pauses.iter().next().map(|reason| Gate::Paused(reason.to_string()))
        } else {
            Some(Gate::Paused(self.shown_mode().to_owned()))
        };
        if let Some(cast) = &self.cast {
            // Full mailboxes mean that nothing is entered anyway; the next change or the next beat tells them.
            let told = cast.strategist.try_send(EntriesGated(gate.clone())).is_ok()
                && cast.executor.try_send(EntriesGated(gate)).is_ok();
            if !told {
                warn!(self.log, "a gate was not taken at once");
            }
        }
    }

    /// How long a branch may be silent.
    fn bound(&self, name: &str) -> Duration {
        match name {
            RECONCILIATION => self.settings.reconcile_every * 2 + Duration::from_mins(1),
            _ if self.tree.get(name).is_some_and(|branch| branch.feed_of.is_some()) => self.settings.feed_silence,
            _ => (self.settings.heartbeat_every * 3)
                .max(Duration::from_secs(10))
                .max(self.settings.evaluate_every * 2),
        }
    }

    fn beat(&mut self, name: &'static str, generation: u32) {
        let now = self.clock.now();
        let feed_of = feed_venue(name);
        let fresh = Branch {
            last: now.machine,
            generation,
            restarts: 0,
            feed_of,
            degraded: false,
        };
        let branch = self.tree.entry(name).or_insert(fresh);
        (branch.last, branch.generation) = (now.machine, generation);
        let recovered = std::mem::take(&mut branch.degraded);
        self.health.beat(name, now.machine, self.bound(name));
        if name == crate::strategist::NAME {
            self.last_evaluation = Some(now.market);
        }
        let alive = |name: &&str| {
            self.tree
                .get(*name)
                .is_some_and(|branch| now.machine.since(branch.last) <= self.bound(name))
        };
        if CORE.iter().all(alive) {
            self.health.progressed(now.machine);
        }
        if let (true, Some(venue)) = (recovered, feed_of) {
            self.cleared(&PauseReason::VenueDegraded(venue).key());
        }
    }

    fn fault(&mut self, fault: &Fault, ctx: &mut Context<Self>) {
        let Some(venue) = feed_venue(fault.child) else {
            crit!(self.log, "an actor of the money path died; the process ends and the platform restarts it";
                "child" => fault.child, "cause" => ?fault.cause, "exit_code" => EXIT_PANIC);
            (self.exit)(EXIT_PANIC);
            return;
        };
        let now = self.clock.now().machine;
        self.feed_restarts += 1;
        let fresh = Branch {
            last: now,
            generation: 0,
            restarts: 0,
            feed_of: Some(venue),
            degraded: false,
        };
        let branch = self.tree.entry(fault.child).or_insert(fresh);
        branch.restarts += 1;
        branch.degraded |= fault.escalates;
        self.health.fail(fault.child);
        let how = match &fault.cause {
            Cause::Panicked(words) => format!("panicked: {words}"),
            Cause::Stopped => "ended".to_owned(),
        };
        let wait_ms = fault.wait.map_or(0, |wait| wait.as_millis());
        warn!(self.log, "feed is being rebuilt"; "feed" => fault.child, "cause" => &how, "wait_ms" => wait_ms, "restarts" => branch.restarts);
        let text = format!(
            "Feed {} {how}; it is rebuilt in {wait_ms} ms. Nothing to do unless it repeats.",
            fault.child
        );
        self.tell(Alert::new(AlertName::FeedRestarted, fault.child, text), ctx);
        if fault.escalates {
            let text = format!(
                "Feed {} keeps failing: {venue} is degraded, entries wait, exits go on. Check the venue's status page.",
                fault.child
            );
            self.tell(Alert::new(AlertName::VenueDegraded, venue.as_str(), text), ctx);
            self.pause_now(PauseReason::VenueDegraded(venue), ctx);
        }
    }

    /// Keeps an alert for people, for as long as it takes. Of a feed that dies again and again while the ledger is away
    /// one alert of a key waits.
    fn tell(&mut self, alert: Alert, ctx: &mut Context<Self>) {
        let recurs = matches!(alert.name, AlertName::FeedRestarted | AlertName::VenueDegraded);
        let key = alert.key.clone();
        if recurs && !self.unkept.insert(key.clone()) {
            return;
        }
        let recorder = self.recorder.clone();
        let told = async move { recorder.insist(vec![Record::Alert(alert)]).await };
        told.into_actor(self)
            .map(move |told, supervisor, _| {
                supervisor.unkept.remove(&key);
                if let Err(error) = told {
                    error!(supervisor.log, "an alert could not be kept"; "error" => %error);
                }
            })
            .spawn(ctx);
    }
}

/// The venue of a feed's name (`binance.spot`, `bybit.account`); `None` for the rest of the cast.
fn feed_venue(name: &str) -> Option<VenueId> {
    name.split_once('.').and_then(|(venue, _)| VenueId::parse(venue))
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(Begin);
    }
}

impl Supervised for Supervisor {}

impl Handler<Begin> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        ctx.run_interval(self.settings.lease_renew_every, Self::renew);
        ctx.run_interval(self.settings.heartbeat_every, |supervisor, ctx| {
            supervisor.publish();
            if supervisor.lease.is_some() {
                supervisor.write_refused(ctx);
            }
        });
    }
}

impl Handler<Heartbeat> for Supervisor {
    type Result = ();

    fn handle(&mut self, beat: Heartbeat, _: &mut Self::Context) {
        self.beat(beat.actor, beat.generation);
    }
}

impl Handler<Fault> for Supervisor {
    type Result = ();

    fn handle(&mut self, fault: Fault, ctx: &mut Self::Context) {
        self.fault(&fault, ctx);
    }
}

impl Handler<Reconciled> for Supervisor {
    type Result = ();

    fn handle(&mut self, reconciled: Reconciled, ctx: &mut Self::Context) {
        self.judge(&reconciled, false, ctx);
    }
}

impl Handler<Booted> for Supervisor {
    type Result = ();

    fn handle(&mut self, booted: Booted, ctx: &mut Self::Context) {
        match booted {
            Booted::StandingBy => {
                self.mode = Mode::Standby;
                self.publish();
            }
            Booted::LeaseTaken { held, cast } => {
                self.mode = Mode::Starting;
                self.cast = Some(cast);
                self.hold(Some(held));
            }
            Booted::Unfilled(JournalError::Unavailable(reason)) => {
                warn!(self.log, "there is no file beside the ledger: while the ledger is away nothing will be sent"; "reason" => reason);
            }
            Booted::Unfilled(error) => self.cannot_back_fill(&error, ctx),
            Booted::Reconciling { pauses, mut paused_by } => {
                self.mode = Mode::Reconciling;
                let now = self.clock.now().market;
                for reason in pauses {
                    // A ledger that does not tell who it was is one of an older schema.
                    let (by, since) = paused_by
                        .remove(&reason.key())
                        .unwrap_or_else(|| ("an earlier life".to_owned(), now));
                    self.paused_since.insert(reason.key(), (since, by));
                    self.pauses.add(reason);
                }
                self.publish();
            }
            Booted::Ready { reconciled, unproven } => {
                self.judge(&reconciled, true, ctx);
                if unproven == 0 {
                    self.cleared(&PauseReason::OrderUnknown.key());
                }
                if !self.recorder.is_keeping() {
                    self.cleared(&PauseReason::LedgerUnavailable.key());
                }
                self.mode = Mode::Running;
                info!(self.log, "running"; "paused" => self.pauses.is_paused());
                self.publish();
            }
        }
    }
}

impl Handler<Audit> for Supervisor {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    fn handle(&mut self, audit: Audit, _: &mut Self::Context) -> Self::Result {
        let record = Record::Audit {
            actor: "http".into(),
            action: audit.action,
            who: audit.who,
            detail: audit.detail,
        };
        let recorder = self.recorder.clone();
        Box::pin(async move { recorder.write(vec![record]).await.map(drop) }.into_actor(self))
    }
}

impl Handler<Observe> for Supervisor {
    type Result = ResponseActFuture<Self, Value>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let own = self.own_status();
        let cast = self.cast.clone();
        let whole = async move {
            let Some(cast) = cast else { return own };
            let (keeper, scanner) = (cast.keeper.send(Observe).await, cast.scanner.send(Observe).await);
            let (strategist, executor) = (cast.strategist.send(Observe).await, cast.executor.send(Observe).await);
            let answer =
                |said: Result<Value, MailboxError>| said.unwrap_or_else(|error| json!({ "error": error.to_string() }));
            status::merge(
                own,
                answer(keeper),
                answer(scanner),
                answer(strategist),
                answer(executor),
            )
        };
        Box::pin(whole.into_actor(self))
    }
}

//! Puts the cast together. Nothing connects before [`start`].

use std::collections::BTreeMap;
use std::rc::Rc;

use actix::prelude::*;
use domain::instrument::{Product, VenueId};
use domain::interest::Interest;
use domain::ports::{
    AccountStream, AccountView, AlertSink, Clock, Journal, MarketData, MarketFeed as FeedPort, OrderGateway, Spool,
};
use slog::{Logger, crit, warn};

use crate::alerter::{self, Alerter};
use crate::boot::{Boot, StartFeeds};
use crate::executor::{self, Desk, Executor};
use crate::feeds::{Feeds, Streams};
use crate::guardian::{Fault, Guardian, Policy};
use crate::health::HealthBoard;
use crate::ledger_writer::{self, LedgerWriter};
use crate::position_keeper::{self, HurryTo, PositionKeeper};
use crate::recorder::Recorder;
use crate::scanner::{self, Scanner};
use crate::settings::Settings;
use crate::strategist::{self, Strategist};
use crate::supervisor::{self, Cast, EXIT_PANIC, Supervisor};

/// Ends the process with a code.
pub type Exit = Rc<dyn Fn(i32)>;

/// What one venue brings.
pub struct VenueParts {
    /// Which.
    pub id: VenueId,
    /// Instruments and books.
    pub data: Rc<dyn MarketData>,
    /// Our account.
    pub account: Rc<dyn AccountView>,
    /// Orders; handed to the executor alone.
    pub gateway: Rc<dyn OrderGateway>,
    /// The private stream.
    pub stream: Rc<dyn AccountStream>,
    /// The public streams.
    pub feeds: Vec<(Product, Rc<dyn FeedPort>)>,
}

impl VenueParts {
    fn named_account(&self) -> (VenueId, Rc<dyn AccountView>) {
        (self.id, Rc::clone(&self.account))
    }
}

/// Where the ledger's writer lives.
pub enum WriterHome {
    /// On this arbiter: simulations, which have one thread.
    Here(Rc<dyn Journal>),
    /// On an arbiter of its own, where the journal is made: a disk must not delay a decision.
    Apart(ArbiterHandle, Box<dyn FnOnce() -> Rc<dyn Journal> + Send>),
}

/// Everything that an engine is made of.
pub struct Parts {
    /// The venues.
    pub venues: Vec<VenueParts>,
    /// The ledger.
    pub writer: WriterHome,
    /// The file that keeps ways out while the ledger is away; without one they wait for it.
    pub spool: Option<Rc<dyn Spool>>,
    /// The channels to people.
    pub sinks: Rc<[Rc<dyn AlertSink>]>,
    /// How to behave.
    pub settings: Settings,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
    /// Read by the HTTP thread and the watchdog.
    pub health: HealthBoard,
    /// Ends the process.
    pub exit: Exit,
    /// Where to speak.
    pub log: Logger,
}

/// A running engine.
#[derive(Clone)]
pub struct Engine {
    /// Pause, resume, status, drain.
    pub supervisor: Addr<Supervisor>,
    /// Close a hedge.
    pub executor: Addr<Executor>,
    /// Hedges.
    pub keeper: Addr<PositionKeeper>,
    /// Opportunities.
    pub scanner: Addr<Scanner>,
    /// Where control calls are recorded.
    pub recorder: Recorder,
}

/// The supervisor's own guardian needs a boss, too: it ends the process.
struct Root {
    exit: Exit,
    log: Logger,
}

impl Actor for Root {
    type Context = Context<Self>;
}

impl Handler<Fault> for Root {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Self::Context) {
        crit!(self.log, "the supervisor died; the process ends"; "cause" => ?fault.cause, "exit_code" => EXIT_PANIC);
        (self.exit)(EXIT_PANIC);
    }
}

/// What every actor's making needs.
struct Stage {
    supervisor: Addr<Supervisor>,
    recorder: Recorder,
    settings: Rc<Settings>,
    clock: Rc<dyn Clock>,
    interest: Interest,
    log: Logger,
}

impl Stage {
    fn guard<A: Supervised + Actor<Context = Context<A>>>(&self, name: &'static str, actor: A) -> Addr<A> {
        Guardian::start(
            name,
            Policy::MONEY,
            self.supervisor.clone().recipient(),
            self.settings.seed,
            |_| actor,
        )
    }

    fn scanner(&self) -> Addr<Scanner> {
        self.guard(
            scanner::NAME,
            Scanner::new(
                Rc::clone(&self.settings),
                Rc::clone(&self.clock),
                self.supervisor.clone().recipient(),
                self.interest.clone(),
            ),
        )
    }

    fn keeper(&self, accounts: BTreeMap<VenueId, Rc<dyn AccountView>>) -> Addr<PositionKeeper> {
        let wires = position_keeper::Wires {
            accounts,
            recorder: self.recorder.clone(),
            supervisor: self.supervisor.clone().recipient(),
            reconciled: self.supervisor.clone().recipient(),
            clock: Rc::clone(&self.clock),
        };
        self.guard(
            position_keeper::NAME,
            PositionKeeper::new(wires, Rc::clone(&self.settings), &self.log),
        )
    }

    fn executor(
        &self,
        venues: &[VenueParts],
        keeper: &Addr<PositionKeeper>,
        scanner: &Addr<Scanner>,
    ) -> Addr<Executor> {
        let desk = |venue: &VenueParts| Desk {
            gateway: Rc::clone(&venue.gateway),
            data: Rc::clone(&venue.data),
            account: Rc::clone(&venue.account),
        };
        let wires = executor::Wires {
            desks: venues.iter().map(|venue| (venue.id, desk(venue))).collect(),
            keeper: keeper.clone(),
            books: scanner.clone().recipient(),
            recorder: self.recorder.clone(),
            pause: self.supervisor.clone().recipient(),
            clear: self.supervisor.clone().recipient(),
            supervisor: self.supervisor.clone().recipient(),
            clock: Rc::clone(&self.clock),
        };
        self.guard(
            executor::NAME,
            Executor::new(wires, Rc::clone(&self.settings), &self.log),
        )
    }

    fn strategist(&self, engine: &Engine) -> Addr<Strategist> {
        let wires = strategist::Wires {
            scanner: engine.scanner.clone().recipient(),
            keeper: engine.keeper.clone().recipient(),
            executor: engine.executor.clone().recipient(),
            supervisor: self.supervisor.clone().recipient(),
            recorder: self.recorder.clone(),
            clock: Rc::clone(&self.clock),
        };
        let strategist = self.guard(
            strategist::NAME,
            Strategist::new(wires, Rc::clone(&self.settings), &self.log),
        );
        let hurry = HurryTo(strategist.clone().recipient());
        if engine.keeper.try_send(hurry).is_err() {
            warn!(
                self.log,
                "the keeper does not know whom to hurry: a leg that is cut waits for the next evaluation"
            );
        }
        strategist
    }

    fn alerter(&self, sinks: Rc<[Rc<dyn AlertSink>]>, writer: &Addr<LedgerWriter>) -> Addr<Alerter> {
        let (outbox, beats) = (writer.clone().recipient(), self.supervisor.clone().recipient());
        let mut alerter = Alerter::new(
            sinks,
            outbox,
            self.recorder.clone(),
            beats,
            self.settings.alert_every,
            &self.log,
        );
        if self.settings.tells_unasked {
            alerter = alerter.unasked(self.supervisor.clone().recipient(), Rc::clone(&self.clock));
        }
        let alerter = self.guard(alerter::NAME, alerter);
        self.recorder.loud(alerter.clone().recipient());
        alerter
    }
}

/// Starts the cast on this arbiter and the start-up sequence with it.
pub fn start(parts: Parts) -> Engine {
    let Parts {
        venues,
        writer,
        spool,
        sinks,
        settings,
        clock,
        health,
        exit,
        log,
    } = parts;
    let (settings, seed) = (Rc::new(settings.clone()), settings.seed);
    let root = Root {
        exit: Rc::clone(&exit),
        log: log.clone(),
    }
    .start()
    .recipient();

    // The supervisor and the ledger's writer need each other: the supervisor's address comes first, its pen later.
    let supervisor_ctx: Context<Supervisor> = Context::new();
    let supervisor = supervisor_ctx.address();
    let writer = start_writer(writer, &supervisor, &settings, seed);
    let recorder = pen(&writer, &clock, spool);
    let boss_of_all = Supervisor::new(
        Rc::clone(&settings),
        Rc::clone(&clock),
        recorder.clone(),
        health,
        Rc::clone(&exit),
        &log,
    );
    Guardian::adopt(supervisor::NAME, Policy::MONEY, root, seed, supervisor_ctx, boss_of_all);

    let stage = Stage {
        supervisor,
        recorder,
        settings,
        clock,
        interest: Interest::none(),
        log,
    };
    let accounts: BTreeMap<_, _> = venues.iter().map(VenueParts::named_account).collect();
    let keeper = stage.keeper(accounts.clone());
    let scanner = stage.scanner();
    let executor = stage.executor(&venues, &keeper, &scanner);
    let engine = Engine {
        supervisor: stage.supervisor.clone(),
        executor,
        keeper,
        scanner,
        recorder: stage.recorder.clone(),
    };
    let strategist = stage.strategist(&engine);
    let apart = Apart {
        alerter: stage.alerter(sinks, &writer),
        strategist,
        writer,
    };
    let log = stage.log.clone();
    let start_up = boot(stage, &engine, apart, venues, accounts);
    watch_start(start_up, exit, log);
    engine
}

/// The pen of all actors, with the file beside the ledger where there is one.
fn pen(writer: &Addr<LedgerWriter>, clock: &Rc<dyn Clock>, spool: Option<Rc<dyn Spool>>) -> Recorder {
    let recorder = Recorder::new(writer.clone().recipient(), Rc::clone(clock));
    match spool {
        Some(spool) => recorder.beside(spool, writer.clone().recipient()),
        None => recorder,
    }
}

/// Nobody guards the start-up sequence: without this, a panic in it would leave an engine that never begins.
fn watch_start(start_up: Boot, exit: Exit, log: Logger) {
    let booting = actix_rt::spawn(start_up.run());
    actix_rt::spawn(async move {
        if booting.await.is_err() {
            crit!(log, "the start panicked; the process ends"; "exit_code" => EXIT_PANIC);
            exit(EXIT_PANIC);
        }
    });
}

/// Actors that nobody outside speaks to.
struct Apart {
    strategist: Addr<Strategist>,
    writer: Addr<LedgerWriter>,
    alerter: Addr<Alerter>,
}

fn boot(
    stage: Stage,
    engine: &Engine,
    Apart {
        strategist,
        writer,
        alerter,
    }: Apart,
    venues: Vec<VenueParts>,
    accounts: BTreeMap<VenueId, Rc<dyn AccountView>>,
) -> Boot {
    let cast = Cast {
        scanner: engine.scanner.clone(),
        keeper: engine.keeper.clone(),
        strategist,
        executor: engine.executor.clone(),
        renew: writer.clone().recipient(),
        release: writer.clone().recipient(),
        tell: alerter.recipient(),
    };
    let markets = venues.iter().map(|venue| (venue.id, Rc::clone(&venue.data))).collect();
    let Stage {
        supervisor,
        recorder,
        settings,
        clock,
        interest,
        log,
    } = stage;
    let streams = venues.into_iter().map(|venue| Streams {
        venue: venue.id,
        feeds: venue.feeds,
        account: Some((venue.stream, engine.keeper.clone())),
    });
    let feeds = Feeds {
        streams: streams.collect(),
        scanner: engine.scanner.clone(),
        boss: supervisor.clone().recipient(),
        beats: supervisor.clone().recipient(),
        settings: Rc::clone(&settings),
        clock: Rc::clone(&clock),
        interest,
        log: log.clone(),
    };
    let start_feeds: StartFeeds = Box::new(move |instruments| feeds.start(instruments));
    Boot {
        cast,
        supervisor,
        claim: writer.clone().recipient(),
        load: writer.recipient(),
        recorder,
        markets,
        accounts,
        start_feeds,
        settings,
        clock,
        log,
    }
}

fn start_writer(
    home: WriterHome,
    supervisor: &Addr<Supervisor>,
    settings: &Rc<Settings>,
    seed: u64,
) -> Addr<LedgerWriter> {
    let (boss, beats, every) = (
        supervisor.clone().recipient::<Fault>(),
        supervisor.clone().recipient(),
        settings.heartbeat_every,
    );
    match home {
        WriterHome::Here(journal) => Guardian::start(ledger_writer::NAME, Policy::MONEY, boss, seed, |_| {
            LedgerWriter::new(journal, beats, every)
        }),
        WriterHome::Apart(arbiter, make) => {
            let (tell, told) = std::sync::mpsc::channel();
            arbiter.spawn_fn(move || {
                let writer = Guardian::start(ledger_writer::NAME, Policy::MONEY, boss, seed, |_| {
                    LedgerWriter::new(make(), beats, every)
                });
                let _ = tell.send(writer);
            });
            // Start-up only: the arbiter answers at once, or the process cannot run at all.
            told.recv().unwrap_or_else(|_| {
                let dead: Context<LedgerWriter> = Context::new();
                dead.address()
            })
        }
    }
}

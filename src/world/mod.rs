//! The whole engine in virtual time: actors, the adapters' real bytes over in-process pipes, the simulator, the ledger,
//! watched by the observer after every event. One seed, one trace.
//!
//! The caller brings a runtime whose clock is paused; without one, three days take three days.
//!
//! | module | what it holds |
//! |---|---|
//! | [`street`] | the venues, their clock, the witness, and how the cast behaves in a world |
//! | [`life`] | one life of the engine's process, which can be killed and frozen |
//! | [`database`] | the database as another process, which can be away, slow, or lose its answers |
//! | [`lag`] | what a line takes |
//! | [`outside`] | what goes on when the engine's process is dead |
//! | [`days`] | a world of days with faults of the lines |
//! | [`troubles`] | everything that may happen to a world, drawn by chance |
//! | [`campaign`] | a short world with some of it, and a tail without |

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actors::engine::{Engine, Parts, VenueParts, WriterHome, start};
use actors::health::HealthBoard;
use actors::messages::{Execute, GetPortfolio, Intent, Observe, Pause, Reconcile};
use actors::settings::{Manner, Settings};
use domain::pause::PauseReason;
use domain::ports::{Clock, Journal};
use ledger::Ledger;
use observer::{Fact, Standing};
use serde_json::Value;
use simulator::faults::parse_rules;
use simulator::serve::Twin;
use slog::Logger;
use venues::shared::transport::Dial;

use crate::witness::{Verdict, Watched, Witness};
use database::{Database, Reached};
use life::Life;
use street::Ground;

pub mod campaign;
pub mod database;
pub mod days;
pub mod lag;
pub mod life;
pub mod outside;
pub mod street;
pub mod troubles;

pub use days::{run, run_in};
pub use street::Street;

/// How long the engine may take to settle before nobody waits for it any more.
const SETTLING: Duration = Duration::from_mins(15);

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub struct WorldOptions {
    /// Draws the market, the faults and every wait.
    pub seed: u64,
    /// How long it lasts, in virtual hours.
    pub hours: u32,
    /// Symbols on each venue.
    pub symbols: usize,
    /// Whether links fail now and then.
    pub faults: bool,
    /// Whether it is one of a campaign: processes die, so that leases are as short as in production.
    pub campaign: bool,
    /// Troubles of [`troubles::NAMES`] that are left out of it.
    pub left_out: &'static [&'static str],
}

/// What a world came to.
#[derive(Clone, Debug)]
pub struct WorldReport {
    /// The observer's.
    pub verdict: Verdict,
    /// The engine's own picture of itself at the end.
    pub status: Value,
    /// What became of orders that were to rest.
    pub rested: Rested,
    /// The code with which the engine wanted to end, if it did.
    pub exit: Option<i32>,
    /// The last facts, when something was violated.
    pub last_events: Vec<String>,
    /// What troubles happened, by their names.
    pub troubles: BTreeMap<String, u64>,
}

/// Orders that were to rest in a book, by the venues' word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rested {
    /// How many were sent.
    pub orders: usize,
    /// How many of them were filled, at least in part.
    pub met: usize,
    /// How many are still in a book.
    pub open: usize,
}

impl Rested {
    fn read(truth: &Value) -> Self {
        let mut rested = Self::default();
        let venues = truth.get("venues").and_then(Value::as_object);
        for venue in venues.into_iter().flat_map(serde_json::Map::values) {
            let orders = venue.get("orders").and_then(Value::as_array);
            for order in orders.into_iter().flatten() {
                let says = |field: &str| order.get(field).and_then(Value::as_str).unwrap_or_default();
                if says("time_in_force") == "POST_ONLY" {
                    rested.orders += 1;
                    rested.met += usize::from(says("filled") != "0");
                    rested.open += usize::from(["NEW", "PARTIALLY_FILLED"].contains(&says("status")));
                }
            }
        }
        rested
    }
}

/// Why a world could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The ledger did not open.
    #[error("the ledger of the world did not open")]
    Ledger(#[from] ledger::OpenError),
    /// An address was refused.
    #[error("the world's addresses were refused")]
    Address(#[from] venues::shared::transport::BadUrl),
    /// A fault rule was refused.
    #[error("a fault of the world was refused: {0}")]
    Fault(String),
}

/// Changes the parts before they are put together: how a planted bug comes in.
pub type Tamper = Rc<dyn Fn(Vec<VenueParts>, Rc<dyn Journal>) -> (Vec<VenueParts>, Rc<dyn Journal>)>;

/// Puts something between the adapters and the pipes to the venues: how a line itself comes to lie.
pub type Splice = Rc<dyn Fn(Rc<dyn Dial>) -> Rc<dyn Dial>>;

/// A world and what runs in it.
pub struct World {
    /// The venues.
    pub twin: Twin,
    /// The observer, who sees both sides.
    pub witness: Witness,
    /// The cast of the process that was started last.
    pub engine: Engine,
    ground: Ground,
    options: WorldOptions,
    manner: Manner,
    splice: Option<Splice>,
    tamper: Option<Tamper>,
    log: Logger,
    ledger: Rc<Watched>,
    database: Rc<Database>,
    running: Running,
    /// Whether nothing bad happens any more, so that times are judged.
    calm: Cell<bool>,
    /// The code with which a process of a campaign wanted to end although nobody had taken its place.
    exit: Cell<Option<i32>>,
}

/// One process.
#[derive(Clone)]
pub struct Running {
    process: u32,
    life: Life,
    exit: Rc<Cell<Option<i32>>>,
}

impl World {
    /// Makes a world and starts its engine. `splice` comes between the adapters and the venues' pipes, `tamper` between
    /// the adapters and the engine; each once for every process.
    ///
    /// # Errors
    /// When the ledger does not open or an address is refused.
    pub async fn make(
        options: WorldOptions,
        splice: Option<&Splice>,
        tamper: Option<&Tamper>,
        log: &Logger,
    ) -> Result<Self, WorldError> {
        Self::make_in(options, Manner::default(), splice, tamper, log).await
    }

    /// The same, with entries that are carried out in their own manner.
    ///
    /// # Errors
    /// As [`World::make`].
    pub async fn make_in(
        options: WorldOptions,
        manner: Manner,
        splice: Option<&Splice>,
        tamper: Option<&Tamper>,
        log: &Logger,
    ) -> Result<Self, WorldError> {
        Self::on(Ground::open(options), (options, manner), splice, tamper, log).await
    }

    /// The same where the ground was prepared.
    ///
    /// # Errors
    /// As [`World::make`].
    pub async fn on(
        ground: Ground,
        (options, manner): (WorldOptions, Manner),
        splice: Option<&Splice>,
        tamper: Option<&Tamper>,
        log: &Logger,
    ) -> Result<Self, WorldError> {
        let opened = ledger::Options {
            mode: "simulation",
            tag_seed: Some(options.seed),
        };
        let ledger = Ledger::open("sqlite://:memory:", opened).await?;
        let ledger = Rc::new(Watched::new(ledger, ground.witness.clone()));
        let database = Database::new(ground.outside.clone(), ground.witness.clone(), Rc::clone(&ground.clock));
        let database = Rc::new(database);
        let birth = Birth {
            ground: &ground,
            options,
            manner,
            splice,
            tamper,
            log,
            ledger: &ledger,
            database: &database,
        };
        let (running, engine) = birth.of(1)?;
        Ok(Self {
            twin: ground.twin.clone(),
            witness: ground.witness.clone(),
            engine,
            options,
            manner,
            splice: splice.cloned(),
            tamper: tamper.cloned(),
            log: log.clone(),
            ledger,
            database,
            exit: Cell::default(),
            running,
            ground,
            calm: Cell::new(false),
        })
    }

    /// Starts another process beside the one that runs; it stands by until it may lead. Answers the older one.
    ///
    /// # Errors
    /// When an address is refused.
    pub fn start_another(&mut self) -> Result<Running, WorldError> {
        let birth = Birth {
            ground: &self.ground,
            options: self.options,
            manner: self.manner,
            splice: self.splice.as_ref(),
            tamper: self.tamper.as_ref(),
            log: &self.log,
            ledger: &self.ledger,
            database: &self.database,
        };
        let (running, engine) = birth.of(self.running.process + 1)?;
        self.engine = engine;
        Ok(std::mem::replace(&mut self.running, running))
    }

    /// What everybody's time is.
    pub fn clock(&self) -> Rc<dyn Clock> {
        Rc::clone(&self.ground.clock)
    }

    /// The process that was started last.
    pub fn running(&self) -> Running {
        self.running.clone()
    }

    /// Kills a process.
    pub fn kill(&self, which: &Running) {
        if !which.life.is_over() {
            which.life.kill();
            self.tell(Fact::Process {
                process: which.process,
                standing: Standing::Dead,
            });
        }
        self.database.forget(which.process);
    }

    /// Stops a process by a signal, or lets it go on.
    pub fn freeze(&self, which: &Running, frozen: bool) {
        let standing = if frozen {
            which.life.freeze();
            Standing::Frozen
        } else {
            which.life.thaw();
            Standing::Thawed
        };
        let process = which.process;
        self.tell(Fact::Process { process, standing });
    }

    fn tell(&self, fact: Fact) {
        self.witness.tell(self.ground.now(), fact);
    }

    /// Sets fault rules of the simulator, given as JSON.
    ///
    /// # Errors
    /// [`WorldError::Fault`] when they cannot be read or done.
    pub fn inject(&self, rules: &str) -> Result<(), WorldError> {
        let rules = parse_rules(rules).map_err(|error| WorldError::Fault(error.to_string()))?;
        self.twin
            .inject(rules)
            .map_err(|error| WorldError::Fault(error.to_string()))
    }

    /// Holds ledger and venues against each other at a moment without work: what waits beside the ledger must have come
    /// into it.
    pub async fn compare(&self) {
        let mut agrees = false;
        for _ in 0..20 {
            let clean = self.engine.keeper.send(Reconcile { at_start: false }).await;
            let all_in = self.is_idle().await && self.database.keeps_nothing();
            agrees = all_in && matches!(clean, Ok(Ok(found)) if found.is_empty());
            if agrees {
                break;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        // Where a difference stays, people are told of it again whenever it changes: only an agreement is repeated.
        if agrees {
            self.repeat().await;
        }
        let now = self.twin.now();
        self.twin
            .with_exchange(|exchange| self.witness.quiescent(exchange, now));
    }

    /// Reconciles a world that agreed a moment ago.
    async fn repeat(&self) {
        if !self.is_idle().await {
            return;
        }
        self.tell(Fact::RepeatBegan);
        let again = self.engine.keeper.send(Reconcile { at_start: false }).await;
        if matches!(again, Ok(Ok(found)) if found.is_empty()) {
            self.tell(Fact::RepeatEnded);
        } else {
            self.tell(Fact::RepeatGivenUp);
        }
    }

    async fn is_idle(&self) -> bool {
        let said = self.engine.executor.send(Observe).await;
        said.is_ok_and(|said| said.get("busy") == Some(&Value::Bool(false)))
    }

    /// Nothing bad happens from here on: the engine must settle, and times are judged.
    pub async fn is_calm(&self) {
        self.tell(Fact::TroublesOver);
        self.calm.set(true);
        let end = tokio::time::Instant::now() + SETTLING;
        while tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(mode) = self.settled().await {
                self.tell(Fact::Settled { mode });
                return;
            }
        }
    }

    /// The engine's mode, if it rests in one: it runs, or is paused for a named reason, and no order is unproven.
    pub async fn settled(&self) -> Option<String> {
        let status = self.engine.supervisor.send(Observe).await.ok()?;
        let mode = status.get("mode").and_then(Value::as_str)?.to_owned();
        let reasons = status.get("pause_reasons").and_then(Value::as_array);
        let named = mode == "running" || (mode == "paused" && reasons.is_some_and(|reasons| !reasons.is_empty()));
        let unknown = status.get("unknown_quantity").and_then(Value::as_str)?;
        (named && unknown.trim_matches(['0', '.']).is_empty()).then_some(mode)
    }

    /// Stops entries and leaves every hedge.
    pub async fn wind_down(&self) {
        let pause = Pause {
            reason: PauseReason::Human("the world ends".to_owned()),
            by: "world".to_owned(),
        };
        let _ = self.engine.supervisor.send(pause).await;
        for _ in 0..20 {
            let Ok(portfolio) = self.engine.keeper.send(GetPortfolio).await else {
                return;
            };
            if portfolio.hedges.is_empty() {
                return;
            }
            for hedge in portfolio.hedges {
                if self.calm.get() {
                    let hedge = hedge.id.to_string();
                    self.tell(Fact::ExitAsked { hedge });
                }
                let exit = Intent::Exit {
                    hedge: hedge.id,
                    reason: "the world ends".to_owned(),
                };
                let _ = self.engine.executor.send(Execute(exit)).await;
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
    }

    /// The code with which the engine wanted to end, if it did. In a campaign a process may, when another took its place.
    fn ended(&self) -> Option<i32> {
        let alone = self.running.exit.get().filter(|_| !self.options.campaign);
        self.exit.get().or(alone)
    }

    /// What it has come to so far.
    pub async fn report(&self) -> WorldReport {
        let status = self.engine.supervisor.send(Observe).await.unwrap_or_default();
        let verdict = self.witness.verdict();
        let last_events = if verdict.count == 0 {
            Vec::new()
        } else {
            self.witness.last_events(200)
        };
        WorldReport {
            verdict,
            status,
            rested: Rested::read(&self.twin.truth()),
            exit: self.ended(),
            last_events,
            troubles: BTreeMap::new(),
        }
    }
}

/// What a process is made from.
struct Birth<'a> {
    ground: &'a Ground,
    options: WorldOptions,
    manner: Manner,
    splice: Option<&'a Splice>,
    tamper: Option<&'a Tamper>,
    log: &'a Logger,
    ledger: &'a Rc<Watched>,
    database: &'a Rc<Database>,
}

impl Birth<'_> {
    fn of(&self, process: u32) -> Result<(Running, Engine), WorldError> {
        let ground = self.ground;
        let mut parts = ground.parts(process, self.splice, self.log)?;
        let mut journal: Rc<dyn Journal> = Rc::<Watched>::clone(self.ledger);
        if let Some(tamper) = self.tamper {
            (parts, journal) = tamper(parts, journal);
        }
        let reached = Rc::new(Reached::new(Rc::clone(self.database), journal, process));
        let exit: Rc<Cell<Option<i32>>> = Rc::default();
        let started = Fact::Process {
            process,
            standing: Standing::Started,
        };
        ground.witness.tell(ground.now(), started);
        let (life, engine) = Life::begin(|life| {
            let (code, life, told) = (Rc::clone(&exit), life.clone(), ground.clone());
            start(Parts {
                venues: parts,
                writer: WriterHome::Here(Rc::<Reached>::clone(&reached)),
                spool: Some(reached),
                sinks: Rc::from([]),
                settings: Settings {
                    manner: self.manner,
                    ..street::settings(self.options, process)
                },
                clock: Rc::clone(&ground.clock),
                health: HealthBoard::default(),
                exit: Rc::new(move |why| {
                    code.set(Some(why));
                    life.kill();
                    let ended = Fact::Process {
                        process,
                        standing: Standing::Dead,
                    };
                    told.witness.tell(told.now(), ended);
                }),
                log: self.log.clone(),
            })
        });
        Ok((Running { process, life, exit }, engine))
    }
}

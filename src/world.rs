//! The whole engine in virtual time: actors, the adapters' real bytes over in-process pipes, the simulator, the ledger,
//! watched by the observer after every event. One seed, one trace.
//!
//! The caller brings a runtime whose clock is paused; without one, three days take three days.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use actors::engine::{Engine, Parts, VenueParts, WriterHome, start};
use actors::health::HealthBoard;
use actors::messages::{Execute, GetPortfolio, Intent, Observe, Pause, Reconcile};
use actors::settings::{Manner, Settings};
use domain::money::{Bps, Usd};
use domain::pause::PauseReason;
use domain::ports::{Clock, Journal};
use domain::risk::{Freshness, Limits};
use domain::setup::{MarginMode, Setup};
use domain::strategy::Plan;
use domain::time::{Machine, Now, Timestamp};
use ledger::Ledger;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde_json::Value;
use simulator::faults::parse_rules;
use simulator::market::{Generated, GeneratedOptions, Ms, Source};
use simulator::serve::{Options, Twin};
use slog::Logger;
use tokio::time::Instant;
use venues::shared::transport::{Dial, Transport};

use crate::pipes::{self, Pipes};
use crate::wiring::venues;
use crate::witness::{Verdict, Watched, Witness};

/// Between two pushes of market data, and between two evaluations: quotes are thinned to what decisions need.
const PUSH: Duration = Duration::from_mins(1);
/// How often ledger and venues are held against each other (I4), in virtual hours.
const COMPARE_EVERY: u32 = 3;

/// How long a hedge may be naked while both venues answer, in milliseconds (I2b).
const NAKED_MS: i64 = 10_000;
/// The same while links fail: an order whose answer is lost is proven first, by visibility windows, and an evaluation repairs
/// what a job could not.
const NAKED_MS_WITH_FAULTS: i64 = 180_000;

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

/// Both clocks follow the runtime's.
struct VirtualClock {
    started: Instant,
    epoch: Timestamp,
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let elapsed = self.started.elapsed();
        let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        Now {
            market: self.epoch.plus_millis(millis),
            machine: Machine(elapsed),
        }
    }
}

/// How the cast behaves in a world: as in production, at the pace of thinned quotes.
fn settings(seed: u64) -> Settings {
    let usd = |dollars: i64| Usd(Decimal::from(dollars));
    let stale = PUSH * 2 + Duration::from_secs(10);
    Settings {
        plan: Plan {
            hold_hours: 72,
            reentry_share: Decimal::new(3, 1),
        },
        limits: Limits {
            min_spread: Bps(Decimal::TEN),
            max_position: usd(10_000),
            max_venue: usd(40_000),
            max_total: usd(80_000),
            max_daily_loss: usd(2_000),
            max_drawdown: Bps(Decimal::from(5_000)),
            max_slippage: Bps(Decimal::from(15)),
            freshness: Freshness {
                quote: stale,
                funding: stale,
                ..Freshness::DEFAULT
            },
        },
        universe: BTreeSet::new(),
        setup: Setup {
            leverage: 3,
            margin: MarginMode::Cross,
        },
        manner: Manner::default(),
        evaluate_every: PUSH,
        reconcile_every: Duration::from_mins(30),
        heartbeat_every: PUSH,
        alert_every: Duration::from_mins(10),
        feed_silence: PUSH * 10,
        feed_life: Duration::from_hours(23),
        relist_every: Duration::from_hours(6),
        kept_pairs: 1,
        visibility: Duration::from_secs(6),
        resolve_every: Duration::from_millis(500),
        lease_term: Duration::from_mins(20),
        lease_term_ms: 1_200_000,
        lease_renew_every: Duration::from_mins(5),
        claim_after: Duration::ZERO,
        tells_unasked: false,
        holder: format!("world-{seed}"),
        run: "w".to_owned(),
        seed,
    }
}

/// The simulator on a generated market, with a witness at its side and the clock that both follow.
fn twin(options: WorldOptions) -> (Twin, Witness, Rc<dyn Clock>) {
    let WorldOptions {
        seed, hours, symbols, ..
    } = options;
    let market = Generated::new(
        seed,
        GeneratedOptions {
            symbols,
            days: hours / 24 + 3,
            ..GeneratedOptions::default()
        },
    );
    let epoch = Timestamp(market.showcase_ms());
    let most = if options.faults { NAKED_MS_WITH_FAULTS } else { NAKED_MS };
    let witness = Witness::judging(&market, epoch.millis(), Some(most));
    let clock: Rc<dyn Clock> = Rc::new(VirtualClock {
        started: Instant::now(),
        epoch,
    });
    let sim_clock = Rc::clone(&clock);
    let now: Rc<dyn Fn() -> Ms> = Rc::new(move || sim_clock.now().market.millis());
    let twin = Twin::new(
        Box::new(market),
        Options {
            seed,
            push_every: PUSH,
            ..Options::default()
        },
        now,
    );
    let told = witness.clone();
    twin.on_event(Box::new(move |event, at| told.venue(event, at)));
    let running = twin.clone();
    tokio::task::spawn_local(async move { running.run().await });
    (twin, witness, clock)
}

/// The venues and the adapters that reach them, without an engine.
pub struct Street {
    /// The venues.
    pub twin: Twin,
    /// The observer, who hears what they say.
    pub witness: Witness,
    /// What everybody's time is.
    pub clock: Rc<dyn Clock>,
    /// The adapters, as the engine takes them.
    pub parts: Vec<VenueParts>,
}

impl Street {
    /// Opens the venues. `splice` comes between the adapters and the pipes.
    ///
    /// # Errors
    /// When an address is refused.
    pub fn open(options: WorldOptions, splice: Option<&Splice>, log: &Logger) -> Result<Self, WorldError> {
        let (twin, witness, clock) = twin(options);
        let wires: Rc<dyn Dial> = Rc::new(Pipes(twin.clone()));
        let transport = Transport::pipes(match splice {
            Some(splice) => splice(wires),
            None => wires,
        });
        let mut addresses = pipes::addresses();
        addresses.binance.marks_within = PUSH * 3;
        let parts = venues(&addresses, &transport, &clock, log)?;
        Ok(Self {
            twin,
            witness,
            clock,
            parts,
        })
    }
}

/// A world and what runs in it.
pub struct World {
    /// The venues.
    pub twin: Twin,
    /// The observer, who sees both sides.
    pub witness: Witness,
    /// The cast.
    pub engine: Engine,
    /// The ledger, as the engine writes it.
    pub journal: Rc<dyn Journal>,
    exit: Rc<std::cell::Cell<Option<i32>>>,
}

impl World {
    /// Makes a world and starts its engine. `splice` comes between the adapters and the venues' pipes, `tamper` between
    /// the adapters and the engine.
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
        let Street {
            twin,
            witness,
            clock,
            mut parts,
        } = Street::open(options, splice, log)?;
        let ledger = Ledger::open(
            "sqlite://:memory:",
            ledger::Options {
                mode: "simulation",
                tag_seed: Some(options.seed),
            },
        )
        .await?;
        let mut journal: Rc<dyn Journal> = Rc::new(Watched::new(ledger, witness.clone()));
        if let Some(tamper) = tamper {
            (parts, journal) = tamper(parts, journal);
        }
        let exit = Rc::new(std::cell::Cell::new(None));
        let code = Rc::clone(&exit);
        let engine = start(Parts {
            venues: parts,
            writer: WriterHome::Here(Rc::clone(&journal)),
            spool: None,
            sinks: Rc::from([]),
            settings: Settings {
                manner,
                ..settings(options.seed)
            },
            clock,
            health: HealthBoard::default(),
            exit: Rc::new(move |why| code.set(Some(why))),
            log: log.clone(),
        });
        Ok(Self {
            twin,
            witness,
            engine,
            journal,
            exit,
        })
    }

    /// Sets one of the [`FAULTS`].
    fn fail_once(&self, pick: usize) -> Result<(), WorldError> {
        self.inject(FAULTS.get(pick).copied().unwrap_or_default())
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

    /// Holds ledger and venues against each other at a moment without work.
    pub async fn compare(&self) {
        for _ in 0..20 {
            let clean = self.engine.keeper.send(Reconcile { at_start: false }).await;
            let idle = self
                .engine
                .executor
                .send(Observe)
                .await
                .is_ok_and(|said| said.get("busy") == Some(&Value::Bool(false)));
            if idle && matches!(clean, Ok(Ok(found)) if found.is_empty()) {
                break;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let now = self.twin.now();
        self.twin
            .with_exchange(|exchange| self.witness.quiescent(exchange, now));
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
                let exit = Intent::Exit {
                    hedge: hedge.id,
                    reason: "the world ends".to_owned(),
                };
                let _ = self.engine.executor.send(Execute(exit)).await;
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
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
            exit: self.exit.get(),
            last_events,
        }
    }
}

/// How many of the [`FAULTS`], from the first, lose the answer to an order.
const ORDER_FAULTS: usize = 3;

/// The faults that a world draws from, as rules of the simulator; each heals by itself or is cleared.
const FAULTS: [&str; 7] = [
    r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"POST","path":"/v5/order/create"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"POST","path":"/fapi/v1/order"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"POST","path":"/api/v3/order"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"GET"},"count":3,"action":"DELAY","args":{"ms":2500}}]}"#,
    r#"{"rules":[{"venue":"binance","link":"public","action":"RESET"}]}"#,
    r#"{"rules":[{"venue":"bybit","link":"private","action":"RESET"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"GET"},"count":2,"action":"REPLY","args":{"status":503,"body":"{}"}}]}"#,
];

/// Runs a world to its end.
///
/// # Errors
/// When it cannot be made; what goes wrong inside it is in the report.
pub async fn run(options: WorldOptions, tamper: Option<Tamper>, log: Logger) -> Result<WorldReport, WorldError> {
    run_in(options, Manner::default(), tamper, log).await
}

/// The same, with entries that are carried out in their own manner.
///
/// # Errors
/// As [`run`].
pub async fn run_in(
    options: WorldOptions,
    manner: Manner,
    tamper: Option<Tamper>,
    log: Logger,
) -> Result<WorldReport, WorldError> {
    let world = World::make_in(options, manner, None, tamper.as_ref(), &log).await?;
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed ^ 0x5eed);
    if options.faults {
        world.fail_once(chance.random_range(0..ORDER_FAULTS))?; // the first orders leave within minutes
    }
    for hour in 1..=options.hours {
        tokio::time::sleep(Duration::from_hours(1)).await;
        if world.exit.get().is_some() {
            break;
        }
        if options.faults && chance.random_range(0..4_u32) == 0 {
            world.fail_once(chance.random_range(0..FAULTS.len()))?;
        }
        if hour % COMPARE_EVERY == 0 {
            world.compare().await;
        }
    }
    if options.faults {
        world.fail_once(chance.random_range(0..ORDER_FAULTS))?; // closing meets faults as opening does
    }
    world.wind_down().await;
    world.twin.clear_faults();
    world.compare().await;
    Ok(world.report().await)
}

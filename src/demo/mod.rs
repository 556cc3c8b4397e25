//! Everything in one process on loopback: the simulator, the engine, the doors, a ledger in a folder of its own.
//!
//! Market time runs fast; machine time does not. A fault is injected on purpose, and what happens is told in plain
//! words on standard output.

use std::cell::Cell;
use std::net::TcpListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use actix::Arbiter;
use actors::engine::{Engine, Parts, WriterHome, start};
use actors::health::HealthBoard;
use actors::messages::{Execute, GetPortfolio, Intent, Observe, Pause, Reconcile};
use actors::settings::Settings;
use domain::hedge::HedgeState;
use domain::pause::PauseReason;
use domain::ports::{AlertSink, Clock, Journal};
use domain::time::Timestamp;
use ledger::Ledger;
use serde_json::Value;
use simulator::exchange::AccountSpec;
use simulator::faults::{Rule, parse_rules};
use simulator::market::Source;
use slog::{Logger, warn};
use venues::shared::transport::Transport;

use crate::clock::ScaledClock;
use crate::twin::{TwinLine, TwinOptions};
use crate::wiring::{VenueSettings, venues};
use crate::witness::{Watched, Witness};

mod report;
mod stage;

pub use report::Report;

/// Market seconds per machine second: two hours a second, so that a day passes in twelve seconds.
pub const DEFAULT_SPEED: u32 = 7_200;
/// Machine time at which the feed is cut and an answer is lost.
const FAULT_AT: Duration = Duration::from_secs(14);
/// Machine time at which a hedge is closed by hand if none has been closed by then.
const CLOSE_AT: Duration = Duration::from_secs(46);
/// How long closing everything may take: an order without an end must not keep the demonstration from one.
const CLOSE_WITHIN: Duration = Duration::from_secs(20);
/// How long the whole end may take.
const FINISH_WITHIN: Duration = Duration::from_mins(1);
/// What is kept of the end for closing everything and comparing.
const WIND_DOWN: Duration = Duration::from_secs(6);

/// What a demonstration is made of.
pub struct DemoOptions {
    /// The market.
    pub source: Box<dyn Source + Send>,
    /// What it was made from, in words.
    pub origin: String,
    /// Market seconds per machine second.
    pub speed: u32,
    /// How long, in machine time.
    pub lasts: Duration,
    /// Goes into ids and waits.
    pub seed: u64,
    /// Faults of your own, instead of the usual ones.
    pub faults: Option<Vec<Rule>>,
    /// Where the ledger is kept; a temporary folder when not given.
    pub keep: Option<PathBuf>,
    /// The cast's settings as configured for a demonstration.
    pub settings: Settings,
}

/// Why a demonstration could not begin.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No port on loopback, or no folder.
    #[error("the demonstration could not be set up")]
    Setup(#[from] std::io::Error),
    /// The ledger did not open.
    #[error("the ledger of the demonstration did not open")]
    Ledger(#[from] ledger::OpenError),
    /// An address was refused.
    #[error("an address of the demonstration was refused")]
    Address(#[from] venues::shared::transport::BadUrl),
    /// The end was not reached in time.
    #[error(
        "the demonstration did not come to its end; keep its ledger with --keep and look at the log with LOG_LEVEL=info"
    )]
    Stuck,
    /// The simulator ended by itself.
    #[error("the simulator ended by itself")]
    Simulator,
}

impl DemoError {
    /// 2 when what was asked for is at fault, 1 when the world is.
    pub const fn exit_code(&self) -> i32 {
        match self {
            Self::Ledger(error) if error.is_misuse() => 2,
            _ => 1,
        }
    }
}

/// A demonstration that is running.
pub struct Demo {
    /// The engine.
    pub engine: Engine,
    /// What `/health` reads.
    pub health: HealthBoard,
    /// Market and machine time.
    pub clock: ScaledClock,
    /// A second connection to the ledger, for reading.
    pub reader: Ledger,
    twin: TwinLine,
    witness: Witness,
    settlements: stage::Settlements,
    arbiter: Arbiter,
    exit: Rc<Cell<Option<i32>>>,
    options: Told,
    folder: Folder,
    log: Logger,
}

/// What the report repeats of the options.
struct Told {
    seed: u64,
    speed: u32,
    lasts: Duration,
    faults: Option<Vec<Rule>>,
    epoch: Timestamp,
}

/// The ledger's folder; removed at the end unless it is to be kept.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path); // a temporary folder that stays is the system's to clear
        }
    }
}

impl Demo {
    /// Starts the simulator and the engine.
    ///
    /// # Errors
    /// When a port, a folder or the ledger cannot be had.
    pub async fn start(options: DemoOptions, log: &Logger) -> Result<Self, DemoError> {
        let epoch = Timestamp(options.source.showcase_ms());
        let clock = ScaledClock::scaled(epoch, options.speed);
        let witness = Witness::of(options.source.as_ref(), epoch.millis());
        stage::opening(&options.origin, epoch, options.speed, options.lasts);
        let settlements = stage::Settlements::default();
        let folder = folder(options.keep)?;
        let (journal, reader) = (open_ledger(&folder).await?, open_ledger(&folder).await?);
        let told = Some((witness.clone(), settlements.tell()));
        let listen = || TcpListener::bind(("127.0.0.1", 0));
        let listeners = [listen()?, listen()?, listen()?];
        let twin = TwinLine::start(
            options.source,
            twin_options(options.seed, options.speed),
            clock,
            listeners,
            told,
        )?;

        let arbiter = Arbiter::new();
        let writer = watched_writer(&arbiter, journal, witness.clone());
        let (exit, health) = (Rc::new(Cell::new(None)), HealthBoard::default());
        let code = Rc::clone(&exit);
        let port_clock: Rc<dyn Clock> = Rc::new(clock);
        let [spot, usdm, bybit] = twin.ports;
        let addresses = VenueSettings::simulated(spot, usdm, bybit);
        let engine = start(Parts {
            venues: venues(&addresses, &Transport::sockets(), &port_clock, log)?,
            writer,
            spool: None,
            sinks: Rc::from([Rc::new(stage::Stage) as Rc<dyn AlertSink>]),
            settings: paced(options.settings, options.speed, options.seed),
            clock: port_clock,
            health: health.clone(),
            exit: Rc::new(move |why| code.set(Some(why))),
            log: log.clone(),
        });
        let options = Told {
            seed: options.seed,
            speed: options.speed,
            lasts: options.lasts,
            faults: options.faults,
            epoch,
        };
        Ok(Self {
            engine,
            health,
            clock,
            reader,
            twin,
            witness,
            settlements,
            arbiter,
            exit,
            options,
            folder,
            log: log.clone(),
        })
    }

    /// Plays to the end, or until `interrupted` ends, and tells what came of it.
    ///
    /// # Errors
    /// When the simulator ended by itself.
    pub async fn play(self, interrupted: impl Future<Output = ()>) -> Result<Report, DemoError> {
        tokio::select! {
            biased;
            () = interrupted => stage::say(self.clock.read().market, "interrupted: closing everything"),
            () = self.script() => {}
        }
        tokio::time::timeout(FINISH_WITHIN, self.finish())
            .await
            .map_err(|_| DemoError::Stuck)?
    }

    async fn script(&self) {
        let ends = self.options.lasts.saturating_sub(WIND_DOWN);
        self.until(FAULT_AT.min(ends)).await;
        self.inject().await;
        self.until(CLOSE_AT.min(ends)).await;
        self.close_one_by_hand().await;
        self.until(ends).await;
    }

    async fn until(&self, at: Duration) {
        while self.clock.read().machine.0 < at && self.exit.get().is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.settlements.say();
        }
    }

    async fn inject(&self) {
        let rules = self.options.faults.clone().unwrap_or_else(usual_faults);
        if rules.is_empty() || self.exit.get().is_some() {
            return;
        }
        let what = match self.options.faults {
            Some(_) => "FAULT injected: the rules of the file are in force",
            None => "FAULT injected: a public feed is cut, and the answer to the next order is lost",
        };
        stage::say(self.clock.read().market, what);
        if self.twin.ask(move |twin| twin.inject(rules)).await.is_none() {
            warn!(self.log, "the simulator took no faults");
        }
    }

    async fn close_one_by_hand(&self) {
        let status = self.engine.supervisor.send(Observe).await.unwrap_or_default();
        let closed = status.get("hedges_closed").and_then(Value::as_u64).unwrap_or(0);
        let Ok(portfolio) = self.engine.keeper.send(GetPortfolio).await else {
            return;
        };
        let open = portfolio
            .hedges
            .iter()
            .find(|hedge| matches!(hedge.state, HedgeState::Open));
        if let (0, Some(hedge)) = (closed, open) {
            stage::say(
                self.clock.read().market,
                "no hedge was worth leaving so far: one is closed by hand, as an operator would",
            );
            let exit = Intent::Exit {
                hedge: hedge.id,
                reason: "closed by hand".to_owned(),
            };
            let _ = self.engine.executor.send(Execute(exit)).await;
        }
    }

    async fn finish(self) -> Result<Report, DemoError> {
        stage::say(
            self.clock.read().market,
            "the demonstration ends: entries stop, every hedge is closed",
        );
        let pause = Pause {
            reason: PauseReason::Human("the demonstration ends".to_owned()),
            by: "demo".to_owned(),
        };
        let _ = self.engine.supervisor.send(pause).await;
        if tokio::time::timeout(CLOSE_WITHIN, self.close_all()).await.is_err() {
            stage::say(self.clock.read().market, "not everything could be closed in time");
        }
        let clean = self.settle().await;
        let witness = self.witness.clone();
        let compared = self.twin.ask(move |twin| {
            twin.push();
            let now = twin.now();
            twin.with_exchange(|exchange| witness.quiescent(exchange, now));
        });
        compared.await.ok_or(DemoError::Simulator)?;
        let status = self.engine.supervisor.send(Observe).await.unwrap_or_default();
        let verified = self.reader.verify().await.is_ok_and(|report| report.ok);
        let market_end = self.clock.read();
        let report = Report::of(
            &status,
            &self.witness.verdict(),
            &report::Frame {
                seed: self.options.seed,
                speed: self.options.speed,
                virtual_ms: market_end.market.millis_since(self.options.epoch),
                wall: market_end.machine.0,
                clean: clean && verified,
                exit: self.exit.get(),
            },
        );
        self.twin.stop();
        self.arbiter.stop();
        drop(self.folder);
        Ok(report)
    }

    async fn close_all(&self) {
        for _ in 0..10 {
            let Ok(portfolio) = self.engine.keeper.send(GetPortfolio).await else {
                return;
            };
            if portfolio.hedges.is_empty() || self.exit.get().is_some() {
                return;
            }
            for hedge in portfolio.hedges {
                let exit = Intent::Exit {
                    hedge: hedge.id,
                    reason: "the demonstration ends".to_owned(),
                };
                let _ = self.engine.executor.send(Execute(exit)).await;
            }
        }
    }

    /// Reconciles until ledger and venues agree; they do unless something is broken.
    async fn settle(&self) -> bool {
        for _ in 0..5 {
            if matches!(self.engine.keeper.send(Reconcile { at_start: false }).await, Ok(Ok(found)) if found.is_empty())
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        false
    }
}

fn twin_options(seed: u64, speed: u32) -> TwinOptions {
    let push_every = Duration::from_millis(25);
    TwinOptions {
        accounts: vec![AccountSpec::demo()],
        seed,
        speed,
        push_every,
        faults: Vec::new(),
    }
}

async fn open_ledger(folder: &Folder) -> Result<Ledger, ledger::OpenError> {
    let url = format!("sqlite://{}", folder.path.join("funding-arb.db").display());
    Ledger::open(
        &url,
        ledger::Options {
            mode: "demo",
            tag_seed: None,
        },
    )
    .await
}

/// The ledger's writer on an arbiter of its own; what it commits is witnessed.
fn watched_writer(arbiter: &Arbiter, ledger: Ledger, witness: Witness) -> WriterHome {
    let make = move || Rc::new(Watched::new(ledger, witness)) as Rc<dyn Journal>;
    WriterHome::Apart(arbiter.handle(), Box::new(make))
}

fn folder(keep: Option<PathBuf>) -> std::io::Result<Folder> {
    let temporary = keep.is_none();
    let path = keep
        .unwrap_or_else(|| std::env::temp_dir().join(format!("funding-arb-demo-{}", uuid::Uuid::now_v7().simple())));
    std::fs::create_dir_all(&path)?;
    Ok(Folder { path, temporary })
}

/// Machine time is what it is; only what other processes see in market time is scaled, and what a person waits for is
/// made short.
fn paced(mut configured: Settings, speed: u32, seed: u64) -> Settings {
    let delay = &mut configured.limits.freshness.delay;
    *delay = delay.saturating_mul(speed);
    Settings {
        evaluate_every: Duration::from_millis(150),
        reconcile_every: Duration::from_secs(2),
        alert_every: Duration::from_millis(200),
        heartbeat_every: Duration::from_millis(500),
        visibility: Duration::from_secs(2),
        resolve_every: Duration::from_millis(50),
        lease_term_ms: configured.lease_term_ms.saturating_mul(i64::from(speed)),
        seed,
        ..configured
    }
}

/// What goes wrong in every demonstration.
fn usual_faults() -> Vec<Rule> {
    const RULES: &str = r#"{"rules":[
        {"venue":"binance","link":"public","action":"RESET"},
        {"venue":"bybit","link":"rest","match":{"method":"POST","path":"/v5/order/create"},"action":"DROP_RESP"}]}"#;
    parse_rules(RULES).unwrap_or_default()
}

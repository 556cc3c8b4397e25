//! A small world for the cast: two scripted venues, a ledger in memory, channels to people, virtual time.
//!
//! A [`World`] outlives the engines that are started in it: [`World::live`] is one life of the process, and what it
//! leaves behind at its sudden end is what the next one finds.

pub mod journal;
pub mod probes;
mod streams;
pub mod venue;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use actix::System;
use actors::engine::{Engine, Parts, VenueParts, WriterHome, start};
use actors::health::HealthBoard;
use actors::messages::{Execute, GetHedge, GetPortfolio, Intent, JobEnded, Observe, Pause, Reconcile};
use actors::settings::{Manner, Settings};
use domain::bounds::Shares;
use domain::hedge::{Hedge, HedgeKind, HedgeState};
use domain::instrument::{FeeRates, InstrumentId, Name, Product, VenueId};
use domain::money::{AssetQuantity, Bps, Rate, Usd};
use domain::order::HedgeId;
use domain::pause::PauseReason;
use domain::ports::{AlertSink, Spool};
use domain::risk::{Exposure, Freshness, Limits, Losses};
use domain::setup::{MarginMode, Setup};
use domain::strategy::{Entry, Listing, Opportunity, Pair, Plan};
use rust_decimal::Decimal;
use serde_json::Value;

use self::journal::{MemJournal, MemSpool};
use self::probes::{Events, Lines, Sink, TestClock};
use self::venue::{FakeVenue, id, instrument};

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub async fn sleep(seconds: u64) {
    tokio::time::sleep(secs(seconds)).await;
}

/// Waits for something that must come true within ten minutes.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came true: {what}");
}

/// A system whose clock leaps to the next timer whenever nothing else can run.
pub fn virtual_time<F: Future>(test: F) -> F::Output {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    System::with_tokio_rt(runtime).block_on(test)
}

pub struct World {
    pub clock: Rc<TestClock>,
    pub binance: Rc<FakeVenue>,
    pub bybit: Rc<FakeVenue>,
    pub journal: Rc<MemJournal>,
    /// The file beside the ledger, where a story has one.
    pub spool: Option<Rc<MemSpool>>,
    pub sinks: Vec<Rc<Sink>>,
    pub settings: Settings,
    pub events: Events,
    pub exits: Rc<RefCell<Vec<i32>>>,
    pub health: HealthBoard,
    pub lines: Lines,
    assets: Cell<u32>,
}

pub fn settings() -> Settings {
    Settings {
        plan: Plan {
            hold_hours: 168,
            reentry_share: dec("0.5"),
            minimum_hold_hours: 0,
            rotation: false,
            forecast: None,
        },
        limits: Limits {
            min_spread: Bps(dec("10")),
            max_position: Usd(dec("10000")),
            max_venue: Usd(dec("15000")),
            max_total: Usd(dec("30000")),
            max_daily_loss: Usd(dec("500")),
            max_drawdown: Bps(dec("1000")),
            max_slippage: Bps(dec("20")),
            delisting_hours: 72,
            shares: Shares::default(),
            freshness: Freshness::DEFAULT,
        },
        universe: BTreeSet::new(),
        setup: Setup {
            leverage: 2,
            margin: MarginMode::Cross,
        },
        manner: Manner::default(),
        evaluate_every: secs(2),
        reconcile_every: secs(60),
        heartbeat_every: secs(2),
        alert_every: secs(1),
        feed_silence: secs(12),
        feed_life: secs(82_800),
        relist_every: secs(600),
        kept_pairs: 5,
        visibility: secs(10),
        resolve_every: Duration::from_millis(500),
        lease_term: secs(10),
        lease_term_ms: 10_000,
        lease_renew_every: secs(3),
        claim_after: secs(0),
        named_within: None,
        tells_unasked: false,
        holder: "first".to_owned(),
        run: "run1".to_owned(),
        seed: 7,
    }
}

impl World {
    pub fn new() -> Self {
        let (clock, events) = (Rc::new(TestClock::default()), Events::default());
        let venue = |venue| Rc::new(FakeVenue::new(venue, Rc::clone(&clock), events.clone()));
        Self {
            binance: venue(VenueId::Binance),
            bybit: venue(VenueId::Bybit),
            journal: Rc::new(MemJournal::new(events.clone())),
            spool: None,
            sinks: vec![Rc::new(Sink::new("pager"))],
            settings: settings(),
            exits: Rc::default(),
            health: HealthBoard::default(),
            lines: Lines::default(),
            assets: Cell::new(0),
            clock,
            events,
        }
    }

    /// One life of the process: from its start to a sudden end when the story is told.
    pub fn live<T>(&self, story: impl AsyncFnOnce(Engine) -> T) -> T {
        let told = virtual_time(async {
            self.clock.begin();
            let engine = self.start();
            // Timers run for ever: without a bound, a story that waits for an answer would never end.
            let told = tokio::time::timeout(secs(3_600), story(engine)).await;
            told.expect("a life of an hour")
        });
        self.clock.end();
        told
    }

    /// Starts an engine beside others, in the life that is running.
    pub fn start(&self) -> Engine {
        let exits = Rc::clone(&self.exits);
        let part = |venue: &Rc<FakeVenue>| VenueParts {
            id: venue.id,
            data: Rc::<FakeVenue>::clone(venue),
            account: Rc::<FakeVenue>::clone(venue),
            gateway: Rc::<FakeVenue>::clone(venue),
            stream: Rc::<FakeVenue>::clone(venue),
            feeds: Product::ALL.map(|product| (product, venue.feed(product))).to_vec(),
        };
        start(Parts {
            venues: vec![part(&self.binance), part(&self.bybit)],
            writer: WriterHome::Here(Rc::<MemJournal>::clone(&self.journal)),
            spool: self
                .spool
                .as_ref()
                .map(|spool| Rc::<MemSpool>::clone(spool) as Rc<dyn Spool>),
            sinks: self
                .sinks
                .iter()
                .map(|sink| Rc::<Sink>::clone(sink) as Rc<dyn AlertSink>)
                .collect(),
            settings: self.settings.clone(),
            clock: Rc::<TestClock>::clone(&self.clock),
            health: self.health.clone(),
            exit: Rc::new(move |code| exits.borrow_mut().push(code)),
            log: self.lines.logger(),
        })
    }

    /// Waits until the engine has compared the ledger with the venues, and the market has been heard.
    pub async fn ready(&self) {
        until("the engine runs", || {
            ["running", "paused"].contains(&self.health.mode().as_str())
        })
        .await;
        sleep(1).await;
    }

    /// The asset of the next intent: one has one hedge at a time, and stories need several.
    fn fresh_asset(&self) -> Name {
        let number = self.assets.replace(self.assets.get() + 1);
        Name::new(&if number == 0 {
            "BTC".to_owned()
        } else {
            format!("BTC{number}")
        })
    }

    /// An intent to open a hedge, as if decided now, of `target` coins at about 100 USD.
    pub fn intent(&self, long: &InstrumentId, short: &InstrumentId, target: &str) -> Intent {
        let kind = HedgeKind::of(long.product, short.product).unwrap();
        let fees = FeeRates {
            maker: Rate::ZERO,
            taker: Rate::ZERO,
        };
        Intent::Enter {
            entry: Box::new(Entry {
                opportunity: Opportunity {
                    asset: self.fresh_asset(),
                    kind,
                    pair: Pair {
                        long: long.clone(),
                        short: short.clone(),
                    },
                    outlook: None,
                    refused: None,
                },
                target: AssetQuantity(dec(target)),
                notional: Usd(dec(target) * dec("100.1")),
                long: Listing::silent(instrument(long.clone()), fees),
                short: Listing::silent(instrument(short.clone()), fees),
                lot: AssetQuantity(dec("0.001")),
            }),
            decided_at: self.clock.machine(),
            exposure: Exposure::default(),
            losses: Losses::default(),
        }
    }

    /// Opens a perpetual on Binance against one on Bybit; the shorter leg's book is the thinner one and goes first.
    pub fn enter(&self, target: &str) -> Intent {
        self.intent(&long_perp(), &short_perp(), target)
    }

    pub fn open_hedge(&self, id: u64) -> Option<HedgeState> {
        self.journal.rows.borrow().hedges.get(&HedgeId(id)).map(|row| row.state)
    }

    /// Long minus short, over both venues, in coins: what the venues themselves say.
    pub fn true_delta(&self) -> Decimal {
        self.binance.coins() + self.bybit.coins()
    }

    pub fn orders_sent(&self) -> usize {
        self.binance.placed().len() + self.bybit.placed().len()
    }

    /// Whether a line of the log holds all of these words.
    pub fn logged(&self, words: &[&str]) -> bool {
        self.lines.any(words)
    }
}

pub fn long_perp() -> InstrumentId {
    id(VenueId::Binance, Product::Perp)
}

pub fn long_spot() -> InstrumentId {
    id(VenueId::Binance, Product::Spot)
}

pub fn short_perp() -> InstrumentId {
    id(VenueId::Bybit, Product::Perp)
}

pub async fn act(engine: &Engine, intent: Intent) -> JobEnded {
    engine.executor.send(Execute(intent)).await.unwrap()
}

pub fn exit_of(id: u64) -> Intent {
    Intent::Exit {
        hedge: HedgeId(id),
        reason: "asked for".to_owned(),
    }
}

pub async fn hedge(engine: &Engine, id: u64) -> Option<Hedge> {
    engine.keeper.send(GetHedge(HedgeId(id))).await.unwrap()
}

pub async fn states(engine: &Engine) -> Vec<HedgeState> {
    let view = engine.keeper.send(GetPortfolio).await.unwrap();
    view.hedges.iter().map(|hedge| hedge.state).collect()
}

pub async fn status(engine: &Engine) -> Value {
    engine.supervisor.send(Observe).await.unwrap()
}

/// Keys of the pauses in force.
pub async fn pauses(engine: &Engine) -> Vec<String> {
    let status = status(engine).await;
    let keys = status["pause_reasons"].as_array().unwrap();
    keys.iter().map(|one| one["key"].as_str().unwrap().to_owned()).collect()
}

/// Somebody pauses; answered when it is durable.
pub async fn pause(engine: &Engine, words: &str) {
    let pause = Pause {
        reason: PauseReason::Human(words.to_owned()),
        by: "somebody".to_owned(),
    };
    engine.supervisor.send(pause).await.unwrap().unwrap();
}

/// Names of what a reconciliation finds.
pub async fn reconcile(engine: &Engine) -> Vec<&'static str> {
    let found = engine
        .keeper
        .send(Reconcile { at_start: false })
        .await
        .unwrap()
        .unwrap();
    found.iter().map(domain::reconcile::Inconsistency::name).collect()
}

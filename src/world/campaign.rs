//! A short world of a campaign: funding is paid every hour, one to four troubles happen, then nothing more; the engine
//! settles, a successor reads its ledger, and every hedge is left.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::messages::{Execute, GetPortfolio, Intent, Observe, Pause, Resume};
use actors::settings::Manner;
use domain::pause::PauseReason;
use observer::Fact;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulator::exchange::MarketOverride;
use simulator::market::{Status, Venue};
use slog::Logger;

use super::database::Ailment;
use super::street::Ground;
use super::troubles::{Offer, Trouble, draw};
use super::{Running, Tamper, World, WorldError, WorldOptions, WorldReport};

/// Without troubles, at the end of every world.
const TAIL: Duration = Duration::from_mins(12);
/// The shortest stop after which a lease is over.
const BEYOND_LEASE: Duration = Duration::from_secs(25);
/// How long an order is waited for that a process is to be killed at: two evaluations.
const SENDS_WITHIN: Duration = Duration::from_mins(2);
/// How an engine ends whose place was taken.
const FENCED: i32 = 75;

/// A campaign's world and what has happened in it.
struct Play {
    world: World,
    symbols: Vec<String>,
    happened: BTreeMap<String, u64>,
    /// Processes that are stopped by a signal.
    frozen: Vec<Running>,
    /// Whether the process that leads is dead.
    dead: bool,
}

/// Plays the world of a seed to its end.
///
/// # Errors
/// When it cannot be made; what goes wrong inside it is in the report.
pub async fn play(options: WorldOptions, tamper: Option<Tamper>, log: Logger) -> Result<WorldReport, WorldError> {
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed ^ 0x00ca_5ca1);
    let ground = Ground::open(options);
    let symbols = ground.symbols.to_vec();
    pay_hourly(&ground, &symbols, &mut chance);
    if chance.random_range(0..3_u32) == 0 {
        a_stranger_was_here(&ground, &symbols, &mut chance);
    }
    let world = World::on(ground, (options, Manner::default()), None, tamper.as_ref(), &log).await?;
    let mut play = Play {
        world,
        symbols,
        happened: BTreeMap::new(),
        frozen: Vec::new(),
        dead: false,
    };
    play.troubles(&mut chance, options).await?;
    play.calm().await?;
    play.end().await?;
    let mut report = play.world.report().await;
    report.troubles = play.happened;
    Ok(report)
}

/// Two coins pay every hour on one venue, and richly: they are entered, paid within the world, and left.
fn pay_hourly(ground: &Ground, symbols: &[String], chance: &mut ChaCha8Rng) {
    let first = chance.random_range(0..symbols.len().max(1));
    for nth in [first, first + 1] {
        let Some(symbol) = symbols.get(nth % symbols.len().max(1)) else {
            return;
        };
        let venue = if chance.random_range(0..2_u32) == 0 {
            Venue::Binance
        } else {
            Venue::Bybit
        };
        let hand = MarketOverride {
            funding_rate: Some(Decimal::new(chance.random_range(20..60), 5)),
            interval_hours: Some(1),
            ..MarketOverride::on(venue, symbol)
        };
        let _ = ground.twin.override_market(&hand); // a symbol that one venue has not stays as it is
    }
}

/// A stranger has an order in the book before the engine starts.
fn a_stranger_was_here(ground: &Ground, symbols: &[String], chance: &mut ChaCha8Rng) {
    let symbol = symbols.get(chance.random_range(0..symbols.len().max(1)));
    let rule = json!({ "rules": [{ "venue": "bybit", "action": "FOREIGN", "args": {
        "kind": "order", "symbol": symbol, "side": "buy", "quantity": "1", "product": "perp",
    } }] });
    if let Ok(rules) = simulator::faults::parse_rules(&rule.to_string()) {
        let _ = ground.twin.inject(rules);
    }
}

impl Play {
    async fn troubles(&mut self, chance: &mut ChaCha8Rng, options: WorldOptions) -> Result<(), WorldError> {
        let all = Duration::from_hours(u64::from(options.hours)).saturating_sub(TAIL);
        let count = if options.faults {
            chance.random_range(1..=4_u32)
        } else {
            0
        };
        let mut starts: Vec<Duration> = (0..count).map(|_| when(chance, all)).collect();
        starts.sort();
        let mut passed = Duration::ZERO;
        for start in starts {
            let offer = Offer {
                symbols: &self.symbols,
                left_out: options.left_out,
            };
            let (trouble, lasts) = draw(chance, &offer);
            let wait = start.saturating_sub(passed);
            tokio::time::sleep(wait).await;
            let lasts = if matches!(trouble, Trouble::TakenOver) {
                lasts + BEYOND_LEASE
            } else {
                lasts
            };
            passed += wait + lasts;
            self.world.tell(Fact::TroubleBegan);
            self.begin(&trouble).await;
            tokio::time::sleep(lasts).await;
            self.heal()?;
            self.world.tell(Fact::TroubleEnded);
        }
        tokio::time::sleep(all.saturating_sub(passed)).await;
        Ok(())
    }

    async fn begin(&mut self, trouble: &Trouble) {
        *self.happened.entry(trouble.name()).or_default() += 1;
        match trouble {
            Trouble::Venue(rule) => {
                // An act on what is not held cannot be done; nothing happens then.
                let _ = self.world.inject(&json!({ "rules": [rule] }).to_string());
            }
            Trouble::Database(ailment) => self.world.database.ail(*ailment),
            Trouble::Kill => {
                self.world.kill(&self.world.running());
                self.dead = true;
            }
            Trouble::KillAtSend(after) => self.kill_at_send(*after).await,
            Trouble::Freeze => self.freeze(),
            Trouble::TakenOver => {
                self.freeze();
                if let Ok(older) = self.world.start_another() {
                    self.frozen = vec![older];
                }
            }
            Trouble::Paused => {
                let pause = Pause {
                    reason: PauseReason::Human("a person looks".to_owned()),
                    by: "person".to_owned(),
                };
                let _ = self.world.engine.supervisor.send(pause).await;
            }
            Trouble::Leave => self.leave_one().await,
        }
        // Much is only met on the way out.
        if !matches!(
            trouble,
            Trouble::Kill | Trouble::KillAtSend(_) | Trouble::Freeze | Trouble::TakenOver
        ) {
            self.leave_one().await;
        }
    }

    /// Kills the process some time after the next order has left, an exit's if a hedge is held.
    async fn kill_at_send(&mut self, after: Duration) {
        let mut sends = self.world.witness.sends();
        self.leave_one().await;
        if tokio::time::timeout(SENDS_WITHIN, sends.changed()).await.is_ok() {
            tokio::time::sleep(after).await;
        }
        self.world.kill(&self.world.running());
        self.dead = true;
    }

    fn freeze(&mut self) {
        let leader = self.world.running();
        self.world.freeze(&leader, true);
        self.frozen.push(leader);
    }

    /// Asks for the first hedge to be left, and does not wait for it.
    async fn leave_one(&self) {
        let engine = self.world.engine.clone();
        let asked = async move {
            let Ok(portfolio) = engine.keeper.send(GetPortfolio).await else {
                return;
            };
            if let Some(hedge) = portfolio.hedges.first() {
                let exit = Intent::Exit {
                    hedge: hedge.id,
                    reason: "a person asked".to_owned(),
                };
                let _ = engine.executor.send(Execute(exit)).await;
            }
        };
        tokio::task::spawn_local(asked);
        tokio::task::yield_now().await;
    }

    /// Ends what goes on.
    fn heal(&mut self) -> Result<(), WorldError> {
        self.world.twin.clear_faults();
        self.open_markets();
        self.world.database.ail(Ailment::None);
        for frozen in self.frozen.drain(..) {
            self.world.freeze(&frozen, false);
        }
        if self.dead || self.world.running().life.is_over() {
            self.note_end();
            self.world.start_another()?;
            self.dead = false;
        }
        Ok(())
    }

    /// A process that ended by itself is a find, unless another one had taken its place.
    fn note_end(&self) {
        let code = self.world.running().exit.get();
        if let Some(code) = code.filter(|code| *code != FENCED) {
            self.world.exit.set(Some(code));
        }
    }

    /// Halted and delisted markets open again.
    fn open_markets(&self) {
        for venue in [Venue::Binance, Venue::Bybit] {
            for (symbol, product) in self
                .symbols
                .iter()
                .flat_map(|symbol| ["perp", "spot"].map(|product| (symbol, product)))
            {
                let hand = MarketOverride {
                    product: product.to_owned(),
                    status: Some(Status::Trading),
                    ..MarketOverride::on(venue, symbol)
                };
                let _ = self.world.twin.override_market(&hand);
            }
        }
    }

    /// From here on nothing bad happens; a person allows entries again.
    async fn calm(&mut self) -> Result<(), WorldError> {
        self.heal()?;
        self.world.is_calm().await;
        let resume = Resume {
            by: "person".to_owned(),
        };
        let _ = self.world.engine.supervisor.send(resume).await;
        tokio::time::sleep(TAIL).await;
        Ok(())
    }

    /// A successor must believe what its predecessor believed; then everything is left and compared.
    async fn end(&mut self) -> Result<(), WorldError> {
        self.world.compare().await;
        let before = self.believes().await;
        if let Some(text) = before {
            let leader = self.world.running();
            self.world
                .witness
                .believed(leader.process, text, self.world.ground.now());
            self.world.kill(&leader);
            self.note_end();
            self.world.start_another()?;
            for _ in 0..120 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if self.world.settled().await.is_some() {
                    break;
                }
            }
            if let Some(text) = self.believes().await {
                let process = self.world.running().process;
                self.world.witness.believed(process, text, self.world.ground.now());
            }
        }
        self.world.wind_down().await;
        self.world.compare().await;
        self.note_end();
        Ok(())
    }

    /// What the engine holds its hedges to be, between two jobs: amid one, a row may say more than is believed yet.
    async fn believes(&self) -> Option<String> {
        for _ in 0..60 {
            if self.world.is_idle().await {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let status = self.world.engine.supervisor.send(Observe).await.ok()?;
        let hedges = status.get("hedges")?.as_array()?;
        let told = hedges.iter().map(|hedge| {
            let legs = hedge.get("legs").and_then(Value::as_array).into_iter().flatten();
            let legs: Vec<_> = legs
                .map(|leg| {
                    json!([
                        leg.get("venue"),
                        leg.get("product"),
                        leg.get("filled"),
                        leg.get("average_price")
                    ])
                })
                .collect();
            json!([
                hedge.get("id"),
                hedge.get("symbol"),
                hedge.get("state"),
                legs,
                hedge.get("funding_usd"),
                hedge.get("fees_usd")
            ])
        });
        Some(told.collect::<Value>().to_string())
    }
}

/// When a trouble begins: mostly where something is going on.
fn when(chance: &mut ChaCha8Rng, all: Duration) -> Duration {
    let most = match chance.random_range(0..3_u32) {
        0 => Duration::from_mins(4),
        _ => all.saturating_sub(Duration::from_mins(3)),
    };
    Duration::from_millis(chance.random_range(0..u64::try_from(most.as_millis()).unwrap_or(1).max(1)))
}

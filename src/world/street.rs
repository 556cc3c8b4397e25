//! The ground on which a world stands: the venues, their clock, the witness, and the ways to them.

use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actors::engine::VenueParts;
use actors::settings::{Manner, Settings};
use domain::bounds::Shares;
use domain::money::{Bps, Usd};
use domain::ports::Clock;
use domain::risk::{Freshness, Limits};
use domain::setup::{MarginMode, Setup};
use domain::strategy::Plan;
use domain::time::{Machine, Now, Timestamp};
use futures_util::future::LocalBoxFuture;
use observer::{Bounds, Caps, Input};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use simulator::market::{Generated, GeneratedOptions, Product, Source, Venue};
use simulator::serve::{Options, Twin};
use slog::Logger;
use tokio::io::DuplexStream;
use tokio::time::Instant;
use venues::shared::transport::{Dial, Transport};

use super::lag::carry;
use super::outside::Outside;
use super::{Splice, WorldError, WorldOptions};
use crate::pipes;
use crate::wiring::venues;
use crate::witness::Witness;
use crate::witness::ears::{self, Ears, Overheard, Watch};

/// Between two pushes of market data, and between two evaluations: quotes are thinned to what decisions need.
pub const PUSH: Duration = Duration::from_mins(1);

/// How long a hedge may be naked while both venues answer, in milliseconds (I2b).
const NAKED_MS: i64 = 10_000;
/// The same while links fail: an order whose answer is lost is proven first, by visibility windows, and an evaluation repairs
/// what a job could not.
const NAKED_MS_WITH_FAULTS: i64 = 180_000;
/// The same in a campaign, after the last trouble: a start, and an evaluation that repairs.
const NAKED_MS_AFTER_TROUBLES: i64 = 120_000;
/// How long a venue may take to show an order that it has.
const VISIBILITY: Duration = Duration::from_secs(6);

/// How old a quote may be, and funding terms: two pushes.
const STALE: Duration = Duration::from_secs(130);
/// The caps of a world, in USD.
const MAX_POSITION: i64 = 10_000;
const MAX_VENUE: i64 = 40_000;
const MAX_TOTAL: i64 = 60_000;

/// Both clocks follow the runtime's.
#[derive(Clone, Copy)]
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
pub fn settings(options: WorldOptions, process: u32) -> Settings {
    let seed = options.seed;
    let deadly = options.campaign;
    let usd = |dollars: i64| Usd(Decimal::from(dollars));
    Settings {
        plan: Plan {
            hold_hours: 72,
            reentry_share: Decimal::new(3, 1),
            minimum_hold_hours: 0,
            rotation: false,
            forecast: None,
        },
        limits: Limits {
            min_spread: Bps(Decimal::TEN),
            max_position: usd(MAX_POSITION),
            max_venue: usd(MAX_VENUE),
            max_total: usd(MAX_TOTAL),
            max_daily_loss: usd(2_000),
            max_drawdown: Bps(Decimal::from(5_000)),
            max_slippage: Bps(Decimal::from(15)),
            delisting_hours: 72,
            shares: Shares::default(),
            freshness: Freshness {
                quote: STALE,
                funding: STALE,
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
        reconcile_every: Duration::from_mins(if deadly { 5 } else { 30 }),
        heartbeat_every: PUSH,
        alert_every: Duration::from_mins(10),
        feed_silence: PUSH * 10,
        feed_life: Duration::from_hours(23),
        relist_every: Duration::from_hours(6),
        kept_pairs: 1,
        visibility: VISIBILITY,
        resolve_every: Duration::from_millis(500),
        // As in production where processes die; where none does, renewals would be most of the work.
        lease_term: Duration::from_secs(if deadly { 15 } else { 1_200 }),
        lease_term_ms: if deadly { 15_000 } else { 1_200_000 },
        lease_renew_every: Duration::from_secs(if deadly { 5 } else { 300 }),
        claim_after: Duration::ZERO,
        named_within: None,
        tells_unasked: false,
        holder: format!("world-{seed}-{process}"),
        run: format!("w{process:03}"),
        seed,
    }
}

/// What the witness must hold the engine to.
fn narrow(options: WorldOptions, bounds: &mut Bounds) {
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    bounds.naked_at_most_ms = Some(match (options.campaign, options.faults) {
        (true, _) => NAKED_MS_AFTER_TROUBLES,
        (false, true) => NAKED_MS_WITH_FAULTS,
        (false, false) => NAKED_MS,
    });
    bounds.quiet_ms = ms(VISIBILITY);
    let oldest = [
        (Input::Quote, STALE),
        (Input::Funding, STALE),
        (Input::Book, Freshness::DEFAULT.book),
    ];
    bounds.oldest_ms = oldest.into_iter().map(|(input, age)| (input, ms(age))).collect();
    // A hundredth more: holdings are valued at other instants than the engine's.
    let with_slack = |usd: i64| Decimal::from(usd) * Decimal::new(101, 2);
    bounds.caps = Some(Caps {
        leg: with_slack(MAX_POSITION),
        venue: with_slack(MAX_VENUE),
        total: with_slack(MAX_TOTAL),
    });
    bounds.stranger_seen_within_ms = ms(settings(options, 1).reconcile_every * 2 + PUSH);
    // Leaving is asked of one hedge after the other, and each job may wait out its tries.
    bounds.flat_within_ms = 30_000;
}

/// The venues, their clock and the witness at their side.
#[derive(Clone)]
pub struct Ground {
    /// The venues.
    pub twin: Twin,
    /// The observer, who hears what they say.
    pub witness: Witness,
    /// What everybody's time is.
    pub clock: Rc<dyn Clock>,
    /// Where the venues' ends of connections live.
    pub outside: Outside,
    /// Symbols of the perpetuals, as Bybit writes them.
    pub symbols: Rc<[String]>,
    watch: Watch,
    /// What every line takes, each way.
    lag: Duration,
}

/// What the lines of a campaign's world take, each way: none at all, a machine beside the venue's, another continent, and a
/// line so bad that a process can die between any two steps of an order.
const LAGS_MS: [u64; 4] = [0, 5, 80, 400];

impl Ground {
    /// The simulator on a generated market, with a witness at its side and the clock that both follow.
    pub fn open(options: WorldOptions) -> Self {
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
        let witness = Witness::judging(&market, epoch.millis(), |bounds| narrow(options, bounds));
        let virtual_clock = VirtualClock {
            started: Instant::now(),
            epoch,
        };
        let perpetuals = market
            .rules()
            .iter()
            .filter(|rule| rule.key.product == Product::Perp && rule.key.venue == Venue::Bybit);
        let symbols = perpetuals.map(|rule| rule.key.symbol.clone()).collect();
        let twin = Twin::new(
            Box::new(market),
            Options {
                seed,
                push_every: PUSH,
                ..Options::default()
            },
            Rc::new(move || virtual_clock.now().market.millis()),
        );
        let told = witness.clone();
        twin.on_event(Box::new(move |event, at| told.venue(event, at)));
        let running = twin.clone();
        tokio::task::spawn_local(async move { running.run().await });
        Self {
            twin,
            witness,
            clock: Rc::new(virtual_clock),
            outside: Outside::open(),
            symbols,
            watch: Arc::new(move || virtual_clock.now().market),
            lag: lag_of(options),
        }
    }

    /// What its lines take, each way.
    pub const fn lag(&self) -> Duration {
        self.lag
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now().market
    }

    /// The adapters of one process, listened to. `splice` comes between them and the pipes.
    ///
    /// # Errors
    /// When an address is refused.
    pub fn parts(&self, process: u32, splice: Option<&Splice>, log: &Logger) -> Result<Vec<VenueParts>, WorldError> {
        let ears = Ears {
            witness: self.witness.clone(),
            process,
        };
        let wires: Rc<dyn Dial> = Rc::new(Ways {
            ground: self.clone(),
            ears: ears.clone(),
        });
        let transport = Transport::pipes(match splice {
            Some(splice) => splice(wires),
            None => wires,
        });
        let mut addresses = pipes::addresses();
        addresses.binance.marks_within = PUSH * 3;
        let parts = venues(&addresses, &transport, &self.clock, log)?;
        Ok(ears::listen(parts, &ears, &self.clock))
    }
}

fn lag_of(options: WorldOptions) -> Duration {
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed ^ 0x1a6);
    let ms = LAGS_MS.get(chance.random_range(0..LAGS_MS.len())).copied();
    Duration::from_millis(ms.filter(|_| options.campaign).unwrap_or(0))
}

/// The pipes of one process. The venues' ends outlive it.
struct Ways {
    ground: Ground,
    ears: Ears,
}

impl Dial for Ways {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        Box::pin(async move {
            let host = pipes::host_of(host_port)?;
            let (near, far) = tokio::io::duplex(pipes::PIPE);
            let Ground { twin, watch, .. } = self.ground.clone();
            let far = Overheard::new(far, host, self.ears.clone(), watch);
            let lag = self.ground.lag;
            if lag.is_zero() {
                self.ground.outside.start(async move { twin.serve(host, far).await });
            } else {
                let (there, end) = tokio::io::duplex(pipes::PIPE);
                self.ground.outside.start(carry(far, there, lag));
                self.ground.outside.start(async move { twin.serve(host, end).await });
            }
            Ok(near)
        })
    }
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
        let ground = Ground::open(options);
        let parts = ground.parts(1, splice, log)?;
        let Ground {
            twin, witness, clock, ..
        } = ground;
        Ok(Self {
            twin,
            witness,
            clock,
            parts,
        })
    }
}

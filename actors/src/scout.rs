//! A scanner as a process of its own: feeds and ranking, and nothing that could trade.
//!
//! Owns      the public feeds, the [`Scanner`], and how both are.
//! Receives  heartbeats and faults, [`Observe`].
//! Sends     nothing: whoever publishes asks the scanner for what may be entered.
//! Never     has a key, a lease, a row of the ledger, or a gateway.
//! Ends      the process when its scanner dies.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{Product, VenueId};
use domain::interest::Interest;
use domain::ports::{AccountView, Clock, MarketData, MarketFeed as FeedPort};
use domain::time::Machine;
use serde_json::{Value, json};
use slog::{Logger, crit, info, o, warn};

use crate::engine::Exit;
use crate::feeds::{Feeds, Streams};
use crate::guardian::{Fault, Guardian, Policy};
use crate::health::HealthBoard;
use crate::historian::Historian;
use crate::listing::{Listed, Lister, watched};
use crate::messages::{Heartbeat, ListInstruments, Observe};
use crate::scanner::{self, Scanner};
use crate::settings::Settings;
use crate::supervisor::EXIT_PANIC;

/// The mode that it shows.
pub const MODE: &str = "scanner";
/// Between two tries to read what can be traded.
const AGAIN: Duration = Duration::from_secs(2);

/// The public side of one venue.
pub struct PublicParts {
    /// Which.
    pub id: VenueId,
    /// Instruments, and what perpetuals have paid.
    pub data: Rc<dyn MarketData>,
    /// What trading is assumed to cost; nothing else of it is asked.
    pub fees: Rc<dyn AccountView>,
    /// The public streams.
    pub feeds: Vec<(Product, Rc<dyn FeedPort>)>,
}

/// Everything that a scanner by itself is made of.
pub struct ScoutParts {
    /// The venues.
    pub venues: Vec<PublicParts>,
    /// How to judge.
    pub settings: Settings,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
    /// Read by the doors and the watchdog.
    pub health: HealthBoard,
    /// Ends the process.
    pub exit: Exit,
    /// Where to speak.
    pub log: Logger,
}

/// A running scanner.
#[derive(Clone)]
pub struct Scout {
    /// What may be entered, and why the rest may not.
    pub scanner: Addr<Scanner>,
    /// How the feeds are.
    pub lookout: Addr<Lookout>,
}

/// One feed, or the scanner.
struct Branch {
    last: Machine,
    generation: u32,
    restarts: u32,
    degraded: bool,
}

/// Counts heartbeats and deaths.
pub struct Lookout {
    tree: BTreeMap<&'static str, Branch>,
    scanner: Option<Addr<Scanner>>,
    settings: Rc<Settings>,
    clock: Rc<dyn Clock>,
    health: HealthBoard,
    exit: Exit,
    log: Logger,
}

impl Lookout {
    fn bound(&self, name: &str) -> Duration {
        if name == scanner::NAME {
            (self.settings.heartbeat_every * 3).max(Duration::from_secs(10))
        } else {
            self.settings.feed_silence
        }
    }

    fn branch(&mut self, name: &'static str) -> &mut Branch {
        let last = self.clock.now().machine;
        self.tree.entry(name).or_insert(Branch {
            last,
            generation: 0,
            restarts: 0,
            degraded: false,
        })
    }

    fn own(&self) -> Value {
        let now = self.clock.now();
        let feeds = self.tree.iter().filter(|(name, _)| **name != scanner::NAME);
        let feeds = feeds.map(|(name, branch)| {
            let (venue, product) = name.split_once('.').unwrap_or((name, ""));
            let age = now.machine.since(branch.last);
            json!({
                "name": name, "venue": venue, "product": product,
                "ok": age <= self.bound(name) && !branch.degraded, "age_seconds": age.as_secs(),
                "generation": branch.generation, "restarts": branch.restarts,
            })
        });
        json!({ "mode": self.health.mode(), "feeds": feeds.collect::<Vec<_>>(), "now": now.market.to_string() })
    }
}

impl Actor for Lookout {
    type Context = Context<Self>;
}

impl Handler<Heartbeat> for Lookout {
    type Result = ();

    fn handle(&mut self, Heartbeat { actor, generation }: Heartbeat, _: &mut Self::Context) {
        let now = self.clock.now().machine;
        let branch = self.branch(actor);
        (branch.last, branch.generation, branch.degraded) = (now, generation, false);
        self.health.beat(actor, now, self.bound(actor));
        if actor == scanner::NAME {
            self.health.progressed(now);
        }
    }
}

impl Handler<Fault> for Lookout {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Self::Context) {
        if fault.child == scanner::NAME {
            crit!(self.log, "the scanner died; the process ends and the platform restarts it";
                "cause" => ?fault.cause, "exit_code" => EXIT_PANIC);
            (self.exit)(EXIT_PANIC);
            return;
        }
        let branch = self.branch(fault.child);
        branch.restarts += 1;
        branch.degraded |= fault.escalates;
        let restarts = branch.restarts;
        self.health.fail(fault.child);
        warn!(self.log, "feed is being rebuilt"; "feed" => fault.child, "cause" => ?fault.cause, "restarts" => restarts);
    }
}

impl Handler<Observe> for Lookout {
    type Result = ResponseFuture<Value>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let (mut own, scanner) = (self.own(), self.scanner.clone());
        Box::pin(async move {
            if let (Some(scanner), Some(fields)) = (scanner, own.as_object_mut())
                && let Ok(told) = scanner.send(Observe).await
            {
                fields.insert("scanner".to_owned(), told);
            }
            own
        })
    }
}

/// Starts on this arbiter; what can be traded is read, however long the venues take, and then kept up with.
pub fn start(parts: ScoutParts) -> Scout {
    let ScoutParts {
        venues,
        settings,
        clock,
        health,
        exit,
        log,
    } = parts;
    let (settings, interest) = (Rc::new(settings), Interest::none());
    health.set_mode("starting");
    let ctx: Context<Lookout> = Context::new();
    let lookout = ctx.address();
    let beats: Recipient<Heartbeat> = lookout.clone().recipient();
    let scanner = Guardian::start(
        scanner::NAME,
        Policy::MONEY,
        lookout.clone().recipient(),
        settings.seed,
        |_| Scanner::new(Rc::clone(&settings), Rc::clone(&clock), beats.clone(), interest.clone()),
    );
    ctx.run(Lookout {
        tree: BTreeMap::new(),
        scanner: Some(scanner.clone()),
        settings: Rc::clone(&settings),
        clock: Rc::clone(&clock),
        health: health.clone(),
        exit: Rc::clone(&exit),
        log: log.new(o!("actor" => MODE)),
    });
    let markets = venues.iter().map(|venue| (venue.id, Rc::clone(&venue.data))).collect();
    let accounts = venues.iter().map(|venue| (venue.id, Rc::clone(&venue.fees))).collect();
    let streams = venues.into_iter().map(|venue| Streams {
        venue: venue.id,
        feeds: venue.feeds,
        account: None,
    });
    let feeds = Feeds {
        streams: streams.collect(),
        scanner: scanner.clone(),
        boss: lookout.clone().recipient(),
        beats,
        settings: Rc::clone(&settings),
        clock: Rc::clone(&clock),
        interest,
        log: log.clone(),
    };
    let lister = Lister {
        markets,
        accounts,
        settings: Rc::clone(&settings),
    };
    let work = actix_rt::spawn(keep_up(lister, feeds, scanner.clone(), clock, health, log.clone()));
    actix_rt::spawn(async move {
        if work.await.is_err() {
            crit!(log, "reading what can be traded panicked; the process ends"; "exit_code" => EXIT_PANIC);
            exit(EXIT_PANIC);
        }
    });
    Scout { scanner, lookout }
}

async fn keep_up(
    lister: Lister,
    feeds: Feeds,
    scanner: Addr<Scanner>,
    clock: Rc<dyn Clock>,
    health: HealthBoard,
    log: Logger,
) {
    let mut listed = Listed::new();
    for venue in lister.markets.keys() {
        loop {
            match lister.of_venue(*venue).await {
                Ok(of_venue) => break listed.extend(of_venue),
                Err(error) => {
                    warn!(log, "a venue's instruments could not be read"; "venue" => %venue, "error" => %error)
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
    let watched = watched(&lister.settings, &listed);
    info!(log, "instruments known"; "listed" => listed.len(), "watched" => watched.len());
    let _ = scanner.send(ListInstruments(watched.values().cloned().collect())).await; // its death ends the process
    feeds.start(&watched.keys().cloned().collect::<Vec<_>>());
    health.set_mode(MODE);
    let historian = Historian {
        markets: lister.markets.clone(),
        settings: Rc::clone(&lister.settings),
        clock,
    };
    let perpetuals = watched.keys().filter(|id| id.product == Product::Perp).cloned();
    let settled = historian.keep_up(perpetuals.collect(), scanner.clone().recipient(), log.clone());
    futures_util::future::join(lister.keep_up(watched, scanner.recipient(), log), settled).await;
}

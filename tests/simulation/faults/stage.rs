//! A short world in which a fault is played, and the questions that are asked of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use actors::messages::{Observe, Reconcile};
use domain::alert::AlertName;
use domain::journal::{Batch, JournalError, Record, Written};
use domain::order::Epoch;
use domain::ports::{Answer, Journal};
use funding_arb::witness::tapped::{Tap, Tapped};
use funding_arb::world::{Tamper, World, WorldOptions};
use serde_json::{Value, json};
use slog::{Discard, Logger, o};
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use super::cable::Cable;

/// The requests that make an order.
pub const CREATES: [(&str, &str); 3] = [
    ("bybit", "/v5/order/create"),
    ("binance", "/fapi/v1/order"),
    ("binance", "/api/v3/order"),
];
/// Both venues.
pub const VENUES: [&str; 2] = ["binance", "bybit"];
/// The ports of a venue's hosts in a world.
pub fn ports(venue: &str) -> &'static [u16] {
    if venue == "bybit" { &[3] } else { &[1, 2] }
}

/// A world, what its engine writes, and the cable to its venues.
pub struct Stage {
    pub world: World,
    pub cable: Cable,
    written: Rc<RefCell<Vec<Record>>>,
}

/// Runs a story in virtual time on this thread.
pub fn virtual_time<F: Future<Output = ()>>(story: F) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let bounded = async { tokio::time::timeout(Duration::from_hours(30), story).await };
    let ended = actix::System::with_tokio_rt(|| runtime).block_on(bounded);
    ended.expect("the story did not come to its end");
}

/// Opens a world of four symbols and plays a story in it.
pub fn play(seed: u64, story: impl AsyncFnOnce(Stage)) {
    virtual_time(async move { story(Stage::open(seed).await).await });
}

impl Stage {
    /// A world whose engine has just been started.
    pub async fn open(seed: u64) -> Self {
        let options = WorldOptions {
            seed,
            hours: 24,
            symbols: 4,
            faults: true,
            campaign: false,
            left_out: &[],
        };
        let written: Rc<RefCell<Vec<Record>>> = Rc::default();
        let heard = Rc::clone(&written);
        let listening: Tamper = Rc::new(move |venues, journal| {
            let tap = Overheard(Rc::clone(&heard));
            (venues, Rc::new(Tapped { journal, tap }))
        });
        let cable = Cable::default();
        let log = Logger::root(Discard, o!());
        let world = World::make(options, Some(&cable.splice()), Some(&listening), &log)
            .await
            .unwrap();
        Self { world, cable, written }
    }

    /// Sets fault rules, given as a list.
    pub fn inject(&self, rules: &Value) {
        self.world.inject(&json!({ "rules": rules }).to_string()).unwrap();
    }

    /// How often the rules in force have fired.
    pub fn fired(&self) -> u64 {
        let rules = self.world.twin.faults();
        let counts = rules["rules"].as_array().into_iter().flatten();
        counts.filter_map(|rule| rule["fired"].as_u64()).sum()
    }

    /// Lifts every fault.
    pub fn heal(&self) {
        self.world.twin.clear_faults();
        self.cable.heal();
    }

    /// What the engine says of itself.
    pub async fn status(&self) -> Value {
        self.world.engine.supervisor.send(Observe).await.unwrap()
    }

    /// Has the engine hold its ledger against the venues now.
    pub async fn reconcile(&self) {
        let asked = Reconcile { at_start: false };
        self.world.engine.keeper.send(asked).await.unwrap().ok();
    }

    /// Waits until the status fits; fails after `limit` of virtual time.
    pub async fn until(&self, what: &str, limit: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        loop {
            let status = self.status().await;
            if fits(&status) {
                return status;
            }
            assert!(
                Instant::now() < end,
                "{what} did not come about: {status:#}\n{}",
                self.tale()
            );
            sleep(Duration::from_secs(2)).await;
        }
    }

    /// Waits until a hedge is open.
    pub async fn until_open(&self) -> Value {
        self.until("an open hedge", Duration::from_mins(45), |status| {
            count(status, "open") > 0
        })
        .await
    }

    /// Waits until everything is well and entries are allowed.
    pub async fn until_running(&self) -> Value {
        self.until("a running engine", Duration::from_mins(45), is_running)
            .await
    }

    /// Lifts every fault, lets the engine leave all hedges, and has both sides compared.
    pub async fn ends_well(&self) {
        self.heal();
        self.world.wind_down().await;
        self.world.compare().await;
        let report = self.world.report().await;
        let verdict = &report.verdict;
        let events = report.last_events.join("\n");
        assert_eq!(verdict.count, 0, "{:#?}\n{events}\n{}", verdict.violations, self.tale());
        assert_eq!(report.exit, None, "the engine ended itself\n{}", self.tale());
        self.sent_once();
        let held = self.status().await["hedges"].as_array().map_or(0, Vec::len);
        assert_eq!(held, 0, "a hedge was not left\n{}", self.tale());
    }

    /// No order left the engine twice, and none that is not in the ledger.
    pub fn sent_once(&self) {
        let sent = self.cable.orders();
        let names: BTreeSet<_> = sent.iter().cloned().collect();
        assert_eq!(names.len(), sent.len(), "an order was sent twice: {sent:?}");
        let recorded = self.recorded();
        assert!(names.is_subset(&recorded), "sent {names:?}, recorded {recorded:?}");
    }

    /// The client ids of all intents in the ledger.
    pub fn recorded(&self) -> BTreeSet<String> {
        let written = self.written.borrow();
        let ids = written.iter().filter_map(|record| match record {
            Record::Order(ticket) => Some(ticket.client_id.to_string()),
            _ => None,
        });
        ids.collect()
    }

    /// How many alerts of a name there were.
    pub fn alerts(&self, name: AlertName) -> usize {
        let written = self.written.borrow();
        let named = |record: &&Record| matches!(record, Record::Alert(alert) if alert.name == name);
        written.iter().filter(named).count()
    }

    /// What the engine wrote, but for figures: for the message of a failing test.
    pub fn tale(&self) -> String {
        let written = self.written.borrow();
        let told = written.iter().filter_map(|record| match record {
            Record::Alert(alert) => Some(format!("{}: {}", alert.name.as_str(), alert.text)),
            Record::Decision {
                subject,
                verdict,
                numbers,
            } => Some(format!("{verdict} {subject} {numbers}")),
            Record::Order(ticket) => Some(format!(
                "order {} {} {}",
                ticket.client_id, ticket.side, ticket.instrument
            )),
            _ => None,
        });
        told.collect::<Vec<_>>().join("\n")
    }

    /// The rows of a table of a venue's truth.
    pub fn truth(&self, venue: &str, table: &str) -> Vec<Value> {
        let truth = self.world.twin.truth();
        truth["venues"][venue][table].as_array().cloned().unwrap_or_default()
    }

    /// How many orders both venues have of us.
    pub fn orders(&self) -> usize {
        VENUES.iter().map(|venue| self.truth(venue, "orders").len()).sum()
    }

    /// Requests to a venue since an instant of the simulator, without its clock: `(time, method and path)`.
    pub fn requests(&self, venue: &str, since: i64) -> Vec<(i64, String)> {
        let rows = self.truth(venue, "requests").into_iter().filter_map(|row| {
            let (at, method, path) = (row["time_ms"].as_i64()?, row["method"].as_str()?, row["path"].as_str()?);
            (at > since && !path.ends_with("/time")).then(|| (at, format!("{method} {path}")))
        });
        rows.collect()
    }
}

/// How many hedges are in a state.
pub fn count(status: &Value, state: &str) -> usize {
    let hedges = status["hedges"].as_array().into_iter().flatten();
    hedges.filter(|hedge| hedge["state"] == state).count()
}

/// Whether entries are allowed and every feed is well.
pub fn is_running(status: &Value) -> bool {
    let feeds = status["feeds"].as_array().into_iter().flatten();
    status["mode"] == "running" && feeds.clone().count() == 6 && feeds.into_iter().all(|feed| feed["ok"] == true)
}

/// How often feeds of a venue were rebuilt, private and public ones.
pub fn restarts(status: &Value, venue: &str) -> u64 {
    let feeds = status["feeds"].as_array().into_iter().flatten();
    let of_venue = feeds.filter(|feed| feed["venue"] == venue);
    of_venue.filter_map(|feed| feed["restarts"].as_u64()).sum()
}

/// Listens to what a ledger has taken.
struct Overheard(Rc<RefCell<Vec<Record>>>);

impl Tap for Overheard {
    fn write<'a>(&'a self, journal: &'a dyn Journal, batch: Batch) -> Answer<'a, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = journal.write(batch.clone()).await?;
            self.0.borrow_mut().extend(batch.records);
            Ok(written)
        })
    }

    fn back_fill<'a>(
        &'a self,
        journal: &'a dyn Journal,
        epoch: Epoch,
        batch: Batch,
    ) -> Answer<'a, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = journal.back_fill(epoch, batch.clone()).await?;
            self.0.borrow_mut().extend(batch.records);
            Ok(written)
        })
    }
}

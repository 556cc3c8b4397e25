//! Short plays that lead an engine through every moment of a hedge, so that it passes every place at which it can be told
//! to die. A play ends when the engine does.

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::http::ask;
use super::kit::{ENTERED_WITHIN, House, Process, TOKEN, Venues, secs};

/// What is traded: one symbol, so that there is one hedge.
const SYMBOL: &str = "SOLUSDT";
/// Longer than the lease is left without a renewal, shorter than a request may take.
const SLOW_MS: u32 = 6_500;

/// The plays. The cheapest that passes a place is the one in which its death is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A hedge is entered, rests while the private streams are cut, and is left.
    Plain,
    /// A person pauses and resumes at rest, with and without a hedge.
    Paused,
    /// The answers of the first leg's venue take long; streams are cut and entries paused meanwhile.
    SlowFirst,
    /// The same of the second leg's venue.
    SlowSecond,
    /// The second leg is refused until the first one is taken back, slowly.
    Refused,
    /// The first leg's order is carried out and never answered, and its venue does not speak of it for a while.
    UnknownFirst,
    /// The same of the second leg.
    UnknownSecond,
    /// The same of the first order of a way out.
    UnknownLeaving,
    /// The same of the order that takes the first leg back.
    UnknownRepairing,
    /// The ledger is locked while a hedge is left, and comes back.
    LockedLeaving,
    /// The ledger is locked while the first leg is on its way, which must then be taken back.
    LockedEntering,
    /// Stopped by a signal with nothing held.
    StoppedIdle,
    /// Stopped by a signal with a hedge at rest.
    StoppedOpen,
    /// Stopped by a signal while the first leg is on its way.
    StoppedFirst,
    /// Stopped by a signal while the second leg is on its way.
    StoppedSecond,
    /// Stopped by a signal while a hedge is left.
    StoppedLeaving,
    /// Stopped by a signal while a leg is taken back.
    StoppedRepairing,
    /// The first leg rests in the book until its time is over, and what is left of it is taken.
    Resting,
    /// Stopped by a signal when the first leg's order, carried out and never answered, was laid aside unproven.
    StoppedAside,
    /// A start after a death with the first order on its way.
    BornFirst,
    /// A start after a death with the second order on its way.
    BornSecond,
    /// A start after a death at rest.
    BornOpen,
    /// A start after a death while a hedge is left.
    BornLeaving,
    /// A start after a death while a leg is taken back.
    BornRepairing,
}

impl Act {
    pub const ALL: [Self; 24] = [
        Self::Plain,
        Self::Paused,
        Self::SlowFirst,
        Self::SlowSecond,
        Self::Refused,
        Self::UnknownFirst,
        Self::UnknownSecond,
        Self::UnknownLeaving,
        Self::UnknownRepairing,
        Self::LockedLeaving,
        Self::LockedEntering,
        Self::StoppedIdle,
        Self::StoppedOpen,
        Self::StoppedFirst,
        Self::StoppedSecond,
        Self::StoppedLeaving,
        Self::StoppedRepairing,
        Self::Resting,
        Self::StoppedAside,
        Self::BornFirst,
        Self::BornSecond,
        Self::BornOpen,
        Self::BornLeaving,
        Self::BornRepairing,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| format!("{act:?}") == name)
    }

    /// Where an earlier life dies before this play begins.
    pub const fn earlier_death(self) -> Option<(&'static str, Self)> {
        match self {
            Self::BornFirst => Some(("order.placed@entering_first", Self::Plain)),
            Self::BornSecond => Some(("order.placed@entering_second", Self::Plain)),
            Self::BornOpen => Some(("job.rested@open", Self::Plain)),
            Self::BornLeaving => Some(("order.placed@leaving", Self::Plain)),
            Self::BornRepairing => Some(("order.placed@repairing", Self::Refused)),
            _ => None,
        }
    }
}

/// The engine has ended.
pub struct Died;

type Played = Result<(), Died>;

/// Venues, and an engine that may die at any moment.
pub struct Scene {
    pub venues: Venues,
    pub house: House,
    pub process: Process,
    port: u16,
    hog: Option<SqliteConnection>,
}

impl Scene {
    /// The venues and a house beside them; nothing is worth entering.
    pub fn set(name: &str) -> (Venues, House) {
        let mut house = House::new(name);
        let venues = Venues::start(&house.folder.0);
        dull(&venues);
        for (venue, product, depth) in [("binance", "usdm", "300000"), ("bybit", "linear", "3000000")] {
            // The thinner book is entered first.
            venues.market(&json!({ "venue": venue, "symbol": SYMBOL, "product": product, "depth_usd": depth }));
        }
        house = house.at(&venues);
        house.set("FUNDING_ARB__UNIVERSE__SYMBOLS", "SOL");
        (venues, house)
    }

    /// Starts an engine that is told to die, and plays until it does or the play is over; true when it died.
    pub fn play(venues: Venues, mut house: House, act: Act, order: &str) -> (Self, bool) {
        if act == Act::Resting {
            house.set("FUNDING_ARB__EXECUTION__STYLE", "maker_first");
            house.set("FUNDING_ARB__EXECUTION__MAKER_DEADLINE_MS", "1000");
        }
        house.set("FUNDING_ARB_CRASH_AT", order);
        let process = house.spawn();
        house.variables.remove("FUNDING_ARB_CRASH_AT");
        let mut scene = Self {
            venues,
            house,
            process,
            port: 0,
            hog: None,
        };
        let died = scene.act(act).is_err();
        scene.venues.clear_faults();
        scene.hog = None; // its transaction ends with it
        (scene, died)
    }

    /// What outlives the engine.
    pub fn apart(self) -> (Venues, House) {
        (self.venues, self.house)
    }

    fn act(&mut self, act: Act) -> Played {
        self.doors()?;
        self.until(secs(60), |status| {
            status["mode"] == "running" || status["mode"] == "paused"
        })?;
        match act {
            Act::Plain | Act::BornOpen | Act::BornFirst | Act::BornSecond | Act::BornLeaving | Act::BornRepairing => {
                self.enter()?;
                dull(&self.venues);
                self.cut_streams();
                self.wait(secs(12))?; // renewals too
                self.leave()?;
                self.wait(secs(2))
            }
            Act::Paused => {
                for held in [false, true] {
                    if held {
                        self.enter()?;
                    }
                    self.pause()?;
                    self.wait(secs(2))?;
                    self.post("/resume", None);
                    self.wait(secs(1))?;
                }
                self.wait(secs(1))
            }
            Act::SlowFirst | Act::SlowSecond => self.slow(act == Act::SlowFirst),
            Act::Refused => {
                self.refuse_second();
                self.slow_down("binance", 1);
                let before = self.orders();
                lure(&self.venues);
                self.ordered("binance", before + 2)?;
                self.cut_streams();
                self.pause()?;
                self.wait(secs(10))?;
                self.wait_flat()
            }
            Act::UnknownFirst | Act::UnknownSecond => {
                self.silence(if act == Act::UnknownFirst { "binance" } else { "bybit" }, 0);
                lure(&self.venues);
                self.wait(secs(24))?;
                self.venues.clear_faults();
                dull(&self.venues);
                self.wait(secs(8))
            }
            Act::UnknownLeaving => {
                self.enter()?;
                dull(&self.venues);
                self.silence("binance", 0);
                self.post("/close-all", None);
                self.wait(secs(24))?;
                self.venues.clear_faults();
                self.wait_flat()
            }
            Act::UnknownRepairing => {
                self.refuse_second();
                self.silence("binance", 1);
                lure(&self.venues);
                self.wait(secs(26))?;
                self.venues.clear_faults();
                dull(&self.venues);
                self.wait(secs(8))
            }
            Act::LockedLeaving => {
                self.enter()?;
                dull(&self.venues);
                self.lock();
                self.post("/close-all", None);
                self.wait(secs(9))?;
                self.hog = None;
                self.wait(secs(8))
            }
            Act::LockedEntering => {
                self.slow_down("binance", 0);
                lure(&self.venues);
                self.ordered("binance", 1)?;
                self.lock();
                self.wait(secs(16))?;
                self.hog = None;
                dull(&self.venues);
                self.wait(secs(8))
            }
            Act::Resting => {
                self.enter()?;
                dull(&self.venues);
                self.leave()
            }
            Act::StoppedAside => {
                self.silence("binance", 0);
                lure(&self.venues);
                self.wait(secs(24))?;
                self.stop()
            }
            Act::StoppedIdle => self.stop(),
            Act::StoppedOpen => {
                self.enter()?;
                self.stop()
            }
            Act::StoppedFirst | Act::StoppedSecond => {
                let venue = if act == Act::StoppedFirst { "binance" } else { "bybit" };
                self.slow_down(venue, 0);
                lure(&self.venues);
                self.ordered(venue, 1)?;
                self.stop()
            }
            Act::StoppedLeaving => {
                self.enter()?;
                dull(&self.venues);
                self.slow_down("binance", 0);
                self.post("/close-all", None);
                self.ordered("binance", 2)?;
                self.stop()
            }
            Act::StoppedRepairing => {
                self.refuse_second();
                self.slow_down("binance", 1);
                lure(&self.venues);
                self.ordered("binance", 2)?;
                self.stop()
            }
        }
    }

    /// Streams are cut and entries paused while an order of one leg is on its way, in and out.
    fn slow(&mut self, first: bool) -> Played {
        let venue = if first { "binance" } else { "bybit" };
        self.slow_down(venue, 0);
        lure(&self.venues);
        self.ordered(venue, 1)?;
        self.cut_streams();
        self.pause()?;
        self.until(ENTERED_WITHIN, |status| status["hedges"][0]["state"] == "open")?;
        dull(&self.venues);
        self.post("/resume", None);
        self.venues.clear_faults();
        self.slow_down(venue, 0);
        let before = self.orders_at(venue);
        self.post("/close-all", None);
        self.ordered(venue, before + 1)?;
        self.cut_streams();
        self.pause()?;
        self.wait(secs(8))?;
        self.wait_flat()
    }

    fn doors(&mut self) -> Played {
        let logged_port = |logged: &str| -> Option<u16> {
            let line = logged.lines().find(|line| line.contains("the doors are open"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.rsplit_once(':')?.1.parse().ok()
        };
        let began = Instant::now();
        while began.elapsed() < secs(40) {
            if let Some(port) = logged_port(&self.process.logged()) {
                self.port = port;
                return Ok(());
            }
            self.lives()?;
            sleep(Duration::from_millis(25));
        }
        panic!("no doors: {}", self.process.logged());
    }

    fn lives(&mut self) -> Played {
        self.process.ended().map_or(Ok(()), |_| Err(Died))
    }

    fn wait(&mut self, length: Duration) -> Played {
        let began = Instant::now();
        while began.elapsed() < length {
            self.lives()?;
            sleep(Duration::from_millis(25));
        }
        Ok(())
    }

    /// Waits for a status; goes on without it where a fault keeps it away.
    fn until(&mut self, within: Duration, fits: impl Fn(&Value) -> bool) -> Played {
        let began = Instant::now();
        while began.elapsed() < within {
            self.lives()?;
            if self.status().is_some_and(|status| fits(&status)) {
                return Ok(());
            }
            sleep(Duration::from_millis(50));
        }
        self.lives()
    }

    fn status(&self) -> Option<Value> {
        let (status, body) = ask(self.port, "GET", "/status", Some(TOKEN), None).ok()?;
        (status == 200).then(|| serde_json::from_str(&body).ok()).flatten()
    }

    fn post(&self, path: &str, body: Option<&Value>) {
        let _ = ask(self.port, "POST", path, Some(TOKEN), body); // whoever dies does not answer
    }

    fn pause(&mut self) -> Played {
        self.post("/pause", Some(&json!({ "reason": "a play" })));
        self.lives()
    }

    fn enter(&mut self) -> Played {
        lure(&self.venues);
        self.until(ENTERED_WITHIN, |status| status["hedges"][0]["state"] == "open")
    }

    fn leave(&mut self) -> Played {
        self.post("/close-all", None);
        self.wait_flat()
    }

    fn wait_flat(&mut self) -> Played {
        self.until(secs(20), |status| {
            status["hedges"].as_array().is_some_and(Vec::is_empty)
        })
    }

    fn stop(&mut self) -> Played {
        self.process.signal("TERM");
        self.wait(secs(12))
    }

    fn orders_at(&self, venue: &str) -> usize {
        self.venues.rows("orders").iter().filter(|(at, _)| at == venue).count()
    }

    fn orders(&self) -> usize {
        self.orders_at("binance")
    }

    /// Waits until a venue has so many orders.
    fn ordered(&mut self, venue: &str, many: usize) -> Played {
        let began = Instant::now();
        while self.orders_at(venue) < many && began.elapsed() < secs(30) {
            self.lives()?;
            sleep(Duration::from_millis(25));
        }
        self.lives()
    }

    fn cut_streams(&self) {
        let cut = |venue: &str| json!({ "venue": venue, "link": "private", "action": "RESET" });
        self.venues.faults(&json!([cut("binance"), cut("bybit")]));
    }

    fn slow_down(&self, venue: &str, after: u32) {
        self.venues
            .faults(&json!([{ "venue": venue, "link": "rest", "after": after, "count": null,
            "match": { "method": "POST", "path": door(venue) }, "action": "DELAY", "args": { "ms": SLOW_MS } }]));
    }

    /// A venue carries an order out, does not say so, and knows nothing when it is asked.
    fn silence(&self, venue: &str, after: u32) {
        let asked = if venue == "binance" {
            "/fapi/v1/order"
        } else {
            "/v5/order/realtime"
        };
        self.venues.faults(&json!([
            { "venue": venue, "link": "rest", "after": after, "match": { "method": "POST", "path": door(venue) }, "action": "DROP_RESP" },
            { "venue": venue, "link": "rest", "count": null, "after": after, "match": { "method": "GET", "path": asked }, "action": "REPLY",
              "args": { "status": 502, "body": "<html>Bad Gateway</html>" } },
        ]));
    }

    fn refuse_second(&self) {
        let body = json!({ "retCode": 110007, "retMsg": "ab not enough for new order", "result": {}, "retExtInfo": {}, "time": 0 });
        self.venues.faults(&json!([{ "venue": "bybit", "link": "rest", "count": null,
            "match": { "method": "POST", "path": door("bybit") }, "action": "REPLY", "args": { "status": 200, "body": body } }]));
    }

    fn lock(&mut self) {
        let mut hog = SqliteConnection::establish(&self.house.ledger().display().to_string()).unwrap();
        hog.batch_execute("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE")
            .unwrap();
        self.hog = Some(hog);
    }
}

fn door(venue: &str) -> &'static str {
    if venue == "binance" {
        "/fapi/v1/order"
    } else {
        "/v5/order/create"
    }
}

/// Makes the pair worth entering.
pub fn lure(venues: &Venues) {
    venues.funding(SYMBOL, "0.004", "-0.003");
}

/// Makes it worth nothing.
pub fn dull(venues: &Venues) {
    venues.funding(SYMBOL, "0.0001", "0.0001");
}

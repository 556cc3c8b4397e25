//! One life of the real program on PostgreSQL, and a script of incidents. After each of them health has told the truth in
//! time, people were told, and nothing is naked, doubled or lost.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{ask, ask_within};
use super::killed::{ledger_equals_venues, naked, one_order_each};
use super::kit::{Engine, House, Venues, secs, wait_for};
use super::postgres::TempPg;
use super::webhook::Receiver;

const HOOK: &str = "/hook";
/// A settlement falls due so long after the start, in the middle of it all.
const TO_SETTLEMENT: i64 = 50;
/// Nothing of these is worth entering before the script says so.
const SYMBOLS: [&str; 5] = ["ETH", "SOL", "XRP", "DOGE", "ADA"];

struct Stage {
    venues: Venues,
    people: Receiver,
    database: TempPg,
    engine: Engine,
    house: House,
    began: Instant,
}

impl Stage {
    fn new() -> Self {
        let mut house = House::new("chaos");
        let venues = Venues::start(&house.folder.0);
        let (_, said) = ask(venues.ports[1], "GET", "/fapi/v1/time", None, None).unwrap();
        let now = serde_json::from_str::<Value>(&said).unwrap()["serverTime"]
            .as_i64()
            .unwrap()
            / 1_000;
        let ahead = (28_800 - now % 28_800 - TO_SETTLEMENT).rem_euclid(28_800);
        venues.advance(u32::try_from(ahead).unwrap());
        for symbol in SYMBOLS {
            venues.funding(&format!("{symbol}USDT"), "0.0001", "0.0001");
        }
        house = house.at(&venues);
        let (database, people) = (TempPg::start(), Receiver::start());
        for (name, value) in [
            ("DATABASE_URL", database.url("postgres")),
            ("DISCORD_WEBHOOK_URL", format!("http://127.0.0.1:{}{HOOK}", people.port)),
            ("FUNDING_ARB__UNIVERSE__SYMBOLS", SYMBOLS.join(",")),
        ] {
            house.set(name, &value);
        }
        let mut engine = house.start();
        assert_eq!(engine.wait_ready(secs(40)), "running");
        let began = Instant::now();
        Self {
            venues,
            people,
            database,
            engine,
            house,
            began,
        }
    }

    /// How often people were told this.
    fn heard(&self, name: &str, word: &str) -> usize {
        let texts = self.people.texts(HOOK);
        let fits = |text: &&String| text.starts_with(&format!("{name} ")) && text.contains(word);
        texts.iter().filter(fits).count()
    }

    /// Waits until people have been told this once more than `before`.
    fn told(&self, (name, word): (&str, &str), before: usize, within: Duration) {
        wait_for(&format!("{name} of {word:?}"), within, || {
            (self.heard(name, word) > before).then_some(())
        });
    }

    /// Waits for 503; the checks that say why.
    fn unwell(&self, within: Duration) -> Vec<String> {
        let sick = wait_for("503", within, || {
            Some(self.engine.health()).filter(|(code, _)| *code == 503)
        })
        .1;
        let checks = sick["checks"].as_object().unwrap();
        let failing = checks.iter().filter(|(_, check)| check["ok"] == false);
        failing.map(|(name, _)| name.clone()).collect()
    }

    /// Waits for 200, and for a mode.
    fn well(&self, mode: &str, within: Duration) {
        wait_for(&format!("200 and {mode}"), within, || {
            let (code, health) = self.engine.health();
            (code == 200 && health["mode"] == mode).then_some(())
        });
    }

    /// A hedge of this symbol that holds both legs; its number.
    fn open(&self, symbol: &str) -> Option<String> {
        let hedges = self.engine.hedges();
        let hedge = hedges
            .iter()
            .find(|hedge| hedge["symbol"] == symbol && hedge["state"] == "open")?;
        hedge["id"].as_str().map(ToOwned::to_owned)
    }

    /// Makes a pair worth entering.
    fn lure(&self, symbol: &str) {
        self.venues.funding(symbol, "0.004", "-0.003");
    }

    fn enters(&self, symbol: &str, within: Duration) {
        wait_for(&format!("a hedge of {symbol}"), within, || self.open(symbol).map(drop));
    }

    fn orders(&self) -> usize {
        self.venues.rows("orders").len()
    }

    /// What must hold after every incident.
    fn right_again(&self, incident: &str) {
        wait_for("hedges at rest with equal legs", secs(20), || {
            let rests = |hedge: &Value| hedge["state"] == "open";
            (self.engine.hedges().iter().all(rests) && naked(&self.venues).is_empty()).then_some(())
        });
        self.well("running", secs(75));
        let status = self.engine.status();
        assert_eq!(status["inconsistencies"], 0, "{incident}: {status}");
        assert_eq!(status["pause_reasons"], json!([]), "{incident}: {status}");
        assert_eq!(status["lease"]["epoch"], 1, "{incident}: another life");
        one_order_each(&self.venues, &self.engine);
        println!("{incident}: over after {} s", self.began.elapsed().as_secs());
    }

    fn public_feed_hangs(&self) {
        let before = self.heard("FEED_RESTARTED", "bybit.");
        // Its sockets stay open and say nothing.
        self.venues
            .faults(&json!([{ "venue": "bybit", "link": "public", "action": "STALL" }]));
        let failing = self.unwell(secs(26));
        assert!(failing.iter().all(|name| name.starts_with("bybit.")), "{failing:?}");
        self.venues.clear_faults();
        self.told(("FEED_RESTARTED", "bybit."), before, secs(10));
    }

    fn private_feed_is_reset_by_the_first_fill(&self) {
        let what = ("FEED_RESTARTED", "binance.account");
        let before = self.heard(what.0, what.1);
        self.venues
            .faults(&json!([{ "venue": "binance", "link": "private", "action": "RESET" }]));
        self.lure("ETHUSDT");
        assert_eq!(self.unwell(secs(15)), ["binance.account"]);
        self.told(what, before, secs(10));
        self.enters("ETHUSDT", secs(20));
    }

    fn order_doors_answer_502(&self) {
        let (before, orders) = (self.heard("ORDER_UNKNOWN", ""), self.orders());
        let storm = |path: &str| {
            json!({ "venue": "bybit", "link": "rest", "match": { "path": path }, "count": null, "action": "REPLY",
                    "args": { "status": 502, "body": "<html>Bad Gateway</html>" } })
        };
        self.venues
            .faults(&json!([storm("/v5/order/*"), storm("/v5/execution/*")]));
        self.lure("XRPUSDT");
        self.told(("ORDER_UNKNOWN", ""), before, secs(25));
        self.well("paused", secs(5));
        assert!(self.orders() - orders <= 1, "an unknown order was sent again");
        self.venues.clear_faults();
    }

    fn people_answer_429(&self) {
        let what = [("PAUSED", "lunch"), ("RESUMED", "human")];
        let before = what.map(|(name, word)| self.heard(name, word));
        self.people.answers(429);
        self.engine.post("/pause", Some(&json!({ "reason": "lunch" })));
        self.engine.post("/resume", None);
        wait_for("a delivery that was put off", secs(10), || {
            self.engine.process.logged().contains("too many alerts").then_some(())
        });
        self.well("running", secs(2));
        assert_eq!(what.map(|(name, word)| self.heard(name, word)), before);
        self.people.answers(200);
        for (what, before) in what.into_iter().zip(before) {
            self.told(what, before, secs(10));
        }
        sleep(secs(2));
        let after = what.map(|(name, word)| self.heard(name, word));
        assert_eq!(after, before.map(|before| before + 1), "told twice");
    }

    fn the_process_sleeps(&self) {
        let orders = self.orders();
        self.engine.process.signal("STOP");
        self.lure("DOGEUSDT");
        let health = ("GET", "/health");
        let asleep = ask_within(secs(1), self.engine.port, health, None, None);
        assert!(asleep.is_err(), "a process that stands still has answered: {asleep:?}");
        sleep(secs(4));
        assert_eq!(self.orders(), orders);
        self.engine.process.signal("CONT");
        self.well("running", secs(10));
        self.enters("DOGEUSDT", secs(20));
        self.told(("HEDGE_OPENED", "DOGE"), 0, secs(10));
        let alarms = self.heard("LEDGER_UNAVAILABLE", "");
        assert_eq!(alarms, 0, "a renewal that slept as well is no ledger that is away");
    }

    fn the_database_stops(&mut self) {
        let what = ("FEED_RESTARTED", "binance.perp");
        let (before, orders) = (self.heard(what.0, what.1), self.orders());
        self.database.stop();
        self.lure("ADAUSDT");
        self.venues
            .faults(&json!([{ "venue": "binance", "link": "public", "match": { "topic": "solusdt@markPrice*" }, "action": "RESET" }]));
        self.told(("LEDGER_UNAVAILABLE", ""), 0, secs(12));
        let stopped = Instant::now();
        wait_for("the lease to fail", secs(20), || {
            self.unwell(secs(20)).contains(&"lease".to_owned()).then_some(())
        });
        // Longer than anything that is written at once goes on trying.
        sleep(secs(7).saturating_sub(stopped.elapsed()));
        assert_eq!(self.orders(), orders, "entered without a ledger");
        assert_eq!(self.heard(what.0, what.1), before);
        self.database.go_on();
        self.told(what, before, secs(20));
        self.enters("ADAUSDT", secs(30));
    }

    fn the_key_is_refused(&self) {
        let before = self.heard("PAUSED", "key");
        let id = self.open("ETHUSDT").unwrap();
        let body =
            json!({ "retCode": 10003, "retMsg": "API key is invalid.", "result": {}, "retExtInfo": {}, "time": 0 });
        self.venues.faults(
            &json!([{ "venue": "bybit", "link": "rest", "match": { "method": "POST", "path": "/v5/order/create" },
                              "count": null, "action": "REPLY", "args": { "status": 200, "body": body } }]),
        );
        self.engine.post(&format!("/hedges/{id}/close"), None);
        self.told(("PAUSED", "key"), before, secs(15));
        self.well("paused", secs(5));
        let status = self.engine.status();
        let keys: Vec<_> = status["pause_reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["key"])
            .collect();
        assert!(keys.contains(&&json!("key_refused:bybit")), "{status}");
        self.venues.clear_faults();
        wait_for("the hedge to be left", secs(30), || {
            let hedges = self.engine.hedges();
            (!hedges.iter().any(|hedge| hedge["id"] == *id)).then_some(())
        });
        self.engine.post("/resume", None);
    }

    fn the_venues_clock_leaps(&self) {
        let before = self.heard("HEDGE_CLOSED", "SOL");
        self.venues.faults(
            &json!([{ "venue": "bybit", "link": "rest", "match": {}, "action": "SKEW", "args": { "ms": 30_000 } }]),
        );
        let id = self.open("SOLUSDT").unwrap();
        self.engine.post(&format!("/hedges/{id}/close"), None);
        self.told(("HEDGE_CLOSED", "SOL"), before, secs(20));
        assert_eq!(self.engine.health().0, 200);
        self.venues.clear_faults();
    }
}

#[test]
fn a_script_of_incidents_ends_with_equal_books_and_everybody_told() {
    let mut stage = Stage::new();
    stage.lure("SOLUSDT");
    stage.enters("SOLUSDT", secs(20));
    stage.well("running", secs(20));
    stage.private_feed_is_reset_by_the_first_fill();
    stage.right_again("a private feed that is reset");
    stage.public_feed_hangs();
    stage.right_again("a public feed that hangs");
    stage.order_doors_answer_502();
    stage.right_again("doors that answer 502");
    stage.people_answer_429();
    stage.right_again("a channel that answers 429");
    stage.the_process_sleeps();
    stage.right_again("a process that sleeps");
    stage.the_database_stops();
    stage.right_again("a database that stops");
    stage.the_key_is_refused();
    stage.right_again("a key that is refused");
    stage.the_venues_clock_leaps();
    stage.right_again("a clock that leaps");

    stage
        .engine
        .post("/pause", Some(&json!({ "reason": "the script ends" })));
    stage.engine.close_all();
    one_order_each(&stage.venues, &stage.engine);
    ledger_equals_venues(&stage.venues, &stage.engine);
    stage.engine.process.signal("TERM");
    assert_eq!(stage.engine.process.wait_end(secs(40)), Some(0));
    let verified = stage.house.run(&["ledger", "verify", "--json"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{said}");
    println!("the whole script took {} s", stage.began.elapsed().as_secs());
}

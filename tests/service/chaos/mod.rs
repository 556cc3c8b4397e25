//! The real program on PostgreSQL, and twenty incidents in two scripts. After each of them health has told the truth in
//! time, people were told, and nothing is naked, doubled or lost.
//!
//! - [`lines`]  one life: what happens on the ways to venues, database and people, with a settlement in the midst
//! - [`house`]  several lives: what happens to the account, the process and its doors

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::ask;
use crate::killed::{ledger_equals_venues, naked, one_order_each};
use crate::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};
use crate::postgres::TempPg;
use crate::webhook::Receiver;

mod house;
mod lines;

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
    /// How often somebody has become the executor.
    epoch: u64,
    /// How many differences between ledger and venues this life has rightly found.
    differences: u64,
}

impl Stage {
    fn new(name: &str) -> Self {
        let mut house = House::new(name);
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
            epoch: 1,
            differences: 0,
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

    fn enters(&self, symbol: &str) {
        wait_for(&format!("a hedge of {symbol}"), ENTERED_WITHIN, || {
            self.open(symbol).map(drop)
        });
    }

    fn orders(&self) -> usize {
        self.venues.rows("orders").len()
    }

    /// What must hold after every incident.
    fn right_again(&self, incident: &str) {
        wait_for("hedges at rest with equal legs", secs(60), || {
            let rests = |hedge: &Value| hedge["state"] == "open";
            (self.engine.hedges().iter().all(rests) && naked(&self.venues).is_empty()).then_some(())
        });
        // A comparison may have to wait for the venue's next minute, and is tried once a minute.
        self.well("running", secs(150));
        let status = self.engine.status();
        assert_eq!(status["inconsistencies"], self.differences, "{incident}: {status}");
        assert_eq!(status["pause_reasons"], json!([]), "{incident}: {status}");
        assert_eq!(status["lease"]["epoch"], self.epoch, "{incident}: another life");
        one_order_each(&self.venues, &self.engine);
        println!("{incident}: over after {} s", self.began.elapsed().as_secs());
    }

    /// The last hedge is left, the books are equal, the process ends well, the ledger is whole.
    fn ends_with_equal_books(&mut self) {
        self.engine
            .post("/pause", Some(&json!({ "reason": "the script ends" })));
        self.engine.close_all();
        one_order_each(&self.venues, &self.engine);
        ledger_equals_venues(&self.venues, &self.engine);
        self.engine.process.signal("TERM");
        assert_eq!(self.engine.process.wait_end(secs(40)), Some(0));
        let verified = self.house.run(&["ledger", "verify", "--json"]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert_eq!(verified.status.code(), Some(0), "{said}");
        println!("the whole script took {} s", self.began.elapsed().as_secs());
    }
}

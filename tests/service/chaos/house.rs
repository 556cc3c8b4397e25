//! What happens to the account, the process and its doors. Lives end here and others go on.

use std::thread::{scope, sleep};
use std::time::Instant;

use serde_json::json;

use super::Stage;
use crate::http::ask;
use crate::killed::naked;
use crate::kit::{ENTERED_WITHIN, secs, wait_for};

/// Requests of a stranger at once, and how many each of them makes.
const STRANGERS: usize = 8;
const TRIES: usize = 40;

impl Stage {
    /// Money leaves a wallet without us; the next comparison, behind a reconnection, sees it. Then it is put back.
    fn money_leaves_a_wallet(&mut self) {
        let what = [("INCONSISTENCY", "cash_drift"), ("PAUSED", "differ")];
        let before = what.map(|(name, word)| self.heard(name, word));
        let moved = |side: &str| {
            let act = json!({ "kind": "transfer", "symbol": "USDT", "side": side, "quantity": "250" });
            self.venues.faults(&json!([
                { "venue": "bybit", "action": "FOREIGN", "args": act },
                { "venue": "bybit", "link": "private", "action": "RESET" },
            ]));
        };
        moved("sell");
        for (what, before) in what.into_iter().zip(before) {
            self.told(what, before, secs(80));
        }
        self.well("paused", secs(60));
        moved("buy");
        sleep(secs(10));
        assert_eq!(self.engine.mode(), "paused", "it waits until a person has looked");
        self.differences = self.engine.status()["inconsistencies"].as_u64().unwrap();
        assert!(self.differences > 0);
        self.engine.post("/resume", None);
    }

    /// The venue takes half of a leg; the other one is cut at once.
    fn a_leg_is_deleveraged(&self) {
        let before = self.heard("FORCED_REDUCTION", "SOL");
        self.venues
            .faults(&json!([{ "venue": "bybit", "action": "ADL", "args": { "symbol": "SOLUSDT", "fraction": 0.5 } }]));
        let cut = Instant::now();
        self.told(("FORCED_REDUCTION", "SOL"), before, secs(15));
        wait_for("equal legs", secs(15), || naked(&self.venues).is_empty().then_some(()));
        println!(
            "legs are equal {} ms after the venue took one",
            cut.elapsed().as_millis()
        );
        self.venues.clear_faults();
    }

    /// The book of one symbol is nonsense, in words that no number has. Everything else goes on.
    fn one_symbol_talks_nonsense(&self) {
        let orders = self.orders();
        self.venues.faults(
            &json!([{ "venue": "binance", "link": "public", "match": { "topic": "xrpusdt@*" }, "count": null,
                     "action": "MUTATE", "args": { "field": "b", "value": "NaN" } },
                   { "venue": "binance", "link": "public", "match": { "topic": "xrpusdt@*" }, "count": null,
                     "action": "MUTATE", "args": { "field": "p", "value": "1e9999" } }]),
        );
        sleep(secs(17)); // what was known before has grown old
        self.lure("XRPUSDT");
        sleep(secs(6));
        assert_eq!(self.orders(), orders, "entered on nonsense");
        self.well("running", secs(60));
        self.venues.clear_faults();
        self.enters("XRPUSDT");
    }

    /// A private line that is open and dead from the first order on: what was done is asked for.
    fn a_private_line_is_half_open(&self) {
        let what = ("FEED_RESTARTED", "bybit.account");
        let before = self.heard(what.0, what.1);
        self.venues
            .faults(&json!([{ "venue": "bybit", "link": "private", "action": "HALF_OPEN" }]));
        self.lure("ETHUSDT");
        self.enters("ETHUSDT");
        self.told(what, before, secs(60));
        self.venues.clear_faults();
    }

    /// The venue wants to hear nothing of us for a while; the entry is made after it, once.
    fn a_venue_asks_to_wait(&self) {
        let orders = self.orders();
        let body = json!({ "code": -1003, "msg": "Too many requests." });
        self.venues.faults(
            &json!([{ "venue": "binance", "link": "rest", "match": { "path": "/fapi/v1/depth" }, "action": "REPLY",
            "args": { "status": 429, "body": body, "headers": { "Retry-After": "4" } } }]),
        );
        self.lure("DOGEUSDT");
        self.enters("DOGEUSDT");
        assert_eq!(self.orders() - orders, 2, "one order a leg");
        self.venues.clear_faults();
    }

    /// Whoever does not have the token changes nothing, however often and whatever is asked.
    fn strangers_at_the_doors(&self) {
        let audited = self.engine.list("/audit").len();
        let doors = ["/pause", "/close-all", "/hedges/1/close", "/resume"];
        let codes: Vec<u16> = scope(|scope| {
            let many: Vec<_> = (0..STRANGERS)
                .map(|one| {
                    scope.spawn(move || {
                        let tries = (0..TRIES).map(|turn| {
                            let token = [None, Some("wrong-token-wrong-token")][(one + turn) % 2];
                            let body = json!({ "reason": "mine" });
                            ask(self.engine.port, "POST", doors[turn % doors.len()], token, Some(&body))
                                .unwrap()
                                .0
                        });
                        tries.collect::<Vec<_>>()
                    })
                })
                .collect();
            many.into_iter().flat_map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(codes.len(), STRANGERS * TRIES);
        assert!(codes.iter().all(|code| matches!(code, 401 | 429)), "{codes:?}");
        self.well("running", secs(60));
        assert_eq!(self.engine.list("/audit").len(), audited);
        assert!(self.engine.hedges().iter().all(|hedge| hedge["state"] == "open"));
    }

    /// Nobody hears the engine for a while. It goes on, and all is told once somebody does.
    fn nobody_listens(&self) {
        let before = self.heard("PAUSED", "dinner");
        self.people.answers(503);
        self.engine.post("/pause", Some(&json!({ "reason": "dinner" })));
        sleep(secs(5));
        assert_eq!(self.engine.health().0, 200);
        assert_eq!(self.heard("PAUSED", "dinner"), before);
        self.people.answers(200);
        self.told(("PAUSED", "dinner"), before, secs(30));
        self.engine.post("/resume", None);
    }

    /// The server is stopped under every connection and started again at once.
    fn the_database_is_restarted(&mut self) {
        let hedges = self.engine.hedges().len();
        self.database.stop();
        self.database.go_on();
        self.well("running", secs(30));
        assert_eq!(self.engine.hedges().len(), hedges);
        let body = json!({ "reason": "is it written" });
        assert_eq!(self.engine.post("/pause", Some(&body)).0, 200, "nothing is durable");
        self.engine.post("/resume", None);
    }

    /// As the kernel ends a process that takes too much memory: without a word, in the middle of an entry.
    fn the_process_is_killed(&mut self) {
        let orders = self.orders();
        self.lure("ADAUSDT");
        wait_for("an order", ENTERED_WITHIN, || (self.orders() > orders).then_some(()));
        self.engine.process.kill();
        let killed = Instant::now();
        // What was begun is finished or taken back; nothing more of it is wanted.
        self.venues.funding("ADAUSDT", "0.0001", "0.0001");
        self.engine = self.house.start();
        let mode = self.engine.wait_ready(secs(40));
        println!("ready {} ms after the kill", killed.elapsed().as_millis());
        self.epoch += 1;
        if mode == "paused" {
            self.engine.post("/resume", None);
        }
    }

    /// A deploy: the old process is asked to stop, the new one goes on with what is held.
    fn a_deploy(&mut self) {
        let hedges = self.engine.hedges().len();
        self.engine.process.signal("TERM");
        assert_eq!(self.engine.process.wait_end(secs(36)), Some(0));
        let stopped = Instant::now();
        self.engine = self.house.start();
        assert_eq!(self.engine.wait_ready(secs(30)), "running");
        assert!(stopped.elapsed() < secs(12), "the lease was not given back");
        self.epoch += 1;
        assert_eq!(self.engine.hedges().len(), hedges);
    }

    /// Two on one database: the second sends nothing, and leads soon after the first is dead.
    fn a_successor_takes_over(&mut self) {
        let mut second = self.house.start();
        wait_for("the second to stand by", secs(60), || {
            second.process.logged().contains("standing by").then_some(())
        });
        assert_eq!(second.health().0, 200, "a process that stands by is well");
        assert_eq!(second.mode(), "standby");
        self.engine.process.kill();
        let killed = Instant::now();
        assert_eq!(second.wait_ready(secs(40)), "running");
        println!("taken over {} ms after the death", killed.elapsed().as_millis());
        self.engine = second;
        self.epoch += 1;
    }

    /// A frozen leader that wakes after somebody else has become the executor sends nothing and ends by itself.
    fn a_leader_is_frozen(&mut self) {
        let mut second = self.house.start();
        wait_for("the second to stand by", secs(60), || {
            second.process.logged().contains("standing by").then_some(())
        });
        self.engine.process.signal("STOP");
        assert_eq!(second.wait_ready(secs(45)), "running");
        let orders = self.orders();
        let mut first = std::mem::replace(&mut self.engine, second);
        self.epoch += 1;
        first.process.signal("CONT");
        let code = first.process.wait_end(secs(40));
        assert_ne!(code, Some(0), "{}", first.process.logged());
        assert_eq!(self.orders(), orders, "who was overtaken has sent");
    }
}

#[test]
fn twelve_incidents_in_the_house_end_with_equal_books_and_everybody_told() {
    let mut stage = Stage::new("chaos-house");
    stage.lure("SOLUSDT");
    stage.enters("SOLUSDT");
    stage.well("running", secs(60));
    stage.one_symbol_talks_nonsense();
    stage.right_again("a symbol that talks nonsense");
    stage.a_leg_is_deleveraged();
    stage.right_again("a leg that is deleveraged");
    stage.a_venue_asks_to_wait();
    stage.right_again("a venue that asks to wait");
    stage.a_private_line_is_half_open();
    stage.right_again("a line that is half open");
    stage.strangers_at_the_doors();
    stage.right_again("strangers at the doors");
    stage.nobody_listens();
    stage.right_again("nobody who listens");
    stage.the_database_is_restarted();
    stage.right_again("a database that is restarted");
    stage.the_process_is_killed();
    stage.right_again("a process that is killed");
    stage.a_deploy();
    stage.right_again("a deploy");
    stage.a_successor_takes_over();
    stage.right_again("a successor");
    stage.a_leader_is_frozen();
    stage.right_again("a leader that is frozen");
    stage.money_leaves_a_wallet();
    stage.right_again("money that leaves a wallet");
    stage.ends_with_equal_books();
}

//! On the ways to venues, database and people. One life of the process outlives them all.

use std::thread::sleep;
use std::time::Instant;

use serde_json::json;

use super::Stage;
use crate::http::ask_within;
use crate::kit::{secs, wait_for};

impl Stage {
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
        self.enters("ETHUSDT");
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
        self.well("paused", secs(60));
        assert!(self.orders() - orders <= 1, "an unknown order was sent again");
        self.venues.clear_faults();
    }

    fn people_answer_429(&self) {
        let what = [("PAUSED", "lunch"), ("RESUMED", "human")];
        let before = what.map(|(name, word)| self.heard(name, word));
        self.people.answers(429);
        self.engine.post("/pause", Some(&json!({ "reason": "lunch" })));
        self.engine.post("/resume", None);
        wait_for("a delivery that was put off", secs(60), || {
            self.engine.process.logged().contains("too many alerts").then_some(())
        });
        self.well("running", secs(60));
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
        self.well("running", secs(60));
        self.enters("DOGEUSDT");
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
        wait_for("the lease to fail", secs(60), || {
            self.unwell(secs(20)).contains(&"lease".to_owned()).then_some(())
        });
        // Longer than anything that is written at once goes on trying.
        sleep(secs(7).saturating_sub(stopped.elapsed()));
        assert_eq!(self.orders(), orders, "entered without a ledger");
        assert_eq!(self.heard(what.0, what.1), before);
        self.database.go_on();
        self.told(what, before, secs(20));
        self.enters("ADAUSDT");
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
        self.well("paused", secs(60));
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
fn eight_incidents_on_the_lines_end_with_equal_books_and_everybody_told() {
    let mut stage = Stage::new("chaos-lines");
    stage.lure("SOLUSDT");
    stage.enters("SOLUSDT");
    stage.well("running", secs(60));
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

    stage.ends_with_equal_books();
}

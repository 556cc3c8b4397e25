//! Signals, the lease, and the process that stands by.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};
use super::postgres::TempPg;

fn orders_of(venues: &Venues) -> usize {
    venues.rows("orders").len()
}

/// How many processes have sent orders: each has a name of its own in its client ids.
fn runs_of(venues: &Venues) -> usize {
    let orders = venues.rows("orders");
    let ids = orders.iter().filter_map(|(_, order)| order["client_id"].as_str());
    ids.filter_map(|id| id.split('-').nth(1)).collect::<BTreeSet<_>>().len()
}

/// Stops it by a signal while a hedge is being opened; the next start is immediate.
fn stops_well(signal: &str) {
    let mut house = House::new("signal");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let mut engine = house.start();
    assert_eq!(engine.wait_ready(secs(30)), "running");
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an order", ENTERED_WITHIN, || (orders_of(&venues) > 0).then_some(()));
    // The job is running or has just ended: either way it ends whole.
    engine.process.signal(signal);
    let asked = Instant::now();
    assert_eq!(
        engine.process.wait_end(secs(36)),
        Some(0),
        "{}",
        engine.process.logged()
    );
    assert!(asked.elapsed() < secs(10), "the stop took {:?}", asked.elapsed());
    let sent = orders_of(&venues);
    let logged = engine.process.logged();
    assert!(
        logged.contains(&format!("SIG{signal}")) && logged.contains("\"drained\""),
        "{logged}"
    );
    sleep(secs(2));
    assert_eq!(orders_of(&venues), sent, "something was sent after the end");
    assert_eq!(sent % 2, 0, "the job was not drained: {:?}", venues.rows("orders"));

    let started = Instant::now();
    let mut engine = house.start();
    engine.wait_ready(secs(30));
    assert!(
        started.elapsed() < secs(8),
        "the lease was not given back: {:?}",
        started.elapsed()
    );
    assert!(!engine.process.logged().contains("standing by"));
    let status = engine.status();
    assert_eq!(status["lease"]["epoch"], 2, "{status}");
    assert_eq!(status["inconsistencies"], 0, "{status}");
    assert!(engine.has_open(), "{status}");
}

#[test]
fn sigterm_drains_and_gives_the_lease_back() {
    stops_well("TERM");
}

#[test]
fn sigint_drains_and_gives_the_lease_back() {
    stops_well("INT");
}

#[test]
fn after_a_signal_nothing_is_entered() {
    let mut house = House::new("no-entry");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let mut engine = house.start();
    engine.wait_ready(secs(30));
    let before = orders_of(&venues);
    engine.process.signal("TERM");
    venues.funding("SOLUSDT", "0.004", "0");
    assert_eq!(engine.process.wait_end(secs(36)), Some(0));
    assert_eq!(orders_of(&venues), before);
}

/// Two processes on one ledger: the first leads, the second stands by.
fn leader_and_standby(house: &mut House) -> (Engine, Engine) {
    let mut first = house.start();
    assert_eq!(first.wait_ready(secs(30)), "running");
    let second = house.start();
    wait_for("the second to stand by", secs(60), || {
        second.process.logged().contains("standing by").then_some(())
    });
    (first, second)
}

/// A house whose ledger is a PostgreSQL of its own.
fn on_a_server(name: &str) -> (TempPg, Venues, House) {
    let server = TempPg::start();
    let mut house = House::new(name);
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    house.set("DATABASE_URL", &server.url("postgres"));
    (server, venues, house)
}

#[test]
fn f103_a_second_process_stands_by_and_takes_over() {
    let house = House::new("standby");
    let venues = Venues::start(&house.folder.0);
    takes_over(house.at(&venues), &venues);
}

#[test]
fn f103_a_second_process_stands_by_and_takes_over_on_postgresql() {
    let (_server, venues, house) = on_a_server("standby-pg");
    takes_over(house, &venues);
}

fn takes_over(mut house: House, venues: &Venues) {
    let (mut first, mut second) = leader_and_standby(&mut house);
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an open hedge of the first", ENTERED_WITHIN, || {
        first.has_open().then_some(())
    });
    let status = second.status();
    assert_eq!(status["lease"], Value::Null, "{status}");
    assert_eq!(status["mode"], "standby", "a process that waits for the lease says so");
    let (code, health) = second.health();
    assert_eq!(code, 200, "an open standby is well: {health}");
    assert_eq!(runs_of(venues), 1, "the standby has sent");

    let sent = orders_of(venues);
    first.process.kill();
    let killed = Instant::now();
    let mode = second.wait_ready(secs(40));
    println!("the takeover took {:.1} s", killed.elapsed().as_secs_f32());
    assert!(killed.elapsed() < secs(15), "the takeover took {:?}", killed.elapsed());
    assert_eq!(mode, "running", "{}", second.status());
    assert_eq!(second.status()["lease"]["epoch"], 2);
    assert!(second.has_open());
    assert!(orders_of(venues) >= sent);
    assert_eq!(second.post("/pause", Some(&json!({ "reason": "over" }))).0, 200);
    second.close_all();
}

#[test]
fn f080_a_process_that_was_asleep_beyond_its_lease_sends_nothing_more() {
    let house = House::new("asleep");
    let venues = Venues::start(&house.folder.0);
    sleeps_too_long(house.at(&venues), &venues);
}

#[test]
fn f104_a_leader_that_was_frozen_beyond_its_lease_sends_nothing_more_on_postgresql() {
    let (_server, venues, house) = on_a_server("asleep-pg");
    sleeps_too_long(house, &venues);
}

/// Stops a process while it writes nothing: one that is frozen inside a write keeps the lock of an SQLite file, and nobody
/// can lead before it is woken or killed.
fn freeze_between_writes(engine: &Engine, house: &House) {
    loop {
        engine.process.signal("STOP");
        if !house.ledger().exists() {
            return; // its ledger is on a server
        }
        let mut file = SqliteConnection::establish(&house.ledger().display().to_string()).unwrap();
        if file.batch_execute("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            return;
        }
        engine.process.signal("CONT");
        sleep(std::time::Duration::from_millis(50));
    }
}

/// Nothing is worth entering before somebody says so.
fn dull(venues: &Venues) {
    for symbol in ["ETHUSDT", "SOLUSDT", "XRPUSDT"] {
        venues.funding(symbol, "0.0001", "0.0001");
    }
}

fn sleeps_too_long(mut house: House, venues: &Venues) {
    dull(venues);
    let (mut first, mut second) = leader_and_standby(&mut house);
    assert_eq!(orders_of(venues), 0);
    freeze_between_writes(&first, &house);
    // Worth entering for whoever may, from now on.
    venues.funding("SOLUSDT", "0.004", "0");
    assert_eq!(second.wait_ready(secs(40)), "running");
    wait_for("a hedge of the second", ENTERED_WITHIN, || {
        second.has_open().then_some(())
    });
    first.process.signal("CONT");
    let code = first.process.wait_end(secs(40));
    assert!(matches!(code, Some(75 | 71)), "{code:?}: {}", first.process.logged());
    assert_eq!(second.mode(), "running");
    assert!(runs_of(venues) <= 1, "the sleeper has sent after it was followed");
}

#[test]
fn f104_a_leader_that_is_frozen_inside_a_transaction_is_followed_on_postgresql() {
    let (_server, venues, mut house) = on_a_server("frozen-pg");
    dull(&venues);
    house.set("FUNDING_ARB_CRASH_AT", "freeze=lease.renew_before_commit:3");
    let mut first = house.start();
    assert_eq!(first.wait_ready(secs(30)), "running");
    house.variables.remove("FUNDING_ARB_CRASH_AT");
    let mut second = house.start();
    wait_for("the second to stand by", secs(60), || {
        second.process.logged().contains("standing by").then_some(())
    });
    wait_for("the freeze", secs(60), || first.process.is_frozen().then_some(()));
    let frozen = Instant::now();
    assert_eq!(second.wait_ready(secs(40)), "running");
    println!("followed {:.1} s after the freeze", frozen.elapsed().as_secs_f32());
    assert!(frozen.elapsed() < secs(15), "the takeover took {:?}", frozen.elapsed());
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("a hedge of the second", ENTERED_WITHIN, || {
        second.has_open().then_some(())
    });
    first.process.signal("CONT");
    let code = first.process.wait_end(secs(40));
    assert!(matches!(code, Some(75 | 71)), "{code:?}: {}", first.process.logged());
    assert_eq!(runs_of(&venues), 1, "the sleeper has sent after it was followed");
    assert_eq!(second.status()["lease"]["epoch"], 2);
}

/// Two processes are started at the same instant: one leads, the other one sends nothing.
fn started_together(mut house: House, venues: &Venues) {
    venues.funding("SOLUSDT", "0.004", "0");
    let mut both = [house.spawn(), house.spawn()].map(Engine::of);
    let leader = wait_for("a hedge of either", ENTERED_WITHIN, || {
        both.iter().position(|one| one.mode() == "running" && one.has_open())
    });
    let modes = both.each_ref().map(Engine::mode);
    assert_eq!(modes[1 - leader], "standby", "{modes:?}");
    for (symbol, rate) in [("ETHUSDT", "0.004"), ("XRPUSDT", "0.004")] {
        venues.funding(symbol, rate, "0");
    }
    wait_for("three hedges", ENTERED_WITHIN, || {
        (both[leader].hedges().len() == 3).then_some(())
    });
    assert_eq!(runs_of(venues), 1, "both have sent");
    assert_eq!(both[1 - leader].mode(), "standby");
    both[leader].post("/pause", Some(&json!({ "reason": "over" })));
    both[leader].close_all();
    assert_eq!(runs_of(venues), 1, "both have sent");
    let led = both[leader].status();
    assert_eq!(led["lease"]["epoch"], 1, "{led}");
    for one in &mut both {
        one.process.signal("TERM");
    }
}

#[test]
fn f103_of_two_that_are_started_together_one_sends() {
    let house = House::new("together");
    let venues = Venues::start(&house.folder.0);
    started_together(house.at(&venues), &venues);
}

#[test]
fn f103_of_two_that_are_started_together_one_sends_on_postgresql() {
    let (_server, venues, house) = on_a_server("together-pg");
    started_together(house, &venues);
}

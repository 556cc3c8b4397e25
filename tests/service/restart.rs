//! Signals, the lease, and the process that stands by.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Instant;

use serde_json::{Value, json};

use super::kit::{Engine, House, Venues, secs, wait_for};

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
    wait_for("an order", secs(20), || (orders_of(&venues) > 0).then_some(()));
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
    wait_for("the second to stand by", secs(10), || {
        second.process.logged().contains("standing by").then_some(())
    });
    (first, second)
}

#[test]
fn f103_a_second_process_stands_by_and_takes_over() {
    let mut house = House::new("standby");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let (mut first, mut second) = leader_and_standby(&mut house);
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an open hedge of the first", secs(20), || {
        first.has_open().then_some(())
    });
    let status = second.status();
    assert_eq!(status["lease"], Value::Null, "{status}");
    assert_eq!(status["mode"], "standby", "a process that waits for the lease says so");
    let (code, health) = second.health();
    assert_eq!(code, 200, "an open standby is well: {health}");
    assert_eq!(runs_of(&venues), 1, "the standby has sent");

    let sent = orders_of(&venues);
    first.process.kill();
    let killed = Instant::now();
    let mode = second.wait_ready(secs(40));
    assert!(killed.elapsed() < secs(15), "the takeover took {:?}", killed.elapsed());
    assert_eq!(mode, "running", "{}", second.status());
    assert_eq!(second.status()["lease"]["epoch"], 2);
    assert!(second.has_open());
    assert!(orders_of(&venues) >= sent);
    assert_eq!(second.post("/pause", Some(&json!({ "reason": "over" }))).0, 200);
    second.close_all();
}

#[test]
fn f080_a_process_that_was_asleep_beyond_its_lease_sends_nothing_more() {
    let mut house = House::new("asleep");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let (mut first, mut second) = leader_and_standby(&mut house);
    first.process.signal("STOP");
    assert_eq!(second.wait_ready(secs(40)), "running");
    first.process.signal("CONT");
    let code = first.process.wait_end(secs(40));
    assert!(matches!(code, Some(75 | 71)), "{code:?}: {}", first.process.logged());
    assert_eq!(second.mode(), "running");
    assert!(runs_of(&venues) <= 1, "the sleeper has sent after it was followed");
}

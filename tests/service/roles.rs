//! Processes that share a ledger: one leads, one stands by, one only shows.

use serde_json::Value;

use super::http::ask;
use super::kit::{ENTERED_WITHIN, Engine, Folder, House, TOKEN, Venues, secs, wait_for};

#[test]
fn a_dashboard_shows_what_another_process_holds_and_changes_nothing() {
    let folder = Folder::new("dashboard");
    let venues = Venues::start(&folder.0);
    let mut house = House::new("dashboard").at(&venues);
    let mut leads = house.start();
    leads.wait_ready(secs(60));
    venues.funding("SOLUSDT", "0.004", "-0.003");
    wait_for("an open hedge", ENTERED_WITHIN, || leads.has_open().then_some(()));
    leads.post("/pause", Some(&serde_json::json!({ "reason": "to be seen" })));
    let before = venues.rows("requests").len();
    let keys = [
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
        "BYBIT_API_KEY",
        "BYBIT_API_SECRET",
    ];
    for key in keys {
        house.variables.remove(key);
    }
    let mut shows = house.start_as("dashboard");
    let status = shows.status();
    assert_eq!(status["mode"], "dashboard");
    assert_eq!(
        (&status["lease"]["held"], &status["lease"]["epoch"]),
        (&Value::Bool(true), &1.into())
    );
    assert!(
        status["pause_reasons"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("to be seen"),
        "{status}"
    );
    assert!(
        status["pause_reasons"][0]["by"]
            .as_str()
            .unwrap()
            .starts_with("token from "),
        "{status}"
    );
    assert_eq!(status["hedges"].as_array().unwrap().len(), leads.hedges().len());
    assert_eq!(shows.list("/fills").len(), leads.list("/fills").len());
    assert!(!shows.list("/fills").is_empty());
    wait_for("a healthy dashboard", secs(60), || {
        (shows.health().0 == 200).then_some(())
    });
    for path in ["/pause", "/resume", "/close-all", "/hedges/1/close"] {
        let (code, answer) = shows.post(path, None);
        assert_eq!((code, &answer["error"]), (403, &"no_token_configured".into()), "{path}");
    }
    let (code, _) = ask(shows.port, "GET", "/opportunities", Some(TOKEN), None).unwrap();
    assert_eq!(code, 503, "it knows no market");
    // It has asked the venues nothing; what came meanwhile is the leader's.
    assert!(
        !shows.process.logged().contains("the lease"),
        "{}",
        shows.process.logged()
    );
    assert!(venues.rows("requests").len() >= before);
    assert_eq!(leads.status()["lease"]["epoch"], 1, "the lease is where it was");
    shows.process.signal("TERM");
    assert_eq!(shows.process.wait_end(secs(20)), Some(0));
    leads.close_all();
}

#[test]
fn a_standby_lets_another_one_come_first_and_takes_over_after_it() {
    let folder = Folder::new("standby");
    let venues = Venues::start(&folder.0);
    let mut house = House::new("standby").at(&venues);
    let mut stands_by: Engine = house.start_as("standby");
    wait_for("a mode", secs(60), || (stands_by.mode() == "standby").then_some(()));
    let mut leads = house.start();
    assert_eq!(
        leads.wait_ready(secs(60)),
        "running",
        "the standby that was there before has not taken the lease"
    );
    assert_eq!(stands_by.mode(), "standby");
    leads.process.kill();
    let mode = stands_by.wait_ready(secs(60));
    assert_eq!(mode, "running");
    assert_eq!(stands_by.status()["lease"]["epoch"], 2);
}

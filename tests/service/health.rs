//! What the doors and the commands say about an engine, in good times and in bad ones.

use serde_json::{Value, json};

use super::http::ask;
use super::kit::{ENTERED_WITHIN, Engine, House, TOKEN, Venues, secs, wait_for};

fn said(house: &House, words: &[&str]) -> Value {
    let done = house.run(words);
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert_eq!(done.status.code(), Some(0), "{words:?}: {out} {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"))
}

fn has(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "{field} is missing in {value}");
    }
}

#[test]
fn the_status_has_every_field_of_its_contract() {
    let mut house = House::new("status");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let mut engine = house.start();
    engine.wait_ready(secs(30));
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    engine.post("/pause", Some(&json!({ "reason": "to look" })));
    // A feed appears with its first sign of life.
    let feeds = |status: &Value| status["feeds"].as_array().map_or(0, Vec::len);
    wait_for("six feeds", secs(60), || (feeds(&engine.status()) == 6).then_some(()));
    let status = engine.status();
    has(
        &status,
        &[
            "mode",
            "pause_reasons",
            "hedges",
            "feeds",
            "actors",
            "lease",
            "exposure",
            "limits",
            "last_evaluation",
            "last_reconciliation",
            "version",
        ],
    );
    has(&status["pause_reasons"][0], &["reason", "by", "since"]);
    let hedge = &status["hedges"][0];
    has(
        hedge,
        &[
            "id",
            "symbol",
            "kind",
            "state",
            "legs",
            "net_delta",
            "opened_at",
            "funding_usd",
            "fees_usd",
            "net_usd",
        ],
    );
    has(
        &hedge["legs"][0],
        &["venue", "product", "side", "quantity", "filled", "average_price"],
    );
    has(
        &status["feeds"][0],
        &[
            "name",
            "venue",
            "product",
            "ok",
            "age_seconds",
            "generation",
            "restarts",
        ],
    );
    has(&status["actors"][0], &["name", "ok", "age_seconds", "restarts"]);
    has(&status["lease"], &["holder", "epoch", "expires_in_seconds"]);
    for path in ["/status", "/orders", "/metrics", "/audit"] {
        let (code, _) = ask(engine.port, "GET", path, None, None).unwrap();
        assert_eq!(code, 401, "{path} without a token");
    }
    assert_eq!(
        ask(engine.port, "POST", "/resume", Some("not-the-token-at-all"), None)
            .unwrap()
            .0,
        401
    );
    assert_eq!(engine.mode(), "paused");
    engine.close_all();
}

#[test]
fn the_commands_work_and_a_pause_outlives_a_kill() {
    let mut house = House::new("commands");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let mut engine = house.start();
    engine.wait_ready(secs(30));
    let url = format!("http://127.0.0.1:{}", engine.port);
    let with = |words: &[&'static str]| [words, &["--json", "--url"]].concat();
    let run = |house: &House, words: &[&'static str]| {
        let words: Vec<&str> = with(words).into_iter().chain([url.as_str()]).collect();
        said(house, &words)
    };
    assert_eq!(run(&house, &["status"])["mode"], "running");
    let ranking = run(&house, &["scan"]);
    assert!(!ranking["items"].as_array().unwrap().is_empty(), "{ranking}");
    assert_eq!(run(&house, &["why", "SOL"])["symbol"], "SOL");
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    assert_eq!(run(&house, &["pause", "--reason", "lunch"])["mode"], "paused");
    assert_eq!(run(&house, &["pause", "--reason", "again"])["mode"], "paused");
    let id = engine.hedges()[0]["id"].as_str().unwrap().to_owned();
    let words = ["close", &id, "--json", "--url", &url];
    assert_eq!(said(&house, &words)["job"]["kind"], "close");
    wait_for("the close", secs(60), || engine.hedges().is_empty().then_some(()));
    let all = run(&house, &["close-all"]);
    assert_eq!(
        (&all["job"]["kind"], &all["job"]["pause_durable"]),
        (&"close-all".into(), &true.into())
    );
    engine.process.kill();

    let down = house.run(&["status", "--url", &url]);
    assert_eq!(down.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&down.stderr).lines().count(), 1, "{down:?}");

    let mut engine = house.start();
    assert_eq!(engine.wait_ready(secs(40)), "paused");
    let status = engine.status();
    assert!(
        status["pause_reasons"][0]["reason"].as_str().unwrap().contains("lunch"),
        "{status}"
    );
    assert!(
        status["pause_reasons"]
            .as_array()
            .unwrap()
            .iter()
            .any(|reason| reason["key"] == "close_all"),
        "who has left everything is out until a resume: {status}"
    );
    let url = format!("http://127.0.0.1:{}", engine.port);
    assert_eq!(said(&house, &["resume", "--json", "--url", &url])["mode"], "running");
    assert_eq!(said(&house, &["resume", "--json", "--url", &url])["mode"], "running");
    let audit = engine.list("/audit");
    for action in ["pause", "resume", "close", "close-all", "started"] {
        assert!(
            audit.iter().any(|row| row["action"] == action),
            "{action} is not in the audit log"
        );
    }
}

fn mode_of(engine: &Engine) -> (u16, String) {
    let (code, health) = engine.health();
    (code, health["mode"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn f091_health_is_no_sooner_and_no_longer_than_all_is_well() {
    let mut house = House::new("health");
    let mut venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    // The venues do not answer yet.
    venues.faults(&json!([{ "link": "rest", "count": null, "match": {"method": "GET"}, "action": "REPLY", "args": { "status": 503, "body": "{}" } }]));
    let mut engine = house.start();
    let (code, mode) = mode_of(&engine);
    assert_eq!(code, 503, "{mode}");
    std::thread::sleep(secs(4));
    let (code, mode) = mode_of(&engine);
    assert_eq!(code, 503, "{mode}");
    assert!(mode == "starting" || mode == "reconciling", "{mode}");
    venues.clear_faults();
    assert_eq!(engine.wait_ready(secs(60)), "running");
    let health = wait_for("health", secs(60), || {
        Some(engine.health()).filter(|(code, _)| *code == 200)
    })
    .1;
    has(&health, &["status", "mode", "uptime_seconds", "checks"]);
    assert!(!health.to_string().contains(TOKEN));
    // Both venues are gone.
    venues.process.kill();
    let sick = wait_for("503", secs(45), || {
        Some(engine.health()).filter(|(code, _)| *code == 503)
    })
    .1;
    assert_eq!(sick["status"], "unhealthy");
    assert!(engine.process.ended().is_none());
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(36)), Some(0));
}

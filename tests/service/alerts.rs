//! What people are told, on which channel, and what nobody is told.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::kit::{ENTERED_WITHIN, Engine, House, TOKEN, Venues, secs, wait_for};
use super::webhook::Receiver;

const API_KEY: &str = "canary-key-93f2a17c60d8b4e5";
const API_SECRET: &str = "canary-secret-0d6f5b7a9c3e1842f7a6b5c4";
const HOOK: &str = "/api/webhooks/1/canary-hook-c0ffee";
const BOT: &str = "777:canary-bot-token";

/// Venues, a receiver, and an engine that tells it everything.
struct Stage {
    house: House,
    venues: Venues,
    receiver: Receiver,
}

impl Stage {
    fn new(name: &str) -> Self {
        let mut house = House::new(name);
        let accounts = json!({ "accounts": [{ "key": API_KEY, "secret": API_SECRET, "balances": {
            "binance": { "spot": { "USDT": "100000" }, "usdm": { "USDT": "100000" } },
            "bybit": { "unified": { "USDT": "100000" } },
        } }] });
        fs::write(house.folder.0.join("accounts.json"), accounts.to_string()).unwrap();
        let venues = Venues::start_with(&house.folder.0, &["--accounts", "accounts.json"]);
        house = house.at(&venues);
        let receiver = Receiver::start();
        for (name, value) in [
            ("BINANCE_API_KEY", API_KEY),
            ("BINANCE_API_SECRET", API_SECRET),
            ("BYBIT_API_KEY", API_KEY),
            ("BYBIT_API_SECRET", API_SECRET),
            (
                "DISCORD_WEBHOOK_URL",
                &format!("http://127.0.0.1:{}{HOOK}", receiver.port),
            ),
            (
                "FUNDING_ARB__ALERTS__TELEGRAM_BASE_URL",
                &format!("http://127.0.0.1:{}", receiver.port),
            ),
            ("TELEGRAM_BOT_TOKEN", BOT),
            ("TELEGRAM_CHAT_ID", "42"),
            ("LOG_LEVEL", "debug"),
        ] {
            house.set(name, value);
        }
        Self {
            house,
            venues,
            receiver,
        }
    }

    fn heard(&self, channel: &str, name: &str) -> bool {
        let texts = self.receiver.texts(channel);
        texts
            .iter()
            .any(|text| text.starts_with(&format!("{name} ")) || text.contains(&format!(" {name}\n")))
    }

    /// Waits until Discord, and for what is critical Telegram, have heard it.
    fn told(&self, name: &str, critical: bool) {
        for channel in if critical {
            &["/api/webhooks", "/bot"][..]
        } else {
            &["/api/webhooks"]
        } {
            wait_for(&format!("{name} at {channel}"), secs(45), || {
                self.heard(channel, name).then_some(())
            });
        }
        if !critical {
            assert!(!self.heard("/bot", name), "{name} is not critical");
        }
    }

    fn open(&self, engine: &Engine) {
        self.venues.funding("SOLUSDT", "0.004", "-0.003");
        wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    }
}

/// No secret is in any answer, any log line or any byte of the ledger.
fn nothing_leaked(stage: &Stage, engine: &Engine) {
    let mut said = Vec::new();
    for path in [
        "/health",
        "/status",
        "/orders",
        "/fills",
        "/audit",
        "/decisions",
        "/hedges",
        "/opportunities",
        "/metrics",
        "/openapi.json",
        "/",
    ] {
        let (_, body) = super::http::ask(engine.port, "GET", path, Some(TOKEN), None).unwrap();
        said.push((path.to_owned(), body.into_bytes()));
    }
    let shown = stage.house.run(&["config", "show", "--json"]);
    said.push(("config show".to_owned(), shown.stdout));
    let mut files: Vec<_> = fs::read_dir(stage.house.folder.0.join("data")).unwrap().collect();
    files.extend(fs::read_dir(&stage.house.folder.0).unwrap());
    for file in files {
        let path = file.unwrap().path();
        let is_ours = path.file_name().is_some_and(|name| name == "accounts.json");
        if path.is_file() && !is_ours {
            said.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    let hook = Path::new(HOOK).file_name().unwrap().to_str().unwrap();
    for (place, bytes) in &said {
        for secret in [API_KEY, API_SECRET, TOKEN, hook, BOT] {
            let found = bytes.windows(secret.len()).any(|word| word == secret.as_bytes());
            assert!(!found, "{secret} stands in {place}");
        }
    }
}

#[test]
fn what_happens_every_day_is_told_and_no_secret_leaves() {
    let mut stage = Stage::new("alerts");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    stage.open(&engine);
    stage.told("HEDGE_OPENED", false);
    engine.post("/pause", Some(&json!({ "reason": "lunch" })));
    stage.told("PAUSED", false);
    engine.close_all();
    stage.told("HEDGE_CLOSED", false);
    stage
        .venues
        .faults(&json!([{ "venue": "binance", "link": "public", "action": "RESET" }]));
    stage.told("FEED_RESTARTED", false);
    // The channel is away: what is said meanwhile is kept until it is back.
    stage.receiver.answers(500);
    engine.post("/resume", None);
    wait_for("a refused delivery", secs(60), || {
        engine.process.logged().contains("an alert was not taken").then_some(())
    });
    engine.process.kill();
    assert!(!stage.heard("/api/webhooks", "RESUMED"));
    stage.receiver.answers(200);
    let mut engine = stage.house.start();
    engine.wait_ready(secs(40));
    stage.told("RESUMED", false);
    nothing_leaked(&stage, &engine);
}

#[test]
fn f108_a_channel_that_keeps_silent_makes_nothing_else_late() {
    let mut stage = Stage::new("silent-channel");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    stage.receiver.answers(0);
    stage.open(&engine);
    engine.post("/pause", Some(&json!({ "reason": "lunch" })));
    engine.close_all();
    let sick = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(250));
        engine.health().0 != 200
    });
    assert!(
        !sick,
        "a silent channel makes the engine look sick: {}",
        engine.health().1
    );
    stage.receiver.answers(200);
    stage.told("HEDGE_CLOSED", false);
}

#[test]
fn a_process_that_stands_by_leaves_the_telling_to_the_one_that_trades() {
    let mut stage = Stage::new("standby-alerts");
    let mut first = stage.house.start();
    first.wait_ready(secs(30));
    stage.receiver.answers(500);
    first.post("/pause", Some(&json!({ "reason": "lunch" })));
    wait_for("a refused delivery", secs(60), || {
        let logged = first.process.logged();
        logged.contains("an alert was not taken").then_some(())
    });
    first.process.signal("STOP"); // alive, and silent
    stage.receiver.answers(200);
    let mut second = stage.house.start();
    wait_for("the second to stand by", secs(60), || {
        second.process.logged().contains("standing by").then_some(())
    });
    std::thread::sleep(secs(3));
    assert_eq!(second.status()["lease"], Value::Null);
    assert!(!stage.heard("/api/webhooks", "PAUSED"));
    first.process.kill();
    assert_eq!(second.wait_ready(secs(40)), "paused");
    stage.told("PAUSED", false);
    std::thread::sleep(secs(3));
    let told = stage.receiver.texts("/api/webhooks");
    let pauses = told.iter().filter(|text| text.starts_with("PAUSED ")).count();
    assert_eq!(pauses, 1, "told once: {told:?}");
}

#[test]
fn an_order_whose_fate_is_unknown_is_told() {
    let mut stage = Stage::new("unknown");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    let deaf = |path: &str| json!({ "venue": "bybit", "link": "rest", "match": { "method": "GET", "path": path }, "count": null, "action": "REPLY", "args": { "status": 503, "body": "{}" } });
    let lost = json!({ "venue": "bybit", "link": "rest", "match": { "method": "POST", "path": "/v5/order/create" }, "action": "DROP_RESP" });
    stage.venues.faults(&json!([
        lost,
        deaf("/v5/order/realtime"),
        deaf("/v5/order/history"),
        deaf("/v5/execution/list")
    ]));
    stage.venues.funding("SOLUSDT", "0.004", "-0.003");
    stage.told("ORDER_UNKNOWN", false);
    let status = engine.status();
    assert_eq!(status["mode"], "paused", "{status}");
    stage.venues.clear_faults();
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    // A reconciliation that fell into the outage pauses until the next one, a minute later.
    wait_for("the end of the pause", secs(90), || {
        (engine.mode() == "running").then_some(())
    });
    let orders = stage.venues.rows("orders");
    assert_eq!(orders.len(), 2, "one order a leg, nothing twice: {orders:?}");
}

#[test]
fn a_venue_whose_feeds_keep_failing_is_told() {
    let mut stage = Stage::new("degraded");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    stage
        .venues
        .faults(&json!([{ "venue": "bybit", "link": "public", "count": null, "match": {}, "action": "RESET" }]));
    stage.told("VENUE_DEGRADED", true);
    let status = engine.status();
    assert_eq!(status["mode"], "paused", "{status}");
    wait_for("503", secs(30), || (engine.health().0 == 503).then_some(()));
    stage.venues.clear_faults();
    wait_for("the engine to come back", secs(120), || {
        (engine.mode() == "running").then_some(())
    });
    wait_for("200", secs(30), || (engine.health().0 == 200).then_some(()));
}

#[test]
fn what_changed_while_the_engine_was_down_is_told_and_pauses_it() {
    let mut stage = Stage::new("inconsistent");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    stage.open(&engine);
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(36)), Some(0));
    let act = json!({ "kind": "transfer", "symbol": "USDT", "side": "sell", "quantity": "123.5" });
    stage
        .venues
        .faults(&json!([{ "venue": "binance", "action": "FOREIGN", "args": act }]));
    let mut engine = stage.house.start();
    assert_eq!(engine.wait_ready(secs(40)), "paused");
    stage.told("STARTUP_INCONSISTENCY", true);
    let status = engine.status();
    let reasons: Vec<&Value> = status["pause_reasons"].as_array().unwrap().iter().collect();
    assert!(
        reasons.iter().any(|reason| reason["key"] == "inconsistent"),
        "{reasons:?}"
    );
    // A pause for a difference does not keep anybody from leaving.
    engine.close_all();
    engine.process.kill();
    // A start reads much; three of them may be more than the venue allows in a minute.
    stage.venues.advance(61);
    let mut engine = stage.house.start();
    assert_eq!(
        engine.wait_ready(secs(40)),
        "paused",
        "the pause outlives a kill, and the hedge that it was about"
    );
}

#[test]
fn f056_a_hedge_with_one_leg_that_cannot_be_unwound_is_told() {
    let mut stage = Stage::new("one-legged");
    let mut engine = stage.house.start();
    engine.wait_ready(secs(30));
    for (venue, depth) in [("binance", "2000000"), ("bybit", "90000000")] {
        let product = if venue == "binance" { "usdm" } else { "linear" };
        stage
            .venues
            .market(&json!({ "venue": venue, "symbol": "SOLUSDT", "product": product, "depth_usd": depth }));
    }
    let refusals = json!([
        { "venue": "bybit", "link": "rest", "match": { "method": "POST", "path": "/v5/order/create" }, "count": null, "action": "REPLY",
          "args": { "status": 200, "body": { "retCode": 110007, "retMsg": "ab not enough for new order", "result": {}, "retExtInfo": {}, "time": 1 } } },
        { "venue": "binance", "link": "rest", "match": { "method": "POST", "path": "/fapi/v1/order" }, "after": 1, "count": null, "action": "REPLY",
          "args": { "status": 400, "body": { "code": -2019, "msg": "Margin is insufficient." } } },
    ]);
    stage.venues.faults(&refusals);
    stage.venues.funding("SOLUSDT", "0.004", "-0.003");
    stage.told("HEDGE_ONE_LEGGED", true);
    let legs = engine.hedges();
    assert!(
        legs.iter().any(|hedge| hedge["net_delta"] != "0"),
        "the naked leg is shown: {legs:?}"
    );
    let entered = stage.venues.rows("orders").len();
    assert_eq!(entered, 1, "nothing else is entered meanwhile");
    stage.venues.clear_faults();
    wait_for("flat or whole", secs(60), || {
        let status = engine.status();
        let rests = status["hedges"]
            .as_array()?
            .iter()
            .all(|hedge| hedge["state"] == "open");
        // The venue has refused the same order again and again: that is for a person to look at, and nothing else is left.
        let mut reasons = status["pause_reasons"].as_array()?.iter();
        (rests && reasons.all(|reason| reason["key"] == "orders_refused")).then_some(())
    });
    engine.post("/resume", None);
    wait_for("running", secs(30), || (engine.mode() == "running").then_some(()));
}

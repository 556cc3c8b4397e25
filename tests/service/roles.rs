//! Processes that share a ledger: one leads, one stands by, one only shows, some only scan.

use serde_json::Value;

use super::http::ask;
use super::kit::{ENTERED_WITHIN, Engine, Folder, House, TOKEN, Venues, secs, wait_for};
use super::postgres::TempPg;

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

/// The scanners that this engine hears, and how many messages it could not use.
fn heard(engine: &Engine) -> (usize, u64) {
    let scanners = &engine.status()["scanner"]["scanners"];
    let fresh = |one: &&Value| one["age_seconds"].as_u64().is_some_and(|age| age < 10);
    let heard = scanners["heard"]
        .as_array()
        .map_or(0, |all| all.iter().filter(fresh).count());
    (heard, scanners["ignored"].as_u64().unwrap_or_default())
}

/// What stops every pair of this asset, in words.
fn stopped_by(engine: &Engine, asset: &str) -> Vec<(String, String)> {
    let all = engine.list("/opportunities");
    let of_asset = all.iter().filter(|one| one["asset"] == asset);
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    of_asset
        .map(|one| (word(one, "refused_by"), word(one, "refused_because")))
        .collect()
}

fn holds(engine: &Engine, symbol: &str) -> bool {
    let is_open = |hedge: &Value| hedge["symbol"] == symbol && hedge["state"] == "open";
    engine.hedges().iter().any(is_open)
}

#[test]
fn scanners_name_and_one_executor_enters_whoever_of_them_dies() {
    let server = TempPg::start();
    let mut house = House::new("roles");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    house.set("DATABASE_URL", &server.url("postgres"));
    let keys = house.variables.clone();
    let mut leads = house.start_as("executor");
    assert_eq!(leads.wait_ready(secs(60)), "running");
    let mut stands_by = house.start_with(&["--role", "standby", "--heed-scanners"]);
    assert_eq!(heard(&leads), (0, 0));

    // Without a scanner nothing is entered, however well it pays, and the gate says for how long.
    venues.funding("SOLUSDT", "0.004", "-0.003");
    wait_for("the gate of a pair that nobody names", secs(60), || {
        let gates = stopped_by(&leads, "SOL");
        let said =
            |(gate, why): &(String, String)| gate == "unnamed" && why.starts_with("no scanner has named it for ");
        gates.iter().any(said).then_some(())
    });
    assert_eq!(venues.rows("orders").len(), 0);

    // Scanners have no key.
    for key in [
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
        "BYBIT_API_KEY",
        "BYBIT_API_SECRET",
    ] {
        house.variables.remove(key);
    }
    let mut scanners: Vec<Engine> = (0..2).map(|_| house.start_as("scanner")).collect();
    wait_for("two scanners", secs(60), || (heard(&leads).0 == 2).then_some(()));
    wait_for("the hedge that they name", ENTERED_WITHIN, || {
        holds(&leads, "SOLUSDT").then_some(())
    });
    // The other one may have been quicker.
    let shown = wait_for("four feeds of the first", secs(60), || {
        let shown = scanners[0].status();
        (shown["feeds"].as_array()?.len() == 4).then_some(shown)
    });
    assert_eq!(
        (&shown["mode"], &shown["lease"]["epoch"]),
        (&"scanner".into(), &1.into()),
        "{shown}"
    );
    wait_for("its opportunities", secs(60), || {
        (!scanners[0].list("/opportunities").is_empty()).then_some(())
    });
    wait_for("a healthy scanner", secs(60), || {
        (scanners[0].health().0 == 200).then_some(())
    });
    assert_eq!(scanners[0].post("/close-all", None).0, 403);

    // Garbage and what is long over are counted, and nothing else.
    let old = r#"{"v":1,"who":"old","at_ms":1,"pairs":[["binance:perp:ETHUSDT","bybit:perp:ETHUSDT","99"]]}"#;
    for text in ["no naming", old, ""] {
        server.say(&format!("SELECT pg_notify('funding_arb_named', '{text}')"));
    }
    wait_for("what was ignored", secs(30), || (heard(&leads).1 == 3).then_some(()));

    // One goes on alone, and is heard again after the server was away.
    scanners.pop().unwrap().process.kill();
    server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    venues.funding("ETHUSDT", "0.004", "-0.003");
    wait_for("a hedge that one scanner names", ENTERED_WITHIN, || {
        holds(&leads, "ETHUSDT").then_some(())
    });

    // None is left: nothing is entered, and what is held can be left.
    scanners.pop().unwrap().process.kill();
    venues.funding("XRPUSDT", "0.004", "-0.003");
    wait_for("XRP to wait for a scanner", secs(60), || {
        stopped_by(&leads, "XRP")
            .iter()
            .any(|(gate, _)| gate == "unnamed")
            .then_some(())
    });
    let id = leads.hedges()[0]["id"].as_str().unwrap().to_owned();
    let held = leads.hedges().len();
    venues.funding("SOLUSDT", "0", "0");
    assert_eq!(leads.post(&format!("/hedges/{id}/close"), None).0, 202);
    wait_for("an exit without scanners", secs(60), || {
        (leads.hedges().len() < held).then_some(())
    });
    assert!(!holds(&leads, "XRPUSDT"));

    // The executor dies: the other one leads, and heeds scanners as well.
    leads.process.kill();
    assert_eq!(stands_by.wait_ready(secs(60)), "running");
    assert_eq!(stands_by.status()["lease"]["epoch"], 2);
    wait_for("XRP to wait for a scanner there, too", secs(60), || {
        stopped_by(&stands_by, "XRP")
            .iter()
            .any(|(gate, _)| gate == "unnamed")
            .then_some(())
    });
    let mut again = house.start_as("scanner");
    wait_for("a hedge under the new lead", ENTERED_WITHIN, || {
        holds(&stands_by, "XRPUSDT").then_some(())
    });
    again.process.signal("TERM");
    assert_eq!(again.process.wait_end(secs(20)), Some(0));
    house.variables = keys;
    stands_by.close_all();
}

#[test]
fn roles_that_share_words_need_a_server() {
    let house = House::new("roles-file");
    for role in ["scanner", "executor"] {
        let out = house.run(&["run", "--role", role]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(role) && said.contains("postgres://"), "{said}");
    }
}

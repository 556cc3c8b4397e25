//! What `doctor` finds: nothing on a sound machine, and each thing that is broken on purpose by its own name.

use serde_json::{Value, json};

use super::kit::{Folder, House, Venues};

/// A token of chance.
const STRONG: &str = "b0e1c7a94f5d2836e7a1";

/// What doctor says, as exit code and report.
fn examined(house: &House, words: &[&str]) -> (i32, Value) {
    let all: Vec<&str> = ["doctor", "--json"].into_iter().chain(words.iter().copied()).collect();
    let out = house.run(&all);
    let text = String::from_utf8(out.stdout).unwrap();
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("no report: {text}{}", String::from_utf8_lossy(&out.stderr)));
    (out.status.code().unwrap(), report)
}

fn status_of<'a>(report: &'a Value, id: &str) -> &'a str {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["id"] == id);
    found.map_or("absent", |check| check["status"].as_str().unwrap())
}

/// An answer instead of the venue's own.
fn replies(venue: &str, path: &str, status: u16, body: &Value) -> Value {
    json!([{ "venue": venue, "link": "rest", "match": { "path": path }, "count": 1000, "action": "REPLY",
             "args": { "status": status, "body": body } }])
}

/// A good answer of Bybit with this result.
fn bybit(result: &Value) -> Value {
    json!({ "retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 0 })
}

/// An answer of Binance about a key, with one thing changed.
fn rights(field: &str, value: &Value) -> Value {
    let mut rights = json!({
        "ipRestrict": true, "enableWithdrawals": false, "enableSpotAndMarginTrading": true, "enableFutures": true,
    });
    rights[field] = value.clone();
    rights
}

/// The same of Bybit.
fn key(field: &str, value: &Value) -> Value {
    let mut key = json!({
        "readOnly": 0, "ips": ["203.0.113.7"], "deadlineDay": -2,
        "permissions": { "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"] },
    });
    key[field] = value.clone();
    bybit(&key)
}

fn sound(folder: &Folder) -> (Venues, House) {
    let venues = Venues::start(&folder.0);
    let mut house = House::new("doctor").at(&venues);
    house.set("CONTROL_TOKEN", STRONG);
    house.set("DISCORD_WEBHOOK_URL", "http://127.0.0.1:9/hook");
    house.set("FUNDING_ARB__ALERTS__WEBHOOK_URL", "http://127.0.0.1:9/other");
    (venues, house)
}

#[test]
fn a_sound_house_passes_every_check() {
    let folder = Folder::new("doctor-sound");
    let (venues, house) = sound(&folder);
    let (code, report) = examined(&house, &[]);
    let checks = report["checks"].as_array().unwrap();
    let bad: Vec<&Value> = checks.iter().filter(|check| check["status"] == "fail").collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!((code, &report["ok"]), (0, &json!(true)));
    assert!(checks.len() >= 40, "only {} checks", checks.len());
    let fine = checks.iter().filter(|check| check["status"] == "ok").count();
    assert!(fine >= 30, "only {fine} hold: {report:#}");
    // Nothing was ordered, and no setting changed: every request that moved anything would be a POST.
    let requests = venues.rows("requests");
    let moved: Vec<_> = requests
        .iter()
        .filter(|(_, request)| request["method"] != "GET")
        .collect();
    assert!(!requests.is_empty() && moved.is_empty(), "{moved:?}");
    let words = house.run(&["doctor"]);
    let text = String::from_utf8(words.stdout).unwrap();
    assert!(text.contains("ok       binance.spot.reachable"), "{text}");
    assert!(
        !text.contains(STRONG) && !text.contains("demo"),
        "a secret is shown: {text}"
    );
}

#[test]
fn what_the_configuration_lacks_is_named() {
    let folder = Folder::new("doctor-config");
    let (_running, mut house) = sound(&folder);
    let cases: [(&str, &[(&str, &str)]); 9] = [
        ("config.limits", &[("FUNDING_ARB__RISK__MAX_TOTAL_USD", "0")]),
        ("config.limits", &[("FUNDING_ARB__RISK__MAX_VENUE_USD", "100")]),
        ("config.control_token", &[("CONTROL_TOKEN", "")]),
        (
            "config.control_token",
            &[("CONTROL_TOKEN", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")],
        ),
        (
            "config.doors",
            &[("FUNDING_ARB__HTTP__BIND", "0.0.0.0"), ("CONTROL_TOKEN", "")],
        ),
        (
            "alerts.configured",
            &[("DISCORD_WEBHOOK_URL", ""), ("FUNDING_ARB__ALERTS__WEBHOOK_URL", "")],
        ),
        ("machine.data_dir", &[("FUNDING_ARB__DATA_DIR", "/proc/nowhere")]),
        ("ledger.open", &[("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")]),
        ("binance.account.min_notional", &[("MAX_POSITION_USD", "1")]),
    ];
    for (id, variables) in cases {
        let before = house.variables.clone();
        for (name, value) in variables {
            house.set(name, value);
        }
        let (code, report) = examined(&house, &[]);
        assert_eq!(
            (status_of(&report, id), code),
            ("fail", 3),
            "{id} {variables:?}: {report:#}"
        );
        let check = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["id"] == id)
            .unwrap();
        assert!(
            check["fix"].as_str().is_some_and(|fix| !fix.is_empty()),
            "{id} has no fix"
        );
        house.variables = before;
    }
    house.set("FUNDING_ARB__HTTP__PORT", "many");
    let (code, report) = examined(&house, &[]);
    assert_eq!(
        (status_of(&report, "config.valid:http.port"), code),
        ("fail", 3),
        "{report:#}"
    );
}

#[test]
fn what_this_machine_lacks_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("doctor-machine");
    let (_running, mut house) = sound(&folder);
    let file = house.folder.0.join("funding-arb.toml");
    std::fs::write(&file, "[log]\nlevel = \"info\"\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::write(house.folder.0.join("fly.toml"), "app = \"x\"\nkill_timeout = \"5s\"\n").unwrap();
    let data = house.folder.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("open.txt"), "x").unwrap();
    std::fs::set_permissions(data.join("open.txt"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let (code, report) = examined(&house, &[]);
    assert_eq!(code, 3);
    for id in ["config.file_private", "machine.stop_time", "machine.data_private"] {
        assert_eq!(status_of(&report, id), "fail", "{id}: {report:#}");
    }
    std::fs::write(house.folder.0.join("fly.toml"), "kill_timeout = \"45s\"\n").unwrap();
    let (_, report) = examined(&house, &[]);
    assert_eq!(status_of(&report, "machine.stop_time"), "ok", "{report:#}");
    // A file that is no ledger, then channels that are not there.
    std::fs::write(data.join("funding-arb.db"), "these are notes, no ledger. ".repeat(200)).unwrap();
    let (_, report) = examined(&house, &["--send"]);
    assert_eq!(status_of(&report, "ledger.open"), "fail", "{report:#}");
    assert_eq!(status_of(&report, "ledger.lease"), "skipped");
    for id in ["alerts.delivered:discord", "alerts.delivered:webhook"] {
        assert_eq!(status_of(&report, id), "fail", "{id}: {report:#}");
    }
    house.set("FUNDING_ARB__MODE", "paper");
    let (_, report) = examined(&house, &[]);
    assert_eq!(status_of(&report, "config.mode"), "warn");
}

#[test]
fn f116_what_a_venue_says_of_a_key_and_an_account_is_judged() {
    let folder = Folder::new("doctor-venue");
    let (venues, house) = sound(&folder);
    let refused = json!({ "code": -2015, "msg": "Invalid API-key, IP, or permissions for action." });
    let unknown =
        json!({ "retCode": 10003, "retMsg": "API key is invalid.", "result": {}, "retExtInfo": {}, "time": 0 });
    let restrictions = "/sapi/v1/account/apiRestrictions";
    let account = |dual: bool, multi: bool, trade: bool| json!({ "dualSidePosition": dual, "multiAssetsMargin": multi, "canTrade": trade });
    let config = "/fapi/v1/accountConfig";
    let info = |mode: &str, status: i64| bybit(&json!({ "marginMode": mode, "unifiedMarginStatus": status }));
    let place =
        |index: i64| bybit(&json!({ "list": [{ "positionIdx": index, "leverage": "3" }], "nextPageCursor": "" }));
    let cases = [
        (
            "binance.spot.reachable",
            replies("binance", "/api/v3/time", 451, &json!({})),
        ),
        (
            "binance.usdm.reachable",
            replies("binance", "/fapi/v1/time", 403, &json!({})),
        ),
        (
            "bybit.v5.reachable",
            replies("bybit", "/v5/market/time", 403, &json!("blocked")),
        ),
        (
            "bybit.v5.reachable",
            replies("bybit", "/v5/market/time", 502, &json!("bad gateway")),
        ),
        ("binance.key.valid", replies("binance", restrictions, 401, &refused)),
        (
            "binance.key.withdrawal",
            replies("binance", restrictions, 200, &rights("enableWithdrawals", &json!(true))),
        ),
        (
            "binance.key.address",
            replies("binance", restrictions, 200, &rights("ipRestrict", &json!(false))),
        ),
        (
            "binance.key.trading",
            replies("binance", restrictions, 200, &rights("enableFutures", &json!(false))),
        ),
        (
            "binance.key.expiry",
            replies(
                "binance",
                restrictions,
                200,
                &rights("tradingAuthorityExpirationTime", &json!(1)),
            ),
        ),
        (
            "binance.account.position_mode",
            replies("binance", config, 200, &account(true, false, true)),
        ),
        (
            "binance.account.margin_mode",
            replies("binance", config, 200, &account(false, true, true)),
        ),
        (
            "binance.account.kind",
            replies("binance", config, 200, &account(false, false, false)),
        ),
        (
            "binance.account.leverage",
            replies("binance", "/fapi/v1/symbolConfig", 200, &json!([])),
        ),
        (
            "binance.account.fees",
            replies("binance", "/fapi/v1/commissionRate", 400, &refused),
        ),
        (
            "binance.account.balance",
            replies("binance", "/fapi/v3/balance", 400, &refused),
        ),
        ("bybit.key.valid", replies("bybit", "/v5/user/query-api", 200, &unknown)),
        (
            "bybit.key.withdrawal",
            replies(
                "bybit",
                "/v5/user/query-api",
                200,
                &key(
                    "permissions",
                    &json!({ "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["Withdraw"] }),
                ),
            ),
        ),
        (
            "bybit.key.address",
            replies("bybit", "/v5/user/query-api", 200, &key("ips", &json!(["*"]))),
        ),
        (
            "bybit.key.trading",
            replies("bybit", "/v5/user/query-api", 200, &key("readOnly", &json!(1))),
        ),
        (
            "bybit.key.expiry",
            replies("bybit", "/v5/user/query-api", 200, &key("deadlineDay", &json!(1))),
        ),
        (
            "bybit.account.kind",
            replies("bybit", "/v5/account/info", 200, &info("REGULAR_MARGIN", 1)),
        ),
        (
            "bybit.account.margin_mode",
            replies("bybit", "/v5/account/info", 200, &info("PORTFOLIO_MARGIN", 6)),
        ),
        (
            "bybit.account.position_mode",
            replies("bybit", "/v5/position/list", 200, &place(1)),
        ),
        (
            "bybit.account.fees",
            replies("bybit", "/v5/account/fee-rate", 200, &unknown),
        ),
        (
            "bybit.account.balance",
            replies("bybit", "/v5/account/wallet-balance", 200, &unknown),
        ),
        (
            "bybit.v5.clock",
            json!([{ "venue": "bybit", "link": "rest", "match": {}, "action": "SKEW", "args": { "ms": 4000 } }]),
        ),
        (
            "binance.spot.latency",
            json!([{ "venue": "binance", "link": "rest", "match": { "path": "/api/v3/time" }, "count": 1000,
                     "action": "DELAY", "args": { "ms": 2500 } }]),
        ),
    ];
    for (id, rules) in cases {
        venues.faults(&rules);
        let (code, report) = examined(&house, &[]);
        venues.clear_faults();
        // A ban outlives the process that earned it; the next case begins without one.
        let _ = std::fs::remove_file(house.folder.0.join("data/bans"));
        assert_eq!((status_of(&report, id), code), ("fail", 3), "{id}: {report:#}");
    }
}

//! Every refusal: one clear sentence on standard error, the right exit code, no panic, and nothing changed.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use super::kit::House;

/// What a refusal says: everything on standard error that is no log line.
fn refusal(done: &Output, code: i32) -> String {
    let err = String::from_utf8_lossy(&done.stderr).into_owned();
    let out = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(code), "{err} {out}");
    let whole = format!("{err}{out}");
    for word in ["panicked", "RUST_BACKTRACE", "unwrap()", "src/"] {
        assert!(!whole.contains(word), "{word:?} in {whole}");
    }
    let said: Vec<&str> = err.lines().filter(|line| !line.starts_with('{')).collect();
    let errors = said.iter().filter(|line| line.starts_with("funding-arb: ")).count();
    assert_eq!(errors, 1, "one error, at the start of its line: {err}");
    let bad: Vec<&str> = err
        .lines()
        .filter(|line| line.contains("\"level\":\"ERROR\"") || line.contains("\"level\":\"CRIT\""))
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
    said.join("\n")
}

/// Runs the service, which is to refuse.
fn refused(house: &House, code: i32, words: &[&str]) -> String {
    let said = refusal(&house.run(&["run"]), code);
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    said
}

#[test]
fn a_wrong_configuration_names_the_key() {
    let file = |text: &str, words: &[&str]| {
        let house = House::new("file");
        fs::write(house.folder.0.join("funding-arb.toml"), text).unwrap();
        refused(&house, 2, words);
        assert!(!house.ledger().exists(), "a refused start made a ledger");
    };
    file(
        "[risk]\nmax_positoin_usd = \"5\"\n",
        &["risk.max_positoin_usd", "funding-arb.toml:2"],
    );
    file(
        "[strategy]\nevaluation_seconds = \"often\"\n",
        &["strategy.evaluation_seconds", "funding-arb.toml:2"],
    );
    file("[risk]\nmax_leverage = 99\n", &["risk.max_leverage = 99", "10"]);
    file("mode = \"yolo\"\n", &["mode", "live"]);
    file("this is no toml\n", &["funding-arb.toml"]);
    let variable = |name: &str, value: &str, words: &[&str]| {
        let mut house = House::new("variable");
        house.set(name, value);
        refused(&house, 2, words);
    };
    variable(
        "MAX_POSITION_USD",
        "-1",
        &["risk.max_position_usd = -1", "MAX_POSITION_USD"],
    );
    variable("MIN_SPREAD_BPS", "NaN", &["strategy.min_spread_bps"]);
    variable("CONTROL_TOKEN", "short", &["http.control_token", "CONTROL_TOKEN", "16"]);
    variable("FUNDING_ARB__HTTP__PROT", "1", &["FUNDING_ARB__HTTP__PROT"]);
    variable(
        "FUNDING_ARB__VENUES__BYBIT__REST_URL",
        "http://api.bybit.com",
        &["venues.bybit.rest_url"],
    );
    variable("DISCORD_WEBHOOK_URL", "not an address", &["alerts.discord_webhook_url"]);
    variable("DATABASE_URL", "mysql://root@there/x", &["ledger.database_url"]);
    variable("FUNDING_ARB__MODE", "dry", &["paper", "live"]);
}

#[test]
fn several_mistakes_are_told_at_once_and_no_secret_is() {
    let mut house = House::new("several");
    house.set("MAX_POSITION_USD", "-1");
    house.set("CONTROL_TOKEN", "canary-short");
    house.set("FUNDING_ARB__HTTP__PORT", "70000");
    let said = refused(&house, 2, &["risk.max_position_usd", "http.control_token", "http.port"]);
    assert!(!said.contains("canary-short"), "{said}");
    let checked = house.run(&["config", "check"]);
    assert_eq!(checked.status.code(), Some(2));
}

#[test]
fn live_needs_its_keys() {
    for name in [
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
        "BYBIT_API_KEY",
        "BYBIT_API_SECRET",
    ] {
        let mut house = House::new("keys");
        house.variables.remove(name);
        refused(&house, 2, &[name, "live mode cannot do without it"]);
    }
}

#[test]
fn a_taken_port_is_named_and_nothing_is_made() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut house = House::new("port");
    house.set("FUNDING_ARB__HTTP__PORT", &port);
    refused(&house, 1, &[&port]);
    assert!(!house.ledger().exists());
    let venues = house.run(&[
        "simulate",
        "--spot-port",
        &port,
        "--usdm-port",
        "0",
        "--bybit-port",
        "0",
    ]);
    let said = refusal(&venues, 1);
    assert!(said.contains(&port) && said.contains("--spot-port"), "{said}");
    let demo = house.run(&["demo", "--port", &port, "--for", "1s"]);
    assert!(refusal(&demo, 1).contains(&port));
}

/// The bytes of a file, whatever they are.
fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn a_ledger_that_is_not_ours_is_left_as_it_is() {
    let mut house = House::new("foreign-ledger");
    house.set("FUNDING_ARB__MODE", "paper");
    assert_eq!(house.run(&["ledger", "migrate"]).status.code(), Some(0));
    house.set("FUNDING_ARB__MODE", "live");
    let before = bytes(&house.ledger());
    refused(&house, 2, &["paper", "live", "ledger"]);
    assert_eq!(bytes(&house.ledger()), before);

    let house = House::new("no-ledger");
    fs::create_dir_all(house.folder.0.join("data")).unwrap();
    fs::write(
        house.ledger(),
        "this is a letter to my mother, and no database at all\n".repeat(200),
    )
    .unwrap();
    let before = bytes(&house.ledger());
    refused(&house, 1, &["funding-arb.db", "is not a database file"]);
    assert_eq!(bytes(&house.ledger()), before);

    let mut house = House::new("nowhere");
    house.set("DATABASE_URL", "sqlite:///proc/no/such/folder/ledger.db");
    refused(&house, 1, &["ledger"]);
    let mut house = House::new("no-postgres");
    house.set("DATABASE_URL", "postgres://user:canary-password@127.0.0.1:9/nothing");
    let said = refused(&house, 1, &["ledger"]);
    assert!(!said.contains("canary-password"), "{said}");
}

#[test]
fn a_ledger_of_a_newer_program_is_refused() {
    let house = House::new("newer");
    assert_eq!(house.run(&["ledger", "migrate"]).status.code(), Some(0));
    // The newest migration gets a later name, in the table and in its index.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let names = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let newest = names.max().unwrap();
    let version: String = newest.split('_').next().unwrap().replace('-', "");
    let mut file = bytes(&house.ledger());
    let places: Vec<usize> = file
        .windows(version.len())
        .enumerate()
        .filter(|(_, word)| *word == version.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "{version} is not in the file");
    for place in places {
        file[place] = b'9';
    }
    fs::write(house.ledger(), &file).unwrap();
    refused(&house, 2, &["schema 9", "newer program"]);
    assert_eq!(bytes(&house.ledger()), file);
}

const HEAD: &str = "settled_at,funding_rate,interval_hours,mark_price,source\n";

#[test]
fn a_market_folder_that_cannot_be_read_names_its_place() {
    let house = House::new("market");
    let folder = house.folder.0.join("market");
    let name = folder.display().to_string();
    let simulate = |words: &[&str]| {
        let all = [
            &[
                "simulate",
                "--spot-port",
                "0",
                "--usdm-port",
                "0",
                "--bybit-port",
                "0",
                "--market",
                name.as_str(),
            ][..],
            words,
        ]
        .concat();
        refusal(&house.run(&all), 2)
    };
    assert!(simulate(&[]).contains(&name), "missing");
    fs::create_dir_all(&folder).unwrap();
    assert!(simulate(&[]).contains(&name), "empty");
    let demo = refusal(
        &house.run(&["demo", "--port", "0", "--for", "1s", "--market", &name]),
        2,
    );
    assert!(demo.contains(&name), "{demo}");
    for venue in ["binance", "bybit"] {
        let path = folder.join("funding").join(venue);
        fs::create_dir_all(&path).unwrap();
        fs::write(
            path.join("ABCUSDT.csv"),
            format!("{HEAD}2026-01-01T00:00:00.000Z,0.0001,8,,x\n2026-01-01T08:00:00.000Z,lots,8,,x\n"),
        )
        .unwrap();
    }
    for product in ["perp", "spot"] {
        let path = folder.join("klines/binance").join(product);
        fs::create_dir_all(&path).unwrap();
        let bars: String = (0..48)
            .map(|n: i64| {
                let at = 1_767_225_600_000 + n * 3_600_000;
                format!("{at},100,101,99,100,5,{},,,,,0\n", at + 3_599_999)
            })
            .collect();
        let head = "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore\n";
        fs::write(path.join("ABCUSDT-1h.csv"), format!("{head}{bars}")).unwrap();
    }
    let said = simulate(&[]);
    for part in ["ABCUSDT.csv", "line 3", "funding_rate"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn files_of_faults_and_accounts_are_read_before_anything_is_served() {
    let house = House::new("files");
    let path = house.folder.0.join("rules.json");
    let name = path.display().to_string();
    let simulate = |flag: &str| {
        let words = [
            "simulate",
            "--spot-port",
            "0",
            "--usdm-port",
            "0",
            "--bybit-port",
            "0",
            flag,
            &name,
        ];
        refusal(&house.run(&words), 2)
    };
    assert!(simulate("--faults").contains(&name));
    fs::write(&path, r#"{"rules":[{"action":"EXPLODE"}]}"#).unwrap();
    assert!(simulate("--faults").contains("EXPLODE"));
    fs::write(&path, r#"{"accounts":[]"#).unwrap();
    simulate("--accounts");
}

//! Spoilt files and variables by the thousand, from a seed: configuration, recorded histories, lists of hedges, fault
//! rules and accounts are read, or refused with words; never a panic, never a silent default.
//!
//! How long and from which seed: see `venues/fuzz/spoil.rs`. The venues' messages are spoilt in `venues/tests/hostile.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

#[path = "../venues/fuzz/spoil.rs"]
mod spoil;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use backtest::history::{History, Kind, SeriesId};
use domain::instrument::VenueId;
use funding_arb::config::{Config, Profile};

/// A folder of this test's own; gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("funding-arb-hostile-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const CONFIGS: &[&str] = &[
    "mode = \"live\"\n[http]\nbind = \"127.0.0.1\"\nport = 8080\nallowed_hosts = [\"a.example:8080\"]\n",
    "[universe]\nsymbols = [\"BTCUSDT\", \"ETHUSDT\"]\n[strategy]\nmin_spread_bps = \"10\"\nplanned_hold_hours = 72\n",
    "[risk]\nmax_position_usd = \"10000\"\nmax_leverage = 3\nmax_daily_loss_usd = \"2000\"\n[execution]\nmax_slippage_bps = 15\n",
    "[venues.binance]\nspot_rest_url = \"https://api.binance.com\"\n[venues.bybit]\nrest_url = \"http://127.0.0.1:9\"\n",
    "[alerts]\ndiscord_webhook_url = \"https://discord.com/api/webhooks/1/x\"\ntelegram_chat_id = \"-100\"\n",
];

#[test]
fn a_configuration_file() {
    let folder = Folder::new("config");
    spoil::run("configuration", &seeds(CONFIGS), |bytes| {
        let path = folder.write("funding-arb.toml", bytes);
        for profile in [Profile::Live, Profile::Demo] {
            if let Err(error) = Config::load(Some(&path), &BTreeMap::new(), profile) {
                assert!(!error.problems.is_empty());
                assert!(error.to_string().lines().count() > 1, "{error}");
            }
        }
    });
}

#[test]
fn variables() {
    const NAMES: [&str; 8] = [
        "FUNDING_ARB__HTTP__PORT",
        "FUNDING_ARB__RISK__MAX_POSITION_USD",
        "FUNDING_ARB__UNIVERSE__SYMBOLS",
        "MIN_SPREAD_BPS",
        "MAX_POSITION_USD",
        "DATABASE_URL",
        "CONTROL_TOKEN",
        "LOG_LEVEL",
    ];
    let values = seeds(&[
        "8080",
        "10000.5",
        "BTCUSDT,ETHUSDT",
        "postgres://u:p@localhost/db",
        "info",
        "-1e9",
    ]);
    spoil::run("variables", &values, |bytes| {
        let value = String::from_utf8_lossy(bytes).into_owned();
        for name in NAMES {
            let env = BTreeMap::from([(name.to_owned(), value.clone())]);
            if let Err(error) = Config::load(None, &env, Profile::Live) {
                assert!(error.to_string().lines().count() > 1, "{name}={value}: {error}");
            }
        }
    });
}

#[test]
fn recorded_histories() {
    let folder = Folder::new("history");
    let rows = seeds(&[
        "settled_at,funding_rate,interval_hours,mark_price,source\n2024-01-01T00:00:00.000Z,0.0001,8,42000.1,a\n2024-01-01T08:00:00.000Z,-0.0002,8,,a\n",
        "calc_time,funding_interval_hours,last_funding_rate\n1704067200000,8,0.00010000\n1704096000000,8,0.00020000\n",
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n1702857600000,41396.6,41487.5,41206.1,41390.6,13344.824,1702861199999,,,,,0\n",
        "1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68108,1704070799999,53957248.97,47134,682.57,28957416.81,0\n",
    ]);
    let funding = "funding/binance/BTCUSDT.csv";
    let bars = "klines/binance/perp/BTCUSDT-1h.csv";
    folder.write(funding, &rows[0]);
    let mut history = History::open(&folder.0).unwrap();
    let told = history.funding(VenueId::Binance, "BTCUSDT").unwrap().unwrap();
    assert_eq!(told.rows().len(), 2, "what is not spoilt is read");
    spoil::run("histories", &rows, |bytes| {
        folder.write(funding, bytes);
        folder.write(bars, bytes);
        let mut history = History::open(&folder.0).unwrap();
        let refused = history.funding(VenueId::Binance, "BTCUSDT").err().into_iter();
        let perp = SeriesId::new(VenueId::Binance, Kind::Perp, "BTCUSDT");
        for error in refused.chain(history.bars(&perp).err()) {
            assert!(error.to_string().contains("BTCUSDT"), "{error}");
        }
    });
}

#[test]
fn lists_of_hedges() {
    let list = r#"{"hedges":[{"id":"a","symbol":"BTCUSDT","long":"binance-spot","short":"bybit-perp","quantity":"0.5","entry":"2025-09-10T09:00Z","exit":"2025-09-24T17:00Z"}]}"#;
    backtest::hedges::parse(list).unwrap();
    spoil::run("hedges", &seeds(&[list]), |bytes| {
        if let Err(error) = backtest::hedges::parse(&String::from_utf8_lossy(bytes)) {
            assert!(!error.to_string().is_empty());
        }
    });
}

#[test]
fn fault_rules_and_accounts() {
    let texts = seeds(&[
        r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"POST","path":"/v5/order/create"},"after":0,"count":1,"action":"REPLY","args":{"status":502,"body":"x","headers":{"Retry-After":"1"}}}]}"#,
        r#"{"rules":[{"action":"FOREIGN","args":{"kind":"trade","symbol":"BTCUSDT","side":"sell","quantity":"0.5"}},{"action":"DELAY","args":{"ms":100}}]}"#,
        r#"{"accounts":[{"key":"k","secret":"s","balances":{"binance":{"spot":{"USDT":"100000"},"usdm":{"USDT":"1"}},"bybit":{"unified":{"USDT":"100000"}}}}]}"#,
    ]);
    let text = |index: usize| std::str::from_utf8(&texts[index]).unwrap();
    assert_eq!(simulator::faults::parse_rules(text(0)).unwrap().len(), 1);
    assert_eq!(simulator::exchange::parse_accounts(text(2)).unwrap().len(), 1);
    spoil::run("rules and accounts", &texts, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(error) = simulator::faults::parse_rules(&text) {
            assert!(!error.to_string().is_empty());
        }
        if let Err(error) = simulator::exchange::parse_accounts(&text) {
            assert!(!error.to_string().is_empty());
        }
    });
}

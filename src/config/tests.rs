//! What is taken, what is refused, and the words of each refusal.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use domain::money::{Bps, Usd};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;

use super::problem::Problem;
use super::{Config, ConfigError, Mode, Profile, Resolved, document, keys, source};

const KEYS: [(&str, &str); 4] = [
    ("BINANCE_API_KEY", "canary-binance-key"),
    ("BINANCE_API_SECRET", "canary-binance-secret"),
    ("BYBIT_API_KEY", "canary-bybit-key"),
    ("BYBIT_API_SECRET", "canary-bybit-secret"),
];

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn resolve(file: &str, pairs: &[(&str, &str)], profile: Profile) -> Result<Resolved, ConfigError> {
    let mut problems: Vec<Problem> = Vec::new();
    let written = source::table("f.toml", file, &mut problems);
    Resolved::resolve(written, &env(pairs), profile, problems)
}

fn read(file: &str, pairs: &[(&str, &str)], profile: Profile) -> Result<Config, ConfigError> {
    resolve(file, pairs, profile)?.config()
}

fn refused(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let error = read(file, pairs, Profile::Live).unwrap_err();
    error.problems.iter().map(ToString::to_string).collect()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_printed_file_says_every_key_and_the_defaults() {
    let printed = read(&document(), &[], Profile::Live).unwrap();
    let silent = read("", &[], Profile::Live).unwrap();
    assert_eq!(format!("{printed:?}"), format!("{silent:?}"));
    let values = |resolved: Resolved| {
        resolved
            .shown()
            .into_iter()
            .map(|shown| shown.value)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        values(resolve(&document(), &[], Profile::Live).unwrap()),
        values(resolve("", &[], Profile::Live).unwrap())
    );
    for key in keys::KEYS {
        let last = key.name.rsplit('.').next().unwrap();
        assert!(document().contains(&format!("{last} = ")), "{}", key.name);
        assert!(document().contains(key.help), "{}", key.name);
    }
}

#[test]
fn a_file_with_every_line_uncommented_is_a_configuration_too() {
    let all: String = document()
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = "))
                .unwrap_or(line)
        })
        .fold(String::new(), |out, line| out + line + "\n");
    let config = read(&all, &[], Profile::Live).unwrap();
    assert_eq!(config.risk.max_position, Usd(dec("10000")));
}

#[test]
fn every_default_passes_its_own_check_in_every_mode() {
    for profile in [Profile::Live, Profile::Demo] {
        assert_eq!(resolve("", &[], profile).unwrap().shown().len(), keys::KEYS.len());
    }
    let live = resolve("mode = 'live'", &[], Profile::Live).unwrap();
    assert_eq!(live.shown().len(), keys::KEYS.len());
}

#[test]
fn variables_win_over_the_file_and_the_file_over_the_defaults() {
    let file =
        "mode = 'paper'\n[risk]\nmax_position_usd = 500\nmax_total_usd = '1234.56'\n[universe]\nsymbols = ['BTC']";
    let pairs = [
        ("FUNDING_ARB__RISK__MAX_POSITION_USD", "0.1"),
        ("FUNDING_ARB__VENUES__BYBIT__REST_URL", "http://127.0.0.1:9000/"),
        ("FUNDING_ARB__UNIVERSE__SYMBOLS", "eth, SOLUSDT"),
        ("MIN_SPREAD_BPS", "12.5"),
        ("LOG_LEVEL", "WARN"),
        ("DATABASE_URL", ""),
    ];
    let config = read(file, &pairs, Profile::Live).unwrap();
    assert_eq!(config.risk.max_position, Usd(dec("0.1")));
    assert_eq!(config.risk.max_total, Usd(dec("1234.56")));
    assert_eq!(config.risk.max_venue, Usd(dec("40000")));
    assert_eq!(config.venues.bybit.rest_url, "http://127.0.0.1:9000");
    assert_eq!(config.universe.symbols, ["ETH", "SOLUSDT"]);
    assert_eq!(config.strategy.min_spread, Bps(dec("12.5")));
    assert_eq!(config.log.level, slog::Level::Warning);
    assert_eq!(
        config.ledger.database_url.expose_secret(),
        "sqlite://./data/funding-arb.db"
    );
    let shown = resolve(file, &pairs, Profile::Live).unwrap().shown();
    let origin = |key| {
        shown
            .iter()
            .find(|shown| shown.key == key)
            .map(|shown| shown.origin.clone())
            .unwrap()
    };
    assert_eq!(origin("risk.max_position_usd"), "FUNDING_ARB__RISK__MAX_POSITION_USD");
    assert_eq!(origin("risk.max_total_usd"), "f.toml:4");
    assert_eq!(origin("risk.max_venue_usd"), "default");
    assert_eq!(origin("strategy.min_spread_bps"), "MIN_SPREAD_BPS");
}

#[test]
fn f120_each_bad_value_is_named_with_its_place_and_what_is_allowed() {
    for (file, message) in [
        (
            "[risk]\nmax_position_usd = 10.5",
            "risk.max_position_usd = 10.5 (f.toml:2): a decimal is quoted, so that it stays exact: write \"10.5\"; \
             allowed: USD from 0 to 1000000000, quoted or whole",
        ),
        (
            "[risk]\n\nmax_total_usd = '-1'",
            "risk.max_total_usd = \"-1\" (f.toml:3): it is out of range; \
             allowed: USD from 0 to 1000000000, quoted or whole",
        ),
        (
            "[risk]\nmax_total_usd = 'much'",
            "risk.max_total_usd = \"much\" (f.toml:2): it is no exact number; \
             allowed: USD from 0 to 1000000000, quoted or whole",
        ),
        (
            "[risk]\nmax_leverage = 50",
            "risk.max_leverage = 50 (f.toml:2): it is out of range; allowed: whole times from 1 to 10",
        ),
        (
            "[http]\nport = '8080'",
            "http.port = \"8080\" (f.toml:2): it is text, not a whole number; allowed: whole port from 0 to 65535",
        ),
        (
            "[http]\nmetrics_open = 1",
            "http.metrics_open = 1 (f.toml:2): it is a whole number, not true or false; allowed: true or false",
        ),
        (
            "[http]\nbind = 'localhost'",
            "http.bind = \"localhost\" (f.toml:2): it is no IP address; allowed: an IP address",
        ),
        (
            "[universe]\nsymbols = 'BTC'",
            "universe.symbols = \"BTC\" (f.toml:2): it is text, not a list; allowed: a list of words without spaces",
        ),
        (
            "[strategy]\nreentry_share = '1.01'",
            "strategy.reentry_share = \"1.01\" (f.toml:2): it is out of range; \
             allowed: share from 0 to 1, quoted or whole",
        ),
        (
            "mode = 'dry'",
            "mode = \"dry\" (f.toml:1): it is none of the words; allowed: one of paper, live",
        ),
    ] {
        assert_eq!(refused(file, &[]), [message]);
    }
}

#[test]
fn each_bad_address_unknown_key_and_broken_file_is_named() {
    for (file, message) in [
        (
            "venues.bybit.rest_url = 'http://api.bybit.com'",
            "venues.bybit.rest_url = \"http://api.bybit.com\" (f.toml:1): it is plain text, which is for loopback hosts \
             only; allowed: https://HOST[:PORT], or http:// to a loopback host",
        ),
        (
            "venues.bybit.ws_url = 'wss://stream.bybit.com/v5'",
            "venues.bybit.ws_url = \"wss://stream.bybit.com/v5\" (f.toml:1): it has a path; \
             allowed: wss://HOST[:PORT] without a path, or ws:// to a loopback host",
        ),
        ("risk = 5", "risk = 5 (f.toml:1): it is a section, not a key"),
        (
            "[risk]\nmax_posision_usd = 5",
            "risk.max_posision_usd = 5 (f.toml:2): there is no such key; allowed: risk.max_position_usd is one",
        ),
        (
            "[fancy]\ncolour = 'red'",
            "fancy (f.toml:1): there is no such key; allowed: the keys that `funding-arb config init` prints",
        ),
        (
            "a = 1\nb = ",
            "f.toml:2: it is no TOML: string values must be quoted, expected literal string",
        ),
        (
            "[risk]\nmax_total_usd = 1\nmax_total_usd = 2",
            "f.toml:3: it is no TOML: duplicate key",
        ),
    ] {
        assert_eq!(refused(file, &[]), [message]);
    }
}

#[test]
fn each_bad_variable_is_named() {
    for (name, value, message) in [
        (
            "MAX_POSITION_USD",
            "1e9",
            "risk.max_position_usd = 1e9 (MAX_POSITION_USD): it is no exact number; \
             allowed: USD from 0 to 1000000000, quoted or whole",
        ),
        (
            "FUNDING_ARB__RISK__MAX_LEVERAGE",
            "",
            "risk.max_leverage = \"\" (FUNDING_ARB__RISK__MAX_LEVERAGE): it is no whole number; \
             allowed: whole times from 1 to 10",
        ),
        (
            "FUNDING_ARB__RISK__MAX_LEVERGE",
            "3",
            "risk.max_leverge = 3 (FUNDING_ARB__RISK__MAX_LEVERGE): there is no such key; \
             allowed: risk.max_leverage is one",
        ),
        (
            "CONTROL_TOKEN",
            "fifteen-letters",
            "http.control_token = (hidden) (CONTROL_TOKEN): it has 15 characters, which can be guessed; \
             allowed: text of at least 16 characters",
        ),
        (
            "DISCORD_WEBHOOK_URL",
            "http://discord.com/api/webhooks/1/canary",
            "alerts.discord_webhook_url = (hidden) (DISCORD_WEBHOOK_URL): it is plain text, which is for loopback \
             hosts only; allowed: https://HOST[:PORT], or http:// to a loopback host",
        ),
        (
            "DATABASE_URL",
            "mysql://u:canary@h/d",
            "ledger.database_url = (hidden) (DATABASE_URL): it is no ledger address; \
             allowed: sqlite://PATH or postgres://USER@HOST/DATABASE",
        ),
        (
            "TELEGRAM_BOT_TOKEN",
            "canary",
            "alerts.telegram_chat_id: the bot has no chat to write to; allowed: set it, best by TELEGRAM_CHAT_ID",
        ),
        (
            "BYBIT_API_KEY",
            "canary",
            "venues.bybit.api_secret: its key is set and it is not; allowed: set it, best by BYBIT_API_SECRET",
        ),
        (
            "LOG_LEVEL",
            "loud",
            "log.level = loud (LOG_LEVEL): it is none of the words; \
             allowed: one of critical, error, warn, warning, info, debug, trace",
        ),
    ] {
        assert_eq!(refused("", &[(name, value)]), [message]);
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let file = "colour = 1\n[risk]\nmax_leverage = 0\nmax_total_usd = 1.5\n[venues.bybit]\napi_kee = 'canary'";
    let error = read(
        file,
        &[("CONTROL_TOKEN", "canary"), ("FUNDING_ARB__HTTP__PORT", "70000")],
        Profile::Live,
    );
    let error = error.unwrap_err();
    assert_eq!(error.problems.len(), 6, "{error}");
    assert!(error.to_string().starts_with("the configuration is refused:\n  "));
    assert!(
        !error.to_string().contains("canary") && !format!("{error:?}").contains("canary"),
        "{error:?}"
    );
}

#[test]
fn two_variables_of_one_key_say_the_same_or_are_refused() {
    let both = |value| {
        [
            ("MAX_POSITION_USD", "5"),
            ("FUNDING_ARB__RISK__MAX_POSITION_USD", value),
        ]
    };
    assert_eq!(
        read("", &both("5"), Profile::Live).unwrap().risk.max_position,
        Usd(dec("5"))
    );
    assert_eq!(
        refused("", &both("6")),
        [
            "risk.max_position_usd = 5 (MAX_POSITION_USD): FUNDING_ARB__RISK__MAX_POSITION_USD says something else; \
          allowed: one of the two variables, or both alike"
        ]
    );
}

#[test]
fn live_needs_keys_and_has_no_limit_that_was_not_written() {
    assert_eq!(
        refused("mode = 'live'", &[("BYBIT_API_KEY", "k"), ("BYBIT_API_SECRET", "s")]),
        [
            "venues.binance.api_key: live mode cannot do without it; allowed: set it, best by BINANCE_API_KEY",
            "venues.binance.api_secret: live mode cannot do without it; allowed: set it, best by BINANCE_API_SECRET",
        ]
    );
    let config = read(
        "mode = 'live'\n[risk]\nmax_position_usd = 100\nmax_venue_usd = 100\nmax_total_usd = 100",
        &KEYS,
        Profile::Live,
    )
    .unwrap();
    assert_eq!(config.mode, Mode::Live);
    assert_eq!(
        config.warnings().first().unwrap(),
        "no entries: risk.max_daily_loss_usd not set or 0, and a missing limit means no trading"
    );
    assert_eq!(config.settings("h".to_owned()).limits.max_position, Usd::ZERO);
    let file = "mode = 'live'\n[risk]\nmax_position_usd = 100\nmax_venue_usd = 200\nmax_total_usd = 300\nmax_daily_loss_usd = 4";
    let settings = read(file, &KEYS, Profile::Live).unwrap().settings("h".to_owned());
    assert_eq!(
        (settings.limits.max_position, settings.limits.max_daily_loss),
        (Usd(dec("100")), Usd(dec("4")))
    );
    assert_eq!(
        (settings.lease_term, settings.lease_term_ms),
        (Duration::from_secs(12), 12_000)
    );
    assert_eq!(settings.evaluate_every, Duration::from_secs(2));
}

#[test]
fn the_demonstration_has_limits_and_knows_neither_the_keys_nor_the_database() {
    let mut pairs = KEYS.to_vec();
    pairs.extend([
        ("DATABASE_URL", "postgres://u:canary@h/d"),
        ("FUNDING_ARB__MODE", "live"),
    ]);
    let config = read("", &pairs, Profile::Demo).unwrap();
    assert_eq!(config.mode, Mode::Demo);
    assert_eq!(config.settings(String::new()).limits.max_position, Usd(dec("10000")));
    assert_eq!(
        config.ledger.database_url.expose_secret(),
        "sqlite://./data/funding-arb.db"
    );
    assert!(config.secrets().is_empty());
}

#[test]
fn no_debug_shows_a_secret_and_the_scrubber_hears_of_each() {
    let mut pairs = KEYS.to_vec();
    pairs.extend([
        ("CONTROL_TOKEN", "canary-control-token"),
        ("DATABASE_URL", "postgres://u:canary-password@h/d"),
        ("DISCORD_WEBHOOK_URL", "https://discord.test/canary"),
        ("TELEGRAM_BOT_TOKEN", "1:canary"),
        ("TELEGRAM_CHAT_ID", "7"),
        ("FUNDING_ARB__ALERTS__WEBHOOK_URL", "https://hook.test/canary"),
        ("FUNDING_ARB__ALERTS__DEAD_MAN_URL", "https://dead.test/canary"),
    ]);
    let resolved = resolve("", &pairs, Profile::Live).unwrap();
    let config = resolved.config().unwrap();
    assert!(!format!("{config:?} {resolved:?}").contains("canary"));
    let shown = serde_json::to_string(&resolved.shown()).unwrap();
    assert!(!shown.contains("canary") && shown.contains("***"));
    assert_eq!(config.secrets().len(), 10);
    assert!(
        config
            .secrets()
            .iter()
            .all(|secret| secret.expose_secret().contains("canary"))
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let error = Config::load(Some(Path::new("/nowhere/f.toml")), &env(&[]), Profile::Live).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/f.toml: the file cannot be read"),
        "{error}"
    );
}

/// The table of `docs/configuration.md`.
fn rows() -> String {
    keys::KEYS.iter().fold(
        String::from("| key | allowed | default | short variable | meaning |\n|---|---|---|---|---|\n"),
        |out, key| {
            let none = if key.live_default.is_some() {
                "; none in live".to_owned()
            } else {
                let other = key.settlements_default;
                other.map_or_else(String::new, |other| format!("; `{other}` from settlements"))
            };
            let default = if key.default.is_empty() {
                "none".to_owned()
            } else {
                format!("`{}`{none}", key.default)
            };
            let short = key.variable.map(|name| format!("`{name}`")).unwrap_or_default();
            format!(
                "{out}| `{}` | {} | {default} | {short} | {} |\n",
                key.name,
                key.kind.allowed(),
                key.help
            )
        },
    )
}

#[test]
fn the_page_about_configuration_lists_every_key_as_it_is() {
    let page = include_str!("../../docs/configuration.md");
    assert!(page.contains(&rows()), "docs/configuration.md should hold:\n{}", rows());
}

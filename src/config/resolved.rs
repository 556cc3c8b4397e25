//! Every key's value, or everything that is wrong with them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use actors::settings::Manner;
use domain::bounds::Shares;
use domain::money::{Bps, Usd};
use domain::setup::MarginMode;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};

use super::areas::{
    Alerts, Binance, Bybit, Execution, Http, LedgerConfig, Log, LogFormat, Mode, Risk, Strategy, Universe, Venues,
};
use super::keys::{self, Key};
use super::kind::Value;
use super::problem::{ConfigError, Problem};
use super::source::{self, Origin, Raw, Written};
use super::{Config, Profile, between};

/// One key as `config show` says it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// Its value; a secret is masked.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub origin: String,
}

/// Every key with the value that is in force.
#[derive(Clone, Debug)]
pub struct Resolved {
    profile: Profile,
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Resolved {
    /// Reads the file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// Everything that is wrong with single keys, at once.
    pub fn load(path: Option<&Path>, env: &BTreeMap<String, String>, profile: Profile) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let written = path.map(|path| source::file(path, &mut problems)).unwrap_or_default();
        Self::resolve(written, env, profile, problems)
    }

    pub(super) fn resolve(
        file: Vec<Written>,
        env: &BTreeMap<String, String>,
        profile: Profile,
        mut problems: Vec<Problem>,
    ) -> Result<Self, ConfigError> {
        let variables = source::variables(env, &mut problems);
        between::refuse_two_voices(&variables, &mut problems);
        let mut values = BTreeMap::new();
        for Written { key, origin, raw } in file.into_iter().chain(variables) {
            match key.kind.read(&raw) {
                Ok(value) => drop(values.insert(key.name, (value, origin))),
                Err(why) => problems.push(Problem {
                    key: key.name.to_owned(),
                    value: raw.shown(),
                    place: origin.to_string(),
                    why,
                    allowed: key.kind.allowed(),
                }),
            }
        }
        let mut resolved = Self { profile, values };
        resolved.fill_in();
        if problems.is_empty() {
            Ok(resolved)
        } else {
            Err(ConfigError { problems })
        }
    }

    fn fill_in(&mut self) {
        let live = self.mode() == Mode::Live;
        // Some defaults follow from other keys: those come last.
        let (later, first): (Vec<_>, Vec<_>) = keys::KEYS.iter().partition(|key| key.settlements_default.is_some());
        self.fill(&first, live);
        self.fill(&later, live);
    }

    fn fill(&mut self, keys: &[&Key], live: bool) {
        let settlements = self.forecasts_from_settlements();
        for key in keys {
            let default = match key.settlements_default {
                Some(default) if settlements => default,
                _ => key.default_in(live),
            };
            let default = Raw::Variable(default.to_owned());
            let default = if key.kind.is_secret() {
                Raw::Secret(SecretString::default())
            } else {
                default
            };
            if !self.values.contains_key(key.name)
                && let Ok(value) = key.kind.read(&default)
            {
                self.values.insert(key.name, (value, Origin::Default));
            }
        }
    }

    /// What is done with real money.
    pub fn mode(&self) -> Mode {
        match (self.profile, self.text("mode").as_str()) {
            (Profile::Demo, _) => Mode::Demo,
            (Profile::Live | Profile::Reader, "live") => Mode::Live,
            (Profile::Live | Profile::Reader, _) => Mode::Paper,
        }
    }

    /// Whether it is read for a process that only shows.
    pub fn is_reader(&self) -> bool {
        self.profile == Profile::Reader
    }

    /// Whether perpetuals are forecast from what they have paid. A market that is played on this machine has no past that
    /// would tell anything: unless somebody asks for it, the venue's estimate counts there.
    fn forecasts_from_settlements(&self) -> bool {
        let is_played = |key: &'static str| {
            let url = self.text(key);
            let host = url.split("://").nth(1).unwrap_or_default();
            ["127.", "localhost", "[::1]"]
                .iter()
                .any(|local| host.starts_with(local))
        };
        match self.text("strategy.forecast").as_str() {
            "settlements" => true,
            "estimate" => false,
            _ => {
                let played = is_played("venues.binance.usdm_rest_url") || is_played("venues.bybit.rest_url");
                self.mode() != Mode::Demo && !played
            }
        }
    }

    /// Every key, in the order of the table.
    pub fn shown(&self) -> Vec<Shown> {
        keys::KEYS.iter().filter_map(|key| self.show(key)).collect()
    }

    fn show(&self, key: &Key) -> Option<Shown> {
        let (value, origin) = self.values.get(key.name)?;
        let value = match value {
            Value::Decimal(number) => number.to_string().into(),
            Value::Whole(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Words(words) => words.clone().into(),
            Value::Text(text) => text.clone().into(),
            Value::Secret(secret) if secret.expose_secret().is_empty() => "".into(),
            Value::Secret(_) => "***".into(),
        };
        Some(Shown {
            key: key.name,
            value,
            origin: origin.to_string(),
        })
    }

    /// The values as types, with what is wrong between keys.
    ///
    /// # Errors
    /// Keys that need one another, and what live mode cannot do without.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mode = self.mode();
        let mut config = Config {
            mode,
            data_dir: PathBuf::from(self.text("data_dir")),
            http: self.http(),
            universe: Universe {
                symbols: upper(&self.words("universe.symbols")),
            },
            strategy: self.strategy(),
            risk: self.risk(),
            execution: self.execution(),
            venues: self.venues(),
            alerts: self.alerts(),
            ledger: LedgerConfig {
                database_url: self.database_url(),
                sole_executor: self.flag("ledger.sole_executor"),
            },
            log: self.log(),
            warnings: Vec::new(),
        };
        let problems = between::missing_parts(self, &config);
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        config.warnings = between::warnings(&config);
        Ok(config)
    }

    fn http(&self) -> Http {
        Http {
            bind: IpAddr::from_str(&self.text("http.bind")).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: self.whole("http.port"),
            allowed_hosts: self.words("http.allowed_hosts"),
            metrics_open: self.flag("http.metrics_open"),
            control_token: self.perhaps_secret("http.control_token"),
            read_token: self.perhaps_secret("http.read_token"),
        }
    }

    fn strategy(&self) -> Strategy {
        Strategy {
            min_spread: Bps(self.decimal("strategy.min_spread_bps")),
            planned_hold_hours: self.whole("strategy.planned_hold_hours"),
            evaluate_every: Duration::from_secs(self.whole("strategy.evaluation_seconds")),
            reentry_share: self.decimal("strategy.reentry_share"),
            minimum_hold_hours: self.whole("strategy.minimum_hold_hours"),
            rotation: self.flag("strategy.rotation"),
            forecasts_from_settlements: self.forecasts_from_settlements(),
        }
    }

    fn risk(&self) -> Risk {
        Risk {
            max_position: Usd(self.decimal("risk.max_position_usd")),
            max_venue: Usd(self.decimal("risk.max_venue_usd")),
            max_total: Usd(self.decimal("risk.max_total_usd")),
            max_leverage: self.whole("risk.max_leverage"),
            // One of the two words: the table has checked it.
            margin_mode: MarginMode::parse(&self.text("risk.margin_mode")).unwrap_or_default(),
            max_daily_loss: Usd(self.decimal("risk.max_daily_loss_usd")),
            max_drawdown: Bps(self.decimal("risk.max_drawdown_bps")),
            delisting_hours: self.whole("risk.delisting_hours"),
            shares: Shares {
                open_interest: self.share("risk.max_share_of_open_interest_bps"),
                volume: self.share("risk.max_share_of_volume_bps"),
            },
        }
    }

    /// A part of a market; the whole of it is no bound.
    fn share(&self, key: &'static str) -> Option<Bps> {
        Some(Bps(self.decimal(key))).filter(|share| share.0 < Decimal::from(10_000))
    }

    fn execution(&self) -> Execution {
        let rests_for = Duration::from_millis(self.whole("execution.maker_deadline_ms"));
        let slice = Usd(self.decimal("execution.slice_usd"));
        Execution {
            max_slippage: Bps(self.decimal("execution.max_slippage_bps")),
            manner: Manner {
                rests_for: (self.text("execution.style") == "maker_first").then_some(rests_for),
                slice: (!slice.is_zero()).then_some(slice),
                slices_every: Duration::from_millis(self.whole("execution.slices_every_ms")),
            },
        }
    }

    fn venues(&self) -> Venues {
        Venues {
            binance: Binance {
                spot_rest_url: self.text("venues.binance.spot_rest_url"),
                spot_ws_url: self.text("venues.binance.spot_ws_url"),
                spot_ws_api_url: self.text("venues.binance.spot_ws_api_url"),
                usdm_rest_url: self.text("venues.binance.usdm_rest_url"),
                usdm_ws_url: self.text("venues.binance.usdm_ws_url"),
                usdm_ws_api_url: self.text("venues.binance.usdm_ws_api_url"),
                api_key: self.account("venues.binance.api_key"),
                api_secret: self.account("venues.binance.api_secret"),
            },
            bybit: Bybit {
                rest_url: self.text("venues.bybit.rest_url"),
                ws_url: self.text("venues.bybit.ws_url"),
                api_key: self.account("venues.bybit.api_key"),
                api_secret: self.account("venues.bybit.api_secret"),
            },
        }
    }

    fn alerts(&self) -> Alerts {
        let chat = self.text("alerts.telegram_chat_id");
        Alerts {
            discord_webhook_url: self.perhaps_secret("alerts.discord_webhook_url"),
            telegram_base_url: self.text("alerts.telegram_base_url"),
            telegram_bot_token: self.perhaps_secret("alerts.telegram_bot_token"),
            telegram_chat_id: (!chat.is_empty()).then_some(chat),
            telegram_commands: self.flag("alerts.telegram_commands"),
            telegram_users: self.words("alerts.telegram_users"),
            webhook_secret: self.perhaps_secret("alerts.webhook_secret"),
            webhook_url: self.perhaps_secret("alerts.webhook_url"),
            dead_man_url: self.perhaps_secret("alerts.dead_man_url"),
        }
    }

    /// Where the ledger is, for a command that needs nothing else.
    pub fn database_url(&self) -> SecretString {
        let own = || {
            let path = PathBuf::from(self.text("data_dir")).join("funding-arb.db");
            SecretString::from(format!("sqlite://{}", path.display()))
        };
        let written = self
            .perhaps_secret("ledger.database_url")
            .filter(|_| self.profile != Profile::Demo);
        written.unwrap_or_else(own)
    }

    fn log(&self) -> Log {
        let format = match self.text("log.format").as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            _ => LogFormat::Auto,
        };
        Log {
            level: self.text("log.level").parse().unwrap_or(slog::Level::Info),
            format,
        }
    }

    /// The demonstration knows no real account, and whoever only shows needs none.
    fn account(&self, key: &'static str) -> SecretString {
        match self.profile {
            Profile::Live => self.perhaps_secret(key).unwrap_or_default(),
            Profile::Reader | Profile::Demo => SecretString::default(),
        }
    }

    /// Whether a secret key has a value.
    pub(super) fn is_set(&self, key: &'static str) -> bool {
        self.perhaps_secret(key).is_some()
    }

    fn perhaps_secret(&self, key: &'static str) -> Option<SecretString> {
        match self.values.get(key) {
            Some((Value::Secret(secret), _)) if !secret.expose_secret().is_empty() => Some(secret.clone()),
            _ => None,
        }
    }

    fn text(&self, key: &'static str) -> String {
        match self.values.get(key) {
            Some((Value::Text(text), _)) => text.clone(),
            _ => String::new(),
        }
    }

    fn words(&self, key: &'static str) -> Vec<String> {
        match self.values.get(key) {
            Some((Value::Words(words), _)) => words.clone(),
            _ => Vec::new(),
        }
    }

    fn flag(&self, key: &'static str) -> bool {
        matches!(self.values.get(key), Some((Value::Flag(true), _)))
    }

    /// A missing number is zero, which stops entries; the table's ranges fit the types.
    fn decimal(&self, key: &'static str) -> Decimal {
        match self.values.get(key) {
            Some((Value::Decimal(number), _)) => *number,
            _ => Decimal::ZERO,
        }
    }

    fn whole<N: TryFrom<u64> + Default>(&self, key: &'static str) -> N {
        match self.values.get(key) {
            Some((Value::Whole(number), _)) => N::try_from(*number).unwrap_or_default(),
            _ => N::default(),
        }
    }
}

/// Venues write their symbols in capitals.
fn upper(words: &[String]) -> Vec<String> {
    words.iter().map(|word| word.to_ascii_uppercase()).collect()
}

//! The configuration: read once from a file and the environment, checked whole, handed out per area.
//!
//! ```text
//! keys       every key: its unit, range, default, variable and meaning; everything below reads this table
//! kind       what a value must be, and the words that say so
//! url        which addresses may be spoken to
//! source     the file and the environment taken apart into raw values, each with its place
//! between    what is wrong between keys that are sound by themselves
//! resolved   every key's value, or everything that is wrong with them
//! problem    what is wrong, in words
//! areas      the values as types, per area
//! document   the commented file that `config init` prints
//! ```
//!
//! - CF-1  Nothing is guessed: an unknown key, a wrong type or a value out of range is refused, all of them at once.
//! - CF-2  Money never passes through binary floating point.
//! - CF-3  Secrets are wrapped where they are read; no message and no `Debug` shows them.
//! - CF-4  Live has no limit that was not written down, and a missing limit means no entries.

mod areas;
mod between;
mod document;
mod keys;
mod kind;
mod problem;
mod resolved;
mod source;
pub(crate) mod url;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::forecast::{Forecaster, Model};
use domain::instrument::Name;
use domain::money::Usd;
use domain::risk::{Freshness, Limits};
use domain::setup::Setup;
use domain::strategy::Plan;
use secrecy::{ExposeSecret, SecretString};

pub use areas::{
    Alerts, Binance, Bybit, Execution, Http, LedgerConfig, Log, LogFormat, Mode, Risk, Strategy, Universe, Venues,
};
pub use document::document;
pub use problem::{ConfigError, Problem};
pub use resolved::{Resolved, Shown};

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "funding-arb.toml";

/// Checks where a running engine is said to answer: plain HTTP on this machine, since that is what it speaks.
///
/// # Errors
/// What is wrong with it.
pub fn check_engine_url(text: &str) -> Result<String, &'static str> {
    if text.starts_with("https://") {
        return Err("the engine speaks plain HTTP");
    }
    url::check(text, ("http", "https"), false)
}

/// How long the lease lasts without renewal: a successor that cannot know whether its holder lives waits so long, and
/// must be at work within 15 s.
const LEASE_TERM: Duration = Duration::from_secs(12);
/// Between two renewals: two may fail before the last 5 s of the term, in which nothing is sent.
const LEASE_RENEW_EVERY: Duration = Duration::from_secs(3);

/// For what the configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The service: `mode` says whether it is paper or live.
    Live,
    /// A process that only shows what a ledger holds: it needs no key of a venue.
    Reader,
    /// The demonstration: simulated venues and a ledger of its own, whatever `mode`, the keys and the database say.
    Demo,
}

/// Everything that may be configured, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is done with real money.
    pub mode: Mode,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// The doors.
    pub http: Http,
    /// What may be traded.
    pub universe: Universe,
    /// When to enter and to leave.
    pub strategy: Strategy,
    /// What is allowed.
    pub risk: Risk,
    /// How orders are placed.
    pub execution: Execution,
    /// Where the venues are, and who we are there.
    pub venues: Venues,
    /// The channels to people.
    pub alerts: Alerts,
    /// The durable record.
    pub ledger: LedgerConfig,
    /// What is logged, and how.
    pub log: Log,
    warnings: Vec<String>,
}

impl Config {
    /// Reads the file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// Everything that is wrong, at once: each with its key, its value (secrets hidden), its place and what is allowed.
    pub fn load(path: Option<&Path>, env: &BTreeMap<String, String>, profile: Profile) -> Result<Self, ConfigError> {
        Resolved::load(path, env, profile)?.config()
    }

    /// What is allowed but deserves a word at start, such as limits that are not set.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Every secret there is, for the scrubber of the logs.
    pub fn secrets(&self) -> Vec<SecretString> {
        let venues = [
            &self.venues.binance.api_key,
            &self.venues.binance.api_secret,
            &self.venues.bybit.api_key,
            &self.venues.bybit.api_secret,
        ];
        let alerts = &self.alerts;
        let perhaps = [
            &self.http.control_token,
            &self.http.read_token,
            &alerts.discord_webhook_url,
            &alerts.telegram_bot_token,
            &alerts.webhook_url,
            &alerts.webhook_secret,
            &alerts.dead_man_url,
        ];
        let password = url::password(self.ledger.database_url.expose_secret()).map(SecretString::from);
        let all = venues.into_iter().chain(perhaps.into_iter().flatten()).cloned();
        all.chain(password)
            .filter(|secret| !secret.expose_secret().is_empty())
            .collect()
    }

    /// What the cast works with. `holder` names this process in the lease. Market time is taken to run as machine time
    /// does; whoever scales it scales `lease_term_ms`.
    pub fn settings(&self, holder: String) -> actors::settings::Settings {
        actors::settings::Settings {
            plan: Plan {
                hold_hours: self.strategy.planned_hold_hours,
                reentry_share: self.strategy.reentry_share,
                minimum_hold_hours: self.strategy.minimum_hold_hours,
                rotation: self.strategy.rotation,
                forecast: self
                    .strategy
                    .forecasts_from_settlements
                    .then(|| Forecaster::new(Model::default())),
            },
            limits: self.limits(),
            universe: self.universe.symbols.iter().map(|symbol| Name::new(symbol)).collect(),
            setup: Setup {
                leverage: self.risk.max_leverage,
                margin: self.risk.margin_mode,
            },
            manner: self.execution.manner,
            evaluate_every: self.strategy.evaluate_every,
            reconcile_every: Duration::from_mins(1),
            heartbeat_every: Duration::from_secs(1),
            alert_every: Duration::from_secs(1),
            feed_silence: Duration::from_secs(20),
            feed_life: Duration::from_hours(23),
            relist_every: Duration::from_mins(10),
            kept_pairs: 5,
            visibility: Duration::from_secs(5),
            resolve_every: Duration::from_secs(1),
            lease_term: LEASE_TERM,
            lease_term_ms: i64::try_from(LEASE_TERM.as_millis()).unwrap_or(i64::MAX),
            lease_renew_every: LEASE_RENEW_EVERY,
            claim_after: Duration::ZERO,
            named_within: None,
            tells_unasked: self.mode != Mode::Demo,
            run: run_tag(&holder),
            holder,
            seed: 0,
        }
    }

    /// The limits in force: where one of the caps is missing, none is open (CF-4).
    fn limits(&self) -> Limits {
        let risk = &self.risk;
        let max_position = if risk.missing().is_empty() {
            risk.max_position
        } else {
            Usd::ZERO
        };
        Limits {
            min_spread: self.strategy.min_spread,
            max_position,
            max_venue: risk.max_venue,
            max_total: risk.max_total,
            max_daily_loss: risk.max_daily_loss,
            max_drawdown: risk.max_drawdown,
            max_slippage: self.execution.max_slippage,
            delisting_hours: risk.delisting_hours,
            shares: risk.shares,
            freshness: Freshness::DEFAULT,
        }
    }
}

/// Four letters or digits of a holder's name, from its end: the holder's name is drawn anew at each start.
fn run_tag(holder: &str) -> String {
    let kept: Vec<char> = holder.chars().filter(char::is_ascii_alphanumeric).collect();
    kept.iter().skip(kept.len().saturating_sub(4)).collect()
}

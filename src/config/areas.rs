//! The values as types, per area. Units are in the documentation of each field.

use std::net::IpAddr;
use std::time::Duration;

use actors::settings::Manner;
use domain::bounds::Shares;
use domain::money::{Bps, Usd};
use domain::setup::MarginMode;
use rust_decimal::Decimal;
use secrecy::SecretString;

/// What is done with real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Simulated venues, scaled time.
    Demo,
    /// Real market data, simulated execution.
    Paper,
    /// Real orders.
    Live,
}

impl Mode {
    /// Its word in configuration, answers and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

/// The doors.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address that is listened on.
    pub bind: IpAddr,
    /// Its port; 0 takes any that is free.
    pub port: u16,
    /// Names that the `Host` header may say beside loopback's.
    pub allowed_hosts: Vec<String>,
    /// Whether `/metrics` answers without a token.
    pub metrics_open: bool,
    /// What opens the control doors, at least 16 characters; `None` keeps them shut.
    pub control_token: Option<SecretString>,
    /// What opens the reading doors only; `None` means that nothing else does.
    pub read_token: Option<SecretString>,
}

/// What may be traded.
#[derive(Clone, Debug)]
pub struct Universe {
    /// Assets (`BTC`) or symbols (`BTCUSDT`); empty means every one that both venues list.
    pub symbols: Vec<String>,
}

/// When to enter and to leave.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// Least expected net carry over the planned hold, of leg notional, after all costs.
    pub min_spread: Bps,
    /// Hours that an entry is planned to be held.
    pub planned_hold_hours: u32,
    /// Between two evaluations.
    pub evaluate_every: Duration,
    /// The share of a round trip's cost that a hedge may be expected to lose before it is left, 0 to 1.
    pub reentry_share: Decimal,
    /// Hours that a hedge is held before it may be left for what it is expected to bring.
    pub minimum_hold_hours: u32,
    /// Whether a hedge may give way to a better one.
    pub rotation: bool,
    /// Whether perpetuals are forecast from what they have paid; else from the venue's running estimate.
    pub forecasts_from_settlements: bool,
}

/// What is allowed. A cap of zero stops every entry.
#[derive(Clone, Debug)]
pub struct Risk {
    /// Most notional of one leg.
    pub max_position: Usd,
    /// Most notional of all legs at one venue.
    pub max_venue: Usd,
    /// Most notional of all legs together.
    pub max_total: Usd,
    /// Leverage set on perpetuals.
    pub max_leverage: u8,
    /// What stands behind the positions of perpetuals.
    pub margin_mode: MarginMode,
    /// Most loss of a UTC day before entries stop.
    pub max_daily_loss: Usd,
    /// Most fall of equity from its peak before entries stop.
    pub max_drawdown: Bps,
    /// Hours before the announced end of an instrument from which on it is not entered.
    pub delisting_hours: u32,
    /// Most of a market that one leg may be.
    pub shares: Shares,
}

impl Risk {
    /// The keys of the caps that are zero, each of which stops every entry.
    pub fn missing(&self) -> Vec<&'static str> {
        [
            ("risk.max_position_usd", self.max_position),
            ("risk.max_venue_usd", self.max_venue),
            ("risk.max_total_usd", self.max_total),
            ("risk.max_daily_loss_usd", self.max_daily_loss),
        ]
        .into_iter()
        .filter_map(|(key, cap)| cap.is_zero().then_some(key))
        .collect()
    }
}

/// How orders are placed.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Most slippage of an entry order against the mid of its book.
    pub max_slippage: Bps,
    /// Whether the first leg rests first, and how a large entry is divided.
    pub manner: Manner,
}

/// Where the venues are, and who we are there.
#[derive(Clone, Debug)]
pub struct Venues {
    /// Binance.
    pub binance: Binance,
    /// Bybit.
    pub bybit: Bybit,
}

/// Binance: spot and USDⓈ-M futures.
#[derive(Clone, Debug)]
pub struct Binance {
    /// Spot requests, a base without a path.
    pub spot_rest_url: String,
    /// Spot streams, a base without a path.
    pub spot_ws_url: String,
    /// Spot WebSocket API, with its path.
    pub spot_ws_api_url: String,
    /// Futures requests, a base without a path.
    pub usdm_rest_url: String,
    /// Futures streams, a base without a path.
    pub usdm_ws_url: String,
    /// Futures WebSocket API, with its path.
    pub usdm_ws_api_url: String,
    /// The key; empty where only public data is read.
    pub api_key: SecretString,
    /// Its secret.
    pub api_secret: SecretString,
}

/// Bybit v5.
#[derive(Clone, Debug)]
pub struct Bybit {
    /// Requests, a base without a path.
    pub rest_url: String,
    /// Streams, a base without a path.
    pub ws_url: String,
    /// The key; empty where only public data is read.
    pub api_key: SecretString,
    /// Its secret.
    pub api_secret: SecretString,
}

/// The channels to people; those that are `None` are not used.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// Discord's webhook; whoever knows it may post.
    pub discord_webhook_url: Option<SecretString>,
    /// Telegram's API, a base without a path.
    pub telegram_base_url: String,
    /// The bot's token; always together with a chat.
    pub telegram_bot_token: Option<SecretString>,
    /// The chat it writes to.
    pub telegram_chat_id: Option<String>,
    /// Whether commands are taken from the chat.
    pub telegram_commands: bool,
    /// Numbers of the users who may command; empty means whoever is in the chat.
    pub telegram_users: Vec<String>,
    /// Signs what is posted to the webhook.
    pub webhook_secret: Option<SecretString>,
    /// Any other receiver of JSON.
    pub webhook_url: Option<SecretString>,
    /// Asked regularly while the engine is well, so that silence is noticed elsewhere.
    pub dead_man_url: Option<SecretString>,
}

/// The durable record.
#[derive(Clone, Debug)]
pub struct LedgerConfig {
    /// `sqlite://PATH` or `postgres://…`; it may carry a password.
    pub database_url: SecretString,
    /// The owner's word that no other process ever uses this ledger.
    pub sole_executor: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The least severe level that is written.
    pub level: slog::Level,
    /// How lines look.
    pub format: LogFormat,
}

//! Every key there is. The reader, the checks, the commented file and `config show` all follow this table.

use super::kind::Kind;

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its dotted name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default as a variable would say it; empty means none.
    pub default: &'static str,
    /// The default in live mode, where it differs.
    pub live_default: Option<&'static str>,
    /// The default where perpetuals are forecast from their settlements, where it differs.
    pub settlements_default: Option<&'static str>,
    /// A second variable that sets it.
    pub variable: Option<&'static str>,
    /// What it means.
    pub help: &'static str,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind,
            default,
            live_default: None,
            settlements_default: None,
            variable: None,
            help,
        }
    }

    const fn variable(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    /// Without a default in live mode: an owner who trades writes their limits down.
    const fn unset_in_live(mut self) -> Self {
        self.live_default = Some("0");
        self
    }

    /// With another default where perpetuals are forecast from their settlements.
    const fn with_settlements(mut self, default: &'static str) -> Self {
        self.settlements_default = Some(default);
        self
    }

    /// Its default in a mode.
    pub fn default_in(&self, live: bool) -> &'static str {
        match self.live_default {
            Some(default) if live => default,
            _ => self.default,
        }
    }
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The key that a variable beside its own sets.
pub fn of_variable(variable: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.variable == Some(variable))
}

const USD: Kind = Kind::Decimal {
    unit: "USD",
    least: 0,
    most: 1_000_000_000,
};
const REST: Kind = Kind::Http;

/// In the order in which the file shows them; keys of one section stand together.
pub static KEYS: &[Key] = &[
    Key::new(
        "mode",
        Kind::OneOf(&["paper", "live"]),
        "paper",
        "paper: real market data, simulated execution. live: real orders; needs the keys of both venues.",
    ),
    Key::new(
        "data_dir",
        Kind::Path,
        "./data",
        "Folder of the ledger and of everything else that is kept.",
    ),
    Key::new(
        "http.bind",
        Kind::Address,
        "127.0.0.1",
        "Address that is listened on. Anything but loopback is reachable from elsewhere.",
    ),
    Key::new(
        "http.port",
        Kind::Whole {
            unit: "port",
            least: 0,
            most: 65_535,
        },
        "8080",
        "Port; 0 takes any that is free.",
    ),
    Key::new(
        "http.allowed_hosts",
        Kind::Words,
        "",
        "Names that the Host header may say, beside loopback's; each as name or name:port.",
    ),
    Key::new(
        "http.metrics_open",
        Kind::Flag,
        "false",
        "Whether /metrics answers without a token.",
    ),
    Key::new(
        "http.control_token",
        Kind::Secret { least: 16 },
        "",
        "Opens the control doors; without one they stay shut. Better set by its variable than in a file.",
    )
    .variable("CONTROL_TOKEN"),
    Key::new(
        "http.read_token",
        Kind::Secret { least: 16 },
        "",
        "Reads what the control token reads, and controls nothing: for a dashboard, or for Prometheus.",
    )
    .variable("READ_TOKEN"),
    Key::new(
        "universe.symbols",
        Kind::Words,
        "",
        "Assets (BTC) or symbols (BTCUSDT) that may be traded; empty means every one that both venues list.",
    ),
    Key::new(
        "strategy.min_spread_bps",
        Kind::Decimal {
            unit: "bps",
            least: 0,
            most: 10_000,
        },
        "30",
        "Least expected net carry over the planned hold, of the notional of one leg, after all costs.",
    )
    .variable("MIN_SPREAD_BPS"),
    Key::new(
        "strategy.forecast",
        Kind::OneOf(&["auto", "settlements", "estimate"]),
        "auto",
        "What a perpetual is expected to pay. settlements: two averages of what it has paid, less their own error before an entry. estimate: what its venue expects now. auto: settlements, but estimate in the demonstration and where a venue is on this machine.",
    ),
    Key::new(
        "strategy.planned_hold_hours",
        Kind::Whole {
            unit: "hours",
            least: 1,
            most: 2_160,
        },
        "72",
        "How long an entry is planned to be held; the expected carry counts the settlements in it.",
    )
    .with_settlements("720"),
    Key::new(
        "strategy.evaluation_seconds",
        Kind::Whole {
            unit: "seconds",
            least: 1,
            most: 3_600,
        },
        "2",
        "Time between two evaluations.",
    ),
    Key::new(
        "strategy.reentry_share",
        Kind::Decimal {
            unit: "share",
            least: 0,
            most: 1,
        },
        "0.3",
        "Share of a round trip's cost that a hedge may be expected to lose over the planned hold before it is left.",
    )
    .with_settlements("1"),
    Key::new(
        "strategy.minimum_hold_hours",
        Kind::Whole {
            unit: "hours",
            least: 0,
            most: 720,
        },
        "0",
        "How long a hedge is held before it may be left for what it is expected to bring. What endangers it waits for nothing.",
    )
    .with_settlements("24"),
    Key::new(
        "strategy.rotation",
        Kind::Flag,
        "false",
        "Whether a hedge may give way to a better pair that finds no room beside it, where that gains strategy.min_spread_bps after all costs of both changes.",
    )
    .with_settlements("true"),
    Key::new(
        "risk.max_position_usd",
        USD,
        "10000",
        "Most notional of one leg. 0 stops entries.",
    )
    .variable("MAX_POSITION_USD")
    .unset_in_live(),
    Key::new(
        "risk.max_venue_usd",
        USD,
        "40000",
        "Most notional of all legs at one venue. 0 stops entries.",
    )
    .unset_in_live(),
    Key::new(
        "risk.max_total_usd",
        USD,
        "80000",
        "Most notional of all legs together. 0 stops entries.",
    )
    .unset_in_live(),
    Key::new(
        "risk.max_leverage",
        Kind::Whole {
            unit: "times",
            least: 1,
            most: 10,
        },
        "3",
        "Leverage that is set on perpetuals before the first order, and less where the risk tier of the position allows less.",
    ),
    Key::new(
        "risk.margin_mode",
        Kind::OneOf(&["cross", "isolated"]),
        "cross",
        "What stands behind a perpetual's position: the whole account, or what is set aside for it. Set before the first order; on Bybit it holds for the account.",
    ),
    Key::new(
        "risk.max_daily_loss_usd",
        USD,
        "2000",
        "Most realised loss of a UTC day; from there on entries stop until the next. 0 stops entries.",
    )
    .unset_in_live(),
    Key::new(
        "risk.max_drawdown_bps",
        Kind::Decimal {
            unit: "bps",
            least: 0,
            most: 10_000,
        },
        "1000",
        "Most fall of capital and closed results from their highest point, of that point; from there on entries stop. 0 stops entries.",
    ),
    Key::new(
        "risk.delisting_hours",
        Kind::Whole {
            unit: "hours",
            least: 1,
            most: 720,
        },
        "72",
        "How long before the announced end of a market it is not entered any more. What is held of it is left in the last third of that time.",
    ),
    Key::new(
        "risk.max_share_of_open_interest_bps",
        Kind::Decimal {
            unit: "bps",
            least: 0,
            most: 10_000,
        },
        "100",
        "Most of the open interest of a perpetual that one leg may be. Where it has not been read nothing is entered; 10000 bounds nothing, 0 stops entries.",
    ),
    Key::new(
        "risk.max_share_of_volume_bps",
        Kind::Decimal {
            unit: "bps",
            least: 0,
            most: 10_000,
        },
        "100",
        "Most of what is traded of an instrument in 24 hours that one leg may be. Where it has not been read nothing is entered; 10000 bounds nothing, 0 stops entries.",
    ),
    Key::new(
        "execution.max_slippage_bps",
        Kind::Decimal {
            unit: "bps",
            least: 0,
            most: 1_000,
        },
        "8",
        "Most slippage of an entry order against the mid of its book.",
    ),
    Key::new(
        "execution.style",
        Kind::OneOf(&["taker", "maker_first"]),
        "taker",
        "taker: entries take from the book. maker_first: the first leg of an entry rests post-only at the best price first; what is left after the deadline, and the other leg always, is taken.",
    ),
    Key::new(
        "execution.maker_deadline_ms",
        Kind::Whole {
            unit: "ms",
            least: 100,
            most: 60_000,
        },
        "3000",
        "How long an order of maker_first rests at most. A part that is filled ends it at once, for the other leg has to follow.",
    ),
    Key::new(
        "execution.slice_usd",
        Kind::Decimal {
            unit: "USD",
            least: 0,
            most: 1_000_000_000,
        },
        "0",
        "Most notional of an entry that one leg may hold before the other: a larger one goes slice by slice. 0: all at once.",
    ),
    Key::new(
        "execution.slices_every_ms",
        Kind::Whole {
            unit: "ms",
            least: 0,
            most: 60_000,
        },
        "2000",
        "Time between the beginnings of two slices.",
    ),
    Key::new(
        "venues.binance.spot_rest_url",
        REST,
        "https://api.binance.com",
        "Spot requests.",
    ),
    Key::new(
        "venues.binance.spot_ws_url",
        Kind::WsBase,
        "wss://stream.binance.com:9443",
        "Spot streams.",
    ),
    Key::new(
        "venues.binance.spot_ws_api_url",
        Kind::WsPath,
        "wss://ws-api.binance.com:443/ws-api/v3",
        "Spot WebSocket API.",
    ),
    Key::new(
        "venues.binance.usdm_rest_url",
        REST,
        "https://fapi.binance.com",
        "USDⓈ-M futures requests.",
    ),
    Key::new(
        "venues.binance.usdm_ws_url",
        Kind::WsBase,
        "wss://fstream.binance.com",
        "USDⓈ-M futures streams.",
    ),
    Key::new(
        "venues.binance.usdm_ws_api_url",
        Kind::WsPath,
        "wss://ws-fapi.binance.com/ws-fapi/v1",
        "USDⓈ-M futures WebSocket API.",
    ),
    Key::new(
        "venues.binance.api_key",
        Kind::Secret { least: 1 },
        "",
        "The key: may trade, may not withdraw, bound to the outbound address.",
    )
    .variable("BINANCE_API_KEY"),
    Key::new(
        "venues.binance.api_secret",
        Kind::Secret { least: 1 },
        "",
        "Its secret.",
    )
    .variable("BINANCE_API_SECRET"),
    Key::new("venues.bybit.rest_url", REST, "https://api.bybit.com", "Requests."),
    Key::new(
        "venues.bybit.ws_url",
        Kind::WsBase,
        "wss://stream.bybit.com",
        "Streams.",
    ),
    Key::new(
        "venues.bybit.api_key",
        Kind::Secret { least: 1 },
        "",
        "The key: may trade, may not withdraw, bound to the outbound address.",
    )
    .variable("BYBIT_API_KEY"),
    Key::new("venues.bybit.api_secret", Kind::Secret { least: 1 }, "", "Its secret.").variable("BYBIT_API_SECRET"),
    Key::new(
        "alerts.discord_webhook_url",
        Kind::SecretHttp,
        "",
        "Discord's webhook, for every alert. Whoever knows it may post there.",
    )
    .variable("DISCORD_WEBHOOK_URL"),
    Key::new(
        "alerts.telegram_base_url",
        REST,
        "https://api.telegram.org",
        "Telegram's API.",
    ),
    Key::new(
        "alerts.telegram_bot_token",
        Kind::Secret { least: 1 },
        "",
        "The bot that writes critical alerts.",
    )
    .variable("TELEGRAM_BOT_TOKEN"),
    Key::new("alerts.telegram_chat_id", Kind::Text, "", "The chat that it writes to.").variable("TELEGRAM_CHAT_ID"),
    Key::new(
        "alerts.telegram_commands",
        Kind::Flag,
        "false",
        "Whether the bot takes commands from its chat: /status, /pause, /resume, /close, /why, /profit.",
    ),
    Key::new(
        "alerts.telegram_users",
        Kind::Words,
        "",
        "Numbers of the users whose commands are taken; empty means whoever is in the chat, which a group may not leave so.",
    ),
    Key::new(
        "alerts.webhook_secret",
        Kind::Secret { least: 16 },
        "",
        "Signs what is posted to the webhook: HMAC-SHA256 of time, a full stop and body, in X-Funding-Arb-Signature.",
    )
    .variable("ALERT_WEBHOOK_SECRET"),
    Key::new(
        "alerts.webhook_url",
        Kind::SecretHttp,
        "",
        "Any other receiver; every alert is posted as JSON.",
    ),
    Key::new(
        "alerts.dead_man_url",
        Kind::SecretHttp,
        "",
        "Posted to every minute while the engine leads and is well, so that its silence is noticed elsewhere.",
    ),
    Key::new(
        "ledger.database_url",
        Kind::Database,
        "",
        "sqlite://PATH or postgres://…; empty means funding-arb.db in data_dir. One ledger serves one mode.",
    )
    .variable("DATABASE_URL"),
    Key::new(
        "ledger.sole_executor",
        Kind::Flag,
        "false",
        "Your word that no other process ever uses this ledger: exits then go on for as long as a PostgreSQL is away, not just for the rest of the lease.",
    ),
    Key::new(
        "log.level",
        Kind::OneOf(&["critical", "error", "warn", "warning", "info", "debug", "trace"]),
        "info",
        "The least severe level that is written.",
    )
    .variable("LOG_LEVEL"),
    Key::new(
        "log.format",
        Kind::OneOf(&["auto", "json", "text"]),
        "auto",
        "json: one object a line. text: for people. auto: text on a terminal, else json.",
    ),
];

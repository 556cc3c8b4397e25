//! What the configuration says by itself.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::ExposeSecret;

use super::check::{Check, Checks};
use crate::config::{Config, Mode};

/// Different characters that a token of chance has at least.
const VARIETY: usize = 10;
/// Characters that cannot be guessed in any time.
const LONG: usize = 24;

pub fn check(config: &Config, file: Option<&Path>, all: &mut Checks) {
    all.add(mode(config));
    all.add(limits(config));
    all.add(file_private(file));
    all.add(token(config));
    all.add(doors(config));
    all.add(channels(config));
}

fn mode(config: &Config) -> Check {
    let saw = config.mode.name();
    match config.mode {
        Mode::Live => Check::ok("config.mode", saw),
        _ => Check::warn(
            "config.mode",
            saw,
            "for real orders: mode = \"live\", or FUNDING_ARB__MODE=live",
        ),
    }
}

fn limits(config: &Config) -> Check {
    const ID: &str = "config.limits";
    let missing = config.risk.missing();
    if !missing.is_empty() {
        return Check::fail(
            ID,
            format!("not set or 0: {}", missing.join(", ")),
            "write each limit down; a missing one stops every entry",
        );
    }
    let (one, venue, total) = (config.risk.max_position, config.risk.max_venue, config.risk.max_total);
    let saw = format!("{one} a leg, {venue} a venue, {total} in all");
    let order = one <= venue && venue <= total;
    Check::holds(
        ID,
        order,
        saw,
        "a leg must fit into its venue's limit, and a venue's into the total",
    )
}

fn file_private(file: Option<&Path>) -> Check {
    const ID: &str = "config.file_private";
    let Some(file) = file else {
        return Check::skipped(ID, "no file is read");
    };
    match std::fs::metadata(file) {
        Ok(about) => {
            let mode = about.permissions().mode() & 0o777;
            let saw = format!("{} has mode {mode:03o}", file.display());
            if mode & 0o022 != 0 {
                Check::fail(ID, saw, "others may change it: chmod 600")
            } else if mode & 0o044 != 0 {
                Check::warn(ID, saw, "others may read it: chmod 600, and keep secrets in variables")
            } else {
                Check::ok(ID, saw)
            }
        }
        Err(error) => Check::fail(ID, format!("{}: {error}", file.display()), "let it be read"),
    }
}

fn token(config: &Config) -> Check {
    const ID: &str = "config.control_token";
    const FIX: &str = "draw one by chance: CONTROL_TOKEN=$(openssl rand -hex 32)";
    let Some(token) = &config.http.control_token else {
        let saw = "none: pause, resume and close are shut";
        return if config.mode == Mode::Live {
            Check::fail(ID, saw, FIX)
        } else {
            Check::warn(ID, saw, FIX)
        };
    };
    let text = token.expose_secret();
    let (length, variety) = (text.chars().count(), text.chars().collect::<BTreeSet<_>>().len());
    let saw = format!("{length} characters, {variety} different ones");
    if variety < VARIETY {
        Check::fail(ID, saw, FIX)
    } else if length < LONG {
        Check::warn(ID, saw, FIX)
    } else {
        Check::ok(ID, saw)
    }
}

fn doors(config: &Config) -> Check {
    const ID: &str = "config.doors";
    let bind = config.http.bind;
    if bind.is_loopback() {
        return Check::ok(ID, format!("{bind}: this machine only"));
    }
    let saw = format!("{bind}: reachable from other machines");
    if config.http.control_token.is_none() {
        return Check::fail(ID, saw + ", without a token", "set CONTROL_TOKEN, or bind 127.0.0.1");
    }
    if config.http.metrics_open {
        return Check::warn(
            ID,
            saw + ", metrics without a token",
            "http.metrics_open = false, unless the network is private",
        );
    }
    Check::warn(ID, saw, "let it be a private network, or bind 127.0.0.1")
}

fn channels(config: &Config) -> Check {
    const ID: &str = "alerts.configured";
    const FIX: &str = "set DISCORD_WEBHOOK_URL, and TELEGRAM_BOT_TOKEN with TELEGRAM_CHAT_ID";
    let alerts = &config.alerts;
    let named: Vec<&str> = [
        ("discord", alerts.discord_webhook_url.is_some()),
        ("telegram", alerts.telegram_bot_token.is_some()),
        ("webhook", alerts.webhook_url.is_some()),
        ("dead man", alerts.dead_man_url.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_set)| is_set.then_some(name))
    .collect();
    match named.as_slice() {
        [] | ["dead man"] => Check::fail(ID, "nobody would be told anything but the log", FIX),
        [one] => Check::warn(ID, format!("only {one}: when it is away, nobody is told"), FIX),
        more => Check::ok(ID, more.join(", ")),
    }
}

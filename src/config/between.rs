//! What is wrong, or worth a word, between keys that are sound by themselves.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::areas::Mode;
use super::problem::Problem;
use super::resolved::Resolved;
use super::source::{Raw, Written};
use super::{Config, keys};

/// Keys that need one another, and what live mode cannot do without.
pub fn missing_parts(resolved: &Resolved, config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut need = |key: &'static str, why: &str| {
        let named = keys::find(key).and_then(|key| key.variable);
        problems.push(Problem {
            key: key.to_owned(),
            value: None,
            place: String::new(),
            why: why.to_owned(),
            allowed: named.map_or_else(|| "set it".to_owned(), |name| format!("set it, best by {name}")),
        });
    };
    if config.mode != Mode::Demo && !resolved.is_reader() {
        for (key, secret) in [
            ("venues.binance.api_key", "venues.binance.api_secret"),
            ("venues.bybit.api_key", "venues.bybit.api_secret"),
        ] {
            let (has_key, has_secret) = (resolved.is_set(key), resolved.is_set(secret));
            if !has_key && config.mode == Mode::Live {
                need(key, "live mode cannot do without it");
            } else if !has_key && has_secret {
                need(key, "its secret is set and it is not");
            }
            if !has_secret && config.mode == Mode::Live {
                need(secret, "live mode cannot do without it");
            } else if !has_secret && has_key {
                need(secret, "its key is set and it is not");
            }
        }
    }
    if is_same(config.http.control_token.as_ref(), config.http.read_token.as_ref()) {
        need(
            "http.read_token",
            "it is the control token: whoever reads could control",
        );
    }
    match (
        resolved.is_set("alerts.telegram_bot_token"),
        config.alerts.telegram_chat_id.is_some(),
    ) {
        (true, false) => need("alerts.telegram_chat_id", "the bot has no chat to write to"),
        (false, true) => need("alerts.telegram_bot_token", "the chat has no bot that writes to it"),
        _ => {}
    }
    let group = config
        .alerts
        .telegram_chat_id
        .as_deref()
        .is_some_and(|chat| chat.starts_with(['-', '@']));
    if config.alerts.telegram_commands && config.alerts.telegram_chat_id.is_none() {
        need("alerts.telegram_bot_token", "commands need a bot and its chat");
    } else if config.alerts.telegram_commands && group && config.alerts.telegram_users.is_empty() {
        need(
            "alerts.telegram_users",
            "whoever joins the group could command: name the users",
        );
    }
    problems
}

fn is_same(a: Option<&SecretString>, b: Option<&SecretString>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.expose_secret() == b.expose_secret())
}

/// What is allowed but deserves a word at start.
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let missing = config.risk.missing();
    if !missing.is_empty() {
        let keys = missing.join(", ");
        warnings.push(format!(
            "no entries: {keys} not set or 0, and a missing limit means no trading"
        ));
    }
    if !config.http.bind.is_loopback() {
        warnings.push(format!(
            "http.bind = {}: the doors can be reached from other machines",
            config.http.bind
        ));
    }
    if config.http.control_token.is_none() && config.mode != Mode::Demo {
        warnings.push("no control token: pause, resume and close are shut; set CONTROL_TOKEN".to_owned());
    }
    warnings
}

/// A key that two variables set differently has no value that anybody meant.
pub fn refuse_two_voices(variables: &[Written], problems: &mut Vec<Problem>) {
    let mut said: BTreeMap<&str, &Written> = BTreeMap::new();
    for written in variables {
        let Some(before) = said.insert(written.key.name, written) else {
            continue;
        };
        if !before.raw.says_the_same(&written.raw) {
            problems.push(Problem {
                key: written.key.name.to_owned(),
                value: written.raw.shown(),
                place: written.origin.to_string(),
                why: format!("{} says something else", before.origin),
                allowed: "one of the two variables, or both alike".to_owned(),
            });
        }
    }
}

impl Raw {
    fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Variable(a), Self::Variable(b)) => a == b,
            (Self::Secret(a), Self::Secret(b)) => a.expose_secret() == b.expose_secret(),
            _ => false,
        }
    }
}

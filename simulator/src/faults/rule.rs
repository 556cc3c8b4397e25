//! One rule, read from JSON.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::Passing;
use super::action::{self, Action, KNOWN, named};
use crate::market::Venue;

/// Parts in which a chance is counted.
pub(super) const MILLION: u32 = 1_000_000;

/// Why a rule was refused.
#[derive(Debug, Error)]
pub enum FaultError {
    /// Not JSON of the right shape.
    #[error("fault rules: {0}")]
    Shape(#[from] serde_json::Error),
    /// A rule of the wrong shape.
    #[error("fault rule {index}: {reason}")]
    Rule {
        /// Which rule, from 0.
        index: usize,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// An action that does not exist.
    #[error("fault rule {index}: unknown action `{action}`; known: {KNOWN}")]
    UnknownAction {
        /// Which rule, from 0.
        index: usize,
        /// The action as written.
        action: String,
    },
    /// Arguments that do not fit the action.
    #[error("fault rule {index}: args of {action}: {reason}")]
    Args {
        /// Which rule, from 0.
        index: usize,
        /// The action.
        action: String,
        /// What is wrong.
        reason: String,
    },
    /// An action on a link where it has no meaning.
    #[error("fault rule {index}: {action} does not apply to this link")]
    Link {
        /// Which rule, from 0.
        index: usize,
        /// The action.
        action: String,
    },
    /// The act itself could not be done.
    #[error("fault rule: {0}")]
    Act(String),
}

/// A link between a client and a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Requests and answers.
    Rest,
    /// Market streams.
    Public,
    /// Account streams and order sockets.
    Private,
}

/// What a rule looks for; absent fields match everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// HTTP method, or `WS` for calls over a socket.
    pub method: Option<String>,
    /// Path; a trailing `*` stands for any rest.
    pub path: Option<String>,
    /// Topic; a trailing `*` stands for any rest.
    pub topic: Option<String>,
    /// Symbol.
    pub symbol: Option<String>,
}

/// One rule and what it has seen.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whose link; `None` is every venue's.
    pub venue: Option<Venue>,
    /// Which link.
    pub link: Link,
    /// What it looks for; `None` if the rule has no `match`.
    pub matcher: Option<Match>,
    /// Lets this many matches pass first.
    pub after: u64,
    /// Fires this often; `None` until cleared.
    pub count: Option<u64>,
    /// How likely each match that is due fires, 0 to 1, drawn by the seed; `None` is always.
    pub chance: Option<Decimal>,
    /// What happens.
    pub action: Action,
    seen: u64,
    fired: u64,
    text: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    rules: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    #[serde(default)]
    venue: Option<Venue>,
    #[serde(default = "rest")]
    link: Link,
    #[serde(default, rename = "match")]
    matcher: Option<Match>,
    #[serde(default)]
    after: u64,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    chance: Option<Decimal>,
    action: String,
    #[serde(default)]
    args: Map<String, Value>,
}

const fn rest() -> Link {
    Link::Rest
}

/// Reads `{"rules":[{venue?, link, match?, after?, count?, chance?, action, args?}]}`. Without `count` a rule fires once, a
/// `STALL` until cleared; `"count": null` is until cleared for any.
///
/// # Errors
/// [`FaultError`] names the rule and what is wrong.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, FaultError> {
    let file: RawFile = serde_json::from_str(text)?;
    file.rules
        .into_iter()
        .enumerate()
        .map(|(index, value)| read(index, value))
        .collect()
}

fn read(index: usize, value: Value) -> Result<Rule, FaultError> {
    let says_count = value.get("count").is_some();
    let raw: RawRule = named(value.clone()).map_err(|reason| FaultError::Rule { index, reason })?;
    let action = action::read(index, &raw.action, raw.args)?;
    if raw
        .chance
        .is_some_and(|chance| chance <= Decimal::ZERO || chance > Decimal::ONE)
    {
        let reason = "`chance` must be above 0 and at most 1".to_owned();
        return Err(FaultError::Rule { index, reason });
    }
    if !action.fits(raw.link) {
        return Err(FaultError::Link {
            index,
            action: raw.action,
        });
    }
    let count = if says_count || matches!(action, Action::Stall) {
        raw.count
    } else {
        Some(1)
    };
    Ok(Rule {
        venue: raw.venue,
        link: raw.link,
        matcher: raw.matcher,
        after: raw.after,
        count,
        chance: raw.chance,
        action,
        seen: 0,
        fired: 0,
        text: value,
    })
}

impl Rule {
    /// Whether this is what the rule looks for; does not count.
    pub(super) fn matches(&self, passing: Passing<'_>) -> bool {
        if self.link != passing.link || self.venue.is_some_and(|venue| venue != passing.venue) || self.action.is_quirk()
        {
            return false;
        }
        let Some(wanted) = &self.matcher else {
            return !self.action.is_act() && passing.method != "WS";
        };
        let method = match &wanted.method {
            Some(method) => method.eq_ignore_ascii_case(passing.method),
            None => passing.method != "WS",
        };
        method
            && fits(wanted.path.as_deref(), passing.path)
            && fits(wanted.topic.as_deref(), passing.topic)
            && wanted
                .symbol
                .as_deref()
                .is_none_or(|symbol| names(passing.symbol, symbol))
    }

    /// Counts a match and says whether the rule fires on it; `draw` gives a number from 0 up to a million.
    pub(super) fn fires(&mut self, draw: impl FnOnce() -> u32) -> bool {
        self.seen += 1;
        let due = self.seen > self.after
            && self.count.is_none_or(|count| self.fired < count)
            && self
                .chance
                .is_none_or(|chance| Decimal::from(draw()) < chance * Decimal::from(MILLION));
        self.fired += u64::from(due);
        due
    }

    /// The rule as it was given, with its counts.
    pub(super) fn show(&self) -> Value {
        let mut shown = self.text.clone();
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("seen".to_owned(), json!(self.seen));
            fields.insert("fired".to_owned(), json!(self.fired));
        }
        shown
    }
}

fn fits(pattern: Option<&str>, text: &str) -> bool {
    pattern.is_none_or(|pattern| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    })
}

/// Whether `text` has `word` as a whole word.
fn names(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| part == word)
}

//! One rule, read from JSON.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::Passing;
use crate::exchange::Foreign;
use crate::market::{Ms, Status, Venue};

/// Longest delay, lag or skew that a rule may ask for: a day.
const LONGEST_MS: Ms = 86_400_000;
/// The actions by name, for the error that lists them.
const KNOWN: &str = "DROP_REQ, DROP_RESP, DELAY, RESET, HALF_OPEN, REPLY, STALL, DUP, REORDER, MUTATE, FOREIGN, HALT, DELIST, \
                     ADL, LIQ, ACCEPT_DUPLICATE_IDS, LAG, SKEW";

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

/// What happens.
#[derive(Clone, Debug)]
pub enum Action {
    /// Never arrives: not executed, the connection closes without a byte.
    DropReq,
    /// Executed, the answer is lost: the connection closes without a byte. A push is lost.
    DropResp,
    /// The answer or push comes this much later.
    Delay(Ms),
    /// The connection is cut; a request is not executed.
    Reset,
    /// From here on silence, without an end.
    HalfOpen,
    /// This answer instead of the venue's; over a socket its body instead of the message.
    Reply {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Whether the call is carried out all the same.
        executed: bool,
    },
    /// The topic is silent, the socket fine.
    Stall,
    /// The push comes this many times more.
    Dup(u32),
    /// Pushes wait until there are this many, and leave the last one first.
    Reorder(usize),
    /// A field of the answer or push, wherever it stands, gets this value.
    Mutate {
        /// Field name.
        field: String,
        /// Its new value.
        value: Value,
    },
    /// Someone else acts on the account.
    Foreign(Foreign),
    /// An instrument is traded no more, for now or for good; `/sim/market` may take it back.
    Close {
        /// The venue's symbol.
        symbol: String,
        /// `spot`, or `perp` by any of its names.
        product: String,
        /// Halted or delisted.
        status: Status,
    },
    /// Auto-deleveraging.
    Adl {
        /// Perpetual.
        symbol: String,
        /// Share of the position, up to 1.
        fraction: Decimal,
    },
    /// Liquidation.
    Liq {
        /// Perpetual.
        symbol: String,
        /// Share of the position, up to 1.
        fraction: Decimal,
    },
    /// A second order under a known client id is taken.
    AcceptDuplicateIds,
    /// Orders and fills show in queries this much later.
    Lag(Ms),
    /// The venue's clock is ahead (or behind) by this much.
    Skew(Ms),
}

impl Action {
    const fn fits(&self, link: Link) -> bool {
        match self {
            Self::Stall | Self::Dup(_) | Self::Reorder(_) => !matches!(link, Link::Rest),
            _ => true,
        }
    }

    /// Holds from when it is set until the rules are cleared.
    pub const fn is_quirk(&self) -> bool {
        matches!(self, Self::AcceptDuplicateIds | Self::Lag(_) | Self::Skew(_))
    }

    /// Done to an account, not to a link.
    pub const fn is_act(&self) -> bool {
        matches!(
            self,
            Self::Foreign(_) | Self::Close { .. } | Self::Adl { .. } | Self::Liq { .. }
        )
    }
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
    action: String,
    #[serde(default)]
    args: Map<String, Value>,
}

const fn rest() -> Link {
    Link::Rest
}

/// Reads `{"rules":[{venue?, link, match?, after?, count?, action, args?}]}`. Without `count` a rule fires once, a
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
    let action = action(index, &raw.action, raw.args)?;
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
        action,
        seen: 0,
        fired: 0,
        text: value,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArgs {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MsArgs {
    ms: Ms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DupArgs {
    #[serde(default = "one")]
    n: u32,
}

const fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReorderArgs {
    w: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseArgs {
    symbol: String,
    #[serde(default = "perp")]
    product: String,
}

fn perp() -> String {
    "perp".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyArgs {
    status: u16,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    executed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MutateArgs {
    field: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareArgs {
    symbol: String,
    #[serde(default = "whole")]
    fraction: Decimal,
}

const fn whole() -> Decimal {
    Decimal::ONE
}

fn action(index: usize, name: &str, args: Map<String, Value>) -> Result<Action, FaultError> {
    let wrong = |reason: String| FaultError::Args {
        index,
        action: name.to_owned(),
        reason,
    };
    let fields = Value::Object(args);
    Ok(match name {
        "DROP_REQ" => bare(fields, Action::DropReq).map_err(wrong)?,
        "DROP_RESP" => bare(fields, Action::DropResp).map_err(wrong)?,
        "RESET" => bare(fields, Action::Reset).map_err(wrong)?,
        "HALF_OPEN" => bare(fields, Action::HalfOpen).map_err(wrong)?,
        "STALL" => bare(fields, Action::Stall).map_err(wrong)?,
        "ACCEPT_DUPLICATE_IDS" => bare(fields, Action::AcceptDuplicateIds).map_err(wrong)?,
        "DELAY" => Action::Delay(millis(fields, 0).map_err(wrong)?),
        "LAG" => Action::Lag(millis(fields, 0).map_err(wrong)?),
        "SKEW" => Action::Skew(millis(fields, -LONGEST_MS).map_err(wrong)?),
        "DUP" => {
            let n = args_of::<DupArgs>(fields).map_err(wrong)?.n;
            if n == 0 || n > 100 {
                return Err(wrong("`n` must be 1 to 100".to_owned()));
            }
            Action::Dup(n)
        }
        "REORDER" => {
            let w = args_of::<ReorderArgs>(fields).map_err(wrong)?.w;
            if !(2..=1_000).contains(&w) {
                return Err(wrong("`w` must be 2 to 1000".to_owned()));
            }
            Action::Reorder(w)
        }
        "HALT" => close(fields, Status::Halted).map_err(wrong)?,
        "DELIST" => close(fields, Status::Delisted).map_err(wrong)?,
        "MUTATE" => {
            let MutateArgs { field, value } = args_of(fields).map_err(wrong)?;
            Action::Mutate { field, value }
        }
        "REPLY" => reply(fields).map_err(wrong)?,
        "FOREIGN" => Action::Foreign(args_of(fields).map_err(wrong)?),
        "ADL" | "LIQ" => {
            let ShareArgs { symbol, fraction } = args_of(fields).map_err(wrong)?;
            if name == "ADL" {
                Action::Adl { symbol, fraction }
            } else {
                Action::Liq { symbol, fraction }
            }
        }
        _ => {
            return Err(FaultError::UnknownAction {
                index,
                action: name.to_owned(),
            });
        }
    })
}

fn args_of<T: DeserializeOwned>(fields: Value) -> Result<T, String> {
    named(fields)
}

/// Reads an object; an error names the field, also where a value is of the wrong type: it is the one without which the
/// error is another.
fn named<T: DeserializeOwned>(object: Value) -> Result<T, String> {
    let read = |object: Value| serde_json::from_value::<T>(object).map_err(|error| error.to_string());
    let Err(error) = read(object.clone()) else {
        return read(object);
    };
    let culprit = object.as_object().into_iter().flatten().find(|(name, _)| {
        let mut without = object.clone();
        without.as_object_mut().map(|fields| fields.remove(name.as_str()));
        read(without).err().as_ref() != Some(&error)
    });
    Err(match culprit {
        Some((name, _)) if !error.contains(&format!("`{name}`")) => format!("`{name}`: {error}"),
        _ => error,
    })
}

fn close(fields: Value, status: Status) -> Result<Action, String> {
    args_of(fields).map(|CloseArgs { symbol, product }| Action::Close {
        symbol,
        product,
        status,
    })
}

fn bare(fields: Value, action: Action) -> Result<Action, String> {
    args_of::<NoArgs>(fields).map(|NoArgs {}| action)
}

fn millis(fields: Value, least: Ms) -> Result<Ms, String> {
    let ms = args_of::<MsArgs>(fields)?.ms;
    if (least..=LONGEST_MS).contains(&ms) {
        Ok(ms)
    } else {
        Err(format!("`ms` must be {least} to {LONGEST_MS}"))
    }
}

fn reply(fields: Value) -> Result<Action, String> {
    let raw: ReplyArgs = args_of(fields)?;
    if !(200..=599).contains(&raw.status) {
        return Err("`status` must be 200 to 599".to_owned());
    }
    let body = match raw.body {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(Action::Reply {
        status: raw.status,
        body,
        headers: raw.headers.into_iter().collect(),
        executed: raw.executed,
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

    /// Counts a match and says whether the rule fires on it.
    pub(super) fn fires(&mut self) -> bool {
        self.seen += 1;
        let due = self.seen > self.after && self.count.is_none_or(|count| self.fired < count);
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

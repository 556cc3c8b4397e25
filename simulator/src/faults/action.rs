//! What a rule does, and how its name and arguments are read.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::rule::{FaultError, Link};
use crate::exchange::{Foreign, MarketOverride};
use crate::market::{Ms, Status};

/// Longest delay, lag or skew that a rule may ask for: a day.
const LONGEST_MS: Ms = 86_400_000;
/// The actions by name, for the error that lists them.
pub const KNOWN: &str = "DROP_REQ, DROP_RESP, DELAY, RESET, HALF_OPEN, REPLY, STALL, DUP, REORDER, MUTATE, FOREIGN, HALT, DELIST, \
                     MARKET, ADL, LIQ, ACCEPT_DUPLICATE_IDS, LAG, SKEW";

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
        /// Simulated seconds until then; at once without. A delisting to come is announced.
        in_s: Option<u32>,
    },
    /// The market is moved as by `POST /sim/market`: rates, intervals, caps, prices, books; now or at a time to come.
    Market(Box<MarketOverride>),
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
    /// Whether it means anything on a link.
    pub(super) const fn fits(&self, link: Link) -> bool {
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
            Self::Foreign(_) | Self::Close { .. } | Self::Market(_) | Self::Adl { .. } | Self::Liq { .. }
        )
    }
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
    #[serde(default)]
    in_s: Option<u32>,
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

/// Reads an action and its arguments.
///
/// # Errors
/// [`FaultError`] with the number of the rule.
pub(super) fn read(index: usize, name: &str, args: Map<String, Value>) -> Result<Action, FaultError> {
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
        "MARKET" => Action::Market(Box::new(market(fields).map_err(wrong)?)),
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
pub(super) fn named<T: DeserializeOwned>(object: Value) -> Result<T, String> {
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
    args_of(fields).map(|CloseArgs { symbol, product, in_s }| Action::Close {
        symbol,
        product,
        status,
        in_s,
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

/// A hand on the market; its venue is the rule's.
fn market(mut fields: Value) -> Result<MarketOverride, String> {
    if let Some(fields) = fields.as_object_mut() {
        if fields.contains_key("venue") {
            return Err("`venue` stands in the rule".to_owned());
        }
        fields.insert("venue".to_owned(), Value::from("binance"));
    }
    args_of(fields)
}

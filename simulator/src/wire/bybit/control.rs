//! What sockets say beside data: operations, their acknowledgements, heartbeats, authentication.

use serde::Deserialize;
use serde_json::Value;

use super::auth::signed;
use super::json;
use crate::exchange::{AccountId, Exchange};
use crate::market::Ms;

/// How far ahead clients usually put the end of a sign-in, ms of their own time.
const USUAL_EXPIRY_MS: Ms = 10_000;

/// Silence from the client after which the venue hangs up.
const IDLE_MS: Ms = 600_000;
/// Characters of topics that one connection may hold.
pub const MOST_TOPIC_CHARACTERS: usize = 21_000;

/// One operation of a client.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// What to do.
    #[serde(default)]
    pub op: String,
    /// The client's number for it (trade sockets spell it `reqId`).
    #[serde(default, alias = "reqId")]
    pub req_id: Option<Value>,
    /// What an order's sender says of its time (trade sockets).
    #[serde(default)]
    pub header: std::collections::BTreeMap<String, Value>,
    /// Topics, credentials or orders.
    #[serde(default)]
    pub args: Vec<Value>,
}

impl Operation {
    /// Reads a frame.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The request's number as JSON text, `""` where the client gave none.
    pub fn id(&self) -> String {
        match &self.req_id {
            Some(Value::String(id)) => json(id),
            Some(Value::Number(id)) => json(&id.to_string()),
            _ => "\"\"".to_owned(),
        }
    }

    /// A field of the header as text; `""` where it is not there.
    pub fn said(&self, name: &str) -> String {
        match self.header.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// The topics named.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.args.iter().filter_map(Value::as_str)
    }

    /// The acknowledgement that public and private sockets share; with the venue's words where it refuses.
    pub fn acknowledge(&self, refusal: Option<&str>, connection: &str) -> String {
        let (success, message) = (refusal.is_none(), json(refusal.unwrap_or_default()));
        let (id, op) = (self.id(), json(&self.op));
        format!(r#"{{"success":{success},"ret_msg":{message},"conn_id":"{connection}","req_id":{id},"op":{op}}}"#)
    }

    /// Whose credentials `auth` carries: key, a time to come, and the signature over `GET/realtime` and that time.
    ///
    /// # Errors
    /// The venue's words, and the trade socket's number for them.
    pub fn credentials(&self, exchange: &Exchange, now: Ms) -> Result<AccountId, (u32, &'static str)> {
        let [key, expires, sign] = self.args.as_slice() else {
            return Err((10001, "Params Error"));
        };
        let (Some(key), Some(sign)) = (key.as_str(), sign.as_str()) else {
            return Err((10001, "Params Error"));
        };
        let bound = exchange.account_by_key(key).and_then(|id| exchange.account(id));
        if bound.is_some_and(|holder| holder.shut_out) {
            return Err((10010, "Unmatched IP"));
        }
        let expires = match expires {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let account = exchange.account_by_key(key).ok_or((10003, "Invalid apikey"))?;
        let holder = exchange.account(account).ok_or((10003, "Invalid apikey"))?;
        // A client leaves some seconds of its own time, which pass here at the simulator's speed.
        let grace = USUAL_EXPIRY_MS * (Ms::from(exchange.speed()) - 1);
        if expires.parse::<Ms>().map_err(|_| (10001, "Params Error"))? + grace <= now {
            return Err((10002, "Request expired"));
        }
        if signed(&holder.secret, &["GET/realtime", &expires], sign) {
            Ok(account)
        } else {
            Err((10004, "Invalid sign"))
        }
    }
}

/// When the client was last heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard(pub Ms);

impl Heard {
    /// Whether it has been silent for too long, by a wall clock that the simulator outruns `speed` times.
    pub fn lost(self, now: Ms, speed: i64) -> bool {
        now.saturating_sub(self.0) > IDLE_MS.saturating_mul(speed.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_have_the_venues_shape() {
        let op = Operation::parse(r#"{"req_id":"s1","op":"subscribe","args":["tickers.BTCUSDT"]}"#).unwrap();
        assert_eq!(
            op.acknowledge(None, "c"),
            r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"s1","op":"subscribe"}"#
        );
        assert_eq!(
            op.acknowledge(Some("error:handler not found,topic:x"), "c"),
            r#"{"success":false,"ret_msg":"error:handler not found,topic:x","conn_id":"c","req_id":"s1","op":"subscribe"}"#
        );
        assert_eq!(Operation::parse(r#"{"op":"ping"}"#).unwrap().id(), "\"\"");
        assert!(Operation::parse("ping").is_none());
    }
}

//! Control frames of the stream sockets: SUBSCRIBE and its kin.

use serde_json::Value;

use crate::market::Ms;

/// What a control frame asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// Add streams.
    Subscribe(Vec<String>),
    /// Drop streams.
    Unsubscribe(Vec<String>),
    /// Name the streams.
    List,
    /// Wrap messages with their stream's name, or stop doing so.
    SetCombined(bool),
    /// Whether messages are wrapped.
    GetCombined,
}

/// Reads a frame.
///
/// # Errors
/// The error frame to send back.
pub fn read(text: &str) -> Result<(Value, Control), String> {
    let frame: Value =
        serde_json::from_str(text).map_err(|error| failed(&Value::Null, 3, &format!("Invalid JSON: {error}")))?;
    let id = frame.get("id").cloned().unwrap_or(Value::Null);
    let Some(method) = frame.get("method").and_then(Value::as_str) else {
        return Err(failed(&id, 2, "Invalid request: missing field `method`"));
    };
    if !(id.is_null() || id.is_u64() || id.is_string()) {
        return Err(failed(
            &Value::Null,
            2,
            "Invalid request: request ID must be an unsigned integer",
        ));
    }
    let params = frame.get("params").and_then(Value::as_array);
    let names = || -> Result<Vec<String>, String> {
        let names = params.and_then(|list| list.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        names.ok_or_else(|| failed(&id, 2, "Invalid request: params must be an array of strings"))
    };
    let control = match method {
        "SUBSCRIBE" => Control::Subscribe(names()?),
        "UNSUBSCRIBE" => Control::Unsubscribe(names()?),
        "LIST_SUBSCRIPTIONS" => Control::List,
        "SET_PROPERTY" | "GET_PROPERTY" => {
            if params.and_then(|list| list.first()).and_then(Value::as_str) != Some("combined") {
                return Err(failed(&id, 0, "Unknown property"));
            }
            match (method, params.and_then(|list| list.get(1)).and_then(Value::as_bool)) {
                ("GET_PROPERTY", _) => Control::GetCombined,
                (_, Some(combined)) => Control::SetCombined(combined),
                (_, None) => return Err(failed(&id, 1, "Invalid value type: expected Boolean")),
            }
        }
        other => return Err(failed(&id, 2, &format!("Invalid request: unknown variant {other}"))),
    };
    Ok((id, control))
}

/// `{"result":…,"id":…}`, the id as it came.
pub fn done(id: &Value, result: &Value) -> String {
    format!(r#"{{"result":{result},"id":{id}}}"#)
}

/// The refusal of streams beyond what one socket may have.
pub fn full(id: &Value) -> String {
    failed(id, 2, "Invalid request: too many streams, a connection may have 1024")
}

fn failed(id: &Value, code: i32, msg: &str) -> String {
    format!(r#"{{"error":{{"code":{code},"msg":{}}},"id":{id}}}"#, Value::from(msg))
}

/// Counts what a client sends; the venue hangs up on too much.
#[derive(Debug)]
pub struct Inbound {
    most: u32,
    second: i64,
    count: u32,
    over: bool,
}

impl Inbound {
    /// Five messages a second on spot, ten on futures.
    pub const fn new(spot: bool) -> Self {
        Self {
            most: if spot { 5 } else { 10 },
            second: 0,
            count: 0,
            over: false,
        }
    }

    /// Counts one message. Seconds are the client's: simulated time divided by the speed.
    pub const fn count(&mut self, now: Ms, speed: u32) {
        let second = now.div_euclid(1_000 * speed as i64);
        if self.second != second {
            self.second = second;
            self.count = 0;
        }
        self.count += 1;
        self.over = self.over || self.count > self.most;
    }

    /// Whether the limit was passed.
    pub const fn exceeded(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_ids_kept() {
        let (id, control) = read(r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":1}"#).unwrap();
        assert_eq!(control, Control::Subscribe(vec!["btcusdt@bookTicker".to_owned()]));
        assert_eq!(done(&id, &Value::Null), r#"{"result":null,"id":1}"#);
        let (id, control) = read(r#"{"method":"LIST_SUBSCRIPTIONS","id":"abc"}"#).unwrap();
        assert_eq!((id, control), (Value::from("abc"), Control::List));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(read("{").unwrap_err().starts_with(r#"{"error":{"code":3,"#));
        assert_eq!(
            read(r#"{"method":"FOO","id":7}"#).unwrap_err(),
            r#"{"error":{"code":2,"msg":"Invalid request: unknown variant FOO"},"id":7}"#
        );
        assert!(read(r#"{"method":"SUBSCRIBE","id":7}"#).unwrap_err().contains("params"));
    }

    #[test]
    fn the_client_s_seconds_are_counted() {
        let mut inbound = Inbound::new(true);
        (0..5).for_each(|_| inbound.count(500, 1));
        assert!(!inbound.exceeded());
        inbound.count(1_000, 1);
        assert!(!inbound.exceeded());
        (0..5).for_each(|_| inbound.count(1_000, 1));
        assert!(inbound.exceeded());
    }
}

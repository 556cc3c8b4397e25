//! Everything that may happen to a world, drawn by chance: each verb of the simulated venues, and what happens to the
//! process and to its database.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::database::Ailment;

/// Something bad.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// A rule of the simulated venues.
    Venue(Value),
    /// The database is ill.
    Database(Ailment),
    /// The process is killed, and started again when the trouble is over.
    Kill,
    /// The process is killed at once after an order has left, or a little later.
    KillAtSend(Duration),
    /// The process is stopped by a signal, and goes on when the trouble is over.
    Freeze,
    /// The process is stopped beyond its lease, and another one takes its place meanwhile.
    TakenOver,
    /// A person stops entries, and allows them when the world is calm.
    Paused,
    /// A person asks for a hedge to be left.
    Leave,
}

impl Trouble {
    /// In a word, for counting.
    pub fn name(&self) -> String {
        match self {
            Self::Venue(rule) => rule.get("action").and_then(Value::as_str).unwrap_or("rule").to_owned(),
            Self::Database(Ailment::Slow(_)) => "DATABASE_SLOW".to_owned(),
            Self::Database(Ailment::AnswersLost) => "DATABASE_ANSWERS_LOST".to_owned(),
            Self::Database(_) => "DATABASE_AWAY".to_owned(),
            Self::Kill => "KILL".to_owned(),
            Self::KillAtSend(_) => "KILL_AT_SEND".to_owned(),
            Self::Freeze => "FREEZE".to_owned(),
            Self::TakenOver => "TAKEN_OVER".to_owned(),
            Self::Paused => "PAUSED".to_owned(),
            Self::Leave => "LEAVE".to_owned(),
        }
    }
}

/// Every trouble has one of these names.
pub const NAMES: [&str; 27] = [
    "DROP_REQ",
    "DROP_RESP",
    "DELAY",
    "RESET",
    "HALF_OPEN",
    "REPLY",
    "STALL",
    "DUP",
    "REORDER",
    "MUTATE",
    "FOREIGN",
    "HALT",
    "DELIST",
    "ADL",
    "LIQ",
    "ACCEPT_DUPLICATE_IDS",
    "LAG",
    "SKEW",
    "DATABASE_AWAY",
    "DATABASE_SLOW",
    "DATABASE_ANSWERS_LOST",
    "KILL",
    "KILL_AT_SEND",
    "FREEZE",
    "TAKEN_OVER",
    "PAUSED",
    "LEAVE",
];

/// The requests that make an order.
const CREATES: [(&str, &str); 3] = [
    ("bybit", "/v5/order/create"),
    ("binance", "/fapi/v1/order"),
    ("binance", "/api/v3/order"),
];
/// What venues answer on a bad day: status, body, whether they did it all the same.
const REPLIES: [(u16, &str, bool); 8] = [
    (503, "{}", false),
    (503, "{}", true),
    (500, "<html>down</html>", true),
    (502, "", false),
    (429, "{\"code\":-1003,\"msg\":\"Too many requests\"}", false),
    (
        200,
        "{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{}}",
        false,
    ),
    (
        200,
        "{\"retCode\":10016,\"retMsg\":\"Server error.\",\"result\":{}}",
        true,
    ),
    (408, "{\"code\":-1007,\"msg\":\"Timeout waiting for response\"}", true),
];
/// Fields with values that cannot be.
const NONSENSE: [(&str, &str, &str); 6] = [
    ("public", "b", "-1"),
    ("public", "bid1Price", "abc"),
    ("public", "r", "99"),
    ("private", "execQty", "nothing"),
    ("private", "x", "BOGUS"),
    ("rest", "orderStatus", "Bogus"),
];

/// What a world offers to be hurt.
pub struct Offer<'a> {
    /// Symbols of perpetuals.
    pub symbols: &'a [String],
    /// Troubles that are left out.
    pub left_out: &'a [&'a str],
}

/// Draws one trouble and how long it lasts.
pub fn draw(chance: &mut ChaCha8Rng, offer: &Offer<'_>) -> (Trouble, Duration) {
    let names: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| !offer.left_out.contains(name))
        .collect();
    let name = pick(chance, &names);
    let lasts = Duration::from_secs(chance.random_range(5..90));
    let ms = Duration::from_millis(chance.random_range(200..4_000));
    let trouble = match name {
        "DATABASE_AWAY" => Trouble::Database(Ailment::Away),
        "DATABASE_SLOW" => Trouble::Database(Ailment::Slow(ms)),
        "DATABASE_ANSWERS_LOST" => Trouble::Database(Ailment::AnswersLost),
        "KILL" => Trouble::Kill,
        "KILL_AT_SEND" => Trouble::KillAtSend(at_send(chance)),
        "FREEZE" => Trouble::Freeze,
        "TAKEN_OVER" => Trouble::TakenOver,
        "PAUSED" => Trouble::Paused,
        "LEAVE" => Trouble::Leave,
        verb => Trouble::Venue(rule(chance, verb, offer)),
    };
    (trouble, lasts)
}

/// How long after an order has left: while it is on its way, while its answer is, while its fate is proven, and between the
/// legs, on lines of every length.
fn at_send(chance: &mut ChaCha8Rng) -> Duration {
    let most = pick(chance, &[0, 20, 400, 2_000_u64]);
    Duration::from_millis(chance.random_range(0..=most))
}

/// One of a list.
fn pick<T: Copy + Default>(chance: &mut ChaCha8Rng, list: &[T]) -> T {
    let at = chance.random_range(0..list.len().max(1));
    list.get(at).copied().unwrap_or_default()
}

fn rule(chance: &mut ChaCha8Rng, verb: &str, offer: &Offer<'_>) -> Value {
    let venue = pick(chance, &["binance", "bybit"]);
    let names: Vec<&str> = offer.symbols.iter().map(String::as_str).collect();
    let symbol = pick(chance, &names);
    let stream = pick(chance, &["public", "private"]);
    let (after, count) = (chance.random_range(0..3_u32), chance.random_range(1..6_u32));
    let mut rule = match verb {
        "DROP_REQ" | "DROP_RESP" | "REPLY" | "DELAY" | "RESET" => on_a_line(chance, verb),
        "HALF_OPEN" | "STALL" => json!({ "venue": venue, "link": stream }),
        "DUP" => json!({ "venue": venue, "link": stream, "args": { "n": chance.random_range(1..4_u32) } }),
        "REORDER" => json!({ "venue": venue, "link": stream, "args": { "w": chance.random_range(2..5_u32) } }),
        "MUTATE" => {
            let (link, field, value) = pick(chance, &NONSENSE);
            json!({ "link": link, "args": { "field": field, "value": value } })
        }
        "FOREIGN" => stranger(chance, venue, symbol),
        "HALT" | "DELIST" => {
            let product = pick(chance, &["perp", "spot"]);
            json!({ "venue": venue, "args": { "symbol": symbol, "product": product } })
        }
        "ADL" | "LIQ" => {
            let fraction = pick(chance, &["0.25", "0.5", "1"]);
            json!({ "venue": venue, "args": { "symbol": symbol, "fraction": fraction } })
        }
        "LAG" => json!({ "venue": venue, "args": { "ms": chance.random_range(100..5_000_u32) } }),
        "SKEW" => json!({ "venue": venue, "args": { "ms": chance.random_range(-3_000..3_000_i32) } }),
        _ => json!({ "venue": venue }),
    };
    if let Some(fields) = rule.as_object_mut() {
        fields.insert("action".to_owned(), json!(verb));
        let is_on_a_line = !matches!(
            verb,
            "FOREIGN" | "HALT" | "DELIST" | "ADL" | "LIQ" | "ACCEPT_DUPLICATE_IDS" | "LAG" | "SKEW"
        );
        if is_on_a_line {
            fields.insert("after".to_owned(), json!(after));
            fields.insert("count".to_owned(), json!(count));
        }
    }
    rule
}

/// Something between the engine and a venue: orders twice as often as anything else.
fn on_a_line(chance: &mut ChaCha8Rng, verb: &str) -> Value {
    let mut rule = match chance.random_range(0..4_u32) {
        0 | 1 => {
            let (venue, path) = pick(chance, &CREATES);
            json!({ "venue": venue, "link": "rest", "match": { "method": "POST", "path": path } })
        }
        2 => json!({ "venue": pick(chance, &["binance", "bybit"]), "link": "rest", "match": { "method": "GET" } }),
        _ if verb == "REPLY" => json!({ "link": "rest", "match": { "method": "GET" } }),
        _ => {
            let link = pick(chance, &["public", "private"]);
            json!({ "venue": pick(chance, &["binance", "bybit"]), "link": link })
        }
    };
    if let Some(fields) = rule.as_object_mut() {
        match verb {
            "DELAY" => {
                let ms = chance.random_range(100..12_000_u32);
                fields.insert("args".to_owned(), json!({ "ms": ms }));
            }
            "REPLY" => {
                let (status, body, executed) = pick(chance, &REPLIES);
                let headers = if status == 429 {
                    json!({ "Retry-After": "5" })
                } else {
                    json!({})
                };
                let args = json!({ "status": status, "body": body, "headers": headers, "executed": executed });
                fields.insert("args".to_owned(), args);
            }
            _ => {}
        }
    }
    rule
}

/// A stranger on the same account.
fn stranger(chance: &mut ChaCha8Rng, venue: &str, symbol: &str) -> Value {
    let side = pick(chance, &["buy", "sell"]);
    let args = match chance.random_range(0..3_u32) {
        0 => json!({ "kind": "order", "symbol": symbol, "side": side, "quantity": "1", "product": "perp" }),
        1 => json!({ "kind": "trade", "symbol": symbol, "side": side, "quantity": "1", "product": "perp" }),
        _ => json!({ "kind": "transfer", "symbol": "USDT", "side": "buy", "quantity": "100" }),
    };
    json!({ "venue": venue, "args": args })
}

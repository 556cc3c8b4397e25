//! Tickers: one table of fields for REST and streams, so that a delta is a comparison of two rows.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::params::Category;
use crate::market::Ms;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A figure.
    Figure(Decimal),
    /// A time or a count.
    Number(i64),
    /// A word of the venue.
    Word(&'static str),
}

impl Value {
    fn write(self, text: &mut String) {
        let _ = match self {
            Self::Figure(figure) => write!(text, "\"{figure}\""),
            Self::Number(number) => write!(text, "\"{number}\""),
            Self::Word(word) => write!(text, "\"{word}\""),
        };
    }
}

/// The fields of one ticker in the order of the wire, without the symbol.
pub type Fields = Vec<(&'static str, Value)>;

/// What one connection has been told of one ticker.
#[derive(Clone, Debug)]
pub struct TickerFeed {
    topic: String,
    symbol: String,
    category: Category,
    told: Fields,
    sent_ms: Ms,
}

/// Least time between two messages: contracts 100 ms, spot 50 ms.
const fn pace(category: Category) -> Ms {
    match category {
        Category::Linear => 100,
        Category::Spot => 50,
    }
}

impl TickerFeed {
    /// A ticker of which nothing has been said.
    pub fn new(topic: &str, symbol: &str, category: Category) -> Self {
        Self {
            topic: topic.to_owned(),
            symbol: symbol.to_owned(),
            category,
            told: Fields::new(),
            sent_ms: Ms::MIN,
        }
    }

    /// Whether a message may be sent at `now`; a fast clock stretches the pace.
    pub fn due(&self, now: Ms, speed: i64) -> bool {
        now.saturating_sub(self.sent_ms) >= pace(self.category).saturating_mul(speed)
    }

    /// The next message, if a field changed: contracts get the changed ones, spot gets all.
    pub fn message(&mut self, now: Ms, fields: Fields, sequence: u64) -> Option<String> {
        if fields == self.told {
            return None;
        }
        let first = self.told.is_empty();
        let whole = first || self.category == Category::Spot;
        let kind = if whole { "snapshot" } else { "delta" };
        let mut text = String::with_capacity(if whole { 800 } else { 240 });
        let _ = write!(
            text,
            r#"{{"topic":"{}","type":"{kind}","data":{{"symbol":"{}""#,
            self.topic, self.symbol
        );
        for (at, &(name, value)) in fields.iter().enumerate() {
            if whole || self.told.get(at).is_none_or(|&(_, told)| told != value) {
                let _ = write!(text, ",\"{name}\":");
                value.write(&mut text);
            }
        }
        let _ = write!(text, r#"}},"cs":{sequence},"ts":{now}}}"#);
        self.told = fields;
        self.sent_ms = now;
        Some(text)
    }
}

/// A ticker as a REST row.
pub fn write_row(text: &mut String, symbol: &str, fields: &Fields) {
    let _ = write!(text, "{{\"symbol\":\"{symbol}\"");
    for &(name, value) in fields {
        let _ = write!(text, ",\"{name}\":");
        value.write(text);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn fields(mark: i64, rate: i64) -> Fields {
        vec![
            ("markPrice", Value::Figure(Decimal::new(mark, 1))),
            ("fundingRate", Value::Figure(Decimal::new(rate, 4))),
            ("nextFundingTime", Value::Number(28_800_000)),
        ]
    }

    #[test]
    fn contracts_get_a_snapshot_and_then_only_what_changed() {
        let mut feed = TickerFeed::new("tickers.XUSDT", "XUSDT", Category::Linear);
        let first: Json = serde_json::from_str(&feed.message(1, fields(100, 1), 9).unwrap()).unwrap();
        assert_eq!(first["type"], "snapshot");
        assert_eq!(first["data"]["fundingRate"], "0.0001");
        assert!(!feed.due(100, 1) && feed.due(101, 1) && !feed.due(900, 10));
        let next: Json = serde_json::from_str(&feed.message(101, fields(101, 1), 10).unwrap()).unwrap();
        assert_eq!(next["type"], "delta");
        assert_eq!(
            next["data"],
            serde_json::json!({"symbol": "XUSDT", "markPrice": "10.1"})
        );
        assert_eq!(next["cs"], 10);
        assert_eq!(feed.message(300, fields(101, 1), 11), None);
    }

    #[test]
    fn spot_gets_snapshots_only() {
        let mut feed = TickerFeed::new("tickers.XUSDT", "XUSDT", Category::Spot);
        feed.message(1, fields(100, 1), 9).unwrap();
        let next: Json = serde_json::from_str(&feed.message(60, fields(101, 1), 10).unwrap()).unwrap();
        assert_eq!(next["type"], "snapshot");
        assert_eq!(next["data"].as_object().unwrap().len(), 4);
    }
}

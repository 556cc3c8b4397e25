//! What a request says: query strings, JSON bodies, categories, paging.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use super::codes::{ILLEGAL_CATEGORY, Refusal, Result};
use crate::market::{Ms, Product};

/// Milliseconds of a day.
pub const DAY_MS: Ms = 86_400_000;
/// The longest time window of a listing.
pub const WEEK_MS: Ms = 7 * DAY_MS;

/// The two kinds of instruments spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Coins.
    Spot,
    /// USDT perpetuals.
    Linear,
}

impl Category {
    /// As the wire writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Linear => "linear",
        }
    }

    /// As the market names it.
    pub const fn product(self) -> Product {
        match self {
            Self::Spot => Product::Spot,
            Self::Linear => Product::Perp,
        }
    }

    /// The category of a product.
    pub const fn of(product: Product) -> Self {
        match product {
            Product::Spot => Self::Spot,
            Product::Perp => Self::Linear,
        }
    }

    /// Reads the wire's word.
    ///
    /// # Errors
    /// 10001 for anything but spot and linear.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            Some("spot") => Ok(Self::Spot),
            Some("linear") => Ok(Self::Linear),
            _ => Err(ILLEGAL_CATEGORY),
        }
    }
}

/// A decoded query string. Empty values count as absent, as at the venue.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Splits and percent-decodes.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(name, value)| (decode(name), decode(value)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    /// A value by name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The category, required.
    ///
    /// # Errors
    /// 10001 where it is absent or unknown.
    pub fn category(&self) -> Result<Category> {
        Category::parse(self.get("category"))
    }

    /// A time in milliseconds.
    ///
    /// # Errors
    /// 10001 where it is no number.
    pub fn time(&self, name: &str) -> Result<Option<Ms>> {
        self.get(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Refusal::parameter(format!("params error: {name} invalid")))
            })
            .transpose()
    }

    /// `limit`, at most `most`, `default` where absent.
    ///
    /// # Errors
    /// 10001 where it is no number or zero.
    pub fn limit(&self, default: usize, most: usize) -> Result<usize> {
        match self.get("limit").map(str::parse::<usize>) {
            None => Ok(default),
            Some(Ok(limit)) if limit > 0 => Ok(limit.min(most)),
            Some(_) => Err(Refusal::parameter("params error: limit invalid")),
        }
    }

    /// `startTime` and `endTime` of a listing whose window is at most `widest`: without times the last `default`
    /// milliseconds; one time alone opens a window of `default` from or to it.
    ///
    /// # Errors
    /// 10001 for a window too wide or turned round.
    pub fn window(&self, now: Ms, default: Ms, widest: Ms) -> Result<(Ms, Ms)> {
        let (start, end) = (self.time("startTime")?, self.time("endTime")?);
        let (start, end) = match (start, end) {
            (None, None) => (now - default, now),
            (Some(start), None) => (start, start.saturating_add(default)),
            (None, Some(end)) => (end.saturating_sub(default), end),
            (Some(start), Some(end)) => (start, end),
        };
        if start > end {
            return Err(Refusal::parameter("The start time cannot be later than the end time."));
        }
        if end.saturating_sub(start) > widest {
            let days = widest / DAY_MS;
            return Err(Refusal::parameter(format!(
                "The time range between startTime and endTime cannot exceed {days} days"
            )));
        }
        Ok((start, end))
    }
}

/// One page out of `rows`, and the cursor of the next ("" on the last).
///
/// A cursor is the number of rows still to come under a word of the venue's, so that rows which arrive at the front
/// between two pages shift nothing; clients pass it on unread, percent-encoded once more or not.
///
/// # Errors
/// 10001 for a cursor that was not handed out here.
pub fn page<T>(rows: Vec<T>, cursor: Option<&str>, limit: usize) -> Result<(Vec<T>, String)> {
    let total = rows.len();
    let skip = match cursor {
        None => 0,
        Some(text) => {
            let number = text
                .strip_prefix("page_token=")
                .or_else(|| text.strip_prefix("page_token%3D"));
            let left: Option<usize> = number.and_then(|number| number.parse().ok());
            total.saturating_sub(left.ok_or_else(|| Refusal::parameter("params error: cursor invalid"))?)
        }
    };
    let rows: Vec<T> = rows.into_iter().skip(skip).take(limit).collect();
    let left = total.saturating_sub(skip.saturating_add(rows.len()));
    let next = if left > 0 {
        format!("page_token%3D{left}")
    } else {
        String::new()
    };
    Ok((rows, next))
}

/// Reads a POST body.
///
/// # Errors
/// 10001 where it is not the JSON that the call takes.
pub fn body<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|_| Refusal::parameter("params error: the request body is not valid JSON for this endpoint"))
}

/// A figure that the wire carries as text.
///
/// # Errors
/// 10001, naming the field.
pub fn figure(name: &str, text: &str) -> Result<Decimal> {
    text.parse()
        .map_err(|_| Refusal::parameter(format!("params error: {name} invalid")))
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let rest = bytes.clone();
                let digits: Vec<u8> = rest.take(2).collect();
                if let Ok([value]) = hex::decode(&digits).as_deref() {
                    out.push(*value);
                    bytes.nth(1);
                } else {
                    out.push(b'%');
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_empty_values_are_absent() {
        let query = Query::parse("category=linear&symbol=&cursor=page_token%253D5&odd=%zz&a+b=1");
        assert_eq!(query.category(), Ok(Category::Linear));
        assert_eq!(query.get("symbol"), None);
        assert_eq!(query.get("cursor"), Some("page_token%3D5"));
        assert_eq!(query.get("odd"), Some("%zz"));
        assert_eq!(query.get("a b"), Some("1"));
    }

    #[test]
    fn pages_follow_one_another_to_the_last() {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let (rows, next) = page((0..7).collect(), cursor.as_deref(), 3).unwrap();
            seen.extend(rows);
            if next.is_empty() {
                break;
            }
            cursor = Some(next);
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
        assert_eq!(page(vec![1], Some("made up"), 3).unwrap_err().code, 10001);
    }

    #[test]
    fn windows_are_a_week_at_most() {
        let window = |text| {
            Query::parse(text)
                .window(10 * DAY_MS, DAY_MS, WEEK_MS)
                .map_err(|refusal| refusal.code)
        };
        assert_eq!(window(""), Ok((9 * DAY_MS, 10 * DAY_MS)));
        assert_eq!(window("startTime=0"), Ok((0, DAY_MS)));
        assert_eq!(window("startTime=0&endTime=604800000"), Ok((0, WEEK_MS)));
        assert_eq!(window("startTime=0&endTime=604800001"), Err(10001));
        assert_eq!(window("startTime=5&endTime=4"), Err(10001));
        assert_eq!(window("startTime=yesterday"), Err(10001));
    }

    #[test]
    fn limits_are_capped() {
        assert_eq!(Query::parse("limit=5000").limit(20, 50), Ok(50));
        assert_eq!(Query::parse("").limit(20, 50), Ok(20));
        assert_eq!(Query::parse("limit=0").limit(20, 50).unwrap_err().code, 10001);
    }
}

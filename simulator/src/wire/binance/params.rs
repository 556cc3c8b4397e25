//! Parameters of a request: query string and form body, with the payload that the signature covers.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::codes::{Refusal, illegal, missing};

/// The parameters of one request, in the order sent.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    payload: String,
}

impl Params {
    /// Reads query and form body. Both may carry parameters; for one name the query wins.
    pub fn read(query: &str, body: &str) -> Self {
        let mut payload = String::with_capacity(query.len() + body.len());
        for part in [query, body] {
            let unsigned = part
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("signature="));
            for (at, pair) in unsigned.enumerate() {
                if at > 0 {
                    payload.push('&');
                }
                payload.push_str(pair);
            }
        }
        let pairs = [query, body]
            .into_iter()
            .flat_map(|part| part.split('&'))
            .filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self {
            pairs: pairs.collect(),
            payload,
        }
    }

    /// From named values that came as JSON (WebSocket API); the payload is sorted by name and not encoded.
    pub fn from_pairs(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort();
        let signed = pairs.iter().filter(|(name, _)| name != "signature");
        let payload = signed
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&");
        Self { pairs, payload }
    }

    /// What the signature must cover: query then body as sent, joined with nothing, without the signature.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// A parameter that was sent and is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| missing(name))
    }

    /// A parameter of a type that parses from text; -1102 when it does not.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| missing(name)))
            .transpose()
    }

    /// A decimal in plain digits (no sign, no exponent); -1100 otherwise.
    pub fn decimal(&self, name: &str) -> Result<Option<Decimal>, Refusal> {
        const RANGE: &str = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
        let Some(text) = self.get(name) else { return Ok(None) };
        let signed = text.strip_prefix('-').unwrap_or(text);
        if signed.is_empty() || !signed.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(illegal(name, RANGE));
        }
        Decimal::from_str_exact(text)
            .map(Some)
            .map_err(|_| illegal(name, RANGE))
    }

    /// "true" or "false" in any case; -1102 for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(missing(name)),
        }
    }

    /// A page size: `default` when absent, never above `most`.
    pub fn limit(&self, default: usize, most: usize) -> Result<usize, Refusal> {
        Ok(self.parsed::<usize>("limit")?.unwrap_or(default).clamp(1, most))
    }
}

/// Percent-decoding of a form value; `+` is a space. Broken escapes stay as they are.
fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let rest = bytes.clone();
                if let (Some(high), Some(low)) = (bytes.next().and_then(hex_digit), bytes.next().and_then(hex_digit)) {
                    out.push(high << 4 | low);
                } else {
                    out.push(b'%');
                    bytes = rest;
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_body_join_with_nothing_and_the_query_wins() {
        let params = Params::read(
            "symbol=LTCBTC&side=BUY",
            "side=SELL&timestamp=1499827319559&signature=ab",
        );
        assert_eq!(
            params.payload(),
            "symbol=LTCBTC&side=BUYside=SELL&timestamp=1499827319559"
        );
        assert_eq!(params.get("side"), Some("BUY"));
        assert_eq!(params.get("signature"), Some("ab"));
    }

    #[test]
    fn values_are_decoded_but_the_payload_is_not() {
        let params = Params::read("symbols=%5B%22BTCUSDT%22%5D&note=a+b%2&signature=1", "");
        assert_eq!(params.get("symbols"), Some(r#"["BTCUSDT"]"#));
        assert_eq!(params.get("note"), Some("a b%2"));
        assert_eq!(params.payload(), "symbols=%5B%22BTCUSDT%22%5D&note=a+b%2");
    }

    #[test]
    fn numbers_are_plain_digits() {
        let params = Params::read("a=1.50&b=1e3&c=-1&d=&e=49500.00", "");
        assert_eq!(params.decimal("a").unwrap(), Some(Decimal::new(150, 2)));
        assert_eq!(params.decimal("b").unwrap_err().code, -1100);
        assert_eq!(params.decimal("c").unwrap(), Some(Decimal::NEGATIVE_ONE));
        assert_eq!(params.decimal("d").unwrap(), None);
        assert_eq!(params.decimal("e").unwrap(), Some(Decimal::new(49_500, 0)));
    }

    #[test]
    fn socket_parameters_are_signed_sorted_and_unencoded() {
        let params = Params::from_pairs(vec![
            ("timestamp".into(), "1".into()),
            ("apiKey".into(), "k".into()),
            ("signature".into(), "s".into()),
        ]);
        assert_eq!(params.payload(), "apiKey=k&timestamp=1");
    }
}

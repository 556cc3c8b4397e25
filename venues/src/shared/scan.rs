//! The plain messages that come by the thousand, read without a tree and without a copy.
//!
//! Only what a venue writes every day is read here: JSON objects without blanks or escapes, of scalars and of the levels
//! of a book. Anything else answers `None` and is left to the full parser, which knows every dress of JSON and says what
//! is wrong. Whatever is read here, the full parser reads the same (`the_scan_and_the_full_parser_agree`).

use rust_decimal::Decimal;

use super::exact::exact;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// Between quotes.
    Text(&'a str),
    /// A whole number without quotes.
    Whole(&'a str),
    /// `true`, `false` or `null`.
    Word,
}

impl<'a> Scalar<'a> {
    /// Its letters, where they stand between quotes.
    pub const fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Whole(_) | Self::Word => None,
        }
    }

    /// A whole number without quotes that is not negative.
    pub fn unsigned(self) -> Option<u64> {
        match self {
            // As many digits as fit into 64 bits whatever they are; they are known to be digits.
            Self::Whole(digits) if digits.len() <= 19 && !digits.starts_with('-') => {
                Some(digits.bytes().fold(0, |value: u64, digit| {
                    value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
                }))
            }
            Self::Whole(digits) => digits.parse().ok(),
            Self::Text(_) | Self::Word => None,
        }
    }
}

/// Hands every field of a flat object to `field`, until the end or until that answers `None`.
pub fn fields<'a>(text: &'a str, mut field: impl FnMut(&'a str, Scalar<'a>) -> Option<()>) -> Option<()> {
    members(text, |key, at| field(key, at.scalar()?))
}

/// Hands every field of an object to `member`, which reads its value, until the end or until that answers `None`.
pub fn members<'a>(text: &'a str, member: impl FnMut(&'a str, &mut Cursor<'a>) -> Option<()>) -> Option<()> {
    let mut at = Cursor::new(text);
    at.members(member)?;
    (at.at == text.len()).then_some(())
}

/// Takes the wrapper of a combined stream apart: the stream's name and the message. The message is not looked at.
pub fn combined(text: &str) -> Option<(&str, &str)> {
    let mut at = Cursor::new(text.strip_prefix("{\"stream\":")?);
    let stream = at.quoted()?;
    let data = at.text.get(at.at..)?.strip_prefix(",\"data\":")?.strip_suffix('}')?;
    Some((stream, data))
}

/// A place in a text.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// An object, each of whose values `member` reads.
    pub fn members(&mut self, mut member: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        self.skip(b'{')?;
        loop {
            let key = self.quoted()?;
            self.skip(b':')?;
            member(key, self)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// The levels of one side of a book, `[["1.5","20"],…]`, each handed to `level`.
    pub fn levels(&mut self, mut level: impl FnMut(Decimal, Decimal)) -> Option<()> {
        self.skip(b'[')?;
        if self.peek()? == b']' {
            return self.skip(b']');
        }
        loop {
            self.skip(b'[')?;
            let price = exact(self.quoted()?)?;
            self.skip(b',')?;
            let quantity = exact(self.quoted()?)?;
            self.skip(b']')?;
            level(price, quantity);
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Letters between quotes.
    pub fn quoted(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        // An escape or a control character is not plain.
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        if rest.get(end) != Some(&b'"') {
            return None;
        }
        self.at = from + end + 1;
        self.text.get(from..from + end)
    }

    /// One value that is no object and no list.
    pub fn scalar(&mut self) -> Option<Scalar<'a>> {
        match self.peek()? {
            b'"' => self.quoted().map(Scalar::Text),
            b'-' | b'0'..=b'9' => self.whole().map(Scalar::Whole),
            _ => self.word(),
        }
    }

    fn bare(&mut self) -> Option<&'a str> {
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
        self.at = from + end;
        self.text.get(from..from + end)
    }

    fn whole(&mut self) -> Option<&'a str> {
        self.bare().filter(|bare| is_whole(bare))
    }

    fn word(&mut self) -> Option<Scalar<'a>> {
        matches!(self.bare()?, "true" | "false" | "null").then_some(Scalar::Word)
    }
}

/// A JSON integer: an optional minus, then digits that do not begin with a needless nought.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (digits.len() == 1 || !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let mut all = Vec::new();
        fields(text, |key, value| {
            all.push((key.to_owned(), format!("{value:?}")));
            Some(())
        })?;
        Some(all)
    }

    #[test]
    fn a_flat_object_is_read_field_by_field() {
        let read = read(r#"{"s":"BTCUSDT","u":12,"x":-3,"m":true,"é":"ü"}"#).unwrap();
        let kinds: Vec<_> = read.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            kinds,
            [
                r#"s=Text("BTCUSDT")"#,
                r#"u=Whole("12")"#,
                r#"x=Whole("-3")"#,
                "m=Word",
                r#"é=Text("ü")"#
            ]
        );
    }

    #[test]
    fn whatever_is_unusual_is_left_to_the_full_parser() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            r#"{"a":1} "#,
            r#"{ "a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,}"#,
            r#"{"a":1.5}"#,
            r#"{"a":01}"#,
            r#"{"a":+1}"#,
            r#"{"a":-}"#,
            r#"{"a":"x\"y"}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":[1]}"#,
            r#"{"a":nul}"#,
            r#"{"a"}"#,
            r#"{"a":"b"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1}}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn levels_and_objects_inside_are_read_where_they_stand() {
        let text = r#"{"u":7,"data":{"b":[["1.5","20"],["1.4","0"]],"a":[]}}"#;
        let (mut levels, mut update) = (Vec::new(), None);
        let read = members(text, |key, at| match key {
            "u" => {
                update = at.scalar()?.unsigned();
                Some(())
            }
            _ => at.members(|_, at| at.levels(|price, quantity| levels.push(format!("{price}x{quantity}")))),
        });
        assert_eq!((read, update), (Some(()), Some(7)));
        assert_eq!(levels, ["1.5x20", "1.4x0"]);
        for bad in [
            r#"{"b":[["1.5","20"]]"#,
            r#"{"b":[["1.5"]]}"#,
            r#"{"b":[["1.5","2","3"]]}"#,
            r#"{"b":[["1e400","2"]]}"#,
            r#"{"b":[["1","2"],]}"#,
            r#"{"b":[[1,2]]}"#,
        ] {
            assert_eq!(members(bad, |_, at| at.levels(|_, _| ())), None, "{bad}");
        }
    }

    #[test]
    fn a_combined_stream_is_taken_apart() {
        let text = r#"{"stream":"xrpusdt@bookTicker","data":{"u":1}}"#;
        assert_eq!(combined(text), Some(("xrpusdt@bookTicker", r#"{"u":1}"#)));
        assert_eq!(combined(r#"{"data":{"u":1},"stream":"x"}"#), None);
    }
}

//! An object of the wire, field by field, for answers that come seldom and in many shapes.
//!
//! Every value stays the text that it was until it is asked for by name and kind: an exact number, a text, an instant. A
//! field that is missing is an error that names it, never a default; so is one that comes twice and differs.

use std::collections::BTreeMap;
use std::fmt;

use domain::instrument::VenueId;
use domain::ports::VenueError;
use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::exact::{exact, exact_wide};

/// What could not be understood: which field of what.
pub type Read<T> = Result<T, VenueError>;

/// Something unreadable from a venue.
pub fn malformed(venue: VenueId, reason: impl Into<String>) -> VenueError {
    VenueError::Malformed {
        venue,
        reason: reason.into(),
    }
}

/// One object.
#[derive(Debug)]
pub struct Row<'a> {
    venue: VenueId,
    fields: BTreeMap<String, &'a str>,
}

struct Fields<'a>(BTreeMap<String, &'a str>);

/// Stands for a field that comes twice and differs: it reads as nothing at all.
const AMBIGUOUS: &str = "?";

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: BTreeMap<String, &'de str> = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    let text = match fields.get(&name) {
                        Some(before) if *before != value.get() => AMBIGUOUS,
                        _ => value.get(),
                    };
                    fields.insert(name, text);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

impl<'a> Row<'a> {
    /// Reads an object.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub fn read(venue: VenueId, text: &'a str) -> Read<Self> {
        let Fields(fields) = serde_json::from_str(text).map_err(|error| malformed(venue, error.to_string()))?;
        Ok(Self { venue, fields })
    }

    /// Reads a list of objects.
    ///
    /// # Errors
    /// As [`Row::read`].
    pub fn read_all(venue: VenueId, text: &'a str) -> Read<Vec<Self>> {
        let rows: Vec<Fields<'a>> = serde_json::from_str(text).map_err(|error| malformed(venue, error.to_string()))?;
        Ok(rows.into_iter().map(|Fields(fields)| Self { venue, fields }).collect())
    }

    /// Whether a field is there, whatever it says.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Whether one of some fields is there.
    pub fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A field as it stands in the text; `None` when it is missing or `null`.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name).copied().filter(|text| *text != "null")
    }

    /// The error for a field.
    pub fn wrong(&self, name: &str, what: &str) -> VenueError {
        malformed(self.venue, format!("{name} {what}"))
    }

    /// A field as it stands in the text.
    ///
    /// # Errors
    /// When it is missing or `null`.
    pub fn some(&self, name: &str) -> Read<&'a str> {
        self.raw(name).ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A text.
    ///
    /// # Errors
    /// When it is missing or no text.
    pub fn text(&self, name: &str) -> Read<String> {
        serde_json::from_str(self.some(name)?).map_err(|_| self.wrong(name, "is no text"))
    }

    /// A text that may be missing, or empty, which is the same.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_text(&self, name: &str) -> Read<Option<String>> {
        match self.raw(name) {
            None => Ok(None),
            Some(_) => self.text(name).map(|text| Some(text).filter(|text| !text.is_empty())),
        }
    }

    /// An id, written as text or as a number.
    ///
    /// # Errors
    /// When it is missing, empty, or neither of the two.
    pub fn id(&self, name: &str) -> Read<String> {
        let raw = self.some(name)?;
        let id = if raw.starts_with('"') {
            self.text(name)?
        } else {
            raw.to_owned()
        };
        let is_plain = raw.starts_with('"') || id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if id.is_empty() || !is_plain {
            return Err(self.wrong(name, "is no id"));
        }
        Ok(id)
    }

    /// An exact number, written as text or as a JSON number.
    ///
    /// # Errors
    /// When it is missing, empty, or cannot be told exactly.
    pub fn number(&self, name: &str) -> Read<Decimal> {
        let raw = self.some(name)?;
        exact(unquoted(raw)).ok_or_else(|| self.wrong(name, "is no exact number"))
    }

    /// An exact number that may be greater than any price or quantity: a turnover, an open interest.
    ///
    /// # Errors
    /// As [`Row::number`], without its bound.
    pub fn wide(&self, name: &str) -> Read<Decimal> {
        let raw = self.some(name)?;
        exact_wide(unquoted(raw)).ok_or_else(|| self.wrong(name, "is no exact number"))
    }

    /// An exact number that may be missing, empty or `null`.
    ///
    /// # Errors
    /// When something else stands there that is no number.
    pub fn maybe_number(&self, name: &str) -> Read<Option<Decimal>> {
        match self.raw(name) {
            None | Some("\"\"") => Ok(None),
            Some(_) => self.number(name).map(Some),
        }
    }

    /// A whole number that is not negative, written either way.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn unsigned(&self, name: &str) -> Read<u64> {
        unquoted(self.some(name)?)
            .parse()
            .map_err(|_| self.wrong(name, "is no whole number"))
    }

    /// An instant in milliseconds, written either way.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn instant(&self, name: &str) -> Read<Timestamp> {
        let millis = i64::try_from(self.unsigned(name)?).map_err(|_| self.wrong(name, "is no instant"))?;
        Ok(Timestamp(millis))
    }

    /// An instant that may be missing, empty or `null`.
    ///
    /// # Errors
    /// When something else stands there.
    pub fn maybe_instant(&self, name: &str) -> Read<Option<Timestamp>> {
        match self.raw(name) {
            None | Some("\"\"") => Ok(None),
            Some(_) => self.instant(name).map(Some),
        }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn flag(&self, name: &str) -> Read<bool> {
        match self.some(name)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong(name, "is neither true nor false")),
        }
    }

    /// An object inside.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn row(&self, name: &str) -> Read<Self> {
        Self::read(self.venue, self.some(name)?)
    }

    /// A list of objects inside.
    ///
    /// # Errors
    /// When it is missing or none.
    pub fn rows(&self, name: &str) -> Read<Vec<Self>> {
        Self::read_all(self.venue, self.some(name)?)
    }
}

fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Read<Row<'_>> {
        Row::read(VenueId::Binance, text)
    }

    #[test]
    fn a_field_is_what_it_says_or_an_error_that_names_it() {
        let row =
            row(r#"{"p":"0.10","q":7,"s":"XRP","t":1790000000000,"e":"","n":null,"i":"x-1","m":true,"big":1e400}"#)
                .unwrap();
        assert_eq!(row.number("p").unwrap().to_string(), "0.10");
        assert_eq!(row.number("q").unwrap(), Decimal::from(7));
        assert_eq!(
            (row.text("s").unwrap(), row.id("i").unwrap()),
            ("XRP".to_owned(), "x-1".to_owned())
        );
        assert_eq!((row.id("q").unwrap(), row.flag("m").unwrap()), ("7".to_owned(), true));
        assert_eq!(row.instant("t").unwrap(), Timestamp(1_790_000_000_000));
        assert_eq!(
            (row.maybe_number("e").unwrap(), row.maybe_number("n").unwrap()),
            (None, None)
        );
        for (name, word) in [
            ("e", "no exact"),
            ("n", "missing"),
            ("none", "missing"),
            ("big", "no exact"),
            ("m", "no exact"),
        ] {
            let error = row.number(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(word), "{error}");
        }
        assert!(row.unsigned("p").is_err() && row.id("m").is_err() && row.flag("s").is_err());
    }

    #[test]
    fn a_field_that_comes_twice_and_differs_is_an_error() {
        let twice = row(r#"{"p":"1","p":"2","q":"3","q":"3"}"#).unwrap();
        assert!(twice.number("p").is_err() && twice.text("p").is_err() && twice.maybe_number("p").is_err());
        assert_eq!(twice.number("q").unwrap(), Decimal::from(3));
        assert!(row("[]").is_err() && row("<html>").is_err() && row(r#"{"p":NaN}"#).is_err());
    }
}

//! Scalars as they stand in the text of a message, so that no number passes through binary floating point.

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use crate::shared::exact::exact;

/// An exact number, written as text or as a JSON number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Num(pub Decimal);

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        exact(raw.trim_matches('"'))
            .map(Self)
            .ok_or_else(|| D::Error::custom("not an exact number"))
    }
}

/// A number that may be missing: an empty text or `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaybeNum(pub Option<Decimal>);

impl<'de> Deserialize<'de> for MaybeNum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        match raw.trim_matches('"') {
            "" | "null" => Ok(Self(None)),
            text => exact(text)
                .map(|number| Self(Some(number)))
                .ok_or_else(|| D::Error::custom("not an exact number")),
        }
    }
}

/// An id, written as a JSON number or as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        match raw.trim_matches('"') {
            "" | "null" => Err(D::Error::custom("an id is missing")),
            text => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f118_digits_survive_whatever_their_dress() {
        for (json, text) in [
            ("\"0.10000000\"", "0.10000000"),
            ("0.1", "0.1"),
            ("1234567890123.12345678901234", "1234567890123.12345678901234"),
            ("1e-7", "0.0000001"),
            ("-40", "-40"),
        ] {
            let Num(number) = serde_json::from_str(json).unwrap();
            assert_eq!(number.to_string(), text);
        }
        for bad in [
            "\"\"",
            "null",
            "\"abc\"",
            "true",
            "[]",
            "\"0.00000000000000000000000000000000001\"",
        ] {
            assert!(serde_json::from_str::<Num>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<MaybeNum>("\"\"").unwrap().0, None);
    }

    #[test]
    fn an_id_is_its_text() {
        assert_eq!(
            serde_json::from_str::<Id>("18446744073709551617").unwrap().0,
            "18446744073709551617"
        );
        assert_eq!(serde_json::from_str::<Id>("\"77\"").unwrap().0, "77");
        assert!(serde_json::from_str::<Id>("null").is_err());
    }
}

//! What a value must be, and the words that say so.

use std::net::IpAddr;
use std::str::FromStr;

use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};

use super::source::Raw;
use super::url;

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An exact number. In a file it is quoted, or whole.
    Decimal {
        /// What it counts.
        unit: &'static str,
        /// The least that is allowed.
        least: i64,
        /// The most that is allowed.
        most: i64,
    },
    /// A whole number.
    Whole {
        /// What it counts.
        unit: &'static str,
        /// The least that is allowed.
        least: u64,
        /// The most that is allowed.
        most: u64,
    },
    /// Yes or no.
    Flag,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    /// A list of words; a variable separates them by commas.
    Words,
    /// Any text; empty means none.
    Text,
    /// A folder or a file.
    Path,
    /// An IP address to listen on.
    Address,
    /// Where requests go.
    Http,
    /// The same, known to few; empty means none.
    SecretHttp,
    /// Where streams come from, without a path.
    WsBase,
    /// The same with its path.
    WsPath,
    /// Where the ledger is; it may carry a password. Empty means the default.
    Database,
    /// Something only we know; empty means none.
    Secret {
        /// The fewest characters.
        least: usize,
    },
}

/// A value that passed its check.
#[derive(Clone, Debug)]
pub enum Value {
    /// An exact number.
    Decimal(Decimal),
    /// A whole number.
    Whole(u64),
    /// Yes or no.
    Flag(bool),
    /// A list of words.
    Words(Vec<String>),
    /// A text.
    Text(String),
    /// A secret; empty when there is none.
    Secret(SecretString),
}

impl Kind {
    /// Whether its values are hidden.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret { .. } | Self::SecretHttp | Self::Database)
    }

    /// What is allowed, in words.
    pub fn allowed(self) -> String {
        match self {
            Self::Decimal { unit, least, most } => format!("{unit} from {least} to {most}, quoted or whole"),
            Self::Whole { unit, least, most } => format!("whole {unit} from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Words => "a list of words without spaces".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Address => "an IP address".to_owned(),
            Self::Http | Self::SecretHttp => "https://HOST[:PORT], or http:// to a loopback host".to_owned(),
            Self::WsBase => "wss://HOST[:PORT] without a path, or ws:// to a loopback host".to_owned(),
            Self::WsPath => "wss://HOST[:PORT]/PATH, or ws:// to a loopback host".to_owned(),
            Self::Database => "sqlite://PATH or postgres://USER@HOST/DATABASE".to_owned(),
            Self::Secret { least: 1 } => "text".to_owned(),
            Self::Secret { least } => format!("text of at least {least} characters"),
        }
    }

    /// Reads and checks.
    ///
    /// # Errors
    /// What is wrong, in words that do not repeat the value.
    pub fn read(self, raw: &Raw) -> Result<Value, String> {
        match self {
            Self::Decimal { least, most, .. } => decimal(raw, least, most).map(Value::Decimal),
            Self::Whole { least, most, .. } => whole(raw, least, most).map(Value::Whole),
            Self::Flag => flag(raw).map(Value::Flag),
            Self::Words => words(raw).map(Value::Words),
            _ if self.is_secret() => self.secret(raw.text()?).map(|text| Value::Secret(text.into())),
            _ => self.text(raw.text()?).map(Value::Text),
        }
    }

    fn text(self, text: &str) -> Result<String, String> {
        match self {
            Self::OneOf(words) => {
                let word = text.to_ascii_lowercase();
                if words.contains(&word.as_str()) {
                    Ok(word)
                } else {
                    Err("it is none of the words".to_owned())
                }
            }
            Self::Path if text.is_empty() => Err("it is empty".to_owned()),
            Self::Address => IpAddr::from_str(text)
                .map(|_| text.to_owned())
                .map_err(|_| "it is no IP address".to_owned()),
            Self::Http => Ok(url::check(text, ("http", "https"), true)?),
            Self::WsBase => Ok(url::check(text, ("ws", "wss"), false)?),
            Self::WsPath => Ok(url::check(text, ("ws", "wss"), true)?),
            _ => Ok(text.to_owned()),
        }
    }

    fn secret(self, text: &str) -> Result<String, String> {
        match self {
            _ if text.is_empty() => Ok(String::new()),
            Self::SecretHttp => Ok(url::check(text, ("http", "https"), true)?),
            Self::Database => match text.split_once("://") {
                Some(("sqlite" | "postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(text.to_owned()),
                _ => Err("it is no ledger address".to_owned()),
            },
            Self::Secret { least } if text.chars().count() < least => Err(format!(
                "it has {} characters, which can be guessed",
                text.chars().count()
            )),
            Self::Secret { .. } if text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
                Err("it holds a blank or a line break".to_owned())
            }
            _ => Ok(text.to_owned()),
        }
    }
}

impl Raw {
    fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) | Self::Variable(text) => Ok(text),
            Self::Secret(text) => Ok(text.expose_secret()),
            other => Err(format!("it is {}, not text", other.name())),
        }
    }
}

fn decimal(raw: &Raw, least: i64, most: i64) -> Result<Decimal, String> {
    let text = match raw {
        Raw::Text(text) | Raw::Variable(text) | Raw::Whole(text) => text,
        Raw::Float(text) => return Err(format!("a decimal is quoted, so that it stays exact: write \"{text}\"")),
        other => return Err(format!("it is {}, not a number", other.name())),
    };
    let number = Decimal::from_str_exact(text).map_err(|_| "it is no exact number".to_owned())?;
    if number < Decimal::from(least) || number > Decimal::from(most) {
        return Err("it is out of range".to_owned());
    }
    Ok(number.normalize())
}

fn whole(raw: &Raw, least: u64, most: u64) -> Result<u64, String> {
    let text = match raw {
        Raw::Variable(text) | Raw::Whole(text) => text,
        other => return Err(format!("it is {}, not a whole number", other.name())),
    };
    let number: i128 = text.parse().map_err(|_| "it is no whole number".to_owned())?;
    match u64::try_from(number) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err("it is out of range".to_owned()),
    }
}

fn flag(raw: &Raw) -> Result<bool, String> {
    match raw {
        Raw::Flag(flag) => Ok(*flag),
        Raw::Variable(text) => text.parse().map_err(|_| "it is neither".to_owned()),
        other => Err(format!("it is {}, not true or false", other.name())),
    }
}

fn words(raw: &Raw) -> Result<Vec<String>, String> {
    let words = match raw {
        Raw::Words(words) => words.clone(),
        Raw::Variable(text) if text.is_empty() => Vec::new(),
        Raw::Variable(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
        other => return Err(format!("it is {}, not a list", other.name())),
    };
    if words
        .iter()
        .any(|word| word.is_empty() || word.chars().any(char::is_whitespace))
    {
        return Err("a word is empty or holds a blank".to_owned());
    }
    Ok(words)
}

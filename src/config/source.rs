//! The file and the environment taken apart into raw values, each with its place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use secrecy::SecretString;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key};
use super::problem::Problem;

/// Begins the variable of every key.
pub const PREFIX: &str = "FUNDING_ARB__";
/// Stands for a secret in messages.
const HIDDEN: &str = "(hidden)";

/// A value as it was written.
pub enum Raw {
    /// A quoted text of the file.
    Text(String),
    /// A whole number of the file, in decimal digits.
    Whole(String),
    /// A binary fraction of the file, as its digits stand there.
    Float(String),
    /// `true` or `false` of the file.
    Flag(bool),
    /// A list of texts of the file.
    Words(Vec<String>),
    /// A variable, or a default.
    Variable(String),
    /// What a secret key was set to.
    Secret(SecretString),
    /// Anything else, by its name.
    Other(&'static str),
}

impl Raw {
    /// What it is, with an article.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variable(_) | Self::Secret(_) => "text",
            Self::Whole(_) => "a whole number",
            Self::Float(_) => "a fraction",
            Self::Flag(_) => "a truth value",
            Self::Words(_) => "a list",
            Self::Other(name) => name,
        }
    }

    /// As it was written, for a message; `None` where nothing is to be shown.
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(format!("{text:?}")),
            Self::Whole(text) | Self::Float(text) => Some(text.clone()),
            Self::Variable(text) => Some(if text.is_empty() {
                "\"\"".to_owned()
            } else {
                text.clone()
            }),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Words(words) => Some(format!("{words:?}")),
            Self::Secret(_) => Some(HIDDEN.to_owned()),
            Self::Other(_) => None,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody wrote it.
    Default,
    /// A line of the file.
    Line(String, usize),
    /// A variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::Line(file, line) => write!(out, "{file}:{line}"),
            Self::Variable(name) => out.write_str(name),
        }
    }
}

/// One key's raw value.
pub struct Written {
    /// Which key.
    pub key: &'static Key,
    /// Where.
    pub origin: Origin,
    /// What.
    pub raw: Raw,
}

/// Reads the file.
pub fn file(path: &Path, problems: &mut Vec<Problem>) -> Vec<Written> {
    match std::fs::read_to_string(path) {
        Ok(text) => table(&path.display().to_string(), &text, problems),
        Err(error) => {
            problems.push(whole_file(
                path.display().to_string(),
                format!("the file cannot be read: {error}"),
            ));
            Vec::new()
        }
    }
}

fn whole_file(place: String, why: String) -> Problem {
    Problem {
        key: String::new(),
        value: None,
        place,
        why,
        allowed: String::new(),
    }
}

/// Takes a file's text apart.
pub fn table(name: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Written> {
    let mut walk = Walk {
        name,
        text,
        written: Vec::new(),
        problems,
    };
    match DeTable::parse(text) {
        Ok(table) => walk.section("", table.get_ref()),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let why = format!("it is no TOML: {}", error.message());
            walk.problems.push(whole_file(format!("{name}:{line}"), why));
        }
    }
    walk.written
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    written: Vec<Written>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn section(&mut self, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            let origin = Origin::Line(self.name.to_owned(), line_of(self.text, key.span().start));
            match (value.get_ref(), keys::find(&name)) {
                (DeValue::Table(inner), None) if is_section(&name) => self.section(&name, inner),
                (value, Some(key)) => self.written.push(Written {
                    key,
                    origin,
                    raw: raw(key.kind.is_secret(), value),
                }),
                (value, None) => self.problems.push(unknown(&name, &origin, loose(&name, value).shown())),
            }
        }
    }
}

fn is_section(name: &str) -> bool {
    keys::KEYS
        .iter()
        .any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether what stands behind an unknown key may be a secret under a misspelt name.
fn sounds_secret(name: &str) -> bool {
    ["key", "secret", "token", "password", "url", "webhook"]
        .iter()
        .any(|word| name.contains(word))
        || nearest(name).is_some_and(|key| key.kind.is_secret())
}

/// The key that was probably meant.
fn nearest(name: &str) -> Option<&'static Key> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let wrong_section = |key: &&Key| last(key.name) == last(name);
    let misspelt = || keys::KEYS.iter().min_by_key(|key| distance(key.name, name));
    let near = keys::KEYS.iter().find(wrong_section).or_else(misspelt);
    near.filter(|key| wrong_section(key) || distance(key.name, name) <= 3)
}

/// What an unknown key was set to, to be shown.
fn loose(name: &str, value: &DeValue<'_>) -> Raw {
    raw(sounds_secret(name), value)
}

fn unknown(name: &str, origin: &Origin, value: Option<String>) -> Problem {
    let (why, allowed) = if is_section(name) {
        ("it is a section, not a key".to_owned(), String::new())
    } else {
        let hint = nearest(name).map(|key| format!("{} is one", key.name));
        let all = || "the keys that `funding-arb config init` prints".to_owned();
        ("there is no such key".to_owned(), hint.unwrap_or_else(all))
    };
    Problem {
        key: name.to_owned(),
        value,
        place: origin.to_string(),
        why,
        allowed,
    }
}

/// How many characters are added, removed or changed between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (place, left) in a.chars().enumerate() {
        let mut next = vec![place + 1];
        for (pair, right) in row.windows(2).zip(&b) {
            let [corner, above] = pair else { continue };
            let before = next.last().copied().unwrap_or_default();
            next.push((corner + usize::from(left != *right)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn raw(is_secret: bool, value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) if is_secret => Raw::Secret(SecretString::from(text.to_string())),
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            _ if is_secret => Raw::Other("a whole number"),
            Ok(number) => Raw::Whole(number.to_string()),
            Err(_) => Raw::Whole(number.as_str().to_owned()),
        },
        DeValue::Float(_) if is_secret => Raw::Other("a fraction"),
        DeValue::Float(number) => Raw::Float(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(_) if is_secret => Raw::Other("a list"),
        DeValue::Array(items) => {
            let words: Option<Vec<_>> = items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect();
            words.map_or(Raw::Other("a list of other things than text"), Raw::Words)
        }
        DeValue::Table(_) => Raw::Other("a section"),
    }
}

/// Reads the variables: `FUNDING_ARB__SECTION__KEY`, and the short names. An empty short one counts as unset, as it
/// does for the platforms that pass them on.
pub fn variables(env: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Vec<Written> {
    let mut written = Vec::new();
    for (variable, value) in env {
        let origin = Origin::Variable(variable.clone());
        if let Some(path) = variable.strip_prefix(PREFIX) {
            let name = path.to_ascii_lowercase().replace("__", ".");
            if let Some(key) = keys::find(&name) {
                written.push(of_variable(key, origin, value));
            } else {
                let shown = if sounds_secret(&name) {
                    HIDDEN.to_owned()
                } else {
                    value.clone()
                };
                problems.push(unknown(&name, &origin, Some(shown)));
            }
        } else if let Some(key) = keys::of_variable(variable).filter(|_| !value.is_empty()) {
            written.push(of_variable(key, origin, value));
        }
    }
    written
}

fn of_variable(key: &'static Key, origin: Origin, value: &str) -> Written {
    let raw = if key.kind.is_secret() {
        Raw::Secret(value.into())
    } else {
        Raw::Variable(value.to_owned())
    };
    Written { key, origin, raw }
}

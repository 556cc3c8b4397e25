//! Finding a market by its symbol, once for each message.

#![expect(
    clippy::disallowed_types,
    reason = "nobody can walk it, so that its order reaches no decision; a message finds its market three times as fast"
)]

use std::collections::HashMap;

/// One value for each symbol; it can be asked, but not walked.
#[derive(Debug)]
pub struct BySymbol<T>(HashMap<Box<str>, T>);

impl<T> BySymbol<T> {
    /// The value of a symbol.
    pub fn get(&self, symbol: &str) -> Option<&T> {
        self.0.get(symbol)
    }

    /// Gives a symbol its value.
    pub fn insert(&mut self, symbol: &str, value: T) {
        self.0.insert(symbol.into(), value);
    }

    /// The value of a symbol, to change it.
    pub fn get_mut(&mut self, symbol: &str) -> Option<&mut T> {
        self.0.get_mut(symbol)
    }
}

impl<T> Default for BySymbol<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> FromIterator<(String, T)> for BySymbol<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(rows: I) -> Self {
        Self(
            rows.into_iter()
                .map(|(symbol, value)| (symbol.into_boxed_str(), value))
                .collect(),
        )
    }
}

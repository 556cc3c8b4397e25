//! Finding a market by its symbol, once for each message.

#![expect(
    clippy::disallowed_types,
    reason = "nobody can walk it, so that its order reaches no decision; a message finds its market three times as fast"
)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One value for each symbol; it can be asked, but not walked.
#[derive(Debug)]
pub struct BySymbol<T>(HashMap<Box<str>, T, BuildHasherDefault<Quick>>);

/// Mixes eight bytes at a time. Symbols come from a venue that we chose: nobody gains by making them collide.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quick(u64);

impl Quick {
    const fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
        self.mix(last ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits and its tag from the high ones.
        self.0 ^ self.0 >> 32
    }
}

impl<T> BySymbol<T> {
    /// Forgets a symbol.
    pub fn remove(&mut self, symbol: &str) {
        self.0.remove(symbol);
    }

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
        Self(HashMap::default())
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

//! Seeds with some parts of them changed, by the thousand, from a seed. Shared by the seeded runners of this room and of
//! the whole program.
//!
//! `FUZZ_SECONDS` says how long each check runs (default 1), `FUZZ_SEED` where chance begins (default 1).

use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Parts that break parsers.
const PARTS: &[&str] = &[
    "",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "NaN",
    "Infinity",
    "-0",
    "1e400",
    "1E-400",
    "1e5",
    "0x10",
    "99999999999999999999999999999999",
    "-1",
    "\"\"",
    "\"NaN\"",
    "\"1e400\"",
    "0.00000000000000000000000000001",
    ".5",
    "5.",
    "+1",
    "01",
    "\\u0000",
    "\\",
    "\u{feff}",
    "<html>",
    "18446744073709551616",
    "9223372036854775808",
    "10000000000000",
    "10000000000000.1",
    " ",
    "\n",
];

/// Runs a check on every seed and then, for the time that was asked for, on spoilt ones.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is no market time")]
pub fn run(name: &str, seeds: &[Vec<u8>], check: impl Fn(&[u8])) {
    let seed = number_of("FUZZ_SEED", 1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (began, lasts) = (Instant::now(), Duration::from_secs(number_of("FUZZ_SECONDS", 1)));
    for seed in seeds {
        check(seed);
    }
    let mut rounds = 0_u64;
    while began.elapsed() < lasts {
        for _ in 0..100 {
            check(&spoilt(&mut rng, seeds));
        }
        rounds += 100;
    }
    println!("{name}: {} seeds, {rounds} spoilt ones from {seed}", seeds.len());
    assert!(rounds > 0);
}

/// A seed with some parts of it changed.
fn spoilt(rng: &mut impl Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.random_range(0..bytes.len());
        let end = (at + rng.random_range(0..12)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            5 => {
                let part = PARTS[rng.random_range(0..PARTS.len())];
                drop(bytes.splice(at..end, part.bytes()));
            }
            // A whole value: from a colon to the next comma.
            _ => {
                let from = bytes[at..]
                    .iter()
                    .position(|byte| *byte == b':')
                    .map(|colon| at + colon + 1);
                let from = from.unwrap_or(at);
                let to = bytes[from..]
                    .iter()
                    .position(|byte| *byte == b',')
                    .map_or(bytes.len(), |comma| from + comma);
                let part = PARTS[rng.random_range(0..PARTS.len())];
                drop(bytes.splice(from..to, part.bytes()));
            }
        }
    }
    bytes
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

//! A market from recorded files.
//!
//! ```text
//! parse.rs    funding files, bar files, the list of instruments
//! series.rs   hourly prices with straight lines between the opens
//! coin.rs     the listings of one coin and where their prices come from
//! choose.rs   which symbols to show, and when carry is rich and then fades
//! ```
//!
//! Layout: `funding/<venue>/<SYMBOL>.csv.gz`, `klines/<venue>/<spot|perp|mark>/<SYMBOL>-1h.csv.gz`,
//! `instruments/symbol-properties.csv.gz` (may be absent); each also unpacked as `.csv`.
//!
//! **Listings.** A perpetual is listed on a venue that has settlements for it, a spot pair where the list of
//! instruments or a bar file names it. A listing without bars at an instant takes the price of the other venue's bars,
//! a spot pair without any those of the perpetual divided by the coins in one contract: then the basis is zero, and a
//! profit from basis on such a pair means nothing.
//!
//! **Prices** lie on straight lines between the opens of hourly bars; holes of up to three bars are bridged, in longer
//! ones there is no price. **Settlements** are the file's rows at the boundary rounded to the hour; their mark is the
//! file's, else the mark bar's open, else the perpetual's.

mod choose;
mod coin;
mod parse;
mod series;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::book::{self, Shape};
use super::files::{self, MarketError};
use super::schedule::HOUR_MS;
use super::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Venue};
use coin::Coin;
use rust_decimal::Decimal;

/// Symbols in a working set that the data chose.
const WORKING_SET: usize = 8;
/// What is loaded before the showcase of a working set that the data chose.
const LEAD_MS: Ms = 14 * 24 * HOUR_MS;
/// What is loaded after it.
const TAIL_MS: Ms = 45 * 24 * HOUR_MS;
/// The end of time for a record.
const FOREVER_MS: Ms = 7_258_118_400_000;

/// A kind of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Spot,
    Perp,
    Mark,
}

/// What to load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedOptions {
    /// The perpetuals' symbols (`BTCUSDT`); their spot pairs come with them. `None`: the data chooses up to eight.
    pub symbols: Option<Vec<String>>,
    /// Nothing before it is loaded, ms since 1970.
    pub from: Option<Ms>,
    /// Nothing after it is loaded, ms since 1970.
    pub to: Option<Ms>,
}

/// A market from recorded files. See the module's description.
pub struct Recorded {
    coins: Vec<Coin>,
    rules: Vec<Rules>,
    /// The coin of each of `rules`.
    coin_of: Vec<usize>,
    starts_ms: Ms,
    ends_ms: Ms,
    showcase_ms: Ms,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded")
            .field("instruments", &self.rules.len())
            .field("starts_ms", &self.starts_ms)
            .field("ends_ms", &self.ends_ms)
            .finish_non_exhaustive()
    }
}

/// `funding/<venue>/<symbol>` or `klines/<venue>/<kind>/<symbol>-1h`, without an ending.
fn stem(dir: &Path, venue: Venue, kind: Option<Kind>, symbol: &str) -> PathBuf {
    let venue = match venue {
        Venue::Binance => "binance",
        Venue::Bybit => "bybit",
    };
    let kind = match kind {
        None => return dir.join("funding").join(venue).join(symbol),
        Some(Kind::Spot) => "spot",
        Some(Kind::Perp) => "perp",
        Some(Kind::Mark) => "mark",
    };
    dir.join("klines").join(venue).join(kind).join(format!("{symbol}-1h"))
}

/// The base of a symbol against USDT. `None` for anything else, also for what is no plain name.
fn quoted_base(symbol: &str) -> Option<&str> {
    let plain = symbol.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    symbol.strip_suffix("USDT").filter(|base| plain && !base.is_empty())
}

impl Recorded {
    /// Loads a market. Without `symbols` the data chooses: the instant from which two perpetuals pay most over three
    /// days and then less, with some symbol on both venues, and up to eight symbols that can be traded around it; two
    /// weeks before and six after it are loaded.
    ///
    /// # Errors
    /// [`MarketError`] names the file, and the line and column of a wrong row; nothing is loaded then.
    pub fn load(dir: impl AsRef<Path>, options: &RecordedOptions) -> Result<Self, MarketError> {
        let dir = dir.as_ref();
        if !dir.is_dir() {
            return Err(MarketError::Missing {
                path: dir.to_owned(),
                expected: "a folder of recorded files".into(),
            });
        }
        let window = (
            options.from.unwrap_or(0).max(0),
            options.to.unwrap_or(FOREVER_MS).min(FOREVER_MS),
        );
        if window.0 >= window.1 {
            return Err(nothing(dir, "a beginning before the end"));
        }
        let known = match files::find(&dir.join("instruments/symbol-properties")) {
            Some(path) => parse::properties(&path)?,
            None => parse::Properties::new(),
        };
        let coins = match &options.symbols {
            Some(symbols) => {
                let mut symbols = symbols.clone();
                symbols.sort();
                symbols.dedup();
                let load = |symbol: &String| Coin::load(dir, &known, symbol, window);
                symbols.iter().map(load).collect::<Result<Vec<_>, _>>()?
            }
            None => working_set(dir, &known, window)?,
        };
        Self::assemble(dir, coins, &known, window)
    }

    fn assemble(
        dir: &Path,
        coins: Vec<Coin>,
        known: &parse::Properties,
        window: (Ms, Ms),
    ) -> Result<Self, MarketError> {
        let spans = coins
            .iter()
            .flat_map(|coin| coin.keys().into_iter().filter_map(|key| coin.span(&key)));
        let common = spans.reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)));
        let (starts_ms, ends_ms) = common
            .map(|(from, until)| (from.max(window.0), until.min(window.1)))
            .filter(|(from, until)| from < until)
            .ok_or_else(|| nothing(dir, "a time in which every chosen symbol has prices and settlements"))?;
        let mut listed: Vec<(Rules, usize)> = Vec::new();
        for (index, coin) in coins.iter().enumerate() {
            let rules = coin
                .keys()
                .into_iter()
                .filter_map(|key| coin.rules(key, known, starts_ms));
            listed.extend(rules.map(|rules| (rules, index)));
        }
        listed.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        let legs: Vec<choose::Leg> = coins.iter().flat_map(Coin::legs).collect();
        let showcase_ms = choose::richest(&legs, starts_ms, ends_ms).unwrap_or(starts_ms);
        let (rules, coin_of) = listed.into_iter().unzip();
        Ok(Self {
            coins,
            rules,
            coin_of,
            starts_ms,
            ends_ms,
            showcase_ms,
        })
    }

    fn find(&self, key: &Key) -> Option<(&Rules, &Coin)> {
        let index = self.rules.binary_search_by(|rules| rules.key.cmp(key)).ok()?;
        Some((self.rules.get(index)?, self.coins.get(*self.coin_of.get(index)?)?))
    }

    fn perpetual(&self, key: &Key) -> Option<&Coin> {
        (key.product == Product::Perp)
            .then(|| self.find(key))
            .flatten()
            .map(|(_, coin)| coin)
    }
}

fn nothing(dir: &Path, expected: &str) -> MarketError {
    MarketError::Nothing {
        path: dir.to_owned(),
        expected: expected.to_owned(),
    }
}

/// The symbols that the data chooses, loaded around their showcase.
fn working_set(dir: &Path, known: &parse::Properties, window: (Ms, Ms)) -> Result<Vec<Coin>, MarketError> {
    let expected = "settlements and hourly bars of the same perpetuals over a week or more, with a second leg each";
    let choice = choose::choose(dir, known, window)?.ok_or_else(|| nothing(dir, expected))?;
    let at = choice.showcase;
    let around = ((at - LEAD_MS).max(window.0), (at + TAIL_MS).min(window.1));
    let mut coins = Vec::new();
    for symbol in &choice.ranked {
        if coins.len() == WORKING_SET {
            break;
        }
        let coin = Coin::load(dir, known, symbol, around)?;
        // A coin with a hole near the showcase would stand there without a price.
        if coin.covers(at - choose::BEFORE_MS, at + choose::AFTER_MS) {
            coins.push(coin);
        }
    }
    if coins.is_empty() {
        Err(nothing(dir, expected))
    } else {
        Ok(coins)
    }
}

impl Source for Recorded {
    fn starts_ms(&self) -> Ms {
        self.starts_ms
    }

    fn ends_ms(&self) -> Ms {
        self.ends_ms
    }

    fn showcase_ms(&self) -> Ms {
        self.showcase_ms
    }

    fn rules(&self) -> &[Rules] {
        &self.rules
    }

    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.find(key)?.1.mid(key, now)
    }

    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.perpetual(key)?.mark(key, now)
    }

    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.perpetual(key)?.index(key, now)
    }

    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        let (rules, coin) = self.find(key)?;
        book::depth(coin.mid(key, now)?, rules, Shape::of(rules), now)
    }

    fn best(&self, key: &Key, now: Ms) -> Option<(Level, Level)> {
        let (rules, coin) = self.find(key)?;
        book::best(coin.mid(key, now)?, rules, Shape::of(rules), now)
    }

    fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        self.perpetual(key)?.schedule(key.venue)?.terms(now)
    }

    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let Some(coin) = self.perpetual(key) else {
            return Vec::new();
        };
        let rows = coin
            .schedule(key.venue)
            .map_or(&[][..], |schedule| schedule.between(after, until));
        let settle = |row: &super::schedule::Row| {
            // Where neither file nor bars know a mark, nothing could be paid.
            let mark = row.mark.or_else(|| coin.mark(key, row.at_ms))?;
            Some(Settlement {
                at_ms: row.at_ms,
                rate: row.rate,
                mark,
                interval_hours: row.interval_hours,
                special: false,
            })
        };
        rows.iter().filter_map(settle).collect()
    }

    fn volume_24h(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.find(key)?.1.volume_24h(key, now)
    }
}

//! A seeded market: prices, books and funding for a list of coins on both venues, spot and perpetual.
//!
//! ```text
//! assets.rs   the coins with their steps, fees and margins
//! walk.rs     hourly price paths in integers, and what lies between the hours
//! regimes.rs  funding: calm, falls, spikes, rich spells and the slump after
//! ```
//!
//! Everything is drawn when it is built or is a pure function of seed, key and time: the same seed is the same market.
//! A coin's path does not depend on how many others there are.

mod assets;
mod regimes;
#[cfg(test)]
mod tests;
mod walk;

use rust_decimal::Decimal;

use super::book::{self, Shape, mix, mix_text};
use super::schedule::{HOUR_MS, Schedule};
use super::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Venue};
use assets::Asset;
pub use assets::lowest_tier;
pub(super) use assets::{maker_fee, taker_fee};
use walk::{BP, ONE, PRICE_SCALE};

/// Unrest within the hour that all listings of a coin share.
const COIN_UNREST: i64 = 3 * BP / 2;
/// Unrest of one listing alone.
const LISTING_UNREST: i64 = BP / 4;
/// How often the sizes of a busy market's books change.
const BUSY_MS: Ms = 100;
/// Least and most days.
const DAYS: (u32, u32) = (10, 1_000);

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedOptions {
    /// How many coins; held between 4 and 1000. The first 24 have names, the others are called `TAIL025` and on.
    pub symbols: usize,
    /// First instant, ms since 1970. The grid begins at the 8 h boundary at or before it.
    pub start_ms: Ms,
    /// How many days; held between 10 and 1000.
    pub days: u32,
    /// Whether the sizes of every book change ten times a second, as they do where many trade: then every symbol speaks
    /// with every push.
    pub busy: bool,
}

impl Default for GeneratedOptions {
    /// 20 coins, 60 quiet days from 2026-01-01 00:00 UTC.
    fn default() -> Self {
        Self {
            symbols: 20,
            start_ms: 1_767_225_600_000,
            days: 60,
            busy: false,
        }
    }
}

/// One instrument's state.
struct Listing {
    asset: usize,
    /// Seed of its own unrest.
    seed: u64,
    /// Coins in one unit of the perpetual, 1 for the perpetual itself.
    divisor: i64,
    offsets: Vec<i64>,
    schedule: Option<Schedule>,
}

/// One coin's state.
struct Coin {
    asset: Asset,
    seed: u64,
    path: Vec<i64>,
}

/// A seeded market. See the module's description.
pub struct Generated {
    grid_ms: Ms,
    start_ms: Ms,
    end_ms: Ms,
    busy: bool,
    coins: Vec<Coin>,
    rules: Vec<Rules>,
    /// In the order of `rules`.
    listings: Vec<Listing>,
}

impl Generated {
    /// Draws the market of a seed. Options out of range are held to their limits.
    pub fn new(seed: u64, options: GeneratedOptions) -> Self {
        let count = options.symbols.clamp(4, assets::MOST);
        let days = i64::from(options.days.clamp(DAYS.0, DAYS.1));
        let start_ms = options.start_ms.clamp(0, Ms::MAX / 4);
        let grid_ms = start_ms.div_euclid(8 * HOUR_MS) * 8 * HOUR_MS;
        let hours = days * 24 + 8;
        let points = usize::try_from(hours).unwrap_or(0);
        let spells = regimes::spells(seed, count, hours);
        let coins: Vec<Coin> = assets::coins(count)
            .into_iter()
            .map(|asset| Coin::draw(seed, asset, points))
            .collect();
        let mut built = Vec::new();
        for (index, (coin, spells)) in coins.iter().zip(&spells).enumerate() {
            for venue in [Venue::Binance, Venue::Bybit] {
                for product in [Product::Spot, Product::Perp] {
                    let rules = coin.asset.rules(venue, product);
                    let listing_seed = mix(coin.seed ^ ((venue as u64) << 4) ^ ((product as u64) << 5) ^ 0x0FF);
                    let schedule = (product == Product::Perp).then(|| {
                        let rows = regimes::settlements(seed, (index, &coin.asset), venue, spells, (grid_ms, hours));
                        let cap = coin.asset.cap(venue);
                        Schedule::new(rows, cap, -cap)
                    });
                    let (mean, spread) = distance(venue, product);
                    let listing = Listing {
                        asset: index,
                        seed: listing_seed,
                        divisor: if product == Product::Spot {
                            coin.asset.multiplier
                        } else {
                            1
                        },
                        offsets: walk::offsets(listing_seed, mean, spread, points),
                        schedule,
                    };
                    built.push((rules, listing));
                }
            }
        }
        built.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        let (rules, listings) = built.into_iter().unzip();
        Self {
            grid_ms,
            start_ms,
            end_ms: grid_ms + hours * HOUR_MS,
            busy: options.busy,
            coins,
            rules,
            listings,
        }
    }

    fn shape(&self, rules: &Rules) -> Shape {
        let shape = Shape::of(rules);
        if self.busy {
            shape.with_sizes_changing(BUSY_MS)
        } else {
            shape
        }
    }

    fn find(&self, key: &Key) -> Option<(&Rules, &Listing)> {
        let index = self.rules.binary_search_by(|rules| rules.key.cmp(key)).ok()?;
        Some((self.rules.get(index)?, self.listings.get(index)?))
    }

    /// The coin's own price, in the perpetual's units.
    fn fair(&self, coin: &Coin, now: Ms) -> Option<i64> {
        if now < self.start_ms || now > self.end_ms {
            return None;
        }
        let level = walk::smooth(&coin.path, now - self.grid_ms)?;
        scaled(level, walk::unrest(coin.seed, now, COIN_UNREST))
    }

    fn quoted(&self, listing: &Listing, now: Ms, unrest: i64) -> Option<Decimal> {
        let fair = self.fair(self.coins.get(listing.asset)?, now)?;
        let offset = walk::smooth(&listing.offsets, now - self.grid_ms)?;
        decimal(scaled(fair, offset + unrest)? / listing.divisor.max(1))
    }

    fn perpetual(&self, key: &Key) -> Option<&Listing> {
        (key.product == Product::Perp)
            .then(|| self.find(key))
            .flatten()
            .map(|(_, listing)| listing)
    }
}

impl Coin {
    fn draw(seed: u64, asset: Asset, points: usize) -> Self {
        let seed = mix_text(seed, &asset.base);
        let (mantissa, places) = asset.price;
        let opening = mantissa * 10_i64.pow(PRICE_SCALE.saturating_sub(places));
        Self {
            seed,
            path: walk::prices(mix(seed ^ 0xFA), opening, asset.hourly_noise(), points),
            asset,
        }
    }
}

/// Mean and spread of a listing's distance from the coin's price.
fn distance(venue: Venue, product: Product) -> (i64, i64) {
    match (product, venue) {
        (Product::Spot, Venue::Binance) => (0, BP / 2),
        (Product::Spot, Venue::Bybit) => (BP / 2, BP),
        (Product::Perp, Venue::Binance) => (-3 * BP, 2 * BP),
        (Product::Perp, Venue::Bybit) => (-5 * BP / 2, 5 * BP / 2),
    }
}

/// `price · (1 + by)`, `by` in hundred-millionths.
fn scaled(price: i64, by: i64) -> Option<i64> {
    i64::try_from(i128::from(price) * i128::from(ONE + by) / i128::from(ONE)).ok()
}

fn decimal(units: i64) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(i128::from(units), PRICE_SCALE)
        .ok()
        .map(|price| price.normalize())
}

impl Source for Generated {
    fn starts_ms(&self) -> Ms {
        self.start_ms
    }

    fn ends_ms(&self) -> Ms {
        self.end_ms
    }

    fn showcase_ms(&self) -> Ms {
        // Two hours before the first rich settlement: the estimate already tells it.
        self.grid_ms + (regimes::SPELLS_BEGIN_HOUR + 6) * HOUR_MS
    }

    fn rules(&self) -> &[Rules] {
        &self.rules
    }

    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let (_, listing) = self.find(key)?;
        self.quoted(listing, now, walk::unrest(listing.seed, now, LISTING_UNREST))
    }

    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.quoted(self.perpetual(key)?, now, 0).map(|mark| mark.round_dp(10))
    }

    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let coin = self.coins.get(self.perpetual(key)?.asset)?;
        decimal(self.fair(coin, now)?).map(|index| index.round_dp(10))
    }

    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        let (rules, _) = self.find(key)?;
        book::depth(self.mid(key, now)?, rules, self.shape(rules), now)
    }

    fn best(&self, key: &Key, now: Ms) -> Option<(Level, Level)> {
        let (rules, _) = self.find(key)?;
        book::best(self.mid(key, now)?, rules, self.shape(rules), now)
    }

    fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        if now < self.start_ms || now > self.end_ms {
            return None;
        }
        self.perpetual(key)?.schedule.as_ref()?.terms(now)
    }

    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let Some(schedule) = self.perpetual(key).and_then(|listing| listing.schedule.as_ref()) else {
            return Vec::new();
        };
        let rows = schedule.between(after.max(self.start_ms.saturating_sub(1)), until.min(self.end_ms));
        let settle = |row: &super::schedule::Row| {
            let mark = self.mark(key, row.at_ms)?;
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
        let (rules, listing) = self.find(key)?;
        let usd = self.coins.get(listing.asset)?.asset.daily_usd(key.venue, key.product);
        let part = 100 + walk::unrest(listing.seed, now / 1_440, 25);
        let units = Decimal::from(usd) * Decimal::new(part, 2) / self.mid(key, now)?;
        Some((units / rules.lot).floor() * rules.lot)
    }
}

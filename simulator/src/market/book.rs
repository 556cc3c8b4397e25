//! A book around a mid price.
//!
//! Shape: half-spread, then levels a fixed distance apart whose sizes grow away from the touch. It is calibrated so
//! that walking the book with 10 000 USD costs the class's figure: 0.5 bps for BTC and ETH, 2 bps for other large
//! coins, 4 (perp) or 6 (spot) for the next row, 6 or 12 for the rest. 24 levels then hold about 110 000 USD a side.
//!
//! A pure function of its arguments; `salt` varies the sizes so that they are not the same from minute to minute.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Depth, Level, Ms, Product, Rules};

/// Levels on each side.
pub const LEVELS: u32 = 24;
/// Sizes change once in so many milliseconds, where nothing else is said.
const SIZES_CHANGE_MS: Ms = 10_000;
/// Size at the touch, in quote currency, where nothing else is said.
const TOUCH_USD: i64 = 2_200;
/// Multiples of contracts that carry a number in front of the coin.
const MULTIPLIERS: [&str; 3] = ["1000000", "10000", "1000"];

const LARGEST: [&str; 2] = ["BTC", "ETH"];
const LARGE: [&str; 13] = [
    "SOL", "XRP", "BNB", "DOGE", "ADA", "LINK", "LTC", "AVAX", "SUI", "TRX", "BCH", "ZEC", "HYPE",
];
const MIDDLE: [&str; 14] = [
    "AAVE", "APT", "ARB", "NEAR", "OP", "INJ", "ORDI", "WIF", "TON", "SEI", "TIA", "APE", "ENA", "ORCA",
];

/// How a book looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Half of the spread as a fraction of the mid.
    pub half_spread: Decimal,
    /// Distance from one level to the next as a fraction of the mid (at least one tick is kept).
    pub step: Decimal,
    /// Size of the first level in quote currency.
    pub touch_usd: Decimal,
    /// How often the sizes change, ms.
    pub sizes_change_ms: Ms,
}

impl Shape {
    /// The shape of an instrument's class.
    pub fn of(rules: &Rules) -> Self {
        Self::costing(cost_tenths(&rules.base, rules.key.product), Decimal::from(TOUCH_USD))
    }

    /// A shape in which `4.6 · touch_usd` costs `tenths` tenths of a basis point against the mid.
    fn costing(tenths: i64, touch_usd: Decimal) -> Self {
        // A tenth of a basis point is 1e-5. 40 % of the cost is the half-spread; the rest comes from walking 1.61
        // steps on average, so a step is 0.6 / 1.61 = 37 % of the cost.
        Self {
            half_spread: Decimal::new(tenths * 40, 7),
            step: Decimal::new(tenths * 37, 7),
            touch_usd,
            sizes_change_ms: SIZES_CHANGE_MS,
        }
    }

    /// The same book with another half-spread.
    #[must_use]
    pub fn with_half_spread(self, half_spread: Decimal) -> Self {
        Self { half_spread, ..self }
    }

    /// The same book with sizes that change every so many milliseconds.
    #[must_use]
    pub fn with_sizes_changing(self, every_ms: Ms) -> Self {
        Self {
            sizes_change_ms: every_ms.max(1),
            ..self
        }
    }

    /// The same book with about `usd` on each side, all levels together.
    #[must_use]
    pub fn with_depth_usd(self, usd: Decimal) -> Self {
        // Level k holds touch · (1 + k / 10): 24 levels hold 51.6 times the touch.
        Self {
            touch_usd: usd / Decimal::new(516, 1),
            ..self
        }
    }
}

fn coin_of(base: &str) -> &str {
    MULTIPLIERS.iter().find_map(|m| base.strip_prefix(m)).unwrap_or(base)
}

/// BTC and ETH.
pub(super) fn is_largest(base: &str) -> bool {
    LARGEST.contains(&base)
}

/// The dozen after BTC and ETH.
pub(super) fn is_large(base: &str) -> bool {
    LARGE.contains(&base)
}

/// Cost of 10 000 USD in tenths of a basis point.
fn cost_tenths(base: &str, product: Product) -> i64 {
    let coin = coin_of(base);
    let (perp, spot) = if LARGEST.contains(&coin) {
        (5, 5)
    } else if LARGE.contains(&coin) {
        (20, 20)
    } else if MIDDLE.contains(&coin) || coin == "PEPE" {
        (40, 60)
    } else {
        (60, 120)
    };
    match product {
        Product::Perp => perp,
        Product::Spot => spot,
    }
}

/// A number from a number: `SplitMix64`'s finisher.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number from a text, the same on every machine: FNV-1a, then mixed.
pub(super) fn mix_text(seed: u64, text: &str) -> u64 {
    let hash = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3)
    });
    mix(seed ^ hash)
}

/// The touch on both sides in ticks, and the distance between levels in ticks.
struct Ladder {
    bid: i64,
    ask: i64,
    step: i64,
}

fn ladder(mid: Decimal, rules: &Rules, shape: Shape) -> Option<Ladder> {
    if mid <= Decimal::ZERO || rules.tick <= Decimal::ZERO {
        return None;
    }
    let half = mid.checked_mul(shape.half_spread)?;
    let bid = (mid - half).checked_div(rules.tick)?.floor().to_i64()?;
    let ask = (mid + half).checked_div(rules.tick)?.ceil().to_i64()?;
    let step = mid
        .checked_mul(shape.step)?
        .checked_div(rules.tick)?
        .round()
        .to_i64()?
        .max(1);
    // A mid below one tick still has a buyer at one tick: a venue never quotes zero.
    let bid = bid.max(1);
    Some(Ladder {
        bid,
        ask: ask.max(bid.checked_add(1)?),
        step,
    })
}

fn level(rules: &Rules, shape: Shape, ticks: i64, index: u32, side: u64, salt: u64) -> Option<Level> {
    let price = rules.tick.checked_mul(Decimal::from(ticks))?;
    // Sizes vary by ±30 %.
    let noise = mix(salt ^ (u64::from(index) << 8) ^ side) % 601;
    let weight = Decimal::new(i64::from(10 + index), 1) * Decimal::new(700 + i64::try_from(noise).ok()?, 3);
    let units = shape.touch_usd.checked_mul(weight)?.checked_div(price)?;
    let quantity = if rules.lot > Decimal::ZERO {
        (units.checked_div(rules.lot)?.floor().checked_mul(rules.lot)?).max(rules.lot)
    } else {
        units
    };
    Some(Level { price, quantity })
}

fn salt_of(rules: &Rules, shape: Shape, now: Ms) -> u64 {
    mix_text(
        now.div_euclid(shape.sizes_change_ms.max(1)).cast_unsigned(),
        &rules.key.symbol,
    ) ^ ((rules.key.venue as u64) << 1)
        ^ rules.key.product as u64
}

/// The book around `mid` at `now`: [`LEVELS`] levels a side (fewer buyers only where fewer ticks lie under the price).
/// `None` if the mid is not positive or beyond what can be counted in ticks.
pub fn depth(mid: Decimal, rules: &Rules, shape: Shape, now: Ms) -> Option<Depth> {
    let rungs = ladder(mid, rules, shape)?;
    let salt = salt_of(rules, shape, now);
    let mut book = Depth::default();
    for index in 0..LEVELS {
        let away = rungs.step.checked_mul(i64::from(index))?;
        let below = rungs.bid - away;
        if below > 0 {
            book.bids.push(level(rules, shape, below, index, 0, salt)?);
        }
        book.asks
            .push(level(rules, shape, rungs.ask.checked_add(away)?, index, 1, salt)?);
    }
    Some(book)
}

/// The first level of each side of [`depth`], without the others.
pub fn best(mid: Decimal, rules: &Rules, shape: Shape, now: Ms) -> Option<(Level, Level)> {
    let rungs = ladder(mid, rules, shape)?;
    let salt = salt_of(rules, shape, now);
    Some((
        level(rules, shape, rungs.bid, 0, 0, salt)?,
        level(rules, shape, rungs.ask, 0, 1, salt)?,
    ))
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::super::generated::{Generated, GeneratedOptions};
    use super::super::{Rules, Source};
    use super::{Shape, best, depth};

    fn rules(symbol: &str) -> Vec<Rules> {
        let market = Generated::new(
            1,
            GeneratedOptions {
                days: 10,
                ..GeneratedOptions::default()
            },
        );
        market
            .rules()
            .iter()
            .filter(|rules| rules.key.symbol == symbol)
            .cloned()
            .collect()
    }

    /// What buying for `usd` costs against the mid, in hundredths of a basis point.
    fn cost(rules: &Rules, mid: Decimal, usd: i64) -> Decimal {
        let (mut left, mut units) = (Decimal::from(usd), Decimal::ZERO);
        for level in depth(mid, rules, Shape::of(rules), 0).unwrap().asks {
            let spent = left.min(level.price * level.quantity);
            units += spent / level.price;
            left -= spent;
        }
        assert_eq!(left, Decimal::ZERO);
        (Decimal::from(usd) / units / mid - Decimal::ONE) * Decimal::from(1_000_000)
    }

    #[test]
    fn any_mid_gives_a_book_that_is_not_crossed() {
        for rules in rules("BTCUSDT").iter().chain(&rules("PEPEUSDT")) {
            for mid in [(1, 12), (1, 9), (1, 8), (5, 8), (123, 4), (65_000, 0), (99_999_999, 1)] {
                let mid = Decimal::new(mid.0, mid.1);
                for half in [Decimal::ZERO, Decimal::new(5, 5), Decimal::new(5, 1), Decimal::TWO] {
                    let shape = Shape::of(rules).with_half_spread(half);
                    let book = depth(mid, rules, shape, 77).unwrap();
                    assert!(book.bids[0].price < book.asks[0].price, "{mid} {half}");
                    assert!(book.bids.is_sorted_by(|a, b| a.price > b.price));
                    assert!(book.asks.is_sorted_by(|a, b| a.price < b.price));
                    assert!(book.bids.iter().all(|level| level.price > Decimal::ZERO));
                    assert_eq!(best(mid, rules, shape, 77), Some((book.bids[0], book.asks[0])));
                }
            }
            for mid in [Decimal::ZERO, Decimal::NEGATIVE_ONE, Decimal::MAX] {
                assert_eq!(depth(mid, rules, Shape::of(rules), 0), None);
            }
        }
    }

    #[test]
    fn ten_thousand_dollars_cost_what_the_class_says() {
        for (symbol, mid, low, high) in [
            ("BTCUSDT", 65_000, 30, 75),
            ("SOLUSDT", 150, 130, 290),
            ("INJUSDT", 24, 250, 900),
        ] {
            for rules in rules(symbol) {
                let cost = cost(&rules, Decimal::from(mid), 10_000);
                assert!(
                    cost > Decimal::from(low) && cost < Decimal::from(high),
                    "{:?}: {cost}",
                    rules.key
                );
            }
        }
    }

    #[test]
    fn depth_can_be_set_in_dollars() {
        for rules in rules("SOLUSDT") {
            let shape = Shape::of(&rules).with_depth_usd(Decimal::from(50_000));
            let book = depth(Decimal::from(150), &rules, shape, 5).unwrap();
            for side in [book.bids, book.asks] {
                let usd: Decimal = side.iter().map(|level| level.price * level.quantity).sum();
                assert!(usd > Decimal::from(40_000) && usd < Decimal::from(60_000), "{usd}");
            }
        }
    }
}

//! The engine's own rule: enter what is expected to bring enough over a planned hold after all costs, leave by expected
//! value and never by sign.
//!
//! - **Persistence.** What a perpetual pays an hour is followed by two averages that forget exponentially, a quick and a
//!   slow one; the forecast for the hold lies between them, because a spike fades and a regime lasts.
//! - **Haircut.** From a forecast on which an entry rests a share of its own past error is taken away.
//! - **Entry.** Whole settlements of both legs over the planned hold, less fees and slippage in and out, must reach the
//!   least net. The best by net on capital comes first.
//! - **Exit.** A hedge is left when its hold is expected to lose more than a share of what coming back would cost.

use domain::instrument::{Product, VenueId};

use super::View;
use super::edge::{BPS, MILLIONTH, fees, slippage};
use crate::costs::Liquidity;
use crate::engine::{Held, Manner, Rule};
use crate::hedges::Market;
use crate::tape::Pair;

/// Averages are kept in units of 10⁻¹⁴ an hour.
const FINE: i64 = 10_000;
/// Weights are kept in units of 2⁻³².
const WEIGHT: u32 = 32;

/// What the rule is set to. The defaults were chosen on data before 2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Hours after which the quick average has forgotten half.
    pub quick_hours: u32,
    /// The same of the slow one.
    pub slow_hours: u32,
    /// Share of the quick average in the forecast, per cent.
    pub quick_share: i64,
    /// Hours that a hedge is planned to be held.
    pub hold_hours: i32,
    /// Least net over the hold, in units of 10⁻¹⁰ of notional (a basis point is a million).
    pub least_net: i64,
    /// Per cent of the average error that is taken from a forecast before an entry.
    pub haircut: i64,
    /// Per cent of a round trip's costs that a hold may be expected to lose before it is left.
    pub reentry_share: i64,
    /// Hours of the hold over which staying is weighed.
    pub stay_hours: i32,
    /// Settlements that must have been heard before a perpetual is forecast.
    pub warm_settlements: u32,
    /// Whether two perpetuals are held against each other.
    pub cross: bool,
    /// Whether perpetuals are traded passively.
    pub passive: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quick_hours: 24,
            slow_hours: 120,
            quick_share: 30,
            hold_hours: 720,
            least_net: 30 * BPS,
            haircut: 140,
            reentry_share: 100,
            stay_hours: 720,
            warm_settlements: 9,
            cross: true,
            passive: true,
        }
    }
}

/// What is remembered of one perpetual.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// Settlements taken in.
    count: u32,
    quick: i64,
    slow: i64,
    /// Average distance of a settlement from the forecast before it.
    error: i64,
    /// When the next one is due, and how long its interval is.
    next: i32,
    interval: i32,
}

/// The rule.
#[derive(Clone, Debug)]
pub struct Expected {
    settings: Settings,
    memory: Vec<[Memory; 2]>,
    /// Weights of a new settlement by interval (1, 2, 4, 8 h): quick, slow.
    weights: [[i64; 2]; 4],
}

impl Expected {
    /// With these settings.
    pub fn new(settings: Settings) -> Self {
        let weight = |interval: u32, half: u32| forgotten(interval, half);
        Self {
            settings,
            memory: Vec::new(),
            weights: [1, 2, 4, 8]
                .map(|hours| [weight(hours, settings.quick_hours), weight(hours, settings.slow_hours)]),
        }
    }

    fn memory(&self, symbol: usize, venue: VenueId) -> Option<&Memory> {
        let of = self.memory.get(symbol)?;
        let memory = of.get(usize::from(venue == VenueId::Bybit))?;
        (memory.count >= self.settings.warm_settlements).then_some(memory)
    }

    fn forecast(&self, memory: &Memory) -> i64 {
        (memory.quick * self.settings.quick_share + memory.slow * (100 - self.settings.quick_share)) / 100
    }

    /// What a leg is expected to receive when it is short, and the error of that, over so many hours.
    fn leg(&self, view: &View<'_>, symbol: usize, market: Market, hours: i32) -> Option<(i64, i64)> {
        if market.product == Product::Spot {
            return Some((0, 0));
        }
        let memory = self.memory(symbol, market.venue)?;
        // Filled at the next hour: what settles there is earned whether or not one is there after it.
        let filled = view.now() + 1;
        let first = if memory.next > filled {
            memory.next
        } else {
            memory.next + memory.interval
        };
        let left = filled + hours - first;
        let count = if left < 0 { 0 } else { left / memory.interval + 1 };
        let over = i64::from(count) * i64::from(memory.interval);
        Some((self.forecast(memory) * over / FINE, memory.error * over / FINE))
    }

    /// Expected funding of a pair over so many hours, in units of 10⁻¹⁰ of notional, and its error.
    fn funding(&self, view: &View<'_>, symbol: usize, pair: &Pair, hours: i32) -> Option<(i64, i64)> {
        let (long, rough_long) = self.leg(view, symbol, pair.long, hours)?;
        let (short, rough_short) = self.leg(view, symbol, pair.short, hours)?;
        Some((short - long, rough_long + rough_short))
    }

    fn costs(&self, view: &View<'_>, symbol: usize, pair: &Pair) -> i64 {
        let perpetuals = if self.settings.passive {
            Liquidity::Maker
        } else {
            Liquidity::Taker
        };
        (fees(pair, perpetuals) + slippage(view, symbol, pair)) * MILLIONTH
    }
}

/// The share of an average that is forgotten in so many hours: 1 − 2^(−hours/half), in units of 2⁻³².
fn forgotten(hours: u32, half: u32) -> i64 {
    // 2^(−1/half) by bisection on integers: x^half = 1/2.
    let one = 1_u64 << WEIGHT;
    let power = |base: u64, times: u32| (0..times).fold(one, |value, _| (value * base) >> WEIGHT);
    let (mut low, mut high) = (0, one);
    while high - low > 1 {
        let middle = u64::midpoint(low, high);
        if power(middle, half.max(1)) < one / 2 {
            low = middle;
        } else {
            high = middle;
        }
    }
    i64::try_from(one - power(high, hours)).unwrap_or_default()
}

fn towards(average: &mut i64, value: i64, weight: i64) {
    let step = i128::from(value - *average) * i128::from(weight);
    *average += i64::try_from(step >> WEIGHT).unwrap_or_default();
}

impl Rule for Expected {
    fn manner(&self) -> Manner {
        Manner {
            passive_entry: self.settings.passive,
            passive_exit: self.settings.passive,
        }
    }

    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        if self.memory.len() < view.symbols() {
            self.memory.resize(view.symbols(), [Memory::default(); 2]);
        }
        let share = self.settings.quick_share;
        let Some(memories) = self.memory.get_mut(symbol) else {
            return;
        };
        for (memory, venue) in memories.iter_mut().zip(VenueId::ALL) {
            let rows = view.settled(symbol, venue);
            let known = usize::try_from(memory.count).unwrap_or_default();
            for row in rows.get(known..).unwrap_or_default() {
                let place = usize::try_from(row.interval.trailing_zeros()).unwrap_or_default();
                let [quick, slow] = self.weights.get(place).copied().unwrap_or_default();
                let rate = row.rate * FINE / i64::from(row.interval);
                if memory.count == 0 {
                    (memory.quick, memory.slow) = (rate, rate);
                }
                let forecast = (memory.quick * share + memory.slow * (100 - share)) / 100;
                towards(&mut memory.error, (rate - forecast).abs(), slow);
                towards(&mut memory.quick, rate, quick);
                towards(&mut memory.slow, rate, slow);
                memory.count += 1;
                memory.interval = i32::from(row.interval);
                memory.next = row.hour + memory.interval;
            }
        }
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let legs = view.pair(symbol, pair)?;
        if !legs.is_carry() && !self.settings.cross {
            return None;
        }
        let (funding, error) = self.funding(view, symbol, legs, self.settings.hold_hours)?;
        let net = funding - error * self.settings.haircut / 100 - self.costs(view, symbol, legs);
        let thirds = if legs.is_carry() { 4 } else { 2 };
        (net >= self.settings.least_net).then_some(net / thirds)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let Some(legs) = view.pair(held.symbol, held.pair) else {
            return false;
        };
        let Some((funding, _)) = self.funding(view, held.symbol, legs, self.settings.stay_hours) else {
            return false;
        };
        let tolerated = -self.costs(view, held.symbol, legs) * self.settings.reentry_share / 100;
        funding < tolerated
    }
}

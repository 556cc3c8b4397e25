//! The engine's own rule: enter what is expected to bring enough over a planned hold after all costs, leave by expected
//! value and never by sign.
//!
//! - **Persistence.** What a perpetual pays an hour is followed by two averages that forget exponentially, a quick and a
//!   slow one; the forecast for the hold lies between them, because a spike fades and a regime lasts.
//! - **Haircut.** From a forecast on which an entry rests a share of its own past error is taken away.
//! - **Entry.** Whole settlements of both legs over the planned hold, less fees and slippage in and out, must reach the
//!   least net. The best by net on capital comes first.
//! - **Exit.** A hedge is left when its hold is expected to lose more than a share of what coming back would cost.
//!
//! The verdicts are the domain's, on the forecast as funding terms: [`PairTerms::funding`] and [`stay_or_leave`]. Integers
//! only keep from it what is far from any verdict; a proof holds both to the same figures.

use std::num::NonZeroU8;

use domain::carry::{Costs, PairTerms};
use domain::funding::FundingTerms;
use domain::instrument::{Product, VenueId};
use domain::money::{Bps, Rate};
use domain::strategy::{Plan, StayOrLeave, stay_or_leave};
use rust_decimal::Decimal;

use super::View;
use super::edge::{BPS, MILLIONTH, fees, slippage};
use crate::costs::Liquidity;
use crate::engine::{Held, Manner, Rule};
use crate::hedges::Market;
use crate::tape::Pair;

/// Averages are kept in units of 10⁻¹⁴ an hour.
const FINE: i64 = 10_000;
const FINE_DIGITS: u32 = 14;
/// How near to a verdict the integers leave it to the domain, in units of 10⁻¹⁰ of notional: a hundredth of a basis point.
const NEAR: i64 = BPS / 100;
/// Weights are kept in units of 2⁻³².
const WEIGHT: u32 = 32;

/// What the rule is set to. The defaults are what [`crate::sweep`] chooses from everything before 2026.
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
            quick_hours: 72,
            slow_hours: 180,
            quick_share: 60,
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

    fn level(&self, memory: &Memory) -> i64 {
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
        Some((self.level(memory) * over / FINE, memory.error * over / FINE))
    }

    /// Expected funding of a pair over so many hours, less a share of its error in per cent; in units of 10⁻¹⁰ of notional.
    pub fn estimate(&self, view: &View<'_>, symbol: usize, pair: &Pair, (hours, haircut): (i32, i64)) -> Option<i64> {
        let (long, rough_long) = self.leg(view, symbol, pair.long, hours)?;
        let (short, rough_short) = self.leg(view, symbol, pair.short, hours)?;
        Some(short - long - (rough_long + rough_short) * haircut / 100)
    }

    /// The same by the domain, which counts whole settlements of each leg.
    pub fn funding(&self, view: &View<'_>, symbol: usize, pair: &Pair, (hours, haircut): (i32, i64)) -> Option<Bps> {
        let known = |leg: Market| leg.product == Product::Spot || self.memory(symbol, leg.venue).is_some();
        if !known(pair.long) || !known(pair.short) {
            return None;
        }
        let long = self.terms(view, symbol, pair.long, haircut);
        let short = self.terms(view, symbol, pair.short, -haircut);
        let terms = PairTerms {
            long: long.as_ref(),
            short: short.as_ref(),
        };
        let filled = view.now() + 1;
        Some(terms.funding(view.time(filled), view.time(filled + hours)))
    }

    /// The forecast of a leg as funding terms, moved by a share of its error in per cent; none on spot.
    fn terms(&self, view: &View<'_>, symbol: usize, market: Market, lean: i64) -> Option<FundingTerms> {
        if market.product == Product::Spot {
            return None;
        }
        let memory = self.memory(symbol, market.venue)?;
        let an_hour = self.level(memory) + memory.error * lean / 100;
        Some(FundingTerms {
            predicted: Rate(Decimal::new(an_hour * i64::from(memory.interval), FINE_DIGITS)),
            next_settlement: view.time(memory.next),
            interval_hours: u8::try_from(memory.interval).ok().and_then(NonZeroU8::new)?,
            cap: None,
            floor: None,
        })
    }

    /// Fees and slippage of a round trip.
    fn costs(&self, view: &View<'_>, symbol: usize, pair: &Pair) -> Costs {
        let millionths = |count| Bps(Decimal::new(count, 2));
        Costs {
            fees: millionths(fees(pair, self.perpetuals())),
            slippage: millionths(slippage(view, symbol, pair)),
            basis: Bps::ZERO,
        }
    }

    /// The same in units of 10⁻¹⁰ of notional.
    fn cost(&self, view: &View<'_>, symbol: usize, pair: &Pair) -> i64 {
        (fees(pair, self.perpetuals()) + slippage(view, symbol, pair)) * MILLIONTH
    }

    fn perpetuals(&self) -> Liquidity {
        if self.settings.passive {
            Liquidity::Maker
        } else {
            Liquidity::Taker
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            hold_hours: self.settings.hold_hours.unsigned_abs(),
            reentry_share: Decimal::new(self.settings.reentry_share, 2),
        }
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
        let over = (self.settings.hold_hours, self.settings.haircut);
        let least = self.settings.least_net;
        let net = self.estimate(view, symbol, legs, over)? - self.cost(view, symbol, legs);
        if net < least - NEAR {
            return None;
        }
        let judged = self.funding(view, symbol, legs, over)? - self.costs(view, symbol, legs).total();
        let thirds = if legs.is_carry() { 4 } else { 2 };
        (judged >= Bps(Decimal::new(least, 6))).then_some(net / thirds)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let over = (self.settings.stay_hours, 0);
        let verdict = || {
            let legs = view.pair(held.symbol, held.pair)?;
            let estimate = self.estimate(view, held.symbol, legs, over)?;
            let tolerated = -self.cost(view, held.symbol, legs) * self.settings.reentry_share / 100;
            if estimate > tolerated + NEAR {
                return None;
            }
            let expected = self.funding(view, held.symbol, legs, over)?;
            Some(stay_or_leave(
                expected,
                &self.costs(view, held.symbol, legs),
                &self.plan(),
            ))
        };
        matches!(verdict(), Some(StayOrLeave::Leave { .. }))
    }

    fn forecast(&self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let hours = self.settings.hold_hours;
        let whole = self.estimate(view, symbol, view.pair(symbol, pair)?, (hours, 0))?;
        whole.checked_div(i64::from(hours))
    }
}

//! What a perpetual is expected to pay, from what it has paid. The running engine and the backtest forecast with this.
//!
//! - FC-1  A spike fades and a regime lasts: of what a perpetual pays an hour a quick and a slow average are kept, and the
//!   forecast lies between them.
//! - FC-2  The average distance of each settlement from the forecast before it is the forecast's error; an entry rests on the
//!   forecast moved against itself by a share of that error.
//! - FC-3  Each settlement counts once, in the order of time; a forecast needs a number of them first.
//!
//! Averages are integers: the same settlements give the same forecast everywhere, and a backtest takes millions of them.

use std::num::NonZeroU8;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::funding::{FundingTerms, MOST_BELIEVABLE};
use crate::money::Rate;
use crate::time::{HOUR_MS, Timestamp};

/// Averages are kept in units of 10⁻¹⁴ of notional an hour.
const DIGITS: u32 = 14;
/// Rates come in units of 10⁻¹⁰ of notional.
const RATE_DIGITS: u32 = 10;
/// Units of an average in one of a rate.
pub const FINE: i64 = 10_000;
/// Weights are kept in units of 2⁻³².
const WEIGHT: u32 = 32;
/// The intervals for which weights are kept, in hours.
const INTERVALS: [u8; 4] = [1, 2, 4, 8];

/// How it is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Hours after which the quick average has forgotten half.
    pub quick_hours: u32,
    /// The same of the slow one.
    pub slow_hours: u32,
    /// Share of the quick average in the forecast, per cent.
    pub quick_share: i64,
    /// Per cent of the average error that is taken from a forecast before an entry.
    pub haircut: i64,
    /// Settlements that must have been heard before a perpetual is forecast.
    pub warm_settlements: u32,
}

impl Default for Model {
    /// What the backtest's search chooses from everything before 2026.
    fn default() -> Self {
        Self {
            quick_hours: 72,
            slow_hours: 180,
            quick_share: 60,
            haircut: 140,
            warm_settlements: 9,
        }
    }
}

/// One settlement of a perpetual that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What settled, fraction of notional. Positive: longs paid shorts.
    pub rate: Rate,
    /// When.
    pub at: Timestamp,
}

impl Settlement {
    /// Itself, if any venue would ask such a rate.
    ///
    /// # Errors
    /// What cannot be believed.
    pub fn believable(self) -> Result<Self, &'static str> {
        if self.rate.0.abs() <= MOST_BELIEVABLE {
            Ok(self)
        } else {
            Err("a settled rate beyond every cap")
        }
    }
}

/// What is remembered of one perpetual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    count: u32,
    quick: i64,
    slow: i64,
    error: i64,
    last: Option<Timestamp>,
}

/// Which leg a forecast is for, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lean {
    /// An entry that is long here: it may have to pay more than expected.
    Long,
    /// An entry that is short here: it may receive less.
    Short,
    /// What is held: the forecast as it is.
    None,
}

/// A model with what it computes once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecaster {
    model: Model,
    /// Weights of a new settlement by interval: quick, slow.
    weights: [[i64; 2]; 4],
}

impl Memory {
    /// Nothing has been heard.
    pub const EMPTY: Self = Self {
        count: 0,
        quick: 0,
        slow: 0,
        error: 0,
        last: None,
    };

    /// The last settlement that was taken in by its time.
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// Settlements taken in.
    pub const fn count(&self) -> u32 {
        self.count
    }
}

impl Forecaster {
    /// With this model.
    pub fn new(model: Model) -> Self {
        let of = |hours: u8| [model.quick_hours, model.slow_hours].map(|half| forgotten(hours, half));
        Self {
            model,
            weights: INTERVALS.map(of),
        }
    }

    /// The model.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Takes in one settlement: its rate in units of 10⁻¹⁰ of notional, and the hours that it paid for.
    pub fn learn(&self, memory: &mut Memory, rate: i64, interval: u8) {
        let place = usize::try_from(interval.trailing_zeros()).unwrap_or_default();
        let kept = self.weights.get(place).filter(|_| interval.is_power_of_two()).copied();
        let [quick, slow] = kept
            .unwrap_or_else(|| [self.model.quick_hours, self.model.slow_hours].map(|half| forgotten(interval, half)));
        let rate = rate * FINE / i64::from(interval.max(1));
        if memory.count == 0 {
            (memory.quick, memory.slow) = (rate, rate);
        }
        let missed = (rate - self.level(memory)).abs();
        towards(&mut memory.error, missed, slow);
        towards(&mut memory.quick, rate, quick);
        towards(&mut memory.slow, rate, slow);
        memory.count = memory.count.saturating_add(1);
    }

    /// Takes in what is new among these settlements, which are in the order of time; `usual` is the interval where the
    /// rows do not tell. Answers how many were new.
    pub fn recall(&self, memory: &mut Memory, rows: &[Settlement], usual: NonZeroU8) -> usize {
        let mut taken = 0;
        for (place, row) in rows.iter().enumerate() {
            if memory.last.is_some_and(|last| hours_between(last, row.at) <= 0) {
                continue;
            }
            let before = memory.last.and_then(|last| interval(last, row.at));
            // The first row has none before it: its interval is the next one's.
            let after = || interval(row.at, rows.get(place + 1)?.at);
            let hours = before.or_else(after).unwrap_or(usual.get());
            self.learn(memory, units(row.rate), hours);
            memory.last = Some(row.at);
            taken += 1;
        }
        taken
    }

    /// Whether enough has been heard.
    pub const fn is_warm(&self, memory: &Memory) -> bool {
        memory.count >= self.model.warm_settlements
    }

    /// What an hour is expected to pay, in units of 10⁻¹⁴ of notional (FC-1).
    pub const fn level(&self, memory: &Memory) -> i64 {
        (memory.quick * self.model.quick_share + memory.slow * (100 - self.model.quick_share)) / 100
    }

    /// The forecast's doubt an hour in the same units: the share of its error that an entry does without (FC-2).
    pub const fn doubt(&self, memory: &Memory) -> i64 {
        memory.error * self.model.haircut / 100
    }

    /// The forecast as funding terms on the schedule of `schedule`, within its bounds; `None` before it is warm (FC-3).
    pub fn terms(&self, memory: &Memory, schedule: &FundingTerms, lean: Lean) -> Option<FundingTerms> {
        if !self.is_warm(memory) {
            return None;
        }
        let an_hour = match lean {
            Lean::Long => self.level(memory) + self.doubt(memory),
            Lean::Short => self.level(memory) - self.doubt(memory),
            Lean::None => self.level(memory),
        };
        let hours = i64::from(schedule.interval_hours.get());
        Some(FundingTerms {
            predicted: Rate(Decimal::new(an_hour * hours, DIGITS)),
            ..schedule.clone()
        })
    }
}

/// Whole hours from one settlement to the next: a venue stamps some of them a few milliseconds late.
fn hours_between(before: Timestamp, after: Timestamp) -> i64 {
    (after.millis_since(before) + HOUR_MS / 2).div_euclid(HOUR_MS)
}

/// The interval between two settlements, where it is one that venues have: anything else is a hole.
fn interval(before: Timestamp, after: Timestamp) -> Option<u8> {
    let hours = u8::try_from(hours_between(before, after)).ok()?;
    INTERVALS.contains(&hours).then_some(hours)
}

/// A rate in units of 10⁻¹⁰, rounded; none believable is near the ends of their range.
fn units(rate: Rate) -> i64 {
    let scaled = rate.0.round_dp(RATE_DIGITS) * Decimal::from(10_i64.pow(RATE_DIGITS));
    scaled.to_i64().unwrap_or_default()
}

/// The share of an average that is forgotten in so many hours: 1 − 2^(−hours/half), in units of 2⁻³².
fn forgotten(hours: u8, half: u32) -> i64 {
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
    i64::try_from(one - power(high, hours.into())).unwrap_or_default()
}

fn towards(average: &mut i64, value: i64, weight: i64) {
    let step = i128::from(value - *average) * i128::from(weight);
    *average += i64::try_from(step >> WEIGHT).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::dec;

    fn eight() -> NonZeroU8 {
        NonZeroU8::new(8).unwrap()
    }

    fn rows(rates: &[&str], hours: i64) -> Vec<Settlement> {
        let row = |(place, rate): (usize, &&str)| Settlement {
            rate: Rate(dec(rate)),
            at: Timestamp(0).plus_hours(hours * i64::try_from(place).unwrap()),
        };
        rates.iter().enumerate().map(row).collect()
    }

    fn schedule(interval: u8) -> FundingTerms {
        FundingTerms {
            predicted: Rate(dec("0.01")),
            next_settlement: Timestamp(0).plus_hours(400),
            interval_hours: NonZeroU8::new(interval).unwrap(),
            cap: None,
            floor: None,
        }
    }

    #[test]
    fn what_has_always_paid_the_same_is_expected_to_pay_it_without_doubt() {
        let (model, mut memory) = (Forecaster::new(Model::default()), Memory::default());
        assert_eq!(model.recall(&mut memory, &rows(&["0.0001"; 8], 8), eight()), 8);
        assert_eq!(
            model.terms(&memory, &schedule(8), Lean::None),
            None,
            "eight are too few"
        );
        assert_eq!(
            model.recall(&mut memory, &rows(&["0.0001"; 9], 8), eight()),
            1,
            "each counts once"
        );
        for lean in [Lean::Long, Lean::Short, Lean::None] {
            let eight_hours = model.terms(&memory, &schedule(8), lean).unwrap();
            assert_eq!(eight_hours.predicted, Rate(dec("0.0001")));
            // The same an hour, on another schedule.
            let four = model.terms(&memory, &schedule(4), lean).unwrap();
            assert_eq!(four.predicted, Rate(dec("0.00005")));
        }
    }

    /// By hand: 0.001 after nine of 0.0001, in units of 10⁻¹⁴ an hour 1,250,000,000,000 after 125,000,000,000. The quick average
    /// forgets 1 − 2^(−8/72) = 7.4125 %, the slow one 1 − 2^(−8/180) = 3.0337 %.
    #[test]
    fn a_spike_moves_the_forecast_a_little_and_its_doubt_too() {
        let (model, mut memory) = (Forecaster::new(Model::default()), Memory::default());
        let mut told = vec!["0.0001"; 9];
        told.push("0.001");
        model.recall(&mut memory, &rows(&told, 8), eight());
        let moved = |share: i64| dec("0.0000125") + dec("0.0001125") * Decimal::new(share, 6);
        let level = (moved(74_125) * dec("0.6") + moved(30_337) * dec("0.4")) * dec("8");
        let doubt = dec("0.0001125") * dec("0.030337") * dec("1.4") * dec("8");
        let told = |lean| model.terms(&memory, &schedule(8), lean).unwrap().predicted.0;
        let near = |a: Decimal, b: Decimal| (a - b).abs() < dec("0.00000001");
        assert!(near(told(Lean::None), level), "{} {level}", told(Lean::None));
        assert!(near(told(Lean::Short), level - doubt), "{}", told(Lean::Short));
        assert!(near(told(Lean::Long), level + doubt), "{}", told(Lean::Long));
    }

    #[test]
    fn a_changed_interval_is_heard_and_a_hole_is_not_taken_for_one() {
        let model = Forecaster::new(Model::default());
        let pays = |hours: &[i64]| {
            let mut at = 0;
            let mut told = Vec::new();
            for step in hours {
                at += step;
                told.push(Settlement {
                    rate: Rate(Decimal::from(*step.min(&8)) * dec("0.0001")),
                    at: Timestamp(at * HOUR_MS + 7),
                });
            }
            let mut memory = Memory::default();
            model.recall(&mut memory, &told, eight());
            model.terms(&memory, &schedule(1), Lean::Long).unwrap().predicted
        };
        // Always a hundredth of a per cent an hour, however it is told.
        assert_eq!(pays(&[8; 12]), Rate(dec("0.0001")));
        assert_eq!(pays(&[8, 8, 8, 8, 4, 4, 4, 4, 1, 1, 1, 1]), Rate(dec("0.0001")));
        // Two rows are missing: what came after is of the usual eight hours, not of twenty-four.
        assert_eq!(pays(&[8, 8, 8, 8, 8, 24, 8, 8, 8, 8]), Rate(dec("0.0001")));
    }
}

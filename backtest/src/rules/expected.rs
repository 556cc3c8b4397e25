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
//! Forecast and verdicts are the domain's: [`Forecaster`], [`PairTerms::funding`] and [`stay_or_leave`]. Integers
//! only keep from it what is far from any verdict; a proof holds both to the same figures.

use std::num::NonZeroU8;

use domain::carry::{Costs, PairTerms};
use domain::forecast::{FINE, Forecaster, Lean, Memory, Model};
use domain::funding::FundingTerms;
use domain::instrument::{Product, VenueId};
use domain::money::{Bps, Rate};
use domain::strategy::{Plan, StayOrLeave, gives_way, stay_or_leave};
use rust_decimal::Decimal;

use super::View;
use super::edge::{BPS, MILLIONTH, fees, slippage};
use crate::costs::Liquidity;
use crate::engine::{Held, Manner, Rule};
use crate::hedges::Market;
use crate::tape::Pair;

/// How near to a verdict the integers leave it to the domain, in units of 10⁻¹⁰ of notional: a hundredth of a basis point.
const NEAR: i64 = BPS / 100;

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
    /// Hours that a hedge is held before it may be left.
    pub minimum_hold_hours: u32,
    /// Whether a hedge may give way to a better one.
    pub rotation: bool,
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
            minimum_hold_hours: 24,
            rotation: true,
            warm_settlements: 9,
            cross: true,
            passive: true,
        }
    }
}

/// What is remembered of one perpetual, and its schedule.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    memory: Memory,
    /// When the next one is due, and how long its interval is.
    next: i32,
    interval: i32,
}

/// What a perpetual is expected to pay an hour.
struct Forecasting {
    level: i64,
    doubt: i64,
}

/// The rule.
#[derive(Clone, Debug)]
pub struct Expected {
    settings: Settings,
    forecaster: Forecaster,
    known: Vec<[Known; 2]>,
}

impl Settings {
    /// How these settings forecast.
    pub const fn model(&self) -> Model {
        Model {
            quick_hours: self.quick_hours,
            slow_hours: self.slow_hours,
            quick_share: self.quick_share,
            haircut: self.haircut,
            warm_settlements: self.warm_settlements,
        }
    }
}

impl Expected {
    /// With these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            forecaster: Forecaster::new(settings.model()),
            known: Vec::new(),
        }
    }

    fn known(&self, symbol: usize, venue: VenueId) -> Option<&Known> {
        let known = self.known.get(symbol)?.get(usize::from(venue == VenueId::Bybit))?;
        self.forecaster.is_warm(&known.memory).then_some(known)
    }

    /// What a leg is expected to receive when it is short, and the doubt of that, over so many hours.
    fn leg(&self, view: &View<'_>, symbol: usize, market: Market, hours: i32) -> Option<(i64, i64)> {
        if market.product == Product::Spot {
            return Some((0, 0));
        }
        let known = self.known(symbol, market.venue)?;
        // Filled at the next hour: what settles there is earned whether or not one is there after it.
        let filled = view.now() + 1;
        let first = if known.next > filled {
            known.next
        } else {
            known.next + known.interval
        };
        let left = filled + hours - first;
        let count = if left < 0 { 0 } else { left / known.interval + 1 };
        let over = i64::from(count) * i64::from(known.interval);
        let Forecasting { level, doubt } = self.forecasting(known);
        Some((level * over / FINE, doubt * over / FINE))
    }

    const fn forecasting(&self, known: &Known) -> Forecasting {
        Forecasting {
            level: self.forecaster.level(&known.memory),
            doubt: self.forecaster.doubt(&known.memory),
        }
    }

    /// Expected funding of a pair over so many hours, less the doubt of it where it is for an entry; in units of 10⁻¹⁰ of
    /// notional.
    pub fn estimate(&self, view: &View<'_>, symbol: usize, pair: &Pair, (hours, wary): (i32, bool)) -> Option<i64> {
        let (long, rough_long) = self.leg(view, symbol, pair.long, hours)?;
        let (short, rough_short) = self.leg(view, symbol, pair.short, hours)?;
        Some(short - long - if wary { rough_long + rough_short } else { 0 })
    }

    /// The same by the domain, which counts whole settlements of each leg.
    pub fn funding(&self, view: &View<'_>, symbol: usize, pair: &Pair, (hours, wary): (i32, bool)) -> Option<Bps> {
        let known = |leg: Market| leg.product == Product::Spot || self.known(symbol, leg.venue).is_some();
        if !known(pair.long) || !known(pair.short) {
            return None;
        }
        let lean = |lean| if wary { lean } else { Lean::None };
        let long = self.terms(view, symbol, pair.long, lean(Lean::Long));
        let short = self.terms(view, symbol, pair.short, lean(Lean::Short));
        let terms = PairTerms {
            long: long.as_ref(),
            short: short.as_ref(),
        };
        let filled = view.now() + 1;
        Some(terms.funding(view.time(filled), view.time(filled + hours)))
    }

    /// The forecast of a leg as funding terms; none on spot.
    fn terms(&self, view: &View<'_>, symbol: usize, market: Market, lean: Lean) -> Option<FundingTerms> {
        if market.product == Product::Spot {
            return None;
        }
        let known = self.known(symbol, market.venue)?;
        let schedule = FundingTerms {
            predicted: Rate::ZERO,
            next_settlement: view.time(known.next),
            interval_hours: u8::try_from(known.interval).ok().and_then(NonZeroU8::new)?,
            cap: None,
            floor: None,
        };
        self.forecaster.terms(&known.memory, &schedule, lean)
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
            minimum_hold_hours: self.settings.minimum_hold_hours,
            rotation: self.settings.rotation,
            forecast: Some(self.forecaster),
        }
    }
}

impl Rule for Expected {
    fn manner(&self) -> Manner {
        Manner {
            passive_entry: self.settings.passive,
            passive_exit: self.settings.passive,
        }
    }

    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        if self.known.len() < view.symbols() {
            self.known.resize(view.symbols(), [Known::default(); 2]);
        }
        let Some(both) = self.known.get_mut(symbol) else {
            return;
        };
        for (known, venue) in both.iter_mut().zip(VenueId::ALL) {
            let rows = view.settled(symbol, venue);
            let before = usize::try_from(known.memory.count()).unwrap_or_default();
            for row in rows.get(before..).unwrap_or_default() {
                self.forecaster.learn(&mut known.memory, row.rate, row.interval);
                known.interval = i32::from(row.interval);
                known.next = row.hour + known.interval;
            }
        }
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let legs = view.pair(symbol, pair)?;
        if !legs.is_carry() && !self.settings.cross {
            return None;
        }
        let over = (self.settings.hold_hours, true);
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
        let over = (self.settings.stay_hours, false);
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
                u32::try_from(view.now() - held.entry).unwrap_or_default(),
            ))
        };
        matches!(verdict(), Some(StayOrLeave::Leave { .. }))
    }

    fn rotates(&self) -> bool {
        self.settings.rotation
    }

    fn gives_way(&mut self, view: &View<'_>, held: &Held, (symbol, pair): (usize, usize)) -> Option<i64> {
        let plan = self.settings.rotation.then(|| self.plan())?;
        let (old, new) = (view.pair(held.symbol, held.pair)?, view.pair(symbol, pair)?);
        let held_hours = u32::try_from(view.now() - held.entry).unwrap_or_default();
        let least = Bps(Decimal::new(self.settings.least_net, 6));
        // Integers tell at once what is far from a change; where they do not, the domain judges.
        let stays = self.estimate(view, held.symbol, old, (self.settings.stay_hours, false))?;
        let enters = self.estimate(view, symbol, new, (self.settings.hold_hours, true))?;
        let gain = enters - self.cost(view, symbol, new) - stays - self.cost(view, held.symbol, old) / 2;
        if gain < self.settings.least_net - NEAR {
            return None;
        }
        let stays = self.funding(view, held.symbol, old, (self.settings.stay_hours, false))?;
        let enters = self.funding(view, symbol, new, (self.settings.hold_hours, true))?;
        let enters = enters - self.costs(view, symbol, new).total();
        let costs = self.costs(view, held.symbol, old);
        gives_way((stays, &costs), enters, least, &plan, held_hours).map(|_| gain)
    }

    fn forecast(&self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let hours = self.settings.hold_hours;
        let whole = self.estimate(view, symbol, view.pair(symbol, pair)?, (hours, false))?;
        whole.checked_div(i64::from(hours))
    }
}

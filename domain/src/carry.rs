//! What a pair would earn over a planned hold, after all costs, and when it breaks even.
//!
//! `net = Σ (short rate − long rate) over whole settlements − fees − slippage + basis`, in basis points of one leg's
//! notional. Both legs are entered and left as takers; a maker fill is a gift that is not counted on.

use rust_decimal::Decimal;

use crate::funding::FundingTerms;
use crate::instrument::FeeRates;
use crate::market::Quote;
use crate::money::{Bps, Price};
use crate::time::{HOUR_MS, Timestamp};

/// Hours after which a pair that has not paid for itself is called hopeless.
const BREAK_EVEN_HORIZON_HOURS: i64 = 24 * 90;

/// What trading a pair costs, in basis points of one leg's notional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Taker fees of both legs, in and out.
    pub fees: Bps,
    /// Half-spreads of both legs, in and out.
    pub slippage: Bps,
    /// What the price difference of the legs costs (positive). Buying the dearer leg is expected to cost the
    /// difference, because it converges; selling the dearer leg is not counted as a gain, because it may persist.
    pub basis: Bps,
}

impl Costs {
    /// All of it.
    pub fn total(&self) -> Bps {
        self.fees + self.slippage + self.basis
    }

    /// Costs of taking both legs at their touch, in and out.
    pub fn of_pair(long: (&Quote, FeeRates), short: (&Quote, FeeRates), basis: Bps) -> Self {
        let (long, short) = (LegCosts::of(long.0, long.1), LegCosts::of(short.0, short.1));
        Self::of_legs(&long, &short, basis)
    }

    /// As [`Self::of_pair`], from what is known of each leg by itself.
    pub fn of_legs(long: &LegCosts, short: &LegCosts, basis: Bps) -> Self {
        Self {
            fees: long.fees + short.fees,
            slippage: long.slippage + short.slippage,
            basis: (-basis).max(Bps::ZERO),
        }
    }
}

/// What taking one leg at its touch costs, in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegCosts {
    /// Taker fees.
    pub fees: Bps,
    /// Half-spreads.
    pub slippage: Bps,
}

impl LegCosts {
    /// Of a leg with this touch and these fees.
    pub fn of(quote: &Quote, fees: FeeRates) -> Self {
        let twice = |bps: Bps| bps + bps;
        Self {
            fees: twice(fees.taker.bps()),
            slippage: twice(half_spread(quote)),
        }
    }
}

/// Half the distance between bid and ask, in basis points of the mid.
pub fn half_spread(quote: &Quote) -> Bps {
    per_myriad(quote.ask.0 - quote.bid.0, quote.ask.0 + quote.bid.0)
}

/// How much dearer the short leg is than the long one, in basis points; both per asset unit.
pub fn basis(long_mid: Price, short_mid: Price) -> Bps {
    per_myriad(short_mid.0 - long_mid.0, long_mid.0)
}

/// Digits after the point of a ratio in basis points. Funding rates have as many, so that their sums need no rescaling.
const RATIO_DIGITS: u32 = 8;

/// `part` in ten-thousandths of `whole`, to [`RATIO_DIGITS`], cut off; nothing of nothing. A general division gives 28 digits that
/// no judgement needs and that make every sum after it slow; one of integers does for all prices that there are.
fn per_myriad(part: Decimal, whole: Decimal) -> Bps {
    let shift = (4 + RATIO_DIGITS + whole.scale()).checked_sub(part.scale());
    let ratio = shift.and_then(|shift| {
        let shifted = part
            .mantissa()
            .checked_abs()?
            .checked_mul(10_i128.checked_pow(shift)?)?;
        let quotient = match (u64::try_from(shifted), u64::try_from(whole.mantissa())) {
            (Ok(part), Ok(whole)) => i128::from(part.checked_div(whole)?),
            _ => shifted.checked_div(whole.mantissa())?,
        };
        let quotient = if part.is_sign_negative() { -quotient } else { quotient };
        Decimal::try_from_i128_with_scale(quotient, RATIO_DIGITS).ok()
    });
    Bps(ratio.unwrap_or_else(|| part.checked_div(whole).unwrap_or_default() * Decimal::from(10_000)))
}

/// What a pair is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Funding over the planned hold, in basis points of notional.
    pub funding: Bps,
    /// What it costs.
    pub costs: Costs,
    /// Whole settlements of both legs within the hold.
    pub settlements: u32,
    /// Hours until funding has paid the costs, at a settlement; `None` when it does not within 90 days.
    pub break_even_hours: Option<u32>,
}

impl Outlook {
    /// Funding less costs.
    pub fn net(&self) -> Bps {
        self.funding - self.costs.total()
    }
}

/// The funding terms of both legs; a spot leg has none.
#[derive(Clone, Copy, Debug)]
pub struct PairTerms<'a> {
    /// Of the leg that is long: it pays a positive rate.
    pub long: Option<&'a FundingTerms>,
    /// Of the leg that is short: it receives it.
    pub short: Option<&'a FundingTerms>,
}

/// What one leg is expected to pay: the same amount at each of its settlements.
#[derive(Clone, Copy, Debug)]
struct Flow {
    first: Timestamp,
    step: i64,
    amount: Bps,
}

impl Flow {
    fn of(terms: &FundingTerms, from: Timestamp, sign: Decimal) -> Option<Self> {
        Some(Self {
            first: terms.settlements(from, Timestamp(i64::MAX)).next()?,
            step: i64::from(terms.interval_hours.get()).saturating_mul(HOUR_MS),
            amount: Bps(sign * terms.clipped().bps().0),
        })
    }

    /// Settlements up to and at `until`.
    fn count(&self, until: Timestamp) -> i64 {
        let since = until.millis_since(self.first);
        if since < 0 { 0 } else { since / self.step + 1 }
    }

    /// The settlement at which `cost` is reached by this leg alone.
    fn reach(&self, cost: Bps) -> Option<Timestamp> {
        if self.amount >= cost {
            return Some(self.first);
        }
        if self.amount <= Bps::ZERO {
            return None;
        }
        let settlements = cycles_before(cost, self.amount)?;
        Some(self.first.plus_millis((settlements - 1).checked_mul(self.step)?))
    }

    /// The first settlement after `at`.
    fn after(&self, at: Timestamp) -> Timestamp {
        self.first.plus_millis(self.count(at).saturating_mul(self.step))
    }
}

/// Both legs' flows from some instant on.
#[derive(Clone, Copy, Debug)]
struct Flows([Option<Flow>; 2]);

impl Flows {
    fn each(&self) -> impl Iterator<Item = &Flow> {
        self.0.iter().flatten()
    }

    /// The first instant after `after` at which something is paid, and what; none later than `until`.
    fn next(&self, after: Timestamp, until: Timestamp) -> Option<(Timestamp, Bps)> {
        let due = self.0.map(|flow| flow.map(|flow| (flow.after(after), flow.amount)));
        let at = due.iter().flatten().map(|(at, _)| *at).min()?;
        let paid = due.iter().flatten().filter(|(due, _)| *due == at);
        (at <= until).then(|| (at, paid.map(|(_, amount)| *amount).sum()))
    }

    /// Walks `(after, until]` until `earned` reaches `cost`.
    fn walk(&self, after: Timestamp, until: Timestamp, mut earned: Bps, cost: Bps) -> Result<Timestamp, Bps> {
        let mut at = after;
        while let Some((next, paid)) = self.next(at, until) {
            (at, earned) = (next, earned + paid);
            if earned >= cost {
                return Ok(at);
            }
        }
        Err(earned)
    }

    /// Both legs as one, when they settle together; a single leg as it is.
    fn merged(&self) -> Option<Flow> {
        match self.0 {
            [Some(a), Some(b)] => (a.first == b.first && a.step == b.step).then(|| Flow {
                amount: a.amount + b.amount,
                ..a
            }),
            [one, other] => one.or(other),
        }
    }

    /// Whether more is received than paid in the long run.
    fn earn(&self) -> bool {
        match self.0 {
            [Some(a), Some(b)] if a.step != b.step => {
                a.amount.0 * Decimal::from(b.step) + b.amount.0 * Decimal::from(a.step) > Decimal::ZERO
            }
            _ => self.each().map(|flow| flow.amount).sum::<Bps>() > Bps::ZERO,
        }
    }

    /// Funding and settlements up to and at `until`.
    fn count(&self, until: Timestamp) -> (Bps, u32) {
        self.each().fold((Bps::ZERO, 0_u32), |(total, settlements), flow| {
            let count = u32::try_from(flow.count(until)).unwrap_or(u32::MAX);
            let paid = Bps(flow.amount.0 * Decimal::from(count));
            (total + paid, settlements.saturating_add(count))
        })
    }

    fn break_even_hours(&self, from: Timestamp, cost: Bps) -> Option<u32> {
        let until = from.plus_hours(BREAK_EVEN_HORIZON_HOURS);
        let at = match self.merged() {
            Some(flow) => flow.reach(cost).filter(|at| *at <= until),
            None => self.reach(from, until, cost),
        };
        u32::try_from(at?.millis_since(from).saturating_add(HOUR_MS - 1) / HOUR_MS).ok()
    }

    /// Once both legs have begun the same payments come again in every cycle: one cycle is walked, the others are
    /// counted.
    fn reach(&self, from: Timestamp, until: Timestamp, cost: Bps) -> Option<Timestamp> {
        let begun = self.each().map(|flow| flow.first).max()?.min(until);
        let earned = match self.walk(from, begun, Bps::ZERO, cost) {
            Ok(at) => return Some(at),
            Err(earned) => earned,
        };
        let cycle = self.each().map(|flow| flow.step).reduce(common_multiple)?;
        if until.millis_since(begun) <= cycle {
            return self.walk(begun, until, earned, cost).ok();
        }
        let (gain, most) = self.cycle(begun, begun.plus_millis(cycle));
        let skipped = cycles_before(cost - earned - most, gain)?;
        let base = begun.plus_millis(cycle.checked_mul(skipped)?);
        let earned = earned + Bps(gain.0 * Decimal::from(skipped));
        self.walk(base, until.min(base.plus_millis(cycle)), earned, cost).ok()
    }

    /// What one cycle brings, and the most that it has brought at any instant of it.
    fn cycle(&self, from: Timestamp, until: Timestamp) -> (Bps, Bps) {
        let (mut at, mut gain, mut most) = (from, Bps::ZERO, None);
        while let Some((next, paid)) = self.next(at, until) {
            (at, gain) = (next, gain + paid);
            most = most.max(Some(gain));
        }
        (gain, most.unwrap_or_default())
    }
}

/// The least number of whole cycles of `gain` each after which `missing` is reached; `None` when it never is.
fn cycles_before(missing: Bps, gain: Bps) -> Option<i64> {
    if missing <= Bps::ZERO {
        return Some(0);
    }
    if gain <= Bps::ZERO {
        return None;
    }
    if let Some(cycles) = quotient_up(missing.0, gain.0) {
        return i64::try_from(cycles).ok();
    }
    let reached = |cycles: i64| Bps(gain.0 * Decimal::from(cycles)) >= missing;
    // No pair is held for longer than the horizon, and no cycle is shorter than an hour.
    if !reached(BREAK_EVEN_HORIZON_HOURS) {
        return None;
    }
    let (mut short, mut enough) = (0, BREAK_EVEN_HORIZON_HOURS);
    while enough - short > 1 {
        let middle = i64::midpoint(short, enough);
        if reached(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Some(enough)
}

/// `a / b` of positive numbers, rounded up, in integers; `None` when their digits are too many for that.
fn quotient_up(a: Decimal, b: Decimal) -> Option<i128> {
    let scale = a.scale().max(b.scale());
    let digits = |number: Decimal| {
        number
            .mantissa()
            .checked_mul(10_i128.checked_pow(scale - number.scale())?)
    };
    let (a, b) = (digits(a)?, digits(b)?);
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a.div_ceil(b))),
        _ => a.checked_add(b - 1)?.checked_div(b),
    }
}

fn common_multiple(a: i64, b: i64) -> i64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

/// What one leg is expected to receive when it is short, from now on and over a planned hold: computed once, however
/// many pairs the leg is in. A leg that is long pays as much.
#[derive(Clone, Copy, Debug)]
pub struct LegFunding {
    flow: Option<Flow>,
    over_hold: Bps,
    settlements: u32,
}

impl LegFunding {
    /// Of a leg with these terms; a spot leg has none.
    pub fn of(terms: Option<&FundingTerms>, from: Timestamp, hold_hours: u32) -> Self {
        let flow = terms.and_then(|terms| Flow::of(terms, from, Decimal::ONE));
        let (over_hold, settlements) = Flows([flow, None]).count(from.plus_hours(i64::from(hold_hours)));
        Self {
            flow,
            over_hold,
            settlements,
        }
    }

    /// What a pair brings that is long in one leg and short in the other, from `from` on.
    pub fn outlook(long: &Self, short: &Self, from: Timestamp, costs: Costs) -> Outlook {
        let paid = |flow: Flow| Flow {
            amount: -flow.amount,
            ..flow
        };
        let flows = Flows([long.flow.map(paid), short.flow]);
        // Without a positive flow there is nothing to walk: most pairs, most of the time.
        let break_even_hours = if flows.earn() {
            flows.break_even_hours(from, costs.total())
        } else {
            None
        };
        Outlook {
            funding: short.over_hold - long.over_hold,
            costs,
            settlements: long.settlements.saturating_add(short.settlements),
            break_even_hours,
        }
    }
}

impl PairTerms<'_> {
    /// Expected cash flows after `from`. Each leg on its own schedule.
    fn flows(&self, from: Timestamp) -> Flows {
        let leg = |terms: Option<&FundingTerms>, sign| terms.and_then(|terms| Flow::of(terms, from, sign));
        Flows([leg(self.long, Decimal::NEGATIVE_ONE), leg(self.short, Decimal::ONE)])
    }

    /// Funding expected in `(from, until]`, in basis points of notional.
    pub fn funding(&self, from: Timestamp, until: Timestamp) -> Bps {
        self.flows(from).count(until).0
    }

    /// Hours from `from` to the first settlement at which funding has paid `cost`.
    pub fn break_even_hours(&self, from: Timestamp, cost: Bps) -> Option<u32> {
        self.flows(from).break_even_hours(from, cost)
    }

    /// What the pair brings when it is held from `from` for `hold_hours`.
    pub fn outlook(&self, from: Timestamp, hold_hours: u32, costs: Costs) -> Outlook {
        let leg = |terms| LegFunding::of(terms, from, hold_hours);
        LegFunding::outlook(&leg(self.long), &leg(self.short), from, costs)
    }

    /// Net funding per hour, in basis points: the only way to compare different intervals.
    pub fn per_hour(&self) -> Bps {
        let of = |terms: Option<&FundingTerms>| terms.map_or(Bps::ZERO, |terms| terms.per_hour().bps());
        of(self.short) - of(self.long)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;
    use crate::fixtures::dec;
    use crate::money::{Quantity, Rate, Usd};

    fn terms(rate: &str, interval: u8) -> FundingTerms {
        FundingTerms {
            predicted: Rate(dec(rate)),
            next_settlement: Timestamp(0).plus_hours(i64::from(interval)),
            interval_hours: NonZeroU8::new(interval).unwrap(),
            cap: None,
            floor: None,
        }
    }

    /// The worked example of the economics: short Bybit at +0.03 % per 8 h, long Binance at +0.01 % per 8 h, 10,000 USD.
    #[test]
    fn the_worked_example_breaks_even_after_88_hours() {
        let (long, short) = (terms("0.0001", 8), terms("0.0003", 8));
        let pair = PairTerms {
            long: Some(&long),
            short: Some(&short),
        };
        let notional = Usd(dec("10000"));
        assert_eq!(
            pair.funding(Timestamp(0), Timestamp(0).plus_hours(8)).of(notional),
            Usd(dec("2"))
        );
        // 21.9 % a year.
        assert_eq!(Bps(pair.per_hour().0 * dec("8760")), Bps(dec("2190")));
        let fees = FeeRates {
            maker: Rate(dec("0.0002")),
            taker: Rate(dec("0.0005")),
        };
        let bybit = FeeRates {
            maker: Rate(dec("0.0002")),
            taker: Rate(dec("0.00055")),
        };
        let flat = Quote {
            bid: Price(dec("100")),
            ask: Price(dec("100")),
            bid_quantity: Quantity::ZERO,
            ask_quantity: Quantity::ZERO,
        };
        let costs = Costs::of_pair((&flat, fees), (&flat, bybit), Bps::ZERO);
        assert_eq!(costs.total().of(notional), Usd(dec("21")));
        assert_eq!(pair.break_even_hours(Timestamp(0), costs.total()), Some(88));
        // A basis give-up of one basis point adds half a settlement: 22 of 2 each are exactly 11.
        assert_eq!(
            pair.break_even_hours(Timestamp(0), costs.total() + Bps(dec("1"))),
            Some(88)
        );
        assert_eq!(
            pair.break_even_hours(Timestamp(0), costs.total() + Bps(dec("1.01"))),
            Some(96)
        );
    }

    #[test]
    fn f013_a_leg_that_switches_to_four_hours_breaks_even_after_36() {
        let (long, short) = (terms("0.0001", 8), terms("0.0003", 4));
        let pair = PairTerms {
            long: Some(&long),
            short: Some(&short),
        };
        let after = |hours| pair.funding(Timestamp(0), Timestamp(0).plus_hours(hours));
        assert_eq!((after(32), after(36)), (Bps(dec("20")), Bps(dec("23"))));
        assert_eq!(pair.break_even_hours(Timestamp(0), Bps(dec("21"))), Some(36));
    }

    #[test]
    fn a_pair_that_pays_away_never_breaks_even() {
        let (long, short) = (terms("0.0004", 8), terms("0.0003", 8));
        let pair = PairTerms {
            long: Some(&long),
            short: Some(&short),
        };
        let outlook = pair.outlook(
            Timestamp(0),
            168,
            Costs {
                fees: Bps(dec("21")),
                ..Costs::default()
            },
        );
        assert_eq!((outlook.break_even_hours, outlook.funding), (None, Bps(dec("-21"))));
        assert_eq!((outlook.net(), outlook.settlements), (Bps(dec("-42")), 42));
    }

    #[test]
    fn buying_the_dearer_leg_costs_and_selling_it_is_no_gain() {
        let adverse = basis(Price(dec("100")), Price(dec("99.9")));
        assert_eq!(adverse, Bps(dec("-10")));
        let quote = |price: &str| Quote {
            bid: Price(dec(price)),
            ask: Price(dec(price)),
            bid_quantity: Quantity::ZERO,
            ask_quantity: Quantity::ZERO,
        };
        let fees = FeeRates {
            maker: Rate::ZERO,
            taker: Rate::ZERO,
        };
        let cost = |basis| Costs::of_pair((&quote("100"), fees), (&quote("100"), fees), basis).basis;
        assert_eq!((cost(adverse), cost(-adverse)), (Bps(dec("10")), Bps::ZERO));
    }

    /// The long way: every settlement of 90 days in order of time.
    fn walked(pair: &PairTerms<'_>, from: Timestamp, cost: Bps) -> Option<u32> {
        let until = from.plus_hours(BREAK_EVEN_HORIZON_HOURS);
        let mut flows = Vec::new();
        for (terms, sign) in [(pair.long, Decimal::NEGATIVE_ONE), (pair.short, Decimal::ONE)] {
            if let Some(terms) = terms {
                let flow = Bps(sign * terms.clipped().bps().0);
                flows.extend(terms.settlements(from, until).map(|at| (at, flow)));
            }
        }
        flows.sort_by_key(|(at, _)| *at);
        let mut earned = Bps::ZERO;
        for (place, (at, flow)) in flows.iter().enumerate() {
            earned += *flow;
            let last_of_its_time = flows.get(place + 1).is_none_or(|(next, _)| next != at);
            if last_of_its_time && earned >= cost {
                return u32::try_from((at.millis_since(from) + HOUR_MS - 1) / HOUR_MS).ok();
            }
        }
        None
    }

    #[test]
    fn counting_cycles_says_what_walking_every_settlement_says() {
        let mut seed = 7_u64;
        let mut draw = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((seed >> 33) % below).unwrap()
        };
        let (mut found, mut hopeless) = (0, 0);
        for _ in 0..2_000 {
            let mut leg = || {
                let hours = *[1_u8, 2, 4, 8, 8, 8, 7, 255]
                    .get(usize::try_from(draw(8)).unwrap())
                    .unwrap();
                let mut terms = terms("0", hours);
                terms.predicted = Rate(Decimal::new(draw(1_000) - 500, 6));
                // Long past, on the hour, off the hour, and further ahead than one interval.
                terms.next_settlement = Timestamp((draw(80) - 20) * HOUR_MS + draw(2) * 1_234_567);
                terms
            };
            let (long, mut short) = (leg(), leg());
            if draw(3) == 0 {
                (short.next_settlement, short.interval_hours) = (long.next_settlement, long.interval_hours);
            }
            let pair = PairTerms {
                long: (draw(4) > 0).then_some(&long),
                short: Some(&short),
            };
            let (from, cost) = (
                Timestamp(draw(40) * HOUR_MS / 2),
                Bps(Decimal::new(draw(40_000) - 2_000, 2)),
            );
            let hours = pair.break_even_hours(from, cost);
            assert_eq!(hours, walked(&pair, from, cost), "{pair:?} from {from} for {cost}");
            assert_eq!(pair.flows(from).earn(), pair.per_hour() > Bps::ZERO, "{pair:?}");
            if hours.is_some() { found += 1 } else { hopeless += 1 }
        }
        assert!(found > 300 && hopeless > 300, "{found} found, {hopeless} hopeless");
    }

    #[test]
    fn a_ratio_is_the_division_to_eight_digits() {
        for (part, whole) in [
            ("1", "3"),
            ("-1", "3"),
            ("0.0001", "98213.4"),
            ("5", "0"),
            ("7922816251426433759354.395", "1234567890.123456789"),
        ] {
            let (part, whole) = (dec(part), dec(whole));
            let exact = (part * dec("10000")).checked_div(whole).unwrap_or_default();
            assert!(
                (per_myriad(part, whole).0 - exact).abs() <= dec("0.00000001"),
                "{part} of {whole}"
            );
        }
    }
}

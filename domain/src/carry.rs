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
        let twice = |bps: Bps| Bps(bps.0 * Decimal::TWO);
        let fees = twice(long.1.taker.bps() + short.1.taker.bps());
        let slippage = twice(half_spread(long.0) + half_spread(short.0));
        Self {
            fees,
            slippage,
            basis: (-basis).max(Bps::ZERO),
        }
    }
}

/// Half the distance between bid and ask, in basis points of the mid.
pub fn half_spread(quote: &Quote) -> Bps {
    let mid = quote.mid();
    let half = (quote.ask.0 - quote.bid.0) / Decimal::TWO;
    Bps(half.checked_div(mid.0).unwrap_or_default() * Decimal::from(10_000))
}

/// How much dearer the short leg is than the long one, in basis points; both per asset unit.
pub fn basis(long_mid: Price, short_mid: Price) -> Bps {
    Bps((short_mid.0 - long_mid.0).checked_div(long_mid.0).unwrap_or_default() * Decimal::from(10_000))
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

impl PairTerms<'_> {
    /// Expected cash flows in `(from, until]`, in basis points and in time order. Each leg on its own schedule.
    fn flows(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Bps)> {
        let leg = |terms: Option<&FundingTerms>, sign: Decimal| {
            terms.map_or_else(Vec::new, |terms| {
                let flow = Bps(sign * terms.clipped().bps().0);
                terms.settlements(from, until).map(|at| (at, flow)).collect()
            })
        };
        let mut flows = leg(self.long, Decimal::NEGATIVE_ONE);
        flows.extend(leg(self.short, Decimal::ONE));
        flows.sort_by_key(|(at, _)| *at);
        flows
    }

    /// Funding expected in `(from, until]`, in basis points of notional.
    pub fn funding(&self, from: Timestamp, until: Timestamp) -> Bps {
        self.count(from, until).0
    }

    fn count(&self, from: Timestamp, until: Timestamp) -> (Bps, u32) {
        let mut total = (Bps::ZERO, 0);
        for (terms, sign) in [(self.long, Decimal::NEGATIVE_ONE), (self.short, Decimal::ONE)] {
            if let Some(terms) = terms {
                let count = u32::try_from(terms.settlements(from, until).count()).unwrap_or(u32::MAX);
                total.0 += Bps(sign * terms.clipped().bps().0 * Decimal::from(count));
                total.1 += count;
            }
        }
        total
    }

    /// Hours from `from` to the first settlement at which funding has paid `cost`.
    pub fn break_even_hours(&self, from: Timestamp, cost: Bps) -> Option<u32> {
        let mut earned = Bps::ZERO;
        let flows = self.flows(from, from.plus_hours(BREAK_EVEN_HORIZON_HOURS));
        let mut flows = flows.into_iter().peekable();
        while let Some((at, flow)) = flows.next() {
            earned += flow;
            let more_at_once = flows.peek().is_some_and(|(next, _)| *next == at);
            if !more_at_once && earned >= cost {
                let hours = at.millis_since(from).saturating_add(HOUR_MS - 1) / HOUR_MS;
                return u32::try_from(hours).ok();
            }
        }
        None
    }

    /// What the pair brings when it is held from `from` for `hold_hours`.
    pub fn outlook(&self, from: Timestamp, hold_hours: u32, costs: Costs) -> Outlook {
        let (funding, settlements) = self.count(from, from.plus_hours(i64::from(hold_hours)));
        // Without a positive flow there is nothing to walk: most pairs, most of the time.
        let earns = self.per_hour() > Bps::ZERO;
        let break_even_hours = if earns {
            self.break_even_hours(from, costs.total())
        } else {
            None
        };
        Outlook {
            funding,
            costs,
            settlements,
            break_even_hours,
        }
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
    fn a_leg_that_switches_to_four_hours_breaks_even_after_36() {
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
}

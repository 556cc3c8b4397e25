//! Risk tiers: the more a position is worth, the less leverage it may have and the more margin it must keep.

use rust_decimal::Decimal;

use super::Rules;

/// Greatest position value of the first tier, in quote currency.
const FIRST_CAP: i64 = 2_000_000;
/// Greatest position value of the last.
const LAST_CAP: i64 = 1_000_000_000;
/// Each tier reaches this many times as far as the one before.
const REACH: i64 = 5;

/// One tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// From 1.
    pub number: u8,
    /// Begins at this position value.
    pub floor: Decimal,
    /// Ends at this one.
    pub cap: Decimal,
    /// Greatest leverage.
    pub leverage: Decimal,
    /// Maintenance margin, as a fraction of the value above `floor`.
    pub maintenance: Decimal,
    /// What to subtract from value times `maintenance`, so that margin grows without a step.
    pub deduction: Decimal,
}

impl Rules {
    /// The tiers, smallest first.
    pub fn tiers(&self) -> Vec<Tier> {
        let mut tiers: Vec<Tier> = Vec::new();
        let (mut floor, mut cap) = (Decimal::ZERO, Decimal::from(FIRST_CAP));
        let (mut leverage, mut rate, mut deduction) = (
            self.max_leverage.max(Decimal::ONE),
            self.maintenance_margin,
            Decimal::ZERO,
        );
        loop {
            let last = leverage <= Decimal::ONE || cap >= Decimal::from(LAST_CAP);
            tiers.push(Tier {
                number: u8::try_from(tiers.len() + 1).unwrap_or(u8::MAX),
                floor,
                cap: if last { Decimal::from(LAST_CAP) } else { cap },
                leverage,
                maintenance: rate,
                deduction,
            });
            if last {
                return tiers;
            }
            let next = (rate * Decimal::TWO).min(Decimal::new(5, 1));
            deduction += cap * (next - rate);
            rate = next;
            leverage = (leverage / Decimal::TWO).trunc().max(Decimal::ONE);
            floor = cap;
            cap *= Decimal::from(REACH);
        }
    }

    /// The tier of a position value.
    pub fn tier(&self, value: Decimal) -> Tier {
        let tiers = self.tiers();
        let found = tiers.iter().find(|tier| value <= tier.cap).or(tiers.last());
        found.copied().unwrap_or(Tier {
            number: 1,
            floor: Decimal::ZERO,
            cap: Decimal::from(LAST_CAP),
            leverage: self.max_leverage,
            maintenance: self.maintenance_margin,
            deduction: Decimal::ZERO,
        })
    }

    /// Maintenance margin of a position value.
    pub fn maintenance(&self, value: Decimal) -> Decimal {
        // Almost every position lies in the first tier.
        if value <= Decimal::from(FIRST_CAP) {
            return value * self.maintenance_margin;
        }
        let tier = self.tier(value);
        value * tier.maintenance - tier.deduction
    }

    /// Greatest position value at a leverage; `None` beyond the greatest leverage.
    pub fn most_value(&self, leverage: Decimal) -> Option<Decimal> {
        self.tiers()
            .iter()
            .rev()
            .find(|tier| tier.leverage >= leverage)
            .map(|tier| tier.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Generated, GeneratedOptions, Product, Source};

    #[test]
    fn margin_grows_without_a_step_and_leverage_falls() {
        let market = Generated::new(7, GeneratedOptions::default());
        for rules in market.rules().iter().filter(|rules| rules.key.product == Product::Perp) {
            let tiers = rules.tiers();
            assert!(tiers.len() > 1, "{}", rules.key.symbol);
            for pair in tiers.windows(2) {
                let [low, high] = pair else { continue };
                assert_eq!(low.cap, high.floor);
                assert!(low.leverage > high.leverage && low.maintenance <= high.maintenance);
                let at_edge = |tier: &Tier| low.cap * tier.maintenance - tier.deduction;
                assert_eq!(at_edge(low), at_edge(high));
            }
            assert_eq!(rules.most_value(rules.max_leverage), Some(Decimal::from(FIRST_CAP)));
            assert_eq!(rules.most_value(Decimal::ONE), Some(Decimal::from(LAST_CAP)));
        }
    }
}

//! How much a venue lets one hold of an instrument, at which leverage and at which prices, and how much of its market that
//! would be.
//!
//! - BO-1  Leverage is never more than the tier of the whole notional allows, nor so much that a fresh position would stand
//!   nearer to its liquidation than what is left at once.
//! - BO-2  What a venue was asked for and did not tell is not taken for "as much as you like".

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::money::{Bps, Price, Quantity, Rate, Usd};

/// A leg whose venue would take it over after a move of less than this is left, both legs together. Positions are read
/// once a minute, and few coins move so far in one. A fresh position stands at about 3,000 bps at three times leverage,
/// and above this at ten times, which is the most that may be configured.
pub const LIQUIDATION_NEAR: Bps = Bps(Decimal::from_parts(750, 0, 0, false, 0));

/// One risk tier of a perpetual: the more a position is worth, the less leverage it may have and the more margin it must
/// keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Greatest notional of a position in it.
    pub up_to: Usd,
    /// Greatest leverage.
    pub leverage: Decimal,
    /// Maintenance margin, as a part of the notional.
    pub maintenance: Rate,
    /// What is subtracted from that, so that margin grows without a step.
    pub deduction: Usd,
}

impl Tier {
    /// How far the price may move against a position of this notional that has just been opened at this leverage before
    /// what was put up for it is less than its maintenance margin; negative where it is less already.
    pub fn distance(&self, notional: Usd, leverage: u8) -> Option<Bps> {
        let kept = self.maintenance.0 - self.deduction.0.checked_div(notional.0)?;
        let put_up = Decimal::ONE.checked_div(leverage.into())?;
        Some(Rate(put_up - kept).bps())
    }
}

/// The tiers of one perpetual, smallest first; none where they were asked for and not told. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiers(Arc<[Tier]>);

impl Tiers {
    /// These tiers, in whatever order they came.
    ///
    /// # Errors
    /// What cannot be believed of them.
    pub fn believable(mut tiers: Vec<Tier>) -> Result<Self, &'static str> {
        tiers.sort_by_key(|tier| tier.up_to);
        let sound = |tier: &Tier| {
            tier.up_to > Usd::ZERO
                && tier.leverage >= Decimal::ONE
                && tier.maintenance.0 > Decimal::ZERO
                && tier.maintenance.0 <= Decimal::ONE
                && tier.deduction >= Usd::ZERO
        };
        if tiers.is_empty() || !tiers.iter().all(sound) {
            return Err("a risk tier without a bound, a leverage or a margin");
        }
        let grows = |pair: &[Tier]| match pair {
            [small, large] => {
                small.up_to < large.up_to
                    && small.leverage >= large.leverage
                    && small.maintenance.0 <= large.maintenance.0
            }
            _ => true,
        };
        if tiers.windows(2).all(grows) {
            Ok(Self(tiers.into()))
        } else {
            Err("a larger risk tier that asks for less")
        }
    }

    /// The tier of a position of this notional; `None` beyond the last.
    pub fn of(&self, notional: Usd) -> Option<&Tier> {
        self.0.iter().find(|tier| notional <= tier.up_to)
    }

    /// Greatest notional of a position; `None` where no tier is known.
    pub fn most(&self) -> Option<Usd> {
        self.0.last().map(|tier| tier.up_to)
    }

    /// The leverage that a position of this notional is opened with: at most what was asked for (BO-1). `None` where no
    /// tier takes it.
    pub fn leverage(&self, notional: Usd, asked: u8) -> Option<u8> {
        let tier = self.of(notional)?;
        let most = tier.leverage.trunc().to_u8().unwrap_or(u8::MAX).min(asked);
        let is_far = |leverage: &u8| {
            let distance = tier.distance(notional, *leverage);
            distance.is_some_and(|distance| distance >= LIQUIDATION_NEAR)
        };
        (1..=most).rev().find(is_far)
    }
}

/// How far from its reference price, the mark or the middle, a venue takes an order: as parts of that price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceBand {
    /// A buyer pays at most so many times the reference.
    pub buy_most: Decimal,
    /// A seller takes at least so many times the reference.
    pub sell_least: Decimal,
}

impl PriceBand {
    /// The most that a buyer may pay, and the least that a seller may take, where this is the reference.
    pub fn edges(&self, reference: Price) -> (Price, Price) {
        let times = |part: Decimal| Price(reference.0 * part);
        (times(self.buy_most), times(self.sell_least))
    }

    /// Whether it leaves room around the reference.
    pub fn is_believable(&self) -> bool {
        self.buy_most >= Decimal::ONE && self.sell_least <= Decimal::ONE && self.sell_least >= Decimal::ZERO
    }
}

/// What a venue allows in one instrument beside the grid of prices and quantities. What it does not bound is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Risk tiers of a perpetual; absent where nobody asked, as without a key at a venue that tells them to its accounts
    /// only.
    pub tiers: Option<Tiers>,
    /// How far from the reference an order may be priced.
    pub band: Option<PriceBand>,
    /// Most units of the coin that an account may hold or be buying.
    pub max_position: Option<Quantity>,
}

/// How much is going on in an instrument's market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Units of all open positions together; never on spot.
    pub open_interest: Option<Quantity>,
    /// What was traded in the last 24 hours.
    pub volume_24h: Option<Usd>,
}

impl Activity {
    /// Takes in what was heard later: what that does not tell stays as it was.
    pub fn hear(&mut self, later: Self) {
        self.open_interest = later.open_interest.or(self.open_interest);
        self.volume_24h = later.volume_24h.or(self.volume_24h);
    }
}

/// The greatest part of a market that one leg may be; absent where that is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of the open interest of a perpetual.
    pub open_interest: Option<Bps>,
    /// Of what was traded in 24 hours.
    pub volume: Option<Bps>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::dec;

    fn tier(up_to: i64, leverage: i64, maintenance: &str, deduction: i64) -> Tier {
        Tier {
            up_to: Usd(up_to.into()),
            leverage: leverage.into(),
            maintenance: Rate(dec(maintenance)),
            deduction: Usd(deduction.into()),
        }
    }

    fn tiers() -> Tiers {
        let rows = vec![
            tier(50_000, 8, "0.05", 500),
            tier(10_000, 20, "0.01", 0),
            tier(200_000, 2, "0.1", 3_000),
        ];
        Tiers::believable(rows).unwrap()
    }

    #[test]
    fn leverage_is_never_above_the_tier_of_the_notional() {
        let leverage = |notional: i64, asked| tiers().leverage(Usd(notional.into()), asked);
        assert_eq!(leverage(10_000, 3), Some(3), "what was asked for");
        assert_eq!(leverage(10_000, 10), Some(10), "1/10 - 0.01 leaves 900 bps");
        assert_eq!(leverage(10_000, 20), Some(11), "1/12 - 0.01 would leave 733 bps");
        assert_eq!(
            leverage(10_001, 20),
            Some(8),
            "500 of 10,001 are subtracted: 1/8 - 0.000005"
        );
        assert_eq!(leverage(50_000, 20), Some(8), "1/8 - 0.05 + 0.01 leaves 850 bps");
        assert_eq!(leverage(200_000, 20), Some(2));
        assert_eq!(leverage(200_001, 1), None, "beyond the last");
        assert_eq!(
            Tiers::default().leverage(Usd(1.into()), 1),
            None,
            "not told is not unbounded"
        );
        assert_eq!(tiers().most(), Some(Usd(200_000.into())));
    }

    #[test]
    fn the_distance_is_what_was_put_up_beyond_the_margin_that_must_stay() {
        let distance = |notional: i64, leverage| {
            let notional = Usd(notional.into());
            tiers().of(notional).unwrap().distance(notional, leverage).unwrap()
        };
        assert_eq!(distance(10_000, 4), Bps(dec("2400")));
        assert_eq!(distance(50_000, 4), Bps(dec("2100")));
        assert!(distance(10_000, 200) < Bps::ZERO, "less than it must keep");
    }

    #[test]
    fn tiers_that_cannot_be_are_not_believed() {
        for rows in [
            vec![],
            vec![tier(0, 5, "0.01", 0)],
            vec![tier(10, 0, "0.01", 0)],
            vec![tier(10, 5, "0", 0)],
            vec![tier(10, 5, "1.1", 0)],
            vec![tier(10, 5, "0.01", -1)],
            vec![tier(10, 5, "0.01", 0), tier(10, 5, "0.01", 0)],
            vec![tier(10, 5, "0.01", 0), tier(20, 6, "0.01", 0)],
            vec![tier(10, 5, "0.02", 0), tier(20, 5, "0.01", 0)],
        ] {
            assert!(Tiers::believable(rows.clone()).is_err(), "{rows:?}");
        }
    }

    #[test]
    fn a_band_has_an_edge_for_each_side() {
        let band = PriceBand {
            buy_most: dec("1.05"),
            sell_least: dec("0.9"),
        };
        assert_eq!(band.edges(Price(dec("200"))), (Price(dec("210")), Price(dec("180"))));
        assert!(band.is_believable());
        let crossed = PriceBand {
            buy_most: dec("0.9"),
            sell_least: dec("1.1"),
        };
        assert!(!crossed.is_believable());
    }
}

//! Funding: what a venue quotes, when it settles, and who is paid.
//!
//! - FU-1  Funding is paid whole, at the settlement instant, to positions open at it. Nothing accrues in between.
//! - FU-2  Rates of different intervals are compared per hour, and settlements are counted, never pro-rated.
//! - FU-3  A rate lies within its cap and floor; a forecast is clipped to them.

use std::num::NonZeroU8;

use rust_decimal::Decimal;

use crate::instrument::{InstrumentId, Side};
use crate::money::{Price, Quantity, Rate, Usd};
use crate::time::{HOUR_MS, Timestamp};

/// A tenth of the notional at one settlement; the venues' own caps end at 4 %.
pub const MOST_BELIEVABLE: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
/// Seconds around a settlement in which eligibility is undefined and nothing is sent. Binance names up to 30 s after the
/// boundary, Bybit 5 s on both sides; the wider one holds for both.
pub const BLACKOUT_BEFORE_MS: i64 = 15_000;
/// As [`BLACKOUT_BEFORE_MS`], after the settlement.
pub const BLACKOUT_AFTER_MS: i64 = 30_000;

/// The funding terms of a perpetual as its venue quotes them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundingTerms {
    /// Running estimate for the next settlement, fraction of notional. Positive: longs pay shorts.
    pub predicted: Rate,
    /// When it settles.
    pub next_settlement: Timestamp,
    /// Hours between settlements: 1, 2, 4 or 8.
    pub interval_hours: NonZeroU8,
    /// Greatest rate of one settlement, where the venue publishes it.
    pub cap: Option<Rate>,
    /// Least rate of one settlement, where the venue publishes it.
    pub floor: Option<Rate>,
}

impl FundingTerms {
    /// The estimate within the venue's bounds (FU-3).
    pub fn clipped(&self) -> Rate {
        let capped = self.cap.map_or(self.predicted, |cap| self.predicted.min(cap));
        self.floor.map_or(capped, |floor| capped.max(floor))
    }

    /// The estimate for one hour (FU-2).
    pub fn per_hour(&self) -> Rate {
        Rate(self.clipped().0 / Decimal::from(self.interval_hours.get()))
    }

    /// Settlement instants `s` with `from < s <= until`: a position that is opened at `from` and closed right after
    /// `until` is open at each of them. A next settlement that has passed is carried forward by whole intervals.
    pub fn settlements(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        let step = i64::from(self.interval_hours.get()).saturating_mul(HOUR_MS);
        let behind = from.millis_since(self.next_settlement);
        let skipped = if behind < 0 { 0 } else { behind / step + 1 };
        let first = self.next_settlement.plus_millis(skipped.saturating_mul(step));
        std::iter::successors(Some(first), move |at| Some(at.plus_millis(step))).take_while(move |at| *at <= until)
    }

    /// Whether any venue would ask such a rate: what no cap has ever allowed is an error of somebody, and so is a cap below
    /// its floor.
    pub fn is_believable(&self) -> bool {
        let crossed = self.cap.zip(self.floor).is_some_and(|(cap, floor)| cap < floor);
        self.predicted.0.abs() <= MOST_BELIEVABLE && !crossed
    }

    /// Whether `now` is so near a settlement that eligibility is undefined; also after one that was told of, until the
    /// next is.
    pub fn in_blackout(&self, now: Timestamp) -> bool {
        if now >= self.next_settlement {
            return true;
        }
        let step = i64::from(self.interval_hours.get()).saturating_mul(HOUR_MS);
        let since = now.millis_since(self.next_settlement).rem_euclid(step);
        since <= BLACKOUT_AFTER_MS || step - since <= BLACKOUT_BEFORE_MS
    }
}

/// Cash of one settlement: `-side · quantity · mark · rate`, received when positive.
pub fn settlement_cash(side: Side, quantity: Quantity, mark: Price, rate: Rate) -> Usd {
    Usd(-side.sign() * quantity.0 * mark.0 * rate.0)
}

/// One funding row of an account, in the venue's own words. Counted once, by venue, product and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FundingPayment {
    /// The perpetual that paid.
    pub instrument: InstrumentId,
    /// The venue's id of the row.
    pub id: String,
    /// Positive: received. In the margin currency.
    pub amount: Usd,
    /// The rate that settled, where the venue tells.
    pub rate: Option<Rate>,
    /// The settlement.
    pub settled_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(interval: u8, next: i64) -> FundingTerms {
        FundingTerms {
            predicted: Rate("0.0003".parse().unwrap()),
            next_settlement: Timestamp(next * HOUR_MS),
            interval_hours: NonZeroU8::new(interval).unwrap(),
            cap: None,
            floor: None,
        }
    }

    #[test]
    fn only_settlements_inside_the_stay_count() {
        let eight = terms(8, 8);
        let count = |from: i64, until: i64| {
            eight
                .settlements(Timestamp(from * HOUR_MS), Timestamp(until * HOUR_MS))
                .count()
        };
        assert_eq!(count(0, 7), 0);
        assert_eq!(count(0, 8), 1);
        assert_eq!(count(8, 16), 1); // opened at the instant itself: not eligible
        assert_eq!(count(0, 24), 3);
        assert_eq!(count(100, 104), 1); // carried forward past a stale "next"
    }

    #[test]
    fn the_estimate_is_clipped_and_compared_per_hour() {
        let mut capped = terms(4, 4);
        capped.cap = Some(Rate("0.0002".parse().unwrap()));
        assert_eq!(capped.clipped(), Rate("0.0002".parse().unwrap()));
        assert_eq!(capped.per_hour(), Rate("0.00005".parse().unwrap()));
    }

    #[test]
    fn f065_nothing_is_sent_around_a_settlement() {
        let eight = terms(8, 8);
        let at = |ms: i64| eight.in_blackout(Timestamp(8 * HOUR_MS + ms));
        assert!(at(0) && at(-BLACKOUT_BEFORE_MS) && at(BLACKOUT_AFTER_MS));
        assert!(!at(-BLACKOUT_BEFORE_MS - 1));
        // Until the venue has told of the next one.
        assert!(at(BLACKOUT_AFTER_MS + 1));
        let next = terms(8, 16);
        let at = |ms: i64| next.in_blackout(Timestamp(8 * HOUR_MS + ms));
        assert!(at(BLACKOUT_AFTER_MS) && !at(BLACKOUT_AFTER_MS + 1));
    }

    #[test]
    fn a_rate_beyond_every_venues_cap_is_not_believed() {
        for (rate, is_believed) in [
            ("0.04", true),
            ("-0.04", true),
            ("0.1", true),
            ("3", false),
            ("-0.11", false),
        ] {
            let told = FundingTerms {
                predicted: Rate(rate.parse().unwrap()),
                ..terms(8, 8)
            };
            assert_eq!(told.is_believable(), is_believed, "{rate}");
        }
        let bounds = |cap: &str, floor: &str| FundingTerms {
            cap: Some(Rate(cap.parse().unwrap())),
            floor: Some(Rate(floor.parse().unwrap())),
            ..terms(8, 8)
        };
        assert!(bounds("0.003", "-0.003").is_believable());
        assert!(!bounds("-0.003", "0.003").is_believable(), "nothing lies between them");
    }

    #[test]
    fn a_short_receives_a_positive_rate() {
        let cash = settlement_cash(
            Side::Sell,
            Quantity(Decimal::TWO),
            Price(Decimal::from(100)),
            Rate("0.0003".parse().unwrap()),
        );
        assert_eq!(cash, Usd("0.06".parse().unwrap()));
    }
}

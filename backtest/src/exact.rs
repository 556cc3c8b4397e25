//! US dollars of the event loop: integers of 10⁻³⁰, so that every product of a quantity, a price, a rate and a fee is held
//! whole. Nothing is rounded before it is shown.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::Decimal;

/// Digits after the point.
const DIGITS: u32 = 30;
/// From the unit to hundred-millionths of a dollar, in which marked profit is kept.
const COARSE: i128 = 10_i128.pow(22);

/// An amount of US dollars, below 170 million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(pub i128);

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A product of integers whose units together are 10⁻ˢ; `None` when it does not fit.
    pub fn product(factors: [i64; 3], digits: u32) -> Option<Self> {
        let [a, b, c] = factors.map(i128::from);
        a.checked_mul(b)?
            .checked_mul(c)?
            .checked_mul(10_i128.checked_pow(DIGITS.checked_sub(digits)?)?)
            .map(Self)
    }

    /// This many millionths of it; `None` when they are not a whole number of units.
    pub fn millionths(self, count: i64) -> Option<Self> {
        // A price times a quantity has eighteen digits, with slippage twenty-four: nothing is cut off here.
        let one = (self.0 % 1_000_000 == 0).then_some(self.0 / 1_000_000)?;
        one.checked_mul(i128::from(count)).map(Self)
    }

    /// In hundred-millionths of a dollar, cut off: for marking, not for booking.
    pub fn coarse(self) -> i64 {
        i64::try_from(self.0 / COARSE).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }

    /// The same number; digits beyond the 28 that a decimal holds are rounded.
    pub fn decimal(self) -> Decimal {
        let (mut value, mut scale) = (self.0, DIGITS);
        while scale > 0 && value % 10 == 0 {
            (value, scale) = (value / 10, scale - 1);
        }
        while scale > 28 || Decimal::try_from_i128_with_scale(value, scale).is_err() {
            if scale == 0 {
                return Decimal::MAX;
            }
            let half = if value < 0 { -5 } else { 5 };
            (value, scale) = ((value + half) / 10, scale - 1);
        }
        Decimal::try_from_i128_with_scale(value, scale).unwrap_or_default()
    }
}

impl Add for Exact {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Exact {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Exact {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Exact {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Exact {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_whole() {
        // 0.19 BTC at 61974, at a rate of 0.00015847.
        let notional = Exact::product([19_000_000, 619_740_000_000_000, 1], 18).unwrap();
        assert_eq!(notional.decimal().to_string(), "11775.06");
        let cash = Exact::product([19_000_000, 619_740_000_000_000, 1_584_700], 28).unwrap();
        assert_eq!(cash.decimal().to_string(), "1.8659937582");
        assert_eq!((-cash).coarse(), -186_599_375);
        assert_eq!(notional.millionths(50).unwrap().decimal().to_string(), "0.588753");
        assert_eq!(Exact::product([i64::MAX, i64::MAX, 2], 28), None);
    }
}

//! Exact amounts, each with its unit in its name. No binary floating point anywhere.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::{Decimal, RoundingStrategy};

/// Basis points in one.
const BPS_PER_UNIT: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Decimal);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Without its sign.
            #[must_use]
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }

            /// Whether it is exactly nothing.
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.normalize(), out)
            }
        }
    };
}

amount! {
    /// Quote currency for one unit of the instrument.
    Price
}
amount! {
    /// Units of an instrument as its venue counts them: coins on spot, contracts on a perpetual (one `1000PEPEUSDT`
    /// contract is 1000 PEPE).
    Quantity
}
amount! {
    /// Units of the underlying asset, comparable between instruments (PEPE, not thousands of PEPE). Signed where it
    /// stands for exposure: positive is long.
    AssetQuantity
}
amount! {
    /// Quote currency (USDT taken for US dollars). Signed: positive is received.
    Usd
}
amount! {
    /// Basis points: hundredths of a per cent.
    Bps
}
amount! {
    /// A fraction of notional, such as a fee or a funding rate; `0.0001` is one basis point.
    Rate
}

impl Price {
    /// Value of `quantity` at this price.
    pub fn notional(self, quantity: Quantity) -> Usd {
        Usd(self.0 * quantity.0)
    }

    /// This price moved up (positive) or down by a number of basis points.
    #[must_use]
    pub fn shifted(self, by: Bps) -> Self {
        Self(self.0 * (Decimal::ONE + by.0 / BPS_PER_UNIT))
    }
}

impl Usd {
    /// Rounded to cents for people to read; never for the ledger.
    #[must_use]
    pub fn cents(self) -> Self {
        Self(self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

impl Rate {
    /// The same in basis points.
    pub fn bps(self) -> Bps {
        Bps(self.0 * BPS_PER_UNIT)
    }

    /// This fraction of `notional`.
    pub fn of(self, notional: Usd) -> Usd {
        Usd(self.0 * notional.0)
    }
}

impl Bps {
    /// The same as a fraction.
    pub fn rate(self) -> Rate {
        Rate(self.0 / BPS_PER_UNIT)
    }

    /// This many basis points of `notional`.
    pub fn of(self, notional: Usd) -> Usd {
        self.rate().of(notional)
    }
}

/// The greatest multiple of `step` that is not above `value`, for non-negative values. A step of zero leaves the value
/// as it is.
pub fn floor_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() {
        value
    } else {
        (value / step).floor() * step
    }
}

/// The least multiple of `step` that is not below `value`, for non-negative values.
pub fn ceil_to(value: Decimal, step: Decimal) -> Decimal {
    if step.is_zero() {
        value
    } else {
        (value / step).ceil() * step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn rounding_is_towards_less() {
        assert_eq!(floor_to(dec("1.2399"), dec("0.01")), dec("1.23"));
        assert_eq!(ceil_to(dec("1.2301"), dec("0.01")), dec("1.24"));
        assert_eq!(floor_to(dec("1.23"), dec("0.01")), dec("1.23"));
    }

    #[test]
    fn a_basis_point_is_a_ten_thousandth() {
        assert_eq!(Rate(dec("0.0001")).bps(), Bps(Decimal::ONE));
        assert_eq!(Bps(dec("21")).of(Usd(dec("10000"))), Usd(dec("21")));
    }
}

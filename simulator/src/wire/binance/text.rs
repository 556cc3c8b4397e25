//! Numbers as the venue writes them: strings with a fixed number of decimals.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

/// A decimal written with exactly `1` decimals, cut towards zero. For use inside `format!`.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub Decimal, pub u32);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0.round_dp_with_strategy(self.1, RoundingStrategy::ToZero);
        value.rescale(self.1);
        // "-0.00" is not a number that the venue sends.
        if value.is_zero() {
            value.set_sign_positive(true);
        }
        write!(f, "{value}")
    }
}

/// Eight decimals: everything on the spot market, rates and money on futures.
pub fn eight(value: Decimal) -> String {
    Fixed(value, 8).to_string()
}

/// No trailing zeros, `0` for zero: filters and futures quantities.
pub fn plain(value: Decimal) -> String {
    let value = value.normalize();
    if value.is_zero() {
        "0".to_owned()
    } else {
        value.to_string()
    }
}

/// Decimals of a step: 2 for 0.01 and for 0.010, 0 for 10.
pub fn decimals(step: Decimal) -> u32 {
    step.normalize().scale()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_padded_and_cut() {
        assert_eq!(eight(Decimal::new(6127, 4)), "0.61270000");
        assert_eq!(eight(Decimal::new(-1, 12)), "0.00000000");
        assert_eq!(eight(Decimal::new(123_456_789_123, 11)), "1.23456789");
        assert_eq!(plain(Decimal::new(1_000, 3)), "1");
        assert_eq!(plain(Decimal::new(0, 3)), "0");
        assert_eq!(plain(Decimal::new(1_200, 0)), "1200");
        assert_eq!((decimals(Decimal::new(10, 3)), decimals(Decimal::TEN)), (2, 0));
    }
}

//! Numbers from the wire: exact, and small enough to be reckoned with.

use rust_decimal::Decimal;

/// No price, quantity, rate or balance of a venue comes near it; a product of two, in basis points, still fits a
/// [`Decimal`]. Beyond it a number is a fault of the wire, and would overflow where it is used.
const MOST: Decimal = Decimal::from_parts(1_316_134_912, 2_328, 0, false, 0);

/// The number that a text means exactly; `None` for anything else, and for one beyond ten million millions.
pub fn exact(text: &str) -> Option<Decimal> {
    let number = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    };
    number.filter(|number| number.abs() <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_overflow_is_no_number() {
        assert_eq!(MOST, "10000000000000".parse().unwrap());
        assert_eq!(exact("0.00010000"), Some(Decimal::new(10_000, 8)));
        assert_eq!(exact("1e-7"), Some(Decimal::new(1, 7)));
        for absurd in [
            "79228162514264337593543950335",
            "-10000000000001",
            "1e20",
            "NaN",
            "",
            " 1",
        ] {
            assert_eq!(exact(absurd), None, "{absurd}");
        }
        assert!(
            MOST.checked_mul(MOST)
                .and_then(|product| product.checked_mul(Decimal::from(100)))
                .is_some()
        );
    }
}

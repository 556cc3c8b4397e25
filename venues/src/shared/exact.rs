//! Numbers from the wire: exact, and small enough to be reckoned with.

use rust_decimal::Decimal;

/// No price, quantity, rate or balance of a venue comes near it; a product of two, in basis points, still fits a
/// [`Decimal`]. Beyond it a number is a fault of the wire, and would overflow where it is used.
const MOST: Decimal = Decimal::from_parts(1_316_134_912, 2_328, 0, false, 0);

/// Digits of which no number that short can reach [`MOST`], whatever they are.
const WHOLE_DIGITS: usize = 13;
/// Digits that fit into 64 bits, whatever they are.
const ALL_DIGITS: usize = 19;

/// The number that a text means exactly; `None` for anything else, and for one beyond ten million millions.
pub fn exact(text: &str) -> Option<Decimal> {
    let number = match text.strip_prefix('-') {
        Some(rest) => plain(rest).map(|number| if number.is_zero() { number } else { -number }),
        None => plain(text),
    };
    number.or_else(|| any(text))
}

/// As [`exact`], without the bound: for figures that are only shown and compared, never multiplied.
pub fn exact_wide(text: &str) -> Option<Decimal> {
    exact(text).or_else(|| Decimal::from_str_exact(text).ok().filter(|_| is_number(text)))
}

/// A number as venues write nearly all of them, `123.4500`; `None` for any other dress.
fn plain(text: &str) -> Option<Decimal> {
    let (mut mantissa, mut digits, mut whole) = (0_u64, 0_usize, None);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                digits += 1;
            }
            b'.' if whole.is_none() && digits > 0 => whole = Some(digits),
            _ => return None,
        }
    }
    let whole = whole.unwrap_or(digits);
    // A text that ends in its point has as many bytes as this says digits and one more, but no fraction.
    let ends_well = whole == digits && digits == text.len() || digits > whole;
    if digits == 0 || digits > ALL_DIGITS || whole > WHOLE_DIGITS || !ends_well {
        return None;
    }
    let scale = u32::try_from(digits - whole).ok()?;
    let [high, low] = [mantissa >> 32, mantissa & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0));
    Some(Decimal::from_parts(low, high, 0, false, scale))
}

/// Whether a text has the form of a number: `[-]digits[.digits][e[+-]digits]`. The parsers of [`Decimal`] take more, such
/// as `1_0`, `+25`, `.5` and `5.`, which no venue means.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let number = number.strip_prefix('-').unwrap_or(number);
    let is_sound = match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    };
    is_sound && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn any(text: &str) -> Option<Decimal> {
    if !is_number(text) {
        return None;
    }
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
    fn the_plain_way_and_the_general_one_agree() {
        let plains = [
            "0",
            "0.0",
            "007.50",
            "1",
            "9999999999999",
            "1234567.890123456789",
            "0.000000000000000001",
        ];
        for text in plains {
            assert_eq!(
                plain(text).map(|number| number.to_string()),
                any(text).map(|number| number.to_string()),
                "{text}"
            );
            assert!(plain(text).is_some(), "{text}");
        }
        let others = [
            "",
            ".",
            ".5",
            "5.",
            "1..2",
            "-1",
            "+1",
            "1e3",
            " 1",
            "1_0",
            "99999999999999",
            "12345678901234567890.1",
            "0.12345678901234567890",
        ];
        for text in others {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_form_of_a_number_is_one() {
        for text in [
            "1_0", "1_0e2", "+25", "+1e3", ".5", "5.", "5.e1", ".5e1", "-", "--1", "-.5", "1e", "1e+", "1e1.5",
            "1e1e1", "1e_1", "0x1", "1,5", "1 ", "٣",
        ] {
            assert_eq!((exact(text), exact_wide(text)), (None, None), "{text}");
        }
        let read = |text| exact(text).map(|number| number.to_string());
        for (text, said) in [
            ("25", "25"),
            ("-0.5", "-0.5"),
            ("1e3", "1000"),
            ("-2.5E-1", "-0.25"),
            ("1e+2", "100"),
        ] {
            assert_eq!(read(text).as_deref(), Some(said), "{text}");
        }
        assert_eq!(
            exact_wide("99999999999999.5").map(|n| n.to_string()).as_deref(),
            Some("99999999999999.5")
        );
    }

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

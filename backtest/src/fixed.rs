//! Decimals as the files write them, held as integers: ten digits after the point, nothing rounded.

use rust_decimal::Decimal;

/// Digits after the point that a [`Fixed`] holds.
pub const DIGITS: u32 = 10;

/// A price or a rate in units of 10⁻¹⁰. Enough for every price below 900 million and every rate that a venue publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(pub i64);

impl Fixed {
    /// The same number, without trailing zeros.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, DIGITS).normalize()
    }

    /// Reads `-12.5`. `None` for anything else: an exponent, a blank, no digit, a digit beyond the tenth after the point,
    /// a number too large.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let mut value: i64 = 0;
        let mut after: Option<u32> = None;
        let mut any = false;
        for byte in digits {
            match (byte, after) {
                (b'.', None) => after = Some(0),
                (b'0', Some(DIGITS)) => {}
                (b'0'..=b'9', _) if after != Some(DIGITS) => {
                    any = true;
                    after = after.map(|digits| digits + 1);
                    value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                }
                _ => return None,
            }
        }
        let scaled = value.checked_mul(10_i64.checked_pow(DIGITS - after.unwrap_or(0))?)?;
        any.then_some(Self(if negative { -scaled } else { scaled }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whole_or_not_at_all() {
        let read = |text: &str| Fixed::parse(text.as_bytes()).map(|fixed| fixed.decimal().to_string());
        for (text, want) in [
            ("61937.41", "61937.41"),
            ("-0.00302761", "-0.00302761"),
            ("0", "0"),
            ("0.00010000", "0.0001"),
            ("0.0000000001", "0.0000000001"),
            ("1.00000000010000", "1.0000000001"),
            ("900000000", "900000000"),
        ] {
            assert_eq!(read(text).as_deref(), Some(want), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1e-8",
            "+1",
            "1.2.3",
            " 1",
            "0.00000000001",
            "9999999999",
            "NaN",
            "1,5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

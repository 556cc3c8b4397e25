//! Binance's codes, and what each says about an order. The only place that knows their meaning.
//!
//! - CO-1  Refused is what is known to have left no order. Anything that is not listed is unknown.

/// The request's time was outside the venue's window; it was not carried out.
const TIMESTAMP: [i64; 2] = [-1021, -5028];

const KEY: [i64; 4] = [-1002, -1022, -2014, -2015];
const NOT_FOUND: [i64; 2] = [-2011, -2013];
const NO_NEED_TO_CHANGE: [i64; 2] = [-4046, -4059];
const DUPLICATE_CLIENT_ID: i64 = -4116;
const OVERLOADED: i64 = -1008;
/// The words of a 503 of the venue itself that was not carried out; the other 503 says "Unknown error".
const NOT_CARRIED_OUT: &str = "Service Unavailable.";

/// What an answer to a placement that is not 2xx says about the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No order exists.
    Refused,
    /// One may exist: ask by client order id.
    Unknown,
}

/// Judges a placement by HTTP status, code and words; `code` is `None` where the body had none.
pub fn placement(status: u16, code: Option<i64>, words: &str) -> Verdict {
    let Some(code) = code else {
        return Verdict::Unknown;
    };
    // The certain words that come with a 5xx: throttled before the engine, or never passed on.
    if code == OVERLOADED || (status == 503 && words == NOT_CARRIED_OUT) {
        return Verdict::Refused;
    }
    if status >= 500 || status == 408 {
        return Verdict::Unknown;
    }
    match code {
        // The earlier order with this id exists.
        DUPLICATE_CLIENT_ID => Verdict::Unknown,
        -2010 if words.to_ascii_lowercase().contains("duplicate order") => Verdict::Unknown,
        // Limits, clock, signature, permission.
        -1002 | -1003 | -1013 | -1015 | -1016 | -1020 | -1021 | -1022 | -2014 | -2015 => Verdict::Refused,
        // A malformed request.
        -1199..=-1100 => Verdict::Refused,
        // Refused by the engine's checks: balance, margin, position, reduce-only.
        -2010 | -2012 | -2016 | -2028..=-2018 | -2039 => Verdict::Refused,
        // Filters, modes, account restrictions; refused at the engine.
        -5099..=-4000 => Verdict::Refused,
        _ => Verdict::Unknown,
    }
}

/// Whether a good answer says that the venue does not know the order.
pub fn is_not_found(code: i64) -> bool {
    NOT_FOUND.contains(&code)
}

/// Whether a setting was already as wanted.
pub fn is_no_change(code: i64) -> bool {
    NO_NEED_TO_CHANGE.contains(&code)
}

/// Whether the key was refused: its form, its signature, its permission, or the address it is used from.
pub fn is_about_key(code: i64) -> bool {
    KEY.contains(&code)
}

/// Whether the request was refused for its time.
pub fn is_timestamp(code: i64) -> bool {
    TIMESTAMP.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_not_to_exist_is_refused() {
        for code in [
            -1003, -1013, -1015, -1016, -1021, -1022, -1102, -1111, -1121, -1130, -2010, -2014, -2015, -2018, -2019,
            -2021, -2022, -2023, -2024, -2025, -2027, -2028, -4014, -4023, -4045, -4050, -4061, -4087, -4088, -4108,
            -4118, -4120, -4131, -4140, -4164, -4192, -4400, -4402, -5021, -5022, -5028,
        ] {
            assert_eq!(placement(400, Some(code), "no"), Verdict::Refused, "{code}");
        }
        assert_eq!(placement(503, Some(-1008), "overloaded"), Verdict::Refused);
        assert_eq!(placement(503, Some(-1000), "Service Unavailable."), Verdict::Refused);
    }

    #[test]
    fn what_may_exist_is_unknown() {
        for code in [-1000, -1001, -1006, -1007, -4116, -9999, 0] {
            assert_eq!(placement(400, Some(code), "?"), Verdict::Unknown, "{code}");
        }
        assert_eq!(placement(400, Some(-2010), "Duplicate order sent."), Verdict::Unknown);
        assert_eq!(
            placement(503, Some(-1000), "Unknown error, please check"),
            Verdict::Unknown
        );
        assert_eq!(placement(503, None, "Service Unavailable."), Verdict::Unknown);
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(placement(status, Some(-2019), "Margin"), Verdict::Unknown);
            assert_eq!(placement(status, None, ""), Verdict::Unknown);
        }
        for status in [403, 418, 429, 400] {
            assert_eq!(placement(status, None, "<html>"), Verdict::Unknown);
        }
    }

    #[test]
    fn absence_and_sameness_are_known_words() {
        assert!(is_not_found(-2013) && is_not_found(-2011) && !is_not_found(-2015));
        assert!(is_no_change(-4059) && is_no_change(-4046) && !is_no_change(-4067));
        assert!(is_timestamp(-1021) && is_timestamp(-5028));
        assert!(is_about_key(-2015) && !is_about_key(-2019));
    }
}

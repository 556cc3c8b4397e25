//! Binance's codes, and what each says about an order: the one table.
//!
//! - CO-1  Refused is what is known to have left no order. A code that is in no row is unknown: asking costs one request,
//!   taking an order that exists for refused costs a naked leg.

use domain::instrument::Product;

use crate::shared::class::Class;

/// The request's time was outside the venue's window; it was not carried out.
const TIMESTAMP: [i64; 2] = [-1021, -5028];

const NOT_FOUND: [i64; 2] = [-2011, -2013];
const NO_NEED_TO_CHANGE: [i64; 2] = [-4046, -4059];
const OVERLOADED: i64 = -1008;
/// The words of a 503 of the venue itself that was not carried out; the other 503 says "Unknown error".
const NOT_CARRIED_OUT: &str = "Service Unavailable.";

/// Where a row holds: the same number means something else on the other market.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Both,
    Perp,
}

impl On {
    fn covers(self, product: Product) -> bool {
        match self {
            Self::Both => true,
            Self::Perp => product == Product::Perp,
        }
    }
}

/// Codes of one class: where they hold, which they are, and what they have in common.
struct Row(On, Class, &'static [i64]);

/// What is said about a new order, by number.
const ON_PLACE: [Row; 13] = [
    // No word on what became of it: unclassified, disconnected, unexpected answer or none from the engine.
    Row(On::Both, Class::Unknown, &[-1000, -1001, -1004, -1006, -1007]),
    // Too much weight, too many orders, overloaded: turned away before the engine.
    Row(On::Both, Class::Limits, &[-1003, -1008, -1015]),
    // Not authorised, bad signature, bad form of the key, key or address or permission refused.
    Row(On::Both, Class::Key, &[-1002, -1022, -2014, -2015]),
    // Shutting down, not supported, outside of the time window.
    Row(On::Both, Class::Refused, &[-1013, -1014, -1016, -1020, -1021]),
    // A request that cannot be read, or does not fit the market's rules.
    Row(
        On::Both,
        Class::Refused,
        &[
            -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1109, -1110, -1111, -1112, -1113, -1114, -1115,
            -1116, -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1126, -1127, -1128, -1130, -1131, -1134, -1135,
            -1136, -1139, -1145, -1151, -1199,
        ],
    ),
    // Refused, for a reason that its words tell; ids that disagree; no trading window; a cancel that failed.
    Row(On::Both, Class::Refused, &[-2010, -2012, -2016, -2039]),
    // Balance, margin, unable to fill, would trigger, nothing to reduce, in liquidation, position, number of orders,
    // kind, position at this leverage, leverage against margin.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028,
        ],
    ),
    // An open order has this id: the earlier one exists.
    Row(On::Perp, Class::Unknown, &[-4116]),
    // Filters: price, quantity, step, tick, bounds, id.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -4000, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4008, -4009, -4010, -4011, -4012, -4013, -4014,
            -4015, -4016, -4017, -4018, -4019, -4020, -4021, -4022, -4023, -4024, -4025, -4026, -4027, -4028, -4029,
            -4030, -4031, -4032, -4131, -4161, -4164, -4165, -4171, -4172, -4183, -4184,
        ],
    ),
    // Modes, margin, number of orders: what the account is set to, or has.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -4044, -4045, -4046, -4047, -4048, -4049, -4050, -4051, -4052, -4053, -4054, -4055, -4056, -4057, -4058,
            -4059, -4060, -4061, -4062, -4063, -4067, -4068, -4082, -4109, -4118, -4137, -4138, -4139, -4142, -4144,
            -4531,
        ],
    ),
    // The account may not, or may only reduce.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -4087, -4088, -4192, -4202, -4203, -4205, -4206, -4208, -4209, -4210, -4211, -4400, -4401, -4402,
        ],
    ),
    // The symbol is not open: settlement, closed, only reducing; a kind of order that goes elsewhere.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -4084, -4104, -4105, -4106, -4108, -4110, -4112, -4114, -4115, -4117, -4120, -4135, -4140, -4141,
        ],
    ),
    // Refused at the engine: fill-or-kill, post-only, its time, a modification, its matching of prices.
    Row(
        On::Perp,
        Class::Refused,
        &[
            -5021, -5022, -5024, -5025, -5026, -5027, -5028, -5037, -5038, -5039, -5040, -5041,
        ],
    ),
];

/// The class of a code about a new order; `words` tell duplicates from other refusals.
pub fn on_place(product: Product, code: i64, words: &str) -> Class {
    if code == -2010 && words.to_ascii_lowercase().contains("duplicate order") {
        return Class::Unknown; // the earlier order with this id exists
    }
    let row = |row: &&Row| row.0.covers(product) && row.2.contains(&code);
    ON_PLACE.iter().find(row).map_or(Class::Unknown, |row| row.1)
}

/// Judges a placement by HTTP status, code and words; `code` is `None` where the body had none.
pub fn placement(product: Product, status: u16, code: Option<i64>, words: &str) -> Class {
    let Some(code) = code else {
        return Class::Unknown;
    };
    // The certain words that come with a 5xx: throttled before the engine, or never passed on.
    if code == OVERLOADED {
        return Class::Limits;
    }
    if status == 503 && words == NOT_CARRIED_OUT {
        return Class::Refused;
    }
    if status >= 500 || status == 408 {
        return Class::Unknown;
    }
    on_place(product, code, words)
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
    on_place(Product::Perp, code, "") == Class::Key
}

/// Whether more was asked than the venue takes in the time.
pub fn is_about_pace(code: i64) -> bool {
    on_place(Product::Perp, code, "") == Class::Limits
}

/// Whether the request was refused for its time.
pub fn is_timestamp(code: i64) -> bool {
    TIMESTAMP.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that the venue documents for orders, with its class on spot and on perpetuals, and some that are in no
    /// table; written by hand from its documentation, and not from the table.
    #[test]
    fn every_documented_code_has_its_class() {
        use Class::{Key, Limits, Refused, Unknown};
        let rows: [(Class, Class, &[i64]); 5] = [
            (
                Unknown,
                Unknown,
                &[
                    -1000, -1001, -1006, -1007, -4116, 0, -1099, -1198, -2999, -4999, -5099, -9999,
                ],
            ),
            (Key, Key, &[-1002, -1022, -2014, -2015]),
            (Limits, Limits, &[-1003, -1008, -1015]),
            (
                Refused,
                Refused,
                &[
                    -1013, -1016, -1020, -1021, -1102, -1104, -1111, -1121, -1125, -1127, -1130, -2010, -2012, -2016,
                    -2039,
                ],
            ),
            (
                Unknown,
                Refused,
                &[
                    -2018, -2019, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028, -4014, -4023, -4045, -4046,
                    -4047, -4048, -4050, -4051, -4059, -4061, -4067, -4068, -4087, -4088, -4108, -4118, -4120, -4131,
                    -4140, -4141, -4164, -4192, -4400, -4401, -4402, -4531, -5021, -5022, -5028,
                ],
            ),
        ];
        for (spot, perp, codes) in rows {
            for (product, class) in [(Product::Spot, spot), (Product::Perp, perp)] {
                for code in codes {
                    let judged = placement(product, 400, Some(*code), "no");
                    assert_eq!(judged, class, "{code} on {}", product.as_str());
                    assert_eq!(is_about_key(*code), spot == Key, "{code}");
                    assert_eq!(is_about_pace(*code), spot == Limits, "{code}");
                }
            }
        }
    }

    #[test]
    fn no_code_is_in_two_rows_of_a_market() {
        for product in Product::ALL {
            let of_market = ON_PLACE.iter().filter(|row| row.0.covers(product));
            let mut codes: Vec<i64> = of_market.flat_map(|row| row.2).copied().collect();
            codes.sort_unstable();
            let all = codes.len();
            codes.dedup();
            assert_eq!(codes.len(), all, "{}", product.as_str());
        }
    }

    #[test]
    fn a_status_and_words_say_more_than_a_code() {
        for product in Product::ALL {
            let judged = |status, code, words| placement(product, status, code, words);
            assert_eq!(judged(503, Some(-1008), "overloaded"), Class::Limits);
            assert_eq!(judged(503, Some(-1000), "Service Unavailable."), Class::Refused);
            assert_eq!(judged(400, Some(-2010), "Duplicate order sent."), Class::Unknown);
            assert_eq!(judged(503, Some(-1000), "Unknown error, please check"), Class::Unknown);
            assert_eq!(judged(503, None, "Service Unavailable."), Class::Unknown);
            for status in [408, 500, 502, 503, 504] {
                assert_eq!(judged(status, Some(-1013), "Filter failure"), Class::Unknown);
                assert_eq!(judged(status, None, ""), Class::Unknown);
            }
            for status in [403, 418, 429, 400] {
                assert_eq!(judged(status, None, "<html>"), Class::Unknown);
            }
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

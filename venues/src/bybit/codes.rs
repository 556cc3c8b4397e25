//! What each of the venue's codes means for the caller: the one table.
//!
//! An order that *may* exist is [`Class::Unknown`]. So is every code that is not listed: asking costs one request,
//! taking an order that exists for refused costs a naked leg.

use domain::instrument::VenueId;
use domain::order::Placed;
use domain::ports::VenueError;

use super::parse::brief;
use crate::shared::class::Class;

/// How long the venue shuts an address out that asked too often, in seconds.
const ADDRESS_BAN_SECONDS: u64 = 600;
/// How long to wait after a per-second limit of the account, in seconds.
const LIMIT_SECONDS: u64 = 1;

/// Codes of one class, and what they have in common.
struct Row(Class, &'static [i64]);

/// What is said about a new order, by number; contracts are 110xxx, spot is 170xxx.
const ON_CREATE: [Row; 13] = [
    Row(Class::Confirmed, &[0]),
    // Key, signature, permission, address, region, ban, account type, expiry.
    Row(
        Class::Key,
        &[10003, 10004, 10005, 10007, 10009, 10010, 10024, 10027, 10028, 33004],
    ),
    // Too often, by account or by address.
    Row(Class::Limits, &[10006, 10018, 170_005, 170_222]),
    // The parameters, the clock, the path.
    Row(Class::Refused, &[10001, 10002, 10404]),
    // Contracts: price band, balance and margin.
    Row(
        Class::Refused,
        &[
            110_003, 110_004, 110_006, 110_007, 110_011, 110_012, 110_044, 110_045, 110_046, 110_051, 110_052, 110_053,
            110_120, 110_121,
        ],
    ),
    // Contracts: leverage and tier, nothing to reduce, number of orders, limits of the contract, position mode.
    Row(
        Class::Refused,
        &[
            110_013, 110_016, 110_017, 110_020, 110_021, 110_022, 110_023, 110_024, 110_025, 110_026, 110_028, 110_043,
            110_086, 110_089, 110_090,
        ],
    ),
    // Contracts: settlement or not live, value, auction, terms, cooling off and region.
    Row(
        Class::Refused,
        &[
            110_063, 110_066, 110_074, 110_094, 110_095, 110_098, 110_103, 110_123, 110_124, 110_125, 110_132,
        ],
    ),
    // Spot: balance, price band, value, size and decimals.
    Row(
        Class::Refused,
        &[
            170_033, 170_124, 170_131, 170_132, 170_133, 170_134, 170_135, 170_136, 170_137, 170_140, 170_148, 170_192,
            170_193, 170_194,
        ],
    ),
    // Spot: the pair is not there, not open, not for API, in its auction; post-only would have taken.
    Row(Class::Refused, &[170_121, 170_151, 170_157, 170_217, 170_218]),
    // Time-outs, restarts, overload: nobody knows.
    Row(Class::Unknown, &[429, 10000, 10016, 10019, 10429, 20003, 500_000]),
    // The same request, or its link id, came before: the earlier order exists or existed.
    Row(Class::Unknown, &[10014, 110_072, 170_141]),
    // Being processed.
    Row(Class::Unknown, &[110_079, 170_035, 170_144]),
    // Inner failures of spot; a cancel that timed out, failed, or is still being processed.
    Row(
        Class::Unknown,
        &[
            170_001, 170_007, 170_032, 170_146, 170_147, 170_149, 170_150, 170_191, 170_210, 170_212, 170_234,
        ],
    ),
];

/// The class of a `retCode` on `order/create`.
pub fn on_create(code: i64) -> Class {
    let row = ON_CREATE.iter().find(|row| row.1.contains(&code));
    row.map_or(Class::Unknown, |row| row.0)
}

/// What became of an order whose answer was a `retCode` other than zero.
pub fn placed(code: i64, words: &str) -> Placed {
    if on_create(code).leaves_nothing() {
        let reason = brief(words);
        return Placed::Refused { code, reason };
    }
    Placed::Unknown {
        reason: format!("code {code}: {}", brief(words)),
    }
}

/// What became of an order that was answered with an HTTP status other than 200, whatever the body says.
pub fn placed_by_status(status: u16) -> Placed {
    match status {
        // The gate turns these away before the engine: no key, an address that is banned, a path that is not there.
        401 | 403 | 404 => Placed::Refused {
            code: i64::from(status),
            reason: format!("HTTP {status}"),
        },
        _ => Placed::Unknown {
            reason: format!("HTTP {status}"),
        },
    }
}

/// Whether a code says that the key was refused: unknown, expired, wrongly signed, without the permission, used from
/// another address or region, or its account shut out.
pub fn is_about_key(code: i64) -> bool {
    code == 401 || on_create(code) == Class::Key
}

/// Whether more was asked than the venue takes in the time.
pub fn is_about_pace(code: i64) -> bool {
    on_create(code) == Class::Limits
}

/// Whether a code on a cancel says that there is nothing left to cancel.
pub const fn is_over(code: i64) -> bool {
    matches!(
        code,
        110_001 | 110_008 | 110_010 | 170_139 | 170_142 | 170_143 | 170_190 | 170_213
    )
}

/// Whether a code on a setting says that it is already so.
pub const fn is_already_so(code: i64) -> bool {
    matches!(code, 110_025 | 110_026 | 110_043)
}

/// The error that a `retCode` other than zero is, on anything but `order/create`.
pub fn error(code: i64, words: &str) -> VenueError {
    let venue = VenueId::Bybit;
    match code {
        10006 | 170_005 | 170_222 | 429 | 10429 => VenueError::Throttled {
            venue,
            wait_seconds: LIMIT_SECONDS,
        },
        10018 => VenueError::Throttled {
            venue,
            wait_seconds: ADDRESS_BAN_SECONDS,
        },
        10000
        | 10014
        | 10016
        | 10019
        | 20003
        | 110_079
        | 500_000
        | 170_001
        | 170_007
        | 170_032
        | 170_035
        | 170_144
        | 170_146..=170_150
        | 170_191
        | 170_210
        | 170_212
        | 170_234 => VenueError::Unreachable {
            venue,
            reason: format!("code {code}: {}", brief(words)),
        },
        _ => VenueError::Refused {
            venue,
            code,
            reason: brief(words),
        },
    }
}

/// The error that an HTTP status other than 200 is.
pub fn error_by_status(status: u16) -> VenueError {
    let venue = VenueId::Bybit;
    match status {
        403 => VenueError::Throttled {
            venue,
            wait_seconds: ADDRESS_BAN_SECONDS,
        },
        429 => VenueError::Throttled {
            venue,
            wait_seconds: LIMIT_SECONDS,
        },
        401 | 404 => VenueError::Refused {
            venue,
            code: i64::from(status),
            reason: format!("HTTP {status}"),
        },
        _ => VenueError::Unreachable {
            venue,
            reason: format!("HTTP {status}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that the venue documents for orders, with its class; written by hand from its documentation, and not
    /// from the table.
    #[test]
    fn every_documented_code_has_its_class() {
        let confirmed: &[i64] = &[0];
        let key: &[i64] = &[10003, 10004, 10005, 10007, 10009, 10010, 10024, 10027, 10028, 33004];
        let limits: &[i64] = &[10006, 10018, 170_005, 170_222];
        let refused: &[i64] = &[
            10001, 10002, 10404, 110_003, 110_004, 110_006, 110_007, 110_011, 110_012, 110_013, 110_016, 110_017,
            110_020, 110_021, 110_022, 110_023, 110_024, 110_025, 110_026, 110_028, 110_043, 110_044, 110_045, 110_046,
            110_051, 110_052, 110_053, 110_063, 110_066, 110_074, 110_086, 110_089, 110_090, 110_094, 110_095, 110_098,
            110_103, 110_120, 110_121, 110_123, 110_124, 110_125, 110_132, 170_033, 170_121, 170_124, 170_131, 170_132,
            170_133, 170_134, 170_135, 170_136, 170_137, 170_140, 170_148, 170_151, 170_157, 170_192, 170_193, 170_194,
            170_217, 170_218,
        ];
        let unknown: &[i64] = &[
            429, 10000, 10014, 10016, 10019, 10429, 20003, 500_000, 110_072, 110_079, 170_001, 170_007, 170_032,
            170_035, 170_141, 170_144, 170_146, 170_147, 170_149, 170_150, 170_191, 170_210, 170_212,
            170_234, // and what is in no table
            -1, 10008, 110_122, 110_999, 170_999, 987_654,
        ];
        for (class, codes) in [
            (Class::Confirmed, confirmed),
            (Class::Key, key),
            (Class::Limits, limits),
            (Class::Refused, refused),
            (Class::Unknown, unknown),
        ] {
            for code in codes {
                assert_eq!(on_create(*code), class, "{code}");
                assert_eq!(is_about_pace(*code), class == Class::Limits, "{code}");
                let told = placed(*code, "words");
                let reason = "words".to_owned();
                if class.leaves_nothing() {
                    assert_eq!(told, Placed::Refused { code: *code, reason });
                } else {
                    assert!(matches!(told, Placed::Unknown { .. }), "{code}");
                }
            }
        }
    }

    #[test]
    fn no_code_is_in_two_rows() {
        let mut codes: Vec<i64> = ON_CREATE.iter().flat_map(|row| row.1).copied().collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn a_status_from_the_gate_is_a_refusal_and_any_other_is_unknown() {
        for status in [401, 403, 404] {
            assert!(matches!(placed_by_status(status), Placed::Refused { .. }), "{status}");
        }
        for status in [204, 302, 408, 429, 500, 502, 503, 504, 520] {
            assert!(matches!(placed_by_status(status), Placed::Unknown { .. }), "{status}");
        }
    }

    #[test]
    fn a_question_that_failed_is_told_by_what_to_do_next() {
        assert!(matches!(
            error(10006, ""),
            VenueError::Throttled { wait_seconds: 1, .. }
        ));
        assert!(matches!(
            error_by_status(403),
            VenueError::Throttled { wait_seconds: 600, .. }
        ));
        for code in [10016, 110_079, 170_144, 170_150, 170_191, 170_212] {
            assert!(matches!(error(code, ""), VenueError::Unreachable { .. }), "{code}");
        }
        assert!(matches!(error_by_status(502), VenueError::Unreachable { .. }));
        assert!(matches!(error(10003, ""), VenueError::Refused { code: 10003, .. }));
    }

    #[test]
    fn what_is_over_or_already_so_is_told_apart() {
        assert!(
            [110_001, 110_008, 110_010, 170_139, 170_142, 170_143, 170_190, 170_213]
                .into_iter()
                .all(is_over)
        );
        assert!(!is_over(10016) && !is_over(110_079) && !is_over(170_147));
        assert!([110_025, 110_026, 110_043].into_iter().all(is_already_so));
        assert!(!is_already_so(110_024) && !is_already_so(110_028));
    }
}

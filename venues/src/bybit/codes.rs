//! What each of the venue's codes means for the caller: the one table.
//!
//! An order that *may* exist is [`Verdict::Unknown`]. So is every code that is not listed: asking costs one request,
//! taking an order that exists for refused costs a naked leg.

use domain::instrument::VenueId;
use domain::order::Placed;
use domain::ports::VenueError;

use super::parse::brief;

/// How long the venue shuts an address out that asked too often, in seconds.
const ADDRESS_BAN_SECONDS: u64 = 600;
/// How long to wait after a per-second limit of the account, in seconds.
const LIMIT_SECONDS: u64 = 1;

/// What a code on an order says about that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was received.
    Received,
    /// It was not executed, and does not exist.
    Refused,
    /// It may exist: ask by its link id.
    Unknown,
}

/// The verdict of a `retCode` on `order/create`.
pub const fn on_create(code: i64) -> Verdict {
    match code {
        0 => Verdict::Received,
        // The clock; key, signature, permission, address, region, ban, account type; the parameters.
        10001..=10007 | 10009 | 10010 | 10018 | 10024 | 10027 | 10028 | 10404 | 33004 => Verdict::Refused,
        // Linear: price band, balance and margin, leverage and tier, nothing to reduce, limits of the contract,
        // position mode, settlement or not live, size, auction, terms and region.
        110_003
        | 110_004
        | 110_006
        | 110_007
        | 110_011..=110_013
        | 110_016
        | 110_017
        | 110_020..=110_026
        | 110_028
        | 110_043..=110_046
        | 110_051..=110_053
        | 110_063
        | 110_066
        | 110_074
        | 110_086
        | 110_089
        | 110_090
        | 110_094
        | 110_095
        | 110_098
        | 110_103
        | 110_120
        | 110_121
        | 110_123..=110_125
        | 110_132 => Verdict::Refused,
        // Spot: limits, balance, price band, value and decimals, pair not open, post-only.
        170_005
        | 170_033
        | 170_124
        | 170_131..=170_134
        | 170_136
        | 170_137
        | 170_140
        | 170_148
        | 170_151
        | 170_157
        | 170_192..=170_194
        | 170_217
        | 170_218
        | 170_222 => Verdict::Refused,
        // 10000, 10014, 10016, 10019, 429, 10429, 20003, 500000: time-outs, duplicates, restarts, overload.
        // 110072, 170141: the link id is used, so the order exists or existed. 110079, 170035: being processed.
        // 170001, 170007, 170032, 170146, 170149, 170210, 170234: inner failures. And whatever is not known here.
        _ => Verdict::Unknown,
    }
}

/// What became of an order whose answer was a `retCode` other than zero.
pub fn placed(code: i64, words: &str) -> Placed {
    match on_create(code) {
        Verdict::Refused => Placed::Refused {
            code,
            reason: brief(words),
        },
        Verdict::Received | Verdict::Unknown => Placed::Unknown {
            reason: format!("code {code}: {}", brief(words)),
        },
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

/// Whether a code says that the key was refused: unknown, expired, wrongly signed, without the permission, or used from
/// another address.
pub const fn is_about_key(code: i64) -> bool {
    matches!(code, 401 | 10003..=10005 | 10007 | 10010 | 33004)
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

    #[test]
    fn an_order_that_may_exist_is_never_called_refused() {
        for code in [
            10000, 10014, 10016, 10019, 429, 10429, 20003, 500_000, 110_072, 170_141, 110_079, 170_001, 170_007,
            170_032, 170_035, 170_146, 170_149, 170_210, 170_234,
        ] {
            assert_eq!(on_create(code), Verdict::Unknown, "{code}");
            assert!(matches!(placed(code, "words"), Placed::Unknown { .. }), "{code}");
        }
    }

    #[test]
    fn a_code_that_is_not_in_the_table_is_unknown() {
        assert_eq!(on_create(987_654), Verdict::Unknown);
        assert_eq!(on_create(-1), Verdict::Unknown);
    }

    #[test]
    fn a_refusal_is_final() {
        for code in [
            10001, 10002, 10003, 10004, 10005, 10006, 10007, 10009, 10010, 10024, 10027, 10028, 110_003, 110_004,
            110_007, 110_011, 110_017, 110_020, 110_023, 110_024, 110_028, 110_044, 110_063, 110_094, 110_095, 110_121,
            110_125, 170_005, 170_033, 170_124, 170_131, 170_132, 170_134, 170_137, 170_140, 170_148, 170_151, 170_193,
            170_217, 170_218, 170_222,
        ] {
            assert_eq!(on_create(code), Verdict::Refused, "{code}");
        }
        assert_eq!(
            placed(110_007, "not enough"),
            Placed::Refused {
                code: 110_007,
                reason: "not enough".to_owned()
            }
        );
    }

    #[test]
    fn zero_is_a_receipt() {
        assert_eq!(on_create(0), Verdict::Received);
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
        assert!(matches!(error(10016, ""), VenueError::Unreachable { .. }));
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

//! Times as people and files write them.

use domain::time::{HOUR_MS, Timestamp};

/// Earliest and latest instant that is believed: 2000 to 2200.
const BELIEVED: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;

/// Reads a date (`2026-01-31`, its midnight UTC) or an instant: `2026-01-31T08:00Z`, with or without seconds and their
/// fraction, ending in `Z` or an offset (`+01:00`). An instant without its zone is refused: it could be any of twenty-four.
pub fn parse_utc(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let midnight = day_of(date)?.checked_mul(24 * HOUR_MS)?;
    let within = time.map_or(Some(0), within_day)?;
    let at = midnight.checked_add(within)?;
    BELIEVED.contains(&at).then_some(Timestamp(at))
}

/// Milliseconds or microseconds since 1970, as Binance's archive writes them, or anything that [`parse_utc`] reads.
pub(super) fn parse_stamp(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<i64>() {
        Ok(micros) if micros >= 100_000_000_000_000 => Some(micros / 1_000),
        Ok(millis) => Some(millis),
        Err(_) => return parse_utc(text),
    }
    .filter(|at| BELIEVED.contains(at))
    .map(Timestamp)
}

/// `2024.01.31 08:00` of the bars that Bybit exports for `MetaTrader`, whose clock is three hours ahead of UTC all the year.
pub(super) fn parse_metatrader(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (date, time) = text.split_once(' ')?;
    parse_utc(&format!("{}T{time}+03:00", date.replace('.', "-")))
}

/// The whole hour next to an instant, where it is within a minute of it.
pub fn nearest_hour(at: Timestamp) -> Option<Timestamp> {
    let hour = Timestamp(0).plus_hours((at.0 + HOUR_MS / 2).div_euclid(HOUR_MS));
    (at.millis_since(hour).abs() < 60_000).then_some(hour)
}

fn number(text: &str, digits: usize, most: i64) -> Option<i64> {
    let sound = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    sound
        .then(|| text.parse().ok())
        .flatten()
        .filter(|value| *value <= most)
}

fn day_of(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (
        number(parts.next()?, 4, 9_999)?,
        number(parts.next()?, 2, 12)?,
        number(parts.next()?, 2, 31)?,
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if month == 0 || day == 0 || day > longest {
        return None;
    }
    // Years that begin in March, so that the leap day is their last.
    let (march_year, march_month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    Some(march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + day_of_year - 719_468)
}

fn within_day(time: &str) -> Option<i64> {
    let zone_at = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let offset = if zone == "Z" {
        0
    } else {
        let sign = if zone.starts_with('-') { -1 } else { 1 };
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        sign * (number(hours, 2, 14)? * 60 + number(minutes, 2, 59)?) * 60_000
    };
    let (hour, rest) = clock.split_once(':')?;
    let (minute, seconds) = rest.split_once(':').unwrap_or((rest, "00"));
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let digits = fraction.len();
    if digits == 0 || digits > 9 {
        return None;
    }
    let fraction = number(fraction, digits, i64::MAX)? * 1_000 / 10_i64.pow(u32::try_from(digits).ok()?);
    let clock = (number(hour, 2, 23)? * 60 + number(minute, 2, 59)?) * 60_000 + number(second, 2, 59)? * 1_000;
    Some(clock + fraction - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_utc_and_with_their_zone_only() {
        let read = |text: &str| parse_utc(text).map(|at| at.to_string());
        for (text, want) in [
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("2026-01-31T08:00Z", "2026-01-31T08:00:00.000Z"),
            ("2026-06-30T16:00:00.005Z", "2026-06-30T16:00:00.005Z"),
            ("2026-01-31T08:00:01+00:00", "2026-01-31T08:00:01.000Z"),
            ("2026-01-31T01:00:00+02:00", "2026-01-30T23:00:00.000Z"),
            ("2025-12-31T23:30-01:00", "2026-01-01T00:30:00.000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(want), "{text}");
        }
        for text in [
            "2026-01-31T08:00",
            "2025-02-29",
            "2026-13-01",
            "26-01-01",
            "",
            "2026-01-01T24:00Z",
            "1999-01-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn archives_write_milliseconds_or_microseconds() {
        let at = Some(Timestamp(1_735_689_600_000));
        assert_eq!(parse_stamp(b"1735689600000"), at);
        assert_eq!(parse_stamp(b"1735689600000000"), at);
        assert_eq!(parse_stamp(b"2025-01-01T00:00:00.000Z"), at);
        assert_eq!(parse_stamp(b"17"), None);
        assert_eq!(parse_metatrader(b"2025.01.01 03:00"), at);
        assert_eq!(parse_metatrader(b"2025.01.01"), None);
    }

    #[test]
    fn a_settlement_belongs_to_the_hour_next_to_it() {
        let hour = Timestamp(0).plus_hours(480_000);
        assert_eq!(nearest_hour(hour.plus_millis(47)), Some(hour));
        assert_eq!(nearest_hour(hour.plus_millis(-3)), Some(hour));
        assert_eq!(nearest_hour(hour.plus_millis(60_000)), None);
    }
}

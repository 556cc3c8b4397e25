//! Price paths on an hourly grid, in integers only.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::Ms;
use super::super::book::mix;
use super::super::schedule::HOUR_MS;

/// Decimal places of a price in integer units.
pub(super) const PRICE_SCALE: u32 = 12;
/// Offsets and returns are counted in hundred-millionths; a basis point is 10 000 of them.
pub(super) const ONE: i64 = 100_000_000;
/// A basis point.
pub(super) const BP: i64 = 10_000;
const MINUTE_MS: Ms = 60_000;

/// The dice of one purpose.
pub(super) fn dice(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A bell-shaped draw with mean 0 and the given spread: four 16-bit draws added, whose own spread is 37 837.
pub(super) fn bell(rng: &mut ChaCha8Rng, spread: i64) -> i64 {
    let word = rng.next_u64();
    let sum: u64 = (0..4).map(|lane| (word >> (lane * 16)) & 0xFFFF).sum();
    let centred = sum.cast_signed() - 131_070;
    centred * spread / 37_837
}

/// A draw from `low..=high`.
pub(super) fn between(rng: &mut ChaCha8Rng, low: i64, high: i64) -> i64 {
    let width = high.saturating_sub(low).max(0).cast_unsigned() + 1;
    low + (rng.next_u64() % width).cast_signed()
}

/// A walk that is pulled gently back to where it began, so that a year does not end at nothing.
pub(super) fn prices(seed: u64, opening: i64, spread: i64, hours: usize) -> Vec<i64> {
    let mut rng = dice(seed);
    let mut price = opening;
    let mut path = Vec::with_capacity(hours + 1);
    for _ in 0..=hours {
        path.push(price);
        let away = i128::from(price - opening) * i128::from(ONE) / i128::from(opening.max(1));
        let pull = -(i64::try_from(away).unwrap_or(0) / 400);
        let step = (bell(&mut rng, spread) + pull).clamp(-ONE / 10, ONE / 10);
        let moved = i128::from(price) * i128::from(ONE + step) / i128::from(ONE);
        // Between a twentieth and twenty times the opening: what a listing survives.
        price = i64::try_from(moved)
            .unwrap_or(price)
            .clamp(opening / 20 + 1, opening.saturating_mul(20));
    }
    path
}

/// A mean-reverting distance from the coin's price.
pub(super) fn offsets(seed: u64, mean: i64, spread: i64, hours: usize) -> Vec<i64> {
    let mut rng = dice(seed);
    let mut away = 0;
    // With a memory of 0.9 an hour the steps are 0.44 of the lasting spread.
    (0..=hours)
        .map(|_| {
            let here = mean + away;
            away = away * 9 / 10 + bell(&mut rng, spread * 44 / 100);
            here
        })
        .collect()
}

/// Between two grid points: starts and ends level, so that the path has no corners.
pub(super) fn smooth(path: &[i64], since_start: Ms) -> Option<i64> {
    let index = usize::try_from(since_start.div_euclid(HOUR_MS)).ok()?;
    let here = i128::from(*path.get(index)?);
    let part = i128::from(since_start.rem_euclid(HOUR_MS));
    let Some(next) = path.get(index + 1) else {
        // The last point itself is still inside.
        return (part == 0).then(|| i64::try_from(here).ok()).flatten();
    };
    let hour = i128::from(HOUR_MS);
    let weight = part * part * (3 * hour - 2 * part);
    i64::try_from(here + (i128::from(*next) - here) * weight / (hour * hour * hour)).ok()
}

/// A small unrest within the hour, up to `width` either way: a new target each minute, straight lines between.
pub(super) fn unrest(seed: u64, now: Ms, width: i64) -> i64 {
    let minute = now.div_euclid(MINUTE_MS);
    let part = now.rem_euclid(MINUTE_MS);
    let target = |at: Ms| {
        let range = (2 * width + 1).max(1).cast_unsigned();
        (mix(seed ^ at.cast_unsigned()) % range).cast_signed() - width
    };
    let (from, to) = (target(minute), target(minute + 1));
    from + (to - from) * part / MINUTE_MS
}

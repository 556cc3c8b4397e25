//! Funding as it comes: calm most of the time, a fat tail below, now and then days of rich rates and the slump after.
//!
//! Calibration (bps per 8 h): a settlement is clamped at the base rate of 1 bp, its median lies near 0.3 and its
//! lower quartile near -0.4; one window in forty begins a fall of several bps; consecutive windows correlate at about
//! one half, the two venues likewise; one window in five hundred is a lone spike that does not repeat.

use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::super::book::{mix, mix_text};
use super::super::schedule::{HOUR_MS, Row};
use super::super::{Ms, Venue};
use super::assets::Asset;
use super::walk::{BP, bell, between, dice};

/// Hours from the beginning of the grid to the first rich spells.
pub(super) const SPELLS_BEGIN_HOUR: i64 = 48;

/// Days of rich rates, then the slump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell {
    binance: bool,
    bybit: bool,
    from_hour: i64,
    until_hour: i64,
    slump_until_hour: i64,
    /// Hundred-millionths per 8 h.
    rich: i64,
    slump: i64,
}

impl Spell {
    fn draw(rng: &mut ChaCha8Rng, (binance, bybit): (bool, bool), from_hour: i64, least: i64) -> Self {
        let until_hour = from_hour + between(rng, 8, 12) * 8;
        let slump_until_hour = until_hour + between(rng, 4, 7) * 8;
        let rich = between(rng, least * BP, 12 * BP);
        Self {
            binance,
            bybit,
            from_hour,
            until_hour,
            slump_until_hour,
            rich,
            slump: -between(rng, BP, 4 * BP),
        }
    }

    fn touches(&self, venue: Venue) -> bool {
        match venue {
            Venue::Binance => self.binance,
            Venue::Bybit => self.bybit,
        }
    }
}

/// The spells of every asset: four near the beginning (two on both venues, one on each alone), then one in about
/// 45 days.
pub(super) fn spells(seed: u64, count: usize, hours: i64) -> Vec<Vec<Spell>> {
    let mut rng = dice(mix(seed ^ 0x5E11));
    let mut of: Vec<Vec<Spell>> = vec![Vec::new(); count];
    // The largest coins stay calm where there are others to choose from.
    let mut free: Vec<usize> = (if count >= 6 { 2 } else { 0 }..count).collect();
    for venues in [(true, true), (true, true), (true, false), (false, true)] {
        if free.is_empty() {
            break;
        }
        let last = i64::try_from(free.len()).unwrap_or(1) - 1;
        let pick = free.remove(usize::try_from(between(&mut rng, 0, last)).unwrap_or(0));
        if let Some(list) = of.get_mut(pick) {
            list.push(Spell::draw(&mut rng, venues, SPELLS_BEGIN_HOUR, 8));
        }
    }
    for list in &mut of {
        let mut from = between(&mut rng, 12 * 3, 45 * 3) * 8;
        while from < hours {
            let venues = match between(&mut rng, 0, 4) {
                0 => (true, false),
                1 => (false, true),
                _ => (true, true),
            };
            let spell = Spell::draw(&mut rng, venues, from, 5);
            from = spell.slump_until_hour + between(&mut rng, 30 * 3, 50 * 3) * 8;
            list.push(spell);
        }
    }
    of
}

/// Hours between settlements at an hour of the grid. Most contracts pay every 8 h; a few every 4 or 1; one in ten
/// goes over to 4 h on Bybit for three days.
fn interval(index: usize, venue: Venue, hour: i64) -> i64 {
    match (index % 10, venue) {
        (3, _) | (7, Venue::Binance) => 4,
        (9, Venue::Bybit) => 1,
        (6, Venue::Bybit) if (144..216).contains(&hour) => 4,
        _ => 8,
    }
}

/// Rates per 8 h, one per window, without spells.
fn calm(seed: u64, asset: &Asset, venue: Venue, windows: usize) -> Vec<i64> {
    let name = mix_text(seed, &asset.base);
    let mut common = dice(mix(name ^ 0xC0));
    let mut own = dice(mix(name ^ 0xC1 ^ ((venue as u64) << 16)));
    let (mut shared, mut alone, mut fall) = (0, 0, 0);
    (0..windows)
        .map(|_| {
            // Half of what was stays; 0.87 keeps the spread at 1. Two thirds of it is common to the venues.
            shared = shared / 2 + bell(&mut common, 8_300);
            alone = alone / 2 + bell(&mut own, 6_700);
            let hit = between(&mut common, 0, 999) < 25;
            let size = between(&mut common, 3 * BP, 14 * BP);
            fall = fall / 2 + if hit { size } else { 0 };
            let spike = between(&mut own, 0, 999) < 2;
            let height = between(&mut own, 8 * BP, 30 * BP);
            if spike {
                height
            } else {
                (3_500 + shared + alone - fall).min(BP)
            }
        })
        .collect()
}

/// Every settlement of one perpetual from the grid's first hour to its last.
pub(super) fn settlements(
    seed: u64,
    (index, asset): (usize, &Asset),
    venue: Venue,
    spells: &[Spell],
    (grid_ms, hours): (Ms, i64),
) -> Vec<Row> {
    let windows = usize::try_from(hours / 8 + 2).unwrap_or(0);
    let base = calm(seed, asset, venue, windows);
    let mut noise = dice(mix(mix_text(seed, &asset.base) ^ 0x0153 ^ ((venue as u64) << 16)));
    let cap = asset.cap(venue);
    let mut rows = Vec::new();
    let (mut hour, mut covers) = (0, interval(index, venue, 0));
    // One settlement beyond the end, so that the last instant still has a coming one.
    while hour <= hours + 8 {
        let wobble = bell(&mut noise, 6_000);
        let calm = base.get(usize::try_from(hour / 8).unwrap_or(0)).copied().unwrap_or(BP);
        let per_8h = spells.iter().filter(|s| s.touches(venue)).fold(calm, |rate, spell| {
            if hour > spell.from_hour && hour <= spell.until_hour {
                (spell.rich + wobble).max(5 * BP)
            } else if hour > spell.until_hour && hour <= spell.slump_until_hour {
                (spell.slump + wobble / 2).clamp(-4 * BP, -BP)
            } else {
                rate
            }
        });
        rows.push(Row {
            at_ms: grid_ms + hour * HOUR_MS,
            interval_hours: u32::try_from(covers).unwrap_or(8),
            rate: Decimal::new(per_8h * covers / 8, 8).clamp(-cap, cap),
            mark: None,
        });
        covers = interval(index, venue, hour);
        hour += covers;
    }
    rows
}

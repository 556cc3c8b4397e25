//! The shadow book: what pairs that are not held would have earned, week by week, for each gate that stopped them.
//!
//! - SH-1  A pair that the same gate has stopped for a while is followed as if it had been entered then: it pays its round trip
//!   once, in the week in which that begins, and earns each settlement of both legs from then on.
//! - SH-2  A pair that was left is followed as if it had been kept: it pays nothing more.
//! - SH-3  What settles is what the venue last estimated before it. What was not heard is not counted.
//! - SH-4  Of an asset one pair could have been held: a gate's regret of a week is the sum, over the assets, of its best pair's
//!   gain, where there was one.

use std::collections::{BTreeMap, BTreeSet};

use crate::instrument::Name;
use crate::money::{Bps, Rate};
use crate::strategy::Pair;
use crate::time::{HOUR_MS, Timestamp};

/// A gate that is over sooner, in milliseconds of market time, has cost nothing.
const PATIENCE_MS: i64 = 10 * 60_000;
/// Weeks that are kept.
const KEPT_WEEKS: usize = 5;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The first Monday after the epoch.
const MONDAY_MS: i64 = 4 * DAY_MS;
/// The gate of what was held and left.
pub const LEFT: &str = "left";

/// What a leg was expected to pay at its next settlement, when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it settles.
    pub at: Timestamp,
    /// The running estimate.
    pub rate: Rate,
}

/// A pair as it is seen at a look.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its asset.
    pub asset: &'a Name,
    /// Which.
    pub pair: &'a Pair,
    /// The gate that stops it; none when it may be entered.
    pub gate: Option<&'static str>,
    /// Whether it is held.
    pub held: bool,
    /// A round trip's costs, where they are known.
    pub costs: Option<Bps>,
    /// The next settlements of the long and of the short leg, where they are known.
    pub due: [Option<Due>; 2],
}

/// What a pair would have brought in a week, in basis points of one leg's notional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// Settlements.
    pub funding: Bps,
    /// What entering would have cost.
    pub costs: Bps,
}

impl Earned {
    /// What would have been left.
    pub fn net(&self) -> Bps {
        self.funding - self.costs
    }
}

/// What a gate has cost in a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regret {
    /// Monday 00:00 UTC.
    pub week: Timestamp,
    /// The gate.
    pub gate: &'static str,
    /// The sum over the assets of the best pair's gain, of one leg's notional each.
    pub missed: Bps,
    /// Assets with a gain.
    pub assets: usize,
    /// Assets that it stopped.
    pub of: usize,
    /// The best of them, with its gain.
    pub best: Option<(Pair, Bps)>,
}

/// A pair that is followed.
#[derive(Clone, Debug)]
struct Followed {
    asset: Name,
    /// The gate that it is booked on, and since when; none before one has lasted.
    gate: Option<&'static str>,
    /// The gate that stops it now, and since when.
    stopped: Option<(&'static str, Timestamp)>,
    held: bool,
    due: [Option<Due>; 2],
}

/// One line of the book: a pair, a week, a gate.
type Line = (Pair, Timestamp, &'static str);

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    followed: BTreeMap<Pair, Followed>,
    lines: BTreeMap<Line, (Name, Earned)>,
}

/// Monday 00:00 UTC of the week of an instant.
pub const fn week_of(at: Timestamp) -> Timestamp {
    let week = 7 * DAY_MS;
    Timestamp((at.0 - MONDAY_MS).div_euclid(week) * week + MONDAY_MS)
}

impl Shadow {
    /// Looks at every pair once; to be done every minute or so.
    pub fn look<'a>(&mut self, seen: impl IntoIterator<Item = Seen<'a>>, now: Timestamp) {
        for one in seen {
            self.look_at(&one, now);
        }
        let weeks: BTreeSet<_> = self.lines.keys().map(|(_, week, _)| *week).collect();
        let oldest = weeks.into_iter().nth_back(KEPT_WEEKS - 1);
        self.lines
            .retain(|(_, week, _), _| oldest.is_none_or(|oldest| *week >= oldest));
    }

    fn look_at(&mut self, one: &Seen<'_>, now: Timestamp) {
        let followed = self.followed.entry(one.pair.clone()).or_insert_with(|| Followed {
            asset: one.asset.clone(),
            gate: None,
            stopped: None,
            held: one.held,
            due: [None; 2],
        });
        let funding = settled(&mut followed.due, one.due, now);
        let was_held = std::mem::replace(&mut followed.held, one.held);
        if one.held {
            (followed.gate, followed.stopped) = (None, None);
            return;
        }
        let (mut entered, asset) = (None, followed.asset.clone());
        let booked = followed.gate;
        if was_held {
            followed.gate = Some(LEFT);
        } else {
            followed.stopped = match (followed.stopped, one.gate) {
                (Some((before, since)), Some(gate)) if before == gate => Some((gate, since)),
                (_, gate) => gate.map(|gate| (gate, now)),
            };
            let lasted = followed
                .stopped
                .filter(|(_, since)| now.millis_since(*since) >= PATIENCE_MS);
            // What was left stays so until it is entered again.
            if let (Some((gate, _)), true) = (lasted, followed.gate != Some(LEFT)) {
                if followed.gate.is_none() {
                    entered = one.costs;
                }
                // Without its costs it would be all gain: it begins when they are known.
                followed.gate = followed.gate.map(|_| gate).or(entered.map(|_| gate));
            }
        }
        if let Some(gate) = booked.filter(|_| funding != Bps::ZERO) {
            self.book(gate, one.pair, &asset, now).funding += funding;
        }
        let begun = self.followed.get(one.pair).and_then(|followed| followed.gate);
        if let (Some(gate), Some(costs)) = (begun, entered) {
            self.book(gate, one.pair, &asset, now).costs += costs;
        }
    }

    fn book(&mut self, gate: &'static str, pair: &Pair, asset: &Name, at: Timestamp) -> &mut Earned {
        let line = (pair.clone(), week_of(at), gate);
        let empty = || (asset.clone(), Earned::default());
        &mut self.lines.entry(line).or_insert_with(empty).1
    }

    /// What a pair would have brought in the week of `at`, by gate.
    pub fn of<'a>(&'a self, pair: &'a Pair, at: Timestamp) -> impl Iterator<Item = (&'static str, Earned)> + 'a {
        let week = week_of(at);
        let of_pair = self.lines.range((pair.clone(), week, "")..);
        let of_pair = of_pair.take_while(move |((other, of, _), _)| other == pair && *of == week);
        of_pair.map(|((_, _, gate), (_, earned))| (*gate, *earned))
    }

    /// Every gate's regret of each week that is kept, the newest week first, the dearest gate first (SH-4).
    pub fn regrets(&self) -> Vec<Regret> {
        let mut best: BTreeMap<(Timestamp, &'static str, &Name), (Bps, &Pair)> = BTreeMap::new();
        for ((pair, week, gate), (asset, earned)) in &self.lines {
            let net = earned.net();
            let entry = best.entry((*week, *gate, asset)).or_insert((net, pair));
            if net > entry.0 {
                *entry = (net, pair);
            }
        }
        let mut regrets: Vec<Regret> = Vec::new();
        for ((week, gate, _), (net, pair)) in best {
            let place = regrets.iter().position(|one| (one.week, one.gate) == (week, gate));
            let place = place.unwrap_or_else(|| {
                regrets.push(Regret {
                    week,
                    gate,
                    missed: Bps::ZERO,
                    assets: 0,
                    of: 0,
                    best: None,
                });
                regrets.len() - 1
            });
            let Some(regret) = regrets.get_mut(place) else { continue };
            regret.of += 1;
            if net > Bps::ZERO {
                regret.assets += 1;
                regret.missed += net;
                if regret.best.as_ref().is_none_or(|(_, best)| net > *best) {
                    regret.best = Some((pair.clone(), net));
                }
            }
        }
        regrets.sort_by(|a, b| {
            b.week
                .cmp(&a.week)
                .then(b.missed.cmp(&a.missed))
                .then(a.gate.cmp(b.gate))
        });
        regrets
    }
}

/// Takes in what is due now; answers what has settled since the last look, for a pair that is long in the first leg and short
/// in the second (SH-3).
fn settled(before: &mut [Option<Due>; 2], due: [Option<Due>; 2], now: Timestamp) -> Bps {
    let mut received = Bps::ZERO;
    for ((before, due), sign) in before.iter_mut().zip(due).zip([-1, 1]) {
        if let Some(last) = *before
            && last.at <= now
        {
            received += Bps(last.rate.bps().0 * rust_decimal::Decimal::from(sign));
            *before = None;
        }
        if let Some(next) = due.filter(|next| next.at > now) {
            *before = Some(next);
        }
    }
    received
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::dec;
    use crate::instrument::{InstrumentId, Product, VenueId};

    fn pair(symbol: &str) -> Pair {
        let id = |venue, product| InstrumentId {
            venue,
            product,
            symbol: Name::new(symbol),
        };
        Pair {
            long: id(VenueId::Binance, Product::Spot),
            short: id(VenueId::Bybit, Product::Perp),
        }
    }

    /// A look at minute `minute` after Monday: this gate, this estimate for the settlement of the next whole eight hours.
    fn look(shadow: &mut Shadow, minute: i64, symbol: &str, gate: Option<&'static str>, rate: &str, held: bool) {
        let market = Timestamp(MONDAY_MS + minute * 60_000);
        let step = 8 * HOUR_MS;
        let due = Due {
            at: Timestamp((market.0.div_euclid(step) + 1) * step),
            rate: Rate(dec(rate)),
        };
        let (asset, pair) = (Name::new(symbol), pair(symbol));
        let one = Seen {
            asset: &asset,
            pair: &pair,
            gate,
            held,
            costs: Some(Bps(dec("20"))),
            due: [None, Some(due)],
        };
        shadow.look([one], market);
    }

    fn told(shadow: &Shadow) -> Vec<(&'static str, String, usize, usize)> {
        let told = |one: Regret| (one.gate, one.missed.0.normalize().to_string(), one.assets, one.of);
        shadow.regrets().into_iter().map(told).collect()
    }

    /// Two assets are stopped by the same gate: A would have received 3 × 10 bps for 20, B 3 × 5.
    #[test]
    fn a_weeks_regret_is_what_was_missed_less_what_it_would_have_cost() {
        let mut shadow = Shadow::default();
        for minute in (0..=25 * 60).step_by(10) {
            look(&mut shadow, minute, "AUSDT", Some("spread"), "0.001", false);
            look(&mut shadow, minute, "BUSDT", Some("spread"), "0.0005", false);
        }
        assert_eq!(told(&shadow), [("spread", "10".to_owned(), 1, 2)]);
        let regret = shadow.regrets().remove(0);
        assert_eq!(
            (regret.week, regret.best),
            (Timestamp(MONDAY_MS), Some((pair("AUSDT"), Bps(dec("10")))))
        );
        let b: Vec<_> = shadow.of(&pair("BUSDT"), Timestamp(MONDAY_MS)).collect();
        let earned = Earned {
            funding: Bps(dec("15")),
            costs: Bps(dec("20")),
        };
        assert_eq!(b, [("spread", earned)]);
    }

    #[test]
    fn a_moments_gate_costs_nothing_and_what_is_held_is_not_followed() {
        let mut shadow = Shadow::default();
        for minute in 0..60 {
            let gate = (minute % 9 == 0).then_some("blackout");
            look(&mut shadow, minute, "AUSDT", gate, "0.001", false);
            look(&mut shadow, minute, "BUSDT", None, "0.001", true);
        }
        assert_eq!(told(&shadow), []);
    }

    /// Left at 01:00; settlements at 08:00 and 16:00 bring 10 bps each, and there is nothing more to pay.
    #[test]
    fn what_was_left_is_followed_as_if_it_had_been_kept() {
        let mut shadow = Shadow::default();
        for minute in (0..17 * 60).step_by(10) {
            look(&mut shadow, minute, "AUSDT", Some("spread"), "0.001", minute < 60);
        }
        assert_eq!(told(&shadow), [("left", "20".to_owned(), 1, 1)]);
        // The costs are paid by the entry when it is entered again, and nothing is followed any more.
        for minute in (17 * 60..40 * 60).step_by(10) {
            look(&mut shadow, minute, "AUSDT", None, "0.001", true);
        }
        assert_eq!(told(&shadow), [("left", "20".to_owned(), 1, 1)]);
    }

    #[test]
    fn another_gate_goes_on_with_what_has_been_paid_for() {
        let mut shadow = Shadow::default();
        for minute in (0..25 * 60).step_by(10) {
            let gate = if minute < 12 * 60 { "no_room" } else { "paused" };
            look(&mut shadow, minute, "AUSDT", Some(gate), "0.003", false);
        }
        // 30 bps at 08:00 less 20; at 16:00 and at midnight, in the same week, 30 each.
        assert_eq!(
            told(&shadow),
            [("paused", "60".to_owned(), 1, 1), ("no_room", "10".to_owned(), 1, 1)]
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_old_ones_are_let_go() {
        // 2026-11-23 is a Monday.
        let monday = Timestamp(1_795_392_000_000);
        assert_eq!(
            (week_of(monday), week_of(monday.plus_hours(7 * 24 - 1))),
            (monday, monday)
        );
        assert_eq!(week_of(monday.plus_millis(-1)), monday.plus_hours(-7 * 24));
        let mut shadow = Shadow::default();
        for hour in (0..8 * 7 * 24).step_by(4) {
            look(&mut shadow, hour * 60, "AUSDT", Some("spread"), "0.001", false);
        }
        let weeks: Vec<_> = shadow.regrets().iter().map(|one| one.week).collect();
        assert_eq!(weeks.len(), KEPT_WEEKS);
        assert!(weeks.iter().all(|week| *week == week_of(*week)));
    }
}

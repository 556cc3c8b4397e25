//! Each hedge's true position, from the venues' fills.
//!
//! - I2a  A hedge's |net delta| never exceeds its largest order plus X, by the engine's own doing.
//! - I2b  It is beyond X for no longer than the bound allows.
//! - I11  A fill with closing purpose never increases the hedge's |position| on its leg, nor flips its sign.
//!
//! What the venue forces (liquidation, forced reduction) changes a hedge but is not the engine's doing: it moves the
//! delta without being judged; the engine's next fill is judged again. A stranger's trade does the same with what goes
//! beyond his own position.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::bounds::{Bounds, instrument};
use crate::fact::{Fill, Intent, Purpose};
use crate::findings::Findings;

/// Venue, product, symbol.
type Leg = (String, String, String);

/// Hedges by name.
#[derive(Debug, Default)]
pub struct Exposure {
    hedges: BTreeMap<String, Hedge>,
    holders: BTreeMap<Leg, BTreeSet<String>>,
    longest_naked_ms: i64,
    /// Whether something bad happens to the world, and since when it does not.
    troubled: bool,
    calm_since: Option<i64>,
    /// Hedges that have become flat and were not asked for yet.
    flat: Vec<String>,
    /// What strangers hold beside the hedges, signed: a venue nets both.
    strange: BTreeMap<Leg, Decimal>,
}

#[derive(Debug, Default)]
struct Hedge {
    asset: String,
    /// Largest single order intended, in units of the asset.
    largest_order: Decimal,
    /// Signed sum of the legs, in units of the asset.
    delta: Decimal,
    legs: BTreeMap<Leg, Holding>,
    naked_since: Option<i64>,
}

#[derive(Debug, Default)]
struct Holding {
    quantity: Decimal,
    /// The engine's part alone: what strangers took of it still counts here, for its own orders may have left before.
    own: Decimal,
    multiplier: Decimal,
}

impl Hedge {
    fn is_flat(&self, bounds: &Bounds) -> bool {
        let most = bounds.naked(&self.asset);
        let mut legs = self.legs.values();
        legs.all(|held| (held.quantity * held.multiplier).abs() <= most)
    }

    /// Moves one leg and the delta with it, by a stranger's hand or not; returns the engine's part of the leg before and
    /// after.
    fn apply(&mut self, leg: &Leg, change: Decimal, by_stranger: bool) -> (Decimal, Decimal) {
        let holding = self.legs.entry(leg.clone()).or_default();
        let before = holding.own;
        holding.quantity += change;
        if !by_stranger {
            holding.own += change;
        }
        self.delta += change * holding.multiplier;
        (before, holding.own)
    }
}

impl Exposure {
    /// A hedge means to send an order.
    pub fn intend(&mut self, intent: &Intent) {
        let leg = (intent.venue.clone(), intent.product.clone(), intent.symbol.clone());
        let hedge = self.hedges.entry(intent.hedge.clone()).or_default();
        hedge.asset.clone_from(&intent.asset);
        hedge.largest_order = hedge.largest_order.max(intent.quantity * intent.multiplier);
        hedge.legs.entry(leg.clone()).or_default().multiplier = intent.multiplier;
        self.holders.entry(leg).or_default().insert(intent.hedge.clone());
    }

    /// A venue executed, for the intent if there is one. Answers what hedges lost by it, where nobody here ordered it.
    pub fn fill(
        &mut self,
        fill: &Fill,
        own: Option<&Intent>,
        foreign: bool,
        bounds: &Bounds,
        findings: &mut Findings,
    ) -> Decimal {
        let leg = (fill.venue.clone(), fill.product.clone(), fill.symbol.clone());
        let change = effect(fill, bounds);
        match own {
            Some(intent) => {
                self.own_fill(fill, &leg, change, intent, bounds, findings);
                Decimal::ZERO
            }
            None if foreign => self.foreign_fill(&leg, change, bounds, findings),
            None => change - self.taken(&leg, change, false, (bounds, findings)),
        }
    }

    /// The longest naked time of any hedge up to `now_ms`.
    #[must_use]
    pub fn longest_naked_ms(&self, now_ms: i64) -> i64 {
        let running = self
            .hedges
            .values()
            .filter_map(|hedge| hedge.naked_since)
            .map(|since| now_ms - since);
        running.max().unwrap_or(0).max(self.longest_naked_ms)
    }

    /// A stranger traded: what he holds on the other side is his own to move; what goes beyond it hedges lose, and the rest
    /// is his. Answers what hedges lost.
    fn foreign_fill(&mut self, leg: &Leg, change: Decimal, bounds: &Bounds, findings: &mut Findings) -> Decimal {
        let his = self.strange.entry(leg.clone()).or_default();
        let opposed = !his.is_zero() && his.is_sign_negative() != change.is_sign_negative();
        let size = if opposed {
            his.abs().min(change.abs())
        } else {
            Decimal::ZERO
        };
        let own = if change.is_sign_negative() { -size } else { size };
        *his += own;
        let met = change - own;
        let left = self.taken(leg, met, true, (bounds, findings));
        *self.strange.entry(leg.clone()).or_default() += left;
        met - left
    }

    /// Something bad begins or has ended: until some time after it nobody can do anything about a naked leg, and that time
    /// is what is judged.
    pub fn trouble(&mut self, begins: bool, at_ms: i64) {
        self.troubled = begins;
        self.calm_since = Some(at_ms);
    }

    /// How long somebody could have done something about a nakedness that began then; nothing is judged amid troubles.
    fn judged(&self, since: i64, now: i64) -> Option<i64> {
        (!self.troubled).then(|| now - self.calm_since.map_or(since, |calm| calm.max(since)))
    }

    /// Whether any hedge holds an instrument.
    #[must_use]
    pub fn is_held(&self, venue: &str, product: &str, symbol: &str) -> bool {
        let leg = (venue.to_owned(), product.to_owned(), symbol.to_owned());
        let mut hedges = self.hedges_of(&leg);
        hedges.any(|hedge| hedge.legs.get(&leg).is_some_and(|held| !held.quantity.is_zero()))
    }

    /// Whether an instrument, by its name, is a leg of any hedge that is not flat.
    #[must_use]
    pub fn is_leg_of_any(&self, name: &str, bounds: &Bounds) -> bool {
        let mut named = self
            .holders
            .keys()
            .filter(|(venue, product, symbol)| instrument(venue, product, symbol) == name);
        named.any(|leg| self.hedges_of(leg).any(|hedge| !hedge.is_flat(bounds)))
    }

    fn hedges_of(&self, leg: &Leg) -> impl Iterator<Item = &Hedge> {
        let names = self.holders.get(leg).into_iter().flatten();
        names.filter_map(|name| self.hedges.get(name))
    }

    /// Whether nothing was ever executed for a hedge, or nothing of it is left.
    #[must_use]
    pub fn is_untouched(&self, hedge: &str) -> bool {
        let legs = self.hedges.get(hedge).map(|hedge| hedge.legs.values());
        legs.into_iter().flatten().all(|held| held.quantity.is_zero())
    }

    /// Whether no leg of a hedge is beyond X.
    #[must_use]
    pub fn is_flat(&self, hedge: &str, bounds: &Bounds) -> bool {
        self.hedges.get(hedge).is_none_or(|hedge| hedge.is_flat(bounds))
    }

    /// The hedges that have become flat since the last time.
    pub fn take_flat(&mut self) -> Vec<String> {
        std::mem::take(&mut self.flat)
    }

    fn own_fill(
        &mut self,
        fill: &Fill,
        leg: &Leg,
        change: Decimal,
        intent: &Intent,
        bounds: &Bounds,
        findings: &mut Findings,
    ) {
        let Some(hedge) = self.hedges.get_mut(&intent.hedge) else {
            return;
        };
        let delta_before = hedge.delta;
        // An order that went elsewhere than intended is found by I1; here it must still count.
        hedge.legs.entry(leg.clone()).or_insert_with(|| Holding {
            multiplier: intent.multiplier,
            ..Holding::default()
        });
        let (before, after) = hedge.apply(leg, change, false);
        let (name, trade) = (&intent.hedge, &fill.trade_id);

        findings.exercise("I2a");
        let bound = hedge.largest_order + bounds.naked(&hedge.asset);
        if hedge.delta.abs() > bound && hedge.delta.abs() > delta_before.abs() {
            let (delta, asset) = (hedge.delta, &hedge.asset);
            findings.broken(
                "I2a",
                format!("trade {trade} took hedge {name} to {delta} {asset} naked, beyond {bound}"),
            );
        }
        if intent.purpose == Purpose::Close {
            findings.exercise("I11");
            if after.abs() > before.abs() || (before * after).is_sign_negative() && !after.is_zero() {
                let id = &intent.client_id;
                findings.broken(
                    "I11",
                    format!("closing order {id} took {leg:?} of hedge {name} from {before} to {after}"),
                );
            }
        }
        self.clock(&intent.hedge, bounds, findings);
    }

    /// The venue or a stranger took from a leg: whoever holds it on the other side loses it, in the order of their names.
    /// Answers what met nobody.
    fn taken(
        &mut self,
        leg: &Leg,
        change: Decimal,
        by_stranger: bool,
        (bounds, findings): (&Bounds, &mut Findings),
    ) -> Decimal {
        let holders = self.holders.get(leg).cloned().unwrap_or_default();
        let mut left = change;
        for name in holders {
            let Some(hedge) = self.hedges.get_mut(&name) else {
                continue;
            };
            let held = hedge.legs.get(leg).map_or(Decimal::ZERO, |holding| holding.quantity);
            if held.is_zero() || left.is_zero() || held.is_sign_negative() == left.is_sign_negative() {
                continue;
            }
            let size = held.abs().min(left.abs());
            let part = if left.is_sign_negative() { -size } else { size };
            hedge.apply(leg, part, by_stranger);
            left -= part;
            self.clock(&name, bounds, findings);
        }
        left
    }

    /// The world is at rest: whoever is naked still has been for too long, or will be judged later.
    pub fn rest(&self, bounds: &Bounds, findings: &mut Findings) {
        let now = findings.at_ms();
        for (name, hedge) in &self.hedges {
            if let Some(lasted) = hedge.naked_since.and_then(|since| self.judged(since, now)) {
                judge_time(name, hedge, lasted, bounds, findings);
            }
        }
    }

    /// Starts or stops the clock of a hedge's nakedness.
    fn clock(&mut self, name: &str, bounds: &Bounds, findings: &mut Findings) {
        let (troubled, calm_since) = (self.troubled, self.calm_since);
        let Some(hedge) = self.hedges.get_mut(name) else { return };
        if hedge.is_flat(bounds) {
            self.flat.push(name.to_owned());
        }
        let (naked, at_ms) = (hedge.delta.abs() > bounds.naked(&hedge.asset), findings.at_ms());
        match (naked, hedge.naked_since) {
            (true, None) => hedge.naked_since = Some(at_ms),
            (false, Some(since)) => {
                hedge.naked_since = None;
                self.longest_naked_ms = self.longest_naked_ms.max(at_ms - since);
                if !troubled {
                    let since = calm_since.map_or(since, |calm| calm.max(since));
                    judge_time(name, hedge, at_ms - since, bounds, findings);
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}

fn judge_time(name: &str, hedge: &Hedge, lasted_ms: i64, bounds: &Bounds, findings: &mut Findings) {
    let Some(most) = bounds.naked_at_most_ms else {
        return;
    };
    findings.exercise("I2b");
    if lasted_ms > most {
        let (delta, asset) = (hedge.delta, &hedge.asset);
        findings.broken(
            "I2b",
            format!("hedge {name} was naked for {lasted_ms} ms, allowed {most}; it stands at {delta} {asset}"),
        );
    }
}

/// What a fill does to the position: on spot a fee taken in the coin itself is not held.
fn effect(fill: &Fill, bounds: &Bounds) -> Decimal {
    let signed = fill.side.signed(fill.quantity);
    match bounds.split(&fill.symbol) {
        Some((base, _)) if fill.product == "spot" && base == fill.fee_asset => signed - fill.fee,
        _ => signed,
    }
}

//! A hedge: two legs of one asset, and the machine that moves them.
//!
//! ```text
//! mod      legs, states, and which order is next
//! job      one pass of work: its goal, its slices, what has been tried
//! ```
//!
//! - HE-1  The leg that is sent second is never larger than what the first one holds.
//! - HE-2  What cannot be matched is taken back; what cannot be taken back is `OneLegged`, loudly.
//! - HE-3  Leaving never enters: once a hedge is leaving, only reducing orders are asked for.
//! - HE-4  Every job ends: each kind of order has a bounded number of attempts, and an entry a bounded number of slices.
//! - HE-5  An entry in slices begins none before both legs hold the same: never more than one slice stands alone.
//!
//! The machine asks for one order at a time ([`Next::Order`]) and is told what it delivered ([`Hedge::traded`]). It
//! needs no memory but what the legs hold and how often it has tried, so a restart that knows the fills continues it.

mod job;

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;

use self::job::Slice;
pub use self::job::{Course, Goal, Job};

use crate::instrument::{Instrument, InstrumentId, Name, Product, Side};
use crate::money::{AssetQuantity, Price, Quantity, Rate, floor_to};
use crate::order::{HedgeId, LegIndex, Purpose};
use crate::time::Timestamp;

/// Tries to enter a leg before the job turns round.
pub const ENTRY_ATTEMPTS: u8 = 3;
/// Tries to leave or take back a leg before the job gives up and says so. The last half goes at market.
pub const REDUCE_ATTEMPTS: u8 = 6;

/// How long a hedge is left alone after so many jobs in a row that left it as it was: at once after the first, then
/// doubling from 2 s to a minute. A leg that cannot be repaired is not hammered, and its people are told.
pub fn rest_after(failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_mins(1);
    match failures {
        0 | 1 => Duration::ZERO,
        more => Duration::from_secs(1)
            .saturating_mul(1 << (more - 1).min(6))
            .min(LONGEST),
    }
}

/// Which combination of legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HedgeKind {
    /// Long spot, short perpetual.
    CashAndCarry,
    /// Long one perpetual, short another.
    CrossVenue,
}

impl HedgeKind {
    /// The kind that two products make; `None` for spot against spot and for a short spot leg.
    pub const fn of(long: Product, short: Product) -> Option<Self> {
        match (long, short) {
            (Product::Spot, Product::Perp) => Some(Self::CashAndCarry),
            (Product::Perp, Product::Perp) => Some(Self::CrossVenue),
            (_, Product::Spot) => None,
        }
    }

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CashAndCarry => "cash_and_carry",
            Self::CrossVenue => "cross_venue",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::CashAndCarry, Self::CrossVenue]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Where a hedge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeState {
    /// Decided, nothing sent.
    Planned,
    /// Being entered; orders of this leg come next.
    Opening(LegIndex),
    /// Both legs held.
    Open,
    /// One leg holds what the other does not match.
    OneLegged {
        /// The leg that holds too much.
        filled: LegIndex,
        /// Asset units that the other leg lacks.
        missing: AssetQuantity,
    },
    /// Being left; orders of this leg come next.
    Closing(LegIndex),
    /// Flat, or never opened.
    Closed,
}

impl HedgeState {
    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Opening(_) => "opening",
            Self::Open => "open",
            Self::OneLegged { .. } => "one_legged",
            Self::Closing(_) => "closing",
            Self::Closed => "closed",
        }
    }

    /// The leg that the state is about, where it is about one.
    pub const fn leg(self) -> Option<LegIndex> {
        match self {
            Self::Opening(leg) | Self::Closing(leg) | Self::OneLegged { filled: leg, .. } => Some(leg),
            Self::Planned | Self::Open | Self::Closed => None,
        }
    }

    /// Asset units missing on the other leg, where some are.
    pub const fn missing(self) -> Option<AssetQuantity> {
        match self {
            Self::OneLegged { missing, .. } => Some(missing),
            _ => None,
        }
    }

    /// Puts a state back together from its columns. `None` when they do not belong together.
    pub fn from_row(name: &str, leg: Option<LegIndex>, missing: Option<AssetQuantity>) -> Option<Self> {
        Some(match (name, leg, missing) {
            ("planned", None, None) => Self::Planned,
            ("opening", Some(leg), None) => Self::Opening(leg),
            ("open", None, None) => Self::Open,
            ("one_legged", Some(filled), Some(missing)) => Self::OneLegged { filled, missing },
            ("closing", Some(leg), None) => Self::Closing(leg),
            ("closed", None, None) => Self::Closed,
            _ => return None,
        })
    }
}

/// One leg and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What is traded.
    pub instrument: Instrument,
    /// Asset units held in the leg's own direction; never negative but for a venue's forced excess.
    pub held: AssetQuantity,
    /// Taker fee, where it is taken from what a spot buyer receives.
    pub fee_in_base: Rate,
}

impl Leg {
    /// A leg that holds nothing.
    pub const fn empty(instrument: Instrument, fee_in_base: Rate) -> Self {
        Self {
            instrument,
            held: AssetQuantity::ZERO,
            fee_in_base,
        }
    }

    /// Units to order so that `asset` is delivered after a fee in base, rounded down to the lot.
    pub fn units_for(&self, asset: AssetQuantity, purpose: Purpose) -> Quantity {
        let gross = match (self.instrument.id.product, purpose) {
            (Product::Spot, Purpose::Open) => AssetQuantity(asset.0 / (Decimal::ONE - self.fee_in_base.0)),
            _ => asset,
        };
        self.instrument.to_units(gross)
    }

    /// Whether what is held is too small to be sold: below the lot, or on spot below the least notional.
    pub fn is_flat(&self, price: Price) -> bool {
        self.is_dust(self.held, price)
    }

    fn is_dust(&self, asset: AssetQuantity, price: Price) -> bool {
        let units = self.instrument.to_units(asset);
        let too_small = units < self.instrument.min_quantity || units.is_zero();
        let too_cheap =
            self.instrument.id.product == Product::Spot && price.notional(units) < self.instrument.min_notional;
        asset.0 <= Decimal::ZERO || too_small || too_cheap
    }
}

/// An order that the machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNeed {
    /// For which leg.
    pub leg: LegIndex,
    /// Direction.
    pub side: Side,
    /// What for.
    pub purpose: Purpose,
    /// Units on the lot.
    pub quantity: Quantity,
    /// How often this was tried before.
    pub attempt: u8,
    /// Whether it rests in the book for a while, instead of taking from it.
    pub rests: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this, and tell [`Hedge::traded`] what it delivered.
    Order(OrderNeed),
    /// Both legs hold the same, and another slice is wanted: say [`Hedge::begin_slice`] when it may begin, or [`Job::stop`].
    Slice,
    /// The job is over and the hedge stands here.
    Rest(HedgeState),
}

/// What an entry asks for.
enum Step {
    Order(OrderNeed),
    Slice,
}

/// Prices at which legs are judged to be worth selling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegPrices {
    /// Of the long leg.
    pub long: Price,
    /// Of the short leg.
    pub short: Price,
}

impl LegPrices {
    /// Of one leg.
    pub const fn of(&self, leg: LegIndex) -> Price {
        match leg {
            LegIndex::Long => self.long,
            LegIndex::Short => self.short,
        }
    }
}

/// Two legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// Its number.
    pub id: HedgeId,
    /// Which combination.
    pub kind: HedgeKind,
    /// The asset that both legs hold.
    pub asset: Name,
    /// The leg that is long.
    pub long: Leg,
    /// The leg that is short.
    pub short: Leg,
    /// Asset units aimed at on each leg.
    pub target: AssetQuantity,
    /// Where it stands.
    pub state: HedgeState,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When both legs were open.
    pub opened_at: Option<Timestamp>,
    /// When it was flat again.
    pub closed_at: Option<Timestamp>,
}

/// A hedge as a row: what it is and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HedgeRow {
    /// Its number.
    pub id: HedgeId,
    /// Which combination of legs.
    pub kind: HedgeKind,
    /// The asset that both legs hold.
    pub asset: Name,
    /// The leg that is long.
    pub long: InstrumentId,
    /// The leg that is short.
    pub short: InstrumentId,
    /// Asset units aimed at on each leg.
    pub target: AssetQuantity,
    /// Where it stands.
    pub state: HedgeState,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When both legs were open.
    pub opened_at: Option<Timestamp>,
    /// When it was flat again.
    pub closed_at: Option<Timestamp>,
}

impl Hedge {
    /// One of the legs.
    pub const fn leg(&self, leg: LegIndex) -> &Leg {
        match leg {
            LegIndex::Long => &self.long,
            LegIndex::Short => &self.short,
        }
    }

    const fn leg_mut(&mut self, leg: LegIndex) -> &mut Leg {
        match leg {
            LegIndex::Long => &mut self.long,
            LegIndex::Short => &mut self.short,
        }
    }

    /// Long minus short, in asset units: what price moves can hurt.
    pub fn net_delta(&self) -> AssetQuantity {
        self.long.held - self.short.held
    }

    /// Takes what an order delivered: asset units, positive when bought.
    pub fn traded(&mut self, leg: LegIndex, delivered: AssetQuantity) {
        let signed = leg.entry_side().sign() * delivered.0;
        self.leg_mut(leg).held += AssetQuantity(signed);
    }

    /// Decides the next order of a job, counting the attempt.
    pub fn next(&mut self, job: &mut Job, prices: LegPrices) -> Next {
        let need = match job.goal {
            Goal::Enter => match self.entry(job, prices) {
                Some(Step::Slice) => return Next::Slice,
                Some(Step::Order(need)) => Some(need),
                None => None,
            },
            Goal::Balance => None,
            Goal::Exit => self.exit(job, prices),
        };
        if let Some(need) = need.or_else(|| self.balance(job, prices)) {
            if need.rests {
                job.rest();
            } else {
                job.spend(need.leg, need.purpose);
            }
            self.state = if need.purpose == Purpose::Open {
                HedgeState::Opening(need.leg)
            } else if job.goal == Goal::Exit {
                HedgeState::Closing(need.leg)
            } else {
                self.state
            };
            return Next::Order(need);
        }
        self.state = self.resting(prices);
        Next::Rest(self.state)
    }

    /// Begins the slice that [`Next::Slice`] told of.
    pub fn begin_slice(&self, job: &mut Job) {
        let from = self.leg(job.first).held;
        let most = (self.target - from).max(AssetQuantity::ZERO);
        job.begin(Slice {
            from,
            until: from + job.course.slice_of(self.target).min(most),
            rested: false,
        });
    }

    /// Whether this order is the first of two: as long as the other leg does not follow it, the legs differ by more than
    /// before. Such an order is better not sent while the other leg cannot be traded.
    pub fn needs_both(&self, need: &OrderNeed, prices: LegPrices) -> bool {
        let (own, other) = (self.leg(need.leg), self.leg(need.leg.other()));
        let price = prices.of(need.leg);
        let other_is_flat = other.is_flat(prices.of(need.leg.other()));
        match need.purpose {
            Purpose::Open => own.is_flat(price) && other_is_flat,
            _ => !other_is_flat && own.is_dust(own.held - other.held, price),
        }
    }

    /// First the first leg, then as much of the other as the first one holds (HE-1); then the next slice (HE-5).
    fn entry(&self, job: &mut Job, prices: LegPrices) -> Option<Step> {
        let (first, second) = (job.first, job.first.other());
        let is_new = self.leg(first).is_flat(prices.of(first)) && self.leg(second).is_flat(prices.of(second));
        if job.slice.is_none() && is_new {
            self.begin_slice(job);
        }
        let lacking = self.leg(first).held - self.leg(second).held;
        if self.leg(second).is_dust(lacking, prices.of(second)) {
            return self.onward(job, prices, is_new);
        }
        let need = self.need(job, second, Purpose::Open, lacking, ENTRY_ATTEMPTS);
        let instrument = &self.leg(second).instrument;
        let orderable = need.filter(|need| instrument.is_orderable(need.quantity, prices.of(second)));
        if let Some(need) = orderable {
            return Some(Step::Order(need));
        }
        // Too little for an order of its own: with the rest of the slice it is enough.
        if need.is_some()
            && !job.stopped
            && let Some(need) = self.rest_of_slice(job, prices)
        {
            return Some(Step::Order(need));
        }
        job.goal = Goal::Balance; // HE-3: from here on only reductions
        None
    }

    /// Both legs hold the same: what is left of the slice, or the next one.
    fn onward(&self, job: &mut Job, prices: LegPrices, is_new: bool) -> Option<Step> {
        let slice = job.slice.filter(|_| !job.stopped)?;
        if is_new || job.course.completes() {
            let need = self.rest_of_slice(job, prices);
            if let Some(need) = need {
                return Some(Step::Order(need));
            }
        }
        let first = self.leg(job.first);
        let price = prices.of(job.first);
        let stuck = first.is_dust(first.held - slice.from, price);
        let lacking = first.units_for(self.target - first.held, Purpose::Open);
        let whole = !first.instrument.is_orderable(lacking, price);
        let goes_on = job.course.slice.is_some() && job.slices < job.course.most_slices(self.target);
        (goes_on && !stuck && !whole).then_some(Step::Slice)
    }

    /// An order of the first leg for what the slice still lacks; it rests once where that is the way of the entry.
    fn rest_of_slice(&self, job: &mut Job, prices: LegPrices) -> Option<OrderNeed> {
        let (slice, leg) = (job.slice?, job.first);
        let lacking = slice.until - self.leg(leg).held;
        if self.leg(leg).is_dust(lacking, prices.of(leg)) {
            return None;
        }
        let mut need = self.need(job, leg, Purpose::Open, lacking, ENTRY_ATTEMPTS)?;
        let begun = !self.leg(leg).is_dust(self.leg(leg).held - slice.from, prices.of(leg));
        if begun && !self.leg(leg).instrument.is_orderable(need.quantity, prices.of(leg)) {
            return None;
        }
        need.rests = job.course.rests_first && !slice.rested;
        job.renew(leg.other());
        Some(need)
    }

    /// Takes back what one leg holds beyond the other (HE-2).
    fn balance(&self, job: &Job, prices: LegPrices) -> Option<OrderNeed> {
        let larger = self.larger_leg(job);
        let excess = self.leg(larger).held - self.leg(larger.other()).held;
        if self.leg(larger).is_dust(excess, prices.of(larger)) {
            return None;
        }
        let purpose = if job.goal == Goal::Exit {
            Purpose::Close
        } else {
            Purpose::Unwind
        };
        self.need(job, larger, purpose, excess, REDUCE_ATTEMPTS)
    }

    /// The larger leg down to the smaller one; equal legs one after the other, the first one first.
    fn exit(&self, job: &Job, prices: LegPrices) -> Option<OrderNeed> {
        if let Some(need) = self.balance(job, prices) {
            return Some(need);
        }
        [job.first, job.first.other()].into_iter().find_map(|leg| {
            let held = self.leg(leg).held;
            if self.leg(leg).is_dust(held, prices.of(leg)) {
                return None;
            }
            self.need(job, leg, Purpose::Close, held, REDUCE_ATTEMPTS)
        })
    }

    fn larger_leg(&self, job: &Job) -> LegIndex {
        match self.long.held.cmp(&self.short.held) {
            std::cmp::Ordering::Greater => LegIndex::Long,
            std::cmp::Ordering::Less => LegIndex::Short,
            std::cmp::Ordering::Equal => job.first,
        }
    }

    fn need(&self, job: &Job, leg: LegIndex, purpose: Purpose, asset: AssetQuantity, most: u8) -> Option<OrderNeed> {
        let attempt = job.tried(leg, purpose);
        let quantity = self.leg(leg).units_for(asset, purpose);
        if attempt >= most || quantity.is_zero() {
            return None; // HE-4
        }
        let side = if purpose.reduces() {
            leg.entry_side().opposite()
        } else {
            leg.entry_side()
        };
        Some(OrderNeed {
            leg,
            side,
            purpose,
            quantity,
            attempt,
            rests: false,
        })
    }

    /// Where a hedge without work stands, judged by what it holds.
    pub fn resting(&self, prices: LegPrices) -> HedgeState {
        let delta = self.net_delta();
        let filled = if delta.0.is_sign_negative() {
            LegIndex::Short
        } else {
            LegIndex::Long
        };
        if !self.leg(filled).is_dust(delta.abs(), prices.of(filled)) {
            return HedgeState::OneLegged {
                filled,
                missing: delta.abs(),
            };
        }
        if self.long.is_flat(prices.long) && self.short.is_flat(prices.short) {
            HedgeState::Closed
        } else {
            HedgeState::Open
        }
    }

    /// The row of this hedge.
    pub fn row(&self) -> HedgeRow {
        HedgeRow {
            id: self.id,
            kind: self.kind,
            asset: self.asset.clone(),
            long: self.long.instrument.id.clone(),
            short: self.short.instrument.id.clone(),
            target: self.target,
            state: self.state,
            planned_at: self.planned_at,
            opened_at: self.opened_at,
            closed_at: self.closed_at,
        }
    }

    /// A hedge from its row, its instruments and what its fills delivered to each leg.
    pub fn restore(row: &HedgeRow, long: Leg, short: Leg) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            asset: row.asset.clone(),
            long,
            short,
            target: row.target,
            state: row.state,
            planned_at: row.planned_at,
            opened_at: row.opened_at,
            closed_at: row.closed_at,
        }
    }
}

/// Asset units for a hedge of at most `notional` at `price`, on the common lot of both legs.
pub fn size(notional: crate::money::Usd, price: Price, common_lot: AssetQuantity) -> AssetQuantity {
    match notional.0.checked_div(price.0) {
        Some(units) if units > Decimal::ZERO => AssetQuantity(floor_to(units, common_lot.0)),
        _ => AssetQuantity::ZERO,
    }
}

impl fmt::Display for HedgeState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;

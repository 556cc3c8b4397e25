//! One hedge with what it has earned and how long its legs have differed.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::accounting::{HedgeResult, delivered};
use crate::hedge::{Hedge, HedgeState, Leg};
use crate::instrument::{Name, Product};
use crate::money::{AssetQuantity, Price, Quantity, Usd};
use crate::order::{Fill, LegIndex, Purpose};
use crate::time::Machine;

/// What a leg was entered at.
#[derive(Clone, Copy, Debug, Default)]
struct Entered {
    quantity: Quantity,
    value: Usd,
}

/// A hedge that is watched.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The hedge as its rows make it.
    pub hedge: Hedge,
    /// What it has earned and paid.
    pub result: HedgeResult,
    fees_in_base: Usd,
    entered: BTreeMap<LegIndex, Entered>,
    naked_since: Option<Machine>,
}

impl Tracked {
    pub(super) fn new(hedge: Hedge) -> Self {
        Self {
            hedge,
            result: HedgeResult::default(),
            fees_in_base: Usd::ZERO,
            entered: BTreeMap::new(),
            naked_since: None,
        }
    }

    /// Where it stands; an open hedge whose legs have come apart is one-legged, whatever its row says.
    pub fn apparent_state(&self) -> HedgeState {
        let delta = self.hedge.net_delta();
        if self.hedge.state != HedgeState::Open || self.naked_since.is_none() {
            return self.hedge.state;
        }
        let filled = if delta.0.is_sign_negative() {
            LegIndex::Short
        } else {
            LegIndex::Long
        };
        HedgeState::OneLegged {
            filled,
            missing: delta.abs(),
        }
    }

    /// Whether anything of it was ever executed.
    pub fn has_traded(&self) -> bool {
        !self.entered.is_empty()
    }

    /// What one unit of a leg was entered at on average, in quote currency; `None` before its first execution.
    pub fn average_entry(&self, leg: LegIndex) -> Option<Price> {
        let entered = self.entered.get(&leg)?;
        entered.value.0.checked_div(entered.quantity.0).map(Price)
    }

    /// Profit while its open legs are worth `open_value`.
    pub fn net(&self, open_value: Usd) -> Usd {
        self.result.net(open_value, self.fees_in_base)
    }

    /// Profit of a hedge that is flat.
    pub fn net_when_flat(&self) -> Usd {
        self.net(Usd::ZERO)
    }

    /// Takes an execution of one of its orders.
    pub(super) fn take(&mut self, fill: &Fill, leg: LegIndex, purpose: Purpose, base: &Name, quote: &Name) {
        self.hedge.traded(leg, delivered(fill, &self.hedge.leg(leg).instrument));
        self.result.fill(fill, quote);
        if fill.fee_asset == *base && fill.instrument.product == Product::Spot {
            self.fees_in_base += Usd(fill.fee * fill.price.0);
        }
        if purpose == Purpose::Open {
            let entered = self.entered.entry(leg).or_default();
            entered.quantity += fill.quantity;
            entered.value += fill.price.notional(fill.quantity);
        }
    }

    /// Takes the part of an execution that nobody here ordered, where it shrinks a leg: as much of it as the leg holds, for
    /// whatever is beyond that is a stranger's own. Answers whether it did.
    pub(super) fn shrink(&mut self, fill: &Fill, part: Quantity, quote: &Name) -> bool {
        if part.is_zero() {
            return false;
        }
        let shrunk = LegIndex::BOTH.into_iter().find(|index| {
            let leg = self.hedge.leg(*index);
            leg.instrument.id == fill.instrument && index.entry_side() != fill.side && leg.held > AssetQuantity::ZERO
        });
        if let Some(leg) = shrunk {
            let held = self.hedge.leg(leg).held.0;
            let all = delivered(fill, &self.hedge.leg(leg).instrument).0;
            let met = all * part.0 / fill.quantity.0;
            let ours = met.clamp(-held, held);
            self.hedge.traded(leg, AssetQuantity(ours));
            self.result.fill(&share(fill, ours, all), quote);
        }
        shrunk.is_some()
    }

    /// Times how long the legs differ by more than either venue's least order; answers how long they have by now.
    pub(super) fn watch_delta(&mut self, now: Machine) -> Duration {
        let hedge = &self.hedge;
        let least = |leg: &Leg| {
            leg.instrument
                .to_asset(leg.instrument.min_quantity.max(leg.instrument.lot))
        };
        let fee = AssetQuantity(hedge.target.0 * (hedge.long.fee_in_base.0 + hedge.short.fee_in_base.0));
        let bound = least(&hedge.long).max(least(&hedge.short)).max(fee);
        let naked = hedge.net_delta().abs() > bound;
        let lasted = self.naked_since.map_or(Duration::ZERO, |since| now.since(since));
        self.naked_since = naked.then_some(self.naked_since.unwrap_or(now));
        lasted
    }
}

/// The part of an execution that moved `ours` of `all` that it moved; its fee by the same share.
fn share(fill: &Fill, ours: Decimal, all: Decimal) -> Fill {
    if ours == all {
        return fill.clone();
    }
    Fill {
        quantity: Quantity(fill.quantity.0 * ours / all),
        fee: fill.fee * ours / all,
        ..fill.clone()
    }
}

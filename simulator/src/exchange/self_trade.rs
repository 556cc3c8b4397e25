//! An account does not trade with itself: what ends where a new order would meet a resting one of the same account.

use rust_decimal::Decimal;

use super::Exchange;
use super::checks::Checked;
use super::matching::{Plan, reaches};
use super::types::{AccountId, EndCause, OrderKind, OrderRequest, OrderStatus, Side, TimeInForce};
use crate::market::{Key, Ms};

/// What happens where an order would trade with a resting one of its own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfTrade {
    /// Nothing is prevented. Own orders do not meet here all the same: each of them meets the book alone.
    Allow,
    /// The resting order ends.
    #[default]
    EndMaker,
    /// The new order ends where it would meet the resting one.
    EndTaker,
    /// Both end.
    EndBoth,
}

impl SelfTrade {
    /// Whether the new order ends.
    pub const fn ends_taker(self) -> bool {
        matches!(self, Self::EndTaker | Self::EndBoth)
    }

    /// Whether the resting order ends.
    pub const fn ends_maker(self) -> bool {
        matches!(self, Self::EndMaker | Self::EndBoth)
    }
}

/// The own resting orders that a new one would meet.
pub(super) struct Met {
    /// The price of the first one.
    pub first: Decimal,
    /// Their numbers, the first one first.
    pub ids: Vec<u64>,
}

impl Plan {
    /// Leaves out what lies beyond a price; at that price the book was there before.
    pub(super) fn stop_at(&mut self, side: Side, price: Option<Decimal>) {
        self.fills.retain(|(at, _)| reaches(side, price, *at));
        self.stopped = true;
    }
}

impl Exchange {
    /// The resting orders of the account that this one would have met before it was filled.
    pub(super) fn met(&self, account: AccountId, key: &Key, request: &OrderRequest, checked: &Checked) -> Option<Met> {
        // Filled whole, it goes no further than its last fill; otherwise as far as its price.
        let filled = checked.plan.quantity() >= checked.quantity;
        let dies = request.time_in_force == TimeInForce::Fok && request.kind == OrderKind::Limit && !filled;
        if checked.plan.would_take || dies || request.self_trade == SelfTrade::Allow {
            return None;
        }
        let limit = request.price.filter(|_| request.kind == OrderKind::Limit);
        let farthest = checked.plan.fills.last().map(|(price, _)| *price).filter(|_| filled);
        let mut met: Vec<(Decimal, u64)> = self
            .open_orders(account, key.venue, key.product)
            .filter(|order| order.key == *key && order.side != request.side)
            .filter_map(|order| Some((order.price?, order.id)))
            // A price that is met exactly was there before: the resting order may stand behind the book's own.
            .filter(|(price, _)| {
                farthest.is_none_or(|far| *price != far && reaches(request.side, Some(far), *price))
                    && reaches(request.side, limit, *price)
            })
            .collect();
        // The best price first: the lowest seller, the highest buyer.
        met.sort_by_key(|(price, id)| (*price * request.side.sign(), *id));
        if request.self_trade.ends_taker() {
            met.truncate(1);
        }
        let first = met.first()?.0;
        let ids = met.into_iter().map(|(_, id)| id).collect();
        Some(Met { first, ids })
    }

    /// Ends the resting orders that the new one at `slot` met, where its mode says so, and notes who met whom.
    pub(super) fn prevent_self_trade(&mut self, slot: usize, met: Option<&Met>, now: Ms) {
        let (Some(met), Some(order)) = (met, self.orders.get_mut(slot)) else {
            return;
        };
        let (mode, id) = (order.self_trade, order.id);
        if mode.ends_taker() {
            order.met = met.ids.first().copied();
        }
        if !mode.ends_maker() {
            return;
        }
        let slots: Vec<usize> = met.ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
        for slot in slots {
            if let Some(resting) = self.orders.get_mut(slot) {
                resting.met = Some(id);
            }
            self.end(slot, OrderStatus::ExpiredInMatch, EndCause::SelfTrade, now);
        }
    }
}

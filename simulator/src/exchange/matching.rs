//! Matching: an order that takes walks the book level by level; one that rests fills when the book comes to it.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Exchange;
use super::refusal::Refusal;
use super::types::{EndCause, OrderKind, OrderRequest, OrderStatus, Side, TimeInForce};
use crate::market::{Level, Ms, Product, Rules, Status};

/// What an order would take from the book now.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Price and quantity per level.
    pub fills: Vec<(Decimal, Decimal)>,
    /// A post-only order that would have taken.
    pub would_take: bool,
    /// Ends after its fills, because the next would be with its own account.
    pub stopped: bool,
}

impl Plan {
    /// Base quantity of all fills.
    pub fn quantity(&self) -> Decimal {
        self.fills.iter().map(|(_, quantity)| *quantity).sum()
    }

    /// Quote value of all fills.
    pub fn value(&self) -> Decimal {
        self.fills.iter().map(|(price, quantity)| price * quantity).sum()
    }
}

/// Whether an order at `limit` may trade at `price`.
pub(super) fn reaches(side: Side, limit: Option<Decimal>, price: Decimal) -> bool {
    limit.is_none_or(|limit| match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    })
}

impl Exchange {
    /// Walks the book for a request of `quantity` (or of the request's quote amount).
    pub(super) fn plan(
        &self,
        rule: &Rules,
        request: &OrderRequest,
        quantity: Option<Decimal>,
        now: Ms,
    ) -> Result<Plan, Refusal> {
        let depth = self.market.depth(&rule.key, now).ok_or(Refusal::MarketClosed)?;
        let levels = if request.side == Side::Buy {
            &depth.asks
        } else {
            &depth.bids
        };
        let limit = if request.kind == OrderKind::Limit {
            request.price
        } else {
            None
        };
        if request.kind == OrderKind::Limit && request.time_in_force == TimeInForce::PostOnly {
            let would_take = levels
                .first()
                .is_some_and(|best| reaches(request.side, limit, best.price));
            return Ok(Plan {
                would_take,
                ..Plan::default()
            });
        }
        let fills = match quantity {
            Some(quantity) => walk(levels, request.side, limit, quantity),
            None => walk_value(levels, request.quote_quantity.unwrap_or_default(), rule.lot),
        };
        Ok(Plan {
            fills,
            ..Plan::default()
        })
    }

    /// Fills resting orders that the book has reached, as maker, at their own price.
    pub(super) fn match_resting(&mut self, now: Ms) {
        if self.open.is_empty() {
            return;
        }
        let slots: Vec<usize> = self.open.iter().copied().collect();
        for slot in slots {
            self.match_one(slot, now);
        }
    }

    fn match_one(&mut self, slot: usize, now: Ms) {
        let Some(order) = self.orders.get(slot).filter(|order| order.status.is_open()) else {
            return;
        };
        let (key, side, limit, reduce_only) = (order.key.clone(), order.side, order.price, order.only_reduces());
        let position_side = order.position_side;
        let (account, mut wanted) = (order.account, order.remaining());
        match self.market.status(&key) {
            Some(Status::Trading) => {}
            Some(Status::Halted | Status::CancelOnly) => return,
            Some(Status::Delisted) | None => return self.end(slot, OrderStatus::Expired, EndCause::MarketClosed, now),
        }
        let Some(best) = self.market.best(&key, now) else {
            return;
        };
        let touch = if side == Side::Buy {
            best.ask.price
        } else {
            best.bid.price
        };
        if !reaches(side, limit, touch) {
            return;
        }
        if reduce_only && key.product == Product::Perp {
            let held = self.held(account, &key, position_side);
            if held * side.sign() >= Decimal::ZERO {
                return self.end(slot, OrderStatus::Expired, EndCause::NothingToReduce, now);
            }
            wanted = wanted.min(held.abs());
        }
        let Some(depth) = self.market.depth(&key, now) else {
            return;
        };
        let levels = if side == Side::Buy { &depth.asks } else { &depth.bids };
        let met = walk(levels, side, limit, wanted);
        let quantity = met.iter().map(|(_, quantity)| *quantity).sum::<Decimal>();
        for level in met {
            self.market.bite(&key, side, level, now);
        }
        if let Some(price) = limit
            && !quantity.is_zero()
        {
            self.book_fill(slot, quantity, price, true, now);
        }
    }
}

/// Takes up to `quantity` from the levels inside `limit`.
pub(super) fn walk(
    levels: &[Level],
    side: Side,
    limit: Option<Decimal>,
    mut quantity: Decimal,
) -> Vec<(Decimal, Decimal)> {
    let mut fills = Vec::new();
    for level in levels.iter().take_while(|level| reaches(side, limit, level.price)) {
        let part = level.quantity.min(quantity);
        if part <= Decimal::ZERO {
            break;
        }
        quantity -= part;
        fills.push((level.price, part));
    }
    fills
}

/// Takes as many whole lots as `value` pays for.
fn walk_value(levels: &[Level], mut value: Decimal, lot: Decimal) -> Vec<(Decimal, Decimal)> {
    let mut fills = Vec::new();
    for level in levels {
        let Some(lots) = value.checked_div(level.price).and_then(|units| units.checked_div(lot)) else {
            break;
        };
        let affordable = lots.round_dp_with_strategy(0, RoundingStrategy::ToZero) * lot;
        let part = level.quantity.min(affordable);
        if part <= Decimal::ZERO {
            break;
        }
        value -= part * level.price;
        fills.push((level.price, part));
        if part < level.quantity {
            break;
        }
    }
    fills
}

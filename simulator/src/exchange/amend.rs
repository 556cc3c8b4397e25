//! Another price or quantity for a resting order.

use rust_decimal::Decimal;

use super::Exchange;
use super::event::{Event, OrderChange};
use super::refusal::Refusal;
use super::types::{AccountId, Order, OrderKind, OrderRef, OrderRequest, OrderStatus, Side, Wallet};
use crate::market::{Ms, Product, Venue};

/// What an amendment changes; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Whole quantity, what is filled included.
    pub quantity: Option<Decimal>,
    /// Limit price.
    pub price: Option<Decimal>,
}

impl Exchange {
    /// Gives an open limit order another price or quantity and matches it again, as if it had just come. The order keeps
    /// its ids. With a quantity at or under what is filled it ends as cancelled.
    ///
    /// # Errors
    /// An order that is unknown or closed; the checks of a new order on what would rest. The order stays as it was.
    pub fn amend(
        &mut self,
        account: AccountId,
        (venue, product): (Venue, Product),
        order: &OrderRef,
        change: Amendment,
        now: Ms,
    ) -> Result<Order, Refusal> {
        let found = self.find_order(account, venue, product, order, Ms::MAX / 2).cloned();
        let before = found.ok_or(Refusal::UnknownOrder)?;
        if !before.status.is_open() {
            return Err(Refusal::OrderClosed);
        }
        let slot = *self.by_id.get(&before.id).ok_or(Refusal::UnknownOrder)?;
        let quantity = change.quantity.unwrap_or(before.quantity);
        let price = change.price.or(before.price);
        if quantity == before.quantity && price == before.price {
            return Err(Refusal::Unchanged);
        }
        if quantity > Decimal::ZERO && quantity <= before.filled {
            return self.cancel(account, venue, product, &before.key.symbol, order, now);
        }
        let rule = self.market.rule(&before.key).cloned().ok_or(Refusal::UnknownOrder)?;
        let request = OrderRequest {
            symbol: before.key.symbol.clone(),
            side: before.side,
            kind: OrderKind::Limit,
            time_in_force: before.time_in_force,
            quantity: Some(quantity - before.filled),
            quote_quantity: None,
            price,
            reduce_only: before.reduce_only,
            client_id: None,
            position_side: before.position_side,
            self_trade: before.self_trade,
        };
        // What the order itself uses is free for its successor.
        self.lift(slot, now);
        let checked = self.check(account, &rule, &request, now).and_then(|checked| {
            if checked.plan.would_take {
                Err(Refusal::WouldTake)
            } else {
                Ok(checked)
            }
        });
        let checked = match checked {
            Ok(checked) => checked,
            Err(refusal) => {
                self.lay_back(slot, &before, now);
                return Err(refusal);
            }
        };
        self.open.insert(slot);
        if let Some(open) = self.orders.get_mut(slot) {
            open.quantity = before.filled + checked.quantity;
            open.price = price;
            open.status = before.status;
            open.updated_ms = now;
            let order = open.clone();
            self.events.push(Event::Order {
                order,
                change: OrderChange::Amended,
            });
        }
        self.execute(slot, &rule, &checked, now);
        self.orders.get(slot).cloned().ok_or(Refusal::UnknownOrder)
    }

    /// Takes an order off the book without a word, its hold freed.
    fn lift(&mut self, slot: usize, now: Ms) {
        self.open.remove(&slot);
        let Some(order) = self.orders.get_mut(slot) else { return };
        let held = std::mem::take(&mut order.hold);
        let order = order.clone();
        self.hold_again(&order, -held, now);
    }

    /// Puts a lifted order back as it was.
    fn lay_back(&mut self, slot: usize, before: &Order, now: Ms) {
        self.open.insert(slot);
        if let Some(order) = self.orders.get_mut(slot) {
            *order = before.clone();
        }
        self.hold_again(before, before.hold, now);
    }

    fn hold_again(&mut self, order: &Order, amount: Decimal, now: Ms) {
        if amount.is_zero() || order.status == OrderStatus::Filled {
            return;
        }
        let Some(rule) = self.market.rule(&order.key) else {
            return;
        };
        let asset = match order.side {
            Side::Buy => rule.quote.clone(),
            Side::Sell => rule.base.clone(),
        };
        let wallet = Wallet::of(order.key.venue, Product::Spot);
        self.hold(order.account, wallet, &asset, amount, now);
    }
}

//! The doors of trading: place, cancel, look up.

use rust_decimal::Decimal;

use super::Exchange;
use super::checks::Checked;
use super::event::{Event, OrderChange};
use super::names::id_number;
use super::refusal::Refusal;
use super::types::{
    AccountId, EndCause, Order, OrderKind, OrderRef, OrderRequest, OrderStatus, Side, TimeInForce, Wallet,
};
use crate::market::{Key, Ms, Product, Rules, Venue};

impl Exchange {
    /// Takes an order: checks it, matches it, and answers it as it stands after matching. An order that Bybit would
    /// acknowledge and then cancel (post-only that takes, FOK without book) comes back as an ended order.
    ///
    /// # Errors
    /// A typed [`Refusal`]: nothing happened.
    pub fn place(
        &mut self,
        account: AccountId,
        venue: Venue,
        product: Product,
        request: &OrderRequest,
        now: Ms,
    ) -> Result<Order, Refusal> {
        let rule = self.market.find(venue, product, &request.symbol).cloned();
        let rule = rule.ok_or_else(|| Refusal::UnknownSymbol(request.symbol.clone()))?;
        let mut checked = self.check(account, &rule, request, now)?;
        let met = self.met(account, &rule.key, request, &checked);
        if met.is_some() && request.self_trade.ends_taker() {
            checked.plan.stop_at(request.side, met.as_ref().map(|met| met.first));
        }
        let slot = self.accept(account, &rule, request, checked.quantity, false, now);
        self.prevent_self_trade(slot, met.as_ref(), now);
        self.execute(slot, &rule, &checked, now);
        self.orders.get(slot).cloned().ok_or(Refusal::UnknownOrder)
    }

    /// Writes the order down and tells that it was accepted.
    pub(super) fn accept(
        &mut self,
        account: AccountId,
        rule: &Rules,
        request: &OrderRequest,
        quantity: Decimal,
        foreign: bool,
        now: Ms,
    ) -> usize {
        let id = self.fresh_id();
        let client_id = request.client_id.clone().unwrap_or_else(|| match rule.key.venue {
            Venue::Binance => format!("x-{id}"),
            Venue::Bybit => String::new(),
        });
        let order = Order {
            account,
            key: rule.key.clone(),
            id,
            client_id: client_id.clone(),
            side: request.side,
            kind: request.kind,
            time_in_force: if request.kind == OrderKind::Market {
                TimeInForce::Ioc
            } else {
                request.time_in_force
            },
            reduce_only: request.reduce_only,
            quantity,
            quote_quantity: request.quote_quantity,
            price: request.price,
            filled: Decimal::ZERO,
            filled_quote: Decimal::ZERO,
            fee: Decimal::ZERO,
            status: OrderStatus::New,
            end_cause: None,
            created_ms: now,
            updated_ms: now,
            foreign,
            position_side: request.position_side,
            self_trade: request.self_trade,
            met: None,
            hold: Decimal::ZERO,
        };
        let slot = self.orders.len();
        self.orders.push(order.clone());
        self.by_id.insert(id, slot);
        if !client_id.is_empty() {
            self.by_client
                .entry((account, rule.key.venue, rule.key.product, client_id))
                .or_default()
                .push(slot);
        }
        self.open.insert(slot);
        self.events.push(Event::Order {
            order,
            change: OrderChange::Accepted,
        });
        slot
    }

    pub(super) fn execute(&mut self, slot: usize, rule: &Rules, checked: &Checked, now: Ms) {
        let Some(order) = self.orders.get(slot) else { return };
        let (lifetime, side) = (order.time_in_force, order.side);
        if checked.plan.would_take {
            return self.end(slot, OrderStatus::Expired, EndCause::WouldTake, now);
        }
        if lifetime == TimeInForce::Fok && checked.plan.quantity() < checked.quantity {
            return self.end(slot, OrderStatus::Expired, EndCause::NoLiquidity, now);
        }
        for (price, quantity) in &checked.plan.fills {
            self.market.bite(&rule.key, side, (*price, *quantity), now);
            self.book_fill(slot, *quantity, *price, false, now);
        }
        if !self.open.contains(&slot) {
            return;
        }
        if checked.plan.stopped {
            return self.end(slot, OrderStatus::ExpiredInMatch, EndCause::SelfTrade, now);
        }
        if matches!(lifetime, TimeInForce::Ioc | TimeInForce::Fok) {
            return self.end(slot, OrderStatus::Expired, EndCause::NoLiquidity, now);
        }
        if let Some(price) = checked.hold_price {
            self.hold_for(slot, rule, price, now);
        }
    }

    /// Locks what a resting spot order may need.
    fn hold_for(&mut self, slot: usize, rule: &Rules, price: Decimal, now: Ms) {
        let Some(order) = self.orders.get_mut(slot) else { return };
        let (asset, amount) = match order.side {
            Side::Buy => (&rule.quote, order.remaining() * price),
            Side::Sell => (&rule.base, order.remaining()),
        };
        order.hold = amount;
        let (account, wallet) = (order.account, Wallet::of(order.key.venue, Product::Spot));
        self.hold(account, wallet, asset, amount, now);
    }

    /// Ends an open order and frees what it held.
    pub(super) fn end(&mut self, slot: usize, status: OrderStatus, cause: EndCause, now: Ms) {
        if !self.open.remove(&slot) {
            return;
        }
        let Some(order) = self.orders.get_mut(slot) else { return };
        order.status = status;
        order.end_cause = Some(cause);
        order.updated_ms = now;
        let held = std::mem::take(&mut order.hold);
        let after = order.clone();
        let change = match status {
            OrderStatus::Cancelled => OrderChange::Cancelled,
            OrderStatus::Rejected => OrderChange::Rejected,
            _ => OrderChange::Expired,
        };
        self.events.push(Event::Order {
            order: after.clone(),
            change,
        });
        if let Some(rule) = self.market.rule(&after.key).filter(|_| !held.is_zero()) {
            let asset = if after.side == Side::Buy {
                rule.quote.clone()
            } else {
                rule.base.clone()
            };
            let wallet = Wallet::of(after.key.venue, Product::Spot);
            self.hold(after.account, wallet, &asset, -held, now);
        }
    }

    /// Cancels an open order and answers it as it stands afterwards.
    ///
    /// # Errors
    /// [`Refusal::UnknownOrder`] or [`Refusal::OrderClosed`].
    pub fn cancel(
        &mut self,
        account: AccountId,
        venue: Venue,
        product: Product,
        symbol: &str,
        order: &OrderRef,
        now: Ms,
    ) -> Result<Order, Refusal> {
        let slot = self.slot(account, venue, product, order).ok_or(Refusal::UnknownOrder)?;
        let found = self
            .orders
            .get(slot)
            .filter(|order| order.key.symbol == symbol)
            .ok_or(Refusal::UnknownOrder)?;
        if !found.status.is_open() {
            return Err(Refusal::OrderClosed);
        }
        self.end(slot, OrderStatus::Cancelled, EndCause::ByUser, now);
        self.orders.get(slot).cloned().ok_or(Refusal::UnknownOrder)
    }

    /// Cancels every open order of a market, or of one symbol of it, and answers them.
    pub fn cancel_all(
        &mut self,
        account: AccountId,
        venue: Venue,
        product: Product,
        symbol: Option<&str>,
        now: Ms,
    ) -> Vec<Order> {
        let wanted = |order: &&Order| symbol.is_none_or(|symbol| order.key.symbol == symbol);
        let ids: Vec<u64> = self
            .open_orders(account, venue, product)
            .filter(wanted)
            .map(|order| order.id)
            .collect();
        let slots: Vec<usize> = ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
        for slot in &slots {
            self.end(*slot, OrderStatus::Cancelled, EndCause::ByUser, now);
        }
        slots
            .iter()
            .filter_map(|slot| self.orders.get(*slot).cloned())
            .collect()
    }

    /// One order by id, open or closed; hidden while the venue lags.
    pub fn find_order(
        &self,
        account: AccountId,
        venue: Venue,
        product: Product,
        order: &OrderRef,
        now: Ms,
    ) -> Option<&Order> {
        let seen = now - self.quirks(venue).lag_ms;
        let slot = self.slot(account, venue, product, order)?;
        self.orders.get(slot).filter(|order| order.created_ms <= seen)
    }

    /// All orders of an account on one market, oldest first; those that `LAG` hides are left out.
    pub fn orders(&self, account: AccountId, venue: Venue, product: Product, now: Ms) -> impl Iterator<Item = &Order> {
        let seen = now - self.quirks(venue).lag_ms;
        self.orders
            .iter()
            .filter(move |order| of_market(order, account, venue, product) && order.created_ms <= seen)
    }

    /// Open orders of an account on one market, oldest first.
    pub fn open_orders(&self, account: AccountId, venue: Venue, product: Product) -> impl Iterator<Item = &Order> {
        let open = self.open.iter().filter_map(|slot| self.orders.get(*slot));
        open.filter(move |order| of_market(order, account, venue, product))
    }

    /// The order of a fill.
    pub fn order_by_number(&self, id: u64) -> Option<&Order> {
        self.by_id.get(&id).and_then(|slot| self.orders.get(*slot))
    }

    fn slot(&self, account: AccountId, venue: Venue, product: Product, order: &OrderRef) -> Option<usize> {
        let slot = match order {
            OrderRef::Venue(text) => self.by_id.get(&id_number(venue, text)?).copied()?,
            OrderRef::Client(id) => *self.by_client.get(&(account, venue, product, id.clone()))?.last()?,
        };
        self.orders
            .get(slot)
            .filter(|order| of_market(order, account, venue, product))
            .map(|_| slot)
    }

    /// The instrument of a market by symbol.
    pub fn key(&self, venue: Venue, product: Product, symbol: &str) -> Option<Key> {
        self.market.find(venue, product, symbol).map(|rule| rule.key.clone())
    }
}

fn of_market(order: &Order, account: AccountId, venue: Venue, product: Product) -> bool {
    order.account == account && order.key.venue == venue && order.key.product == product
}

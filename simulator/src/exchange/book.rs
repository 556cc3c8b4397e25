//! Wallets and positions: the only code that moves money. Every movement of a total is a cash row.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Exchange;
use super::cash::{Balance, CashKind, CashRow};
use super::event::{BalanceChange, Event};
use super::types::{AccountId, Fill, Order, PositionSide, Wallet};
use crate::market::{Key, Ms, Product};

/// Decimal places that venues keep of money.
const MONEY_PLACES: u32 = 8;
/// The settlement asset of every perpetual here.
pub(super) const USDT: &str = "USDT";

/// One asset of one wallet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holding {
    pub total: Decimal,
    pub locked: Decimal,
}

/// A perpetual position. The cost is kept exact, so that realised profit sums to cash in minus cash out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lot {
    pub quantity: Decimal,
    /// Signed value paid for `quantity`.
    pub cost: Decimal,
    pub realised: Decimal,
    pub updated_ms: Ms,
    /// What is put aside for it alone; `None` where it shares the account's margin.
    pub isolated: Option<Decimal>,
}

impl Lot {
    /// Average entry price, zero when flat.
    pub fn entry(&self) -> Decimal {
        self.cost.checked_div(self.quantity).unwrap_or_default()
    }

    /// Takes a signed trade and says what profit it realised.
    fn trade(&mut self, signed: Decimal, price: Decimal, now: Ms) -> Decimal {
        if self.quantity.is_zero() {
            self.realised = Decimal::ZERO;
        }
        self.updated_ms = now;
        let closes = self.quantity * signed < Decimal::ZERO;
        if !closes {
            self.quantity += signed;
            self.cost += signed * price;
            return Decimal::ZERO;
        }
        let part = if signed.abs() >= self.quantity.abs() {
            -self.quantity
        } else {
            signed
        };
        let released = if part == -self.quantity {
            self.cost
        } else {
            money(self.cost * -part / self.quantity)
        };
        let profit = -part * price - released;
        self.quantity += part;
        self.cost -= released;
        self.realised += profit;
        let opens = signed - part;
        if !opens.is_zero() {
            self.quantity += opens;
            self.cost += opens * price;
        }
        profit
    }

    /// Puts margin aside for what was opened and frees that of what was closed. Without a leverage nothing is put aside.
    fn set_aside(&mut self, before: Decimal, price: Decimal, leverage: Option<Decimal>) {
        let Some(leverage) = leverage.filter(|_| !self.quantity.is_zero()) else {
            self.isolated = None;
            return;
        };
        let had = self.isolated.unwrap_or_default();
        let value = |quantity: Decimal| (quantity.abs() * price).checked_div(leverage).unwrap_or_default();
        self.isolated = Some(money(if before * self.quantity < Decimal::ZERO {
            value(self.quantity)
        } else if self.quantity.abs() >= before.abs() {
            had + value(self.quantity.abs() - before.abs())
        } else {
            had * self.quantity / before
        }));
    }
}

/// Rounds to what a venue books.
pub(super) fn money(amount: Decimal) -> Decimal {
    amount
        .round_dp_with_strategy(MONEY_PLACES, RoundingStrategy::MidpointNearestEven)
        .normalize()
}

/// What a movement is about.
#[derive(Clone, Copy)]
pub(super) struct Why<'a> {
    pub kind: CashKind,
    pub key: Option<&'a Key>,
    pub reference: Option<u64>,
    pub now: Ms,
}

impl Exchange {
    /// What a wallet holds: every asset that it started with or ever held, by name.
    pub fn balances(&self, account: AccountId, wallet: Wallet) -> Vec<Balance> {
        let Some(purse) = self.holdings.get(&(account, wallet)) else {
            return Vec::new();
        };
        purse
            .iter()
            .map(|(asset, held)| Balance {
                wallet,
                asset: asset.clone(),
                free: held.total - held.locked,
                locked: held.locked,
            })
            .collect()
    }

    /// One asset of a wallet; zero if never held.
    pub fn balance(&self, account: AccountId, wallet: Wallet, asset: &str) -> Balance {
        let held = self.holding(account, wallet, asset);
        Balance {
            wallet,
            asset: asset.to_owned(),
            free: held.total - held.locked,
            locked: held.locked,
        }
    }

    pub(super) fn holding(&self, account: AccountId, wallet: Wallet, asset: &str) -> Holding {
        self.holdings
            .get(&(account, wallet))
            .and_then(|purse| purse.get(asset))
            .copied()
            .unwrap_or_default()
    }

    /// Moves a total and writes its row. A zero amount leaves no row.
    pub(super) fn pay(&mut self, account: AccountId, wallet: Wallet, asset: &str, amount: Decimal, why: Why<'_>) {
        if amount.is_zero() {
            return;
        }
        let held = self
            .holdings
            .entry((account, wallet))
            .or_default()
            .entry(asset.to_owned())
            .or_default();
        held.total += amount;
        let held = *held;
        let id = self.fresh_id();
        self.cash.push(CashRow {
            id,
            account,
            wallet,
            asset: asset.to_owned(),
            amount,
            balance_after: held.total,
            kind: why.kind,
            key: why.key.cloned(),
            reference: why.reference,
            time_ms: why.now,
        });
        self.events.push(Event::Balance(BalanceChange {
            account,
            wallet,
            asset: asset.to_owned(),
            free: held.total - held.locked,
            locked: held.locked,
            delta: amount,
            kind: Some(why.kind),
            key: why.key.cloned(),
            time_ms: why.now,
        }));
    }

    /// Locks (positive) or frees (negative) part of a holding.
    pub(super) fn hold(&mut self, account: AccountId, wallet: Wallet, asset: &str, amount: Decimal, now: Ms) {
        if amount.is_zero() {
            return;
        }
        let held = self
            .holdings
            .entry((account, wallet))
            .or_default()
            .entry(asset.to_owned())
            .or_default();
        held.locked += amount;
        let held = *held;
        self.events.push(Event::Balance(BalanceChange {
            account,
            wallet,
            asset: asset.to_owned(),
            free: held.total - held.locked,
            locked: held.locked,
            delta: Decimal::ZERO,
            kind: None,
            key: None,
            time_ms: now,
        }));
    }

    /// Signed position of an account in a perpetual, both sides of hedge mode taken together; zero if none.
    pub fn position_quantity(&self, account: AccountId, key: &Key) -> Decimal {
        PositionSide::ALL
            .into_iter()
            .map(|side| self.held(account, key, side))
            .sum()
    }

    /// Signed quantity of one position; zero if none.
    pub fn held(&self, account: AccountId, key: &Key, side: PositionSide) -> Decimal {
        self.lots
            .get(&(account, key.clone(), side))
            .map_or(Decimal::ZERO, |lot| lot.quantity)
    }

    /// Whether an account holds anything of a perpetual.
    pub fn holds(&self, account: AccountId, key: &Key) -> bool {
        PositionSide::ALL
            .into_iter()
            .any(|side| !self.held(account, key, side).is_zero())
    }

    /// Books one fill of an order: the fill row, its money, its position, and the events of all three.
    pub(super) fn book_fill(&mut self, slot: usize, quantity: Decimal, price: Decimal, maker: bool, now: Ms) {
        let Some(order) = self.orders.get(slot).cloned() else {
            return;
        };
        let Some(rule) = self.market.rule(&order.key) else {
            return;
        };
        let (base, quote) = (rule.base.clone(), rule.quote.clone());
        let rate = if maker { rule.maker_fee } else { rule.taker_fee };
        let cash_market = order.key.product == Product::Spot;
        let base_fee = cash_market && order.side == super::Side::Buy;
        let fee = money(if base_fee {
            quantity * rate
        } else {
            quantity * price * rate
        });
        let fee_asset = if base_fee { base.clone() } else { quote.clone() };
        let (realised, position_after) = if cash_market {
            (Decimal::ZERO, Decimal::ZERO)
        } else {
            self.trade_lot(&order, quantity, price, now)
        };
        let id = self.fresh_id();
        let fill = Fill {
            account: order.account,
            key: order.key.clone(),
            id,
            order_id: order.id,
            client_id: order.client_id.clone(),
            side: order.side,
            quantity,
            price,
            fee,
            fee_asset,
            realised,
            position_after,
            position_side: order.position_side,
            maker,
            foreign: order.foreign,
            time_ms: now,
        };
        let after = self.fill_order(slot, &fill);
        self.fills.push(fill.clone());
        if let Some(order) = after {
            self.events.push(Event::Fill {
                fill: fill.clone(),
                order,
            });
        }
        if cash_market {
            self.pay_spot(&order, &fill, &base, &quote);
        } else {
            self.pay_perp(&fill);
        }
    }

    /// Moves the order's position; answers the profit realised and the position afterwards.
    fn trade_lot(&mut self, order: &Order, quantity: Decimal, price: Decimal, now: Ms) -> (Decimal, Decimal) {
        let alone = self
            .isolated(order.account, &order.key)
            .then(|| self.leverage(order.account, &order.key));
        let at = (order.account, order.key.clone(), order.position_side);
        let lot = self.lots.entry(at).or_default();
        let before = lot.quantity;
        let profit = lot.trade(order.side.sign() * quantity, price, now);
        lot.set_aside(before, price, alone);
        (profit, lot.quantity)
    }

    /// Puts a fill on its order and frees what was held for it.
    fn fill_order(&mut self, slot: usize, fill: &Fill) -> Option<Order> {
        let order = self.orders.get_mut(slot)?;
        order.filled += fill.quantity;
        order.filled_quote += fill.value();
        order.fee += fill.fee;
        order.updated_ms = fill.time_ms;
        let done = order.filled >= order.quantity;
        order.status = if done {
            super::OrderStatus::Filled
        } else {
            super::OrderStatus::PartiallyFilled
        };
        let after = order.clone();
        if done {
            self.open.remove(&slot);
        }
        Some(after)
    }

    fn pay_spot(&mut self, order: &Order, fill: &Fill, base: &str, quote: &str) {
        let wallet = Wallet::of(fill.key.venue, Product::Spot);
        let why = Why {
            kind: CashKind::Trade,
            key: Some(&fill.key),
            reference: Some(fill.id),
            now: fill.time_ms,
        };
        let fee = Why {
            kind: CashKind::Fee,
            ..why
        };
        let sign = fill.side.sign();
        self.release(order, fill, base, quote);
        self.pay(fill.account, wallet, base, sign * fill.quantity, why);
        self.pay(fill.account, wallet, quote, -sign * fill.value(), why);
        self.pay(fill.account, wallet, &fill.fee_asset, -fill.fee, fee);
    }

    /// Frees the part of a resting order's hold that this fill uses.
    fn release(&mut self, order: &Order, fill: &Fill, base: &str, quote: &str) {
        let Some(slot) = self.by_id.get(&order.id).copied() else {
            return;
        };
        let Some(now_held) = self.orders.get_mut(slot) else {
            return;
        };
        if now_held.hold.is_zero() {
            return;
        }
        let (asset, part) = match order.side {
            super::Side::Buy => (quote, fill.quantity * order.price.unwrap_or(fill.price)),
            super::Side::Sell => (base, fill.quantity),
        };
        let part = if now_held.status.is_open() {
            part.min(now_held.hold)
        } else {
            now_held.hold
        };
        now_held.hold -= part;
        let wallet = Wallet::of(order.key.venue, Product::Spot);
        self.hold(order.account, wallet, asset, -part, fill.time_ms);
    }

    fn pay_perp(&mut self, fill: &Fill) {
        let wallet = Wallet::of(fill.key.venue, Product::Perp);
        let why = Why {
            kind: CashKind::RealisedProfit,
            key: Some(&fill.key),
            reference: Some(fill.id),
            now: fill.time_ms,
        };
        self.pay(fill.account, wallet, USDT, fill.realised, why);
        self.pay(
            fill.account,
            wallet,
            USDT,
            -fill.fee,
            Why {
                kind: CashKind::Fee,
                ..why
            },
        );
        if let Some(position) = self.position_of(fill.account, &fill.key, fill.position_side, fill.time_ms) {
            self.events.push(Event::Position(position));
        }
    }
}

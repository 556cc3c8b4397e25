//! Time: settlements at their true instants, then resting orders, then liquidation.

use rust_decimal::Decimal;

use super::Exchange;
use super::book::{USDT, Why, money};
use super::cash::{CashKind, FundingRow};
use super::event::Event;
use super::foreign::CloseOut;
use super::types::{AccountId, EndCause, OrderStatus, PositionSide, Wallet};
use crate::market::{Key, Ms, Product, Settlement, Venue};

/// Longest stretch walked at once, so that a leap in time still meets its liquidations and touches on the way.
const STRIDE_MS: Ms = 900_000;

impl Exchange {
    /// Lets time pass up to `now`. Going back does nothing.
    pub fn advance(&mut self, now: Ms) {
        loop {
            let stride = self.clock + STRIDE_MS;
            let next = self
                .market
                .next_announced()
                .map_or(stride, |at| at.clamp(self.clock, stride));
            if next >= now {
                break;
            }
            self.step(next);
        }
        if now >= self.clock {
            self.step(now);
        }
    }

    /// The instant up to which time has passed.
    pub const fn clock(&self) -> Ms {
        self.clock
    }

    fn step(&mut self, now: Ms) {
        let last = self.clock;
        self.clock = now;
        if now > last {
            self.market.walk(last, now);
            self.settle(last, now);
        }
        self.market.come_true(now);
        self.run_countdowns(now);
        self.match_resting(now);
        self.liquidate(now);
    }

    /// Pays every settlement with `last < at <= now`, in the order of time, to whoever holds a position.
    fn settle(&mut self, last: Ms, now: Ms) {
        let mut due: Vec<(Ms, Key, AccountId, PositionSide, Settlement)> = Vec::new();
        for ((account, key, side), lot) in &self.lots {
            if lot.quantity.is_zero() {
                continue;
            }
            let rows = self.market.settlements(key, last, now);
            due.extend(
                rows.into_iter()
                    .map(|row| (row.at_ms, key.clone(), *account, *side, row)),
            );
        }
        due.sort_by(|a, b| (a.0, &a.1, a.2, a.3).cmp(&(b.0, &b.1, b.2, b.3)));
        for (_, key, account, side, row) in due {
            self.pay_funding(account, (&key, side), &row);
        }
    }

    fn pay_funding(&mut self, account: AccountId, (key, side): (&Key, PositionSide), row: &Settlement) {
        let quantity = self.held(account, key, side);
        let amount = money(-quantity * row.mark * row.rate);
        if amount.is_zero() {
            return;
        }
        let wallet = Wallet::of(key.venue, Product::Perp);
        let id = self.fresh_id();
        let paid = FundingRow {
            account,
            key: key.clone(),
            id,
            amount,
            rate: row.rate,
            quantity,
            mark_price: row.mark,
            settled_ms: row.at_ms,
            balance_after: self.holding(account, wallet, USDT).total + amount,
        };
        self.funding.push(paid.clone());
        self.events.push(Event::Funding(paid));
        let why = Why {
            kind: CashKind::Funding,
            key: Some(key),
            reference: Some(id),
            now: row.at_ms,
        };
        self.pay(account, wallet, USDT, amount, why);
        self.bear_alone(account, (key, side), amount);
    }

    /// Closes out every position in isolation and every account that no longer cover their maintenance margin.
    fn liquidate(&mut self, now: Ms) {
        for (account, key, side) in self.overdrawn_alone(now) {
            self.close_out_alone(account, (&key, side), now);
        }
        let mut held: Vec<(AccountId, Venue)> = self
            .lots
            .iter()
            .filter(|(_, lot)| !lot.quantity.is_zero() && lot.isolated.is_none())
            .map(|((account, key, _), _)| (*account, key.venue))
            .collect();
        held.sort_unstable();
        held.dedup();
        for (account, venue) in held {
            let margin = self.margin(account, venue, now);
            if margin.cross_equity() <= margin.cross_maintenance() {
                self.close_out(account, venue, now);
            }
        }
    }

    fn close_out(&mut self, account: AccountId, venue: Venue, now: Ms) {
        let orders: Vec<u64> = self
            .open_orders(account, venue, Product::Perp)
            .map(|order| order.id)
            .collect();
        for id in orders {
            if let Some(slot) = self.by_id.get(&id).copied() {
                self.end(slot, OrderStatus::Cancelled, EndCause::Liquidation, now);
            }
        }
        let held: Vec<(Key, PositionSide)> = self
            .lots
            .iter()
            .filter(|((owner, key, _), lot)| {
                *owner == account && key.venue == venue && !lot.quantity.is_zero() && lot.isolated.is_none()
            })
            .map(|((_, key, side), _)| (key.clone(), *side))
            .collect();
        for (key, side) in held {
            self.force_close(account, (&key, side), Decimal::ONE, CloseOut::Liquidation, now);
        }
        let left = self.holding(account, Wallet::of(venue, Product::Perp), USDT).total;
        // What is put aside for positions in isolation is not there to pay.
        let owed = self.margin(account, venue, now).isolated - left;
        if owed > Decimal::ZERO {
            self.insure(account, venue, owed, now);
        }
    }

    /// The insurance fund pays what a bankrupt position cost beyond its margin.
    pub(super) fn insure(&mut self, account: AccountId, venue: Venue, amount: Decimal, now: Ms) {
        let why = Why {
            kind: CashKind::Insurance,
            key: None,
            reference: None,
            now,
        };
        self.pay(account, Wallet::of(venue, Product::Perp), USDT, amount, why);
    }
}

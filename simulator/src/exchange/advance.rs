//! Time: settlements at their true instants, then resting orders, then liquidation.

use rust_decimal::Decimal;

use super::Exchange;
use super::book::{USDT, Why, money};
use super::cash::{CashKind, FundingRow};
use super::event::Event;
use super::foreign::CloseOut;
use super::types::{AccountId, EndCause, OrderStatus, Wallet};
use crate::market::{Key, Ms, Product, Settlement, Venue};

/// Longest stretch walked at once, so that a leap in time still meets its liquidations and touches on the way.
const STRIDE_MS: Ms = 900_000;

impl Exchange {
    /// Lets time pass up to `now`. Going back does nothing.
    pub fn advance(&mut self, now: Ms) {
        while self.clock + STRIDE_MS < now {
            self.step(self.clock + STRIDE_MS);
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
        self.match_resting(now);
        self.liquidate(now);
    }

    /// Pays every settlement with `last < at <= now`, in the order of time, to whoever holds a position.
    fn settle(&mut self, last: Ms, now: Ms) {
        let mut due: Vec<(Ms, Key, AccountId, Settlement)> = Vec::new();
        for ((account, key), lot) in &self.lots {
            if lot.quantity.is_zero() {
                continue;
            }
            let rows = self.market.settlements(key, last, now);
            due.extend(rows.into_iter().map(|row| (row.at_ms, key.clone(), *account, row)));
        }
        due.sort_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)));
        for (_, key, account, row) in due {
            self.pay_funding(account, &key, &row);
        }
    }

    fn pay_funding(&mut self, account: AccountId, key: &Key, row: &Settlement) {
        let quantity = self.position_quantity(account, key);
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
    }

    /// Closes out every account whose equity no longer covers its maintenance margin.
    fn liquidate(&mut self, now: Ms) {
        let mut held: Vec<(AccountId, Venue)> = self
            .lots
            .iter()
            .filter(|(_, lot)| !lot.quantity.is_zero())
            .map(|((account, key), _)| (*account, key.venue))
            .collect();
        held.sort_unstable();
        held.dedup();
        for (account, venue) in held {
            let margin = self.margin(account, venue, now);
            if margin.equity <= margin.maintenance {
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
        let keys: Vec<Key> = self
            .lots
            .iter()
            .filter(|((owner, key), lot)| *owner == account && key.venue == venue && !lot.quantity.is_zero())
            .map(|((_, key), _)| key.clone())
            .collect();
        for key in keys {
            self.force_close(account, &key, Decimal::ONE, CloseOut::Liquidation, now);
        }
        let wallet = Wallet::of(venue, Product::Perp);
        let left = self.holding(account, wallet, USDT).total;
        if left < Decimal::ZERO {
            let why = Why {
                kind: CashKind::Insurance,
                key: None,
                reference: None,
                now,
            };
            self.pay(account, wallet, USDT, -left, why);
        }
    }
}

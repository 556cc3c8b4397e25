//! Equity, margin and the price at which an account would be liquidated.

use rust_decimal::Decimal;

use super::Exchange;
use super::book::{Lot, USDT, money};
use super::cash::Margin;
use super::refusal::Refusal;
use super::types::{AccountId, Position, Wallet};
use crate::market::{Key, Ms, Product, Rules, Venue};

/// Leverage before the client sets one.
const DEFAULT_LEVERAGE: Decimal = Decimal::TEN;
/// Share of a coin's value that the unified account takes as collateral, in percent.
const COLLATERAL_PERCENT: i64 = 90;

impl Exchange {
    /// Leverage set for a symbol.
    pub fn leverage(&self, account: AccountId, key: &Key) -> Decimal {
        let most = self.market.rule(key).map_or(DEFAULT_LEVERAGE, |rule| rule.max_leverage);
        self.leverage
            .get(&(account, key.clone()))
            .copied()
            .unwrap_or(DEFAULT_LEVERAGE)
            .min(most)
    }

    /// Sets the leverage of a symbol and answers it.
    ///
    /// # Errors
    /// An unknown perpetual, a leverage outside its bounds, or (Bybit) one that is already set.
    pub fn set_leverage(&mut self, account: AccountId, key: &Key, leverage: Decimal) -> Result<Decimal, Refusal> {
        let rule = self.market.rule(key).filter(|_| key.product == Product::Perp);
        let rule = rule.ok_or_else(|| Refusal::UnknownSymbol(key.symbol.clone()))?;
        if leverage < Decimal::ONE || leverage > rule.max_leverage {
            return Err(Refusal::BadLeverage { max: rule.max_leverage });
        }
        if key.venue == Venue::Bybit && self.leverage(account, key) == leverage {
            return Err(Refusal::LeverageUnchanged);
        }
        self.leverage.insert((account, key.clone()), leverage);
        Ok(leverage)
    }

    /// Every perpetual position of an account on a venue that is not flat, by symbol.
    pub fn positions(&self, account: AccountId, venue: Venue, now: Ms) -> Vec<Position> {
        let margin = self.margin(account, venue, now);
        self.lots
            .iter()
            .filter(|((owner, key), lot)| *owner == account && key.venue == venue && !lot.quantity.is_zero())
            .filter_map(|((_, key), lot)| self.view(account, key, lot, &margin, now))
            .collect()
    }

    /// One position, flat ones included once they have existed.
    pub fn position(&self, account: AccountId, key: &Key, now: Ms) -> Option<Position> {
        let lot = self.lots.get(&(account, key.clone()))?;
        let margin = self.margin(account, key.venue, now);
        self.view(account, key, lot, &margin, now)
    }

    fn view(&self, account: AccountId, key: &Key, lot: &Lot, margin: &Margin, now: Ms) -> Option<Position> {
        let rule = self.market.rule(key)?;
        let mark = self.market.mark(key, now).unwrap_or_else(|| lot.entry());
        let value = lot.quantity.abs() * mark;
        let leverage = self.leverage(account, key);
        Some(Position {
            account,
            key: key.clone(),
            quantity: lot.quantity,
            entry_price: lot.entry(),
            mark_price: mark,
            liquidation_price: liquidation_price(lot, mark, rule, margin),
            unrealised: lot.quantity * mark - lot.cost,
            realised: lot.realised,
            leverage,
            initial_margin: money(value / leverage),
            maintenance_margin: money(value * rule.maintenance_margin),
            updated_ms: lot.updated_ms,
        })
    }

    /// The perpetual margin of an account on a venue.
    pub fn margin(&self, account: AccountId, venue: Venue, now: Ms) -> Margin {
        let wallet = Wallet::of(venue, Product::Perp);
        let usdt = self.holding(account, wallet, USDT);
        let mut margin = Margin {
            wallet_balance: usdt.total,
            ..Margin::default()
        };
        for ((owner, key), lot) in &self.lots {
            if *owner != account || key.venue != venue || lot.quantity.is_zero() {
                continue;
            }
            let Some(rule) = self.market.rule(key) else { continue };
            let mark = self.market.mark(key, now).unwrap_or_else(|| lot.entry());
            let value = lot.quantity.abs() * mark;
            margin.unrealised += lot.quantity * mark - lot.cost;
            margin.position_initial += value / self.leverage(account, key);
            margin.maintenance += value * rule.maintenance_margin;
        }
        margin.order_initial = self.order_margin(account, venue);
        margin.equity = margin.wallet_balance + margin.unrealised + self.collateral(account, venue, now);
        margin.available = margin.equity - usdt.locked - margin.position_initial - margin.order_initial;
        margin
    }

    fn order_margin(&self, account: AccountId, venue: Venue) -> Decimal {
        let orders = self.open.iter().filter_map(|slot| self.orders.get(*slot));
        orders
            .filter(|order| {
                order.account == account
                    && order.key.venue == venue
                    && order.key.product == Product::Perp
                    && !order.reduce_only
            })
            .map(|order| order.remaining() * order.price.unwrap_or_default() / self.leverage(account, &order.key))
            .sum()
    }

    /// Coins that back perpetuals: on the unified account only, with a haircut.
    fn collateral(&self, account: AccountId, venue: Venue, now: Ms) -> Decimal {
        let wallet = Wallet::of(venue, Product::Perp);
        if wallet != Wallet::Unified {
            return Decimal::ZERO;
        }
        let Some(purse) = self.holdings.get(&(account, wallet)) else {
            return Decimal::ZERO;
        };
        let coins = purse
            .iter()
            .filter(|(asset, held)| asset.as_str() != USDT && !held.total.is_zero());
        let value: Decimal = coins
            .filter_map(|(asset, held)| {
                let symbol = format!("{asset}{USDT}");
                let rule = self.market.find(venue, Product::Spot, &symbol)?;
                Some(held.total * self.market.mid(&rule.key, now)?)
            })
            .sum();
        value * Decimal::new(COLLATERAL_PERCENT, 2)
    }
}

/// Solves `equity(p) = maintenance(p)` for one position while the others stand still.
fn liquidation_price(lot: &Lot, mark: Decimal, rule: &Rules, margin: &Margin) -> Option<Decimal> {
    let size = lot.quantity.abs();
    let others = margin.maintenance - size * mark * rule.maintenance_margin;
    let slope = lot.quantity - size * rule.maintenance_margin;
    let price = (others - margin.equity + lot.quantity * mark).checked_div(slope)?;
    (price > Decimal::ZERO).then(|| price.round_dp(MONEY).normalize())
}

/// Decimal places of an estimated price.
const MONEY: u32 = 8;

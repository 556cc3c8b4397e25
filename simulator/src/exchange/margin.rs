//! Equity, margin and the price at which an account would be liquidated.

use rust_decimal::Decimal;

use super::Exchange;
use super::book::{Lot, USDT, money};
use super::cash::Margin;
use super::refusal::Refusal;
use super::types::{AccountId, Position, PositionSide, Wallet};
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
    /// An unknown perpetual, a leverage outside its bounds, (Bybit) one that is already set, or
    /// less than before under a position margined in isolation.
    pub fn set_leverage(&mut self, account: AccountId, key: &Key, leverage: Decimal) -> Result<Decimal, Refusal> {
        let rule = self.market.rule(key).filter(|_| key.product == Product::Perp);
        let rule = rule.ok_or_else(|| Refusal::UnknownSymbol(key.symbol.clone()))?;
        if leverage < Decimal::ONE || leverage > rule.max_leverage {
            return Err(Refusal::BadLeverage { max: rule.max_leverage });
        }
        let before = self.leverage(account, key);
        if key.venue == Venue::Bybit && before == leverage {
            return Err(Refusal::LeverageUnchanged);
        }
        if leverage < before && self.isolated(account, key) && self.holds(account, key) {
            return Err(Refusal::PositionsInTheWay);
        }
        self.leverage.insert((account, key.clone()), leverage);
        Ok(leverage)
    }

    /// Every perpetual position of an account on a venue that is not flat, by symbol.
    pub fn positions(&self, account: AccountId, venue: Venue, now: Ms) -> Vec<Position> {
        let margin = self.margin(account, venue, now);
        self.lots
            .iter()
            .filter(|((owner, key, _), lot)| *owner == account && key.venue == venue && !lot.quantity.is_zero())
            .filter_map(|((_, key, side), lot)| self.view(account, (key, *side), lot, &margin, now))
            .collect()
    }

    /// The position of one-way mode, flat ones included once they have existed.
    pub fn position(&self, account: AccountId, key: &Key, now: Ms) -> Option<Position> {
        self.position_of(account, key, PositionSide::Both, now)
    }

    /// One position, flat ones included once they have existed.
    pub fn position_of(&self, account: AccountId, key: &Key, side: PositionSide, now: Ms) -> Option<Position> {
        let lot = self.lots.get(&(account, key.clone(), side))?;
        let margin = self.margin(account, key.venue, now);
        self.view(account, (key, side), lot, &margin, now)
    }

    /// The row of a position that the account does not hold.
    pub fn flat(&self, account: AccountId, key: &Key, side: PositionSide, now: Ms) -> Position {
        Position {
            account,
            key: key.clone(),
            position_side: side,
            quantity: Decimal::ZERO,
            entry_price: Decimal::ZERO,
            mark_price: self.market.mark(key, now).unwrap_or_default(),
            liquidation_price: None,
            unrealised: Decimal::ZERO,
            realised: Decimal::ZERO,
            leverage: self.leverage(account, key),
            initial_margin: Decimal::ZERO,
            maintenance_margin: Decimal::ZERO,
            adl_risk: self.market.adl_risk(key, now),
            isolated_margin: self.isolated(account, key).then_some(Decimal::ZERO),
            updated_ms: 0,
        }
    }

    fn view(
        &self,
        account: AccountId,
        (key, position_side): (&Key, PositionSide),
        lot: &Lot,
        margin: &Margin,
        now: Ms,
    ) -> Option<Position> {
        let rule = self.market.rule(key)?;
        let mark = self.market.mark(key, now).unwrap_or_else(|| lot.entry());
        let value = lot.quantity.abs() * mark;
        let leverage = self.leverage(account, key);
        Some(Position {
            account,
            key: key.clone(),
            position_side,
            quantity: lot.quantity,
            entry_price: lot.entry(),
            mark_price: mark,
            liquidation_price: liquidation_price(lot, mark, rule, margin),
            unrealised: lot.quantity * mark - lot.cost,
            realised: lot.realised,
            leverage,
            initial_margin: money(value / leverage),
            maintenance_margin: money(rule.maintenance(value)),
            adl_risk: self.market.adl_risk(key, now),
            isolated_margin: lot.isolated,
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
        let mut cross_initial = Decimal::ZERO;
        for ((owner, key, _), lot) in &self.lots {
            if *owner != account || key.venue != venue || lot.quantity.is_zero() {
                continue;
            }
            let Some(rule) = self.market.rule(key) else { continue };
            let mark = self.market.mark(key, now).unwrap_or_else(|| lot.entry());
            let value = lot.quantity.abs() * mark;
            let (profit, needed) = (lot.quantity * mark - lot.cost, rule.maintenance(value));
            let initial = value / self.leverage(account, key);
            margin.unrealised += profit;
            margin.position_initial += initial;
            margin.maintenance += needed;
            if let Some(aside) = lot.isolated {
                margin.isolated += aside;
                margin.isolated_unrealised += profit;
                margin.isolated_maintenance += needed;
            } else {
                cross_initial += initial;
            }
        }
        margin.order_initial = self.order_margin(account, venue);
        margin.equity = margin.wallet_balance + margin.unrealised + self.collateral(account, venue, now);
        margin.available = margin.cross_equity() - usdt.locked - cross_initial - margin.order_initial;
        margin
    }

    fn order_margin(&self, account: AccountId, venue: Venue) -> Decimal {
        let orders = self.open.iter().filter_map(|slot| self.orders.get(*slot));
        orders
            .filter(|order| {
                order.account == account
                    && order.key.venue == venue
                    && order.key.product == Product::Perp
                    && !order.only_reduces()
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

/// Solves `equity(p) = maintenance(p)` for one position while the others stand still, at the rate of its present tier.
fn liquidation_price(lot: &Lot, mark: Decimal, rule: &Rules, margin: &Margin) -> Option<Decimal> {
    let size = lot.quantity.abs();
    let tier = rule.tier(size * mark);
    let own = rule.maintenance(size * mark);
    let (equity, others) = match lot.isolated {
        Some(aside) => (aside + lot.quantity * mark - lot.cost, Decimal::ZERO),
        None => (margin.cross_equity(), margin.cross_maintenance() - own),
    };
    let slope = lot.quantity - size * tier.maintenance;
    let price = (others - tier.deduction - equity + lot.quantity * mark).checked_div(slope)?;
    (price > Decimal::ZERO).then(|| price.round_dp(MONEY).normalize())
}

/// Decimal places of an estimated price.
const MONEY: u32 = 8;

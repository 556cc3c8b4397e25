//! What happens to an account that its client did not do: a colleague's order, a transfer, deleveraging.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use thiserror::Error;

use super::Exchange;
use super::book::Why;
use super::cash::CashKind;
use super::matching::walk;
use super::self_trade::SelfTrade;
use super::types::{
    AccountId, EndCause, OrderKind, OrderRequest, OrderStatus, PositionSide, Side, TimeInForce, Wallet,
};
use crate::market::{Key, Ms, Product, Venue};

/// What sort of foreign act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignKind {
    /// A limit order that rests far from the market.
    Order,
    /// A market order that fills at once.
    Trade,
    /// Money in (`buy`) or out (`sell`); `symbol` names the asset, or an instrument of which the base is meant.
    Transfer,
}

/// A foreign act.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// What sort.
    pub kind: ForeignKind,
    /// The venue's symbol, or an asset for a transfer.
    pub symbol: String,
    /// Which way.
    pub side: Side,
    /// Base quantity, or amount of the asset.
    pub quantity: Decimal,
    /// `spot`, `usdm`, `linear` or `perp` (default).
    #[serde(default)]
    pub product: Option<String>,
    /// API key of the account; the first account if absent.
    #[serde(default)]
    pub account: Option<String>,
}

/// Why a foreign act could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForeignError {
    /// No such instrument.
    #[error("no instrument {0}")]
    Symbol(String),
    /// No such account.
    #[error("no such account")]
    Account,
    /// Quantity or fraction out of range.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// No price now, or an empty book.
    #[error("no market for {0} now")]
    NoMarket(String),
    /// The account holds no such position.
    #[error("no position in {0}")]
    NoPosition(String),
}

/// Who closes a position out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseOut {
    Liquidation,
    Deleveraging,
}

impl Exchange {
    /// Does something to an account that its client did not ask for.
    ///
    /// # Errors
    /// [`ForeignError`]; nothing happened.
    pub fn foreign(&mut self, venue: Venue, act: &Foreign, now: Ms) -> Result<(), ForeignError> {
        let account = match &act.account {
            Some(key) => self.account_by_key(key),
            None => self.account_ids().next(),
        };
        let account = account.ok_or(ForeignError::Account)?;
        let most = Decimal::from(1_000_000_000_000_i64);
        if act.quantity <= Decimal::ZERO || act.quantity > most {
            return Err(ForeignError::Range("quantity"));
        }
        let product = if act.product.as_deref() == Some("spot") {
            Product::Spot
        } else {
            Product::Perp
        };
        match act.kind {
            ForeignKind::Transfer => self.transfer(account, venue, product, act, now),
            ForeignKind::Order | ForeignKind::Trade => self.foreign_order(account, venue, product, act, now),
        }
    }

    fn transfer(
        &mut self,
        account: AccountId,
        venue: Venue,
        product: Product,
        act: &Foreign,
        now: Ms,
    ) -> Result<(), ForeignError> {
        let asset = self
            .market
            .find(venue, Product::Spot, &act.symbol)
            .map(|rule| rule.base.clone());
        let asset = asset.unwrap_or_else(|| act.symbol.clone());
        let wallet = Wallet::of(venue, product);
        let held = self.holding(account, wallet, &asset);
        if act.side == Side::Sell && held.total - held.locked < act.quantity {
            return Err(ForeignError::Range("quantity"));
        }
        let why = Why {
            kind: CashKind::Transfer,
            key: None,
            reference: None,
            now,
        };
        self.pay(account, wallet, &asset, act.side.sign() * act.quantity, why);
        Ok(())
    }

    fn foreign_order(
        &mut self,
        account: AccountId,
        venue: Venue,
        product: Product,
        act: &Foreign,
        now: Ms,
    ) -> Result<(), ForeignError> {
        let rule = self.market.find(venue, product, &act.symbol).cloned();
        let rule = rule.ok_or_else(|| ForeignError::Symbol(act.symbol.clone()))?;
        let none = || ForeignError::NoMarket(act.symbol.clone());
        let mid = self.market.mid(&rule.key, now).ok_or_else(none)?;
        let depth = self.market.depth(&rule.key, now).ok_or_else(none)?;
        let trade = act.kind == ForeignKind::Trade;
        // A tenth away from the market: it rests, and a calm market does not come to it.
        let away = (mid * (Decimal::ONE - act.side.sign() * Decimal::new(1, 1))).checked_div(rule.tick);
        let price = away.map(|ticks| ticks.round_dp_with_strategy(0, RoundingStrategy::ToZero) * rule.tick);
        let request = OrderRequest {
            symbol: act.symbol.clone(),
            side: act.side,
            kind: if trade { OrderKind::Market } else { OrderKind::Limit },
            time_in_force: if trade { TimeInForce::Ioc } else { TimeInForce::Gtc },
            quantity: Some(act.quantity),
            quote_quantity: None,
            price: price.filter(|_| !trade),
            reduce_only: false,
            client_id: None,
            position_side: growing(self.hedged(account, &rule.key), act.side),
            self_trade: SelfTrade::Allow,
        };
        let slot = self.accept(account, &rule, &request, act.quantity, true, now);
        if trade {
            let levels = if act.side == Side::Buy {
                &depth.asks
            } else {
                &depth.bids
            };
            for (price, quantity) in walk(levels, act.side, None, act.quantity) {
                self.market.bite(&rule.key, act.side, (price, quantity), now);
                self.book_fill(slot, quantity, price, false, now);
            }
            self.end(slot, OrderStatus::Expired, EndCause::NoLiquidity, now);
        }
        Ok(())
    }

    /// Auto-deleveraging: the venue closes `fraction` of a position at mark.
    ///
    /// # Errors
    /// [`ForeignError`]; nothing happened.
    pub fn deleverage(&mut self, venue: Venue, symbol: &str, fraction: Decimal, now: Ms) -> Result<(), ForeignError> {
        self.reduce_by_venue(venue, symbol, fraction, CloseOut::Deleveraging, now)
    }

    /// Forced liquidation of `fraction` of a position at mark.
    ///
    /// # Errors
    /// [`ForeignError`]; nothing happened.
    pub fn force_liquidation(
        &mut self,
        venue: Venue,
        symbol: &str,
        fraction: Decimal,
        now: Ms,
    ) -> Result<(), ForeignError> {
        self.reduce_by_venue(venue, symbol, fraction, CloseOut::Liquidation, now)
    }

    fn reduce_by_venue(
        &mut self,
        venue: Venue,
        symbol: &str,
        fraction: Decimal,
        how: CloseOut,
        now: Ms,
    ) -> Result<(), ForeignError> {
        if fraction <= Decimal::ZERO || fraction > Decimal::ONE {
            return Err(ForeignError::Range("fraction"));
        }
        let key = self
            .key(venue, Product::Perp, symbol)
            .ok_or_else(|| ForeignError::Symbol(symbol.to_owned()))?;
        let holders: Vec<AccountId> = self
            .account_ids()
            .filter(|account| self.holds(*account, &key))
            .collect();
        if holders.is_empty() {
            return Err(ForeignError::NoPosition(symbol.to_owned()));
        }
        if how == CloseOut::Deleveraging {
            self.market.deleveraged(&key, now);
        }
        for account in holders {
            for side in PositionSide::ALL {
                self.force_close(account, (&key, side), fraction, how, now);
            }
        }
        Ok(())
    }

    /// Closes a fraction of a position at mark by an order of the venue's own.
    pub(super) fn force_close(
        &mut self,
        account: AccountId,
        (key, position_side): (&Key, PositionSide),
        fraction: Decimal,
        how: CloseOut,
        now: Ms,
    ) {
        let Some(rule) = self.market.rule(key).cloned() else {
            return;
        };
        let held = self.held(account, key, position_side);
        let lots = (held.abs() * fraction).checked_div(rule.lot).unwrap_or_default();
        let part = lots.round_dp_with_strategy(0, RoundingStrategy::AwayFromZero) * rule.lot;
        let quantity = part.min(held.abs());
        let Some(price) = self.market.mark(key, now).filter(|_| !quantity.is_zero()) else {
            return;
        };
        let side = if held > Decimal::ZERO { Side::Sell } else { Side::Buy };
        let name = match how {
            CloseOut::Liquidation => format!("autoclose-{now}{}", self.next_id),
            CloseOut::Deleveraging => "adl_autoclose".to_owned(),
        };
        let request = OrderRequest {
            symbol: key.symbol.clone(),
            side,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Ioc,
            quantity: Some(quantity),
            quote_quantity: None,
            price: None,
            reduce_only: true,
            client_id: (key.venue == Venue::Binance).then_some(name),
            position_side,
            self_trade: SelfTrade::Allow,
        };
        let slot = self.accept(account, &rule, &request, quantity, true, now);
        if let Some(order) = self.orders.get_mut(slot) {
            order.end_cause = Some(match how {
                CloseOut::Liquidation => EndCause::Liquidation,
                CloseOut::Deleveraging => EndCause::Deleveraging,
            });
        }
        self.book_fill(slot, quantity, price, false, now);
    }
}

/// The position that an order opens.
const fn growing(hedged: bool, side: Side) -> PositionSide {
    match (hedged, side) {
        (false, _) => PositionSide::Both,
        (true, Side::Buy) => PositionSide::Long,
        (true, Side::Sell) => PositionSide::Short,
    }
}

//! What an account is set to: margin mode, position mode; margin in isolation; money between wallets.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::Exchange;
use super::book::{USDT, Why, money};
use super::cash::CashKind;
use super::foreign::CloseOut;
use super::refusal::Refusal;
use super::types::{AccountId, PositionSide, Wallet};
use crate::market::{Key, Ms, Product, Venue};

/// What clients have set, beside leverage.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Margined in isolation: one instrument on Binance; on Bybit the whole account, which has no instrument.
    isolated: BTreeSet<(AccountId, Venue, Option<Key>)>,
    /// Hedge mode: on Binance the whole account, one instrument on Bybit.
    hedged: BTreeSet<(AccountId, Venue, Option<Key>)>,
    /// Whoever set what becomes of prices beyond the band otherwise than it is at first.
    price_action: BTreeSet<(AccountId, Product)>,
    transfers: Vec<TransferRow>,
    margin_moves: Vec<MarginMove>,
    /// When all open orders of an instrument are cancelled, unless the client says otherwise before.
    countdowns: std::collections::BTreeMap<(AccountId, Key), Ms>,
}

/// Money that an account moved between its wallets.
#[derive(Clone, Debug)]
pub struct TransferRow {
    /// Id.
    pub id: u64,
    /// Owner.
    pub account: AccountId,
    /// Out of.
    pub from: Wallet,
    /// Into.
    pub to: Wallet,
    /// What.
    pub asset: String,
    /// How much.
    pub amount: Decimal,
    /// When.
    pub time_ms: Ms,
}

/// Margin that a client put to a position in isolation or took from it.
#[derive(Clone, Debug)]
pub struct MarginMove {
    /// Owner.
    pub account: AccountId,
    /// Instrument.
    pub key: Key,
    /// Which position.
    pub position_side: PositionSide,
    /// Positive was added.
    pub amount: Decimal,
    /// When.
    pub time_ms: Ms,
}

impl Exchange {
    /// Whether positions in an instrument are margined in isolation.
    pub fn isolated(&self, account: AccountId, key: &Key) -> bool {
        let scope = (key.venue == Venue::Binance).then(|| key.clone());
        self.settings.isolated.contains(&(account, key.venue, scope))
    }

    /// Whether the account holds long and short apart in an instrument.
    pub fn hedged(&self, account: AccountId, key: &Key) -> bool {
        let scope = (key.venue == Venue::Bybit).then(|| key.clone());
        self.settings.hedged.contains(&(account, key.venue, scope))
    }

    /// Open perpetual orders, or positions, stand in the way of most settings.
    fn in_the_way(&self, account: AccountId, venue: Venue, only: Option<&Key>) -> Result<(), Refusal> {
        let concerns = |key: &Key| key.venue == venue && only.is_none_or(|only| only == key);
        let mut orders = self.open_orders(account, venue, Product::Perp);
        if orders.any(|order| concerns(&order.key)) {
            return Err(Refusal::OrdersInTheWay);
        }
        let mut lots = self.lots.iter();
        if lots.any(|((owner, key, _), lot)| *owner == account && concerns(key) && !lot.quantity.is_zero()) {
            return Err(Refusal::PositionsInTheWay);
        }
        Ok(())
    }

    /// Margins an instrument (Binance) or the whole account (Bybit, whichever instrument is named) in isolation, or not.
    ///
    /// # Errors
    /// [`Refusal::Unchanged`], or what stands in the way.
    pub fn set_isolated(&mut self, account: AccountId, key: &Key, isolated: bool) -> Result<(), Refusal> {
        if self.isolated(account, key) == isolated {
            return Err(Refusal::Unchanged);
        }
        let scope = (key.venue == Venue::Binance).then(|| key.clone());
        self.in_the_way(account, key.venue, scope.as_ref())?;
        let entry = (account, key.venue, scope);
        if isolated {
            self.settings.isolated.insert(entry);
        } else {
            self.settings.isolated.remove(&entry);
        }
        Ok(())
    }

    /// Holds long and short apart in an instrument (Bybit) or in all of them (Binance, whichever is named), or not.
    ///
    /// # Errors
    /// [`Refusal::Unchanged`], or what stands in the way.
    pub fn set_hedged(&mut self, account: AccountId, key: &Key, hedged: bool) -> Result<(), Refusal> {
        if self.hedged(account, key) == hedged {
            return Err(Refusal::Unchanged);
        }
        let scope = (key.venue == Venue::Bybit).then(|| key.clone());
        self.in_the_way(account, key.venue, scope.as_ref())?;
        let entry = (account, key.venue, scope);
        if hedged {
            self.settings.hedged.insert(entry);
        } else {
            self.settings.hedged.remove(&entry);
        }
        Ok(())
    }

    /// Puts margin to a position in isolation, or (negative) takes it back; answers what it has afterwards.
    ///
    /// # Errors
    /// No such position, more than is free, or less left than its initial margin.
    pub fn move_margin(
        &mut self,
        account: AccountId,
        (key, side): (&Key, PositionSide),
        amount: Decimal,
        now: Ms,
    ) -> Result<Decimal, Refusal> {
        let position = self.position_of(account, key, side, now);
        let position = position.filter(|position| !position.quantity.is_zero());
        let (Some(position), true) = (position, self.isolated(account, key)) else {
            return Err(Refusal::UnknownOrder);
        };
        let had = position.isolated_margin.unwrap_or_default();
        let short = if amount.is_sign_positive() {
            self.margin(account, key.venue, now).available < amount
        } else {
            had + amount + position.unrealised.min(Decimal::ZERO) < position.initial_margin
        };
        if short {
            return Err(Refusal::InsufficientMargin);
        }
        let after = money(had + amount);
        if let Some(lot) = self.lots.get_mut(&(account, key.clone(), side)) {
            lot.isolated = Some(after);
            lot.updated_ms = now;
        }
        self.settings.margin_moves.push(MarginMove {
            account,
            key: key.clone(),
            position_side: side,
            amount,
            time_ms: now,
        });
        Ok(after)
    }

    /// Margin moved by an account, oldest first.
    pub fn margin_moves(&self, account: AccountId) -> impl Iterator<Item = &MarginMove> {
        self.settings
            .margin_moves
            .iter()
            .filter(move |row| row.account == account)
    }

    /// Whether a limit price beyond the band is moved to its edge (Bybit); otherwise it is refused. At first contracts'
    /// are moved and spot's are refused.
    pub fn moves_price(&self, account: AccountId, product: Product) -> bool {
        (product == Product::Perp) != self.settings.price_action.contains(&(account, product))
    }

    /// Sets that.
    pub fn set_moves_price(&mut self, account: AccountId, product: Product, moves: bool) {
        if moves == (product == Product::Perp) {
            self.settings.price_action.remove(&(account, product));
        } else {
            self.settings.price_action.insert((account, product));
        }
    }

    /// Sets when all open orders of an instrument will be cancelled; `None` takes it back.
    pub fn count_down(&mut self, account: AccountId, key: &Key, ends: Option<Ms>) {
        let at = (account, key.clone());
        match ends {
            Some(ends) => self.settings.countdowns.insert(at, ends),
            None => self.settings.countdowns.remove(&at),
        };
    }

    /// Cancels what countdowns that ended were about.
    pub(super) fn run_countdowns(&mut self, now: Ms) {
        let ended = self.settings.countdowns.iter().filter(|(_, ends)| **ends <= now);
        let ended: Vec<(AccountId, Key)> = ended.map(|(at, _)| at.clone()).collect();
        for (account, key) in ended {
            self.settings.countdowns.remove(&(account, key.clone()));
            self.cancel_all(account, key.venue, key.product, Some(&key.symbol), now);
        }
    }

    /// A position in isolation bears its own funding.
    pub(super) fn bear_alone(&mut self, account: AccountId, (key, side): (&Key, PositionSide), amount: Decimal) {
        let lot = self.lots.get_mut(&(account, key.clone(), side));
        if let Some(aside) = lot.and_then(|lot| lot.isolated.as_mut()) {
            *aside += amount;
        }
    }

    /// Positions in isolation whose own margin no longer suffices.
    pub(super) fn overdrawn_alone(&self, now: Ms) -> Vec<(AccountId, Key, PositionSide)> {
        let alone = self
            .lots
            .iter()
            .filter(|(_, lot)| lot.isolated.is_some() && !lot.quantity.is_zero());
        let over = alone.filter(|((_, key, _), lot)| {
            let mark = self.market.mark(key, now).unwrap_or_else(|| lot.entry());
            let value = lot.quantity.abs() * mark;
            let needed = self
                .market
                .rule(key)
                .map_or(Decimal::ZERO, |rule| rule.maintenance(value));
            lot.isolated.unwrap_or_default() + lot.quantity * mark - lot.cost <= needed
        });
        over.map(|((account, key, side), _)| (*account, key.clone(), *side))
            .collect()
    }

    /// Closes out a position in isolation; it costs its margin and no more.
    pub(super) fn close_out_alone(&mut self, account: AccountId, (key, side): (&Key, PositionSide), now: Ms) {
        let wallet = Wallet::of(key.venue, Product::Perp);
        let at = (account, key.clone(), side);
        let aside = self.lots.get(&at).and_then(|lot| lot.isolated).unwrap_or_default();
        let before = self.holding(account, wallet, USDT).total;
        self.force_close(account, (key, side), Decimal::ONE, CloseOut::Liquidation, now);
        let cost = before - self.holding(account, wallet, USDT).total;
        if cost > aside {
            self.insure(account, key.venue, cost - aside, now);
        }
    }

    /// Moves money between two wallets of an account and answers the id of the transfer.
    ///
    /// # Errors
    /// [`Refusal::BadQuantity`], [`Refusal::InsufficientBalance`].
    pub fn transfer_between(
        &mut self,
        account: AccountId,
        (from, to): (Wallet, Wallet),
        asset: &str,
        amount: Decimal,
        now: Ms,
    ) -> Result<u64, Refusal> {
        if amount <= Decimal::ZERO || from == to {
            return Err(Refusal::BadQuantity);
        }
        let held = self.holding(account, from, asset);
        let mut free = held.total - held.locked;
        if from == Wallet::of(from.venue(), Product::Perp) && asset == USDT {
            free = free.min(self.margin(account, from.venue(), now).available);
        }
        if free < amount {
            return Err(Refusal::InsufficientBalance {
                asset: asset.to_owned(),
            });
        }
        let id = self.fresh_id();
        let why = Why {
            kind: CashKind::Transfer,
            key: None,
            reference: Some(id),
            now,
        };
        self.pay(account, from, asset, -amount, why);
        self.pay(account, to, asset, amount, why);
        self.settings.transfers.push(TransferRow {
            id,
            account,
            from,
            to,
            asset: asset.to_owned(),
            amount,
            time_ms: now,
        });
        Ok(id)
    }

    /// Transfers of an account between its wallets, oldest first.
    pub fn transfers(&self, account: AccountId) -> impl Iterator<Item = &TransferRow> {
        self.settings.transfers.iter().filter(move |row| row.account == account)
    }
}

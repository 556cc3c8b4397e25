//! Which rows are new, whose they are, and what they change.

use crate::accounting::{CashAccount, Opening};
use crate::funding::FundingPayment;
use crate::instrument::VenueId;
use crate::money::Usd;
use crate::order::Fill;
use crate::position::{AccountTruth, Balance};
use crate::time::{Machine, Timestamp};

use super::past::Past;
use super::{Portfolio, tracked::Tracked};

/// The currency in which capital is counted.
const QUOTE: &str = "USDT";

/// What an execution turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Believed before.
    Again,
    /// Of an order of ours.
    Ours,
    /// Nobody here ordered it: a liquidation, a deleveraging, or a person.
    Foreign,
}

impl Portfolio {
    /// Believes what a wallet held at first.
    pub fn believe_opening(&mut self, opening: &Opening) {
        if self.books.cash_in(&opening.account).is_some() {
            return;
        }
        self.books.open(opening);
        if opening.account.asset.as_str() == QUOTE {
            self.capital += Usd(opening.total);
        }
        let first = self.opened_at.entry(opening.account.venue).or_insert(opening.at);
        *first = (*first).min(opening.at);
    }

    /// Believes an execution, once. A foreign one that shrinks a leg makes that leg smaller from now on; the other one is
    /// then cut to match.
    pub fn believe_fill(&mut self, fill: &Fill, now: Machine) -> Seen {
        if !self.fills.insert((fill.instrument.clone(), fill.trade_id.clone())) {
            return Seen::Again;
        }
        let (base, quote) = self.coins(&fill.instrument);
        let meets = self.meets_hedges(fill);
        self.books.fill(fill, &base, &quote);
        self.traded_at.insert(fill.instrument.clone(), fill.at);
        self.last_price.insert(fill.instrument.clone(), fill.price);
        if let Some(row) = self.orders.get(&fill.client_id) {
            let ticket = &row.ticket;
            self.executed.insert(ticket.client_id.clone());
            if let Some(tracked) = self.hedges.get_mut(&ticket.hedge) {
                tracked.take(fill, ticket.leg, ticket.purpose, &base, &quote);
                let lasted = tracked.watch_delta(now);
                self.longest_naked = self.longest_naked.max(lasted);
            }
            return Seen::Ours;
        }
        if fill.client_id.is_ours(&self.tag) {
            return Seen::Ours;
        }
        for tracked in self.hedges.values_mut() {
            if tracked.shrink(fill, meets, &quote) {
                tracked.watch_delta(now);
            }
        }
        Seen::Foreign
    }

    /// Believes a funding row, once, and credits it to the hedge that held the position.
    pub fn believe_funding(&mut self, payment: &FundingPayment) {
        if !self.payments.insert(Self::payment_key(payment)) {
            return;
        }
        let (_, quote) = self.coins(&payment.instrument);
        self.books.funding(payment, &quote);
        let holds = |tracked: &&mut Tracked| {
            let hedge = &tracked.hedge;
            let legs = [&hedge.long.instrument.id, &hedge.short.instrument.id];
            legs.contains(&&payment.instrument)
                && hedge.planned_at <= payment.settled_at
                && hedge.closed_at.is_none_or(|closed| payment.settled_at <= closed)
        };
        let tracked = self.hedges.values_mut().chain(self.closed.iter_mut()).find(holds);
        if let Some(tracked) = tracked {
            tracked.result.funding += payment.amount;
            return;
        }
        let held = |past: &&mut Past| past.held(&payment.instrument, payment.settled_at);
        if let Some(past) = self.past.iter_mut().find(held) {
            past.result.funding += payment.amount;
        }
    }

    /// The executions that are new, each with our name for its order where it is ours.
    pub fn unseen_fills(&self, fills: Vec<Fill>) -> Vec<Fill> {
        let fresh = |fill: &Fill| !self.fills.contains(&(fill.instrument.clone(), fill.trade_id.clone()));
        fills
            .into_iter()
            .filter(|fill| fresh(fill) && self.is_after_opening(fill.instrument.venue, fill.at))
            .filter_map(|fill| self.attribute(fill))
            .collect()
    }

    /// The funding rows that are new.
    pub fn unseen_payments(&self, payments: Vec<FundingPayment>) -> Vec<FundingPayment> {
        let is_new = |payment: &FundingPayment| {
            !self.payments.contains(&Self::payment_key(payment))
                && self.is_after_opening(payment.instrument.venue, payment.settled_at)
        };
        payments.into_iter().filter(is_new).collect()
    }

    /// What the wallets of a venue hold, the first time that they are read.
    pub fn unseen_openings(&self, truth: &AccountTruth) -> Vec<Opening> {
        if self.opened_at.contains_key(&truth.venue) {
            return Vec::new();
        }
        let opening = |balance: &Balance| Opening {
            account: CashAccount {
                venue: balance.venue,
                wallet: balance.wallet,
                asset: balance.asset.clone(),
            },
            total: balance.total,
            at: truth.read_at,
        };
        truth
            .balances
            .iter()
            .map(opening)
            .filter(|opening| self.books.cash_in(&opening.account).is_none())
            .collect()
    }

    /// Some lists of executions do not repeat our name for the order; the venue's name then tells whose it is. While an
    /// order of ours is on its way, an execution of no known order may be its own: it is read again later.
    fn attribute(&self, mut fill: Fill) -> Option<Fill> {
        if !fill.client_id.as_str().is_empty() {
            return Some(fill);
        }
        let mut on_its_way = false;
        for (id, row) in &self.orders {
            if row.ticket.instrument != fill.instrument {
                continue;
            }
            if row.venue_order_id.as_deref() == Some(fill.venue_order_id.as_str()) {
                fill.client_id = id.clone();
                return Some(fill);
            }
            on_its_way |= !row.state.is_terminal();
        }
        (!on_its_way).then_some(fill)
    }

    fn is_after_opening(&self, venue: VenueId, at: Timestamp) -> bool {
        self.opened_at.get(&venue).is_some_and(|opened| at > *opened)
    }
}

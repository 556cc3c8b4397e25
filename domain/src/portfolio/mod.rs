//! What is held and what became of it: the hedges, their orders, and the rows that are believed.
//!
//! - PO-1  An execution or a funding row counts once, whichever road it came by.
//! - PO-2  What is open, being opened or not yet proven counts as exposure in full (RI-1).
//! - PO-3  Rows from before the wallets were first read are part of what they held then.
//!
//! | file | holds |
//! |---|---|
//! | [`tracked`] | one hedge with what it has earned and how long its legs have differed |
//! | `rows` | which rows are new, whose they are, and what they change |
//! | `strangers` | what somebody else holds and trades on our account |
//! | `truth` | what is asked of a venue, and whether its answer agrees |
//! | `danger` | how near each leg is to being taken over by its venue |
//! | `past` | what closed hedges have brought, also those of earlier lives |
//! | `news` | what of a hedge's move people are told |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::accounting::Books;
use crate::funding::FundingPayment;
use crate::hedge::{Hedge, HedgeRow, HedgeState, Leg};
use crate::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, VenueId};
use crate::journal::{LedgerState, OrderRow};
use crate::money::{Price, Rate, Usd};
use crate::order::{ClientOrderId, HedgeId, OrderState, OrderTicket, Purpose};
use crate::reconcile::Inconsistency;
use crate::risk::{Exposure, Gate};
use crate::strategy::Entry;
use crate::time::{Machine, Timestamp};

mod danger;
mod news;
mod past;
mod rows;
mod strangers;
#[cfg(test)]
mod tests;
pub mod tracked;
mod truth;

use danger::Safety;
pub use danger::{Danger, UNKNOWN_FOR_MS};
use past::Past;
pub use rows::Seen;
use tracked::Tracked;

/// A row of an instrument, by the venue's id.
type RowKey = (InstrumentId, String);

/// Everything held, recomputed from rows.
#[derive(Debug, Default)]
pub struct Portfolio {
    tag: String,
    last_hedge: u64,
    instruments: BTreeMap<InstrumentId, (Instrument, FeeRates)>,
    hedges: BTreeMap<HedgeId, Tracked>,
    closed: Vec<Tracked>,
    /// Hedges that earlier lives closed.
    past: Vec<Past>,
    /// What the wallets held of the quote currency at first.
    capital: Usd,
    orders: BTreeMap<ClientOrderId, OrderRow>,
    books: Books,
    fills: BTreeSet<RowKey>,
    /// Our orders of which an execution is believed.
    executed: BTreeSet<ClientOrderId>,
    payments: BTreeSet<RowKey>,
    /// Since when the rows of a venue are asked for.
    opened_at: BTreeMap<VenueId, Timestamp>,
    /// Up to when everything of a venue has been read and agrees.
    agreed_at: BTreeMap<VenueId, Timestamp>,
    /// Instruments of each venue of which its last answer left uncertain what is held.
    uncertain: BTreeMap<VenueId, Vec<InstrumentId>>,
    /// How far each position was from its liquidation when its venue was read last.
    safety: BTreeMap<InstrumentId, Safety>,
    traded_at: BTreeMap<InstrumentId, Timestamp>,
    last_price: BTreeMap<InstrumentId, Price>,
    longest_naked: Duration,
}

impl Portfolio {
    /// Takes what the ledger knows. Answers the hedges with an instrument that is no longer listed: they cannot be
    /// traded, and their positions show up in the reconciliation.
    pub fn restore(
        &mut self,
        state: LedgerState,
        instruments: BTreeMap<InstrumentId, (Instrument, FeeRates)>,
        now: Machine,
    ) -> Vec<HedgeId> {
        self.instruments = instruments;
        self.remember(&state);
        (self.tag, self.last_hedge) = (state.tag, state.last_hedge);
        for opening in &state.openings {
            self.believe_opening(opening);
        }
        let mut delisted = Vec::new();
        for row in &state.hedges {
            if let (Some(long), Some(short)) = (self.leg(&row.long), self.leg(&row.short)) {
                self.hedges
                    .insert(row.id, Tracked::new(Hedge::restore(row, long, short)));
            } else {
                delisted.push(row.id);
            }
        }
        // Until something is executed, the worst price that an order may pay is what its exposure is valued at.
        for ticket in state.orders.iter().map(|row| &row.ticket) {
            if let Some(limit) = ticket.kind.limit() {
                self.last_price.insert(ticket.instrument.clone(), limit);
            }
        }
        let by_id = |row: OrderRow| (row.ticket.client_id.clone(), row);
        self.orders = state.orders.into_iter().map(by_id).collect();
        if let Some(agreed) = state.reconciled_at {
            self.agreed_at = VenueId::ALL.into_iter().map(|venue| (venue, agreed)).collect();
        }
        for fill in &state.fills {
            self.believe_fill(fill, now);
        }
        for payment in &state.funding {
            self.believe_funding(payment);
        }
        delisted
    }

    /// Makes a hedge of an entry and gives it a number. `None` when an instrument is not listed.
    pub fn plan(&mut self, entry: Entry, now: Timestamp) -> Option<Hedge> {
        let pair = &entry.opportunity.pair;
        let (long, short) = (self.leg(&pair.long)?, self.leg(&pair.short)?);
        let price = Price(entry.notional.0.checked_div(entry.target.0)?);
        self.last_hedge += 1;
        for leg in [&long, &short] {
            self.last_price
                .entry(leg.instrument.id.clone())
                .or_insert(Price(price.0 * leg.instrument.multiplier));
        }
        let hedge = Hedge {
            id: HedgeId(self.last_hedge),
            kind: entry.opportunity.kind,
            asset: entry.opportunity.asset,
            long,
            short,
            target: entry.target,
            state: HedgeState::Planned,
            planned_at: now,
            opened_at: None,
            closed_at: None,
        };
        self.hedges.insert(hedge.id, Tracked::new(hedge.clone()));
        Some(hedge)
    }

    /// An order was made durable and may be on its way.
    pub fn order_recorded(&mut self, ticket: OrderTicket, now: Timestamp) {
        self.traded_at.insert(ticket.instrument.clone(), now);
        if let Some(tracked) = self.hedges.get_mut(&ticket.hedge)
            && ticket.purpose == Purpose::Open
        {
            tracked.hedge.state = HedgeState::Opening(ticket.leg);
        }
        let row = OrderRow {
            ticket,
            state: OrderState::Recorded,
            venue_order_id: None,
            recorded_at: now,
        };
        self.orders.insert(row.ticket.client_id.clone(), row);
    }

    /// An order stands elsewhere.
    pub fn order_moved(&mut self, id: &ClientOrderId, state: OrderState, venue_order_id: Option<String>) {
        if let Some(row) = self.orders.get_mut(id) {
            row.state = state;
            row.venue_order_id = venue_order_id.or_else(|| row.venue_order_id.take());
        }
    }

    /// Whether an execution of an order is believed: then its venue has it.
    pub fn has_executed(&self, id: &ClientOrderId) -> bool {
        self.executed.contains(id)
    }

    /// A hedge stands elsewhere; one that is closed is kept apart, with its result, and its finished orders are let go.
    pub fn hedge_moved(&mut self, row: &HedgeRow) {
        let Some(tracked) = self.hedges.get_mut(&row.id) else {
            return;
        };
        let hedge = &mut tracked.hedge;
        (hedge.state, hedge.opened_at, hedge.closed_at) = (row.state, row.opened_at, row.closed_at);
        if row.state == HedgeState::Closed
            && let Some(closed) = self.hedges.remove(&row.id)
        {
            self.orders
                .retain(|_, order| order.ticket.hedge != row.id || !order.state.is_terminal());
            self.executed.retain(|id| self.orders.contains_key(id));
            if closed.has_traded() {
                self.closed.push(closed);
            }
        }
    }

    /// Times how long the legs of each hedge have differed.
    pub fn watch_deltas(&mut self, now: Machine) {
        let lasted = self.hedges.values_mut().map(|tracked| tracked.watch_delta(now)).max();
        self.longest_naked = self.longest_naked.max(lasted.unwrap_or_default());
    }

    /// Everything open, being opened, or not yet proven, in full, in quote currency.
    pub fn exposure(&self) -> Exposure {
        let mut exposure = Exposure::default();
        for Tracked { hedge, .. } in self.hedges.values() {
            let legs = [&hedge.long, &hedge.short];
            let price = legs.into_iter().filter_map(|leg| self.asset_price(leg)).max();
            let price = price.unwrap_or_default();
            for leg in legs {
                let entering = matches!(hedge.state, HedgeState::Planned | HedgeState::Opening(_));
                let units = if entering { leg.held.max(hedge.target) } else { leg.held };
                exposure.add(leg.instrument.id.venue, Usd(units.0 * price.0));
            }
        }
        exposure
    }

    /// The assets that may not be entered, each with its gate: those that have a hedge, and those of which it is
    /// uncertain what is held.
    pub fn barred(&self) -> BTreeMap<Name, Gate> {
        let hedged = self
            .hedges
            .values()
            .map(|tracked| (tracked.hedge.asset.clone(), Gate::AlreadyHedged));
        let asset = |id: &InstrumentId| {
            let (base, _) = self.coins(id);
            self.instruments
                .get(id)
                .map_or(base, |(instrument, _)| instrument.asset.clone())
        };
        let uncertain = self.uncertain.values().flatten();
        let uncertain = uncertain.map(|id| (asset(id), Gate::Uncertain(id.to_string())));
        let foreign: Vec<_> = self.foreign_positions().collect();
        let foreign = foreign.iter().filter_map(Inconsistency::uncertain);
        let foreign = foreign.map(|id| (asset(id), Gate::Uncertain(id.to_string())));
        hedged.chain(uncertain).chain(foreign).collect()
    }

    /// Price of one asset unit of a leg, as last traded.
    pub fn asset_price(&self, leg: &Leg) -> Option<Price> {
        let price = self.last_price.get(&leg.instrument.id)?;
        Some(Price(price.0 / leg.instrument.multiplier))
    }

    /// A hedge that is not closed.
    pub fn hedge(&self, id: HedgeId) -> Option<&Hedge> {
        self.hedges.get(&id).map(|tracked| &tracked.hedge)
    }

    /// Hedges that are not closed, oldest first.
    pub fn hedges(&self) -> impl ExactSizeIterator<Item = &Tracked> + Clone {
        self.hedges.values()
    }

    /// Hedges that were closed in this life of the process.
    pub fn closed(&self) -> &[Tracked] {
        &self.closed
    }

    /// Orders of hedges that are not closed, and every order that is not terminal.
    pub fn orders(&self) -> impl ExactSizeIterator<Item = &OrderRow> {
        self.orders.values()
    }

    /// Positions and cash by the rows.
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Executions and funding rows believed.
    pub fn rows_believed(&self) -> (usize, usize) {
        (self.fills.len(), self.payments.len())
    }

    /// The longest that a hedge's legs have differed, by machine time.
    pub const fn longest_naked(&self) -> Duration {
        self.longest_naked
    }

    fn leg(&self, id: &InstrumentId) -> Option<Leg> {
        let (instrument, fees) = self.instruments.get(id)?;
        let fee_in_base = if id.product == Product::Spot {
            fees.taker
        } else {
            Rate::ZERO
        };
        Some(Leg::empty(instrument.clone(), fee_in_base))
    }

    /// The base and quote coin of an instrument; of one that has since been delisted, by its name.
    fn coins(&self, id: &InstrumentId) -> (Name, Name) {
        self.instruments.get(id).map_or_else(
            || {
                let base = id.symbol.as_str().strip_suffix("USDT").unwrap_or(id.symbol.as_str());
                (base.into(), "USDT".into())
            },
            |(instrument, _)| (instrument.base.clone(), instrument.quote.clone()),
        )
    }

    fn payment_key(payment: &FundingPayment) -> RowKey {
        (payment.instrument.clone(), payment.id.clone())
    }
}

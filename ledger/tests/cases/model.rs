//! A ledger as one would write it on a napkin, to hold the real one against.

use std::collections::BTreeMap;

use domain::hedge::{HedgeRow, HedgeState};
use domain::instrument::VenueId;
use domain::journal::{Batch, LedgerState, OrderRow, Record, Written};
use domain::money::{AssetQuantity, Quantity};
use domain::order::{ClientOrderId, Ending, LegIndex, OrderState};
use domain::pause::PauseReason;
use domain::time::Timestamp;
use rust_decimal::Decimal;

use crate::support::values::*;

/// Chance that can be repeated (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    fn amount(&mut self) -> Decimal {
        let scale = u32::try_from(self.below(9)).unwrap();
        Decimal::new(i64::try_from(self.below(1_000_000_000)).unwrap(), scale)
    }
}

pub struct Model {
    state: LedgerState,
    hedges: BTreeMap<u64, HedgeRow>,
    pauses: Vec<(Timestamp, PauseReason)>,
    serial: u32,
}

impl Model {
    pub fn new(tag: &str) -> Self {
        Self {
            state: LedgerState {
                tag: tag.to_owned(),
                ..LedgerState::default()
            },
            hedges: BTreeMap::new(),
            pauses: Vec::new(),
            serial: 0,
        }
    }

    /// A batch that can be written now, of one to six records.
    pub fn invent(&mut self, dice: &mut Dice) -> Vec<Record> {
        (0..=dice.below(6)).map(|_| self.invent_record(dice)).collect()
    }

    fn invent_record(&mut self, dice: &mut Dice) -> Record {
        let hedge_number = 1 + u64::try_from(dice.below(6)).unwrap();
        match dice.below(8) {
            0 => Record::Hedge {
                row: hedge(hedge_number, Self::hedge_state(dice)),
                cause: "chance".to_owned(),
            },
            1 | 2 => {
                self.serial += 1;
                Record::Order(ticket(&self.state.tag, hedge_number, self.serial))
            }
            3 => match self.an_order(dice) {
                Some(id) => moved(&id, Self::order_state(dice), None),
                None => intent(hedge_number),
            },
            4 | 5 => {
                let order = self
                    .an_order(dice)
                    .unwrap_or_else(|| ClientOrderId::from_text("somebody-else"));
                let mut fill = fill(&order, &format!("t{}", dice.below(60)), "1");
                (fill.quantity, fill.fee) = (Quantity(dice.amount()), dice.amount());
                Record::Fill(fill)
            }
            6 => Record::Funding(payment(&format!("f{}", dice.below(30)))),
            _ => Self::pause(dice),
        }
    }

    fn an_order(&self, dice: &mut Dice) -> Option<ClientOrderId> {
        let count = self.state.orders.len();
        (count > 0).then(|| self.state.orders[dice.below(count)].ticket.client_id.clone())
    }

    fn hedge_state(dice: &mut Dice) -> HedgeState {
        let leg = LegIndex::BOTH[dice.below(2)];
        match dice.below(5) {
            0 => HedgeState::Opening(leg),
            1 => HedgeState::Open,
            2 => HedgeState::OneLegged {
                filled: leg,
                missing: AssetQuantity(dice.amount()),
            },
            3 => HedgeState::Closing(leg),
            _ => HedgeState::Closed,
        }
    }

    fn order_state(dice: &mut Dice) -> OrderState {
        let filled = Quantity(dice.amount());
        match dice.below(4) {
            0 => OrderState::Sent,
            1 => OrderState::Unknown,
            2 => OrderState::Acknowledged { filled },
            _ => OrderState::Done {
                how: Ending::ALL[dice.below(6)],
                filled,
            },
        }
    }

    fn pause(dice: &mut Dice) -> Record {
        let reason = match dice.below(3) {
            0 => PauseReason::Human(format!("words {}", dice.below(9))),
            1 => PauseReason::VenueDegraded(VenueId::ALL[dice.below(2)]),
            _ => PauseReason::LossLimit,
        };
        let by = "chance".to_owned();
        match dice.below(2) {
            0 => Record::Paused { reason, by },
            _ => Record::Unpaused { key: reason.key(), by },
        }
    }

    pub fn write(&mut self, batch: &Batch) -> Written {
        let mut written = Written::default();
        for record in &batch.records {
            self.keep(record, batch, &mut written);
        }
        written
    }

    fn keep(&mut self, record: &Record, batch: &Batch, written: &mut Written) {
        match record {
            Record::Hedge { row, .. } => {
                self.hedges.insert(row.id.0, row.clone());
            }
            Record::Order(ticket) => self.state.orders.push(OrderRow {
                ticket: ticket.clone(),
                state: OrderState::Recorded,
                venue_order_id: None,
                recorded_at: batch.at,
            }),
            Record::OrderMoved { client_id, state, .. } => {
                let order = self
                    .state
                    .orders
                    .iter_mut()
                    .find(|order| order.ticket.client_id == *client_id);
                order.unwrap().state = state.clone();
            }
            Record::Fill(fill) if self.state.fills.iter().all(|known| known.trade_id != fill.trade_id) => {
                self.state.fills.push(fill.clone());
                written.new_fills += 1;
            }
            Record::Funding(payment) if self.state.funding.iter().all(|known| known.id != payment.id) => {
                self.state.funding.push(payment.clone());
                written.new_funding += 1;
            }
            Record::Paused { reason, .. } if self.pauses.iter().all(|(_, known)| known.key() != reason.key()) => {
                self.pauses.push((batch.at, reason.clone()));
            }
            Record::Unpaused { key, .. } => self.pauses.retain(|(_, reason)| reason.key() != *key),
            _ => {}
        }
    }

    /// What a start would read.
    pub fn state(&self) -> LedgerState {
        let mut state = self.state.clone();
        let is_open = |number: &u64| {
            self.hedges
                .get(number)
                .is_some_and(|hedge| hedge.state != HedgeState::Closed)
        };
        state.hedges = self
            .hedges
            .values()
            .filter(|hedge| is_open(&hedge.id.0))
            .cloned()
            .collect();
        let over = self.hedges.values().filter(|hedge| !is_open(&hedge.id.0));
        state.closed = over
            .map(|hedge| {
                let own = state.orders.iter().filter(|order| order.ticket.hedge == hedge.id);
                (hedge.clone(), own.map(|order| order.ticket.client_id.clone()).collect())
            })
            .collect();
        state
            .orders
            .retain(|order| is_open(&order.ticket.hedge.0) || !order.state.is_terminal());
        let mut pauses = self.pauses.clone();
        pauses.sort_by_key(|(since, reason)| (*since, reason.key()));
        state.paused_by = pauses
            .iter()
            .map(|(since, reason)| (reason.key(), ("chance".to_owned(), *since)))
            .collect();
        state.pauses = pauses.into_iter().map(|(_, reason)| reason).collect();
        state.last_hedge = self.hedges.keys().last().copied().unwrap_or_default();
        state
    }
}

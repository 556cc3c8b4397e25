//! What closed hedges have brought, computed from rows: a limit on losses must not forget what an earlier life has lost.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::accounting::HedgeResult;
use crate::hedge::HedgeRow;
use crate::instrument::{InstrumentId, Product};
use crate::journal::LedgerState;
use crate::money::{Bps, Usd};
use crate::order::ClientOrderId;
use crate::risk::Losses;
use crate::time::{HOUR_MS, Timestamp};

use super::Portfolio;
use super::tracked::Tracked;

/// A hedge that an earlier life closed.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) row: HedgeRow,
    pub(super) result: HedgeResult,
    pub(super) fees_in_base: Usd,
}

impl Past {
    fn net(&self) -> Usd {
        self.result.net(Usd::ZERO, self.fees_in_base)
    }

    /// Whether a funding row of this instrument and instant is its own.
    pub(super) fn held(&self, instrument: &InstrumentId, at: Timestamp) -> bool {
        let row = &self.row;
        [&row.long, &row.short].contains(&instrument)
            && row.planned_at <= at
            && row.closed_at.is_none_or(|closed| at <= closed)
    }
}

impl Portfolio {
    /// Takes the hedges that are closed, each with what its executions brought; funding rows are credited as they are
    /// believed.
    pub(super) fn remember(&mut self, state: &LedgerState) {
        let mut of_order: BTreeMap<&ClientOrderId, usize> = BTreeMap::new();
        for (row, orders) in &state.closed {
            of_order.extend(orders.iter().map(|id| (id, self.past.len())));
            self.past.push(Past {
                row: row.clone(),
                result: HedgeResult::default(),
                fees_in_base: Usd::ZERO,
            });
        }
        for fill in &state.fills {
            let (base, quote) = self.coins(&fill.instrument);
            let Some(past) = of_order
                .get(&fill.client_id)
                .and_then(|place| self.past.get_mut(*place))
            else {
                continue;
            };
            past.result.fill(fill, &quote);
            if fill.fee_asset == base && fill.instrument.product == Product::Spot {
                past.fees_in_base += Usd(fill.fee * fill.price.0);
            }
        }
    }

    /// What each closed hedge has brought, with the time at which it was closed, the earliest first.
    fn brought(&self) -> Vec<(Timestamp, Usd)> {
        let past = self.past.iter().map(|past| (past.row.closed_at, past.net()));
        let of_this_life = self
            .closed
            .iter()
            .map(|one| (one.hedge.closed_at, Tracked::net_when_flat(one)));
        let mut all: Vec<_> = past
            .chain(of_this_life)
            .filter_map(|(at, net)| Some((at?, net)))
            .collect();
        all.sort_by_key(|(at, _)| *at);
        all
    }

    /// What has been lost, by the rows of closed hedges, whoever closed them.
    pub fn losses(&self, now: Timestamp) -> Losses {
        let day = |at: Timestamp| at.millis().div_euclid(24 * HOUR_MS);
        let brought = self.brought();
        let today: Usd = brought
            .iter()
            .filter(|(at, _)| day(*at) == day(now))
            .map(|(_, net)| *net)
            .sum();
        let (mut equity, mut peak) = (self.capital, self.capital);
        for (_, net) in &brought {
            equity += *net;
            peak = peak.max(equity);
        }
        let fallen = (peak - equity).0;
        let whole = Decimal::from(10_000);
        let drawdown = match fallen.checked_div(peak.0) {
            _ if fallen.is_zero() => Decimal::ZERO,
            // Without a capital to measure it by, any fall is a fall to nothing.
            Some(part) if peak > Usd::ZERO => part * whole,
            _ => whole,
        };
        Losses {
            today: (-today).max(Usd::ZERO),
            drawdown: Bps(drawdown),
        }
    }
}

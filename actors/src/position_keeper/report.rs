//! What the keeper tells about itself.

use actix::prelude::*;
use domain::hedge::Leg;
use domain::instrument::VenueId;
use domain::money::{Quantity, Usd};
use domain::order::LegIndex;
use serde_json::{Value, json};

use super::{Kept, PositionKeeper};
use crate::messages::Observe;

impl PositionKeeper {
    pub(super) fn positions_json(&self) -> Value {
        let held = self
            .books
            .positions()
            .filter(|(_, holding)| !holding.quantity.is_zero());
        held.map(|(id, holding)| (id.to_string(), Value::from(holding.quantity.to_string())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn hedge_json(&self, kept: &Kept) -> Value {
        let hedge = &kept.hedge;
        let leg = |index: LegIndex, leg: &Leg| {
            let entered = kept.entered.get(&index).copied().unwrap_or_default();
            let average = entered.value.0.checked_div(entered.quantity.0);
            json!({
                "venue": leg.instrument.id.venue.as_str(),
                "product": leg.instrument.id.product.as_str(),
                "symbol": leg.instrument.id.symbol.as_str(),
                "side": index.entry_side().as_str(),
                "quantity": hedge.target.to_string(),
                "filled": leg.held.to_string(),
                "average_price": average.map(|price| price.round_dp(8).normalize().to_string()),
            })
        };
        let worth = |index: LegIndex, leg: &Leg| {
            self.asset_price(leg)
                .map_or(Usd::ZERO, |price| Usd(index.entry_side().sign() * leg.held.0 * price.0))
        };
        let open_value = worth(LegIndex::Long, &hedge.long) + worth(LegIndex::Short, &hedge.short);
        json!({
            "id": hedge.id.to_string(),
            "symbol": hedge.short.instrument.id.symbol.as_str(),
            "asset": hedge.asset.as_str(),
            "kind": hedge.kind.as_str(),
            "state": hedge.state.as_str(),
            "legs": [leg(LegIndex::Long, &hedge.long), leg(LegIndex::Short, &hedge.short)],
            "net_delta": hedge.net_delta().to_string(),
            "opened_at": hedge.opened_at.map(|at| at.to_string()),
            "closed_at": hedge.closed_at.map(|at| at.to_string()),
            "funding_usd": kept.result.funding.to_string(),
            "fees_usd": kept.result.fees.to_string(),
            "net_usd": kept.result.net(open_value, kept.fees_in_base).to_string(),
        })
    }

    fn exposure_json(&self) -> Value {
        let exposure = self.exposure();
        let venues = VenueId::ALL.map(|venue| {
            (
                venue.as_str().to_owned(),
                Value::from(exposure.at(venue).cents().to_string()),
            )
        });
        json!({
            "total_usd": exposure.total().cents().to_string(),
            "by_venue_usd": serde_json::Map::from_iter(venues),
            "lost_today_usd": self.lost_today().cents().to_string(),
        })
    }
}

impl Handler<Observe> for PositionKeeper {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let all = self.hedges.values().chain(&self.closed);
        let fees: Usd = all.clone().map(|kept| kept.result.fees).sum();
        let funding: Usd = all.clone().map(|kept| kept.result.funding).sum();
        let net: Usd = self
            .closed
            .iter()
            .map(|kept| kept.result.net(Usd::ZERO, kept.fees_in_base))
            .sum();
        let opened = all.filter(|kept| kept.hedge.opened_at.is_some()).count();
        let unknown = self
            .orders
            .values()
            .filter(|row| row.state.as_str() == "unknown")
            .map(|row| row.ticket.quantity)
            .sum::<Quantity>();
        MessageResult(json!({
            "hedges": self.hedges.values().map(|kept| self.hedge_json(kept)).collect::<Vec<_>>(),
            "closed": self.closed.iter().map(|kept| self.hedge_json(kept)).collect::<Vec<_>>(),
            "exposure": self.exposure_json(),
            "positions": self.positions_json(),
            "hedges_opened": opened,
            "hedges_closed": self.closed.len(),
            "orders": self.orders.len(),
            "unknown_quantity": unknown.to_string(),
            "fills": self.fills.len(),
            "funding_payments": self.payments.len(),
            "fees_usd": fees.to_string(),
            "funding_usd": funding.to_string(),
            "closed_net_usd": net.to_string(),
            "max_naked_seconds": format!("{}.{:03}", self.max_naked.as_secs(), self.max_naked.subsec_millis()),
            "reconciliations": self.reconciliations,
            "inconsistencies": self.inconsistencies,
            "last_reconciliation": self.last_reconciled.map(|at| at.to_string()),
        }))
    }
}

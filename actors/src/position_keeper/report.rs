//! What the keeper tells about itself.

use actix::prelude::*;
use domain::hedge::Leg;
use domain::instrument::VenueId;
use domain::money::{Quantity, Usd};
use domain::order::LegIndex;
use domain::portfolio::tracked::Tracked;
use serde_json::{Value, json};

use super::PositionKeeper;
use crate::messages::Observe;

impl PositionKeeper {
    pub(super) fn positions_json(&self) -> Value {
        let held = self
            .portfolio
            .books()
            .positions()
            .filter(|(_, holding)| !holding.quantity.is_zero());
        held.map(|(id, holding)| (id.to_string(), Value::from(holding.quantity.to_string())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn hedge_json(&self, tracked: &Tracked) -> Value {
        let hedge = &tracked.hedge;
        let leg = |index: LegIndex, leg: &Leg| {
            let average = tracked.average_entry(index);
            json!({
                "venue": leg.instrument.id.venue.as_str(),
                "product": leg.instrument.id.product.as_str(),
                "symbol": leg.instrument.id.symbol.as_str(),
                "side": index.entry_side().as_str(),
                "quantity": hedge.target.to_string(),
                "filled": leg.held.to_string(),
                "liquidation_distance_bps": self.portfolio.liquidation_distance(leg).map(|bps| bps.0.round_dp(0).to_string()),
            "average_price": average.map(|price| price.0.round_dp(8).normalize().to_string()),
            })
        };
        let worth = |index: LegIndex, leg: &Leg| {
            self.portfolio
                .asset_price(leg)
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
            "funding_usd": tracked.result.funding.to_string(),
            "fees_usd": tracked.result.fees.to_string(),
            "net_usd": tracked.net(open_value).to_string(),
        })
    }

    fn exposure_json(&self) -> Value {
        let exposure = self.portfolio.exposure();
        let losses = self.portfolio.losses(self.wires.clock.now().market);
        let venues = VenueId::ALL.map(|venue| {
            (
                venue.as_str().to_owned(),
                Value::from(exposure.at(venue).cents().to_string()),
            )
        });
        json!({
            "total_usd": exposure.total().cents().to_string(),
            "by_venue_usd": serde_json::Map::from_iter(venues),
            "lost_today_usd": losses.today.cents().to_string(),
            "drawdown_bps": losses.drawdown.0.round_dp(1).to_string(),
        })
    }
}

impl Handler<Observe> for PositionKeeper {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let portfolio = &self.portfolio;
        let closed = portfolio.closed();
        let all = portfolio.hedges().chain(closed);
        let fees: Usd = all.clone().map(|tracked| tracked.result.fees).sum();
        let funding: Usd = all.clone().map(|tracked| tracked.result.funding).sum();
        let net: Usd = closed.iter().map(Tracked::net_when_flat).sum();
        let opened = all.filter(|tracked| tracked.hedge.opened_at.is_some()).count();
        let unknown = portfolio
            .orders()
            .filter(|row| row.state.as_str() == "unknown")
            .map(|row| row.ticket.quantity)
            .sum::<Quantity>();
        let (fills, payments) = portfolio.rows_believed();
        let naked = portfolio.longest_naked();
        MessageResult(json!({
            "hedges": portfolio.hedges().map(|tracked| self.hedge_json(tracked)).collect::<Vec<_>>(),
            "closed": closed.iter().map(|tracked| self.hedge_json(tracked)).collect::<Vec<_>>(),
            "exposure": self.exposure_json(),
            "positions": self.positions_json(),
            "hedges_opened": opened,
            "hedges_closed": closed.len(),
            "orders": portfolio.orders().len(),
            "unknown_quantity": unknown.to_string(),
            "fills": fills,
            "funding_payments": payments,
            "fees_usd": fees.to_string(),
            "funding_usd": funding.to_string(),
            "closed_net_usd": net.to_string(),
            "max_naked_seconds": format!("{}.{:03}", naked.as_secs(), naked.subsec_millis()),
            "reconciliations": self.reconciliations,
            "inconsistencies": self.inconsistencies,
            "last_reconciliation": self.last_reconciled.map(|at| at.to_string()),
        }))
    }
}

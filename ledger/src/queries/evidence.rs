//! Reads everything about one hedge, as one state of the whole.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Conn, snapshot};

use crate::evidence::{EventLine, HedgeRows, IntentLine};
use crate::fault::Fault;
use crate::rows::{FillLine, FundingLine, HedgeLine, OrderLine};
use crate::schema::{fills, funding_payments, hedges, intents, order_events, orders};

/// `None` when there is no such hedge.
pub async fn hedge(conn: &mut Conn, id: i64) -> Result<Option<HedgeRows>, Fault> {
    snapshot!(conn, async |conn: &mut Conn| {
        let found: Option<HedgeLine> = hedges::table
            .filter(hedges::id.eq(id))
            .select(HedgeLine::as_select())
            .first(conn)
            .await
            .optional()?;
        let Some(hedge) = found else { return Ok(None) };
        let of_hedge: Vec<(i64, OrderLine)> = orders::table
            .filter(orders::hedge.eq(id))
            .order(orders::id.asc())
            .select((orders::id, OrderLine::as_select()))
            .load(conn)
            .await?;
        let intents: Vec<IntentLine> = load_intents(conn, id).await?;
        let names: Vec<String> = of_hedge.iter().map(|(_, order)| order.client_id.clone()).collect();
        let events: Vec<EventLine> = load_events(conn, &names).await?;
        let symbols = [hedge.long_symbol.clone(), hedge.short_symbol.clone()];
        let fills: Vec<(i64, FillLine)> = fills::table
            .filter(fills::symbol.eq_any(&symbols))
            .order(fills::id.asc())
            .select((fills::id, FillLine::as_select()))
            .load(conn)
            .await?;
        let funding: Vec<(i64, FundingLine)> = funding_payments::table
            .filter(funding_payments::symbol.eq_any(&symbols))
            .order(funding_payments::id.asc())
            .select((funding_payments::id, FundingLine::as_select()))
            .load(conn)
            .await?;
        Ok::<_, Fault>(Some(HedgeRows::of(
            id, hedge, intents, of_hedge, events, fills, funding,
        )))
    })
}

async fn load_intents(conn: &mut Conn, hedge: i64) -> QueryResult<Vec<IntentLine>> {
    let rows: Vec<IntentLine> = intents::table
        .filter(intents::hedge.eq(hedge))
        .order(intents::id.asc())
        .select((
            intents::id,
            intents::reason,
            intents::inputs,
            intents::epoch,
            intents::at,
        ))
        .load(conn)
        .await?;
    Ok(rows)
}

async fn load_events(conn: &mut Conn, names: &[String]) -> QueryResult<Vec<EventLine>> {
    let rows: Vec<EventLine> = order_events::table
        .filter(order_events::client_id.eq_any(names))
        .order(order_events::id.asc())
        .select((
            order_events::id,
            order_events::client_id,
            order_events::state,
            order_events::filled,
            order_events::venue_order_id,
            order_events::cause,
            order_events::at,
        ))
        .load(conn)
        .await?;
    Ok(rows)
}

//! Whose an order is, and whose an execution.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::order::{Fill, OrderTicket};

use super::Conn;
use crate::fault::Fault;
use crate::rows::OrderLine;
use crate::schema::{fills, orders};

/// An id names one intent for ever: the same ticket again is a replay, another one is refused.
pub async fn same_ticket(conn: &mut Conn, ticket: &OrderTicket) -> Result<(), Fault> {
    let line: OrderLine = orders::table
        .filter(orders::client_id.eq(ticket.client_id.as_str()))
        .select(OrderLine::as_select())
        .first(conn)
        .await?;
    if line.read()?.ticket == *ticket {
        return Ok(());
    }
    Err(Fault::refused(format!(
        "{} already names another order",
        ticket.client_id
    )))
}

/// Whether a fill that doesn't carry our name belongs to an order of ours by the venue's name for it.
pub async fn is_order_of_ours(conn: &mut Conn, fill: &Fill) -> Result<bool, Fault> {
    if fill.venue_order_id.is_empty() {
        return Ok(false);
    }
    let id: Option<i64> = orders::table
        .filter(orders::venue.eq(fill.instrument.venue.as_str()))
        .filter(orders::product.eq(fill.instrument.product.as_str()))
        .filter(orders::symbol.eq(fill.instrument.symbol.as_str()))
        .filter(orders::venue_order_id.eq(&fill.venue_order_id))
        .select(orders::id)
        .first(conn)
        .await
        .optional()?;
    Ok(id.is_some())
}

/// Fills can come before the venue's name for their order is known; they are ours from then on.
pub async fn own_fills(conn: &mut Conn, client_id: &str, venue_order_id: &str) -> Result<(), Fault> {
    let (venue, product, symbol): (String, String, String) = orders::table
        .filter(orders::client_id.eq(client_id))
        .select((orders::venue, orders::product, orders::symbol))
        .first(conn)
        .await?;
    diesel::update(fills::table)
        .filter(
            fills::venue
                .eq(venue)
                .and(fills::product.eq(product))
                .and(fills::symbol.eq(symbol)),
        )
        .filter(fills::venue_order_id.eq(venue_order_id).and(fills::is_foreign.eq(true)))
        .set(fills::is_foreign.eq(false))
        .execute(conn)
        .await?;
    Ok(())
}

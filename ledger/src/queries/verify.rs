//! Reads what a proof needs, as one state of the whole.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Conn, snapshot};
use crate::chain::AuditLine;
use crate::fault::Fault;
use crate::proof::Evidence;
use crate::rows::{FillLine, OrderLine};
use crate::schema::{audit_log, fills, funding_payments, intents, orders};

pub async fn evidence(conn: &mut Conn) -> Result<Evidence, Fault> {
    snapshot!(conn, async |conn: &mut Conn| {
        Ok::<_, Fault>(Evidence {
            orders: orders::table
                .order(orders::id.asc())
                .select(OrderLine::as_select())
                .load(conn)
                .await?,
            fills: fills::table
                .order(fills::id.asc())
                .select(FillLine::as_select())
                .load(conn)
                .await?,
            funding_payments: funding_payments::table.count().get_result(conn).await?,
            audit: audit_log::table
                .order(audit_log::id.asc())
                .select(AuditLine::as_select())
                .load(conn)
                .await?,
            intents: intents::table
                .order(intents::id.asc())
                .select(intents::id)
                .load(conn)
                .await?,
        })
    })
}

//! Reads every table whole, as one state of the whole.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Conn, snapshot};
use crate::columns::{Amount, At, Json};
use crate::dump::{IntoCell, Table};
use crate::fault::Fault;
use crate::schema::{
    alert_outbox, audit_log, balances_snapshots, decisions, fills, funding_payments, funding_rates, hedges, intents,
    leases, meta, openings, order_events, orders, pauses, state_snapshots,
};

/// All columns of a table in the order of its key.
macro_rules! whole {
    ($conn:ident, $table:ident by $key:ident { $($column:ident: $type:ty),* $(,)? }) => {{
        let rows: Vec<($($type,)*)> = $table::table
            .order($table::$key.asc())
            .select(($($table::$column,)*))
            .load($conn)
            .await?;
        Table {
            name: stringify!($table),
            columns: vec![$(stringify!($column)),*],
            rows: rows.into_iter().map(|($($column,)*)| vec![$($column.cell()),*]).collect(),
        }
    }};
}

pub async fn tables(conn: &mut Conn) -> Result<Vec<Table>, Fault> {
    snapshot!(conn, async |conn: &mut Conn| {
        let mut tables = about_trading(conn).await?;
        tables.extend(about_accounts(conn).await?);
        tables.extend(about_the_engine(conn).await?);
        Ok::<_, Fault>(tables)
    })
}

async fn about_trading(conn: &mut Conn) -> Result<Vec<Table>, Fault> {
    Ok(vec![
        whole!(conn, hedges by id {
            id: i64, kind: String, asset: String, long_venue: String, long_product: String, long_symbol: String,
            short_venue: String, short_product: String, short_symbol: String, target: Amount, state: String,
            leg: Option<String>, missing: Option<Amount>, planned_at: At, opened_at: Option<At>, closed_at: Option<At>,
        }),
        whole!(conn, intents by id { id: i64, replay: String, hedge: i64, reason: String, inputs: Json, epoch: i64, at: At }),
        whole!(conn, orders by id {
            id: i64, client_id: String, intent: Option<i64>, hedge: i64, leg: String, purpose: String, venue: String,
            product: String, symbol: String, side: String, kind: String, limit_price: Option<Amount>, quantity: Amount, state: String,
            filled: Amount, venue_order_id: Option<String>, recorded_at: At,
        }),
        whole!(conn, order_events by id {
            id: i64, replay: String, client_id: String, state: String, filled: Amount, venue_order_id: Option<String>,
            cause: String, epoch: i64, at: At,
        }),
        whole!(conn, fills by id {
            id: i64, venue: String, product: String, symbol: String, trade_id: String, client_id: String,
            venue_order_id: String, side: String, quantity: Amount, price: Amount, fee: Amount, fee_asset: String,
            is_maker: bool, realised: Option<Amount>, is_foreign: bool, at: At,
        }),
    ])
}

async fn about_accounts(conn: &mut Conn) -> Result<Vec<Table>, Fault> {
    Ok(vec![
        whole!(conn, funding_payments by id {
            id: i64, venue: String, product: String, symbol: String, payment_id: String, amount: Amount,
            rate: Option<Amount>, settled_at: At,
        }),
        whole!(conn, funding_rates by id {
            id: i64, venue: String, product: String, symbol: String, settlement: At, rate: Amount, settled: bool, at: At,
        }),
        whole!(conn, openings by id { id: i64, venue: String, wallet: String, asset: String, total: Amount, at: At }),
        whole!(conn, state_snapshots by id { id: i64, replay: String, state: Json, epoch: i64, at: At }),
        whole!(conn, balances_snapshots by id {
            id: i64, snapshot: i64, venue: String, wallet: String, asset: String, total: Amount, free: Amount,
        }),
    ])
}

async fn about_the_engine(conn: &mut Conn) -> Result<Vec<Table>, Fault> {
    Ok(vec![
        whole!(conn, decisions by id {
            id: i64, replay: String, subject: String, verdict: String, numbers: Json, epoch: i64, at: At,
        }),
        whole!(conn, pauses by reason { reason: String, words: String, requested_by: String, since: At }),
        whole!(conn, alert_outbox by id {
            id: i64, replay: String, name: String, alert_key: String, body: String, at: At, delivered_at: Option<At>,
        }),
        whole!(conn, audit_log by id {
            id: i64, replay: String, at: At, epoch: i64, actor: String, action: String, who: String, detail: String,
            hash: String,
        }),
        whole!(conn, leases by id { id: i64, holder: String, epoch: i64, expires_at: At }),
        whole!(conn, meta by name { name: String, value: String }),
    ])
}

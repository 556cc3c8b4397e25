//! What a start reads, as one state of the whole.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::hedge::HedgeRow;
use domain::journal::LedgerState;
use domain::lease::LeaseRow;
use domain::order::ClientOrderId;
use domain::pause::PauseReason;

use super::{Conn, snapshot};
use crate::columns::At;
use crate::fault::Fault;
use crate::rows::{
    CLOSED, FillLine, FundingLine, HedgeLine, LIVE_ORDERS, LeaseLine, OpeningLine, OrderLine, from_column, word,
};
use crate::schema::{fills, funding_payments, hedges, leases, meta, openings, orders, pauses, state_snapshots};
use crate::views::PauseView;

pub async fn state(conn: &mut Conn, tag: &str) -> Result<LedgerState, Fault> {
    snapshot!(conn, async |conn: &mut Conn| {
        let hedges: Vec<HedgeLine> = hedges::table
            .filter(hedges::state.ne(CLOSED))
            .order(hedges::id.asc())
            .select(HedgeLine::as_select())
            .load(conn)
            .await?;
        let last: Option<i64> = hedges::table.select(diesel::dsl::max(hedges::id)).first(conn).await?;
        let closed = closed(conn).await?;
        let orders = live_orders(conn).await?;
        let fills: Vec<FillLine> = fills::table
            .order(fills::id.asc())
            .select(FillLine::as_select())
            .load(conn)
            .await?;
        let funding: Vec<FundingLine> = funding_payments::table
            .order(funding_payments::id.asc())
            .select(FundingLine::as_select())
            .load(conn)
            .await?;
        let openings: Vec<OpeningLine> = openings::table
            .order(openings::id.asc())
            .select(OpeningLine::as_select())
            .load(conn)
            .await?;
        let agreed: Option<At> = state_snapshots::table
            .order(state_snapshots::id.desc())
            .select(state_snapshots::at)
            .first(conn)
            .await
            .optional()?;
        let paused = pauses(conn).await?;
        Ok::<_, Fault>(LedgerState {
            tag: tag.to_owned(),
            hedges: each(hedges, HedgeLine::read)?,
            closed,
            orders: each(orders, OrderLine::read)?,
            fills: each(fills, FillLine::read)?,
            funding: each(funding, FundingLine::read)?,
            openings: each(openings, OpeningLine::read)?,
            paused_by: paused
                .iter()
                .map(|pause| (pause.reason.key(), (pause.by.clone(), pause.since)))
                .collect(),
            pauses: paused.into_iter().map(|pause| pause.reason).collect(),
            last_hedge: from_column(last.unwrap_or_default())?,
            reconciled_at: agreed.map(|at| at.0),
        })
    })
}

/// The hedges that are over, each with our names for its orders.
async fn closed(conn: &mut Conn) -> Result<Vec<(HedgeRow, Vec<ClientOrderId>)>, Fault> {
    let lines: Vec<HedgeLine> = hedges::table
        .filter(hedges::state.eq(CLOSED))
        .order(hedges::id.asc())
        .select(HedgeLine::as_select())
        .load(conn)
        .await?;
    let over = hedges::table.filter(hedges::state.eq(CLOSED)).select(hedges::id);
    let names: Vec<(i64, String)> = orders::table
        .filter(orders::hedge.eq_any(over))
        .order(orders::id.asc())
        .select((orders::hedge, orders::client_id))
        .load(conn)
        .await?;
    let mut of_hedge: BTreeMap<u64, Vec<ClientOrderId>> = BTreeMap::new();
    for (hedge, name) in names {
        of_hedge
            .entry(from_column(hedge)?)
            .or_default()
            .push(ClientOrderId::from_text(&name));
    }
    let rows = each(lines, HedgeLine::read)?;
    let with_orders = rows.into_iter().map(|row| {
        let orders = of_hedge.remove(&row.id.0).unwrap_or_default();
        (row, orders)
    });
    Ok(with_orders.collect())
}

async fn live_orders(conn: &mut Conn) -> QueryResult<Vec<OrderLine>> {
    let open = hedges::table.filter(hedges::state.ne(CLOSED)).select(hedges::id);
    orders::table
        .filter(orders::hedge.eq_any(open).or(orders::state.eq_any(LIVE_ORDERS)))
        .order(orders::id.asc())
        .select(OrderLine::as_select())
        .load(conn)
        .await
}

/// Why entries are stopped, the oldest reason first.
pub async fn pauses(conn: &mut Conn) -> Result<Vec<PauseView>, Fault> {
    let rows: Vec<(String, String, String, At)> = pauses::table
        .order((pauses::since.asc(), pauses::reason.asc()))
        .select((pauses::reason, pauses::words, pauses::requested_by, pauses::since))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(key, words, by, since)| {
            Ok(PauseView {
                reason: word(PauseReason::from_row(&key, &words), "reason", &key)?,
                by,
                since: since.0,
            })
        })
        .collect()
}

/// Who holds the lease, or held it last.
pub async fn lease(conn: &mut Conn) -> Result<Option<LeaseRow>, Fault> {
    let row: Option<LeaseLine> = leases::table
        .select(LeaseLine::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(LeaseLine::read).transpose()
}

/// What this ledger says of itself, by name.
pub async fn meta(conn: &mut Conn, wanted: &[(&str, &str)]) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for (name, value) in wanted {
        diesel::insert_into(meta::table)
            .values((meta::name.eq(name), meta::value.eq(value)))
            .on_conflict(meta::name)
            .do_nothing()
            .execute(conn)
            .await?;
        found.push(meta::table.find(name).select(meta::value).first(conn).await?);
    }
    Ok(found)
}

fn each<L, T>(lines: Vec<L>, read: impl FnMut(L) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    lines.into_iter().map(read).collect()
}

//! Reads what a proof needs, as one state of the whole.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Conn, snapshot};
use crate::chain::AuditLine;
use crate::columns::{At, Json};
use crate::fault::Fault;
use crate::proof::Evidence;
use crate::rows::{FillLine, FundingLine, OpeningLine, OrderLine};
use crate::schema::{
    audit_log, balances_snapshots, fills, funding_payments, intents, openings, orders, state_snapshots,
};
use crate::wallets::{Stated, StatedLine, WalletRows};

pub async fn evidence(conn: &mut Conn) -> Result<Evidence, Fault> {
    snapshot!(conn, async |conn: &mut Conn| {
        Ok::<_, Fault>(Evidence {
            orders: orders::table
                .order(orders::id.asc())
                .select(OrderLine::as_select())
                .load(conn)
                .await?,
            wallets: wallets(conn).await?,
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

async fn wallets(conn: &mut Conn) -> Result<WalletRows, Fault> {
    Ok(WalletRows {
        fills: fills::table
            .order(fills::id.asc())
            .select(FillLine::as_select())
            .load(conn)
            .await?,
        funding: funding_payments::table
            .order(funding_payments::id.asc())
            .select(FundingLine::as_select())
            .load(conn)
            .await?,
        openings: openings::table
            .order(openings::id.asc())
            .select(OpeningLine::as_select())
            .load(conn)
            .await?,
        stated: stated(conn).await?,
    })
}

/// What the venues stated when ledger and venues last agreed.
async fn stated(conn: &mut Conn) -> Result<Option<Stated>, Fault> {
    let newest: Option<(i64, At, Json)> = state_snapshots::table
        .order(state_snapshots::id.desc())
        .select((state_snapshots::id, state_snapshots::at, state_snapshots::state))
        .first(conn)
        .await
        .optional()?;
    let Some((id, at, state)) = newest else { return Ok(None) };
    let balances: Vec<StatedLine> = balances_snapshots::table
        .filter(balances_snapshots::snapshot.eq(id))
        .order(balances_snapshots::id.asc())
        .select((
            balances_snapshots::venue,
            balances_snapshots::wallet,
            balances_snapshots::asset,
            balances_snapshots::total,
        ))
        .load(conn)
        .await?;
    Ok(Some(Stated::of(at, &state.0, balances)))
}

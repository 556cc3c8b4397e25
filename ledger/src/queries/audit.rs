//! Appends to the audit chain.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Conn;
use crate::chain::{AuditLine, Entry, Head};
use crate::columns::At;
use crate::fault::Fault;
use crate::schema::audit_log;

/// The newest row. The caller holds the lease's lock, so none is added meanwhile.
pub async fn head(conn: &mut Conn) -> Result<Head, Fault> {
    let newest: Option<(i64, String)> = audit_log::table
        .select((audit_log::id, audit_log::hash))
        .order(audit_log::id.desc())
        .first(conn)
        .await
        .optional()?;
    Ok(newest.map_or_else(Head::start, |(id, hash)| Head { id, hash }))
}

/// Adds a row after `head`, which moves on. False when the row is there already: a replay.
pub async fn append(
    conn: &mut Conn,
    head: &mut Head,
    replay: &str,
    (at, epoch): (At, i64),
    entry: Entry,
) -> Result<bool, Fault> {
    let line = AuditLine::link(head, replay, at, epoch, entry);
    let added = diesel::insert_into(audit_log::table)
        .values(&line)
        .on_conflict(audit_log::replay)
        .do_nothing()
        .execute(conn)
        .await?;
    if added == 0 {
        return Ok(false);
    }
    *head = Head {
        id: line.id,
        hash: line.hash,
    };
    Ok(true)
}

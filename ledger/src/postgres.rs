//! What is particular to PostgreSQL; the queries are the text in `queries/`, compiled against its connection.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::rows::LeaseLine;
use crate::schema::leases;

pub use diesel_async::AsyncPgConnection as Conn;

#[path = "queries/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one text for both databases: see the map in lib.rs")]
pub mod queries;

/// Begins a transaction that writes; [`lock_lease`] comes first in it and puts writers in a row.
macro_rules! begin {
    ($conn:expr, $body:expr) => {
        diesel_async::AsyncConnection::transaction($conn, $body).await
    };
}

/// Begins a transaction that reads one state of the whole.
macro_rules! snapshot {
    ($conn:expr, $body:expr) => {
        $conn.build_transaction().read_only().repeatable_read().run($body).await
    };
}

pub(crate) use {begin, snapshot};

/// Reads the lease and keeps every other writer waiting until the transaction ends.
pub async fn lock_lease(conn: &mut Conn) -> QueryResult<LeaseLine> {
    leases::table
        .select(LeaseLine::as_select())
        .for_update()
        .first(conn)
        .await
}

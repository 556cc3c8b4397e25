//! What is particular to SQLite; the queries are the text in `queries/`, compiled against its connection.

use diesel::connection::{AnsiTransactionManager as Manager, TransactionManager};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::fault::Fault;
use crate::rows::LeaseLine;
use crate::schema::leases;

pub use crate::store::Lite as Conn;

#[path = "queries/mod.rs"]
pub mod queries;

/// Begins a transaction that writes: it takes the write lock before it reads anything, so that two processes on one file
/// wait for each other instead of failing halfway.
macro_rules! begin {
    ($conn:expr, $body:expr) => {
        crate::lite::transaction($conn, "BEGIN IMMEDIATE", $body).await
    };
}

/// Begins a transaction that reads one state of the whole.
macro_rules! snapshot {
    ($conn:expr, $body:expr) => {
        crate::lite::transaction($conn, "BEGIN DEFERRED", $body).await
    };
}

/// Runs a transaction. Nothing in it is ever left pending, so it cannot be cancelled halfway.
pub async fn transaction<T, F>(conn: &mut Conn, begin: &'static str, work: F) -> Result<T, Fault>
where
    F: AsyncFnOnce(&mut Conn) -> Result<T, Fault>,
{
    conn.spawn_blocking(move |conn| Manager::begin_transaction_sql(conn, begin))
        .await?;
    let outcome = match work(conn).await {
        Ok(value) => conn
            .spawn_blocking(Manager::commit_transaction)
            .await
            .map(|()| value)
            .map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    if outcome.is_err() {
        // What went wrong first is what is told; a connection that cannot roll back is thrown away by the pool.
        let _ = conn.spawn_blocking(Manager::rollback_transaction).await;
    }
    outcome
}

pub(crate) use {begin, snapshot};

/// Reads the lease. The write lock is held already.
pub async fn lock_lease(conn: &mut Conn) -> QueryResult<LeaseLine> {
    leases::table.select(LeaseLine::as_select()).first(conn).await
}

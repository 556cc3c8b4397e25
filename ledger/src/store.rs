//! Connections: one to SQLite, a few to PostgreSQL.

use diesel::SqliteConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper};
use futures_util::future::{BoxFuture, FutureExt};

/// Runs SQLite where it is awaited. A query cannot be cancelled halfway then, and a simulation stays deterministic.
pub struct Inline;

impl SpawnBlocking for Inline {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn std::error::Error + Send + Sync>>>
    where
        R: Send + 'static,
    {
        async move { Ok(task()) }.boxed()
    }

    fn get_runtime() -> Self {
        Self
    }
}

/// A connection to SQLite.
pub type Lite = SyncConnectionWrapper<SqliteConnection, Inline>;

/// Where the rows are.
#[derive(Clone)]
pub enum Store {
    /// One file, or memory; one connection, because there is one writer.
    Lite(Pool<Lite>),
    /// A server.
    Pg(Pool<AsyncPgConnection>),
}

/// Calls a query function on a connection of whichever database it is. The one place that chooses.
macro_rules! on_store {
    ($store:expr, $module:ident :: $function:ident ( $($argument:expr),* )) => {
        match $store {
            $crate::store::Store::Lite(pool) => {
                let mut pooled = pool.get().await.map_err($crate::fault::Fault::from)?;
                $crate::lite::queries::$module::$function(&mut pooled $(, $argument)*).await
            }
            $crate::store::Store::Pg(pool) => {
                let mut pooled = pool.get().await.map_err($crate::fault::Fault::from)?;
                $crate::postgres::queries::$module::$function(&mut pooled $(, $argument)*).await
            }
        }
    };
}

pub(crate) use on_store;

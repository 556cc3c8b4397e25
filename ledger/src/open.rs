//! Opens a ledger: connects, brings the schema up to date, and refuses what is not ours to write.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::journal::JournalError;
use futures_util::FutureExt;
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::presence::Presence;
use crate::store::{Lite, Store, on_store};
use crate::{migrate, tls};

/// What every connection to PostgreSQL is set to. A process that is frozen inside a transaction holds the lease's row: the
/// server ends its session, so that a successor does not wait for it. Nobody waits for a lock for longer than that.
const SERVER_SETTINGS: &str = "SET idle_in_transaction_session_timeout = 5000; SET lock_timeout = 8000";
/// What every SQLite connection is set to. The busy timeout comes first, so that the rest waits too.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000;";
/// Connections to PostgreSQL: one that writes, and some that read for the doors.
const CONNECTIONS: usize = 4;
/// Names the advisory lock under which migrations run.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(7077107)";

/// How often and how long a file that is being made is waited for: 5 s.
const MOST_TRIES: u32 = 250;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// How a ledger is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The run mode: `live`, `demo`, `paper` or `simulation`. A ledger serves one mode for ever.
    pub mode: &'a str,
    /// Draws the tag of a new ledger from this seed, for runs that are repeated; else from the system's chance.
    pub tag_seed: Option<u64>,
}

/// Why a ledger was not opened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error("{0:?} is no ledger address: write sqlite://PATH or postgres://USER@HOST/DATABASE")]
    Address(String),
    /// It is not there, or may not be read and written.
    #[error("the ledger cannot be opened ({0}): check that it exists, is reachable, and may be read and written")]
    CannotOpen(String),
    /// The file is something else.
    #[error("{0} is not a database file: name another path, or restore the ledger from a backup")]
    NotADatabase(String),
    /// A newer program has written it.
    #[error("the ledger has schema {found}, which this program does not know: run the newer program")]
    NewerSchema {
        /// The version that is not known.
        found: String,
    },
    /// It belongs to another run mode.
    #[error("this is a {found} ledger, and the mode is {asked}: give each mode a ledger of its own")]
    OtherMode {
        /// The ledger's mode.
        found: String,
        /// The mode that was asked for.
        asked: String,
    },
}

impl OpenError {
    /// Whether the configuration names a ledger that this program must not touch, or none at all; else the world is at
    /// fault.
    pub const fn is_misuse(&self) -> bool {
        match self {
            Self::Address(_) | Self::OtherMode { .. } | Self::NewerSchema { .. } => true,
            Self::CannotOpen(_) | Self::NotADatabase(_) => false,
        }
    }

    pub(crate) fn of_text(text: &str) -> Self {
        if text.contains("file is not a database") {
            Self::NotADatabase("the path".to_owned())
        } else {
            Self::CannotOpen(text.to_owned())
        }
    }

    fn at(self, path: &str) -> Self {
        match self {
            Self::NotADatabase(_) => Self::NotADatabase(path.to_owned()),
            other => other,
        }
    }
}

impl From<Fault> for OpenError {
    fn from(Fault(error): Fault) -> Self {
        match error {
            JournalError::Unavailable(text) | JournalError::Refused(text) => Self::of_text(&text),
            fenced @ JournalError::Fenced { .. } => Self::CannotOpen(fenced.to_string()),
        }
    }
}

impl Ledger {
    /// Opens `sqlite://PATH`, `sqlite://:memory:` or `postgres://…`, makes it when it is new, and brings its schema up
    /// to date.
    ///
    /// # Errors
    /// See [`OpenError`]; each says what to do.
    pub async fn open(url: &str, options: Options<'_>) -> Result<Self, OpenError> {
        let store = match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => open_lite(path).await.map_err(|error| error.at(path))?,
            Some(("postgres" | "postgresql", _)) => open_pg(url).await?,
            _ => return Err(OpenError::Address(without_password(url))),
        };
        let tag = draw_tag(options.tag_seed);
        let wanted = [("mode", options.mode), ("tag", tag.as_str())];
        let found = describe(&store, &wanted).await?;
        match <[String; 2]>::try_from(found) {
            Ok([mode, _]) if mode != options.mode => Err(OpenError::OtherMode {
                found: mode,
                asked: options.mode.to_owned(),
            }),
            Ok([_, tag]) => {
                let file = url.strip_prefix("sqlite://").filter(|path| *path != ":memory:");
                Ok(Self::new(store, tag, file.map(Presence::beside)))
            }
            Err(_) => Err(OpenError::CannotOpen("it does not say what it is".to_owned())),
        }
    }
}

async fn describe(store: &Store, wanted: &[(&str, &str)]) -> Result<Vec<String>, Fault> {
    on_store!(store, load::meta(wanted))
}

async fn open_lite(path: &str) -> Result<Store, OpenError> {
    let mut config = ManagerConfig::<Lite>::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| {
        async move {
            let mut conn = Lite::establish(path).await?;
            conn.batch_execute(SETTINGS)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(path, config);
    let pool = Pool::builder(manager)
        .max_size(1)
        .build()
        .map_err(|error| OpenError::of_text(&error.to_string()))?;
    let mut conn = first_connection(&pool).await?;
    let migrated = conn
        .spawn_blocking(|conn| {
            // Another process may be opening it too: the write lock is taken before anything is read.
            let mut outcome = Ok(());
            conn.immediate_transaction(|conn| {
                outcome = migrate::run(conn, migrate::SQLITE);
                match &outcome {
                    Ok(()) => Ok(()),
                    Err(_) => Err(diesel::result::Error::RollbackTransaction),
                }
            })
            .or_else(|error| match error {
                diesel::result::Error::RollbackTransaction => Ok(()),
                other => Err(other),
            })?;
            Ok(outcome)
        })
        .await;
    drop(conn);
    migrated.map_err(|error| OpenError::of_text(&error.to_string()))??;
    Ok(Store::Lite(pool))
}

/// Connects. While another process makes the file, SQLite says "locked" at once instead of waiting; so this waits.
async fn first_connection(pool: &Pool<Lite>) -> Result<Object<Lite>, OpenError> {
    let mut tries = 0;
    loop {
        match pool.get().await {
            Ok(conn) => return Ok(conn),
            Err(error) if tries < MOST_TRIES && error.to_string().contains("locked") => {
                tries += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            Err(error) => return Err(OpenError::of_text(&error.to_string())),
        }
    }
}

async fn open_pg(url: &str) -> Result<Store, OpenError> {
    let conn = tls::connect(url)
        .await
        .map_err(|error| OpenError::of_text(&error.to_string()))?;
    tokio::task::spawn_blocking(move || {
        let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::from(conn);
        // Freed with the connection: two programs that start together migrate one after the other.
        diesel::sql_query(MIGRATION_LOCK)
            .execute(&mut conn)
            .map_err(|error| OpenError::of_text(&error.to_string()))?;
        migrate::run(&mut conn, migrate::POSTGRES)
    })
    .await
    .map_err(|error| OpenError::of_text(&error.to_string()))??;
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    config.custom_setup = Box::new(|url| {
        async move {
            let mut conn = tls::connect(url).await?;
            conn.batch_execute(SERVER_SETTINGS)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url, config);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build();
    Ok(Store::Pg(pool.map_err(|error| OpenError::of_text(&error.to_string()))?))
}

/// An address as it may be shown: what stands before an `@` can be a secret.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    }
}

/// Four letters and digits.
fn draw_tag(seed: Option<u64>) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = match seed {
        Some(seed) => Sha256::digest(seed.to_be_bytes()),
        None => Sha256::digest(uuid::Uuid::now_v7().as_bytes()),
    };
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
    digest.iter().take(4).map(letter).map(char::from).collect()
}

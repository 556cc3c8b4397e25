//! Places for a ledger to be, and values to put into it.

pub mod postgres;
pub mod values;

use std::path::PathBuf;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use ledger::{Ledger, OpenError, Options};

use postgres::TempPg;

/// Somewhere a fresh ledger can be; it is gone when this is dropped.
pub struct Place {
    pub url: String,
    folder: Option<PathBuf>,
    server: Option<Arc<TempPg>>,
}

impl Place {
    pub fn memory() -> Self {
        Self {
            url: "sqlite://:memory:".to_owned(),
            folder: None,
            server: None,
        }
    }

    pub fn file() -> Self {
        let folder = std::env::temp_dir().join(format!("ledger-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        Self {
            url: format!("sqlite://{}/ledger.db", folder.display()),
            folder: Some(folder),
            server: None,
        }
    }

    pub async fn postgres() -> Self {
        let server = TempPg::shared();
        let database = format!("t{}", uuid::Uuid::now_v7().simple());
        execute(&server.url("postgres"), &format!("CREATE DATABASE {database}")).await;
        Self {
            url: server.url(&database),
            folder: None,
            server: Some(server),
        }
    }

    pub async fn try_open(&self, mode: &str) -> Result<Ledger, OpenError> {
        let options = Options {
            mode,
            tag_seed: Some(7),
        };
        Ledger::open(&self.url, options).await
    }

    pub async fn open(&self) -> Ledger {
        self.try_open("demo").await.unwrap()
    }

    /// Does something to the ledger behind its back; not to one in memory.
    pub async fn execute(&self, sql: &str) {
        if self.server.is_some() {
            return execute(&self.url, sql).await;
        }
        let path = self.url.strip_prefix("sqlite://").unwrap();
        SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap();
    }

    pub fn is_postgres(&self) -> bool {
        self.server.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Does something to a database behind the ledger's back.
async fn execute(url: &str, sql: &str) {
    let (client, link) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let link = tokio::spawn(link);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    link.await.unwrap().unwrap();
}

//! The schemas: the same versions on both databases, there and back again; and addresses that are no ledger.

#![allow(missing_docs, clippy::doc_markdown, reason = "tests; SQLite is a name, not code")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![allow(
    clippy::wildcard_imports,
    clippy::format_push_string,
    reason = "the values of a test room"
)]
#![allow(
    clippy::items_after_statements,
    clippy::large_futures,
    reason = "a test reads from top to bottom"
)]

#[allow(dead_code, reason = "only the places are needed here")]
mod support;

use std::path::{Path, PathBuf};

use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use ledger::{Ledger, OpenError, Options};
use support::Place;

fn folder(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../migrations")
        .join(database)
}

fn versions(database: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder(database)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn both_databases_have_the_same_versions() {
    assert_eq!(versions("sqlite"), versions("postgres"));
    assert!(!versions("sqlite").is_empty());
    for database in ["sqlite", "postgres"] {
        for version in versions(database) {
            assert!(folder(database).join(&version).join("down.sql").is_file(), "{version}");
        }
    }
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Up, down, up: the schema is what it was, and nothing is left in between.
fn there_and_back<C>(conn: &mut C, database: &str, schema: &str)
where
    C: MigrationHarness<C::Backend> + diesel::connection::LoadConnection,
    Line: QueryableByName<C::Backend>,
    diesel::query_builder::SqlQuery: diesel::query_builder::QueryFragment<C::Backend>,
    for<'a> diesel::query_builder::SqlQuery: diesel::query_dsl::LoadQuery<'a, C, Line>,
{
    let look = |conn: &mut C| diesel::sql_query(schema).load::<Line>(conn).unwrap();
    let migrations = FileBasedMigrations::from_path(folder(database)).unwrap();
    conn.run_pending_migrations(migrations.clone()).unwrap();
    let there = look(conn);
    assert!(there.len() > 16);
    conn.revert_all_migrations(migrations.clone()).unwrap();
    assert_eq!(look(conn), []);
    conn.run_pending_migrations(migrations).unwrap();
    assert_eq!(look(conn), there);
}

#[test]
fn sqlite_goes_up_down_and_up() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    let schema = "SELECT name || ': ' || coalesce(sql, '') AS line FROM sqlite_master \
        WHERE tbl_name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    there_and_back(&mut conn, "sqlite", schema);
}

#[tokio::test]
async fn postgres_goes_up_down_and_up() {
    let place = Place::postgres().await;
    let url = place.url.clone();
    let work = move || {
        type Wrapped = diesel_async::async_connection_wrapper::AsyncConnectionWrapper<diesel_async::AsyncPgConnection>;
        let mut conn = Wrapped::establish(&url).unwrap();
        let schema = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line \
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%' \
            UNION ALL SELECT 'function ' || routine_name FROM information_schema.routines WHERE routine_schema = 'public' \
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%' \
            ORDER BY line";
        there_and_back(&mut conn, "postgres", schema);
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

async fn refusal(url: &str) -> OpenError {
    let options = Options {
        mode: "demo",
        tag_seed: None,
    };
    Ledger::open(url, options).await.err().unwrap()
}

#[tokio::test]
async fn what_is_no_ledger_is_named() {
    let place = Place::file();
    let path = place.url.strip_prefix("sqlite://").unwrap();
    std::fs::write(
        path,
        "a diary, and a long one, by no means a database; it goes on and on. ".repeat(100),
    )
    .unwrap();
    assert_eq!(refusal(&place.url).await, OpenError::NotADatabase(path.to_owned()));
    let nowhere = format!("{}/nowhere/ledger.db", place.url);
    assert!(matches!(refusal(&nowhere).await, OpenError::CannotOpen(_)));
    let gone = "postgres://u:secret@%2Fnowhere/db";
    let error = refusal(gone).await;
    assert!(
        matches!(&error, OpenError::CannotOpen(text) if !text.contains("secret")),
        "{error}"
    );
    let error = refusal("mysql://u:secret@host/db").await;
    assert!(
        matches!(&error, OpenError::Address(text) if text == "…@host/db"),
        "{error}"
    );
    assert!(matches!(refusal("sqlite://").await, OpenError::Address(_)));
}

#[tokio::test]
async fn a_fresh_ledger_draws_a_tag_of_its_own() {
    let mut tags = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let options = Options {
            mode: "demo",
            tag_seed: None,
        };
        let ledger = Ledger::open("sqlite://:memory:", options).await.unwrap();
        assert!(
            ledger
                .tag()
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        );
        tags.insert(ledger.tag().to_owned());
    }
    assert_eq!(tags.len(), 8);
    assert_eq!(Place::memory().open().await.tag(), Place::memory().open().await.tag());
}

#[tokio::test]
async fn f101_a_ledger_that_cannot_be_written_now_is_unavailable() {
    use domain::journal::JournalError;
    use domain::ports::Journal;
    let place = Place::file();
    let ledger = place.open().await;
    place.execute("ALTER TABLE leases RENAME TO mislaid").await;
    let lost = ledger.load().await;
    assert!(lost.is_ok());
    let error = ledger
        .claim_lease("a", domain::time::Timestamp(0), 1)
        .await
        .unwrap_err();
    assert!(matches!(error, JournalError::Unavailable(_)), "{error}");
    place.execute("ALTER TABLE mislaid RENAME TO leases").await;
    assert!(ledger.claim_lease("a", domain::time::Timestamp(0), 1).await.is_ok());
    let path = place.url.strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let error = ledger
        .claim_lease("b", domain::time::Timestamp(0), 1)
        .await
        .unwrap_err();
    assert!(matches!(error, JournalError::Unavailable(_)), "{error}");
    other.batch_execute("ROLLBACK").unwrap();
    assert!(ledger.claim_lease("b", domain::time::Timestamp(9), 1).await.is_ok());
}

//! The durable record, on SQLite and PostgreSQL.
//!
//! ```text
//! open, tls, migrate   connect, prove that it is ours, bring the schema up to date
//! store                connections, and the one place that chooses a database
//! ledger               [`Ledger`]: the port `Journal`, and the lists for the doors
//! queries/             what is asked of a database; one text, compiled against each of the two
//! lite, postgres       what differs between them: how a transaction begins, how the lease is locked
//! schema, columns      the tables, and column types that mean the same on both
//! rows, entries        the domain's words taken apart into columns, and audit entries
//! presence             the lock beside a file: a dead holder of the lease is told from a slow one
//! notices              words between processes that share a server
//! spool                the file that keeps ways out while the ledger is away, and what a row of it says
//! chain, proof         pure: the audit chain, and whether all rows belong together
//! wallets              pure: whether the rows of each wallet add up to what the venues stated
//! evidence             pure: everything about one hedge, its sums computed again
//! dump                 whole tables, as JSON and CSV
//! views                rows as the doors show them
//! fault                errors in the two words that a caller acts on
//! ```
//!
//! Generic query functions over both connections are beyond the type checker, so `queries/` is a module of `lite` and
//! of `postgres`, each of which names its own `Conn`.

#![allow(clippy::doc_markdown, reason = "SQLite and PostgreSQL are names, not code")]

mod chain;
mod columns;
mod dump;
mod entries;
mod evidence;
mod fault;
mod ledger;
mod lite;
mod migrate;
mod notices;
mod open;
mod postgres;
mod presence;
mod proof;
mod rows;
#[allow(
    clippy::wildcard_imports,
    reason = "a table names its column types as diesel prints them"
)]
mod schema;
mod spool;
mod store;
mod tls;
mod views;
mod wallets;

pub use dump::Table;
pub use evidence::HedgeEvidence;
pub use ledger::Ledger;
pub use notices::{LONGEST as LONGEST_NOTICE, Listener, carries_words};
pub use open::{OpenError, Options};
pub use proof::VerifyReport;
pub use spool::ExitSpool;
pub use views::{Page, PageOf, PauseView};

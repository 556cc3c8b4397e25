//! The schema: embedded, run at start, and never older than the ledger it meets.

use diesel::Connection;
use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::open::OpenError;

/// For SQLite.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
/// For PostgreSQL.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// Brings the schema up to this program's.
///
/// # Errors
/// When the ledger was written by a newer program, or a migration fails.
pub fn run<C>(conn: &mut C, embedded: EmbeddedMigrations) -> Result<(), OpenError>
where
    C: Connection + MigrationHarness<C::Backend>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| OpenError::of_text(&error.to_string());
    let known = versions::<C>(&embedded).map_err(failed)?;
    let found = conn.applied_migrations().map_err(failed)?;
    let unknown = found.iter().find(|version| !known.contains(&version.to_string()));
    if let Some(version) = unknown {
        return Err(OpenError::NewerSchema {
            found: version.to_string(),
        });
    }
    if found.len() < known.len() {
        conn.run_pending_migrations(embedded).map_err(failed)?;
    }
    Ok(())
}

fn versions<C: Connection>(
    embedded: &EmbeddedMigrations,
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let migrations: Vec<Box<dyn Migration<C::Backend>>> = embedded.migrations()?;
    Ok(migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

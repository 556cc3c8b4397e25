//! The durable record, on SQLite and PostgreSQL.

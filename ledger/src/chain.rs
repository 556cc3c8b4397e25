//! The audit chain: every hash covers its row and, through the hash before it, all rows before it.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use domain::journal::{Batch, Record};
use sha2::{Digest, Sha256};

use crate::columns::At;
use crate::schema::audit_log;

/// What stands before the first row.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row of `audit_log`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log, check_for_backend(Pg, Sqlite))]
pub struct AuditLine {
    pub id: i64,
    pub replay: String,
    pub at: At,
    pub epoch: i64,
    pub actor: String,
    pub action: String,
    pub who: String,
    pub detail: String,
    pub hash: String,
}

/// The newest row's number and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub id: i64,
    pub hash: String,
}

impl Head {
    /// Of a chain without rows.
    pub fn start() -> Self {
        Self {
            id: 0,
            hash: START.to_owned(),
        }
    }
}

/// What one row of the chain says, before it is linked.
pub struct Entry {
    pub actor: String,
    pub action: String,
    pub who: String,
    pub detail: String,
}

impl AuditLine {
    /// The row that follows `head`.
    pub fn link(head: &Head, replay: &str, at: At, epoch: i64, entry: Entry) -> Self {
        let mut line = Self {
            id: head.id + 1,
            replay: replay.to_owned(),
            at,
            epoch,
            actor: entry.actor,
            action: entry.action,
            who: entry.who,
            detail: entry.detail,
            hash: String::new(),
        };
        line.hash = line.hash_after(&head.hash);
        line
    }

    /// The hash of this row after another: SHA-256 of the previous hash and the row as a JSON array, both as text.
    pub fn hash_after(&self, previous: &str) -> String {
        let canonical = serde_json::json!([
            self.id,
            self.replay,
            self.at.0.millis(),
            self.epoch,
            self.actor,
            self.action,
            self.who,
            self.detail,
        ]);
        let mut hash = Sha256::new();
        hash.update(previous.as_bytes());
        hash.update(canonical.to_string().as_bytes());
        hex::encode(hash.finalize())
    }
}

/// Holds a chain against its hashes; the first broken row's number, if any.
pub fn first_broken(lines: &[AuditLine]) -> Option<i64> {
    let mut head = Head::start();
    for line in lines {
        if line.id != head.id + 1 || line.hash != line.hash_after(&head.hash) {
            return Some(line.id);
        }
        head = Head {
            id: line.id,
            hash: line.hash.clone(),
        };
    }
    None
}

/// A record's name by its content: the same record at the same place of the same batch is the same record.
pub fn replay_name(batch: &Batch, place: usize, record: &Record) -> String {
    let content = format!("{}|{}|{place}|{record:?}", batch.epoch.0, batch.at.millis());
    let digest: [u8; 32] = Sha256::digest(content.as_bytes()).into();
    let (name, _) = digest.split_at(16);
    hex::encode(name)
}

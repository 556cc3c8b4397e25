//! The queries. This text is compiled once against each database; `super` says which one it is.

pub mod audit;
pub mod evidence;
pub mod export;
pub mod lease;
pub mod load;
pub mod outbox;
pub mod owners;
pub mod page;
pub mod verify;
pub mod write;

use super::{Conn, begin, lock_lease, snapshot};

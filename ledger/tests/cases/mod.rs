//! What a ledger must do, wherever it is.

pub mod batches;
pub mod evidence;
pub mod lasting;
pub mod leases;
pub mod lists;
pub mod model;
pub mod spool;

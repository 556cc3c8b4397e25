//! The room's proofs: the golden hedges, small data made by hand, and bad data.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a proof with a mistyped number must not run"
)]

mod archives;
mod bad_data;
mod bad_lists;
mod both;
mod changing;
mod folder;
mod future;
mod golden;
mod market;
mod parquet;
mod pricing;
mod reports;
mod running;

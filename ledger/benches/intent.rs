//! What it costs to make a two-order intent durable on SQLite, as a multiple of a bare `fdatasync` of as many bytes.
//!
//! Run with `cargo bench -p ledger`; `cargo run --release -p ledger --example commit` does the same in a second.

#![allow(missing_docs, reason = "a program")]

#[path = "../examples/commit.rs"]
mod commit;

fn main() {
    commit::measure(2_000);
}

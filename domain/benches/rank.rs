//! What it costs to keep the ranking of pairs right, 600 assets on two venues.
//!
//! Run with `cargo bench -p domain`; `cargo run --release -p domain --example scan` does the same in a second.

#![allow(missing_docs, reason = "a program")]

#[path = "../examples/scan.rs"]
mod scan;

fn main() {
    scan::changes(600_000);
    scan::passes(2_000);
}

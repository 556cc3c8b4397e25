//! Each known fault of a line, injected on that line: the adapters' real bytes meet the venues' twin, whose rules lie.
//! A test asserts what the engine did and what it did not do, from the venues' truth, the ledger and the status.
//!
//! | module | what it plays |
//! |---|---|
//! | [`market`] | F001 to F014: market data that is silent, old, wrong, doubled, or comes from the past |
//! | [`requests`], [`answers`] | F015 to F030: requests and answers that are lost, forged, late, or limited |
//! | [`private`] | F031 to F039: the account's streams |
//! | [`forced`] | F066, F067: a venue that takes a leg away |
//! | [`stage`] | a short world with an engine, and what is asked of it afterwards |
//! | [`bounds`] | what venues tell of risk tiers and of the size of their markets |
//! | [`kinds`] | how each kind of order lives and ends |
//! | [`bench`] | the adapters alone: what they make of one answer |
//! | [`cable`] | what lies between adapters and venues: it listens, and can be cut, muted or slowed |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

mod answers;
mod bench;
mod bounds;
mod cable;
mod forced;
mod kinds;
mod market;
mod private;
mod requests;
pub mod stage;

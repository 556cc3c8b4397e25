//! The venues' twin.
//!
//! ```text
//! market/    what the world does: prices, books, funding; recorded files or a seeded generator
//! exchange/  what a venue does: accounts, matching, fees, funding settlements, positions; pure, takes `now_ms`
//! wire/      how a venue speaks: Binance (spot, USDⓈ-M) and Bybit v5, requests and streams; pure
//! faults     how a link lies: rules that drop, delay, reset, stall or forge
//! serve/     the edge: HTTP/1.1 and WebSocket over any byte stream, sockets or in-process pipes
//! ```
//!
//! An independent witness: it shares no code with the engine's adapters or actors, and it alone holds the truth.

pub mod exchange;
pub mod faults;
pub mod market;
pub mod serve;
pub mod wire;

//! Adapters: Binance and Bybit as the domain ports see them.
//!
//! ```text
//! shared     transport, signed requests, rate budget, clock offset, websockets
//! binance    spot and USDⓈ-M futures
//! bybit      v5 spot and linear perpetuals
//! raw        any message of any venue, for files of them
//! ```
//!
//! Wire shapes never leave their adapter; parsing is pure; nothing here decides anything.

pub mod binance;
pub mod bybit;
pub mod raw;
pub mod shared;

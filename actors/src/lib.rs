//! The cast: supervised actors that carry facts in and effects out, and decide nothing.
//!
//! | actor | owns | receives | sends |
//! |---|---|---|---|
//! | [`supervisor`] | the tree, the mode, pauses, the lease | heartbeats, faults, pause/resume | starts, stops, mode changes |
//! | [`market_feed`] | one public connection | frames as facts | [`messages::MarketFacts`] |
//! | [`account_feed`] | one private connection | frames as facts | [`messages::AccountFacts`] |
//! | [`scanner`] | the market view and the ranking | market facts, [`messages::Survey`] | candidates, refusals |
//! | [`position_keeper`] | hedges, books, reconciliation | account facts, executions | [`messages::PortfolioView`] |
//! | [`strategist`] | the evaluation tick | the two views | one [`messages::Intent`] at a time |
//! | [`executor`] | the order gateways, one job at a time | intents | orders, executions |
//! | [`ledger_writer`] | the only write path to the ledger | batches | durable answers |
//! | [`alerter`] | the way to people | the outbox | alerts |
//!
//! In a process that only scans, [`scout`] stands in the place of all but the feeds and the scanner.
//!
//! Each lives under a [`guardian`]: a panic in a feed is contained and the feed rebuilt; a panic on the money path ends
//! the process, because the restart path is the one that is tested.

pub mod account_feed;
mod activity;
pub mod alerter;
pub mod boot;
mod drain;
pub mod engine;
pub mod executor;
mod feeds;
pub mod guardian;
pub mod health;
mod historian;
pub mod ledger_writer;
mod listing;
pub mod market_feed;
pub mod messages;
pub mod position_keeper;
pub mod recorder;
pub mod scanner;
pub mod scout;
pub mod settings;
pub mod strategist;
pub mod supervisor;
mod unasked;

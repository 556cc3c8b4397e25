//! Recorded history in, exact results out. Nothing here reads a clock, the environment or a network: folders and files
//! are named by the caller, and how long something took is measured by the caller too.
//!
//! ```text
//! fixed          decimals of the files as integers; nothing is rounded
//! history        settlements and bars of a data folder, each fault with file, line, column and value
//! costs          what a fill costs: fees and slippage by venue and symbol
//! hedges         the list of hedges that somebody wants priced
//! price          one hedge priced: every fill and settlement, exact
//! exact, tape    dollars as integers; a history laid out in columns
//! engine         hour by hour: settlements, fills, marks, decisions that see no future
//! rules          what decides: the engine's own rule, the rules of others, and foresight
//! measure        return, drawdown, Sharpe, by year, month and symbol
//! study          the own rule, the rules to beat and the bound, side by side
//! sweep          a grid of settings, and the walk forward
//! report         results as JSON and as a table
//! ```
//!
//! The conventions of the arithmetic stand in `docs/backtest.md`.

pub mod costs;
pub mod engine;
pub mod exact;
pub mod fixed;
pub mod hedges;
pub mod history;
pub mod measure;
pub mod price;
pub mod report;
pub mod rules;
pub mod study;
pub mod sweep;
pub mod tape;

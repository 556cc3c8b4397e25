//! Bybit v5: spot and linear perpetuals of one unified account.
mod codes;
mod merge;
mod parse;
mod parse_account;
mod wire;
#[cfg(test)]
mod parse_tests;

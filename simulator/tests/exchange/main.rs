//! The exchange: matching, fees, filters, margin, settlements, liquidation; and money that adds up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

#[path = "../common/mod.rs"]
mod common;

mod announced;
mod market;
mod orders;
mod self_trade;
mod sums;

use rust_decimal::Decimal;
use simulator::exchange::{Exchange, MarketOverride, Wallet};
use simulator::market::{Product, Venue};

use common::ME;

const B: Venue = Venue::Binance;
const Y: Venue = Venue::Bybit;
const SPOT: Product = Product::Spot;
const PERP: Product = Product::Perp;

fn total(exchange: &Exchange, wallet: Wallet, asset: &str) -> Decimal {
    let balance = exchange.balance(ME, wallet, asset);
    balance.free + balance.locked
}

fn hand(text: &str) -> MarketOverride {
    serde_json::from_str(text).unwrap()
}

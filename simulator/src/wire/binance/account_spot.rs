//! Spot account and fees.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::Wallet;

use super::codes::Answer;
use super::context::Context;
use super::params::Params;
use super::text::eight;

/// GET account.
pub fn account(context: &mut Context<'_>, params: &Params) -> Answer {
    let id = context.account()?;
    let hide_empty = params.flag("omitZeroBalances")?.unwrap_or(false);
    let held = context.exchange.balances(id, Wallet::Spot).into_iter();
    let balances: Vec<Value> = held
        .filter(|balance| !(hide_empty && balance.free.is_zero() && balance.locked.is_zero()))
        .map(|balance| json!({ "asset": balance.asset, "free": eight(balance.free), "locked": eight(balance.locked) }))
        .collect();
    // The highest fee of the market stands for the account; each symbol has its own.
    let highest = |fee: fn(&crate::market::Rules) -> Decimal| context.rules().map(fee).max().unwrap_or_default();
    let (maker, taker) = (highest(|rules| rules.maker_fee), highest(|rules| rules.taker_fee));
    let bps = |fee: Decimal| (fee * Decimal::from(10_000)).trunc().mantissa();
    let may = context
        .exchange
        .account(id)
        .map(|account| account.permissions)
        .unwrap_or_default();
    Ok(json!({
        "makerCommission": i64::try_from(bps(maker)).unwrap_or_default(),
        "takerCommission": i64::try_from(bps(taker)).unwrap_or_default(),
        "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": { "maker": eight(maker), "taker": eight(taker), "buyer": "0.00000000", "seller": "0.00000000" },
        "canTrade": may.spot, "canWithdraw": may.withdraw, "canDeposit": true, "brokered": false,
        "requireSelfTradePrevention": false, "preventSor": false,
        "updateTime": context.now, "accountType": "SPOT",
        "balances": balances, "permissions": ["SPOT"], "uid": 354_937_868 + id.0,
    })
    .to_string())
}

/// GET account/commission.
pub fn commission(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let fees = |maker: Decimal, taker: Decimal| json!({ "maker": eight(maker), "taker": eight(taker), "buyer": "0.00000000", "seller": "0.00000000" });
    let none = fees(Decimal::ZERO, Decimal::ZERO);
    Ok(json!({
        "symbol": rules.key.symbol,
        "standardCommission": fees(rules.maker_fee, rules.taker_fee),
        "specialCommission": none, "taxCommission": none,
        "discount": { "enabledForAccount": false, "enabledForSymbol": false, "discountAsset": "BNB", "discount": "0.00000000" },
    })
    .to_string())
}

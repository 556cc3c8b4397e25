//! `/sapi`: what the wallet service says of assets, fees, rights and transfers between the two markets' wallets.
//!
//! Its budgets are its own and are not metered here. There are no deposits, withdrawals or loans: those lists are empty.

#![allow(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::{TransferRow, Wallet};
use crate::market::{Ms, Product};

use super::codes::{Answer, Refusal, missing};
use super::context::Context;
use super::params::Params;
use super::text::{eight, plain};

/// -5002: a transfer of more than there is.
const SHORT: Refusal = Refusal::new(-5002, "You have insufficient balance.");
/// The two kinds of transfer that exist here.
const KINDS: [(&str, &str, (Wallet, Wallet)); 2] = [
    ("MAIN_UMFUTURE", "1", (Wallet::Spot, Wallet::Usdm)),
    ("UMFUTURE_MAIN", "2", (Wallet::Usdm, Wallet::Spot)),
];

/// GET system/status.
pub fn status(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"status":0,"msg":"normal"}"#.to_owned())
}

/// Lists that are empty here.
pub fn none(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok("[]".to_owned())
}

/// Pages that are empty here.
pub fn no_rows(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"total":0,"rows":[]}"#.to_owned())
}

/// Every asset that is traded or held.
fn assets(context: &Context<'_>) -> Result<BTreeSet<String>, Refusal> {
    let traded = context
        .rules()
        .flat_map(|rules| [rules.base.clone(), rules.quote.clone()]);
    let held = context.exchange.balances(context.account()?, Wallet::Spot);
    Ok(traded.chain(held.into_iter().map(|balance| balance.asset)).collect())
}

/// GET capital/config/getall: no network carries anything in or out.
pub fn coins(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let rows = assets(context)?.into_iter().map(|asset| {
        let held = context.exchange.balance(account, Wallet::Spot, &asset);
        json!({
            "coin": asset, "depositAllEnable": false, "withdrawAllEnable": false, "name": asset,
            "free": plain(held.free), "locked": plain(held.locked), "freeze": "0", "withdrawing": "0", "ipoing": "0",
            "ipoable": "0", "storage": "0", "isLegalMoney": false, "trading": true, "networkList": [],
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// POST /sapi/v3/asset/getUserAsset: what is held.
pub fn user_assets(context: &mut Context<'_>, params: &Params) -> Answer {
    let held = context.exchange.balances(context.account()?, Wallet::Spot).into_iter();
    let only = params.get("asset");
    let rows = held
        .filter(|row| !(row.free.is_zero() && row.locked.is_zero()) && only.is_none_or(|only| only == row.asset))
        .map(|row| {
            json!({
                "asset": row.asset, "free": eight(row.free), "locked": eight(row.locked), "freeze": "0",
                "withdrawing": "0", "ipoable": "0", "btcValuation": "0",
            })
        });
    Ok(Value::Array(rows.collect()).to_string())
}

/// GET asset/tradeFee.
pub fn trade_fees(context: &mut Context<'_>, params: &Params) -> Answer {
    let only = context.optional_symbol(params)?;
    let wanted = context
        .rules()
        .filter(|rules| only.as_ref().is_none_or(|only| only.key == rules.key));
    let rows = wanted.map(|rules| {
        json!({
            "symbol": rules.key.symbol, "makerCommission": plain(rules.maker_fee), "takerCommission": plain(rules.taker_fee),
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// GET account/apiRestrictions.
pub fn restrictions(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let held = context.exchange.account(account);
    let may = held.map(|account| account.permissions).unwrap_or_default();
    let bound = held.is_some_and(|account| account.bound);
    Ok(json!({
        "ipRestrict": bound, "createTime": 1_704_067_200_000_i64, "enableReading": may.read,
        "enableSpotAndMarginTrading": may.spot, "enableWithdrawals": may.withdraw, "enableInternalTransfer": false,
        "permitsUniversalTransfer": may.spot && may.futures, "enableVanillaOptions": false, "enableFutures": may.futures,
        "enableMargin": false, "enablePortfolioMarginTrading": false, "enableFixApiTrade": false,
        "enableFixReadOnly": false,
    })
    .to_string())
}

/// GET account/status.
pub fn account_status(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"data":"Normal"}"#.to_owned())
}

/// GET account/apiTradingStatus: nothing is held against the account.
pub fn trading_status(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(json!({
        "data": {
            "isLocked": false, "plannedRecoverTime": 0, "triggerCondition": { "GCR": 150, "IFER": 150, "UFR": 300 },
            "updateTime": 0,
        },
    })
    .to_string())
}

/// POST asset/transfer by name, futures/transfer by number.
pub fn transfer(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let asked = params.need("type")?;
    let route = KINDS.iter().find(|(name, number, _)| [*name, *number].contains(&asked));
    let (_, _, route) = route.ok_or_else(|| missing("type"))?;
    let asset = params.need("asset")?;
    params.need("amount")?;
    let amount = params.decimal("amount")?.unwrap_or_default();
    if amount <= Decimal::ZERO {
        return Err(missing("amount"));
    }
    let moved = context.exchange.transfer_between(account, *route, asset, amount, now);
    Ok(format!(r#"{{"tranId":{}}}"#, moved.map_err(|_| SHORT)?))
}

/// GET asset/transfer and futures/transfer: newest first, by page.
pub fn transfers(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let asked = params.get("type");
    let asset = params.get("asset");
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let size = params.parsed::<usize>("size")?.unwrap_or(10).clamp(1, 100);
    let page = params.parsed::<usize>("current")?.unwrap_or(1).max(1);
    let kind = |row: &TransferRow| KINDS.iter().find(|(_, _, route)| *route == (row.from, row.to));
    let mut rows: Vec<Value> = Vec::new();
    for row in context.exchange.transfers(account) {
        let Some((name, number, _)) = kind(row) else { continue };
        let wanted = asked.is_none_or(|asked| [*name, *number].contains(&asked))
            && asset.is_none_or(|asset| asset == row.asset)
            && start.is_none_or(|start| row.time_ms >= start)
            && end.is_none_or(|end| row.time_ms <= end);
        if wanted {
            rows.push(json!({
                "asset": row.asset, "amount": plain(row.amount), "type": name, "status": "CONFIRMED", "tranId": row.id,
                "timestamp": row.time_ms,
            }));
        }
    }
    let total = rows.len();
    rows.reverse();
    let rows: Vec<Value> = rows.into_iter().skip((page - 1) * size).take(size).collect();
    Ok(json!({ "total": total, "rows": rows }).to_string())
}

/// exchangeInfo of a market that has a host of its own at the venue and lists nothing here (coin-margined contracts,
/// options).
pub fn nothing_listed(context: &mut Context<'_>, _: &Params) -> Answer {
    let limits = super::budget::USDM.describe(false);
    debug_assert!(
        context.product == Product::Perp,
        "the futures host answers for its neighbours"
    );
    Ok(format!(
        r#"{{"timezone":"UTC","serverTime":{},"rateLimits":{limits},"exchangeFilters":[],"symbols":[],"optionContracts":[],"optionAssets":[],"optionSymbols":[]}}"#,
        context.clock()
    ))
}

//! `/v5/asset/*`: coins and what is held of them. Nothing is deposited, withdrawn or moved here: those lists are empty.

use std::collections::BTreeSet;

use serde_json::json;

use super::codes::{Refusal, Result};
use super::convert::tidy;
use super::params::Query;
use crate::exchange::{AccountId, Exchange, Wallet};
use crate::market::{Ms, Venue};

/// `GET /v5/asset/coin/query-info`: no chain carries anything in or out.
pub fn coins(exchange: &Exchange, query: &Query) -> String {
    let ours = exchange
        .market()
        .rules()
        .iter()
        .filter(|rules| rules.key.venue == Venue::Bybit);
    let coins: BTreeSet<&str> = ours
        .flat_map(|rules| [rules.base.as_str(), rules.quote.as_str()])
        .collect();
    let only = query.get("coin");
    let rows: Vec<_> = coins
        .into_iter()
        .filter(|coin| only.is_none_or(|only| only == *coin))
        .map(|coin| json!({ "name": coin, "coin": coin, "remainAmount": "0", "chains": [] }))
        .collect();
    json!({ "rows": rows }).to_string()
}

/// `GET /v5/asset/transfer/query-account-coins-balance`: the unified account; every other kind of account is empty.
pub fn balances(exchange: &Exchange, account: AccountId, query: &Query) -> Result<String> {
    let kind = query
        .get("accountType")
        .ok_or_else(|| Refusal::missing("accountType"))?;
    let only: Option<Vec<&str>> = query.get("coin").map(|coins| coins.split(',').collect());
    let held = match kind {
        "UNIFIED" => exchange.balances(account, Wallet::Unified),
        _ => Vec::new(),
    };
    let rows: Vec<_> = held
        .into_iter()
        .filter(|row| only.as_ref().is_none_or(|only| only.contains(&row.asset.as_str())))
        .map(|row| {
            json!({
                "coin": row.asset, "transferBalance": tidy(row.free), "walletBalance": tidy(row.free + row.locked),
                "bonus": "",
            })
        })
        .collect();
    Ok(json!({ "memberId": (account.0 + 1).to_string(), "accountType": kind, "balance": rows }).to_string())
}

/// `GET /v5/asset/transfer/query-account-coin-balance`: one coin.
pub fn balance(exchange: &Exchange, account: AccountId, query: &Query) -> Result<String> {
    let kind = query
        .get("accountType")
        .ok_or_else(|| Refusal::missing("accountType"))?;
    let coin = query.get("coin").ok_or_else(|| Refusal::missing("coin"))?;
    let held = exchange.balance(account, Wallet::Unified, coin);
    let ours = kind == "UNIFIED";
    let figure = |value| if ours { tidy(value).to_string() } else { "0".to_owned() };
    Ok(json!({
        "accountType": kind, "bizType": 1, "accountId": (account.0 + 1).to_string(), "memberId": (account.0 + 1).to_string(),
        "balance": {
            "coin": coin, "walletBalance": figure(held.free + held.locked), "transferBalance": figure(held.free),
            "bonus": "", "transferSafeAmount": "", "ltvTransferSafeAmount": "",
        },
    })
    .to_string())
}

/// `GET /v5/account/withdrawal`: what could leave the account without touching its margin.
pub fn withdrawable(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> String {
    let margin = exchange.margin(account, Venue::Bybit, now);
    let free = |coin: &str| {
        let held = exchange.balance(account, Wallet::Unified, coin).free;
        let free = if coin == "USDT" {
            held.min(margin.available)
        } else {
            held
        };
        tidy(free.max(rust_decimal::Decimal::ZERO)).to_string()
    };
    let coins: Vec<&str> = query.get("coinName").unwrap_or_default().split(',').collect();
    let map: serde_json::Map<String, serde_json::Value> = coins
        .iter()
        .map(|coin| ((*coin).to_owned(), free(coin).into()))
        .collect();
    let first = coins.first().map_or_else(String::new, |coin| free(coin));
    json!({ "availableWithdrawal": first, "availableWithdrawalMap": map }).to_string()
}

//! The unified account's balances, by REST and on the `wallet` topic.

use rust_decimal::Decimal;

use super::codes::{Refusal, Result};
use super::convert::tidy;
use super::json as to_json;
use super::params::Query;
use super::rows::{CoinRow, Listing, WalletRow};
use crate::exchange::{AccountId, Balance, Exchange, Margin, Wallet};
use crate::market::{Ms, Product, Venue};

/// The coin that contracts settle in.
const USDT: &str = "USDT";

/// `GET /v5/account/wallet-balance`.
pub fn wallet_balance(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    match query.get("accountType") {
        Some("UNIFIED") => {}
        None => return Err(Refusal::missing("accountType")),
        Some(_) => return Err(Refusal::parameter("accountType only support UNIFIED.")),
    }
    let coins: Option<Vec<&str>> = query.get("coin").map(|coins| coins.split(',').collect());
    let row = wallet(exchange, account, coins.as_deref(), now);
    Ok(to_json(&Listing::whole(None, vec![row])))
}

/// The unified account as REST and the `wallet` topic show it; `coins` narrows the list, not the totals.
pub fn wallet(exchange: &Exchange, account: AccountId, coins: Option<&[&str]>, now: Ms) -> WalletRow {
    let margin = exchange.margin(account, Venue::Bybit, now);
    let initial = margin.position_initial + margin.order_initial;
    let rate = |part: Decimal| {
        part.checked_div(margin.equity)
            .unwrap_or_default()
            .round_dp(6)
            .normalize()
    };
    let (mut balances, mut equity) = (Decimal::ZERO, Decimal::ZERO);
    let mut rows = Vec::new();
    for balance in exchange.balances(account, Wallet::Unified) {
        let row = coin(exchange, &margin, balance, now);
        balances += row.wallet_balance * price(exchange, &row.coin, now).unwrap_or_default();
        equity += row.usd_value;
        let empty = row.wallet_balance.is_zero() && row.coin != USDT;
        if coins.map_or(!empty, |coins| coins.contains(&row.coin.as_str())) {
            rows.push(row);
        }
    }
    WalletRow {
        account_type: "UNIFIED",
        account_im_rate: rate(initial),
        account_mm_rate: rate(margin.maintenance),
        account_ltv: "0",
        total_equity: tidy(equity),
        total_wallet_balance: tidy(balances),
        total_margin_balance: tidy(margin.equity),
        total_available_balance: tidy(margin.available.max(Decimal::ZERO)),
        total_perp_upl: tidy(margin.unrealised),
        total_initial_margin: tidy(initial),
        total_maintenance_margin: tidy(margin.maintenance),
        coin: rows,
    }
}

/// One coin. USDT carries the margin and the profit of all contracts.
fn coin(exchange: &Exchange, margin: &Margin, balance: Balance, now: Ms) -> CoinRow {
    let total = balance.free + balance.locked;
    let settles = balance.asset == USDT;
    let of_usdt = |part: Decimal| if settles { tidy(part) } else { Decimal::ZERO };
    let held = total + of_usdt(margin.unrealised);
    CoinRow {
        equity: tidy(held),
        usd_value: tidy(held * price(exchange, &balance.asset, now).unwrap_or_default()),
        wallet_balance: tidy(total),
        locked: tidy(balance.locked),
        available_to_withdraw: "",
        available_to_borrow: "",
        borrow_amount: "0",
        spot_borrow: "0",
        accrued_interest: "0",
        total_order_im: of_usdt(margin.order_initial),
        total_position_im: of_usdt(margin.position_initial),
        total_position_mm: of_usdt(margin.maintenance),
        unrealised_pnl: of_usdt(margin.unrealised),
        cum_realised_pnl: Decimal::ZERO,
        bonus: "0",
        collateral_switch: true,
        margin_collateral: true,
        spot_hedging_qty: "0",
        coin: balance.asset,
    }
}

/// What a coin is worth in USD; USDT is one.
fn price(exchange: &Exchange, coin: &str, now: Ms) -> Option<Decimal> {
    if coin == USDT {
        return Some(Decimal::ONE);
    }
    let rules = exchange
        .market()
        .find(Venue::Bybit, Product::Spot, &format!("{coin}{USDT}"))?;
    exchange.market().mid(&rules.key, now)
}

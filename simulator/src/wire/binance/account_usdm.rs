//! Futures account: balances, positions, settings, listen keys.

#![allow(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::{AccountId, Margin, Position, Side, Wallet};
use crate::market::{Key, Product, Rules, Venue};

use super::codes::{self, Answer, Refusal, usdm};
use super::context::{Context, json as text};
use super::params::Params;
use super::placing::{UNSUPPORTED, usdm_refusal};
use super::rows_usdm::{Resting, Risk, adl_quantile};
use super::text::{eight, plain};

const VENUE: Venue = Venue::Binance;
/// Greatest position value at any leverage: brackets are not staggered here, margin alone limits.
const NOTIONAL_CAP: i64 = 1_000_000_000;

/// A futures asset with its share of the margin; only USDT carries margin.
fn assets(context: &Context<'_>, account: AccountId) -> Vec<(String, Decimal, Margin)> {
    let margin = context.exchange.margin(account, VENUE, context.now);
    let held = context.exchange.balances(account, Wallet::Usdm).into_iter();
    held.map(|balance| {
        let total = balance.free + balance.locked;
        let own = if balance.asset == "USDT" {
            margin.clone()
        } else {
            Margin {
                available: total,
                equity: total,
                ..Margin::default()
            }
        };
        (balance.asset, total, own)
    })
    .collect()
}

/// GET v2 and v3 balance.
pub fn balance(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let rows: Vec<Value> = assets(context, account)
        .into_iter()
        .map(|(asset, total, margin)| {
            let free = margin.available.max(Decimal::ZERO);
            json!({
                "accountAlias": "SgsR", "asset": asset, "balance": eight(total), "crossWalletBalance": eight(total),
                "crossUnPnl": eight(margin.unrealised), "availableBalance": eight(free),
                "maxWithdrawAmount": eight(free.min(total)), "marginAvailable": true, "updateTime": context.now,
            })
        })
        .collect();
    Ok(Value::Array(rows).to_string())
}

/// GET v2 and v3 account.
pub fn account(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let margin = context.exchange.margin(account, VENUE, context.now);
    let free = margin.available.max(Decimal::ZERO);
    let initial = margin.position_initial + margin.order_initial;
    let rows: Vec<Value> = assets(context, account)
        .iter()
        .map(|row| asset_row(row, context.now))
        .collect();
    let positions: Vec<Value> = risk_positions(context, account, None)?
        .iter()
        .map(|(position, _, resting)| {
            json!({
                "symbol": position.key.symbol, "positionSide": "BOTH", "positionAmt": plain(position.quantity),
                "unrealizedProfit": eight(position.unrealised), "isolatedMargin": "0.00000000",
                "notional": plain(position.quantity * position.mark_price), "isolatedWallet": "0",
                "initialMargin": eight(position.initial_margin + order_margin(*resting, position)),
                "maintMargin": eight(position.maintenance_margin), "updateTime": position.updated_ms,
            })
        })
        .collect();
    Ok(json!({
        "totalInitialMargin": eight(initial), "totalMaintMargin": eight(margin.maintenance),
        "totalWalletBalance": eight(margin.wallet_balance), "totalUnrealizedProfit": eight(margin.unrealised),
        "totalMarginBalance": eight(margin.equity), "totalPositionInitialMargin": eight(margin.position_initial),
        "totalOpenOrderInitialMargin": eight(margin.order_initial),
        "totalCrossWalletBalance": eight(margin.wallet_balance), "totalCrossUnPnl": eight(margin.unrealised),
        "availableBalance": eight(free), "maxWithdrawAmount": eight(free.min(margin.wallet_balance)),
        "assets": rows, "positions": positions,
    })
    .to_string())
}

fn order_margin(resting: Resting, position: &Position) -> Decimal {
    resting
        .bids
        .max(resting.asks)
        .checked_div(position.leverage)
        .unwrap_or_default()
}

fn asset_row((asset, total, margin): &(String, Decimal, Margin), now: i64) -> Value {
    let free = margin.available.max(Decimal::ZERO);
    json!({
        "asset": asset, "walletBalance": eight(*total), "unrealizedProfit": eight(margin.unrealised),
        "marginBalance": eight(margin.equity), "maintMargin": eight(margin.maintenance),
        "initialMargin": eight(margin.position_initial + margin.order_initial),
        "positionInitialMargin": eight(margin.position_initial), "openOrderInitialMargin": eight(margin.order_initial),
        "crossWalletBalance": eight(*total), "crossUnPnl": eight(margin.unrealised), "availableBalance": eight(free),
        "maxWithdrawAmount": eight(free.min(*total)), "marginAvailable": true, "updateTime": now,
    })
}

/// Positions and open orders by symbol: a symbol with either has a row.
fn risk_positions(
    context: &Context<'_>,
    account: AccountId,
    only: Option<&Key>,
) -> Result<Vec<(Position, Rules, Resting)>, Refusal> {
    let now = context.now;
    let mut resting: BTreeMap<Key, Resting> = BTreeMap::new();
    for order in context.exchange.open_orders(account, VENUE, Product::Perp) {
        let value = order.remaining() * order.price.unwrap_or_default();
        let sums = resting.entry(order.key.clone()).or_default();
        match order.side {
            Side::Buy => sums.bids += value,
            Side::Sell => sums.asks += value,
        }
    }
    let held = context.exchange.positions(account, VENUE, now);
    let mut rows: BTreeMap<Key, Position> = held
        .into_iter()
        .map(|position| (position.key.clone(), position))
        .collect();
    for key in resting.keys() {
        if !rows.contains_key(key) {
            rows.insert(key.clone(), flat(context, account, key));
        }
    }
    rows.retain(|key, _| only.is_none_or(|only| only == key));
    let with_rules = rows.into_values().map(|position| {
        let rules = context.rule(&position.key.symbol)?.clone();
        let resting = resting.get(&position.key).copied().unwrap_or_default();
        Ok((position, rules, resting))
    });
    with_rules.collect()
}

fn flat(context: &Context<'_>, account: AccountId, key: &Key) -> Position {
    Position {
        account,
        key: key.clone(),
        quantity: Decimal::ZERO,
        entry_price: Decimal::ZERO,
        mark_price: context.exchange.market().mark(key, context.now).unwrap_or_default(),
        liquidation_price: None,
        unrealised: Decimal::ZERO,
        realised: Decimal::ZERO,
        leverage: context.exchange.leverage(account, key),
        initial_margin: Decimal::ZERO,
        maintenance_margin: Decimal::ZERO,
        updated_ms: 0,
    }
}

/// GET v3 positionRisk: rows only where there is a position or an open order.
pub fn position_risk(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let only = context.optional_symbol(params)?.map(|rules| rules.key);
    let rows = risk_positions(context, account, only.as_ref())?;
    let rows: Vec<Risk<'_>> = rows
        .iter()
        .map(|(position, rules, resting)| Risk::new(position, rules, *resting))
        .collect();
    Ok(text(&rows))
}

/// GET v2 positionRisk: every symbol, with leverage and margin type.
pub fn position_risk_v2(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let only = context.optional_symbol(params)?.map(|rules| rules.key);
    let keys: Vec<Key> = match only {
        Some(key) => vec![key],
        None => context.rules().map(|rules| rules.key.clone()).collect(),
    };
    let row = |key: &Key| {
        let held = context.exchange.position(account, key, context.now);
        let position = held.unwrap_or_else(|| flat(context, account, key));
        let bep = context.rule(&key.symbol).map_or(position.entry_price, |rules| {
            super::rows_usdm::break_even(&position, rules)
        });
        json!({
            "symbol": key.symbol, "positionAmt": plain(position.quantity), "entryPrice": plain(position.entry_price.round_dp(11)),
            "breakEvenPrice": plain(bep.round_dp(11)), "markPrice": eight(position.mark_price),
            "unRealizedProfit": eight(position.unrealised),
            "liquidationPrice": position.liquidation_price.map_or_else(|| "0".to_owned(), plain),
            "leverage": plain(position.leverage), "maxNotionalValue": NOTIONAL_CAP.to_string(), "marginType": "cross",
            "isolatedMargin": "0.00000000", "isAutoAddMargin": "false", "positionSide": "BOTH",
            "notional": plain(position.quantity * position.mark_price), "isolatedWallet": "0", "updateTime": position.updated_ms,
        })
    };
    Ok(Value::Array(keys.iter().map(row).collect()).to_string())
}

/// GET adlQuantile.
pub fn adl(context: &mut Context<'_>, params: &Params) -> Answer {
    let only = context.optional_symbol(params)?.map(|rules| rules.key);
    let held = context.exchange.positions(context.account()?, VENUE, context.now);
    let rows = held
        .iter()
        .filter(|position| only.as_ref().is_none_or(|key| *key == position.key))
        .map(|position| {
            let quantile = adl_quantile(position);
            let (long, short) = if position.quantity.is_sign_positive() {
                (quantile, 0)
            } else {
                (0, quantile)
            };
            json!({ "symbol": position.key.symbol, "adlQuantile": { "LONG": long, "SHORT": short, "BOTH": quantile } })
        });
    Ok(Value::Array(rows.collect()).to_string())
}

/// GET accountConfig.
pub fn config(context: &mut Context<'_>, _: &Params) -> Answer {
    let may = context
        .exchange
        .account(context.account()?)
        .map(|account| account.permissions)
        .unwrap_or_default();
    Ok(json!({
        "feeTier": 0, "canTrade": may.futures, "canDeposit": true, "canWithdraw": may.withdraw, "dualSidePosition": false,
        "updateTime": 0, "multiAssetsMargin": false, "tradeGroupId": -1,
    })
    .to_string())
}

/// GET symbolConfig.
pub fn symbol_config(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let only = context.optional_symbol(params)?;
    let wanted = context
        .rules()
        .filter(|rules| only.as_ref().is_none_or(|only| only.key == rules.key));
    let rows = wanted.map(|rules| {
        json!({
            "symbol": rules.key.symbol, "marginType": "CROSSED", "isAutoAddMargin": false,
            "leverage": whole(context.exchange.leverage(account, &rules.key)), "maxNotionalValue": NOTIONAL_CAP.to_string(),
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// Leverage is a JSON integer.
fn whole(leverage: Decimal) -> i64 {
    i64::try_from(leverage.trunc().mantissa()).unwrap_or_default()
}

/// GET commissionRate.
pub fn commission_rate(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let (maker, taker) = (plain(rules.maker_fee), plain(rules.taker_fee));
    Ok(json!({
        "symbol": rules.key.symbol, "makerCommissionRate": maker, "takerCommissionRate": taker, "rpiCommissionRate": maker,
    })
    .to_string())
}

/// GET leverageBracket: one bracket, since the margin rate does not grow with size here.
pub fn brackets(context: &mut Context<'_>, params: &Params) -> Answer {
    let only = context.optional_symbol(params)?;
    let wanted = context
        .rules()
        .filter(|rules| only.as_ref().is_none_or(|only| only.key == rules.key));
    let rows: Vec<String> = wanted
        .map(|rules| {
            format!(
                r#"{{"symbol":"{}","notionalCoef":1,"brackets":[{{"bracket":1,"initialLeverage":{},"notionalCap":{NOTIONAL_CAP},"notionalFloor":0,"maintMarginRatio":{},"cum":0}}]}}"#,
                rules.key.symbol,
                whole(rules.max_leverage),
                plain(rules.maintenance_margin),
            )
        })
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// POST leverage.
pub fn set_leverage(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.symbol(params)?;
    params.need("leverage")?;
    let leverage = Decimal::from(params.parsed::<u32>("leverage")?.unwrap_or_default());
    let set = context.exchange.set_leverage(account, &rules.key, leverage);
    let set = set.map_err(|refusal| usdm_refusal(&refusal, None, None))?;
    let symbol = rules.key.symbol;
    Ok(format!(
        r#"{{"leverage":{},"maxNotionalValue":"{NOTIONAL_CAP}","symbol":"{symbol}"}}"#,
        whole(set)
    ))
}

/// POST marginType: every symbol is CROSSED, and isolated margin is not offered.
pub fn set_margin_type(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    match params.need("marginType")? {
        "CROSSED" => Err(usdm::SAME_MARGIN_TYPE),
        "ISOLATED" => {
            let account = context.account()?;
            let busy = context
                .exchange
                .open_orders(account, VENUE, Product::Perp)
                .any(|order| order.key == rules.key);
            if busy {
                return Err(usdm::MARGIN_TYPE_ORDERS);
            }
            let held = context.exchange.position_quantity(account, &rules.key);
            Err(if held.is_zero() {
                UNSUPPORTED
            } else {
                usdm::MARGIN_TYPE_POSITION
            })
        }
        _ => Err(codes::missing("marginType")),
    }
}

/// GET positionSide/dual: one-way mode.
pub fn position_mode(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"dualSidePosition":false}"#.to_owned())
}

/// POST positionSide/dual: the account is and stays in one-way mode.
pub fn set_position_mode(context: &mut Context<'_>, params: &Params) -> Answer {
    params.need("dualSidePosition")?;
    if params.flag("dualSidePosition")? != Some(true) {
        return Err(usdm::SAME_SIDE_MODE);
    }
    let account = context.account()?;
    if context
        .exchange
        .open_orders(account, VENUE, Product::Perp)
        .next()
        .is_some()
    {
        return Err(usdm::MODE_ORDERS);
    }
    let flat = context.exchange.positions(account, VENUE, context.now).is_empty();
    Err(if flat { UNSUPPORTED } else { usdm::MODE_POSITION })
}

/// GET multiAssetsMargin: single-asset mode.
pub fn multi_assets(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"multiAssetsMargin":false}"#.to_owned())
}

/// POST multiAssetsMargin: the account is and stays in single-asset mode.
pub fn set_multi_assets(_: &mut Context<'_>, params: &Params) -> Answer {
    params.need("multiAssetsMargin")?;
    Err(if params.flag("multiAssetsMargin")? == Some(true) {
        usdm::NO_MULTI_ASSETS
    } else {
        usdm::SAME_MULTI_ASSETS
    })
}

/// POST listenKey: the same key again while it lives.
pub fn open_listen_key(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let secret = context
        .exchange
        .account(account)
        .map(|account| account.secret.clone())
        .unwrap_or_default();
    let speed = context.exchange.speed();
    let key = context.state.open_listen_key(account, &secret, context.now, speed);
    Ok(format!(r#"{{"listenKey":"{key}"}}"#))
}

/// PUT listenKey: -1125 once it is gone.
pub fn keep_listen_key(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    if context.state.listen_key_of(account, context.now).is_none() {
        return Err(codes::BAD_LISTEN_KEY);
    }
    open_listen_key(context, params)
}

/// DELETE listenKey.
pub fn close_listen_key(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    context.state.close_listen_key(account);
    Ok("{}".to_owned())
}

//! Futures account: balances, positions, fees.

#![allow(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::{AccountId, Margin, Position, PositionSide, Side, Wallet};
use crate::market::{Key, Product, Rules, Venue};

use super::codes::{Answer, Refusal};
use super::context::{Context, json as text};
use super::params::Params;
use super::rows_usdm::{Resting, Risk, adl_quantile};
use super::text::{eight, plain};
use super::words::position_side;

const VENUE: Venue = Venue::Binance;

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
                "accountAlias": "SgsR", "asset": asset, "balance": eight(total),
                "crossWalletBalance": eight(total - margin.isolated),
                "crossUnPnl": eight(margin.unrealised - margin.isolated_unrealised), "availableBalance": eight(free),
                "maxWithdrawAmount": eight(free.min(total)), "marginAvailable": true, "updateTime": context.now,
            })
        })
        .collect();
    Ok(Value::Array(rows).to_string())
}

/// GET v3 account: rows only where there is a position or an open order.
pub fn account(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let positions: Vec<Value> = risk_positions(context, account, None)?
        .iter()
        .map(|(position, _, resting)| account_row(position, *resting))
        .collect();
    Ok(account_json(context, account, &positions).to_string())
}

/// GET v2 account: every position, with its settings, and what the key may do.
pub fn account_v2(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let resting = risk_positions(context, account, None)?;
    let mut positions = Vec::new();
    for position in every_position(context, account, None) {
        let same = resting
            .iter()
            .find(|(held, _, _)| held.key == position.key && held.position_side == position.position_side);
        let waiting = same.map(|(_, _, resting)| *resting).unwrap_or_default();
        let mut row = account_row(&position, waiting);
        let most = context.rule(&position.key.symbol)?.most_value(position.leverage);
        extend(
            &mut row,
            json!({
                "leverage": plain(position.leverage), "isolated": position.isolated_margin.is_some(),
                "entryPrice": plain(position.entry_price.round_dp(11)), "maxNotional": plain(most.unwrap_or_default()),
                "positionInitialMargin": eight(position.initial_margin),
                "openOrderInitialMargin": eight(order_margin(waiting, &position)),
                "bidNotional": plain(waiting.bids), "askNotional": plain(waiting.asks),
            }),
        );
        positions.push(row);
    }
    let may = context.exchange.account(account).map(|account| account.permissions);
    let may = may.unwrap_or_default();
    let mut whole = account_json(context, account, &positions);
    extend(
        &mut whole,
        json!({
            "feeTier": 0, "canTrade": may.futures, "canDeposit": true, "canWithdraw": may.withdraw, "feeBurn": false,
            "tradeGroupId": -1, "updateTime": 0, "multiAssetsMargin": false,
        }),
    );
    Ok(whole.to_string())
}

fn extend(row: &mut Value, more: Value) {
    if let (Some(fields), Value::Object(more)) = (row.as_object_mut(), more) {
        fields.extend(more);
    }
}

fn account_row(position: &Position, resting: Resting) -> Value {
    let aside = position.isolated_margin;
    json!({
        "symbol": position.key.symbol, "positionSide": position_side(position.position_side),
        "positionAmt": plain(position.quantity), "unrealizedProfit": eight(position.unrealised),
        "isolatedMargin": eight(aside.map_or(Decimal::ZERO, |aside| aside + position.unrealised)),
        "notional": plain(position.quantity * position.mark_price), "isolatedWallet": plain(aside.unwrap_or_default()),
        "initialMargin": eight(position.initial_margin + order_margin(resting, position)),
        "maintMargin": eight(position.maintenance_margin), "updateTime": position.updated_ms,
    })
}

fn account_json(context: &Context<'_>, account: AccountId, positions: &[Value]) -> Value {
    let margin = context.exchange.margin(account, VENUE, context.now);
    let free = margin.available.max(Decimal::ZERO);
    let initial = margin.position_initial + margin.order_initial;
    let rows: Vec<Value> = assets(context, account)
        .iter()
        .map(|row| asset_row(row, context.now))
        .collect();
    json!({
        "totalInitialMargin": eight(initial), "totalMaintMargin": eight(margin.maintenance),
        "totalWalletBalance": eight(margin.wallet_balance), "totalUnrealizedProfit": eight(margin.unrealised),
        "totalMarginBalance": eight(margin.equity), "totalPositionInitialMargin": eight(margin.position_initial),
        "totalOpenOrderInitialMargin": eight(margin.order_initial),
        "totalCrossWalletBalance": eight(margin.wallet_balance - margin.isolated),
        "totalCrossUnPnl": eight(margin.unrealised - margin.isolated_unrealised),
        "availableBalance": eight(free), "maxWithdrawAmount": eight(free.min(margin.wallet_balance)),
        "assets": rows, "positions": positions,
    })
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
        "crossWalletBalance": eight(*total - margin.isolated),
        "crossUnPnl": eight(margin.unrealised - margin.isolated_unrealised), "availableBalance": eight(free),
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
    let mut resting: BTreeMap<(Key, PositionSide), Resting> = BTreeMap::new();
    for order in context.exchange.open_orders(account, VENUE, Product::Perp) {
        let value = order.remaining() * order.price.unwrap_or_default();
        let sums = resting.entry((order.key.clone(), order.position_side)).or_default();
        match order.side {
            Side::Buy => sums.bids += value,
            Side::Sell => sums.asks += value,
        }
    }
    let held = context.exchange.positions(account, VENUE, now);
    let mut rows: BTreeMap<(Key, PositionSide), Position> = held
        .into_iter()
        .map(|position| ((position.key.clone(), position.position_side), position))
        .collect();
    for at in resting.keys() {
        if !rows.contains_key(at) {
            rows.insert(at.clone(), context.exchange.flat(account, &at.0, at.1, now));
        }
    }
    rows.retain(|(key, _), _| only.is_none_or(|only| only == key));
    let with_rules = rows.into_iter().map(|(at, position)| {
        let rules = context.rule(&position.key.symbol)?.clone();
        let resting = resting.get(&at).copied().unwrap_or_default();
        Ok((position, rules, resting))
    });
    with_rules.collect()
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
    let rows: Vec<Value> = every_position(context, account, only.as_ref())
        .iter()
        .map(|position| risk_row_v2(context, position))
        .collect();
    Ok(Value::Array(rows).to_string())
}

/// A row for every position that the account could hold, held or not: both sides in hedge mode.
fn every_position(context: &Context<'_>, account: AccountId, only: Option<&Key>) -> Vec<Position> {
    let (exchange, now) = (&context.exchange, context.now);
    let keys = context.rules().map(|rules| &rules.key);
    let keys = keys.filter(|key| only.is_none_or(|only| only == *key));
    let sides: &[PositionSide] = match context.rules().next() {
        Some(rules) if exchange.hedged(account, &rules.key) => &[PositionSide::Long, PositionSide::Short],
        _ => &[PositionSide::Both],
    };
    keys.flat_map(|key| sides.iter().map(move |side| (key, *side)))
        .map(|(key, side)| {
            let held = exchange.position_of(account, key, side, now);
            held.unwrap_or_else(|| exchange.flat(account, key, side, now))
        })
        .collect()
}

fn risk_row_v2(context: &Context<'_>, position: &Position) -> Value {
    let key = &position.key;
    let rules = context.rule(&key.symbol).ok();
    let most = rules
        .and_then(|rules| rules.most_value(position.leverage))
        .unwrap_or_default();
    let aside = position.isolated_margin;
    let bep = context.rule(&key.symbol).map_or(position.entry_price, |rules| {
        super::rows_usdm::break_even(position, rules)
    });
    json!({
        "symbol": key.symbol, "positionAmt": plain(position.quantity), "entryPrice": plain(position.entry_price.round_dp(11)),
        "breakEvenPrice": plain(bep.round_dp(11)), "markPrice": eight(position.mark_price),
        "unRealizedProfit": eight(position.unrealised),
        "liquidationPrice": position.liquidation_price.map_or_else(|| "0".to_owned(), plain),
        "leverage": plain(position.leverage), "maxNotionalValue": plain(most),
        "marginType": if aside.is_some() { "isolated" } else { "cross" },
        "isolatedMargin": eight(aside.map_or(Decimal::ZERO, |aside| aside + position.unrealised)),
        "isAutoAddMargin": "false", "positionSide": position_side(position.position_side),
        "notional": plain(position.quantity * position.mark_price), "isolatedWallet": plain(aside.unwrap_or_default()),
        "updateTime": position.updated_ms,
    })
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
            // In hedge mode the third name is HEDGE, a sign that both sides are there, and no rank.
            let third = if position.position_side == PositionSide::Both {
                "BOTH"
            } else {
                "HEDGE"
            };
            let both = if third == "BOTH" { quantile } else { 0 };
            json!({ "symbol": position.key.symbol, "adlQuantile": { "LONG": long, "SHORT": short, third: both } })
        });
    Ok(Value::Array(rows.collect()).to_string())
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

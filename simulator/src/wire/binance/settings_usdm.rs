//! Futures settings: leverage and its brackets, margin type, position mode, margin of single positions, listen keys.

#![allow(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::exchange::{MarginMove, Refusal as Core};
use crate::market::{Key, Ms, Tier};

use super::codes::{self, Answer, Refusal, usdm};
use super::context::{Context, Notice};
use super::params::Params;
use super::placing::{position_side, usdm_refusal};
use super::text::plain;
use super::words;

/// GET accountConfig.
pub fn config(context: &mut Context<'_>, _: &Params) -> Answer {
    let account = context.account()?;
    let may = context.exchange.account(account).map(|account| account.permissions);
    let may = may.unwrap_or_default();
    Ok(json!({
        "feeTier": 0, "canTrade": may.futures, "canDeposit": true, "canWithdraw": may.withdraw,
        "dualSidePosition": hedged(context)?, "updateTime": 0, "multiAssetsMargin": false, "tradeGroupId": -1,
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
        let leverage = context.exchange.leverage(account, &rules.key);
        let isolated = context.exchange.isolated(account, &rules.key);
        json!({
            "symbol": rules.key.symbol, "marginType": if isolated { "ISOLATED" } else { "CROSSED" },
            "isAutoAddMargin": false, "leverage": whole(leverage),
            "maxNotionalValue": plain(rules.most_value(leverage).unwrap_or_default()),
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// Leverage is a JSON integer.
fn whole(leverage: Decimal) -> i64 {
    i64::try_from(leverage.trunc().mantissa()).unwrap_or_default()
}

/// GET leverageBracket.
pub fn brackets(context: &mut Context<'_>, params: &Params) -> Answer {
    let only = context.optional_symbol(params)?;
    let wanted = context
        .rules()
        .filter(|rules| only.as_ref().is_none_or(|only| only.key == rules.key));
    let rows: Vec<String> = wanted
        .map(|rules| {
            let tiers: Vec<String> = rules.tiers().iter().map(bracket).collect();
            let (symbol, tiers) = (&rules.key.symbol, tiers.join(","));
            format!(r#"{{"symbol":"{symbol}","notionalCoef":1,"brackets":[{tiers}]}}"#)
        })
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// One bracket, all figures JSON numbers.
fn bracket(tier: &Tier) -> String {
    format!(
        r#"{{"bracket":{},"initialLeverage":{},"notionalCap":{},"notionalFloor":{},"maintMarginRatio":{},"cum":{}}}"#,
        tier.number,
        whole(tier.leverage),
        plain(tier.cap),
        plain(tier.floor),
        plain(tier.maintenance),
        plain(tier.deduction),
    )
}

/// POST leverage.
pub fn set_leverage(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.symbol(params)?;
    params.need("leverage")?;
    let leverage = Decimal::from(params.parsed::<u32>("leverage")?.unwrap_or_default());
    let before = context.exchange.leverage(account, &rules.key);
    let set = context.exchange.set_leverage(account, &rules.key, leverage);
    let set = set.map_err(|refusal| usdm_refusal(&refusal, None, None))?;
    let (symbol, most) = (&rules.key.symbol, rules.most_value(set).unwrap_or_default());
    if set != before {
        context.state.notices.push(Notice {
            account,
            symbol: symbol.clone(),
            leverage: whole(set),
            time_ms: context.now,
        });
    }
    Ok(format!(
        r#"{{"leverage":{},"maxNotionalValue":"{}","symbol":"{symbol}"}}"#,
        whole(set),
        plain(most),
    ))
}

const DONE: &str = r#"{"code":200,"msg":"success"}"#;

/// POST marginType.
pub fn set_margin_type(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.symbol(params)?;
    let isolated = match params.need("marginType")? {
        "CROSSED" => false,
        "ISOLATED" => true,
        _ => return Err(codes::missing("marginType")),
    };
    let set = context.exchange.set_isolated(account, &rules.key, isolated);
    set.map(|()| DONE.to_owned()).map_err(|refusal| match refusal {
        Core::OrdersInTheWay => usdm::MARGIN_TYPE_ORDERS,
        Core::PositionsInTheWay => usdm::MARGIN_TYPE_POSITION,
        _ => usdm::SAME_MARGIN_TYPE,
    })
}

/// Any instrument of the host: the position mode is one for all.
fn any_key(context: &Context<'_>) -> Result<Key, Refusal> {
    let first = context.rules().next().map(|rules| rules.key.clone());
    first.ok_or(codes::BAD_SYMBOL)
}

fn hedged(context: &Context<'_>) -> Result<bool, Refusal> {
    Ok(context.exchange.hedged(context.account()?, &any_key(context)?))
}

/// GET positionSide/dual.
pub fn position_mode(context: &mut Context<'_>, _: &Params) -> Answer {
    Ok(format!(r#"{{"dualSidePosition":{}}}"#, hedged(context)?))
}

/// POST positionSide/dual.
pub fn set_position_mode(context: &mut Context<'_>, params: &Params) -> Answer {
    params.need("dualSidePosition")?;
    let dual = params.flag("dualSidePosition")? == Some(true);
    let (account, key) = (context.account()?, any_key(context)?);
    let set = context.exchange.set_hedged(account, &key, dual);
    set.map(|()| DONE.to_owned()).map_err(|refusal| match refusal {
        Core::OrdersInTheWay => usdm::MODE_ORDERS,
        Core::PositionsInTheWay => usdm::MODE_POSITION,
        _ => usdm::SAME_SIDE_MODE,
    })
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

/// GET feeBurn: fees are paid in USDT.
pub fn fee_burn(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok(r#"{"feeBurn":false}"#.to_owned())
}

/// GET apiTradingStatus: no rule holds anything against the account.
pub fn trading_status(context: &mut Context<'_>, _: &Params) -> Answer {
    Ok(format!(r#"{{"indicators":{{}},"updateTime":{}}}"#, context.now))
}

/// POST positionMargin: margin to (type 1) or from (type 2) a position in isolation.
pub fn move_margin(context: &mut Context<'_>, params: &Params) -> Answer {
    let (account, now) = (context.account()?, context.now);
    let rules = context.symbol(params)?;
    let side = position_side(params)?;
    params.need("amount")?;
    let amount = params.decimal("amount")?.unwrap_or_default();
    let adds = match params.need("type")? {
        "1" => true,
        "2" => false,
        _ => return Err(codes::missing("type")),
    };
    let signed = if adds { amount } else { -amount };
    let moved = context.exchange.move_margin(account, (&rules.key, side), signed, now);
    moved.map_err(|refusal| match refusal {
        Core::InsufficientMargin if adds => usdm::MARGIN_SHORT,
        Core::InsufficientMargin => usdm::ISOLATED_SHORT,
        _ => usdm::NO_POSITION,
    })?;
    let (kind, amount) = (if adds { 1 } else { 2 }, plain(amount));
    Ok(format!(
        r#"{{"code":200,"msg":"Successfully modify position margin.","amount":{amount},"type":{kind}}}"#
    ))
}

/// GET positionMargin/history.
pub fn margin_moves(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.symbol(params)?;
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let kind = params.get("type");
    let limit = params.limit(500, 1_000)?;
    let which = |row: &MarginMove| if row.amount.is_sign_positive() { 1 } else { 2 };
    let moves = context.exchange.margin_moves(account).filter(|row| {
        row.key == rules.key
            && start.is_none_or(|start| row.time_ms >= start)
            && end.is_none_or(|end| row.time_ms <= end)
            && kind.is_none_or(|kind| kind == which(row).to_string())
    });
    let rows = moves.take(limit).map(|row| {
        json!({
            "symbol": rules.key.symbol, "type": which(row), "deltaType": "USER_ADJUST", "amount": plain(row.amount.abs()),
            "asset": "USDT", "time": row.time_ms, "positionSide": words::position_side(row.position_side),
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// POST countdownCancelAll: a dead-man's switch for one symbol; zero takes it back.
pub fn countdown(context: &mut Context<'_>, params: &Params) -> Answer {
    let account = context.account()?;
    let rules = context.symbol(params)?;
    params.need("countdownTime")?;
    let wait = params.parsed::<Ms>("countdownTime")?.unwrap_or_default().max(0);
    // Countdowns are of the client's own time.
    let ends = context.now + wait * Ms::from(context.exchange.speed());
    context
        .exchange
        .count_down(account, &rules.key, (wait > 0).then_some(ends));
    Ok(format!(
        r#"{{"symbol":"{}","countdownTime":"{wait}"}}"#,
        rules.key.symbol
    ))
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

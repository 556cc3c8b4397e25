//! What an account is set to: margin mode, position mode, leverage, what becomes of prices beyond the band.

use serde::Deserialize;
use serde_json::json;

use super::account::{may_trade, position_row};
use super::codes::{
    ILLEGAL_CATEGORY, LEVERAGE_NOT_MODIFIED, LEVERAGE_TOO_HIGH, MODE_NOT_MODIFIED, NO_PERMISSION, ORDERS_IN_THE_WAY,
    POSITION_IN_THE_WAY, Refusal, Result, unknown_symbol,
};
use super::convert::Voice;
use super::json as to_json;
use super::params::{Category, body, figure};
use super::trade::position_side;
use crate::exchange::{self, AccountId, Exchange};
use crate::market::{Key, Ms, Product, Venue};

/// Any contract: the margin mode is one for the whole account.
fn any_key(exchange: &Exchange) -> Option<Key> {
    contracts(exchange).into_iter().next()
}

fn contracts(exchange: &Exchange) -> Vec<Key> {
    let rules = exchange.market().rules().iter();
    rules
        .filter(|rules| rules.key.venue == Venue::Bybit && rules.key.product == Product::Perp)
        .map(|rules| rules.key.clone())
        .collect()
}

/// `GET /v5/account/info`.
pub fn info(exchange: &Exchange, account: AccountId, now: Ms) -> String {
    let isolated = any_key(exchange).is_some_and(|key| exchange.isolated(account, &key));
    json!({
        "marginMode": if isolated { "ISOLATED_MARGIN" } else { "REGULAR_MARGIN" }, "updatedTime": now.to_string(),
        "unifiedMarginStatus": 6, "dcpStatus": "OFF", "timeWindow": 0, "smpGroup": 0, "isMasterTrader": false,
        "spotHedgingStatus": "OFF",
    })
    .to_string()
}

/// `POST /v5/account/set-margin-mode`: for the whole account, while it holds nothing.
pub fn set_margin_mode(exchange: &mut Exchange, account: AccountId, text: &str) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        set_margin_mode: String,
    }
    const FAILED: Refusal = Refusal::fixed(3_400_045, "Set margin mode failed");
    let isolated = match body::<Body>(text)?.set_margin_mode.as_str() {
        "REGULAR_MARGIN" => false,
        "ISOLATED_MARGIN" => true,
        "PORTFOLIO_MARGIN" => return Err(FAILED),
        _ => return Err(Refusal::parameter("params error: setMarginMode invalid")),
    };
    let key = any_key(exchange).ok_or(FAILED)?;
    match exchange.set_isolated(account, &key, isolated) {
        Ok(()) | Err(exchange::Refusal::Unchanged) => Ok(json!({ "reasons": [] }).to_string()),
        Err(_) => Err(FAILED),
    }
}

/// `POST /v5/position/switch-mode`: one contract, or all that settle in a coin.
pub fn switch_mode(exchange: &mut Exchange, account: AccountId, text: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Body {
        category: String,
        mode: u8,
        symbol: Option<String>,
        coin: Option<String>,
    }
    let asked: Body = body(text)?;
    if Category::parse(Some(&asked.category))? != Category::Linear {
        return Err(ILLEGAL_CATEGORY);
    }
    if !may_trade(exchange, account, Category::Linear) {
        return Err(NO_PERMISSION);
    }
    let hedged = match asked.mode {
        0 => false,
        3 => true,
        _ => return Err(Refusal::parameter("params error: mode invalid")),
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let keys = match (given(asked.symbol), given(asked.coin)) {
        (Some(symbol), _) => {
            let key = exchange.key(Venue::Bybit, Product::Perp, &symbol);
            vec![key.ok_or_else(|| unknown_symbol(Category::Linear))?]
        }
        (None, Some(coin)) if coin == "USDT" => contracts(exchange),
        _ => return Err(Refusal::missing("symbol or coin")),
    };
    let mut changed = false;
    for key in keys {
        match exchange.set_hedged(account, &key, hedged) {
            Ok(()) => changed = true,
            Err(exchange::Refusal::Unchanged) => {}
            Err(exchange::Refusal::OrdersInTheWay) => return Err(ORDERS_IN_THE_WAY),
            Err(_) => return Err(POSITION_IN_THE_WAY),
        }
    }
    if changed {
        Ok("{}".to_owned())
    } else {
        Err(MODE_NOT_MODIFIED)
    }
}

/// `POST /v5/position/set-leverage`.
pub fn set_leverage(exchange: &mut Exchange, account: AccountId, text: &str) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        category: String,
        symbol: String,
        buy_leverage: String,
        sell_leverage: String,
    }
    let asked: Body = body(text)?;
    if !may_trade(exchange, account, Category::Linear) {
        return Err(NO_PERMISSION);
    }
    if Category::parse(Some(&asked.category))? != Category::Linear {
        return Err(ILLEGAL_CATEGORY);
    }
    let (buy, sell) = (
        figure("buyLeverage", &asked.buy_leverage)?,
        figure("sellLeverage", &asked.sell_leverage)?,
    );
    if buy != sell {
        return Err(Refusal::parameter("buy leverage not equal sell leverage"));
    }
    let key = Key {
        venue: Venue::Bybit,
        product: Product::Perp,
        symbol: asked.symbol,
    };
    match exchange.set_leverage(account, &key, buy) {
        Ok(_) => Ok("{}".to_owned()),
        Err(exchange::Refusal::LeverageUnchanged) => Err(LEVERAGE_NOT_MODIFIED),
        Err(exchange::Refusal::BadLeverage { .. }) => Err(LEVERAGE_TOO_HIGH),
        Err(exchange::Refusal::PositionsInTheWay) => Err(POSITION_IN_THE_WAY),
        Err(_) => Err(unknown_symbol(Category::Linear)),
    }
}

/// `POST /v5/position/add-margin`: to a position in isolation, or (negative) from it.
pub fn add_margin(exchange: &mut Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        category: String,
        symbol: String,
        margin: String,
        position_idx: Option<u8>,
    }
    let asked: Body = body(text)?;
    if Category::parse(Some(&asked.category))? != Category::Linear {
        return Err(ILLEGAL_CATEGORY);
    }
    let key = exchange.key(Venue::Bybit, Product::Perp, &asked.symbol);
    let key = key.ok_or_else(|| unknown_symbol(Category::Linear))?;
    let side = position_side(asked.position_idx)?;
    let amount = figure("margin", &asked.margin)?;
    exchange
        .move_margin(account, (&key, side), amount, now)
        .map_err(|refusal| match refusal {
            exchange::Refusal::InsufficientMargin => super::codes::NOT_ENOUGH_MARGIN,
            _ => Refusal::fixed(110_010, "isolated position does not exist"),
        })?;
    let position = exchange.position_of(account, &key, side, now);
    Ok(position.map_or_else(
        || "{}".to_owned(),
        |row| to_json(&position_row(exchange, &row, Voice::Rest)),
    ))
}

/// `POST /v5/account/set-limit-px-action`: whether prices beyond the band are moved to its edge or refused.
pub fn set_limit_action(exchange: &mut Exchange, account: AccountId, text: &str) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        category: String,
        modify_enable: bool,
    }
    let asked: Body = body(text)?;
    let category = Category::parse(Some(&asked.category))?;
    exchange.set_moves_price(account, category.product(), asked.modify_enable);
    Ok("{}".to_owned())
}

/// `GET /v5/account/user-setting-config`.
pub fn user_settings(exchange: &Exchange, account: AccountId) -> String {
    json!({
        "lpaSpot": exchange.moves_price(account, Product::Spot),
        "lpaPerp": exchange.moves_price(account, Product::Perp), "deltaEnable": false,
    })
    .to_string()
}

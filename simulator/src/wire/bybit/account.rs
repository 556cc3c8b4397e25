//! The account by REST: fees, positions, modes, the key itself.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::codes::{
    LEVERAGE_NOT_MODIFIED, LEVERAGE_TOO_HIGH, MODE_NOT_MODIFIED, NO_PERMISSION, POSITION_IN_THE_WAY, Refusal, Result,
    unknown_symbol,
};
use super::convert::{self, Voice};
use super::json as to_json;
use super::params::{Category, Query, body, figure, page};
use super::public::named;
use super::rows::Listing;
use crate::exchange::{self, AccountId, Exchange, Position};
use crate::market::{Key, Ms, Product, Rules, Status, Venue};

const USDT: &str = "USDT";

/// `GET /v5/account/info`.
pub fn info(now: Ms) -> String {
    json!({
        "marginMode": "REGULAR_MARGIN", "updatedTime": now.to_string(), "unifiedMarginStatus": 6, "dcpStatus": "OFF",
        "timeWindow": 0, "smpGroup": 0, "isMasterTrader": false, "spotHedgingStatus": "OFF",
    })
    .to_string()
}

/// `GET /v5/account/fee-rate`.
pub fn fee_rates(exchange: &Exchange, query: &Query) -> Result<String> {
    let category = query.category()?;
    let row = |rules: &Rules| json!({ "symbol": rules.key.symbol, "takerFeeRate": rules.taker_fee, "makerFeeRate": rules.maker_fee });
    let rows = if query.get("symbol").is_some() {
        vec![row(named(exchange, category, query)?)]
    } else {
        let all = exchange.market().rules().iter();
        all.filter(|rules| rules.key.venue == Venue::Bybit && rules.key.product == category.product())
            .map(row)
            .collect()
    };
    Ok(to_json(&Listing::whole(Some(category.name()), rows)))
}

/// `GET /v5/account/collateral-info`: every coin of the market counts, with the same haircut.
pub fn collateral(exchange: &Exchange, query: &Query) -> String {
    let wanted = query.get("currency");
    let spot = exchange
        .market()
        .rules()
        .iter()
        .filter(|rules| rules.key.venue == Venue::Bybit && rules.key.product == Product::Spot);
    let coins = std::iter::once(USDT).chain(spot.map(|rules| rules.base.as_str()));
    let rows: Vec<_> = coins
        .filter(|coin| wanted.is_none_or(|wanted| wanted == *coin))
        .map(|coin| {
            json!({
                "currency": coin, "collateralRatio": if coin == USDT { "1" } else { "0.9" }, "collateralSwitch": true,
                "marginCollateral": true, "borrowable": false, "hourlyBorrowRate": "", "maxBorrowingAmount": "0",
                "freeBorrowingLimit": "", "freeBorrowingAmount": "", "freeBorrowAmount": "0", "borrowAmount": "0",
                "otherBorrowAmount": "0", "availableToBorrow": "0", "borrowUsageRate": "0",
            })
        })
        .collect();
    json!({ "list": rows }).to_string()
}

/// `POST /v5/account/set-margin-mode`: the account is cross-margined and stays so.
pub fn set_margin_mode(text: &str) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        set_margin_mode: String,
    }
    match body::<Body>(text)?.set_margin_mode.as_str() {
        "REGULAR_MARGIN" => Ok(json!({ "reasons": [] }).to_string()),
        "ISOLATED_MARGIN" | "PORTFOLIO_MARGIN" => Err(Refusal::fixed(
            3_400_045,
            "Set margin mode failed: this account is cross-margined",
        )),
        _ => Err(Refusal::parameter("params error: setMarginMode invalid")),
    }
}

/// `GET /v5/user/query-api`.
pub fn key_information(exchange: &Exchange, account: AccountId, now: Ms) -> String {
    let Some(holder) = exchange.account(account) else {
        return "{}".to_owned();
    };
    let rights = holder.permissions;
    let when = |may: bool, names: &'static [&'static str]| if may { names } else { &[] };
    let wallet: &[&str] = when(rights.withdraw, &["AccountTransfer", "Withdraw"]);
    json!({
        "id": account.0.to_string(), "note": "simulator", "apiKey": holder.key, "secret": "",
        "readOnly": i32::from(!rights.spot && !rights.futures),
        "permissions": {
            "ContractTrade": when(rights.futures, &["Order", "Position"]), "Spot": when(rights.spot, &["SpotTrade"]),
            "Wallet": wallet, "Options": [], "Derivatives": when(rights.futures, &["DerivativesTrade"]), "CopyTrading": [],
            "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [], "Earn": [],
        },
        "ips": ["127.0.0.1"], "type": 1, "deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z",
        "createdAt": "2024-01-01T00:00:00Z", "unified": 0, "uta": 1, "userID": account.0 + 1, "inviterID": 0,
        "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0, "rsaPublicKey": "", "isMaster": true,
        "parentUid": "0", "kycLevel": "LEVEL_1", "kycRegion": "", "serverTime": now.to_string(),
    })
    .to_string()
}

/// `GET /v5/position/list`.
pub fn positions(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    if category == Category::Spot {
        return Err(super::codes::ILLEGAL_CATEGORY);
    }
    let rows = if query.get("symbol").is_some() {
        let rules = named(exchange, category, query)?;
        vec![
            exchange
                .position(account, &rules.key, now)
                .unwrap_or_else(|| flat(exchange, account, &rules.key, now)),
        ]
    } else {
        match query.get("settleCoin") {
            None => return Err(Refusal::missing("symbol or settleCoin")),
            Some(USDT) => exchange.positions(account, Venue::Bybit, now),
            Some(_) => Vec::new(),
        }
    };
    let (rows, next) = page(rows, query.get("cursor"), query.limit(20, 200)?)?;
    let rows = rows
        .iter()
        .map(|row| position_row(exchange, row, Voice::Rest))
        .collect();
    Ok(to_json(&Listing::paged(Some(category.name()), (rows, next))))
}

/// A position with what the contract's state makes of it.
pub fn position_row<'a>(exchange: &Exchange, row: &'a Position, voice: Voice) -> super::rows::PositionRow<'a> {
    let reduce_only = exchange.market().status(&row.key) == Some(Status::CancelOnly);
    convert::position(row, voice, reduce_only, row.updated_ms.unsigned_abs())
}

/// The row of a contract that the account never held.
fn flat(exchange: &Exchange, account: AccountId, key: &Key, now: Ms) -> Position {
    Position {
        account,
        key: key.clone(),
        quantity: Decimal::ZERO,
        entry_price: Decimal::ZERO,
        mark_price: exchange.market().mark(key, now).unwrap_or_default(),
        liquidation_price: None,
        unrealised: Decimal::ZERO,
        realised: Decimal::ZERO,
        leverage: exchange.leverage(account, key),
        initial_margin: Decimal::ZERO,
        maintenance_margin: Decimal::ZERO,
        updated_ms: 0,
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
        return Err(super::codes::ILLEGAL_CATEGORY);
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
        Err(_) => Err(unknown_symbol(Category::Linear)),
    }
}

/// `POST /v5/position/switch-mode`: one-way it is, and one-way it stays.
pub fn switch_mode(exchange: &Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    #[derive(Deserialize)]
    struct Body {
        category: String,
        mode: u8,
    }
    let asked: Body = body(text)?;
    Category::parse(Some(&asked.category))?;
    match asked.mode {
        0 => Err(MODE_NOT_MODIFIED),
        3 if !exchange.positions(account, Venue::Bybit, now).is_empty() => Err(POSITION_IN_THE_WAY),
        3 => Err(Refusal::fixed(10024, "Hedge mode is not offered to this account")),
        _ => Err(Refusal::parameter("params error: mode invalid")),
    }
}

/// Whether the key may trade the category.
pub fn may_trade(exchange: &Exchange, account: AccountId, category: Category) -> bool {
    exchange.account(account).is_some_and(|holder| match category {
        Category::Spot => holder.permissions.spot,
        Category::Linear => holder.permissions.futures,
    })
}

//! The account by REST: fees, positions, the key itself.

use serde_json::json;

use super::codes::{Refusal, Result};
use super::convert::{self, Voice};
use super::json as to_json;
use super::params::{Category, Query, page};
use super::public::named;
use super::rows::Listing;
use crate::exchange::{AccountId, Exchange, Position, PositionSide};
use crate::market::{Ms, Product, Rules, Status, Venue};

const USDT: &str = "USDT";

/// `GET /v5/account/fee-rate`.
pub fn fee_rates(exchange: &Exchange, query: &Query) -> Result<String> {
    // Without a category contracts are meant.
    let category = match query.get("category") {
        Some(_) => query.category()?,
        None => Category::Linear,
    };
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
        "ips": if holder.bound { ["127.0.0.1"] } else { ["*"] }, "type": 1, "deadlineDay": -2, "expiredAt": "1970-01-01T00:00:00Z",
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
        let sides: &[PositionSide] = if exchange.hedged(account, &rules.key) {
            &[PositionSide::Long, PositionSide::Short]
        } else {
            &[PositionSide::Both]
        };
        let held = |side: &PositionSide| {
            let position = exchange.position_of(account, &rules.key, *side, now);
            position.unwrap_or_else(|| exchange.flat(account, &rules.key, *side, now))
        };
        sides.iter().map(held).collect()
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
    let mut shown = convert::position(row, voice, reduce_only, row.updated_ms.unsigned_abs());
    if let Some(rules) = exchange.market().rule(&row.key) {
        let tier = rules.tier(row.quantity.abs() * row.mark_price);
        shown.risk_id = tier.number;
        shown.risk_limit_value = tier.cap;
    }
    shown
}

/// Whether the key may trade the category.
pub fn may_trade(exchange: &Exchange, account: AccountId, category: Category) -> bool {
    exchange.account(account).is_some_and(|holder| match category {
        Category::Spot => holder.permissions.spot,
        Category::Linear => holder.permissions.futures,
    })
}

//! exchangeInfo: the instruments and their filters.

use serde_json::{Value, json};

use crate::market::{Ms, Product, Rules, Status};

use super::budget;
use super::codes::Answer;
use super::context::Context;
use super::market_rest::names;
use super::params::Params;
use super::text::{decimals, plain};

/// `deliveryDate` of a perpetual that nobody means to end.
const NEVER_MS: Ms = 4_133_404_800_000;
const HOUR_MS: Ms = 3_600_000;

/// Every instrument of the host, or the asked ones (spot).
pub fn exchange_info(context: &mut Context<'_>, params: &Params) -> Answer {
    if context.product == Product::Perp {
        return Ok(usdm_info(context));
    }
    let asked = match params.get("symbol") {
        Some(symbol) => Some(vec![symbol.to_owned()]),
        None => names(params)?,
    };
    let rules: Vec<&Rules> = match &asked {
        Some(symbols) => symbols
            .iter()
            .map(|symbol| context.rule(symbol))
            .collect::<Result<_, _>>()?,
        None => context.rules().collect(),
    };
    let symbols: Vec<Value> = rules
        .into_iter()
        .map(|rules| spot_symbol(rules, status(context, rules)))
        .collect();
    Ok(format!(
        r#"{{"timezone":"UTC","serverTime":{},"rateLimits":{},"exchangeFilters":[],"symbols":{}}}"#,
        context.clock(),
        budget::SPOT.describe(true),
        Value::Array(symbols)
    ))
}

/// GET myFilters: the symbol's own filters bind the account, and no others.
pub fn my_filters(context: &mut Context<'_>, params: &Params) -> Answer {
    context.symbol(params)?;
    Ok(r#"{"exchangeFilters":[],"symbolFilters":[],"assetFilters":[]}"#.to_owned())
}

fn usdm_info(context: &Context<'_>) -> String {
    let now = context.now;
    let symbols: Vec<Value> = context
        .rules()
        .map(|rules| {
            let announced = context.exchange.market().ends(&rules.key);
            usdm_symbol(rules, status(context, rules), announced, now)
        })
        .collect();
    format!(
        r#"{{"timezone":"UTC","serverTime":{},"futuresType":"U_MARGINED","rateLimits":{},"exchangeFilters":[],"assets":[{{"asset":"USDT","marginAvailable":true,"autoAssetExchange":"-10000"}}],"symbols":{}}}"#,
        context.clock(),
        budget::USDM.describe(false),
        Value::Array(symbols)
    )
}

fn status(context: &Context<'_>, rules: &Rules) -> Status {
    context.exchange.market().status(&rules.key).unwrap_or(rules.status)
}

fn spot_symbol(rules: &Rules, status: Status) -> Value {
    let status = match status {
        Status::Trading => "TRADING",
        Status::Halted => "HALT",
        Status::CancelOnly => "CANCEL_ONLY",
        Status::Delisted => "BREAK",
    };
    json!({
        "symbol": rules.key.symbol, "status": status,
        "baseAsset": rules.base, "baseAssetPrecision": 8,
        "quoteAsset": rules.quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": false, "ocoAllowed": false, "otoAllowed": false, "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": false, "cancelReplaceAllowed": false,
        "amendAllowed": false, "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
        "filters": spot_filters(rules),
        "permissions": [], "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    })
}

fn spot_filters(rules: &Rules) -> Value {
    let s = super::text::eight;
    json!([
        {"filterType": "PRICE_FILTER", "minPrice": s(rules.tick), "maxPrice": "922327.00000000", "tickSize": s(rules.tick)},
        {"filterType": "LOT_SIZE", "minQty": s(rules.min_quantity), "maxQty": s(rules.max_quantity), "stepSize": s(rules.lot)},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": s(rules.max_market_quantity), "stepSize": "0.00000000"},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "NOTIONAL", "minNotional": s(rules.min_notional), "applyMinToMarket": true,
            "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ])
}

fn usdm_symbol(rules: &Rules, status: Status, announced: Option<Ms>, now: Ms) -> Value {
    // A perpetual with an end has been given notice; the hour is the venue's unit for that.
    let hour = now - now.rem_euclid(HOUR_MS);
    let (status, ends) = match status {
        Status::Trading => ("TRADING", announced.unwrap_or(NEVER_MS)),
        Status::Halted => ("SETTLING", NEVER_MS),
        Status::CancelOnly => ("PRE_SETTLE", hour + HOUR_MS),
        Status::Delisted => ("CLOSE", hour),
    };
    let percent =
        |share: rust_decimal::Decimal| super::text::Fixed(share * rust_decimal::Decimal::ONE_HUNDRED, 4).to_string();
    let required = rust_decimal::Decimal::ONE
        .checked_div(rules.max_leverage)
        .unwrap_or_default();
    json!({
        "symbol": rules.key.symbol, "pair": rules.key.symbol, "contractType": "PERPETUAL",
        "deliveryDate": ends, "onboardDate": 1_569_398_400_000_i64, "status": status,
        "maintMarginPercent": percent(rules.maintenance_margin), "requiredMarginPercent": percent(required),
        "baseAsset": rules.base, "quoteAsset": rules.quote, "marginAsset": rules.quote,
        "pricePrecision": rules.tick.scale(), "quantityPrecision": rules.lot.scale(),
        "baseAssetPrecision": 8, "quotePrecision": 8,
        "underlyingType": "COIN", "underlyingSubType": [], "triggerProtect": "0.0500",
        "liquidationFee": "0.012500", "marketTakeBound": "0.05", "maxMoveOrderLimit": 10000,
        "filters": usdm_filters(rules),
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "permissionSets": [],
    })
}

fn usdm_filters(rules: &Rules) -> Value {
    let (tick, lot) = (plain(rules.tick), plain(rules.lot));
    let padded = |value| super::text::Fixed(value, decimals(rules.tick)).to_string();
    json!([
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": padded(rust_decimal::Decimal::from(4_529_764)), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": plain(rules.min_quantity), "maxQty": plain(rules.max_quantity), "stepSize": lot},
        {"filterType": "MARKET_LOT_SIZE", "minQty": plain(rules.min_quantity), "maxQty": plain(rules.max_market_quantity), "stepSize": lot},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": plain(rules.min_notional)},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "5.0000", "multiplierDown": "0.2000", "multiplierDecimal": "4"},
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ])
}

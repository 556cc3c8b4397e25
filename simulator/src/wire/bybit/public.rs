//! Market data by REST: `/v5/market/*`.

use std::fmt::Write;

use rust_decimal::Decimal;
use serde_json::json;

use super::book::{top, write_levels};
use super::codes::{Refusal, Result, unknown_symbol};
use super::convert::tidy;
use super::figures::{Days, Shape};
use super::json as to_json;
use super::params::{Category, DAY_MS, Query, page};
use super::rows::Listing;
use super::ticker;
use crate::exchange::Exchange;
use crate::market::{Key, Ms, Rules, Status, Venue};

/// Contracts on a page of instruments, unless asked otherwise.
const INSTRUMENTS_PAGE: usize = 500;

/// `GET /v5/market/time`.
pub fn time(now: Ms) -> String {
    json!({ "timeSecond": (now / 1_000).to_string(), "timeNano": format!("{}000000", now) }).to_string()
}

/// The instruments of a category, or the one that the query names.
fn chosen<'a>(exchange: &'a Exchange, category: Category, query: &Query) -> Result<Vec<&'a Rules>> {
    let all = exchange.market().rules().iter();
    let ours = all.filter(|rules| rules.key.venue == Venue::Bybit && rules.key.product == category.product());
    let symbol = query.get("symbol");
    let rules: Vec<&Rules> = ours
        .filter(|rules| symbol.is_none_or(|symbol| rules.key.symbol == symbol))
        .collect();
    if rules.is_empty() && symbol.is_some() {
        Err(unknown_symbol(category))
    } else {
        Ok(rules)
    }
}

/// The instrument that the query must name.
pub fn named<'a>(exchange: &'a Exchange, category: Category, query: &Query) -> Result<&'a Rules> {
    let symbol = query.get("symbol").ok_or_else(|| Refusal::missing("symbol"))?;
    exchange
        .market()
        .find(Venue::Bybit, category.product(), symbol)
        .ok_or_else(|| unknown_symbol(category))
}

/// The word for an instrument's state. One that takes reductions only still lists as trading; positions in it say
/// `isReduceOnly`.
fn status_word(exchange: &Exchange, key: &Key) -> &'static str {
    match exchange.market().status(key) {
        Some(Status::Trading | Status::CancelOnly) => "Trading",
        Some(Status::Halted) => "Delivering",
        Some(Status::Delisted) | None => "Closed",
    }
}

/// `GET /v5/market/instruments-info`.
pub fn instruments(exchange: &Exchange, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let wanted = query.get("status").unwrap_or("Trading");
    let rules = chosen(exchange, category, query)?;
    // By name an instrument is shown whatever its state; a listing shows what trades unless asked.
    let single = query.get("symbol").is_some() && query.get("status").is_none();
    let shown = rules
        .into_iter()
        .filter(|rules| single || status_word(exchange, &rules.key) == wanted);
    match category {
        Category::Spot => {
            let rows: Vec<_> = shown
                .map(|rules| spot_row(rules, status_word(exchange, &rules.key)))
                .collect();
            Ok(to_json(&Listing::whole(Some(category.name()), rows)))
        }
        Category::Linear => {
            let limit = query.limit(INSTRUMENTS_PAGE, 1_000)?;
            let rows = shown.map(|rules| linear_row(exchange, rules, now)).collect();
            Ok(to_json(&Listing::paged(
                Some(category.name()),
                page(rows, query.get("cursor"), limit)?,
            )))
        }
    }
}

fn spot_row(rules: &Rules, status: &str) -> serde_json::Value {
    json!({
        "symbol": rules.key.symbol, "baseCoin": rules.base, "quoteCoin": rules.quote, "innovation": "0",
        "status": status, "marginTrading": "utaOnly", "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": rules.lot, "quotePrecision": "0.00000001", "minOrderQty": rules.min_quantity,
            "maxOrderQty": rules.max_quantity, "minOrderAmt": rules.min_notional, "maxOrderAmt": "4000000",
            "maxLimitOrderQty": rules.max_quantity, "maxMarketOrderQty": rules.max_market_quantity,
            "postOnlyMaxLimitOrderSize": rules.max_quantity,
        },
        "priceFilter": { "tickSize": rules.tick },
        "riskParameters": { "priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05" },
        "symbolType": "",
    })
}

fn linear_row(exchange: &Exchange, rules: &Rules, now: Ms) -> serde_json::Value {
    let funding = exchange.market().funding(&rules.key, now);
    let hours = funding.as_ref().map_or(8, |terms| terms.interval_hours);
    let cap = funding.as_ref().map(|terms| terms.cap).unwrap_or_default();
    let floor = funding.as_ref().map(|terms| terms.floor).unwrap_or_default();
    let ends = exchange.market().ends(&rules.key).unwrap_or_default();
    json!({
        "symbol": rules.key.symbol, "contractType": "LinearPerpetual", "status": status_word(exchange, &rules.key),
        "baseCoin": rules.base, "quoteCoin": rules.quote, "settleCoin": "USDT", "launchTime": "1585526400000",
        "deliveryTime": ends.to_string(), "deliveryFeeRate": "", "priceScale": rules.tick.normalize().scale().to_string(),
        "leverageFilter": { "minLeverage": "1", "maxLeverage": rules.max_leverage, "leverageStep": "0.01" },
        "priceFilter": {
            "minPrice": rules.tick, "maxPrice": (rules.tick * Decimal::from(1_999_998)).normalize(),
            "tickSize": rules.tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": rules.max_quantity, "maxMktOrderQty": rules.max_market_quantity,
            "minOrderQty": rules.min_quantity, "qtyStep": rules.lot, "postOnlyMaxOrderQty": rules.max_quantity,
            "minNotionalValue": rules.min_notional,
        },
        "unifiedMarginTrade": true, "fundingInterval": hours * 60, "copyTrading": "none",
        "upperFundingRate": tidy(cap), "lowerFundingRate": tidy(floor), "isPreListing": false,
        "preListingInfo": null, "riskParameters": { "priceLimitRatioX": "0.05", "priceLimitRatioY": "0.1" },
        "symbolType": "",
    })
}

/// `GET /v5/market/tickers`.
pub fn tickers(exchange: &Exchange, query: &Query, days: &mut Days, now: Ms) -> Result<String> {
    let category = query.category()?;
    let mut text = format!(r#"{{"category":"{}","list":["#, category.name());
    let mut first = true;
    for rules in chosen(exchange, category, query)? {
        let Some(fields) = days.ticker(exchange.market(), &rules.key, now, Shape::Rest) else {
            continue;
        };
        if !first {
            text.push(',');
        }
        first = false;
        ticker::write_row(&mut text, &rules.key.symbol, &fields);
    }
    text.push_str("]}");
    Ok(text)
}

/// `GET /v5/market/orderbook`.
pub fn orderbook(exchange: &Exchange, query: &Query, sequence: u64, now: Ms) -> Result<String> {
    let category = query.category()?;
    let rules = named(exchange, category, query)?;
    let limit = query.limit(if category == Category::Spot { 1 } else { 25 }, 1_000)?;
    let depth = exchange.market().depth(&rules.key, now).unwrap_or_default();
    let mut text = format!(r#"{{"s":"{}","b":["#, rules.key.symbol);
    write_levels(&mut text, top(&depth.bids, limit));
    text.push_str(r#"],"a":["#);
    write_levels(&mut text, top(&depth.asks, limit));
    let _ = write!(text, r#"],"ts":{now},"u":{sequence},"seq":{sequence},"cts":{now}}}"#);
    Ok(text)
}

/// `GET /v5/market/funding/history`: newest first.
pub fn funding_history(exchange: &Exchange, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    if category == Category::Spot {
        return Err(super::codes::ILLEGAL_CATEGORY);
    }
    let rules = named(exchange, category, query)?;
    let limit = query.limit(200, 200)?;
    let (start, end) = match (query.time("startTime")?, query.time("endTime")?) {
        (Some(_), None) => {
            return Err(Refusal::parameter(
                "params error: startTime alone is not allowed, endTime is required",
            ));
        }
        (start, end) => (start, end.unwrap_or(now).min(now)),
    };
    // Two hundred settlements are at most two hundred days of daily ones.
    let reach = DAY_MS.saturating_mul(200);
    let start = start
        .unwrap_or(end.saturating_sub(reach))
        .max(end.saturating_sub(reach * 2));
    let settled = exchange.market().settlements(&rules.key, start.saturating_sub(1), end);
    let rows = settled.iter().rev().take(limit).map(|row| {
        json!({
            "symbol": rules.key.symbol, "fundingRate": tidy(row.rate), "fundingRateTimestamp": row.at_ms.to_string(),
        })
    });
    Ok(to_json(&Listing::whole(Some(category.name()), rows.collect())))
}

/// `GET /v5/market/risk-limit`: the tiers of one contract, or of fifteen contracts a page.
pub fn risk_limit(exchange: &Exchange, query: &Query) -> Result<String> {
    let category = query.category()?;
    let symbols = if query.get("symbol").is_some() { 1 } else { 15 };
    let (chosen, next) = page(chosen(exchange, category, query)?, query.get("cursor"), symbols)?;
    let rows = chosen.into_iter().flat_map(|rules| {
        let symbol = &rules.key.symbol;
        rules.tiers().into_iter().map(move |tier| {
            let deduction = if tier.number == 1 {
                String::new()
            } else {
                tidy(tier.deduction).to_string()
            };
            json!({
                "id": tier.number, "symbol": symbol, "riskLimitValue": tidy(tier.cap),
                "maintenanceMargin": tidy(tier.maintenance),
                "initialMargin": tidy(Decimal::ONE.checked_div(tier.leverage).unwrap_or(Decimal::ONE)),
                "isLowestRisk": i32::from(tier.number == 1), "maxLeverage": tidy(tier.leverage), "mmDeduction": deduction,
            })
        })
    });
    Ok(to_json(&Listing::paged(Some(category.name()), (rows.collect(), next))))
}

/// Least and greatest limit price: five per cent either side of the mark (contracts) or the mid (spot).
pub fn band(exchange: &Exchange, key: &Key, now: Ms) -> Option<(Decimal, Decimal)> {
    let market = exchange.market();
    let middle = market.mark(key, now).or_else(|| market.mid(key, now))?;
    let tick = market.rule(key)?.tick;
    let edge = |share: i64| crate::wire::chart::on_tick(middle * Decimal::new(share, 2), tick);
    Some((edge(95), edge(105)))
}

/// `GET /v5/market/price-limit`.
pub fn price_limit(exchange: &Exchange, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let rules = named(exchange, category, query)?;
    let (low, high) = band(exchange, &rules.key, now).unwrap_or_default();
    Ok(json!({ "symbol": rules.key.symbol, "buyLmt": high, "sellLmt": low, "ts": now.to_string() }).to_string())
}

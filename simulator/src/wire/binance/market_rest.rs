//! Public REST: clock, book, tickers, funding.

#![allow(clippy::unnecessary_wraps, reason = "all handlers have one signature")]

use rust_decimal::Decimal;
use serde_json::json;

use crate::market::{Key, Ms, Product, Rules};
use crate::wire::chart::latest_print;

use super::codes::{Answer, Refusal};
use super::context::{Context, one_or_all};
use super::day::{self, Day};
use super::feed::{self, scales};
use super::params::Params;
use super::text::{Fixed, eight};

const HOUR_MS: Ms = 3_600_000;
const DAY_MS: Ms = 24 * HOUR_MS;
/// Interest component of the rate per eight hours.
const INTEREST_RATE: &str = "0.00010000";
/// Depth limits that futures know.
const USDM_DEPTHS: [usize; 7] = [5, 10, 20, 50, 100, 500, 1_000];

/// `{}`.
pub fn ping(_: &mut Context<'_>, _: &Params) -> Answer {
    Ok("{}".to_owned())
}

/// The venue's clock.
pub fn time(context: &mut Context<'_>, _: &Params) -> Answer {
    Ok(format!(r#"{{"serverTime":{}}}"#, context.clock()))
}

/// The book.
pub fn depth(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let usdm = context.product == Product::Perp;
    let limit = params.limit(if usdm { 500 } else { 100 }, 5_000)?;
    if usdm && !USDM_DEPTHS.contains(&limit) {
        return Err(Refusal::worded(-4021, format!("{limit} is not valid depth limit.")));
    }
    let now = context.now;
    let depth = context.exchange.market().depth(&rules.key, now).unwrap_or_default();
    let bids = feed::levels(depth.bids.iter().take(limit), scales(&rules));
    let asks = feed::levels(depth.asks.iter().take(limit), scales(&rules));
    let id = feed::snapshot_version(now);
    Ok(if usdm {
        format!(r#"{{"lastUpdateId":{id},"E":{now},"T":{now},"bids":{bids},"asks":{asks}}}"#)
    } else {
        format!(r#"{{"lastUpdateId":{id},"bids":{bids},"asks":{asks}}}"#)
    })
}

/// The instruments that a ticker call asks for: `symbol`, `symbols` (spot), or all.
fn asked(context: &Context<'_>, params: &Params) -> Result<(bool, Vec<Rules>), Refusal> {
    if let Some(rules) = context.optional_symbol(params)? {
        return Ok((true, vec![rules]));
    }
    let listed = names(params)?;
    let rules: Result<Vec<Rules>, Refusal> = match listed {
        Some(names) => names.iter().map(|name| context.rule(name).cloned()).collect(),
        None => Ok(context.rules().cloned().collect()),
    };
    Ok((false, rules?))
}

/// The `symbols` list, a JSON array in a parameter.
pub fn names(params: &Params) -> Result<Option<Vec<String>>, Refusal> {
    let list = params
        .get("symbols")
        .map(serde_json::from_str::<Vec<String>>)
        .transpose();
    list.map_err(|_| super::codes::illegal("symbols", r#"^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$"#))
}

/// Best bid and ask.
pub fn book_ticker(context: &mut Context<'_>, params: &Params) -> Answer {
    let (one, rules) = asked(context, params)?;
    let now = context.now;
    let usdm = context.product == Product::Perp;
    let rows = rules.iter().filter_map(|rules| {
        let best = context.exchange.market().best(&rules.key, now)?;
        let (price, size) = scales(rules);
        let tail = if usdm {
            format!(r#","time":{now},"lastUpdateId":{}"#, feed::version(now))
        } else {
            String::new()
        };
        Some(format!(
            r#"{{"symbol":"{}","bidPrice":"{}","bidQty":"{}","askPrice":"{}","askQty":"{}"{tail}}}"#,
            rules.key.symbol,
            Fixed(best.bid.price, price),
            Fixed(best.bid.quantity, size),
            Fixed(best.ask.price, price),
            Fixed(best.ask.quantity, size),
        ))
    });
    Ok(one_or_all(one, &rows.collect::<Vec<_>>()))
}

/// Last price: where the market stands, on the tick.
pub fn price(context: &mut Context<'_>, params: &Params) -> Answer {
    let (one, rules) = asked(context, params)?;
    let now = context.now;
    let usdm = context.product == Product::Perp;
    let rows = rules.iter().filter_map(|rules| {
        let last = day::last_price(context.exchange.market(), rules, now)?;
        let tail = if usdm {
            format!(r#","time":{now}"#)
        } else {
            String::new()
        };
        Some(format!(
            r#"{{"symbol":"{}","price":"{}"{tail}}}"#,
            rules.key.symbol,
            Fixed(last, scales(rules).0)
        ))
    });
    Ok(one_or_all(one, &rows.collect::<Vec<_>>()))
}

/// The last 24 hours.
pub fn day_ticker(context: &mut Context<'_>, params: &Params) -> Answer {
    let (one, rules) = asked(context, params)?;
    let rows = rules.iter().filter_map(|rules| day_row(context, rules));
    Ok(one_or_all(one, &rows.collect::<Vec<_>>()))
}

fn day_row(context: &Context<'_>, rules: &Rules) -> Option<String> {
    let (market, now) = (context.exchange.market(), context.now);
    let day = Day::of(market, rules, now)?;
    let p = |value: Decimal| Fixed(value, scales(rules).0).to_string();
    let mut row = json!({
        "symbol": rules.key.symbol, "priceChange": p(day.change()), "priceChangePercent": day.percent(),
        "weightedAvgPrice": p(day.average), "lastPrice": p(day.last),
        "lastQty": Fixed(rules.min_quantity, scales(rules).1).to_string(),
        "openPrice": p(day.open), "highPrice": p(day.high), "lowPrice": p(day.low),
        "volume": Fixed(day.volume, scales(rules).1).to_string(), "quoteVolume": eight(day.volume * day.average),
        "openTime": now - DAY_MS, "closeTime": now, "firstId": latest_print(now - DAY_MS), "lastId": latest_print(now),
        "count": latest_print(now) - latest_print(now - DAY_MS),
    });
    if context.product == Product::Spot
        && let Some(best) = market.best(&rules.key, now)
        && let Some(fields) = row.as_object_mut()
    {
        fields.insert("prevClosePrice".to_owned(), p(day.open).into());
        fields.insert("bidPrice".to_owned(), p(best.bid.price).into());
        fields.insert("bidQty".to_owned(), eight(best.bid.quantity).into());
        fields.insert("askPrice".to_owned(), p(best.ask.price).into());
        fields.insert("askQty".to_owned(), eight(best.ask.quantity).into());
    }
    Some(row.to_string())
}

/// Mark, index and the running funding estimate.
pub fn premium_index(context: &mut Context<'_>, params: &Params) -> Answer {
    let one = context.optional_symbol(params)?;
    let rows: Vec<String> = match &one {
        Some(rules) => premium_row(context, &rules.key).into_iter().collect(),
        None => context
            .rules()
            .filter_map(|rules| premium_row(context, &rules.key))
            .collect(),
    };
    Ok(one_or_all(one.is_some(), &rows))
}

fn premium_row(context: &Context<'_>, key: &Key) -> Option<String> {
    let (market, now) = (context.exchange.market(), context.now);
    let mark = market.mark(key, now)?;
    let index = eight(market.index(key, now).unwrap_or(mark));
    let funding = market.funding(key, now)?;
    Some(format!(
        r#"{{"symbol":"{}","markPrice":"{}","indexPrice":"{index}","estimatedSettlePrice":"{index}","lastFundingRate":"{}","interestRate":"{INTEREST_RATE}","nextFundingTime":{},"time":{now}}}"#,
        key.symbol,
        eight(mark),
        eight(funding.predicted),
        funding.next_ms,
    ))
}

/// Only symbols whose terms differ from the default: eight hours, and a cap of three quarters of the maintenance margin.
pub fn funding_info(context: &mut Context<'_>, _: &Params) -> Answer {
    let rows = context.rules().filter_map(|rules| {
        let terms = context.exchange.market().funding(&rules.key, context.now)?;
        let default_cap = rules.maintenance_margin * Decimal::new(75, 2);
        if terms.interval_hours == 8 && terms.cap == default_cap && terms.floor == -default_cap {
            return None;
        }
        Some(format!(
            r#"{{"symbol":"{}","adjustedFundingRateCap":"{}","adjustedFundingRateFloor":"{}","fundingIntervalHours":{},"disclaimer":false,"updateTime":{}}}"#,
            rules.key.symbol,
            eight(terms.cap),
            eight(terms.floor),
            terms.interval_hours,
            context.exchange.market().span().0,
        ))
    });
    let rows: Vec<String> = rows.collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// What was paid, oldest first. Without times: the latest rows.
pub fn funding_rate(context: &mut Context<'_>, params: &Params) -> Answer {
    let asked = context.optional_symbol(params)?;
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let limit = params.limit(100, 1_000)?;
    let keys: Vec<Key> = match asked {
        Some(rules) => vec![rules.key],
        None => context.rules().map(|rules| rules.key.clone()).collect(),
    };
    let until = end.unwrap_or(context.now).min(context.now);
    // Without a start the latest rows are wanted: no row is more than eight hours after the one before it.
    let reach = if keys.len() == 1 {
        Ms::try_from(limit + 1).unwrap_or(1) * 8 * HOUR_MS
    } else {
        3 * DAY_MS
    };
    let after = start.map_or(until - reach, |start| start - HOUR_MS);
    let mut rows: Vec<(Ms, String)> = Vec::new();
    for key in &keys {
        for paid in context.exchange.market().settlements(key, after, until) {
            let (delay, kind) = if paid.special {
                (0, "Special")
            } else {
                (stamp_delay(key, paid.at_ms), "Regular")
            };
            let stamp = paid.at_ms + delay;
            if start.is_some_and(|start| stamp < start) || stamp > until {
                continue;
            }
            let (rate, mark) = (eight(paid.rate), eight(paid.mark));
            rows.push((stamp, format!(
                r#"{{"symbol":"{}","fundingRate":"{rate}","fundingTime":{stamp},"markPrice":"{mark}","rateType":"{kind}"}}"#,
                key.symbol
            )));
        }
    }
    rows.sort_by_key(|(stamp, _)| *stamp);
    let skip = if start.is_some() {
        0
    } else {
        rows.len().saturating_sub(limit)
    };
    let rows: Vec<String> = rows.into_iter().skip(skip).take(limit).map(|(_, row)| row).collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// GET symbolAdlRisk: how likely deleveraging is.
pub fn adl_risk(context: &mut Context<'_>, params: &Params) -> Answer {
    let asked = context.optional_symbol(params)?;
    let half_hour = HOUR_MS / 2;
    let at = context.now - context.now.rem_euclid(half_hour);
    let (market, now) = (context.exchange.market(), context.now);
    let row = |rules: &Rules| {
        let symbol = &rules.key.symbol;
        let risk = market.adl_risk(&rules.key, now).name();
        format!(r#"{{"symbol":"{symbol}","adlRisk":"{risk}","updateTime":{at}}}"#)
    };
    let rows: Vec<String> = match &asked {
        Some(rules) => vec![row(rules)],
        None => context.rules().map(row).collect(),
    };
    Ok(one_or_all(asked.is_some(), &rows))
}

/// The venue stamps a settlement a few milliseconds after the hour; always the same for one settlement.
fn stamp_delay(key: &Key, at_ms: Ms) -> Ms {
    let seed = key
        .symbol
        .bytes()
        .fold(at_ms / HOUR_MS, |sum, byte| sum + Ms::from(byte));
    seed.rem_euclid(12)
}

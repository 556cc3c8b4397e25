//! `/v5/market/*` drawn from the market alone: candles, the tape, open interest.

use std::fmt::Write;

use serde_json::json;

use super::codes::{ILLEGAL_CATEGORY, Refusal, Result};
use super::convert::side;
use super::json as to_json;
use super::params::{Category, DAY_MS, Query, page};
use super::public::named;
use super::rows::Listing;
use crate::exchange::{Exchange, Side};
use crate::market::{Ms, Rules, Venue};
use crate::wire::chart::{self, Line, MINUTE_MS, Stretch};

/// Length of a candle by its name; a month is thirty days.
pub fn length(interval: &str) -> Option<Ms> {
    match interval {
        "D" => Some(DAY_MS),
        "W" => Some(7 * DAY_MS),
        "M" => Some(30 * DAY_MS),
        "1" | "3" | "5" | "15" | "30" | "60" | "120" | "240" | "360" | "720" => {
            Some(interval.parse::<Ms>().ok()? * MINUTE_MS)
        }
        _ => None,
    }
}

/// `GET /v5/market/kline` and those of mark, index and premium: newest first, the last one still open. Only trades have
/// volume and turnover.
pub fn kline(exchange: &Exchange, query: &Query, line: Line, now: Ms) -> Result<String> {
    let category = match (query.get("category"), line) {
        (None, _) => Category::Linear,
        (Some(_), _) => query.category()?,
    };
    if line != Line::Last && category == Category::Spot {
        return Err(ILLEGAL_CATEGORY);
    }
    let rules = named(exchange, category, query)?;
    let length = query.get("interval").and_then(length);
    let length = length.ok_or_else(|| Refusal::parameter("params error: interval invalid"))?;
    let stretch = Stretch {
        start: query.time("start")?,
        end: query.time("end")?,
        most: query.limit(200, 1_000)?,
        forward: query.time("end")?.is_none(),
    };
    let candles = chart::candles(exchange.market(), &rules.key, line, length, stretch, now);
    let mut text = format!(
        r#"{{"symbol":"{}","category":"{}","list":["#,
        rules.key.symbol,
        category.name()
    );
    for (number, bar) in candles.iter().rev().enumerate() {
        let [open, high, low, close] = bar.prices;
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(text, r#"{comma}["{}","{open}","{high}","{low}","{close}""#, bar.start);
        if line == Line::Last {
            let turnover = (bar.volume * close).round_dp(4).normalize();
            let _ = write!(text, r#","{}","{turnover}""#, bar.volume);
        }
        text.push(']');
    }
    text.push_str("]}");
    Ok(text)
}

/// `GET /v5/market/recent-trade`: the tape, and what the accounts here traded, newest first.
pub fn recent_trades(exchange: &Exchange, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let rules = named(exchange, category, query)?;
    let limit = query.limit(if category == Category::Spot { 60 } else { 500 }, 1_000)?;
    let row = |id: String, price, size, taker: Side, at: Ms, seq: i64| {
        let row = json!({
            "execId": id, "symbol": rules.key.symbol, "price": price, "size": size, "side": side(taker),
            "time": at.to_string(), "isBlockTrade": false, "isRPITrade": false, "seq": seq.to_string(),
        });
        (at, row)
    };
    let last = chart::latest_print(now);
    let first = last - i64::try_from(limit).unwrap_or(1) + 1;
    let prints = chart::tape(exchange.market(), rules, first, last);
    let since = first * chart::PRINT_MS;
    let mut rows: Vec<_> = prints
        .into_iter()
        .map(|print| {
            let id = format!("{:016x}-print", print.id);
            row(id, print.price, print.quantity, print.taker, print.at, print.id)
        })
        .collect();
    let accounts = exchange.account_ids();
    let fills = accounts.flat_map(|account| exchange.fills(account, Venue::Bybit, category.product(), now));
    rows.extend(
        fills
            .filter(|fill| fill.key == rules.key && fill.time_ms >= since)
            .map(|fill| {
                let taker = if fill.maker { fill.side.opposite() } else { fill.side };
                let (id, seq) = (fill.trade_id(), fill.id.cast_signed());
                row(id, fill.price, fill.quantity, taker, fill.time_ms, seq)
            }),
    );
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let rows = rows.into_iter().take(limit).map(|(_, row)| row).collect();
    Ok(to_json(&Listing::whole(Some(category.name()), rows)))
}

/// `GET /v5/market/open-interest`: newest first, by page.
pub fn open_interest(exchange: &Exchange, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    if category == Category::Spot {
        return Err(ILLEGAL_CATEGORY);
    }
    let rules: &Rules = named(exchange, category, query)?;
    let length = match query.get("intervalTime").unwrap_or_default() {
        "5min" => 5 * MINUTE_MS,
        "15min" => 15 * MINUTE_MS,
        "30min" => 30 * MINUTE_MS,
        "1h" => 60 * MINUTE_MS,
        "4h" => 240 * MINUTE_MS,
        "1d" => DAY_MS,
        _ => return Err(Refusal::parameter("params error: intervalTime invalid")),
    };
    let limit = query.limit(50, 200)?;
    let end = query.time("endTime")?.unwrap_or(now).min(now);
    let start = query.time("startTime")?.unwrap_or(end.saturating_sub(length * 200));
    let newest = end - end.rem_euclid(length);
    let market = exchange.market();
    let times = (0..1_000)
        .map(|step| newest - step * length)
        .take_while(|at| *at >= start);
    let rows: Vec<_> = times
        .map(|at| {
            let open = chart::open_interest(market, &rules.key, at);
            json!({ "openInterest": open.to_string(), "timestamp": at.to_string() })
        })
        .collect();
    let (rows, next) = page(rows, query.get("cursor"), limit)?;
    Ok(json!({
        "symbol": rules.key.symbol, "category": category.name(), "list": rows, "nextPageCursor": next,
    })
    .to_string())
}

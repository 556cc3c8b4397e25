//! Public REST drawn from the market alone: candles, the tape, open interest.

use serde_json::{Value, json};

use crate::exchange::{Fill, Side};
use crate::market::{Ms, Rules};
use crate::wire::chart::{self, Candle, Line, MINUTE_MS, Print, Stretch};

use super::codes::{self, Answer, Refusal};
use super::context::Context;
use super::feed::scales;
use super::params::Params;
use super::text::{Fixed, eight, plain};

/// Length of a candle by its name; a month is thirty days.
pub fn length(interval: &str) -> Option<Ms> {
    let (number, unit) = interval.split_at_checked(interval.len().checked_sub(1)?)?;
    let number: Ms = number.parse().ok()?;
    match (number, unit) {
        (1 | 3 | 5 | 15 | 30, "m") => Some(number * MINUTE_MS),
        (1 | 2 | 4 | 6 | 8 | 12, "h") => Some(number * 60 * MINUTE_MS),
        (1 | 3, "d") => Some(number * chart::DAY_MS),
        (1, "w") => Some(7 * chart::DAY_MS),
        (1, "M") => Some(30 * chart::DAY_MS),
        (1, "s") => Some(1_000),
        _ => None,
    }
}

fn drawn(context: &Context<'_>, rules: &Rules, line: Line, params: &Params) -> Answer {
    let length = length(params.need("interval")?).ok_or(Refusal::new(-1120, "Invalid interval."))?;
    let stretch = Stretch {
        start: params.parsed("startTime")?,
        end: params.parsed("endTime")?,
        most: params.limit(500, 1_500)?,
        forward: true,
    };
    let market = context.exchange.market();
    let candles = chart::candles(market, &rules.key, line, length, stretch, context.now);
    let rows: Vec<String> = candles.iter().map(|candle| row(candle, rules, line, length)).collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// One candle as the array that REST answers.
fn row(candle: &Candle, rules: &Rules, line: Line, length: Ms) -> String {
    let (price, size) = scales(rules);
    let digits = if line == Line::Premium { 8 } else { price };
    let [open, high, low, close] = candle.prices.map(|price| Fixed(price, digits));
    let (start, end) = (candle.start, candle.start + length - 1);
    let half = candle.volume / rust_decimal::Decimal::TWO;
    let (volume, value) = (Fixed(candle.volume, size), eight(candle.volume * close.0));
    let (taken, taken_value) = (Fixed(half, size), eight(half * close.0));
    let count = length / chart::PRINT_MS;
    format!(
        r#"[{start},"{open}","{high}","{low}","{close}","{volume}",{end},"{value}",{count},"{taken}","{taken_value}","0"]"#
    )
}

/// GET klines, uiKlines.
pub fn klines(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    drawn(context, &rules, Line::Last, params)
}

/// GET markPriceKlines.
pub fn mark_klines(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    drawn(context, &rules, Line::Mark, params)
}

/// GET indexPriceKlines: by pair.
pub fn index_klines(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.rule(params.need("pair")?)?.clone();
    drawn(context, &rules, Line::Index, params)
}

/// GET continuousKlines: by pair; there are perpetuals only.
pub fn continuous_klines(context: &mut Context<'_>, params: &Params) -> Answer {
    if params.need("contractType")? != "PERPETUAL" {
        return Err(codes::missing("contractType"));
    }
    let rules = context.rule(params.need("pair")?)?.clone();
    drawn(context, &rules, Line::Last, params)
}

/// GET premiumIndexKlines.
pub fn premium_klines(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    drawn(context, &rules, Line::Premium, params)
}

/// A trade of the tape: a print, or what an account here did.
struct Trade {
    id: i64,
    at: Ms,
    price: rust_decimal::Decimal,
    quantity: rust_decimal::Decimal,
    buyer_made: bool,
}

impl From<Print> for Trade {
    fn from(print: Print) -> Self {
        Self {
            id: print.id,
            at: print.at,
            price: print.price,
            quantity: print.quantity,
            buyer_made: print.taker == Side::Sell,
        }
    }
}

impl From<&Fill> for Trade {
    fn from(fill: &Fill) -> Self {
        Self {
            id: fill.id.cast_signed(),
            at: fill.time_ms,
            price: fill.price,
            quantity: fill.quantity,
            buyer_made: (fill.side == Side::Buy) == fill.maker,
        }
    }
}

/// The asked stretch of the tape, oldest first.
fn trades_of(context: &Context<'_>, rules: &Rules, params: &Params) -> Result<Vec<Trade>, Refusal> {
    let most = params.limit(500, 1_000)?;
    let count = i64::try_from(most).unwrap_or(1);
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let last = chart::latest_print(context.now);
    let market = context.exchange.market();
    let number = |at: Ms| at.div_euclid(chart::PRINT_MS);
    let (from, to) = match (params.parsed::<i64>("fromId")?, start, end) {
        (Some(from), _, _) => (from, from.saturating_add(count - 1)),
        (None, Some(start), end) => {
            let first = number(start + chart::PRINT_MS - 1);
            (first, end.map_or(i64::MAX, number).min(first + count - 1))
        }
        (None, None, Some(end)) => (number(end) - count + 1, number(end)),
        (None, None, None) => (last - count + 1, last),
    };
    let mut rows: Vec<Trade> = chart::tape(market, rules, from, to.min(last))
        .into_iter()
        .map(Trade::from)
        .collect();
    if let (Some(first), None) = (rows.first().map(|row| row.at), params.get("fromId")) {
        let until = rows.last().map_or(first, |row| row.at + chart::PRINT_MS);
        let accounts = context.exchange.account_ids();
        let (exchange, key, now) = (&context.exchange, &rules.key, context.now);
        let fills = accounts.flat_map(|account| exchange.fills(account, key.venue, key.product, now));
        let fills = fills.filter(|fill| fill.key == *key && (first..until).contains(&fill.time_ms));
        rows.extend(fills.map(Trade::from));
        rows.sort_by_key(|row| (row.at, row.id));
        let extra = rows.len().saturating_sub(most);
        rows.drain(..extra);
    }
    Ok(rows)
}

/// GET trades, historicalTrades.
pub fn trades(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let (price, size) = scales(&rules);
    let rows = trades_of(context, &rules, params)?.into_iter().map(|row| {
        json!({
            "id": row.id, "price": Fixed(row.price, price).to_string(), "qty": Fixed(row.quantity, size).to_string(),
            "quoteQty": eight(row.price * row.quantity), "time": row.at, "isBuyerMaker": row.buyer_made, "isBestMatch": true,
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// GET aggTrades.
pub fn agg_trades(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let (price, size) = scales(&rules);
    let rows = trades_of(context, &rules, params)?.into_iter().map(|row| {
        json!({
            "a": row.id, "p": Fixed(row.price, price).to_string(), "q": Fixed(row.quantity, size).to_string(),
            "f": row.id, "l": row.id, "T": row.at, "m": row.buyer_made, "M": true,
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

/// GET avgPrice: over five minutes.
pub fn average_price(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let (market, now) = (context.exchange.market(), context.now);
    let five = (now - 5 * MINUTE_MS, 5 * MINUTE_MS);
    let candle = chart::candle(market, &rules.key, Line::Last, five, now).ok_or(codes::BAD_SYMBOL)?;
    let sum: rust_decimal::Decimal = candle.prices.iter().sum();
    let price = Fixed(sum / rust_decimal::Decimal::from(4), scales(&rules).0);
    Ok(format!(r#"{{"mins":5,"price":"{price}","closeTime":{now}}}"#))
}

/// GET openInterest.
pub fn open_interest(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let now = context.now;
    let open = plain(chart::open_interest(context.exchange.market(), &rules.key, now));
    Ok(format!(
        r#"{{"symbol":"{}","openInterest":"{open}","time":{now}}}"#,
        rules.key.symbol
    ))
}

/// GET /futures/data/openInterestHist.
pub fn open_interest_history(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let length = length(params.need("period")?).ok_or(codes::missing("period"))?;
    let stretch = Stretch {
        start: params.parsed("startTime")?,
        end: params.parsed("endTime")?,
        most: params.limit(30, 500)?,
        forward: true,
    };
    let market = context.exchange.market();
    let candles = chart::candles(market, &rules.key, Line::Mark, length, stretch, context.now);
    let rows = candles.iter().map(|candle| {
        let open = chart::open_interest(market, &rules.key, candle.start);
        json!({
            "symbol": rules.key.symbol, "sumOpenInterest": eight(open),
            "sumOpenInterestValue": eight(open * candle.prices[0]), "CMCCirculatingSupply": "0.00000000",
            "timestamp": candle.start,
        })
    });
    Ok(Value::Array(rows.collect()).to_string())
}

//! Paged history: orders, trades, income.

use crate::exchange::{CashKind, CashRow, Fill, Order, Wallet};
use crate::market::{Ms, Product, Venue};

use super::codes::{self, Answer, Refusal};
use super::context::{Context, json};
use super::params::Params;
use super::rows_spot;
use super::rows_usdm;
use super::text::eight;

const DAY_MS: Ms = 86_400_000;
const VENUE: Venue = Venue::Binance;

/// `startTime` and `endTime`, no further apart than `longest`.
fn span(params: &Params, longest: Ms, too_long: Refusal) -> Result<(Option<Ms>, Option<Ms>), Refusal> {
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    if let (Some(start), Some(end)) = (start, end) {
        if end < start {
            return Err(codes::BAD_COMBINATION);
        }
        if end - start > longest {
            return Err(too_long);
        }
    }
    Ok((start, end))
}

/// One page of rows in ascending order: from an id on, in a span of time, or the latest.
fn page<T>(
    rows: Vec<T>,
    stamp: impl Fn(&T) -> Ms,
    (start, end): (Option<Ms>, Option<Ms>),
    (longest, limit): (Ms, usize),
) -> Vec<T> {
    // A lone start or end spans as far as one call may reach.
    let from = start.or(end.map(|end| end - longest)).unwrap_or(Ms::MIN);
    let to = end
        .or(start.map(|start| start.saturating_add(longest)))
        .unwrap_or(Ms::MAX);
    let inside: Vec<T> = rows
        .into_iter()
        .filter(|row| (from..=to).contains(&stamp(row)))
        .collect();
    let skip = if start.is_some() {
        0
    } else {
        inside.len().saturating_sub(limit)
    };
    inside.into_iter().skip(skip).take(limit).collect()
}

/// allOrders of either market. `since` bounds a call without times.
pub fn page_orders<'a>(
    orders: Vec<&'a Order>,
    params: &Params,
    since: Option<Ms>,
    too_long: Refusal,
    longest: Ms,
) -> Result<Vec<&'a Order>, Refusal> {
    let limit = params.limit(500, 1_000)?;
    let (start, end) = span(params, longest, too_long)?;
    if let Some(from) = params.parsed::<u64>("orderId")? {
        return Ok(orders
            .into_iter()
            .filter(|order| order.id >= from)
            .take(limit)
            .collect());
    }
    let orders = match (start, end, since) {
        (None, None, Some(since)) => orders.into_iter().filter(|order| order.created_ms >= since).collect(),
        _ => orders,
    };
    Ok(page(orders, |order| order.created_ms, (start, end), (longest, limit)))
}

fn page_fills<'a>(
    fills: Vec<&'a Fill>,
    params: &Params,
    since: Option<Ms>,
    too_long: Refusal,
    longest: Ms,
) -> Result<Vec<&'a Fill>, Refusal> {
    let limit = params.limit(500, 1_000)?;
    let (start, end) = span(params, longest, too_long)?;
    let of_order = params.parsed::<u64>("orderId")?;
    let fills: Vec<&Fill> = fills
        .into_iter()
        .filter(|fill| of_order.is_none_or(|id| fill.order_id == id))
        .collect();
    if let Some(from) = params.parsed::<u64>("fromId")? {
        if start.is_some() || end.is_some() {
            return Err(codes::BAD_COMBINATION);
        }
        return Ok(fills.into_iter().filter(|fill| fill.id >= from).take(limit).collect());
    }
    let fills = match (start, end, since) {
        (None, None, Some(since)) => fills.into_iter().filter(|fill| fill.time_ms >= since).collect(),
        _ => fills,
    };
    Ok(page(fills, |fill| fill.time_ms, (start, end), (longest, limit)))
}

/// GET myTrades (spot): 24 hours at most; without times the latest.
pub fn my_trades(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let fills = context
        .exchange
        .fills(context.account()?, VENUE, Product::Spot, context.now);
    let fills: Vec<&Fill> = fills.filter(|fill| fill.key == rules.key).collect();
    let rows: Vec<rows_spot::Trade<'_>> = page_fills(fills, params, None, codes::SPAN_24H, DAY_MS)?
        .into_iter()
        .map(Into::into)
        .collect();
    Ok(json(&rows))
}

/// GET userTrades (futures): seven days at most; without times the last seven.
pub fn user_trades(context: &mut Context<'_>, params: &Params) -> Answer {
    let rules = context.symbol(params)?;
    let fills = context
        .exchange
        .fills(context.account()?, VENUE, Product::Perp, context.now);
    let fills: Vec<&Fill> = fills.filter(|fill| fill.key == rules.key).collect();
    let since = Some(context.now - 7 * DAY_MS);
    let rows: Vec<rows_usdm::Trade<'_>> = page_fills(fills, params, since, codes::SPAN_7D, 7 * DAY_MS)?
        .into_iter()
        .map(Into::into)
        .collect();
    Ok(json(&rows))
}

/// The venue's name of a movement on the futures wallet.
const fn income_type(kind: CashKind) -> Option<&'static str> {
    match kind {
        CashKind::Trade => None,
        CashKind::RealisedProfit => Some("REALIZED_PNL"),
        CashKind::Fee => Some("COMMISSION"),
        CashKind::Funding => Some("FUNDING_FEE"),
        CashKind::Transfer => Some("TRANSFER"),
        CashKind::Insurance => Some("INSURANCE_CLEAR"),
    }
}

/// GET income: every movement of the futures wallet.
pub fn income(context: &mut Context<'_>, params: &Params) -> Answer {
    let symbol = context.optional_symbol(params)?;
    let kind = params.get("incomeType");
    let limit = params.limit(100, 1_000)?;
    let (start, end) = (params.parsed::<Ms>("startTime")?, params.parsed::<Ms>("endTime")?);
    let seen = context.now - context.exchange.quirks(VENUE).lag_ms;
    let since = if start.is_none() && end.is_none() {
        context.now - 7 * DAY_MS
    } else {
        Ms::MIN
    };
    let wanted = |row: &&CashRow| {
        let named = income_type(row.kind);
        row.wallet == Wallet::Usdm
            && named.is_some()
            && kind.is_none_or(|kind| named == Some(kind))
            && symbol.as_ref().is_none_or(|rules| row.key.as_ref() == Some(&rules.key))
            && (since..=seen).contains(&row.time_ms)
    };
    let rows: Vec<&CashRow> = context
        .exchange
        .cash_rows(context.account()?, VENUE)
        .filter(wanted)
        .collect();
    // The page number is of older clients; newer ones move the start.
    let page_number = params.parsed::<usize>("page")?.unwrap_or(1).max(1);
    let from = start.unwrap_or(Ms::MIN);
    let to = end.unwrap_or(Ms::MAX);
    let inside = rows.into_iter().filter(|row| (from..=to).contains(&row.time_ms));
    let rows: Vec<String> = inside
        .skip((page_number - 1) * limit)
        .take(limit)
        .map(income_row)
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

fn income_row(row: &CashRow) -> String {
    let name = income_type(row.kind).unwrap_or_default();
    let symbol = row.key.as_ref().map_or("", |key| key.symbol.as_str());
    let trade = match row.kind {
        CashKind::RealisedProfit | CashKind::Fee => row.reference.map_or_else(String::new, |id| id.to_string()),
        _ => String::new(),
    };
    // A settlement is known by its funding id, everything else by its row.
    let transaction = row
        .reference
        .filter(|_| row.kind == CashKind::Funding)
        .unwrap_or(row.id);
    format!(
        r#"{{"symbol":"{symbol}","incomeType":"{name}","income":"{}","asset":"{}","info":"{name}","time":{},"tranId":{transaction},"tradeId":"{trade}"}}"#,
        eight(row.amount),
        row.asset,
        row.time_ms,
    )
}

//! Rows that come in pages: executions, funding and settlements. Every page is read to the end, and each row counts once.

use std::collections::BTreeMap;

use domain::forecast::Settlement;
use domain::funding::FundingPayment;
use domain::instrument::{InstrumentId, Product};
use domain::order::{Fill, OrderReport};
use domain::ports::VenueError;
use domain::time::{HOUR_MS, Timestamp};

use super::host::Params;
use super::parse::malformed;
use super::{Core, parse, parse_account};

const PAGE: usize = 1000;
const LIMIT: i64 = 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Futures keep three months, less a margin for the two clocks.
const FUTURES_KEEP_MS: i64 = 89 * DAY_MS;
/// Above this many windows spot's history is read from its first row on instead.
const MOST_SPOT_WINDOWS: i64 = 10;

const fn trades_path(product: Product) -> &'static str {
    match product {
        Product::Spot => "/api/v3/myTrades",
        Product::Perp => "/fapi/v1/userTrades",
    }
}

/// The longest window of one call, in milliseconds.
const fn window_ms(product: Product) -> i64 {
    match product {
        Product::Spot => DAY_MS,
        Product::Perp => 7 * DAY_MS,
    }
}

/// Executions of one instrument with `since <= time`.
pub async fn fills(core: &Core, id: &InstrumentId, since: Timestamp) -> Result<Vec<Fill>, VenueError> {
    let mut found = BTreeMap::new();
    let window = window_ms(id.product);
    let now = core.host(id.product).venue_time().millis();
    let mut start = match id.product {
        Product::Perp => since.millis().max(now - FUTURES_KEEP_MS),
        Product::Spot => since.millis().max(0),
    };
    let mut from_id = (id.product == Product::Spot && now - start > MOST_SPOT_WINDOWS * window).then_some(0);
    // Windows up to the first row; from there on by number, which no clock can tear.
    while from_id.is_none() && start <= now {
        let params = Params::new()
            .number("startTime", start)
            .number("endTime", start + window - 1);
        let page = trades(core, id, params, 20).await?;
        from_id = page.keys().next_back().map(|last| last + 1);
        found.extend(page);
        start += window;
    }
    while let Some(next) = from_id {
        let page = trades(core, id, from(next), 20).await?;
        from_id = following(&page);
        found.extend(page);
    }
    Ok(found.into_values().filter(|fill| fill.at >= since).collect())
}

/// Executions of one order.
pub async fn fills_of(core: &Core, order: &OrderReport) -> Result<Vec<Fill>, VenueError> {
    let id = &order.instrument;
    let of_order = || Params::new().with("orderId", &order.venue_order_id);
    let now = core.host(id.product).venue_time();
    // Without times futures tell of the last seven days only.
    let is_old = id.product == Product::Perp && now.millis_since(order.updated_at) > 6 * DAY_MS;
    let first = if is_old {
        let at = order.updated_at.millis();
        of_order()
            .number("startTime", at - 3 * DAY_MS)
            .number("endTime", at + 3 * DAY_MS)
    } else {
        of_order()
    };
    let mut page = trades(core, id, first, 5).await?;
    let mut found = BTreeMap::new();
    loop {
        let next = following(&page);
        found.extend(page);
        let Some(next) = next else { break };
        // By number alone: the order's rows are picked out below.
        page = trades(core, id, from(next), 20).await?;
    }
    Ok(found
        .into_values()
        .filter(|fill| fill.venue_order_id == order.venue_order_id)
        .map(|fill| Fill {
            client_id: order.client_id.clone(),
            ..fill
        })
        .collect())
}

fn from(next: u64) -> Params {
    Params::new().with("fromId", &next.to_string())
}

/// The number after a full page; `None` after the last.
fn following(page: &BTreeMap<u64, Fill>) -> Option<u64> {
    (page.len() >= PAGE)
        .then(|| page.keys().next_back().map(|last| last + 1))
        .flatten()
}

async fn trades(
    core: &Core,
    id: &InstrumentId,
    params: Params,
    weight: u32,
) -> Result<BTreeMap<u64, Fill>, VenueError> {
    let params = params.with("symbol", id.symbol.as_str()).number("limit", LIMIT);
    let body = core
        .host(id.product)
        .private(trades_path(id.product), params, weight)
        .await?;
    Ok(parse_account::trades(id, &body)?.into_iter().collect())
}

/// Funding rows with `since <= time`.
pub async fn funding(core: &Core, since: Timestamp) -> Result<Vec<FundingPayment>, VenueError> {
    let mut found: BTreeMap<String, FundingPayment> = BTreeMap::new();
    let window = window_ms(Product::Perp);
    let now = core.host(Product::Perp).venue_time().millis();
    let mut start = since.millis().max(now - FUTURES_KEEP_MS);
    while start <= now {
        let end = start + window - 1;
        let params = Params::new()
            .with("incomeType", "FUNDING_FEE")
            .number("startTime", start)
            .number("endTime", end)
            .number("limit", LIMIT);
        let body = core.host(Product::Perp).private("/fapi/v1/income", params, 30).await?;
        let (rows, last, payments) = parse_account::funding_page(&body)?;
        found.extend(payments.into_iter().map(|payment| (payment.id.clone(), payment)));
        start = match last {
            Some(last) if rows >= PAGE && last > start => last, // the instant again: a page may end inside it
            Some(_) if rows >= PAGE => return Err(malformed("income: a whole page of one instant".to_owned())),
            _ => end + 1,
        };
    }
    Ok(found
        .into_values()
        .filter(|payment| payment.settled_at >= since)
        .collect())
}

/// Settlements of a perpetual with `since <= time`.
pub async fn settlements(core: &Core, id: &InstrumentId, since: Timestamp) -> Result<Vec<Settlement>, VenueError> {
    let mut found = BTreeMap::new();
    let mut start = since.millis().max(0);
    loop {
        let params = Params::new()
            .with("symbol", id.symbol.as_str())
            .number("startTime", start)
            .number("limit", LIMIT);
        let body = core
            .host(Product::Perp)
            .public("/fapi/v1/fundingRate", params, 1)
            .await?;
        let (rows, last, settled) = parse::settled(id, &body)?;
        found.extend(settled.into_iter().map(|row| (row.at, row)));
        match last {
            Some(last) if rows >= PAGE && last.millis() >= start => start = last.millis() + 1,
            Some(_) if rows >= PAGE => return Err(malformed("settlements: the pages go in circles".to_owned())),
            _ => return Ok(found.into_values().filter(|row| row.at >= since).collect()),
        }
    }
}

//! Our account on request: every page of everything, or an error.

use domain::instrument::{FeeRates, InstrumentId, Product};
use domain::order::{Fill, OrderReport};
use domain::ports::VenueError;
use domain::position::{AccountTruth, Balance, Position};
use domain::setup::{MarginMode, Setup};
use domain::time::Timestamp;
use domain::{funding::FundingPayment, instrument::VenueId};
use serde_json::json;

use super::parse::{Read, category, malformed};
use super::parse_account::{Execution, balances, execution, fees, funding, margin, order, position};
use super::rest::{Query, Rest};
use super::wire::{ExecutionRow, FeeRow, LogRow, OrderRow, Page, PositionRow, WalletRow};

const DAY_MS: i64 = 24 * domain::time::HOUR_MS;
/// The widest span of one question about executions or the transaction log.
const WINDOW_MS: i64 = 7 * DAY_MS;
/// As far back as the venue keeps executions.
const HISTORY_MS: i64 = 730 * DAY_MS;
/// How far beyond our reading of the venue's clock a question reaches, so that a late measure of it loses no row.
const AHEAD_MS: i64 = 5_000;

/// Everything the venue says about our account.
pub async fn truth(rest: &Rest, since: Timestamp) -> Result<AccountTruth, VenueError> {
    let until = rest.fresh_venue_time().await;
    // What happens while this is read is caught by the overlap of the next reading, so positions come last.
    let mut fills = Vec::new();
    let mut open_orders = Vec::new();
    for product in Product::ALL {
        fills.extend(self::fills(rest, product, since, until).await?);
    }
    let mut funding = self::funding_rows(rest, since, until).await?;
    for product in Product::ALL {
        open_orders.extend(self::open_orders(rest, product).await?);
    }
    let wallets = wallet_rows(rest).await?;
    let positions = positions(rest).await?;
    fills.sort_by(|a, b| (a.at, &a.trade_id).cmp(&(b.at, &b.trade_id)));
    funding.sort_by(|a, b| (a.settled_at, &a.id).cmp(&(b.settled_at, &b.id)));
    Ok(AccountTruth {
        venue: VenueId::Bybit,
        balances: balances(&wallets)?,
        positions,
        open_orders,
        fills,
        funding,
        margin: margin(&wallets)?,
        read_at: rest.now(),
    })
}

/// The coins of the unified account.
pub async fn wallets(rest: &Rest) -> Result<Vec<Balance>, VenueError> {
    balances(&wallet_rows(rest).await?)
}

async fn wallet_rows(rest: &Rest) -> Result<Vec<WalletRow>, VenueError> {
    let query = Query::new().with("accountType", "UNIFIED");
    let page: Page<WalletRow> = rest.signed("/v5/account/wallet-balance", &query).await?;
    if page.list.is_empty() {
        return Err(malformed("a wallet balance without account"));
    }
    Ok(page.list)
}

async fn positions(rest: &Rest) -> Result<Vec<Position>, VenueError> {
    let query = Query::new()
        .with("category", "linear")
        .with("settleCoin", "USDT")
        .with("limit", "200");
    let rows: Vec<PositionRow> = rest.pages("/v5/position/list", &query).await?;
    rows.iter().filter_map(|row| position(row).transpose()).collect()
}

async fn open_orders(rest: &Rest, product: Product) -> Result<Vec<OrderReport>, VenueError> {
    let query = Query::new().with("category", category(product));
    let query = match product {
        Product::Perp => query.with("settleCoin", "USDT"),
        Product::Spot => query,
    };
    open_among(rest, product, query).await
}

/// The orders of one instrument that are in its book.
pub async fn open_orders_of(rest: &Rest, instrument: &InstrumentId) -> Result<Vec<OrderReport>, VenueError> {
    let query = Query::new()
        .with("category", category(instrument.product))
        .with("symbol", &instrument.symbol);
    open_among(rest, instrument.product, query).await
}

async fn open_among(rest: &Rest, product: Product, query: Query) -> Result<Vec<OrderReport>, VenueError> {
    let query = query.with("openOnly", "0").with("limit", "50");
    let rows: Vec<OrderRow> = rest.pages("/v5/order/realtime", &query).await?;
    let reports: Read<Vec<OrderReport>> = rows.iter().map(|row| order(product, row)).collect();
    Ok(reports?
        .into_iter()
        .filter(|report| !report.status.is_terminal())
        .collect())
}

async fn fills(rest: &Rest, product: Product, since: Timestamp, until: Timestamp) -> Result<Vec<Fill>, VenueError> {
    let mut fills = Vec::new();
    for (start, end) in windows(since, until) {
        let query = Query::new()
            .with("category", category(product))
            .with("startTime", start)
            .with("endTime", end)
            .with("limit", "100");
        let rows: Vec<ExecutionRow> = rest.pages("/v5/execution/list", &query).await?;
        fills.extend(trades(product, &rows)?);
    }
    Ok(fills)
}

/// The executions of one order.
pub async fn fills_of(rest: &Rest, report: &OrderReport) -> Result<Vec<Fill>, VenueError> {
    let product = report.instrument.product;
    let query = Query::new()
        .with("category", category(product))
        .with("symbol", &report.instrument.symbol)
        .with("orderId", &report.venue_order_id)
        .with("limit", "100");
    // Without times the venue looks back seven days; an order of ours lives for seconds.
    let is_old = rest.fresh_venue_time().await.millis_since(report.updated_at) > 6 * DAY_MS;
    let query = if is_old {
        query
            .with("startTime", report.updated_at.plus_millis(-DAY_MS).millis())
            .with("endTime", report.updated_at.plus_millis(5 * DAY_MS).millis())
    } else {
        query
    };
    let rows: Vec<ExecutionRow> = rest.pages("/v5/execution/list", &query).await?;
    let fills = trades(product, &rows)?;
    if fills.iter().any(|fill| fill.venue_order_id != report.venue_order_id) {
        return Err(malformed("executions of another order"));
    }
    Ok(fills)
}

fn trades(product: Product, rows: &[ExecutionRow]) -> Read<Vec<Fill>> {
    rows.iter()
        .filter_map(|row| match execution(product, row) {
            Ok(Execution::Trade(fill) | Execution::Forced { fill, .. }) => Some(Ok(fill)),
            Ok(Execution::Funding(_) | Execution::Other) => None,
            Err(error) => Some(Err(error)),
        })
        .collect()
}

async fn funding_rows(rest: &Rest, since: Timestamp, until: Timestamp) -> Result<Vec<FundingPayment>, VenueError> {
    let mut payments = Vec::new();
    for (start, end) in windows(since, until) {
        let query = Query::new()
            .with("accountType", "UNIFIED")
            .with("category", "linear")
            .with("currency", "USDT")
            .with("type", "SETTLEMENT")
            .with("startTime", start)
            .with("endTime", end)
            .with("limit", "50");
        let rows: Vec<LogRow> = rest.pages("/v5/account/transaction-log", &query).await?;
        let read: Read<Vec<FundingPayment>> = rows.iter().filter_map(|row| funding(row).transpose()).collect();
        payments.extend(read?);
    }
    Ok(payments)
}

/// First and last millisecond of each question between two instants.
fn windows(since: Timestamp, until: Timestamp) -> impl Iterator<Item = (i64, i64)> {
    let last = until.millis().saturating_add(AHEAD_MS);
    let first = since.millis().max(until.millis().saturating_sub(HISTORY_MS));
    std::iter::successors(Some(first), |start| Some(start + WINDOW_MS))
        .take_while(move |start| *start <= last)
        .map(move |start| (start, last.min(start + WINDOW_MS - 1)))
}

/// What we pay for trading an instrument.
pub async fn fee_rates(rest: &Rest, instrument: &InstrumentId) -> Result<FeeRates, VenueError> {
    let query = Query::new()
        .with("category", category(instrument.product))
        .with("symbol", &instrument.symbol);
    let page: Page<FeeRow> = rest.signed("/v5/account/fee-rate", &query).await?;
    page.list
        .iter()
        .find(|row| row.symbol == instrument.symbol.as_str())
        .ok_or_else(|| malformed(format!("no fee rate of {instrument}")))
        .and_then(fees)
}

/// One-way mode and a leverage; nothing on spot.
pub async fn prepare(rest: &Rest, instrument: &InstrumentId, setup: Setup) -> Result<(), VenueError> {
    if instrument.product == Product::Spot {
        return Ok(());
    }
    let symbol = instrument.symbol.as_str();
    let mode = json!({"category": "linear", "symbol": symbol, "mode": 0});
    rest.setting("/v5/position/switch-mode", &mode).await?;
    margin_mode(rest, setup.margin).await?;
    let text = setup.leverage.to_string();
    let leverage = json!({"category": "linear", "symbol": symbol, "buyLeverage": text, "sellLeverage": text});
    rest.setting("/v5/position/set-leverage", &leverage).await
}

/// The margin mode is the account's, not a symbol's. It is read first, and set only where it is another: the venue
/// refuses a change while anything is held, and tells what stands in the way beside a code of zero.
async fn margin_mode(rest: &Rest, margin: MarginMode) -> Result<(), VenueError> {
    let wanted = match margin {
        MarginMode::Cross => "REGULAR_MARGIN",
        MarginMode::Isolated => "ISOLATED_MARGIN",
    };
    let now: AccountMode = rest.signed("/v5/account/info", &Query::new()).await?;
    if now.margin_mode == wanted {
        return Ok(());
    }
    let body = json!({ "setMarginMode": wanted });
    rest.setting("/v5/account/set-margin-mode", &body).await?;
    let now: AccountMode = rest.signed("/v5/account/info", &Query::new()).await?;
    if now.margin_mode == wanted {
        return Ok(());
    }
    Err(malformed(format!(
        "account/info: the margin mode is {} after it was set to {wanted}",
        now.margin_mode
    )))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountMode {
    margin_mode: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_millisecond_once() {
        let asked: Vec<_> = windows(Timestamp(0), Timestamp(2 * WINDOW_MS)).collect();
        assert_eq!(
            asked,
            [
                (0, WINDOW_MS - 1),
                (WINDOW_MS, 2 * WINDOW_MS - 1),
                (2 * WINDOW_MS, 2 * WINDOW_MS + AHEAD_MS)
            ]
        );
        let long_ago: Vec<_> = windows(Timestamp(0), Timestamp(10 * HISTORY_MS)).collect();
        assert_eq!(long_ago.first().unwrap().0, 9 * HISTORY_MS);
        assert_eq!(long_ago.last().unwrap().1, 10 * HISTORY_MS + AHEAD_MS);
    }
}

//! Instruments, books and past settlements on request.

use std::collections::BTreeMap;

use domain::forecast::Settlement;
use domain::instrument::{Instrument, InstrumentId, Product};
use domain::market::Book;
use domain::ports::VenueError;
use domain::time::Timestamp;

use super::parse::{self, category, malformed};
use super::rest::{Query, Rest};
use super::wire::{BookRow, InstrumentRow, Page, SettledRow};

/// Settlements of one page, the most that are told at once.
const SETTLEMENTS: usize = 200;

/// Everything that can be traded here. One that cannot be read is left out, with a warning: it is not traded, and the
/// others are.
pub async fn instruments(rest: &Rest, log: &slog::Logger) -> Result<Vec<Instrument>, VenueError> {
    let mut all = Vec::new();
    for product in Product::ALL {
        let query = Query::new().with("category", category(product));
        let query = match product {
            Product::Perp => query.with("limit", 1_000),
            Product::Spot => query, // answers whole
        };
        let rows: Vec<InstrumentRow> = rest.public_pages("/v5/market/instruments-info", &query).await?;
        let told = rows.len();
        for row in &rows {
            match parse::instrument(product, row) {
                Ok(instrument) => all.extend(instrument),
                Err(error) => {
                    slog::warn!(log, "an instrument was left out"; "symbol" => &row.symbol, "error" => %error);
                }
            }
        }
        if told == 0 {
            return Err(malformed(format!("no instruments of category {}", category(product))));
        }
    }
    Ok(all)
}

/// The book of an instrument, 50 levels deep.
pub async fn book(rest: &Rest, instrument: &InstrumentId) -> Result<Book, VenueError> {
    let query = Query::new()
        .with("category", category(instrument.product))
        .with("symbol", &instrument.symbol)
        .with("limit", 50);
    let row: BookRow = rest.public_answer("/v5/market/orderbook", &query).await?.result;
    if row.s != instrument.symbol.as_str() {
        return Err(malformed(format!(
            "the book of {} instead of {}",
            parse::shortened(&row.s),
            instrument.symbol
        )));
    }
    parse::book(&row)
}

/// Settlements of a perpetual with `since <= time`. The venue tells the newest first: it is asked backwards.
pub async fn funding_history(
    rest: &Rest,
    instrument: &InstrumentId,
    since: Timestamp,
) -> Result<Vec<Settlement>, VenueError> {
    let mut found = BTreeMap::new();
    let mut end = rest.fresh_venue_time().await;
    while end >= since {
        let query = Query::new()
            .with("category", category(Product::Perp))
            .with("symbol", &instrument.symbol)
            .with("startTime", since.millis())
            .with("endTime", end.millis())
            .with("limit", SETTLEMENTS);
        let page: Page<SettledRow> = rest.public_answer("/v5/market/funding/history", &query).await?.result;
        for row in &page.list {
            let settled = parse::settled(instrument, row)?;
            found.insert(settled.at, settled);
        }
        match found.keys().next() {
            Some(oldest) if page.list.len() >= SETTLEMENTS && *oldest <= end => end = oldest.plus_millis(-1),
            _ => break,
        }
    }
    Ok(found.into_values().filter(|row| row.at >= since).collect())
}

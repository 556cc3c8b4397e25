//! Instruments and books on request.

use domain::instrument::{Instrument, InstrumentId, Product};
use domain::market::Book;
use domain::ports::VenueError;

use super::parse::{self, category, malformed};
use super::rest::{Query, Rest};
use super::wire::{BookRow, InstrumentRow};

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

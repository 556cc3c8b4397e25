//! Wire payloads to market values. Pure; strict about figures, lenient about what is not traded here.

use domain::forecast::Settlement;
use domain::instrument::{Instrument, InstrumentId, Name, Product, TradingStatus, VenueId, split_multiplier};
use domain::market::{Book, Level, Quote};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::ports::VenueError;
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::bounds;
use super::ticker::Figures;
use super::wire::{BookRow, InstrumentRow, SettledRow, TickerRow};
use crate::shared::exact::exact;

/// A value, or which field of what could not be understood.
pub type Read<T> = Result<T, VenueError>;

/// Something that could not be understood.
pub fn malformed(reason: impl Into<String>) -> VenueError {
    VenueError::Malformed {
        venue: VenueId::Bybit,
        reason: reason.into(),
    }
}

/// The venue's word for a product.
pub const fn category(product: Product) -> &'static str {
    match product {
        Product::Spot => "spot",
        Product::Perp => "linear",
    }
}

/// Reads [`category`] back; `None` for a category that is not traded here.
pub fn product(category: &str) -> Option<Product> {
    Product::ALL
        .into_iter()
        .find(|product| self::category(*product) == category)
}

/// The id of a symbol of this venue.
pub fn instrument_id(product: Product, symbol: &str) -> InstrumentId {
    InstrumentId {
        venue: VenueId::Bybit,
        product,
        symbol: Name::new(symbol),
    }
}

/// An exact figure. An empty text is not a figure.
pub fn number(text: &str, field: &str) -> Read<Decimal> {
    exact(text).ok_or_else(|| malformed(format!("{field} is `{}`", shortened(text))))
}

/// An exact figure that may be "not applicable": absent or empty.
pub fn optional(text: Option<&str>, field: &str) -> Read<Option<Decimal>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => number(text, field).map(Some),
    }
}

/// A figure that has to be there.
pub fn required(text: Option<&str>, field: &str) -> Read<Decimal> {
    optional(text, field)?.ok_or_else(|| malformed(format!("{field} is missing")))
}

/// An instant in milliseconds.
pub fn instant(text: &str, field: &str) -> Read<Timestamp> {
    text.parse()
        .map(Timestamp)
        .map_err(|_| malformed(format!("{field} is `{}`", shortened(text))))
}

/// At most 64 characters of something that came from outside.
pub fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// At most 200 characters of the venue's words, for errors.
pub fn brief(words: &str) -> String {
    words.chars().take(200).collect()
}

/// The rules of one instrument. `None` for what is not traded here: another quote currency, a dated future.
///
/// # Errors
/// When a figure of it cannot be read.
pub fn instrument(product: Product, row: &InstrumentRow) -> Read<Option<Instrument>> {
    let is_ours = row.quote_coin == "USDT"
        && match product {
            Product::Spot => true,
            Product::Perp => {
                row.contract_type.as_deref() == Some("LinearPerpetual")
                    && row.settle_coin.as_deref().is_none_or(|coin| coin == "USDT")
            }
        };
    if !is_ours {
        return Ok(None);
    }
    let lots = &row.lot_size_filter;
    let named = |field: &str| format!("{} of {}", field, shortened(&row.symbol));
    let figure = |text: &Option<String>, field: &str| required(text.as_deref(), &named(field));
    let maybe = |text: &Option<String>, field: &str| optional(text.as_deref(), &named(field));
    let (lot, minimum, limit, market, notional) = match product {
        Product::Perp => {
            let limit = figure(&lots.max_order_qty, "maxOrderQty")?;
            (
                figure(&lots.qty_step, "qtyStep")?,
                figure(&lots.min_order_qty, "minOrderQty")?,
                limit,
                // Some listings name none of their own.
                maybe(&lots.max_mkt_order_qty, "maxMktOrderQty")?.unwrap_or(limit),
                figure(&lots.min_notional_value, "minNotionalValue")?,
            )
        }
        Product::Spot => {
            // `minOrderQty` is no limit any more on spot: the least order is one step that is worth `minOrderAmt`.
            let lot = figure(&lots.base_precision, "basePrecision")?;
            let limit = match maybe(&lots.max_limit_order_qty, "maxLimitOrderQty")? {
                Some(limit) => limit,
                None => figure(&lots.max_order_qty, "maxOrderQty")?,
            };
            let market = maybe(&lots.max_market_order_qty, "maxMarketOrderQty")?.unwrap_or(limit);
            (lot, lot, limit, market, figure(&lots.min_order_amt, "minOrderAmt")?)
        }
    };
    let (asset, multiplier) = split_multiplier(&row.base_coin);
    let instrument = Instrument {
        id: instrument_id(product, &row.symbol),
        asset,
        base: Name::new(&row.base_coin),
        quote: Name::new(&row.quote_coin),
        multiplier,
        tick: Price(number(&row.price_filter.tick_size, &named("tickSize"))?),
        lot: Quantity(lot),
        min_quantity: Quantity(minimum),
        max_quantity: Quantity(limit),
        max_market_quantity: Quantity(market),
        min_notional: Usd(notional),
        least_price: Price(maybe(&row.price_filter.min_price, "minPrice")?.unwrap_or_default()),
        greatest_price: maybe(&row.price_filter.max_price, "maxPrice")?.map(Price),
        status: trading_status(row),
        ends_at: end(row)?,
        bounds: bounds::of_row(row)?,
    };
    let sound = instrument.believable();
    sound
        .map(Some)
        .map_err(|why| malformed(format!("{}: {why}", shortened(&row.symbol))))
}

/// A perpetual with a delivery time has been given notice of its end.
fn end(row: &InstrumentRow) -> Read<Option<Timestamp>> {
    match row.delivery_time.as_deref() {
        None | Some("" | "0") => Ok(None),
        Some(at) => instant(at, &format!("deliveryTime of {}", shortened(&row.symbol))).map(Some),
    }
}

/// One before its listing is in an auction. A word that is not known takes no new exposure.
fn trading_status(row: &InstrumentRow) -> TradingStatus {
    match row.status.as_str() {
        "PreLaunch" => TradingStatus::PreLaunch,
        _ if row.is_pre_listing => TradingStatus::PreLaunch,
        "Trading" => TradingStatus::Trading,
        "Delivering" | "Closed" => TradingStatus::Ended,
        _ => TradingStatus::Halted,
    }
}

/// One side of a book, in the order in which it came.
fn levels(rows: &[(String, String)]) -> Read<Vec<Level>> {
    rows.iter()
        .map(|(price, size)| {
            Ok(Level {
                price: Price(number(price, "price of a level")?),
                quantity: Quantity(number(size, "size of a level")?),
            })
        })
        .collect()
}

/// Buyers and sellers of a book row, best first as the venue sends them; a size of zero says that a level is gone.
pub fn book(row: &BookRow) -> Read<Book> {
    let book = Book {
        bids: levels(&row.b)?,
        asks: levels(&row.a)?,
    };
    book.believable().map_err(malformed)
}

/// One settlement of the perpetual that was asked about.
pub fn settled(asked: &InstrumentId, row: &SettledRow) -> Read<Settlement> {
    if row.symbol != asked.symbol.as_str() {
        let told = shortened(&row.symbol);
        return Err(malformed(format!("a settlement of {told} instead of {}", asked.symbol)));
    }
    let settlement = Settlement {
        rate: Rate(number(&row.funding_rate, "fundingRate")?),
        at: instant(&row.funding_rate_timestamp, "fundingRateTimestamp")?,
    };
    settlement.believable().map_err(malformed)
}

/// The touch of a ticker as it is told on request. `None` when a side is empty.
pub fn touch(row: &TickerRow) -> Read<Option<Quote>> {
    Figures::of(row).map(|figures| figures.touch())
}

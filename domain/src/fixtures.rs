//! Values that many tests of this room need.

use rust_decimal::Decimal;

use crate::bounds::Bounds;
use crate::instrument::{Instrument, InstrumentId, Name, Product, Side, TradingStatus, VenueId};
use crate::money::{Price, Quantity, Usd};
use crate::order::{ClientOrderId, Fill};
use crate::time::Timestamp;

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn instrument(venue: VenueId, product: Product, symbol: &str) -> Instrument {
    let base = symbol.trim_end_matches("USDT");
    let (asset, multiplier) = crate::instrument::split_multiplier(base);
    Instrument {
        id: InstrumentId {
            venue,
            product,
            symbol: Name::new(symbol),
        },
        asset,
        base: Name::new(base),
        quote: Name::new("USDT"),
        multiplier,
        tick: Price(dec("0.1")),
        lot: Quantity(dec("0.001")),
        min_quantity: Quantity(dec("0.001")),
        max_quantity: Quantity(dec("1000")),
        max_market_quantity: Quantity(dec("100")),
        min_notional: Usd(dec("5")),
        least_price: Price(Decimal::ZERO),
        greatest_price: None,
        status: TradingStatus::Trading,
        ends_at: None,
        bounds: Bounds::default(),
    }
}

pub fn perp(venue: VenueId, symbol: &str) -> Instrument {
    instrument(venue, Product::Perp, symbol)
}

pub fn spot(venue: VenueId, symbol: &str) -> Instrument {
    instrument(venue, Product::Spot, symbol)
}

pub fn fill(id: &InstrumentId, side: Side, quantity: &str, price: &str) -> Fill {
    Fill {
        instrument: id.clone(),
        trade_id: format!("{side}-{quantity}-{price}"),
        client_id: ClientOrderId::from_text("fatest-1-1-1"),
        venue_order_id: "1".to_owned(),
        side,
        quantity: Quantity(dec(quantity)),
        price: Price(dec(price)),
        fee: Decimal::ZERO,
        fee_asset: Name::new("USDT"),
        is_maker: false,
        realised: None,
        at: Timestamp(0),
    }
}

//! The real venues' instruments as the twin knows them.

use domain::instrument::{Instrument, InstrumentId, Product as Kind, TradingStatus, VenueId};
use rust_decimal::Decimal;
use simulator::market::{Key, Product, Rules, Status, Venue, lowest_tier};

/// Greatest leverage that the played account may set on a perpetual; the engine asks for less.
const MAX_LEVERAGE: u8 = 20;

/// The twin's key of an instrument.
pub fn key(id: &InstrumentId) -> Key {
    Key {
        venue: match id.venue {
            VenueId::Binance => Venue::Binance,
            VenueId::Bybit => Venue::Bybit,
        },
        product: match id.product {
            Kind::Spot => Product::Spot,
            Kind::Perp => Product::Perp,
        },
        symbol: id.symbol.as_str().to_owned(),
    }
}

/// The twin's rules of an instrument: the real filters, the lowest tier's fees, and a maintenance margin of 2 %, which
/// is that of a coin of the long tail.
pub fn of(instrument: &Instrument) -> Rules {
    let key = key(&instrument.id);
    let (taker_fee, maker_fee) = lowest_tier(key.venue, key.product);
    let perpetual = key.product == Product::Perp;
    Rules {
        base: instrument.base.as_str().to_owned(),
        quote: instrument.quote.as_str().to_owned(),
        tick: instrument.tick.0,
        lot: instrument.lot.0,
        min_quantity: instrument.min_quantity.0,
        max_quantity: instrument.max_quantity.0,
        max_market_quantity: instrument.max_market_quantity.0,
        min_notional: instrument.min_notional.0,
        taker_fee,
        maker_fee,
        max_leverage: if perpetual { MAX_LEVERAGE.into() } else { Decimal::ONE },
        maintenance_margin: if perpetual { Decimal::new(2, 2) } else { Decimal::ZERO },
        status: match instrument.status {
            TradingStatus::Trading | TradingStatus::Crowded => Status::Trading,
            TradingStatus::PreLaunch | TradingStatus::Halted | TradingStatus::Ended => Status::CancelOnly,
        },
        key,
    }
}

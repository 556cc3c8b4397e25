//! A history laid out for the event loop: hours counted from the first one, a column for each price, settlements in
//! order. Whatever a rule may see is cut off at its hour by [`crate::engine::View`].
//!
//! ```text
//! build    from the files to columns
//! spans    when a pair can be held
//! ```

mod build;
mod spans;

use domain::instrument::{Product, VenueId};
use domain::time::{HOUR_MS, Timestamp};

pub use build::{Period, TapeError, build};
pub use spans::Span;

use crate::costs;
use crate::hedges::Market;
use crate::price::PricedGap;

/// US dollars of the order that the table of slippage was made for.
const TABLE_IS_FOR: i64 = 10_000;

/// Hours since the tape begins; what happened before it is negative.
pub type Hour = i32;

/// One settlement of a perpetual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// When.
    pub hour: Hour,
    /// In units of 10⁻¹⁰.
    pub rate: i64,
    /// Hours that it covers.
    pub interval: u8,
    /// Mark price in units of 10⁻¹⁰; 0 when nobody recorded one.
    pub mark: i64,
}

/// Prices of one market by the hour, in units of 10⁻¹⁰; 0 where there is no bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// First price of the hour.
    pub open: Vec<i64>,
    /// Highest.
    pub high: Vec<i64>,
    /// Lowest.
    pub low: Vec<i64>,
    /// Last.
    pub close: Vec<i64>,
}

impl Columns {
    /// The open of an hour, where it has a bar.
    pub fn open_at(&self, hour: Hour) -> Option<i64> {
        at(&self.open, hour)
    }

    /// The close of an hour, where it has a bar.
    pub fn close_at(&self, hour: Hour) -> Option<i64> {
        at(&self.close, hour)
    }

    /// Whether an hour traded through a price by `millionths` of its open, upwards or downwards.
    pub fn traded_through(&self, hour: Hour, up: bool, millionths: i64) -> bool {
        let Some(open) = self.open_at(hour) else { return false };
        let by = i128::from(open) * i128::from(millionths);
        let far = |price: Option<i64>| price.map(|price| (i128::from(price) - i128::from(open)) * 1_000_000);
        if up {
            far(at(&self.high, hour)).is_some_and(|far| far >= by)
        } else {
            far(at(&self.low, hour)).is_some_and(|far| far <= -by)
        }
    }
}

fn at(column: &[i64], hour: Hour) -> Option<i64> {
    let place = usize::try_from(hour).ok()?;
    column.get(place).copied().filter(|price| *price > 0)
}

/// Two markets of one symbol that can be held against each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What is bought.
    pub long: Market,
    /// What is sold.
    pub short: Market,
    /// When it can be held, in order of time.
    pub spans: Vec<Span>,
}

impl Pair {
    /// Whether it is spot against a perpetual.
    pub fn is_carry(&self) -> bool {
        self.long.product == Product::Spot
    }

    /// Whether both legs are on one venue.
    pub fn is_single_venue(&self) -> bool {
        self.long.venue == self.short.venue
    }

    /// The span that an hour lies in.
    pub fn span_at(&self, hour: Hour) -> Option<&Span> {
        let place = self.spans.partition_point(|span| span.last < hour);
        self.spans.get(place).filter(|span| span.first <= hour)
    }
}

/// Everything recorded of one symbol.
#[derive(Clone, Debug, Default)]
pub struct Symbol {
    /// The perpetual's name.
    pub name: String,
    /// Settlements by venue; empty where there is no perpetual.
    pub settled: [Vec<Settled>; 2],
    /// Prices by venue and product: perpetuals, then spot.
    pub perp: [Columns; 2],
    /// As above.
    pub spot: [Columns; 2],
    /// What can be held.
    pub pairs: Vec<Pair>,
    /// Slippage of a perpetual's fill, in millionths.
    pub slip_perp: i64,
    /// Slippage of a spot fill, in millionths.
    pub slip_spot: i64,
}

impl Symbol {
    /// Prices of a market.
    pub fn columns(&self, market: Market) -> &Columns {
        let [binance, bybit] = match market.product {
            Product::Perp => &self.perp,
            Product::Spot => &self.spot,
        };
        match market.venue {
            VenueId::Binance => binance,
            VenueId::Bybit => bybit,
        }
    }

    /// Settlements of a venue's perpetual, all of them.
    pub fn settled(&self, venue: VenueId) -> &[Settled] {
        let [binance, bybit] = &self.settled;
        match venue {
            VenueId::Binance => binance,
            VenueId::Bybit => bybit,
        }
    }

    /// Slippage of a fill, in millionths of its notional.
    pub fn slip(&self, product: Product) -> i64 {
        match product {
            Product::Perp => self.slip_perp,
            Product::Spot => self.slip_spot,
        }
    }
}

/// A history as columns.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// The first hour.
    pub start: Timestamp,
    /// How many hours.
    pub hours: Hour,
    /// Symbols in order of their names.
    pub symbols: Vec<Symbol>,
    /// Hours at which a symbol settles on any venue, with its place; in order of time, then of place.
    pub news: Vec<(Hour, usize)>,
    /// Rows that are missing inside of a series.
    pub gaps: Vec<PricedGap>,
    /// Settlements and bars between the first and the last hour.
    pub events: u64,
}

impl Tape {
    /// Whether an hour begins a day.
    pub fn is_midnight(&self, hour: Hour) -> bool {
        self.time(hour).0 % (24 * HOUR_MS) == 0
    }

    /// Symbols that cannot be held at any hour: a leg or its funding is missing.
    pub fn unhedgeable(&self) -> impl Iterator<Item = &str> {
        let none = self.symbols.iter().filter(|symbol| symbol.pairs.is_empty());
        none.map(|symbol| symbol.name.as_str())
    }

    /// Makes fills slip as those of larger orders do: the table is for 10,000 USD, and what moves a price grows about as the
    /// square root of what is traded. Smaller orders are not made cheaper, because half of a spread does not shrink.
    #[must_use]
    pub fn for_orders_of(mut self, dollars: i64) -> Self {
        let larger = dollars.max(TABLE_IS_FOR).saturating_mul(TABLE_IS_FOR).isqrt();
        for symbol in &mut self.symbols {
            for slip in [&mut symbol.slip_perp, &mut symbol.slip_spot] {
                *slip = slip.saturating_mul(larger) / TABLE_IS_FOR;
            }
        }
        self
    }

    /// When an hour begins.
    pub fn time(&self, hour: Hour) -> Timestamp {
        Timestamp(self.start.0 + i64::from(hour) * HOUR_MS)
    }
}

/// The fee of a fill in millionths.
pub fn fee(market: Market, liquidity: costs::Liquidity) -> i64 {
    costs::fee(market.venue, market.product, liquidity).0
}

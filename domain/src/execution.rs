//! How one order meets one book: which leg goes first, at what limit, for how much.
//!
//! - EX-1  An opening order never pays more than the slippage bound, and never asks for more than the book gives
//!   inside it.
//! - EX-2  A reducing order starts bounded and ends at market: getting out comes before a good price.

use rust_decimal::Decimal;

use crate::hedge::{OrderNeed, REDUCE_ATTEMPTS};
use crate::instrument::{Instrument, Side};
use crate::market::Book;
use crate::money::{AssetQuantity, Bps, Price, Quantity};
use crate::order::{LegIndex, OrderKind};
use crate::risk::Gate;

/// How much wider than an opening order a bounded reducing order may reach.
const REDUCE_WIDER: Decimal = Decimal::from_parts(4, 0, 0, false, 0);

/// The kind and the quantity of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderShape {
    /// How it meets the book.
    pub kind: OrderKind,
    /// Units on the lot.
    pub quantity: Quantity,
}

/// Shapes an order for a book that was just read.
///
/// # Errors
/// The gate that stops an opening order; a reducing order is never stopped.
pub fn shape(
    need: &OrderNeed,
    instrument: &Instrument,
    book: Option<&Book>,
    max_slippage: Bps,
) -> Result<OrderShape, Gate> {
    let quote = book.and_then(Book::quote);
    if need.purpose.reduces() {
        let market = OrderShape {
            kind: OrderKind::Market,
            quantity: need.quantity.min(instrument.max_market_quantity),
        };
        let bounded = quote.filter(|_| need.attempt < REDUCE_ATTEMPTS / 2).map(|quote| {
            let limit = bound(quote.mid(), need.side, Bps(max_slippage.0 * REDUCE_WIDER), instrument);
            OrderShape {
                kind: OrderKind::ImmediateOrCancel { limit },
                quantity: need.quantity.min(instrument.max_quantity),
            }
        });
        return Ok(bounded.unwrap_or(market)); // EX-2
    }
    let (book, quote) = book.zip(quote).ok_or(Gate::Missing("book"))?;
    let limit = bound(quote.mid(), need.side, max_slippage, instrument);
    let available = book.available(need.side, limit);
    let units = need.quantity.min(available).min(instrument.max_quantity);
    let quantity = instrument.to_units(instrument.to_asset(units));
    if !instrument.is_orderable(quantity, limit) {
        let expected = crate::carry::half_spread(&quote);
        return Err(Gate::Slippage {
            expected,
            most: max_slippage,
        }); // EX-1
    }
    Ok(OrderShape {
        kind: OrderKind::ImmediateOrCancel { limit },
        quantity,
    })
}

fn bound(mid: Price, side: Side, by: Bps, instrument: &Instrument) -> Price {
    let limit = mid.shifted(Bps(by.0 * side.sign()));
    instrument.price_on_tick(limit, side)
}

/// The leg whose book gives less inside the slippage bound: if it cannot be filled, nothing else was sent.
pub fn thinner(long: (&Instrument, &Book), short: (&Instrument, &Book), max_slippage: Bps) -> LegIndex {
    let depth = |(instrument, book): (&Instrument, &Book), leg: LegIndex| {
        let side = leg.entry_side();
        book.quote().map_or(AssetQuantity::ZERO, |quote| {
            instrument.to_asset(book.available(side, quote.mid().shifted(Bps(max_slippage.0 * side.sign()))))
        })
    };
    if depth(short, LegIndex::Short) < depth(long, LegIndex::Long) {
        LegIndex::Short
    } else {
        LegIndex::Long
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dec, perp};
    use crate::instrument::VenueId;
    use crate::market::Level;
    use crate::order::Purpose;

    fn book(quantity: &str) -> Book {
        let level = |price: &str| Level {
            price: Price(dec(price)),
            quantity: Quantity(dec(quantity)),
        };
        Book {
            bids: vec![level("99.9"), level("99")],
            asks: vec![level("100.1"), level("101")],
        }
    }

    fn need(purpose: Purpose, attempt: u8) -> OrderNeed {
        OrderNeed {
            leg: LegIndex::Long,
            side: Side::Buy,
            purpose,
            quantity: Quantity(dec("3")),
            attempt,
        }
    }

    #[test]
    fn an_opening_order_takes_only_what_is_inside_its_bound() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let shaped = shape(&need(Purpose::Open, 0), &btc, Some(&book("2")), Bps(dec("20"))).unwrap();
        let limit = Price(dec("100.2"));
        assert_eq!(
            shaped,
            OrderShape {
                kind: OrderKind::ImmediateOrCancel { limit },
                quantity: Quantity(dec("2"))
            }
        );
        let tight = shape(&need(Purpose::Open, 0), &btc, Some(&book("2")), Bps(dec("5")));
        assert_eq!(
            tight,
            Err(Gate::Slippage {
                expected: Bps(dec("10")),
                most: Bps(dec("5"))
            })
        );
        assert_eq!(
            shape(&need(Purpose::Open, 0), &btc, None, Bps(dec("5"))),
            Err(Gate::Missing("book"))
        );
    }

    #[test]
    fn a_reducing_order_is_never_stopped() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        for attempt in 0..REDUCE_ATTEMPTS {
            let shaped = shape(&need(Purpose::Close, attempt), &btc, Some(&book("0.1")), Bps(dec("5"))).unwrap();
            assert_eq!(shaped.quantity, Quantity(dec("3")));
            assert_eq!(shaped.kind == OrderKind::Market, attempt >= REDUCE_ATTEMPTS / 2);
        }
        assert_eq!(
            shape(&need(Purpose::Unwind, 0), &btc, None, Bps(dec("5")))
                .unwrap()
                .kind,
            OrderKind::Market
        );
    }

    #[test]
    fn the_thinner_book_goes_first() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let first = |long: &str, short: &str| thinner((&btc, &book(long)), (&btc, &book(short)), Bps(dec("20")));
        assert_eq!((first("2", "1"), first("1", "2")), (LegIndex::Short, LegIndex::Long));
    }
}

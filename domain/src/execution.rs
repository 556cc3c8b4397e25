//! How one order meets one book: which leg goes first, at what limit, for how much.
//!
//! - EX-1  An opening order never pays more than the slippage bound, and never asks for more than the book gives
//!   inside it.
//! - EX-2  A reducing order starts bounded and ends at market: getting out comes before a good price.
//! - EX-3  An opening order that was shaped by an older book is sent by a newer one only inside the same bound.

use rust_decimal::Decimal;

use crate::hedge::{OrderNeed, REDUCE_ATTEMPTS};
use crate::instrument::{Instrument, Side};
use crate::market::{Book, Quote};
use crate::money::{AssetQuantity, Bps, Price, Quantity, Rate};
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
    if need.rests {
        return Ok(resting(need, instrument, &quote));
    }
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

/// An order that rests at the best price of its own side: better than the mid, and so inside every bound (EX-1). What the
/// other side gives does not matter to it.
fn resting(need: &OrderNeed, instrument: &Instrument, quote: &Quote) -> OrderShape {
    let limit = match need.side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    };
    OrderShape {
        kind: OrderKind::PostOnly { limit },
        quantity: need.quantity.min(instrument.max_quantity),
    }
}

/// Whether an opening order that was shaped by an older book may still be sent, now that `book` is known: its limit pays no
/// more than `most` against the new mid (EX-3). How much the book gives does not matter: what does not fill is over.
///
/// # Errors
/// [`Gate::Missing`] without a book or a limit, [`Gate::Slippage`] with the distance that the limit now has from the mid.
pub fn still_fits(
    kind: OrderKind,
    side: Side,
    instrument: &Instrument,
    book: Option<&Book>,
    most: Bps,
) -> Result<(), Gate> {
    let mid = book.and_then(Book::quote).ok_or(Gate::Missing("book"))?.mid();
    let limit = kind.limit().ok_or(Gate::Missing("limit"))?;
    let worst = bound(mid, side, most, instrument);
    if (limit.0 - worst.0) * side.sign() <= Decimal::ZERO {
        return Ok(());
    }
    let expected = Rate((limit.0 - mid.0) * side.sign() / mid.0).bps();
    Err(Gate::Slippage { expected, most })
}

fn bound(mid: Price, side: Side, by: Bps, instrument: &Instrument) -> Price {
    let limit = mid.shifted(Bps(by.0 * side.sign()));
    instrument.price_on_tick(limit, side)
}

/// The least share of a planned size that is worth opening: below it, fixed costs and attention outweigh the carry.
const LEAST_SHARE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

/// A planned size cut down to what both books give inside the slippage bound, on the common lot.
///
/// # Errors
/// [`Gate::Slippage`] when that is less than a quarter of the plan.
pub fn fit(
    target: AssetQuantity,
    lot: AssetQuantity,
    long: (&Instrument, &Book),
    short: (&Instrument, &Book),
    most: Bps,
) -> Result<AssetQuantity, Gate> {
    let given = depth(long, LegIndex::Long, most)
        .min(depth(short, LegIndex::Short, most))
        .min(target);
    let fitting = AssetQuantity(crate::money::floor_to(given.0, lot.0));
    if fitting.0 < target.0 * LEAST_SHARE {
        let half =
            |(_, book): (&Instrument, &Book)| book.quote().map_or(most, |quote| crate::carry::half_spread(&quote));
        return Err(Gate::Slippage {
            expected: half(long).max(half(short)).max(most),
            most,
        });
    }
    Ok(fitting)
}

/// Asset units that a book gives to the entry of a leg inside the slippage bound.
fn depth((instrument, book): (&Instrument, &Book), leg: LegIndex, most: Bps) -> AssetQuantity {
    let side = leg.entry_side();
    book.quote().map_or(AssetQuantity::ZERO, |quote| {
        instrument.to_asset(book.available(side, quote.mid().shifted(Bps(most.0 * side.sign()))))
    })
}

/// The leg whose book gives less inside the slippage bound: if it cannot be filled, nothing else was sent.
pub fn thinner(long: (&Instrument, &Book), short: (&Instrument, &Book), max_slippage: Bps) -> LegIndex {
    if depth(short, LegIndex::Short, max_slippage) < depth(long, LegIndex::Long, max_slippage) {
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
            rests: false,
        }
    }

    #[test]
    fn an_order_is_still_sent_only_inside_the_bound_of_the_newer_book() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let newer = book("2"); // its mid is 100
        let fits = |limit: &str, side, book| {
            let limit = Price(dec(limit));
            let kind = OrderKind::ImmediateOrCancel { limit };
            still_fits(kind, side, &btc, book, Bps(dec("20")))
        };
        for (limit, side) in [
            ("100.2", Side::Buy),
            ("99", Side::Buy),
            ("99.8", Side::Sell),
            ("101", Side::Sell),
        ] {
            assert_eq!(fits(limit, side, Some(&newer)), Ok(()), "{limit} {side:?}");
        }
        for (limit, side) in [("100.5", Side::Buy), ("99.5", Side::Sell)] {
            let (expected, most) = (Bps(dec("50")), Bps(dec("20")));
            assert_eq!(fits(limit, side, Some(&newer)), Err(Gate::Slippage { expected, most }));
        }
        assert_eq!(fits("100", Side::Buy, None), Err(Gate::Missing("book")));
        let unbounded = still_fits(OrderKind::Market, Side::Buy, &btc, Some(&newer), Bps(dec("20")));
        assert_eq!(unbounded, Err(Gate::Missing("limit")));
    }

    #[test]
    fn a_resting_order_joins_the_best_price_of_its_own_side() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        for (side, limit) in [(Side::Buy, "99.9"), (Side::Sell, "100.1")] {
            let rests = OrderNeed {
                side,
                rests: true,
                ..need(Purpose::Open, 0)
            };
            let limit = Price(dec(limit));
            // Neither a thin book nor a wide one stands in its way: it takes nothing.
            for most in ["20", "0"] {
                let shaped = shape(&rests, &btc, Some(&book("0.1")), Bps(dec(most))).unwrap();
                let kind = OrderKind::PostOnly { limit };
                assert_eq!((shaped.kind, shaped.quantity), (kind, Quantity(dec("3"))));
            }
            assert_eq!(shape(&rests, &btc, None, Bps(dec("20"))), Err(Gate::Missing("book")));
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
    fn a_plan_is_cut_to_the_thinner_book_and_dropped_when_little_is_left() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let (lot, most) = (AssetQuantity(dec("0.5")), Bps(dec("20")));
        let plan = |target: &str, short: &str| {
            fit(
                AssetQuantity(dec(target)),
                lot,
                (&btc, &book("9")),
                (&btc, &book(short)),
                most,
            )
        };
        assert_eq!(plan("2", "9"), Ok(AssetQuantity(dec("2"))));
        assert_eq!(plan("4", "1.7"), Ok(AssetQuantity(dec("1.5"))));
        assert!(matches!(plan("9", "1.7"), Err(Gate::Slippage { .. })));
    }

    #[test]
    fn the_thinner_book_goes_first() {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let first = |long: &str, short: &str| thinner((&btc, &book(long)), (&btc, &book(short)), Bps(dec("20")));
        assert_eq!((first("2", "1"), first("1", "2")), (LegIndex::Short, LegIndex::Long));
    }
}

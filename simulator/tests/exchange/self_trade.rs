//! What ends where an account would trade with itself.

use simulator::exchange::{EndCause, Exchange, Order, OrderRequest, OrderStatus, SelfTrade, Side, TimeInForce};
use simulator::market::Venue;

use super::common::{Board, ME, START, dec, key, limit};
use super::{B, PERP, Y};

/// A resting sale of one coin, one tick inside the book, and a purchase that would meet it.
fn meet(venue: Venue, mode: SelfTrade) -> (Exchange, Order, Order) {
    let mut exchange = Board::new().exchange();
    // The book's best seller stands at 50,000.1 with one coin; the own one behind it, at 50,000.2.
    let resting = limit("BTCUSDT", Side::Sell, "1", "50000.2", TimeInForce::Gtc);
    let resting = exchange.place(ME, venue, PERP, &resting, START).unwrap();
    assert_eq!(resting.status, OrderStatus::New);
    let asked = OrderRequest {
        self_trade: mode,
        ..limit("BTCUSDT", Side::Buy, "3", "50000.3", TimeInForce::Gtc)
    };
    let taker = exchange.place(ME, venue, PERP, &asked, START).unwrap();
    let resting = exchange.order_by_number(resting.id).unwrap().clone();
    (exchange, resting, taker)
}

#[test]
fn the_resting_order_ends_and_the_new_one_goes_on() {
    for venue in [B, Y] {
        let (_, resting, taker) = meet(venue, SelfTrade::EndMaker);
        assert_eq!(
            (resting.status, resting.end_cause, resting.met),
            (OrderStatus::ExpiredInMatch, Some(EndCause::SelfTrade), Some(taker.id))
        );
        assert_eq!((taker.status, taker.filled), (OrderStatus::Filled, dec("3")));
    }
}

#[test]
fn the_new_order_ends_where_it_would_meet_the_resting_one() {
    let (exchange, resting, taker) = meet(B, SelfTrade::EndTaker);
    assert_eq!((resting.status, resting.met), (OrderStatus::New, None));
    assert_eq!(
        (taker.status, taker.end_cause, taker.met),
        (OrderStatus::ExpiredInMatch, Some(EndCause::SelfTrade), Some(resting.id))
    );
    // What stood in the book before the own order was taken: one coin at 50,000.1 and one at 50,000.2.
    assert_eq!(taker.filled, dec("2"));
    assert_eq!(exchange.position_quantity(ME, &key(B, PERP, "BTCUSDT")), dec("2"));
}

#[test]
fn both_end_or_neither() {
    let (_, resting, taker) = meet(B, SelfTrade::EndBoth);
    assert_eq!(
        (resting.status, taker.status),
        (OrderStatus::ExpiredInMatch, OrderStatus::ExpiredInMatch)
    );
    assert_eq!((resting.met, taker.met), (Some(taker.id), Some(resting.id)));
    let (_, resting, taker) = meet(B, SelfTrade::Allow);
    assert_eq!((resting.status, taker.status), (OrderStatus::New, OrderStatus::Filled));
}

#[test]
fn an_order_that_cannot_be_filled_whole_ends_nobody_else() {
    let mut exchange = Board::new().exchange();
    let resting = limit("BTCUSDT", Side::Sell, "1", "50000.2", TimeInForce::Gtc);
    let resting = exchange.place(ME, B, PERP, &resting, START).unwrap();
    let killed = limit("BTCUSDT", Side::Buy, "3.5", "50000.3", TimeInForce::Fok);
    let killed = exchange.place(ME, B, PERP, &killed, START).unwrap();
    assert_eq!(killed.status, OrderStatus::Expired);
    assert_eq!(exchange.order_by_number(resting.id).unwrap().status, OrderStatus::New);
}

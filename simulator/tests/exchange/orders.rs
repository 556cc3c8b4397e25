//! Orders: matching, fees, filters, ids, lifetimes.

use rust_decimal::Decimal;
use simulator::exchange::{EndCause, OrderRef, OrderStatus, Refusal, Side, TimeInForce, Wallet};

use super::common::{Board, ME, START, dec, key, limit, market, named, reducing};
use super::{B, PERP, SPOT, Y, total};

#[test]
fn a_market_order_walks_the_levels_and_pays_taker_fees() {
    let mut exchange = Board::new().exchange();
    let order = exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "2.5"), START)
        .unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    let fills: Vec<_> = exchange.fills(ME, B, PERP, START).collect();
    let rows: Vec<_> = fills.iter().map(|fill| (fill.price, fill.quantity)).collect();
    assert_eq!(
        rows,
        [
            (dec("50000.1"), dec("1")),
            (dec("50000.2"), dec("1")),
            (dec("50000.3"), dec("0.5"))
        ]
    );
    let value = dec("50000.1") + dec("50000.2") + dec("25000.15");
    assert_eq!(order.average_price(), Some(value / dec("2.5")));
    assert_eq!(
        fills.iter().map(|fill| fill.fee).sum::<Decimal>(),
        value * dec("0.0005")
    );
    assert_eq!(
        total(&exchange, Wallet::Usdm, "USDT"),
        dec("100000") - value * dec("0.0005")
    );
    let position = exchange.position(ME, &key(B, PERP, "BTCUSDT"), START).unwrap();
    assert_eq!(
        (position.quantity, position.entry_price),
        (dec("2.5"), value / dec("2.5"))
    );
    assert!(position.liquidation_price.unwrap() < dec("50000"));
}

#[test]
fn spot_takes_the_buy_fee_in_coin_and_the_sell_fee_in_quote() {
    for (venue, wallet) in [(B, Wallet::Spot), (Y, Wallet::Unified)] {
        let mut exchange = Board::new().exchange();
        exchange
            .place(ME, venue, SPOT, &market("BTCUSDT", Side::Buy, "1"), START)
            .unwrap();
        assert_eq!(total(&exchange, wallet, "BTC"), dec("0.999"));
        assert_eq!(total(&exchange, wallet, "USDT"), dec("49999.9"));
        let refused = exchange.place(ME, venue, SPOT, &market("BTCUSDT", Side::Sell, "1"), START);
        assert_eq!(
            refused.unwrap_err(),
            Refusal::InsufficientBalance {
                asset: "BTC".to_owned()
            }
        );
        exchange
            .place(ME, venue, SPOT, &market("BTCUSDT", Side::Sell, "0.999"), START)
            .unwrap();
        assert_eq!(total(&exchange, wallet, "BTC"), Decimal::ZERO);
        let got = dec("0.999") * dec("49999.9");
        assert_eq!(
            total(&exchange, wallet, "USDT"),
            dec("49999.9") + got - got * dec("0.001")
        );
    }
}

#[test]
fn a_quote_amount_buys_whole_lots_for_no_more_than_it_says() {
    let mut exchange = Board::new().exchange();
    let mut request = market("BTCUSDT", Side::Buy, "1");
    (request.quantity, request.quote_quantity) = (None, Some(dec("60000")));
    let order = exchange.place(ME, B, SPOT, &request, START).unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!(order.filled, dec("1.199"));
    assert!(order.filled_quote <= dec("60000"));
}

#[test]
fn a_resting_order_holds_funds_and_fills_as_maker_when_the_book_comes() {
    let board = Board::new();
    let mut exchange = board.exchange();
    let request = limit("BTCUSDT", Side::Buy, "0.5", "49000", TimeInForce::PostOnly);
    let order = exchange.place(ME, B, SPOT, &request, START).unwrap();
    assert_eq!(order.status, OrderStatus::New);
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, dec("24500"));
    exchange.advance(START + 1_000);
    assert_eq!(exchange.open_orders(ME, B, SPOT).count(), 1);
    board.set(&key(B, SPOT, "BTCUSDT"), "48000");
    exchange.advance(START + 2_000);
    let fill = exchange.fills(ME, B, SPOT, START + 2_000).next().unwrap().clone();
    assert!(fill.maker);
    assert_eq!(
        (fill.price, fill.quantity, fill.fee),
        (dec("49000"), dec("0.5"), dec("0.0005"))
    );
    let usdt = exchange.balance(ME, Wallet::Spot, "USDT");
    assert_eq!((usdt.free, usdt.locked), (dec("75500"), Decimal::ZERO));
}

#[test]
fn ioc_fok_and_post_only_end_as_each_venue_ends_them() {
    let mut exchange = Board::new().exchange();
    let ioc = limit("BTCUSDT", Side::Buy, "3", "50000.2", TimeInForce::Ioc);
    let order = exchange.place(ME, B, PERP, &ioc, START).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, dec("2")));
    // A second later others have quoted again what was taken.
    let later = START + 1_000;
    let fok = limit("BTCUSDT", Side::Buy, "3", "50000.2", TimeInForce::Fok);
    let order = exchange.place(ME, B, PERP, &fok, later).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, Decimal::ZERO));
    let post = limit("BTCUSDT", Side::Buy, "1", "50000.1", TimeInForce::PostOnly);
    assert_eq!(
        exchange.place(ME, B, PERP, &post, later).unwrap_err(),
        Refusal::WouldTake
    );
    let order = exchange.place(ME, Y, PERP, &post, later).unwrap();
    assert_eq!(
        (order.status, order.end_cause),
        (OrderStatus::Expired, Some(EndCause::WouldTake))
    );
    assert_eq!(exchange.fills(ME, Y, PERP, later).count(), 0);
}

#[test]
fn filters_are_exact() {
    let mut exchange = Board::new().exchange();
    let mut refusal = |request| exchange.place(ME, B, SPOT, &request, START).unwrap_err();
    let gtc = TimeInForce::Gtc;
    assert_eq!(
        refusal(market("XYZUSDT", Side::Buy, "1")),
        Refusal::UnknownSymbol("XYZUSDT".to_owned())
    );
    assert_eq!(refusal(market("BTCUSDT", Side::Buy, "0")), Refusal::BadQuantity);
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "0.0001")),
        Refusal::MinQuantity { min: dec("0.001") }
    );
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "0.0015")),
        Refusal::Lot { lot: dec("0.001") }
    );
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "101")),
        Refusal::MaxQuantity { max: dec("100") }
    );
    assert_eq!(
        refusal(market("ETHUSDT", Side::Buy, "0.001")),
        Refusal::MinNotional { min: dec("5") }
    );
    assert_eq!(
        refusal(limit("BTCUSDT", Side::Buy, "1", "49000.05", gtc)),
        Refusal::Tick { tick: dec("0.1") }
    );
    assert_eq!(refusal(limit("BTCUSDT", Side::Buy, "1", "-1", gtc)), Refusal::BadPrice);
    assert!(matches!(
        refusal(limit("BTCUSDT", Side::Buy, "1", "1", gtc)),
        Refusal::PriceBand { .. }
    ));
    let huge = "79228162514264337593543950335";
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, huge)),
        Refusal::MaxQuantity { max: dec("100") }
    );
    assert!(matches!(
        refusal(limit("BTCUSDT", Side::Buy, "1", huge, gtc)),
        Refusal::PriceBand { .. }
    ));
    assert_eq!(
        refusal(named("a b", market("BTCUSDT", Side::Buy, "1"))),
        Refusal::BadClientId
    );
    assert_eq!(exchange.orders(ME, B, SPOT, START).count(), 0);
    // "49500.00" and "49500" are one price.
    exchange
        .place(
            ME,
            B,
            SPOT,
            &limit("BTCUSDT", Side::Buy, "1.000", "49500.00", gtc),
            START,
        )
        .unwrap();
}

#[test]
fn a_client_id_is_taken_while_open_on_binance_and_for_good_on_bybit() {
    let mut exchange = Board::new().exchange();
    let rest = named("one", limit("BTCUSDT", Side::Buy, "0.1", "40000", TimeInForce::Gtc));
    let hit = named("two", market("BTCUSDT", Side::Buy, "0.1"));
    for venue in [B, Y] {
        exchange.place(ME, venue, PERP, &rest, START).unwrap();
        assert_eq!(
            exchange.place(ME, venue, PERP, &rest, START).unwrap_err(),
            Refusal::DuplicateClientId
        );
        exchange.place(ME, venue, PERP, &hit, START).unwrap();
    }
    exchange.place(ME, B, PERP, &hit, START).unwrap();
    assert_eq!(
        exchange.place(ME, Y, PERP, &hit, START).unwrap_err(),
        Refusal::DuplicateClientId
    );
    exchange.place(ME, Y, SPOT, &hit, START).unwrap();
    let newest = exchange
        .find_order(ME, B, PERP, &OrderRef::Client("two".to_owned()), START)
        .unwrap();
    assert_eq!(newest.id, exchange.orders(ME, B, PERP, START).last().unwrap().id);
}

#[test]
fn orders_are_found_and_cancelled_by_either_id() {
    let mut exchange = Board::new().exchange();
    for venue in [B, Y] {
        let request = named("c-1", limit("BTCUSDT", Side::Sell, "0.1", "60000", TimeInForce::Gtc));
        let order = exchange.place(ME, venue, PERP, &request, START).unwrap();
        let by_venue = OrderRef::Venue(order.venue_order_id());
        assert_eq!(
            exchange.find_order(ME, venue, PERP, &by_venue, START).unwrap().id,
            order.id
        );
        assert!(exchange.find_order(ME, venue, SPOT, &by_venue, START).is_none());
        let wrong = exchange.cancel(ME, venue, PERP, "ETHUSDT", &by_venue, START);
        assert_eq!(wrong.unwrap_err(), Refusal::UnknownOrder);
        let gone = exchange.cancel(ME, venue, PERP, "BTCUSDT", &by_venue, START).unwrap();
        assert_eq!(
            (gone.status, gone.end_cause),
            (OrderStatus::Cancelled, Some(EndCause::ByUser))
        );
        let again = exchange.cancel(ME, venue, PERP, "BTCUSDT", &OrderRef::Client("c-1".to_owned()), START);
        assert_eq!(again.unwrap_err(), Refusal::OrderClosed);
    }
    let forged = OrderRef::Venue("00000000-0000-4000-9f33-000000989681".to_owned());
    assert!(exchange.find_order(ME, Y, PERP, &forged, START).is_none());
}

#[test]
fn reduce_only_never_opens_and_never_flips() {
    let mut exchange = Board::new().exchange();
    for venue in [B, Y] {
        let btc = key(venue, PERP, "BTCUSDT");
        let close = |quantity| reducing(market("BTCUSDT", Side::Sell, quantity));
        assert_eq!(
            exchange.place(ME, venue, PERP, &close("1"), START).unwrap_err(),
            Refusal::ReduceOnly
        );
        exchange
            .place(ME, venue, PERP, &market("BTCUSDT", Side::Buy, "1"), START)
            .unwrap();
        let adds = reducing(market("BTCUSDT", Side::Buy, "1"));
        assert_eq!(
            exchange.place(ME, venue, PERP, &adds, START).unwrap_err(),
            Refusal::ReduceOnly
        );
        match (venue, exchange.place(ME, venue, PERP, &close("1.5"), START)) {
            (B, refused) => assert_eq!(refused.unwrap_err(), Refusal::ReduceOnly),
            (Y, order) => assert_eq!(order.unwrap().filled, dec("1")),
        }
        let held = exchange.position_quantity(ME, &btc);
        assert_eq!(held, if venue == B { dec("1") } else { Decimal::ZERO });
    }
}

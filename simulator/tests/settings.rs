//! Modes, margin in isolation, risk tiers, amendments, transfers, countdowns: the exchange alone.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;

use common::{Board, HOUR, ME, START, dec, key, limit, market, named};
use rust_decimal::Decimal;
use simulator::exchange::{
    Amendment, Exchange, OrderRef, OrderRequest, OrderStatus, PositionSide, Refusal, Side, TimeInForce, Wallet,
};
use simulator::market::{Product, Venue};

const B: Venue = Venue::Binance;
const Y: Venue = Venue::Bybit;
const PERP: Product = Product::Perp;
const SPOT: Product = Product::Spot;

fn total(exchange: &Exchange, wallet: Wallet, asset: &str) -> Decimal {
    let held = exchange.balance(ME, wallet, asset);
    held.free + held.locked
}

fn for_side(side: PositionSide, request: OrderRequest) -> OrderRequest {
    OrderRequest {
        position_side: side,
        ..request
    }
}

#[test]
fn hedge_mode_holds_both_sides_and_pays_each_its_funding() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange.set_hedged(ME, &btc, true).unwrap();
    assert_eq!(exchange.set_hedged(ME, &btc, true), Err(Refusal::Unchanged));
    let place = |exchange: &mut Exchange, request: &OrderRequest| exchange.place(ME, B, PERP, request, START);
    let plain = market("BTCUSDT", Side::Buy, "1");
    assert_eq!(place(&mut exchange, &plain).unwrap_err(), Refusal::PositionSide);
    place(
        &mut exchange,
        &for_side(PositionSide::Long, market("BTCUSDT", Side::Buy, "2")),
    )
    .unwrap();
    place(
        &mut exchange,
        &for_side(PositionSide::Short, market("BTCUSDT", Side::Sell, "0.5")),
    )
    .unwrap();
    assert_eq!(exchange.held(ME, &btc, PositionSide::Long), dec("2"));
    assert_eq!(exchange.held(ME, &btc, PositionSide::Short), dec("-0.5"));
    assert_eq!(exchange.positions(ME, B, START).len(), 2);
    // A sale on the long side only shrinks it.
    let too_much = for_side(PositionSide::Long, market("BTCUSDT", Side::Sell, "3"));
    assert_eq!(place(&mut exchange, &too_much).unwrap_err(), Refusal::ReduceOnly);
    exchange.advance(START + 8 * HOUR);
    let paid: Vec<Decimal> = exchange.funding_rows(ME, B).map(|row| row.quantity).collect();
    assert_eq!(paid, [dec("2"), dec("-0.5")]);
    assert_eq!(exchange.set_hedged(ME, &btc, false), Err(Refusal::PositionsInTheWay));
}

#[test]
fn a_position_in_isolation_falls_alone_and_costs_its_margin() {
    let board = Board::new();
    let mut exchange = board.exchange();
    let (btc, eth) = (key(B, PERP, "BTCUSDT"), key(B, PERP, "ETHUSDT"));
    exchange.set_isolated(ME, &btc, true).unwrap();
    exchange.set_leverage(ME, &btc, dec("20")).unwrap();
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "1"), START)
        .unwrap();
    exchange
        .place(ME, B, PERP, &market("ETHUSDT", Side::Buy, "1"), START)
        .unwrap();
    let position = exchange.position(ME, &btc, START).unwrap();
    let aside = position.isolated_margin.unwrap();
    assert!((dec("2500")..dec("2501")).contains(&aside), "{aside}");
    // One twentieth down is the end of it, although the account has far more.
    let falls_at = position.liquidation_price.unwrap();
    assert!((dec("47700")..dec("47800")).contains(&falls_at), "{falls_at}");
    assert_eq!(exchange.position(ME, &eth, START).unwrap().isolated_margin, None);
    let more = exchange
        .move_margin(ME, (&btc, PositionSide::Both), dec("100"), START)
        .unwrap();
    assert_eq!(more, aside + dec("100"));
    let back = exchange.move_margin(ME, (&btc, PositionSide::Both), dec("-2000"), START);
    assert_eq!(back, Err(Refusal::InsufficientMargin));
    let less = exchange.set_leverage(ME, &btc, dec("10"));
    assert_eq!(less, Err(Refusal::PositionsInTheWay));
    let before = total(&exchange, Wallet::Usdm, "USDT");
    board.set(&btc, "45000");
    exchange.advance(START + 60_000);
    assert!(!exchange.holds(ME, &btc) && exchange.holds(ME, &eth));
    let lost = before - total(&exchange, Wallet::Usdm, "USDT");
    assert_eq!(lost, more, "the fund bears what is beyond the margin");
}

#[test]
fn leverage_bounds_what_a_position_may_be_worth() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange.set_leverage(ME, &btc, dec("50")).unwrap();
    // 41 coins of 50,000 are beyond the first tier; at half the leverage the second takes them.
    let asked = limit("BTCUSDT", Side::Buy, "41", "49000", TimeInForce::Gtc);
    let refused = exchange.place(ME, B, PERP, &asked, START).unwrap_err();
    assert_eq!(refused, Refusal::PositionLimit { max: dec("2000000") });
    exchange.set_leverage(ME, &btc, dec("25")).unwrap();
    exchange.place(ME, B, PERP, &asked, START).unwrap();
}

#[test]
fn an_amended_order_keeps_its_name_and_frees_what_it_no_longer_needs() {
    let mut exchange = Board::new().exchange();
    let asked = named("a", limit("BTCUSDT", Side::Buy, "1", "40000", TimeInForce::Gtc));
    let order = exchange.place(ME, B, SPOT, &asked, START).unwrap();
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, dec("40000"));
    let by_name = OrderRef::Client("a".to_owned());
    let change = |quantity: &str, price: &str| Amendment {
        quantity: Some(dec(quantity)),
        price: Some(dec(price)),
    };
    let amend = |exchange: &mut Exchange, change| exchange.amend(ME, (B, SPOT), &by_name, change, START);
    let changed = amend(&mut exchange, change("0.5", "30000")).unwrap();
    assert_eq!((changed.id, changed.status), (order.id, OrderStatus::New));
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, dec("15000"));
    assert_eq!(
        amend(&mut exchange, change("0.5", "30000")).unwrap_err(),
        Refusal::Unchanged
    );
    // What cannot be afforded leaves everything as it was.
    let too_much = amend(&mut exchange, change("50", "30000"));
    assert!(
        matches!(too_much, Err(Refusal::InsufficientBalance { .. })),
        "{too_much:?}"
    );
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, dec("15000"));
    // A price that reaches the book fills at once.
    let filled = amend(&mut exchange, change("0.5", "51000")).unwrap();
    assert_eq!(filled.status, OrderStatus::Filled);
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, Decimal::ZERO);
    assert_eq!(
        amend(&mut exchange, change("1", "1")).unwrap_err(),
        Refusal::OrderClosed
    );
}

#[test]
fn money_moves_between_wallets_and_no_more_than_is_free() {
    let mut exchange = Board::new().exchange();
    let route = (Wallet::Usdm, Wallet::Spot);
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "10"), START)
        .unwrap();
    let all = exchange.transfer_between(ME, route, "USDT", dec("100000"), START);
    assert!(
        matches!(all, Err(Refusal::InsufficientBalance { .. })),
        "margin is in use"
    );
    let before = total(&exchange, Wallet::Usdm, "USDT") + total(&exchange, Wallet::Spot, "USDT");
    let id = exchange
        .transfer_between(ME, route, "USDT", dec("1000"), START)
        .unwrap();
    let after = total(&exchange, Wallet::Usdm, "USDT") + total(&exchange, Wallet::Spot, "USDT");
    assert_eq!(before, after);
    let rows: Vec<u64> = exchange.transfers(ME).map(|row| row.id).collect();
    assert_eq!(rows, [id]);
}

#[test]
fn a_countdown_cancels_what_nobody_keeps_alive() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange
        .place(
            ME,
            B,
            PERP,
            &limit("BTCUSDT", Side::Buy, "1", "40000", TimeInForce::Gtc),
            START,
        )
        .unwrap();
    exchange.count_down(ME, &btc, Some(START + 5_000));
    exchange.advance(START + 4_000);
    exchange.count_down(ME, &btc, Some(START + 9_000));
    exchange.advance(START + 8_000);
    assert_eq!(exchange.open_orders(ME, B, PERP).count(), 1);
    exchange.advance(START + 9_000);
    assert_eq!(exchange.open_orders(ME, B, PERP).count(), 0);
}

#[test]
fn bybit_margins_the_whole_account_and_hedges_one_contract() {
    let mut exchange = Board::new().exchange();
    let (btc, eth) = (key(Y, PERP, "BTCUSDT"), key(Y, PERP, "ETHUSDT"));
    exchange.set_isolated(ME, &btc, true).unwrap();
    assert!(exchange.isolated(ME, &eth));
    exchange.set_hedged(ME, &btc, true).unwrap();
    assert!(!exchange.hedged(ME, &eth));
    assert!(!exchange.isolated(ME, &key(B, PERP, "BTCUSDT")));
}

#[test]
fn binance_expires_what_would_trade_with_its_own_account() {
    let mut exchange = Board::new().exchange();
    let place = |exchange: &mut Exchange, request: &OrderRequest| exchange.place(ME, B, PERP, request, START).unwrap();
    // The book's best bid is 49,999.9 and its second 49,999.8: the first order stands before both, the other far behind.
    let inside = limit("BTCUSDT", Side::Buy, "0.1", "50000", TimeInForce::Gtc);
    let before = place(&mut exchange, &inside);
    let behind = place(
        &mut exchange,
        &limit("BTCUSDT", Side::Buy, "0.1", "40000", TimeInForce::Gtc),
    );
    let sale = place(&mut exchange, &market("BTCUSDT", Side::Sell, "0.5"));
    assert_eq!(sale.status, OrderStatus::Filled);
    let status = |id: u64| exchange.order_by_number(id).unwrap().status;
    assert_eq!(status(before.id), OrderStatus::ExpiredInMatch);
    assert_eq!(status(behind.id), OrderStatus::New);
}

#[test]
fn a_trade_takes_its_levels_out_of_the_book_until_others_quote_again() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    let before = exchange.market().depth(&btc, START).unwrap();
    // Levels hold one coin each.
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "1.5"), START)
        .unwrap();
    let after = exchange.market().depth(&btc, START + 10).unwrap();
    assert_eq!(after.bids, before.bids);
    assert_eq!(after.asks.len(), before.asks.len() - 1);
    let touch = after.asks.first().unwrap();
    assert_eq!(
        (touch.price, touch.quantity),
        (before.asks.get(1).unwrap().price, dec("0.5"))
    );
    assert_eq!(exchange.market().best(&btc, START + 10).unwrap().ask, *touch);
    let next = exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "0.5"), START + 20)
        .unwrap();
    assert_eq!(next.average_price(), Some(touch.price));
    assert_eq!(exchange.market().depth(&btc, START + 1_020).unwrap(), before);
}

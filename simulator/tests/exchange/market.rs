//! What happens to an account without its doing: settlements, hands on the market, margin, others.

use rust_decimal::Decimal;
use simulator::exchange::{CashKind, Event, Foreign, ForeignKind, OrderRef, Refusal, Side, Wallet};

use super::common::{Board, HOUR, ME, START, dec, key, market, named};
use super::{B, PERP, SPOT, Y, hand, total};

#[test]
fn a_settlement_pays_who_held_at_the_boundary_and_nobody_else() {
    let mut exchange = Board::new().exchange();
    let boundary = START + 8 * HOUR;
    exchange.advance(boundary - 1);
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), boundary - 1)
        .unwrap();
    exchange.take_events();
    exchange.advance(boundary);
    // Opened at the very boundary, after it has been settled: nothing for this one.
    exchange
        .place(ME, Y, PERP, &market("BTCUSDT", Side::Buy, "1"), boundary)
        .unwrap();
    exchange.advance(boundary + HOUR);
    let row = exchange.funding_rows(ME, B).next().unwrap();
    // Short, positive rate: received.
    assert_eq!(
        (row.amount, row.quantity, row.settled_ms),
        (dec("5"), dec("-1"), boundary)
    );
    assert_eq!(exchange.funding_rows(ME, B).count(), 1);
    assert_eq!(exchange.funding_rows(ME, Y).count(), 0);
    let events = exchange.take_events();
    assert!(matches!(&events[0], Event::Funding(row) if row.settled_ms == boundary));
    assert!(matches!(&events[1], Event::Balance(change) if change.delta == dec("5")));
    exchange.advance(START + 32 * HOUR);
    let at: Vec<_> = exchange
        .funding_rows(ME, Y)
        .map(|row| (row.settled_ms, row.amount))
        .collect();
    assert_eq!(
        at,
        [
            (START + 16 * HOUR, dec("-5")),
            (START + 24 * HOUR, dec("-5")),
            (START + 32 * HOUR, dec("-5"))
        ]
    );
}

#[test]
fn a_hand_on_the_market_moves_rate_interval_price_spread_and_depth() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), START)
        .unwrap();
    let text = r#"{"venue":"binance","symbol":"BTCUSDT","product":"usdm","funding_rate":"0.002","interval_hours":1,
        "mark_price":"51000","spread_bps":"4","depth_usd":"1000000"}"#;
    exchange.override_market(&hand(text), START + HOUR / 2).unwrap();
    let best = exchange.market().best(&btc, START + HOUR / 2).unwrap();
    assert_eq!((best.bid.price, best.ask.price), (dec("50989.8"), dec("51010.2")));
    let depth = exchange.market().depth(&btc, START + HOUR / 2).unwrap();
    let side: Decimal = depth.bids.iter().map(|level| level.price * level.quantity).sum();
    assert!(side > dec("990000") && side <= dec("1000000"), "{side}");
    let terms = exchange.market().funding(&btc, START + HOUR / 2).unwrap();
    assert_eq!(
        (terms.predicted, terms.next_ms, terms.interval_hours),
        (dec("0.002"), START + HOUR, 1)
    );
    exchange.advance(START + 2 * HOUR);
    let paid: Vec<_> = exchange
        .funding_rows(ME, B)
        .map(|row| (row.settled_ms, row.amount))
        .collect();
    assert_eq!(paid, [(START + HOUR, dec("102")), (START + 2 * HOUR, dec("102"))]);
    assert_eq!(exchange.market().settlements(&btc, START, START + 2 * HOUR).len(), 2);
    assert!(
        exchange
            .override_market(&hand(r#"{"venue":"binance","symbol":"NO","funding_rate":"0"}"#), START)
            .is_err()
    );
    let halted = hand(r#"{"venue":"binance","symbol":"BTCUSDT","status":"halted"}"#);
    exchange.override_market(&halted, START + 2 * HOUR).unwrap();
    let refused = exchange.place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "1"), START + 2 * HOUR);
    assert_eq!(refused.unwrap_err(), Refusal::MarketClosed);
}

#[test]
fn margin_is_checked_and_exhausted_margin_is_liquidated() {
    let board = Board::new();
    let mut exchange = board.exchange();
    let btc = key(B, PERP, "BTCUSDT");
    // 20 BTC are 1,000,000 USDT: at 10x that is all of the wallet, and the fee is not left.
    let refused = exchange.place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "20"), START);
    assert_eq!(refused.unwrap_err(), Refusal::InsufficientMargin);
    exchange.set_leverage(ME, &btc, dec("20")).unwrap();
    assert_eq!(
        exchange.set_leverage(ME, &btc, dec("51")).unwrap_err(),
        Refusal::BadLeverage { max: dec("50") }
    );
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "20"), START)
        .unwrap();
    let at = exchange.position(ME, &btc, START).unwrap().liquidation_price.unwrap();
    board.set(&btc, &(at + dec("1")).round_dp(1).to_string());
    exchange.advance(START + 1);
    assert_eq!(exchange.position_quantity(ME, &btc), dec("20"));
    board.set(&btc, &(at - dec("1")).round_dp(1).to_string());
    exchange.advance(START + 2);
    assert_eq!(exchange.position_quantity(ME, &btc), Decimal::ZERO);
    let last = exchange.fills(ME, B, PERP, START + 2).last().unwrap();
    assert!(last.foreign && last.client_id.starts_with("autoclose-"));
    // A gap through the bankruptcy price: the insurance fund pays, the wallet ends at zero and not below.
    let eth = key(Y, PERP, "ETHUSDT");
    exchange
        .place(ME, Y, PERP, &market("ETHUSDT", Side::Buy, "20"), START + 2)
        .unwrap();
    exchange
        .place(ME, Y, SPOT, &market("BTCUSDT", Side::Buy, "1.9"), START + 2)
        .unwrap();
    board.set(&eth, "100");
    board.set(&key(Y, SPOT, "BTCUSDT"), "100");
    exchange.advance(START + 3);
    assert_eq!(exchange.position_quantity(ME, &eth), Decimal::ZERO);
    assert_eq!(total(&exchange, Wallet::Unified, "USDT"), Decimal::ZERO);
    assert!(exchange.cash_rows(ME, Y).any(|row| row.kind == CashKind::Insurance));
}

#[test]
fn foreign_acts_are_marked() {
    let mut exchange = Board::new().exchange();
    let mut act = Foreign {
        kind: ForeignKind::Order,
        symbol: "BTCUSDT".to_owned(),
        side: Side::Buy,
        quantity: dec("0.5"),
        product: None,
        account: None,
    };
    exchange.foreign(Y, &act, START).unwrap();
    exchange.advance(START + 1_000);
    let order = exchange.open_orders(ME, Y, PERP).next().unwrap();
    assert!(order.foreign);
    act.kind = ForeignKind::Trade;
    exchange.foreign(Y, &act, START).unwrap();
    assert_eq!(exchange.position_quantity(ME, &key(Y, PERP, "BTCUSDT")), dec("0.5"));
    act.kind = ForeignKind::Transfer;
    (act.symbol, act.side) = ("USDT".to_owned(), Side::Sell);
    let before = total(&exchange, Wallet::Unified, "USDT");
    exchange.foreign(Y, &act, START).unwrap();
    assert_eq!(total(&exchange, Wallet::Unified, "USDT"), before - dec("0.5"));
    exchange.deleverage(Y, "BTCUSDT", dec("0.5"), START).unwrap();
    assert_eq!(exchange.position_quantity(ME, &key(Y, PERP, "BTCUSDT")), dec("0.25"));
    let last = exchange.fills(ME, Y, PERP, START).last().unwrap();
    assert!(last.foreign && last.price == dec("50000"));
    assert!(exchange.deleverage(B, "BTCUSDT", dec("0.5"), START).is_err());
}

#[test]
fn a_lagging_venue_hides_what_is_new() {
    let mut exchange = Board::new().exchange();
    let mut quirks = exchange.quirks(B);
    quirks.lag_ms = 3_000;
    exchange.set_quirks(B, quirks);
    exchange
        .place(ME, B, PERP, &named("n", market("BTCUSDT", Side::Buy, "1")), START)
        .unwrap();
    let id = OrderRef::Client("n".to_owned());
    assert!(exchange.find_order(ME, B, PERP, &id, START + 2_999).is_none());
    assert!(exchange.find_order(ME, B, PERP, &id, START + 3_000).is_some());
    assert_eq!(exchange.fills(ME, B, PERP, START).count(), 0);
}

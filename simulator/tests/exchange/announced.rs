//! What is announced and comes true: intervals, caps, special settlements, ends, deleveraging.

use simulator::exchange::{AdlRisk, Exchange, Refusal, Side};

use super::common::{Board, HOUR, ME, START, dec, key, market};
use super::{B, PERP, Y, hand};

#[test]
fn an_interval_changes_when_it_was_announced_and_is_paid_by_it() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    let short = market("BTCUSDT", Side::Sell, "1");
    exchange.place(ME, B, PERP, &short, START).unwrap();
    // In nine hours, one after the settlement of 08:00, the interval is four hours.
    let change = r#"{"venue":"binance","symbol":"BTCUSDT","interval_hours":4,"in_s":32400}"#;
    exchange.override_market(&hand(change), START).unwrap();
    let terms = |exchange: &Exchange, at| {
        let terms = exchange.market().funding(&btc, at).unwrap();
        (terms.interval_hours, terms.next_ms)
    };
    exchange.advance(START + HOUR);
    assert_eq!(terms(&exchange, START + HOUR), (8, START + 8 * HOUR));
    // A leap over everything meets it at its time all the same.
    exchange.advance(START + 21 * HOUR);
    assert_eq!(terms(&exchange, START + 21 * HOUR), (4, START + 24 * HOUR));
    let paid: Vec<_> = exchange.funding_rows(ME, B).map(|row| row.settled_ms - START).collect();
    assert_eq!(paid, [8 * HOUR, 12 * HOUR, 16 * HOUR, 20 * HOUR]);
    let rows = exchange.market().settlements(&btc, START, START + 21 * HOUR);
    let hours: Vec<_> = rows.iter().map(|row| row.interval_hours).collect();
    assert_eq!(hours, [8, 4, 4, 4]);
}

#[test]
fn a_rate_beyond_its_cap_is_cut_to_it() {
    let mut exchange = Board::new().exchange();
    let btc = key(Y, PERP, "BTCUSDT");
    exchange
        .place(ME, Y, PERP, &market("BTCUSDT", Side::Sell, "1"), START)
        .unwrap();
    let wild = r#"{"venue":"bybit","symbol":"BTCUSDT","funding_rate":"0.5","funding_cap":"0.003","interval_hours":1}"#;
    exchange.override_market(&hand(wild), START).unwrap();
    let terms = exchange.market().funding(&btc, START).unwrap();
    assert_eq!(
        (terms.predicted, terms.cap, terms.floor),
        (dec("0.003"), dec("0.003"), dec("-0.003"))
    );
    exchange.advance(START + HOUR);
    let low = r#"{"venue":"bybit","symbol":"BTCUSDT","funding_rate":"-0.5"}"#;
    exchange.override_market(&hand(low), START + HOUR).unwrap();
    exchange.advance(START + 2 * HOUR);
    let paid: Vec<_> = exchange.funding_rows(ME, Y).map(|row| (row.rate, row.amount)).collect();
    assert_eq!(paid, [(dec("0.003"), dec("150")), (dec("-0.003"), dec("-150"))]);
    for wrong in ["0", "-0.1", "2"] {
        let text = format!(r#"{{"venue":"bybit","symbol":"BTCUSDT","funding_cap":"{wrong}"}}"#);
        assert!(
            exchange.override_market(&hand(&text), START + 2 * HOUR).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_special_settlement_is_paid_once_beside_the_others() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), START)
        .unwrap();
    let special = r#"{"venue":"binance","symbol":"BTCUSDT","special_rate":"0.02","in_s":3600}"#;
    exchange.override_market(&hand(special), START).unwrap();
    exchange.advance(START + 16 * HOUR);
    let paid: Vec<_> = exchange
        .funding_rows(ME, B)
        .map(|row| (row.settled_ms - START, row.amount))
        .collect();
    assert_eq!(
        paid,
        [(HOUR + 1, dec("1000")), (8 * HOUR, dec("5")), (16 * HOUR, dec("5"))]
    );
    let rows = exchange.market().settlements(&btc, START, START + 16 * HOUR);
    assert_eq!(
        rows.iter().map(|row| row.special).collect::<Vec<_>>(),
        [true, false, false]
    );
    let nowhere = r#"{"venue":"bybit","symbol":"BTCUSDT","special_rate":"0.02"}"#;
    assert!(exchange.override_market(&hand(nowhere), START + 16 * HOUR).is_err());
}

#[test]
fn an_end_is_announced_and_then_comes() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    let end = r#"{"venue":"binance","symbol":"BTCUSDT","status":"delisted","in_s":7200}"#;
    exchange.override_market(&hand(end), START).unwrap();
    assert_eq!(exchange.market().ends(&btc), Some(START + 2 * HOUR));
    exchange.advance(START + HOUR);
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "1"), START + HOUR)
        .unwrap();
    exchange.advance(START + 2 * HOUR);
    let late = exchange.place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), START + 2 * HOUR);
    assert_eq!(late.unwrap_err(), Refusal::MarketClosed);
    assert_eq!(exchange.market().ends(&btc), None, "what has come is announced no more");
}

#[test]
fn deleveraging_shows_where_it_was_done_and_where_it_is_said() {
    let mut exchange = Board::new().exchange();
    let (btc, eth) = (key(B, PERP, "BTCUSDT"), key(B, PERP, "ETHUSDT"));
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "2"), START)
        .unwrap();
    let risk = |exchange: &Exchange, key, at| exchange.market().adl_risk(key, at);
    assert_eq!(risk(&exchange, &btc, START), AdlRisk::Low);
    exchange.deleverage(B, "BTCUSDT", dec("0.5"), START).unwrap();
    assert_eq!(exchange.position_quantity(ME, &btc), dec("-1"));
    assert_eq!(risk(&exchange, &btc, START + HOUR - 1), AdlRisk::High);
    assert_eq!(exchange.position(ME, &btc, START).unwrap().adl_risk, AdlRisk::High);
    assert_eq!(risk(&exchange, &btc, START + HOUR), AdlRisk::Low);
    let said = r#"{"venue":"binance","symbol":"ETHUSDT","adl_risk":"medium"}"#;
    exchange.override_market(&hand(said), START).unwrap();
    assert_eq!(risk(&exchange, &eth, START), AdlRisk::Medium);
}

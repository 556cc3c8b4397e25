//! What the venue does by itself, and what it does not allow: self-trades, too many sockets, announced changes.

use serde_json::{Value, json};

use super::super::testing::{Desk, EIGHT_HOURS};
use crate::exchange::AccountSpec;

const HOUR: i64 = 3_600_000;

/// A resting sale behind the second level and a purchase that goes through it; both as they ended.
fn meet(mode: &str) -> (Value, Value) {
    let mut desk = Desk::new();
    let ask = desk.get("/v5/market/orderbook", "category=linear&symbol=ABCUSDT&limit=3")["result"]["a"].clone();
    let price = |level: usize| ask[level][0].as_str().unwrap().to_owned();
    let (own, far) = (price(1), price(2));
    let resting = format!("category=linear symbol=ABCUSDT side=Sell orderType=Limit qty=1 price={own} orderLinkId=own");
    assert_eq!(desk.order(&resting)["retCode"], 0);
    let taker =
        format!("category=linear symbol=ABCUSDT side=Buy orderType=Limit qty=12 price={far} orderLinkId=taker{mode}");
    assert_eq!(desk.order(&taker)["retCode"], 0);
    let mut row = |link: &str| {
        let query = format!("category=linear&symbol=ABCUSDT&orderLinkId={link}");
        desk.get("/v5/order/realtime", &query)["result"]["list"][0].clone()
    };
    (row("own"), row("taker"))
}

#[test]
fn self_trades_are_prevented_as_the_order_says() {
    let words = |row: &Value| {
        let word = |name: &str| row[name].as_str().unwrap().to_owned();
        [
            word("orderStatus"),
            word("cancelType"),
            word("cumExecQty"),
            word("smpType"),
        ]
    };
    let (resting, taker) = meet("");
    assert_eq!(words(&resting)[..2], ["New", "UNKNOWN"]);
    assert_eq!(words(&taker), ["Filled", "UNKNOWN", "12", "None"]);
    let (resting, taker) = meet(" smpType=CancelMaker");
    assert_eq!(words(&resting), ["Cancelled", "CancelBySmp", "0", "None"]);
    assert_eq!(resting["smpOrderId"], taker["orderId"]);
    assert_eq!(words(&taker), ["Filled", "UNKNOWN", "12", "CancelMaker"]);
    let (resting, taker) = meet(" smpType=CancelTaker");
    assert_eq!(resting["orderStatus"], "New");
    assert_eq!(words(&taker), ["Cancelled", "CancelBySmp", "10", "CancelTaker"]);
    assert_eq!(taker["smpOrderId"], resting["orderId"]);
    let (resting, taker) = meet(" smpType=CancelBoth");
    assert_eq!(
        (&resting["cancelType"], &taker["cancelType"]),
        (&json!("CancelBySmp"), &json!("CancelBySmp"))
    );
    let unknown =
        Desk::new().order("category=linear symbol=ABCUSDT side=Buy orderType=Limit qty=1 price=99 smpType=Maybe");
    assert_eq!(unknown["retCode"], 10001);
}

#[test]
fn the_501st_socket_within_five_minutes_is_refused() {
    let mut desk = Desk::new();
    (0..500).for_each(|_| drop(desk.open("/v5/public/linear")));
    let refused = desk
        .wire
        .open(&mut desk.exchange, "/v5/public/linear", desk.now)
        .err()
        .unwrap();
    assert_eq!(refused.status, 403);
    desk.wait(300_000);
    desk.open("/v5/public/linear");
}

/// Lays a hand on the market.
fn lay(desk: &mut Desk, rest: &Value) {
    let mut hand = json!({ "venue": "bybit", "symbol": "ABCUSDT" });
    hand.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let hand = serde_json::from_value(hand).unwrap();
    desk.exchange.override_market(&hand, desk.now).unwrap();
}

fn listed(desk: &mut Desk) -> Value {
    desk.get("/v5/market/instruments-info", "category=linear&symbol=ABCUSDT")["result"]["list"][0].clone()
}

#[test]
fn an_interval_that_changes_is_listed_quoted_and_paid() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=1");
    assert_eq!(listed(&mut desk)["fundingInterval"], 480);
    let began = desk.now - desk.now.rem_euclid(EIGHT_HOURS);
    lay(
        &mut desk,
        &json!({ "interval_hours": 1, "funding_rate": "0.7", "in_s": 8 * 3_600 }),
    );
    desk.wait(8 * HOUR + 60_000);
    assert_eq!(listed(&mut desk)["fundingInterval"], 60);
    let ticker = desk.get("/v5/market/tickers", "category=linear&symbol=ABCUSDT")["result"]["list"][0].clone();
    assert_eq!(ticker["fundingRate"], "0.005", "the cap of this venue");
    assert_eq!(ticker["fundingIntervalHour"], "1");
    assert_eq!(ticker["nextFundingTime"], (began + 9 * HOUR).to_string());
    desk.wait(2 * HOUR);
    let rows =
        desk.get("/v5/market/funding/history", "category=linear&symbol=ABCUSDT&limit=3")["result"]["list"].clone();
    let told = rows.as_array().unwrap().iter().map(|row| {
        let at: i64 = row["fundingRateTimestamp"].as_str().unwrap().parse().unwrap();
        ((at - began) / HOUR, row["fundingRate"].as_str().unwrap().to_owned())
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            (10, "0.005".to_owned()),
            (9, "0.005".to_owned()),
            (8, "0.0001".to_owned())
        ]
    );
    let log = desk.get(
        "/v5/account/transaction-log",
        "accountType=UNIFIED&category=linear&type=SETTLEMENT",
    );
    assert_eq!(log["result"]["list"].as_array().unwrap().len(), 3, "{log}");
}

#[test]
fn deleveraging_and_an_end_are_shown_before_they_hurt() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=2");
    let rank = |desk: &mut Desk| {
        let rows = desk.get("/v5/position/list", "category=linear&symbol=ABCUSDT");
        rows["result"]["list"][0]["adlRankIndicator"].clone()
    };
    assert_eq!(rank(&mut desk), 2);
    lay(&mut desk, &json!({ "adl_risk": "medium" }));
    assert_eq!(rank(&mut desk), 4);
    desk.exchange
        .deleverage(
            crate::market::Venue::Bybit,
            "ABCUSDT",
            rust_decimal::Decimal::new(5, 1),
            desk.now,
        )
        .unwrap();
    assert_eq!(rank(&mut desk), 5);
    assert_eq!(listed(&mut desk)["deliveryTime"], "0");
    lay(&mut desk, &json!({ "status": "delisted", "in_s": 7_200 }));
    let row = listed(&mut desk);
    assert_eq!(
        (&row["status"], &row["deliveryTime"]),
        (&json!("Trading"), &json!((desk.now + 2 * HOUR).to_string()))
    );
    desk.wait(2 * HOUR);
    assert_eq!(listed(&mut desk)["status"], "Closed");
}

#[test]
fn a_key_bound_to_other_addresses_is_refused() {
    let mut desk = Desk::new();
    let mut spec = AccountSpec::demo();
    (spec.key, spec.secret) = ("k".to_owned(), "s".to_owned());
    spec.addresses = vec!["10.1.2.3".parse().unwrap()];
    desk.exchange = crate::exchange::Exchange::new(Desk::still(), &[spec], 7, 1, desk.now);
    assert_eq!(desk.get("/v5/account/info", "")["retCode"], 10010);
    let mut session = desk.open("/v5/private");
    let frame = desk.auth_frame("k");
    assert_eq!(desk.say(session.as_mut(), &frame)["success"], false);
}

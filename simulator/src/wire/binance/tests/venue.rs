//! What the venue does by itself, and what it does not allow: self-trades, too many streams, announced changes.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::market::{Client, START};
use crate::exchange::AccountSpec;
use crate::wire::Host;

const ORDER: &str = "/fapi/v1/order";
const HOUR: i64 = 3_600_000;

/// A resting sale at 100.3 and a purchase up to 100.4 that goes through it; both as they ended.
fn meet(mode: &str) -> (Value, Value) {
    let mut client = Client::new(Host::BinanceUsdm);
    let resting = "symbol=ABCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=100.3&newClientOrderId=own";
    assert_eq!(client.ok("POST", ORDER, resting)["status"], "NEW");
    let taker = format!(
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=35&price=100.4&newOrderRespType=RESULT{mode}"
    );
    let taker = client.ok("POST", ORDER, &taker);
    (client.ok("GET", ORDER, "symbol=ABCUSDT&origClientOrderId=own"), taker)
}

#[test]
fn self_trades_are_prevented_as_the_order_says() {
    let words = |order: &Value| {
        let word = |name: &str| order[name].as_str().unwrap().to_owned();
        (word("status"), word("executedQty"), word("selfTradePreventionMode"))
    };
    let said = |status: &str, filled: &str, mode: &str| (status.to_owned(), filled.to_owned(), mode.to_owned());
    let (resting, taker) = meet("");
    assert_eq!(words(&resting), said("EXPIRED_IN_MATCH", "0", "EXPIRE_MAKER"));
    assert_eq!(words(&taker), said("FILLED", "35", "EXPIRE_MAKER"));
    let (resting, taker) = meet("&selfTradePreventionMode=EXPIRE_TAKER");
    assert_eq!(resting["status"], "NEW");
    assert_eq!(words(&taker), said("EXPIRED_IN_MATCH", "30", "EXPIRE_TAKER"));
    let (resting, taker) = meet("&selfTradePreventionMode=EXPIRE_BOTH");
    assert_eq!(resting["status"], "EXPIRED_IN_MATCH");
    assert_eq!(words(&taker), said("EXPIRED_IN_MATCH", "30", "EXPIRE_BOTH"));
    let (resting, taker) = meet("&selfTradePreventionMode=NONE");
    assert_eq!(resting["status"], "NEW");
    assert_eq!(words(&taker), said("FILLED", "35", "NONE"));
}

#[test]
fn a_mode_that_the_symbol_does_not_list_is_refused() {
    let order = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=99&selfTradePreventionMode=";
    let mut spot = Client::new(Host::BinanceSpot);
    let listed = spot.get("/api/v3/exchangeInfo", "symbol=ABCUSDT")["symbols"][0].clone();
    assert_eq!(
        listed["allowedSelfTradePreventionModes"],
        json!(["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"])
    );
    assert_eq!(spot.code("POST", "/api/v3/order", &format!("{order}DECREMENT")), -2010);
    assert_eq!(spot.code("POST", "/api/v3/order", &format!("{order}MAYBE")), -1100);
    let placed = spot.ok("POST", "/api/v3/order", &format!("{order}EXPIRE_BOTH"));
    assert_eq!(placed["selfTradePreventionMode"], "EXPIRE_BOTH");
    let mut usdm = Client::new(Host::BinanceUsdm);
    assert_eq!(usdm.code("POST", ORDER, &format!("{order}MAYBE")), -1100);
}

#[test]
fn a_socket_has_1024_streams_and_not_one_more() {
    let mut client = Client::new(Host::BinanceUsdm);
    let mut socket = client.open("/public/ws");
    let mut say = |method: &str, from: usize, to: usize| {
        let names: Vec<String> = (from..to).map(|at| format!("s{at}usdt@bookTicker")).collect();
        let frame = json!({ "method": method, "params": names, "id": 1 }).to_string();
        let mut answers = socket.receive(&mut client.exchange, &frame, client.now);
        client.now += 1_000;
        serde_json::from_str::<Value>(&answers.remove(0)).unwrap()
    };
    assert_eq!(say("SUBSCRIBE", 0, 1_000)["result"], Value::Null);
    // Those that it has already are not counted again.
    assert_eq!(say("SUBSCRIBE", 900, 1_024)["result"], Value::Null);
    let refused = say("SUBSCRIBE", 1_024, 1_025);
    assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(2), &json!(1)));
    assert_eq!(
        say("LIST_SUBSCRIPTIONS", 0, 0)["result"].as_array().unwrap().len(),
        1_024
    );
    assert_eq!(say("UNSUBSCRIBE", 0, 1)["result"], Value::Null);
    assert!(say("SUBSCRIBE", 1_024, 1_025).get("error").is_none());
}

#[test]
fn the_301st_socket_within_five_minutes_is_refused() {
    for host in [Host::BinanceSpot, Host::BinanceUsdm] {
        let mut client = Client::new(host);
        (0..300).for_each(|_| drop(client.open("/ws")));
        let refused = client.wire.open(&mut client.exchange, "/ws", client.now);
        let refused = refused.err().unwrap();
        assert_eq!(refused.status, 429);
        assert!(refused.body.contains("-1003"), "{}", refused.body);
        client.now += 300_000;
        client.open("/ws");
    }
}

/// Lays a hand on the market.
fn lay(client: &mut Client, rest: &Value) {
    let mut hand = json!({ "venue": "binance", "symbol": "ABCUSDT" });
    let fields = hand.as_object_mut().unwrap();
    fields.extend(rest.as_object().unwrap().clone());
    let hand = serde_json::from_value(hand).unwrap();
    client.exchange.override_market(&hand, client.now).unwrap();
}

#[test]
fn an_interval_that_changes_is_listed_quoted_and_paid() {
    let mut client = Client::new(Host::BinanceUsdm);
    client.ok("POST", ORDER, "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=1");
    lay(
        &mut client,
        &json!({ "interval_hours": 2, "funding_cap": "0.003", "funding_rate": "0.9", "in_s": 8 * 3_600 + 60 }),
    );
    let listed = |client: &mut Client| {
        let rows = client.get("/fapi/v1/fundingInfo", "");
        let row = rows.as_array().unwrap().iter().find(|row| row["symbol"] == "ABCUSDT");
        row.map(|row| {
            (
                row["fundingIntervalHours"].clone(),
                row["adjustedFundingRateCap"].clone(),
            )
        })
    };
    let before = listed(&mut client);
    client.now += 8 * HOUR + 61_000;
    let now = listed(&mut client);
    assert_ne!(before, now);
    assert_eq!(now, Some((json!(2), json!("0.00300000"))));
    let premium = client.get("/fapi/v1/premiumIndex", "symbol=ABCUSDT");
    assert_eq!(premium["nextFundingTime"], START + 10 * HOUR);
    assert_eq!(premium["lastFundingRate"], "0.00300000");
    client.now = START + 13 * HOUR;
    let rows = client.get("/fapi/v1/fundingRate", &format!("symbol=ABCUSDT&startTime={START}"));
    let told = rows.as_array().unwrap().iter().map(|row| {
        let hours = (row["fundingTime"].as_i64().unwrap() - START) / HOUR;
        (
            hours,
            row["fundingRate"].as_str().unwrap().to_owned(),
            row["rateType"].as_str().unwrap().to_owned(),
        )
    });
    let row = |hours: i64, rate: &str| (hours, rate.to_owned(), "Regular".to_owned());
    let told: Vec<_> = told.filter(|(hours, _, _)| *hours > 0).collect();
    assert_eq!(
        told,
        [row(8, "0.00010000"), row(10, "0.00300000"), row(12, "0.00300000")]
    );
    let paid = client.ok("GET", "/fapi/v1/income", "incomeType=FUNDING_FEE");
    assert_eq!(paid.as_array().unwrap().len(), 3);
}

#[test]
fn a_special_settlement_is_marked_and_paid() {
    let mut client = Client::new(Host::BinanceUsdm);
    client.ok("POST", ORDER, "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=1");
    lay(&mut client, &json!({ "special_rate": "0.05" }));
    client.now += HOUR;
    let rows = client.get(
        "/fapi/v1/fundingRate",
        &format!("symbol=ABCUSDT&startTime={}", START + 1),
    );
    assert_eq!(
        (&rows[0]["rateType"], &rows[0]["fundingRate"]),
        (&json!("Special"), &json!("0.05000000"))
    );
    let paid = client.ok("GET", "/fapi/v1/income", "incomeType=FUNDING_FEE");
    let amount: Decimal = paid[0]["income"].as_str().unwrap().parse().unwrap();
    assert!(amount > Decimal::new(49, 1) && amount < Decimal::new(51, 1), "{paid}");
}

#[test]
fn deleveraging_and_an_end_are_shown_before_they_hurt() {
    let mut client = Client::new(Host::BinanceUsdm);
    client.ok("POST", ORDER, "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=1");
    let shown = |client: &mut Client| {
        let risk = client.get("/fapi/v1/symbolAdlRisk", "symbol=ABCUSDT")["adlRisk"].clone();
        let rows = client.ok("GET", "/fapi/v1/adlQuantile", "symbol=ABCUSDT");
        (risk, rows[0]["adlQuantile"]["SHORT"].clone())
    };
    assert_eq!(shown(&mut client), (json!("low"), json!(0)));
    lay(&mut client, &json!({ "adl_risk": "medium" }));
    assert_eq!(shown(&mut client), (json!("medium"), json!(2)));
    lay(&mut client, &json!({ "adl_risk": "high" }));
    assert_eq!(shown(&mut client), (json!("high"), json!(4)));
    lay(&mut client, &json!({ "status": "delisted", "in_s": 7_200 }));
    let row = |client: &mut Client| {
        let info = client.get("/fapi/v1/exchangeInfo", "");
        let row = info["symbols"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["symbol"] == "ABCUSDT");
        row.map(|row| (row["status"].clone(), row["deliveryDate"].clone()))
            .unwrap()
    };
    assert_eq!(row(&mut client), (json!("TRADING"), json!(START + 2 * HOUR)));
    client.now += 2 * HOUR;
    client.send("GET", "/fapi/v1/ping", "");
    assert_eq!(row(&mut client).0, json!("CLOSE"));
}

#[test]
fn a_key_bound_to_other_addresses_is_refused() {
    let mut client = Client::new(Host::BinanceSpot);
    let mut spec = AccountSpec::demo();
    spec.addresses = vec!["10.1.2.3".parse().unwrap()];
    client.exchange = crate::exchange::Exchange::new(Box::new(super::market::Board::new()), &[spec], 0, 1, START);
    assert_eq!(client.code("GET", "/api/v3/account", ""), -2015);
    let reply = client.raw("GET", "/api/v3/account", "");
    assert_eq!(reply.status, 401);
}

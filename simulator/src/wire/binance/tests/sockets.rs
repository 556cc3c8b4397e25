//! Streams: routes, silence, contents.

use serde_json::{Value, json};

use super::market::{Client, fixture, keys};
use crate::wire::Host;
use crate::wire::binance::auth::sign;

#[test]
fn a_wrong_route_is_acknowledged_and_silent() {
    let mut client = Client::new(Host::BinanceUsdm);
    let mut socket = client.open("/public/ws");
    let frame = r#"{"method":"SUBSCRIBE","params":["abcusdt@markPrice@1s"],"id":1}"#;
    assert_eq!(
        socket.receive(&mut client.exchange, frame, client.now),
        [r#"{"result":null,"id":1}"#]
    );
    client.now += 5_000;
    assert_eq!(client.tick(&mut *socket), Vec::<Value>::new());
    let mut socket = client.open("/market/stream?streams=abcusdt@markPrice@1s/abcusdt@bookTicker");
    let heard = client.tick(&mut *socket);
    assert_eq!(heard.len(), 1);
    assert_eq!(
        (heard[0]["stream"].as_str(), heard[0]["data"]["e"].as_str()),
        (Some("abcusdt@markPrice@1s"), Some("markPriceUpdate"))
    );
    if let Some(recorded) = fixture("futures-ws-market/nt_mark_price_stream.json") {
        assert!(keys(&recorded).iter().all(|key| heard[0]["data"].get(key).is_some()));
    }
}

#[test]
fn the_best_prices_come_when_they_change() {
    let mut client = Client::new(Host::BinanceUsdm);
    let mut socket = client.open("/ws/abcusdt@bookTicker");
    let first = client.tick(&mut *socket);
    assert_eq!(first.len(), 1);
    if let Some(recorded) = fixture("futures-ws-market/nt_book_ticker_stream.json") {
        assert_eq!(keys(&first[0]), keys(&recorded));
    }
    client.now += 1_000;
    assert_eq!(client.tick(&mut *socket).len(), 0);
    client.now += 60_000;
    assert_eq!(client.tick(&mut *socket).len(), 1);
    let mut spot = Client::new(Host::BinanceSpot);
    let mut socket = spot.open("/ws/abcusdt@bookTicker");
    assert_eq!(keys(&spot.tick(&mut *socket)[0]), ["A", "B", "a", "b", "s", "u"]);
}

#[test]
fn depth_events_join_the_snapshot_and_each_other() {
    let mut client = Client::new(Host::BinanceUsdm);
    let mut socket = client.open("/public/ws/abcusdt@depth@100ms");
    client.tick(&mut *socket);
    let snapshot = client.get("/fapi/v1/depth", "symbol=ABCUSDT")["lastUpdateId"]
        .as_i64()
        .unwrap();
    client.now += 60_000;
    let first = client.tick(&mut *socket).remove(0);
    client.now += 60_000;
    let second = client.tick(&mut *socket).remove(0);
    let id = |event: &Value, name: &str| event[name].as_i64().unwrap();
    assert!(id(&first, "U") <= snapshot && snapshot <= id(&first, "u"));
    assert_eq!(id(&second, "pu"), id(&first, "u"));
    assert!(
        first["b"]
            .as_array()
            .unwrap()
            .iter()
            .any(|level| level == &json!(["100.9", "10.000"]))
    );
}

#[test]
fn the_futures_user_stream_tells_orders_fills_and_funding_until_its_key_expires() {
    let mut client = Client::new(Host::BinanceUsdm);
    let key = client.ok("POST", "/fapi/v1/listenKey", "")["listenKey"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(client.ok("POST", "/fapi/v1/listenKey", "")["listenKey"], key.as_str());
    let mut socket = client.open(&format!("/private/ws?listenKey={key}"));
    assert!(socket.is_private());
    client.ok(
        "POST",
        "/fapi/v1/order",
        "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=4&newClientOrderId=s",
    );
    let heard = client.hear(&mut *socket);
    let names: Vec<&str> = heard.iter().map(|event| event["e"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "ORDER_TRADE_UPDATE",
            "TRADE_LITE",
            "ORDER_TRADE_UPDATE",
            "ACCOUNT_UPDATE"
        ]
    );
    assert_eq!(
        (heard[0]["o"]["x"].as_str(), heard[2]["o"]["X"].as_str()),
        (Some("NEW"), Some("FILLED"))
    );
    assert_eq!(heard[3]["a"]["P"][0]["pa"], "-4");
    for (event, recording) in [
        (&heard[2], "nt_order_update_trade.json"),
        (&heard[3], "nt_account_update.json"),
        (&heard[1], "ntpy_trade_lite.json"),
    ] {
        let Some(recorded) = fixture(&format!("futures-ws-user/{recording}")) else {
            continue;
        };
        assert!(
            keys(&recorded).iter().all(|key| event.get(key).is_some()),
            "{recording}"
        );
        if recorded.get("o").is_some() {
            assert!(
                keys(&recorded["o"])
                    .iter()
                    .all(|key| ["AP", "cr"].contains(key) || event["o"].get(key).is_some())
            );
        }
    }
    client.now += 3_600_001;
    assert_eq!(client.tick(&mut *socket)[0]["e"], "listenKeyExpired");
    assert_eq!(client.tick(&mut *socket), Vec::<Value>::new());
    let next = client.ok("POST", "/fapi/v1/listenKey", "")["listenKey"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(next, key);
    while client.now < super::market::START + 28_800_000 {
        client.now += 1_800_000;
        client.ok("PUT", "/fapi/v1/listenKey", "");
    }
    let mut late = client.open(&format!("/private/ws?listenKey={next}"));
    client.exchange.take_events();
    client.now = super::market::START + 57_600_000 + 60_000;
    client.exchange.advance(client.now);
    client.ok("POST", "/fapi/v1/listenKey", "");
    assert_eq!(
        client.hear(&mut *late),
        Vec::<Value>::new(),
        "its key had run out meanwhile"
    );
}

#[test]
fn funding_is_told_without_positions() {
    let mut client = Client::new(Host::BinanceUsdm);
    client.ok(
        "POST",
        "/fapi/v1/order",
        "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=4",
    );
    client.now = super::market::START + 28_800_000 - 60_000;
    let key = client.ok("POST", "/fapi/v1/listenKey", "")["listenKey"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut socket = client.open(&format!("/private/stream?listenKey={key}"));
    client.exchange.take_events();
    client.now += 120_000;
    client.exchange.advance(client.now);
    let heard = client.hear(&mut *socket);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["stream"], key.as_str());
    let account = &heard[0]["data"]["a"];
    assert_eq!(
        (
            account["m"].as_str(),
            account["S"].as_str(),
            account["P"].as_array().map(Vec::len)
        ),
        (Some("FUNDING_FEE"), Some("ABCUSDT"), Some(0))
    );
    assert_eq!(account["B"][0]["bc"], "0.04000000");
}

#[test]
fn the_spot_user_stream_comes_over_the_api() {
    let mut client = Client::new(Host::BinanceSpot);
    let mut socket = client.open("/ws-api/v3");
    let now = client.now;
    let signature = sign("demo", &format!("apiKey=demo&timestamp={now}")).unwrap();
    let params = json!({"apiKey": "demo", "timestamp": now, "signature": signature});
    let frame = json!({"id": "u1", "method": "userDataStream.subscribe.signature", "params": params}).to_string();
    let answer: Value = serde_json::from_str(&socket.receive(&mut client.exchange, &frame, now)[0]).unwrap();
    assert_eq!(
        (&answer["id"], &answer["status"], &answer["result"]),
        (&json!("u1"), &json!(200), &json!({"subscriptionId": 0}))
    );
    let ping = socket.receive(
        &mut client.exchange,
        r#"{"id":7,"method":"ping","params":{"returnRateLimits":false}}"#,
        now,
    );
    assert_eq!(ping, [r#"{"id":7,"status":200,"result":{}}"#]);
    client.ok(
        "POST",
        "/api/v3/order",
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1",
    );
    client.ok(
        "POST",
        "/api/v3/order",
        "symbol=ABCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.5&price=110&newClientOrderId=r",
    );
    client.ok(
        "DELETE",
        "/api/v3/order",
        "symbol=ABCUSDT&origClientOrderId=r&newClientOrderId=c",
    );
    let heard = client.hear(&mut *socket);
    assert!(heard.iter().all(|message| message["subscriptionId"] == 0));
    let reports: Vec<&Value> = heard
        .iter()
        .map(|message| &message["event"])
        .filter(|event| event["e"] == "executionReport")
        .collect();
    let states: Vec<&str> = reports.iter().map(|event| event["x"].as_str().unwrap()).collect();
    assert_eq!(states, ["NEW", "TRADE", "NEW", "CANCELED"]);
    assert_eq!((&reports[3]["c"], &reports[3]["C"]), (&json!("c"), &json!("r")));
    assert_eq!(
        (&reports[1]["N"], &reports[1]["n"]),
        (&json!("ABC"), &json!("0.00100000"))
    );
    if let Some(recorded) = fixture("spot-ws-user/nt_execution_report_wrapped.json") {
        assert_eq!(keys(reports[0]), keys(&recorded["event"]));
    }
    let last = &heard[heard.len() - 1]["event"];
    assert_eq!(last["B"][0], json!({"a": "ABC", "f": "0.99900000", "l": "0.00000000"}));
}

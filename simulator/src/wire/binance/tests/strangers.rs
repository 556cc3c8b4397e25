//! Calls that clients written by others make.

use serde_json::Value;

use super::market::Client;
use crate::wire::Host;

fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

#[test]
fn candles_open_where_they_are_asked_to() {
    for (host, path) in [
        (Host::BinanceSpot, "/api/v3/klines"),
        (Host::BinanceUsdm, "/fapi/v1/klines"),
    ] {
        let mut client = Client::new(host);
        let rows = client.ok("GET", path, "symbol=ABCUSDT&interval=1h&limit=3");
        assert_eq!(length(&rows), 3);
        let opens = rows[0][0].as_i64().unwrap();
        assert_eq!(opens % 3_600_000, 0);
        assert_eq!(rows[0][6].as_i64().unwrap(), opens + 3_599_999);
        let again = client.ok(
            "GET",
            path,
            &format!("symbol=ABCUSDT&interval=1h&startTime={opens}&limit=2"),
        );
        assert_eq!((length(&again), &again[0][0]), (2, &rows[0][0]));
        assert_eq!(client.code("GET", path, "symbol=ABCUSDT&interval=7h"), -1120);
    }
}

#[test]
fn the_tape_pages_by_id() {
    let mut client = Client::new(Host::BinanceUsdm);
    let rows = client.ok("GET", "/fapi/v1/aggTrades", "symbol=ABCUSDT&limit=5");
    let ids: Vec<i64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["a"].as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    let query = format!("symbol=ABCUSDT&fromId={}&limit=2", ids[1]);
    let page = client.ok("GET", "/fapi/v1/aggTrades", &query);
    assert_eq!(
        (page[0]["a"].as_i64(), page[1]["a"].as_i64()),
        (Some(ids[1]), Some(ids[2]))
    );
}

#[test]
fn a_futures_order_is_modified_and_batches_answer_each_order() {
    let mut client = Client::new(Host::BinanceUsdm);
    let resting = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=2&price=90";
    let id = client.ok("POST", "/fapi/v1/order", resting)["orderId"]
        .as_u64()
        .unwrap();
    let change = format!("symbol=ABCUSDT&orderId={id}&side=BUY&quantity=3&price=91");
    let changed = client.ok("PUT", "/fapi/v1/order", &change);
    assert_eq!(
        (changed["origQty"].as_str(), changed["price"].as_str()),
        (Some("3"), Some("91"))
    );
    assert_eq!(client.code("PUT", "/fapi/v1/order", &change), -5027);
    let orders = "%5B%7B%22symbol%22%3A%22ABCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22type%22%3A%22LIMIT%22%2C%22timeInForce%22%3A%22GTC%22%2C%22quantity%22%3A%221%22%2C%22price%22%3A%2290%22%7D%2C%7B%22symbol%22%3A%22NONE%22%7D%5D";
    let answers = client.ok("POST", "/fapi/v1/batchOrders", &format!("batchOrders={orders}"));
    assert_eq!(
        (answers[0]["status"].as_str(), answers[1]["code"].as_i64()),
        (Some("NEW"), Some(-1121))
    );
    let made = answers[0]["orderId"].as_u64().unwrap();
    let list = format!("symbol=ABCUSDT&orderIdList=%5B{id}%2C{made}%2C1%5D");
    let ended = client.ok("DELETE", "/fapi/v1/batchOrders", &list);
    assert_eq!(ended[0]["status"], "CANCELED");
    assert_eq!(
        (ended[1]["status"].as_str(), ended[2]["code"].as_i64()),
        (Some("CANCELED"), Some(-2011))
    );
}

#[test]
fn modes_are_set_once_and_bind_orders() {
    let mut client = Client::new(Host::BinanceUsdm);
    let dual = "/fapi/v1/positionSide/dual";
    client.ok("POST", dual, "dualSidePosition=true");
    assert_eq!(client.ok("GET", dual, "")["dualSidePosition"], true);
    assert_eq!(client.code("POST", dual, "dualSidePosition=true"), -4059);
    let order = "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=2";
    assert_eq!(client.code("POST", "/fapi/v1/order", order), -4061);
    client.ok("POST", "/fapi/v1/order", &format!("{order}&positionSide=LONG"));
    let rows = client.ok("GET", "/fapi/v3/positionRisk", "");
    assert_eq!((rows[0]["positionSide"].as_str(), length(&rows)), (Some("LONG"), 1));
    assert_eq!(length(&client.ok("GET", "/fapi/v2/positionRisk", "symbol=ABCUSDT")), 2);
    assert_eq!(client.code("POST", dual, "dualSidePosition=false"), -4068);
    assert_eq!(
        client.code("POST", "/fapi/v1/marginType", "symbol=ABCUSDT&marginType=ISOLATED"),
        -4048
    );
    assert_eq!(
        client.code(
            "POST",
            "/fapi/v1/positionMargin",
            "symbol=ABCUSDT&positionSide=LONG&amount=1&type=1"
        ),
        -4049
    );
}

#[test]
fn a_cancel_replace_says_what_became_of_each_half() {
    let mut client = Client::new(Host::BinanceSpot);
    let order = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=2&price=90";
    let id = client.ok("POST", "/api/v3/order", order)["orderId"].as_u64().unwrap();
    let path = "/api/v3/order/cancelReplace";
    let swap = format!("{order}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId={id}");
    let done = client.ok("POST", path, &swap);
    assert_eq!(
        (done["cancelResult"].as_str(), done["newOrderResult"].as_str()),
        (Some("SUCCESS"), Some("SUCCESS"))
    );
    assert_eq!(client.code("POST", path, &swap), -2022);
    let on = format!("{order}&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId={id}");
    assert_eq!(client.code("POST", path, &on), -2021);
}

#[test]
fn the_wallet_service_knows_coins_and_moves_money() {
    let mut client = Client::new(Host::BinanceSpot);
    let coins = client.ok("GET", "/sapi/v1/capital/config/getall", "");
    assert!(coins.as_array().unwrap().iter().any(|row| row["coin"] == "USDT"));
    let moved = client.ok(
        "POST",
        "/sapi/v1/asset/transfer",
        "type=MAIN_UMFUTURE&asset=USDT&amount=5",
    );
    let listed = client.ok("GET", "/sapi/v1/asset/transfer", "type=MAIN_UMFUTURE");
    assert_eq!(
        (&listed["total"], &listed["rows"][0]["tranId"]),
        (&Value::from(1), &moved["tranId"])
    );
    assert_eq!(
        client.code(
            "POST",
            "/sapi/v1/asset/transfer",
            "type=MAIN_UMFUTURE&asset=USDT&amount=5e9"
        ),
        -1100
    );
    assert_eq!(
        client.code(
            "POST",
            "/sapi/v1/asset/transfer",
            "type=MAIN_UMFUTURE&asset=USDT&amount=500000000"
        ),
        -5002
    );
}

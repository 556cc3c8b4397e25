//! Orders, refusals, pages.

use super::market::{Client, START};
use crate::wire::Host;

const ORDER: &str = "/fapi/v1/order";
const SPOT_ORDER: &str = "/api/v3/order";

#[test]
fn a_futures_order_lives_and_dies() {
    let mut client = Client::new(Host::BinanceUsdm);
    let placed = client.ok(
        "POST",
        ORDER,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=2&price=90.00&newClientOrderId=a1",
    );
    assert_eq!(
        (
            placed["status"].as_str(),
            placed["price"].as_str(),
            placed["timeInForce"].as_str()
        ),
        (Some("NEW"), Some("90"), Some("GTX"))
    );
    assert_eq!(placed.get("avgPrice"), None);
    let query = "symbol=ABCUSDT&origClientOrderId=a1";
    assert_eq!(client.ok("GET", ORDER, query)["cumQuote"], "0");
    assert_eq!(client.ok("GET", "/fapi/v1/openOrders", "").as_array().unwrap().len(), 1);
    assert_eq!(client.ok("GET", "/fapi/v3/positionRisk", "")[0]["positionAmt"], "0.000");
    assert_eq!(
        client.code(
            "POST",
            ORDER,
            "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=2&price=90&newClientOrderId=a1"
        ),
        -4116
    );
    assert_eq!(client.ok("DELETE", ORDER, query)["status"], "CANCELED");
    assert_eq!(client.code("DELETE", ORDER, query), -2011);
    assert_eq!(client.code("GET", "/fapi/v1/openOrder", query), -2013);
    client.now += 3 * 86_400_000 + 1;
    assert_eq!(client.code("GET", ORDER, query), -2013);
}

#[test]
fn a_market_order_is_acknowledged_or_resulted_and_booked() {
    let mut client = Client::new(Host::BinanceUsdm);
    let ack = client.ok("POST", ORDER, "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=12");
    assert_eq!(
        (ack["status"].as_str(), ack["executedQty"].as_str()),
        (Some("NEW"), Some("0"))
    );
    let done = client.ok(
        "POST",
        ORDER,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=2&reduceOnly=true&newOrderRespType=RESULT",
    );
    assert_eq!(
        (done["status"].as_str(), done["cumQty"].as_str()),
        (Some("FILLED"), Some("2"))
    );
    let trades = client.ok("GET", "/fapi/v1/userTrades", "symbol=ABCUSDT");
    assert_eq!(trades.as_array().unwrap().len(), 3);
    let from = trades[1]["id"].as_u64().unwrap();
    assert_eq!(
        client.ok(
            "GET",
            "/fapi/v1/userTrades",
            &format!("symbol=ABCUSDT&fromId={from}&limit=1")
        )[0]["id"],
        from
    );
    let risk = client.ok("GET", "/fapi/v3/positionRisk", "symbol=ABCUSDT");
    assert_eq!(risk[0]["positionAmt"], "-10.000");
    let fees = client.ok("GET", "/fapi/v1/income", "incomeType=COMMISSION");
    assert_eq!(fees.as_array().unwrap().len(), 3);
    assert!(fees[0]["income"].as_str().unwrap().starts_with('-'));
    client.now += 28_800_000 + 60_000;
    let paid = client.ok("GET", "/fapi/v1/income", "incomeType=FUNDING_FEE");
    assert_eq!(paid[0]["income"], "0.10000000");
    let span = format!("symbol=ABCUSDT&startTime={}&endTime={}", START - 8 * 86_400_000, START);
    assert_eq!(client.code("GET", "/fapi/v1/userTrades", &span), -4165);
}

#[test]
fn futures_refusals_have_their_codes() {
    let mut client = Client::new(Host::BinanceUsdm);
    let limit = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";
    let cases = [
        ("symbol=NOPE&side=BUY&type=MARKET&quantity=1".to_owned(), -1121),
        ("symbol=ABCUSDT&side=UP&type=MARKET&quantity=1".to_owned(), -1117),
        ("symbol=ABCUSDT&side=BUY&type=MAGIC&quantity=1".to_owned(), -1116),
        ("symbol=ABCUSDT&side=BUY&type=STOP_MARKET&quantity=1".to_owned(), -4120),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=X&quantity=1&price=90".to_owned(),
            -1115,
        ),
        ("symbol=ABCUSDT&side=BUY&type=MARKET".to_owned(), -1102),
        (
            "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&price=3".to_owned(),
            -1106,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&positionSide=LONG".to_owned(),
            -4061,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&reduceOnly=true".to_owned(),
            -2022,
        ),
        ("symbol=ABCUSDT&side=BUY&type=MARKET&quantity=0".to_owned(), -4003),
        ("symbol=ABCUSDT&side=BUY&type=MARKET&quantity=101".to_owned(), -4005),
        (format!("{limit}&quantity=1&price=90.05"), -4014),
        (format!("{limit}&quantity=1&price=90.005"), -1111),
        (format!("{limit}&quantity=1.0005&price=90"), -1111),
        (format!("{limit}&quantity=0.01&price=90"), -4164),
        (format!("{limit}&quantity=1&price=9000"), -4016),
        (format!("{limit}&quantity=1&price=1"), -4024),
        (format!("{limit}&quantity=1&price=90&newClientOrderId=a%20b"), -4015),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=110".to_owned(),
            -5022,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=500&price=100.2".to_owned(),
            -5021,
        ),
    ];
    for (query, code) in cases {
        assert_eq!(client.code("POST", ORDER, &query), code, "{query}");
    }
    client.ok("POST", "/fapi/v1/leverage", "symbol=ABCUSDT&leverage=1");
    for _ in 0..10 {
        client.raw("POST", ORDER, &format!("{limit}&quantity=100&price=100"));
    }
    assert_eq!(
        client.code("POST", ORDER, &format!("{limit}&quantity=100&price=100")),
        -2019
    );
    assert_eq!(
        client.code("POST", "/fapi/v1/leverage", "symbol=ABCUSDT&leverage=51"),
        -4028
    );
    assert_eq!(
        client.code("POST", "/fapi/v1/marginType", "symbol=ABCUSDT&marginType=CROSSED"),
        -4046
    );
    assert_eq!(
        client.code("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=false"),
        -4059
    );
    assert_eq!(client.code("PUT", "/fapi/v1/listenKey", ""), -1125);
}

#[test]
fn a_spot_order_fills_pays_its_fee_in_base_and_is_listed() {
    let mut client = Client::new(Host::BinanceSpot);
    let full = client.ok("POST", SPOT_ORDER, "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=12");
    assert_eq!(
        (full["status"].as_str(), full["executedQty"].as_str()),
        (Some("FILLED"), Some("12.00000000"))
    );
    assert_eq!(full["fills"].as_array().unwrap().len(), 2);
    assert_eq!(full["fills"][0]["commissionAsset"], "ABC");
    let account = client.ok("GET", "/api/v3/account", "omitZeroBalances=true");
    assert_eq!(
        account["balances"][0],
        serde_json::json!({"asset":"ABC","free":"11.98800000","locked":"0.00000000"})
    );
    assert_eq!(
        client
            .ok("GET", "/api/v3/myTrades", "symbol=ABCUSDT")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let maker = client.ok(
        "POST",
        SPOT_ORDER,
        "symbol=ABCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1&price=90&newClientOrderId=m1",
    );
    assert_eq!(
        super::market::keys(&maker),
        ["clientOrderId", "orderId", "orderListId", "symbol", "transactTime"]
    );
    let gone = client.ok(
        "DELETE",
        SPOT_ORDER,
        "symbol=ABCUSDT&origClientOrderId=m1&newClientOrderId=c1",
    );
    assert_eq!(
        (gone["clientOrderId"].as_str(), gone["origClientOrderId"].as_str()),
        (Some("c1"), Some("m1"))
    );
    assert_eq!(client.code("DELETE", "/api/v3/openOrders", "symbol=ABCUSDT"), -2011);
}

#[test]
fn spot_refusals_have_their_codes_and_texts() {
    let mut client = Client::new(Host::BinanceSpot);
    let cases = [
        (
            "type=LIMIT&timeInForce=GTC&quantity=1&price=90.05",
            -1013,
            "Filter failure: PRICE_FILTER",
        ),
        (
            "type=LIMIT&timeInForce=GTC&quantity=1.0005&price=90",
            -1013,
            "Filter failure: LOT_SIZE",
        ),
        (
            "type=LIMIT&timeInForce=GTC&quantity=0.01&price=90",
            -1013,
            "Filter failure: NOTIONAL",
        ),
        (
            "type=LIMIT&timeInForce=GTC&quantity=1&price=9000",
            -1013,
            "Filter failure: PERCENT_PRICE_BY_SIDE",
        ),
        ("type=MARKET&quantity=101", -1013, "Filter failure: MARKET_LOT_SIZE"),
        (
            "type=LIMIT_MAKER&quantity=1&price=110",
            -2010,
            "Order would immediately match and take.",
        ),
        (
            "type=LIMIT&timeInForce=GTC&quantity=1000&price=400",
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            "type=LIMIT&timeInForce=GTC&quantity=1.123456789&price=90",
            -1111,
            "Parameter 'quantity' has too much precision.",
        ),
    ];
    for (query, code, msg) in cases {
        let reply = client.raw("POST", SPOT_ORDER, &format!("symbol=ABCUSDT&side=BUY&{query}"));
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body, serde_json::json!({"code": code, "msg": msg}), "{query}");
    }
    client.ok(
        "POST",
        SPOT_ORDER,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=90&newClientOrderId=x",
    );
    assert_eq!(
        client.code(
            "POST",
            SPOT_ORDER,
            "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=90&newClientOrderId=x"
        ),
        -2010
    );
    assert_eq!(
        client.code("GET", SPOT_ORDER, "symbol=ABCUSDT&origClientOrderId=y"),
        -2013
    );
}

#[test]
fn who_may_not_is_told_so() {
    let mut client = Client::new(Host::BinanceUsdm);
    let mut status = |query: &str| {
        let reply = client.send("GET", "/fapi/v3/balance", query);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        (reply.status, body["code"].as_i64().unwrap())
    };
    assert_eq!(status(""), (400, -1102));
    assert_eq!(
        status(&format!("timestamp={}&signature={}", START - 6_000, "0".repeat(64))),
        (400, -1021)
    );
    assert_eq!(
        status(&format!("timestamp={START}&signature={}", "0".repeat(64))),
        (400, -1022)
    );
    assert_eq!(client.send("GET", "/fapi/v1/nope", "").status, 404);
    assert_eq!(client.send("POST", "/fapi/v1/time", "").status, 405);
    assert_eq!(
        Client::new(Host::BinanceSpot)
            .send("POST", "/api/v3/userDataStream", "")
            .status,
        410
    );
}

#[test]
fn settlements_are_paged_and_adjusted_terms_listed() {
    let mut client = Client::new(Host::BinanceUsdm);
    let rows = client.get("/fapi/v1/fundingRate", "symbol=ABCUSDT&limit=3");
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let stamps: Vec<i64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["fundingTime"].as_i64().unwrap())
        .collect();
    assert!(stamps.is_sorted() && stamps[2] > START - 28_800_000 - 20);
    let info = client.get("/fapi/v1/fundingInfo", "");
    let listed: Vec<&str> = info
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["symbol"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ["XYZUSDT"]);
}

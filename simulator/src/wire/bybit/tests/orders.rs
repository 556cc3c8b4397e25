//! The life of an order, its money and its funding.

use serde_json::Value;

use super::super::testing::{Desk, EIGHT_HOURS, START};

fn rows(answer: &Value) -> &Vec<Value> {
    answer["result"]["list"].as_array().unwrap()
}

#[test]
fn an_acknowledgement_names_the_order_and_nothing_else() {
    let mut desk = Desk::new();
    let ack = desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Limit qty=2 price=100.5 orderLinkId=a-1");
    let result = ack["result"].as_object().unwrap();
    assert_eq!(result.len(), 2);
    assert_eq!(result["orderLinkId"], "a-1");

    let open = desk.get("/v5/order/realtime", "category=linear&settleCoin=USDT");
    assert_eq!(rows(&open).len(), 1);
    let row = &rows(&open)[0];
    assert_eq!(row["orderStatus"], "New");
    assert_eq!(
        (&row["price"], &row["qty"], &row["leavesQty"]),
        (&"100.5".into(), &"2".into(), &"2".into())
    );
    assert_eq!(row["orderId"], result["orderId"]);
    assert_eq!(
        desk.get("/v5/order/realtime", "category=linear")["retCode"],
        10001,
        "a scope is required"
    );

    let cancel = format!(
        r#"{{"category":"linear","symbol":"ABCUSDT","orderId":{}}}"#,
        result["orderId"]
    );
    assert_eq!(desk.post("/v5/order/cancel", &cancel)["result"]["orderLinkId"], "a-1");
    assert_eq!(desk.post("/v5/order/cancel", &cancel)["retCode"], 110_001);
    let recent = desk.get("/v5/order/realtime", "category=linear&orderLinkId=a-1");
    assert_eq!(rows(&recent)[0]["orderStatus"], "Cancelled");
    assert_eq!(rows(&recent)[0]["cancelType"], "CancelByUser");
    assert!(rows(&desk.get("/v5/order/realtime", "category=linear&symbol=ABCUSDT")).is_empty());
    assert_eq!(rows(&desk.get("/v5/order/history", "category=linear")).len(), 1);
    desk.wait(86_400_001);
    assert!(
        rows(&desk.get("/v5/order/history", "category=linear")).is_empty(),
        "unfilled ones are kept for a day"
    );
}

#[test]
fn a_market_order_fills_and_its_executions_page() {
    let mut desk = Desk::new();
    let ack = desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=8 orderLinkId=m");
    assert_eq!(ack["retCode"], 0, "{ack}");
    let done = desk.get("/v5/order/realtime", "category=linear&orderLinkId=m");
    let order = &rows(&done)[0];
    assert_eq!(
        (&order["orderStatus"], &order["timeInForce"]),
        (&"Filled".into(), &"IOC".into())
    );
    assert_eq!(
        (&order["cumExecQty"], &order["cumExecValue"]),
        (&"8".into(), &"801.1".into())
    );
    assert_eq!(order["avgPrice"], "100.1375");

    let executions = desk.get("/v5/execution/list", "category=linear&symbol=ABCUSDT");
    assert_eq!(rows(&executions).len(), 2);
    let newest = &rows(&executions)[0];
    assert_eq!(
        (&newest["execPrice"], &newest["execQty"]),
        (&"100.2".into(), &"3".into())
    );
    assert_eq!(
        (&newest["execType"], &newest["isMaker"]),
        (&"Trade".into(), &false.into())
    );
    assert_eq!(
        (&newest["feeRate"], &newest["execFee"]),
        (&"0.00055".into(), &"0.16533".into())
    );
    let first = desk.get("/v5/execution/list", "category=linear&limit=1");
    assert_eq!(rows(&first)[0], *newest);
    let cursor = first["result"]["nextPageCursor"].as_str().unwrap().to_owned();
    let second = desk.get(
        "/v5/execution/list",
        &format!("category=linear&limit=1&cursor={cursor}"),
    );
    assert_eq!(
        (
            rows(&second)[0]["execQty"].as_str(),
            second["result"]["nextPageCursor"].as_str()
        ),
        (Some("5"), Some(""))
    );
    assert_eq!(
        desk.get(
            "/v5/execution/list",
            &format!("category=linear&startTime=0&endTime={START}")
        )["retCode"],
        10001
    );
}

#[test]
fn a_fill_moves_position_wallet_and_log() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=8 orderLinkId=m");
    let held = desk.get("/v5/position/list", "category=linear&settleCoin=USDT");
    let position = &rows(&held)[0];
    assert_eq!(
        (&position["side"], &position["size"], &position["avgPrice"]),
        (&"Buy".into(), &"8".into(), &"100.1375".into())
    );
    let wallet = desk.get("/v5/account/wallet-balance", "accountType=UNIFIED&coin=USDT");
    assert_eq!(rows(&wallet)[0]["coin"][0]["walletBalance"], "9999.559395");
    let log = desk.get(
        "/v5/account/transaction-log",
        "accountType=UNIFIED&category=linear&type=TRADE",
    );
    assert_eq!(rows(&log).len(), 2);
    let entry = &rows(&log)[0];
    assert_eq!(
        (&entry["fee"], &entry["change"], &entry["size"]),
        (&"0.16533".into(), &"-0.16533".into(), &"8".into())
    );
    assert_eq!(entry["cashBalance"], "9999.559395");
    assert_eq!(entry["orderLinkId"], "m");
}

#[test]
fn an_immediate_order_that_finds_no_book_ends_cancelled_after_its_acknowledgement() {
    let mut desk = Desk::new();
    let ack = desk.order(
        "category=linear symbol=ABCUSDT side=Buy orderType=Limit timeInForce=IOC qty=6 price=100.1 orderLinkId=i",
    );
    assert_eq!(ack["retCode"], 0);
    let done = desk.get("/v5/order/realtime", "category=linear&orderLinkId=i");
    let order = &rows(&done)[0];
    assert_eq!(
        (&order["orderStatus"], &order["cumExecQty"], &order["leavesQty"]),
        (&"Cancelled".into(), &"5".into(), &"0".into())
    );

    let ack = desk
        .order("category=spot symbol=ABCUSDT side=Buy orderType=Limit timeInForce=IOC qty=6 price=100.1 orderLinkId=i");
    assert_eq!(ack["retCode"], 0);
    let done = desk.get("/v5/order/history", "category=spot&orderLinkId=i");
    assert_eq!(rows(&done)[0]["orderStatus"], "PartiallyFilledCanceled");

    let ack = desk.order(
        "category=linear symbol=ABCUSDT side=Buy orderType=Limit timeInForce=PostOnly qty=1 price=101 orderLinkId=p",
    );
    assert_eq!(ack["retCode"], 0);
    let done = desk.get("/v5/order/history", "category=linear&orderLinkId=p");
    let order = &rows(&done)[0];
    assert_eq!(
        (&order["orderStatus"], &order["rejectReason"]),
        (&"Cancelled".into(), &"EC_PostOnlyWillTakeLiquidity".into())
    );
}

#[test]
fn a_contract_price_beyond_the_band_is_moved_to_its_edge() {
    let mut desk = Desk::new();
    desk.order(
        "category=linear symbol=ABCUSDT side=Buy orderType=Limit timeInForce=IOC qty=1 price=150 orderLinkId=far",
    );
    let done = desk.get("/v5/order/realtime", "category=linear&orderLinkId=far");
    assert_eq!(
        (&rows(&done)[0]["price"], &rows(&done)[0]["orderStatus"]),
        (&"105".into(), &"Filled".into())
    );
}

#[test]
fn spot_counts_a_market_buy_in_quote_coin_and_takes_its_fee_in_the_coin() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.order("category=spot symbol=ABCUSDT side=Buy orderType=Market qty=100.1 orderLinkId=q")["retCode"],
        0
    );
    let done = desk.get("/v5/order/realtime", "category=spot&orderLinkId=q");
    let order = &rows(&done)[0];
    assert_eq!(
        (&order["qty"], &order["cumExecQty"], &order["marketUnit"]),
        (&"100.1".into(), &"1".into(), &"quoteCoin".into())
    );
    let fill = &rows(&desk.get("/v5/execution/list", "category=spot"))[0].clone();
    assert_eq!(
        (&fill["feeCurrency"], &fill["execFee"], &fill["feeRate"]),
        (&"ABC".into(), &"0.001".into(), &"0.001".into())
    );
    let wallet = desk.get("/v5/account/wallet-balance", "accountType=UNIFIED");
    let coins = rows(&wallet)[0]["coin"].as_array().unwrap();
    assert_eq!(
        (&coins[0]["coin"], &coins[0]["walletBalance"]),
        (&"ABC".into(), &"0.999".into())
    );
    let log = desk.get("/v5/account/transaction-log", "category=spot");
    let changes: Vec<_> = rows(&log)
        .iter()
        .map(|row| (row["currency"].as_str().unwrap(), row["change"].as_str().unwrap()))
        .collect();
    assert_eq!(changes.len(), 2);
    assert!(
        changes.contains(&("ABC", "0.999")) && changes.contains(&("USDT", "-100.1")),
        "{changes:?}"
    );

    let sold = desk.order("category=spot symbol=ABCUSDT side=Buy orderType=Market marketUnit=baseCoin qty=0.5");
    assert_eq!(sold["retCode"], 0);
    assert_eq!(
        rows(&desk.get("/v5/execution/list", "category=spot&limit=1"))[0]["execQty"],
        "0.5"
    );
}

#[test]
fn reduce_only_closes_what_there_is() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=3");
    let all = "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=0 reduceOnly=true closeOnTrigger=true";
    assert_eq!(desk.order(all)["retCode"], 0);
    let held = desk.get("/v5/position/list", "category=linear&symbol=ABCUSDT");
    assert_eq!(
        (&rows(&held)[0]["side"], &rows(&held)[0]["size"]),
        (&"".into(), &"0".into())
    );
    assert!(rows(&desk.get("/v5/position/list", "category=linear&settleCoin=USDT")).is_empty());
    let closing = &rows(&desk.get("/v5/execution/list", "category=linear&limit=1"))[0].clone();
    assert_eq!(
        (&closing["closedSize"], &closing["execQty"]),
        (&"3".into(), &"3".into())
    );
}

#[test]
fn funding_is_a_settlement_in_the_log_and_a_funding_execution_of_opposite_sign() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=4");
    let mut session = desk.listen(&["execution", "wallet"]);
    desk.heard(session.as_mut());
    desk.wait(EIGHT_HOURS);
    let log = desk.get(
        "/v5/account/transaction-log",
        "accountType=UNIFIED&category=linear&type=SETTLEMENT",
    );
    assert_eq!(rows(&log).len(), 1);
    let row = &rows(&log)[0];
    // Four units at 100 and one basis point: the short receives four cents.
    assert_eq!(
        (&row["funding"], &row["change"], &row["fee"]),
        (&"0.04".into(), &"0.04".into(), &"0".into())
    );
    assert_eq!(
        (&row["side"], &row["size"], &row["qty"]),
        (&"Sell".into(), &"-4".into(), &"4".into())
    );
    assert_eq!(row["transactionTime"], (START + EIGHT_HOURS).to_string());
    assert_eq!(row["feeRate"], "0.0001");

    let paid = desk.get("/v5/execution/list", "category=linear&execType=Funding");
    assert_eq!(
        (&rows(&paid)[0]["execFee"], &rows(&paid)[0]["execType"]),
        (&"-0.04".into(), &"Funding".into())
    );
    assert_eq!(rows(&paid)[0]["execId"], row["tradeId"]);
    let heard = desk.heard(session.as_mut());
    let topics: Vec<_> = heard.iter().map(|message| message["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["execution", "wallet"]);
    assert_eq!(heard[0]["data"][0]["execFee"], "-0.04");

    let history = desk.get("/v5/market/funding/history", "category=linear&symbol=ABCUSDT&limit=2");
    assert_eq!(
        rows(&history)[0]["fundingRateTimestamp"],
        (START + EIGHT_HOURS).to_string()
    );
    assert_eq!(rows(&history).len(), 2);
    let alone = desk.get(
        "/v5/market/funding/history",
        "category=linear&symbol=ABCUSDT&startTime=0",
    );
    assert_eq!(alone["retCode"], 10001);
}

#[test]
fn cancel_all_takes_a_scope_on_contracts() {
    let mut desk = Desk::new();
    for price in ["98", "99"] {
        desk.order(&format!(
            "category=linear symbol=ABCUSDT side=Buy orderType=Limit qty=1 price={price}"
        ));
    }
    assert_eq!(
        desk.post("/v5/order/cancel-all", r#"{"category":"linear"}"#)["retCode"],
        10001
    );
    let gone = desk.post("/v5/order/cancel-all", r#"{"category":"linear","settleCoin":"USDT"}"#);
    assert_eq!((rows(&gone).len(), &gone["result"]["success"]), (2, &"1".into()));
    assert!(rows(&desk.get("/v5/order/realtime", "category=linear&symbol=ABCUSDT")).is_empty());
}

#[test]
fn deleveraging_shows_as_a_trade_of_the_venues_own() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=4");
    let now = desk.now;
    desk.exchange
        .deleverage(
            crate::market::Venue::Bybit,
            "ABCUSDT",
            rust_decimal::Decimal::new(5, 1),
            now,
        )
        .unwrap();
    let newest = &rows(&desk.get("/v5/execution/list", "category=linear&limit=1"))[0].clone();
    assert_eq!(
        (&newest["execType"], &newest["createType"]),
        (&"AdlTrade".into(), &"CreateByAdl_PassThrough".into())
    );
    assert_eq!((&newest["orderLinkId"], &newest["execQty"]), (&"".into(), &"2".into()));
}

//! Calls that clients written by others make.

use serde_json::{Value, json};

use super::super::testing::Desk;

fn list(answer: &Value) -> &Vec<Value> {
    answer["result"]["list"].as_array().unwrap()
}

#[test]
fn candles_start_and_end_where_they_are_asked_to() {
    let mut desk = Desk::new();
    let what = "category=linear&symbol=ABCUSDT&interval=60";
    let rows = desk.get("/v5/market/kline", &format!("{what}&limit=3"));
    let opens: Vec<i64> = list(&rows)
        .iter()
        .map(|row| row[0].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!((opens.len(), opens[0] - opens[2]), (3, 7_200_000));
    let again = desk.get("/v5/market/kline", &format!("{what}&start={}&limit=2", opens[2]));
    assert_eq!(list(&again)[1][0], opens[2].to_string());
    let marks = desk.get("/v5/market/mark-price-kline", &format!("{what}&limit=2"));
    assert_eq!(list(&marks)[0].as_array().unwrap().len(), 5);
}

#[test]
fn categories_without_instruments_list_none() {
    let mut desk = Desk::new();
    for category in ["inverse", "option"] {
        for path in ["/v5/market/instruments-info", "/v5/position/list", "/v5/order/realtime"] {
            let answer = desk.get(path, &format!("category={category}"));
            assert_eq!(
                (answer["retCode"].as_i64(), list(&answer).len()),
                (Some(0), 0),
                "{path}"
            );
        }
    }
    assert_eq!(desk.get("/v5/market/tickers", "category=futures")["retCode"], 10001);
}

#[test]
fn an_order_is_amended_and_batches_answer_each_order() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Limit qty=1 price=97 orderLinkId=a");
    let amend = r#"{"category":"linear","symbol":"ABCUSDT","orderLinkId":"a","qty":"2"}"#;
    assert_eq!(desk.post("/v5/order/amend", amend)["retCode"], 0);
    assert_eq!(desk.post("/v5/order/amend", amend)["retCode"], 10001);
    let open = desk.get("/v5/order/realtime", "category=linear&symbol=ABCUSDT");
    assert_eq!(list(&open)[0]["qty"], "2");
    let row = json!({ "symbol": "ABCUSDT", "side": "Buy", "orderType": "Limit", "qty": "1", "price": "97" });
    let bad = json!({ "symbol": "ABCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.0001", "price": "97" });
    let batch = json!({ "category": "linear", "request": [row, bad] }).to_string();
    let answer = desk.post("/v5/order/create-batch", &batch);
    let codes: Vec<i64> = answer["retExtInfo"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["code"].as_i64().unwrap())
        .collect();
    assert_eq!((answer["retCode"].as_i64(), codes), (Some(0), vec![0, 10001]));
    let id = list(&answer)[0]["orderId"].clone();
    let cancel = json!({ "category": "linear", "request": [{ "symbol": "ABCUSDT", "orderId": id }] }).to_string();
    let ended = desk.post("/v5/order/cancel-batch", &cancel);
    assert_eq!(ended["retExtInfo"]["list"][0]["code"], 0);
}

#[test]
fn modes_are_set_and_bind_orders() {
    let mut desk = Desk::new();
    let hedge = r#"{"category":"linear","symbol":"ABCUSDT","mode":3}"#;
    assert_eq!(desk.post("/v5/position/switch-mode", hedge)["retCode"], 0);
    assert_eq!(desk.post("/v5/position/switch-mode", hedge)["retCode"], 110_025);
    let order = "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1";
    assert_eq!(desk.order(order)["retCode"], 10001);
    assert_eq!(desk.order(&format!("{order} positionIdx=1"))["retCode"], 0);
    let rows = desk.get("/v5/position/list", "category=linear&symbol=ABCUSDT");
    let sizes: Vec<(i64, &str)> = list(&rows)
        .iter()
        .map(|row| (row["positionIdx"].as_i64().unwrap(), row["size"].as_str().unwrap()))
        .collect();
    assert_eq!(sizes, [(1, "1"), (2, "0")]);
    let one_way = r#"{"category":"linear","symbol":"ABCUSDT","mode":0}"#;
    assert_eq!(desk.post("/v5/position/switch-mode", one_way)["retCode"], 110_024);
    let isolated = r#"{"setMarginMode":"ISOLATED_MARGIN"}"#;
    assert_eq!(desk.post("/v5/account/set-margin-mode", isolated)["retCode"], 3_400_045);
    assert_eq!(
        desk.get("/v5/account/info", "")["result"]["marginMode"],
        "REGULAR_MARGIN"
    );
}

#[test]
fn what_closing_earned_is_less_the_fees_of_both_ends() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=2");
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=1 reduceOnly=true");
    let rows = desk.get("/v5/position/closed-pnl", "category=linear");
    let row = &list(&rows)[0];
    let figure = |name: &str| row[name].as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    assert_eq!(row["closedSize"], "1");
    let fees = figure("openFee") + figure("closeFee");
    assert_eq!(
        figure("closedPnl"),
        figure("cumExitValue") - figure("cumEntryValue") - fees
    );
    assert_eq!(
        figure("openFee"),
        figure("cumEntryValue") * rust_decimal::Decimal::new(55, 5)
    );
}

#[test]
fn risk_tiers_rise_and_candles_and_prints_are_pushed() {
    let mut desk = Desk::new();
    let rows = desk.get("/v5/market/risk-limit", "category=linear&symbol=ABCUSDT");
    assert!(list(&rows).len() > 1);
    assert_eq!(
        (&list(&rows)[0]["isLowestRisk"], &list(&rows)[1]["isLowestRisk"]),
        (&json!(1), &json!(0))
    );
    let mut session = desk.open("/v5/public/linear");
    let frame =
        r#"{"op":"subscribe","args":["kline.1.ABCUSDT","publicTrade.ABCUSDT","priceLimit.ABCUSDT","adlAlert.USDT"]}"#;
    assert_eq!(desk.say(session.as_mut(), frame)["success"], true);
    let first = desk.heard(session.as_mut());
    assert!(first.iter().any(|message| message["topic"] == "kline.1.ABCUSDT"));
    assert!(first.iter().any(|message| message["topic"] == "priceLimit.ABCUSDT"));
    desk.wait(60_000);
    let next = desk.heard(session.as_mut());
    let candle = next
        .iter()
        .find(|message| message["topic"] == "kline.1.ABCUSDT")
        .unwrap();
    let confirmed: Vec<bool> = candle["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["confirm"].as_bool().unwrap())
        .collect();
    assert_eq!(confirmed, [true, false]);
    assert!(next.iter().any(|message| message["topic"] == "publicTrade.ABCUSDT"));
}

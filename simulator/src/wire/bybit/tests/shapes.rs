//! Field for field against recorded messages of the venue.

use serde_json::Value;

use super::super::testing::{Desk, recorded, same_shape};

fn compare(ours: &Value, name: &str, absent: &[&str]) {
    if let Some(theirs) = recorded(name) {
        same_shape(ours, &theirs, absent, name);
    }
}

#[test]
fn market_answers_have_the_venues_fields() {
    let mut desk = Desk::new();
    let contracts = desk.get("/v5/market/instruments-info", "category=linear");
    compare(&contracts, "rest/jk_get_linear_inverse_symbols.json", &[]);
    compare(&contracts, "rest/nt_instruments_linear.json", &["symbolId"]);
    assert_eq!(contracts["result"]["list"][0]["fundingInterval"], 480);
    let coins = desk.get("/v5/market/instruments-info", "category=spot");
    compare(
        &coins,
        "rest/jk_get_account_spot_symbols.json",
        &["isPublicRpi", "myRpiPermission"],
    );
    let contracts = desk.get("/v5/market/tickers", "category=linear");
    compare(&contracts, "rest/jk_get_linear_inverse_tickers.json", &[]);
    compare(&contracts, "rest/rc_tickers_linear_all.json", &[]);
    let coins = desk.get("/v5/market/tickers", "category=spot&symbol=ABCUSDT");
    compare(&coins, "rest/jk_get_spot_tickers.json", &[]);
    let book = desk.get("/v5/market/orderbook", "category=linear&symbol=ABCUSDT&limit=5");
    compare(&book, "rest/nt_orderbook.json", &[]);
    assert_eq!(book["result"]["b"].as_array().unwrap().len(), 5);
    assert_eq!(book["result"]["b"][0], serde_json::json!(["99.9", "5"]));
    let history = desk.get("/v5/market/funding/history", "category=linear&symbol=ABCUSDT");
    compare(&history, "rest/nt_funding_history.json", &[]);
    let bars = desk.get("/v5/market/kline", "category=linear&symbol=ABCUSDT&interval=60&limit=3");
    compare(&bars, "rest/jk_get_klines.json", &[]);
    assert_eq!(bars["result"]["list"].as_array().unwrap().len(), 3);
    let tiers = desk.get("/v5/market/risk-limit", "category=linear");
    compare(&tiers, "rest/jk_get_risk_limit.json", &[]);
    let time = desk.get("/v5/market/time", "");
    assert_eq!(time["result"]["timeNano"], format!("{}000000", desk.now));
}

#[test]
fn account_answers_have_the_venues_fields() {
    let mut desk = Desk::new();
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1 orderLinkId=x");
    let ack = desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Limit qty=1 price=99 orderLinkId=y");
    compare(&ack, "rest/jk_place_order.json", &[]);
    let open = desk.get("/v5/order/realtime", "category=linear&symbol=ABCUSDT");
    compare(&open, "rest/jk_get_orders.json", &[]);
    compare(&open, "rest/nt_orders_realtime.json", &[]);
    let closed = desk.get("/v5/order/history", "category=linear");
    compare(&closed, "rest/jk_get_order_history.json", &[]);
    let fills = desk.get("/v5/execution/list", "category=linear");
    compare(&fills, "rest/jk_get_user_trades.json", &[]);
    compare(&fills, "rest/nt_executions.json", &[]);
    let tape = desk.get("/v5/market/recent-trade", "category=linear&symbol=ABCUSDT");
    compare(&tape, "rest/jk_get_trade_history.json", &[]);
    let held = desk.get("/v5/position/list", "category=linear&symbol=ABCUSDT");
    compare(&held, "rest/nt_positions_with_open_time.json", &["openTime"]);
    let wallet = desk.get("/v5/account/wallet-balance", "accountType=UNIFIED");
    compare(&wallet, "rest/nt_wallet_balance.json", &[]);
    compare(&wallet, "rest/nt_wallet_balance_spot_short.json", &[]);
    let info = desk.get("/v5/account/info", "");
    compare(&info, "rest/nt_account_info.json", &[]);
    let fees = desk.get("/v5/account/fee-rate", "category=linear&symbol=ABCUSDT");
    compare(&fees, "rest/jk_get_fee_rate.json", &[]);
    let key = desk.get("/v5/user/query-api", "");
    if let Some(theirs) = recorded("rest/nt_user_query_api.json") {
        let retired = [
            "Options",
            "FiatP2P",
            "FiatBybitPay",
            "FiatConvertBroker",
            "FiatGlobalPay",
            "FiatBitPay",
            "BitCard",
            "ByXPost",
            "userIDInt64",
            "inviterIDInt64",
            "affiliateIDInt64",
        ];
        same_shape(&key, &theirs, &retired, "query-api");
    }
    let order = r#"{"category":"linear","symbol":"ABCUSDT","orderLinkId":"y"}"#;
    compare(&desk.post("/v5/order/cancel", order), "rest/jk_cancel_order.json", &[]);
}

#[test]
fn pushed_messages_have_the_venues_fields() {
    let mut desk = Desk::new();
    let mut session = desk.listen(&["order", "execution", "execution.fast", "position", "wallet"]);
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1 orderLinkId=x");
    let heard = desk.heard(session.as_mut());
    let last = |topic: &str| heard.iter().rfind(|message| message["topic"] == topic).unwrap();
    compare(last("order"), "ws-private/nt_order_filled.json", &[]);
    compare(last("order"), "ws-private/jk_private_order.json", &[]);
    compare(last("execution"), "ws-private/nt_execution.json", &[]);
    compare(last("execution.fast"), "ws-private/nt_execution_fast.json", &[]);
    compare(last("position"), "ws-private/nt_position.json", &[]);
    compare(last("position"), "ws-private/jk_private_position.json", &[]);
    compare(last("wallet"), "ws-private/jk_private_balance.json", &[]);

    let mut session = desk.open("/v5/public/linear");
    let topics = r#"{"req_id":"1","op":"subscribe","args":["tickers.ABCUSDT","orderbook.50.ABCUSDT"]}"#;
    let ack = desk.say(session.as_mut(), topics);
    compare(&ack, "ws-control/nt_subscription_ack.json", &[]);
    let heard = desk.heard(session.as_mut());
    compare(&heard[0], "ws-public/nt_orderbook_snapshot.json", &[]);
    compare(&heard[1], "ws-public/nt_ticker_linear.json", &[]);
}

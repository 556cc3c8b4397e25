//! Each refusal by its number.

use super::super::testing::Desk;

fn code(desk: &mut Desk, fields: &str) -> i64 {
    desk.order(fields)["retCode"].as_i64().unwrap()
}

#[test]
fn strangers_forgers_and_readers_are_refused() {
    let mut desk = Desk::new();
    let body = |desk: &mut Desk, key: &str, method, path| {
        let reply = desk.call(key, method, path, "");
        assert_eq!(reply.status, 200);
        serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["retCode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(body(&mut desk, "nobody", "GET", "/v5/account/info"), 10003);
    assert_eq!(body(&mut desk, "", "GET", "/v5/account/info"), 10001);
    assert_eq!(body(&mut desk, "k", "GET", "/v5/account/info"), 0);
    let reader = r#"{"category":"linear","symbol":"ABCUSDT","side":"Buy","orderType":"Market","qty":"1"}"#;
    let reply = desk.call("r", "POST", "/v5/order/create", reader);
    assert!(reply.body.starts_with(r#"{"retCode":10005,"#), "{}", reply.body);
    assert!(reply.body.contains(r#""result":{},"retExtInfo":{},"time":"#));
}

#[test]
fn a_wrong_signature_and_a_late_clock_are_told_apart() {
    let mut desk = Desk::new();
    let mut call = |timestamp: i64, secret: &str| {
        let sign = super::super::auth::sign(secret, &format!("{timestamp}k5000"));
        let headers = [
            ("x-bapi-api-key", "k".to_owned()),
            ("x-bapi-timestamp", timestamp.to_string()),
        ];
        let more = [("x-bapi-recv-window", "5000".to_owned()), ("x-bapi-sign", sign)];
        let request = crate::wire::HttpRequest {
            method: "GET".to_owned(),
            path: "/v5/account/info".to_owned(),
            headers: headers
                .into_iter()
                .chain(more)
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..Default::default()
        };
        let reply = desk.wire.http(&mut desk.exchange, &request, desk.now);
        serde_json::from_str::<serde_json::Value>(&reply.body).unwrap()["retCode"]
            .as_i64()
            .unwrap()
    };
    let now = super::super::testing::START + 1_000;
    assert_eq!(call(now, "s"), 0);
    assert_eq!(call(now, "not s"), 10004);
    assert_eq!(call(now - 5_001, "s"), 10002);
    assert_eq!(call(now + 1_000, "s"), 10002);
}

#[test]
fn unknown_paths_are_404_and_floods_are_403() {
    let mut desk = Desk::new();
    assert_eq!(desk.call("k", "GET", "/v5/nowhere", "").status, 404);
    assert_eq!(desk.call("k", "POST", "/v5/market/time", "").status, 404);
    let statuses: Vec<u16> = (0..700)
        .map(|_| desk.call("k", "GET", "/v5/market/time", "").status)
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 102);
}

#[test]
fn the_eleventh_order_of_a_second_is_one_too_many() {
    let mut desk = Desk::new();
    let body = r#"{"category":"linear","symbol":"ABCUSDT","orderId":"x"}"#;
    let first = desk.call("k", "POST", "/v5/order/cancel", body);
    assert!(first.headers.contains(&("X-Bapi-Limit".to_owned(), "10".to_owned())));
    assert!(
        first
            .headers
            .contains(&("X-Bapi-Limit-Status".to_owned(), "9".to_owned()))
    );
    for _ in 0..9 {
        assert!(desk.call("k", "POST", "/v5/order/cancel", body).body.contains("110001"));
    }
    let last = desk.call("k", "POST", "/v5/order/cancel", body);
    assert!(last.body.contains(r#""retCode":10006"#), "{}", last.body);
}

#[test]
fn each_bad_order_has_its_number() {
    let mut desk = Desk::new();
    let linear = "category=linear symbol=ABCUSDT";
    let spot = "category=spot symbol=ABCUSDT";
    for (expected, fields) in [
        (
            10001,
            "category=inverse symbol=ABCUSDT side=Buy orderType=Market qty=1".to_owned(),
        ),
        (
            10001,
            "category=linear symbol=NOUSDT side=Buy orderType=Market qty=1".to_owned(),
        ),
        (
            170_121,
            "category=spot symbol=NOUSDT side=Buy orderType=Market qty=10".to_owned(),
        ),
        (10001, format!("{linear} side=Up orderType=Market qty=1")),
        (10001, format!("{linear} side=Buy orderType=Market qty=one")),
        (10001, format!("{linear} side=Buy orderType=Market qty=1 positionIdx=1")),
        (10001, format!("{linear} side=Buy orderType=Limit qty=1")),
        (10001, format!("{linear} side=Buy orderType=Limit qty=1.0005 price=99")),
        (170_137, format!("{spot} side=Buy orderType=Limit qty=1.0005 price=99")),
        (10001, format!("{linear} side=Buy orderType=Limit qty=1 price=99.05")),
        (170_134, format!("{spot} side=Buy orderType=Limit qty=1 price=99.05")),
        (110_094, format!("{linear} side=Buy orderType=Limit qty=0.01 price=99")),
        (170_140, format!("{spot} side=Buy orderType=Limit qty=0.01 price=99")),
        (10001, format!("{linear} side=Buy orderType=Market qty=501")),
        (170_135, format!("{spot} side=Sell orderType=Market qty=501")),
        (110_007, format!("{linear} side=Buy orderType=Limit qty=1000 price=200")),
        (170_131, format!("{spot} side=Sell orderType=Market qty=1")),
        (170_193, format!("{spot} side=Buy orderType=Limit qty=1 price=106")),
        (170_194, format!("{spot} side=Sell orderType=Limit qty=1 price=94")),
        (
            110_017,
            format!("{linear} side=Sell orderType=Market qty=1 reduceOnly=true"),
        ),
        (
            10001,
            format!("{linear} side=Buy orderType=Market qty=1 orderLinkId=no.dots"),
        ),
        (
            10001,
            format!("{linear} side=Buy orderType=Market qty=1 triggerPrice=90"),
        ),
    ] {
        assert_eq!(code(&mut desk, &fields), expected, "{fields}");
    }
    assert!(desk.events.is_empty(), "nothing happened");
}

#[test]
fn link_ids_are_unique_for_good() {
    let mut desk = Desk::new();
    assert_eq!(
        code(
            &mut desk,
            "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1 orderLinkId=once"
        ),
        0
    );
    assert_eq!(
        code(
            &mut desk,
            "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1 orderLinkId=once"
        ),
        110_072
    );
    assert_eq!(
        code(
            &mut desk,
            "category=spot symbol=ABCUSDT side=Buy orderType=Market qty=50 orderLinkId=once"
        ),
        0
    );
    assert_eq!(
        code(
            &mut desk,
            "category=spot symbol=ABCUSDT side=Buy orderType=Market qty=50 orderLinkId=once"
        ),
        170_141
    );
}

#[test]
fn settings_that_are_so_already_say_so() {
    let mut desk = Desk::new();
    let leverage =
        |n: u8| format!(r#"{{"category":"linear","symbol":"ABCUSDT","buyLeverage":"{n}","sellLeverage":"{n}"}}"#);
    assert_eq!(desk.post("/v5/position/set-leverage", &leverage(3))["retCode"], 0);
    assert_eq!(desk.post("/v5/position/set-leverage", &leverage(3))["retCode"], 110_043);
    assert_eq!(
        desk.post("/v5/position/set-leverage", &leverage(51))["retCode"],
        110_013
    );
    let one_way = r#"{"category":"linear","symbol":"ABCUSDT","mode":0}"#;
    assert_eq!(desk.post("/v5/position/switch-mode", one_way)["retCode"], 110_025);
    assert_eq!(
        code(
            &mut desk,
            "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1"
        ),
        0
    );
    let hedge = r#"{"category":"linear","coin":"USDT","mode":3}"#;
    assert_eq!(desk.post("/v5/position/switch-mode", hedge)["retCode"], 110_024);
    let cross = desk.post("/v5/account/set-margin-mode", r#"{"setMarginMode":"REGULAR_MARGIN"}"#);
    assert_eq!(
        (&cross["retCode"], &cross["result"]["reasons"]),
        (&0.into(), &serde_json::json!([]))
    );
}

#[test]
fn a_contract_that_only_closes_or_trades_no_more_says_so() {
    let mut desk = Desk::new();
    let hand = |status: &str| {
        let text = format!(r#"{{"venue":"bybit","symbol":"ABCUSDT","product":"linear","status":"{status}"}}"#);
        serde_json::from_str::<crate::exchange::MarketOverride>(&text).unwrap()
    };
    let buy = "category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1";
    assert_eq!(code(&mut desk, buy), 0);
    desk.exchange.override_market(&hand("cancel_only"), desk.now).unwrap();
    assert_eq!(code(&mut desk, buy), 110_023);
    let held = desk.get("/v5/position/list", "category=linear&symbol=ABCUSDT");
    assert_eq!(held["result"]["list"][0]["isReduceOnly"], true);
    desk.exchange.override_market(&hand("halted"), desk.now).unwrap();
    assert_eq!(code(&mut desk, buy), 110_074);
    let listed = desk.get("/v5/market/instruments-info", "category=linear");
    assert_eq!(listed["result"]["list"], serde_json::json!([]));
}

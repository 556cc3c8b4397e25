//! Sockets: who may listen, what is acknowledged how, what comes when.

use serde_json::json;

use super::super::testing::{Desk, EIGHT_HOURS};

#[test]
fn a_book_and_a_ticker_send_a_snapshot_and_then_what_changed() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/public/linear");
    let topics = r#"{"op":"subscribe","args":["orderbook.1.ABCUSDT","orderbook.50.ABCUSDT","tickers.ABCUSDT"]}"#;
    assert_eq!(desk.say(session.as_mut(), topics)["success"], true);
    let first = desk.heard(session.as_mut());
    assert!(first.iter().all(|message| message["type"] == "snapshot"), "{first:?}");
    assert_eq!(first.len(), 3);
    assert!(desk.heard(session.as_mut()).is_empty(), "nothing changed");

    desk.wait(60_000);
    let next = desk.heard(session.as_mut());
    let kinds: Vec<_> = next.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["snapshot", "delta", "delta"], "one level is told whole");
    assert_eq!(
        next[1]["data"]["u"].as_u64().unwrap(),
        first[1]["data"]["u"].as_u64().unwrap() + 1
    );
    assert!(
        next[1]["data"]["a"]
            .as_array()
            .unwrap()
            .contains(&json!(["100.1", "0"])),
        "{}",
        next[1]
    );
    let ticker = next[2]["data"].as_object().unwrap();
    assert_eq!(ticker["markPrice"], "101");
    assert!(
        !ticker.contains_key("fundingRate") && !ticker.contains_key("nextFundingTime"),
        "{ticker:?}"
    );
    desk.wait(EIGHT_HOURS);
    let later = desk.heard(session.as_mut());
    assert!(
        later.last().unwrap()["data"]["nextFundingTime"].is_string(),
        "the schedule moved on"
    );
}

#[test]
fn a_bad_topic_fails_the_whole_request() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/public/spot?v=1");
    let ack = desk.say(
        session.as_mut(),
        r#"{"req_id":"7","op":"subscribe","args":["orderbook.1.ABCUSDT","orderbook.3.ABCUSDT"]}"#,
    );
    assert_eq!(ack["success"], false);
    assert_eq!(ack["ret_msg"], "error:handler not found,topic:orderbook.3.ABCUSDT");
    assert_eq!((&ack["req_id"], &ack["op"]), (&"7".into(), &"subscribe".into()));
    assert!(desk.heard(session.as_mut()).is_empty());
    let eleven = json!({ "op": "subscribe", "args": vec!["tickers.ABCUSDT"; 11] }).to_string();
    assert_eq!(desk.say(session.as_mut(), &eleven)["ret_msg"], "args size >10");
    assert_eq!(
        desk.say(session.as_mut(), r#"{"op":"subscribe","args":["tickers.ABCUSDT"]}"#)["success"],
        true
    );
    let ticker = desk.heard(session.as_mut()).remove(0);
    assert!(ticker["data"].get("bid1Price").is_none(), "spot tickers carry no book");
    let off = desk.say(session.as_mut(), r#"{"op":"unsubscribe","args":["tickers.ABCUSDT"]}"#);
    assert_eq!((&off["success"], &off["op"]), (&true.into(), &"unsubscribe".into()));
    desk.wait(60_000);
    assert!(desk.heard(session.as_mut()).is_empty());
}

#[test]
fn three_sockets_have_three_pongs() {
    let mut desk = Desk::new();
    let ping = r#"{"req_id":"p","op":"ping"}"#;
    let mut public = desk.open("/v5/public/linear");
    let answer = desk.say(public.as_mut(), ping);
    assert_eq!(
        (&answer["op"], &answer["ret_msg"], &answer["success"]),
        (&"ping".into(), &"pong".into(), &true.into())
    );
    let mut private = desk.open("/v5/private");
    let answer = desk.say(private.as_mut(), ping);
    assert_eq!(
        (&answer["op"], &answer["args"][0]),
        (&"pong".into(), &desk.now.to_string().into())
    );
    let mut trade = desk.open("/v5/trade");
    let answer = desk.say(trade.as_mut(), ping);
    assert_eq!((&answer["op"], &answer["retCode"]), (&"pong".into(), &0.into()));
    assert!(desk.wire.open(&mut desk.exchange, "/v5/public/option", 0).is_err());
}

#[test]
fn a_stranger_hears_nothing_and_is_hung_up_on() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/private");
    let early = desk.say(session.as_mut(), r#"{"op":"subscribe","args":["order"]}"#);
    assert_eq!(early["success"], false);
    assert!(!session.wants_close());
    let frame = desk.auth_frame("k").replace("\"k\"", "\"nobody\"");
    assert_eq!(desk.say(session.as_mut(), &frame)["success"], false);
    assert!(session.wants_close());
    let mut late = desk.open("/v5/private");
    let frame = desk.auth_frame("k");
    desk.wait(10_000);
    let answer = desk.say(late.as_mut(), &frame);
    assert_eq!(
        (&answer["success"], &answer["ret_msg"]),
        (&false.into(), &"Request expired".into())
    );
}

#[test]
fn an_order_is_told_from_acceptance_to_wallet_and_only_to_its_owner() {
    let mut desk = Desk::new();
    let mut session = desk.listen(&["order.linear", "execution", "position", "wallet"]);
    let mut other = desk.open("/v5/private");
    let frame = desk.auth_frame("r");
    assert_eq!(desk.say(other.as_mut(), &frame)["success"], true);
    desk.say(
        other.as_mut(),
        r#"{"op":"subscribe","args":["order","execution","position","wallet"]}"#,
    );
    desk.order("category=linear symbol=ABCUSDT side=Buy orderType=Market qty=1 orderLinkId=x");
    let events = desk.events.clone();
    let heard = desk.heard(session.as_mut());
    let mut statuses = heard
        .iter()
        .filter(|message| message["topic"] == "order.linear")
        .map(|m| m["data"][0]["orderStatus"].clone());
    assert_eq!(
        (statuses.next(), statuses.next_back()),
        (Some("New".into()), Some("Filled".into()))
    );
    let fill = heard.iter().find(|message| message["topic"] == "execution").unwrap();
    assert_eq!(
        (&fill["data"][0]["orderLinkId"], &fill["data"][0]["category"]),
        (&"x".into(), &"linear".into())
    );
    let position = heard.iter().rfind(|message| message["topic"] == "position").unwrap();
    assert_eq!(
        (&position["data"][0]["size"], &position["data"][0]["entryPrice"]),
        (&"1".into(), &"100.1".into())
    );
    assert_eq!(heard.iter().filter(|message| message["topic"] == "wallet").count(), 1);

    desk.events = events;
    assert!(desk.heard(other.as_mut()).is_empty());
    desk.order("category=spot symbol=ABCUSDT side=Buy orderType=Market qty=50");
    let heard = desk.heard(session.as_mut());
    assert!(
        heard.iter().all(|message| message["topic"] != "order.linear"),
        "spot orders are another topic"
    );
    assert!(heard.iter().any(|message| message["topic"] == "execution"));
}

#[test]
fn a_fill_is_a_trade_of_the_public_tape() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/public/linear");
    desk.say(session.as_mut(), r#"{"op":"subscribe","args":["publicTrade.ABCUSDT"]}"#);
    desk.order("category=linear symbol=ABCUSDT side=Sell orderType=Market qty=1");
    let heard = desk.heard(session.as_mut());
    assert_eq!(
        (&heard[0]["data"][0]["S"], &heard[0]["data"][0]["p"]),
        (&"Sell".into(), &"99.9".into())
    );
}

#[test]
fn the_trade_socket_takes_orders_in_its_own_envelope() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/trade");
    let order = r#"{"reqId":"r1","header":{},"op":"order.create","args":[{"category":"linear","symbol":"ABCUSDT","side":"Buy","orderType":"Market","qty":"1","orderLinkId":"w"}]}"#;
    assert_eq!(desk.say(session.as_mut(), order)["retCode"], 10005);
    let frame = desk.auth_frame("k");
    assert_eq!(desk.say(session.as_mut(), &frame)["retCode"], 0);
    let ack = desk.say(session.as_mut(), order);
    assert_eq!(
        (&ack["reqId"], &ack["retCode"], &ack["data"]["orderLinkId"]),
        (&"r1".into(), &0.into(), &"w".into())
    );
    assert_eq!(
        (&ack["header"]["X-Bapi-Limit"], &ack["header"]["X-Bapi-Limit-Status"]),
        (&"10".into(), &"9".into())
    );
    assert_eq!(desk.say(session.as_mut(), order)["retCode"], 110_072);
    let cancel =
        r#"{"reqId":"r2","op":"order.cancel","args":[{"category":"linear","symbol":"ABCUSDT","orderLinkId":"w"}]}"#;
    assert_eq!(desk.say(session.as_mut(), cancel)["retCode"], 110_001);
    assert_eq!(
        desk.say(session.as_mut(), r#"{"reqId":"r3","op":"order.dream"}"#)["retCode"],
        10404
    );
}

#[test]
fn silence_of_ten_minutes_ends_a_connection() {
    let mut desk = Desk::new();
    let mut session = desk.open("/v5/public/linear");
    desk.wait(600_000);
    desk.heard(session.as_mut());
    assert!(!session.wants_close());
    desk.wait(1);
    desk.heard(session.as_mut());
    assert!(session.wants_close());
}

//! What the truth looks like, and the accounts file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

mod common;

use common::{Board, HOUR, ME, START, dec, key, limit, market, named};
use serde_json::Value;
use simulator::exchange::{
    AccountSpec, Exchange, MarketOverride, RequestRow, Side, TimeInForce, Wallet, parse_accounts,
};
use simulator::market::{Product, Status, Venue};

fn fields(row: &Value) -> Vec<&str> {
    row.as_object().unwrap().keys().map(String::as_str).collect()
}

fn lived() -> Exchange {
    let mut exchange = Board::new().exchange();
    for (venue, product) in [
        (Venue::Binance, Product::Spot),
        (Venue::Binance, Product::Perp),
        (Venue::Bybit, Product::Perp),
    ] {
        exchange
            .place(
                ME,
                venue,
                product,
                &named("a-1", market("BTCUSDT", Side::Buy, "1.5")),
                START,
            )
            .unwrap();
        let rest = limit("BTCUSDT", Side::Buy, "0.1", "45000", TimeInForce::PostOnly);
        exchange.place(ME, venue, product, &rest, START).unwrap();
    }
    let (method, path, query) = ("GET".to_owned(), "/api/v3/time".to_owned(), String::new());
    exchange.record_request(
        Venue::Binance,
        RequestRow {
            time_ms: START,
            method,
            path,
            query,
            status: 200,
            weight: 1,
        },
    );
    exchange.advance(START + 8 * HOUR);
    exchange
}

#[test]
fn the_truth_has_the_rows_that_were_promised() {
    let exchange = lived();
    let truth = exchange.truth(START + 8 * HOUR);
    assert_eq!(fields(&truth), ["now", "venues"]);
    assert_eq!(truth["now"], START + 8 * HOUR);
    assert_eq!(fields(&truth["venues"]), ["binance", "bybit"]);
    for venue in ["binance", "bybit"] {
        let books = ["balances", "fills", "funding", "orders", "positions", "requests"];
        assert_eq!(fields(&truth["venues"][venue]), books);
    }
    let binance = &truth["venues"]["binance"];
    let order = "average_price client_id created_ms filled foreign price product quantity reduce_only side status \
                 symbol time_in_force type updated_ms venue_order_id";
    assert_eq!(fields(&binance["orders"][0]).join(" "), order);
    let fill = "client_id fee fee_asset maker price product quantity side symbol time_ms trade_id venue_order_id";
    assert_eq!(fields(&binance["fills"][0]).join(" "), fill);
    let position = "entry_price liquidation_price mark_price product quantity symbol";
    assert_eq!(fields(&binance["positions"][0]).join(" "), position);
    assert_eq!(fields(&binance["balances"][0]).join(" "), "asset free locked wallet");
    let funding = "amount id mark_price product quantity rate settled_ms symbol";
    assert_eq!(fields(&binance["funding"][0]).join(" "), funding);
    assert_eq!(
        fields(&binance["requests"][0]).join(" "),
        "method path query status time_ms weight"
    );
}

#[test]
fn decimals_are_strings_and_products_have_their_venues_names() {
    let exchange = lived();
    let truth = exchange.truth(START + 8 * HOUR);
    let binance = &truth["venues"]["binance"];
    let bybit = &truth["venues"]["bybit"];
    assert_eq!(binance["orders"][0]["product"], "spot");
    assert_eq!(binance["orders"][2]["product"], "usdm");
    assert_eq!(bybit["orders"][0]["product"], "linear");
    assert_eq!(binance["orders"][0]["quantity"], "1.5");
    assert_eq!(binance["orders"][0]["price"], Value::Null);
    assert_eq!(binance["orders"][1]["price"], "45000");
    assert_eq!(binance["orders"][1]["status"], "NEW");
    assert_eq!(bybit["funding"][0]["amount"], "-7.5");
    assert_eq!(bybit["funding"][0]["settled_ms"], START + 8 * HOUR);
    assert_eq!(bybit["orders"][0]["venue_order_id"].as_str().unwrap().len(), 36);
    let spot = binance["balances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["asset"] == "BTC")
        .unwrap();
    assert_eq!(
        (&spot["wallet"], &spot["free"]),
        (&Value::from("spot"), &Value::from("1.4985"))
    );
}

#[test]
fn an_accounts_file_is_read_or_refused_by_name() {
    let text = r#"{"accounts":[{"key":"k","secret":"s","balances":{"binance":{"spot":{"USDT":"7.5"}},"bybit":{"unified":{}}},
        "permissions":{"withdraw":true}}]}"#;
    let specs = parse_accounts(text).unwrap();
    let mut exchange = Exchange::new(Box::new(Board::new()), &specs, 1, 1, START);
    let account = exchange.account_by_key("k").unwrap();
    assert_eq!(exchange.balance(account, Wallet::Spot, "USDT").free, dec("7.5"));
    assert_eq!(exchange.balance(account, Wallet::Usdm, "USDT").free, dec("0"));
    assert!(exchange.account(account).unwrap().permissions.withdraw);
    assert!(
        exchange
            .place(
                account,
                Venue::Binance,
                Product::Spot,
                &market("BTCUSDT", Side::Buy, "1"),
                START
            )
            .is_err()
    );
    let refused = |text: &str| parse_accounts(text).unwrap_err().to_string();
    assert!(refused(r#"{"accounts":[]}"#).contains("empty"));
    assert!(refused(r#"{"accounts":[{"key":"","secret":"s"}]}"#).contains("empty key"));
    assert!(refused(r#"{"accounts":[{"key":"a","secret":"s"},{"key":"a","secret":"t"}]}"#).contains("`a`"));
    let okx = r#"{"accounts":[{"key":"a","secret":"s","balances":{"okx":{"spot":{}}}}]}"#;
    assert!(refused(okx).contains("okx.spot"));
    let minus = r#"{"accounts":[{"key":"a","secret":"s","balances":{"bybit":{"unified":{"USDT":"-1"}}}}]}"#;
    assert!(refused(minus).contains("bybit.unified.USDT"));
    assert!(refused(r#"{"accounts":[{"key":"a","secret":"s","colour":1}]}"#).contains("colour"));
}

#[test]
fn what_is_wrong_with_an_accounts_file_is_told_with_its_line() {
    let refused = |text: &str| parse_accounts(text).unwrap_err().to_string();
    let file = |third: &str| {
        let first = r#"{"key":"a{[","secret":"s \"}","balances":{"bybit":{"unified":{"USDT":"1"}}}}"#;
        format!("{{\n\"accounts\": [\n{first},\n{{\"key\":\"b\",\"secret\":\"t\"}},\n{third}\n]}}\n")
    };
    let wrong = [
        (r#"{"key":"","secret":"s"}"#, "empty key"),
        (r#"{"key":"b","secret":"s"}"#, "`b` stands twice"),
        (r#"{"key":"c","secret":"s","balances":{"okx":{"spot":{}}}}"#, "okx.spot"),
        (
            r#"{"key":"c","secret":"s","balances":{"bybit":{"unified":{"USDT":"-1"}}}}"#,
            "unified.USDT",
        ),
        (r#"{"key":"c","secret":"s","addresses":["here"]}"#, "IP address"),
        (r#"{"key":"c","secret":"s","permissions":{"trade":true}}"#, "trade"),
        (
            r#"{"key":"c","secret":"s","balances":{"bybit":{"unified":{"USDT":"much"}}}}"#,
            "much",
        ),
    ];
    for (third, why) in wrong {
        let said = refused(&file(third));
        assert!(said.contains("line 5") && said.contains(why), "{said}");
    }
    assert!(parse_accounts(&file(r#"{"key":"c","secret":"s"}"#)).is_ok());
}

#[test]
fn a_key_serves_from_the_addresses_that_it_is_bound_to() {
    let text = |addresses: &str| format!(r#"{{"accounts":[{{"key":"k","secret":"s","addresses":{addresses}}}]}}"#);
    let shut_out = |addresses: &str| parse_accounts(&text(addresses)).unwrap()[0].shut_out();
    assert!(shut_out(r#"["10.1.2.3","2001:db8::1"]"#));
    assert!(!shut_out(r#"["10.1.2.3","127.0.0.1"]"#) && !shut_out("[]"));
    assert!(!parse_accounts(r#"{"accounts":[{"key":"k","secret":"s"}]}"#).unwrap()[0].shut_out());
}

#[test]
fn rows_name_their_account_once_there_are_two() {
    let mut second = AccountSpec::demo();
    second.key = "other".to_owned();
    let mut exchange = Exchange::new(Box::new(Board::new()), &[AccountSpec::demo(), second], 1, 1, START);
    let other = exchange.account_by_key("other").unwrap();
    exchange
        .place(
            other,
            Venue::Binance,
            Product::Perp,
            &market("BTCUSDT", Side::Buy, "1"),
            START,
        )
        .unwrap();
    let truth = exchange.truth(START);
    assert_eq!(truth["venues"]["binance"]["fills"][0]["account"], "other");
    assert_eq!(exchange.fills(ME, Venue::Binance, Product::Perp, START).count(), 0);
}

#[test]
fn a_hand_on_the_market_is_read_leniently_in_form_and_strictly_in_meaning() {
    let read = |text: &str| serde_json::from_str::<MarketOverride>(text);
    let hand =
        read(r#"{"venue":"bybit","symbol":"BTCUSDT","product":"linear","funding_rate":0.001,"status":"HALTED"}"#);
    let hand = hand.unwrap();
    assert_eq!(
        (hand.funding_rate, hand.status),
        (Some(dec("0.001")), Some(Status::Halted))
    );
    assert!(
        read(r#"{"venue":"bybit","symbol":"X","status":"asleep"}"#)
            .unwrap_err()
            .to_string()
            .contains("asleep")
    );
    assert!(
        read(r#"{"venue":"bybit","symbol":"X","rate":"1"}"#)
            .unwrap_err()
            .to_string()
            .contains("rate")
    );
    let mut exchange = Board::new().exchange();
    exchange.override_market(&hand, START).unwrap();
    assert_eq!(
        exchange.market().status(&key(Venue::Bybit, Product::Perp, "BTCUSDT")),
        Some(Status::Halted)
    );
    assert_eq!(
        exchange.market().status(&key(Venue::Bybit, Product::Spot, "BTCUSDT")),
        Some(Status::Trading)
    );
}

//! Lists of hedges that must be refused, and those that must be taken.

use backtest::hedges::{HedgesError, Size, parse};
use serde_json::{Value, json};

fn sound() -> Value {
    json!({"id": "S1", "symbol": "BTCUSDT", "long": "binance-spot", "short": "bybit-perp", "quantity": "0.19",
           "fixed_notional": null, "entry": "2024-02-20T00:00Z", "exit": "2024-03-20T00:00Z", "note": {"any": 1}})
}

#[test]
fn a_list_stands_alone_or_under_its_name() {
    let bare = parse(&json!([sound()]).to_string()).unwrap();
    let named = parse(&json!({"conventions": "x", "hedges": [sound()]}).to_string()).unwrap();
    assert_eq!(bare, named);
    assert_eq!(bare[0].id.as_deref(), Some("S1"));
    assert_eq!(parse("[]"), Ok(Vec::new()));
    let mut number = sound();
    number["quantity"] = json!(0.19);
    assert_eq!(
        parse(&json!([number]).to_string()).unwrap()[0].size,
        Size::Quantity("0.19".parse().unwrap())
    );
}

#[test]
fn what_is_no_list_is_refused() {
    for text in ["", "{", "7", "{\"hedge\":[]}", "{\"hedges\":{}}"] {
        assert!(matches!(parse(text), Err(HedgesError::Shape(_))), "{text}");
    }
}

#[test]
fn a_field_that_is_missing_or_wrong_is_named_with_its_place() {
    let cases: [(&str, Value, &str); 19] = [
        ("symbol", Value::Null, "symbol"),
        ("symbol", json!("../../etc/passwd"), "symbol"),
        ("symbol", json!(7), "symbol"),
        ("long", json!("kraken-spot"), "long"),
        ("long", json!("bybit-perp"), "short"),
        ("long", Value::Null, "long"),
        ("short", json!("bybit-spot"), "short"),
        ("quantity", json!("a lot"), "quantity"),
        ("quantity", json!("0"), "quantity"),
        ("quantity", json!("-1"), "quantity"),
        ("quantity", json!(0.123_456_789_012_345_6), "quantity"),
        ("quantity", json!(true), "quantity"),
        ("quantity", Value::Null, "quantity"),
        ("fixed_notional", json!("10000"), "fixed_notional"),
        ("entry", json!("2024-02-20T00:00"), "entry"),
        ("entry", json!("2024-02-20T00:30Z"), "entry"),
        ("entry", json!("2024-03-20T00:00Z"), "exit"),
        ("exit", json!("yesterday"), "exit"),
        ("fills", json!({"leg": "bybit-perp"}), "fills"),
    ];
    for (field, value, blamed) in cases {
        let mut wrong = sound();
        wrong[field] = value.clone();
        let error = parse(&json!([sound(), wrong]).to_string()).unwrap_err();
        let HedgesError::Field {
            index,
            id,
            field: named,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(
            (*index, id.as_deref(), *named),
            (1, Some("S1"), blamed),
            "{field}: {value}"
        );
    }
    let error = parse("[7]").unwrap_err().to_string();
    assert_eq!(error, "hedge 0, field (all): expected an object, found 7");
}

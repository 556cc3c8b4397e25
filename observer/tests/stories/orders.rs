//! I1 one intent, one order; I8 intent before action; I11 what closes is sent reduce-only.

use crate::prelude::*;

#[test]
fn i1_an_order_sent_twice_is_found() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    let twin = Order {
        venue_order_id: "other".into(),
        ..order("a", SPOT, Side::Buy, "1")
    };
    facts.push(Fact::VenueOrder(twin));
    assert_eq!(broken(facts), ["I1"]);
}

#[test]
fn i1_the_same_order_told_twice_is_one_order() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    facts.push(Fact::VenueOrder(order("a", SPOT, Side::Buy, "1.0")));
    facts.push(Fact::IntentCommitted(intent(
        "a",
        SPOT,
        Side::Buy,
        "1.00",
        Purpose::Open,
    )));
    assert_eq!(broken(facts), [] as [&str; 0]);
}

#[test]
fn i1_an_order_with_other_content_than_its_intent_is_found() {
    for wrong in [
        order("a", PERP, Side::Buy, "1"),
        order("a", BYBIT, Side::Buy, "1"),
        order("a", SPOT, Side::Sell, "1"),
        order("a", SPOT, Side::Buy, "2"),
        Order {
            price: Some(d("100.1")),
            ..order("a", SPOT, Side::Buy, "1")
        },
    ] {
        let committed = Fact::IntentCommitted(intent("a", SPOT, Side::Buy, "1", Purpose::Open));
        assert_eq!(broken([committed, Fact::VenueOrder(wrong)]), ["I1"]);
    }
}

#[test]
fn i1_a_client_id_used_for_two_intents_is_found() {
    let first = intent("a", SPOT, Side::Buy, "1", Purpose::Open);
    let second = Intent {
        hedge: "h2".into(),
        ..first.clone()
    };
    assert_eq!(
        broken([Fact::IntentCommitted(first), Fact::IntentCommitted(second)]),
        ["I1"]
    );
}

#[test]
fn i1_an_order_at_another_price_than_intended_is_found() {
    let bounded = |price| Intent {
        price,
        ..intent("a", SPOT, Side::Buy, "1", Purpose::Open)
    };
    let sent = |price| {
        Fact::VenueOrder(Order {
            price,
            ..order("a", SPOT, Side::Buy, "1")
        })
    };
    let (meant, beyond) = (Some(d("100.0")), Some(d("100.1")));
    let fine = [Fact::IntentCommitted(bounded(meant)), sent(Some(d("100")))];
    assert_eq!(broken(fine), [] as [&str; 0]);
    for wrong in [beyond, None] {
        let facts = [Fact::IntentCommitted(bounded(meant)), sent(wrong)];
        assert_eq!(broken(facts), ["I1"]);
    }
}

#[test]
fn i11_a_closing_order_of_a_perpetual_that_is_not_reduce_only_is_found() {
    let closing = |place, reduce_only| {
        let sent = Order {
            reduce_only,
            ..order("a", place, Side::Buy, "1")
        };
        let intent = intent("a", place, Side::Buy, "1", Purpose::Close);
        broken([Fact::IntentCommitted(intent), Fact::VenueOrder(sent)])
    };
    for place in [PERP, BYBIT] {
        assert_eq!(closing(place, false), ["I11"]);
        assert_eq!(closing(place, true), [] as [&str; 0]);
    }
    assert_eq!(closing(SPOT, false), [] as [&str; 0], "spot knows no such flag");
}

#[test]
fn i8_an_order_before_its_intent_is_found() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    facts.swap(0, 1);
    assert_eq!(broken(facts), ["I8"]);
    let stray = Fact::VenueFill(fill("t", "nobody", SPOT, Side::Buy, "1", "100"));
    assert_eq!(broken([stray]), ["I8"]);
}

#[test]
fn i8_a_foreign_order_needs_no_intent() {
    let human = Order {
        foreign: true,
        ..order("web_1", SPOT, Side::Buy, "1")
    };
    let their_fill = fill("t", "web_1", SPOT, Side::Buy, "1", "100");
    assert_eq!(
        broken([Fact::VenueOrder(human), Fact::VenueFill(their_fill)]),
        [] as [&str; 0]
    );
}

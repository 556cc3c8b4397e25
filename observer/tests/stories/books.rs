//! I3 every fill and funding payment exactly once.

use crate::prelude::*;

#[test]
fn i3_a_fill_booked_twice_or_never_is_found() {
    let mut twice = booked("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    twice.push(Fact::LedgerFill(fill("t-a", "a", SPOT, Side::Buy, "1", "100")));
    assert_eq!(broken(twice), ["I3"]);

    let mut never = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    assert_eq!(broken(never.clone()), [] as [&str; 0], "until rest it may be under way");
    never.push(Fact::Quiescent);
    assert_eq!(broken(never), ["I3"]);
}

#[test]
fn i3_a_fill_booked_wrongly_is_found_at_once_and_at_rest() {
    let right = fill("t-a", "a", SPOT, Side::Buy, "1", "100");
    let other_fee = Fill {
        fee: d("0.2"),
        ..right.clone()
    };
    let other_side = Fill {
        side: Side::Sell,
        ..right.clone()
    };
    let other_coin = Fill {
        fee_asset: "BNB".into(),
        ..right
    };
    for wrong in [other_fee, other_side, other_coin] {
        let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
        facts.extend([Fact::LedgerFill(wrong), Fact::Quiescent]);
        assert_eq!(broken(facts), ["I3", "I3"]);
    }
}

#[test]
fn i3_two_equal_fills_are_two() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    let half = || fill("t", "a", SPOT, Side::Buy, "0.5", "100");
    facts.truncate(2);
    facts.extend([Fact::VenueFill(half()), Fact::VenueFill(half())]);
    facts.extend([Fact::LedgerFill(half()), Fact::LedgerFill(half()), Fact::Quiescent]);
    assert_eq!(broken(facts), [] as [&str; 0]);
}

#[test]
fn i3_funding_is_compared_like_fills() {
    let paid = || Fact::VenueFunding(funding("0.3"));
    let row = || Fact::LedgerFunding(funding("0.30"));
    assert_eq!(broken([paid(), row(), Fact::Quiescent]), [] as [&str; 0]);
    assert_eq!(broken([paid(), row(), row()]), ["I3"]);
    assert_eq!(broken([paid(), Fact::Quiescent]), ["I3"]);
    assert_eq!(broken([paid(), Fact::LedgerFunding(funding("-0.3"))]), ["I3"]);
}

#[test]
fn foreign_trades_are_asked_of_the_ledger_only_where_it_books_them() {
    let facts = || {
        vec![
            Fact::VenueOrder(Order {
                foreign: true,
                ..order("web_1", PERP, Side::Buy, "5")
            }),
            Fact::VenueFill(fill("w", "web_1", PERP, Side::Buy, "5", "100")),
            Fact::VenueCash(cash("usdm", "USDT", "-0.1")),
            Fact::VenuePosition(position("5")),
            Fact::Quiescent,
        ]
    };
    assert_eq!(broken(facts()), ["I3", "I4", "I4"]);
    let bounds = Bounds {
        foreign_is_booked: false,
        ..Bounds::default()
    };
    assert_eq!(told(bounds, facts()).violations(), []);
}

//! I2a bounded exposure; I11 closing never opens.

use crate::prelude::*;

#[test]
fn i2a_the_first_leg_alone_is_within_bounds_and_its_double_is_not() {
    assert_eq!(
        broken(trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)),
        [] as [&str; 0]
    );
    let both_legs_long = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)
        .into_iter()
        .chain(trade("b", PERP, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(broken(both_legs_long), ["I2a"]);
}

#[test]
fn i2a_the_tolerance_of_the_asset_counts() {
    let facts = || {
        trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)
            .into_iter()
            .chain(trade("b", SPOT, Side::Buy, "0.001", "100", Purpose::Open))
    };
    assert_eq!(broken(facts()), ["I2a"]);
    let bounds = Bounds {
        naked: [("BTC".to_owned(), d("0.001"))].into(),
        ..Bounds::default()
    };
    assert_eq!(told(bounds, facts()).violations(), []);
}

#[test]
fn i2a_legs_are_weighed_in_units_of_the_asset() {
    let thousand = |mut facts: Vec<Fact>| {
        for fact in &mut facts {
            if let Fact::IntentCommitted(intent) = fact {
                intent.multiplier = d("1000");
            }
        }
        facts
    };
    let long = trade("a", SPOT, Side::Buy, "1000", "100", Purpose::Open);
    let matched = thousand(trade("b", PERP, Side::Sell, "1", "100", Purpose::Open));
    let later = Fact::IntentCommitted(intent("z", PERP, Side::Buy, "1", Purpose::Open));
    let observer = told(Bounds::default(), long.iter().cloned().chain(matched).chain([later]));
    assert_eq!(observer.violations(), []);
    assert_eq!(
        observer.longest_naked_ms(),
        3_000,
        "hedged by one contract of a thousand"
    );
    let wrong_way = thousand(trade("b", PERP, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(broken(long.into_iter().chain(wrong_way)), ["I2a"]);
}

#[test]
fn i2a_the_way_back_from_beyond_the_bound_is_not_held_against_the_engine() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    facts.extend(trade("b", PERP, Side::Buy, "1", "100", Purpose::Open));
    facts.extend(trade("c", PERP, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(broken(facts.clone()), ["I2a", "I2a"], "each step further out is told");
    facts.extend(trade("e", PERP, Side::Sell, "0.5", "100", Purpose::Close));
    assert_eq!(broken(facts), ["I2a", "I2a"], "a step back is not, though still beyond");
}

#[test]
fn i2a_what_the_venue_forces_is_not_the_engines_doing_but_the_answer_is() {
    let hedged = || {
        let mut facts = vec![];
        for (long, short) in [("a", "b"), ("c", "e")] {
            facts.extend(trade(long, SPOT, Side::Buy, "1", "100", Purpose::Open));
            facts.extend(trade(short, PERP, Side::Sell, "1", "100", Purpose::Open));
        }
        facts.push(Fact::VenueFill(fill("adl", "", PERP, Side::Buy, "2", "90")));
        facts
    };
    let cut = trade("x", SPOT, Side::Sell, "2", "90", Purpose::Close);
    assert_eq!(broken(hedged().into_iter().chain(cut)), [] as [&str; 0]);
    let worse = trade("x", SPOT, Side::Buy, "1", "90", Purpose::Open);
    assert_eq!(broken(hedged().into_iter().chain(worse)), ["I2a"]);
}

#[test]
fn i11_closing_more_than_is_held_or_in_the_wrong_direction_is_found() {
    let close = |side, quantity| {
        let opened = trade("a", PERP, Side::Sell, "1", "100", Purpose::Open);
        broken(
            opened
                .into_iter()
                .chain(trade("c", PERP, side, quantity, "100", Purpose::Close)),
        )
    };
    assert_eq!(close(Side::Buy, "1"), [] as [&str; 0]);
    assert_eq!(close(Side::Buy, "0.4"), [] as [&str; 0]);
    assert_eq!(close(Side::Buy, "1.1"), ["I11"], "turns over");
    assert_eq!(close(Side::Sell, "0.1"), ["I2a", "I11"], "grows");
    let closing_nothing = trade("c", PERP, Side::Buy, "1", "100", Purpose::Close);
    assert_eq!(broken(closing_nothing), ["I11"], "opens");
}

#[test]
fn i11_a_foreign_trade_does_not_excuse_or_accuse_the_engine() {
    let with_foreign = |side| {
        let mut facts = trade("a", PERP, Side::Sell, "1", "100", Purpose::Open);
        facts.push(Fact::VenueOrder(Order {
            foreign: true,
            ..order("web_1", PERP, side, "5")
        }));
        facts.push(Fact::VenueFill(fill("w", "web_1", PERP, side, "5", "100")));
        facts.extend(trade("c", PERP, Side::Buy, "1", "100", Purpose::Close));
        broken(facts)
    };
    assert_eq!(with_foreign(Side::Buy), [] as [&str; 0]);
    assert_eq!(with_foreign(Side::Sell), [] as [&str; 0]);
}

#[test]
fn i2b_a_leg_that_is_matched_in_time_passes_and_one_that_is_not_is_found() {
    let story = |most| {
        let bounds = Bounds {
            naked_at_most_ms: Some(most),
            ..Bounds::default()
        };
        let long = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
        let short = trade("b", PERP, Side::Sell, "1", "100", Purpose::Open);
        told(bounds, long.into_iter().chain(short))
    };
    let matched = story(3_000);
    assert_eq!(matched.violations(), []);
    assert_eq!(matched.exercised()["I2b"], 1);
    let late = story(2_999);
    assert_eq!(late.violations().len(), 1);
    assert_eq!(late.violations()[0].invariant, "I2b");
}

#[test]
fn i2b_what_a_stranger_takes_from_a_leg_is_to_be_answered_and_what_is_his_own_is_not() {
    let bounds = || Bounds {
        naked_at_most_ms: Some(1_000),
        ..Bounds::default()
    };
    let by_hand = |name: &'static str, side, quantity: &'static str| {
        let foreign = Fact::VenueOrder(Order {
            foreign: true,
            ..order(name, PERP, side, quantity)
        });
        [foreign, Fact::VenueFill(fill(name, name, PERP, side, quantity, "100"))]
    };
    let story = |trades: Vec<[Fact; 2]>| {
        let mut facts = trade("a", PERP, Side::Sell, "1", "100", Purpose::Open);
        facts.extend(trade("b", SPOT, Side::Buy, "1", "100", Purpose::Open));
        let mut observer = Observer::new(bounds());
        for fact in facts.into_iter().chain(trades.into_iter().flatten()) {
            observer.observe(0, fact);
        }
        observer.observe(60_000, Fact::Quiescent);
        observer.violations().iter().any(|one| one.invariant == "I2b")
    };
    assert!(!story(vec![by_hand("w1", Side::Sell, "3")]), "his own");
    let back = vec![by_hand("w1", Side::Sell, "3"), by_hand("w2", Side::Buy, "3")];
    assert!(!story(back.clone()), "his own again");
    assert!(
        story([back, vec![by_hand("w3", Side::Buy, "0.5")]].concat()),
        "half of our leg"
    );
    assert!(story(vec![by_hand("w1", Side::Buy, "5")]), "all of it");
}

#[test]
fn i2b_a_leg_that_is_never_matched_is_found_at_rest() {
    let bounds = Bounds {
        naked_at_most_ms: Some(1_000),
        ..Bounds::default()
    };
    let mut observer = told(bounds, trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(observer.violations(), []);
    observer.observe(60_000, Fact::Quiescent);
    assert!(observer.violations().iter().any(|one| one.invariant == "I2b"));
}

//! For every check one story that passes and at least one that must be found: a check that cannot fail is a defect.
#![expect(clippy::expect_used, reason = "a story with a mistyped number must not run")]

mod account;
mod books;
mod circumstance;
mod exposure;
mod orders;
mod prelude;

use prelude::*;

#[test]
fn a_whole_hedge_by_the_book_breaks_nothing_and_exercises_everything() {
    let observer = told(
        Bounds {
            naked_at_most_ms: Some(4_000),
            ..Bounds::default()
        },
        round_trip().into_iter().chain(statement("481.1", "0")),
    );
    assert_eq!(observer.violations(), []);
    for invariant in ["I1", "I2a", "I2b", "I3", "I4", "I8", "I11"] {
        assert!(observer.exercised()[invariant] > 0, "{:?}", observer.exercised());
    }
    assert_eq!(observer.longest_naked_ms(), 4_000);
}

#[test]
fn nothing_told_is_nothing_exercised() {
    let observer = told(Bounds::default(), []);
    assert_eq!(
        observer.exercised().keys().copied().collect::<Vec<_>>(),
        [
            "I1", "I10", "I11", "I12", "I13", "I14", "I16", "I18", "I21", "I22", "I2a", "I2b", "I3", "I4", "I5", "I6",
            "I8", "I9"
        ]
    );
    assert!(observer.exercised().values().all(|times| *times == 0));
}

#[test]
fn a_failing_report_shows_what_came_before() {
    let mut observer = told(Bounds::default(), round_trip());
    observer.observe(99_000, Fact::LedgerFunding(funding("7")));
    let violation = &observer.violations()[0];
    assert_eq!((violation.invariant, violation.at_ms), ("I3", 99_000));
    let lines = observer.last_events(200);
    assert_eq!(lines.len() as u64, violation.sequence);
    assert!(lines.last().expect("a line").contains(r#""amount":"7""#), "{lines:?}");
    assert_eq!(observer.last_events(2).len(), 2);
    assert_eq!(
        observer.finish().len(),
        1,
        "a row too many is told once, when it is written"
    );
}

#[test]
fn a_hundred_thousand_orders_are_all_remembered() {
    let mut observer = Observer::new(Bounds::default());
    for number in 0..100_000 {
        let (id, side) = (
            format!("o{number}"),
            if number % 2 == 0 { Side::Buy } else { Side::Sell },
        );
        for fact in booked(&id, PERP, side, "1", "100", Purpose::Open) {
            observer.observe(number, fact);
        }
    }
    assert_eq!(observer.violations(), []);
    observer.observe(
        100_000,
        Fact::VenueOrder(Order {
            venue_order_id: "late".into(),
            ..order("o7", PERP, Side::Sell, "1")
        }),
    );
    assert_eq!(observer.violations()[0].invariant, "I1");
}

//! I5 one executor, I6 fresh input, I9 unknown is not failed, I10 limits, I12 pauses, I13 truth first, I14 numbers, I16
//! hands off, I18 repeats, I21 and I22 in time.

use std::collections::BTreeMap;

use observer::{Belief, Caps, Input, Request, Standing};

use crate::prelude::*;

/// Everything that these checks need to know.
fn strict() -> Bounds {
    let steps = [SPOT, PERP, BYBIT].map(|(venue, product, symbol)| {
        let name = observer::bounds::instrument(venue, product, symbol);
        (name, (d("0.1"), d("0.01")))
    });
    Bounds {
        naked_at_most_ms: Some(60_000),
        steps: BTreeMap::from(steps),
        oldest_ms: BTreeMap::from([(Input::Quote, 20_000), (Input::Funding, 20_000), (Input::Book, 8_000)]),
        caps: Some(Caps {
            leg: d("1000"),
            venue: d("1500"),
            total: d("2000"),
        }),
        quiet_ms: 3_000,
        settled_within_ms: 10_000,
        flat_within_ms: 10_000,
        stranger_seen_within_ms: 10_000,
        ..Bounds::default()
    }
}

fn sent(id: &str, (venue, ..): Place, quantity: &str, price: Option<&str>) -> Fact {
    Fact::Sent(Request {
        process: 1,
        venue: venue.into(),
        client_id: id.into(),
        quantity: Some(quantity.into()),
        price: price.map(str::to_owned),
        cancels: false,
    })
}

fn lease(process: u32, epoch: u64, expires_at_ms: i64) -> Fact {
    Fact::Lease {
        process,
        epoch,
        expires_at_ms,
    }
}

fn heard(process: u32, (venue, product, symbol): Place, input: Input) -> Fact {
    Fact::Heard {
        process,
        venue: venue.into(),
        product: product.into(),
        symbol: symbol.into(),
        input,
    }
}

fn read(venue: &str) -> Fact {
    Fact::AccountRead {
        process: 1,
        venue: venue.into(),
    }
}

/// A process that leads, has read everything and heard of a market.
fn ready(place: Place) -> Vec<Fact> {
    let mut facts = vec![
        lease(1, 1, 100_000),
        Fact::LedgerLoaded { process: 1 },
        read("binance"),
        read("bybit"),
    ];
    facts.extend([Input::Quote, Input::Funding, Input::Book].map(|input| heard(1, place, input)));
    facts
}

fn over(id: &str, filled: &str, how: &str) -> Fact {
    Fact::OrderOver {
        client_id: id.into(),
        filled: d(filled),
        how: how.into(),
    }
}

fn ended(id: &str, (venue, ..): Place, cancelled: bool) -> Fact {
    Fact::VenueOrderOver {
        venue: venue.into(),
        client_id: id.into(),
        cancelled,
    }
}

/// An intent at a limit of 100.
fn wants(id: &str, place: Place, quantity: &str) -> Fact {
    Fact::IntentCommitted(Intent {
        price: Some(d("100")),
        ..intent(id, place, Side::Buy, quantity, Purpose::Open)
    })
}

fn accepts(id: &str, place: Place, quantity: &str) -> Fact {
    Fact::VenueOrder(Order {
        price: Some(d("100")),
        ..order(id, place, Side::Buy, quantity)
    })
}

/// An opening order from its intent to its end, filled whole.
fn opened(id: &str, place: Place, quantity: &str) -> Vec<Fact> {
    vec![
        wants(id, place, quantity),
        sent(id, place, quantity, Some("100")),
        accepts(id, place, quantity),
        Fact::VenueFill(fill(&format!("t-{id}"), id, place, Side::Buy, quantity, "100")),
        over(id, quantity, "filled"),
    ]
}

fn breaks(facts: Vec<Fact>) -> Vec<&'static str> {
    let observer = told(strict(), facts);
    observer
        .violations()
        .iter()
        .map(|violation| violation.invariant)
        .collect()
}

/// [`ready`], then these.
fn then(place: Place, more: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    let mut facts = ready(place);
    facts.extend(more);
    facts
}

#[test]
fn an_order_by_the_book_breaks_nothing_and_exercises_all_of_these() {
    let stranger = Order {
        foreign: true,
        ..order("theirs", PERP, Side::Sell, "1")
    };
    let mut facts = vec![Fact::VenueOrder(stranger)];
    facts.extend(then(SPOT, opened("a", SPOT, "1")));
    facts.extend([Fact::TroublesOver, Fact::Settled { mode: "running".into() }]);
    facts.extend([
        Fact::RepeatBegan,
        Fact::RepeatEnded,
        Fact::ExitAsked { hedge: "h1".into() },
    ]);
    facts.push(Fact::IntentCommitted(intent(
        "b",
        SPOT,
        Side::Sell,
        "1",
        Purpose::Close,
    )));
    facts.extend([
        sent("b", SPOT, "1", None),
        Fact::VenueOrder(order("b", SPOT, Side::Sell, "1")),
    ]);
    facts.push(Fact::VenueFill(fill("t-b", "b", SPOT, Side::Sell, "1", "100")));
    facts.push(over("b", "1", "filled"));
    let observer = told(strict(), facts);
    assert_eq!(observer.violations(), []);
    for invariant in ["I5", "I6", "I9", "I10", "I12", "I13", "I14", "I16", "I18", "I21", "I22"] {
        assert!(observer.exercised()[invariant] > 0, "{invariant} was not exercised");
    }
    assert_eq!(observer.longest_recovery_ms(), 1_000);
}

#[test]
fn i5_bytes_without_the_newest_lease_or_with_too_little_of_it_are_found() {
    let order = || opened("a", SPOT, "1");
    let with = |leases: Vec<Fact>| {
        let mut facts = ready(SPOT);
        facts.remove(0);
        facts.splice(0..0, leases);
        facts.extend(order());
        breaks(facts)
    };
    assert_eq!(with(vec![lease(1, 1, 100_000)]), [] as [&str; 0]);
    // Nobody leads: nor was anything read in a term of office.
    assert!(with(vec![]).contains(&"I5"));
    assert_eq!(with(vec![lease(1, 1, 11_000)]), ["I5"]);
    // A renewal that was overtaken by a longer one takes nothing back.
    assert_eq!(with(vec![lease(1, 1, 100_000), lease(1, 1, 11_000)]), [] as [&str; 0]);
    assert_eq!(with(vec![lease(1, 1, 100_000), lease(2, 2, 100_000)]), ["I5"]);
    assert_eq!(with(vec![lease(1, 2, 100_000), lease(2, 1, 100_000)]), ["I5"]);
    assert_eq!(with(vec![lease(2, 1, 100_000), lease(1, 1, 100_000)]), ["I5"]);
}

#[test]
fn i5_rows_of_an_older_epoch_are_found_and_a_takeover_is_measured() {
    let rows = |epoch| Fact::Rows { epoch, count: 1 };
    assert_eq!(breaks(vec![rows(1), rows(1), rows(2)]), [] as [&str; 0]);
    assert_eq!(breaks(vec![rows(2), rows(1)]), ["I5"]);
    let dead = Fact::Process {
        process: 1,
        standing: Standing::Dead,
    };
    let observer = told(strict(), [lease(1, 1, 15_000), dead, rows(1), lease(2, 2, 30_000)]);
    assert_eq!(observer.longest_takeover_ms(), Some(2_000));
}

#[test]
fn i6_an_entry_on_something_old_unheard_or_from_a_dead_line_is_found() {
    let order = || opened("a", PERP, "1");
    assert_eq!(breaks(then(PERP, order())), [] as [&str; 0]);
    for missing in 4..7 {
        let mut facts = ready(PERP);
        facts.remove(missing);
        facts.extend(order());
        assert_eq!(breaks(facts), ["I6"]);
    }
    let deaf = Fact::Deaf {
        process: 1,
        venue: "binance".into(),
        product: "usdm".into(),
    };
    let mut facts = then(PERP, [deaf]);
    facts.extend(order());
    assert_eq!(breaks(facts), ["I6", "I6"]);
    // Ten seconds later the book is too old, and nothing else.
    let mut facts = ready(PERP);
    facts.extend((0..10).map(|_| read("bybit")));
    facts.extend(order());
    assert_eq!(breaks(facts), ["I6"]);
}

#[test]
fn i9_another_order_before_the_first_ones_fate_is_known_is_found() {
    let first = vec![wants("a", SPOT, "1"), sent("a", SPOT, "1", Some("100"))];
    let second = [wants("b", SPOT, "1"), sent("b", SPOT, "1", Some("100"))];
    let mut facts = then(SPOT, first.clone());
    facts.extend(second.clone());
    assert_eq!(breaks(facts), ["I9"]);
    let mut facts = then(SPOT, first);
    facts.push(over("a", "0", "rejected"));
    facts.extend(second);
    assert_eq!(breaks(facts), [] as [&str; 0]);
}

#[test]
fn i9_an_order_called_over_that_is_not_is_found() {
    let begun = || then(SPOT, [wants("a", SPOT, "1"), sent("a", SPOT, "1", Some("100"))]);
    let accepted = || accepts("a", SPOT, "1");
    let traded = || Fact::VenueFill(fill("t", "a", SPOT, Side::Buy, "0.4", "100"));
    let with = |more: Vec<Fact>| {
        let mut facts = begun();
        facts.extend(more);
        breaks(facts)
    };
    let expired = || ended("a", SPOT, false);
    assert_eq!(
        with(vec![accepted(), traded(), expired(), over("a", "0.4", "cancelled")]),
        [] as [&str; 0]
    );
    assert_eq!(with(vec![accepted(), traded(), over("a", "0.4", "cancelled")]), ["I9"]);
    assert_eq!(
        with(vec![accepted(), traded(), expired(), over("a", "0", "rejected")]),
        ["I9"]
    );
    assert_eq!(with(vec![over("a", "0", "not_sent")]), ["I9"]);
    assert_eq!(with(vec![over("a", "0", "absent")]), ["I9"]);
    let quiet = vec![read("bybit"), read("bybit"), over("a", "0", "absent")];
    assert_eq!(with(quiet.clone()), [] as [&str; 0]);
    assert_eq!(with([quiet, vec![accepted()]].concat()), ["I9"]);
    assert_eq!(with(vec![over("a", "0", "rejected"), traded()]), ["I9"]);
}

#[test]
fn i10_an_order_beyond_a_cap_is_found_with_what_is_held_and_in_flight() {
    assert_eq!(breaks(then(SPOT, opened("a", SPOT, "10"))), [] as [&str; 0]);
    let beyond = then(SPOT, [wants("a", SPOT, "11"), sent("a", SPOT, "11", Some("100"))]);
    assert_eq!(breaks(beyond), ["I10"]);
    // Two legs at one venue: 1,000 held and 600 in flight, where 1,500 are allowed.
    let mut facts = then(SPOT, [heard(1, PERP, Input::Book)]);
    facts.extend(opened("a", SPOT, "10"));
    let short = Intent {
        price: Some(d("100")),
        ..intent("b", PERP, Side::Sell, "6", Purpose::Open)
    };
    facts.extend([Fact::IntentCommitted(short), sent("b", PERP, "6", Some("100"))]);
    assert_eq!(breaks(facts), ["I10"]);
}

#[test]
fn i10_what_a_venue_took_is_not_held_any_more() {
    let taken = Fact::VenueFill(fill("adl", "", SPOT, Side::Sell, "9", "100"));
    let again = [wants("b", SPOT, "9"), sent("b", SPOT, "9", Some("100"))];
    let mut facts = then(SPOT, opened("a", SPOT, "10"));
    assert!(breaks(facts.iter().cloned().chain(again.clone()).collect()).contains(&"I10"));
    facts.push(taken);
    facts.extend(again);
    assert!(!breaks(facts).contains(&"I10"));
}

#[test]
fn i12_an_entry_while_paused_and_a_reason_of_a_person_that_the_engine_removes_are_found() {
    let paused = |clears_itself| Fact::Paused {
        key: "why".into(),
        clears_itself,
    };
    let gone = |by_engine| Fact::Unpaused {
        key: "why".into(),
        by_engine,
    };
    let with = |mut reasons: Vec<Fact>| {
        reasons.extend(opened("a", SPOT, "1"));
        breaks(then(SPOT, reasons))
    };
    assert_eq!(with(vec![paused(false), gone(false)]), [] as [&str; 0]);
    assert_eq!(with(vec![paused(true), gone(true)]), [] as [&str; 0]);
    assert_eq!(with(vec![paused(false)]), ["I12"]);
    assert_eq!(with(vec![paused(false), gone(true)]), ["I12"]);
    // What completes a hedge is no entry.
    let mut facts = then(SPOT, opened("a", SPOT, "1"));
    facts.extend([paused(false), heard(1, PERP, Input::Book)]);
    let short = intent("b", PERP, Side::Sell, "1", Purpose::Open);
    facts.extend([Fact::IntentCommitted(short), sent("b", PERP, "1", None)]);
    assert_eq!(breaks(facts), [] as [&str; 0]);
}

#[test]
fn i13_an_entry_before_everything_was_read_in_this_epoch_is_found() {
    for missing in 1..4 {
        let mut facts = ready(SPOT);
        facts.remove(missing);
        facts.extend(opened("a", SPOT, "1"));
        assert_eq!(breaks(facts), ["I13"]);
    }
    let mut facts = then(SPOT, [lease(1, 2, 100_000)]);
    facts.extend(opened("a", SPOT, "1"));
    assert_eq!(breaks(facts), ["I13", "I13", "I13"]);
}

#[test]
fn i14_numbers_off_the_grid_or_not_in_plain_decimal_are_found() {
    let with = |quantity: &str, price: &str| {
        let committed = Intent {
            price: Some(d("100")),
            ..intent("a", SPOT, Side::Buy, "1", Purpose::Open)
        };
        let bytes = sent("a", SPOT, quantity, Some(price));
        breaks(then(SPOT, [Fact::IntentCommitted(committed), bytes]))
    };
    assert_eq!(with("1.00", "100.1"), [] as [&str; 0]);
    for (quantity, price) in [
        ("1.005", "100"),
        ("1", "100.05"),
        ("1e0", "100"),
        ("-1", "100"),
        ("0", "100"),
        ("", "100"),
    ] {
        assert_eq!(with(quantity, price), ["I14"], "{quantity} at {price}");
    }
}

#[test]
fn i16_a_strangers_order_that_is_cancelled_is_found() {
    let theirs = Fact::VenueOrder(Order {
        foreign: true,
        ..order("theirs", PERP, Side::Sell, "1")
    });
    let cancel = Fact::Sent(Request {
        process: 1,
        venue: "binance".into(),
        client_id: "theirs".into(),
        quantity: None,
        price: None,
        cancels: true,
    });
    assert_eq!(breaks(then(SPOT, [theirs.clone(), cancel])), ["I16"]);
    assert_eq!(breaks(vec![theirs.clone(), ended("theirs", PERP, true)]), ["I16"]);
    assert_eq!(breaks(vec![theirs, ended("theirs", PERP, false)]), [] as [&str; 0]);
}

#[test]
fn i16_a_stranger_in_what_is_held_must_stop_entries_in_time() {
    let mut facts = then(SPOT, opened("a", SPOT, "1"));
    facts.extend([
        Fact::VenueOrder(Order {
            foreign: true,
            ..order("theirs", SPOT, Side::Sell, "0.5")
        }),
        Fact::VenueFill(fill("t", "theirs", SPOT, Side::Sell, "0.5", "100")),
    ]);
    let wait = || (0..12).map(|_| read("bybit"));
    let paused = Fact::Paused {
        key: "inconsistent".into(),
        clears_itself: false,
    };
    let seen = facts.clone().into_iter().chain([paused]).chain(wait());
    assert_eq!(breaks(seen.collect()), [] as [&str; 0]);
    facts.extend(wait());
    assert_eq!(breaks(facts), ["I16"]);
    let mut forced = then(SPOT, opened("a", SPOT, "1"));
    forced.extend([
        Fact::VenueOrder(Order {
            foreign: true,
            ..order("adl_autoclose", SPOT, Side::Sell, "0.5")
        }),
        Fact::VenueFill(fill("t", "adl_autoclose", SPOT, Side::Sell, "0.5", "100")),
    ]);
    forced.extend(wait());
    assert_eq!(breaks(forced), [] as [&str; 0], "the venue itself is no stranger");
}

#[test]
fn i18_a_repetition_that_does_something_and_a_rebuilt_belief_that_differs_are_found() {
    let rows = |count| Fact::Rows { epoch: 1, count };
    assert_eq!(
        breaks(vec![Fact::RepeatBegan, rows(0), Fact::RepeatEnded, rows(1)]),
        [] as [&str; 0]
    );
    assert_eq!(breaks(vec![Fact::RepeatBegan, rows(2), Fact::RepeatEnded]), ["I18"]);
    assert_eq!(
        breaks(vec![Fact::RepeatBegan, Fact::RepeatGivenUp, rows(2)]),
        [] as [&str; 0]
    );
    let believes = |process, text: &str| {
        Fact::Believed(Belief {
            process,
            text: text.into(),
        })
    };
    assert_eq!(breaks(vec![believes(1, "x"), believes(2, "x")]), [] as [&str; 0]);
    assert_eq!(breaks(vec![believes(1, "x"), believes(2, "y")]), ["I18"]);
    let paid = [Fact::VenueFunding(funding("0.3")), Fact::LedgerFunding(funding("0.3"))];
    let mut facts = vec![believes(1, "x")];
    facts.extend(paid);
    facts.push(believes(2, "y"));
    assert_eq!(breaks(facts), [] as [&str; 0]);
}

#[test]
fn i21_an_engine_that_settles_late_or_never_is_found() {
    let settled = || Fact::Settled { mode: "paused".into() };
    let wait = |times: usize| (0..times).map(|_| read("bybit"));
    let story = |times: usize, last: Fact| {
        let facts = [Fact::TroublesOver].into_iter().chain(wait(times)).chain([last]);
        breaks(facts.collect())
    };
    assert_eq!(story(5, settled()), [] as [&str; 0]);
    assert_eq!(story(12, settled()), ["I21"]);
    assert_eq!(story(12, Fact::Quiescent), ["I21"]);
}

#[test]
fn i22_a_hedge_that_is_left_too_late_or_never_is_found() {
    let leave = || Fact::ExitAsked { hedge: "h1".into() };
    let sold = || {
        vec![
            Fact::IntentCommitted(intent("b", SPOT, Side::Sell, "1", Purpose::Close)),
            Fact::VenueOrder(order("b", SPOT, Side::Sell, "1")),
            Fact::VenueFill(fill("t-b", "b", SPOT, Side::Sell, "1", "100")),
        ]
    };
    let wait = |times: usize| (0..times).map(|_| read("bybit")).collect::<Vec<_>>();
    let story = |times: usize, last: Vec<Fact>| {
        let mut facts = then(SPOT, opened("a", SPOT, "1"));
        facts.push(leave());
        facts.extend(wait(times));
        facts.extend(last);
        breaks(facts)
    };
    assert_eq!(story(2, sold()), [] as [&str; 0]);
    assert_eq!(story(12, sold()), ["I22"]);
    // Its bytes left no trace in the ledger either: the fill is unbooked at rest.
    assert!(story(12, vec![Fact::Quiescent]).contains(&"I22"));
}

#[test]
fn i2b_is_judged_by_the_time_in_which_something_could_be_done() {
    let judged = |more: Vec<Fact>| {
        let mut facts = then(SPOT, opened("a", SPOT, "1"));
        facts.extend(more);
        facts.push(Fact::Quiescent);
        let bounds = Bounds {
            naked_at_most_ms: Some(5_000),
            ..strict()
        };
        let observer = told(bounds, facts);
        observer
            .violations()
            .iter()
            .any(|violation| violation.invariant == "I2b")
    };
    let wait = |times: usize| (0..times).map(|_| read("bybit")).collect::<Vec<_>>();
    assert!(judged(wait(8)));
    assert!(!judged([wait(2), vec![Fact::TroubleBegan], wait(20)].concat()));
    assert!(!judged(
        [vec![Fact::TroubleBegan], wait(20), vec![Fact::TroubleEnded], wait(2)].concat()
    ));
    assert!(judged(
        [vec![Fact::TroubleBegan], wait(20), vec![Fact::TroubleEnded], wait(8)].concat()
    ));
}

#[test]
fn i2b_and_i22_what_a_stranger_took_is_gone_and_what_he_added_excuses_nothing() {
    let with = |side: Side| {
        let mut facts = then(SPOT, opened("a", SPOT, "1"));
        facts.extend([
            Fact::VenueOrder(Order {
                foreign: true,
                ..order("theirs", SPOT, side, "3")
            }),
            Fact::VenueFill(fill("t", "theirs", SPOT, side, "3", "100")),
            Fact::Paused {
                key: "inconsistent".into(),
                clears_itself: false,
            },
            Fact::ExitAsked { hedge: "h1".into() },
        ]);
        facts.extend((0..70).map(|_| read("bybit")));
        facts.push(Fact::Quiescent);
        let observer = told(strict(), facts);
        let judged = |name: &str| {
            observer
                .violations()
                .iter()
                .any(|violation| violation.invariant == name)
        };
        [judged("I2b"), judged("I22")]
    };
    assert_eq!(with(Side::Sell), [false, false]);
    assert_eq!(with(Side::Buy), [true, true]);
}

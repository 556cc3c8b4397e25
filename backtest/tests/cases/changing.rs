//! A hedge gives way to a better one that finds no room beside it.

use backtest::engine::{Caps, Cause, run};
use backtest::history::History;
use backtest::price::price;
use backtest::rules::expected::{Expected, Settings};
use backtest::tape::Tape;

use crate::folder::Folder;
use crate::running::tape;

const DAYS: i64 = 40;

/// Two carries on one venue. Bitcoin's pays two basis points every eight hours; ether's pays nothing for ten days and then so
/// much.
fn two(ether: &str) -> Folder {
    let folder = Folder::new();
    let rows = |late: &'static str, early: &'static str| {
        let hours = (0..=DAYS * 24).step_by(8);
        hours
            .map(move |hour| (hour, if hour > 240 { late } else { early }, 8, "100"))
            .collect::<Vec<_>>()
    };
    let late: &'static str = String::leak(ether.to_owned());
    folder.funding("binance", "BTCUSDT", &rows("0.0002", "0.0002"));
    folder.funding("binance", "ETHUSDT", &rows(late, "0"));
    let opens = vec!["100"; usize::try_from(DAYS * 24).unwrap()];
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        folder.bars("binance/spot", symbol, 0, &opens);
        folder.bars("binance/perp", symbol, 0, &opens);
    }
    folder
}

/// Symbol, entry, exit and cause of every hedge, with room for so many carries.
fn held(tape: &Tape, rotation: bool, carries: i64) -> Vec<(String, i32, i32, Cause)> {
    let settings = Settings {
        rotation,
        ..Settings::default()
    };
    let caps = Caps {
        capital: carries * 13_334,
        ..Caps::default()
    };
    let outcome = run(tape, &mut Expected::new(settings), &caps).unwrap();
    assert!(
        outcome.days.iter().all(|day| day.tied <= caps.capital * 100_000_000),
        "the caps hold in every change"
    );
    let of = |closed: &backtest::engine::Closed| {
        let name = tape.symbols[closed.held.symbol].name.clone();
        (name, closed.held.entry, closed.exit, closed.cause)
    };
    outcome.closed.iter().map(of).collect()
}

#[test]
fn a_full_book_gives_way_to_what_pays_for_both_changes() {
    let much = tape(&two("0.0009"));
    let [(first, _, left, cause), (second, entered, _, end)] = &held(&much, true, 1)[..] else {
        panic!("two hedges: {:?}", held(&much, true, 1));
    };
    assert_eq!((first.as_str(), *cause), ("BTCUSDT", Cause::Rotated));
    assert_eq!((second.as_str(), *end), ("ETHUSDT", Cause::DataEnd));
    assert_eq!(
        entered, left,
        "what is left makes room for what is entered in the same hour"
    );
    assert!((241..=480).contains(left), "after ether begins to pay: {left}");
}

#[test]
fn a_little_more_moves_nobody_and_neither_does_the_rule_without_it() {
    for (ether, rotation) in [("0.0003", true), ("0.0009", false)] {
        let tape = tape(&two(ether));
        let [(only, _, _, cause)] = &held(&tape, rotation, 1)[..] else {
            panic!("one hedge");
        };
        assert_eq!(
            (only.as_str(), *cause),
            ("BTCUSDT", Cause::DataEnd),
            "{ether} {rotation}"
        );
    }
}

#[test]
fn where_there_is_room_for_both_nothing_gives_way() {
    let tape = tape(&two("0.0009"));
    let mut both = held(&tape, true, 2);
    both.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(both.iter().all(|(.., cause)| *cause == Cause::DataEnd), "{both:?}");
    assert_eq!(both.len(), 2);
}

#[test]
fn both_hedges_of_a_change_are_priced_the_same_by_themselves() {
    let folder = two("0.0009");
    let tape = tape(&folder);
    let caps = Caps {
        capital: 13_334,
        ..Caps::default()
    };
    let outcome = run(&tape, &mut Expected::new(Settings::default()), &caps).unwrap();
    assert_eq!(outcome.closed.len(), 2);
    let mut history = History::open(folder.path()).unwrap();
    for closed in &outcome.closed {
        let alone = price(&mut history, &closed.hedge(&tape).unwrap()).unwrap().total;
        assert_eq!(closed.sums.net().decimal(), alone.net(), "{closed:?}");
    }
}

//! No decision sees the future: two markets that part at an hour are the same to everybody before it.

use backtest::engine::{Caps, Held, Manner, Rule, View};
use backtest::exact::Exact;
use backtest::rules::foresight::Foresight;
use backtest::tape::Tape;

use crate::market::{Change, market};
use crate::running::{ran, rules, tape};

/// A rule, and every answer that it gave.
struct Logged {
    rule: Box<dyn Rule>,
    log: Vec<(i32, usize, usize, String)>,
}

impl Rule for Logged {
    fn notional(&self, caps: &Caps) -> i64 {
        self.rule.notional(caps)
    }

    fn most(&self, caps: &Caps) -> usize {
        self.rule.most(caps)
    }

    fn manner(&self) -> Manner {
        self.rule.manner()
    }

    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        self.rule.heard(view, symbol);
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let wish = self.rule.wish(view, symbol, pair);
        self.log.push((view.now(), symbol, pair, format!("wish {wish:?}")));
        wish
    }

    fn agree(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> bool {
        let agreed = self.rule.agree(view, symbol, pair);
        self.log.push((view.now(), symbol, pair, format!("agree {agreed}")));
        agreed
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let leave = self.rule.leave(view, held);
        self.log
            .push((view.now(), held.symbol, held.pair, format!("leave {leave}")));
        leave
    }
}

/// Writes down all that a decision can see, holds one hedge of each symbol as long as it can.
struct Witness(Vec<(i32, usize, usize, String)>);

impl Witness {
    fn sees(&mut self, view: &View<'_>, symbol: usize, pair: usize, profit: Option<Exact>) {
        let legs = view.pair(symbol, pair).unwrap();
        let settled = domain::instrument::VenueId::ALL.map(|venue| {
            let rows = view.settled(symbol, venue);
            assert!(rows.iter().all(|row| row.hour <= view.now()));
            (rows.len(), rows.last().copied())
        });
        let prices = [legs.long, legs.short].map(|market| view.price(symbol, market));
        self.0
            .push((view.now(), symbol, pair, format!("{settled:?} {prices:?} {profit:?}")));
    }
}

impl Rule for Witness {
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        self.sees(view, symbol, pair, None);
        Some(0)
    }

    fn agree(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> bool {
        self.sees(view, symbol, pair, None);
        view.now() % 200 == 0
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let profit = view.profit(held);
        self.sees(view, held.symbol, held.pair, Some(profit));
        view.now() % 350 == 0
    }
}

/// The part of a log that was written up to an hour.
fn up_to(log: &[(i32, usize, usize, String)], hour: i32) -> &[(i32, usize, usize, String)] {
    &log[..log.partition_point(|(now, ..)| *now <= hour)]
}

/// The hour after which the futures part: no settlement's hour, with a bar in which passive orders fill.
const PARTING: i32 = 24 * 40 + 5;

fn two_futures(seed: u64) -> (Tape, Tape) {
    let change = Change { after: PARTING.into() };
    (tape(&market(seed, 60, None)), tape(&market(seed, 60, Some(change))))
}

#[test]
fn a_decision_is_shown_nothing_of_the_future() {
    let (one, other) = two_futures(1);
    let (mut here, mut there) = (Witness(Vec::new()), Witness(Vec::new()));
    let (first, second) = (ran(&one, &mut here), ran(&other, &mut there));
    let seen = up_to(&here.0, PARTING);
    assert!(seen.len() > 5_000 && !first.closed.is_empty(), "{}", seen.len());
    assert!(
        seen.iter()
            .any(|(now, .., seen)| *now == PARTING && seen.contains("Some(Exact"))
    );
    assert_eq!(seen, up_to(&there.0, PARTING));
    // An hour later the close of the bar that began at the parting is seen: the log would have caught it.
    assert_ne!(up_to(&here.0, PARTING + 1), up_to(&there.0, PARTING + 1));
    assert_ne!(first.equity.last(), second.equity.last());
}

#[test]
fn another_future_changes_no_decision_before_it() {
    let (mut traded, mut differ) = (0, 0);
    for seed in 1..=3 {
        let (one, other) = two_futures(seed);
        for (number, (rule, twin)) in rules().into_iter().zip(rules()).enumerate() {
            let log = Vec::new();
            let (mut rule, mut twin) = (Logged { rule, log: log.clone() }, Logged { rule: twin, log });
            let (here, there) = (ran(&one, &mut rule), ran(&other, &mut twin));
            assert_eq!(
                up_to(&rule.log, PARTING),
                up_to(&twin.log, PARTING),
                "rule {number}, seed {seed}"
            );
            let common = usize::try_from(PARTING).unwrap() + 1;
            assert_eq!(
                here.equity[..common],
                there.equity[..common],
                "rule {number}, seed {seed}"
            );
            traded += here.closed.iter().filter(|closed| closed.held.entry <= PARTING).count();
            differ += usize::from(here.equity.last() != there.equity.last());
        }
    }
    // There were hedges before the parting, and the futures do differ; or nothing was proven.
    assert!(traded > 30 && differ > 15, "{traded} {differ}");
}

#[test]
fn a_rule_that_looks_ahead_is_found_by_the_same_proof() {
    // Foresight knows the tape: what it wants before the parting depends on what comes after it.
    let (one, other) = two_futures(1);
    let log = |tape: &Tape| {
        let rule = Box::new(Foresight::of(tape, &Caps::default()));
        let mut rule = Logged { rule, log: Vec::new() };
        ran(tape, &mut rule);
        up_to(&rule.log, PARTING).to_vec()
    };
    assert_ne!(log(&one), log(&other));
}

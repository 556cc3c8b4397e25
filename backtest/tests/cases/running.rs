//! The event loop: what it books, and what it keeps to.

use backtest::engine::{Caps, Cause, DOLLAR, Held, Manner, Outcome, Rule, View, run};
use backtest::exact::Exact;
use backtest::history::History;
use backtest::price::{Attribution, price};
use backtest::rules::expected::{Expected, Settings};
use backtest::rules::foresight::Foresight;
use backtest::rules::hold::Hold;
use backtest::rules::peers;
use backtest::study::{Role, study};
use backtest::tape::{Period, Tape, TapeError, build};
use rust_decimal::Decimal;

use crate::folder::{Folder, hours};
use crate::market::market;

pub fn tape(folder: &Folder) -> Tape {
    build(&mut History::open(folder.path()).unwrap(), &[], Period::default()).unwrap()
}

fn eager() -> Settings {
    Settings {
        least_net: 0,
        haircut: 0,
        reentry_share: 0,
        hold_hours: 240,
        stay_hours: 48,
        ..Settings::default()
    }
}

/// Every rule that decides, by itself.
pub fn rules() -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(Expected::new(eager())),
        Box::new(Hold::majors()),
        Box::new(peers::Hummingbot),
        Box::new(peers::Bruce188),
        Box::new(peers::Bbgo),
        Box::new(peers::SeedSpread),
        Box::new(peers::SeedWeek),
    ]
}

pub fn ran(tape: &Tape, rule: &mut dyn Rule) -> Outcome {
    run(tape, rule, &Caps::default()).unwrap()
}

#[test]
fn every_hedge_of_the_loop_is_priced_the_same_by_itself() {
    let folder = market(5, 60, None);
    let tape = tape(&folder);
    let mut history = History::open(folder.path()).unwrap();
    let (mut priced_hedges, mut fixed, mut passive) = (0, 0, 0);
    for mut rule in rules() {
        let outcome = ran(&tape, rule.as_mut());
        let mut total = Exact::ZERO;
        for closed in &outcome.closed {
            let hedge = closed.hedge(&tape).unwrap();
            let alone = price(&mut history, &hedge).unwrap();
            let booked = Attribution {
                funding: closed.sums.funding.decimal(),
                fees: closed.sums.fees.decimal(),
                slippage: closed.sums.slippage.decimal(),
                basis: closed.sums.basis.decimal(),
            };
            assert_eq!(alone.total, booked, "{hedge:?}");
            assert_eq!(alone.payments.len(), usize::try_from(closed.held.settlements).unwrap());
            total += closed.sums.net();
            if closed.held.quantity > 0 {
                priced_hedges += 1
            } else {
                fixed += 1
            }
            passive += usize::from(closed.taken.1 == backtest::costs::Liquidity::Maker);
        }
        // Marked profit ends where the booked one does.
        assert_eq!(outcome.equity.last().copied(), Some(total.coarse()));
    }
    assert!(
        priced_hedges > 20 && fixed > 3 && passive > 1,
        "{priced_hedges} {fixed} {passive}"
    );
}

/// Enters one pair at an hour and leaves it at another.
struct Once {
    pair: usize,
    enter: i32,
    leave: i32,
    manner: Manner,
}

impl Rule for Once {
    fn manner(&self) -> Manner {
        self.manner
    }

    fn wish(&mut self, _: &View<'_>, _: usize, pair: usize) -> Option<i64> {
        (pair == self.pair).then_some(1)
    }

    fn agree(&mut self, view: &View<'_>, _: usize, _: usize) -> bool {
        view.now() == self.enter
    }

    fn leave(&mut self, view: &View<'_>, _: &Held) -> bool {
        view.now() >= self.leave
    }
}

/// A week of one carry on Binance at a price of 100, with a settlement of 1 bp every 8 h.
fn week() -> Folder {
    let folder = Folder::new();
    let rows: Vec<_> = (0..=168).step_by(8).map(|hour| (hour, "0.0001", 8, "100")).collect();
    folder.funding("binance", "BTCUSDT", &rows);
    folder.bars("binance/spot", "BTCUSDT", 0, &["100"; 168]);
    folder.bars("binance/perp", "BTCUSDT", 0, &["100"; 168]);
    folder
}

fn once(enter: i32, leave: i32) -> Once {
    Once {
        pair: 0,
        enter,
        leave,
        manner: Manner::default(),
    }
}

#[test]
fn an_order_fills_an_hour_later_and_after_that_hours_settlement() {
    let tape = tape(&week());
    let earned = |enter, leave| {
        let outcome = ran(&tape, &mut once(enter, leave));
        let [closed] = outcome.closed.as_slice() else {
            panic!("one hedge")
        };
        assert_eq!(
            (closed.held.entry, closed.exit, closed.cause),
            (enter + 1, leave + 1, Cause::Rule)
        );
        closed.held.settlements
    };
    assert_eq!(earned(6, 15), 2); // in at 7, out at 16: both 8 and 16
    assert_eq!(earned(7, 15), 1); // in at 8, after its settlement
    assert_eq!(earned(7, 14), 0); // out at 15
}

#[test]
fn what_is_open_at_the_end_is_closed_and_nothing_is_entered_in_the_last_day() {
    let tape = tape(&week());
    assert_eq!(tape.hours, 169);
    let open = ran(&tape, &mut once(100, 1_000));
    assert_eq!((open.closed[0].exit, open.closed[0].cause), (167, Cause::DataEnd));
    assert_eq!(ran(&tape, &mut once(142, 1_000)).closed.len(), 1);
    assert_eq!(ran(&tape, &mut once(143, 1_000)).closed.len(), 0);
}

#[test]
fn a_missing_hour_is_waited_for_and_a_longer_gap_ends_the_hold() {
    let folder = week();
    let without = |missing: &[i64]| {
        let rows: Vec<_> = (0..168)
            .filter(|hour| !missing.contains(hour))
            .map(|hour| (hour, "100"))
            .collect();
        folder.put(
            "klines/binance/spot/BTCUSDT-1h.csv.gz",
            &crate::folder::bars_text(&rows),
        );
        let tape = tape(&folder);
        let gaps: Vec<usize> = tape.gaps.iter().map(|gap| gap.gap.missing).collect();
        let closed = ran(&tape, &mut once(6, 49)).closed[0];
        (closed.exit, closed.cause, gaps)
    };
    assert_eq!(without(&[]), (50, Cause::Rule, vec![]));
    assert_eq!(without(&[50, 51]), (52, Cause::Rule, vec![2]));
    assert_eq!(without(&[41, 42, 43, 44]), (40, Cause::DataEnd, vec![4]));
}

#[test]
fn a_passive_order_needs_a_bar_that_trades_through() {
    let folder = week();
    let tape_of = |folder: &Folder| tape(folder);
    let rule = |enter| Once {
        manner: Manner {
            passive_entry: true,
            passive_exit: true,
        },
        ..once(enter, 30)
    };
    // The bars of the week do not move: the perpetual is taken at its price, 10 + 5 bps each way.
    let fees = |outcome: &Outcome| outcome.closed[0].sums.fees.decimal();
    let still = fees(&ran(&tape_of(&folder), &mut rule(6)));
    // In the hour of the entry the perpetual rises by half a basis point: a sale is touched.
    let mut text = crate::folder::bars_text(&(0..168).map(|hour| (hour, "100")).collect::<Vec<_>>());
    let at = hours(7).millis();
    text = text.replace(&format!("{at},100,100,100,100"), &format!("{at},100,100.005,100,100"));
    folder.put("klines/binance/perp/BTCUSDT-1h.csv.gz", &text);
    let touched = fees(&ran(&tape_of(&folder), &mut rule(6)));
    // 3 bps less of 10,000 less half a basis point.
    assert_eq!(still - touched, "2.99985".parse::<Decimal>().unwrap());
    // An hour later nothing trades through.
    assert_eq!(fees(&ran(&tape_of(&folder), &mut rule(7))), still);
}

/// A week of a carry whose price rises by a tenth every day.
fn rising() -> Folder {
    let folder = Folder::new();
    let rows: Vec<_> = (0..=168).step_by(8).map(|hour| (hour, "0.0001", 8, "100")).collect();
    folder.funding("binance", "BTCUSDT", &rows);
    let days = ["100", "110", "120", "130", "140", "150", "160"];
    let opens: Vec<&str> = (0..168).map(|hour| days[hour / 24]).collect();
    folder.bars("binance/spot", "BTCUSDT", 0, &opens);
    folder.bars("binance/perp", "BTCUSDT", 0, &opens);
    folder
}

#[test]
fn a_hedge_that_has_drifted_is_entered_anew_where_that_is_wanted() {
    let tape = tape(&rising());
    let with = |recentre| {
        let outcome = run(
            &tape,
            &mut once(6, 200),
            &Caps {
                recentre,
                ..Caps::default()
            },
        )
        .unwrap();
        let of = |closed: &backtest::engine::Closed| {
            (
                closed.held.entry,
                closed.exit,
                closed.cause,
                closed.held.quantity / DOLLAR,
            )
        };
        outcome.closed.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(with(None), [(7, 167, Cause::DataEnd, 100)]);
    // A fifth against it: first seen when the bar of hour 48 has ended, left and entered at 50; from there 130 to 150.
    let twice = with(Some(200));
    assert_eq!(twice[0], (7, 50, Cause::Recentred, 100));
    assert_eq!(twice[1], (50, 122, Cause::Recentred, 83));
    // The last one can no longer be entered anew.
    assert_eq!(twice[2], (122, 167, Cause::DataEnd, 66));
}

#[test]
fn a_hedge_whose_margin_is_gone_is_closed_where_that_is_asked_for() {
    let tape = tape(&rising());
    let with = |liquidate| {
        let outcome = run(
            &tape,
            &mut once(6, 200),
            &Caps {
                liquidate,
                ..Caps::default()
            },
        )
        .unwrap();
        (outcome.closed[0].exit, outcome.closed[0].cause, outcome.closed.len())
    };
    assert_eq!(with(false), (167, Cause::DataEnd, 1));
    // 32.8 % above 100 is passed in hour 96, when the price is 140: closed at the next open.
    assert_eq!(with(true), (97, Cause::Liquidated, 1));
}

/// Four times the order slips twice as far on each of its dollars; a smaller one slips as the table says.
#[test]
fn larger_orders_slip_further() {
    let folder = week();
    let slipped = |leg: i64| {
        let caps = Caps {
            notional: leg,
            ..Caps::default()
        };
        let outcome = run(&tape(&folder).for_orders_of(leg), &mut once(6, 100), &caps).unwrap();
        let slippage = outcome.closed[0].sums.slippage.decimal();
        (slippage / Decimal::from(leg) * Decimal::from(10_000)).round_dp(3)
    };
    let usual = slipped(10_000);
    assert!(usual > Decimal::ZERO);
    assert_eq!(slipped(40_000), usual * Decimal::TWO);
    assert_eq!((slipped(22_500), slipped(5_000)), (usual * Decimal::new(15, 1), usual));
}

/// Wants everything, always.
struct Greedy;

impl Rule for Greedy {
    fn wish(&mut self, _: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        i64::try_from(symbol * 10 + pair).ok()
    }

    fn leave(&mut self, _: &View<'_>, _: &Held) -> bool {
        false
    }
}

#[test]
fn the_caps_hold_for_a_rule_that_wants_everything() {
    let tape = tape(&market(2, 30, None));
    let most = |caps: Caps| {
        let outcome = run(&tape, &mut Greedy, &caps).unwrap();
        let tied = outcome.days.iter().map(|day| day.tied).max().unwrap();
        assert!(tied <= caps.capital * DOLLAR, "{tied}");
        outcome.most_at_once
    };
    assert_eq!(most(Caps::default()), 4); // one of each symbol
    assert_eq!(
        most(Caps {
            hedges: 2,
            ..Caps::default()
        }),
        2
    );
    assert_eq!(
        most(Caps {
            capital: 15_000,
            ..Caps::default()
        }),
        2
    );
    assert_eq!(
        most(Caps {
            capital: 5_000,
            ..Caps::default()
        }),
        0
    );
    let alone = run(
        &tape,
        &mut Greedy,
        &Caps {
            priced: false,
            ..Caps::default()
        },
    )
    .unwrap();
    assert!(alone.closed.iter().all(|closed| closed.held.quantity == 0) && !alone.closed.is_empty());
}

#[test]
fn nobody_earns_more_than_foresight_allows() {
    for seed in 1..=4 {
        let tape = tape(&market(seed, 60, None));
        let bound = Foresight::of(&tape, &Caps::default()).relaxed();
        for (number, mut rule) in rules().into_iter().enumerate() {
            let outcome = ran(&tape, rule.as_mut());
            let brought = outcome.closed.iter().map(|closed| {
                let taken = closed.taken == (backtest::costs::Liquidity::Taker, backtest::costs::Liquidity::Taker);
                let sums = &closed.sums;
                // Without basis, which nobody knows, and without what passive fills save.
                let net = (sums.funding - sums.fees - sums.slippage).coarse();
                if taken { net } else { net - 20 * DOLLAR }
            });
            let brought: i64 = brought.sum();
            assert!(brought <= bound, "rule {number}, seed {seed}: {brought} > {bound}");
        }
    }
}

#[test]
fn foresight_is_the_best_of_all_holds_that_there_are() {
    // One carry whose rate is 10 bps up to the 80th hour, then -10, then 10 again from the 200th.
    let folder = Folder::new();
    let rate = |hour| if (81..200).contains(&hour) { "-0.001" } else { "0.001" };
    let rows: Vec<_> = (0..=400).step_by(8).map(|hour| (hour, rate(hour), 8, "100")).collect();
    folder.funding("binance", "BTCUSDT", &rows);
    folder.bars("binance/spot", "BTCUSDT", 0, &["100"; 401]);
    folder.bars("binance/perp", "BTCUSDT", 0, &["100"; 401]);
    let tape = tape(&folder);
    let caps = Caps::default();
    let mut foresight = Foresight::of(&tape, &caps);
    // In just before the 8th hour, out at the 80th: ten settlements of 10 USD; in again before the 200th, out at the 400th:
    // twenty-six; each hold costs 32 bps.
    assert_eq!(foresight.relaxed(), (100 - 32 + 260 - 32) * DOLLAR);
    let outcome = run(&tape, &mut foresight, &caps).unwrap();
    let net: Exact = outcome.closed.iter().map(|closed| closed.sums.net()).sum();
    // Slippage is charged inside of the fee's base: a hair's breadth.
    assert!((net.coarse() - 296 * DOLLAR).abs() < DOLLAR / 100, "{}", net.decimal());
}

#[test]
fn a_period_without_data_is_refused() {
    let folder = week();
    let of = |from, to| {
        let period = Period {
            from: Some(hours(from)),
            to: Some(hours(to)),
        };
        build(&mut History::open(folder.path()).unwrap(), &[], period).map(|tape| tape.hours)
    };
    assert_eq!(of(24, 48), Ok(24));
    assert_eq!(of(24, 4_800), Ok(145)); // up to what was recorded
    assert_eq!(of(-50_000, 48), Ok(48)); // and from it on
    for (from, to) in [(48, 48), (48, 24), (1_000, 2_000), (-2_000, -1_000)] {
        assert!(matches!(of(from, to), Err(TapeError::EmptyRange { .. })), "{from} {to}");
    }
    let bare = Folder::new();
    let nothing = build(&mut History::open(bare.path()).unwrap(), &[], Period::default());
    assert!(matches!(nothing, Err(TapeError::NothingToHedge(_))));
    let unknown = |name: &str| {
        build(
            &mut History::open(folder.path()).unwrap(),
            &[name.to_owned()],
            Period::default(),
        )
    };
    assert!(matches!(unknown("DOGEUSDT"), Err(TapeError::Unknown(_))));
    assert!(matches!(unknown("../funding"), Err(TapeError::Unknown(_))));
}

#[test]
fn a_symbol_with_one_leg_missing_is_named_and_not_held() {
    let folder = week();
    std::fs::remove_file(folder.path().join("klines/binance/spot/BTCUSDT-1h.csv.gz")).unwrap();
    let mut history = History::open(folder.path()).unwrap();
    let tape = build(&mut history, &["BTCUSDT".to_owned()], Period::default()).unwrap();
    assert_eq!(tape.unhedgeable().collect::<Vec<_>>(), ["BTCUSDT"]);
    let study = study(&tape, Caps::default(), Settings::default(), |_, _| {}).unwrap();
    assert!(study.rows.iter().all(|row| row.measure.trades == 0));
    assert!(backtest::report::table::study(&study, &tape).contains("BTCUSDT: no hour at which"));
    assert!(backtest::report::html::report(&study, &tape).contains("are there: BTCUSDT."));
}

#[test]
fn a_study_has_the_own_rule_first_and_the_bound_last() {
    let tape = tape(&market(3, 40, None));
    let mut steps = Vec::new();
    let study = study(&tape, Caps::default(), Settings::default(), |done, all| {
        steps.push((done, all))
    })
    .unwrap();
    assert_eq!(steps.len(), study.rows.len() + 1);
    assert_eq!(study.rows.first().map(|row| row.role), Some(Role::Own));
    assert_eq!(study.rows.last().map(|row| row.role), Some(Role::Bound));
    for row in &study.rows {
        let of = &row.measure;
        let years = of.years.iter().map(|(_, sums)| sums.net());
        let booked: Exact = row.outcome.closed.iter().map(|closed| closed.sums.net()).sum();
        assert_eq!(years.sum::<Exact>(), booked, "{}", row.name);
        assert_eq!(of.sums.net(), booked, "{}", row.name);
        let months: Decimal = of.months.iter().map(|(_, net)| *net).sum();
        assert!((months - booked.decimal()).abs() < Decimal::new(1, 8), "{}", row.name);
    }
}

/// The own rule with every figure held against the domain's.
struct Compared {
    rule: Expected,
    compared: u32,
}

impl Rule for Compared {
    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        self.rule.heard(view, symbol);
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let legs = view.pair(symbol, pair).unwrap();
        for over in [(720, false), (720, true), (5, false), (47, true)] {
            let integers = self.rule.estimate(view, symbol, legs, over);
            let domain = self.rule.funding(view, symbol, legs, over);
            assert_eq!(integers.is_some(), domain.is_some());
            if let (Some(integers), Some(domain)) = (integers, domain) {
                let apart = (Decimal::new(integers, 6) - domain.0).abs();
                assert!(apart < Decimal::new(1, 3), "{integers} {domain}");
                self.compared += 1;
            }
        }
        self.rule.wish(view, symbol, pair)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        self.rule.leave(view, held)
    }
}

#[test]
fn the_integers_of_the_own_rule_are_the_decimals_of_the_domain() {
    let tape = tape(&market(6, 40, None));
    let mut rule = Compared {
        rule: Expected::new(eager()),
        compared: 0,
    };
    let outcome = ran(&tape, &mut rule);
    assert!(rule.compared > 1_000 && !outcome.closed.is_empty(), "{}", rule.compared);
}

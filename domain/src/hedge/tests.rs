use super::*;
use crate::fixtures::{dec, perp, spot};
use crate::instrument::VenueId;

fn hedge(target: &str) -> Hedge {
    let long = Leg::empty(spot(VenueId::Binance, "BTCUSDT"), Rate(dec("0.001")));
    let short = Leg::empty(perp(VenueId::Bybit, "BTCUSDT"), Rate::ZERO);
    Hedge {
        id: HedgeId(1),
        kind: HedgeKind::CashAndCarry,
        asset: Name::new("BTC"),
        long,
        short,
        target: AssetQuantity(dec(target)),
        state: HedgeState::Planned,
        planned_at: Timestamp(0),
        opened_at: None,
        closed_at: None,
    }
}

const PRICES: LegPrices = LegPrices {
    long: Price(Decimal::from_parts(100, 0, 0, false, 0)),
    short: Price(Decimal::from_parts(100, 0, 0, false, 0)),
};

/// Runs a job against a venue that fills each order by `fill(need)` of what was asked; returns the orders.
fn run(hedge: &mut Hedge, mut job: Job, mut fill: impl FnMut(&OrderNeed) -> Decimal) -> Vec<OrderNeed> {
    let mut orders = Vec::new();
    loop {
        match hedge.next(&mut job, PRICES) {
            Next::Rest(_) => return orders,
            Next::Slice => hedge.begin_slice(&mut job),
            Next::Order(need) => {
                let fraction = fill(&need);
                let leg = hedge.leg(need.leg);
                let units = floor_to(need.quantity.0 * fraction, leg.instrument.lot.0);
                let bought_spot = need.side == Side::Buy && leg.instrument.id.product == Product::Spot;
                let net = if bought_spot {
                    units * (Decimal::ONE - leg.fee_in_base.0)
                } else {
                    units
                };
                hedge.traded(need.leg, AssetQuantity(need.side.sign() * net));
                orders.push(need);
            }
        }
    }
}

#[test]
fn a_hedge_opens_first_leg_first_and_closes_to_nothing() {
    let mut one = hedge("2");
    let opened = run(&mut one, Job::new(Goal::Enter, LegIndex::Short), |_| Decimal::ONE);
    assert_eq!(
        opened.iter().map(|need| (need.leg, need.purpose)).collect::<Vec<_>>(),
        [(LegIndex::Short, Purpose::Open), (LegIndex::Long, Purpose::Open)]
    );
    assert_eq!(one.state, HedgeState::Open);
    assert!(one.net_delta().abs() < AssetQuantity(dec("0.002")));
    run(&mut one, Job::new(Goal::Exit, LegIndex::Short), |_| Decimal::ONE);
    assert_eq!(one.state, HedgeState::Closed);
}

#[test]
fn the_second_leg_is_sized_to_what_the_first_one_filled() {
    let mut one = hedge("2");
    let orders = run(&mut one, Job::new(Goal::Enter, LegIndex::Short), |need| {
        if need.leg == LegIndex::Short {
            dec("0.5")
        } else {
            Decimal::ONE
        }
    });
    assert_eq!(orders[1].quantity, Quantity(dec("1.001"))); // 1 delivered after a fee of 0.1 %
    assert_eq!(one.state, HedgeState::Open);
}

#[test]
fn a_second_leg_that_never_fills_is_taken_back() {
    let mut one = hedge("2");
    let orders = run(&mut one, Job::new(Goal::Enter, LegIndex::Short), |need| {
        if need.leg == LegIndex::Long {
            Decimal::ZERO
        } else {
            Decimal::ONE
        }
    });
    let seconds = orders.iter().filter(|need| need.leg == LegIndex::Long).count();
    assert_eq!(seconds, usize::from(ENTRY_ATTEMPTS));
    assert_eq!(orders.last().unwrap().purpose, Purpose::Unwind);
    assert_eq!(one.state, HedgeState::Closed);
}

#[test]
fn what_cannot_be_taken_back_is_one_legged_and_the_job_still_ends() {
    let mut one = hedge("2");
    let orders = run(&mut one, Job::new(Goal::Enter, LegIndex::Short), |need| {
        if need.purpose == Purpose::Open && need.leg == LegIndex::Short {
            Decimal::ONE
        } else {
            Decimal::ZERO
        }
    });
    assert_eq!(
        one.state,
        HedgeState::OneLegged {
            filled: LegIndex::Short,
            missing: AssetQuantity(dec("2"))
        }
    );
    assert_eq!(orders.len(), usize::from(1 + ENTRY_ATTEMPTS + REDUCE_ATTEMPTS));
}

#[test]
fn a_first_leg_that_never_fills_opens_nothing() {
    let mut one = hedge("2");
    let orders = run(&mut one, Job::new(Goal::Enter, LegIndex::Long), |_| Decimal::ZERO);
    assert_eq!(
        (orders.len(), one.state),
        (usize::from(ENTRY_ATTEMPTS), HedgeState::Closed)
    );
}

#[test]
fn f070_leaving_never_enters_whatever_fills() {
    // Every combination of per-order fill fractions, six orders deep.
    let fractions = [dec("0"), dec("0.4"), dec("1")];
    for word in 0..3_usize.pow(6) {
        let mut one = hedge("2");
        (one.long.held, one.short.held) = (AssetQuantity(dec("1.5")), AssetQuantity(dec("2")));
        let (mut serial, start) = (0, one.clone());
        let orders = run(&mut one, Job::new(Goal::Exit, LegIndex::Long), |_| {
            let pick = fractions[word / 3_usize.pow(serial % 6) % 3];
            serial += 1;
            pick
        });
        assert!(
            orders
                .iter()
                .all(|need| need.purpose == Purpose::Close && need.side == need.leg.entry_side().opposite())
        );
        assert!(one.long.held >= AssetQuantity::ZERO && one.short.held >= AssetQuantity::ZERO);
        assert!(one.long.held <= start.long.held && one.short.held <= start.short.held);
    }
}

#[test]
fn entering_never_leaves_more_naked_than_it_says() {
    let fractions = [dec("0"), dec("0.4"), dec("1")];
    for word in 0..3_usize.pow(8) {
        let mut one = hedge("2");
        let mut serial = 0;
        run(&mut one, Job::new(Goal::Enter, LegIndex::Short), |_| {
            let pick = fractions[word / 3_usize.pow(serial % 8) % 3];
            serial += 1;
            pick
        });
        let matched = one.net_delta().abs() < AssetQuantity(dec("0.051")); // least notional of the spot leg at 100
        match one.state {
            HedgeState::Open | HedgeState::Closed => assert!(matched, "{word}: {one:?}"),
            HedgeState::OneLegged { .. } => assert!(!matched || one.long.held < one.short.held),
            other => panic!("{word}: a job that is over stands at {other}"),
        }
    }
}

#[test]
fn a_state_survives_its_columns() {
    let states = [
        HedgeState::Planned,
        HedgeState::Opening(LegIndex::Long),
        HedgeState::OneLegged {
            filled: LegIndex::Short,
            missing: AssetQuantity(dec("0.3")),
        },
        HedgeState::Closed,
    ];
    for state in states {
        assert_eq!(
            HedgeState::from_row(state.as_str(), state.leg(), state.missing()),
            Some(state)
        );
    }
    assert_eq!(HedgeState::from_row("open", Some(LegIndex::Long), None), None);
}

#[test]
fn a_hedge_that_cannot_be_moved_is_tried_again_ever_more_rarely() {
    let seconds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 40].map(|failures| rest_after(failures).as_secs());
    assert_eq!(seconds, [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]);
}

fn entry(slice: Option<&str>, rests_first: bool) -> Job {
    let course = Course {
        slice: slice.map(|units| AssetQuantity(dec(units))),
        rests_first,
    };
    Job::entry(LegIndex::Short, course)
}

#[test]
fn what_a_resting_order_leaves_is_matched_first_and_then_taken() {
    let mut one = hedge("2");
    let orders = run(&mut one, entry(None, true), |need| {
        if need.rests { dec("0.25") } else { Decimal::ONE }
    });
    let told: Vec<_> = orders
        .iter()
        .map(|need| (need.leg, need.rests, need.quantity.0.round_dp(1)))
        .collect();
    let (long, short) = (LegIndex::Long, LegIndex::Short);
    assert_eq!(
        told,
        [
            (short, true, dec("2")),
            (long, false, dec("0.5")),
            (short, false, dec("1.5")),
            (long, false, dec("1.5")),
        ]
    );
    assert_eq!(one.state, HedgeState::Open);
}

#[test]
fn a_resting_order_that_is_not_met_costs_no_try() {
    let mut one = hedge("2");
    let orders = run(&mut one, entry(None, true), |_| Decimal::ZERO);
    assert_eq!(orders.len(), usize::from(1 + ENTRY_ATTEMPTS));
    assert!(orders[0].rests && orders[1..].iter().all(|need| !need.rests));
    assert_eq!(one.state, HedgeState::Closed);
}

#[test]
fn a_part_too_small_to_match_is_made_whole_and_not_taken_back() {
    let mut one = hedge("2");
    // 0.03 coins of 100 USD are less than the spot market takes.
    let orders = run(&mut one, entry(None, true), |need| {
        if need.rests { dec("0.015") } else { Decimal::ONE }
    });
    assert!(orders.iter().all(|need| need.purpose == Purpose::Open), "{orders:?}");
    assert_eq!(one.state, HedgeState::Open);
    assert!(one.short.held >= AssetQuantity(dec("1.99")));
}

#[test]
fn a_large_entry_goes_slice_by_slice_and_each_is_matched_before_the_next() {
    let mut one = hedge("2");
    let orders = run(&mut one, entry(Some("0.5"), false), |_| Decimal::ONE);
    let legs: Vec<_> = orders.iter().map(|need| need.leg).collect();
    let (long, short) = (LegIndex::Long, LegIndex::Short);
    assert_eq!(legs, [short, long, short, long, short, long, short, long]);
    assert!(orders.iter().all(|need| need.quantity.0.round_dp(1) == dec("0.5")));
    assert_eq!((one.state, one.short.held), (HedgeState::Open, AssetQuantity(dec("2"))));
}

#[test]
fn an_entry_that_is_stopped_between_slices_rests_whole() {
    let (mut one, mut job) = (hedge("2"), entry(Some("0.5"), false));
    let mut slices = 0;
    loop {
        match one.next(&mut job, PRICES) {
            Next::Order(need) => one.traded(need.leg, AssetQuantity(need.side.sign() * need.quantity.0)),
            Next::Slice if slices == 1 => job.stop(),
            Next::Slice => {
                slices += 1;
                one.begin_slice(&mut job);
            }
            Next::Rest(state) => {
                assert_eq!(state, HedgeState::Open);
                break;
            }
        }
    }
    assert_eq!(one.short.held, AssetQuantity(dec("1")));
}

#[test]
fn an_entry_that_is_stopped_while_it_rests_matches_what_was_filled_and_takes_no_more() {
    for (filled, orders) in [("0", 1), ("0.25", 2)] {
        let (mut one, mut job) = (hedge("2"), entry(None, true));
        let mut asked = Vec::new();
        while let Next::Order(need) = one.next(&mut job, PRICES) {
            let share = if need.rests { dec(filled) } else { Decimal::ONE };
            let units = need.quantity.0 * share;
            one.traded(need.leg, AssetQuantity(need.side.sign() * units));
            asked.push(need);
            job.stop();
        }
        assert_eq!(asked.len(), orders, "{asked:?}");
        assert!(asked.iter().all(|need| need.purpose == Purpose::Open));
        assert!(one.net_delta().abs() < AssetQuantity(dec("0.01")));
    }
}

#[test]
fn never_more_than_one_slice_stands_alone_whatever_fills() {
    let fractions = [dec("0"), dec("0.013"), dec("0.4"), dec("1")];
    for rests_first in [false, true] {
        for word in 0..4_usize.pow(7) {
            let (mut one, mut job) = (hedge("1.4"), entry(Some("0.5"), rests_first));
            let (mut orders, mut slices) = (0, 0);
            loop {
                let matched = one.net_delta().abs() <= AssetQuantity(dec("0.051"));
                match one.next(&mut job, PRICES) {
                    Next::Rest(_) => break,
                    Next::Slice => {
                        assert!(matched, "a slice begins while {} stands alone", one.net_delta());
                        slices += 1;
                        one.begin_slice(&mut job);
                    }
                    Next::Order(need) => {
                        let fraction = fractions[word / 4_usize.pow(orders % 7) % 4];
                        orders += 1;
                        let leg = one.leg(need.leg);
                        let units = floor_to(need.quantity.0 * fraction, leg.instrument.lot.0);
                        one.traded(need.leg, AssetQuantity(need.side.sign() * units));
                        // A fee in the coin is bought on top, and a lot may be left of the slice before.
                        assert!(
                            one.net_delta().abs() <= AssetQuantity(dec("0.56")),
                            "{}",
                            one.net_delta()
                        );
                        assert!(one.short.held <= AssetQuantity(dec("1.4")));
                    }
                }
                assert!(orders < 200, "the job does not end: {word}");
            }
            assert!(slices <= 4, "{slices} slices more than the first");
        }
    }
}

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

//! Entries that take their time: the first leg rests in the book before it takes, and large ones go in slices.

use std::time::Duration;

use actors::messages::{Drain, Intent, JobEnded};
use actors::settings::Manner;
use domain::funding::FundingTerms;
use domain::hedge::HedgeState;
use domain::instrument::{Product, Side};
use domain::market::Heard;
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, HedgeId, LegIndex, OrderKind, OrderTicket, Purpose};
use domain::time::Machine;
use futures_util::future::join;

use crate::kit::venue::{Cancel, FakeVenue, Find, Place, Streamed};
use crate::kit::*;

/// A world whose entries rest for three seconds first. Bybit's leg is the first one.
fn patient() -> World {
    let mut world = World::new();
    world.settings.manner.rests_for = Some(secs(3));
    world
}

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);
const CLOSED: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Closed);

fn rests(ticket: &OrderTicket) -> bool {
    ticket.kind.rests()
}

fn quantities(venue: &FakeVenue) -> Vec<rust_decimal::Decimal> {
    venue.placed().iter().map(|ticket| ticket.quantity.0).collect()
}

async fn meets(venue: &FakeVenue, after: Duration, quantity: &str) -> Machine {
    tokio::time::sleep(after).await;
    venue.meet(dec(quantity));
    venue.clock.machine()
}

#[test]
fn an_order_that_is_met_while_it_rests_is_matched_by_one_that_takes() {
    let world = patient();
    world.bybit.next_orders(&[Place::Rest]);
    world.live(async |engine| {
        world.ready().await;
        let (ended, _) = join(act(&engine, world.enter("10")), meets(&world.bybit, secs(1), "10")).await;
        assert_eq!(ended, OPEN);
    });
    let (bybit, binance) = (world.bybit.placed(), world.binance.placed());
    let limit = Price(dec("100.1")); // a sale joins the best ask
    assert_eq!(bybit[0].kind, OrderKind::PostOnly { limit });
    assert_eq!((bybit.len(), binance.len()), (1, 1));
    assert!(!rests(&binance[0]));
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn after_the_deadline_the_order_is_taken_back_and_the_book_is_taken_from() {
    let world = patient();
    world.bybit.next_orders(&[Place::Rest]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    let bybit = world.bybit.placed();
    assert!(rests(&bybit[0]) && !rests(&bybit[1]));
    assert_eq!(quantities(&world.bybit), [dec("10"), dec("10")]);
    let at = world.bybit.placed_at();
    let waited = world.bybit.cancelled.borrow()[0].0.since(at[0]);
    assert!((secs(3)..secs(4)).contains(&waited), "{waited:?}");
    assert!(at[1].since(at[0]) < secs(5));
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn a_part_that_is_filled_ends_the_resting_and_is_matched_at_once() {
    // Told by the private stream it is a matter of a glance, asked for it is one of the next question.
    for (streamed, bound) in [
        (Streamed::Named, Duration::from_millis(300)),
        (Streamed::No, Duration::from_millis(1_200)),
    ] {
        let mut world = patient();
        world.settings.manner.rests_for = Some(secs(30));
        world.bybit.streamed.set(streamed);
        world.bybit.next_orders(&[Place::Rest]);
        world.live(async |engine| {
            world.ready().await;
            let (ended, met) = join(act(&engine, world.enter("10")), meets(&world.bybit, secs(2), "4")).await;
            assert_eq!(ended, OPEN);
            let matched = world.binance.placed_at()[0].since(met);
            assert!(matched <= bound, "{streamed:?}: {matched:?}");
        });
        assert_eq!(quantities(&world.bybit), [dec("10"), dec("6")]);
        assert_eq!(quantities(&world.binance), [dec("4"), dec("6")]);
        assert!(world.binance.placed().iter().all(|ticket| !rests(ticket)));
        assert_eq!(world.true_delta(), dec("0"));
    }
}

#[test]
fn a_refused_resting_order_is_no_failure() {
    let world = patient();
    world.bybit.next_orders(&[Place::Refuse(170_218)]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (2, 1));
    assert!(world.bybit.cancelled.borrow().is_empty());
}

#[test]
fn f041_a_cancellation_is_believed_only_when_the_order_is_over() {
    let world = patient();
    world.bybit.next_orders(&[Place::Rest]);
    world.bybit.next_cancels(&[Cancel::Vanish, Cancel::Vanish]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    let asked = world.bybit.cancelled.borrow();
    let (at, over) = (world.bybit.placed_at(), asked.last().unwrap().0);
    assert_eq!(asked.len(), 3, "it is asked for until it is told");
    assert!(at[1] > over, "nothing more is sent before");
    assert!(world.binance.placed_at()[0] > over);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f040_a_cancellation_that_comes_too_late_leaves_nothing_to_take() {
    for (cancel, sent) in [(Cancel::TooLate, 1), (Cancel::Lost, 2)] {
        let world = patient();
        world.bybit.next_orders(&[Place::Rest]);
        world.bybit.next_cancels(&[cancel]);
        world.live(async |engine| {
            world.ready().await;
            assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        });
        assert_eq!(world.bybit.placed().len(), sent, "{cancel:?}");
        assert_eq!(quantities(&world.binance), [dec("10")]);
        assert_eq!(world.true_delta(), dec("0"));
    }
}

#[test]
fn f041_a_resting_order_whose_answer_is_lost_is_taken_back_when_it_turns_up() {
    let world = patient();
    world.bybit.next_orders(&[Place::RestLost]);
    world.bybit.next_answers(&[Find::Absent, Find::Absent, Find::Absent]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    assert!(world.bybit.resting().is_empty());
    assert_eq!(quantities(&world.bybit), [dec("10"), dec("10")]);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn an_order_that_rests_gives_way() {
    // To a pause, to an exit, to the end of the process.
    for (way, ended) in [("pause", CLOSED), ("exit", CLOSED), ("drain", CLOSED)] {
        let mut world = patient();
        world.settings.manner.rests_for = Some(secs(60));
        world.live(async |engine| {
            world.ready().await;
            let number = if way == "exit" {
                assert_eq!(act(&engine, world.enter("10")).await, OPEN);
                2
            } else {
                1
            };
            world.bybit.next_orders(&[Place::Rest]);
            let begun = world.clock.machine();
            let interrupt = async {
                sleep(2).await;
                match way {
                    "pause" => pause(&engine, "maintenance").await,
                    "exit" => assert_eq!(act(&engine, exit_of(1)).await, CLOSED),
                    _ => engine.executor.send(Drain).await.unwrap(),
                }
            };
            let (told, ()) = join(act(&engine, world.enter("10")), interrupt).await;
            let JobEnded::Rested(id, state) = told else {
                panic!("{way}: {told:?}");
            };
            assert_eq!(
                (id, JobEnded::Rested(HedgeId(1), state)),
                (HedgeId(number), ended),
                "{way}"
            );
            assert!(world.clock.machine().since(begun) < secs(6), "{way}");
        });
        assert!(world.bybit.resting().is_empty(), "{way}");
        assert_eq!(world.true_delta(), dec("0"), "{way}");
    }
}

#[test]
fn what_rested_when_the_process_died_is_found_taken_back_and_mended() {
    for met in ["0", "4"] {
        let mut world = patient();
        world.settings.manner.rests_for = Some(secs(60));
        world.bybit.next_orders(&[Place::Rest]);
        world.live(async |engine| {
            world.ready().await;
            let entering = act(&engine, world.enter("10"));
            assert!(tokio::time::timeout(secs(2), entering).await.is_err());
            assert_eq!(world.bybit.resting().len(), 1);
        });
        if met != "0" {
            world.bybit.meet(dec(met)); // while nobody looks
        }
        world.live(async |_| {
            world.ready().await;
            assert!(world.bybit.resting().is_empty());
            until("the hedge is over", || world.open_hedge(1) == Some(HedgeState::Closed)).await;
        });
        assert_eq!(world.bybit.cancelled.borrow().len(), 1);
        assert_eq!(world.true_delta(), dec("0"), "{met}");
        let taken_back = world
            .bybit
            .placed()
            .iter()
            .filter(|ticket| ticket.reduce_only())
            .count();
        assert_eq!(taken_back, usize::from(met != "0"));
    }
}

/// A world whose entries go in slices of about three coins, two seconds apart.
fn sliced() -> World {
    let mut world = World::new();
    world.settings.manner = Manner {
        slice: Some(Usd(dec("300.3"))),
        slices_every: secs(2),
        ..Manner::default()
    };
    world
}

#[test]
fn a_large_entry_never_has_more_than_a_slice_alone() {
    for rests_for in [None, Some(Duration::from_millis(500))] {
        let mut world = sliced();
        world.settings.manner.rests_for = rests_for;
        world.live(async |engine| {
            world.ready().await;
            assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        });
        let firsts = world.bybit.placed();
        assert_eq!(quantities(&world.bybit), [dec("3"), dec("3"), dec("3"), dec("1")]);
        assert_eq!(quantities(&world.binance), quantities(&world.bybit));
        assert!(firsts.iter().all(|ticket| rests(ticket) == rests_for.is_some()));
        let (first, second) = (world.bybit.placed_at(), world.binance.placed_at());
        for slice in 1..4 {
            assert!(second[slice - 1] <= first[slice], "the slice before is matched");
            assert!(first[slice].since(first[slice - 1]) >= secs(2));
        }
        assert_eq!(world.true_delta(), dec("0"));
    }
}

#[test]
fn a_slice_that_cannot_be_matched_is_taken_back_and_ends_the_entry() {
    let world = sliced();
    world.binance.next_orders(&[Place::Fill]);
    world.binance.always.set(Place::Refuse(-2019));
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    let bybit = world.bybit.placed();
    assert_eq!(bybit.len(), 3, "two slices, the second taken back");
    assert!(bybit[2].reduce_only());
    assert_eq!(world.bybit.coins(), dec("-3"));
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn no_slice_begins_near_a_settlement_or_while_paused() {
    for settles in [true, false] {
        let world = sliced();
        world.live(async |engine| {
            world.ready().await;
            let mut intent = world.enter("10");
            if settles && let Intent::Enter { entry, .. } = &mut intent {
                let now = world.clock.read();
                let terms = FundingTerms {
                    predicted: Rate(dec("0")),
                    next_settlement: now.market.plus_millis(3_000),
                    interval_hours: 8.try_into().unwrap(),
                    cap: None,
                    floor: None,
                };
                entry.short.funding = Some(Heard::new(terms, now.market, now));
            }
            let interrupt = async {
                sleep(1).await;
                if !settles {
                    pause(&engine, "maintenance").await;
                }
            };
            let (ended, ()) = join(act(&engine, intent), interrupt).await;
            assert_eq!(ended, OPEN, "what is held is whole");
        });
        assert_eq!(world.bybit.coins(), dec("-3"), "one slice");
        assert_eq!(world.true_delta(), dec("0"));
        assert!(
            world
                .bybit
                .placed()
                .iter()
                .all(|ticket| ticket.instrument.product == Product::Perp)
        );
    }
}

#[test]
fn an_order_of_ours_that_the_ledger_does_not_know_is_cancelled_at_start_and_nobody_elses() {
    let world = World::new();
    let left = |name: &str| OrderTicket {
        client_id: ClientOrderId::from_text(name),
        hedge: HedgeId(7),
        leg: LegIndex::Long,
        purpose: Purpose::Open,
        instrument: long_perp(),
        side: Side::Buy,
        kind: OrderKind::GoodTillCancel {
            limit: Price(dec("90")),
        },
        quantity: Quantity(dec("1")),
    };
    let ours = "fatest-old-1-7-1";
    for name in [ours, "theirs-1", "faother-1-1-1"] {
        world.binance.rest(&left(name));
    }
    world.live(async |_| {
        world.ready().await;
        let names: Vec<_> = world
            .binance
            .resting()
            .into_iter()
            .map(|order| order.client_id)
            .collect();
        assert_eq!(
            names,
            [
                ClientOrderId::from_text("faother-1-1-1"),
                ClientOrderId::from_text("theirs-1")
            ]
        );
        until("people are told", || {
            world.sinks[0].count("did not know of them: fatest-old-1-7-1") == 1
        })
        .await;
        assert_eq!(world.health.mode(), "running", "nothing differs any more");
    });
}

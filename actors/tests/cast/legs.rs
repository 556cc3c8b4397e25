//! Faults of an order's life and of two legs, each injected at a scripted venue: whatever comes, the legs end equal, the
//! books equal the venues, and no order is sent twice.

use actors::engine::Engine;
use actors::messages::{Intent, JobEnded, Resume};
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::instrument::{Product, Side};
use domain::order::HedgeId;
use domain::position::AccountFact;
use domain::risk::Gate;
use futures_util::future::{join, join_all};

use crate::kit::venue::{FakeVenue, Place};
use crate::kit::*;

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);
const CLOSED: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Closed);

/// What no venue would sell, in coins: five USD at a hundred each.
const DUST: &str = "0.05";

/// The legs become equal, but for what is too small to trade, and stay so; the books agree with the venues.
async fn ends_equal(world: &World, engine: &Engine, story: &str) {
    until(story, || world.true_delta().abs() < dec(DUST)).await;
    sleep(30).await;
    assert!(world.true_delta().abs() < dec(DUST), "{story}: {}", world.true_delta());
    assert_eq!(reconcile(engine).await, [] as [&str; 0], "{story}");
    let mut names: Vec<_> = [world.binance.placed(), world.bybit.placed()].concat();
    names.sort_by(|one, other| one.client_id.cmp(&other.client_id));
    let all = names.len();
    names.dedup_by(|one, other| one.client_id == other.client_id);
    assert_eq!(names.len(), all, "{story}: an order was sent twice");
}

/// The venue of the first leg and that of the second one.
fn venues(world: &World) -> [&FakeVenue; 2] {
    [&world.bybit, &world.binance]
}

#[test]
fn f042_what_an_immediate_order_filled_before_it_ended_is_what_counts() {
    // Of ten coins in lots of a thousandth: nothing, one lot, half, and all but a lot, on either leg.
    for share in ["0", "0.0001", "0.5", "0.9999"] {
        for leg in [0, 1] {
            let story = format!("{share} of leg {leg}");
            let world = World::new();
            venues(&world)[leg].next_orders(&[Place::Part(dec(share))]);
            world.live(async |engine| {
                world.ready().await;
                act(&engine, world.enter("10")).await;
                ends_equal(&world, &engine, &story).await;
            });
        }
    }
}

#[test]
fn f048_a_reduction_that_is_refused_because_nothing_is_left_ends_flat_and_never_opens() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        // Somebody closes the short leg by hand; nobody tells.
        world.bybit.trade(Product::Perp, Side::Buy, dec("10"), "", "by-hand");
        world.bybit.always.set(Place::Refuse(110_017));
        let _ = act(&engine, exit_of(1)).await;
        until("the other leg is flat", || world.binance.coins().is_zero()).await;
        sleep(90).await;
        assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
        assert_eq!(pauses(&engine).await, ["inconsistent"], "a person looks");
    });
    assert_eq!((world.binance.coins(), world.bybit.coins()), (dec("0"), dec("0")));
    let after_entry = world.bybit.placed().into_iter().skip(1);
    assert!(after_entry.into_iter().all(|ticket| ticket.reduce_only()));
}

#[test]
fn f050_a_way_out_whose_limits_are_outside_the_band_ends_by_the_market() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        for venue in venues(&world) {
            venue.always.set(Place::RefuseLimit(-4024));
        }
        let begun = world.clock.machine();
        assert_eq!(act(&engine, exit_of(1)).await, CLOSED);
        assert!(world.clock.machine().since(begun) < secs(10));
        ends_equal(&world, &engine, "out").await;
    });
}

#[test]
fn f051_an_order_that_is_taken_and_refused_later_is_no_leg() {
    for leg in [0, 1] {
        for (times, ended) in [(1, OPEN), (20, CLOSED)] {
            let world = World::new();
            venues(&world)[leg].next_orders(&vec![Place::Rejected; times]);
            world.live(async |engine| {
                world.ready().await;
                let story = format!("leg {leg} refused later {times} times");
                assert_eq!(act(&engine, world.enter("10")).await, ended, "{story}");
                ends_equal(&world, &engine, &story).await;
            });
        }
    }
}

#[test]
fn f052_what_was_filled_beyond_the_order_is_booked_and_matched_or_taken_back() {
    for leg in [0, 1] {
        let world = World::new();
        venues(&world)[leg].next_orders(&[Place::Over(dec("1"))]);
        world.live(async |engine| {
            world.ready().await;
            act(&engine, world.enter("10")).await;
            ends_equal(&world, &engine, "too much").await;
        });
        assert!(world.bybit.coins() <= dec("-10"), "it is still a hedge");
    }
}

#[test]
fn f055_parts_of_any_size_on_either_leg_are_matched_or_taken_back() {
    let shares = ["0.37", "0.11", "0.5", "0.03", "0.83"];
    for turn in 0..shares.len() {
        let world = World::new();
        for (leg, venue) in venues(&world).into_iter().enumerate() {
            let parts: Vec<_> = (0..4)
                .map(|nth| Place::Part(dec(shares[(turn + 2 * leg + nth) % shares.len()])))
                .collect();
            venue.next_orders(&parts);
        }
        world.live(async |engine| {
            world.ready().await;
            act(&engine, world.enter("10")).await;
            ends_equal(&world, &engine, "in").await;
            for venue in venues(&world) {
                venue.next_orders(&[Place::Part(dec("0.37")), Place::Part(dec("0.5"))]);
            }
            act(&engine, exit_of(1)).await;
            ends_equal(&world, &engine, "out").await;
        });
    }
}

#[test]
fn f058_a_hedge_whose_way_out_fails_for_ten_minutes_is_not_called_closed() {
    for leg in [0, 1] {
        let world = World::new();
        world.live(async |engine| {
            world.ready().await;
            assert_eq!(act(&engine, world.enter("10")).await, OPEN);
            let venue = venues(&world)[leg];
            venue.always.set(Place::Refuse(-1_013));
            let _ = act(&engine, exit_of(1)).await;
            for _ in 0..20 {
                sleep(30).await;
                assert_ne!(world.open_hedge(1), Some(HedgeState::Closed));
                assert!(!venue.coins().is_zero());
            }
            assert!(
                world.journal.alerts_named(AlertName::HedgeOneLegged) > 0,
                "people are told"
            );
            assert!(!pauses(&engine).await.is_empty(), "nothing is entered meanwhile");
            venue.always.set(Place::Fill);
            ends_equal(&world, &engine, "at last").await;
            assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
        });
    }
}

#[test]
fn f059_a_price_that_runs_away_between_the_legs_leaves_nobody_naked() {
    for moved in ["1", "-1", "3", "-3", "10", "-10", "gone"] {
        let world = World::new();
        world.bybit.next_orders(&[Place::Slow(secs(1))]);
        world.live(async |engine| {
            world.ready().await;
            let meanwhile = async {
                until("the first leg", || world.orders_sent() == 1).await;
                for venue in venues(&world) {
                    match moved {
                        "gone" => venue.depth.set(dec("0")),
                        moved => venue.moved.set(dec(moved)),
                    }
                }
                let filled = async { until("it is filled", || !world.bybit.coins().is_zero()).await };
                filled.await;
                let begun = world.clock.machine();
                if moved == "gone" {
                    sleep(5).await;
                    for venue in venues(&world) {
                        venue.depth.set(dec("1000"));
                    }
                }
                until("nobody is naked", || world.true_delta().is_zero()).await;
                world.clock.machine().since(begun)
            };
            let (_, naked) = join(act(&engine, world.enter("10")), meanwhile).await;
            assert!(naked <= secs(10), "{moved}: naked for {naked:?}");
            ends_equal(&world, &engine, moved).await;
        });
    }
}

/// An intent on the asset of the first hedge.
fn on_the_same_asset(world: &World) -> Intent {
    let mut intent = world.enter("10");
    if let Intent::Enter { entry, .. } = &mut intent {
        entry.opportunity.asset = "BTC".into();
    }
    intent
}

#[test]
fn f060_one_position_has_one_owner() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        let second = act(&engine, on_the_same_asset(&world)).await;
        assert_eq!(second, JobEnded::Refused(Gate::AlreadyHedged));
        // A stranger takes the short leg over and goes long himself; what is his is not ours to close.
        let his = world.bybit.trade(Product::Perp, Side::Buy, dec("15"), "", "his");
        world.bybit.say(AccountFact::Fill(his));
        until("the long leg is left", || world.binance.coins().is_zero()).await;
        sleep(90).await;
        assert_eq!(world.bybit.coins(), dec("5"), "his");
        assert_eq!(reconcile(&engine).await, ["foreign_position"]);
        assert_eq!(pauses(&engine).await, ["inconsistent"]);
        let sent = world.orders_sent();
        let by = "somebody".to_owned();
        engine.supervisor.send(Resume { by }).await.unwrap().unwrap();
        sleep(90).await;
        assert!(pauses(&engine).await.is_empty(), "a person has seen it");
        let third = act(&engine, on_the_same_asset(&world)).await;
        assert!(matches!(third, JobEnded::Refused(Gate::Uncertain(_))), "{third:?}");
        assert_eq!(world.orders_sent(), sent, "his orders would meet ours");
    });
}

#[test]
fn f062_three_who_want_to_leave_leave_once() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        let ended = join_all([0; 3].map(|_| act(&engine, exit_of(1)))).await;
        assert_eq!(ended.iter().filter(|one| **one == CLOSED).count(), 1, "{ended:?}");
        ends_equal(&world, &engine, "once").await;
    });
    assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (2, 2));
    assert_eq!((world.binance.coins(), world.bybit.coins()), (dec("0"), dec("0")));
}

#[test]
fn f064_a_venue_that_is_gone_while_the_price_runs_leaves_the_hedge_whole() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        let sent = world.orders_sent();
        world.bybit.down.set(true);
        for step in 1..=15 {
            sleep(120).await;
            world.binance.moved.set(dec("1") * rust_decimal::Decimal::from(step));
        }
        assert_eq!(world.orders_sent(), sent, "one leg is not left without the other");
        assert_eq!(pauses(&engine).await, ["venue_degraded:bybit"]);
        assert!(world.journal.alerts_named(AlertName::Paused) > 0);
        world.bybit.down.set(false);
        until("it is read again", || world.health.mode() == "running").await;
        ends_equal(&world, &engine, "back").await;
        assert_eq!(act(&engine, exit_of(1)).await, CLOSED);
    });
}

//! Orders whose answer is lost: proven before anything else happens, and never sent twice.

use actors::messages::JobEnded;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::order::HedgeId;

use crate::kit::venue::{Find, Place};
use crate::kit::*;

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);

/// Enters with Bybit's first order going so, and says how the job ended.
fn first_leg(world: &World, place: Place) -> JobEnded {
    world.bybit.next_orders(&[place]);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await
    })
}

#[test]
fn f017_an_order_whose_answer_is_lost_is_not_sent_again() {
    let world = World::new();
    assert_eq!(first_leg(&world, Place::Lost), OPEN);
    assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (1, 1));
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f054_a_second_leg_whose_answer_is_lost_is_not_sent_again() {
    let world = World::new();
    world.binance.next_orders(&[Place::Lost]);
    assert_eq!(first_leg(&world, Place::Fill), OPEN);
    assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (1, 1));
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f026_an_order_that_the_venue_shows_late_is_waited_for() {
    let world = World::new();
    assert_eq!(first_leg(&world, Place::Late(secs(9))), OPEN);
    assert_eq!(world.bybit.placed().len(), 1);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn an_order_is_absent_only_after_two_good_answers_and_the_visibility_window() {
    let world = World::new();
    assert_eq!(first_leg(&world, Place::Vanish), OPEN);
    let at = world.bybit.placed_at();
    assert_eq!(at.len(), 2);
    assert!(at[1].since(at[0]) >= world.settings.visibility, "{at:?}");
    let ids: Vec<_> = world
        .bybit
        .placed()
        .into_iter()
        .map(|ticket| ticket.client_id)
        .collect();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f025_an_error_is_never_proof_that_an_order_is_not_there() {
    let world = World::new();
    // A single good answer between errors proves nothing either: 100 s of them, at two questions a second.
    world.bybit.next_answers(&[Find::Error, Find::Absent].repeat(100));
    assert_eq!(first_leg(&world, Place::Vanish), OPEN);
    let at = world.bybit.placed_at();
    assert!(at[1].since(at[0]) >= secs(99), "{at:?}");
}

#[test]
fn f044_people_are_told_of_an_unknown_order_and_entries_wait_until_it_is_proven() {
    let world = World::new();
    world.bybit.next_orders(&[Place::Lost]);
    world.bybit.next_answers(&[Find::Error].repeat(60));
    world.live(async |engine| {
        world.ready().await;
        let watch = async {
            sleep(8).await;
            assert_eq!(pauses(&engine).await, ["order_unknown"]);
            assert!(world.journal.is_paused("order_unknown"));
            assert_eq!(world.journal.alerts_named(AlertName::OrderUnknown), 1);
        };
        let (ended, ()) = futures_util::future::join(act(&engine, world.enter("10")), watch).await;
        assert_eq!(ended, OPEN);
        sleep(1).await;
        assert!(pauses(&engine).await.is_empty() && !world.journal.is_paused("order_unknown"));
    });
    assert_eq!(world.bybit.placed().len(), 1);
}

#[test]
fn f043_a_filled_order_whose_executions_come_late_is_not_replaced() {
    let world = World::new();
    assert_eq!(first_leg(&world, Place::LateFills(secs(60))), OPEN);
    assert_eq!(world.bybit.placed().len(), 1);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn a_long_wait_for_proof_is_not_taken_for_a_dead_engine() {
    let world = World::new();
    world.bybit.next_orders(&[Place::Lost]);
    world.bybit.next_answers(&[Find::Error].repeat(240));
    world.bybit.funding.set(dec("0.005"));
    world.live(async |_| {
        until("the strategist enters by itself", || world.orders_sent() == 1).await;
        sleep(100).await;
        assert_eq!(world.orders_sent(), 1);
        let silent = world.clock.machine().since(world.health.last_progress());
        assert!(silent < secs(15), "no progress is reported for {silent:?}");
    });
}

//! Orders whose answer is lost: proven before anything else happens, and never sent twice.

use actors::messages::JobEnded;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::journal::Record;
use domain::order::HedgeId;

use crate::kit::venue::{Find, Place, Streamed};
use crate::kit::*;

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);
const UNPROVEN: JobEnded = JobEnded::Unproven(HedgeId(1));

fn is_filled(record: &Record) -> bool {
    matches!(record, Record::OrderMoved { state, .. } if state.as_str() == "filled")
}

/// Enters with Bybit's first order going so, and says how the job ended.
fn first_leg(world: &World, place: Place) -> JobEnded {
    world.bybit.next_orders(&[place]);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await
    })
}

#[test]
fn f015_an_order_whose_answer_is_lost_is_not_sent_again() {
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
fn f026_an_order_of_which_an_execution_is_known_is_never_called_absent() {
    let world = World::new();
    // Requests show it long after the visibility window; its execution comes by the stream at once.
    world.bybit.streamed.set(Streamed::Named);
    world.live(async |engine| {
        world.ready().await;
        world.bybit.next_orders(&[Place::Late(secs(60))]);
        assert_eq!(act(&engine, world.enter("10")).await, UNPROVEN);
        assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (1, 0));
        until("its fate is proven", || world.journal.count(is_filled) > 0).await;
        sleep(20).await;
    });
    let is_absent = |record: &Record| matches!(record, Record::OrderMoved { state, .. } if state.as_str() == "absent");
    assert_eq!(world.journal.count(is_absent), 0);
    assert_eq!(
        world.true_delta(),
        dec("0"),
        "what was bought has been matched or taken back"
    );
}

#[test]
fn f044_an_order_is_absent_only_after_two_good_answers_and_the_visibility_window() {
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
    // A single good answer between errors proves nothing either.
    world.bybit.next_answers(&[Find::Error, Find::Absent].repeat(100));
    world.bybit.next_orders(&[Place::Vanish]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, UNPROVEN);
        sleep(120).await;
        assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (1, 0));
        assert_eq!(pauses(&engine).await, ["order_unknown"]);
        until("absence is proven", || !world.journal.is_paused("order_unknown")).await;
        sleep(10).await;
        assert!(states(&engine).await.is_empty(), "nothing was held, so nothing is left");
    });
}

#[test]
fn people_are_told_of_an_unknown_order_and_entries_wait_until_it_is_proven() {
    let world = World::new();
    world.bybit.next_orders(&[Place::Lost]);
    world.bybit.next_answers(&[Find::Error].repeat(40));
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
    assert_eq!(first_leg(&world, Place::LateFills(secs(20))), OPEN);
    assert_eq!(world.bybit.placed().len(), 1);
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn an_order_that_is_never_accounted_for_keeps_only_its_own_hedge_waiting() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        // The second hedge's first leg fills, and the venue never lists the executions.
        world.bybit.next_orders(&[Place::LateFills(secs(300))]);
        assert_eq!(act(&engine, world.enter("10")).await, JobEnded::Unproven(HedgeId(2)));
        let sent = world.orders_sent();
        assert_eq!(act(&engine, exit_of(2)).await, JobEnded::Unproven(HedgeId(2)));
        assert_eq!(
            world.orders_sent(),
            sent,
            "nothing is ordered for a hedge that is not proven"
        );
        assert_eq!(
            act(&engine, exit_of(1)).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Closed)
        );
        assert_eq!(pauses(&engine).await, ["order_unknown"]);
        until("its executions are listed", || {
            !world.journal.is_paused("order_unknown")
        })
        .await;
        sleep(20).await;
        assert_eq!(
            world.true_delta(),
            dec("0"),
            "what was bought has been matched or taken back"
        );
    });
}

#[test]
fn an_order_laid_aside_is_asked_about_again_after_a_restart() {
    let world = World::new();
    world.bybit.next_orders(&[Place::LateFills(secs(100))]);
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, UNPROVEN);
    });
    world.live(async |engine| {
        sleep(50).await;
        assert_eq!(
            world.health.mode(),
            "paused",
            "it runs, and knows that one order is unproven"
        );
        assert_eq!(pauses(&engine).await, ["order_unknown"]);
        until("the engine has proven it", || world.journal.count(is_filled) > 0).await;
        sleep(20).await;
    });
    assert_eq!(
        world.true_delta(),
        dec("0"),
        "what was bought has been matched or taken back"
    );
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

//! Orders that say themselves that something is wrong: entries stop, ways out go on, and a person is told.

use actors::messages::{JobEnded, Resume};
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::order::{HedgeId, MOST_A_MINUTE};
use domain::risk::Gate;

use crate::kit::venue::Place;
use crate::kit::{World, act, dec, exit_of, pauses, sleep};

/// A code of Bybit's for too little margin, and one for a quantity that is too small.
const NO_MARGIN: i64 = 110_007;
const TOO_SMALL: i64 = 110_017;

fn is_paused(ended: &JobEnded) -> bool {
    matches!(ended, JobEnded::Refused(Gate::Paused(_)))
}

#[test]
fn f047_the_same_refusal_three_times_in_a_row_stops_entries_and_no_way_out() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        // Two in one entry, another no, and two more: nobody has said the same three times in a row.
        let refuse = Place::Refuse;
        world
            .bybit
            .next_orders(&[refuse(NO_MARGIN), refuse(NO_MARGIN), refuse(TOO_SMALL)]);
        act(&engine, world.enter("10")).await;
        world.bybit.next_orders(&[refuse(NO_MARGIN), refuse(NO_MARGIN)]);
        act(&engine, world.enter("10")).await;
        assert!(pauses(&engine).await.is_empty());
        let before = world.bybit.placed().len();
        world.bybit.always.set(refuse(NO_MARGIN));
        act(&engine, world.enter("10")).await;
        assert_eq!(world.bybit.placed().len(), before + 3);
        assert_eq!(pauses(&engine).await, ["orders_refused"]);
        assert!(world.journal.is_paused("orders_refused"), "it is durable");
        assert_eq!(world.journal.alerts_named(AlertName::ExecutionFailed), 1);
        let refused = act(&engine, world.enter("10")).await;
        assert!(is_paused(&refused), "{refused:?}");
        assert_eq!(world.bybit.placed().len(), before + 3, "nobody asks any more");
        world.bybit.always.set(Place::Fill);
        let left = act(&engine, exit_of(1)).await;
        assert_eq!(left, JobEnded::Rested(HedgeId(1), HedgeState::Closed));
        let resume = Resume {
            by: "somebody".to_owned(),
        };
        engine.supervisor.send(resume).await.unwrap().unwrap();
        let entered = act(&engine, world.enter("10")).await;
        assert!(matches!(entered, JobEnded::Rested(_, HedgeState::Open)), "{entered:?}");
    });
}

#[test]
fn f047_an_order_storm_ends_with_the_minute_cap_and_what_is_held_can_be_left() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let mut begun = 0;
        let stopped = loop {
            match act(&engine, world.enter("0.1")).await {
                JobEnded::Rested(_, HedgeState::Open) => begun += 1,
                other => break other,
            }
            assert!(begun < 100, "nothing stops it");
        };
        assert_eq!(begun * 2, MOST_A_MINUTE, "two orders each; then {stopped:?}");
        assert_eq!(world.orders_sent(), MOST_A_MINUTE);
        assert_eq!(pauses(&engine).await, ["order_storm"]);
        let refused = act(&engine, world.enter("0.1")).await;
        assert!(is_paused(&refused), "{refused:?}");
        for hedge in 1..=30 {
            let left = act(&engine, exit_of(hedge)).await;
            assert_eq!(left, JobEnded::Rested(HedgeId(hedge), HedgeState::Closed));
        }
        sleep(120).await;
        assert_eq!(
            pauses(&engine).await,
            ["order_storm"],
            "a person looks before it goes on"
        );
    });
    assert_eq!(world.true_delta(), dec("0"));
}

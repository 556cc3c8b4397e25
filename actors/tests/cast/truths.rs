//! Faults of what is read and kept: answers older than what happened since, rows that come late or twice, a history that
//! is short, clocks that jump, packets from the past.

use actors::engine::Engine;
use actors::messages::JobEnded;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::order::HedgeId;
use domain::position::AccountFact;
use domain::time::HOUR_MS;

use crate::kit::journal::Trouble;
use crate::kit::venue::{Place, Streamed};
use crate::kit::*;

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);

async fn open(world: &World, engine: &Engine) {
    world.ready().await;
    assert_eq!(act(engine, world.enter("10")).await, OPEN);
}

#[test]
fn f071_an_answer_that_is_older_than_the_fills_takes_nothing_back() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    world.live(async |engine| {
        world.ready().await;
        // Made at once, read three seconds later; meanwhile hedges are opened and left.
        for venue in [&world.binance, &world.bybit] {
            venue.truth_travels.set(secs(3));
        }
        for hedge in 1..=6 {
            sleep(2).await;
            assert_eq!(
                act(&engine, world.enter("10")).await,
                JobEnded::Rested(HedgeId(hedge), HedgeState::Open)
            );
            sleep(2).await;
            assert_eq!(
                act(&engine, exit_of(hedge)).await,
                JobEnded::Rested(HedgeId(hedge), HedgeState::Closed)
            );
        }
        sleep(60).await;
        assert!(pauses(&engine).await.is_empty());
        assert_eq!(world.journal.alerts_named(AlertName::Inconsistency), 0);
        assert_eq!(world.orders_sent(), 24, "nothing was corrected that was right");
    });
}

#[test]
fn f072_executions_that_come_late_over_ten_restarts_count_once() {
    let world = World::new();
    world.bybit.next_orders(&[Place::LateFills(secs(60))]);
    world.live(async |engine| {
        world.ready().await;
        let job = act(&engine, world.enter("10"));
        let _ = tokio::time::timeout(secs(3), job).await;
    });
    for _ in 0..10 {
        world.live(async |_| sleep(7).await);
    }
    world.live(async |engine| {
        world.ready().await;
        until("it is matched or taken back", || world.true_delta().is_zero()).await;
        sleep(10).await;
        assert!(reconcile(&engine).await.is_empty());
        let held: Vec<_> = states(&engine).await;
        assert!(held.iter().all(|state| *state == HedgeState::Open), "{held:?}");
    });
    let names: std::collections::BTreeSet<_> = world.bybit.placed().iter().map(|one| one.client_id.clone()).collect();
    assert_eq!(names.len(), world.bybit.placed().len());
}

#[test]
fn f073_a_hedge_that_is_older_than_the_venues_memory_is_still_whole() {
    let world = World::new();
    world.live(async |engine| open(&world, &engine).await);
    let sent = world.orders_sent();
    world.clock.set(world.clock.read().market.plus_hours(30 * 24));
    for venue in [&world.binance, &world.bybit] {
        // It remembers three days.
        *venue.lie.borrow_mut() = Some(Box::new(|truth| {
            let since = truth.read_at.plus_hours(-72);
            truth.fills.retain(|fill| fill.at >= since);
        }));
    }
    world.live(async |engine| {
        world.ready().await;
        sleep(90).await;
        assert_eq!(states(&engine).await, [HedgeState::Open]);
        assert!(reconcile(&engine).await.is_empty() && pauses(&engine).await.is_empty());
    });
    assert_eq!(world.orders_sent(), sent);
}

#[test]
fn f076_funding_counts_once_whichever_road_it_comes_by_and_whenever() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    world.live(async |engine| {
        open(&world, &engine).await;
        sleep(1).await;
        // By the stream and by request; by request alone; by the stream twice.
        let both = world.bybit.pay("both", "1.5");
        world.bybit.say(AccountFact::Funding(both));
        world.binance.pay("late", "-0.7");
        let twice = world.bybit.pay("twice", "0.25");
        for _ in 0..2 {
            world.bybit.say(AccountFact::Funding(twice.clone()));
        }
        sleep(20).await;
        assert!(reconcile(&engine).await.is_empty() && pauses(&engine).await.is_empty());
        // The process dies before anybody has read the last one.
        world.binance.pay("unread", "0.1");
    });
    world.live(async |engine| {
        world.ready().await;
        sleep(20).await;
        assert!(reconcile(&engine).await.is_empty() && pauses(&engine).await.is_empty());
        let status = status(&engine).await;
        let funding = dec(status["hedges"][0]["funding_usd"].as_str().unwrap());
        assert_eq!(funding, dec("1.15"));
    });
}

#[test]
fn f079_a_wall_clock_that_jumps_costs_neither_the_lease_nor_a_leg() {
    for jump in [1_000, -1_000, HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS] {
        let world = World::new();
        world.live(async |engine| {
            open(&world, &engine).await;
            world.clock.jump(jump);
            sleep(30).await;
            let left = act(&engine, exit_of(1)).await;
            assert_eq!(left, JobEnded::Rested(HedgeId(1), HedgeState::Closed), "{jump}");
            sleep(90).await;
            assert!(world.exits.borrow().is_empty(), "{jump}: {:?}", world.exits);
            assert!(reconcile(&engine).await.is_empty(), "{jump}");
        });
        assert_eq!(world.orders_sent(), 4, "{jump}");
    }
}

#[test]
fn f084_an_execution_that_was_not_kept_before_a_death_is_read_after_it() {
    for streamed in [Streamed::No, Streamed::Named] {
        let world = World::new();
        for venue in [&world.binance, &world.bybit] {
            venue.streamed.set(streamed);
        }
        world.bybit.next_orders(&[Place::Slow(secs(1))]);
        world.live(async |engine| {
            world.ready().await;
            let job = act(&engine, world.enter("10"));
            let deaf = async {
                until("the first leg is sent", || world.orders_sent() == 1).await;
                // Whatever is executed from here on is heard, and no row of it becomes durable.
                world.journal.trouble.set(Trouble::Slow(secs(600)));
                sleep(5).await;
            };
            futures_util::future::select(Box::pin(job), Box::pin(deaf)).await;
        });
        assert_eq!(world.true_delta(), dec("-10"), "it was executed");
        assert!(world.journal.rows.borrow().fills.is_empty(), "and not kept");
        world.journal.trouble.set(Trouble::None);
        world.live(async |engine| {
            world.ready().await;
            until("it is matched or taken back", || world.true_delta().is_zero()).await;
            sleep(10).await;
            assert!(reconcile(&engine).await.is_empty());
        });
    }
}

#[test]
fn f107_an_order_that_arrives_after_its_sender_died_is_found_and_taken_back() {
    for after in [1, 4, 8] {
        let world = World::new();
        world.bybit.next_orders(&[Place::Arrives(secs(after))]);
        world.live(async |engine| {
            world.ready().await;
            let job = act(&engine, world.enter("10"));
            let sent = async { until("it is sent", || world.orders_sent() == 1).await };
            futures_util::future::select(Box::pin(job), Box::pin(sent)).await;
        });
        assert_eq!(world.true_delta(), dec("0"), "still on its way");
        world.live(async |engine| {
            until("it has arrived and is taken back", || world.bybit.placed().len() == 2).await;
            sleep(60).await;
            assert_eq!(world.bybit.coins(), dec("0"));
            assert!(states(&engine).await.is_empty() && reconcile(&engine).await.is_empty());
        });
        assert_eq!(world.open_hedge(1), Some(HedgeState::Closed), "{after}");
    }
}

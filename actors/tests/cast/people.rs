//! Alerts arrive once, whatever a channel does; pauses are durable before anybody is told that they are.

use std::rc::Rc;

use actors::messages::{ClearPause, JobEnded, Pause, Resume};
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::order::HedgeId;
use domain::pause::PauseReason;
use domain::time::Timestamp;

use crate::kit::journal::Trouble;
use crate::kit::probes::{Mood, Sink};
use crate::kit::*;

fn two_channels() -> World {
    let mut world = World::new();
    world.sinks.push(Rc::new(Sink::new("chat")));
    world
}

/// Pauses and resumes: two alerts each time.
async fn stir(engine: &actors::engine::Engine, times: usize) {
    for _ in 0..times {
        pause(engine, "stir").await;
        let resume = Resume {
            by: "somebody".to_owned(),
        };
        engine.supervisor.send(resume).await.unwrap().unwrap();
    }
}

#[test]
fn f108_what_a_broken_channel_missed_is_told_once_when_it_is_back() {
    let world = World::new();
    world.sinks[0].mood.set(Mood::Down);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        sleep(30).await;
        assert!(world.sinks[0].tried.get() > 5 && world.sinks[0].taken.borrow().is_empty());
        world.sinks[0].mood.set(Mood::Up);
        sleep(30).await;
        assert_eq!(world.sinks[0].count("Hedge 1 is open"), 1);
    });
    // A restart tells nothing again.
    world.live(async |_| {
        world.ready().await;
        sleep(10).await;
    });
    assert_eq!(world.sinks[0].count("Hedge 1 is open"), 1);
}

#[test]
fn a_channel_that_fails_does_not_repeat_to_the_other_nor_starve_it() {
    let world = two_channels();
    world.sinks[0].mood.set(Mood::Down);
    world.live(async |engine| {
        world.ready().await;
        stir(&engine, 30).await;
        sleep(60).await;
        assert_eq!(
            world.sinks[1].taken.borrow().len(),
            60,
            "the working channel has them all, once"
        );
        world.sinks[0].mood.set(Mood::Up);
        sleep(60).await;
    });
    assert_eq!(
        (world.sinks[0].taken.borrow().len(), world.sinks[1].taken.borrow().len()),
        (60, 60)
    );
}

#[test]
fn f108_a_channel_that_hangs_delays_neither_trading_nor_the_other_channel() {
    let world = two_channels();
    world.sinks[0].mood.set(Mood::Hanging);
    world.live(async |engine| {
        world.ready().await;
        stir(&engine, 10).await;
        sleep(5).await;
        let began = world.clock.machine();
        assert_eq!(
            act(&engine, world.enter("10")).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Open)
        );
        assert!(world.clock.machine().since(began) < secs(1));
        sleep(30).await;
        assert_eq!(world.sinks[1].count("Hedge 1 is open"), 1);
    });
}

#[test]
fn a_pause_is_in_force_at_once_and_answered_when_it_is_durable() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Slow(secs(2)));
        let began = world.clock.machine();
        let paused = async {
            pause(&engine, "slowly").await;
            assert!(world.journal.is_paused("human"));
            assert!(world.clock.machine().since(began) >= secs(2));
        };
        let refused = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            assert!(!world.journal.is_paused("human"));
            assert!(matches!(act(&engine, world.enter("10")).await, JobEnded::Refused(_)));
        };
        futures_util::future::join(paused, refused).await;
    });
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn a_pause_that_is_asked_for_twice_is_not_answered_before_it_is_durable() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Slow(secs(2)));
        let asked = ["once", "again"].map(|words| async {
            pause(&engine, words).await;
            assert!(world.journal.is_paused("human"));
        });
        futures_util::future::join_all(asked).await;
    });
}

#[test]
fn a_pause_that_the_ledger_did_not_take_is_not_called_durable_and_is_written_again() {
    let world = World::new();
    let ask = async |engine: &actors::engine::Engine| {
        let reason = PauseReason::Human("hold".to_owned());
        let by = "somebody".to_owned();
        engine.supervisor.send(Pause { reason, by }).await.unwrap()
    };
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Refuses);
        assert!(ask(&engine).await.is_err() && !world.journal.is_paused("human"));
        assert_eq!(pauses(&engine).await, ["human"], "in force all the same");
        assert!(ask(&engine).await.is_err(), "asked again, it is still not durable");
        world.journal.trouble.set(Trouble::None);
        sleep(5).await;
        assert!(world.journal.is_paused("human"), "written without being asked again");
        assert_eq!(ask(&engine).await, Ok(()));
    });
}

#[test]
fn a_humans_pause_is_not_lifted_by_the_engine() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        pause(&engine, "hands off").await;
        let degraded = Pause {
            reason: PauseReason::OrderUnknown,
            by: "engine".to_owned(),
        };
        engine.supervisor.send(degraded).await.unwrap().unwrap();
        for key in ["human", "order_unknown"] {
            let clear = ClearPause { key: key.to_owned() };
            engine.supervisor.send(clear).await.unwrap();
        }
        sleep(120).await;
        assert_eq!(pauses(&engine).await, ["human"]);
        assert!(world.journal.is_paused("human") && !world.journal.is_paused("order_unknown"));
    });
}

#[test]
fn a_resume_leaves_a_pause_whose_cause_lasts() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        pause(&engine, "a look").await;
        world.bybit.down.set(true);
        sleep(90).await;
        let resume = Resume {
            by: "somebody".to_owned(),
        };
        engine.supervisor.send(resume).await.unwrap().unwrap();
        assert_eq!(pauses(&engine).await, ["venue_degraded:bybit"]);
        world.bybit.down.set(false);
        sleep(90).await;
        assert!(pauses(&engine).await.is_empty() && !world.journal.is_paused("venue_degraded:bybit"));
    });
}

#[test]
fn f094_a_ledger_that_is_away_stops_entries_until_it_is_back() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Down);
        sleep(4).await;
        assert_eq!(pauses(&engine).await, ["ledger_unavailable"]);
        assert!(matches!(act(&engine, world.enter("10")).await, JobEnded::Refused(_)));
        sleep(30).await;
        world.journal.trouble.set(Trouble::None);
        sleep(10).await;
        assert!(pauses(&engine).await.is_empty());
        assert_eq!(
            act(&engine, world.enter("10")).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Open)
        );
    });
    assert!(
        !world.journal.is_paused("ledger_unavailable"),
        "it would be paused for ever in the rows"
    );
}

#[test]
fn the_day_is_reported_once_by_whoever_leads_at_midnight() {
    const MIDNIGHT: i64 = 1_800_057_600_000; // 2027-01-16, UTC
    let mut world = World::new();
    world.settings.tells_unasked = true;
    world.clock.set(Timestamp(MIDNIGHT - 60_000));
    let reports = || {
        let rows = world.journal.rows.borrow();
        let of_days = rows
            .alerts
            .iter()
            .filter(|one| one.alert.name == AlertName::DailyReport);
        of_days
            .map(|one| (one.alert.key.clone(), one.alert.text.clone()))
            .collect::<Vec<_>>()
    };
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        sleep(30).await;
        assert!(reports().is_empty(), "the day is not over");
        sleep(60).await;
        let told = reports();
        assert_eq!((told.len(), told[0].0.as_str()), (1, "DAILY_REPORT:2027-01-15"));
        assert!(
            told[0].1.contains("Mode running") && told[0].1.contains("Hedges held 1"),
            "{}",
            told[0].1
        );
    });
    world.live(async |_| {
        world.ready().await;
        sleep(30).await;
        assert_eq!(reports().len(), 1, "a start on the same day tells nothing");
    });
}

#[test]
fn what_waits_for_a_person_is_told_again_until_somebody_resumes() {
    let mut world = World::new();
    world.settings.tells_unasked = true;
    let reminders = || {
        let rows = world.journal.rows.borrow();
        rows.alerts
            .iter()
            .filter(|one| one.alert.key == "INCONSISTENCY:reminder")
            .count()
    };
    world.live(async |engine| {
        world.ready().await;
        let reason = PauseReason::Inconsistent;
        let by = "reconciliation".to_owned();
        engine.supervisor.send(Pause { reason, by }).await.unwrap().unwrap();
        sleep(29 * 60).await;
        assert_eq!(reminders(), 0, "people were told, and have time");
        sleep(4 * 60).await;
        assert_eq!(reminders(), 1);
    });
    world.live(async |_| {
        world.ready().await;
        sleep(33 * 60).await;
        assert_eq!(reminders(), 2, "the pause has outlived the process, and still waits");
    });
    world.live(async |engine| {
        world.ready().await;
        sleep(5 * 60).await;
        let resume = Resume {
            by: "somebody".to_owned(),
        };
        engine.supervisor.send(resume).await.unwrap().unwrap();
        sleep(50 * 60).await;
        assert_eq!(reminders(), 2, "a resume is the acknowledgement");
    });
}

//! Nothing is traded before the truth is known, and there is one executor at a time.

use actors::messages::{JobEnded, Resume};
use domain::hedge::HedgeState;
use domain::journal::PendingAlert;
use domain::lease::LeaseRow;
use domain::money::{Bps, Usd};
use domain::order::{Epoch, HedgeId};
use domain::risk::Gate;

use crate::kit::journal::Trouble;
use crate::kit::*;

#[test]
fn f092_while_a_venue_cannot_be_read_nothing_is_traded_and_it_is_asked_again() {
    for late in [false, true] {
        let world = World::new();
        world.bybit.funding.set(dec("0.005"));
        world.bybit.down.set(!late);
        world.bybit.truth_takes.set(secs(1));
        world.live(async |engine| {
            if late {
                // It answers at first, and falls silent before the comparison.
                until("instruments are known", || world.logged(&["restored from the ledger"])).await;
                world.bybit.down.set(true);
            }
            let told = || {
                let rows = world.journal.rows.borrow();
                let about = |one: &&PendingAlert| one.alert.key == "VENUE_DEGRADED:start:bybit";
                rows.alerts.iter().filter(about).count()
            };
            sleep(50).await;
            assert_eq!(told(), 0, "a minute is not over");
            sleep(20).await;
            assert_eq!(told(), 1, "people are told once that a start waits");
            sleep(60).await;
            assert_eq!(told(), 1);
            assert!(world.health.mode() != "running" && world.orders_sent() == 0);
            // Whoever asks meanwhile waits, and by then the decision is too old to be acted upon.
            let early = tokio::time::timeout(secs(10), act(&engine, world.enter("10"))).await;
            assert!(early.is_err() && world.orders_sent() == 0);
            world.bybit.down.set(false);
            until("it trades", || world.orders_sent() == 2).await;
            assert_eq!(world.health.mode(), "running");
        });
        assert!(world.true_delta().abs() < dec("0.001")); // a fee in the coin, less than a lot
    }
}

#[test]
fn f094_a_start_waits_for_a_ledger_that_is_away() {
    let world = World::new();
    world.journal.trouble.set(Trouble::Down);
    world.live(async |_| {
        sleep(30).await;
        assert_eq!(world.health.mode(), "starting");
        world.journal.trouble.set(Trouble::None);
        world.ready().await;
    });
}

#[test]
fn a_pause_outlives_the_process_and_its_removal_does_too() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        pause(&engine, "maintenance").await;
    });
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(
            (pauses(&engine).await, world.health.mode().as_str()),
            (vec!["human".to_owned()], "paused")
        );
        let reason = status(&engine).await["pause_reasons"][0].clone();
        assert_ne!(reason["by"], "an earlier life", "the real author is named");
        assert_eq!(reason["by"], world.journal.rows.borrow().paused_by["human"].0.as_str());
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::Refused(Gate::Paused(_))
        ));
        let resume = Resume {
            by: "somebody".to_owned(),
        };
        engine.supervisor.send(resume).await.unwrap().unwrap();
        assert!(!world.journal.is_paused("human"));
    });
    world.live(async |engine| {
        world.ready().await;
        assert!(pauses(&engine).await.is_empty());
        assert_eq!(
            act(&engine, world.enter("10")).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Open)
        );
    });
}

#[test]
fn f103_a_second_process_stands_by_until_the_lease_has_run_out() {
    let world = World::new();
    let expires_at = world.clock.read().market.plus_millis(20_000);
    world.journal.rows.borrow_mut().lease = Some(LeaseRow {
        holder: "other".to_owned(),
        epoch: Epoch(4),
        expires_at,
    });
    world.live(async |engine| {
        sleep(19).await;
        assert_eq!(world.health.mode(), "standby");
        assert!(world.logged(&["standing by"]));
        let early = tokio::time::timeout(secs(1), act(&engine, world.enter("10"))).await;
        assert!(early.is_err());
        sleep(3).await;
        assert_eq!(world.journal.rows.borrow().lease.as_ref().unwrap().epoch, Epoch(5));
        world.ready().await;
        act(&engine, world.enter("10")).await;
        let ids: Vec<_> = world.binance.placed().into_iter().map(|one| one.client_id).collect();
        let of_epoch = format!("{}5-", world.settings.run);
        assert!(ids[0].as_str().contains(&of_epoch), "{ids:?}");
    });
}

#[test]
fn f105_a_process_that_was_overtaken_ends_with_its_own_code() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.rows.borrow_mut().lease = Some(LeaseRow {
            holder: "second".to_owned(),
            epoch: Epoch(2),
            expires_at: world.clock.read().market.plus_millis(10_000),
        });
        // Whatever it still wants to write is refused by its epoch.
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::NotRecorded(_)
        ));
        sleep(4).await;
    });
    assert_eq!(world.exits.borrow().first(), Some(&75));
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn the_comparison_before_the_first_trade_counts_as_one() {
    let world = World::new();
    world.live(async |_| {
        until("the engine runs", || world.health.mode() == "running").await;
        let checks = world.health.read(world.clock.machine());
        assert!(
            checks.iter().any(|check| check.name == "reconciliation" && check.ok),
            "{checks:?}"
        );
    });
}

#[test]
fn a_loss_of_an_earlier_life_stops_entries_in_the_next_one_whatever_the_strategy_says() {
    for drawdown in [false, true] {
        let mut world = World::new();
        let limits = &mut world.settings.limits;
        if drawdown {
            limits.max_drawdown = Bps(dec("0.1"));
        } else {
            limits.max_daily_loss = Usd(dec("1"));
        }
        world.live(async |engine| {
            world.ready().await;
            act(&engine, world.enter("10")).await;
            let left = act(&engine, exit_of(1)).await;
            assert_eq!(left, JobEnded::Rested(HedgeId(1), HedgeState::Closed));
        });
        let sent = world.orders_sent();
        world.live(async |engine| {
            world.ready().await;
            // The intent claims that nothing was ever lost.
            let ended = act(&engine, world.enter("10")).await;
            let gate = if drawdown { "drawdown" } else { "daily_loss" };
            assert!(
                matches!(&ended, JobEnded::Refused(refused) if refused.name() == gate),
                "{ended:?}"
            );
        });
        assert_eq!(world.orders_sent(), sent);
    }
}

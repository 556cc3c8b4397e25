//! A feed dies and returns alone; a dead actor of the money path ends the process.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::messages::{GetPortfolio, Heartbeat, JobEnded, Survey};
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::instrument::Product;
use domain::order::HedgeId;
use domain::risk::{Exposure, Gate, Losses};
use rust_decimal::Decimal;

use crate::kit::journal::Trouble;
use crate::kit::venue::{FeedLife, Place};
use crate::kit::*;

fn generation(status: &serde_json::Value, feed: &str) -> u64 {
    let feeds = status["feeds"].as_array().unwrap();
    let found = feeds.iter().find(|one| one["name"] == feed).unwrap();
    found["generation"].as_u64().unwrap()
}

#[test]
fn f001_a_feed_that_panics_ends_or_falls_silent_is_rebuilt_alone() {
    for life in [
        FeedLife::Panics,
        FeedLife::Ends,
        FeedLife::Silent,
        FeedLife::Refused,
        FeedLife::Mute,
    ] {
        let world = World::new();
        world.binance.next_feeds(Product::Perp, &[life]);
        world.live(async |engine| {
            world.ready().await;
            sleep(20).await;
            assert_eq!(world.binance.opened(Product::Perp).len(), 2, "{life:?}");
            let others = [world.binance.opened(Product::Spot), world.bybit.opened(Product::Perp)];
            assert!(others.iter().all(|opened| opened.len() == 1), "{life:?}");
            let status = status(&engine).await;
            assert_eq!(
                (generation(&status, "binance.perp"), generation(&status, "bybit.perp")),
                (1, 0)
            );
            assert_eq!(status["mode"], "running");
            assert_eq!(
                act(&engine, world.enter("10")).await,
                JobEnded::Rested(HedgeId(1), HedgeState::Open)
            );
        });
        assert!(world.exits.borrow().is_empty());
        assert_eq!(world.journal.alerts_named(AlertName::FeedRestarted), 1);
    }
}

#[test]
fn f032_a_private_feed_that_dies_is_rebuilt_and_what_it_missed_is_read() {
    for life in [FeedLife::Panics, FeedLife::Ends, FeedLife::Refused] {
        let world = World::new();
        world.bybit.stream_lives.borrow_mut().extend([FeedLife::Healthy, life]);
        world.live(async |engine| {
            world.ready().await;
            sleep(5).await;
            assert_eq!(
                (world.bybit.stream_opened.get(), world.binance.stream_opened.get()),
                (1, 1)
            );
            drop(engine);
        });
        let world = World::new();
        world.bybit.stream_lives.borrow_mut().push_back(life);
        world.live(async |_| {
            world.ready().await;
            sleep(5).await;
            assert_eq!(
                (world.bybit.stream_opened.get(), world.binance.stream_opened.get()),
                (2, 1),
                "{life:?}"
            );
            assert!(world.logged(&["reading what the account feed missed", "bybit"]));
        });
        assert!(world.exits.borrow().is_empty());
    }
}

/// Waits between the lives of Binance's feed.
fn gaps(world: &World, product: Product) -> Vec<Duration> {
    let opened = world.binance.opened(product);
    opened.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

#[test]
fn f011_each_wait_is_longer_and_no_two_feeds_wait_alike() {
    let world = World::new();
    for product in Product::ALL {
        world.binance.next_feeds(product, &[FeedLife::Ends; 4]);
    }
    world.live(async |_| {
        world.ready().await;
        sleep(15).await;
    });
    let waits = gaps(&world, Product::Perp);
    assert_eq!(waits.len(), 4);
    for (nth, wait) in waits.iter().enumerate() {
        let ceiling = Duration::from_millis(500 << nth);
        assert!(
            *wait >= ceiling / 2 && *wait <= ceiling + Duration::from_millis(5),
            "{waits:?}"
        );
    }
    assert_ne!(
        waits,
        gaps(&world, Product::Spot),
        "the feeds of a venue return in step"
    );
}

#[test]
fn the_fifth_death_in_a_minute_degrades_the_venue_until_its_feed_speaks_again() {
    let world = World::new();
    world.binance.next_feeds(Product::Perp, &[FeedLife::Ends; 5]);
    world.binance.next_feeds(Product::Perp, &[FeedLife::Mute]);
    world.live(async |engine| {
        world.ready().await;
        until("five lives are over", || {
            world.logged(&["feed is being rebuilt", "restarts=5"])
        })
        .await;
        sleep(1).await;
        assert_eq!(pauses(&engine).await, ["venue_degraded:binance"]);
        assert!(world.journal.is_paused("venue_degraded:binance"));
        assert_eq!(world.journal.alerts_named(AlertName::VenueDegraded), 1);
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::Refused(Gate::Paused(_))
        ));
        until("it is tried again", || world.binance.opened(Product::Perp).len() == 6).await;
        // Open, but without a word: that is no recovery.
        sleep(8).await;
        assert_eq!(pauses(&engine).await, ["venue_degraded:binance"]);
        until("it speaks", || world.binance.opened(Product::Perp).len() == 7).await;
        sleep(8).await;
        assert!(pauses(&engine).await.is_empty() && !world.journal.is_paused("venue_degraded:binance"));
        assert_eq!(
            act(&engine, world.enter("10")).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Open)
        );
    });
    assert!(world.exits.borrow().is_empty());
}

/// The process has been told to end because this actor died.
fn assert_died(world: &World, child: &str) {
    assert_eq!(world.exits.borrow().first(), Some(&70), "{child}");
    let named = world.logged(&["an actor of the money path died", &format!("child={child}")]);
    assert!(named || world.logged(&[&format!("the {child} died")]), "{child}");
}

#[test]
fn f087_a_panic_in_the_scanner_the_keeper_or_the_supervisor_ends_the_process() {
    for child in ["scanner", "position_keeper", "supervisor"] {
        let world = World::new();
        world.live(async |engine| {
            world.ready().await;
            tokio::time::sleep(Duration::from_millis(250)).await;
            world.clock.bomb.set(true);
            let survey = Survey {
                exposure: Exposure::default(),
                barred: BTreeMap::new(),
                paused: None,
                losses: Losses::default(),
                barred_venues: BTreeMap::new(),
                held: Vec::new(),
            };
            let beat = Heartbeat {
                actor: "executor",
                generation: 0,
            };
            let died = match child {
                "scanner" => engine.scanner.send(survey).await.is_err(),
                "supervisor" => engine.supervisor.send(beat).await.is_err(),
                _ => engine.keeper.send(GetPortfolio).await.is_err(),
            };
            assert!(died, "{child}");
            sleep(1).await;
        });
        assert_died(&world, child);
    }
}

#[test]
fn f087_a_panic_in_the_executor_ends_the_process() {
    let world = World::new();
    world.bybit.next_orders(&[Place::Panic]);
    world.live(async |engine| {
        world.ready().await;
        let job = actors::messages::Execute(world.enter("10"));
        // The guardian buries the executor: whoever waits for the job is not left waiting.
        let ended = tokio::time::timeout(secs(5), engine.executor.send(job)).await.unwrap();
        assert!(!matches!(ended, Ok(JobEnded::Rested(..))));
    });
    assert_died(&world, "executor");
    assert_eq!(world.orders_sent(), 1);
}

#[test]
fn f087_a_panic_in_the_strategist_ends_the_process() {
    let mut world = World::new();
    world.settings.plan.reentry_share = Decimal::MAX;
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        sleep(5).await;
    });
    assert_died(&world, "strategist");
}

#[test]
fn f087_a_panic_in_the_ledger_writer_ends_the_process() {
    let world = World::new();
    world.live(async |_| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Panics);
        sleep(5).await;
    });
    assert_died(&world, "ledger_writer");
}

#[test]
fn f087_a_panic_in_the_start_ends_the_process() {
    let world = World::new();
    world.bybit.instruments_panic.set(true);
    world.live(async |_| sleep(5).await);
    assert_eq!(world.exits.borrow().first(), Some(&70));
}

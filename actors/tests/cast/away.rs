//! The ledger is away while something is held: ways out go on through the file beside it, ways in wait.

use std::rc::Rc;
use std::time::Duration;

use actors::messages::JobEnded;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::journal::Record;
use domain::order::HedgeId;
use domain::position::AccountFact;

use crate::kit::journal::{MemSpool, Trouble};
use crate::kit::venue::Place;
use crate::kit::*;

/// A world with a file beside its ledger.
fn world(extends: bool) -> (World, Rc<MemSpool>) {
    let (mut world, spool) = (World::new(), Rc::new(MemSpool::default()));
    spool.extends.set(extends);
    world.spool = Some(Rc::clone(&spool));
    (world, spool)
}

fn closed(id: u64) -> JobEnded {
    JobEnded::Rested(HedgeId(id), HedgeState::Closed)
}

/// Every order that a venue has seen is a row of the ledger, and over.
fn every_order_is_a_row(world: &World) {
    let rows = world.journal.rows.borrow();
    for ticket in [world.binance.placed(), world.bybit.placed()].concat() {
        let row = rows.orders.get(&ticket.client_id);
        assert!(row.is_some_and(|row| row.state.is_terminal()), "{ticket:?}: {row:?}");
    }
    let filled: rust_decimal::Decimal = rows.fills.values().map(|fill| fill.side.sign() * fill.quantity.0).sum();
    assert_eq!(filled, world.true_delta(), "the rows hold what the venues hold");
}

#[test]
fn f094_exits_go_on_while_the_ledger_is_away_and_their_rows_follow() {
    let (world, spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        act(&engine, world.enter("10")).await;
        world.journal.trouble.set(Trouble::Down);
        let started = world.clock.machine();
        assert_eq!(act(&engine, exit_of(1)).await, closed(1));
        assert!(world.clock.machine().since(started) < secs(5));
        // Far beyond the term that the ledger knows of.
        sleep(60).await;
        assert_eq!(act(&engine, exit_of(2)).await, closed(2));
        assert_eq!(world.true_delta(), dec("0"));
        assert!(pauses(&engine).await.contains(&"ledger_unavailable".to_owned()));
        assert_eq!(
            world.sinks[0].count("The ledger cannot be written"),
            1,
            "told past the outbox, and once"
        );
        assert_eq!(
            world.open_hedge(1),
            Some(HedgeState::Open),
            "the ledger knows nothing of it yet"
        );
        world.journal.trouble.set(Trouble::None);
        until("the ledger has taken what waited", || spool.batches.borrow().is_empty()).await;
        sleep(10).await;
        every_order_is_a_row(&world);
        assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
        assert_eq!(reconcile(&engine).await, Vec::<&str>::new());
        assert_eq!(pauses(&engine).await, Vec::<String>::new());
        let opened = act(&engine, world.enter("10")).await;
        assert_eq!(opened, JobEnded::Rested(HedgeId(3), HedgeState::Open));
    });
    assert!(world.exits.borrow().is_empty());
}

#[test]
fn f101_errors_that_come_late_do_not_cost_the_lease_whenever_they_come() {
    // One of these falls right behind a turn of the renewal, which then finds it answered.
    for wait in (3_000..10_000).step_by(100) {
        let (world, _spool) = world(true);
        world.live(async |engine| {
            world.ready().await;
            act(&engine, world.enter("10")).await;
            world.journal.trouble.set(Trouble::Locked(Duration::from_millis(wait)));
            sleep(60).await;
            assert_eq!(act(&engine, exit_of(1)).await, closed(1), "{wait} ms");
        });
    }
}

#[test]
fn f094_a_ledger_lost_between_the_legs_of_an_exit_does_not_keep_the_second_one() {
    let (world, spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world.bybit.next_orders(&[Place::Slow(secs(1))]);
        let lost = async {
            tokio::time::sleep(secs(1) / 2).await;
            world.journal.trouble.set(Trouble::Down);
        };
        let (ended, ()) = futures_util::future::join(act(&engine, exit_of(1)), lost).await;
        assert_eq!(ended, closed(1));
        assert!(spool.kept.get() >= 3, "what became of the first, the second, the rest");
        world.journal.trouble.set(Trouble::None);
        until("the ledger has taken what waited", || spool.batches.borrow().is_empty()).await;
        every_order_is_a_row(&world);
    });
}

#[test]
fn f094_a_naked_leg_is_told_while_the_ledger_is_away_three_times_an_hour_at_most() {
    let (world, _spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world.journal.trouble.set(Trouble::Down);
        world.bybit.always.set(Place::Refuse(110_017));
        act(&engine, exit_of(1)).await;
        assert!(!world.true_delta().is_zero(), "one leg is left");
        until("people know", || named(&world, AlertName::HedgeOneLegged) > 0).await;
        assert_eq!(
            world.journal.alerts_named(AlertName::HedgeOneLegged),
            0,
            "not by the ledger"
        );
        sleep(600).await;
        let told = named(&world, AlertName::HedgeOneLegged);
        assert!((1..=3).contains(&told), "told {told} times");
    });
}

#[test]
fn f094_a_forced_reduction_is_told_while_the_ledger_is_away_and_comes_with_it_again() {
    let (world, _spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world.journal.trouble.set(Trouble::Down);
        world.binance.say(AccountFact::ForcedReduction {
            instrument: long_perp(),
            kind: "ADL".to_owned(),
        });
        until("people know", || named(&world, AlertName::ForcedReduction) == 1).await;
        world.journal.trouble.set(Trouble::None);
        until("the ledger has it, too", || {
            world.journal.alerts_named(AlertName::ForcedReduction) == 1
        })
        .await;
    });
}

/// How often a channel has taken an alert of this name.
fn named(world: &World, name: AlertName) -> usize {
    let taken = world.sinks[0].taken.borrow();
    taken.iter().filter(|alert| alert.name == name).count()
}

#[test]
fn f094_an_entry_is_never_kept_beside_the_ledger_and_half_of_one_is_taken_back() {
    let (world, spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Down);
        let refused = act(&engine, world.enter("10")).await;
        assert!(
            matches!(refused, JobEnded::NotRecorded(_) | JobEnded::Refused(_)),
            "{refused:?}"
        );
        assert_eq!(world.orders_sent(), 0);
        world.journal.trouble.set(Trouble::None);
        sleep(10).await;
        // The first leg is on its way when the ledger goes.
        world.bybit.next_orders(&[Place::Slow(secs(1))]);
        let lost = async {
            tokio::time::sleep(secs(1) / 2).await;
            world.journal.trouble.set(Trouble::Down);
        };
        futures_util::future::join(act(&engine, world.enter("10")), lost).await;
        until("the leg is taken back", || world.true_delta().is_zero()).await;
        assert_eq!(world.binance.placed().len(), 0, "no second leg without its intent");
        let opens = |record: &Record| matches!(record, Record::Order(ticket) if !ticket.purpose.reduces());
        let kept = spool
            .batches
            .borrow()
            .iter()
            .flat_map(|batch| batch.records.clone())
            .filter(opens)
            .count();
        assert_eq!(kept, 0);
        world.journal.trouble.set(Trouble::None);
        until("the ledger has taken what waited", || spool.batches.borrow().is_empty()).await;
        every_order_is_a_row(&world);
    });
}

#[test]
fn f097_an_intent_that_is_durable_and_was_never_answered_is_not_sent_and_ends() {
    let (world, _spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::OrdersUnanswered);
        let ended = act(&engine, world.enter("10")).await;
        assert!(matches!(ended, JobEnded::NotRecorded(_)), "{ended:?}");
        assert_eq!(world.orders_sent(), 0);
        world.journal.trouble.set(Trouble::None);
        until("its order is over", || {
            let rows = world.journal.rows.borrow();
            !rows.orders.is_empty() && rows.orders.values().all(|row| row.state.is_terminal())
        })
        .await;
        assert_eq!(world.orders_sent(), 0);
    });
}

#[test]
fn f094_where_the_lease_cannot_be_prolonged_nothing_is_sent_after_its_term() {
    let (world, _spool) = world(false);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        act(&engine, world.enter("10")).await;
        world.journal.trouble.set(Trouble::Down);
        assert_eq!(act(&engine, exit_of(1)).await, closed(1), "the lease still holds");
        sleep(11).await;
        let sent = world.orders_sent();
        assert_eq!(act(&engine, exit_of(2)).await, JobEnded::Stopping);
        assert_eq!(world.orders_sent(), sent);
    });
}

#[test]
fn f082_a_process_that_dies_with_rows_beside_the_ledger_begins_with_them() {
    let (world, spool) = world(true);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world.bybit.next_orders(&[Place::Slow(secs(30))]);
        world.journal.trouble.set(Trouble::Down);
        // It dies with the order on its way and only the file knowing of it.
        let cut = tokio::time::timeout(secs(5), act(&engine, exit_of(1))).await;
        assert!(cut.is_err() && spool.kept.get() == 1, "{cut:?} {}", spool.kept.get());
    });
    world.journal.trouble.set(Trouble::None);
    world.live(async |engine| {
        world.ready().await;
        assert!(spool.batches.borrow().is_empty());
        until("the hedge is flat", || world.true_delta().is_zero()).await;
        until("the hedge is closed", || {
            world.open_hedge(1) == Some(HedgeState::Closed)
        })
        .await;
        every_order_is_a_row(&world);
        assert_eq!(reconcile(&engine).await, Vec::<&str>::new());
    });
    let ids = [world.binance.placed(), world.bybit.placed()].concat();
    let different: std::collections::BTreeSet<_> = ids.iter().map(|ticket| ticket.client_id.clone()).collect();
    assert_eq!(different.len(), ids.len(), "nothing was sent twice");
}

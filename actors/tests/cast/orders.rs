//! From an intent to proven fills: what is sent, when, and when it must not be.

use std::time::Duration;

use actors::messages::{Drain, Intent, JobEnded, LeaseChanged};
use domain::alert::AlertName;
use domain::hedge::{ENTRY_ATTEMPTS, HedgeState};
use domain::instrument::{Product, Side, VenueId};
use domain::lease::Held;
use domain::money::Usd;
use domain::order::{Epoch, HedgeId};
use domain::position::AccountFact;
use domain::risk::{Exposure, Gate, Losses};

use crate::kit::journal::Trouble;
use crate::kit::probes::Event;
use crate::kit::venue::Place;
use crate::kit::*;

#[test]
fn an_order_is_durable_before_the_venue_sees_it() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let ended = act(&engine, world.enter("10")).await;
        assert_eq!(ended, JobEnded::Rested(HedgeId(1), HedgeState::Open));
        assert_eq!(
            act(&engine, exit_of(1)).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Closed)
        );
    });
    let events = world.events.all();
    let sent: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Sent(id) => Some(id.clone()),
            Event::Durable(_) => None,
        })
        .collect();
    assert_eq!(sent.len(), 4);
    for id in sent {
        let at = |event: &Event| events.iter().position(|one| one == event);
        assert!(at(&Event::Durable(id.clone())) < at(&Event::Sent(id)));
    }
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f063_the_second_leg_is_never_larger_than_what_the_first_one_got() {
    let world = World::new();
    world.bybit.next_orders(&[Place::Part(dec("0.4"))]);
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        assert_eq!(world.binance.placed()[0].quantity.0, dec("4"));
    });
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn f053_a_refused_second_leg_is_tried_again_and_then_the_first_is_taken_back() {
    let world = World::new();
    world.binance.always.set(Place::Refuse(-2019));
    world.live(async |engine| {
        world.ready().await;
        let ended = act(&engine, world.enter("10")).await;
        assert_eq!(ended, JobEnded::Rested(HedgeId(1), HedgeState::Closed));
    });
    assert_eq!(world.binance.placed().len(), usize::from(ENTRY_ATTEMPTS));
    let bybit = world.bybit.placed();
    assert_eq!(
        (bybit.len(), bybit[1].side, bybit[1].reduce_only()),
        (2, Side::Buy, true)
    );
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn an_entry_is_refused_while_paused_and_an_exit_is_not() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        pause(&engine, "maintenance").await;
        let sent = world.orders_sent();
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::Refused(Gate::Paused(_))
        ));
        assert_eq!(world.orders_sent(), sent);
        assert_eq!(
            act(&engine, exit_of(1)).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Closed)
        );
    });
    assert_eq!(world.true_delta(), dec("0"));
}

#[test]
fn an_old_decision_is_not_acted_upon() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let intent = world.enter("10");
        sleep(6).await;
        let ended = act(&engine, intent).await;
        assert!(
            matches!(ended, JobEnded::Refused(Gate::Stale { what: "decision", .. })),
            "{ended:?}"
        );
    });
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn without_a_lease_or_with_too_little_of_it_nothing_is_sent() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        let sent = world.orders_sent();
        let held = |seconds| Held {
            epoch: Epoch(1),
            until: world.clock.machine().plus(secs(seconds)),
        };
        for lease in [None, Some(held(3))] {
            engine.executor.send(LeaseChanged(lease)).await.unwrap();
            assert!(matches!(
                act(&engine, world.enter("10")).await,
                JobEnded::Refused(Gate::Paused(_))
            ));
            assert_eq!(act(&engine, exit_of(1)).await, JobEnded::Stopping);
            assert_eq!(world.orders_sent(), sent);
        }
        engine.executor.send(LeaseChanged(Some(held(9)))).await.unwrap();
        assert_eq!(
            act(&engine, exit_of(1)).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Closed)
        );
    });
}

#[test]
fn f095_a_slow_ledger_does_not_let_an_order_out_after_the_lease() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::SlowOrders(secs(15)));
        act(&engine, world.enter("10")).await;
    });
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn a_pause_that_falls_while_the_intent_is_written_stops_the_entry() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world
            .journal
            .trouble
            .set(Trouble::SlowOrders(Duration::from_millis(1_500)));
        let late = async {
            sleep(1).await;
            pause(&engine, "wait").await;
        };
        futures_util::future::join(act(&engine, world.enter("10")), late).await;
        sleep(10).await;
        assert!(states(&engine).await.is_empty());
    });
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn a_book_that_grows_old_while_the_intent_is_written_stops_the_entry() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::SlowOrders(secs(3)));
        act(&engine, world.enter("10")).await;
        assert!(states(&engine).await.is_empty());
        assert_eq!(world.orders_sent(), 0);
        world.journal.trouble.set(Trouble::None);
        act(&engine, world.enter("10")).await;
        assert_eq!(world.orders_sent(), 2);
    });
}

#[test]
fn a_second_leg_whose_book_grew_old_is_sent_by_a_newer_one_only_inside_the_bound() {
    // Held back, it is shaped once more by what the book is now.
    for (moved, held_back) in [("0", false), ("-3", true)] {
        let world = World::new();
        world.live(async |engine| {
            world.ready().await;
            let meanwhile = async {
                world.journal.trouble.set(Trouble::SlowLaterOrders(secs(3)));
                until("the first leg", || world.orders_sent() == 1).await;
                for venue in [&world.binance, &world.bybit] {
                    venue.moved.set(dec(moved));
                }
            };
            let (ended, ()) = futures_util::future::join(act(&engine, world.enter("10")), meanwhile).await;
            let opened = JobEnded::Rested(HedgeId(1), HedgeState::Open);
            assert_eq!(ended, opened, "moved by {moved}");
            assert_eq!(world.logged(&["an order is held back"]), held_back, "moved by {moved}");
            assert_eq!(world.orders_sent(), 2);
        });
    }
}

#[test]
fn a_cap_stops_an_entry_that_the_strategy_should_not_have_asked_for() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let over = act(&engine, world.enter("100")).await;
        assert!(matches!(over, JobEnded::Refused(Gate::NoRoom { .. })), "{over:?}");
        let mut full = Exposure::default();
        full.add(VenueId::Binance, Usd(dec("12000")));
        for (held, lost) in [(full, "0"), (Exposure::default(), "500")] {
            let Intent::Enter { entry, decided_at, .. } = world.enter("40") else {
                unreachable!()
            };
            let intent = Intent::Enter {
                entry,
                decided_at,
                exposure: held,
                losses: Losses {
                    today: Usd(dec(lost)),
                    ..Losses::default()
                },
            };
            let ended = act(&engine, intent).await;
            assert!(
                matches!(ended, JobEnded::Refused(Gate::NoRoom { .. } | Gate::DailyLoss { .. })),
                "{ended:?}"
            );
        }
    });
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn the_last_gate_counts_what_is_held_whatever_the_strategy_says() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("90")).await;
        let sent = world.orders_sent();
        // The intent claims that nothing is held; a second one of this size would break the venue's cap.
        let ended = act(&engine, world.enter("90")).await;
        assert!(matches!(ended, JobEnded::Refused(Gate::NoRoom { .. })), "{ended:?}");
        assert_eq!(world.orders_sent(), sent);
    });
}

#[test]
fn an_absent_limit_means_no_trading() {
    let mut world = World::new();
    world.settings.limits.max_total = Usd::ZERO;
    world.live(async |engine| {
        world.ready().await;
        assert!(matches!(
            act(&engine, world.enter("1")).await,
            JobEnded::Refused(Gate::NoRoom { .. })
        ));
    });
    assert_eq!(world.orders_sent(), 0);
}

/// Hedges in the order in which the venues saw their orders, neighbours collapsed.
fn sequence(world: &World) -> Vec<u64> {
    let tickets = [world.binance.placed(), world.bybit.placed()].concat();
    let of_hedge = |event: &Event| match event {
        Event::Sent(id) => tickets.iter().find(|one| one.client_id == *id).map(|one| one.hedge.0),
        Event::Durable(_) => None,
    };
    let mut hedges: Vec<_> = world.events.all().iter().filter_map(of_hedge).collect();
    hedges.dedup();
    hedges
}

#[test]
fn one_job_at_a_time_and_ways_out_before_ways_in() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world
            .bybit
            .next_orders(&[Place::Slow(secs(1)), Place::Slow(secs(1)), Place::Slow(secs(1))]);
        let jobs = [world.enter("10"), world.enter("10"), exit_of(1)].map(|intent| act(&engine, intent));
        futures_util::future::join_all(jobs).await;
    });
    assert_eq!(sequence(&world), [1, 2, 1, 3]);
}

#[test]
fn f085_a_drain_finishes_the_running_job_and_begins_no_other() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.bybit.next_orders(&[Place::Slow(secs(3))]);
        let drained = async {
            sleep(1).await;
            engine.supervisor.send(Drain).await.unwrap();
            assert_eq!(world.true_delta(), dec("0"));
            assert_eq!(world.binance.placed().len(), 1);
            assert_eq!(world.journal.rows.borrow().lease.as_ref().unwrap().holder, "");
        };
        let (running, queued) = (world.enter("10"), world.enter("10"));
        let (first, second, ()) =
            futures_util::future::join3(act(&engine, running), act(&engine, queued), drained).await;
        assert_eq!(first, JobEnded::Rested(HedgeId(1), HedgeState::Open));
        assert_eq!(second, JobEnded::Stopping);
        assert_eq!(act(&engine, world.enter("10")).await, JobEnded::Stopping);
    });
    assert_eq!(world.orders_sent(), 2);
}

#[test]
fn a_job_that_outlives_the_drain_sends_nothing_after_the_lease_is_given_back() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.bybit.next_orders(&[Place::Slow(secs(40))]);
        let drained = async {
            sleep(1).await;
            engine.supervisor.send(Drain).await.unwrap();
            assert_eq!(world.journal.rows.borrow().lease.as_ref().unwrap().holder, "");
        };
        let (ended, ()) = futures_util::future::join(act(&engine, world.enter("10")), drained).await;
        assert_eq!(ended, JobEnded::Stopping);
    });
    assert_eq!((world.bybit.placed().len(), world.binance.placed().len()), (1, 0));
}

#[test]
fn a_spot_sale_never_asks_for_more_than_is_free() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let opened = act(&engine, world.intent(&long_spot(), &short_perp(), "10")).await;
        assert_eq!(opened, JobEnded::Rested(HedgeId(1), HedgeState::Open));
        let bought = world.binance.placed().len();
        world.binance.free_coins.set(Some(dec("3.9995")));
        act(&engine, exit_of(1)).await;
        let sales = world.binance.placed().split_off(bought);
        assert!(!sales.is_empty());
        assert!(sales.iter().all(|sale| sale.quantity.0 <= dec("3.999")), "{sales:?}");
    });
}

#[test]
fn f104_a_fenced_process_ends_and_sends_nothing_more() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.journal.trouble.set(Trouble::Fenced);
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::NotRecorded(_)
        ));
        sleep(4).await;
        assert!(matches!(act(&engine, world.enter("10")).await, JobEnded::Refused(_)));
    });
    assert_eq!(world.exits.borrow().first(), Some(&75));
    assert_eq!(world.orders_sent(), 0);
}

#[test]
fn f056_a_hedge_that_cannot_be_repaired_does_not_keep_the_others_from_leaving() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        act(&engine, world.intent(&long_spot(), &long_perp(), "5")).await;
        sleep(1).await;
        world.bybit.always.set(Place::Refuse(110_017));
        let forced = world
            .binance
            .trade(Product::Perp, Side::Sell, dec("4"), "adl_autoclose", "x");
        world.binance.say(AccountFact::Fill(forced));
        // The second hedge loses money from now on, and its venue takes orders.
        world.binance.funding.set(dec("-0.01"));
        sleep(30).await;
        assert_eq!(world.open_hedge(2), Some(HedgeState::Closed));
        assert!(matches!(states(&engine).await[..], [HedgeState::OneLegged { .. }]));
        world.bybit.always.set(Place::Fill);
        until("the first is repaired", || world.true_delta().abs() < dec("0.01")).await;
    });
}

#[test]
fn f047_refused_orders_do_not_become_a_storm() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        act(&engine, world.enter("10")).await;
        world.bybit.always.set(Place::Refuse(110_017));
        world.binance.always.set(Place::Refuse(-2022));
        let forced = world
            .binance
            .trade(Product::Perp, Side::Sell, dec("4"), "adl_autoclose", "x");
        world.binance.say(AccountFact::Fill(forced));
        let before = world.orders_sent();
        sleep(60).await;
        let first = world.orders_sent() - before;
        assert!((12..=60).contains(&first), "{first} orders in the first minute");
        sleep(240).await;
        let before = world.orders_sent();
        sleep(300).await;
        let later = world.orders_sent() - before;
        assert!((6..=60).contains(&later), "{later} orders in five minutes");
        assert!(world.journal.alerts_named(AlertName::HedgeOneLegged) > 0);
    });
}

#[test]
fn i25_an_intent_keeps_the_inputs_of_its_decision_with_their_ages() {
    let world = World::new();
    world.bybit.funding.set(dec("0.005"));
    world.live(async |_| {
        until("the strategist enters by itself", || {
            world.open_hedge(1) == Some(HedgeState::Open)
        })
        .await;
    });
    let inputs = world.journal.intents();
    assert_eq!(inputs.len(), 2, "one for each leg");
    for (number, inputs) in inputs.iter().enumerate() {
        let decision = &inputs["decision"];
        assert!(dec(decision["net_bps"].as_str().unwrap()) > dec("10"), "{decision}");
        assert_eq!(decision["short"]["funding"]["value"]["predicted"], "0.005");
        assert_eq!(decision["short"]["funding"]["value"]["interval_hours"], 8);
        for leg in ["long", "short"] {
            let quote = &decision[leg]["quote"];
            assert_eq!(
                (quote["value"]["bid"].as_str(), quote["value"]["ask"].as_str()),
                (Some("99.9"), Some("100.1"))
            );
            assert!(quote["age_ms"].as_u64().unwrap() <= 2_000, "{quote}");
            assert!(quote["venue_time"].is_string());
            assert_eq!(inputs[leg]["ask"], "100.1", "read again right before the order");
        }
        assert!(inputs["books_age_ms"].as_u64().unwrap() <= 2_000);
        assert_eq!(inputs["net_delta"] == "0", number == 0, "{inputs}");
    }
}

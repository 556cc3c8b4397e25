//! Each execution counts once, what was half done is finished, and what differs is named.

use actors::messages::{GetPortfolio, JobEnded, Reconcile, Resume};
use actors::position_keeper::Reconciled;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::instrument::{Product, Side, VenueId};
use domain::money::{Price, Quantity, Usd};
use domain::order::HedgeId;
use domain::position::{AccountFact, AccountTruth, Margin, Position};
use domain::reconcile::Inconsistency;
use domain::risk::Gate;
use domain::time::Machine;

use crate::kit::journal::Trouble;
use crate::kit::probes::Event;
use crate::kit::venue::{Place, Streamed};
use crate::kit::*;

async fn open(world: &World, engine: &actors::engine::Engine) {
    world.ready().await;
    assert_eq!(
        act(engine, world.enter("10")).await,
        JobEnded::Rested(HedgeId(1), HedgeState::Open)
    );
}

#[test]
fn f034_a_fill_that_comes_by_stream_and_by_query_counts_once() {
    for streamed in [Streamed::Named, Streamed::Nameless] {
        let world = World::new();
        for venue in [&world.binance, &world.bybit] {
            venue.streamed.set(streamed);
        }
        world.live(async |engine| {
            open(&world, &engine).await;
            let hedge = hedge(&engine, 1).await.unwrap();
            assert_eq!((hedge.long.held.0, hedge.short.held.0), (dec("10"), dec("10")));
            assert!(reconcile(&engine).await.is_empty());
            let after = crate::kit::hedge(&engine, 1).await.unwrap();
            assert_eq!((after.long.held.0, after.short.held.0), (dec("10"), dec("10")));
        });
        assert_eq!(world.journal.rows.borrow().fills.len(), 2);
    }
}

#[test]
fn f036_a_fill_without_our_name_is_known_by_the_venues_name_of_the_order() {
    let world = World::new();
    world.live(async |engine| {
        open(&world, &engine).await;
        let order = world.journal.rows.borrow().fills.values().find_map(|fill| {
            let at_bybit = fill.instrument == short_perp();
            at_bybit.then(|| fill.venue_order_id.clone())
        });
        sleep(1).await;
        let more = world
            .bybit
            .trade(Product::Perp, Side::Sell, dec("2"), "", &order.unwrap());
        world.bybit.say(AccountFact::Fill(more));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        assert_eq!(hedge(&engine, 1).await.unwrap().short.held.0, dec("12"));
        // What the first leg holds too much is taken back.
        until("the legs are equal", || world.true_delta().is_zero()).await;
    });
    let attributed = world.journal.rows.borrow();
    assert!(attributed.fills.values().all(|fill| fill.client_id.is_ours("test")));
}

#[test]
fn f066_a_foreign_fill_on_a_leg_leaves_one_leg_and_a_repair_follows() {
    for by_stream in [true, false] {
        let mut world = World::new();
        world.settings.reconcile_every = secs(5);
        world.live(async |engine| {
            open(&world, &engine).await;
            sleep(1).await;
            let forced = world
                .bybit
                .trade(Product::Perp, Side::Buy, dec("4"), "adl_autoclose", "x");
            if by_stream {
                world.bybit.say(AccountFact::Fill(forced));
                // Sooner than any tick: whoever decides is woken.
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                assert!(world.true_delta().is_zero(), "the other leg was not cut at once");
            }
            until("the legs are equal", || world.true_delta().is_zero()).await;
            sleep(10).await;
            assert_eq!(states(&engine).await, [HedgeState::Open]);
            assert_eq!(world.bybit.coins(), dec("-6"));
            assert!(reconcile(&engine).await.is_empty());
        });
        assert!(world.binance.placed().last().unwrap().reduce_only());
    }
}

type Lie = fn(&mut AccountTruth);

/// The venue would take the short leg over at this price; the mark is 100.
fn taken_over_at(price: &'static str) -> Box<dyn Fn(&mut AccountTruth)> {
    Box::new(move |truth| {
        for position in &mut truth.positions {
            position.liquidation_price = Some(Price(dec(price)));
        }
    })
}

#[test]
fn f075_a_hedge_is_left_when_a_leg_comes_near_its_liquidation_and_people_are_told() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    world.live(async |engine| {
        open(&world, &engine).await;
        *world.bybit.lie.borrow_mut() = Some(taken_over_at("108"));
        sleep(20).await;
        assert_eq!(states(&engine).await, [HedgeState::Open], "800 bps are far enough");
        *world.bybit.lie.borrow_mut() = Some(taken_over_at("107"));
        until("both legs are left", || {
            world.bybit.coins().is_zero() && world.binance.coins().is_zero()
        })
        .await;
        until("it is told", || {
            world.journal.alerts_named(AlertName::LiquidationNear) > 0
        })
        .await;
    });
    assert!(sent_once(&world));
}

#[test]
fn where_a_liquidation_is_not_told_nothing_is_entered_and_what_lasts_is_left() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    world.live(async |engine| {
        open(&world, &engine).await;
        // Neither a price of liquidation nor the account's margin.
        *world.bybit.lie.borrow_mut() = Some(Box::new(|truth| truth.margin = None));
        until("it is told", || {
            world.journal.alerts_named(AlertName::LiquidationNear) > 0
        })
        .await;
        let gate = Gate::LiquidationUnknown(VenueId::Bybit);
        let view = engine.keeper.send(GetPortfolio).await.unwrap();
        assert_eq!(view.barred_venues.get(&VenueId::Bybit), Some(&gate));
        assert_eq!(view.barred_venues.len(), 1, "the other venue tells");
        sleep(500).await;
        assert_eq!(states(&engine).await, [HedgeState::Open], "less than ten minutes");
        until("both legs are left", || {
            world.bybit.coins().is_zero() && world.binance.coins().is_zero()
        })
        .await;
    });
    assert!(sent_once(&world));
}

#[test]
fn f075_a_venue_that_tells_the_margin_need_not_tell_each_liquidation() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    // Ten coins at 100 are held there: 760 bps of them, then 740.
    let margin = |balance: &'static str| -> Box<dyn Fn(&mut AccountTruth)> {
        Box::new(move |truth| {
            truth.margin = Some(Margin {
                balance: Usd(dec(balance)),
                maintenance: Usd(dec("20")),
            });
        })
    };
    world.live(async |engine| {
        open(&world, &engine).await;
        *world.bybit.lie.borrow_mut() = Some(margin("96"));
        sleep(1_000).await;
        assert_eq!(states(&engine).await, [HedgeState::Open], "760 bps are far enough");
        *world.bybit.lie.borrow_mut() = Some(margin("94"));
        until("both legs are left", || {
            world.bybit.coins().is_zero() && world.binance.coins().is_zero()
        })
        .await;
    });
}

#[test]
fn a_hedge_is_left_before_the_announced_end_of_a_leg() {
    let mut world = World::new();
    world.settings.relist_every = secs(30);
    let hours = |hours: i64| world.clock.read().market.plus_hours(hours);
    world.live(async |engine| {
        open(&world, &engine).await;
        world.bybit.ends_at.set(Some(hours(30)));
        sleep(90).await;
        assert_eq!(states(&engine).await, [HedgeState::Open], "30 hours are left");
        world.bybit.ends_at.set(Some(hours(23)));
        until("both legs are left", || {
            world.bybit.coins().is_zero() && world.binance.coins().is_zero()
        })
        .await;
    });
    assert!(sent_once(&world));
}

/// Whether no order was handed over twice.
fn sent_once(world: &World) -> bool {
    let mut sent: Vec<_> = world.events.all();
    sent.retain(|event| matches!(event, Event::Sent(_)));
    let names = |event: &Event| match event {
        Event::Sent(id) | Event::Durable(id) => id.clone(),
    };
    let mut ids: Vec<_> = sent.iter().map(names).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    ids.len() == all
}

/// A life that ends suddenly when `orders` orders have been sent; the last of them goes so.
fn cut_short(world: &World, leave: bool, place: Place) {
    world.live(async |engine| {
        world.ready().await;
        if leave {
            act(&engine, world.enter("10")).await;
        }
        world.bybit.next_orders(&[place]);
        let intent = if leave { exit_of(1) } else { world.enter("10") };
        let job = act(&engine, intent);
        let _ = tokio::time::timeout(secs(2), job).await;
    });
}

#[test]
fn f083_a_start_after_a_death_in_the_first_leg_takes_it_back() {
    let world = World::new();
    cut_short(&world, false, Place::Hang);
    assert_eq!(world.open_hedge(1).map(HedgeState::as_str), Some("opening"));
    assert_eq!(world.true_delta(), dec("-10"));
    world.live(async |engine| {
        world.ready().await;
        until("it is flat", || world.true_delta().is_zero()).await;
        sleep(5).await;
        assert!(states(&engine).await.is_empty() && reconcile(&engine).await.is_empty());
    });
    assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
    assert!(sent_once(&world));
}

#[test]
fn f083_a_start_after_a_death_in_the_second_leg_finds_both() {
    let world = World::new();
    world.binance.next_orders(&[Place::Hang]);
    cut_short(&world, false, Place::Fill);
    world.live(async |engine| {
        world.ready().await;
        sleep(5).await;
        assert_eq!(states(&engine).await, [HedgeState::Open]);
        assert!(reconcile(&engine).await.is_empty());
    });
    assert_eq!(
        (world.open_hedge(1), world.true_delta()),
        (Some(HedgeState::Open), dec("0"))
    );
    assert_eq!(world.orders_sent(), 2);
}

#[test]
fn f082_a_start_after_a_death_before_the_send_proves_that_nothing_was_sent() {
    let world = World::new();
    cut_short(&world, false, Place::Vanish);
    world.live(async |engine| {
        let began = world.clock.machine();
        world.ready().await;
        let waited = world.clock.machine().since(began);
        assert!(waited >= world.settings.visibility, "trusted after {waited:?}");
        sleep(5).await;
        assert!(states(&engine).await.is_empty());
    });
    assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
    assert_eq!(world.orders_sent(), 1);
}

#[test]
fn f083_a_start_after_a_death_on_the_way_out_goes_on_leaving() {
    let world = World::new();
    cut_short(&world, true, Place::Hang);
    assert_eq!(world.open_hedge(1).map(HedgeState::as_str), Some("closing"));
    world.live(async |_| {
        world.ready().await;
        until("it is flat", || world.open_hedge(1) == Some(HedgeState::Closed)).await;
    });
    assert_eq!((world.binance.coins(), world.bybit.coins()), (dec("0"), dec("0")));
    assert!(sent_once(&world));
}

#[test]
fn f067_a_leg_that_was_lost_while_nobody_looked_is_matched_after_the_start() {
    let world = World::new();
    world.live(async |engine| open(&world, &engine).await);
    world
        .bybit
        .trade(Product::Perp, Side::Buy, dec("10"), "autoclose-1", "x");
    world.live(async |engine| {
        world.ready().await;
        until("it is flat", || world.true_delta().is_zero()).await;
        sleep(5).await;
        assert!(reconcile(&engine).await.is_empty());
    });
    assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
}

#[test]
fn an_open_hedge_is_still_open_after_a_restart_and_nothing_is_sent_for_it() {
    let world = World::new();
    world.live(async |engine| open(&world, &engine).await);
    let sent = world.orders_sent();
    world.live(async |engine| {
        world.ready().await;
        sleep(30).await;
        assert_eq!(states(&engine).await, [HedgeState::Open]);
        assert!(reconcile(&engine).await.is_empty());
    });
    assert_eq!(world.orders_sent(), sent);
}

#[test]
fn what_differs_is_named_and_entries_wait_while_something_is_held() {
    let cases: [(&str, Lie); 4] = [
        ("missing_leg", |truth| truth.positions.clear()),
        ("size_drift", |truth| truth.positions[0].quantity = Quantity(dec("-9"))),
        ("cash_drift", |truth| truth.balances[0].total += dec("1")),
        ("unknown_position", |truth| {
            let mut other = truth.positions[0].clone();
            other.instrument.symbol = "ETHUSDT".into();
            truth.positions.push(other);
        }),
    ];
    for (name, lie) in cases {
        let mut world = World::new();
        world.settings.reconcile_every = secs(5);
        world.live(async |engine| {
            open(&world, &engine).await;
            *world.bybit.lie.borrow_mut() = Some(Box::new(lie));
            assert_eq!(reconcile(&engine).await, [name]);
            sleep(15).await;
            assert_eq!(pauses(&engine).await, ["inconsistent"], "{name}");
            assert!(world.journal.is_paused("inconsistent"));
            assert!(world.journal.alerts_with(name) > 0 && world.journal.alerts_named(AlertName::Inconsistency) > 0);
            // The engine never clears it by itself: somebody has to look.
            *world.bybit.lie.borrow_mut() = None;
            sleep(20).await;
            assert_eq!(pauses(&engine).await, ["inconsistent"], "{name}");
        });
    }
}

/// The venue shows a position that nobody here opened.
fn a_strangers_position(truth: &mut AccountTruth) {
    truth.positions.push(Position {
        instrument: crate::kit::venue::id(truth.venue, Product::Perp),
        quantity: Quantity(dec("0.1")),
        entry_price: Price(dec("100")),
        mark_price: Price(dec("100")),
        liquidation_price: None,
    });
}

#[test]
fn f069_a_strangers_position_pauses_a_start_and_its_market_is_left_alone_even_after_a_resume() {
    let mut world = World::new();
    world.settings.reconcile_every = secs(5);
    world.bybit.funding.set(dec("0.005"));
    *world.bybit.lie.borrow_mut() = Some(Box::new(a_strangers_position));
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(pauses(&engine).await, ["inconsistent"], "open and uncertain");
        let by = "somebody".to_owned();
        engine.supervisor.send(Resume { by }).await.unwrap().unwrap();
        sleep(30).await;
        assert!(pauses(&engine).await.is_empty(), "a person has seen it");
        assert_eq!(world.orders_sent(), 0, "its market is not traded");
        assert!(matches!(
            act(&engine, world.enter("10")).await,
            JobEnded::Refused(Gate::Uncertain(_))
        ));
        *world.bybit.lie.borrow_mut() = None;
        until("it trades once the position is gone", || world.orders_sent() == 2).await;
    });
}

#[test]
fn who_asks_right_behind_a_comparison_sees_the_pause_that_it_caused() {
    let world = World::new();
    world.live(async |engine| {
        open(&world, &engine).await;
        let mode = async || status(&engine).await["mode"].clone();
        assert_eq!(mode().await, "running");
        let found = vec![Inconsistency::UnknownPosition {
            instrument: short_perp(),
            venue: Quantity(dec("5")),
        }];
        // Both wait in the mailbox before either is handled.
        engine.supervisor.try_send(Reconciled { found, holding: true }).unwrap();
        assert_eq!(mode().await, "paused");
        until("it is durable", || world.journal.is_paused("inconsistent")).await;
    });
}

#[test]
fn two_reconciliations_at_once_open_each_wallet_once() {
    let world = World::new();
    for venue in [&world.binance, &world.bybit] {
        venue.truth_takes.set(secs(2));
    }
    world.live(async |engine| {
        until("the keeper knows its instruments", || {
            world.logged(&["restored from the ledger"])
        })
        .await;
        // The wallets of the second reading are judged while those of the first are being written.
        world.journal.trouble.set(Trouble::Slow(secs(1)));
        let twice = [false, false].map(|at_start| engine.keeper.send(Reconcile { at_start }));
        for found in futures_util::future::join_all(twice).await {
            assert!(found.unwrap().unwrap().is_empty());
        }
        world.journal.trouble.set(Trouble::None);
        world.ready().await;
        assert!(reconcile(&engine).await.is_empty());
        assert!(world.clock.machine() > Machine(secs(2)));
    });
    assert_eq!(world.journal.rows.borrow().openings.len(), 3);
}

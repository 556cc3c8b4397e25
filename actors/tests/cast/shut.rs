//! A venue says that it takes nothing for a while: no hedge is taken apart, or put together, by halves.

use actors::messages::JobEnded;
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::instrument::{Product, Side};
use domain::order::HedgeId;
use domain::position::AccountFact;
use domain::risk::Gate;

use crate::kit::venue::Place;
use crate::kit::*;

const OPEN: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Open);
const CLOSED: JobEnded = JobEnded::Rested(HedgeId(1), HedgeState::Closed);

fn is_shut(ended: &JobEnded) -> bool {
    matches!(ended, JobEnded::Refused(Gate::Shut { .. }))
}

#[test]
fn f020_a_hedge_is_not_left_while_one_of_its_venues_takes_no_orders() {
    // Whichever leg would go first.
    for shut in [
        |world: &World| world.binance.shut(secs(60)),
        |world: &World| {
            world.bybit.shut(secs(60));
        },
    ] {
        let world = World::new();
        world.live(async |engine| {
            world.ready().await;
            assert_eq!(act(&engine, world.enter("10")).await, OPEN);
            let sent = world.orders_sent();
            shut(&world);
            for _ in 0..2 {
                let ended = act(&engine, exit_of(1)).await;
                assert!(is_shut(&ended), "{ended:?}");
                sleep(10).await;
            }
            assert_eq!(world.orders_sent(), sent);
            assert_eq!(states(&engine).await, [HedgeState::Open]);
            assert_eq!(world.true_delta(), dec("0"));
            assert_eq!(world.journal.alerts_named(AlertName::VenueDegraded), 1, "told once");
            assert!(world.logged(&["a venue takes no orders"]));
            sleep(41).await;
            assert_eq!(act(&engine, exit_of(1)).await, CLOSED);
        });
        assert_eq!(world.true_delta(), dec("0"));
    }
}

#[test]
fn f020_the_strategist_leaves_a_hedge_when_its_venue_is_open_again() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        let sent = world.orders_sent();
        world.binance.shut(secs(120));
        // The hedge loses money from now on.
        world.binance.funding.set(dec("0.01"));
        sleep(110).await;
        assert_eq!(world.orders_sent(), sent);
        let tries = world
            .journal
            .count(|record| matches!(record, domain::journal::Record::Decision { verdict, .. } if verdict == "exit"));
        assert!((3..=15).contains(&tries), "{tries} tries in 110 s");
        sleep(25).await;
        assert_eq!(world.open_hedge(1), Some(HedgeState::Closed));
    });
    // Other hedges may be there by now, with dust on spot.
    assert!(world.true_delta().abs() < dec("0.01"));
}

#[test]
fn f020_nothing_is_entered_on_a_venue_that_takes_no_orders() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        world.binance.shut(secs(60));
        let ended = act(&engine, world.enter("10")).await;
        assert!(is_shut(&ended), "{ended:?}");
        assert_eq!(states(&engine).await, []);
        sleep(61).await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
    });
    assert_eq!(world.orders_sent(), 2);
}

#[test]
fn f020_a_single_leg_is_repaired_on_the_venue_that_is_open() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        let (there, here) = (world.binance.placed().len(), world.bybit.placed().len());
        world.binance.shut(secs(300));
        let forced = world
            .binance
            .trade(Product::Perp, Side::Sell, dec("4"), "adl_autoclose", "x");
        world.binance.say(AccountFact::Fill(forced));
        sleep(10).await;
        assert_eq!(world.true_delta(), dec("0"));
        assert_eq!(states(&engine).await, [HedgeState::Open]);
        let orders = (world.binance.placed().len(), world.bybit.placed().len());
        assert_eq!(orders, (there, here + 1));
    });
}

#[test]
fn f020_an_exit_whose_venue_shuts_half_way_ends_with_equal_legs() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        assert_eq!(act(&engine, world.enter("10")).await, OPEN);
        // Four of the short leg are bought back, then four of the long one are sold; meanwhile the short one's venue shuts.
        world.bybit.next_orders(&[Place::Part(dec("0.4"))]);
        world.binance.next_orders(&[Place::Slow(secs(2))]);
        let shuts = async {
            sleep(1).await;
            world.bybit.shut(secs(60));
        };
        let (ended, ()) = futures_util::future::join(act(&engine, exit_of(1)), shuts).await;
        assert_eq!(ended, OPEN);
        assert_eq!((world.binance.coins(), world.bybit.coins()), (dec("6"), dec("-6")));
        sleep(61).await;
        assert_eq!(act(&engine, exit_of(1)).await, CLOSED);
    });
    assert_eq!(world.true_delta(), dec("0"));
}

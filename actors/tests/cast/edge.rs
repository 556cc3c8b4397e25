//! What the engine expects: from what perpetuals have paid where it is told so, not from what their venues estimate.

use domain::forecast::{Forecaster, Model, Settlement};
use domain::hedge::HedgeState;
use domain::money::Rate;
use domain::strategy::Plan;
use rust_decimal::Decimal;

use super::kit::{World, dec, sleep, states};

/// Thirty days of settlements of this rate, the last one an hour before the world begins.
fn month_of(world: &World, rate: &str) -> Vec<Settlement> {
    let begins = world.clock.read().market.plus_hours(-1);
    (0..90_i64)
        .rev()
        .map(|back| Settlement {
            rate: Rate(dec(rate)),
            at: begins.plus_hours(-8 * back),
        })
        .collect()
}

fn forecasting() -> World {
    let mut world = World::new();
    world.settings.plan = Plan {
        hold_hours: 720,
        reentry_share: Decimal::ONE,
        minimum_hold_hours: 24,
        forecast: Some(Forecaster::new(Model::default())),
    };
    world
}

#[test]
fn a_spike_of_the_estimate_is_not_chased_and_a_long_regime_is_entered() {
    let world = forecasting();
    // The estimate cries: 1 % at the next settlement. The month before says a tenth of a basis point.
    world.bybit.funding.set(dec("0.01"));
    *world.bybit.settled.borrow_mut() = month_of(&world, "0.00001");
    *world.binance.settled.borrow_mut() = month_of(&world, "0.00001");
    world.live(async |engine| {
        world.ready().await;
        sleep(60).await;
        assert_eq!((states(&engine).await, world.orders_sent()), (vec![], 0));
    });
    // The estimate is silent, the month before has paid two basis points every eight hours.
    let world = forecasting();
    world.bybit.funding.set(Decimal::ZERO);
    *world.bybit.settled.borrow_mut() = month_of(&world, "0.0002");
    *world.binance.settled.borrow_mut() = month_of(&world, "0.00001");
    world.live(async |engine| {
        world.ready().await;
        sleep(60).await;
        assert_eq!(states(&engine).await, [HedgeState::Open]);
    });
}

#[test]
fn without_past_settlements_nothing_is_entered() {
    let world = forecasting();
    world.bybit.funding.set(dec("0.01"));
    *world.bybit.settled.borrow_mut() = month_of(&world, "0.0002").split_off(82);
    world.binance.settled.borrow_mut().clear();
    world.live(async |engine| {
        world.ready().await;
        sleep(60).await;
        let seen = engine.scanner.send(actors::messages::Observe).await.unwrap();
        let short = seen["opportunities"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["short"] == "bybit:perp:BTCUSDT")
            .unwrap();
        assert_eq!(short["refused_by"], "missing");
        assert_eq!(world.orders_sent(), 0);
        assert_eq!(short["refused_because"], "no settlements to forecast from yet");
        // A venue that told of none is asked again.
        let all = month_of(&world, "-0.0002");
        *world.binance.settled.borrow_mut() = all;
        sleep(120).await;
        let seen = engine.scanner.send(actors::messages::Observe).await.unwrap();
        let judged = seen["opportunities"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["short"] == "binance:perp:BTCUSDT" && one["long"] == "binance:spot:BTCUSDT")
            .unwrap();
        assert_eq!(judged["refused_by"], "spread");
    });
}

//! What the engine expects: from what perpetuals have paid where it is told so, not from what their venues estimate.

use domain::forecast::{Forecaster, Model, Settlement};
use domain::hedge::HedgeState;
use domain::money::Rate;
use domain::strategy::Plan;
use rust_decimal::Decimal;

use super::kit::{World, dec, pause, sleep, states};

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
        rotation: false,
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

/// The pair of the ranking that is long in one market and short in another.
async fn pair(engine: &actors::engine::Engine, long: &str, short: &str) -> serde_json::Value {
    let seen = engine.scanner.send(actors::messages::Observe).await.unwrap();
    let all = seen["opportunities"].as_array().unwrap();
    let found = all.iter().find(|one| one["long"] == long && one["short"] == short);
    found.unwrap().clone()
}

/// Every gate that an entry meets is named beside the pair that it stops, the first one first.
#[test]
fn a_refused_pair_names_the_first_gate_that_stopped_it() {
    let (spot, perp) = ("binance:spot:BTCUSDT", "bybit:perp:BTCUSDT");
    let mut world = World::new();
    world.settings.limits.max_total = domain::money::Usd(dec("30"));
    world.settings.limits.max_venue = domain::money::Usd(dec("0.1"));
    world.bybit.funding.set(dec("0.005"));
    world.live(async |engine| {
        world.ready().await;
        sleep(10).await;
        let stopped = pair(&engine, spot, perp).await;
        assert_eq!(stopped["refused_by"], "no_room", "{stopped}");
        let other = pair(&engine, "bybit:perp:BTCUSDT", "binance:perp:BTCUSDT").await;
        assert_eq!(other["refused_by"], "spread", "{other}");
    });
    let world = World::new();
    world.bybit.funding.set(dec("0.005"));
    world.live(async |engine| {
        world.ready().await;
        sleep(10).await;
        assert_eq!(states(&engine).await.len(), 1);
        let held = pair(&engine, spot, perp).await;
        assert_eq!(held["refused_by"], "already_hedged", "{held}");
    });
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        pause(&engine, "lunch").await;
        world.bybit.funding.set(dec("0.005"));
        sleep(30).await;
        let waiting = pair(&engine, spot, perp).await;
        assert_eq!(waiting["refused_by"], serde_json::Value::Null);
        assert_eq!(waiting["held_back_by"], "paused", "{waiting}");
        assert_eq!(states(&engine).await, []);
    });
}

/// A pause of half an hour over a settlement: 100 bps were to be had, for what entering would have cost.
#[test]
fn what_a_pause_has_cost_is_told() {
    let world = World::new();
    // The settlement comes in the middle of it.
    let settles = domain::time::Timestamp(1_800_000_000_000).plus_hours(4);
    world.clock.set(settles.plus_millis(-1_600_000));
    world.live(async |engine| {
        world.ready().await;
        pause(&engine, "lunch").await;
        world.bybit.funding.set(dec("0.01"));
        sleep(1_900).await;
        let seen = engine.scanner.send(actors::messages::Observe).await.unwrap();
        let regret = seen["regret"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["gate"] == "paused")
            .unwrap()
            .clone();
        let net = dec(regret["best"]["net_bps"].as_str().unwrap());
        let of_pair = pair(&engine, regret["best"]["long"].as_str().unwrap(), "bybit:perp:BTCUSDT").await;
        let shadow = &of_pair["would_have_earned"][0];
        assert_eq!(shadow["gate"], "paused");
        assert_eq!(dec(shadow["funding_bps"].as_str().unwrap()), dec("100"));
        assert_eq!(shadow["costs_bps"], of_pair["costs_bps"]);
        assert_eq!(net, dec("100") - dec(shadow["costs_bps"].as_str().unwrap()));
    });
}

/// Spot against Bybit's perpetual is held, and Binance's begins to pay far more. Where hedges may give way, the better pair
/// takes the place of the other one; a few basis points more move nobody; without the setting it stays.
#[test]
fn a_hedge_gives_way_to_a_better_pair_only_when_both_changes_are_paid() {
    let changed = |rotation: bool, better: &str| {
        let mut world = World::new();
        world.settings.plan.rotation = rotation;
        world.settings.limits.min_spread = domain::money::Bps(dec("30"));
        world.bybit.funding.set(dec("0.001"));
        world.binance.funding.set(Decimal::ZERO);
        let mut seen = None;
        world.live(async |engine| {
            world.ready().await;
            sleep(60).await;
            assert_eq!(states(&engine).await, [HedgeState::Open]);
            let held = pair(&engine, "binance:spot:BTCUSDT", "bybit:perp:BTCUSDT").await;
            assert_eq!(held["refused_by"], "already_hedged", "{held}");
            world.binance.funding.set(dec(better));
            sleep(300).await;
            let held = pair(&engine, "binance:spot:BTCUSDT", "binance:perp:BTCUSDT").await;
            seen = Some((states(&engine).await, world.orders_sent(), held));
        });
        seen.unwrap()
    };
    let (states, orders, held) = changed(true, "0.004");
    assert_eq!(
        (states, orders),
        (vec![HedgeState::Open], 6),
        "two legs in, two out, two in: {held}"
    );
    assert_eq!(held["refused_by"], "already_hedged", "{held}");
    for (rotation, better) in [(true, "0.0012"), (false, "0.004")] {
        let (states, orders, _) = changed(rotation, better);
        assert_eq!((states, orders), (vec![HedgeState::Open], 2), "{rotation} {better}");
    }
}

//! A leg is no larger than its market and its risk tier bear, and has no more leverage than that.

use domain::bounds::{Tier, Tiers};
use domain::money::{Bps, Quantity, Rate, Usd};
use domain::order::HedgeId;

use crate::kit::*;

/// A world in which selling the perpetual of Bybit pays.
fn paying() -> World {
    let world = World::new();
    world.bybit.funding.set(dec("0.005"));
    world
}

/// The gate that stops the pair that pays best.
async fn stopped(engine: &actors::engine::Engine) -> (String, String) {
    let seen = engine.scanner.send(actors::messages::Observe).await.unwrap();
    let best = &seen["opportunities"][0];
    let words = |key: &str| best[key].as_str().unwrap_or_default().to_owned();
    (words("refused_by"), words("refused_because"))
}

fn held(world: &World) -> Vec<String> {
    let rows = world.journal.rows.borrow();
    rows.hedges.keys().map(|HedgeId(id)| id.to_string()).collect()
}

#[test]
fn nothing_is_entered_before_the_open_interest_is_read_and_no_more_than_its_share_then() {
    let mut world = paying();
    world.settings.limits.shares.open_interest = Some(Bps(dec("100")));
    world.settings.relist_every = secs(60);
    world.live(async |engine| {
        world.ready().await;
        sleep(30).await;
        let (gate, words) = stopped(&engine).await;
        assert_eq!((gate.as_str(), words.as_str()), ("missing", "no open interest yet"));
        // One hundredth of it is too little for an order.
        for venue in [&world.binance, &world.bybit] {
            venue.interest.set(Some(Quantity(dec("4"))));
        }
        sleep(90).await;
        let (gate, words) = stopped(&engine).await;
        assert_eq!(gate, "open_interest", "{words}");
        assert!(held(&world).is_empty());
        for venue in [&world.binance, &world.bybit] {
            venue.interest.set(Some(Quantity(dec("2000"))));
        }
        until("it is entered", || world.orders_sent() > 1).await;
        sleep(5).await;
        let hedge = hedge(&engine, 1).await.unwrap();
        assert_eq!(hedge.short.held.0, dec("20"), "one hundredth of 2,000");
    });
}

#[test]
fn a_leg_is_no_more_than_its_share_of_what_is_traded_in_a_day() {
    let mut world = paying();
    world.settings.limits.shares.volume = Some(Bps(dec("10")));
    world.binance.volume.set(Some(Usd(dec("9000000"))));
    world.bybit.volume.set(Some(Usd(dec("3010000"))));
    world.live(async |engine| {
        world.ready().await;
        until("it is entered", || world.orders_sent() > 1).await;
        sleep(5).await;
        let hedge = hedge(&engine, 1).await.unwrap();
        // 3,010 USD at the worst price that may be paid, 20 bps above 100.1.
        assert_eq!(hedge.short.held.0, dec("30.009"));
    });
}

#[test]
fn leverage_is_set_no_higher_than_the_risk_tier_of_the_position_allows() {
    let tiers = |leverage: &str, up_to: &str| {
        let tier = Tier {
            up_to: Usd(dec(up_to)),
            leverage: dec(leverage),
            maintenance: Rate(dec("0.02")),
            deduction: Usd::ZERO,
        };
        Some(Tiers::believable(vec![tier]).unwrap())
    };
    let mut world = paying();
    world.settings.setup.leverage = 5;
    *world.bybit.tiers.borrow_mut() = tiers("2", "4000");
    *world.binance.tiers.borrow_mut() = tiers("50", "1000000");
    world.live(async |engine| {
        world.ready().await;
        until("it is entered", || world.orders_sent() > 1).await;
        sleep(5).await;
        let hedge = hedge(&engine, 1).await.unwrap();
        assert!(hedge.short.held.0 * dec("100.1") <= dec("4000"), "{}", hedge.short.held);
        assert!(hedge.short.held.0 > dec("39"), "{}", hedge.short.held);
    });
    assert_eq!(*world.bybit.leverages.borrow(), [2]);
    assert!(world.binance.leverages.borrow().iter().all(|leverage| *leverage == 5));
    // Tiers that were asked for and not told are no tiers without a bound.
    let world = paying();
    *world.bybit.tiers.borrow_mut() = Some(Tiers::default());
    world.live(async |engine| {
        world.ready().await;
        sleep(30).await;
        assert_eq!(stopped(&engine).await.1, "no risk tiers yet");
        assert_eq!(world.orders_sent(), 0);
    });
}

//! A feed moves in time, a burst is one fact, no execution is left out, a kept book is used while it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::engine::Engine;
use actors::messages::{JobEnded, Observe};
use domain::alert::AlertName;
use domain::hedge::HedgeState;
use domain::instrument::{InstrumentId, Product, Side};
use domain::market::{Book, Level, MarketFact};
use domain::money::{Price, Quantity};
use domain::order::HedgeId;
use domain::position::AccountFact;
use domain::time::Timestamp;

use crate::kit::venue::FeedLife;
use crate::kit::*;

#[test]
fn f010_feeds_move_before_the_venue_cuts_them_and_never_together() {
    let mut world = World::new();
    world.settings.feed_life = secs(100);
    world.live(async |engine| {
        world.ready().await;
        sleep(110).await;
        let moved: BTreeSet<_> = [&world.binance, &world.bybit]
            .into_iter()
            .flat_map(|venue| Product::ALL.map(|product| venue.opened(product)))
            .map(|opened| {
                assert_eq!(opened.len(), 2);
                opened[1].since(opened[0]).as_secs()
            })
            .collect();
        assert_eq!(moved.len(), 4, "no two at once: {moved:?}");
        assert!(moved.iter().all(|life| (50..=100).contains(life)), "{moved:?}");
        assert_eq!(
            (world.bybit.stream_opened.get(), world.binance.stream_opened.get()),
            (2, 2)
        );
        assert!(world.logged(&["reading what the account feed missed", "bybit"]));
        // Nothing was lost, and nobody was alarmed.
        assert_eq!(status(&engine).await["mode"], "running");
        assert_eq!(
            act(&engine, world.enter("10")).await,
            JobEnded::Rested(HedgeId(1), HedgeState::Open)
        );
    });
    assert_eq!(world.journal.alerts_named(AlertName::FeedRestarted), 0);
}

#[test]
fn f010_a_feed_that_cannot_move_yet_stays_where_it_is() {
    let mut world = World::new();
    world.settings.feed_life = secs(100);
    world
        .binance
        .next_feeds(Product::Perp, &[FeedLife::Healthy, FeedLife::Refused]);
    world.live(async |_| {
        world.ready().await;
        sleep(170).await;
        let opened = world.binance.opened(Product::Perp);
        let waits: Vec<u64> = opened.windows(2).map(|two| two[1].since(two[0]).as_secs()).collect();
        assert_eq!(waits, [98, 60]);
    });
    assert_eq!(world.journal.alerts_named(AlertName::FeedRestarted), 0);
}

async fn facts(engine: &Engine) -> u64 {
    let told = engine.scanner.send(Observe).await.unwrap();
    told["facts"].as_u64().unwrap()
}

#[test]
fn a_burst_of_one_symbol_is_one_fact_for_the_scanner() {
    let world = World::new();
    world.binance.next_feeds(Product::Spot, &[FeedLife::Bursts]);
    world.live(async |engine| {
        world.ready().await;
        let before = facts(&engine).await;
        sleep(10).await;
        // Four feeds say once a second what they know: two of them a quote, two a quote and their funding. One of them
        // says it a thousand times.
        let heard = facts(&engine).await - before;
        assert!((54..=70).contains(&heard), "{heard}");
    });
}

#[test]
fn f089_of_a_burst_of_executions_none_is_left_out() {
    let world = World::new();
    world.live(async |engine| {
        world.ready().await;
        let opened = act(&engine, world.enter("10")).await;
        assert_eq!(opened, JobEnded::Rested(HedgeId(1), HedgeState::Open));
        let order = world.journal.rows.borrow().fills.values().find_map(|fill| {
            let at_bybit = fill.instrument == short_perp();
            at_bybit.then(|| fill.venue_order_id.clone())
        });
        for turn in 0..1000 {
            let side = if turn % 2 == 0 { Side::Sell } else { Side::Buy };
            let fill = world
                .bybit
                .trade(Product::Perp, side, dec("0.01"), "", order.as_ref().unwrap());
            world.bybit.say(AccountFact::Fill(fill));
        }
        until("all are recorded", || world.journal.rows.borrow().fills.len() == 1002).await;
        assert!(reconcile(&engine).await.is_empty());
    });
}

/// The gates that stop pairs, with how many each stops.
async fn gates(engine: &Engine) -> BTreeMap<String, usize> {
    let told = engine.scanner.send(Observe).await.unwrap();
    let mut gates = BTreeMap::new();
    for pair in told["opportunities"].as_array().unwrap() {
        *gates
            .entry(pair["refused_by"].as_str().unwrap_or("none").to_owned())
            .or_default() += 1;
    }
    gates
}

#[test]
fn an_instrument_that_is_not_listed_any_more_is_not_entered() {
    let mut world = World::new();
    world.settings.relist_every = secs(30);
    world.live(async |engine| {
        world.ready().await;
        let before = gates(&engine).await;
        assert!(!before.contains_key("restricted"), "{before:?}");
        world.bybit.unlisted.set(Some(Product::Perp));
        sleep(31).await;
        let during = gates(&engine).await;
        let pairs: usize = before.values().sum();
        assert!(
            during["restricted"] > 0 && during.values().sum::<usize>() == pairs,
            "{during:?}"
        );
        // A venue that does not answer changes nothing.
        world.bybit.unlisted.set(None);
        world.bybit.down.set(true);
        sleep(30).await;
        assert_eq!(gates(&engine).await["restricted"], during["restricted"]);
        world.bybit.down.set(false);
        sleep(30).await;
        assert!(!gates(&engine).await.contains_key("restricted"));
    });
}

fn kept(id: InstrumentId, price: &str) -> MarketFact {
    let level = |price: &str| Level {
        price: Price(dec(price)),
        quantity: Quantity(dec("1000")),
    };
    let book = Book {
        bids: vec![level("99.9")],
        asks: vec![level(price)],
    };
    MarketFact::Book {
        instrument: id,
        book: Arc::new(book),
        venue_time: Timestamp(0),
    }
}

/// Where the books of each intent came from, long leg and short leg.
fn sources(world: &World) -> Vec<(String, String)> {
    let from = |intent: &serde_json::Value, leg: &str| intent[leg]["book_from"].as_str().unwrap().to_owned();
    let intents = world.journal.intents();
    intents
        .iter()
        .map(|one| (from(one, "long"), from(one, "short")))
        .collect()
}

#[test]
fn a_kept_book_shapes_an_order_while_it_is_whole_and_fresh() {
    let world = World::new();
    world.live(async |engine| {
        *world.binance.kept.borrow_mut() = vec![kept(long_perp(), "100.05")];
        world.ready().await;
        let opened = act(&engine, world.enter("10")).await;
        assert_eq!(opened, JobEnded::Rested(HedgeId(1), HedgeState::Open));
        // The other venue keeps none. What was heard before an order was over is not used after it.
        let (stream, request) = ("stream".to_owned(), "request".to_owned());
        assert_eq!(
            sources(&world),
            [(stream.clone(), request.clone()), (stream, request.clone())]
        );
        assert_eq!(world.journal.intents()[0]["long"]["ask"], "100.05");
        *world.binance.kept.borrow_mut() = vec![MarketFact::BookLost {
            instrument: long_perp(),
        }];
        sleep(1).await;
        act(&engine, world.enter("10")).await;
        assert_eq!(sources(&world)[2], (request.clone(), request));
    });
}

#[test]
fn f009_a_kept_book_that_is_old_or_from_before_our_order_is_not_used() {
    let world = World::new();
    world.binance.next_feeds(Product::Perp, &[FeedLife::Silent]);
    world.live(async |engine| {
        *world.binance.kept.borrow_mut() = vec![kept(long_perp(), "100.05")];
        world.ready().await;
        act(&engine, world.enter("10")).await;
        act(&engine, exit_of(1)).await;
        let used: Vec<String> = sources(&world).into_iter().map(|(long, _)| long).collect();
        assert_eq!(used[0], "stream", "{used:?}");
        assert!(used[2..].iter().all(|one| one == "request"), "{used:?}");
    });
    let world = World::new();
    world.binance.next_feeds(Product::Perp, &[FeedLife::Silent]);
    world.live(async |engine| {
        *world.binance.kept.borrow_mut() = vec![kept(long_perp(), "100.05")];
        world.ready().await;
        sleep(3).await;
        act(&engine, world.enter("10")).await;
        assert!(sources(&world).iter().all(|(long, _)| long == "request"));
    });
}

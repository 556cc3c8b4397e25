//! What the ranking of pairs costs: one changed value until the ranking is right again, and a pass over every asset.
//!
//! `cargo run --release -p domain --example scan -- change|pass ROUNDS` does one of them and prints nanoseconds (for a
//! counter of instructions: two lengths, subtracted). Without arguments it prints one line for each.

#![allow(missing_docs, dead_code, reason = "a program; the bench shares it")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken ends the program")]

use std::num::NonZeroU8;
use std::time::Duration;

use domain::bounds::{Bounds, Shares};
use domain::funding::FundingTerms;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus, VenueId};
use domain::market::{MarketFact, Quote};
use domain::money::{Bps, Price, Quantity, Rate, Usd};
use domain::risk::{Freshness, Limits};
use domain::strategy::{Board, Plan};
use domain::time::{HOUR_MS, Machine, Now, Timestamp};
use rust_decimal::Decimal;

/// Assets, each a perpetual on both venues.
const ASSETS: u32 = 600;
/// Prices that a quote may take in turn, so that each observation changes its value.
const PRICES: u32 = 8;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds = |text: Option<String>, otherwise| text.and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    match arguments.next().as_deref() {
        Some("change") => changes(rounds(arguments.next(), 200_000)),
        Some("pass") => passes(rounds(arguments.next(), 500)),
        _ => {
            changes(200_000);
            passes(500);
        }
    }
}

/// One quote changes, its asset is judged again: nanoseconds a change, in the mean and in the best batch.
pub fn changes(rounds: u32) {
    let (mut board, facts) = world();
    let batches = in_batches(rounds, ASSETS, |round| {
        let fact = facts.get(place(round)).unwrap();
        assert!(board.observe(std::hint::black_box(fact), now()));
        assert_eq!(board.refresh(&plan(), &limits(), now()), 1);
    });
    report("one change of 600 x 2", "change", &batches, ASSETS);
}

/// Every quote changes, every asset is judged again: nanoseconds a pass, without the observations.
pub fn passes(rounds: u32) {
    let (mut board, facts) = world();
    let mut batches = Vec::new();
    for round in 0..rounds {
        for each in 0..2 * ASSETS {
            board.observe(facts.get(place(round * 2 * ASSETS + each)).unwrap(), now());
        }
        let since = instant();
        let judged = board.refresh(&plan(), &limits(), now());
        batches.push(since.elapsed());
        assert_eq!(judged, 600);
    }
    report("full pass of 600 x 2", "pass", &batches, 1);
    println!(
        "{} pairs, {} enterable",
        board.opportunities().count(),
        board.enterable(&plan(), &limits(), now()).len()
    );
}

/// Goes through all instruments in strides, so that neighbours in memory do not follow each other.
fn place(round: u32) -> usize {
    let instruments = 2 * ASSETS;
    let (price, instrument) = (round / instruments % PRICES, round % instruments * 7 % instruments);
    usize::try_from(price * instruments + instrument).unwrap()
}

fn in_batches(rounds: u32, batch: u32, mut one: impl FnMut(u32)) -> Vec<Duration> {
    let mut batches = Vec::new();
    for first in (0..rounds).step_by(usize::try_from(batch).unwrap()) {
        let since = instant();
        (first..first + batch).for_each(&mut one);
        batches.push(since.elapsed());
    }
    batches
}

fn report(what: &str, unit: &str, batches: &[Duration], per_batch: u32) {
    let mut sorted: Vec<_> = batches
        .iter()
        .map(|batch| batch.as_nanos() / u128::from(per_batch))
        .collect();
    sorted.sort_unstable();
    let (least, median) = (sorted.first().unwrap(), sorted.get(sorted.len() / 2).unwrap());
    println!("{what}: median {median} ns a {unit}, least {least}");
}

#[allow(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// All instruments listed, with terms and a first quote; and every quote that is going to be observed.
fn world() -> (Board, Vec<MarketFact>) {
    let (mut board, mut ids) = (Board::default(), Vec::new());
    for asset in 0..ASSETS {
        for venue in VenueId::ALL {
            let instrument = instrument(venue, asset);
            ids.push(instrument.id.clone());
            board.list(instrument, fees());
            board.observe(&terms(ids.last().unwrap(), asset), now());
        }
    }
    let facts: Vec<_> = (0..PRICES)
        .flat_map(|turn| ids.iter().zip(0..).map(move |(id, place)| quote(id, place, turn)))
        .collect();
    for fact in facts.iter().take(ids.len()) {
        board.observe(fact, now());
    }
    board.refresh(&plan(), &limits(), now());
    (board, facts)
}

fn instrument(venue: VenueId, asset: u32) -> Instrument {
    let letters: String = (0..4)
        .map(|at| char::from(b'A' + u8::try_from(asset / 26_u32.pow(at) % 26).unwrap()))
        .collect();
    let name = Name::new(&letters);
    Instrument {
        id: InstrumentId {
            venue,
            product: Product::Perp,
            symbol: Name::new(&format!("{letters}USDT")),
        },
        asset: name.clone(),
        base: name,
        quote: Name::new("USDT"),
        multiplier: Decimal::ONE,
        tick: Price(Decimal::new(1, 4)),
        lot: Quantity(Decimal::new(1, 3)),
        min_quantity: Quantity(Decimal::new(1, 3)),
        max_quantity: Quantity(Decimal::from(1_000)),
        max_market_quantity: Quantity(Decimal::from(100)),
        min_notional: Usd(Decimal::from(5)),
        least_price: Price(Decimal::ZERO),
        greatest_price: None,
        status: TradingStatus::Trading,
        ends_at: None,
        bounds: Bounds::default(),
    }
}

/// Rates from -0.06 % to +0.06 %, intervals of 8, 4 and 1 hours as the venues mix them.
fn terms(id: &InstrumentId, asset: u32) -> MarketFact {
    let step = if id.venue == VenueId::Binance { 37 } else { 101 };
    let hours = [8, 8, 8, 4, 4, 1]
        .into_iter()
        .cycle()
        .nth(usize::try_from(asset % 6).unwrap())
        .unwrap();
    MarketFact::Funding {
        instrument: id.clone(),
        terms: FundingTerms {
            predicted: Rate(Decimal::new(i64::from(asset * step % 120_001) - 60_000, 8)),
            next_settlement: Timestamp(i64::from(hours) * HOUR_MS),
            interval_hours: NonZeroU8::new(hours).unwrap(),
            cap: Some(Rate(Decimal::new(2, 2))),
            floor: Some(Rate(Decimal::new(-2, 2))),
        },
        venue_time: Timestamp(HOUR_MS / 2),
    }
}

fn quote(id: &InstrumentId, place: u32, turn: u32) -> MarketFact {
    let bid = 1_000_000 + i64::from(place / 2 * 7_919 % 900_000) + i64::from((place * 3 + turn * 5) % 40);
    MarketFact::Quote {
        instrument: id.clone(),
        quote: Quote {
            bid: Price(Decimal::new(bid, 4)),
            bid_quantity: Quantity(Decimal::new(12_345, 3)),
            ask: Price(Decimal::new(bid + 1 + i64::from(turn % 3), 4)),
            ask_quantity: Quantity(Decimal::new(54_321, 3)),
        },
        venue_time: Timestamp(HOUR_MS / 2 + i64::from(turn)),
    }
}

fn fees() -> FeeRates {
    FeeRates {
        maker: Rate(Decimal::new(2, 4)),
        taker: Rate(Decimal::new(5, 4)),
    }
}

fn plan() -> Plan {
    Plan {
        hold_hours: 72,
        reentry_share: Decimal::new(3, 1),
        minimum_hold_hours: 0,
        rotation: false,
        forecast: None,
    }
}

fn limits() -> Limits {
    Limits {
        min_spread: Bps(Decimal::from(10)),
        max_position: Usd(Decimal::from(1_000)),
        max_venue: Usd(Decimal::from(5_000)),
        max_total: Usd(Decimal::from(5_000)),
        max_daily_loss: Usd(Decimal::from(100)),
        max_drawdown: Bps(Decimal::from(1_000)),
        max_slippage: Bps(Decimal::from(5)),
        delisting_hours: 72,
        shares: Shares::default(),
        freshness: Freshness::DEFAULT,
    }
}

fn now() -> Now {
    Now {
        market: Timestamp(HOUR_MS / 2),
        machine: Machine(Duration::from_secs(10)),
    }
}

//! One line: p50 and p99 of a two-order intent made durable, of a bare `fdatasync` of the same bytes, and the ratio.

#![allow(missing_docs, dead_code, reason = "a program; the bench shares it")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken ends the program")]
#![allow(clippy::doc_markdown, reason = "SQLite is a name, not code")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use domain::hedge::{HedgeKind, HedgeRow, HedgeState};
use domain::instrument::{InstrumentId, Name, Product, Side, VenueId};
use domain::journal::{Batch, Record};
use domain::money::{AssetQuantity, Price, Quantity};
use domain::order::{ClientOrderId, Epoch, HedgeId, LegIndex, OrderKind, OrderTicket, Purpose};
use domain::ports::Journal;
use domain::time::Timestamp;
use ledger::{Ledger, Options};
use rust_decimal::Decimal;

fn main() {
    measure(500);
}

/// Takes turns: an intent, a bare sync of as many bytes, an intent, and so on.
pub fn measure(rounds: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("intent-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir(&folder).unwrap();
    runtime.block_on(in_turn(&folder, rounds));
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn in_turn(folder: &Path, rounds: u32) {
    let options = Options {
        mode: "demo",
        tag_seed: Some(1),
    };
    let url = format!("sqlite://{}/ledger.db", folder.display());
    let ledger = Ledger::open(&url, options).await.unwrap();
    let mut bare = File::create(folder.join("bare")).unwrap();
    let (mut intents, mut syncs) = (Vec::new(), Vec::new());
    for round in 0..rounds + rounds / 10 {
        let batch = intent(ledger.tag(), round + 1);
        let bytes = format!("{batch:?}");
        let since = now();
        ledger.write(batch).await.unwrap();
        let took = since.elapsed();
        let since = now();
        bare.write_all(bytes.as_bytes()).unwrap();
        bare.sync_data().unwrap();
        if round >= rounds / 10 {
            intents.push(took);
            syncs.push(since.elapsed());
        }
    }
    report(intents, syncs);
}

#[allow(clippy::disallowed_methods, reason = "a measurement reads the real clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn report(mut intents: Vec<Duration>, mut syncs: Vec<Duration>) {
    intents.sort_unstable();
    syncs.sort_unstable();
    let micros = |times: &[Duration], percent: usize| {
        let place = (times.len() * percent / 100).min(times.len() - 1);
        Decimal::new(i64::try_from(times.get(place).unwrap().as_nanos()).unwrap(), 3)
    };
    for percent in [50, 99] {
        let (ours, floor) = (micros(&intents, percent), micros(&syncs, percent));
        println!(
            "intent of two orders, SQLite FULL: p{percent} {} us; bare fdatasync: {} us; ratio {}",
            ours.round_dp(1),
            floor.round_dp(1),
            (ours / floor).round_dp(2)
        );
    }
}

/// What the executor writes before the first byte of a hedge leaves.
fn intent(tag: &str, number: u32) -> Batch {
    let hedge = HedgeId(number.into());
    let perp = |venue| InstrumentId {
        venue,
        product: Product::Perp,
        symbol: Name::new("BTCUSDT"),
    };
    let (long, short) = (perp(VenueId::Binance), perp(VenueId::Bybit));
    let at = Timestamp(1_767_268_800_000 + i64::from(number));
    let order = |serial, leg: LegIndex, instrument: &InstrumentId| {
        Record::Order(OrderTicket {
            client_id: ClientOrderId::derive(tag, "demo", Epoch(1), hedge, serial),
            hedge,
            leg,
            purpose: Purpose::Open,
            instrument: instrument.clone(),
            side: if leg == LegIndex::Long { Side::Buy } else { Side::Sell },
            kind: OrderKind::ImmediateOrCancel {
                limit: Price(Decimal::new(9_821_340, 2)),
            },
            quantity: Quantity(Decimal::new(125, 3)),
        })
    };
    let row = HedgeRow {
        id: hedge,
        kind: HedgeKind::CrossVenue,
        asset: Name::new("BTC"),
        long: long.clone(),
        short: short.clone(),
        target: AssetQuantity(Decimal::new(125, 3)),
        state: HedgeState::Opening(LegIndex::Long),
        planned_at: at,
        opened_at: None,
        closed_at: None,
    };
    let records = vec![
        Record::Hedge {
            row,
            cause: "enter".to_owned(),
        },
        Record::Intent {
            hedge,
            reason: "12.5 bps over costs".to_owned(),
            inputs: r#"{"edge_bps": "12.50", "age_ms": 12}"#.to_owned(),
        },
        order(1, LegIndex::Long, &long),
        order(2, LegIndex::Short, &short),
    ];
    Batch {
        epoch: Epoch(1),
        at,
        records,
    }
}

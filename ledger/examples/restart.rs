//! How long a ledger with so many executions takes from its opening until everything a start needs is loaded; the numbers
//! of executions are the arguments (1000 and 100000 where there are none).

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken ends the program")]
#![allow(clippy::doc_markdown, reason = "SQLite is a name, not code")]

#[path = "shared/rows.rs"]
mod rows;

use domain::journal::Record;
use domain::ports::Journal;
use ledger::{Ledger, Options};

use rows::{batch, filled, hedge, ticket};

/// Rows that are written together while the ledger is made.
const TOGETHER: usize = 500;
/// Readings of one ledger; the shortest counts, because other processes only lengthen them.
const READINGS: usize = 5;

fn main() {
    let asked: Vec<u32> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let sizes = if asked.is_empty() { vec![1_000, 100_000] } else { asked };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for size in sizes {
            let folder = std::env::temp_dir().join(format!("restart-{}", uuid::Uuid::now_v7().simple()));
            std::fs::create_dir(&folder).unwrap();
            measure(&folder, size).await;
            std::fs::remove_dir_all(&folder).unwrap();
        }
    });
}

async fn measure(folder: &std::path::Path, size: u32) {
    let options = || Options {
        mode: "demo",
        tag_seed: Some(1),
    };
    let url = format!("sqlite://{}/ledger.db", folder.display());
    let ledger = Ledger::open(&url, options()).await.unwrap();
    let serials: Vec<u32> = (1..=size).collect();
    for (number, some) in serials.chunks(TOGETHER).enumerate() {
        let mut records = vec![hedge()];
        for serial in some {
            let ticket = ticket(ledger.tag(), *serial);
            records.push(Record::Order(ticket.clone()));
            records.extend(filled(&ticket, number));
        }
        ledger
            .write(batch(i64::try_from(number).unwrap(), records))
            .await
            .unwrap();
    }
    drop(ledger);
    let mut best = std::time::Duration::MAX;
    for _ in 0..READINGS {
        let since = now();
        let ledger = Ledger::open(&url, options()).await.unwrap();
        let state = ledger.load().await.unwrap();
        best = best.min(since.elapsed());
        assert_eq!(state.fills.len(), size as usize);
    }
    println!("{size} executions: {} ms from opening to loaded", best.as_millis());
}

#[allow(clippy::disallowed_methods, reason = "a measurement reads the real clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

//! How many executions a second become durable on SQLite with `synchronous=FULL`: each with its order's new state, one
//! to a commit and ten to a commit. Each is one execution row, its double entry, the order's move and a link of the
//! audit chain.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken ends the program")]
#![allow(clippy::doc_markdown, reason = "SQLite is a name, not code")]

#[path = "shared/rows.rs"]
mod rows;

use domain::journal::Record;
use domain::ports::Journal;
use ledger::{Ledger, Options};

use rows::{batch, filled, hedge, ticket};

const COMMITS: u32 = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for together in [1, 10] {
            let folder = std::env::temp_dir().join(format!("fills-{}", uuid::Uuid::now_v7().simple()));
            std::fs::create_dir(&folder).unwrap();
            measure(&folder, together).await;
            std::fs::remove_dir_all(&folder).unwrap();
        }
    });
}

async fn measure(folder: &std::path::Path, together: u32) {
    let options = Options {
        mode: "demo",
        tag_seed: Some(1),
    };
    let url = format!("sqlite://{}/ledger.db", folder.display());
    let ledger = Ledger::open(&url, options).await.unwrap();
    let tickets: Vec<_> = (1..=COMMITS * together)
        .map(|serial| ticket(ledger.tag(), serial))
        .collect();
    for some in tickets.chunks(500) {
        let mut records = vec![hedge()];
        records.extend(some.iter().cloned().map(Record::Order));
        ledger.write(batch(0, records)).await.unwrap();
    }
    let since = now();
    let mut longest = std::time::Duration::ZERO;
    for (number, some) in tickets.chunks(together as usize).enumerate() {
        let records = some.iter().flat_map(|ticket| filled(ticket, number)).collect();
        let began = now();
        ledger
            .write(batch(i64::try_from(number).unwrap() + 1, records))
            .await
            .unwrap();
        longest = longest.max(began.elapsed());
    }
    let took = since.elapsed();
    let rate = u128::from(COMMITS * together) * 1_000_000 / took.as_micros().max(1);
    println!(
        "{together} execution(s) to a commit, SQLite FULL: {rate} executions/s; longest commit {} us",
        longest.as_micros()
    );
}

#[allow(clippy::disallowed_methods, reason = "a measurement reads the real clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

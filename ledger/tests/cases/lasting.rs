//! What must hold between processes.

use std::collections::BTreeSet;
use std::thread;

use domain::journal::Record;
use domain::lease::Claim;
use domain::order::ClientOrderId;
use domain::pause::PauseReason;
use domain::ports::Journal;
use ledger::{Ledger, OpenError, Options};

use crate::support::Place;
use crate::support::values::*;

pub async fn what_was_written_is_there_after_a_restart(place: Place) {
    let first = place.open().await;
    first.write(batch(NOON, one_of_each(first.tag()))).await.unwrap();
    let (tag, before) = (first.tag().to_owned(), first.load().await.unwrap());
    drop(first);
    let options = Options {
        mode: "demo",
        tag_seed: None,
    };
    let second = Ledger::open(&place.url, options).await.unwrap();
    assert_eq!((second.tag(), second.load().await.unwrap()), (tag.as_str(), before));
    let pauses = second.load().await.unwrap().pauses;
    assert_eq!(pauses, [PauseReason::Human("maintenance".to_owned())]);
    assert_eq!(second.pending_alerts(9).await.unwrap().len(), 1);
}

/// Does the same work in several threads, each with a ledger of its own, at once.
fn at_once<T: Send + 'static>(place: &Place, work: fn(Ledger, usize) -> Vec<T>) -> Vec<T> {
    let threads: Vec<_> = (0..2)
        .map(|number| {
            let url = place.url.clone();
            thread::spawn(move || {
                let options = Options {
                    mode: "demo",
                    tag_seed: Some(7),
                };
                let ledger = block_on(Ledger::open(&url, options)).unwrap();
                work(ledger, number)
            })
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

pub async fn two_writers_count_each_fill_once(place: Place) {
    let work = |ledger: Ledger, writer: usize| {
        let write = |number: usize| {
            let id = ClientOrderId::from_text("web-1");
            let records = vec![
                Record::Fill(fill(&id, &format!("t{number}"), "1")),
                Record::Funding(payment(&format!("f{number}"))),
                Record::Audit {
                    actor: "test".to_owned(),
                    action: "wrote".to_owned(),
                    who: format!("writer {writer}"),
                    detail: number.to_string(),
                },
            ];
            block_on(ledger.write(batch(NOON, records))).unwrap()
        };
        (0..40).map(write).collect()
    };
    let written = at_once(&place, work);
    assert_eq!(written.iter().map(|each| each.new_fills).sum::<usize>(), 40);
    assert_eq!(written.iter().map(|each| each.new_funding).sum::<usize>(), 40);
    let ledger = place.open().await;
    let state = ledger.load().await.unwrap();
    assert_eq!((state.fills.len(), state.funding.len()), (40, 40));
    assert!(ledger.verify().await.unwrap().ok);
}

pub async fn f103_two_claimants_never_share_an_epoch(place: Place) {
    let work = |ledger: Ledger, number: usize| {
        let holder = format!("claimant {number}");
        let mut epochs = Vec::new();
        while epochs.len() < 15 {
            if let Claim::Take(row) = block_on(ledger.claim_lease(&holder, NOON, 1)).unwrap() {
                block_on(ledger.release_lease(&holder, row.epoch)).unwrap();
                epochs.push(row.epoch.0);
            }
        }
        epochs
    };
    let epochs = at_once(&place, work);
    let distinct: BTreeSet<u64> = epochs.iter().copied().collect();
    assert_eq!(epochs.len(), 30);
    assert_eq!(distinct.len(), epochs.len());
    assert_eq!(distinct.last().copied(), u64::try_from(epochs.len()).ok());
}

pub async fn one_flipped_byte_breaks_the_audit_chain(place: Place) {
    let ledger = place.open().await;
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    let report = ledger.verify().await.unwrap();
    assert!(report.audit_chain_ok && report.ok, "{:?}", report.differences);
    let unguard = if place.is_postgres() {
        "ALTER TABLE audit_log DISABLE TRIGGER ALL;"
    } else {
        "DROP TRIGGER audit_log_no_update; DROP TRIGGER audit_log_no_delete;"
    };
    place.execute(unguard).await;
    let edits = [
        (
            "SET detail = replace(detail, 'decided', 'decidee') WHERE id = 1",
            "SET detail = replace(detail, 'decidee', 'decided') WHERE id = 1",
        ),
        (
            "SET epoch = epoch + 1 WHERE id = 2",
            "SET epoch = epoch - 1 WHERE id = 2",
        ),
        ("SET who = who || ' ' WHERE id = 3", "SET who = rtrim(who) WHERE id = 3"),
    ];
    for (edit, undo) in edits {
        place.execute(&format!("UPDATE audit_log {edit}")).await;
        let report = ledger.verify().await.unwrap();
        assert!(!report.audit_chain_ok && !report.ok, "{edit}");
        place.execute(&format!("UPDATE audit_log {undo}")).await;
        assert!(ledger.verify().await.unwrap().ok, "{undo}");
    }
    place.execute("DELETE FROM audit_log WHERE id = 2").await;
    assert!(!ledger.verify().await.unwrap().audit_chain_ok);
}

pub async fn the_audit_log_only_grows(place: Place) {
    let ledger = place.open().await;
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    for sql in ["UPDATE audit_log SET who = ''", "DELETE FROM audit_log"] {
        let url = place.url.clone();
        let refused = if place.is_postgres() {
            let (client, link) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(link);
            client.batch_execute(sql).await.is_err()
        } else {
            use diesel::connection::{Connection, SimpleConnection};
            let path = url.strip_prefix("sqlite://").unwrap();
            diesel::SqliteConnection::establish(path)
                .unwrap()
                .batch_execute(sql)
                .is_err()
        };
        assert!(refused, "{sql}");
    }
    assert!(ledger.verify().await.unwrap().ok);
}

pub async fn f093_a_newer_schema_is_refused(place: Place) {
    drop(place.open().await);
    place
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')")
        .await;
    let error = place.try_open("demo").await.err().unwrap();
    assert!(
        matches!(&error, OpenError::NewerSchema { found } if found == "99990101000000"),
        "{error}"
    );
    assert!(error.to_string().contains("run the newer program"));
}

pub async fn another_mode_is_refused(place: Place) {
    drop(place.open().await);
    let error = place.try_open("live").await.err().unwrap();
    let wanted = OpenError::OtherMode {
        found: "demo".to_owned(),
        asked: "live".to_owned(),
    };
    assert_eq!(error, wanted);
    assert!(place.open().await.load().await.is_ok());
}

//! The file that keeps ways out while the ledger is away.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use domain::alert::{Alert, AlertName};
use domain::hedge::HedgeState;
use domain::journal::{Batch, JournalError, Record};
use domain::lease::Claim;
use domain::order::Epoch;
use domain::ports::{Journal, Spool};
use ledger::Ledger;

use crate::support::Place;
use crate::support::values::*;

const TERM_MS: i64 = 10_000;

/// A way out as the engine keeps it: the intent with its order, what became of it, and where the hedge rests.
fn way_out(tag: &str) -> Vec<Batch> {
    let kept = |record: &Record| {
        matches!(
            record,
            Record::Hedge { .. }
                | Record::Intent { .. }
                | Record::Order(_)
                | Record::OrderMoved { .. }
                | Record::Fill(_)
                | Record::Alert(_)
        )
    };
    let all: Vec<_> = one_of_each(tag).into_iter().filter(kept).collect();
    let (first, rest) = all.split_at(all.len() / 2);
    let told = Alert::new(
        AlertName::HedgeClosed,
        "hedge 1",
        "Hedge 1 is closed.\nTwo lines.".to_owned(),
    );
    vec![
        batch(NOON, first.to_vec()),
        batch(NOON.plus_millis(5), rest.to_vec()),
        batch(NOON.plus_millis(9), vec![Record::Alert(told)]),
    ]
}

async fn led(place: &Place, holder: &str) -> Ledger {
    let ledger = place.open().await;
    assert!(matches!(
        ledger.claim_lease(holder, NOON.plus_hours(1), TERM_MS).await,
        Ok(Claim::Take(_))
    ));
    ledger
}

pub async fn what_waited_is_written_once_in_a_later_epoch(place: Place) {
    let ledger = led(&place, "a").await;
    let folder = std::env::temp_dir().join(format!("spool-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir(&folder).unwrap();
    let spool = ledger.spool(&folder, false);
    let out = way_out(ledger.tag());
    for one in &out {
        spool.keep(one).unwrap();
    }
    // The first had reached the ledger after all; its answer was lost.
    ledger.write(out[0].clone()).await.unwrap();
    drop(spool);
    let spool = ledger.spool(&folder, false);
    let kept = spool.kept().unwrap();
    assert_eq!(kept, out, "the next life reads what was kept");
    ledger.release_lease("a", Epoch(1)).await.unwrap();
    assert!(matches!(
        ledger.claim_lease("b", NOON.plus_hours(2), TERM_MS).await,
        Ok(Claim::Take(_))
    ));
    assert!(
        matches!(ledger.write(out[1].clone()).await, Err(JournalError::Fenced { .. })),
        "an older epoch alone is refused"
    );
    for _ in 0..2 {
        for one in kept.clone() {
            ledger.back_fill(Epoch(2), one).await.unwrap();
        }
    }
    spool.forget().unwrap();
    assert_eq!(spool.kept().unwrap(), []);
    let state = ledger.load().await.unwrap();
    let fills = out
        .iter()
        .flat_map(|one| &one.records)
        .filter(|one| matches!(one, Record::Fill(_)))
        .count();
    assert_eq!(state.fills.len(), fills);
    let report = ledger.verify().await.unwrap();
    assert!(report.audit_chain_ok, "{report:?}");
    let told = ledger.pending_alerts(100).await.unwrap();
    assert_eq!(
        told.iter().filter(|one| one.alert.text.contains("Two lines")).count(),
        1
    );
    std::fs::remove_dir_all(folder).unwrap();
}

pub async fn a_hedge_that_a_later_leader_moved_is_not_moved_back(place: Place) {
    let ledger = led(&place, "a").await;
    let row = |state| Record::Hedge {
        row: hedge(1, state),
        cause: "it moves".to_owned(),
    };
    let waited = batch(NOON, vec![row(HedgeState::Open)]);
    for (holder, epoch) in [("b", 2), ("c", 3)] {
        ledger
            .release_lease(if epoch == 2 { "a" } else { "b" }, Epoch(epoch - 1))
            .await
            .unwrap();
        ledger.claim_lease(holder, NOON.plus_hours(2), TERM_MS).await.unwrap();
        if epoch == 2 {
            let mut moved = batch(NOON.plus_millis(50), vec![row(HedgeState::Planned)]);
            moved.epoch = Epoch(2);
            ledger.write(moved).await.unwrap();
        }
    }
    ledger.back_fill(Epoch(3), waited).await.unwrap();
    assert_eq!(ledger.load().await.unwrap().hedges[0].state, HedgeState::Planned);
}

fn fresh(ledger: &Ledger) -> (std::path::PathBuf, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("spool-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(format!("exits-{}.wal", ledger.tag()));
    (folder, path)
}

pub async fn the_file_is_ours_alone_bounded_and_survives_a_torn_line(place: Place) {
    let ledger = place.open().await;
    let (folder, path) = fresh(&ledger);
    let out = way_out(ledger.tag());
    let spool = ledger.spool(&folder, false);
    spool.keep(&out[0]).unwrap();
    spool.keep(&out[1]).unwrap();
    let size = std::fs::metadata(&path).unwrap();
    assert_eq!(size.permissions().mode() & 0o777, 0o600);
    let second = ledger.spool(&folder, false);
    assert!(
        matches!(second.kept(), Err(JournalError::Unavailable(_))),
        "another has it open"
    );
    drop(spool);
    // A crash in the middle of the last line.
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap();
    file.seek(SeekFrom::Start(end as u64 - 9)).unwrap();
    file.write_all(&[0; 9]).unwrap();
    assert_eq!(second.kept().unwrap(), out[..1]);
    second.keep(&out[2]).unwrap();
    assert_eq!(second.kept().unwrap(), [out[0].clone(), out[2].clone()]);
    let mut kept = 2;
    let full = loop {
        match second.keep(&out[0]) {
            Ok(()) => kept += 1,
            Err(full) => break full,
        }
    };
    assert!(
        matches!(&full, JournalError::Refused(why) if why.ends_with("is full")),
        "{full}"
    );
    assert_eq!(second.kept().unwrap().len(), kept);
    assert_eq!(
        std::fs::metadata(&path).unwrap().len(),
        size.len(),
        "its room was laid out at first"
    );
    drop(second);
    // A flipped byte in the middle is not passed over.
    file.seek(SeekFrom::Start(40)).unwrap();
    file.write_all(b"~").unwrap();
    let damaged = ledger.spool(&folder, false).kept();
    assert!(
        matches!(&damaged, Err(JournalError::Refused(why)) if why.contains("damaged")),
        "{damaged:?}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// Only beside a file: while the ledger cannot be written, its holder may say so to whoever would follow.
pub async fn a_term_prolonged_beside_the_file_is_waited_for(place: Place) {
    let (first, second) = (place.open().await, place.open().await);
    let (folder, _) = fresh(&first);
    let claimed = first.claim_lease("a", NOON, TERM_MS).await.unwrap();
    assert!(matches!(claimed, Claim::Take(_)));
    let spool = first.spool(&folder, false);
    let later = NOON.plus_millis(3 * TERM_MS);
    assert!(spool.extend_lease("b", later).is_err(), "the lock is a's");
    spool.extend_lease("a", later).unwrap();
    let after = NOON.plus_millis(2 * TERM_MS);
    assert_eq!(
        second.claim_lease("b", after, TERM_MS).await.unwrap(),
        Claim::Wait(later)
    );
    assert!(matches!(
        second.claim_lease("b", later, TERM_MS).await.unwrap(),
        Claim::Take(_)
    ));
    assert!(
        spool.extend_lease("a", later).is_ok(),
        "the lock alone allows nothing: the ledger fences"
    );
    assert!(matches!(
        first.renew_lease("a", Epoch(1), later).await,
        Err(JournalError::Fenced { .. })
    ));
    // A holder that is gone prolongs nothing.
    drop((first, spool));
    let third = place.open().await;
    assert!(matches!(
        third.claim_lease("c", later, TERM_MS).await.unwrap(),
        Claim::Wait(_)
    ));
    std::fs::remove_dir_all(folder).unwrap();
}

pub async fn without_a_lock_only_the_owners_word_prolongs_a_term(place: Place) {
    let ledger = place.open().await;
    let (folder, _) = fresh(&ledger);
    assert!(ledger.spool(&folder, false).extend_lease("a", NOON).is_err());
    assert!(ledger.spool(&folder, true).extend_lease("a", NOON).is_ok());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Nothing but what belongs to a way out is taken.
pub async fn the_file_takes_no_other_record(place: Place) {
    let ledger = place.open().await;
    let (folder, _) = fresh(&ledger);
    let entry = batch(
        NOON,
        vec![Record::Audit {
            actor: "a".into(),
            action: "b".into(),
            who: "c".into(),
            detail: "d".into(),
        }],
    );
    let spool = ledger.spool(&folder, false);
    assert!(matches!(spool.keep(&entry), Err(JournalError::Refused(_))));
    assert_eq!(spool.kept().unwrap(), []);
    std::fs::remove_dir_all(folder).unwrap();
}

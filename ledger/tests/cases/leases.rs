//! Who may write.

use domain::journal::JournalError;
use domain::lease::{Claim, LeaseRow};
use domain::order::Epoch;
use domain::ports::Journal;
use domain::time::Timestamp;
use ledger::Ledger;

use crate::support::Place;
use crate::support::values::*;

const TERM_MS: i64 = 10_000;

fn taken(holder: &str, epoch: u64, from: Timestamp) -> Claim {
    Claim::Take(LeaseRow {
        holder: holder.to_owned(),
        epoch: Epoch(epoch),
        expires_at: from.plus_millis(TERM_MS),
    })
}

pub async fn a_lease_is_claimed_waited_for_and_taken_over(place: Place) {
    let ledger = place.open().await;
    let claim = async |holder: &'static str, at| ledger.claim_lease(holder, at, TERM_MS).await.unwrap();
    assert_eq!(claim("a", NOON).await, taken("a", 1, NOON));
    assert_eq!(
        claim("b", NOON.plus_millis(9_999)).await,
        Claim::Wait(NOON.plus_millis(TERM_MS))
    );
    let renewed = NOON.plus_millis(15_000);
    ledger.renew_lease("a", Epoch(1), renewed).await.unwrap();
    // One that was overtaken on its way.
    let overtaken = renewed.plus_millis(-4_000);
    ledger.renew_lease("a", Epoch(1), overtaken).await.unwrap();
    assert_eq!(claim("b", NOON.plus_millis(14_999)).await, Claim::Wait(renewed));
    assert_eq!(claim("b", renewed).await, taken("b", 2, renewed));
    let late = ledger.renew_lease("a", Epoch(1), renewed.plus_millis(9_000)).await;
    assert_eq!(late, Err(JournalError::Fenced { ours: 1, newest: 2 }));
    ledger.release_lease("a", Epoch(1)).await.unwrap();
    assert_eq!(claim("c", renewed).await, Claim::Wait(renewed.plus_millis(TERM_MS)));
    ledger.release_lease("b", Epoch(2)).await.unwrap();
    ledger.release_lease("b", Epoch(2)).await.unwrap();
    assert!(
        ledger
            .renew_lease("b", Epoch(2), renewed.plus_millis(TERM_MS))
            .await
            .is_err()
    );
    assert_eq!(claim("c", renewed).await, taken("c", 3, renewed));
}

pub async fn f104_an_older_epoch_is_fenced_off(place: Place) {
    let ledger = place.open().await;
    for _ in 0..3 {
        ledger.claim_lease("a", NOON, TERM_MS).await.unwrap();
    }
    let mut old = batch(NOON, one_of_each(ledger.tag()));
    old.epoch = Epoch(2);
    let fenced = JournalError::Fenced { ours: 2, newest: 3 };
    assert_eq!(ledger.write(old.clone()).await, Err(fenced));
    assert!(ledger.load().await.unwrap().orders.is_empty());
    old.epoch = Epoch(3);
    assert_eq!(ledger.write(old).await.unwrap().new_fills, 1);
}

/// Only beside a file: there a process that ends shows it at once.
pub async fn a_holder_that_is_gone_is_followed_at_once_and_no_other(place: Place) {
    async fn claim(ledger: &Ledger, holder: &str, at: Timestamp) -> Claim {
        ledger.claim_lease(holder, at, TERM_MS).await.unwrap()
    }
    let waits = Claim::Wait(NOON.plus_millis(TERM_MS));
    let (first, second) = (place.open().await, place.open().await);
    assert_eq!(claim(&first, "a", NOON).await, taken("a", 1, NOON));
    assert_eq!(claim(&second, "b", NOON).await, waits, "the first lives");
    drop(first);
    assert_eq!(claim(&second, "b", NOON).await, taken("b", 2, NOON));

    // Frozen beyond its term, the second still has the lock when the third follows it.
    let later = NOON.plus_millis(TERM_MS);
    let (third, fourth) = (place.open().await, place.open().await);
    assert_eq!(claim(&third, "c", later).await, taken("c", 3, later));
    drop(second);
    let waits = Claim::Wait(later.plus_millis(TERM_MS));
    assert_eq!(claim(&fourth, "d", later).await, waits, "it is another who is gone");
    third
        .renew_lease("c", Epoch(3), later.plus_millis(TERM_MS))
        .await
        .unwrap();
    assert_eq!(claim(&fourth, "d", later).await, waits);
    drop(third);
    assert_eq!(claim(&fourth, "d", later).await, taken("d", 4, later));
}

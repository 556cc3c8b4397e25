//! What others read: alerts, pages, the proof.

use domain::journal::Record;
use domain::money::Quantity;
use domain::order::{ClientOrderId, Ending, OrderState};
use domain::ports::Journal;
use ledger::Page;

use crate::support::Place;
use crate::support::values::*;

pub async fn the_outbox_takes_three_of_a_kind_in_an_hour(place: Place) {
    let ledger = place.open().await;
    for minute in 0..59 {
        let at = NOON.plus_millis(minute * 60_000);
        ledger.write(batch(at, vec![alert("1")])).await.unwrap();
    }
    ledger.write(batch(NOON, vec![alert("2")])).await.unwrap();
    let pending = ledger.pending_alerts(100).await.unwrap();
    let keys: Vec<&str> = pending.iter().map(|row| row.alert.key.as_str()).collect();
    let (one, two) = ("HEDGE_ONE_LEGGED:1", "HEDGE_ONE_LEGGED:2");
    assert_eq!(keys, [one, one, one, two]);
    assert_eq!(pending[1].at, NOON.plus_millis(60_000));
    ledger.write(batch(NOON.plus_hours(1), vec![alert("1")])).await.unwrap();
    assert_eq!(ledger.pending_alerts(100).await.unwrap().len(), 5);
    let oldest = ledger.pending_alerts(1).await.unwrap();
    let delivered = Record::AlertDelivered { id: oldest[0].id };
    ledger.write(batch(NOON, vec![delivered])).await.unwrap();
    assert_eq!(ledger.pending_alerts(1).await.unwrap()[0].id, pending[1].id);
}

pub async fn pages_are_newest_first_and_follow_their_cursor(place: Place) {
    let ledger = place.open().await;
    let id = ticket(ledger.tag(), 1, 1).client_id;
    let fills = (0..7).map(|number| Record::Fill(fill(&id, &format!("t{number}"), "0.10")));
    ledger.write(batch(NOON, fills.collect())).await.unwrap();
    let (mut seen, mut cursor, mut sizes) = (Vec::new(), None, Vec::new());
    loop {
        let page = ledger.page(Page::Fills, cursor, 3).await.unwrap();
        sizes.push(page.items.len());
        seen.extend(
            page.items
                .iter()
                .map(|item| item["trade_id"].as_str().unwrap().to_owned()),
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(seen, ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]);
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    let first = async |page| ledger.page(page, None, 1).await.unwrap().items.remove(0);
    let fill = first(Page::Fills).await;
    assert_eq!(
        (&fill["quantity"], &fill["at"]),
        (&"0.10".into(), &"2026-01-01T12:00:00.000Z".into())
    );
    assert_eq!(first(Page::Orders).await["limit_price"], "98213.40");
    assert_eq!(first(Page::Hedges).await["target"], "0.250");
    assert_eq!(first(Page::Funding).await["amount"], "-1.23456789");
    assert_eq!(first(Page::Decisions).await["numbers"]["edge_bps"], "12.50");
    let audit = first(Page::Audit).await;
    let names: Vec<&str> = audit.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = ["id", "at", "actor", "action", "who", "detail", "hash"];
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}

pub async fn rows_that_contradict_each_other_are_named(place: Place) {
    let ledger = place.open().await;
    let tag = ledger.tag();
    let done = |client_id: &ClientOrderId, filled: &str| {
        let (how, filled) = (Ending::Filled, Quantity(dec(filled)));
        moved(client_id, OrderState::Done { how, filled }, None)
    };
    let (good, wrong, unasked) = (ticket(tag, 1, 1), ticket(tag, 1, 2), ticket(tag, 2, 1));
    let ids = [&good, &wrong].map(|order| order.client_id.clone());
    let lost = ticket(tag, 7, 7).client_id;
    let mut records = vec![intent(1), Record::Order(good), Record::Order(wrong)];
    records.extend([
        Record::Fill(fill(&ids[0], "t1", "0.1")),
        Record::Fill(fill(&ids[0], "t2", "0.15")),
    ]);
    records.extend([done(&ids[0], "0.25"), Record::Fill(fill(&ids[1], "t3", "0.2"))]);
    let mut foreign = fill(&ClientOrderId::from_text("web-1"), "t4", "3");
    foreign.venue_order_id = String::from("somebody else's");
    records.push(Record::Fill(foreign));
    ledger.write(batch(NOON, records)).await.unwrap();
    assert!(ledger.verify().await.unwrap().ok);
    let mut stray = fill(&lost, "t5", "1");
    stray.venue_order_id = String::from("unheard of");
    let more = vec![done(&ids[1], "0.25"), Record::Order(unasked), Record::Fill(stray)];
    ledger.write(batch(NOON, more)).await.unwrap();
    let report = ledger.verify().await.unwrap();
    assert!(!report.ok && report.audit_chain_ok);
    assert_eq!((report.orders, report.fills), (3, 5));
    assert_eq!(
        report.differences,
        [
            "execution t5 of binance perp BTCUSDT belongs to no order of ours".to_owned(),
            format!(
                "order {} says that 0.25 units are filled, and its executions say 0.2",
                ids[1]
            ),
            format!("order {} has no intent", ticket(tag, 2, 1).client_id),
        ]
    );
}

//! Writing and reading back.

use domain::hedge::HedgeState;
use domain::journal::{JournalError, LedgerState, Record, Written};
use domain::money::{AssetQuantity, Price, Quantity};
use domain::order::{Ending, LegIndex, OrderKind, OrderState};
use domain::pause::PauseReason;
use domain::ports::Journal;
use ledger::{Ledger, Page};

use super::model::{Dice, Model};
use crate::support::Place;
use crate::support::values::*;

/// Everything that a door can show of a ledger, and what a start reads.
async fn everything(ledger: &Ledger) -> (LedgerState, String) {
    let mut shown = String::new();
    for page in [
        Page::Hedges,
        Page::Orders,
        Page::Fills,
        Page::Funding,
        Page::Decisions,
        Page::Audit,
    ] {
        shown += &serde_json::to_string(&ledger.page(page, None, 1000).await.unwrap()).unwrap();
    }
    shown += &format!("{:?}", ledger.pending_alerts(1000).await.unwrap());
    (ledger.load().await.unwrap(), shown)
}

pub async fn each_record_twice_changes_nothing(place: Place) {
    let ledger = place.open().await;
    for (place, record) in one_of_each(ledger.tag()).into_iter().enumerate() {
        let batch = batch(NOON.plus_millis(i64::try_from(place).unwrap()), vec![record.clone()]);
        let first = ledger.write(batch.clone()).await.unwrap();
        assert_eq!(first.new_fills, usize::from(matches!(record, Record::Fill(_))));
        assert_eq!(first.new_funding, usize::from(matches!(record, Record::Funding(_))));
        let before = everything(&ledger).await;
        assert_eq!(ledger.write(batch).await.unwrap(), Written::default(), "{record:?}");
        assert_eq!(everything(&ledger).await, before, "{record:?}");
    }
    assert!(ledger.verify().await.unwrap().audit_chain_ok);
}

pub async fn an_old_batch_again_takes_nothing_back(place: Place) {
    let ledger = place.open().await;
    let order = ticket(ledger.tag(), 1, 1);
    let id = order.client_id.clone();
    let old = batch(
        NOON,
        vec![
            Record::Hedge {
                row: hedge(1, HedgeState::Opening(LegIndex::Long)),
                cause: "decided".to_owned(),
            },
            intent(1),
            Record::Order(order),
            moved(&id, OrderState::Sent, None),
            Record::Paused {
                reason: PauseReason::OrderUnknown,
                by: "engine".to_owned(),
            },
        ],
    );
    let new = batch(
        NOON.plus_millis(5),
        vec![
            moved(&id, OrderState::Unknown, None),
            Record::Unpaused {
                key: "order_unknown".to_owned(),
                by: "engine".to_owned(),
            },
            Record::Hedge {
                row: hedge(1, HedgeState::Closing(LegIndex::Short)),
                cause: "asked".to_owned(),
            },
        ],
    );
    ledger.write(old.clone()).await.unwrap();
    ledger.write(new).await.unwrap();
    let before = everything(&ledger).await;
    ledger.write(old).await.unwrap();
    assert_eq!(everything(&ledger).await, before);
    assert_eq!(before.0.orders[0].state, OrderState::Unknown);
    assert!(before.0.pauses.is_empty());
}

pub async fn a_batch_is_whole_or_not_at_all(place: Place) {
    let ledger = place.open().await;
    let mut records = one_of_each(ledger.tag());
    records.push(moved(&ticket(ledger.tag(), 9, 9).client_id, OrderState::Sent, None));
    let refused = ledger.write(batch(NOON, records)).await.unwrap_err();
    assert!(matches!(refused, JournalError::Refused(_)), "{refused:?}");
    let decision = Record::Decision {
        subject: "BTC".to_owned(),
        verdict: "hold".to_owned(),
        numbers: "[1, 2".to_owned(),
    };
    let refused = ledger.write(batch(NOON, vec![alert("x"), decision])).await.unwrap_err();
    assert!(matches!(refused, JournalError::Refused(_)), "{refused:?}");
    let (state, shown) = everything(&ledger).await;
    let empty = LedgerState {
        tag: ledger.tag().to_owned(),
        ..LedgerState::default()
    };
    assert_eq!(state, empty);
    assert!(!shown.contains("\"id\"") && !shown.contains("PendingAlert"), "{shown}");
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    assert_eq!(ledger.load().await.unwrap().fills.len(), 1);
}

pub async fn f046_an_id_names_one_order_for_ever(place: Place) {
    let ledger = place.open().await;
    let order = ticket(ledger.tag(), 1, 1);
    let first = vec![intent(1), Record::Order(order.clone())];
    ledger.write(batch(NOON, first)).await.unwrap();
    ledger
        .write(batch(NOON.plus_millis(1), vec![Record::Order(order.clone())]))
        .await
        .unwrap();
    let mut other = order;
    other.quantity = Quantity(dec("9"));
    let refused = ledger
        .write(batch(NOON.plus_millis(2), vec![Record::Order(other)]))
        .await;
    assert!(matches!(refused, Err(JournalError::Refused(_))), "{refused:?}");
    assert_eq!(ledger.load().await.unwrap().orders.len(), 1);
}

pub async fn load_returns_what_was_written(place: Place) {
    let ledger = place.open().await;
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    let state = ledger.load().await.unwrap();
    let order = ticket(ledger.tag(), 1, 1);
    assert_eq!(state.tag.len(), 4);
    assert_eq!(state.hedges, [hedge(1, HedgeState::Opening(LegIndex::Long))]);
    assert_eq!(state.orders.len(), 1);
    assert_eq!(state.orders[0].ticket, order);
    assert_eq!(state.orders[0].venue_order_id.as_deref(), Some("8389765"));
    assert_eq!(state.orders[0].recorded_at, NOON);
    assert_eq!(state.fills, [fill(&order.client_id, "t1", "0.100")]);
    assert_eq!(state.funding, [payment("f1")]);
    assert_eq!(state.openings, [opening("USDT", "1000.00")]);
    assert_eq!(state.pauses, [PauseReason::Human("maintenance".to_owned())]);
    assert_eq!(state.last_hedge, 1);
    let pauses = ledger.pauses().await.unwrap();
    assert_eq!((pauses[0].by.as_str(), pauses[0].since), ("operator", NOON));
}

pub async fn every_kind_survives_its_row(place: Place) {
    let ledger = place.open().await;
    let limit = Price(dec("98213.40"));
    let kinds = [
        OrderKind::ImmediateOrCancel { limit },
        OrderKind::FillOrKill { limit },
        OrderKind::GoodTillCancel { limit },
        OrderKind::PostOnly { limit },
        OrderKind::Market,
    ];
    let tickets: Vec<_> = (1..)
        .zip(kinds)
        .map(|(serial, kind)| {
            let mut ticket = ticket(ledger.tag(), 1, serial);
            ticket.kind = kind;
            ticket
        })
        .collect();
    let mut records = vec![intent(1)];
    records.extend(tickets.iter().cloned().map(Record::Order));
    ledger.write(batch(NOON, records)).await.unwrap();
    let loaded = ledger.load().await.unwrap();
    let found: Vec<_> = loaded.orders.into_iter().map(|row| row.ticket).collect();
    assert_eq!(found, tickets);
}

/// An order that lives on is one that a start asks about, whatever its hedge has come to.
pub async fn a_resting_order_is_loaded_after_its_hedge_closed(place: Place) {
    let ledger = place.open().await;
    let filled = Quantity(dec("0.125"));
    let (mut records, mut wanted) = (vec![intent(1)], Vec::new());
    for (serial, state) in [
        (1, OrderState::Resting { filled }),
        (2, OrderState::Leaving { filled }),
        (
            3,
            OrderState::Done {
                how: Ending::Cancelled,
                filled,
            },
        ),
    ] {
        let ticket = ticket(ledger.tag(), 1, serial);
        records.push(Record::Order(ticket.clone()));
        records.push(moved(&ticket.client_id, state.clone(), None));
        if !state.is_terminal() {
            wanted.push(state);
        }
    }
    let mut row = hedge(1, HedgeState::Closed);
    row.closed_at = Some(NOON);
    let cause = "over".to_owned();
    records.push(Record::Hedge { row, cause });
    ledger.write(batch(NOON, records)).await.unwrap();
    let loaded = ledger.load().await.unwrap();
    let found: Vec<_> = loaded.orders.into_iter().map(|row| row.state).collect();
    assert_eq!(found, wanted);
}

pub async fn every_state_survives_its_row(place: Place) {
    let ledger = place.open().await;
    let missing = AssetQuantity(dec("0.000000000000000001"));
    let mut states = vec![HedgeState::Planned, HedgeState::Open];
    for leg in LegIndex::BOTH {
        states.extend([HedgeState::Opening(leg), HedgeState::Closing(leg)]);
        states.push(HedgeState::OneLegged { filled: leg, missing });
    }
    let filled = Quantity(dec("0.125"));
    let mut orders = vec![
        OrderState::Recorded,
        OrderState::Sent,
        OrderState::Unknown,
        OrderState::Acknowledged { filled },
        OrderState::Resting { filled },
        OrderState::Leaving { filled },
    ];
    orders.extend(Ending::ALL.map(|how| OrderState::Done { how, filled }));
    let mut market = ticket(ledger.tag(), 1, 1);
    market.kind = OrderKind::Market;
    ledger
        .write(batch(NOON, vec![intent(1), Record::Order(market.clone())]))
        .await
        .unwrap();
    let mut at = NOON;
    for state in states.into_iter().cycle().take(orders.len()).zip(orders) {
        at = at.plus_millis(1);
        let mut row = hedge(1, state.0);
        (row.opened_at, row.closed_at) = (Some(NOON), Some(at));
        let cause = "a step".to_owned();
        let moved = moved(&market.client_id, state.1.clone(), None);
        let step = vec![
            Record::Hedge {
                row: row.clone(),
                cause,
            },
            moved,
        ];
        ledger.write(batch(at, step)).await.unwrap();
        let loaded = ledger.load().await.unwrap();
        assert_eq!(loaded.hedges, [row]);
        assert_eq!((&loaded.orders[0].state, &loaded.orders[0].ticket), (&state.1, &market));
    }
    let cause = "flat".to_owned();
    let row = hedge(1, HedgeState::Closed);
    ledger
        .write(batch(at.plus_millis(1), vec![Record::Hedge { row, cause }]))
        .await
        .unwrap();
    let loaded = ledger.load().await.unwrap();
    assert!(loaded.hedges.is_empty() && loaded.orders.is_empty());
    assert_eq!(loaded.last_hedge, 1);
}

pub async fn f102_decimals_keep_every_digit(place: Place) {
    let ledger = place.open().await;
    let amounts = [
        "79228162514264337593543950335",
        "-79228162514264337593543950335",
        "0.0000000000000000000000000001",
        "-7.9228162514264337593543950335",
        "1.500",
        "100",
        "10000000000000000",
        "0.00",
        "0",
        "12345678901234567890.12345678",
        "98213.40",
    ];
    for (number, amount) in amounts.into_iter().enumerate() {
        let record = Record::Opening(opening(&format!("COIN{number:02}"), amount));
        ledger.write(batch(NOON, vec![record])).await.unwrap();
    }
    let openings = ledger.load().await.unwrap().openings;
    let read: Vec<String> = openings.iter().map(|opening| opening.total.to_string()).collect();
    assert_eq!(read, amounts);
}

pub async fn f036_fills_that_came_early_become_ours(place: Place) {
    let ledger = place.open().await;
    let order = ticket(ledger.tag(), 1, 1);
    let id = order.client_id.clone();
    let nameless = domain::order::ClientOrderId::from_text("");
    let mut strange = fill(&nameless, "t2", "7");
    strange.venue_order_id = String::from("1");
    let first = vec![
        intent(1),
        Record::Order(order),
        Record::Fill(fill(&nameless, "t1", "0.250")),
        Record::Fill(strange),
    ];
    ledger.write(batch(NOON, first)).await.unwrap();
    let marks = async || {
        let page = ledger.page(Page::Fills, None, 10).await.unwrap();
        let marks: Vec<_> = page
            .items
            .iter()
            .map(|item| item["foreign"].as_bool().unwrap())
            .collect();
        marks
    };
    assert_eq!(marks().await, [true, true]);
    let filled = Quantity(dec("0.25"));
    let how = Ending::Filled;
    let done = moved(&id, OrderState::Done { how, filled }, Some("8389765"));
    ledger.write(batch(NOON, vec![done])).await.unwrap();
    assert_eq!(marks().await, [true, false]);
    let report = ledger.verify().await.unwrap();
    assert!(report.ok, "{:?}", report.differences);
    assert_eq!((report.orders, report.fills), (1, 2));
}

pub async fn random_batches_agree_with_a_naive_model(place: Place) {
    let ledger = place.open().await;
    let mut dice = Dice::new(20_260_101);
    let mut model = Model::new(ledger.tag());
    let mut written = Vec::new();
    for round in 0..60 {
        let batch = batch(NOON.plus_millis(round), model.invent(&mut dice));
        let counted = ledger.write(batch.clone()).await.unwrap();
        assert_eq!(counted, model.write(&batch), "round {round}");
        written.push(batch);
        if dice.below(3) == 0 {
            let again = &written[dice.below(written.len())];
            assert_eq!(ledger.write(again.clone()).await.unwrap(), Written::default());
        }
        assert_eq!(ledger.load().await.unwrap(), model.state(), "round {round}");
    }
    assert!(model.state().fills.len() > 20 && model.state().last_hedge > 3);
    assert!(ledger.verify().await.unwrap().audit_chain_ok);
}

//! One hedge explained by its rows, whole tables, and wallets that add up.

use domain::hedge::{HedgeRow, HedgeState};
use domain::instrument::Side;
use domain::journal::Record;
use domain::money::{Price, Quantity, Usd};
use domain::order::{Ending, Fill, HedgeId, LegIndex, OrderState, OrderTicket, Purpose};
use domain::ports::Journal;
use domain::position::{Balance, Wallet};
use domain::time::Timestamp;
use ledger::Ledger;

use crate::support::Place;
use crate::support::values::*;

/// One order of a hedge, filled at once: who is it for, which way, at what price, and what the venue says it earned.
struct Deal<'a> {
    leg: LegIndex,
    purpose: Purpose,
    side: Side,
    price: &'a str,
    realised: Option<&'a str>,
}

fn deal(tag: &str, serial: u32, deal: &Deal<'_>) -> Vec<Record> {
    let ticket = OrderTicket {
        leg: deal.leg,
        purpose: deal.purpose,
        side: deal.side,
        ..ticket(tag, 1, serial)
    };
    let row = hedge(1, HedgeState::Open);
    let instrument = if deal.leg == LegIndex::Long {
        row.long
    } else {
        row.short
    };
    let ticket = OrderTicket {
        instrument: instrument.clone(),
        ..ticket
    };
    let done = OrderState::Done {
        how: Ending::Filled,
        filled: Quantity(dec("0.25")),
    };
    let fill = Fill {
        instrument,
        side: deal.side,
        price: Price(dec(deal.price)),
        realised: deal.realised.map(|told| Usd(dec(told))),
        fee: dec("0.5"),
        fee_asset: "USDT".into(),
        ..fill(&ticket.client_id, &format!("t{serial}"), "0.25")
    };
    let id = ticket.client_id.clone();
    vec![
        intent(1),
        Record::Order(ticket),
        Record::Fill(fill),
        moved(&id, done, None),
    ]
}

/// A hedge of two perpetuals that was opened and closed; the last profit as the venue told it.
fn closed_hedge(tag: &str, told: &str) -> Vec<Record> {
    use LegIndex::{Long, Short};
    let told = [
        (Long, Purpose::Open, Side::Buy, "100.01", Some("0")),
        (Short, Purpose::Open, Side::Sell, "100.5", Some("0")),
        (Long, Purpose::Close, Side::Sell, "110", Some("2.4975")),
        (Short, Purpose::Close, Side::Buy, "110.1", Some(told)),
    ];
    let row = HedgeRow {
        closed_at: Some(NOON.plus_hours(20)),
        ..hedge(1, HedgeState::Closed)
    };
    let mut records = vec![Record::Hedge {
        row,
        cause: "over".to_owned(),
    }];
    for (serial, (leg, purpose, side, price, realised)) in (1..).zip(told) {
        let deal_of = Deal {
            leg,
            purpose,
            side,
            price,
            realised,
        };
        records.extend(deal(tag, serial, &deal_of));
    }
    records
}

async fn evidence(ledger: &Ledger) -> (serde_json::Value, bool) {
    let found = ledger.hedge_evidence(HedgeId(1)).await.unwrap().unwrap();
    (found.document, found.explained)
}

pub async fn a_hedge_is_explained_to_the_last_digit_or_said_not_to_be(place: Place) {
    let ledger = place.open().await;
    assert_eq!(ledger.hedge_evidence(HedgeId(1)).await.unwrap(), None);
    ledger
        .write(batch(NOON, closed_hedge(ledger.tag(), "-2.40")))
        .await
        .unwrap();
    let (document, explained) = evidence(&ledger).await;
    assert!(explained, "{document:#}");
    let recomputed = &document["recomputed"];
    assert_eq!(recomputed["residual"], "0");
    assert_eq!(recomputed["trades_usd"], "0.0975");
    assert_eq!(recomputed["fees"]["USDT"], "2");
    assert_eq!(recomputed["quote_gained"], "-1.9025");
    assert_eq!(document["orders"].as_array().unwrap().len(), 4);
    assert_eq!(document["intents"][0]["inputs"]["rate"], "0.00010");
    assert_eq!(document["order_events"].as_array().unwrap().len(), 4);
}

pub async fn a_profit_that_no_trade_explains_is_a_residual(place: Place) {
    let ledger = place.open().await;
    ledger
        .write(batch(NOON, closed_hedge(ledger.tag(), "-2.39")))
        .await
        .unwrap();
    let (document, explained) = evidence(&ledger).await;
    assert!(!explained);
    assert_eq!(document["recomputed"]["residual"], "0.01");
}

pub async fn an_execution_that_is_missing_is_a_residual(place: Place) {
    let ledger = place.open().await;
    let mut records = closed_hedge(ledger.tag(), "-2.40");
    let last = records
        .iter()
        .rposition(|record| matches!(record, Record::Fill(_)))
        .unwrap();
    records.remove(last);
    ledger.write(batch(NOON, records)).await.unwrap();
    let (document, explained) = evidence(&ledger).await;
    let lines = document["recomputed"]["unexplained"].to_string();
    assert!(
        !explained && lines.contains("0.25 units without an execution") && lines.contains("still -0.25 units"),
        "{lines}"
    );
}

pub async fn tables_are_exported_whole_with_every_digit(place: Place) {
    let ledger = place.open().await;
    ledger.write(batch(NOON, one_of_each(ledger.tag()))).await.unwrap();
    let tables = ledger.export().await.unwrap();
    assert_eq!(tables.len(), 16);
    let named = |name: &str| tables.iter().find(|table| table.name == name).unwrap();
    for table in &tables {
        assert!(
            !table.rows.is_empty() || table.name == "decisions",
            "{} is empty",
            table.name
        );
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    }
    assert_eq!(named("funding_payments").json()[0]["amount"], "-1.23456789");
    assert_eq!(named("fills").json()[0]["quantity"], "0.100");
    assert_eq!(
        ledger.export().await.unwrap(),
        tables,
        "the same rows in the same order"
    );
    assert!(named("hedges").csv().starts_with("id,kind,asset,long_venue,"));
}

pub async fn wallets_must_add_up_to_what_the_venues_stated(place: Place) {
    let ledger = place.open().await;
    let stated = |at: Timestamp, total: &str| {
        let balances = vec![Balance {
            venue: opening("USDT", "1").account.venue,
            wallet: Wallet::Unified,
            asset: "USDT".into(),
            total: dec(total),
            free: dec(total),
        }];
        let state = r#"{"fills": 0, "funding_payments": 0}"#.to_owned();
        batch(at, vec![Record::Snapshot { balances, state }])
    };
    let first = vec![Record::Opening(opening("USDT", "1000.00"))];
    ledger.write(batch(NOON, first)).await.unwrap();
    ledger.write(stated(NOON.plus_hours(1), "1000")).await.unwrap();
    assert!(ledger.verify().await.unwrap().ok);
    ledger.write(stated(NOON.plus_hours(2), "999.9")).await.unwrap();
    let report = ledger.verify().await.unwrap();
    assert!(
        !report.ok && report.differences[0].contains("held 999.9 USDT at the last agreement"),
        "{report:?}"
    );
}

//! What is done, in which order, and how often.

use domain::bounds::Bounds;
use domain::hedge::{HedgeKind, HedgeState, Leg};
use domain::instrument::{Instrument, InstrumentId, Name, Product, TradingStatus, VenueId};
use domain::money::{AssetQuantity, Price, Quantity, Rate};
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::*;

/// A hedge that is there; what it holds does not matter here.
pub fn hedge() -> Hedge {
    let leg = |venue| {
        let one = Quantity(Decimal::ONE);
        let instrument = Instrument {
            id: InstrumentId {
                venue,
                product: Product::Perp,
                symbol: Name::new("BTCUSDT"),
            },
            asset: Name::new("BTC"),
            base: Name::new("BTC"),
            quote: Name::new("USDT"),
            multiplier: Decimal::ONE,
            tick: Price(Decimal::ONE),
            lot: one,
            min_quantity: one,
            max_quantity: one,
            max_market_quantity: one,
            min_notional: Usd::ZERO,
            least_price: Price(Decimal::ZERO),
            greatest_price: None,
            status: TradingStatus::Trading,
            ends_at: None,
            bounds: Bounds::default(),
        };
        Leg::empty(instrument, Rate::ZERO)
    };
    Hedge {
        id: HedgeId(7),
        kind: HedgeKind::CrossVenue,
        asset: Name::new("BTC"),
        long: leg(VenueId::Binance),
        short: leg(VenueId::Bybit),
        target: AssetQuantity::ZERO,
        state: HedgeState::Open,
        planned_at: Timestamp(0),
        opened_at: None,
        closed_at: None,
    }
}

#[actix_web::test]
async fn a_pause_is_audited_then_done_then_answered() {
    let house = House::open(USUAL).await;
    let answer = house.post("/pause", "{\"reason\":\"señal <b>\"}").await;
    assert_eq!(
        (answer.status, answer.json()["mode"].clone()),
        (200, json!("paused")),
        "{}",
        answer.body
    );
    let again = house.post("/pause", "{\"reason\":\"señal <b>\"}").await;
    assert_eq!(again.status, 200, "idempotent");
    let resumed = house.ask("POST /resume", &bearer(TOKEN), "").await;
    assert_eq!(
        (resumed.status, resumed.json()["mode"].clone()),
        (200, json!("running"))
    );
    let told = house.told();
    assert_eq!(told.len(), 6);
    assert!(
        told[0].starts_with("audit pause token from 127.0.0.1:") && told[0].ends_with(" señal <b>"),
        "{}",
        told[0]
    );
    assert!(
        told[1].starts_with("paused by hand: señal <b> by token from 127.0.0.1:"),
        "{}",
        told[1]
    );
    assert!(told[4].starts_with("audit resume") && told[5].starts_with("resume by token from"));
}

#[actix_web::test]
async fn what_is_not_durable_is_not_answered_as_done() {
    let house = House::open(Build {
        writable: false,
        ..USUAL
    })
    .await;
    assert_eq!(house.post("/pause", "").await.status, 503);
    assert_eq!(house.told().len(), 2, "stopping does not wait for the audit");
    assert_eq!(house.post("/resume", "").await.status, 503);
    assert_eq!(house.told().len(), 3, "resuming without an audit is not tried");
    assert_eq!(
        house.post("/hedges/7/close", "").await.status,
        202,
        "leaving does not wait for the audit"
    );
    let all = house.post("/close-all", "").await;
    assert_eq!(
        (all.status, all.json()["job"]["pause_durable"].clone()),
        (202, json!(false)),
        "nor for the pause, and says so"
    );
}

#[actix_web::test]
async fn f115_a_close_is_a_job_that_is_not_waited_for_and_not_doubled() {
    let house = House::open(USUAL).await;
    let first = house.post("/hedges/7/close", "{\"reason\":\"enough\"}").await;
    let expected = json!({ "job": { "id": "1", "kind": "close", "exits": [{ "id": "1", "hedge": "7" }] } });
    assert_eq!((first.status, first.json()), (202, expected.clone()));
    let second = house.post("/hedges/7/close", "").await;
    assert_eq!((second.status, second.json()), (202, expected));
    assert_eq!(house.post("/hedges/8/close", "").await.status, 404);
    let all = house.post("/close-all", "").await;
    assert_eq!(
        (all.status, all.json()),
        (
            202,
            json!({ "job": { "id": null, "kind": "close-all", "exits": [], "pause": "close_all", "pause_durable": true } })
        )
    );
    let pauses = house
        .told()
        .iter()
        .filter(|told| told.starts_with("everything is left by hand"))
        .count();
    assert_eq!(
        pauses,
        1,
        "leaving everything stops entries, leaving one does not: {:?}",
        house.told()
    );
    let exits = house.told().iter().filter(|told| told.starts_with("exit 7")).count();
    let audits = house.told().iter().filter(|told| told.starts_with("audit ")).count();
    assert_eq!((exits, audits), (1, 4), "{:?}", house.told());
}

#[actix_web::test]
async fn reasons_are_short_and_can_be_read() {
    let house = House::open(USUAL).await;
    let (longest, longer) = ("é".repeat(200), "é".repeat(201));
    for (reason, status) in [
        (longest.as_str(), 200),
        (longer.as_str(), 400),
        ("a\nb", 400),
        ("a\u{1b}[2Jb", 400),
        ("a\u{202e}b", 400),
        ("a\u{200b}b", 400),
        ("a\u{7f}", 400),
        ("", 200),
        (TOKEN, 400),
        (&format!("see:{TOKEN}."), 400),
    ] {
        let before = house.told().len();
        let answer = house.post("/pause", &json!({ "reason": reason }).to_string()).await;
        assert_eq!(answer.status, status, "{reason:?}");
        assert_eq!(house.told().len() > before, status == 200, "{reason:?}");
    }
    for body in [
        "{",
        "[]",
        "null",
        "{\"reason\":1}",
        "{\"reason\":null}",
        "{\"reasons\":\"x\"}",
        "\"x\"",
        "{\"reason\":\"a\",\"reason\":\"b\"}",
        " ",
    ] {
        assert_eq!(house.post("/pause", body).await.status, 400, "{body}");
    }
}

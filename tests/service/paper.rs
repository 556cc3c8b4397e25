//! Paper mode as a process: the simulator stands for the real venues, the account is played inside the engine.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};

/// Entry and exit on both legs may differ from the venues' own fills by so much in all.
const ROUND_TRIP_BPS: i64 = 2;

/// An engine on paper, without keys: it has no account anywhere.
fn on_paper(name: &str) -> (House, Venues) {
    let house = House::new(name);
    let venues = Venues::start(&house.folder.0);
    let mut house = house.at(&venues);
    house.set("FUNDING_ARB__MODE", "paper");
    for name in [
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
        "BYBIT_API_KEY",
        "BYBIT_API_SECRET",
    ] {
        house.variables.remove(name);
    }
    (house, venues)
}

fn opened(engine: &Engine, venues: &Venues) -> Value {
    venues.funding("SOLUSDT", "0.004", "0");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    venues.funding("SOLUSDT", "0.0001", "0.0001");
    engine.hedges().remove(0)
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// The same trade at the venue itself, by a stranger: what our order would have got there.
fn by_the_venue(venues: &Venues, venue: &str, product: &str, side: &str, quantity: &str) -> Decimal {
    let known = venues.rows("fills").len();
    let product = if product == "spot" { "spot" } else { "perp" };
    venues.faults(&json!([{ "venue": venue, "action": "FOREIGN", "args": {
        "kind": "trade", "symbol": "SOLUSDT", "side": side, "quantity": quantity, "product": product } }]));
    let rows = wait_for("the venue's fills", secs(60), || {
        let rows = venues.rows("fills");
        (rows.len() > known).then_some(rows)
    });
    let ours = |(at, row): &&(String, Value)| at == venue && row["side"] == side;
    let (mut cost, mut units) = (Decimal::ZERO, Decimal::ZERO);
    for (_, row) in rows.iter().filter(ours) {
        cost += number(&row["price"]) * number(&row["quantity"]);
        units += number(&row["quantity"]);
    }
    cost / units
}

#[test]
fn a_hedge_on_paper_is_filled_as_the_venue_would_and_outlives_a_kill() {
    let (mut house, venues) = on_paper("paper");
    let mut engine = house.start();
    assert_eq!(engine.wait_ready(secs(30)), "running");
    let hedge = opened(&engine, &venues);
    assert!(venues.rows("orders").is_empty(), "nothing was sent to the venues");

    let mut apart = Decimal::ZERO;
    for leg in hedge["legs"].as_array().unwrap() {
        let text = |field: &str| leg[field].as_str().unwrap();
        let side = if text("side") == "long" || text("side") == "buy" {
            "buy"
        } else {
            "sell"
        };
        let there = by_the_venue(&venues, text("venue"), text("product"), side, text("filled"));
        let here = number(&leg["average_price"]);
        apart += ((here - there) / there).abs() * Decimal::from(10_000);
    }
    assert!(
        apart < Decimal::from(ROUND_TRIP_BPS) / Decimal::TWO,
        "{apart} bps in: {hedge}"
    );

    engine.process.kill();
    let mut engine = house.start();
    assert_eq!(
        engine.wait_ready(secs(30)),
        "running",
        "the played account is still what the ledger says"
    );
    assert_eq!(engine.hedges().len(), 1);
    engine.close_all();
    assert!(engine.list("/fills").len() >= 4, "two legs in, two legs out");
    let strangers = venues
        .rows("orders")
        .iter()
        .filter(|(_, row)| row["foreign"] == false)
        .count();
    assert_eq!(strangers, 0, "nothing was sent to the venues");
}

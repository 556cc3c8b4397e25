//! Kills without warning at any moment, most of them just after an order was recorded: before its bytes leave, between
//! the legs, before its fill is kept. Each time the engine starts again on the same ledger and the same venues.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};

/// Kills where `KILLS` says nothing else.
const KILLS: u32 = 30;
/// Kills of one world; worlds stand side by side.
const OF_A_WORLD: u32 = 40;
const SYMBOLS: [&str; 3] = ["ETHUSDT", "SOLUSDT", "XRPUSDT"];
/// After a start both venues answer: by then a hedge is whole, gone, or the engine is paused with its reason.
const T_RECOVER: Duration = secs(60);

fn decimal(value: &Value) -> Decimal {
    Decimal::from_str(value.as_str().unwrap_or_else(|| panic!("{value} is no decimal"))).unwrap()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// Makes leaving or entering worth while, whatever is not so now.
fn turn(venues: &Venues, engine: &Engine, chance: &mut ChaCha8Rng) {
    let hedges = engine.hedges();
    if hedges.is_empty() {
        engine.post("/resume", None); // whoever has left everything is out until somebody resumes
    }
    if hedges.len() >= 2 || (!hedges.is_empty() && chance.random_range(0..3_u32) == 0) {
        if chance.random_range(0..3_u32) == 0 {
            engine.post("/close-all", None);
            return;
        }
        for hedge in &hedges {
            // Whoever was paid pays now.
            let symbol = text(&hedge["symbol"]);
            let short_at = text(&hedge["legs"][1]["venue"]);
            let (binance, bybit) = if short_at == "binance" {
                ("-0.003", "0.003")
            } else {
                ("0.003", "-0.003")
            };
            venues.funding(&symbol, binance, bybit);
        }
    } else {
        let symbol = SYMBOLS[chance.random_range(0..SYMBOLS.len())];
        let (binance, bybit) =
            [("0.004", "0"), ("0", "0.004"), ("0.004", "-0.002"), ("-0.002", "0.004")][chance.random_range(0..4)];
        venues.funding(symbol, binance, bybit);
    }
}

fn newest_order(engine: &Engine) -> i64 {
    let page = engine.try_get("/orders?limit=1").unwrap_or_default();
    page["items"][0]["id"].as_i64().unwrap_or(0)
}

/// Quantities by asset that no other leg balances, as the venues see it; what is too small for an order does not count.
pub fn naked(venues: &Venues) -> BTreeMap<String, Decimal> {
    let mut by_symbol: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, fill) in venues.rows("fills") {
        let sign = if fill["side"] == "buy" {
            Decimal::ONE
        } else {
            -Decimal::ONE
        };
        let symbol = text(&fill["symbol"]);
        let fee_in_base = symbol.starts_with(&text(&fill["fee_asset"]));
        let fee = if fee_in_base {
            decimal(&fill["fee"])
        } else {
            Decimal::ZERO
        };
        *by_symbol.entry(symbol).or_default() += sign * decimal(&fill["quantity"]) - fee;
    }
    let worth = |symbol: &str| match symbol {
        "ETHUSDT" => Decimal::from(5_000),
        "SOLUSDT" => Decimal::from(200),
        _ => Decimal::from(3),
    };
    by_symbol.retain(|symbol, quantity| (*quantity * worth(symbol)).abs() > Decimal::from(25));
    by_symbol
}

/// Waits until the ledger has what the venues have: a row may wait beside it until the next renewal of the lease.
pub fn every_row_is_in(venues: &Venues, engine: &Engine) {
    wait_for("every row of the venues", secs(30), || {
        let rows = engine.list("/orders");
        let over =
            |row: &Value| !["recorded", "sent", "acknowledged", "unknown"].contains(&text(&row["state"]).as_str());
        let known: BTreeSet<_> = rows.iter().map(|row| text(&row["client_id"])).collect();
        let orders = venues.rows("orders");
        let all = orders
            .iter()
            .all(|(_, order)| known.contains(&text(&order["client_id"])));
        let fills = engine.list("/fills").len() == venues.rows("fills").len();
        (all && fills && rows.iter().all(over)).then_some(())
    });
}

/// Each client id is at most one order at the venues, and each of those has its row, written before.
pub fn one_order_each(venues: &Venues, engine: &Engine) {
    let rows = engine.list("/orders");
    let recorded: BTreeMap<String, &Value> = rows.iter().map(|row| (text(&row["client_id"]), row)).collect();
    assert_eq!(recorded.len(), rows.len(), "a client id has two rows");
    // One without a name is the venue's own, which takes a position back.
    let mut orders = venues.rows("orders");
    orders.retain(|(_, order)| !text(&order["client_id"]).is_empty());
    let mut at_venues = BTreeMap::new();
    for (venue, order) in &orders {
        let id = text(&order["client_id"]);
        let before = at_venues.insert(id.clone(), order.clone());
        assert!(before.is_none(), "{id} is twice at the venues: {before:?} and {order}");
        let row = recorded
            .get(&id)
            .unwrap_or_else(|| panic!("{id} at {venue} has no row"));
        assert_eq!(text(&row["venue"]), *venue);
        assert_eq!(decimal(&row["quantity"]), decimal(&order["quantity"]), "{id}");
        assert_eq!(
            decimal(&row["filled"]),
            decimal(&order["filled"]),
            "{id}: {row} but {order}"
        );
    }
    for (id, row) in recorded {
        let state = text(&row["state"]);
        let over = ["filled", "cancelled", "rejected", "expired", "absent", "not_sent"].contains(&state.as_str());
        assert!(over, "{id} is {state} for ever");
        assert!(
            !at_venues.contains_key(&id) || !["absent", "not_sent"].contains(&state.as_str()),
            "{id} is said to be {state}, and the venue has it"
        );
        assert!(
            at_venues.contains_key(&id) || decimal(&row["filled"]).is_zero(),
            "{id} was filled nowhere"
        );
    }
}

/// As [`books_equal`], after a life in which something was traded and paid.
pub fn ledger_equals_venues(venues: &Venues, engine: &Engine) {
    assert!(!venues.rows("fills").is_empty());
    assert!(!venues.rows("funding").is_empty(), "no settlement was met");
    books_equal(venues, engine);
}

/// Fills and funding, row by row; positions and cash, recomputed here from the rows alone. Nothing is held.
pub fn books_equal(venues: &Venues, engine: &Engine) {
    let key = |venue: &str, row: &Value, time: &str| {
        let amounts = ["quantity", "price", "fee"].map(|field| decimal(&row[field]).normalize().to_string());
        [
            venue,
            &text(&row["trade_id"]),
            &text(&row["symbol"]),
            &text(&row["side"]),
            &text(&row["fee_asset"]),
            &amounts.join(" "),
            time,
        ]
        .join(" ")
    };
    let mut kept: Vec<String> = engine
        .list("/fills")
        .iter()
        .map(|row| key(&text(&row["venue"]), row, ""))
        .collect();
    let mut done: Vec<String> = venues
        .rows("fills")
        .iter()
        .map(|(venue, row)| key(venue, row, ""))
        .collect();
    kept.sort();
    done.sort();
    assert_eq!(kept, done, "fills");
    // A transaction may pay several symbols: the ledger adds the symbol to its id.
    let payment = |venue: &str, row: &Value, id: &str| {
        format!(
            "{venue} {} {} {}",
            text(&row[id]).split(':').next().unwrap_or_default(),
            text(&row["symbol"]),
            decimal(&row["amount"]).normalize()
        )
    };
    let mut kept: Vec<String> = engine
        .list("/funding")
        .iter()
        .map(|row| payment(&text(&row["venue"]), row, "payment_id"))
        .collect();
    let mut paid: Vec<String> = venues
        .rows("funding")
        .iter()
        .map(|(venue, row)| payment(venue, row, "id"))
        .collect();
    kept.sort();
    paid.sort();
    assert_eq!(kept, paid, "funding");

    let start = Decimal::from(100_000);
    let usdt = |venue: &str, wallet: &str| ((venue.to_owned(), wallet.to_owned(), "USDT".to_owned()), start);
    let mut cash = BTreeMap::from([
        usdt("binance", "spot"),
        usdt("binance", "usdm"),
        usdt("bybit", "unified"),
    ]);
    let mut positions: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    let wallet = |venue: &str, product: &str| match (venue, product) {
        ("bybit", _) => "unified",
        (_, "spot") => "spot",
        _ => "usdm",
    };
    let mut book = |venue: &str, product: &str, asset: &str, amount: Decimal| {
        *cash
            .entry((venue.to_owned(), wallet(venue, product).to_owned(), asset.to_owned()))
            .or_default() += amount;
    };
    for fill in engine.list("/fills") {
        let (venue, product, symbol) = (text(&fill["venue"]), text(&fill["product"]), text(&fill["symbol"]));
        let sign = if fill["side"] == "buy" {
            Decimal::ONE
        } else {
            -Decimal::ONE
        };
        let (quantity, price) = (decimal(&fill["quantity"]), decimal(&fill["price"]));
        if product == "spot" {
            book(&venue, &product, symbol.trim_end_matches("USDT"), sign * quantity);
            book(&venue, &product, "USDT", -sign * quantity * price);
        } else {
            *positions.entry((venue.clone(), symbol)).or_default() += sign * quantity;
            // Every position is flat in the end: what was earned is what was sold for less what was bought for.
            book(&venue, &product, "USDT", -sign * quantity * price);
        }
        book(&venue, &product, &text(&fill["fee_asset"]), -decimal(&fill["fee"]));
    }
    for payment in engine.list("/funding") {
        book(&text(&payment["venue"]), "perp", "USDT", decimal(&payment["amount"]));
    }
    cash.retain(|_, amount| !amount.is_zero());
    positions.retain(|_, quantity| !quantity.is_zero());
    let mut held: BTreeMap<_, _> = venues
        .rows("balances")
        .iter()
        .map(|(venue, row)| {
            (
                (venue.clone(), text(&row["wallet"]), text(&row["asset"])),
                decimal(&row["free"]) + decimal(&row["locked"]),
            )
        })
        .collect();
    held.retain(|_, amount| !amount.is_zero());
    // The venues round each realised result to eight places; the sum above rounds nothing.
    let rounding = Decimal::new(1, 5);
    for wallet in cash.keys().chain(held.keys()) {
        let amount = |side: &BTreeMap<_, Decimal>| side.get(wallet).copied().unwrap_or_default();
        let (ledger, venue) = (amount(&cash), amount(&held));
        assert!(
            (ledger - venue).abs() < rounding,
            "{wallet:?}: {ledger} by the ledger's rows, {venue} at the venue"
        );
    }
    let at_venues: BTreeMap<_, _> = venues
        .rows("positions")
        .iter()
        .map(|(venue, row)| ((venue.clone(), text(&row["symbol"])), decimal(&row["quantity"])))
        .filter(|(_, quantity)| !quantity.is_zero())
        .collect();
    assert_eq!(positions, at_venues, "positions");
    assert_eq!(at_venues, BTreeMap::new(), "the venues still hold perpetuals");
}

/// Waits until no hedge is half, or the engine says why it is paused; takes every pause away again.
pub fn recovered(engine: &mut Engine, venues: &Venues, seen: &mut Vec<String>) {
    engine.wait_ready(secs(90));
    let resting = |hedge: &Value| hedge["state"] == "open";
    let state = wait_for("whole or flat or paused", T_RECOVER, || {
        let status = engine.try_get("/status")?;
        let whole = status["hedges"].as_array()?.iter().all(resting);
        (whole || status["mode"] == "paused").then_some(status)
    });
    let reasons = state["pause_reasons"].as_array().unwrap();
    seen.extend(reasons.iter().map(|reason| reason["reason"].to_string()));
    if state["mode"] == "paused" {
        assert!(!reasons.is_empty(), "paused without a reason: {state}");
        engine.post("/resume", None);
    } else {
        // As the venues see it; a job that has begun meanwhile takes its moment.
        wait_for("equal legs at the venues", T_RECOVER, || {
            naked(venues).is_empty().then_some(())
        });
    }
}

#[test]
fn kills_at_any_moment_leave_nothing_doubled_lost_or_naked() {
    let asked = std::env::var("KILLS").map(|kills| kills.parse().expect("KILLS is a number"));
    let (kills, began) = (asked.unwrap_or(KILLS), Instant::now());
    let worlds = kills.div_ceil(OF_A_WORLD).max(1);
    let between_legs: u32 = std::thread::scope(|scope| {
        let world = |number| scope.spawn(move || killed_again_and_again(u64::from(number) + 30, kills / worlds));
        let worlds: Vec<_> = (0..worlds).map(world).collect();
        worlds
            .into_iter()
            .map(|world| world.join().expect("a world went wrong"))
            .sum()
    });
    println!(
        "{between_legs} of {} kills landed between two legs; {} s",
        kills / worlds * worlds,
        began.elapsed().as_secs()
    );
    assert!(between_legs > 0, "no kill landed between two legs");
}

/// One ledger and one pair of venues through so many kills; how many landed between two legs.
fn killed_again_and_again(seed: u64, kills: u32) -> u32 {
    let mut house = House::new("killed");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let (mut between_legs, mut reasons, began) = (0, Vec::new(), Instant::now());
    for kill in 0..kills {
        let mut engine = house.start();
        if kill % 10 == 9 {
            // In the middle of a start.
            sleep(Duration::from_millis(chance.random_range(0..800)));
            engine.process.kill();
            continue;
        }
        recovered(&mut engine, &venues, &mut reasons);
        let is_long = kill % 12 == 8;
        if is_long {
            venues.funding("SOLUSDT", "0.004", "-0.003");
            wait_for("a hedge to be paid", ENTERED_WITHIN, || engine.has_open().then_some(()));
        } else {
            turn(&venues, &engine, &mut chance);
        }
        let last = newest_order(&engine);
        let given_up = Instant::now() + secs(5);
        while chance.random_range(0..400_u32) > 0 && newest_order(&engine) == last && Instant::now() < given_up {
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(chance.random_range(0..25)));
        engine.process.kill();
        // A start reads much, and thirty of them in a minute would be more than a venue allows: its minute passes.
        // Twice it is eight hours, with a settlement that nobody was there to see.
        venues.advance(if is_long { 8 * 3_600 } else { 61 });
        let half = naked(&venues);
        between_legs += u32::from(!half.is_empty());
        println!(
            "world {seed}, kill {kill} after {} s: naked {half:?}",
            began.elapsed().as_secs()
        );
    }
    println!("world {seed}: pauses met: {reasons:?}");
    let mut engine = house.start();
    recovered(&mut engine, &venues, &mut reasons);
    engine.post("/pause", Some(&json!({ "reason": "the test ends" })));
    engine.close_all();
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let mut engine = house.start();
    assert_eq!(engine.wait_ready(secs(60)), "paused");
    let status = engine.status();
    let why: Vec<_> = status["pause_reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| text(&reason["key"]))
        .collect();
    assert_eq!(why, ["human", "close_all"], "{status}");
    assert_eq!(status["inconsistencies"], 0, "{status}");
    assert_eq!(status["hedges"], json!([]));
    one_order_each(&venues, &engine);
    ledger_equals_venues(&venues, &engine);
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let verified = house.run(&["ledger", "verify", "--json"]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
    between_legs
}

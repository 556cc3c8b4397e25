//! For every check one story that passes and at least one that must be found: a check that cannot fail is a defect.

#![expect(clippy::expect_used, reason = "a story with a mistyped number must not run")]

use observer::{Bounds, Cash, Fact, Fill, Funding, Intent, Observer, Order, Position, Purpose, Side};
use rust_decimal::Decimal;

fn d(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Where a leg of the stories trades: venue, product, symbol.
type Place = (&'static str, &'static str, &'static str);
const SPOT: Place = ("binance", "spot", "BTCUSDT");
const PERP: Place = ("binance", "usdm", "BTCUSDT");
const BYBIT: Place = ("bybit", "linear", "BTCUSDT");

fn intent(id: &str, (venue, product, symbol): Place, side: Side, quantity: &str, purpose: Purpose) -> Intent {
    Intent {
        hedge: "h1".into(),
        client_id: id.into(),
        venue: venue.into(),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        purpose,
        asset: "BTC".into(),
        multiplier: Decimal::ONE,
    }
}

fn order(id: &str, (venue, product, symbol): Place, side: Side, quantity: &str) -> Order {
    Order {
        venue: venue.into(),
        client_id: id.into(),
        venue_order_id: format!("v-{id}"),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        price: None,
        reduce_only: false,
        foreign: false,
    }
}

fn fill(trade: &str, id: &str, (venue, product, symbol): Place, side: Side, quantity: &str, price: &str) -> Fill {
    Fill {
        venue: venue.into(),
        trade_id: trade.into(),
        client_id: id.into(),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        price: d(price),
        fee: d("0.1"),
        fee_asset: "USDT".into(),
    }
}

fn funding(amount: &str) -> Funding {
    let [venue, id, symbol, product] = ["binance", "f1", "BTCUSDT", "usdm"].map(str::to_owned);
    Funding {
        venue,
        id,
        symbol,
        product,
        amount: d(amount),
    }
}

fn cash(wallet: &str, asset: &str, total: &str) -> Cash {
    Cash {
        venue: "binance".into(),
        wallet: wallet.into(),
        asset: asset.into(),
        total: d(total),
    }
}

fn position(quantity: &str) -> Position {
    let [venue, symbol, product] = ["binance", "BTCUSDT", "usdm"].map(str::to_owned);
    Position {
        venue,
        symbol,
        product,
        quantity: d(quantity),
    }
}

/// Tells the facts a second apart.
fn told(bounds: Bounds, facts: impl IntoIterator<Item = Fact>) -> Observer {
    let mut observer = Observer::new(bounds);
    for (second, fact) in (0..).zip(facts) {
        observer.observe(second * 1_000, fact);
    }
    observer
}

/// Which invariants the facts broke, in order.
fn broken(facts: impl IntoIterator<Item = Fact>) -> Vec<&'static str> {
    told(Bounds::default(), facts)
        .violations()
        .iter()
        .map(|violation| violation.invariant)
        .collect()
}

/// Intent, order and fill of one order, by the book.
fn trade(id: &str, place: Place, side: Side, quantity: &str, price: &str, purpose: Purpose) -> Vec<Fact> {
    vec![
        Fact::IntentCommitted(intent(id, place, side, quantity, purpose)),
        Fact::VenueOrder(order(id, place, side, quantity)),
        Fact::VenueFill(fill(&format!("t-{id}"), id, place, side, quantity, price)),
    ]
}

/// The same with its ledger row.
fn booked(id: &str, place: Place, side: Side, quantity: &str, price: &str, purpose: Purpose) -> Vec<Fact> {
    let mut facts = trade(id, place, side, quantity, price, purpose);
    facts.push(Fact::LedgerFill(fill(
        &format!("t-{id}"),
        id,
        place,
        side,
        quantity,
        price,
    )));
    facts
}

/// Spot and perpetual in and out again with one funding payment: 2 × 0.1 fees on each side.
fn round_trip() -> Vec<Fact> {
    let mut facts = vec![
        Fact::LedgerOpeningCash(cash("spot", "USDT", "1000")),
        Fact::LedgerOpeningCash(cash("usdm", "USDT", "500")),
    ];
    facts.extend(booked("a", SPOT, Side::Buy, "2", "100", Purpose::Open));
    facts.extend(booked("b", PERP, Side::Sell, "2", "101", Purpose::Open));
    facts.extend([Fact::VenueFunding(funding("0.3")), Fact::LedgerFunding(funding("0.3"))]);
    facts.extend(booked("c", SPOT, Side::Sell, "2", "110", Purpose::Close));
    facts.extend(booked("e", PERP, Side::Buy, "2", "110.5", Purpose::Close));
    facts
}

/// What the venue states after [`round_trip`]: spot +20 −0.2, perpetual −19 −0.2 +0.3.
fn statement(usdm: &str, held: &str) -> Vec<Fact> {
    vec![
        Fact::VenueCash(cash("spot", "USDT", "1019.8")),
        Fact::VenueCash(cash("spot", "BTC", "0")),
        Fact::VenueCash(cash("usdm", "USDT", usdm)),
        Fact::VenuePosition(position(held)),
        Fact::Quiescent,
    ]
}

#[test]
fn a_whole_hedge_by_the_book_breaks_nothing_and_exercises_everything() {
    let observer = told(
        Bounds::default(),
        round_trip().into_iter().chain(statement("481.1", "0")),
    );
    assert_eq!(observer.violations(), []);
    assert!(
        observer.exercised().values().all(|times| *times > 0),
        "{:?}",
        observer.exercised()
    );
    assert_eq!(observer.longest_naked_ms(), 4_000);
}

#[test]
fn nothing_told_is_nothing_exercised() {
    let observer = told(Bounds::default(), []);
    assert_eq!(
        observer.exercised().keys().copied().collect::<Vec<_>>(),
        ["I1", "I11", "I2a", "I3", "I4", "I8"]
    );
    assert!(observer.exercised().values().all(|times| *times == 0));
}

#[test]
fn i1_an_order_sent_twice_is_found() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    let twin = Order {
        venue_order_id: "other".into(),
        ..order("a", SPOT, Side::Buy, "1")
    };
    facts.push(Fact::VenueOrder(twin));
    assert_eq!(broken(facts), ["I1"]);
}

#[test]
fn i1_the_same_order_told_twice_is_one_order() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    facts.push(Fact::VenueOrder(order("a", SPOT, Side::Buy, "1.0")));
    facts.push(Fact::IntentCommitted(intent(
        "a",
        SPOT,
        Side::Buy,
        "1.00",
        Purpose::Open,
    )));
    assert_eq!(broken(facts), [] as [&str; 0]);
}

#[test]
fn i1_an_order_with_other_content_than_its_intent_is_found() {
    for wrong in [
        order("a", PERP, Side::Buy, "1"),
        order("a", BYBIT, Side::Buy, "1"),
        order("a", SPOT, Side::Sell, "1"),
        order("a", SPOT, Side::Buy, "2"),
    ] {
        let committed = Fact::IntentCommitted(intent("a", SPOT, Side::Buy, "1", Purpose::Open));
        assert_eq!(broken([committed, Fact::VenueOrder(wrong)]), ["I1"]);
    }
}

#[test]
fn i1_a_client_id_used_for_two_intents_is_found() {
    let first = intent("a", SPOT, Side::Buy, "1", Purpose::Open);
    let second = Intent {
        hedge: "h2".into(),
        ..first.clone()
    };
    assert_eq!(
        broken([Fact::IntentCommitted(first), Fact::IntentCommitted(second)]),
        ["I1"]
    );
}

#[test]
fn i2a_the_first_leg_alone_is_within_bounds_and_its_double_is_not() {
    assert_eq!(
        broken(trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)),
        [] as [&str; 0]
    );
    let both_legs_long = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)
        .into_iter()
        .chain(trade("b", PERP, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(broken(both_legs_long), ["I2a"]);
}

#[test]
fn i2a_the_tolerance_of_the_asset_counts() {
    let facts = || {
        trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open)
            .into_iter()
            .chain(trade("b", SPOT, Side::Buy, "0.001", "100", Purpose::Open))
    };
    assert_eq!(broken(facts()), ["I2a"]);
    let bounds = Bounds {
        naked: [("BTC".to_owned(), d("0.001"))].into(),
        ..Bounds::default()
    };
    assert_eq!(told(bounds, facts()).violations(), []);
}

#[test]
fn i2a_legs_are_weighed_in_units_of_the_asset() {
    let thousand = |mut facts: Vec<Fact>| {
        for fact in &mut facts {
            if let Fact::IntentCommitted(intent) = fact {
                intent.multiplier = d("1000");
            }
        }
        facts
    };
    let long = trade("a", SPOT, Side::Buy, "1000", "100", Purpose::Open);
    let matched = thousand(trade("b", PERP, Side::Sell, "1", "100", Purpose::Open));
    let observer = told(Bounds::default(), long.iter().cloned().chain(matched));
    assert_eq!(observer.violations(), []);
    assert_eq!(
        observer.longest_naked_ms(),
        3_000,
        "hedged by one contract of a thousand"
    );
    let wrong_way = thousand(trade("b", PERP, Side::Buy, "1", "100", Purpose::Open));
    assert_eq!(broken(long.into_iter().chain(wrong_way)), ["I2a"]);
}

#[test]
fn i2a_what_the_venue_forces_is_not_the_engines_doing_but_the_answer_is() {
    let hedged = || {
        let mut facts = vec![];
        for (long, short) in [("a", "b"), ("c", "e")] {
            facts.extend(trade(long, SPOT, Side::Buy, "1", "100", Purpose::Open));
            facts.extend(trade(short, PERP, Side::Sell, "1", "100", Purpose::Open));
        }
        facts.push(Fact::VenueFill(fill("adl", "", PERP, Side::Buy, "2", "90")));
        facts
    };
    let cut = trade("x", SPOT, Side::Sell, "2", "90", Purpose::Close);
    assert_eq!(broken(hedged().into_iter().chain(cut)), [] as [&str; 0]);
    let worse = trade("x", SPOT, Side::Buy, "1", "90", Purpose::Open);
    assert_eq!(broken(hedged().into_iter().chain(worse)), ["I2a"]);
}

#[test]
fn i3_a_fill_booked_twice_or_never_is_found() {
    let mut twice = booked("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    twice.push(Fact::LedgerFill(fill("t-a", "a", SPOT, Side::Buy, "1", "100")));
    assert_eq!(broken(twice), ["I3"]);

    let mut never = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    assert_eq!(broken(never.clone()), [] as [&str; 0], "until rest it may be under way");
    never.push(Fact::Quiescent);
    assert_eq!(broken(never), ["I3"]);
}

#[test]
fn i3_a_fill_booked_wrongly_is_found_at_once_and_at_rest() {
    let right = fill("t-a", "a", SPOT, Side::Buy, "1", "100");
    let other_fee = Fill {
        fee: d("0.2"),
        ..right.clone()
    };
    let other_side = Fill {
        side: Side::Sell,
        ..right.clone()
    };
    let other_coin = Fill {
        fee_asset: "BNB".into(),
        ..right
    };
    for wrong in [other_fee, other_side, other_coin] {
        let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
        facts.extend([Fact::LedgerFill(wrong), Fact::Quiescent]);
        assert_eq!(broken(facts), ["I3", "I3"]);
    }
}

#[test]
fn i3_two_equal_fills_are_two() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    let half = || fill("t", "a", SPOT, Side::Buy, "0.5", "100");
    facts.truncate(2);
    facts.extend([Fact::VenueFill(half()), Fact::VenueFill(half())]);
    facts.extend([Fact::LedgerFill(half()), Fact::LedgerFill(half()), Fact::Quiescent]);
    assert_eq!(broken(facts), [] as [&str; 0]);
}

#[test]
fn i3_funding_is_compared_like_fills() {
    let paid = || Fact::VenueFunding(funding("0.3"));
    let row = || Fact::LedgerFunding(funding("0.30"));
    assert_eq!(broken([paid(), row(), Fact::Quiescent]), [] as [&str; 0]);
    assert_eq!(broken([paid(), row(), row()]), ["I3"]);
    assert_eq!(broken([paid(), Fact::Quiescent]), ["I3"]);
    assert_eq!(broken([paid(), Fact::LedgerFunding(funding("-0.3"))]), ["I3"]);
}

#[test]
fn i4_one_last_decimal_of_cash_or_of_position_is_found() {
    let stated = |usdm, held| broken(round_trip().into_iter().chain(statement(usdm, held)));
    assert_eq!(stated("481.1", "0"), [] as [&str; 0]);
    assert_eq!(stated("481.10000001", "0"), ["I4"]);
    assert_eq!(stated("481.1", "0.00000001"), ["I4"]);
}

#[test]
fn i4_a_wallet_that_the_venue_no_longer_mentions_is_empty() {
    let opening = Fact::LedgerOpeningCash(cash("spot", "USDT", "5"));
    let other = Fact::VenueCash(cash("usdm", "USDT", "0"));
    assert_eq!(broken([opening.clone(), other, Fact::Quiescent]), ["I4"]);
    let observer = told(Bounds::default(), [opening, Fact::Quiescent]);
    assert_eq!(
        (observer.violations().len(), observer.exercised()["I4"]),
        (0, 0),
        "a silent venue is not judged"
    );
}

#[test]
fn i4_a_later_opening_does_not_paper_over_a_difference() {
    let first = Fact::LedgerOpeningCash(cash("spot", "USDT", "5"));
    let second = Fact::LedgerOpeningCash(cash("spot", "USDT", "6"));
    let stated = Fact::VenueCash(cash("spot", "USDT", "6"));
    assert_eq!(broken([first, second, stated, Fact::Quiescent]), ["I4"]);
}

#[test]
fn i4_a_fee_in_the_coin_is_taken_from_the_coin_and_from_the_delta() {
    let in_coin = |mut facts: Vec<Fact>| {
        for fact in &mut facts {
            if let Fact::VenueFill(fill) | Fact::LedgerFill(fill) = fact {
                (fill.fee, fill.fee_asset) = (d("0.002"), "BTC".into());
            }
        }
        facts
    };
    let stated = |btc| {
        let opening = [Fact::LedgerOpeningCash(cash("spot", "USDT", "1000"))];
        let bought = in_coin(booked("a", SPOT, Side::Buy, "2", "100", Purpose::Open));
        let word = [
            Fact::VenueCash(cash("spot", "USDT", "800")),
            Fact::VenueCash(cash("spot", "BTC", btc)),
            Fact::Quiescent,
        ];
        broken(opening.into_iter().chain(bought).chain(word))
    };
    assert_eq!(stated("1.998"), [] as [&str; 0]);
    assert_eq!(stated("2"), ["I4"]);

    let sell = |quantity| {
        let bought = in_coin(trade("a", SPOT, Side::Buy, "2", "100", Purpose::Open));
        broken(
            bought
                .into_iter()
                .chain(trade("c", SPOT, Side::Sell, quantity, "100", Purpose::Close)),
        )
    };
    assert_eq!(sell("1.998"), [] as [&str; 0]);
    assert_eq!(sell("2"), ["I11"], "more than is held");
}

#[test]
fn i4_an_average_that_cannot_be_written_is_allowed_its_rounding_and_no_more() {
    // 1 at 100 and 2 at 101: the average is 100.666…; closing 1 at 102 earns 1.333…
    let stated = |usdt| {
        let mut facts = vec![Fact::LedgerOpeningCash(cash("usdm", "USDT", "100"))];
        facts.extend(booked("a", PERP, Side::Buy, "1", "100", Purpose::Open));
        facts.extend(booked("b", PERP, Side::Buy, "2", "101", Purpose::Open));
        facts.extend(booked("c", PERP, Side::Sell, "1", "102", Purpose::Close));
        facts.extend([
            Fact::VenueCash(cash("usdm", "USDT", usdt)),
            Fact::VenuePosition(position("2")),
            Fact::Quiescent,
        ]);
        // Without the other leg these stories are naked; only the account is looked at here.
        broken(facts).into_iter().filter(|invariant| *invariant == "I4").count()
    };
    assert_eq!(stated("101.03333333"), 0);
    assert_eq!(stated("101.03333334"), 0);
    assert_eq!(stated("101.03333336"), 1);
}

#[test]
fn i4_a_position_that_turns_over_takes_its_profit_once() {
    let mut facts = vec![Fact::LedgerOpeningCash(cash("usdm", "USDT", "100"))];
    facts.extend(booked("a", PERP, Side::Buy, "1", "100", Purpose::Open));
    facts.extend(booked("b", PERP, Side::Sell, "3", "110", Purpose::Open));
    facts.extend([
        Fact::VenueCash(cash("usdm", "USDT", "109.8")),
        Fact::VenuePosition(position("-2")),
        Fact::Quiescent,
    ]);
    assert_eq!(broken(facts), [] as [&str; 0]);
}

#[test]
fn i8_an_order_before_its_intent_is_found() {
    let mut facts = trade("a", SPOT, Side::Buy, "1", "100", Purpose::Open);
    facts.swap(0, 1);
    assert_eq!(broken(facts), ["I8"]);
    let stray = Fact::VenueFill(fill("t", "nobody", SPOT, Side::Buy, "1", "100"));
    assert_eq!(broken([stray]), ["I8"]);
}

#[test]
fn i8_a_foreign_order_needs_no_intent() {
    let human = Order {
        foreign: true,
        ..order("web_1", SPOT, Side::Buy, "1")
    };
    let their_fill = fill("t", "web_1", SPOT, Side::Buy, "1", "100");
    assert_eq!(
        broken([Fact::VenueOrder(human), Fact::VenueFill(their_fill)]),
        [] as [&str; 0]
    );
}

#[test]
fn i11_closing_more_than_is_held_or_in_the_wrong_direction_is_found() {
    let close = |side, quantity| {
        let opened = trade("a", PERP, Side::Sell, "1", "100", Purpose::Open);
        broken(
            opened
                .into_iter()
                .chain(trade("c", PERP, side, quantity, "100", Purpose::Close)),
        )
    };
    assert_eq!(close(Side::Buy, "1"), [] as [&str; 0]);
    assert_eq!(close(Side::Buy, "0.4"), [] as [&str; 0]);
    assert_eq!(close(Side::Buy, "1.1"), ["I11"], "turns over");
    assert_eq!(close(Side::Sell, "0.1"), ["I2a", "I11"], "grows");
    let closing_nothing = trade("c", PERP, Side::Buy, "1", "100", Purpose::Close);
    assert_eq!(broken(closing_nothing), ["I11"], "opens");
}

#[test]
fn i11_a_foreign_trade_does_not_excuse_or_accuse_the_engine() {
    let with_foreign = |side| {
        let mut facts = trade("a", PERP, Side::Sell, "1", "100", Purpose::Open);
        facts.push(Fact::VenueOrder(Order {
            foreign: true,
            ..order("web_1", PERP, side, "5")
        }));
        facts.push(Fact::VenueFill(fill("w", "web_1", PERP, side, "5", "100")));
        facts.extend(trade("c", PERP, Side::Buy, "1", "100", Purpose::Close));
        broken(facts)
    };
    assert_eq!(with_foreign(Side::Buy), [] as [&str; 0]);
    assert_eq!(with_foreign(Side::Sell), [] as [&str; 0]);
}

#[test]
fn foreign_trades_are_asked_of_the_ledger_only_where_it_books_them() {
    let facts = || {
        vec![
            Fact::VenueOrder(Order {
                foreign: true,
                ..order("web_1", PERP, Side::Buy, "5")
            }),
            Fact::VenueFill(fill("w", "web_1", PERP, Side::Buy, "5", "100")),
            Fact::VenueCash(cash("usdm", "USDT", "-0.1")),
            Fact::VenuePosition(position("5")),
            Fact::Quiescent,
        ]
    };
    assert_eq!(broken(facts()), ["I3", "I4", "I4"]);
    let bounds = Bounds {
        foreign_is_booked: false,
        ..Bounds::default()
    };
    assert_eq!(told(bounds, facts()).violations(), []);
}

#[test]
fn a_failing_report_shows_what_came_before() {
    let mut observer = told(Bounds::default(), round_trip());
    observer.observe(99_000, Fact::LedgerFunding(funding("7")));
    let violation = &observer.violations()[0];
    assert_eq!((violation.invariant, violation.at_ms), ("I3", 99_000));
    let lines = observer.last_events(200);
    assert_eq!(lines.len() as u64, violation.sequence);
    assert!(lines.last().expect("a line").contains(r#""amount":"7""#), "{lines:?}");
    assert_eq!(observer.last_events(2).len(), 2);
    assert_eq!(
        observer.finish().len(),
        1,
        "a row too many is told once, when it is written"
    );
}

#[test]
fn a_hundred_thousand_orders_are_all_remembered() {
    let mut observer = Observer::new(Bounds::default());
    for number in 0..100_000 {
        let (id, side) = (
            format!("o{number}"),
            if number % 2 == 0 { Side::Buy } else { Side::Sell },
        );
        for fact in booked(&id, PERP, side, "1", "100", Purpose::Open) {
            observer.observe(number, fact);
        }
    }
    assert_eq!(observer.violations(), []);
    observer.observe(
        100_000,
        Fact::VenueOrder(Order {
            venue_order_id: "late".into(),
            ..order("o7", PERP, Side::Sell, "1")
        }),
    );
    assert_eq!(observer.violations()[0].invariant, "I1");
}

//! The exchange: matching, fees, filters, margin, settlements, liquidation; and money that adds up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

mod common;

use common::{Board, HOUR, ME, START, dec, key, limit, market, named, reducing};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use simulator::exchange::{
    CashKind, EndCause, Event, Exchange, Foreign, ForeignKind, MarketOverride, OrderChange, OrderRef, OrderStatus,
    Refusal, Side, TimeInForce, Wallet,
};
use simulator::market::{Product, Venue};

const B: Venue = Venue::Binance;
const Y: Venue = Venue::Bybit;
const SPOT: Product = Product::Spot;
const PERP: Product = Product::Perp;

fn total(exchange: &Exchange, wallet: Wallet, asset: &str) -> Decimal {
    let balance = exchange.balance(ME, wallet, asset);
    balance.free + balance.locked
}

#[test]
fn a_market_order_walks_the_levels_and_pays_taker_fees() {
    let mut exchange = Board::new().exchange();
    let order = exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "2.5"), START)
        .unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    let fills: Vec<_> = exchange.fills(ME, B, PERP, START).collect();
    let rows: Vec<_> = fills.iter().map(|fill| (fill.price, fill.quantity)).collect();
    assert_eq!(
        rows,
        [
            (dec("50000.1"), dec("1")),
            (dec("50000.2"), dec("1")),
            (dec("50000.3"), dec("0.5"))
        ]
    );
    let value = dec("50000.1") + dec("50000.2") + dec("25000.15");
    assert_eq!(order.average_price(), Some(value / dec("2.5")));
    assert_eq!(
        fills.iter().map(|fill| fill.fee).sum::<Decimal>(),
        value * dec("0.0005")
    );
    assert_eq!(
        total(&exchange, Wallet::Usdm, "USDT"),
        dec("100000") - value * dec("0.0005")
    );
    let position = exchange.position(ME, &key(B, PERP, "BTCUSDT"), START).unwrap();
    assert_eq!(
        (position.quantity, position.entry_price),
        (dec("2.5"), value / dec("2.5"))
    );
    assert!(position.liquidation_price.unwrap() < dec("50000"));
}

#[test]
fn spot_takes_the_buy_fee_in_coin_and_the_sell_fee_in_quote() {
    for (venue, wallet) in [(B, Wallet::Spot), (Y, Wallet::Unified)] {
        let mut exchange = Board::new().exchange();
        exchange
            .place(ME, venue, SPOT, &market("BTCUSDT", Side::Buy, "1"), START)
            .unwrap();
        assert_eq!(total(&exchange, wallet, "BTC"), dec("0.999"));
        assert_eq!(total(&exchange, wallet, "USDT"), dec("49999.9"));
        let refused = exchange.place(ME, venue, SPOT, &market("BTCUSDT", Side::Sell, "1"), START);
        assert_eq!(
            refused.unwrap_err(),
            Refusal::InsufficientBalance {
                asset: "BTC".to_owned()
            }
        );
        exchange
            .place(ME, venue, SPOT, &market("BTCUSDT", Side::Sell, "0.999"), START)
            .unwrap();
        assert_eq!(total(&exchange, wallet, "BTC"), Decimal::ZERO);
        let got = dec("0.999") * dec("49999.9");
        assert_eq!(
            total(&exchange, wallet, "USDT"),
            dec("49999.9") + got - got * dec("0.001")
        );
    }
}

#[test]
fn a_quote_amount_buys_whole_lots_for_no_more_than_it_says() {
    let mut exchange = Board::new().exchange();
    let mut request = market("BTCUSDT", Side::Buy, "1");
    (request.quantity, request.quote_quantity) = (None, Some(dec("60000")));
    let order = exchange.place(ME, B, SPOT, &request, START).unwrap();
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!(order.filled, dec("1.199"));
    assert!(order.filled_quote <= dec("60000"));
}

#[test]
fn a_resting_order_holds_funds_and_fills_as_maker_when_the_book_comes() {
    let board = Board::new();
    let mut exchange = board.exchange();
    let request = limit("BTCUSDT", Side::Buy, "0.5", "49000", TimeInForce::PostOnly);
    let order = exchange.place(ME, B, SPOT, &request, START).unwrap();
    assert_eq!(order.status, OrderStatus::New);
    assert_eq!(exchange.balance(ME, Wallet::Spot, "USDT").locked, dec("24500"));
    exchange.advance(START + 1_000);
    assert_eq!(exchange.open_orders(ME, B, SPOT).count(), 1);
    board.set(&key(B, SPOT, "BTCUSDT"), "48000");
    exchange.advance(START + 2_000);
    let fill = exchange.fills(ME, B, SPOT, START + 2_000).next().unwrap().clone();
    assert!(fill.maker);
    assert_eq!(
        (fill.price, fill.quantity, fill.fee),
        (dec("49000"), dec("0.5"), dec("0.0005"))
    );
    let usdt = exchange.balance(ME, Wallet::Spot, "USDT");
    assert_eq!((usdt.free, usdt.locked), (dec("75500"), Decimal::ZERO));
}

#[test]
fn ioc_fok_and_post_only_end_as_each_venue_ends_them() {
    let mut exchange = Board::new().exchange();
    let ioc = limit("BTCUSDT", Side::Buy, "3", "50000.2", TimeInForce::Ioc);
    let order = exchange.place(ME, B, PERP, &ioc, START).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, dec("2")));
    // A second later others have quoted again what was taken.
    let later = START + 1_000;
    let fok = limit("BTCUSDT", Side::Buy, "3", "50000.2", TimeInForce::Fok);
    let order = exchange.place(ME, B, PERP, &fok, later).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, Decimal::ZERO));
    let post = limit("BTCUSDT", Side::Buy, "1", "50000.1", TimeInForce::PostOnly);
    assert_eq!(
        exchange.place(ME, B, PERP, &post, later).unwrap_err(),
        Refusal::WouldTake
    );
    let order = exchange.place(ME, Y, PERP, &post, later).unwrap();
    assert_eq!(
        (order.status, order.end_cause),
        (OrderStatus::Expired, Some(EndCause::WouldTake))
    );
    assert_eq!(exchange.fills(ME, Y, PERP, later).count(), 0);
}

#[test]
fn filters_are_exact() {
    let mut exchange = Board::new().exchange();
    let mut refusal = |request| exchange.place(ME, B, SPOT, &request, START).unwrap_err();
    let gtc = TimeInForce::Gtc;
    assert_eq!(
        refusal(market("XYZUSDT", Side::Buy, "1")),
        Refusal::UnknownSymbol("XYZUSDT".to_owned())
    );
    assert_eq!(refusal(market("BTCUSDT", Side::Buy, "0")), Refusal::BadQuantity);
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "0.0001")),
        Refusal::MinQuantity { min: dec("0.001") }
    );
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "0.0015")),
        Refusal::Lot { lot: dec("0.001") }
    );
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, "101")),
        Refusal::MaxQuantity { max: dec("100") }
    );
    assert_eq!(
        refusal(market("ETHUSDT", Side::Buy, "0.001")),
        Refusal::MinNotional { min: dec("5") }
    );
    assert_eq!(
        refusal(limit("BTCUSDT", Side::Buy, "1", "49000.05", gtc)),
        Refusal::Tick { tick: dec("0.1") }
    );
    assert_eq!(refusal(limit("BTCUSDT", Side::Buy, "1", "-1", gtc)), Refusal::BadPrice);
    assert!(matches!(
        refusal(limit("BTCUSDT", Side::Buy, "1", "1", gtc)),
        Refusal::PriceBand { .. }
    ));
    let huge = "79228162514264337593543950335";
    assert_eq!(
        refusal(market("BTCUSDT", Side::Buy, huge)),
        Refusal::MaxQuantity { max: dec("100") }
    );
    assert!(matches!(
        refusal(limit("BTCUSDT", Side::Buy, "1", huge, gtc)),
        Refusal::PriceBand { .. }
    ));
    assert_eq!(
        refusal(named("a b", market("BTCUSDT", Side::Buy, "1"))),
        Refusal::BadClientId
    );
    assert_eq!(exchange.orders(ME, B, SPOT, START).count(), 0);
    // "49500.00" and "49500" are one price.
    exchange
        .place(
            ME,
            B,
            SPOT,
            &limit("BTCUSDT", Side::Buy, "1.000", "49500.00", gtc),
            START,
        )
        .unwrap();
}

#[test]
fn a_client_id_is_taken_while_open_on_binance_and_for_good_on_bybit() {
    let mut exchange = Board::new().exchange();
    let rest = named("one", limit("BTCUSDT", Side::Buy, "0.1", "40000", TimeInForce::Gtc));
    let hit = named("two", market("BTCUSDT", Side::Buy, "0.1"));
    for venue in [B, Y] {
        exchange.place(ME, venue, PERP, &rest, START).unwrap();
        assert_eq!(
            exchange.place(ME, venue, PERP, &rest, START).unwrap_err(),
            Refusal::DuplicateClientId
        );
        exchange.place(ME, venue, PERP, &hit, START).unwrap();
    }
    exchange.place(ME, B, PERP, &hit, START).unwrap();
    assert_eq!(
        exchange.place(ME, Y, PERP, &hit, START).unwrap_err(),
        Refusal::DuplicateClientId
    );
    exchange.place(ME, Y, SPOT, &hit, START).unwrap();
    let newest = exchange
        .find_order(ME, B, PERP, &OrderRef::Client("two".to_owned()), START)
        .unwrap();
    assert_eq!(newest.id, exchange.orders(ME, B, PERP, START).last().unwrap().id);
}

#[test]
fn orders_are_found_and_cancelled_by_either_id() {
    let mut exchange = Board::new().exchange();
    for venue in [B, Y] {
        let request = named("c-1", limit("BTCUSDT", Side::Sell, "0.1", "60000", TimeInForce::Gtc));
        let order = exchange.place(ME, venue, PERP, &request, START).unwrap();
        let by_venue = OrderRef::Venue(order.venue_order_id());
        assert_eq!(
            exchange.find_order(ME, venue, PERP, &by_venue, START).unwrap().id,
            order.id
        );
        assert!(exchange.find_order(ME, venue, SPOT, &by_venue, START).is_none());
        let wrong = exchange.cancel(ME, venue, PERP, "ETHUSDT", &by_venue, START);
        assert_eq!(wrong.unwrap_err(), Refusal::UnknownOrder);
        let gone = exchange.cancel(ME, venue, PERP, "BTCUSDT", &by_venue, START).unwrap();
        assert_eq!(
            (gone.status, gone.end_cause),
            (OrderStatus::Cancelled, Some(EndCause::ByUser))
        );
        let again = exchange.cancel(ME, venue, PERP, "BTCUSDT", &OrderRef::Client("c-1".to_owned()), START);
        assert_eq!(again.unwrap_err(), Refusal::OrderClosed);
    }
    let forged = OrderRef::Venue("00000000-0000-4000-9f33-000000989681".to_owned());
    assert!(exchange.find_order(ME, Y, PERP, &forged, START).is_none());
}

#[test]
fn reduce_only_never_opens_and_never_flips() {
    let mut exchange = Board::new().exchange();
    for venue in [B, Y] {
        let btc = key(venue, PERP, "BTCUSDT");
        let close = |quantity| reducing(market("BTCUSDT", Side::Sell, quantity));
        assert_eq!(
            exchange.place(ME, venue, PERP, &close("1"), START).unwrap_err(),
            Refusal::ReduceOnly
        );
        exchange
            .place(ME, venue, PERP, &market("BTCUSDT", Side::Buy, "1"), START)
            .unwrap();
        let adds = reducing(market("BTCUSDT", Side::Buy, "1"));
        assert_eq!(
            exchange.place(ME, venue, PERP, &adds, START).unwrap_err(),
            Refusal::ReduceOnly
        );
        match (venue, exchange.place(ME, venue, PERP, &close("1.5"), START)) {
            (Venue::Binance, refused) => assert_eq!(refused.unwrap_err(), Refusal::ReduceOnly),
            (Venue::Bybit, order) => assert_eq!(order.unwrap().filled, dec("1")),
        }
        let held = exchange.position_quantity(ME, &btc);
        assert_eq!(held, if venue == B { dec("1") } else { Decimal::ZERO });
    }
}

#[test]
fn a_settlement_pays_who_held_at_the_boundary_and_nobody_else() {
    let mut exchange = Board::new().exchange();
    let boundary = START + 8 * HOUR;
    exchange.advance(boundary - 1);
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), boundary - 1)
        .unwrap();
    exchange.take_events();
    exchange.advance(boundary);
    // Opened at the very boundary, after it has been settled: nothing for this one.
    exchange
        .place(ME, Y, PERP, &market("BTCUSDT", Side::Buy, "1"), boundary)
        .unwrap();
    exchange.advance(boundary + HOUR);
    let row = exchange.funding_rows(ME, B).next().unwrap();
    // Short, positive rate: received.
    assert_eq!(
        (row.amount, row.quantity, row.settled_ms),
        (dec("5"), dec("-1"), boundary)
    );
    assert_eq!(exchange.funding_rows(ME, B).count(), 1);
    assert_eq!(exchange.funding_rows(ME, Y).count(), 0);
    let events = exchange.take_events();
    assert!(matches!(&events[0], Event::Funding(row) if row.settled_ms == boundary));
    assert!(matches!(&events[1], Event::Balance(change) if change.delta == dec("5")));
    exchange.advance(START + 32 * HOUR);
    let at: Vec<_> = exchange
        .funding_rows(ME, Y)
        .map(|row| (row.settled_ms, row.amount))
        .collect();
    assert_eq!(
        at,
        [
            (START + 16 * HOUR, dec("-5")),
            (START + 24 * HOUR, dec("-5")),
            (START + 32 * HOUR, dec("-5"))
        ]
    );
}

fn hand(text: &str) -> MarketOverride {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_hand_on_the_market_moves_rate_interval_price_spread_and_depth() {
    let mut exchange = Board::new().exchange();
    let btc = key(B, PERP, "BTCUSDT");
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Sell, "1"), START)
        .unwrap();
    let text = r#"{"venue":"binance","symbol":"BTCUSDT","product":"usdm","funding_rate":"0.002","interval_hours":1,
        "mark_price":"51000","spread_bps":"4","depth_usd":"1000000"}"#;
    exchange.override_market(&hand(text), START + HOUR / 2).unwrap();
    let best = exchange.market().best(&btc, START + HOUR / 2).unwrap();
    assert_eq!((best.bid.price, best.ask.price), (dec("50989.8"), dec("51010.2")));
    let depth = exchange.market().depth(&btc, START + HOUR / 2).unwrap();
    let side: Decimal = depth.bids.iter().map(|level| level.price * level.quantity).sum();
    assert!(side > dec("990000") && side <= dec("1000000"), "{side}");
    let terms = exchange.market().funding(&btc, START + HOUR / 2).unwrap();
    assert_eq!(
        (terms.predicted, terms.next_ms, terms.interval_hours),
        (dec("0.002"), START + HOUR, 1)
    );
    exchange.advance(START + 2 * HOUR);
    let paid: Vec<_> = exchange
        .funding_rows(ME, B)
        .map(|row| (row.settled_ms, row.amount))
        .collect();
    assert_eq!(paid, [(START + HOUR, dec("102")), (START + 2 * HOUR, dec("102"))]);
    assert_eq!(exchange.market().settlements(&btc, START, START + 2 * HOUR).len(), 2);
    assert!(
        exchange
            .override_market(&hand(r#"{"venue":"binance","symbol":"NO","funding_rate":"0"}"#), START)
            .is_err()
    );
    let halted = hand(r#"{"venue":"binance","symbol":"BTCUSDT","status":"halted"}"#);
    exchange.override_market(&halted, START + 2 * HOUR).unwrap();
    let refused = exchange.place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "1"), START + 2 * HOUR);
    assert_eq!(refused.unwrap_err(), Refusal::MarketClosed);
}

#[test]
fn margin_is_checked_and_exhausted_margin_is_liquidated() {
    let board = Board::new();
    let mut exchange = board.exchange();
    let btc = key(B, PERP, "BTCUSDT");
    // 20 BTC are 1,000,000 USDT: at 10x that is all of the wallet, and the fee is not left.
    let refused = exchange.place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "20"), START);
    assert_eq!(refused.unwrap_err(), Refusal::InsufficientMargin);
    exchange.set_leverage(ME, &btc, dec("20")).unwrap();
    assert_eq!(
        exchange.set_leverage(ME, &btc, dec("51")).unwrap_err(),
        Refusal::BadLeverage { max: dec("50") }
    );
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "20"), START)
        .unwrap();
    let at = exchange.position(ME, &btc, START).unwrap().liquidation_price.unwrap();
    board.set(&btc, &(at + dec("1")).round_dp(1).to_string());
    exchange.advance(START + 1);
    assert_eq!(exchange.position_quantity(ME, &btc), dec("20"));
    board.set(&btc, &(at - dec("1")).round_dp(1).to_string());
    exchange.advance(START + 2);
    assert_eq!(exchange.position_quantity(ME, &btc), Decimal::ZERO);
    let last = exchange.fills(ME, B, PERP, START + 2).last().unwrap();
    assert!(last.foreign && last.client_id.starts_with("autoclose-"));
    // A gap through the bankruptcy price: the insurance fund pays, the wallet ends at zero and not below.
    let eth = key(Y, PERP, "ETHUSDT");
    exchange
        .place(ME, Y, PERP, &market("ETHUSDT", Side::Buy, "20"), START + 2)
        .unwrap();
    exchange
        .place(ME, Y, SPOT, &market("BTCUSDT", Side::Buy, "1.9"), START + 2)
        .unwrap();
    board.set(&eth, "100");
    board.set(&key(Y, SPOT, "BTCUSDT"), "100");
    exchange.advance(START + 3);
    assert_eq!(exchange.position_quantity(ME, &eth), Decimal::ZERO);
    assert_eq!(total(&exchange, Wallet::Unified, "USDT"), Decimal::ZERO);
    assert!(exchange.cash_rows(ME, Y).any(|row| row.kind == CashKind::Insurance));
}

#[test]
fn foreign_acts_are_marked() {
    let mut exchange = Board::new().exchange();
    let mut act = Foreign {
        kind: ForeignKind::Order,
        symbol: "BTCUSDT".to_owned(),
        side: Side::Buy,
        quantity: dec("0.5"),
        product: None,
        account: None,
    };
    exchange.foreign(Y, &act, START).unwrap();
    exchange.advance(START + 1_000);
    let order = exchange.open_orders(ME, Y, PERP).next().unwrap();
    assert!(order.foreign);
    act.kind = ForeignKind::Trade;
    exchange.foreign(Y, &act, START).unwrap();
    assert_eq!(exchange.position_quantity(ME, &key(Y, PERP, "BTCUSDT")), dec("0.5"));
    act.kind = ForeignKind::Transfer;
    (act.symbol, act.side) = ("USDT".to_owned(), Side::Sell);
    let before = total(&exchange, Wallet::Unified, "USDT");
    exchange.foreign(Y, &act, START).unwrap();
    assert_eq!(total(&exchange, Wallet::Unified, "USDT"), before - dec("0.5"));
    exchange.deleverage(Y, "BTCUSDT", dec("0.5"), START).unwrap();
    assert_eq!(exchange.position_quantity(ME, &key(Y, PERP, "BTCUSDT")), dec("0.25"));
    let last = exchange.fills(ME, Y, PERP, START).last().unwrap();
    assert!(last.foreign && last.price == dec("50000"));
    assert!(exchange.deleverage(B, "BTCUSDT", dec("0.5"), START).is_err());
}

#[test]
fn a_lagging_venue_hides_what_is_new() {
    let mut exchange = Board::new().exchange();
    let mut quirks = exchange.quirks(B);
    quirks.lag_ms = 3_000;
    exchange.set_quirks(B, quirks);
    exchange
        .place(ME, B, PERP, &named("n", market("BTCUSDT", Side::Buy, "1")), START)
        .unwrap();
    let id = OrderRef::Client("n".to_owned());
    assert!(exchange.find_order(ME, B, PERP, &id, START + 2_999).is_none());
    assert!(exchange.find_order(ME, B, PERP, &id, START + 3_000).is_some());
    assert_eq!(exchange.fills(ME, B, PERP, START).count(), 0);
}

#[test]
fn events_come_in_order_and_carry_the_order_as_it_stood() {
    let mut exchange = Board::new().exchange();
    exchange
        .place(ME, B, PERP, &market("BTCUSDT", Side::Buy, "2"), START)
        .unwrap();
    let events = exchange.take_events();
    let filled: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Fill { order, .. } => Some((order.filled, order.status)),
            _ => None,
        })
        .collect();
    assert!(matches!(&events[0], Event::Order { change: OrderChange::Accepted, order } if order.filled.is_zero()));
    assert_eq!(
        filled,
        [
            (dec("1"), OrderStatus::PartiallyFilled),
            (dec("2"), OrderStatus::Filled)
        ]
    );
    assert!(exchange.take_events().is_empty());
}

/// A seeded day of everything at once: whatever happens, start plus rows is the balance, and fills are the position.
#[test]
fn balances_are_the_sum_of_their_rows_whatever_happens() {
    for seed in 0..8 {
        let board = Board::new();
        let mut exchange = board.exchange();
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut now = START;
        for _ in 0..400 {
            now += chance.random_range(1..600_000_i64);
            exchange.advance(now);
            wander(&board, &mut chance);
            trade(&mut exchange, &mut chance, now);
        }
        check_sums(&exchange, now);
    }
}

fn wander(board: &Board, chance: &mut ChaCha8Rng) {
    for mid in board.mids.borrow_mut().values_mut() {
        let step = Decimal::from(chance.random_range(-50..=50_i64));
        *mid = (*mid + *mid * step / dec("10000")).round_dp(1).max(dec("10"));
    }
}

fn trade(exchange: &mut Exchange, chance: &mut ChaCha8Rng, now: i64) {
    let venue = if chance.random::<bool>() { B } else { Y };
    let product = if chance.random::<bool>() { SPOT } else { PERP };
    let symbol = if chance.random::<bool>() { "BTCUSDT" } else { "ETHUSDT" };
    let side = if chance.random::<bool>() { Side::Buy } else { Side::Sell };
    let quantity = Decimal::new(chance.random_range(1..3_000), 3).to_string();
    let mid = exchange.market().mid(&key(venue, product, symbol), now).unwrap();
    let away = Decimal::from(chance.random_range(-20..=20_i64)) / dec("10000");
    let price = (mid + mid * away).round_dp(1).to_string();
    let request = match chance.random_range(0..6) {
        0 | 1 => market(symbol, side, &quantity),
        2 => limit(symbol, side, &quantity, &price, TimeInForce::Gtc),
        3 => limit(symbol, side, &quantity, &price, TimeInForce::Ioc),
        4 => reducing(market(symbol, side, &quantity)),
        _ => {
            exchange.cancel_all(ME, venue, product, Some(symbol), now);
            return;
        }
    };
    let _ = exchange.place(ME, venue, product, &request, now);
}

fn check_sums(exchange: &Exchange, now: i64) {
    let rows: Vec<_> = [B, Y]
        .into_iter()
        .flat_map(|venue| exchange.cash_rows(ME, venue))
        .collect();
    assert!(rows.len() > 100);
    for wallet in Wallet::ALL {
        for balance in exchange.balances(ME, wallet) {
            let start = exchange
                .start_balances(ME)
                .unwrap()
                .get(&wallet)
                .and_then(|w| w.get(&balance.asset));
            let moved: Decimal = rows
                .iter()
                .filter(|row| row.wallet == wallet && row.asset == balance.asset)
                .map(|row| row.amount)
                .sum();
            assert_eq!(
                balance.free + balance.locked,
                start.copied().unwrap_or_default() + moved
            );
            assert!(balance.locked >= Decimal::ZERO);
            let spot_open = exchange.open_orders(ME, wallet.venue(), SPOT).count();
            assert!(wallet == Wallet::Usdm || spot_open > 0 || balance.locked.is_zero());
        }
    }
    for venue in [B, Y] {
        for position in exchange.positions(ME, venue, now) {
            let fills = exchange
                .fills(ME, venue, PERP, now)
                .filter(|fill| fill.key == position.key);
            let (mut held, mut cash) = (Decimal::ZERO, Decimal::ZERO);
            for fill in fills {
                held += fill.side.sign() * fill.quantity;
                cash += fill.realised;
                assert_eq!(fill.position_after, held);
            }
            assert_eq!(held, position.quantity);
            // Cash in minus cash out, plus what is still held at cost, is what was realised: to the last digit.
            let flows: Decimal = exchange
                .fills(ME, venue, PERP, now)
                .filter(|fill| fill.key == position.key)
                .map(|fill| -fill.side.sign() * fill.value())
                .sum();
            let cost = position.quantity * position.mark_price - position.unrealised;
            assert_eq!(flows + cost, cash);
        }
    }
    let funding: Decimal = rows
        .iter()
        .filter(|row| row.kind == CashKind::Funding)
        .map(|row| row.amount)
        .sum();
    let paid: Decimal = [B, Y]
        .into_iter()
        .flat_map(|v| exchange.funding_rows(ME, v))
        .map(|row| row.amount)
        .sum();
    assert_eq!(funding, paid);
}

#[test]
fn an_account_is_carried_into_another_life_to_the_last_digit() {
    let mut before = Board::new().exchange();
    before
        .place(ME, B, SPOT, &market("BTCUSDT", Side::Buy, "1"), START)
        .unwrap();
    before
        .place(ME, Y, PERP, &market("ETHUSDT", Side::Sell, "1.5"), START)
        .unwrap();
    let kept = serde_json::to_string(&before.carried()).unwrap();

    let mut after = Board::new().exchange();
    after.carry_on(&serde_json::from_str(&kept).unwrap()).unwrap();
    assert_eq!(after.carried(), before.carried());
    for (wallet, asset) in [(Wallet::Spot, "BTC"), (Wallet::Spot, "USDT"), (Wallet::Unified, "USDT")] {
        assert_eq!(
            total(&after, wallet, asset),
            total(&before, wallet, asset),
            "{wallet:?} {asset}"
        );
    }
    // Closed in the second life, it has made what it would have made in the first, and no id comes twice.
    let close = market("ETHUSDT", Side::Buy, "1.5");
    let first = before.place(ME, Y, PERP, &close, START).unwrap();
    let second = after.place(ME, Y, PERP, &close, START).unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(
        total(&after, Wallet::Unified, "USDT"),
        total(&before, Wallet::Unified, "USDT")
    );
    let unknown = serde_json::json!({ "wallets": { "vault": {} }, "positions": [], "next_id": 0 });
    let refused = after.carry_on(&serde_json::from_value(unknown).unwrap());
    assert_eq!(refused.unwrap_err().to_string(), "there is no wallet vault");
}

//! Events in order, and money that adds up whatever happens.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use simulator::exchange::{CashKind, Event, Exchange, OrderChange, OrderStatus, Side, TimeInForce, Wallet};

use super::common::{Board, ME, START, dec, key, limit, market, reducing};
use super::{B, PERP, SPOT, Y, total};

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

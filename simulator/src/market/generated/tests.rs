//! Same seed, same market; figures inside the calibration; books never crossed.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::super::schedule::HOUR_MS;
use super::super::{Key, Ms, Product, Source, Venue};
use super::{Generated, GeneratedOptions};

const DAY_MS: Ms = 24 * HOUR_MS;

fn market(seed: u64) -> Generated {
    Generated::new(seed, GeneratedOptions::default())
}

fn perps(market: &Generated, venue: Venue) -> Vec<Key> {
    let ours = |key: &&Key| key.venue == venue && key.product == Product::Perp;
    market
        .rules()
        .iter()
        .map(|rules| &rules.key)
        .filter(ours)
        .cloned()
        .collect()
}

fn bps(tenths: i64) -> Decimal {
    Decimal::new(tenths, 5)
}

/// Rates in fractions per 8 h, one per settlement.
fn rates(market: &Generated, key: &Key, after: Ms, until: Ms) -> Vec<Decimal> {
    let per_8h = |s: &super::Settlement| s.rate * Decimal::from(8) / Decimal::from(s.interval_hours);
    market.settlements(key, after, until).iter().map(per_8h).collect()
}

fn carried(market: &Generated, key: &Key, after: Ms, days: i64) -> Decimal {
    market
        .settlements(key, after, after + days * DAY_MS)
        .iter()
        .map(|s| s.rate)
        .sum()
}

#[test]
fn one_seed_is_one_market_and_another_is_another() {
    let (one, same, other) = (market(7), market(7), market(8));
    let mut differences = 0;
    for rules in one.rules() {
        for step in 0..40 {
            let now = one.starts_ms() + step * 31 * HOUR_MS + step * 12_345;
            let key = &rules.key;
            assert_eq!(one.mid(key, now), same.mid(key, now));
            assert_eq!(one.funding(key, now), same.funding(key, now));
            assert_eq!(one.depth(key, now), same.depth(key, now));
            assert_eq!(one.volume_24h(key, now), same.volume_24h(key, now));
            differences += usize::from(one.mid(key, now) != other.mid(key, now));
        }
    }
    assert!(differences > one.rules().len() * 35, "{differences}");
}

#[test]
fn each_coin_is_listed_four_times_in_the_order_of_keys() {
    for (asked, coins) in [(1, 4), (20, 20), (99, 99), (600, 600)] {
        let market = Generated::new(
            1,
            GeneratedOptions {
                symbols: asked,
                ..GeneratedOptions::default()
            },
        );
        assert_eq!(market.rules().len(), coins * 4);
        assert!(market.rules().is_sorted_by(|a, b| a.key < b.key));
    }
    let symbols: BTreeSet<String> = market(1).rules().iter().map(|r| r.key.symbol.clone()).collect();
    assert!(symbols.contains("1000PEPEUSDT") && symbols.contains("PEPEUSDT"));
}

#[test]
fn a_thousand_of_the_small_coin_cost_what_one_contract_does() {
    let market = market(3);
    let now = market.starts_ms() + DAY_MS;
    let key = |product, symbol: &str| Key {
        venue: Venue::Binance,
        product,
        symbol: symbol.to_owned(),
    };
    let spot = market.mid(&key(Product::Spot, "PEPEUSDT"), now).unwrap() * Decimal::from(1_000);
    let perp = market.mid(&key(Product::Perp, "1000PEPEUSDT"), now).unwrap();
    assert!((perp / spot - Decimal::ONE).abs() < bps(200), "{perp} {spot}");
}

#[test]
fn listings_of_one_coin_stay_within_a_few_basis_points() {
    let market = market(5);
    for step in 0..200 {
        let now = market.starts_ms() + step * 7 * HOUR_MS + step * 777;
        for base in ["BTC", "SUI", "ORDI"] {
            let at = |venue, product| {
                market
                    .mid(
                        &Key {
                            venue,
                            product,
                            symbol: format!("{base}USDT"),
                        },
                        now,
                    )
                    .unwrap()
            };
            let spot = at(Venue::Binance, Product::Spot);
            for (venue, product) in [
                (Venue::Binance, Product::Perp),
                (Venue::Bybit, Product::Perp),
                (Venue::Bybit, Product::Spot),
            ] {
                let away = (at(venue, product) / spot - Decimal::ONE).abs();
                assert!(away < bps(250), "{base} {venue:?} {product:?}: {away}");
            }
        }
    }
}

#[test]
fn books_are_never_crossed_and_lie_on_the_grid() {
    for seed in 0..6 {
        let market = market(seed);
        for (number, rules) in market.rules().iter().enumerate() {
            let now = market.starts_ms() + Ms::try_from(number).unwrap() * 13 * HOUR_MS + 4_321;
            let book = market.depth(&rules.key, now).unwrap();
            assert!(book.bids.len() >= 20 && book.asks.len() >= 20);
            assert!(book.bids[0].price < book.asks[0].price);
            assert!(book.bids.is_sorted_by(|a, b| a.price > b.price));
            assert!(book.asks.is_sorted_by(|a, b| a.price < b.price));
            for level in book.bids.iter().chain(&book.asks) {
                assert_eq!(level.price % rules.tick, Decimal::ZERO);
                assert_eq!(level.quantity % rules.lot, Decimal::ZERO);
                assert!(level.price > Decimal::ZERO && level.quantity > Decimal::ZERO);
            }
            assert_eq!(market.best(&rules.key, now), Some((book.bids[0], book.asks[0])));
        }
    }
}

#[test]
fn funding_keeps_to_the_recorded_figures() {
    let market = market(11);
    for venue in [Venue::Binance, Venue::Bybit] {
        let mut all: Vec<Decimal> = perps(&market, venue)
            .iter()
            .flat_map(|key| rates(&market, key, market.starts_ms(), market.ends_ms()))
            .collect();
        all.sort();
        let quantile = |per_mille: usize| all[all.len() * per_mille / 1_000];
        let share = |count: usize| Decimal::from(count) / Decimal::from(all.len());
        let rich = share(all.iter().filter(|rate| **rate >= bps(50)).count());
        assert!(
            quantile(500) > bps(-2) && quantile(500) < bps(8),
            "median {}",
            quantile(500)
        );
        assert!(
            quantile(250) > bps(-15) && quantile(250) < bps(0),
            "lower quartile {}",
            quantile(250)
        );
        assert!(
            quantile(10) < bps(-30) && quantile(10) > bps(-300),
            "1 % {}",
            quantile(10)
        );
        assert!(
            rich > Decimal::new(1, 2) && rich < Decimal::new(15, 2),
            "rich share {rich}"
        );
        let usual = all
            .iter()
            .filter(|rate| **rate >= bps(-20) && **rate <= bps(10))
            .count();
        assert!(share(usual) > Decimal::new(70, 2), "usual share {}", share(usual));
        let mut sizes: Vec<Decimal> = all.iter().map(Decimal::abs).collect();
        sizes.sort();
        let middle = sizes[sizes.len() / 2];
        assert!(middle > bps(4) && middle <= bps(10), "median size {middle}");
    }
}

#[test]
fn rich_spells_begin_at_the_showcase_and_fade() {
    for seed in [0, 1, 7, 42, 1_000_003] {
        let market = market(seed);
        let now = market.showcase_ms();
        let symbols = |venue| -> BTreeSet<String> {
            let rich = |key: &Key| carried(&market, key, now, 3) > bps(450);
            perps(&market, venue)
                .into_iter()
                .filter(rich)
                .map(|key| key.symbol)
                .collect()
        };
        let (binance, bybit) = (symbols(Venue::Binance), symbols(Venue::Bybit));
        assert!(
            binance.intersection(&bybit).count() >= 2,
            "seed {seed}: {binance:?} {bybit:?}"
        );
        assert!(
            binance.difference(&bybit).count() >= 1,
            "seed {seed}: {binance:?} {bybit:?}"
        );
        assert!(
            bybit.difference(&binance).count() >= 1,
            "seed {seed}: {binance:?} {bybit:?}"
        );
        for (venue, rich) in [(Venue::Binance, binance), (Venue::Bybit, bybit)] {
            for symbol in rich {
                let key = Key {
                    venue,
                    product: Product::Perp,
                    symbol,
                };
                let slump = carried(&market, &key, now + 4 * DAY_MS, 2);
                assert!(slump < bps(60), "seed {seed}: {key:?} still pays {slump}");
            }
        }
    }
}

#[test]
fn the_estimate_becomes_the_settled_rate() {
    let market = market(9);
    for venue in [Venue::Binance, Venue::Bybit] {
        for key in perps(&market, venue) {
            let now = market.showcase_ms() + 5 * DAY_MS;
            let terms = market.funding(&key, now).unwrap();
            assert!(terms.next_ms > now && terms.floor <= terms.predicted && terms.predicted <= terms.cap);
            let last = market.funding(&key, terms.next_ms - 1).unwrap().predicted;
            let settled = market.settlements(&key, now, terms.next_ms);
            assert_eq!(settled.len(), 1);
            assert_eq!(
                (settled[0].at_ms, settled[0].interval_hours),
                (terms.next_ms, terms.interval_hours)
            );
            assert!(
                (last - settled[0].rate).abs() <= Decimal::new(2, 8),
                "{last} {}",
                settled[0].rate
            );
            assert_eq!(settled[0].mark, market.mark(&key, terms.next_ms).unwrap());
        }
    }
}

#[test]
fn there_is_nothing_outside_the_time_or_the_list() {
    let market = market(2);
    let key = perps(&market, Venue::Bybit)[0].clone();
    for now in [market.starts_ms() - 1, market.ends_ms() + 1, Ms::MIN, Ms::MAX] {
        assert_eq!(market.mid(&key, now), None);
        assert_eq!(market.funding(&key, now), None);
        assert_eq!(market.depth(&key, now), None);
    }
    assert!(market.mid(&key, market.starts_ms()).is_some() && market.mid(&key, market.ends_ms()).is_some());
    assert!(market.funding(&key, market.starts_ms()).is_some() && market.funding(&key, market.ends_ms()).is_some());
    let spot = Key {
        product: Product::Spot,
        ..key.clone()
    };
    assert_eq!(market.funding(&spot, market.showcase_ms()), None);
    let unknown = Key {
        symbol: "NOSUCHUSDT".to_owned(),
        ..key
    };
    assert_eq!(market.mid(&unknown, market.showcase_ms()), None);
    assert!(market.settlements(&unknown, 0, Ms::MAX).is_empty());
}

//! Against the recorded data, where it lies beside the project.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use rust_decimal::Decimal;

use super::super::super::{Key, Ms, Product, Source, Venue};
use super::super::{Recorded, RecordedOptions, choose};

/// The folder, or a word that the test is left out.
fn data() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no recorded data in {}", folder.display());
    None
}

fn all_keys(market: &Recorded) -> Vec<Key> {
    market.rules().iter().map(|rules| rules.key.clone()).collect()
}

#[test]
fn the_showcase_has_both_venues_and_pays() {
    let Some(folder) = data() else { return };
    let market = Recorded::load(&folder, &RecordedOptions::default()).unwrap();
    let now = market.showcase_ms();
    assert!(market.starts_ms() <= now - choose::BEFORE_MS && now + choose::AFTER_MS <= market.ends_ms());
    let of = |venue| -> BTreeSet<String> {
        let ours = |key: &Key| key.venue == venue && key.product == Product::Perp;
        all_keys(&market)
            .into_iter()
            .filter(ours)
            .map(|key| key.symbol)
            .collect()
    };
    assert!(of(Venue::Binance).intersection(&of(Venue::Bybit)).count() >= 1);
    let paid = |key: &Key, from: Ms, to: Ms| -> Decimal {
        market
            .settlements(key, from, to)
            .iter()
            .map(|settlement| settlement.rate)
            .sum()
    };
    let pays = |key: &&Key| {
        let rich = paid(key, now, now + choose::HOLD_MS);
        rich > Decimal::new(31, 4) && paid(key, now + choose::HOLD_MS, now + choose::AFTER_MS) < rich
    };
    let rich = all_keys(&market).iter().filter(pays).count();
    assert!(rich >= 2, "{rich} legs pay for a round trip");
    for key in all_keys(&market) {
        let book = market.depth(&key, now).unwrap();
        assert!(book.bids.len() >= 20 && book.asks.len() >= 20 && book.bids[0].price < book.asks[0].price);
        assert_eq!(market.best(&key, now), Some((book.bids[0], book.asks[0])));
        assert!(market.volume_24h(&key, now).unwrap() > Decimal::ZERO);
        assert_eq!(market.funding(&key, now).is_some(), key.product == Product::Perp);
    }
}

#[test]
fn settlements_are_the_rows_of_the_files() {
    let Some(folder) = data() else { return };
    let symbols = Some(["INJUSDT", "BTCUSDT", "SOLUSDT"].map(str::to_owned).to_vec());
    // 2026-01-15 to 2026-03-10: INJ goes over to hourly settlements on Bybit and back.
    let (from, to) = (1_768_435_200_000, 1_773_100_800_000);
    let market = Recorded::load(
        &folder,
        &RecordedOptions {
            symbols,
            from: Some(from),
            to: Some(to),
        },
    )
    .unwrap();
    let mut compared = 0;
    for key in all_keys(&market).into_iter().filter(|key| key.product == Product::Perp) {
        let venue = if key.venue == Venue::Binance {
            "binance"
        } else {
            "bybit"
        };
        let path = folder.join(format!("funding/{venue}/{}.csv.gz", key.symbol));
        let mut text = String::new();
        MultiGzDecoder::new(std::fs::File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        let mut ours = market
            .settlements(&key, market.starts_ms() - 1, market.ends_ms())
            .into_iter();
        for row in text
            .lines()
            .filter(|row| ("2026-01-15T00"..="2026-03-10T00:00:01").contains(row))
        {
            let fields: Vec<&str> = row.split(',').collect();
            let ours = ours.next().unwrap();
            assert_eq!(ours.rate, fields[1].parse().unwrap(), "{row}");
            assert_eq!(ours.interval_hours.to_string(), fields[2], "{row}");
            let hour = fields[0][11..13].parse::<i64>().unwrap();
            assert_eq!(ours.at_ms.rem_euclid(86_400_000), hour * 3_600_000, "{row}");
            if !fields[3].is_empty() {
                assert_eq!(ours.mark, fields[3].parse().unwrap(), "{row}");
            }
            compared += 1;
        }
        assert_eq!(ours.next(), None, "{key:?} has rows that the file lacks");
    }
    assert!(compared > 6 * 160, "{compared}");
}

#[test]
fn the_thousandfold_contract_has_its_spot_pair() {
    let Some(folder) = data() else { return };
    let symbols = Some(vec!["1000PEPEUSDT".to_owned()]);
    let market = Recorded::load(
        &folder,
        &RecordedOptions {
            symbols,
            ..RecordedOptions::default()
        },
    )
    .unwrap();
    let now = market.showcase_ms();
    let key = |product, symbol: &str| Key {
        venue: Venue::Binance,
        product,
        symbol: symbol.to_owned(),
    };
    let spot = market.mid(&key(Product::Spot, "PEPEUSDT"), now).unwrap() * Decimal::from(1_000);
    let perp = market.mid(&key(Product::Perp, "1000PEPEUSDT"), now).unwrap();
    assert!((perp / spot - Decimal::ONE).abs() < Decimal::new(1, 2), "{perp} {spot}");
}

//! What a small folder says.

use std::io::Write as _;

use rust_decimal::Decimal;

use super::super::super::schedule::HOUR_MS;
use super::super::super::{Product, Settlement, Source, Venue};
use super::super::{Recorded, RecordedOptions};
use super::{BEGIN_MS, Folder, bars, key};

fn load(folder: &Folder) -> Recorded {
    Recorded::load(folder.path(), &RecordedOptions::default()).unwrap()
}

#[test]
fn prices_lie_on_straight_lines_between_opens() {
    let folder = Folder::small("lines");
    let market = load(&folder);
    let perp = key(Venue::Binance, Product::Perp);
    assert_eq!(market.mid(&perp, BEGIN_MS + 48 * HOUR_MS), Some(Decimal::from(148)));
    assert_eq!(
        market.mid(&perp, BEGIN_MS + 48 * HOUR_MS + HOUR_MS / 4),
        Some(Decimal::new(14825, 2))
    );
    for outside in [i64::MIN, BEGIN_MS - 1, i64::MAX] {
        assert_eq!(
            (market.mid(&perp, outside), market.volume_24h(&perp, outside)),
            (None, None)
        );
    }
    assert_eq!(
        (market.funding(&perp, i64::MIN), market.funding(&perp, i64::MAX)),
        (None, None)
    );
    // Bybit has no bars: the other venue's stand in, for each product its own.
    assert_eq!(
        market.mid(&key(Venue::Bybit, Product::Perp), BEGIN_MS + HOUR_MS),
        Some(Decimal::from(101))
    );
    let spot = key(Venue::Binance, Product::Spot);
    assert_eq!(market.mid(&spot, BEGIN_MS + HOUR_MS), Some(Decimal::from(100)));
    assert_eq!(market.index(&perp, BEGIN_MS + HOUR_MS), Some(Decimal::from(100)));
    assert_eq!(market.mark(&perp, BEGIN_MS + HOUR_MS), Some(Decimal::from(101)));
    assert_eq!(
        (
            market.mark(&spot, BEGIN_MS + HOUR_MS),
            market.funding(&spot, BEGIN_MS + HOUR_MS)
        ),
        (None, None)
    );
    // The bars that closed in the last day: hours 1 to 24 with 2 to 25 units.
    assert_eq!(
        market.volume_24h(&perp, BEGIN_MS + 25 * HOUR_MS),
        Some(Decimal::from(324))
    );
}

#[test]
fn short_holes_are_bridged_and_long_ones_are_not() {
    for (missing, bridged) in [(3, true), (4, false)] {
        let folder = Folder::small(&format!("hole{missing}"));
        let kept: Vec<String> = bars(100)
            .lines()
            .enumerate()
            .filter(|(line, _)| !(62..62 + missing).contains(line))
            .map(|(_, text)| format!("{text}\n"))
            .collect();
        folder.write("klines/binance/perp/ABCUSDT-1h.csv", kept.concat().as_bytes());
        let market = load(&folder);
        let mid = market.mid(&key(Venue::Binance, Product::Perp), BEGIN_MS + 62 * HOUR_MS);
        assert_eq!(mid, bridged.then(|| Decimal::from(162)), "{missing} missing bars");
    }
}

#[test]
fn the_showcase_is_where_carry_is_rich_and_then_fades() {
    let folder = Folder::small("showcase");
    let market = load(&folder);
    // Settlements 30 to 39 pay 8 bps. From settlement 29 on the next nine do, and the nine after that pay little.
    assert_eq!(market.showcase_ms(), BEGIN_MS + 29 * 8 * HOUR_MS);
    assert!(market.starts_ms() < market.showcase_ms() && market.showcase_ms() < market.ends_ms());
}

#[test]
fn the_estimate_moves_from_the_last_rate_to_the_coming_one() {
    let folder = Folder::small("estimate");
    let market = load(&folder);
    let perp = key(Venue::Bybit, Product::Perp);
    let last = BEGIN_MS + 29 * 8 * HOUR_MS;
    for (part, tenths_of_a_millionth) in [(0, 100), (1, 2_075), (2, 4_050), (3, 6_025)] {
        let terms = market.funding(&perp, last + part * 2 * HOUR_MS).unwrap();
        assert_eq!(
            terms.predicted,
            Decimal::new(tenths_of_a_millionth, 7),
            "after {part} quarters"
        );
        assert_eq!((terms.next_ms, terms.interval_hours), (last + 8 * HOUR_MS, 8));
        assert_eq!((terms.cap, terms.floor), (Decimal::new(1, 2), Decimal::new(-1, 2)));
    }
    let next = last + 8 * HOUR_MS;
    let paid = market.settlements(&perp, last, next);
    let mark = Decimal::from(100 + 30 * 8);
    assert_eq!(
        paid,
        [Settlement {
            at_ms: next,
            rate: Decimal::new(8, 4),
            mark,
            interval_hours: 8,
            special: false,
        }]
    );
}

#[test]
fn packed_files_and_files_without_a_header_say_the_same() {
    let plain = Folder::small("plain");
    let other = Folder::small("packed");
    let path = other.path().join("klines/binance/perp/ABCUSDT-1h.csv");
    std::fs::remove_file(path).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bars(100).as_bytes()).unwrap();
    other.write("klines/binance/perp/ABCUSDT-1h.csv.gz", &packer.finish().unwrap());
    let bare = bars(99).split_once('\n').unwrap().1.to_owned();
    other.write("klines/binance/spot/ABCUSDT-1h.csv", bare.as_bytes());
    let (one, two) = (load(&plain), load(&other));
    assert_eq!(one.rules().len(), two.rules().len());
    for rules in one.rules() {
        for hour in [0, 7, 100, 333] {
            let now = BEGIN_MS + hour * HOUR_MS + 1_234;
            assert!(one.mid(&rules.key, now).is_some());
            assert_eq!(one.mid(&rules.key, now), two.mid(&rules.key, now));
        }
    }
}

#[test]
fn only_the_time_asked_for_is_loaded() {
    let folder = Folder::small("window");
    let (from, to) = (BEGIN_MS + 24 * HOUR_MS, BEGIN_MS + 96 * HOUR_MS);
    let symbols = Some(vec!["ABCUSDT".to_owned()]);
    let options = RecordedOptions {
        symbols,
        from: Some(from),
        to: Some(to),
    };
    let market = Recorded::load(folder.path(), &options).unwrap();
    assert_eq!((market.starts_ms(), market.ends_ms()), (from, to));
    assert_eq!(market.mid(&key(Venue::Binance, Product::Perp), from - 1), None);
    assert!(market.funding(&key(Venue::Binance, Product::Perp), to).is_some());
    assert_eq!(market.showcase_ms(), from);
}

//! Every kind of wrong input is refused with its place, and none brings the program down.

use std::io::Write as _;

use super::super::super::MarketError;
use super::super::super::schedule::HOUR_MS;
use super::super::{Recorded, RecordedOptions};
use super::{BEGIN_MS, Folder};

const FUNDING: &str = "funding/binance/ABCUSDT.csv";
const PERP: &str = "klines/binance/perp/ABCUSDT-1h.csv";

fn refused(folder: &Folder) -> MarketError {
    let chosen = Recorded::load(folder.path(), &RecordedOptions::default()).unwrap_err();
    let symbols = Some(vec!["ABCUSDT".to_owned()]);
    let named = Recorded::load(
        folder.path(),
        &RecordedOptions {
            symbols,
            ..RecordedOptions::default()
        },
    );
    assert!(named.is_err(), "refused when chosen ({chosen}) but not when named");
    chosen
}

/// One text of a good file replaced: the fault's line and column, and a word of what was expected.
fn spoilt(name: &str, file: &str, (from, to): (&str, &str), place: (u64, &str, &str)) {
    let folder = Folder::small(name);
    folder.spoil(file, from, to);
    let error = refused(&folder);
    let MarketError::Row {
        path,
        line,
        column,
        expected,
        ..
    } = &error
    else {
        panic!("{name}: {error}")
    };
    assert_eq!((line, column.as_str()), (&place.0, place.1), "{name}: {error}");
    assert!(path.ends_with(file) && expected.contains(place.2), "{name}: {error}");
    let text = error.to_string();
    for part in [file, &format!("line {}", place.0), place.1, place.2] {
        assert!(text.contains(part), "{name}: {text:?} lacks {part:?}");
    }
}

#[test]
fn a_time_that_comes_twice() {
    let twice = ("2026-01-02T00:00:00.003Z", "2026-01-01T16:00:00.000Z");
    spoilt("twice", FUNDING, twice, (5, "settled_at", "later hour"));
}

#[test]
fn a_time_that_is_none() {
    let no_day = ("2026-01-02T00:00:00.003Z", "2026-02-30T00:00:00.003Z");
    spoilt("no-day", FUNDING, no_day, (5, "settled_at", "UTC time"));
}

#[test]
fn a_rate_that_is_not_a_number() {
    let text = ("2026-01-02T00:00:00.003Z,0.00001", "2026-01-02T00:00:00.003Z,NaN");
    spoilt("nan", FUNDING, text, (5, "funding_rate", "decimal number"));
}

#[test]
fn a_rate_beyond_all_measure() {
    let text = ("2026-01-02T00:00:00.003Z,0.00001", "2026-01-02T00:00:00.003Z,1.5");
    spoilt("huge-rate", FUNDING, text, (5, "funding_rate", "from -1 to 1"));
}

#[test]
fn an_interval_of_zero_hours() {
    let text = (
        "2026-01-02T00:00:00.003Z,0.00001,8",
        "2026-01-02T00:00:00.003Z,0.00001,0",
    );
    spoilt("interval", FUNDING, text, (5, "interval_hours", "whole number"));
}

#[test]
fn a_row_cut_short() {
    let text = ("2026-01-02T00:00:00.003Z,0.00001,8,,x", "2026-01-02T00:00:00.003Z");
    spoilt("short", FUNDING, text, (5, "funding_rate", "decimal number"));
}

#[test]
fn a_row_with_a_field_too_many() {
    let text = (
        "2026-01-02T00:00:00.003Z,0.00001,8,,x",
        "2026-01-02T00:00:00.003Z,0.00001,8,,x,y",
    );
    spoilt("long-row", FUNDING, text, (5, "number 6", "5 fields"));
}

#[test]
fn a_file_that_ends_after_its_header() {
    let folder = Folder::small("header-only");
    let text = std::fs::read_to_string(folder.path().join(FUNDING)).unwrap();
    let header = text.lines().next().unwrap().to_owned() + "\n";
    std::fs::write(folder.path().join(FUNDING), header).unwrap();
    let error = refused(&folder).to_string();
    assert!(error.contains(FUNDING) && error.contains("line 2"), "{error}");
}

#[test]
fn a_column_that_is_missing() {
    spoilt(
        "column",
        FUNDING,
        ("funding_rate", "rate"),
        (1, "funding_rate", "a column named"),
    );
}

#[test]
fn a_price_below_zero() {
    let at = BEGIN_MS + 5 * HOUR_MS;
    let (from, to) = (format!("{at},105,"), format!("{at},-105,"));
    spoilt("negative", PERP, (&from, &to), (7, "open", "decimal number"));
}

#[test]
fn a_high_below_the_close() {
    let at = BEGIN_MS + 5 * HOUR_MS;
    let (from, to) = (format!("{at},105,106,"), format!("{at},105,105.5,"));
    spoilt("high", PERP, (&from, &to), (7, "high", "not below"));
}

#[test]
fn a_bar_between_the_hours() {
    let at = BEGIN_MS + 5 * HOUR_MS;
    let (from, to) = (format!("{at},105,"), format!("{},105,", at + 1));
    spoilt("between", PERP, (&from, &to), (7, "open_time", "whole hour"));
}

#[test]
fn a_number_too_long_to_count() {
    let at = BEGIN_MS + 5 * HOUR_MS;
    let (from, to) = (format!("{at},105,"), format!("{at},1{},", "0".repeat(40)));
    spoilt("long", PERP, (&from, &to), (7, "open", "decimal number"));
}

#[test]
fn bytes_that_are_no_text() {
    let folder = Folder::small("bytes");
    let mut bytes = std::fs::read(folder.path().join(FUNDING)).unwrap();
    let at = bytes.windows(7).position(|w| w == b"0.00001").unwrap();
    bytes[at] = 0xFF;
    folder.write(FUNDING, &bytes);
    let error = refused(&folder);
    let MarketError::Row {
        line: 2,
        column,
        expected,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(column == "funding_rate" && expected.contains("UTF-8"), "{error}");
}

#[test]
fn a_packed_file_that_is_not_packed_or_is_cut() {
    for (name, keep) in [("not-packed", None), ("cut", Some(60))] {
        let folder = Folder::small(name);
        let text = std::fs::read(folder.path().join(PERP)).unwrap();
        std::fs::remove_file(folder.path().join(PERP)).unwrap();
        let bytes = keep.map_or(text.clone(), |percent| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&text).unwrap();
            let whole = packer.finish().unwrap();
            whole[..whole.len() * percent / 100].to_vec()
        });
        folder.write(&format!("{PERP}.gz"), &bytes);
        let error = refused(&folder);
        let MarketError::Unreadable { path, expected, .. } = &error else {
            panic!("{name}: {error}")
        };
        assert!(
            path.ends_with(format!("{PERP}.gz")) && expected.contains("gzip"),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_empty_file() {
    let folder = Folder::small("empty-file");
    folder.write(FUNDING, b"");
    let error = refused(&folder);
    assert!(
        matches!(&error, MarketError::Row { line: 1, column, .. } if column == "settled_at"),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_missing_or_empty() {
    let folder = Folder::empty("nothing");
    assert!(matches!(refused(&folder), MarketError::Missing { path, .. } if path.starts_with(folder.path())));
    let gone = folder.path().join("gone");
    let error = Recorded::load(&gone, &RecordedOptions::default()).unwrap_err();
    assert!(
        matches!(&error, MarketError::Missing { path, .. } if *path == gone),
        "{error}"
    );
    std::fs::create_dir_all(folder.path().join("klines/binance/perp")).unwrap();
    assert!(matches!(
        refused(&folder),
        MarketError::Nothing { .. } | MarketError::Missing { .. }
    ));
}

#[test]
fn symbols_that_are_unknown_or_no_names() {
    let folder = Folder::small("names");
    for symbol in ["XYZUSDT", "../../etc/passwd", "", "USDT", "ABCUSD", "../ABCUSDT"] {
        let symbols = Some(vec![symbol.to_owned()]);
        let error = Recorded::load(
            folder.path(),
            &RecordedOptions {
                symbols,
                ..RecordedOptions::default()
            },
        );
        let error = error.unwrap_err();
        assert!(
            matches!(error, MarketError::Missing { .. } | MarketError::Nothing { .. }),
            "{symbol}: {error}"
        );
    }
}

#[test]
fn a_time_without_data_or_an_empty_list() {
    let folder = Folder::small("times");
    let symbols = Some(vec!["ABCUSDT".to_owned()]);
    for (from, to) in [
        (Some(BEGIN_MS), Some(BEGIN_MS)),
        (None, Some(0)),
        (Some(i64::MAX), None),
        (Some(i64::MIN), Some(i64::MIN)),
    ] {
        let options = RecordedOptions {
            symbols: symbols.clone(),
            from,
            to,
        };
        assert!(Recorded::load(folder.path(), &options).is_err(), "{from:?} {to:?}");
    }
    let options = RecordedOptions {
        symbols: Some(Vec::new()),
        ..RecordedOptions::default()
    };
    assert!(matches!(
        Recorded::load(folder.path(), &options),
        Err(MarketError::Nothing { .. })
    ));
}

#[test]
fn a_wrong_list_of_instruments() {
    let folder = Folder::small("instruments");
    let head = "market,symbol,type,market_ticker,minimum_price_variation,lot_size,minimum_order_size\n";
    let rows = "binance,ABCUSDT,cryptofuture,ABCUSDT,0.1,1,\nbybit,ABCUSDT,crypto,ABCUSDT,0,1,5\n";
    folder.write("instruments/symbol-properties.csv", format!("{head}{rows}").as_bytes());
    let error = refused(&folder);
    let MarketError::Row { line: 3, column, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(column, "minimum_price_variation");
}

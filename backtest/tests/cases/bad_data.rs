//! Data that must be refused, with the place of what is wrong.

use backtest::hedges::parse;
use backtest::history::{History, HistoryError};
use backtest::price::{PriceError, price};

use crate::folder::{BARS_HEADER, FUNDING_HEADER, Folder, bars_text, hours, packed};

const FUNDING: &str = "funding/binance/BTCUSDT.csv.gz";
const SPOT: &str = "klines/binance/spot/BTCUSDT-1h.csv.gz";

/// A folder in which one carry can be priced.
fn sound() -> Folder {
    let folder = Folder::new();
    folder.funding(
        "binance",
        "BTCUSDT",
        &[
            (0, "0.0001", 8, "100"),
            (8, "0.0001", 8, "100"),
            (16, "0.0001", 8, "100"),
        ],
    );
    folder.bars("binance/spot", "BTCUSDT", 0, &["100"; 24]);
    folder.bars("binance/perp", "BTCUSDT", 0, &["100"; 24]);
    folder
}

fn outcome(folder: &Folder) -> Result<(), PriceError> {
    let (entry, exit) = (hours(1), hours(17));
    let list = parse(&format!(
        r#"[{{"symbol":"BTCUSDT","long":"binance-spot","short":"binance-perp","quantity":"1","entry":"{entry}","exit":"{exit}"}}]"#
    ));
    price(&mut History::open(folder.path()).unwrap(), &list.unwrap()[0]).map(drop)
}

/// What is said, without the folder.
fn refusal(folder: &Folder) -> String {
    let said = outcome(folder).unwrap_err().to_string();
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn sound_data_is_taken() {
    assert_eq!(outcome(&sound()), Ok(()));
    let plain = sound();
    std::fs::remove_file(plain.path().join(SPOT)).unwrap();
    let rows: Vec<_> = (0..24).map(|hour| (hour, "100")).collect();
    plain.put(
        "klines/binance/spot/BTCUSDT-1h.csv",
        &bars_text(&rows).replace('\n', "\r\n"),
    );
    assert_eq!(outcome(&plain), Ok(()));
}

#[test]
fn a_broken_row_is_named() {
    let row = |text: &str| format!("{FUNDING_HEADER}\n2025-01-01T00:00:00.003Z,0.0001,8,,x\n{text}\n");
    let cases = [
        (
            "2025-01-01T00:00:00.000Z,0.0001,8,,x",
            "line 3, column settled_at: expected another hour than the row before: it is a duplicate",
        ),
        (
            "2024-12-31T16:00:00.000Z,0.0001,8,,x",
            "line 3, column settled_at: expected a time after 2025-01-01T00:00:00.000Z: rows are sorted",
        ),
        (
            "2025-01-01T08:00:00,0.0001,8,,x",
            "line 3, column settled_at: expected a time with its zone",
        ),
        (
            "2025-01-01T08:30:00Z,0.0001,8,,x",
            "line 3, column settled_at: expected a settlement within a minute of a whole hour",
        ),
        (
            "2025-01-01T08:00:00Z,0.0001x,8,,x",
            "line 3, column funding_rate: expected a decimal fraction, found \"0.0001x\"",
        ),
        ("2025-01-01T08:00:00Z,,8,,x", "line 3, column funding_rate"),
        (
            "2025-01-01T08:00:00Z,0.0001,3,,x",
            "line 3, column interval_hours: expected 1, 2, 4 or 8, found \"3\"",
        ),
        (
            "2025-01-01T08:00:00Z,0.0001,8,-5,x",
            "line 3, column mark_price: expected a price above zero, or nothing, found \"-5\"",
        ),
        (
            "2025-01-01T08:00:00Z,0.0001,8,x",
            "line 3, column (all): expected 5 columns",
        ),
        ("", "line 3, column (all): expected 5 columns, found \"\""),
    ];
    for (text, want) in cases {
        let folder = sound();
        // A blank line in the middle, not at the end.
        let text = if text.is_empty() {
            "\n2025-01-01T08:00:00Z,0.0001,8,,x"
        } else {
            text
        };
        folder.put(FUNDING, &row(text));
        let said = refusal(&folder);
        assert!(said.starts_with(FUNDING) && said.contains(want), "{text}: {said}");
    }
}

#[test]
fn a_broken_bar_is_named() {
    let cases = [
        (
            "1735689600000,100,100,100,100",
            "line 3, column open_time: expected another hour than the row before: it is a duplicate, found \"1735689600000\"",
        ),
        (
            "1735686000000,100,100,100,100",
            "line 3, column open_time: expected a time after 2025-01-01T00:00:00.000Z: rows are sorted",
        ),
        (
            "1735693200001,100,100,100,100",
            "line 3, column open_time: expected milliseconds since 1970 of a whole hour",
        ),
        (
            "1735693200000,0,100,100,100",
            "line 3, column open: expected a price above zero, found \"0\"",
        ),
        (
            "1735693200000,100,99,98,97",
            "line 3, column high: expected no less than open and close, found \"99\"",
        ),
        (
            "1735693200000,100,101,99.5,99",
            "line 3, column low: expected no more than open and close, found \"99.5\"",
        ),
        (
            "1735693200000,100,1e2,99,99",
            "line 3, column high: expected a price above zero, found \"1e2\"",
        ),
    ];
    for (prices, want) in cases {
        let folder = sound();
        folder.put(SPOT, &format!("{}{prices},1,0,,,,,0\n", bars_text(&[(0, "100")])));
        let said = refusal(&folder);
        assert!(said.starts_with(SPOT) && said.contains(want), "{prices}: {said}");
    }
}

#[test]
fn columns_out_of_their_order_are_refused() {
    let folder = sound();
    folder.put(
        FUNDING,
        "funding_rate,settled_at,interval_hours,mark_price,source\n0.0001,2025-01-01T00:00:00Z,8,,x\n",
    );
    let said = refusal(&folder);
    assert!(
        said.contains(
            "line 1: the columns must be settled_at,funding_rate,interval_hours,mark_price,source, in this order"
        ),
        "{said}"
    );
    let folder = sound();
    folder.put(
        SPOT,
        &bars_text(&[(0, "100")]).replace("open,high,low", "high,open,low"),
    );
    assert!(matches!(
        outcome(&folder),
        Err(PriceError::History(HistoryError::Header { .. }))
    ));
    let folder = sound();
    folder.put(SPOT, &format!("{BARS_HEADER},more\n"));
    assert!(matches!(
        outcome(&folder),
        Err(PriceError::History(HistoryError::Header { .. }))
    ));
}

#[test]
fn a_file_without_rows_is_refused() {
    for text in [format!("{FUNDING_HEADER}\n"), FUNDING_HEADER.to_owned()] {
        let folder = sound();
        folder.put(FUNDING, &text);
        assert_eq!(refusal(&folder), format!("{FUNDING}: there is no row in it"));
    }
}

#[test]
fn a_packed_file_cut_short_is_refused() {
    let rows: Vec<_> = (0..24).map(|hour| (hour, "100")).collect();
    let whole = packed(&bars_text(&rows));
    for kept in [whole.len() - 1, whole.len() - 9, whole.len() / 2, 15] {
        let folder = sound();
        folder.put_bytes(SPOT, &whole[..kept]);
        let said = refusal(&folder);
        assert!(
            said.starts_with(SPOT) && said.contains("a gzip file, whole"),
            "{kept}: {said}"
        );
    }
    let folder = sound();
    folder.put_bytes(SPOT, b"");
    assert!(outcome(&folder).is_err());
}

#[test]
fn a_leg_that_is_missing_is_named() {
    for (file, want) in [
        (
            FUNDING,
            "funding/binance/BTCUSDT.csv.gz: not found; expected settlements for the hedge's funding",
        ),
        (
            SPOT,
            "klines/binance/spot/BTCUSDT-1h.csv.gz: not found; expected hourly bars for the hedge's fills",
        ),
    ] {
        let folder = sound();
        std::fs::remove_file(folder.path().join(file)).unwrap();
        assert_eq!(refusal(&folder), want);
    }
    let folder = sound();
    let rows: Vec<_> = (0..24).filter(|hour| *hour != 17).map(|hour| (hour, "100")).collect();
    folder.put(SPOT, &bars_text(&rows));
    assert_eq!(
        refusal(&folder),
        "no bar of binance spot BTCUSDT begins at 2025-01-01T17:00:00.000Z: a fill there has no price"
    );
    let nowhere = folder.path().join("nowhere");
    assert!(matches!(History::open(&nowhere), Err(HistoryError::Missing { .. })));
}

#[test]
fn files_of_the_public_archive_are_read_as_they_are() {
    let folder = sound();
    // Milliseconds, the interval before the rate, no mark price; older bars without a header, newer ones in microseconds.
    let settled = "calc_time,funding_interval_hours,last_funding_rate\n1735689600000,8,0.0001\n1735718400003,8,0.0001\n1735747200000,8,0.0001\n";
    folder.put(FUNDING, settled);
    let rows: Vec<_> = (0..24).map(|hour| (hour, "100")).collect();
    let bare = bars_text(&rows).split_once('\n').unwrap().1.to_owned();
    folder.put(SPOT, &bare);
    folder.put(
        "klines/binance/perp/BTCUSDT-1h.csv.gz",
        &bare.replace("00000,", "00000000,"),
    );
    assert_eq!(outcome(&folder), Ok(()));
    folder.put(FUNDING, &settled.replace("1735718400003,8", "1735718400003,7"));
    assert!(refusal(&folder).contains("line 3, column funding_interval_hours: expected 1, 2, 4 or 8, found \"7\""));
    folder.put(FUNDING, settled);
    folder.put(SPOT, &bare.replacen("100,100", "100,99", 1));
    assert!(refusal(&folder).contains("line 1, column high"), "{}", refusal(&folder));
}

//! Files of the venues' own archives, under their own names and as they come.

use std::fmt::Write as _;
use std::io::Write as _;

use backtest::hedges::parse;
use backtest::history::{History, Kind, SeriesId};
use backtest::price::price;
use domain::instrument::VenueId;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::folder::{Folder, bars_text, hours, packed};

const ARCHIVE: &str = "calc_time,funding_interval_hours,last_funding_rate";

/// A zip archive of one file, as other programs write it.
fn zipped(text: &str) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    let body = packer.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    let word = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let sizes = [crc.sum().to_le_bytes(), word(body.len()), word(text.len())].concat();
    let name = b"table.csv";
    let name_length = [9, 0];
    let mut zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    zip.extend([&sizes[..], &name_length, &[0, 0], name, &body].concat());
    let directory = zip.len();
    zip.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0");
    zip.extend([&sizes[..], &name_length, &[0; 12], &word(0), name].concat());
    let length = zip.len() - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend([&word(length)[..], &word(directory), &[0, 0]].concat());
    zip
}

fn bars(folder: &Folder, market: (VenueId, Kind)) -> Result<Vec<(i64, String)>, String> {
    let mut history = History::open(folder.path()).unwrap();
    let series = history.bars(&SeriesId::new(market.0, market.1, "BTCUSDT"));
    let series = series.map_err(|error| said(folder, &error.to_string()))?.unwrap();
    let first = hours(0).millis();
    let row = |bar: &backtest::history::Bar| ((bar.at.millis() - first) / 3_600_000, bar.open.decimal().to_string());
    Ok(series.rows().iter().map(row).collect())
}

/// Hour, rate in millionths and interval of each settlement.
fn settled(folder: &Folder, venue: VenueId) -> Result<Vec<(i64, i64, u8)>, String> {
    let mut history = History::open(folder.path()).unwrap();
    let series = history.funding(venue, "BTCUSDT");
    let series = series.map_err(|error| said(folder, &error.to_string()))?.unwrap();
    let first = hours(0).millis();
    let rows = series.rows().iter();
    Ok(rows
        .map(|row| {
            (
                (row.at.millis() - first) / 3_600_000,
                row.rate.0 / 10_000,
                row.interval_hours,
            )
        })
        .collect())
}

fn said(folder: &Folder, error: &str) -> String {
    error.replace(&format!("{}/", folder.path().display()), "")
}

/// Bars without a header whose times are microseconds.
fn in_micros(rows: &[(i64, &str)]) -> String {
    let mut text = String::new();
    for (hour, open) in rows {
        let at = hours(*hour).millis() * 1_000;
        writeln!(
            text,
            "{at},{open},{open},{open},{open},1,{},2,3,4,5,0",
            at + 3_599_999_999
        )
        .unwrap();
    }
    text
}

#[test]
fn months_and_days_are_joined_by_time_whatever_their_form() {
    let folder = Folder::new();
    let spot = "klines/binance/spot";
    folder.put_bytes(
        &format!("{spot}/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip"),
        &zipped(&in_micros(&[(2, "102"), (3, "103")])),
    );
    folder.put(
        &format!("{spot}/BTCUSDT-1h-2024-12.csv"),
        &bars_text(&[(-1, "99"), (0, "100")]),
    );
    // The day that the month before it holds as well, and one more.
    folder.put(
        &format!("{spot}/BTCUSDT-1h-2025-01-01.csv.gz"),
        &bars_text(&[(1, "101"), (2, "102.00")]),
    );
    folder.put(&format!("{spot}/BTCUSDT-5m-2025-01.csv"), "another step");
    let want = [(-1, "99"), (0, "100"), (1, "101"), (2, "102"), (3, "103")];
    let want: Vec<_> = want.iter().map(|(hour, open)| (*hour, (*open).to_owned())).collect();
    assert_eq!(bars(&folder, (VenueId::Binance, Kind::Spot)), Ok(want));
    let history = History::open(folder.path()).unwrap();
    let names = history.symbols(Kind::Spot, VenueId::Binance).unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["BTCUSDT"]);
}

#[test]
fn files_that_disagree_about_an_hour_are_named_both() {
    let folder = Folder::new();
    let spot = "klines/binance/spot/BTCUSDT-1h";
    folder.put(&format!("{spot}-2025-01.csv"), &in_micros(&[(0, "100"), (1, "101")]));
    folder.put(
        &format!("{spot}-2025-01-01.csv"),
        &bars_text(&[(0, "100"), (1, "101.5")]),
    );
    assert_eq!(
        bars(&folder, (VenueId::Binance, Kind::Spot)),
        Err(format!(
            "{spot}-2025-01.csv, line 2, column open: 101 is not the 101.5 of {spot}-2025-01-01.csv, line 3, for the same hour"
        ))
    );
    let folder = Folder::new();
    let at = |hour| hours(hour).millis();
    folder.put(
        "funding/binance/BTCUSDT-fundingRate-2025-01.csv",
        &format!("{ARCHIVE}\n{},8,0.0001\n{},8,0.0002\n", at(0), at(8)),
    );
    let whole = |rate: &str, interval: u8| folder.funding("binance", "BTCUSDT", &[(8, rate, interval, "100")]);
    whole("0.00020000", 8);
    assert_eq!(settled(&folder, VenueId::Binance), Ok(vec![(0, 100, 8), (8, 200, 8)]));
    whole("0.0003", 8);
    assert_eq!(
        settled(&folder, VenueId::Binance),
        Err("funding/binance/BTCUSDT.csv.gz, line 2, column funding_rate: 0.0003 is not the 0.0002 of funding/binance/BTCUSDT-fundingRate-2025-01.csv, line 3, for the same hour".to_owned())
    );
    whole("0.0002", 4);
    assert!(
        settled(&folder, VenueId::Binance)
            .unwrap_err()
            .contains("column interval_hours: 4 is not the 8 of")
    );
}

#[test]
fn tables_of_bybit_are_read_as_its_interface_names_them() {
    let folder = Folder::new();
    let at = |hour| hours(hour).millis();
    // The latest first, page by page.
    let page = |rows: &[(i64, &str)]| {
        let mut text = "symbol,fundingRate,fundingRateTimestamp\n".to_owned();
        for (hour, rate) in rows {
            writeln!(text, "BTCUSDT,{rate},{}", at(*hour)).unwrap();
        }
        text
    };
    let first = "funding/bybit/BTCUSDT-fundingRate-2025-01.csv";
    folder.put(
        "funding/bybit/BTCUSDT-fundingRate-2025-02.csv",
        &page(&[(24, "0.0004"), (20, "0.0003"), (16, "-0.0002")]),
    );
    folder.put(first, &page(&[(16, "-0.0002"), (8, "0.0001"), (0, "0.0001")]));
    let want = vec![(0, 100, 8), (8, 100, 8), (16, -200, 8), (20, 300, 4), (24, 400, 4)];
    assert_eq!(settled(&folder, VenueId::Bybit), Ok(want));
    for (rows, want) in [
        (
            page(&[(16, "1"), (0, "1"), (8, "1")]),
            "line 4, column fundingRateTimestamp: expected a time before 2025-01-01T00:00:00.000Z",
        ),
        (
            page(&[(0, "1"), (0, "1")]),
            "line 3, column fundingRateTimestamp: expected another hour than the row before",
        ),
        (
            page(&[(0, "x"), (8, "1")]),
            "line 2, column fundingRate: expected a decimal fraction, found \"x\"",
        ),
        (
            page(&[(0, "1")]).replace("BTCUSDT,", "ETHUSDT,"),
            "line 2, column symbol: expected BTCUSDT, found \"ETHUSDT\"",
        ),
        (
            "symbol,fundingRateTimestamp,fundingRate\n".to_owned(),
            "line 1: the columns must be",
        ),
    ] {
        folder.put(first, &rows);
        let error = settled(&folder, VenueId::Bybit).unwrap_err();
        assert!(error.starts_with(first) && error.contains(want), "{error}");
    }
    let lone = Folder::new();
    lone.put(first, &page(&[(0, "0.0001")]));
    assert!(
        settled(&lone, VenueId::Bybit)
            .unwrap_err()
            .contains("a second settlement: the interval is the time between two")
    );
}

#[test]
fn bars_of_bybit_are_read_in_both_of_their_forms() {
    let folder = Folder::new();
    let at = |hour| hours(hour).millis();
    folder.put(
        "klines/bybit/perp/BTCUSDT-1h.csv",
        &format!(
            "startTime,openPrice,highPrice,lowPrice,closePrice,volume,turnover\n{},103,104,103,104,1,103\n{},102,103,102,103,1,102\n",
            at(3),
            at(2)
        ),
    );
    folder.put(
        "klines/bybit/mark/BTCUSDT-1h.csv",
        &format!("startTime,openPrice,highPrice,lowPrice,closePrice\n{},1,1,1,1\n", at(0)),
    );
    // Three hours ahead of UTC.
    let export = "klines/bybit/perp/BTCUSDT_60_2025-01-01_2025-01-31.csv.gz";
    folder.put(
        export,
        "2025.01.01 03:00,100,101,100,101,5\n2025.01.01 04:00,101,102,101,102,5\n2025.01.01 05:00,102,103,102,103,5\n",
    );
    let want = [(0, "100"), (1, "101"), (2, "102"), (3, "103")].map(|(hour, open)| (hour, open.to_owned()));
    assert_eq!(bars(&folder, (VenueId::Bybit, Kind::Perp)), Ok(want.to_vec()));
    assert_eq!(
        bars(&folder, (VenueId::Bybit, Kind::Mark)),
        Ok(vec![(0, "1".to_owned())])
    );
    for (text, want) in [
        (
            "2025.01.01 03:00,100,101,100,101,5\n2025.01.01 03:30,1,1,1,1,1\n",
            "line 2, column time: expected a whole hour such as",
        ),
        (
            "2025.01.01 03:00,100,101,100,101\n",
            "line 1, column (all): expected 6 columns",
        ),
        (
            "2025.01.01 05:00,102,103,102,102.5,5\n",
            "line 1, column close: 102.5 is not the 103 of klines/bybit/perp/BTCUSDT-1h.csv, line 3, for the same hour",
        ),
    ] {
        folder.put(export, text);
        let error = bars(&folder, (VenueId::Bybit, Kind::Perp)).unwrap_err();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_zip_that_is_not_whole_is_refused() {
    let rows: Vec<_> = (0..24).map(|hour| (hour, "100")).collect();
    let whole = zipped(&bars_text(&rows));
    let name = "klines/binance/spot/BTCUSDT-1h-2025-01.zip";
    let mut changed = whole.clone();
    changed[60] ^= 1;
    let cases = [
        whole[..whole.len() - 1].to_vec(),
        whole[..100].to_vec(),
        Vec::new(),
        changed,
        packed("x"),
    ];
    for bytes in cases {
        let folder = Folder::new();
        folder.put_bytes(name, &bytes);
        let error = bars(&folder, (VenueId::Binance, Kind::Spot)).unwrap_err();
        assert!(
            error.starts_with(name) && error.contains("a zip archive of one table, whole"),
            "{error}"
        );
    }
}

#[test]
fn a_hedge_is_priced_from_archives_alone() {
    let folder = Folder::new();
    let at = |hour| hours(hour).millis();
    let settlements = format!(
        "{ARCHIVE}\n{},8,0.00010000\n{},8,0.00010000\n{},8,0.00010000\n",
        at(0),
        at(8) + 3,
        at(16)
    );
    folder.put_bytes("funding/binance/BTCUSDT-fundingRate-2025-01.zip", &zipped(&settlements));
    let rows: Vec<_> = (0..24).map(|hour| (hour, "100")).collect();
    for market in ["spot", "perp"] {
        let name = format!("klines/binance/{market}/BTCUSDT-1h-2025-01.zip");
        folder.put_bytes(&name, &zipped(&in_micros(&rows)));
    }
    let (entry, exit) = (hours(1), hours(17));
    let list = parse(&format!(
        r#"[{{"symbol":"BTCUSDT","long":"binance-spot","short":"binance-perp","quantity":"1","entry":"{entry}","exit":"{exit}"}}]"#
    ));
    let priced = price(&mut History::open(folder.path()).unwrap(), &list.unwrap()[0]).unwrap();
    assert_eq!(priced.payments.len(), 2);
    assert_eq!(priced.total.funding.normalize().to_string(), "0.02");
    assert!(priced.gaps.is_empty());
}

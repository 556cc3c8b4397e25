//! A small data folder made by hand, and hours to speak of.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use backtest::history::parse_utc;
use domain::time::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;

pub const FUNDING_HEADER: &str = "settled_at,funding_rate,interval_hours,mark_price,source";
pub const BARS_HEADER: &str =
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A folder of its own for each test, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("backtest-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("funding")).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, packed when its name ends in `.gz`.
    pub fn put(&self, name: &str, text: &str) -> PathBuf {
        if Path::new(name).extension().is_some_and(|ending| ending == "gz") {
            self.put_bytes(name, &packed(text))
        } else {
            self.put_bytes(name, text.as_bytes())
        }
    }

    pub fn put_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Settlements `(hour, rate, interval, mark)`.
    pub fn funding(&self, venue: &str, symbol: &str, rows: &[(i64, &str, u8, &str)]) -> PathBuf {
        let mut text = format!("{FUNDING_HEADER}\n");
        for (hour, rate, interval, mark) in rows {
            // Binance's stamps are some milliseconds late.
            let at = hours(*hour).plus_millis(7);
            writeln!(text, "{at},{rate},{interval},{mark},by-hand").unwrap();
        }
        self.put(&format!("funding/{venue}/{symbol}.csv.gz"), &text)
    }

    /// Bars whose prices stand still at `open`, one an hour from `from`.
    pub fn bars(&self, market: &str, symbol: &str, from: i64, opens: &[&str]) -> PathBuf {
        let rows: Vec<(i64, &str)> = (from..).zip(opens.iter().copied()).collect();
        self.put(&format!("klines/{market}/{symbol}-1h.csv.gz"), &bars_text(&rows))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

pub fn bars_text(rows: &[(i64, &str)]) -> String {
    let mut text = format!("{BARS_HEADER}\n");
    for (hour, open) in rows {
        let at = hours(*hour).millis();
        writeln!(text, "{at},{open},{open},{open},{open},1,{},,,,,0", at + 3_599_999).unwrap();
    }
    text
}

/// Hours since 2025-01-01 00:00 UTC.
pub fn hours(count: i64) -> Timestamp {
    parse_utc("2025-01-01").unwrap().plus_hours(count)
}

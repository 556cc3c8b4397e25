//! A small folder written by hand, every way to break it, and the recorded data where it is at hand.

mod bad;
mod data;
mod small;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::schedule::HOUR_MS;
use super::super::{Key, Ms, Product, Venue};

/// 2026-01-01 00:00 UTC.
const BEGIN_MS: Ms = 1_767_225_600_000;
const HOURS: i64 = 24 * 20;

/// A folder of its own for one test, removed when the test ends.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn empty(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("market-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// `ABCUSDT` on both venues: bars and settlements of 20 days, rich on days 10 to 13.
    fn small(name: &str) -> Self {
        let folder = Self::empty(name);
        for venue in ["binance", "bybit"] {
            folder.write(&format!("funding/{venue}/ABCUSDT.csv"), settlements().as_bytes());
        }
        folder.write("klines/binance/perp/ABCUSDT-1h.csv", bars(100).as_bytes());
        folder.write("klines/binance/spot/ABCUSDT-1h.csv", bars(99).as_bytes());
        folder
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Replaces one text by another in a file, exactly once.
    fn spoil(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.join(path)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {path}");
        self.write(path, text.replacen(from, to, 1).as_bytes());
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

/// Line 1 is the header; settlement `n` (from 0) is line `n + 2`.
fn settlements() -> String {
    let mut text = "settled_at,funding_rate,interval_hours,mark_price,source\n".to_owned();
    for n in 0..=HOURS / 8 {
        let (day, hour) = (n / 3 + 1, n % 3 * 8);
        let rate = if (30..40).contains(&n) { "0.0008" } else { "0.00001" };
        writeln!(text, "2026-01-{day:02}T{hour:02}:00:00.0{:02}Z,{rate},8,,x", n % 47).unwrap();
    }
    text
}

/// Bar `n` (from 0) is line `n + 2`; it opens at `price + n`, closes one higher and trades `n + 1` units.
fn bars(price: i64) -> String {
    let mut text = "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore\n".to_owned();
    for n in 0..=HOURS {
        let (at, open) = (BEGIN_MS + n * HOUR_MS, price + n);
        writeln!(
            text,
            "{at},{open},{},{open},{},{},{},,,,,0",
            open + 1,
            open + 1,
            n + 1,
            at + HOUR_MS - 1
        )
        .unwrap();
    }
    text
}

fn key(venue: Venue, product: Product) -> Key {
    Key {
        venue,
        product,
        symbol: "ABCUSDT".to_owned(),
    }
}

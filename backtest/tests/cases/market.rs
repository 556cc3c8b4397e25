//! A market made by chance that can be drawn again, large enough for rules to trade in.

use crate::folder::Folder;

/// Numbers by xorshift: the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From `-most` to `most`.
    pub fn around(&mut self, most: i64) -> i64 {
        let span = u64::try_from(2 * most + 1).unwrap();
        i64::try_from(self.next() % span).unwrap() - most
    }
}

/// How what comes after an hour differs.
#[derive(Clone, Copy)]
pub struct Change {
    pub after: i64,
}

/// Bitcoin, ether and two alts on both venues for so many days; with a change, everything stamped after an hour is another
/// market: settlements after it, bars that begin after it, and the close of the one that begins at it.
pub fn market(seed: u64, days: i64, change: Option<Change>) -> Folder {
    let folder = Folder::new();
    let hours = days * 24;
    for (number, symbol) in ["BTCUSDT", "ETHUSDT", "SOLUSDT", "WIFUSDT"].into_iter().enumerate() {
        let mut chance = Chance(seed * 1_000 + u64::try_from(number).unwrap() + 7);
        let mut other = Chance(seed + 99);
        for venue in ["binance", "bybit"] {
            let interval = if number == 3 && venue == "bybit" { 4 } else { 8 };
            let mut level = 100 + 100 * i64::try_from(number).unwrap();
            let mut rows = Vec::new();
            for hour in (0..=hours).step_by(interval) {
                level += chance.around(60);
                level = level.clamp(-400, 900);
                let changed = change.is_some_and(|change| hour > change.after);
                // Hundredths of a basis point; after the change the opposite and more of it.
                let rate = if changed { -3 * level + other.around(500) } else { level };
                rows.push((
                    hour,
                    format!("{}0.{:08}", if rate < 0 { "-" } else { "" }, rate.abs() * 100),
                ));
            }
            let rows: Vec<_> = rows
                .iter()
                .map(|(hour, rate)| (*hour, rate.as_str(), u8::try_from(interval).unwrap(), ""))
                .collect();
            folder.funding(venue, symbol, &rows);
        }
        let mut price = 10_000 * (4 - i64::try_from(number).unwrap());
        let mut markets = [Vec::new(), Vec::new(), Vec::new()];
        for hour in 0..hours {
            let changed = change.is_some_and(|change| hour > change.after);
            price = (price * (1_000 + chance.around(6))) / 1_000;
            let shown = if changed { price * 2 + other.around(400) } else { price };
            for market in &mut markets {
                market.push((hour, shown + chance.around(3)));
            }
        }
        for (name, bars) in ["binance/spot", "binance/perp", "bybit/perp"].into_iter().zip(&markets) {
            // The last symbol has no spot bars: it is held by funding alone.
            if number == 3 && name == "binance/spot" {
                continue;
            }
            folder.put(&format!("klines/{name}/{symbol}-1h.csv"), &bars_of(bars, change));
        }
    }
    folder
}

/// Bars that open at one price and close near the next one's, with a little to both sides.
fn bars_of(opens: &[(i64, i64)], change: Option<Change>) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{}\n", crate::folder::BARS_HEADER);
    for (place, (hour, open)) in opens.iter().enumerate() {
        let close = opens
            .get(place + 1)
            .map_or(*open, |(_, next)| *next)
            .clamp(open * 98 / 100, open * 102 / 100);
        // Every fifth bar is wide enough for a passive order; wide enough for any close, too.
        let reach = if hour % 5 == 0 { open * 3 / 100 } else { 0 };
        let (low, high) = (open.min(&close) - 2 - reach, open.max(&close) + 2 + reach);
        let last_known = change.is_some_and(|change| change.after == *hour);
        let close = if last_known { low.midpoint(close) } else { close };
        let at = crate::folder::hours(*hour).millis();
        writeln!(text, "{at},{open},{high},{low},{close},1,0,,,,,0").unwrap();
    }
    text
}

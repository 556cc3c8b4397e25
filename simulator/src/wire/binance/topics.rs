//! Stream names: what each one asks for, and which route carries it.

use crate::market::{Key, Ms, Product, Venue};

/// Which kind of socket was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `stream.binance.com`: everything public of the spot market.
    Spot,
    /// `/public` on futures, and the unrouted addresses, which behave like it.
    Public,
    /// `/market` on futures.
    Market,
}

/// What a stream delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Best bid and ask.
    BookTicker,
    /// The best levels, whole.
    Partial {
        /// 5, 10 or 20.
        levels: usize,
    },
    /// Changed levels.
    Diff,
    /// Mark price and funding.
    MarkPrice,
    /// Executions, aggregated per taker order.
    AggTrade,
    /// Executions, one by one.
    Trade,
    /// The last 24 hours, whole or in short.
    DayTicker {
        /// In short.
        mini: bool,
    },
    /// The candle that is being drawn.
    Kline {
        /// Its name, as the client wrote it.
        interval: String,
        /// Its length.
        length_ms: Ms,
        /// Named by pair and contract type.
        continuous: bool,
    },
    /// Liquidations and deleveraging.
    Forced,
}

/// A parsed stream name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The name as asked for; pushed in the combined wrapper.
    pub name: String,
    /// What it delivers.
    pub kind: Kind,
    /// One instrument, or all of them (`!markPrice@arr`, `!bookTicker`).
    pub key: Option<Key>,
    /// Least time between two messages.
    pub period_ms: Ms,
}

/// Reads a stream name. `None`: the venue would acknowledge it and never send anything (wrong route, unknown
/// stream, wrong case).
pub fn parse(name: &str, route: Route) -> Option<Topic> {
    let (subject, rest) = name.split_once('@').unwrap_or((name, ""));
    let (home, kind, key, period_ms) = if subject.starts_with('!') {
        let (home, kind, period_ms) = of_all(subject, rest, route)?;
        (home, kind, None, period_ms)
    } else {
        of_one(subject, rest, route)?
    };
    let served = route == Route::Spot || route == home;
    served.then(|| Topic {
        name: name.to_owned(),
        kind,
        key,
        period_ms,
    })
}

/// Streams of all instruments: their home on futures, what they deliver and how often.
fn of_all(subject: &str, rest: &str, route: Route) -> Option<(Route, Kind, Ms)> {
    let usdm = route != Route::Spot;
    let (home, kind, period_ms) = match (subject, rest) {
        ("!bookTicker", "") if usdm => (Route::Public, Kind::BookTicker, 5_000),
        ("!markPrice", "arr") if usdm => (Route::Market, Kind::MarkPrice, 3_000),
        ("!markPrice", "arr@1s") if usdm => (Route::Market, Kind::MarkPrice, 1_000),
        ("!ticker", "arr") if usdm => (Route::Market, Kind::DayTicker { mini: false }, 1_000),
        ("!miniTicker", "arr") => (Route::Market, Kind::DayTicker { mini: true }, 1_000),
        ("!forceOrder", "arr") if usdm => (Route::Market, Kind::Forced, 0),
        _ => return None,
    };
    Some((home, kind, period_ms))
}

/// Streams of one instrument.
fn of_one(subject: &str, rest: &str, route: Route) -> Option<(Route, Kind, Option<Key>, Ms)> {
    let usdm = route != Route::Spot;
    if subject.is_empty() || subject.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let (subject, continuous) = match subject.strip_suffix("_perpetual") {
        Some(pair) if usdm && rest.starts_with("continuousKline_") => (pair, true),
        _ => (subject, false),
    };
    let key = Key {
        venue: Venue::Binance,
        product: if usdm { Product::Perp } else { Product::Spot },
        symbol: subject.to_ascii_uppercase(),
    };
    let (what, speed) = rest.split_once('@').unwrap_or((rest, ""));
    let (home, kind, period_ms) = match (what, speed) {
        ("bookTicker", "") => (Route::Public, Kind::BookTicker, 0),
        ("trade", "") => (Route::Public, Kind::Trade, 0),
        ("aggTrade", "") => (Route::Market, Kind::AggTrade, 0),
        ("ticker", "") => (Route::Market, Kind::DayTicker { mini: false }, 1_000),
        ("miniTicker", "") => (Route::Market, Kind::DayTicker { mini: true }, 1_000),
        ("forceOrder", "") if usdm => (Route::Market, Kind::Forced, 0),
        ("markPrice", "") if usdm => (Route::Market, Kind::MarkPrice, 3_000),
        ("markPrice", "1s") if usdm => (Route::Market, Kind::MarkPrice, 1_000),
        (_, "") if what.starts_with("kline_") || continuous => {
            let (_, interval) = what.split_once('_')?;
            let kind = Kind::Kline {
                interval: interval.to_owned(),
                length_ms: super::market_charts::length(interval)?,
                continuous,
            };
            (Route::Market, kind, if usdm { 250 } else { 1_000 })
        }
        _ => {
            let period_ms = depth_period(speed, usdm)?;
            let kind = match what.strip_prefix("depth")? {
                "" => Kind::Diff,
                "5" => Kind::Partial { levels: 5 },
                "10" => Kind::Partial { levels: 10 },
                "20" => Kind::Partial { levels: 20 },
                _ => return None,
            };
            (Route::Public, kind, period_ms)
        }
    };
    Some((home, kind, Some(key), period_ms))
}

fn depth_period(speed: &str, usdm: bool) -> Option<Ms> {
    match (speed, usdm) {
        ("" | "250ms", true) => Some(250),
        ("500ms", true) => Some(500),
        ("100ms", _) => Some(100),
        ("" | "1000ms", false) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_carries_its_own_streams() {
        for name in [
            "btcusdt@bookTicker",
            "btcusdt@depth5",
            "btcusdt@depth20@100ms",
            "btcusdt@depth@500ms",
            "!bookTicker",
        ] {
            assert!(parse(name, Route::Public).is_some(), "{name}");
            assert_eq!(parse(name, Route::Market), None, "{name}");
        }
        for name in [
            "btcusdt@markPrice",
            "btcusdt@markPrice@1s",
            "!markPrice@arr",
            "!markPrice@arr@1s",
            "btcusdt@aggTrade",
        ] {
            assert!(parse(name, Route::Market).is_some(), "{name}");
            assert_eq!(parse(name, Route::Public), None, "{name}");
        }
        assert_eq!(parse("btcusdt@markPrice", Route::Spot), None);
    }

    #[test]
    fn names_are_lower_case_and_exact() {
        for name in [
            "BTCUSDT@bookTicker",
            "btcusdt",
            "btcusdt@depth7",
            "btcusdt@depth5@3s",
            "btcusdt@bookTicker@1s",
            "@bookTicker",
            "",
        ] {
            assert_eq!(parse(name, Route::Spot), None, "{name}");
        }
        let topic = parse("btcusdt@depth10@100ms", Route::Spot).unwrap();
        assert_eq!((topic.kind, topic.period_ms), (Kind::Partial { levels: 10 }, 100));
        assert_eq!(topic.key.unwrap().symbol, "BTCUSDT");
    }
}

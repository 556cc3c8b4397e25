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
    let usdm = match route {
        Route::Spot => false,
        Route::Public | Route::Market => true,
    };
    let (subject, rest) = name.split_once('@').unwrap_or((name, ""));
    let topic = |kind, key, period_ms| {
        Some(Topic {
            name: name.to_owned(),
            kind,
            key,
            period_ms,
        })
    };
    match (subject, rest) {
        ("!bookTicker", "") if usdm => {
            return on(route, Route::Public).and_then(|()| topic(Kind::BookTicker, None, 5_000));
        }
        ("!markPrice", "arr") => return on(route, Route::Market).and_then(|()| topic(Kind::MarkPrice, None, 3_000)),
        ("!markPrice", "arr@1s") => return on(route, Route::Market).and_then(|()| topic(Kind::MarkPrice, None, 1_000)),
        _ => {}
    }
    if subject.is_empty() || subject.starts_with('!') || subject.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let product = if usdm { Product::Perp } else { Product::Spot };
    let key = Some(Key {
        venue: Venue::Binance,
        product,
        symbol: subject.to_ascii_uppercase(),
    });
    let (what, speed) = rest.split_once('@').unwrap_or((rest, ""));
    let home = match what {
        "markPrice" | "aggTrade" => Route::Market,
        _ => Route::Public,
    };
    if usdm {
        on(route, home)?;
    }
    match (what, speed) {
        ("bookTicker", "") => topic(Kind::BookTicker, key, 0),
        ("trade", "") => topic(Kind::Trade, key, 0),
        ("aggTrade", "") => topic(Kind::AggTrade, key, 0),
        ("markPrice", "") if usdm => topic(Kind::MarkPrice, key, 3_000),
        ("markPrice", "1s") if usdm => topic(Kind::MarkPrice, key, 1_000),
        _ => {
            let depth = what.strip_prefix("depth")?;
            let period_ms = depth_period(speed, usdm)?;
            match depth {
                "" => topic(Kind::Diff, key, period_ms),
                "5" | "10" | "20" => topic(
                    Kind::Partial {
                        levels: depth.parse().ok()?,
                    },
                    key,
                    period_ms,
                ),
                _ => None,
            }
        }
    }
}

fn on(route: Route, home: Route) -> Option<()> {
    (route == home).then_some(())
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

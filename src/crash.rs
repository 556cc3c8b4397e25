//! Lets a process die at a named place, to prove that the next one finds back from there.
//!
//! - CR-1  Without the variable nothing is set up. With it, a process that could reach anything but loopback refuses to
//!   start: nobody's money is near a death that was asked for.
//!
//! | `FUNDING_ARB_CRASH_AT` | the process |
//! |---|---|
//! | `order.placed` | dies when it passes this place for the first time |
//! | `order.placed@leaving` | the same, but only while a hedge is being left |
//! | `order.placed@leaving:3` | at the third time |
//! | `freeze=order.placed` | is frozen there instead, as by SIGSTOP, until somebody wakes it |
//! | `trace=FILE` | lives, and writes each pair of place and moment to the file when it is first passed |

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use awc::http::Uri;
use domain::crash::{Hook, Moment, Point, set_hook};

use crate::config::Config;
use crate::config::url::is_loopback;

/// The variable.
pub const VARIABLE: &str = "FUNDING_ARB_CRASH_AT";

/// Why a process with the variable does not start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CrashError {
    /// It says something else.
    #[error(
        "{VARIABLE}={0:?} is no place: it is PLACE, PLACE@MOMENT or PLACE@MOMENT:TIMES, perhaps after freeze=, or trace=FILE"
    )]
    Unknown(String),
    /// There are hosts beyond this machine.
    #[error("{VARIABLE} is set, and {0} is no loopback address: a process that is told to die never trades there")]
    NotLoopback(&'static str),
    /// The hook was set before.
    #[error("{VARIABLE} is in force already")]
    Twice,
}

/// When to die, or where to write.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    Die {
        at: Point,
        during: Option<Moment>,
        times: u32,
        freezes: bool,
    },
    Trace(PathBuf),
}

/// Sets up what the variable asks for; nothing where it is not set.
///
/// # Errors
/// When it is no place, or when any venue is not on loopback.
pub fn arm(env: &BTreeMap<String, String>, config: &Config) -> Result<(), CrashError> {
    let Some(text) = env.get(VARIABLE) else {
        return Ok(());
    };
    let order = parse(text).ok_or_else(|| CrashError::Unknown(text.clone()))?;
    let (binance, bybit) = (&config.venues.binance, &config.venues.bybit);
    for (key, url) in [
        ("venues.binance.spot_rest_url", &binance.spot_rest_url),
        ("venues.binance.spot_ws_url", &binance.spot_ws_url),
        ("venues.binance.spot_ws_api_url", &binance.spot_ws_api_url),
        ("venues.binance.usdm_rest_url", &binance.usdm_rest_url),
        ("venues.binance.usdm_ws_url", &binance.usdm_ws_url),
        ("venues.binance.usdm_ws_api_url", &binance.usdm_ws_api_url),
        ("venues.bybit.rest_url", &bybit.rest_url),
        ("venues.bybit.ws_url", &bybit.ws_url),
    ] {
        let uri = url.parse::<Uri>().ok();
        if !uri.as_ref().and_then(Uri::host).is_some_and(is_loopback) {
            return Err(CrashError::NotLoopback(key));
        }
    }
    if set_hook(hook(order)) {
        Ok(())
    } else {
        Err(CrashError::Twice)
    }
}

fn parse(text: &str) -> Option<Order> {
    if let Some(file) = text.strip_prefix("trace=") {
        return (!file.is_empty()).then(|| Order::Trace(PathBuf::from(file)));
    }
    let place = text.strip_prefix("freeze=");
    let (freezes, text) = (place.is_some(), place.unwrap_or(text));
    let (place, times) = text.split_once(':').unwrap_or((text, "1"));
    let (point, during) = match place.split_once('@') {
        Some((point, moment)) => (point, Some(Moment::parse(moment)?)),
        None => (place, None),
    };
    Some(Order::Die {
        at: Point::parse(point)?,
        during,
        times: times.parse().ok().filter(|times| *times > 0)?,
        freezes,
    })
}

fn hook(order: Order) -> Hook {
    match order {
        Order::Die {
            at,
            during,
            times,
            freezes,
        } => {
            let passed = AtomicU32::new(0);
            Box::new(move |point, moment| {
                let counts = point == at && during.is_none_or(|during| during == moment);
                if counts && passed.fetch_add(1, Ordering::Relaxed) + 1 == times {
                    if freezes {
                        // Whoever sends it is another process; this one stands still before it goes on.
                        let me = std::process::id().to_string();
                        let _ = std::process::Command::new("kill").args(["-STOP", &me]).status();
                        return;
                    }
                    // Past the log, whose lines wait for another thread; a power cut writes nothing either.
                    let _ = writeln!(std::io::stderr(), "dies at {point}@{moment}");
                    std::process::abort();
                }
            })
        }
        Order::Trace(path) => {
            let seen = Mutex::new(BTreeSet::new());
            Box::new(move |point, moment| {
                if !seen
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert((point, moment))
                {
                    return;
                }
                // What cannot be written is missing in the file, and whoever reads it finds that.
                if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&path) {
                    let _ = writeln!(file, "{point}@{moment}");
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_a_moment_and_a_count_are_read_and_nothing_else() {
        let die = |at, during, times| {
            Some(Order::Die {
                at,
                during,
                times,
                freezes: false,
            })
        };
        assert_eq!(parse("order.placed"), die(Point::OrderPlaced, None, 1));
        assert_eq!(
            parse("order.placed@leaving:3"),
            die(Point::OrderPlaced, Some(Moment::Leaving), 3)
        );
        assert!(matches!(
            parse("freeze=order.placed"),
            Some(Order::Die { freezes: true, .. })
        ));
        assert_eq!(parse("trace=/x/y"), Some(Order::Trace(PathBuf::from("/x/y"))));
        for bad in [
            "",
            "order",
            "order.placed@",
            "order.placed@soon",
            "order.placed:0",
            "order.placed:x",
            "trace=",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

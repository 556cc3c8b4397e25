//! What a person sees on standard output while a demonstration runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::alert::Alert;
use domain::ports::{AlertSink, Answer};
use domain::time::Timestamp;
use rust_decimal::Decimal;
use simulator::exchange::Event;

use crate::twin::Tell;

/// One line, with the market's time.
pub fn say(at: Timestamp, words: &str) {
    let time: String = at
        .to_string()
        .chars()
        .take(16)
        .map(|c| if c == 'T' { ' ' } else { c })
        .collect();
    print_line(&format!("[{time}] {words}"));
}

#[expect(
    clippy::print_stdout,
    reason = "the demonstration speaks to the person at the terminal"
)]
fn print_line(line: &str) {
    println!("{line}");
}

/// The first lines.
pub fn opening(origin: &str, epoch: Timestamp, speed: u32, lasts: Duration) {
    print_line(&format!(
        "funding-arb demo: {origin}, from {epoch}, {speed} market seconds a second, for {} s.",
        lasts.as_secs()
    ));
    print_line("The venues are simulated on loopback; the engine speaks to them as it would to the real ones.");
    print_line("");
}

/// Alerts, as lines.
pub struct Stage;

impl AlertSink for Stage {
    fn name(&self) -> &'static str {
        "stage"
    }

    fn wants(&self, _: &Alert) -> bool {
        true
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>> {
        say(at, &format!("{} {}", alert.name, alert.text));
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Sums up settlements on the simulator's thread, so that each is told once.
#[derive(Clone, Default)]
pub struct Settlements(Arc<Mutex<BTreeMap<i64, (Decimal, u32)>>>);

impl Settlements {
    /// Takes the simulator's events.
    pub fn tell(&self) -> Tell {
        let settlements = self.clone();
        Box::new(move |event, _| {
            if let Event::Funding(row) = event {
                let mut held = settlements.0.lock().unwrap_or_else(PoisonError::into_inner);
                let (sum, rows) = held.entry(row.settled_ms).or_default();
                *sum += row.amount;
                *rows += 1;
            }
        })
    }

    /// Says what has settled since the last time. All rows of a settlement are booked in one turn of the simulator.
    pub fn say(&self) {
        let settled = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (at, (sum, rows)) in settled {
            let sum = sum.round_dp(2);
            let verb = if sum.is_sign_negative() { "cost" } else { "brought" };
            say(
                Timestamp(at),
                &format!("SETTLEMENT {rows} positions {verb} {} USD of funding", sum.abs()),
            );
        }
    }
}

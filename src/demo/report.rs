//! What a demonstration came to: one JSON object, and a summary in plain words.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::witness::Verdict;

/// The report. Amounts are decimals in text, in US dollars.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Market seconds per machine second.
    pub speed: u32,
    /// Market time that passed.
    pub virtual_seconds: i64,
    /// Machine time that passed.
    pub wall_seconds: u64,
    /// Hedges that were open on both legs at some time.
    pub hedges_opened: u64,
    /// Hedges that are flat again.
    pub hedges_closed: u64,
    /// Orders that venues accepted.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Funding rows.
    pub funding_payments: u64,
    /// Fees paid.
    pub fees_usd: String,
    /// Funding received less paid.
    pub funding_usd: String,
    /// Profit of the closed hedges after all costs.
    pub net_pnl_usd: String,
    /// The longest time that a hedge had unequal legs, in machine seconds.
    pub max_naked_seconds: String,
    /// Feeds that were rebuilt.
    pub feed_restarts: u64,
    /// Comparisons of ledger and venues.
    pub reconciliations: u64,
    /// Differences that they found.
    pub inconsistencies: u64,
    /// What the observer found.
    pub invariant_violations: u64,
    /// Whether every row, wallet and position agrees at the end.
    pub ledger_equals_venues: bool,
    /// Of everything that was seen, in order.
    pub trace_hash: String,
    /// The observer's words, for the summary.
    #[serde(skip)]
    pub violations: Vec<String>,
    /// The code with which the engine wanted to end, if it did.
    #[serde(skip)]
    pub exit: Option<i32>,
}

/// What the report knows of the frame around it.
pub(super) struct Frame {
    pub seed: u64,
    pub speed: u32,
    pub virtual_ms: i64,
    pub wall: Duration,
    pub clean: bool,
    pub exit: Option<i32>,
}

impl Report {
    pub(super) fn of(status: &Value, verdict: &Verdict, frame: &Frame) -> Self {
        let count = |key: &str| status.get(key).and_then(Value::as_u64).unwrap_or(0);
        let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or("0").to_owned();
        Self {
            seed: frame.seed,
            speed: frame.speed,
            virtual_seconds: frame.virtual_ms / 1_000,
            wall_seconds: frame.wall.as_secs(),
            hedges_opened: count("hedges_opened"),
            hedges_closed: count("hedges_closed"),
            orders: verdict.counts.orders,
            fills: verdict.counts.fills,
            funding_payments: verdict.counts.funding_payments,
            fees_usd: text("fees_usd"),
            funding_usd: text("funding_usd"),
            net_pnl_usd: text("closed_net_usd"),
            max_naked_seconds: text("max_naked_seconds"),
            feed_restarts: count("feed_restarts"),
            reconciliations: count("reconciliations"),
            inconsistencies: count("inconsistencies"),
            invariant_violations: verdict.count,
            ledger_equals_venues: frame.clean && verdict.count == 0,
            trace_hash: verdict.trace_hash.clone(),
            violations: verdict.violations.clone(),
            exit: frame.exit,
        }
    }

    /// Whether everything is as it must be.
    pub fn is_safe(&self) -> bool {
        self.invariant_violations == 0 && self.ledger_equals_venues && self.exit.is_none()
    }

    /// The summary, in plain words.
    pub fn summary(&self) -> String {
        let hours = self.virtual_seconds / 3_600;
        let mut lines = vec![
            String::new(),
            format!("In {} s the market lived through {hours} h.", self.wall_seconds),
            format!(
                "{} hedges were opened and {} closed, with {} orders and {} executions.",
                self.hedges_opened, self.hedges_closed, self.orders, self.fills
            ),
            format!(
                "{} funding payments brought {} USD; fees took {} USD; closed hedges netted {} USD.",
                self.funding_payments,
                cents(&self.funding_usd),
                cents(&self.fees_usd),
                cents(&self.net_pnl_usd)
            ),
            format!(
                "No hedge had unequal legs for longer than {} s.",
                self.max_naked_seconds
            ),
            format!(
                "{} feeds were rebuilt; {} reconciliations found {} differences.",
                self.feed_restarts, self.reconciliations, self.inconsistencies
            ),
        ];
        lines.push(if self.ledger_equals_venues && self.orders == 0 {
            "Nothing was traded, so nothing is proven: give it more time.".to_owned()
        } else if self.ledger_equals_venues {
            "The ledger and the venues agree to the last decimal, and no invariant was violated.".to_owned()
        } else {
            format!(
                "NOT SAFE: {} violations; ledger equals venues: {}.",
                self.invariant_violations, self.ledger_equals_venues
            )
        });
        lines.extend(self.violations.iter().take(5).cloned());
        if let Some(code) = self.exit {
            lines.push(format!("The engine ended with code {code}."));
        }
        lines.join("\n")
    }
}

fn cents(amount: &str) -> String {
    amount
        .parse::<rust_decimal::Decimal>()
        .map_or_else(|_| amount.to_owned(), |amount| amount.round_dp(2).to_string())
}

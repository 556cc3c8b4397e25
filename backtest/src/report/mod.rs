//! Results for programs and for people; nothing is computed here but sums.
//!
//! ```text
//! json      priced hedges as one object; decimals as text
//! compared  a study as one object
//! table     lines of text
//! html      a study as one file that needs no other
//! svg       the drawings in it
//! parquet   a sweep for programs that analyse tables
//! ```

pub mod compared;
pub mod html;
pub mod json;
pub mod parquet;
mod svg;
pub mod table;

use std::time::Duration;

use rust_decimal::Decimal;

use crate::price::{Attribution, Priced};

/// What a run cost, as its caller measured it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Processor time of reading the history.
    pub load: Duration,
    /// Processor time of pricing the list, or of running the own rule once.
    pub cpu: Duration,
    /// Processor time of the whole study.
    pub study: Duration,
}

/// A fraction as per cent, to two digits.
fn percent(fraction: Decimal) -> Decimal {
    (fraction * Decimal::ONE_HUNDRED).round_dp(2)
}

/// A list of hedges, priced.
#[derive(Clone, Debug, Default)]
pub struct PricedList {
    /// Those that could be priced, in the order of the list.
    pub hedges: Vec<Priced>,
    /// Place in the list, id, and why the hedge could not be priced.
    pub failed: Vec<(usize, Option<String>, String)>,
}

impl PricedList {
    /// The sums of all hedges that could be priced.
    pub fn total(&self) -> Attribution {
        self.hedges
            .iter()
            .fold(Attribution::default(), |sum, priced| sum.and(&priced.total))
    }

    /// Fills and settlements.
    pub fn events(&self) -> usize {
        self.hedges
            .iter()
            .map(|priced| priced.fills.len() + priced.payments.len())
            .sum()
    }
}

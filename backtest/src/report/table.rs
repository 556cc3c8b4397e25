//! Results as lines of text, in cents.

use std::fmt::Write as _;

use domain::time::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use super::PricedList;
use crate::price::Attribution;

/// A list of priced hedges.
pub fn priced(list: &PricedList) -> String {
    let mut out = format!(
        "{:<10} {:<14} {:<13} {:<13} {:<17} {:<17} {:>6} {:>11} {:>9} {:>9} {:>10} {:>11}\n",
        "id", "symbol", "long", "short", "entry", "exit", "paid", "funding", "fees", "slippage", "basis", "net"
    );
    for priced in &list.hedges {
        let hedge = &priced.hedge;
        let _ = writeln!(
            out,
            "{:<10} {:<14} {:<13} {:<13} {:<17} {:<17} {:>6} {}",
            hedge.id.as_deref().unwrap_or("-"),
            hedge.symbol,
            hedge.long.market.to_string(),
            hedge.short.market.to_string(),
            minute(hedge.entry),
            minute(hedge.exit),
            priced.payments.len(),
            sums(&priced.total),
        );
    }
    let _ = writeln!(out, "{:<96} {}", "total", sums(&list.total()));
    for priced in &list.hedges {
        for found in &priced.gaps {
            let _ = writeln!(
                out,
                "gap: {}: {} missing between {} and {}",
                found.series,
                found.gap.missing,
                minute(found.gap.from),
                minute(found.gap.to),
            );
        }
        for payment in &priced.beyond_cap {
            let _ = writeln!(
                out,
                "rate beyond any cap: {} {} at {}: {}",
                payment.venue,
                priced.hedge.symbol,
                minute(payment.at),
                payment.rate,
            );
        }
    }
    out
}

fn sums(of: &Attribution) -> String {
    format!(
        "{:>11} {:>9} {:>9} {:>10} {:>11}",
        cents(of.funding),
        cents(of.fees),
        cents(of.slippage),
        cents(of.basis),
        cents(of.net()),
    )
}

/// Two digits after the point, always.
pub(super) fn cents(amount: Decimal) -> String {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded.to_string()
}

/// `2026-01-31 08:00`.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

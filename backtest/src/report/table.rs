//! Results as lines of text, in cents.

use std::fmt::Write as _;

use domain::time::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use super::PricedList;
use super::parquet::Column;
use crate::price::Attribution;
use crate::study::Study;
use crate::sweep::{Point, splits, walk_forward};
use crate::tape::Tape;

/// Symbols told apart from the tail.
const MAJORS: [&str; 5] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT"];

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

/// A study: a line for each rule, then years of the own one.
pub fn study(study: &Study, tape: &Tape) -> String {
    let mut out = format!(
        "{} symbols, {} to {}, {} USD, {} a leg, {} hedges at once; costs and caps in docs/backtest.md\n\n",
        tape.symbols.len(),
        minute(tape.start),
        minute(tape.time(tape.hours)),
        study.caps.capital,
        study.caps.notional,
        study.caps.hedges,
    );
    compared(&mut out, study);
    let _ = writeln!(out, "\nnet by year");
    for row in &study.rows {
        let years = row.measure.years.iter();
        let years = years.map(|(year, sums)| format!("{year}: {:>10}", cents(sums.net().decimal())));
        let _ = writeln!(out, "{:<18} {}", row.name, years.collect::<Vec<_>>().join("  "));
    }
    let _ = writeln!(out, "\nnet and trades of {} and of the tail", MAJORS.join(", "));
    for row in &study.rows {
        let [(majors, by_majors), (tail, by_tail)] = row.measure.groups(&MAJORS);
        let (majors_net, tail_net) = (cents(majors.net().decimal()), cents(tail.net().decimal()));
        let _ = writeln!(
            out,
            "{:<18} majors: {majors_net:>10} in {by_majors:<3}  tail: {tail_net:>10} in {by_tail}",
            row.name
        );
    }
    for name in tape.unhedgeable() {
        let _ = writeln!(out, "{name}: no hour at which two legs and their funding are there");
    }
    let _ = writeln!(
        out,
        "\n{} gaps in the data; --json and --report list them",
        tape.gaps.len()
    );
    out
}

/// A sweep as columns: the settings, trades, and marked profit and deepest fall until each New Year and to the end, in USD.
pub fn columns(tape: &Tape, points: &[Point]) -> Vec<Column> {
    let whole = |name: &str, of: fn(&Point) -> i64| Column {
        name: name.to_owned(),
        scale: None,
        values: points.iter().map(of).collect(),
    };
    let mut columns = vec![
        whole("quick_hours", |point| point.settings.quick_hours.into()),
        whole("slow_hours", |point| point.settings.slow_hours.into()),
        whole("quick_share_percent", |point| point.settings.quick_share),
        whole("haircut_percent", |point| point.settings.haircut),
        whole("reentry_percent", |point| point.settings.reentry_share),
        whole("trades", |point| i64::try_from(point.trades).unwrap_or(i64::MAX)),
    ];
    let before = splits(tape).into_iter().map(|(_, year)| format!("_before_{year}"));
    for (place, suffix) in before.chain([String::new()]).enumerate() {
        let at = |point: &Point| point.at_splits.get(place).copied().unwrap_or_default();
        let dollars = |name: &str, of: &dyn Fn(&Point) -> i64| Column {
            name: format!("{name}{suffix}"),
            scale: Some(8),
            values: points.iter().map(of).collect(),
        };
        columns.push(dollars("net", &|point| at(point).0));
        columns.push(dollars("drawdown", &|point| at(point).1));
    }
    columns
}

/// The same as CSV, a line for each setting, in cents.
pub fn swept(tape: &Tape, points: &[Point]) -> String {
    let columns = columns(tape, points);
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut out = names.join(",") + "\n";
    for row in 0..points.len() {
        let values = columns.iter().map(|column| {
            let value = column.values.get(row).copied().unwrap_or_default();
            match column.scale {
                None => value.to_string(),
                Some(scale) => cents(Decimal::new(value, scale.into())),
            }
        });
        out.push_str(&values.collect::<Vec<_>>().join(","));
        out.push('\n');
    }
    out
}

/// The walk forward of a sweep, a line for each year that judges.
pub fn walked(tape: &Tape, points: &[Point]) -> String {
    let mut out = String::new();
    let dollars = |coarse: i64| cents(Decimal::new(coarse, 8));
    for fold in walk_forward(tape, points) {
        let of = &fold.chosen;
        let _ = writeln!(
            out,
            "chosen before {}: quick {} h, slow {} h, share {} %, haircut {} %, re-entry {} %: {} before (fall {}), {} in the year",
            fold.year,
            of.quick_hours,
            of.slow_hours,
            of.quick_share,
            of.haircut,
            of.reentry_share,
            dollars(fold.before),
            dollars(fold.fall),
            dollars(fold.judged),
        );
    }
    out
}

/// A line for each rule.
fn compared(out: &mut String, study: &Study) {
    let _ = writeln!(
        out,
        "{:<18} {:>6} {:>10} {:>10} {:>8} {:>8} {:>7} {:>7} {:>8} {:>7} {:>7} {:>8} {:>8} {:>6} {:>4}",
        "rule",
        "trades",
        "net",
        "funding",
        "basis",
        "fees",
        "slip",
        "% tied",
        "% marked",
        "Sharpe",
        "Sortino",
        "drawdown",
        "net/dd",
        "hours",
        "liq"
    );
    for row in &study.rows {
        let of = &row.measure;
        let number =
            |value: Option<Decimal>| value.map_or_else(|| "-".to_owned(), |value| value.round_dp(1).to_string());
        let share = |value: Option<Decimal>| number(value.map(|value| value * Decimal::ONE_HUNDRED));
        let _ = writeln!(
            out,
            "{:<18} {:>6} {:>10} {:>10} {:>8} {:>8} {:>7} {:>7} {:>8} {:>7} {:>7} {:>8} {:>8} {:>6} {:>4}",
            row.name,
            of.trades,
            cents(of.sums.net().decimal()),
            cents(of.sums.funding.decimal()),
            cents(of.sums.basis.decimal()),
            cents(of.sums.fees.decimal()),
            cents(of.sums.slippage.decimal()),
            share(of.annual_on_tied),
            share(of.annual_on_marked_tied),
            number(of.sharpe),
            number(of.sortino),
            cents(of.max_drawdown),
            number(of.net_on_drawdown),
            of.hours_in_market,
            of.liquidation_touches,
        );
    }
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

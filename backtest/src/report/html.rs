//! A study as one HTML file: drawings are inline, styles too, and there is no script.

use std::fmt::Write as _;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::svg::{Line, lines, months, waterfall};
use super::table::{cents, minute};
use super::{compared, percent};
use crate::hedges::Size;
use crate::measure::Measure;
use crate::study::{Role, Row, Study};
use crate::tape::Tape;

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1180px;padding:0 1em;color:#1d2733;background:#fff}\
h1{font-size:1.6em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.25em .5em;border-bottom:1px solid #dde3ea;text-align:right;white-space:nowrap}th:first-child,td:first-child,td.w{text-align:left}td.w{white-space:normal;color:#5a6875}\
tr.own td{background:#eef6ee;font-weight:600}tr.bound td{background:#f5f1e6}svg{width:100%;height:auto;font-size:11px}.axis{stroke:#ccd4dc}\
polyline{fill:none;stroke-width:1.3}.own{stroke:#1b7f4b}.base{stroke:#3f6fb5}.bound{stroke:#b58a3f}.fall{stroke:#b03a3a}text{fill:#44515e}\
text.name{stroke:none}text.own{fill:#1b7f4b}text.base{fill:#3f6fb5}text.bound{fill:#b58a3f}text.fall{fill:#b03a3a}text.left{text-anchor:end}text.middle{text-anchor:middle}\
.gain{fill:#1b7f4b}.loss{fill:#b03a3a}.scroll{overflow-x:auto}.note{color:#5a6875}";

/// The report.
pub fn report(study: &Study, tape: &Tape) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Backtest</title><style>{STYLE}</style></head><body><h1>Backtest, {} to {}</h1>",
        minute(tape.start),
        minute(tape.time(tape.hours)),
    );
    let _ = write!(
        out,
        "<p class=\"note\">{} symbols, {} USD, {} USD a leg, at most {} hedges. Recorded settlements and hourly bars; decisions see what was \
         published before them and fill at the next hour's open. Fees, slippage and basis are in every figure.</p>",
        tape.symbols.len(),
        study.caps.capital,
        study.caps.notional,
        study.caps.hedges,
    );
    section(&mut out, "Rules compared", &compared_table(study));
    if let Some(own) = study.rows.iter().find(|row| row.role == Role::Own) {
        section(&mut out, "Marked profit, US dollars", &equity(study, own, tape));
        section(&mut out, "Fall below the height, US dollars", &falls(own, tape));
        section(&mut out, "Where it came from, US dollars", &attribution(&own.measure));
        section(&mut out, "Net by month, US dollars", &monthly(&own.measure));
        section(
            &mut out,
            "Capital tied up by margins at entry, US dollars",
            &exposure(own, tape),
        );
        section(&mut out, "By year and by symbol", &groups(&own.measure));
        section(&mut out, "Hedges of the own rule", &hedges(own, tape));
    }
    section(&mut out, "Parameters", &parameters(study));
    let missing: Vec<&str> = tape.unhedgeable().collect();
    if !missing.is_empty() {
        let text = format!(
            "<p>No hour at which two legs and their funding are there: {}.</p>",
            escaped(&missing.join(", "))
        );
        section(&mut out, "Symbols that cannot be held", &text);
    }
    section(&mut out, "Gaps in the data", &gaps(tape));
    out.push_str("</body></html>\n");
    out
}

/// The drawings of the report, each with the name of its file and as one that needs no other.
pub fn drawings(study: &Study, tape: &Tape) -> Vec<(&'static str, String)> {
    let Some(own) = study.rows.iter().find(|row| row.role == Role::Own) else {
        return Vec::new();
    };
    let alone = |drawing: String| {
        let styled = format!("</title><style>{STYLE}</style>");
        let named = drawing.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
        named.replacen("</title>", &styled, 1)
    };
    vec![
        ("equity.svg", alone(equity(study, own, tape))),
        ("falls.svg", alone(falls(own, tape))),
        ("attribution.svg", alone(attribution(&own.measure))),
        ("months.svg", alone(monthly(&own.measure))),
        ("exposure.svg", alone(exposure(own, tape))),
    ]
}

fn section(out: &mut String, title: &str, body: &str) {
    let _ = write!(
        out,
        "<section><h2>{title}</h2><div class=\"scroll\">{body}</div></section>"
    );
}

/// A table of text; the class of a row may be empty.
fn table(head: &[&str], rows: impl Iterator<Item = (&'static str, Vec<String>)>) -> String {
    let mut out = "<table><thead><tr>".to_owned();
    for name in head {
        let _ = write!(out, "<th>{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for (class, fields) in rows {
        let _ = write!(out, "<tr class=\"{class}\">");
        for field in fields {
            let class = if field.starts_with('\u{200b}') {
                " class=\"w\""
            } else {
                ""
            };
            let _ = write!(out, "<td{class}>{}</td>", escaped(&field));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('\u{200b}', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A field of words, which may be wrapped.
fn words(text: &str) -> String {
    format!("\u{200b}{text}")
}

fn number(value: Option<Decimal>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.round_dp(2).to_string())
}

fn share(value: Option<Decimal>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{} %", percent(value)))
}

fn compared_table(study: &Study) -> String {
    let head = [
        "rule",
        "trades",
        "net",
        "on average tied",
        "a year on tied",
        "on marked tied",
        "on capital",
        "Sharpe",
        "Sortino",
        "drawdown",
        "net/drawdown",
        "hours in market",
        "liquidation touches",
        "source",
    ];
    let rows = study.rows.iter().map(|row| {
        let of = &row.measure;
        let fields = vec![
            row.name.to_owned(),
            of.trades.to_string(),
            cents(of.sums.net().decimal()),
            share(of.net_on_average_tied),
            share(of.annual_on_tied),
            share(of.annual_on_marked_tied),
            share(of.annual_on_capital),
            number(of.sharpe),
            number(of.sortino),
            cents(of.max_drawdown),
            number(of.net_on_drawdown),
            of.hours_in_market.to_string(),
            of.liquidation_touches.to_string(),
            words(row.source),
        ];
        let class = match row.role {
            Role::Own => "own",
            Role::Baseline => "",
            Role::Bound => "bound",
        };
        (class, fields)
    });
    table(&head, rows)
}

fn days(row: &Row) -> Vec<i64> {
    row.outcome.days.iter().map(|day| day.sums.net().coarse()).collect()
}

fn ends(tape: &Tape) -> (String, String) {
    (minute(tape.start), minute(tape.time(tape.hours)))
}

/// The own rule, the best baseline and the bound.
fn equity(study: &Study, own: &Row, tape: &Tape) -> String {
    let baselines = study.rows.iter().filter(|row| row.role == Role::Baseline);
    let best = baselines.max_by_key(|row| row.measure.sums.net());
    let bound = study.rows.iter().find(|row| row.role == Role::Bound);
    let line = |row: &Row, class: &'static str| Line {
        name: row.name,
        class,
        values: days(row),
    };
    let mut all = vec![line(own, "own")];
    all.extend(best.map(|row| line(row, "base")));
    all.extend(bound.map(|row| line(row, "bound")));
    let (from, to) = ends(tape);
    lines("Marked profit", &all, (&from, &to), 320)
}

fn falls(own: &Row, tape: &Tape) -> String {
    // Of each day the deepest hour.
    let mut height = 0_i64;
    let mut falls = Vec::new();
    for day in own.outcome.equity.chunks(24) {
        let mut deepest = 0;
        for value in day {
            height = height.max(*value);
            deepest = deepest.min(value - height);
        }
        falls.push(deepest);
    }
    let line = Line {
        name: own.name,
        class: "fall",
        values: falls,
    };
    let (from, to) = ends(tape);
    lines("Fall below the height", &[line], (&from, &to), 160)
}

fn exposure(own: &Row, tape: &Tape) -> String {
    let line = Line {
        name: own.name,
        class: "base",
        values: own.outcome.days.iter().map(|day| day.tied).collect(),
    };
    let (from, to) = ends(tape);
    lines("Capital tied up", &[line], (&from, &to), 160)
}

fn attribution(of: &Measure) -> String {
    let sums = &of.sums;
    let steps = [
        ("funding", sums.funding.coarse()),
        ("basis", sums.basis.coarse()),
        ("fees", -sums.fees.coarse()),
        ("slippage", -sums.slippage.coarse()),
    ];
    waterfall("Attribution", &steps, ("net", sums.net().coarse()))
}

fn monthly(of: &Measure) -> String {
    let in_cents = |net: &Decimal| (net * Decimal::ONE_HUNDRED).round().to_i64().unwrap_or_default();
    let list: Vec<_> = of.months.iter().map(|(month, net)| (*month, in_cents(net))).collect();
    months("Net by month", &list)
}

fn groups(of: &Measure) -> String {
    let head = ["", "trades", "funding", "basis", "fees", "slippage", "net"];
    let fields = |name: String, trades: String, sums: &crate::engine::Sums| {
        let amounts = [sums.funding, sums.basis, sums.fees, sums.slippage, sums.net()];
        let mut fields = vec![name, trades];
        fields.extend(amounts.map(|amount| cents(amount.decimal())));
        ("", fields)
    };
    let years = of
        .years
        .iter()
        .map(|(year, sums)| fields(year.to_string(), "–".to_owned(), sums));
    let symbols = of.symbols.iter();
    let symbols = symbols.map(|(name, (trades, sums))| fields(name.clone(), trades.to_string(), sums));
    table(&head, years.chain(symbols))
}

fn hedges(own: &Row, tape: &Tape) -> String {
    let head = [
        "symbol",
        "long",
        "short",
        "size",
        "entry",
        "exit",
        "hours",
        "settlements",
        "expected bps/day",
        "paid bps/day",
        "funding",
        "basis",
        "fees",
        "slippage",
        "net",
        "closed by",
    ];
    let rows = own.outcome.closed.iter().filter_map(|closed| {
        let hedge = closed.hedge(tape)?;
        let sums = &closed.sums;
        let mut fields = vec![
            hedge.symbol,
            hedge.long.market.to_string(),
            hedge.short.market.to_string(),
            match hedge.size {
                Size::Quantity(quantity) => quantity.to_string(),
                Size::FixedNotional(notional) => format!("{notional} USD"),
            },
            minute(hedge.entry),
            minute(hedge.exit),
            (closed.exit - closed.held.entry).to_string(),
            closed.held.settlements.to_string(),
            daily(closed.held.forecast),
            daily(closed.paid_per_hour()),
        ];
        let amounts = [sums.funding, sums.basis, sums.fees, sums.slippage, sums.net()];
        fields.extend(amounts.map(|amount| cents(amount.decimal())));
        fields.push(closed.cause.as_str().to_owned());
        Some(("", fields))
    });
    table(&head, rows)
}

/// A rate an hour in units of 10⁻¹⁰ as basis points a day.
fn daily(per_hour: Option<i64>) -> String {
    number(per_hour.map(|rate| Decimal::new(rate.saturating_mul(24), 6)))
}

fn parameters(study: &Study) -> String {
    let values = compared::parameters(study);
    let fields = values.as_object().into_iter().flatten();
    let rows = fields.map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        ("", vec![name.replace('_', " "), text])
    });
    table(&["parameter", "value"], rows)
}

fn gaps(tape: &Tape) -> String {
    if tape.gaps.is_empty() {
        return "<p>None between the first and the last row of any series of settlements.</p>".to_owned();
    }
    let rows = tape.gaps.iter().map(|found| {
        let gap = &found.gap;
        (
            "",
            vec![
                found.series.to_string(),
                minute(gap.from),
                minute(gap.to),
                gap.missing.to_string(),
            ],
        )
    });
    table(&["series", "last row before", "first row after", "missing"], rows)
}

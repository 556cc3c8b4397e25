//! The engine's answers for people. Pure: a JSON answer in, lines out; what is missing is shown as a dash.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// `status`.
pub fn status(answer: &Value) -> String {
    let mut out = mode(answer);
    let lease = answer.get("lease").unwrap_or(&Value::Null);
    let _ = writeln!(
        out,
        "lease: {} (epoch {}, expires in {} s)   version {}",
        text(lease, "holder"),
        text(lease, "epoch"),
        text(lease, "expires_in_seconds"),
        text(answer, "version"),
    );
    let _ = writeln!(out, "last evaluation {}", text(answer, "last_evaluation"));
    let _ = writeln!(out, "last reconciliation {}", text(answer, "last_reconciliation"));
    for name in ["exposure", "limits"] {
        if let Some(Value::Object(fields)) = answer.get(name) {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key} {}", word(value)))
                .collect();
            let _ = writeln!(out, "{name}: {}", fields.join("   "));
        }
    }
    out.push_str(&hedges(answer));
    let columns = ["name", "ok", "age_seconds", "restarts"];
    for (name, title) in [("feeds", "FEED"), ("actors", "ACTOR")] {
        let rows = rows(answer, name);
        if !rows.is_empty() {
            let _ = write!(
                out,
                "\n{}",
                table(
                    &[title, "OK", "AGE s", "RESTARTS"],
                    rows.iter().map(|row| cells(row, &columns))
                )
            );
        }
    }
    out
}

fn hedges(answer: &Value) -> String {
    let hedges = rows(answer, "hedges");
    if hedges.is_empty() {
        return "\nno hedges\n".to_owned();
    }
    let line = |hedge: &Value| {
        let mut cells = cells(hedge, &["id", "symbol", "kind", "state"]);
        cells.push(rows(hedge, "legs").iter().map(leg).collect::<Vec<_>>().join(" | "));
        cells.extend(self::cells(
            hedge,
            &["net_delta", "funding_usd", "fees_usd", "net_usd", "opened_at"],
        ));
        cells
    };
    let head = [
        "HEDGE",
        "SYMBOL",
        "KIND",
        "STATE",
        "LEGS",
        "NET DELTA",
        "FUNDING $",
        "FEES $",
        "NET $",
        "OPENED",
    ];
    format!("\n{}", table(&head, hedges.iter().map(line)))
}

fn leg(leg: &Value) -> String {
    let parts = cells(
        leg,
        &["side", "filled", "quantity", "venue", "product", "average_price"],
    );
    match parts.as_slice() {
        [side, filled, quantity, venue, product, price] => {
            format!("{side} {filled}/{quantity} {venue} {product} @ {price}")
        }
        _ => String::new(),
    }
}

/// `pause` and `resume`: the mode and what keeps entries away.
pub fn mode(answer: &Value) -> String {
    let mut out = format!("mode: {}\n", text(answer, "mode"));
    for reason in rows(answer, "pause_reasons") {
        let (why, by, since) = (text(reason, "reason"), text(reason, "by"), text(reason, "since"));
        let _ = writeln!(out, "  {why} (by {by}, since {since})");
    }
    out
}

/// `close` and `close-all`.
pub fn job(answer: &Value) -> String {
    let job = answer.get("job").unwrap_or(&Value::Null);
    let exits = rows(job, "exits");
    // Only leaving everything stops entries, too.
    let paused = match job.get("pause_durable") {
        None => "",
        Some(Value::Bool(true)) => "entries are paused until `funding-arb resume`\n",
        Some(_) => "entries are paused, but that is not durable yet: ask again\n",
    };
    if exits.is_empty() {
        return format!("there is nothing to leave\n{paused}");
    }
    let exits = exits
        .iter()
        .map(|exit| format!("hedge {} (job {})", text(exit, "hedge"), text(exit, "id")));
    let exits = exits.collect::<Vec<_>>().join(", ");
    format!("leaving {exits}; `funding-arb status` shows how far it is\n{paused}")
}

/// `scan`: every pair, best first.
pub fn ranking(answer: &Value) -> String {
    let items = rows(answer, "items");
    if items.is_empty() {
        return "no pairs yet: the venues' instruments are not known\n".to_owned();
    }
    let columns = ["asset", "kind", "long", "short", "net_bps", "funding_bps", "costs_bps"];
    let line = |item: &Value| {
        let mut cells = cells(item, &columns);
        cells.push(break_even(item));
        cells.push(verdict(item));
        cells
    };
    let head = [
        "ASSET",
        "KIND",
        "LONG",
        "SHORT",
        "NET bps",
        "FUNDING",
        "COSTS",
        "BREAK-EVEN",
        "VERDICT",
    ];
    table(&head, items.iter().map(line))
}

/// `why`: what keeps everything away, then what keeps each pair away.
pub fn why(answer: &Value) -> String {
    let mut out = mode(answer);
    let items = rows(answer, "items");
    let open = items.iter().filter(|item| gate(item).is_none()).count();
    let _ = writeln!(out, "{} pairs, {open} may be entered", items.len());
    let mut gates: BTreeMap<&str, usize> = BTreeMap::new();
    for gate in items.iter().filter_map(gate) {
        *gates.entry(gate).or_default() += 1;
    }
    for (gate, count) in gates {
        let _ = writeln!(out, "  {count} stopped by {gate}");
    }
    let shown = if answer.get("symbol").is_some_and(Value::is_string) {
        items.len()
    } else {
        5
    };
    for item in items.iter().take(shown) {
        let (asset, long, short) = (text(item, "asset"), text(item, "long"), text(item, "short"));
        let _ = writeln!(out, "\n{asset}: long {long}, short {short}");
        let (net, funding, costs) = (
            text(item, "net_bps"),
            text(item, "funding_bps"),
            text(item, "costs_bps"),
        );
        let _ = writeln!(
            out,
            "  funding {funding} bps - costs {costs} bps = net {net} bps; break-even {}",
            break_even(item)
        );
        let _ = writeln!(out, "  {}", verdict(item));
        for shadow in rows(item, "would_have_earned") {
            let (gate, funding) = (text(shadow, "gate"), text(shadow, "funding_bps"));
            let (costs, net) = (text(shadow, "costs_bps"), text(shadow, "net_bps"));
            let _ = writeln!(
                out,
                "  this week, without {gate}: funding {funding} bps - costs {costs} bps = {net} bps"
            );
        }
    }
    out.push_str(&regret(rows(answer, "regret")));
    out
}

/// What each gate has cost by week, where it has cost anything.
fn regret(rows: &[Value]) -> String {
    let mut out = String::new();
    for one in rows
        .iter()
        .filter(|one| one.get("assets").is_some_and(|count| *count != 0))
    {
        let best = one.get("best").unwrap_or(&Value::Null);
        let _ = writeln!(
            out,
            "missed in the week of {} by {}: {} bps of a leg over {} of {} assets; most by long {}, short {}: {} bps",
            text(one, "week"),
            text(one, "gate"),
            text(one, "missed_bps"),
            text(one, "assets"),
            text(one, "stopped_assets"),
            text(best, "long"),
            text(best, "short"),
            text(best, "net_bps"),
        );
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// Whether a pair is of this asset or symbol.
pub fn is_about(item: &Value, symbol: &str) -> bool {
    let is_symbol = |leg: &str| {
        let id = text(item, leg);
        id.rsplit(':')
            .next()
            .is_some_and(|own| own.eq_ignore_ascii_case(symbol))
    };
    text(item, "asset").eq_ignore_ascii_case(symbol) || is_symbol("long") || is_symbol("short")
}

fn gate(item: &Value) -> Option<&str> {
    item.get("refused_by").and_then(Value::as_str)
}

fn verdict(item: &Value) -> String {
    match gate(item) {
        None => match item.get("held_back_because").and_then(Value::as_str) {
            Some(why) => format!("would be entered, but {}", word(&Value::from(why))),
            None => "may be entered".to_owned(),
        },
        Some(gate) => format!("{gate}: {}", text(item, "refused_because")),
    }
}

fn break_even(item: &Value) -> String {
    match item.get("break_even_hours") {
        Some(Value::Number(hours)) => format!("{hours} h"),
        _ if item.get("net_bps").is_some_and(Value::is_string) => "never".to_owned(),
        _ => "-".to_owned(),
    }
}

fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn cells(value: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text(value, name)).collect()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).map_or_else(|| "-".to_owned(), word)
}

/// A value as a word, without anything that would move a terminal's cursor.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "NO".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key} {}", word(value)))
                .collect();
            format!("({})", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Columns as wide as their widest cell.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows);
    let width = |column: usize| {
        let of = |line: &Vec<String>| line.get(column).map_or(0, |cell| cell.chars().count());
        lines.iter().map(of).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    lines.iter().fold(String::new(), |mut out, line| {
        let padded: Vec<_> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(padded.join("  ").trim_end());
        out.push('\n');
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items() -> Value {
        json!({ "symbol": null, "mode": "running", "pause_reasons": [], "items": [
            {
                "asset": "BTC", "kind": "cash_and_carry", "long": "binance:spot:BTCUSDT", "short": "binance:usdm:BTCUSDT",
                "net_bps": "12.5", "funding_bps": "40.1", "costs_bps": "27.6", "break_even_hours": 48,
                "refused_by": null, "refused_because": null
            },
            {
                "asset": "PEPE", "kind": "cross_venue", "long": "binance:usdm:1000PEPEUSDT", "short": "bybit:linear:1000PEPEUSDT",
                "net_bps": null, "funding_bps": null, "costs_bps": null, "break_even_hours": null,
                "refused_by": "missing", "refused_because": "no quote yet"
            }
        ]})
    }

    #[test]
    fn the_ranking_names_break_even_and_gate() {
        let expected = "\
ASSET  KIND            LONG                       SHORT                      NET bps  FUNDING  COSTS  BREAK-EVEN  VERDICT
BTC    cash_and_carry  binance:spot:BTCUSDT       binance:usdm:BTCUSDT       12.5     40.1     27.6   48 h        may be entered
PEPE   cross_venue     binance:usdm:1000PEPEUSDT  bybit:linear:1000PEPEUSDT  -        -        -      -           missing: no quote yet
";
        assert_eq!(ranking(&items()), expected);
        assert_eq!(
            ranking(&json!({ "items": [] })),
            "no pairs yet: the venues' instruments are not known\n"
        );
    }

    #[test]
    fn why_counts_the_gates_and_explains_the_best() {
        let expected = "\
mode: running
2 pairs, 1 may be entered
  1 stopped by missing

BTC: long binance:spot:BTCUSDT, short binance:usdm:BTCUSDT
  funding 40.1 bps - costs 27.6 bps = net 12.5 bps; break-even 48 h
  may be entered

PEPE: long binance:usdm:1000PEPEUSDT, short bybit:linear:1000PEPEUSDT
  funding - bps - costs - bps = net - bps; break-even -
  missing: no quote yet
";
        assert_eq!(why(&items()), expected);
    }

    #[test]
    fn a_pair_is_found_by_asset_and_by_symbol() {
        let all = items();
        let found = |name| rows(&all, "items").iter().filter(|item| is_about(item, name)).count();
        assert_eq!(
            (found("btc"), found("1000PEPEUSDT"), found("BT"), found("SOL")),
            (1, 1, 0, 0)
        );
    }

    #[test]
    fn status_shows_hedges_and_what_is_unwell() {
        let shown = status(&json!({
            "mode": "paused", "pause_reasons": [{ "reason": "lunch\u{1b}[2J", "by": "api", "since": "T" }],
            "hedges": [{
                "id": "17", "symbol": "BTCUSDT", "kind": "cash_and_carry", "state": "open", "net_delta": "0",
                "funding_usd": "1.5", "fees_usd": "0.7", "net_usd": "0.8", "opened_at": "T",
                "legs": [{ "venue": "binance", "product": "spot", "side": "buy", "quantity": "2", "filled": "2", "average_price": "5" }]
            }],
            "feeds": [{ "name": "binance.spot", "ok": false, "age_seconds": 31, "restarts": 2 }],
            "lease": null, "limits": { "max_position_usd": "100" }, "version": "0.1.0"
        }));
        for line in [
            "mode: paused\n  lunch?[2J (by api, since T)\n",
            "lease: - (epoch -, expires in - s)   version 0.1.0\n",
            "limits: max_position_usd 100\n",
            "17     BTCUSDT  cash_and_carry  open   buy 2/2 binance spot @ 5  0          1.5        0.7     0.8    T\n",
            "FEED          OK  AGE s  RESTARTS\nbinance.spot  NO  31     2\n",
        ] {
            assert!(shown.contains(line), "{line}\nis not in\n{shown}");
        }
        assert!(status(&json!({})).contains("no hedges"));
    }
}

//! A study as JSON. Decimals are text; counts, hours and seconds are numbers.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::json::{gap, seconds, text};
use super::{Effort, percent};
use crate::engine::{Closed, Sums};
use crate::measure::Measure;
use crate::rules::expected::Settings;
use crate::study::{Role, Row, Study};
use crate::sweep::{Fold, Point, splits, walk_forward};
use crate::tape::Tape;

/// The study, its own rule's hedges, and what the data lack.
pub fn study(study: &Study, tape: &Tape, effort: Effort) -> Value {
    let own = study.rows.iter().find(|row| row.role == Role::Own);
    let bound = study.rows.iter().find(|row| row.role == Role::Bound);
    let share = own.zip(bound).and_then(|(own, bound)| {
        let (own, bound) = (own.measure.sums.net().decimal(), bound.measure.sums.net().decimal());
        own.checked_div(bound)
    });
    json!({
        "from": tape.start.to_string(),
        "to": tape.time(tape.hours).to_string(),
        "hours": tape.hours,
        "symbols": tape.symbols.iter().map(|symbol| &symbol.name).collect::<Vec<_>>(),
        "unhedgeable": tape.unhedgeable().collect::<Vec<_>>(),
        "parameters": parameters(study),
        "result": own.map(|row| measure(&row.measure)),
        "share_of_bound": share.map(|share| text(share.round_dp(4))),
        "relaxed_bound": text(Decimal::new(study.relaxed_bound, 8)),
        "rules": study.rows.iter().map(row).collect::<Vec<_>>(),
        "hedges": own.map(|row| hedges(row, tape)),
        "equity": own.map(|row| equity(row, tape)),
        "gaps": tape.gaps.iter().map(gap).collect::<Vec<_>>(),
        "events": own.map_or(0, |row| row.outcome.events),
        "load_seconds": seconds(effort.load),
        "cpu_seconds": seconds(effort.cpu),
        "study_cpu_seconds": seconds(effort.study),
    })
}

/// What was asked for and what the own rule was set to.
pub(super) fn parameters(study: &Study) -> Value {
    let caps = json!({
        "capital_usd": study.caps.capital,
        "notional_usd": study.caps.notional,
        "hedges_at_once": study.caps.hedges,
        "priced": study.caps.priced,
        "funding_only": study.caps.funding_only,
        "recentre_percent": study.caps.recentre.map(|per_mille| text(Decimal::new(per_mille, 1))),
        "liquidate": study.caps.liquidate,
    });
    let mut all = settings(&study.settings);
    if let (Value::Object(all), Value::Object(caps)) = (&mut all, caps) {
        all.extend(caps);
    }
    all
}

/// What the own rule was set to.
fn settings(of: &Settings) -> Value {
    let Settings {
        quick_hours,
        slow_hours,
        quick_share,
        hold_hours,
        least_net,
        haircut,
        reentry_share,
        stay_hours,
        minimum_hold_hours,
        rotation,
        warm_settlements,
        cross,
        passive,
    } = *of;
    json!({
        "quick_half_life_hours": quick_hours,
        "slow_half_life_hours": slow_hours,
        "quick_share_percent": quick_share,
        "planned_hold_hours": hold_hours,
        "least_net_bps": text(Decimal::new(least_net, 6)),
        "haircut_percent_of_error": haircut,
        "reentry_share_percent": reentry_share,
        "stay_horizon_hours": stay_hours,
        "minimum_hold_hours": minimum_hold_hours,
        "rotation": rotation,
        "warm_up_settlements": warm_settlements,
        "cross_venue": cross,
        "passive_perpetuals": passive,
    })
}

fn sums(of: &Sums) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, amount) in [
        ("funding", of.funding),
        ("fees", of.fees),
        ("slippage", of.slippage),
        ("basis", of.basis),
        ("net", of.net()),
    ] {
        map.insert(name.to_owned(), text(amount.decimal()));
    }
    map
}

fn measure(of: &Measure) -> Value {
    let share = |value: Option<Decimal>| value.map(|value| text(percent(value)));
    let number = |value: Option<Decimal>| value.map(|value| text(value.round_dp(4)));
    let years = of
        .years
        .iter()
        .map(|(year, brought)| (year.to_string(), Value::Object(sums(brought))));
    let months = of.months.iter().map(|((year, month), net)| {
        let name = format!("{year:04}-{month:02}");
        (name, text(net.round_dp(8)))
    });
    let symbols = of.symbols.iter().map(|(name, (trades, brought))| {
        let mut map = sums(brought);
        map.insert("trades".to_owned(), json!(trades));
        (name.clone(), Value::Object(map))
    });
    let mut map = sums(&of.sums);
    let more = json!({
        "trades": of.trades,
        "winners": of.winners,
        "average_tied": text(of.average_tied.round_dp(2)),
        "net_on_average_tied_pct": share(of.net_on_average_tied),
        "annual_on_tied_pct": share(of.annual_on_tied),
        "annual_on_marked_tied_pct": share(of.annual_on_marked_tied),
        "annual_on_capital_pct": share(of.annual_on_capital),
        "sharpe": number(of.sharpe),
        "sortino": number(of.sortino),
        "max_drawdown": text(of.max_drawdown.round_dp(2)),
        "net_on_drawdown": number(of.net_on_drawdown),
        "hours_in_market": of.hours_in_market,
        "most_at_once": of.most_at_once,
        "liquidation_touches": of.liquidation_touches,
        "entries_missed": of.missed,
        "years": years.collect::<Map<_, _>>(),
        "months": months.collect::<Map<_, _>>(),
        "by_symbol": symbols.collect::<Map<_, _>>(),
    });
    if let Value::Object(more) = more {
        map.extend(more);
    }
    Value::Object(map)
}

fn row(row: &Row) -> Value {
    let mut value = measure(&row.measure);
    if let Value::Object(map) = &mut value {
        map.insert("name".to_owned(), json!(row.name));
        map.insert("source".to_owned(), json!(row.source));
        map.insert("role".to_owned(), json!(row.role.as_str()));
    }
    value
}

/// The hedges of a run, in the form that `--hedges` reads: priced again, they bring the same to the last digit.
pub fn hedges(row: &Row, tape: &Tape) -> Vec<Value> {
    row.outcome
        .closed
        .iter()
        .filter_map(|closed| hedge(closed, tape))
        .collect()
}

fn hedge(closed: &Closed, tape: &Tape) -> Option<Value> {
    let hedge = closed.hedge(tape)?;
    let mut map = sums(&closed.sums);
    let more = super::json::listed(&hedge);
    if let Value::Object(more) = more {
        map.extend(more);
    }
    map.insert("settlements".to_owned(), json!(closed.held.settlements));
    map.insert("hours".to_owned(), json!(closed.exit - closed.held.entry));
    let daily = |rate: Option<i64>| rate.map(|rate| text(Decimal::new(rate.saturating_mul(24), 6)));
    map.insert("expected_bps_per_day".to_owned(), json!(daily(closed.held.forecast)));
    map.insert("paid_bps_per_day".to_owned(), json!(daily(closed.paid_per_hour())));
    map.insert("closed_by".to_owned(), json!(closed.cause.as_str()));
    Some(Value::Object(map))
}

/// Marked profit and tied capital at each midnight.
fn equity(row: &Row, tape: &Tape) -> Vec<Value> {
    let days = row.outcome.days.iter().map(|day| {
        json!({
            "t": tape.time(day.hour).to_string(),
            "net": text(Decimal::new(day.sums.net().coarse(), 8).round_dp(2)),
            "tied": text(Decimal::new(day.tied, 8).round_dp(2)),
        })
    });
    days.collect()
}

/// A sweep: every setting with its marked profit and deepest fall at each New Year and at the end, and the walk forward.
pub fn swept(tape: &Tape, points: &[Point], effort: Effort) -> Value {
    let amount = |coarse: i64| text(Decimal::new(coarse, 8).round_dp(2));
    let ends = || splits(tape).into_iter().map(|(hour, _)| hour).chain([tape.hours]);
    let point = |point: &Point| {
        let at = ends().zip(&point.at_splits).map(|(hour, (net, fall))| {
            json!({"t": tape.time(hour).to_string(), "net": amount(*net), "max_drawdown": amount(*fall)})
        });
        json!({"settings": settings(&point.settings), "trades": point.trades, "at": at.collect::<Vec<_>>()})
    };
    let fold = |fold: &Fold| {
        json!({
            "year": fold.year,
            "chosen_before": settings(&fold.chosen),
            "net_before": amount(fold.before),
            "max_drawdown_before": amount(fold.fall),
            "net_in_year": amount(fold.judged),
        })
    };
    json!({
        "points": points.iter().map(point).collect::<Vec<_>>(),
        "walk_forward": walk_forward(tape, points).iter().map(fold).collect::<Vec<_>>(),
        "load_seconds": seconds(effort.load),
        "cpu_seconds": seconds(effort.study),
    })
}

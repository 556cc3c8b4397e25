//! Results as JSON. Decimals are text, times ISO 8601 in UTC; only counts and seconds are numbers.

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::{Effort, PricedList};
use crate::costs;
use crate::hedges::{Hedge, Leg, Size};
use crate::price::{Attribution, Fill, MarkSource, Payment, Priced, PricedGap};

/// A list of priced hedges.
pub fn priced(list: &PricedList, effort: Effort) -> Value {
    let mut gaps: Vec<&PricedGap> = list.hedges.iter().flat_map(|priced| &priced.gaps).collect();
    gaps.sort();
    gaps.dedup();
    let failed = list
        .failed
        .iter()
        .map(|(index, id, why)| json!({"index": index, "id": id, "error": why}));
    json!({
        "hedges": list.hedges.iter().map(hedge).collect::<Vec<_>>(),
        "total": attribution(&list.total()),
        "gaps": gaps.into_iter().map(gap).collect::<Vec<_>>(),
        "errors": failed.collect::<Vec<_>>(),
        "events": list.events(),
        "load_seconds": seconds(effort.load),
        "cpu_seconds": seconds(effort.cpu),
    })
}

/// A decimal without trailing zeros, as text.
pub(super) fn text(value: Decimal) -> Value {
    Value::String(value.normalize().to_string())
}

/// Seconds as a number.
pub(super) fn seconds(time: Duration) -> Value {
    Number::from_f64(time.as_secs_f64()).map_or(Value::Null, Value::Number)
}

fn attribution(of: &Attribution) -> Value {
    json!({
        "funding": text(of.funding),
        "fees": text(of.fees),
        "slippage": text(of.slippage),
        "basis": text(of.basis),
        "net": text(of.net()),
    })
}

/// A hedge in the form that a list of hedges has, with who took liquidity.
pub(super) fn listed(of: &Hedge) -> Value {
    let (quantity, fixed) = match of.size {
        Size::Quantity(quantity) => (Some(text(quantity)), None),
        Size::FixedNotional(notional) => (None, Some(text(notional))),
    };
    let fill = |leg: &Leg, what: &str, liquidity| {
        let fee = costs::fee(leg.market.venue, leg.market.product, liquidity);
        json!({"leg": leg.market.to_string(), "what": what, "fee_bps": text(fee.bps())})
    };
    json!({
        "symbol": of.symbol,
        "long": of.long.market.to_string(),
        "short": of.short.market.to_string(),
        "quantity": quantity,
        "fixed_notional": fixed,
        "entry": of.entry.to_string(),
        "exit": of.exit.to_string(),
        "fills": [
            fill(&of.long, "entry", of.long.entry),
            fill(&of.long, "exit", of.long.exit),
            fill(&of.short, "entry", of.short.entry),
            fill(&of.short, "exit", of.short.exit),
        ],
    })
}

fn hedge(priced: &Priced) -> Value {
    let of = &priced.hedge;
    let mut value = listed(of);
    let more = json!({
        "settlements": priced.payments.len(),
        "entry_notional_larger_leg": text(priced.entry_notional().round_dp(2)),
        "capital_tied": text(priced.capital_tied().round_dp(2)),
        "fills": priced.fills.iter().map(fill).collect::<Vec<_>>(),
        "payments": priced.payments.iter().map(payment).collect::<Vec<_>>(),
        "gaps": priced.gaps.iter().map(gap).collect::<Vec<_>>(),
        "rates_beyond_cap": priced.beyond_cap.iter().map(payment).collect::<Vec<_>>(),
    });
    if let (Value::Object(fields), Value::Object(more), Value::Object(sums)) =
        (&mut value, more, attribution(&priced.total))
    {
        fields.extend(more);
        fields.extend(sums);
        if let Some(id) = &of.id {
            fields.insert("id".to_owned(), Value::String(id.clone()));
        }
    }
    value
}

fn fill(fill: &Fill) -> Value {
    json!({
        "leg": fill.market.to_string(),
        "action": if fill.buy { "buy" } else { "sell" },
        "what": if fill.entry { "entry" } else { "exit" },
        "bar_open": fill.at.to_string(),
        "open": fill.open.map(text),
        "slip_bps": text(fill.slip.bps()),
        "value": text(fill.value),
        "fee_bps": text(fill.fee_rate.bps()),
        "fee": text(fill.fee),
        "slippage": text(fill.slippage),
    })
}

fn payment(payment: &Payment) -> Value {
    json!({
        "t": payment.at.to_string(),
        "venue": payment.venue.as_str(),
        "side": if payment.long { "long" } else { "short" },
        "interval_hours": payment.interval_hours,
        "rate": text(payment.rate),
        "mark": payment.mark.map(text),
        "mark_source": match payment.mark_source {
            MarkSource::FundingFile => "funding file",
            MarkSource::MarkBar => "mark bar open",
            MarkSource::PerpBar => "perp bar open",
            MarkSource::FixedNotional => "fixed notional",
        },
        "cash": text(payment.cash),
    })
}

/// A gap and the market that it is in.
pub(super) fn gap(of: &PricedGap) -> Value {
    json!({
        "venue": of.series.venue.as_str(),
        "series": of.series.kind.as_str(),
        "symbol": of.series.symbol,
        "from": of.gap.from.to_string(),
        "to": of.gap.to.to_string(),
        "missing": of.gap.missing,
    })
}

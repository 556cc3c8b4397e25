//! A few true numbers in Prometheus' text form.

use std::fmt::Write as _;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::State;
use super::answer::whole;
use super::open::Health;
use super::read::whole_status;

/// Metric, its kind, its meaning, and its place in the status.
const FROM_STATUS: [(&str, &str, &str, &str); 10] = [
    ("orders", "gauge", "Orders that this process knows of.", "orders"),
    ("fills", "gauge", "Executions that this process knows of.", "fills"),
    (
        "funding_payments",
        "gauge",
        "Funding payments that this process knows of.",
        "funding_payments",
    ),
    (
        "hedges_closed",
        "gauge",
        "Closed hedges that this process knows of.",
        "hedges_closed",
    ),
    ("fees_usd", "gauge", "Fees of all hedges known, in USD.", "fees_usd"),
    (
        "funding_usd",
        "gauge",
        "Funding of all hedges known, in USD; positive when received.",
        "funding_usd",
    ),
    (
        "max_naked_seconds",
        "gauge",
        "Longest time that a hedge stood on one leg.",
        "max_naked_seconds",
    ),
    (
        "reconciliations_total",
        "counter",
        "Reconciliations of this process.",
        "reconciliations",
    ),
    (
        "inconsistencies_total",
        "counter",
        "Differences that reconciliations have found.",
        "inconsistencies",
    ),
    (
        "feed_restarts_total",
        "counter",
        "Feeds that were rebuilt.",
        "feed_restarts",
    ),
];

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP funding_arb_{name} {help}\n# TYPE funding_arb_{name} {kind}"
        );
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: &str) {
        let _ = match label {
            None => writeln!(self.0, "funding_arb_{name} {value}"),
            Some((key, text)) => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                writeln!(self.0, "funding_arb_{name}{{{key}=\"{text}\"}} {value}")
            }
        };
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: &str) {
        self.family(name, kind, help);
        self.sample(name, None, value);
    }
}

fn bit(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}

/// A number as it stands in the status, which writes decimals as text.
fn number(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.parse::<rust_decimal::Decimal>().is_ok() => Some(text.clone()),
        _ => None,
    }
}

fn from_health(text: &mut Text, health: &Health) {
    text.single("healthy", "gauge", "1 when every check holds.", bit(health.ok));
    text.family("mode", "gauge", "1 for the mode that the engine is in.");
    text.sample("mode", Some(("mode", &health.mode)), "1");
    text.family("check_ok", "gauge", "1 when this check holds.");
    for check in &health.checks {
        text.sample("check_ok", Some(("check", &check.name)), bit(check.ok));
    }
    text.family("check_age_seconds", "gauge", "Seconds since this last happened.");
    for check in &health.checks {
        text.sample(
            "check_age_seconds",
            Some(("check", &check.name)),
            &check.age.as_secs().to_string(),
        );
    }
}

fn from_status(text: &mut Text, status: &Value) {
    for (name, kind, help, place) in FROM_STATUS {
        if let Some(value) = number(status.get(place)) {
            text.single(name, kind, help, &value);
        }
    }
    if let Some(hedges) = status.get("hedges").and_then(Value::as_array) {
        text.single(
            "hedges_held",
            "gauge",
            "Hedges that are not closed.",
            &hedges.len().to_string(),
        );
    }
    if let Some(reasons) = status.get("pause_reasons").and_then(Value::as_array) {
        text.single(
            "pause_reasons",
            "gauge",
            "Reasons that stop entries.",
            &reasons.len().to_string(),
        );
    }
    if let Some(total) = number(status.pointer("/exposure/total_usd")) {
        text.single(
            "exposure_usd",
            "gauge",
            "Worst-case notional of all hedges, in USD.",
            &total,
        );
    }
    if let Some(left_out) = number(status.pointer("/scanner/left_out")) {
        text.single(
            "messages_left_out_total",
            "counter",
            "Messages and rows of public market data that could not be read.",
            &left_out,
        );
    }
    if let Some(epoch) = number(status.pointer("/lease/epoch")) {
        text.single("lease_epoch", "gauge", "The epoch of the lease that is held.", &epoch);
    }
}

/// `GET /metrics`.
pub async fn metrics(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let now = state.clock.read().machine;
    let answered = async {
        if !state.metrics_open {
            state.auth.read(&request, now)?;
        }
        let mut text = Text(String::new());
        text.family("build_info", "gauge", "1, labelled with the version.");
        text.sample("build_info", Some(("version", &state.version)), "1");
        text.single(
            "uptime_seconds",
            "gauge",
            "Seconds since the process began.",
            &now.0.as_secs().to_string(),
        );
        from_health(&mut text, &Health::read(&state.health, now));
        let status = whole_status(&state).await;
        text.single(
            "status_answered",
            "gauge",
            "1 when the engine answered in time.",
            bit(status.is_some()),
        );
        if let Some(status) = status {
            from_status(&mut text, &status);
        }
        Ok(HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text.0))
    };
    whole(answered.await)
}

//! What is answered to everybody: whether we are well, and nothing else.

use actix_web::{HttpResponse, web};
use actors::health::{CheckResult, HealthBoard};
use domain::time::Machine;
use serde_json::{Map, Value, json};

use super::State;

/// Checks without which nothing is well: an engine that has not heard from all of them yet is not ready.
const REQUIRED: [&str; 7] = [
    "executor",
    "lease",
    "ledger_writer",
    "position_keeper",
    "reconciliation",
    "scanner",
    "strategist",
];

/// What the board says now.
pub struct Health {
    /// Whether all is well.
    pub ok: bool,
    /// The mode.
    pub mode: String,
    /// Each check.
    pub checks: Vec<CheckResult>,
}

impl Health {
    /// Reads the board. Nobody is asked.
    pub fn read(board: &HealthBoard, now: Machine) -> Self {
        let (mode, checks) = (board.mode(), board.read(now));
        let heard = |name: &&str| checks.iter().any(|check| check.name == **name);
        let complete = match mode.as_str() {
            "running" | "paused" => REQUIRED.iter().all(heard),
            // Openly waiting for the lease.
            // Or openly a mirror of the ledger.
            "standby" | "dashboard" => !checks.is_empty(),
            // It ranks, and what it finds is heard.
            "scanner" => ["publisher", "scanner"].iter().all(heard),
            _ => false,
        };
        let ok = complete && checks.iter().all(|check| check.ok);
        Self { ok, mode, checks }
    }
}

/// 200 when all is well, else 503.
pub async fn health(state: web::Data<State>) -> HttpResponse {
    let now = state.clock.read().machine;
    let health = Health::read(&state.health, now);
    let line = |check: &CheckResult| {
        (
            check.name.clone(),
            json!({ "ok": check.ok, "age_seconds": check.age.as_secs() }),
        )
    };
    let checks: Map<String, Value> = health.checks.iter().map(line).collect();
    let mut answer = if health.ok {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(json!({
        "status": if health.ok { "ok" } else { "unhealthy" },
        "mode": health.mode,
        "uptime_seconds": now.0.as_secs(),
        "checks": checks,
    }))
}

/// The process answers.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// 200 when it leads or stands by and all is well, else 503 with what is not. For platforms that send work, or take it
/// away: never a reason to end the process.
pub async fn readyz(state: web::Data<State>) -> HttpResponse {
    let health = Health::read(&state.health, state.clock.read().machine);
    let failing: Vec<&str> = health
        .checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| check.name.as_str())
        .collect();
    let mut answer = if health.ok {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    answer.json(json!({ "ready": health.ok, "mode": health.mode, "failing": failing }))
}

/// What the doors promise, for programs.
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(include_str!("../../docs/openapi.json"))
}

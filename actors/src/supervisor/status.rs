//! The one picture of everything that `/status` answers.

use serde_json::{Map, Value, json};

use super::Supervisor;

impl Supervisor {
    /// What the supervisor itself knows.
    pub(super) fn own_status(&self) -> Value {
        let now = self.clock.now();
        let age = |at| now.machine.since(at).as_secs();
        let (mut feeds, mut actors) = (Vec::new(), Vec::new());
        for (name, branch) in &self.tree {
            let ok = now.machine.since(branch.last) <= self.bound(name);
            match branch.feed_of {
                Some(venue) => feeds.push(json!({
                    "name": name, "venue": venue.as_str(), "product": name.split_once('.').map(|(_, product)| product),
                    "ok": ok && !branch.degraded, "age_seconds": age(branch.last), "generation": branch.generation, "restarts": branch.restarts,
                })),
                None => actors.push(json!({ "name": name, "ok": ok, "age_seconds": age(branch.last), "restarts": branch.restarts })),
            }
        }
        let reasons = self.pauses.iter().map(|reason| {
            let (since, by) = self.paused_since.get(&reason.key()).cloned().unwrap_or_default();
            json!({ "reason": reason.to_string(), "key": reason.key(), "by": by, "since": since.to_string() })
        });
        let limits = &self.settings.limits;
        json!({
            "mode": self.shown_mode(),
            "pause_reasons": reasons.collect::<Vec<_>>(),
            "feeds": feeds,
            "actors": actors,
            "feed_restarts": self.feed_restarts,
            "lease": self.lease.map(|held| json!({
                "holder": self.settings.holder, "epoch": held.epoch.0, "expires_in_seconds": held.until.since(now.machine).as_secs(),
            })),
            "limits": {
                "min_spread_bps": limits.min_spread.to_string(),
                "max_position_usd": limits.max_position.to_string(),
                "max_venue_usd": limits.max_venue.to_string(),
                "max_total_usd": limits.max_total.to_string(),
                "max_daily_loss_usd": limits.max_daily_loss.to_string(),
                "max_slippage_bps": limits.max_slippage.to_string(),
            },
            "last_evaluation": self.last_evaluation.map(|at| at.to_string()),
            "now": now.market.to_string(),
        })
    }
}

/// Adds what the others said: the keeper's answer field by field, the rest under their names.
pub(super) fn merge(own: Value, keeper: Value, scanner: Value, strategist: Value, executor: Value) -> Value {
    let mut whole = Map::new();
    for part in [own, keeper] {
        if let Value::Object(fields) = part {
            whole.extend(fields);
        }
    }
    whole.insert("scanner".to_owned(), scanner);
    whole.insert("strategist".to_owned(), strategist);
    whole.insert("executor".to_owned(), executor);
    Value::Object(whole)
}

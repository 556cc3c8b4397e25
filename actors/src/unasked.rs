//! What people are told unasked: once a UTC day how it goes, and every half hour what still waits for a person.
//!
//! The day is reported by the process that leads at midnight, so never twice. A reminder comes while a pause lasts that only
//! a person can end, or while a hedge stands one-legged; `resume`, or the end of the cause, is how it is acknowledged.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::ports::Clock;
use domain::time::{Machine, Now};
use serde_json::Value;

use crate::messages::Observe;

/// How long something may wait for a person before people are told again.
pub const REMIND_AFTER: Duration = Duration::from_mins(30);
/// Between two looks for what waits.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Pauses that wait for a person, by their keys, and as what people know them.
const WAITING: [(&str, AlertName); 2] = [
    ("inconsistent", AlertName::Inconsistency),
    ("one_legged", AlertName::HedgeOneLegged),
];

/// What is due at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    day_is_over: bool,
    looks: bool,
}

impl Due {
    /// Whether nobody need be asked.
    pub const fn is_nothing(self) -> bool {
        !self.day_is_over && !self.looks
    }
}

/// Remembers what people were told unasked.
pub struct Unasked {
    status: Recipient<Observe>,
    clock: Rc<dyn Clock>,
    /// Days since 1970 in UTC; `None` before this process led.
    day: Option<i64>,
    looked: Machine,
    /// What waits, and since when or when people were last reminded of it.
    waiting: BTreeMap<&'static str, Machine>,
}

impl Unasked {
    /// Nothing was told yet.
    pub fn new(status: Recipient<Observe>, clock: Rc<dyn Clock>) -> Self {
        Self {
            status,
            clock,
            day: None,
            looked: Machine::default(),
            waiting: BTreeMap::new(),
        }
    }

    /// Who knows how it goes.
    pub fn status(&self) -> Recipient<Observe> {
        self.status.clone()
    }

    /// What is due now. Ask only in a process that leads.
    pub fn due(&mut self) -> (Now, Due) {
        let now = self.clock.now();
        let today = now.market.millis().div_euclid(DAY_MS);
        let day_is_over = self.day.replace(today).is_some_and(|day| day < today);
        let looks = now.machine.since(self.looked) >= LOOK_EVERY;
        if looks {
            self.looked = now.machine;
        }
        (now, Due { day_is_over, looks })
    }

    /// What to tell, by this status.
    pub fn alerts(&mut self, status: &Value, now: Now, due: Due) -> Vec<Alert> {
        let mut alerts = Vec::new();
        if due.day_is_over {
            let day: String = now.market.plus_millis(-DAY_MS).to_string().chars().take(10).collect();
            alerts.push(Alert::new(AlertName::DailyReport, &day, report(status)));
        }
        if due.looks {
            self.remind(status, now.machine, &mut alerts);
        }
        alerts
    }

    fn remind(&mut self, status: &Value, now: Machine, alerts: &mut Vec<Alert>) {
        let reasons = status
            .get("pause_reasons")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (key, name) in WAITING {
            let Some(reason) = reasons
                .iter()
                .find(|reason| reason.get("key").and_then(Value::as_str) == Some(key))
            else {
                self.waiting.remove(key);
                continue;
            };
            let since = self.waiting.entry(key).or_insert(now);
            if now.since(*since) < REMIND_AFTER {
                continue;
            }
            *since = now;
            let text = format!(
                "Still so, since {}: {}. Entries wait. Look at the status; `resume` ends the reminders of what only a person can end.",
                word(reason, "since"),
                word(reason, "reason"),
            );
            alerts.push(Alert::new(name, "reminder", text));
        }
    }
}

/// The report: the mode, what is held, what was earned.
fn report(status: &Value) -> String {
    let count = |key: &str| status.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    format!(
        "The day is over. Mode {}, {} reasons that stop entries. Hedges held {}, closed {} since the process began. Funding {} \
         USD, fees {} USD of all hedges known. Reconciliations {}, differences {}.{}",
        word(status, "mode"),
        count("pause_reasons"),
        count("hedges"),
        word(status, "hedges_closed"),
        word(status, "funding_usd"),
        word(status, "fees_usd"),
        word(status, "reconciliations"),
        word(status, "inconsistencies"),
        missed(status),
    )
}

/// What the gates have cost in the newest week that is known, the three dearest.
fn missed(status: &Value) -> String {
    let all = status.pointer("/scanner/regret").and_then(Value::as_array);
    let all = all.map_or(&[][..], Vec::as_slice);
    let Some(week) = all.first().map(|one| word(one, "week")) else {
        return String::new();
    };
    let of_week = all.iter().filter(|one| word(one, "week") == week);
    let told: Vec<_> = of_week
        .filter(|one| one.get("assets").is_some_and(|count| *count != 0))
        .take(3)
        .map(|one| format!("{} {} bps", word(one, "gate"), word(one, "missed_bps")))
        .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(
        " Missed in the week of {week}, by gate, of one leg: {}.",
        told.join(", ")
    )
}

fn word(of: &Value, key: &str) -> String {
    match of.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "unknown".to_owned(),
    }
}

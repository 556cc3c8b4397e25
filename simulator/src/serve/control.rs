//! `/sim/*`: what a test does to the world. Not part of any venue.

use serde::Deserialize;
use serde_json::json;

use super::Twin;
use crate::exchange::MarketOverride;
use crate::faults::parse_rules;
use crate::market::Ms;
use crate::wire::{HttpReply, HttpRequest};

/// Longest leap of the clock at once: a year.
const LONGEST_LEAP_S: i64 = 366 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    advance_s: i64,
}

impl Twin {
    /// Answers a `/sim/*` call.
    pub(super) fn control(&self, request: &HttpRequest) -> HttpReply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/sim/truth") => HttpReply::json(200, self.truth().to_string()),
            ("GET", "/sim/faults") => HttpReply::json(200, self.faults().to_string()),
            ("POST", "/sim/faults") => self.post_faults(&request.body),
            ("DELETE", "/sim/faults") => {
                self.clear_faults();
                HttpReply::json(200, json!({ "rules": [] }).to_string())
            }
            ("POST", "/sim/clock") => self.post_clock(&request.body),
            ("POST", "/sim/market") => self.post_market(&request.body),
            (_, "/sim/truth" | "/sim/faults" | "/sim/clock" | "/sim/market") => refuse(405, "wrong method"),
            _ => refuse(404, "there are /sim/truth, /sim/faults, /sim/clock and /sim/market"),
        }
    }

    fn post_faults(&self, body: &str) -> HttpReply {
        match parse_rules(body).and_then(|rules| self.inject(rules)) {
            Ok(()) => HttpReply::json(200, self.faults().to_string()),
            Err(error) => refuse(400, &error.to_string()),
        }
    }

    fn post_clock(&self, body: &str) -> HttpReply {
        match serde_json::from_str::<Clock>(body) {
            Ok(Clock { advance_s }) if (0..=LONGEST_LEAP_S).contains(&advance_s) => {
                self.advance_clock(advance_s * 1_000);
                let now: Ms = self.now();
                HttpReply::json(200, json!({ "now": now }).to_string())
            }
            Ok(_) => refuse(400, &format!("advance_s must be 0 to {LONGEST_LEAP_S}")),
            Err(error) => refuse(400, &error.to_string()),
        }
    }

    fn post_market(&self, body: &str) -> HttpReply {
        let hand = match serde_json::from_str::<MarketOverride>(body) {
            Ok(hand) => hand,
            Err(error) => return refuse(400, &error.to_string()),
        };
        match self.override_market(&hand) {
            Ok(()) => HttpReply::json(200, json!({ "ok": true }).to_string()),
            Err(error) => refuse(400, &error.to_string()),
        }
    }
}

fn refuse(status: u16, message: &str) -> HttpReply {
    HttpReply::json(status, json!({ "error": message }).to_string())
}

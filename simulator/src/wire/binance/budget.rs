//! Rate budgets: request weight per minute, orders per account, and what happens to who ignores them.

use std::collections::BTreeMap;

use crate::exchange::AccountId;
use crate::market::Ms;
use crate::wire::HttpReply;

use super::codes::{self, Refusal};

const MINUTE_MS: Ms = 60_000;
/// Requests sent against a 429 in one minute before the address is banned.
const PATIENCE: u32 = 50;
/// First ban, ms. Each later one is twice as long, up to three days.
const FIRST_BAN_MS: Ms = 120_000;
const LONGEST_BAN_MS: Ms = 259_200_000;

/// One counter of orders: so many per so long.
#[derive(Clone, Copy, Debug)]
pub struct OrderLimit {
    /// `SECOND`, `MINUTE` or `DAY`.
    pub interval: &'static str,
    /// How many of them.
    pub interval_num: u32,
    /// Orders allowed in that time.
    pub limit: u32,
    /// Length, ms.
    pub span_ms: Ms,
    /// Response header that carries the count.
    pub header: &'static str,
}

/// The limits of one host.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Request weight per minute and address.
    pub weight: u32,
    /// Order counters per account.
    pub orders: [OrderLimit; 2],
}

/// Spot limits.
pub const SPOT: Limits = Limits {
    weight: 6_000,
    orders: [
        OrderLimit {
            interval: "SECOND",
            interval_num: 10,
            limit: 50,
            span_ms: 10_000,
            header: "x-mbx-order-count-10s",
        },
        OrderLimit {
            interval: "DAY",
            interval_num: 1,
            limit: 160_000,
            span_ms: 86_400_000,
            header: "x-mbx-order-count-1d",
        },
    ],
};

/// USDⓈ-M limits.
pub const USDM: Limits = Limits {
    weight: 2_400,
    orders: [
        OrderLimit {
            interval: "SECOND",
            interval_num: 10,
            limit: 300,
            span_ms: 10_000,
            header: "x-mbx-order-count-10s",
        },
        OrderLimit {
            interval: "MINUTE",
            interval_num: 1,
            limit: 1_200,
            span_ms: 60_000,
            header: "x-mbx-order-count-1m",
        },
    ],
};

impl Limits {
    /// The `rateLimits` array of exchangeInfo.
    pub fn describe(&self, raw_requests: bool) -> String {
        let mut rows = vec![format!(
            r#"{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{}}}"#,
            self.weight
        )];
        for order in &self.orders {
            rows.push(format!(
                r#"{{"rateLimitType":"ORDERS","interval":"{}","intervalNum":{},"limit":{}}}"#,
                order.interval, order.interval_num, order.limit
            ));
        }
        if raw_requests {
            rows.push(
                r#"{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":300000}"#.to_owned(),
            );
        }
        format!("[{}]", rows.join(","))
    }
}

/// A count within one fixed window.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    window: i64,
    count: u32,
}

impl Counter {
    fn at(&mut self, window: i64) -> &mut u32 {
        if self.window != window {
            *self = Self { window, count: 0 };
        }
        &mut self.count
    }
}

/// What has been used, at one host.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    weight: Counter,
    refused: Counter,
    orders: BTreeMap<AccountId, [Counter; 2]>,
    banned_until: Ms,
    ban_ms: Ms,
}

impl Budget {
    /// Nothing used.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            weight: Counter { window: 0, count: 0 },
            refused: Counter { window: 0, count: 0 },
            orders: BTreeMap::new(),
            banned_until: 0,
            ban_ms: FIRST_BAN_MS,
        }
    }

    /// The limits it enforces.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Charges a request before it is served; 429 over the limit, 418 while banned.
    pub fn charge(&mut self, weight: u32, now: Ms) -> Result<(), Refusal> {
        let minute = now.div_euclid(MINUTE_MS);
        if now < self.banned_until {
            return Err(banned(self.banned_until));
        }
        let limit = self.limits.weight;
        let used = self.weight.at(minute);
        *used = used.saturating_add(weight);
        if *used <= limit {
            return Ok(());
        }
        let refused = self.refused.at(minute);
        *refused += 1;
        if *refused <= PATIENCE {
            return Err(codes::TOO_MANY_REQUESTS);
        }
        self.banned_until = now + self.ban_ms;
        self.ban_ms = (self.ban_ms * 2).min(LONGEST_BAN_MS);
        Err(banned(self.banned_until))
    }

    /// Gives back what a successful spot order does not cost.
    pub fn refund(&mut self, weight: u32, now: Ms) {
        let used = self.weight.at(now.div_euclid(MINUTE_MS));
        *used = used.saturating_sub(weight);
    }

    /// Weight used in the current minute.
    pub fn used(&mut self, now: Ms) -> u32 {
        *self.weight.at(now.div_euclid(MINUTE_MS))
    }

    /// Counts one order of an account; -1015 over a limit.
    pub fn count_order(&mut self, account: AccountId, now: Ms) -> Result<(), Refusal> {
        let counters = self.orders.entry(account).or_default();
        for (counter, limit) in counters.iter_mut().zip(&self.limits.orders) {
            if *counter.at(now.div_euclid(limit.span_ms)) >= limit.limit {
                return Err(codes::TOO_MANY_ORDERS);
            }
        }
        for (counter, limit) in counters.iter_mut().zip(&self.limits.orders) {
            *counter.at(now.div_euclid(limit.span_ms)) += 1;
        }
        Ok(())
    }

    /// Orders counted in each window.
    pub fn order_counts(&mut self, account: AccountId, now: Ms) -> [u32; 2] {
        let mut counts = [0; 2];
        let counters = self.orders.entry(account).or_default();
        for ((count, counter), limit) in counts.iter_mut().zip(counters).zip(&self.limits.orders) {
            *count = *counter.at(now.div_euclid(limit.span_ms));
        }
        counts
    }

    /// Adds the headers that every answer carries, and the wait to a refusal for weight.
    pub fn stamp(&mut self, mut reply: HttpReply, spot: bool, ordering: Option<AccountId>, now: Ms) -> HttpReply {
        let used = self.used(now).to_string();
        if spot {
            reply = reply.with_header("x-mbx-used-weight", used.clone());
        }
        reply = reply.with_header("x-mbx-used-weight-1m", used);
        if let Some(account) = ordering {
            let counts = self.order_counts(account, now);
            for (limit, count) in self.limits.orders.iter().zip(counts) {
                reply = reply.with_header(limit.header, count.to_string());
            }
        }
        let wait_ms = match reply.status {
            418 => self.banned_until - now,
            429 => MINUTE_MS - now.rem_euclid(MINUTE_MS),
            _ => return reply,
        };
        reply.with_header("retry-after", (wait_ms.max(0) / 1_000 + 1).to_string())
    }
}

fn banned(until: Ms) -> Refusal {
    let msg = format!(
        "Way too many requests; IP banned until {until}. Please use the websocket for live updates to avoid bans."
    );
    Refusal::worded(-1003, msg).with_status(418)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_weight_comes_429_and_then_418() {
        let mut budget = Budget::new(USDM);
        assert_eq!(budget.charge(2_400, 0), Ok(()));
        assert_eq!(budget.charge(1, 1).unwrap_err().status, 429);
        for _ in 1..PATIENCE {
            assert_eq!(budget.charge(1, 1).unwrap_err().status, 429);
        }
        assert_eq!(budget.charge(1, 1).unwrap_err().status, 418);
        assert_eq!(budget.charge(1, 70_000).unwrap_err().status, 418);
        assert_eq!(budget.charge(1, 130_000), Ok(()));
    }

    #[test]
    fn orders_are_counted_per_account_and_window() {
        let mut budget = Budget::new(SPOT);
        for _ in 0..50 {
            assert_eq!(budget.count_order(AccountId(0), 5), Ok(()));
        }
        assert_eq!(budget.count_order(AccountId(0), 5), Err(codes::TOO_MANY_ORDERS));
        assert_eq!(budget.count_order(AccountId(1), 5), Ok(()));
        assert_eq!(budget.count_order(AccountId(0), 10_000), Ok(()));
        assert_eq!(budget.order_counts(AccountId(0), 10_000), [1, 51]);
    }

    #[test]
    fn headers_tell_what_was_used() {
        let mut budget = Budget::new(SPOT);
        budget.charge(20, 0).unwrap();
        let reply = budget.stamp(HttpReply::json(200, "{}"), true, Some(AccountId(0)), 0);
        let names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "x-mbx-used-weight",
                "x-mbx-used-weight-1m",
                "x-mbx-order-count-10s",
                "x-mbx-order-count-1d"
            ]
        );
        assert_eq!(reply.headers[0].1, "20");
    }
}

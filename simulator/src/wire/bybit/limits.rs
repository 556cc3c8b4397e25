//! Budgets: calls per account and second on each endpoint, calls per address over everything.

use std::collections::BTreeMap;

use super::params::Category;
use crate::market::Ms;

/// Calls from one address in a window of [`ADDRESS_WINDOW_MS`].
const ADDRESS_CALLS: u32 = 600;
/// The window of the address budget.
const ADDRESS_WINDOW_MS: Ms = 5_000;
/// Sockets that one address may open in [`SOCKETS_WINDOW_MS`].
const MOST_SOCKETS: u32 = 500;
/// The window of new sockets.
const SOCKETS_WINDOW_MS: Ms = 300_000;
/// How long an address stays shut out once it went over.
const SHUT_OUT_MS: Ms = 600_000;
/// The window of an endpoint's budget.
const SECOND_MS: Ms = 1_000;

/// What the headers of an answer say about its endpoint's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// `X-Bapi-Limit`.
    pub limit: u32,
    /// `X-Bapi-Limit-Status`: calls left in this second.
    pub left: u32,
    /// `X-Bapi-Limit-Reset-Timestamp`.
    pub resets_ms: Ms,
    /// Whether this call was one too many.
    pub exceeded: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: Ms,
    used: u32,
}

impl Window {
    fn take(&mut self, now: Ms, length: Ms) -> u32 {
        let began = now - now.rem_euclid(length);
        if began != self.began {
            *self = Self { began, used: 0 };
        }
        self.used = self.used.saturating_add(1);
        self.used
    }
}

/// All counters. Windows are stretched by the clock's speed: a client on a wall clock has the venue's own budget.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    address: Window,
    sockets: Window,
    shut_until: Ms,
    endpoints: BTreeMap<(String, &'static str), Window>,
}

impl Limits {
    /// Counts a call from the address. `false`: the address is shut out (HTTP 403).
    pub fn admit(&mut self, now: Ms, speed: i64) -> bool {
        if now < self.shut_until {
            return false;
        }
        let speed = speed.max(1);
        if self.address.take(now, ADDRESS_WINDOW_MS.saturating_mul(speed)) <= ADDRESS_CALLS {
            return true;
        }
        self.shut_until = now.saturating_add(SHUT_OUT_MS.saturating_mul(speed));
        false
    }

    /// Counts a new socket. `false`: one too many (HTTP 403).
    pub fn admit_socket(&mut self, now: Ms, speed: i64) -> bool {
        self.sockets.take(now, SOCKETS_WINDOW_MS.saturating_mul(speed.max(1))) <= MOST_SOCKETS
    }

    /// Counts a call of `account` against `path`; `None` for a path without a budget of its own.
    pub fn take(&mut self, account: &str, path: &str, category: Category, now: Ms, speed: i64) -> Option<Budget> {
        let (group, limit) = group(path, category)?;
        let length = SECOND_MS.saturating_mul(speed.max(1));
        let used = match self.endpoints.get_mut(&(account.to_owned(), group)) {
            Some(window) => window.take(now, length),
            None => self
                .endpoints
                .entry((account.to_owned(), group))
                .or_default()
                .take(now, length),
        };
        Some(Budget {
            limit,
            left: limit.saturating_sub(used),
            resets_ms: now - now.rem_euclid(length) + length,
            exceeded: used > limit,
        })
    }
}

/// The counter that a path draws on and its calls per second.
fn group(path: &str, category: Category) -> Option<(&'static str, u32)> {
    let orders = |linear, spot| match category {
        Category::Linear => (linear, 10),
        Category::Spot => (spot, 20),
    };
    Some(match path {
        "/v5/order/create" => orders("create", "create-spot"),
        "/v5/order/cancel" => orders("cancel", "cancel-spot"),
        "/v5/order/cancel-all" => orders("cancel-all", "cancel-all-spot"),
        "/v5/order/amend" => ("amend", 10),
        "/v5/order/realtime" => ("realtime", 50),
        "/v5/order/history" => ("history", 50),
        "/v5/execution/list" => ("executions", 50),
        "/v5/position/list" => ("positions", 50),
        "/v5/account/wallet-balance" => ("wallet", 50),
        "/v5/account/info" => ("info", 50),
        "/v5/account/collateral-info" => ("collateral", 50),
        "/v5/account/transaction-log" => ("log", 25),
        "/v5/account/fee-rate" => ("fees", 5),
        "/v5/account/query-dcp-info" => ("dcp", 5),
        "/v5/account/set-margin-mode" => ("margin-mode", 5),
        "/v5/position/set-leverage" => ("leverage", 10),
        "/v5/position/switch-mode" => ("position-mode", 10),
        "/v5/order/disconnected-cancel-all" => ("dcp-set", 5),
        "/v5/user/query-api" => ("key", 10),
        "/v5/position/closed-pnl" => ("closed", 50),
        "/v5/position/add-margin" => ("margin", 10),
        "/v5/account/set-limit-px-action" => ("limit-price", 10),
        "/v5/account/user-setting-config" => ("user-settings", 10),
        "/v5/asset/coin/query-info" => ("coins", 5),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_counts_per_account_category_and_second() {
        let mut limits = Limits::default();
        for left in (0..10).rev() {
            let budget = limits
                .take("a", "/v5/order/create", Category::Linear, 1_500, 1)
                .unwrap();
            assert_eq!(
                (budget.limit, budget.left, budget.exceeded, budget.resets_ms),
                (10, left, false, 2_000)
            );
        }
        assert!(
            limits
                .take("a", "/v5/order/create", Category::Linear, 1_999, 1)
                .unwrap()
                .exceeded
        );
        assert!(
            !limits
                .take("b", "/v5/order/create", Category::Linear, 1_999, 1)
                .unwrap()
                .exceeded
        );
        assert_eq!(
            limits
                .take("a", "/v5/order/create", Category::Spot, 1_999, 1)
                .unwrap()
                .limit,
            20
        );
        assert!(
            !limits
                .take("a", "/v5/order/create", Category::Linear, 2_000, 1)
                .unwrap()
                .exceeded
        );
        assert_eq!(limits.take("a", "/v5/market/time", Category::Linear, 2_000, 1), None);
    }

    #[test]
    fn a_fast_clock_stretches_the_second() {
        let mut limits = Limits::default();
        let budget = limits
            .take("a", "/v5/order/create", Category::Linear, 25_000, 10)
            .unwrap();
        assert_eq!(budget.resets_ms, 30_000);
    }

    #[test]
    fn an_address_that_floods_is_shut_out_for_ten_minutes() {
        let mut limits = Limits::default();
        assert!((0..600).all(|_| limits.admit(5_000, 1)));
        assert!(!limits.admit(5_001, 1));
        assert!(!limits.admit(605_000, 1));
        assert!(limits.admit(605_001, 1));
    }
}

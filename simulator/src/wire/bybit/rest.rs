//! One REST call: the address's budget, who asks, the endpoint's budget, the endpoint, the envelope.

use serde::Deserialize;

use super::auth::Headers;
use super::codes::{INVALID_KEY, NO_PERMISSION, Refusal, Result, TOO_MANY_VISITS};
use super::limits::Budget;
use super::params::{Category, Query};
use super::{Shared, account, json, log, public, queries, trade, venue_time, wallet};
use crate::exchange::{AccountId, Exchange};
use crate::market::Ms;
use crate::wire::{HttpReply, HttpRequest};

/// Answers a call.
pub fn answer(shared: &Shared, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply {
    let stamp = venue_time(exchange, now);
    if !shared.limits.borrow_mut().admit(now, speed(exchange)) {
        let refusal = Refusal::fixed(10018, "access too frequent, please try again later");
        return HttpReply::json(403, envelope(&Err(refusal), stamp));
    }
    let query = Query::parse(&request.query);
    let method = request.method.as_str();
    if method == "GET"
        && let Some(outcome) = market(shared, exchange, &request.path, &query, now)
    {
        return HttpReply::json(200, envelope(&outcome, stamp));
    }
    if !PRIVATE.contains(&(method, request.path.as_str())) {
        return not_found(&request.path, stamp);
    }
    let account = match identify(exchange, request, stamp) {
        Ok(account) => account,
        Err(refusal) => return HttpReply::json(200, envelope(&Err(refusal), stamp)),
    };
    let budget = charge(shared, exchange, account, request, &query, now);
    let outcome = if budget.is_some_and(|budget| budget.exceeded) {
        Err(TOO_MANY_VISITS)
    } else {
        private(exchange, account, request, &query, now)
    };
    with_budget(HttpReply::json(200, envelope(&outcome, stamp)), budget)
}

/// Simulated milliseconds in a real one.
pub fn speed(exchange: &Exchange) -> i64 {
    exchange.speed().into()
}

/// HTTP 404.
pub fn not_found(path: &str, now: Ms) -> HttpReply {
    HttpReply::json(
        404,
        envelope(
            &Err(Refusal::worded(10001, format!("Request path [{path}] not found"))),
            now,
        ),
    )
}

/// The venue's envelope. A refusal's result is empty.
pub fn envelope(outcome: &Result<String>, now: Ms) -> String {
    match outcome {
        Ok(result) => format!(r#"{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},"time":{now}}}"#),
        Err(refusal) => {
            let text = json(&refusal.text);
            format!(
                r#"{{"retCode":{},"retMsg":{text},"result":{{}},"retExtInfo":{{}},"time":{now}}}"#,
                refusal.code
            )
        }
    }
}

fn with_budget(reply: HttpReply, budget: Option<Budget>) -> HttpReply {
    let Some(budget) = budget else { return reply };
    reply
        .with_header("X-Bapi-Limit", budget.limit.to_string())
        .with_header("X-Bapi-Limit-Status", budget.left.to_string())
        .with_header("X-Bapi-Limit-Reset-Timestamp", budget.resets_ms.to_string())
}

/// Public calls; `None` for a path that is none.
fn market(shared: &Shared, exchange: &Exchange, path: &str, query: &Query, now: Ms) -> Option<Result<String>> {
    let sequence = now.unsigned_abs();
    Some(match path {
        "/v5/market/time" => Ok(public::time(venue_time(exchange, now))),
        "/v5/market/instruments-info" => public::instruments(exchange, query, now),
        "/v5/market/tickers" => public::tickers(exchange, query, &mut shared.days.borrow_mut(), now),
        "/v5/market/orderbook" => public::orderbook(exchange, query, sequence, now),
        "/v5/market/funding/history" => public::funding_history(exchange, query, now),
        "/v5/market/recent-trade" => public::recent_trades(exchange, query, now),
        "/v5/market/kline" => public::kline(exchange, query, now),
        "/v5/market/risk-limit" => public::risk_limit(exchange, query),
        "/v5/market/price-limit" => public::price_limit(exchange, query, now),
        _ => return None,
    })
}

/// Calls that need a key.
const PRIVATE: &[(&str, &str)] = &[
    ("GET", "/v5/account/wallet-balance"),
    ("GET", "/v5/account/info"),
    ("GET", "/v5/account/fee-rate"),
    ("GET", "/v5/account/transaction-log"),
    ("GET", "/v5/account/collateral-info"),
    ("GET", "/v5/account/query-dcp-info"),
    ("POST", "/v5/account/set-margin-mode"),
    ("GET", "/v5/position/list"),
    ("POST", "/v5/position/set-leverage"),
    ("POST", "/v5/position/switch-mode"),
    ("POST", "/v5/order/create"),
    ("POST", "/v5/order/cancel"),
    ("POST", "/v5/order/cancel-all"),
    ("POST", "/v5/order/disconnected-cancel-all"),
    ("GET", "/v5/order/realtime"),
    ("GET", "/v5/order/history"),
    ("GET", "/v5/execution/list"),
    ("GET", "/v5/user/query-api"),
];

fn private(
    exchange: &mut Exchange,
    account: AccountId,
    request: &HttpRequest,
    query: &Query,
    now: Ms,
) -> Result<String> {
    let body = request.body.as_str();
    match request.path.as_str() {
        "/v5/account/wallet-balance" => wallet::wallet_balance(exchange, account, query, now),
        "/v5/account/info" => Ok(account::info(now)),
        "/v5/account/fee-rate" => account::fee_rates(exchange, query),
        "/v5/account/transaction-log" => log::transaction_log(exchange, account, query, now),
        "/v5/account/collateral-info" => Ok(account::collateral(exchange, query)),
        "/v5/account/query-dcp-info" => Ok(r#"{"dcpInfos":[]}"#.to_owned()),
        "/v5/account/set-margin-mode" => account::set_margin_mode(body),
        "/v5/position/list" => account::positions(exchange, account, query, now),
        "/v5/position/set-leverage" => account::set_leverage(exchange, account, body),
        "/v5/position/switch-mode" => account::switch_mode(exchange, account, body, now),
        "/v5/order/create" => trade::create(exchange, account, body, now),
        "/v5/order/cancel" => trade::cancel(exchange, account, body, now),
        "/v5/order/cancel-all" => trade::cancel_all(exchange, account, body, now),
        // Granted to institutions only.
        "/v5/order/disconnected-cancel-all" => Err(NO_PERMISSION),
        "/v5/order/realtime" => queries::realtime(exchange, account, query, now),
        "/v5/order/history" => queries::history(exchange, account, query, now),
        "/v5/execution/list" => queries::executions(exchange, account, query, now),
        _ => Ok(account::key_information(exchange, account, now)),
    }
}

/// Whose call it is: key, then time, then signature, then the right to read at all.
fn identify(exchange: &Exchange, request: &HttpRequest, stamp: Ms) -> Result<AccountId> {
    let header = |name| request.header(name).unwrap_or_default();
    let headers = Headers {
        key: header("x-bapi-api-key"),
        timestamp: header("x-bapi-timestamp"),
        window: header("x-bapi-recv-window"),
        sign: header("x-bapi-sign"),
    };
    if headers.key.is_empty() || headers.timestamp.is_empty() || headers.sign.is_empty() {
        let (time, key, sign) = (headers.timestamp, headers.key, headers.sign);
        return Err(Refusal::worded(
            10001,
            format!("empty value: apiTimestamp[{time}] apiKey[{key}] apiSignature[{sign}]"),
        ));
    }
    let account = exchange.account_by_key(headers.key).ok_or(INVALID_KEY)?;
    let holder = exchange.account(account).ok_or(INVALID_KEY)?;
    headers.on_time(stamp, speed(exchange))?;
    let payload = if request.method == "GET" {
        &request.query
    } else {
        &request.body
    };
    headers.authentic(&holder.secret, payload)?;
    if holder.permissions.read {
        Ok(account)
    } else {
        Err(NO_PERMISSION)
    }
}

/// Counts the call; spot and contracts have budgets of their own on order calls.
fn charge(
    shared: &Shared,
    exchange: &Exchange,
    account: AccountId,
    request: &HttpRequest,
    query: &Query,
    now: Ms,
) -> Option<Budget> {
    #[derive(Deserialize)]
    struct Peek {
        category: Option<String>,
    }
    let in_body = || {
        serde_json::from_str::<Peek>(&request.body)
            .ok()
            .and_then(|peek| peek.category)
    };
    let named = query.get("category").map(str::to_owned).or_else(in_body);
    let category = Category::parse(named.as_deref()).unwrap_or(Category::Linear);
    let key = &exchange.account(account)?.key;
    shared
        .limits
        .borrow_mut()
        .take(key, &request.path, category, now, speed(exchange))
}

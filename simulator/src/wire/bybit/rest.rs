//! One REST call: the address's budget, who asks, the endpoint's budget, the endpoint, the envelope.

use serde::Deserialize;

use super::auth::Headers;
use super::batch::{self, Each};
use super::codes::{INVALID_KEY, NO_PERMISSION, NOT_UNIFIED, Refusal, Result, TOO_MANY_VISITS, UNMATCHED_IP};
use super::limits::Budget;
use super::params::{Category, Query, body};
use super::{
    Shared, account, asset, closed_pnl, json, log, market_charts, public, queries, settings, trade, venue_time, wallet,
};
use crate::exchange::{AccountId, Exchange};
use crate::market::Ms;
use crate::wire::chart::Line;
use crate::wire::{HttpReply, HttpRequest};

/// Answers a call.
pub fn answer(shared: &Shared, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply {
    let stamp = venue_time(exchange, now);
    if !shared.limits.borrow_mut().admit(now, speed(exchange)) {
        return shut_out(stamp);
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
    if budget.is_some_and(|budget| budget.exceeded) {
        return with_budget(HttpReply::json(200, envelope(&Err(TOO_MANY_VISITS), stamp)), budget);
    }
    if let Some(each) = Each::by_name(&request.path) {
        let done = body(&request.body).and_then(|asked| batch::run(exchange, account, each, &asked, now));
        return with_budget(HttpReply::json(200, batch_envelope(&done, stamp)), budget);
    }
    let outcome = match unlisted(&request.path, &query) {
        Some(nothing) => Ok(nothing),
        None => private(exchange, account, request, &query, now),
    };
    with_budget(HttpReply::json(200, envelope(&outcome, stamp)), budget)
}

/// HTTP 403: too many calls or sockets from this address.
pub fn shut_out(now: Ms) -> HttpReply {
    let refusal = Refusal::fixed(10018, "access too frequent, please try again later");
    HttpReply::json(403, envelope(&Err(refusal), now))
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

/// The envelope of a batch: what became of each order stands in `retExtInfo`.
fn batch_envelope(outcome: &Result<(String, String)>, now: Ms) -> String {
    match outcome {
        Ok((result, said)) => {
            format!(r#"{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{said},"time":{now}}}"#)
        }
        Err(refusal) => envelope(&Err(refusal.clone()), now),
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
    if path.starts_with("/v5/market/")
        && let Some(nothing) = unlisted(path, query)
    {
        return Some(Ok(nothing));
    }
    Some(match path {
        "/v5/market/time" => Ok(public::time(venue_time(exchange, now))),
        "/v5/market/instruments-info" => public::instruments(exchange, query, now),
        "/v5/market/tickers" => public::tickers(exchange, query, &mut shared.days.borrow_mut(), now),
        "/v5/market/orderbook" => public::orderbook(exchange, query, sequence, now),
        "/v5/market/funding/history" => public::funding_history(exchange, query, now),
        "/v5/market/recent-trade" => market_charts::recent_trades(exchange, query, now),
        "/v5/market/kline" => market_charts::kline(exchange, query, Line::Last, now),
        "/v5/market/mark-price-kline" => market_charts::kline(exchange, query, Line::Mark, now),
        "/v5/market/index-price-kline" => market_charts::kline(exchange, query, Line::Index, now),
        "/v5/market/premium-index-price-kline" => market_charts::kline(exchange, query, Line::Premium, now),
        "/v5/market/open-interest" => market_charts::open_interest(exchange, query, now),
        "/v5/market/adlAlert" => Ok(format!(r#"{{"updatedTime":"{now}","list":[]}}"#)),
        "/v5/system/status" => Ok(r#"{"list":[]}"#.to_owned()),
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
    ("GET", "/v5/account/user-setting-config"),
    ("POST", "/v5/account/set-limit-px-action"),
    ("GET", "/v5/account/borrow-history"),
    ("GET", "/v5/position/closed-pnl"),
    ("POST", "/v5/position/add-margin"),
    ("POST", "/v5/order/amend"),
    ("POST", "/v5/order/create-batch"),
    ("POST", "/v5/order/amend-batch"),
    ("POST", "/v5/order/cancel-batch"),
    ("POST", "/v5/order/pre-check"),
    ("GET", "/v5/order/spot-borrow-check"),
    ("GET", "/v5/account/withdrawal"),
    ("GET", "/v5/account/smp-group"),
    ("GET", "/v5/account/instruments-info"),
    ("POST", "/v5/position/switch-isolated"),
    ("POST", "/v5/position/set-tpsl-mode"),
    ("GET", "/v5/asset/coin/query-info"),
    ("GET", "/v5/asset/transfer/query-account-coins-balance"),
    ("GET", "/v5/asset/transfer/query-account-coin-balance"),
    ("POST", "/v5/asset/transfer/inter-transfer"),
    ("GET", "/v5/asset/transfer/query-inter-transfer-list"),
    ("GET", "/v5/asset/transfer/query-universal-transfer-list"),
    ("GET", "/v5/asset/deposit/query-record"),
    ("GET", "/v5/asset/deposit/query-internal-record"),
    ("GET", "/v5/asset/withdraw/query-record"),
];

/// Answers with nothing in them: nothing is borrowed, moved, deposited or withdrawn here.
const EMPTY_LIST: &str = r#"{"list":[],"nextPageCursor":""}"#;
const EMPTY_ROWS: &str = r#"{"rows":[],"nextPageCursor":""}"#;
/// Categories that the venue has and this twin lists nothing of.
const UNLISTED: [&str; 2] = ["inverse", "option"];
/// Listings that answer such a category with an empty list.
const LISTINGS: [&str; 10] = [
    "/v5/market/instruments-info",
    "/v5/market/tickers",
    "/v5/market/risk-limit",
    "/v5/account/fee-rate",
    "/v5/account/transaction-log",
    "/v5/position/list",
    "/v5/position/closed-pnl",
    "/v5/order/realtime",
    "/v5/order/history",
    "/v5/execution/list",
];

/// The empty answer to a listing of a category without instruments.
fn unlisted(path: &str, query: &Query) -> Option<String> {
    let category = query.get("category").filter(|category| UNLISTED.contains(category))?;
    LISTINGS
        .contains(&path)
        .then(|| format!(r#"{{"category":"{category}","list":[],"nextPageCursor":""}}"#))
}

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
        "/v5/account/info" => Ok(settings::info(exchange, account, now)),
        "/v5/account/fee-rate" => account::fee_rates(exchange, query),
        "/v5/account/transaction-log" => log::transaction_log(exchange, account, query, now),
        "/v5/account/collateral-info" => Ok(account::collateral(exchange, query)),
        "/v5/account/query-dcp-info" => Ok(r#"{"dcpInfos":[]}"#.to_owned()),
        "/v5/account/set-margin-mode" => settings::set_margin_mode(exchange, account, body),
        "/v5/account/set-limit-px-action" => settings::set_limit_action(exchange, account, body),
        "/v5/account/user-setting-config" => Ok(settings::user_settings(exchange, account)),
        "/v5/position/list" => account::positions(exchange, account, query, now),
        "/v5/position/closed-pnl" => closed_pnl::closed_pnl(exchange, account, query, now),
        "/v5/position/set-leverage" => settings::set_leverage(exchange, account, body),
        "/v5/position/switch-mode" => settings::switch_mode(exchange, account, body),
        "/v5/position/add-margin" => settings::add_margin(exchange, account, body, now),
        "/v5/order/amend" => batch::amend(exchange, account, body, now),
        "/v5/order/create" => trade::create(exchange, account, body, now),
        "/v5/order/cancel" => trade::cancel(exchange, account, body, now),
        "/v5/order/cancel-all" => trade::cancel_all(exchange, account, body, now),
        // The first is granted to institutions only; for the second there is no other account to move money to.
        "/v5/order/disconnected-cancel-all" | "/v5/asset/transfer/inter-transfer" => Err(NO_PERMISSION),
        "/v5/order/pre-check" => trade::pre_check(exchange, account, body, now),
        "/v5/order/spot-borrow-check" => trade::affordable(exchange, account, query, now),
        "/v5/account/withdrawal" => Ok(asset::withdrawable(exchange, account, query, now)),
        "/v5/account/smp-group" => Ok(r#"{"smpGroup":0}"#.to_owned()),
        "/v5/account/instruments-info" => public::instruments(exchange, query, now),
        // Calls of the accounts that came before the unified one.
        "/v5/position/switch-isolated" | "/v5/position/set-tpsl-mode" => Err(NOT_UNIFIED),
        "/v5/asset/coin/query-info" => Ok(asset::coins(exchange, query)),
        "/v5/asset/transfer/query-account-coins-balance" => asset::balances(exchange, account, query),
        "/v5/asset/transfer/query-account-coin-balance" => asset::balance(exchange, account, query),
        "/v5/account/borrow-history"
        | "/v5/asset/transfer/query-inter-transfer-list"
        | "/v5/asset/transfer/query-universal-transfer-list" => Ok(EMPTY_LIST.to_owned()),
        "/v5/asset/deposit/query-record"
        | "/v5/asset/deposit/query-internal-record"
        | "/v5/asset/withdraw/query-record" => Ok(EMPTY_ROWS.to_owned()),
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
    if holder.shut_out {
        return Err(UNMATCHED_IP);
    }
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
    let mut limits = shared.limits.borrow_mut();
    let mut take = |path: &str| limits.take(key, path, category, now, speed(exchange));
    let Some(each) = Each::by_name(&request.path) else {
        return take(&request.path);
    };
    // Each order of a batch counts.
    let orders = serde_json::from_str(&request.body).map_or(1, |asked| batch::count(&asked));
    (0..orders).filter_map(|_| take(each.single())).last()
}

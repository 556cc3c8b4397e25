//! Which paths there are, what each costs, who may call it; and the way of a request through all checks.

use crate::exchange::{AccountId, Exchange};
use crate::market::{Ms, Product};
use crate::wire::{HttpReply, HttpRequest};

use super::account_spot;
use super::account_usdm;
use super::auth;
use super::codes::{self, Answer, Refusal};
use super::context::{Context, State};
use super::history;
use super::instruments;
use super::market_rest;
use super::params::Params;
use super::trade_spot;
use super::trade_usdm;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// A known key in the header.
    Key,
    /// A known key and a valid signature.
    Signed,
}

/// What a call weighs.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    /// Always this.
    Of(u32),
    /// This with a symbol, that without.
    OneAll(u32, u32),
    /// By the number of levels.
    Depth,
    /// This only when refused (spot orders).
    Refused(u32),
    /// This, or that when the trades of one order are asked for.
    Trades(u32, u32),
}

type Handler = fn(&mut Context<'_>, &Params) -> Answer;

/// One endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Upper case.
    pub method: &'static str,
    /// Whole path.
    pub path: &'static str,
    /// Who may call.
    pub access: Access,
    /// What it weighs.
    pub weight: Weight,
    run: Handler,
}

const fn public(path: &'static str, weight: Weight, run: Handler) -> Endpoint {
    Endpoint {
        method: "GET",
        path,
        access: Access::Public,
        weight,
        run,
    }
}

const fn signed(method: &'static str, path: &'static str, weight: Weight, run: Handler) -> Endpoint {
    Endpoint {
        method,
        path,
        access: Access::Signed,
        weight,
        run,
    }
}

const fn keyed(method: &'static str, path: &'static str, run: Handler) -> Endpoint {
    Endpoint {
        method,
        path,
        access: Access::Key,
        weight: Weight::Of(1),
        run,
    }
}

use Weight::{Depth, Of, OneAll, Refused, Trades};

/// The spot host.
pub const SPOT: &[Endpoint] = &[
    public("/api/v3/ping", Of(1), market_rest::ping),
    public("/api/v3/time", Of(1), market_rest::time),
    public("/api/v3/exchangeInfo", Of(20), instruments::exchange_info),
    public("/api/v3/depth", Depth, market_rest::depth),
    public("/api/v3/ticker/bookTicker", OneAll(2, 4), market_rest::book_ticker),
    public("/api/v3/ticker/price", OneAll(2, 4), market_rest::price),
    public("/api/v3/ticker/24hr", OneAll(2, 80), market_rest::day_ticker),
    signed("GET", "/api/v3/account", Of(20), account_spot::account),
    signed("GET", "/api/v3/account/commission", Of(20), account_spot::commission),
    signed("POST", "/api/v3/order", Refused(1), trade_spot::place),
    signed("POST", "/api/v3/order/test", Of(1), trade_spot::test),
    signed("GET", "/api/v3/order", Of(4), trade_spot::query),
    signed("DELETE", "/api/v3/order", Of(1), trade_spot::cancel),
    signed("GET", "/api/v3/openOrders", OneAll(6, 80), trade_spot::open),
    signed("DELETE", "/api/v3/openOrders", Of(1), trade_spot::cancel_all),
    signed("GET", "/api/v3/allOrders", Of(20), trade_spot::all),
    signed("GET", "/api/v3/myTrades", Trades(20, 5), history::my_trades),
    signed("GET", "/api/v3/rateLimit/order", Of(40), trade_spot::order_budget),
];

/// The futures host.
pub const USDM: &[Endpoint] = &[
    public("/fapi/v1/ping", Of(1), market_rest::ping),
    public("/fapi/v1/time", Of(1), market_rest::time),
    public("/fapi/v1/exchangeInfo", Of(1), instruments::exchange_info),
    public("/fapi/v1/depth", Depth, market_rest::depth),
    public("/fapi/v1/ticker/bookTicker", OneAll(2, 5), market_rest::book_ticker),
    public("/fapi/v1/ticker/price", OneAll(1, 2), market_rest::price),
    public("/fapi/v2/ticker/price", OneAll(1, 2), market_rest::price),
    public("/fapi/v1/ticker/24hr", OneAll(1, 40), market_rest::day_ticker),
    public("/fapi/v1/premiumIndex", OneAll(1, 10), market_rest::premium_index),
    public("/fapi/v1/fundingInfo", Of(0), market_rest::funding_info),
    public("/fapi/v1/fundingRate", Of(0), market_rest::funding_rate),
    signed("GET", "/fapi/v1/commissionRate", Of(20), account_usdm::commission_rate),
    signed("GET", "/fapi/v1/leverageBracket", Of(1), account_usdm::brackets),
    signed("POST", "/fapi/v1/leverage", Of(1), account_usdm::set_leverage),
    signed("POST", "/fapi/v1/marginType", Of(1), account_usdm::set_margin_type),
    signed("GET", "/fapi/v1/positionSide/dual", Of(30), account_usdm::position_mode),
    signed(
        "POST",
        "/fapi/v1/positionSide/dual",
        Of(1),
        account_usdm::set_position_mode,
    ),
    signed("GET", "/fapi/v1/multiAssetsMargin", Of(30), account_usdm::multi_assets),
    signed(
        "POST",
        "/fapi/v1/multiAssetsMargin",
        Of(1),
        account_usdm::set_multi_assets,
    ),
    signed("GET", "/fapi/v2/balance", Of(5), account_usdm::balance),
    signed("GET", "/fapi/v3/balance", Of(5), account_usdm::balance),
    signed("GET", "/fapi/v2/account", Of(5), account_usdm::account),
    signed("GET", "/fapi/v3/account", Of(5), account_usdm::account),
    signed("GET", "/fapi/v2/positionRisk", Of(5), account_usdm::position_risk_v2),
    signed("GET", "/fapi/v3/positionRisk", Of(5), account_usdm::position_risk),
    signed("GET", "/fapi/v1/adlQuantile", Of(5), account_usdm::adl),
    signed("GET", "/fapi/v1/accountConfig", Of(5), account_usdm::config),
    signed("GET", "/fapi/v1/symbolConfig", Of(5), account_usdm::symbol_config),
    signed("POST", "/fapi/v1/order", Of(0), trade_usdm::place),
    signed("POST", "/fapi/v1/order/test", Of(0), trade_usdm::test),
    signed("GET", "/fapi/v1/order", Of(1), trade_usdm::query),
    signed("DELETE", "/fapi/v1/order", Of(1), trade_usdm::cancel),
    signed("GET", "/fapi/v1/openOrder", Of(1), trade_usdm::query_open),
    signed("GET", "/fapi/v1/openOrders", OneAll(1, 40), trade_usdm::open),
    signed("DELETE", "/fapi/v1/allOpenOrders", Of(1), trade_usdm::cancel_all),
    signed("GET", "/fapi/v1/allOrders", Of(5), trade_usdm::all),
    signed("GET", "/fapi/v1/userTrades", Of(5), history::user_trades),
    signed("GET", "/fapi/v1/income", Of(30), history::income),
    signed("GET", "/fapi/v1/rateLimit/order", Of(1), trade_spot::order_budget),
    keyed("POST", "/fapi/v1/listenKey", account_usdm::open_listen_key),
    keyed("PUT", "/fapi/v1/listenKey", account_usdm::keep_listen_key),
    keyed("DELETE", "/fapi/v1/listenKey", account_usdm::close_listen_key),
];

/// The endpoint of a call.
pub fn find(product: Product, method: &str, path: &str) -> Result<&'static Endpoint, Refusal> {
    let table = match product {
        Product::Spot => SPOT,
        Product::Perp => USDM,
    };
    if let Some(endpoint) = table
        .iter()
        .find(|endpoint| endpoint.path == path && endpoint.method == method)
    {
        return Ok(endpoint);
    }
    let known = table.iter().any(|endpoint| endpoint.path == path);
    Err(match path {
        _ if known => codes::NO_METHOD,
        "/api/v3/userDataStream" => codes::GONE,
        _ => codes::NO_PATH,
    })
}

impl Endpoint {
    /// What this call weighs.
    pub fn cost(&self, params: &Params, product: Product) -> u32 {
        match self.weight {
            Of(weight) | Refused(weight) => weight,
            OneAll(one, all) => {
                if params.get("symbol").is_some() {
                    one
                } else {
                    all
                }
            }
            Trades(all, of_order) => {
                if params.get("orderId").is_some() {
                    of_order
                } else {
                    all
                }
            }
            Depth => depth_weight(params, product),
        }
    }
}

fn depth_weight(params: &Params, product: Product) -> u32 {
    let default = if product == Product::Spot { 100 } else { 500 };
    match (product, params.limit(default, 5_000).unwrap_or(default)) {
        (Product::Spot, 0..=100) | (Product::Perp, 51..=100) => 5,
        (Product::Spot, 101..=500) => 25,
        (Product::Spot, 501..=1_000) => 50,
        (Product::Spot, _) => 250,
        (Product::Perp, 0..=50) => 2,
        (Product::Perp, 101..=500) => 10,
        (Product::Perp, _) => 20,
    }
}

/// A call with its parameters, whatever way it came.
#[derive(Debug)]
pub struct Call<'a> {
    /// What is called.
    pub endpoint: &'static Endpoint,
    /// With what.
    pub params: &'a Params,
    /// API key as sent.
    pub key: Option<&'a str>,
}

/// Budget, key, window, signature, then the handler. The account is told for the headers.
pub fn serve(
    state: &mut State,
    exchange: &mut Exchange,
    product: Product,
    call: &Call<'_>,
    now: Ms,
) -> (Answer, Option<AccountId>) {
    let weight = call.endpoint.cost(call.params, product);
    if let Err(refusal) = state.budget.charge(weight, now) {
        return (Err(refusal), None);
    }
    let caller = match admit(exchange, call, now) {
        Ok(caller) => caller,
        Err(refusal) => return (Err(refusal), None),
    };
    let mut context = Context {
        exchange,
        state,
        product,
        caller,
        now,
    };
    let answer = (call.endpoint.run)(&mut context, call.params);
    if answer.is_ok() && matches!(call.endpoint.weight, Refused(_)) {
        state.budget.refund(weight, now);
    }
    (answer, caller)
}

/// Who calls: nobody on public endpoints.
fn admit(exchange: &Exchange, call: &Call<'_>, now: Ms) -> Result<Option<AccountId>, Refusal> {
    if call.endpoint.access == Access::Public {
        return Ok(None);
    }
    let key = auth::key_format(call.key)?;
    let signed = call.endpoint.access == Access::Signed;
    if signed {
        let clock = now + exchange.quirks(crate::market::Venue::Binance).skew_ms;
        auth::window(call.params, clock, exchange.speed())?;
        call.params.need("signature")?;
    }
    let id = exchange.account_by_key(key).ok_or(codes::KEY_UNKNOWN)?;
    let account = exchange.account(id).ok_or(codes::KEY_UNKNOWN)?;
    if signed {
        auth::signature(call.params, &account.secret)?;
    }
    if account.permissions.read {
        Ok(Some(id))
    } else {
        Err(codes::KEY_UNKNOWN)
    }
}

/// Answers a REST call.
pub fn http(state: &mut State, exchange: &mut Exchange, product: Product, request: &HttpRequest, now: Ms) -> HttpReply {
    let spot = product == Product::Spot;
    let endpoint = match find(product, &request.method, &request.path) {
        Ok(endpoint) => endpoint,
        Err(refusal) => return HttpReply::json(refusal.status, refusal.body()),
    };
    let params = Params::read(&request.query, &request.body);
    let call = Call {
        endpoint,
        params: &params,
        key: request.header("x-mbx-apikey"),
    };
    let (answer, caller) = serve(state, exchange, product, &call, now);
    let mut weight = endpoint.cost(&params, product);
    if answer.is_ok() && matches!(endpoint.weight, Refused(_)) {
        weight = 0;
    }
    let reply = match answer {
        Ok(body) => HttpReply::json(200, body),
        Err(refusal) => HttpReply::json(refusal.status, refusal.body()),
    };
    let ordering = caller.filter(|_| endpoint.method == "POST" && endpoint.path.ends_with("/order"));
    state.budget.stamp(reply.with_weight(weight), spot, ordering, now)
}

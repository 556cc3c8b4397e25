//! What an endpoint is, and the way of a request through all checks.

use crate::exchange::{AccountId, Exchange};
use crate::market::{Ms, Product};
use crate::wire::{HttpReply, HttpRequest};

use super::auth;
use super::codes::{self, Answer, Refusal};
use super::context::{Context, State};
use super::endpoints::{SPOT, USDM};
use super::params::Params;

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

/// Answers a call.
pub type Handler = fn(&mut Context<'_>, &Params) -> Answer;

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
    /// What answers it.
    pub run: Handler,
}

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
        use Weight::{Depth, Of, OneAll, Refused, Trades};
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
    if answer.is_ok() && matches!(call.endpoint.weight, Weight::Refused(_)) {
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
    if account.permissions.read && !account.shut_out {
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
    if answer.is_ok() && matches!(endpoint.weight, Weight::Refused(_)) {
        weight = 0;
    }
    let reply = match answer {
        Ok(body) => HttpReply::json(200, body),
        Err(refusal) => HttpReply::json(refusal.status, refusal.body()),
    };
    let ordering = caller.filter(|_| endpoint.method != "GET" && endpoint.path.ends_with("/order"));
    state.budget.stamp(reply.with_weight(weight), spot, ordering, now)
}

//! The WebSocket API: requests and answers over a socket, and the spot user stream.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use crate::exchange::{AccountId, Event, Exchange, RequestRow};
use crate::market::{Ms, Product, Venue};
use crate::wire::{Outgoing, Session};

use super::auth;
use super::codes::{self, Answer, Refusal, missing};
use super::context::State;
use super::events_spot;
use super::params::Params;
use super::routes::{self, Call};

/// Weight of a user stream subscription.
const SUBSCRIBE_WEIGHT: u32 = 2;
/// Methods of the spot API and the REST calls they are.
const SPOT: &[(&str, &str, &str)] = &[
    ("ping", "GET", "/api/v3/ping"),
    ("time", "GET", "/api/v3/time"),
    ("exchangeInfo", "GET", "/api/v3/exchangeInfo"),
    ("depth", "GET", "/api/v3/depth"),
    ("ticker.book", "GET", "/api/v3/ticker/bookTicker"),
    ("ticker.price", "GET", "/api/v3/ticker/price"),
    ("ticker.24hr", "GET", "/api/v3/ticker/24hr"),
    ("ticker", "GET", "/api/v3/ticker"),
    ("ticker.tradingDay", "GET", "/api/v3/ticker/tradingDay"),
    ("avgPrice", "GET", "/api/v3/avgPrice"),
    ("klines", "GET", "/api/v3/klines"),
    ("uiKlines", "GET", "/api/v3/uiKlines"),
    ("trades.recent", "GET", "/api/v3/trades"),
    ("trades.historical", "GET", "/api/v3/historicalTrades"),
    ("trades.aggregate", "GET", "/api/v3/aggTrades"),
    ("order.cancelReplace", "POST", "/api/v3/order/cancelReplace"),
    ("order.amend.keepPriority", "PUT", "/api/v3/order/amend/keepPriority"),
    ("myPreventedMatches", "GET", "/api/v3/myPreventedMatches"),
    ("myAllocations", "GET", "/api/v3/myAllocations"),
    ("openOrderLists.status", "GET", "/api/v3/openOrderList"),
    ("allOrderLists", "GET", "/api/v3/allOrderList"),
    ("account.status", "GET", "/api/v3/account"),
    ("account.commission", "GET", "/api/v3/account/commission"),
    ("account.rateLimits.orders", "GET", "/api/v3/rateLimit/order"),
    ("order.place", "POST", "/api/v3/order"),
    ("order.test", "POST", "/api/v3/order/test"),
    ("order.status", "GET", "/api/v3/order"),
    ("order.cancel", "DELETE", "/api/v3/order"),
    ("openOrders.status", "GET", "/api/v3/openOrders"),
    ("openOrders.cancelAll", "DELETE", "/api/v3/openOrders"),
    ("allOrders", "GET", "/api/v3/allOrders"),
    ("myTrades", "GET", "/api/v3/myTrades"),
];
/// Methods of the futures API.
const USDM: &[(&str, &str, &str)] = &[
    ("ping", "GET", "/fapi/v1/ping"),
    ("time", "GET", "/fapi/v1/time"),
    ("depth", "GET", "/fapi/v1/depth"),
    ("ticker.book", "GET", "/fapi/v1/ticker/bookTicker"),
    ("ticker.price", "GET", "/fapi/v1/ticker/price"),
    ("order.place", "POST", "/fapi/v1/order"),
    ("order.modify", "PUT", "/fapi/v1/order"),
    ("order.status", "GET", "/fapi/v1/order"),
    ("order.cancel", "DELETE", "/fapi/v1/order"),
    ("account.status", "GET", "/fapi/v2/account"),
    ("v2/account.status", "GET", "/fapi/v3/account"),
    ("account.balance", "GET", "/fapi/v3/balance"),
    ("v2/account.balance", "GET", "/fapi/v3/balance"),
    ("account.position", "GET", "/fapi/v2/positionRisk"),
    ("v2/account.position", "GET", "/fapi/v3/positionRisk"),
];

/// One socket of the API.
#[derive(Debug)]
pub struct ApiSession {
    state: Rc<RefCell<State>>,
    product: Product,
    /// Whether answers carry the budgets.
    limits: bool,
    /// Live user streams by their number.
    streams: Vec<(u32, AccountId)>,
    next_stream: u32,
}

impl ApiSession {
    /// A fresh socket.
    pub const fn new(state: Rc<RefCell<State>>, product: Product, limits: bool) -> Self {
        Self {
            state,
            product,
            limits,
            streams: Vec::new(),
            next_stream: 0,
        }
    }

    fn serve(&mut self, exchange: &mut Exchange, method: &str, params: &Params, now: Ms) -> (Answer, u32) {
        let spot = self.product == Product::Spot;
        match method {
            "userDataStream.subscribe.signature" if spot => (self.subscribe(exchange, params, now), SUBSCRIBE_WEIGHT),
            "userDataStream.unsubscribe" if spot => (self.unsubscribe(params), SUBSCRIBE_WEIGHT),
            "userDataStream.start" | "userDataStream.ping" | "userDataStream.stop" if spot => (Err(codes::GONE), 0),
            "session.logon" | "userDataStream.subscribe" => (Err(codes::KEY_UNKNOWN), 0),
            _ => self.call(exchange, method, params, now),
        }
    }

    fn call(&self, exchange: &mut Exchange, method: &str, params: &Params, now: Ms) -> (Answer, u32) {
        let table = if self.product == Product::Spot { SPOT } else { USDM };
        let Some((_, verb, path)) = table.iter().find(|(name, _, _)| *name == method) else {
            return (Err(Refusal::new(-1000, "Unknown method.")), 0);
        };
        let endpoint = match routes::find(self.product, verb, path) {
            Ok(endpoint) => endpoint,
            Err(refusal) => return (Err(refusal), 0),
        };
        let call = Call {
            endpoint,
            params,
            key: params.get("apiKey"),
        };
        let weight = endpoint.cost(params, self.product);
        let (answer, _) = routes::serve(&mut self.state.borrow_mut(), exchange, self.product, &call, now);
        (answer, weight)
    }

    /// A signed subscription needs no logon and serves any kind of key.
    fn subscribe(&mut self, exchange: &Exchange, params: &Params, now: Ms) -> Answer {
        self.state.borrow_mut().budget.charge(SUBSCRIBE_WEIGHT, now)?;
        let key = auth::key_format(params.get("apiKey"))?;
        let clock = now + exchange.quirks(Venue::Binance).skew_ms;
        auth::window(params, clock, exchange.speed())?;
        let id = exchange.account_by_key(key).ok_or(codes::KEY_UNKNOWN)?;
        let account = exchange.account(id).ok_or(codes::KEY_UNKNOWN)?;
        auth::signature(params, &account.secret)?;
        if !account.permissions.read || account.shut_out {
            return Err(codes::KEY_UNKNOWN);
        }
        let number = self.next_stream;
        self.next_stream += 1;
        self.streams.push((number, id));
        Ok(format!(r#"{{"subscriptionId":{number}}}"#))
    }

    fn unsubscribe(&mut self, params: &Params) -> Answer {
        match params.parsed::<u32>("subscriptionId")? {
            Some(number) => self.streams.retain(|(known, _)| *known != number),
            None => self.streams.clear(),
        }
        Ok("{}".to_owned())
    }

    fn envelope(&self, id: &Value, answer: &Answer, limits: bool, now: Ms) -> String {
        let tail = if limits {
            let mut state = self.state.borrow_mut();
            let used = state.budget.used(now);
            let limit = state.budget.limits().weight;
            format!(
                r#","rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{limit},"count":{used}}}]"#
            )
        } else {
            String::new()
        };
        match answer {
            Ok(result) => format!(r#"{{"id":{id},"status":200,"result":{result}{tail}}}"#),
            Err(refusal) => format!(
                r#"{{"id":{id},"status":{},"error":{}{tail}}}"#,
                refusal.status,
                refusal.body()
            ),
        }
    }
}

/// `id`, method and parameters of a request.
fn read(text: &str) -> Result<(Value, String, Params), (Value, Refusal)> {
    let frame: Value =
        serde_json::from_str(text).map_err(|_| (Value::Null, Refusal::new(-1135, "Invalid JSON Request.")))?;
    let id = frame.get("id").cloned().unwrap_or(Value::Null);
    if !(id.is_null() || id.is_string() || id.is_i64() || id.is_u64()) {
        return Err((Value::Null, codes::illegal("id", "^[a-zA-Z0-9-_]{1,36}$")));
    }
    let Some(method) = frame.get("method").and_then(Value::as_str) else {
        return Err((id, missing("method")));
    };
    let mut pairs = Vec::new();
    if let Some(map) = frame.get("params").and_then(Value::as_object) {
        for (name, value) in map {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            pairs.push((name.clone(), text));
        }
    }
    Ok((id, method.to_owned(), Params::from_pairs(pairs)))
}

impl Session for ApiSession {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        let (id, method, params) = match read(text) {
            Ok(parts) => parts,
            Err((id, refusal)) => return vec![self.envelope(&id, &Err(refusal), false, now)],
        };
        let limits = params.flag("returnRateLimits").ok().flatten().unwrap_or(self.limits);
        let (answer, weight) = self.serve(exchange, &method, &params, now);
        let status = answer.as_ref().err().map_or(200, |refusal| refusal.status);
        let row = RequestRow {
            time_ms: now,
            method: "WS".to_owned(),
            path: method,
            query: params.payload().to_owned(),
            status,
            weight,
        };
        exchange.record_request(Venue::Binance, row);
        vec![self.envelope(&id, &answer, limits, now)]
    }

    fn tick(&mut self, _: &Exchange, _: Ms) -> Vec<Outgoing> {
        Vec::new()
    }

    fn event(&mut self, exchange: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing> {
        let mine = self.streams.iter().filter(|(_, account)| *account == event.account());
        let numbers: Vec<u32> = mine.map(|(number, _)| *number).collect();
        if numbers.is_empty() || event.venue() != Venue::Binance {
            return Vec::new();
        }
        let cancel_id = match event {
            Event::Order { order, .. } => self.state.borrow().cancel_id(order.id),
            _ => String::new(),
        };
        let mut out = Vec::new();
        for (name, symbol, data) in events_spot::render(exchange, event, &cancel_id, now) {
            for number in &numbers {
                let text = format!(r#"{{"subscriptionId":{number},"event":{data}}}"#);
                out.push(Outgoing {
                    topic: name.to_owned(),
                    symbol: symbol.clone(),
                    text,
                });
            }
        }
        out
    }

    /// Once it carries an account's events, faults of private links reach it.
    fn is_private(&self) -> bool {
        self.product == Product::Spot
    }
}

//! Binance: spot and USDⓈ-M.
//!
//! ```text
//! endpoints       which paths there are             routes         the way of a call through the checks
//! params, auth    parameters, key, time window, signature
//! budget          request weight, order counts, 429 and 418
//! codes           refusals in the venue's words
//! context         what a handler works with; listen keys
//! market_rest     clock, book, tickers, funding       instruments   exchangeInfo
//! market_charts   candles, the tape, open interest    wallet        /sapi: coins, fees, transfers
//! placing         parameters to orders, refusals to codes
//! trade_*         place, query, cancel                 amend_*       change, several at once
//! account_*       balances, positions                  settings_usdm leverage, modes, listen keys
//! history         trades, orders, income by page       rows_*        REST shapes
//! topics, feed    stream names and their payloads      day           the last 24 hours
//! market_session   public sockets
//! events_*        user stream messages                 user_session     futures /private
//! api_session     WebSocket API with the spot user stream
//! ```

mod account_spot;
mod account_usdm;
mod amend_spot;
mod amend_usdm;
mod api_session;
mod auth;
mod budget;
mod codes;
mod context;
mod control;
mod day;
mod endpoints;
mod events_spot;
mod events_usdm;
mod feed;
mod history;
mod instruments;
mod market_charts;
mod market_rest;
mod market_session;
mod params;
mod placing;
mod routes;
mod rows_spot;
mod rows_usdm;
mod settings_usdm;
mod text;
mod topics;
mod trade_spot;
mod trade_usdm;
mod user_session;
mod wallet;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;

use crate::exchange::Exchange;
use crate::market::{Ms, Product};

use super::{Host, HttpReply, HttpRequest, Session, Wire};
use api_session::ApiSession;
use budget::Budget;
use context::State;
use market_session::MarketSession;
use params::Params;
use topics::Route;
use user_session::UserSession;

/// The wire of a Binance host.
pub fn wire(host: Host) -> Rc<dyn Wire> {
    let product = if host == Host::BinanceUsdm {
        Product::Perp
    } else {
        Product::Spot
    };
    let limits = if product == Product::Perp {
        budget::USDM
    } else {
        budget::SPOT
    };
    Rc::new(Binance {
        product,
        state: Rc::new(RefCell::new(State::new(Budget::new(limits)))),
    })
}

/// One host with its budgets and listen keys.
struct Binance {
    product: Product,
    state: Rc<RefCell<State>>,
}

impl Wire for Binance {
    fn http(&self, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply {
        routes::http(&mut self.state.borrow_mut(), exchange, self.product, request, now)
    }

    fn open(&self, exchange: &mut Exchange, path_and_query: &str, now: Ms) -> Result<Box<dyn Session>, HttpReply> {
        if !self.state.borrow_mut().admit_socket(now, exchange.speed()) {
            let refusal = codes::TOO_MANY_REQUESTS;
            return Err(HttpReply::json(refusal.status, refusal.body()));
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let params = Params::read(query, "");
        let session = match self.product {
            Product::Spot => self.open_spot(path, &params),
            Product::Perp => self.open_usdm(path, &params, now),
        };
        session.ok_or_else(|| HttpReply::json(404, r#"{"code":-5000,"msg":"Path is invalid."}"#))
    }
}

impl Binance {
    fn api(&self, params: &Params) -> Box<dyn Session> {
        let limits = params.flag("returnRateLimits").ok().flatten().unwrap_or(true);
        Box::new(ApiSession::new(Rc::clone(&self.state), self.product, limits))
    }

    fn open_spot(&self, path: &str, params: &Params) -> Option<Box<dyn Session>> {
        if path == "/ws-api/v3" {
            return Some(self.api(params));
        }
        market(Route::Spot, path, params)
    }

    fn open_usdm(&self, path: &str, params: &Params, now: Ms) -> Option<Box<dyn Session>> {
        if path == "/ws-fapi/v1" {
            return Some(self.api(params));
        }
        if let Some(rest) = path.strip_prefix("/private") {
            return self.open_private(rest, params, now);
        }
        match path.strip_prefix("/market") {
            Some(rest) => market(Route::Market, rest, params),
            // The unrouted address behaves like the public one.
            None => market(Route::Public, path.strip_prefix("/public").unwrap_or(path), params),
        }
    }

    fn open_private(&self, rest: &str, params: &Params, now: Ms) -> Option<Box<dyn Session>> {
        let (combined, mut names) = names(rest, params)?;
        names.extend(params.get("listenKey"));
        let events = params
            .get("events")
            .map(|list| list.split('/').map(str::to_owned).collect());
        let state = Rc::clone(&self.state);
        Some(Box::new(UserSession::new(
            state,
            combined,
            &names,
            events.unwrap_or_default(),
            now,
        )))
    }
}

fn market(route: Route, path: &str, params: &Params) -> Option<Box<dyn Session>> {
    let (combined, names) = names(path, params)?;
    if names.len() > market_session::MOST_STREAMS {
        return None;
    }
    Some(Box::new(MarketSession::new(route, combined, &names)))
}

/// Whether messages are wrapped, and the streams named by `/ws`, `/ws/a/b` or `/stream?streams=a/b`. A bare number
/// after `/ws/` is some clients' connection index.
fn names<'a>(path: &'a str, params: &'a Params) -> Option<(bool, Vec<&'a str>)> {
    let split = |list: &'a str| -> Vec<&'a str> {
        list.split('/')
            .filter(|name| !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()))
            .collect()
    };
    let path = path.trim_end_matches('/');
    // Some clients append the index of their connection to either address.
    let indexed = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    if path == "/stream" || path.strip_prefix("/stream/").is_some_and(indexed) {
        return Some((true, params.get("streams").map(split).unwrap_or_default()));
    }
    if path == "/ws" {
        return Some((false, Vec::new()));
    }
    path.strip_prefix("/ws/").map(|list| (false, split(list)))
}

//! Bybit v5: spot and linear perpetuals on the unified account.
//!
//! ```text
//! rest            one call: budgets, who asks, which endpoint, envelope
//! auth            signature and time window
//! limits          calls per second and endpoint, calls per address
//! codes           refusals in the venue's numbers and words
//! params          query strings, bodies, time windows, paging
//! public          /v5/market/*
//! account         fees, positions, the key             settings        modes, leverage, margin of single positions
//! closed_pnl      what closing earned                  asset           /v5/asset/*
//! wallet          balances
//! log             cash flow
//! trade           create and cancel                    batch           amend, several orders at once
//! queries         orders and executions
//! rows, convert   the objects of the wire, and how the exchange's rows become them
//! figures         what tickers say                     market_charts   candles, the tape, open interest
//! ticker, book    snapshot, then what changed
//! control         operations, acknowledgements, heartbeats of the sockets
//! stream          /v5/public/*
//! private_stream  /v5/private
//! trade_stream    /v5/trade
//! ```

mod account;
mod asset;
mod auth;
mod batch;
mod book;
mod closed_pnl;
mod codes;
mod control;
mod convert;
mod figures;
mod limits;
mod log;
mod market_charts;
mod params;
mod private_stream;
mod public;
mod queries;
mod rest;
mod rows;
mod settings;
mod stream;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod ticker;
mod trade;
mod trade_stream;
mod wallet;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::Serialize;

use super::{HttpReply, HttpRequest, Session, Wire};
use crate::exchange::Exchange;
use crate::market::{Ms, Venue};
use figures::Days;
use limits::Limits;
use params::Category;

/// The wire of Bybit's host.
pub fn wire() -> Rc<dyn Wire> {
    Rc::new(Bybit { shared: Rc::default() })
}

/// What all connections of the host share.
#[derive(Debug, Default)]
struct Shared {
    limits: RefCell<Limits>,
    days: RefCell<Days>,
    connections: Cell<u64>,
}

impl Shared {
    fn connection(&self) -> String {
        self.connections.set(self.connections.get() + 1);
        format!("sim-bybit-{}", self.connections.get())
    }
}

#[derive(Debug)]
struct Bybit {
    shared: Rc<Shared>,
}

impl Wire for Bybit {
    fn http(&self, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply {
        rest::answer(&self.shared, exchange, request, now)
    }

    fn open(&self, exchange: &mut Exchange, path_and_query: &str, now: Ms) -> Result<Box<dyn Session>, HttpReply> {
        if !self.shared.limits.borrow_mut().admit_socket(now, rest::speed(exchange)) {
            return Err(rest::shut_out(now));
        }
        let path = path_and_query.split('?').next().unwrap_or_default();
        let shared = Rc::clone(&self.shared);
        Ok(match path {
            "/v5/public/linear" => Box::new(stream::Public::new(shared, Category::Linear, now)),
            "/v5/public/spot" => Box::new(stream::Public::new(shared, Category::Spot, now)),
            "/v5/private" => Box::new(private_stream::Private::new(&shared, now)),
            "/v5/trade" => Box::new(trade_stream::Trade::new(shared, now)),
            _ => return Err(rest::not_found(path, now)),
        })
    }
}

/// The venue's clock: `now`, unless a fault skews it.
fn venue_time(exchange: &Exchange, now: Ms) -> Ms {
    now.saturating_add(exchange.quirks(Venue::Bybit).skew_ms)
}

/// Text of something that serialises without fail.
fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

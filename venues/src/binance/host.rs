//! Requests to one of Binance's two hosts, stamped by its clock and signed.

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{Product, VenueId};
use domain::ports::{Clock, VenueError};
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::pace::Pace;
use super::parse::{rate_limits, read};
use super::{codes, wire};
use crate::shared::budget::Limits;
use crate::shared::offset::{FOR_ORDERS, FOR_QUESTIONS, Offset};
use crate::shared::rest::{Reply, Request, Rest};
use crate::shared::sign::{hmac_sha256, percent_encode};
use crate::shared::transport::{BadUrl, Transport};

/// How late a request may arrive, in milliseconds.
pub const RECEIVE_WINDOW_MS: i64 = 5000;
const FORM: &str = "application/x-www-form-urlencoded";

/// The key pair of an account.
pub struct Keys {
    /// Names the account.
    pub key: SecretString,
    /// Signs.
    pub secret: SecretString,
}

/// Parameters in the order in which they are sent.
#[derive(Default)]
pub struct Params(String);

impl Params {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, percent-encoded.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{name}={}", percent_encode(value));
        self
    }

    /// As they are sent.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Adds a whole number.
    #[must_use]
    pub fn number(self, name: &str, value: i64) -> Self {
        self.with(name, &value.to_string())
    }
}

/// The verb of a signed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Takes back.
    Delete,
}

/// One host.
pub struct Host {
    rest: Rest,
    offset: Offset,
    pace: Pace,
    keys: Rc<Keys>,
    time_path: &'static str,
}

impl Host {
    /// The host of a product.
    pub fn new(
        product: Product,
        url: &str,
        transport: &Transport,
        clock: Rc<dyn Clock>,
        keys: Rc<Keys>,
    ) -> Result<Self, BadUrl> {
        let (per_window, time_path) = match product {
            Product::Spot => (6000, "/api/v3/time"),
            Product::Perp => (2400, "/fapi/v1/time"),
        };
        let limits = Limits {
            per_window,
            window: Duration::from_mins(1),
            // Enough for a hundred orders with their queries.
            reserve: 600,
            used_header: Some("x-mbx-used-weight-1m"),
        };
        Ok(Self {
            rest: Rest::new(VenueId::Binance, url, transport, clock, limits)?,
            offset: Offset::new(),
            pace: Pace::default(),
            keys,
            time_path,
        })
    }

    /// The venue's time, as well as it is known.
    pub fn venue_time(&self) -> Timestamp {
        self.offset.stamp(self.rest.now())
    }

    /// How far the venue's clock is ahead of ours, in milliseconds, as well as it is known.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.offset.millis()
    }

    /// Our market time.
    pub fn market_time(&self) -> Timestamp {
        self.rest.now().market
    }

    /// Reads something public.
    pub async fn public(&self, path: &str, params: Params, weight: u32) -> Result<String, VenueError> {
        self.rest
            .ask(Request::get(path, params.0).weight(weight), error_of)
            .await
    }

    /// Calls something that needs the key and no signature, such as the listen key.
    pub async fn keyed(&self, request: Request) -> Result<String, VenueError> {
        let request = request.header("X-MBX-APIKEY", self.keys.key.expose_secret());
        self.rest.ask(request, error_of).await
    }

    /// Reads something private. A refusal for its time is repaired and asked again once: nothing was carried out.
    pub async fn private(&self, path: &str, params: Params, weight: u32) -> Result<String, VenueError> {
        self.repaired(path, &params, |request| request.weight(weight)).await
    }

    /// As [`Host::private`], out of the budget that is reserved for orders.
    pub async fn private_for_order(&self, path: &str, params: Params, weight: u32) -> Result<String, VenueError> {
        self.repaired(path, &params, |request| request.weight(weight).for_order())
            .await
    }

    async fn repaired(
        &self,
        path: &str,
        params: &Params,
        shape: impl Fn(Request) -> Request,
    ) -> Result<String, VenueError> {
        self.settle_clock().await?;
        let ask = || self.rest.ask(shape(self.signed(Verb::Get, path, params)), error_of);
        match ask().await {
            Err(VenueError::Refused { code, .. }) if codes::is_timestamp(code) => {
                self.offset.forget();
                self.settle_clock().await?;
                ask().await
            }
            other => other,
        }
    }

    /// Changes something, once; the answer is read for success only.
    pub async fn change(&self, verb: Verb, path: &str, params: Params) -> Result<String, VenueError> {
        self.settle_clock().await?;
        let answer = self
            .rest
            .ask(self.signed(verb, path, &params).for_order(), error_of)
            .await;
        if let Err(VenueError::Refused { code, .. }) = &answer
            && codes::is_timestamp(*code)
        {
            self.offset.forget();
        }
        answer
    }

    /// Places an order: sent once, and the whole outcome is given back.
    pub async fn place(&self, path: &str, params: Params) -> Reply {
        if let Err(error) = self.measure_clock(FOR_ORDERS).await {
            return Reply::NotSent {
                reason: format!("the venue's clock is not known: {error}"),
                wait_seconds: None,
            };
        }
        let reply = self.rest.send(self.signed(Verb::Post, path, &params).for_order()).await;
        if let Reply::Answered { headers, .. } = &reply {
            self.pace.note(headers, self.rest.now().machine);
        }
        reply
    }

    /// Takes the limits of an `exchangeInfo`; those of before stay where they cannot be read.
    pub fn learn_limits(&self, exchange_info: &str) {
        if let Ok(limits) = rate_limits(exchange_info) {
            self.pace.learn(&limits);
        }
    }

    /// How long an order that opens something has to wait, by the venue's count of orders.
    pub fn orders_wait(&self) -> Option<Duration> {
        self.pace.wait(self.rest.now().machine)
    }

    /// The venue refused a request for its time: measure again before the next.
    pub fn distrust_clock(&self) {
        self.offset.forget();
    }

    /// Measures the venue's clock where it was measured a minute ago. An old measurement serves while a new one cannot be
    /// had.
    pub async fn settle_clock(&self) -> Result<(), VenueError> {
        self.measure_clock(FOR_QUESTIONS).await
    }

    async fn measure_clock(&self, oldest: Duration) -> Result<(), VenueError> {
        let sent = self.rest.now();
        if !self.offset.is_due(sent, oldest) {
            return Ok(());
        }
        let request = Request::get(self.time_path, String::new()).for_order();
        let measured = match self.rest.ask(request, error_of).await {
            Ok(body) => read::<wire::ServerTime>("time", &body).map(|time| time.server_time),
            Err(error) => Err(error),
        };
        match measured {
            Ok(server) => {
                self.offset.learn(sent, Timestamp(server), self.rest.now());
                Ok(())
            }
            Err(_) if self.offset.is_known() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// For how much longer the host takes nothing, by its own word.
    pub fn shut_for(&self) -> Option<Duration> {
        self.rest.shut_for()
    }

    /// The key pair, for sockets that sign by themselves.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    fn signed(&self, verb: Verb, path: &str, params: &Params) -> Request {
        let mut payload = params.0.clone();
        if !payload.is_empty() {
            payload.push('&');
        }
        let stamp = self.venue_time().millis();
        let _ = write!(payload, "recvWindow={RECEIVE_WINDOW_MS}&timestamp={stamp}");
        let signature = hmac_sha256(&self.keys.secret, &payload);
        let _ = write!(payload, "&signature={signature}");
        let request = match verb {
            Verb::Get => Request::get(path, payload),
            Verb::Delete => Request::delete(path, payload),
            Verb::Post => Request::post(path, String::new()).body(FORM, payload),
        };
        request.header("X-MBX-APIKEY", self.keys.key.expose_secret())
    }
}

/// The code and the words of an error body.
pub fn error_of(body: &str) -> Option<(i64, String)> {
    let error: wire::ErrorBody = serde_json::from_str(body).ok()?;
    Some((error.code, error.msg))
}

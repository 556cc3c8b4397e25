//! How the venues speak: the seam between the exchange and the bytes.
//!
//! ```text
//! binance/   spot and USDⓈ-M: REST, streams, WS API
//! bybit/     v5: REST, public, private and trade sockets
//! chart      what both draw from the market alone: candles, the tape, open interest
//! ```
//!
//! A wire is pure: it is handed a request or a text frame and the exchange, and answers with text. Time is the
//! simulator's; a client's receive window is machine time and counts `Exchange::speed` times as long.

use std::rc::Rc;

use crate::exchange::{Event, Exchange};
use crate::market::{Ms, Venue};

pub mod binance;
pub mod bybit;
mod chart;

/// One network host of the real venues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// `api.binance.com`, its stream and WS API hosts.
    BinanceSpot,
    /// `fapi.binance.com`, its stream and WS API hosts.
    BinanceUsdm,
    /// `api.bybit.com` and `stream.bybit.com`.
    Bybit,
}

impl Host {
    /// Every host.
    pub const ALL: [Self; 3] = [Self::BinanceSpot, Self::BinanceUsdm, Self::Bybit];

    /// Whose host it is.
    pub const fn venue(self) -> Venue {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => Venue::Binance,
            Self::Bybit => Venue::Bybit,
        }
    }
}

/// A request as it came. Path, query and body are raw: signatures are made over these bytes.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// Upper case.
    pub method: String,
    /// Without query.
    pub path: String,
    /// After the `?`, not decoded; empty if none.
    pub query: String,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl HttpRequest {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside content type and length.
    pub headers: Vec<(String, String)>,
    /// JSON text.
    pub body: String,
    /// Weight charged for the call, for the request log.
    pub weight: u32,
}

impl HttpReply {
    /// A JSON answer of weight 1 without headers of its own.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            weight: 1,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with this weight.
    #[must_use]
    pub const fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }
}

/// One message on its way to a client. Topic and symbol let faults find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Stream or topic name, for example `btcusdt@bookTicker` or `orderbook.1.BTCUSDT`.
    pub topic: String,
    /// Symbol, empty if none.
    pub symbol: String,
    /// The frame.
    pub text: String,
}

/// The language of one host. State of its own (listen keys, rate budgets) lies behind interior mutability.
pub trait Wire {
    /// Answers one REST call. The exchange has been advanced to `now`.
    fn http(&self, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply;

    /// Opens a socket at `path_and_query`.
    ///
    /// # Errors
    /// The plain HTTP answer for a path that takes no socket.
    fn open(&self, exchange: &mut Exchange, path_and_query: &str, now: Ms) -> Result<Box<dyn Session>, HttpReply>;
}

/// One open socket.
pub trait Session {
    /// Takes one text frame; the answers go out at once, in order.
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String>;

    /// Called at every push: market data that changed since the last one.
    fn tick(&mut self, exchange: &Exchange, now: Ms) -> Vec<Outgoing>;

    /// Called for every event of the venue, of any account: the session knows whose it is.
    fn event(&mut self, exchange: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing>;

    /// Whether this is a private stream (faults name the link `private`).
    fn is_private(&self) -> bool;

    /// Whether the venue hangs up now.
    fn wants_close(&self) -> bool {
        false
    }
}

/// The wire of a host.
pub fn wire(host: Host) -> Rc<dyn Wire> {
    match host {
        Host::BinanceSpot | Host::BinanceUsdm => binance::wire(host),
        Host::Bybit => bybit::wire(),
    }
}

/// A host that knows no path: every call is a 404.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Wire for Deaf {
    fn http(&self, _: &mut Exchange, request: &HttpRequest, _: Ms) -> HttpReply {
        let message = format!("no such path: {}", request.path);
        HttpReply::json(404, serde_json::json!({ "msg": message }).to_string())
    }

    fn open(&self, _: &mut Exchange, path: &str, _: Ms) -> Result<Box<dyn Session>, HttpReply> {
        let message = format!("no socket at {path}");
        Err(HttpReply::json(404, serde_json::json!({ "msg": message }).to_string()))
    }
}

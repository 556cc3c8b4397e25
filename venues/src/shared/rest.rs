//! One request, one outcome.
//!
//! - RE-1  One deadline covers connecting, head and body.
//! - RE-2  A request that may have reached the venue is [`Reply::Unknown`], never a failure.
//! - RE-3  Nothing here repeats a request.
//! - RE-4  No error carries a query, a header or a body of ours.
//! - RE-5  A window that the venue closed is closed for the next process, too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use awc::error::{ConnectError, SendRequestError};
use awc::http::Method;
use domain::instrument::VenueId;
use domain::ports::{Bans, Clock, VenueError};
use domain::time::Now;
use tokio::time::timeout;

use super::budget::{Budget, Limits, Priority};
use super::transport::{BadUrl, Transport};

/// Above the largest answer of a venue (Binance spot's `exchangeInfo` has about 20 MB).
const MAX_BODY: usize = 64 << 20;
/// The longest ban that a venue gives is three days; whatever says more is not believed. In seconds.
const LONGEST_BAN: u64 = 3 * 86_400;
/// A venue that finds us too fast asks for seconds to minutes; one that says more is not believed, for until then no
/// position there can be changed. In seconds.
const LONGEST_PAUSE: u64 = 600;
/// How long a request may take unless the caller says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// What is asked.
pub struct Request {
    method: Method,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Option<(&'static str, String)>,
    weight: u32,
    priority: Priority,
    deadline: Duration,
}

impl Request {
    fn new(method: Method, path: &str, query: String) -> Self {
        Self {
            method,
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            body: None,
            weight: 1,
            priority: Priority::Read,
            deadline: DEADLINE,
        }
    }

    /// A GET of `path` with an already encoded query (empty for none).
    pub fn get(path: &str, query: String) -> Self {
        Self::new(Method::GET, path, query)
    }

    /// A POST.
    pub fn post(path: &str, query: String) -> Self {
        Self::new(Method::POST, path, query)
    }

    /// A PUT.
    pub fn put(path: &str, query: String) -> Self {
        Self::new(Method::PUT, path, query)
    }

    /// A DELETE.
    pub fn delete(path: &str, query: String) -> Self {
        Self::new(Method::DELETE, path, query)
    }

    /// What is asked for, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: String) -> Self {
        self.body = Some((content_type, body));
        self
    }

    /// What it costs of the rate budget.
    #[must_use]
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Lets it use the reserve for orders.
    #[must_use]
    pub const fn for_order(mut self) -> Self {
        self.priority = Priority::Order;
        self
    }

    /// Another deadline than [`DEADLINE`].
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// Response headers, by lower-case name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// These headers, for tests.
    #[cfg(test)]
    pub fn of(headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(headers.iter().map(owned).collect())
    }

    /// The header of this lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The header of this lower-case name as a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A whole answer came.
    Answered {
        /// HTTP status.
        status: u16,
        /// Its headers.
        headers: Headers,
        /// Its text.
        body: String,
    },
    /// It cannot have reached the venue.
    NotSent {
        /// Why.
        reason: String,
        /// When the rate gate stopped it: seconds until asking again makes sense.
        wait_seconds: Option<u64>,
    },
    /// It may have.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// Requests to one host of a venue.
pub struct Rest {
    venue: VenueId,
    base: String,
    http: awc::Client,
    budget: RefCell<Budget>,
    bans: Option<Rc<dyn Bans>>,
    clock: Rc<dyn Clock>,
}

impl Rest {
    /// Requests to `base_url` (scheme, host and port; a path prefix is kept).
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn new(
        venue: VenueId,
        base_url: &str,
        transport: &Transport,
        clock: Rc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, BadUrl> {
        let base = transport.admit(base_url.trim_end_matches('/'))?;
        let (mut budget, bans, now) = (Budget::new(limits), transport.bans(), clock.now());
        let until = bans.as_ref().and_then(|bans| bans.until(&base));
        let left = until.map_or(0, |until| until.millis_since(now.market));
        if let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) {
            budget.close(now.machine, left.div_ceil(1000).min(LONGEST_BAN));
        }
        Ok(Self {
            venue,
            base,
            http: transport.http(),
            budget: RefCell::new(budget),
            bans,
            clock,
        })
    }

    /// Both clocks, as this host's requests are stamped by them.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Sends nothing for a while: for venues that tell so inside an answer.
    pub fn close_for(&self, wait_seconds: u64) {
        let (now, wait_seconds) = (self.clock.now(), wait_seconds.min(LONGEST_BAN));
        self.budget.borrow_mut().close(now.machine, wait_seconds);
        if let (Some(bans), Ok(millis)) = (&self.bans, i64::try_from(wait_seconds * 1000)) {
            bans.keep(&self.base, now.market.plus_millis(millis));
        }
    }

    /// For how much longer this host takes nothing, by its own word; `None` when it is open.
    pub fn shut_for(&self) -> Option<Duration> {
        self.budget.borrow().closed_for(self.clock.now().machine)
    }

    /// Sends one request, once.
    pub async fn send(&self, request: Request) -> Reply {
        let admitted = self
            .budget
            .borrow_mut()
            .admit(self.clock.now().machine, request.weight, request.priority);
        if let Err(wait_seconds) = admitted {
            return Reply::NotSent {
                reason: format!("the rate budget asks to wait {wait_seconds} s"),
                wait_seconds: Some(wait_seconds),
            };
        }
        let taken = Taken {
            budget: &self.budget,
            weight: request.weight,
        };
        let reply = match timeout(request.deadline, self.exchange(request)).await {
            Ok(reply) => reply,
            Err(_) => Reply::Unknown {
                reason: "no answer in time".to_owned(),
            },
        };
        drop(taken);
        self.learn(&reply);
        reply
    }

    /// Sends a request whose answer is only read, and returns the body of a 2xx answer. `code_of` reads the venue's own
    /// code and words out of an error body.
    ///
    /// # Errors
    /// [`VenueError`] of any kind; nothing is taken for an empty answer.
    pub async fn ask(
        &self,
        request: Request,
        code_of: impl Fn(&str) -> Option<(i64, String)>,
    ) -> Result<String, VenueError> {
        let path = request.path.clone();
        match self.send(request).await {
            Reply::Answered { status, body, .. } if (200..300).contains(&status) => Ok(body),
            Reply::Answered { status, headers, body } => Err(self.refusal(&path, status, &headers, &body, code_of)),
            Reply::NotSent {
                wait_seconds: Some(wait_seconds),
                ..
            } => Err(VenueError::Throttled {
                venue: self.venue,
                wait_seconds,
            }),
            Reply::NotSent { reason, .. } | Reply::Unknown { reason } => Err(VenueError::Unreachable {
                venue: self.venue,
                reason: format!("{path}: {reason}"),
            }),
        }
    }

    fn refusal(
        &self,
        path: &str,
        status: u16,
        headers: &Headers,
        body: &str,
        code_of: impl Fn(&str) -> Option<(i64, String)>,
    ) -> VenueError {
        let venue = self.venue;
        if let Some(wait_seconds) = wait_of(status, headers, body, self.clock.now()) {
            return VenueError::Throttled { venue, wait_seconds };
        }
        match code_of(body) {
            _ if status >= 500 || status == 408 => VenueError::Unreachable {
                venue,
                reason: format!("{path}: HTTP {status}"),
            },
            Some((code, reason)) => VenueError::Refused { venue, code, reason },
            None => VenueError::Malformed {
                venue,
                reason: format!("{path}: HTTP {status} without a code"),
            },
        }
    }

    fn learn(&self, reply: &Reply) {
        let Reply::Answered { status, headers, body } = reply else {
            return;
        };
        let now = self.clock.now();
        let mut budget = self.budget.borrow_mut();
        let used = budget.used_header().and_then(|name| headers.number(name));
        if let Some(used) = used.and_then(|used| u32::try_from(used).ok()) {
            budget.heard(now.machine, used);
        }
        drop(budget);
        if let Some(wait_seconds) = wait_of(*status, headers, body, now) {
            self.close_for(wait_seconds);
        }
    }

    async fn exchange(&self, request: Request) -> Reply {
        let mut url = format!("{}{}", self.base, request.path);
        if !request.query.is_empty() {
            url.push('?');
            url.push_str(&request.query);
        }
        let mut call = self.http.request(request.method, url);
        for (name, value) in request.headers {
            call = call.insert_header((name, value));
        }
        let sent = match request.body {
            Some((content_type, body)) => call.content_type(content_type).send_body(body),
            None => call.send(),
        };
        let mut response = match sent.await {
            Ok(response) => response,
            Err(error) => return judge(&error),
        };
        let headers = Headers(
            response
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
        );
        let body = match response.body().limit(MAX_BODY).await {
            Ok(body) => body,
            Err(error) => {
                return Reply::Unknown {
                    reason: error.to_string(),
                };
            }
        };
        // The client takes a body that was cut short for a whole one.
        if headers
            .number("content-length")
            .is_some_and(|promised| u64::try_from(body.len()) != Ok(promised))
        {
            return Reply::Unknown {
                reason: format!("the body was cut short at {} bytes", body.len()),
            };
        }
        match String::from_utf8(body.to_vec()) {
            Ok(body) => Reply::Answered {
                status: response.status().as_u16(),
                headers,
                body,
            },
            Err(_) => Reply::Unknown {
                reason: "the body is no text".to_owned(),
            },
        }
    }
}

/// Weight of a request that is under way; given back when it is over, or when nobody waits for it any more.
struct Taken<'a> {
    budget: &'a RefCell<Budget>,
    weight: u32,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.budget.borrow_mut().over(self.weight);
    }
}

/// `Connect(Disconnected)` reads like a refusal, yet it is what a venue that took the order and hung up looks like.
fn judge(error: &SendRequestError) -> Reply {
    let reason = error.to_string();
    match error {
        SendRequestError::Connect(ConnectError::Disconnected | ConnectError::H2(_)) => Reply::Unknown { reason },
        SendRequestError::Url(_) | SendRequestError::Connect(_) => Reply::NotSent {
            reason,
            wait_seconds: None,
        },
        _ => Reply::Unknown { reason },
    }
}

/// How long an answer of this kind closes the gate, in seconds; `None` when it does not.
fn wait_of(status: u16, headers: &Headers, body: &str, now: Now) -> Option<u64> {
    let (fallback, longest) = match status {
        429 => (30, LONGEST_PAUSE),
        403 => (60, LONGEST_BAN),
        418 => (120, LONGEST_BAN),
        _ => return None,
    };
    Some(
        headers
            .number("retry-after")
            .or_else(|| banned_for(body, now))
            .unwrap_or(fallback)
            .clamp(1, longest),
    )
}

/// Some answers name the end of a ban in their text only: "… banned until 1790000000000 …".
fn banned_for(body: &str, now: Now) -> Option<u64> {
    let (_, after) = body.split_once("banned until ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let millis = digits.parse::<i64>().ok()?.checked_sub(now.market.millis())?;
    u64::try_from(millis).ok().map(|millis| millis.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::time::Timestamp;
    use futures_util::future::LocalBoxFuture;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::shared::fake::{clock, pass, virtual_time};
    use crate::shared::transport::Dial;

    #[test]
    fn a_ban_is_obeyed_by_header_by_text_and_by_default() {
        let now = Now {
            market: Timestamp(1_790_000_000_000),
            ..Now::default()
        };
        let none = Headers::default();
        let header = Headers([("retry-after".to_owned(), "7".to_owned())].into());
        assert_eq!(wait_of(429, &header, "", now), Some(7));
        assert_eq!(
            wait_of(418, &none, "IP(1.2.3.4) banned until 1790000090001. x", now),
            Some(91)
        );
        assert_eq!(wait_of(418, &none, "", now), Some(120));
        assert_eq!(wait_of(403, &none, "", now), Some(60));
        assert_eq!(wait_of(200, &header, "", now), None);
    }

    #[test]
    fn a_wait_beyond_what_venues_give_is_not_believed() {
        let now = Now {
            market: Timestamp(1_790_000_000_000),
            ..Now::default()
        };
        let header = Headers([("retry-after".to_owned(), "999999999".to_owned())].into());
        let text = "IP(1.2.3.4) banned until 9790000000000. x";
        let (minutes, days) = (Some(600), Some(3 * 86_400));
        for (status, most) in [(429, minutes), (418, days), (403, days)] {
            assert_eq!(wait_of(status, &header, "", now), most, "{status} by header");
            assert_eq!(
                wait_of(status, &Headers::default(), text, now),
                most,
                "{status} by text"
            );
        }
        let header = Headers([("retry-after".to_owned(), "599".to_owned())].into());
        assert_eq!(wait_of(429, &header, "", now), Some(599));
    }

    #[derive(Default)]
    struct Memory(RefCell<BTreeMap<String, Timestamp>>);

    impl Bans for Memory {
        fn until(&self, host: &str) -> Option<Timestamp> {
            self.0.borrow().get(host).copied()
        }

        fn keep(&self, host: &str, until: Timestamp) {
            self.0.borrow_mut().insert(host.to_owned(), until);
        }
    }

    /// Bans whoever asks; counts the connections.
    struct Banning(Cell<u32>);

    impl Dial for Banning {
        fn dial<'a>(&'a self, _: &'a str) -> LocalBoxFuture<'a, std::io::Result<DuplexStream>> {
            self.0.set(self.0.get() + 1);
            let (near, mut far) = duplex(1 << 12);
            actix_rt::spawn(async move {
                let _ = far.read(&mut [0; 1024]).await;
                let answer = b"HTTP/1.1 418 X\r\nretry-after: 600\r\ncontent-length: 2\r\n\r\n{}";
                let _ = far.write_all(answer).await;
                std::future::pending::<()>().await;
            });
            Box::pin(std::future::ready(Ok(near)))
        }
    }

    #[test]
    fn f020_a_ban_is_obeyed_by_the_next_process() {
        virtual_time(async {
            let (venue, memory) = (Rc::new(Banning(Cell::new(0))), Rc::new(Memory::default()));
            let clock = clock();
            // One process after another, as far as it can be told: only the memory is handed on.
            let ask = async || {
                let transport = Transport::pipes(venue.clone()).remembering(memory.clone());
                let limits = Limits {
                    per_window: 100,
                    window: Duration::from_mins(1),
                    reserve: 0,
                    used_header: None,
                };
                let rest = Rest::new(VenueId::Binance, "https://api.test", &transport, clock.clone(), limits).unwrap();
                rest.ask(Request::get("/x", String::new()).for_order(), |_| None).await
            };
            let throttled = |wait_seconds| {
                Err(VenueError::Throttled {
                    venue: VenueId::Binance,
                    wait_seconds,
                })
            };
            assert_eq!(ask().await, throttled(600));
            pass(100_000).await;
            assert_eq!(ask().await, throttled(500));
            assert_eq!(venue.0.get(), 1, "nothing was sent during the ban");
            pass(500_000).await;
            assert_eq!((ask().await, venue.0.get()), (throttled(600), 2));
        });
    }

    #[test]
    fn only_what_cannot_have_left_is_not_sent() {
        let refused = SendRequestError::Connect(ConnectError::Io(std::io::ErrorKind::ConnectionRefused.into()));
        assert!(matches!(judge(&refused), Reply::NotSent { .. }));
        for lost in [
            SendRequestError::Connect(ConnectError::Disconnected),
            SendRequestError::Timeout,
            SendRequestError::Send(std::io::ErrorKind::BrokenPipe.into()),
        ] {
            assert!(matches!(judge(&lost), Reply::Unknown { .. }));
        }
    }
}

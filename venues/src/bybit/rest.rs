//! Signed requests of this venue, their envelope, and every page of an answer.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::time::Duration;

use domain::instrument::VenueId;
use domain::ports::VenueError;
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::codes;
use super::pace::Pace;
use super::parse::{Read, brief, malformed};
use super::wire::{Answer, Page, ServerTime, Verdict};
use crate::shared::budget::Limits;
use crate::shared::offset::{FOR_ORDERS, FOR_QUESTIONS, Offset};
pub use crate::shared::rest::Reply;
use crate::shared::rest::{Request, Rest as Host};
use crate::shared::sign::{hmac_sha256, percent_encode};

/// 600 requests in 5 s for one address, over everything; a sixth is kept for orders.
pub const LIMITS: Limits = Limits {
    per_window: 600,
    window: Duration::from_secs(5),
    reserve: 100,
    used_header: None,
};
/// For how long a request may be under way, in milliseconds: a later one is refused instead of acting on an old market.
const RECV_WINDOW_MS: &str = "5000";
/// How long to wait for what became of an order.
const ORDER_DEADLINE: Duration = Duration::from_secs(5);
/// How long to wait for the venue's time: an order that needs it must not wait for it.
const TIME_DEADLINE: Duration = Duration::from_secs(2);
/// More pages than any answer has; beyond them the venue is going in circles.
const MOST_PAGES: usize = 1_000;
/// An address that asked too often is shut out for at least this long, in seconds.
const BAN_SECONDS: u64 = 600;

/// A query, encoded as it is signed and sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let separator = if self.0.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{separator}{name}={}", percent_encode(&value.to_string()));
        self
    }
}

/// The venue over HTTP, for one account.
pub struct Rest {
    host: Host,
    key: SecretString,
    secret: SecretString,
    offset: Offset,
    pace: Pace,
    log: slog::Logger,
}

impl Rest {
    /// Requests to `host` in the name of `key`.
    pub fn new(host: Host, key: SecretString, secret: SecretString, log: slog::Logger) -> Self {
        Self {
            host,
            key,
            secret,
            offset: Offset::new(),
            pace: Pace::default(),
            log,
        }
    }

    /// For how much longer the venue takes nothing, by its own word.
    pub fn shut_for(&self) -> Option<Duration> {
        self.host.shut_for()
    }

    /// Market time by our own calendar.
    pub fn now(&self) -> Timestamp {
        self.host.now().market
    }

    /// The venue's time, measured anew where the last measure is old.
    pub async fn fresh_venue_time(&self) -> Timestamp {
        self.know_the_time(FOR_QUESTIONS).await;
        self.venue_time()
    }

    /// How far the venue's clock is ahead of ours, in milliseconds, as well as it is known.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.offset.millis()
    }

    fn venue_time(&self) -> Timestamp {
        self.offset.stamp(self.host.now())
    }

    /// Sends a request, once. The venue repeats our key in some of its complaints; nothing behind this line sees it.
    async fn send(&self, request: Request) -> Reply {
        let path = request.path().to_owned();
        // An early one would be refused: it waits, at most for a second.
        if let Some(wait) = self.pace.wait(&path, self.host.now().machine) {
            tokio::time::sleep(wait).await;
        }
        let mut reply = self.host.send(request).await;
        if let Reply::Answered { headers, .. } = &reply {
            self.pace
                .note(&path, headers, self.host.now().machine, self.venue_time());
        }
        let key = self.key.expose_secret();
        if let Reply::Answered { status, body, .. } = &mut reply {
            let ret_code = serde_json::from_str(body).ok().map(|Verdict { ret_code, .. }| ret_code);
            // Only a complaint repeats it: in an answer the same letters are part of something else.
            if ret_code != Some(0) && !key.is_empty() && body.contains(key) {
                *body = body.replace(key, "***");
            }
            // A ban is told by the status, or by a code inside of a good one.
            if *status == 403 || ret_code == Some(10018) {
                self.host.close_for(BAN_SECONDS);
            }
            if ret_code == Some(10002) {
                self.offset.forget();
            }
        }
        reply
    }

    /// A public answer with its time.
    ///
    /// # Errors
    /// When it does not come, is a refusal, or cannot be read.
    pub async fn public_answer<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Read<Answer<T>> {
        let reply = self.send(Request::get(path, query.0.clone())).await;
        Self::answer(path, reply)
    }

    /// All rows of a public answer.
    ///
    /// # Errors
    /// When any page of it fails.
    pub async fn public_pages<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Read<Vec<T>> {
        let mut pages = Pages::default();
        while let Some(query) = pages.next_query(query)? {
            let page: Page<T> = self.public_answer(path, &query).await?.result;
            pages.take(page);
        }
        Ok(pages.rows)
    }

    /// An answer to a signed question.
    ///
    /// # Errors
    /// When it does not come, is a refusal, or cannot be read.
    pub async fn signed<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Read<T> {
        self.know_the_time(FOR_QUESTIONS).await;
        let request = self.sign(Request::get(path, query.0.clone()), &query.0);
        let reply = self.send(request).await;
        Self::answer(path, reply).map(|answer| answer.result)
    }

    /// All rows of the answer to a signed question.
    ///
    /// # Errors
    /// When any page of it fails: a part is never taken for the whole.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Read<Vec<T>> {
        let mut pages = Pages::default();
        while let Some(query) = pages.next_query(query)? {
            pages.take(self.signed(path, &query).await?);
        }
        Ok(pages.rows)
    }

    /// Sends a command, once. The caller judges the reply.
    pub async fn command(&self, path: &str, body: &Value) -> Reply {
        self.know_the_time(FOR_ORDERS).await;
        let text = body.to_string();
        let request = self
            .sign(Request::post(path, String::new()), &text)
            .body("application/json", text)
            .within(ORDER_DEADLINE)
            .for_order();
        self.send(request).await
    }

    /// Sends a command whose codes in `is_fine` are success too.
    ///
    /// # Errors
    /// When it was refused, or nobody knows.
    pub async fn post(&self, path: &str, body: &Value, is_fine: impl Fn(i64) -> bool) -> Result<(), VenueError> {
        let reply = self.command(path, body).await;
        match Self::answer::<Option<Value>>(path, reply) {
            Err(VenueError::Refused { code, .. }) if is_fine(code) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Changes a setting; "already so" is success.
    ///
    /// # Errors
    /// When it was refused, or nobody knows.
    pub async fn setting(&self, path: &str, body: &Value) -> Result<(), VenueError> {
        self.post(path, body, codes::is_already_so).await
    }

    /// The arguments with which a private socket is signed in: key, a time to come, signature.
    pub async fn socket_credentials(&self) -> Vec<Value> {
        self.know_the_time(FOR_QUESTIONS).await;
        let expires = self.venue_time().plus_millis(10_000).millis();
        let signature = hmac_sha256(&self.secret, &format!("GET/realtime{expires}"));
        vec![self.key.expose_secret().into(), expires.into(), signature.into()]
    }

    /// Stamps and signs a request whose query or body is `payload`, byte for byte.
    fn sign(&self, request: Request, payload: &str) -> Request {
        let stamp = self.venue_time().millis().to_string();
        let key = self.key.expose_secret();
        let signature = signature(&self.secret, &stamp, key, payload);
        request
            .header("X-BAPI-API-KEY", key)
            .header("X-BAPI-TIMESTAMP", &stamp)
            .header("X-BAPI-RECV-WINDOW", RECV_WINDOW_MS)
            .header("X-BAPI-SIGN", &signature)
    }

    /// Measures the venue's clock when the last measure is `oldest` ago. A failure is no reason to hold back a request: the
    /// venue refuses a wrong stamp by itself.
    async fn know_the_time(&self, oldest: Duration) {
        let sent = self.host.now();
        if !self.offset.is_due(sent, oldest) {
            return;
        }
        let request = Request::get("/v5/market/time", String::new())
            .within(TIME_DEADLINE)
            .for_order();
        let reply = self.send(request).await;
        let received = self.host.now();
        let told = Self::answer::<ServerTime>("/v5/market/time", reply).and_then(|answer| {
            let nanos = &answer.result.time_nano;
            nanos
                .parse::<i64>()
                .map(|nanos| Timestamp(nanos / 1_000_000))
                .map_err(|_| malformed("timeNano is no number"))
        });
        match told {
            Ok(server) => self.offset.learn(sent, server, received),
            Err(error) => slog::warn!(self.log, "the venue's clock was not measured"; "error" => %error),
        }
    }

    /// What a reply to a question or to a harmless command says.
    fn answer<T: DeserializeOwned>(path: &str, reply: Reply) -> Read<Answer<T>> {
        let venue = VenueId::Bybit;
        match reply {
            Reply::Answered { status: 200, body, .. } => {
                let unreadable = |error: serde_json::Error| malformed(format!("{path}: {}", brief(&error.to_string())));
                let verdict: Verdict = serde_json::from_str(&body).map_err(unreadable)?;
                if verdict.ret_code == 0 {
                    serde_json::from_str(&body).map_err(unreadable)
                } else {
                    Err(codes::error(verdict.ret_code, &verdict.ret_msg))
                }
            }
            Reply::Answered { status, .. } => Err(codes::error_by_status(status)),
            Reply::NotSent {
                wait_seconds: Some(wait_seconds),
                ..
            } => Err(VenueError::Throttled { venue, wait_seconds }),
            Reply::NotSent { reason, .. } | Reply::Unknown { reason } => Err(VenueError::Unreachable {
                venue,
                reason: format!("{path}: {reason}"),
            }),
        }
    }
}

/// The signature of a request: over time stamp, key, window and what is sent.
fn signature(secret: &SecretString, stamp: &str, key: &str, payload: &str) -> String {
    hmac_sha256(secret, &format!("{stamp}{key}{RECV_WINDOW_MS}{payload}"))
}

/// The pages of one answer so far.
#[derive(Debug)]
struct Pages<T> {
    rows: Vec<T>,
    next: Option<String>,
    seen: BTreeSet<String>,
    is_over: bool,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            next: None,
            seen: BTreeSet::new(),
            is_over: false,
        }
    }
}

impl<T> Pages<T> {
    /// The query of the next page; `None` after the last one.
    fn next_query(&mut self, query: &Query) -> Read<Option<Query>> {
        if self.is_over {
            return Ok(None);
        }
        let Some(cursor) = self.next.take() else {
            return Ok(Some(query.clone()));
        };
        if self.seen.len() >= MOST_PAGES || !self.seen.insert(cursor.clone()) {
            return Err(malformed("the pages go in circles"));
        }
        Ok(Some(query.clone().with("cursor", cursor)))
    }

    /// A page without rows or without a cursor is the last.
    fn take(&mut self, page: Page<T>) {
        self.next = page.next_page_cursor.filter(|cursor| !cursor.is_empty());
        self.is_over = self.next.is_none() || page.list.is_empty();
        self.rows.extend(page.list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_stamp_key_window_and_payload() {
        // Reckoned apart from this code: HMAC-SHA256 of the four parts written one after another.
        let secret = SecretString::from("a-secret-of-ours");
        assert_eq!(
            signature(
                &secret,
                "1790000010000",
                "a-key-of-ours",
                "category=linear&symbol=XRPUSDT"
            ),
            "22f1f17c9256603a279fc6e4b928c7c5f7273ee13ff76ea1f303735afd4cb129"
        );
    }

    /// The documents write the signed text out, with a key of ten crosses and no secret; the digest was reckoned apart
    /// from this code.
    #[test]
    fn bybit_v5_integration_guidance_signed_text_of_a_get() {
        let payload = "category=option&symbol=BTC-29JUL22-25000-C";
        assert_eq!(
            signature(&SecretString::from("secret"), "1658384314791", "XXXXXXXXXX", payload),
            "02e9182e346177050f199ce1e0703d738589e3763805ed71590ced65539a73a7"
        );
    }

    #[test]
    fn bybit_v5_integration_guidance_signed_text_of_a_post() {
        assert_eq!(
            signature(
                &SecretString::from("secret"),
                "1658385579423",
                "XXXXXXXXXX",
                r#"{"category": "option"}"#
            ),
            "70b71239a836609988272df61d14ad05594dc2f475787edd2af7726a416933c5"
        );
    }

    #[test]
    fn a_query_is_encoded_as_it_is_signed() {
        let query = Query::new().with("cursor", "a%3A2,b").with("limit", 50);
        assert_eq!(query.0, "cursor=a%253A2%2Cb&limit=50");
    }

    fn page(rows: &[u8], cursor: Option<&str>) -> Page<u8> {
        Page {
            list: rows.to_vec(),
            next_page_cursor: cursor.map(str::to_owned),
        }
    }

    #[test]
    fn pages_are_followed_to_the_end_and_a_circle_is_an_error() {
        let base = Query::new().with("limit", 2);
        let mut pages = Pages::default();
        assert_eq!(pages.next_query(&base).unwrap(), Some(base.clone()));
        pages.take(page(&[1, 2], Some("x")));
        assert_eq!(pages.next_query(&base).unwrap(), Some(base.clone().with("cursor", "x")));
        pages.take(page(&[3], Some("y")));
        assert!(pages.next_query(&base).unwrap().is_some());
        pages.take(page(&[], Some("z")));
        assert_eq!(pages.next_query(&base).unwrap(), None);
        assert_eq!(pages.rows, [1, 2, 3]);

        let mut circle = Pages::default();
        circle.next_query(&base).unwrap();
        circle.take(page(&[1], Some("x")));
        circle.next_query(&base).unwrap();
        circle.take(page(&[1], Some("x")));
        assert!(circle.next_query(&base).is_err());
    }
}

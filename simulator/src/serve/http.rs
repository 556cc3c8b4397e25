//! One connection: HTTP/1.1 requests through the faults, and the way up to a websocket.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Twin;
use super::socket::mutate;
use crate::exchange::RequestRow;
use crate::faults::{Action, Link, Passing};
use crate::market::Ms;
use crate::wire::{Host, HttpReply, HttpRequest};

/// Largest body that is read.
const BODY_LIMIT: usize = 1 << 20;

type Answer = Response<Full<Bytes>>;

/// Serves one connection until it ends. Frames of its websockets arrive `transit` after they were sent.
pub(super) async fn serve<Io>(twin: Twin, host: Host, io: Io, transit: Duration)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let twin = twin.clone();
        async move { twin.answer(host, request, transit).await }
    });
    let mut builder = http1::Builder::new();
    // No timers and no date of the machine: under virtual time both would lie.
    builder.header_read_timeout(None).auto_date_header(false);
    // An error here is a client that hung up, or a fault that hung up on it.
    let _ = builder
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades()
        .await;
}

impl Twin {
    /// Answers one request; an error closes the connection without a byte.
    async fn answer(&self, host: Host, mut request: Request<Incoming>, transit: Duration) -> io::Result<Answer> {
        if let Some(key) = websocket_key(&request) {
            let path = request
                .uri()
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned();
            let asked = HttpRequest {
                method: "GET".to_owned(),
                path: request.uri().path().to_owned(),
                ..HttpRequest::default()
            };
            let on = hyper::upgrade::on(&mut request);
            if let Some(forged) = self.refused_upgrade(host, &asked).await? {
                return Ok(render(forged));
            }
            return self.upgrade(host, (&path, &key), on, transit);
        }
        let Some(plain) = read(request).await else {
            return Ok(render(HttpReply::json(
                400,
                r#"{"error":"body is too large or not UTF-8"}"#,
            )));
        };
        if plain.path.starts_with("/sim/") {
            return Ok(render(self.control(&plain)));
        }
        self.rest(host, &plain).await.map(render)
    }

    /// One call of a venue's API, through the faults of its link.
    async fn rest(&self, host: Host, request: &HttpRequest) -> io::Result<HttpReply> {
        let now = self.now();
        self.advance(now);
        let fired = self.fired_on(host, request);
        let mut wait = 0;
        let mut lost = false;
        let (mut forged, mut carried_out, mut changes) = (None, true, Vec::new());
        for action in fired {
            match action {
                Action::DropReq | Action::Reset => return Err(hang_up()),
                Action::HalfOpen => std::future::pending::<()>().await,
                Action::DropResp => lost = true,
                Action::Delay(ms) => wait += ms,
                Action::Reply {
                    status,
                    body,
                    headers,
                    executed,
                } => {
                    carried_out = executed;
                    forged = Some(HttpReply {
                        status,
                        headers,
                        body,
                        weight: 0,
                    });
                }
                Action::Mutate { field, value } => changes.push((field, value)),
                act if act.is_act() => {
                    // An act that cannot be done (no position any more) is no reason to refuse the request.
                    let _ = self.act(host.venue(), &act, now);
                }
                _ => {}
            }
        }
        let true_reply = carried_out.then(|| self.execute(host, request, now));
        let mut reply = forged.or(true_reply).unwrap_or_else(|| HttpReply::json(500, "{}"));
        for (field, value) in changes {
            reply.body = mutate(reply.body, &field, &value);
        }
        self.log(host, request, &reply, now);
        self.tell(now);
        if let Some(wait) = u64::try_from(wait).ok().filter(|wait| *wait > 0) {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        if lost { Err(hang_up()) } else { Ok(reply) }
    }

    /// What a fault on `rest` makes of a request to become a socket.
    async fn refused_upgrade(&self, host: Host, request: &HttpRequest) -> io::Result<Option<HttpReply>> {
        for action in self.fired_on(host, request) {
            match action {
                Action::DropReq | Action::DropResp | Action::Reset => return Err(hang_up()),
                Action::HalfOpen => std::future::pending::<()>().await,
                Action::Reply {
                    status, body, headers, ..
                } => {
                    return Ok(Some(HttpReply {
                        status,
                        headers,
                        body,
                        weight: 0,
                    }));
                }
                Action::Delay(ms) => tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await,
                _ => {}
            }
        }
        Ok(None)
    }

    fn fired_on(&self, host: Host, request: &HttpRequest) -> Vec<Action> {
        if self.0.faults.borrow().is_empty() {
            return Vec::new();
        }
        let said = format!("{}&{}", request.query, request.body);
        self.0.faults.borrow_mut().on(Passing {
            venue: host.venue(),
            link: Link::Rest,
            method: &request.method,
            path: &request.path,
            topic: "",
            symbol: &said,
        })
    }

    fn execute(&self, host: Host, request: &HttpRequest, now: Ms) -> HttpReply {
        match self.0.wires.get(&host) {
            Some(wire) => wire.http(&mut self.0.exchange.borrow_mut(), request, now),
            None => HttpReply::json(404, "{}"),
        }
    }

    fn log(&self, host: Host, request: &HttpRequest, reply: &HttpReply, now: Ms) {
        let row = RequestRow {
            time_ms: now,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status: reply.status,
            weight: reply.weight,
        };
        self.0.exchange.borrow_mut().record_request(host.venue(), row);
    }

    fn upgrade(
        &self,
        host: Host,
        (path, key): (&str, &HeaderValue),
        on: hyper::upgrade::OnUpgrade,
        transit: Duration,
    ) -> io::Result<Answer> {
        let now = self.now();
        self.advance(now);
        let Some(wire) = self.0.wires.get(&host) else {
            return Err(hang_up());
        };
        let opened = wire.open(&mut self.0.exchange.borrow_mut(), path, now);
        let session = match opened {
            Ok(session) => session,
            Err(reply) => return Ok(render(reply)),
        };
        let twin = self.clone();
        tokio::task::spawn_local(async move {
            let Ok(raw) = on.await else { return };
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(raw), Role::Server, None).await;
            let (slot, queue) = twin.admit(host, session);
            twin.drive(slot, queue, socket, transit).await;
        });
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(io::Error::other)?;
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        Ok(answer)
    }
}

fn hang_up() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

/// The key of a request that wants a websocket.
fn websocket_key(request: &Request<Incoming>) -> Option<HeaderValue> {
    let upgrade = request.headers().get(UPGRADE)?.to_str().ok()?;
    upgrade
        .eq_ignore_ascii_case("websocket")
        .then(|| request.headers().get(SEC_WEBSOCKET_KEY).cloned())?
}

async fn read(request: Request<Incoming>) -> Option<HttpRequest> {
    let (head, body) = request.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let bytes = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
    Some(HttpRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: String::from_utf8(bytes.to_vec()).ok()?,
    })
}

fn render(reply: HttpReply) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(reply.body)));
    *answer.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    answer
}

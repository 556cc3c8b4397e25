//! What every request must keep to, and what every answer carries.

use std::net::Ipv4Addr;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use futures_util::StreamExt;

use super::State;
use super::answer::Refusal;

/// How soon a head must be whole.
pub const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How soon a body must be whole.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// The longest body, in bytes.
const MAX_BODY: usize = 16 << 10;
/// The longest head, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The longest target, in bytes.
const MAX_TARGET: usize = 8 << 10;
/// The most headers.
const MAX_HEADERS: usize = 100;

/// Answered under any host name, because a platform's probe does not know ours. They say little.
const ANY_HOST: [&str; 3] = ["/health", "/livez", "/readyz"];

/// The names that we answer to. Others are a rebinding attack, or a mistake.
pub struct Hosts {
    port: u16,
    allowed: Vec<String>,
}

impl Hosts {
    pub fn new(allowed: &[String], port: u16) -> Self {
        Self {
            port,
            allowed: allowed.iter().map(|host| host.to_ascii_lowercase()).collect(),
        }
    }

    fn admits(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => match port.parse::<u16>() {
                Ok(number) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(number)),
                _ => return false,
            },
            _ => (host.as_str(), None),
        };
        let loopback =
            name == "localhost" || name == "[::1]" || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
        let ours = loopback && port.unwrap_or(80) == self.port;
        ours || self.allowed.iter().any(|allowed| *allowed == host || *allowed == name)
    }

    fn judge(&self, request: &HttpRequest) -> Result<(), Refusal> {
        const FOREIGN: Refusal = Refusal::new(
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "this host name is not ours: add it to http.allowed_hosts",
        );
        let mut named = request.headers().get_all(HOST);
        let host = named.next().and_then(|host| host.to_str().ok()).ok_or(FOREIGN)?;
        let target = request.uri().authority().map(actix_web::http::uri::Authority::as_str);
        let kept = named.next().is_none() && self.admits(host) && target.is_none_or(|target| self.admits(target));
        if kept { Ok(()) } else { Err(FOREIGN) }
    }
}

fn head_is_small(request: &HttpRequest) -> Result<(), Refusal> {
    let target = request.uri().to_string().len();
    if target > MAX_TARGET {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            "target_too_long",
            "the target is longer than 8 KiB",
        ));
    }
    let headers = request.headers();
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if headers.iter().count() > MAX_HEADERS || size + target > MAX_HEAD {
        const TOO_LARGE: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Refusal::new(
            TOO_LARGE,
            "head_too_large",
            "at most 100 headers and 16 KiB of head",
        ));
    }
    Ok(())
}

fn judge(state: &State, request: &HttpRequest) -> Result<(), Refusal> {
    head_is_small(request)?;
    if ANY_HOST.contains(&request.path()) {
        Ok(())
    } else {
        state.hosts.judge(request)
    }
}

/// Around every request.
pub async fn keep<B: MessageBody + 'static>(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = match judge(&state, request.request()) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refusal) => request.into_response(refusal.answer()),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(CACHE_CONTROL, "no-store");
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(CONTENT_SECURITY_POLICY, nothing);
    }
    Ok(response)
}

/// Reads a body of one media type, whole and in time. An empty one needs no type.
pub async fn body(request: &HttpRequest, mut payload: web::Payload, media: &'static str) -> Result<Vec<u8>, Refusal> {
    const TOO_LARGE: Refusal = Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "at most 16 KiB of body",
    );
    const LATE: Refusal = Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_too_slow",
        "the body did not come within 10 s",
    );
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Refusal::media("an encoded body is not taken"));
    }
    let promised = request
        .headers()
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if promised.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(TOO_LARGE);
    }
    let whole = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Refusal::bad("the body is broken"))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(TOO_LARGE);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    let body = tokio::time::timeout(BODY_WITHIN, whole).await.map_err(|_| LATE)??;
    if !body.is_empty() && !is_media(request, media) {
        return Err(Refusal::media(
            "a body needs the right Content-Type; for control that is application/json",
        ));
    }
    Ok(body)
}

/// Whether the body is of this type, in UTF-8 where it says so.
fn is_media(request: &HttpRequest, media: &str) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE);
    let (first, second) = (types.next(), types.next());
    let Some(text) = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let (essence, rest) = text.split_once(';').unwrap_or((text, ""));
    let rest = rest.trim().to_ascii_lowercase();
    essence.trim().eq_ignore_ascii_case(media) && ["", "charset=utf-8", "charset=\"utf-8\""].contains(&rest.as_str())
}

//! Errors as JSON: a word for programs and a sentence for people.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// Why a request is not answered as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    error: &'static str,
    message: &'static str,
    wait_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal.
    pub const fn new(status: StatusCode, error: &'static str, message: &'static str) -> Self {
        Self {
            status,
            error,
            message,
            wait_seconds: None,
        }
    }

    /// Something that the caller wrote cannot be taken.
    pub const fn bad(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// Something behind the door does not answer now.
    pub const fn away(message: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// The media type of a body.
    pub const fn media(message: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// No token, or not the right one.
    pub const UNAUTHORISED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "unauthorised",
        "send Authorization: Bearer with the control token",
    );
    /// The session reads only.
    pub const READ_ONLY: Self = Self::new(
        StatusCode::FORBIDDEN,
        "read_only",
        "this token or session reads only: control needs the control token",
    );
    /// Nobody has set a token.
    pub const NO_TOKEN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "no_token_configured",
        "no control token is configured: set CONTROL_TOKEN to at least 16 characters and restart",
    );
    /// As many event streams as there may be are open.
    pub const CROWDED: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_streams",
        "64 event streams are open: close one, or read /status",
    );
    /// There is no such thing.
    pub const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here");
    /// The hedge is not known.
    pub const NO_HEDGE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no_such_hedge",
        "there is no open hedge of this number",
    );

    /// Control is called too often; asking again makes sense after so many seconds.
    pub const fn too_often(wait_seconds: u64) -> Self {
        let mut refusal = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_calls",
            "control takes 30 calls at once and one a second: see the Retry-After header",
        );
        refusal.wait_seconds = Some(wait_seconds);
        refusal
    }

    /// The answer.
    pub fn answer(self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if let Some(seconds) = self.wait_seconds {
            answer.insert_header((RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        answer.json(json!({ "error": self.error, "message": self.message }))
    }
}

/// An answer, or why there is none.
pub type Answered = Result<HttpResponse, Refusal>;

/// One answer of the two.
pub fn whole(answered: Answered) -> HttpResponse {
    answered.unwrap_or_else(Refusal::answer)
}

/// Nothing here.
pub async fn not_found() -> HttpResponse {
    Refusal::NOT_FOUND.answer()
}

/// Something here, but not by this method.
pub async fn wrong_method(request: HttpRequest) -> HttpResponse {
    let path = request.match_pattern().unwrap_or_default();
    let posted = super::ROUTES.contains(&("post", path.as_str()));
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "see the Allow header",
    );
    let mut answer = refusal.answer();
    let allowed = if posted { "POST" } else { "GET" };
    answer
        .headers_mut()
        .insert(ALLOW, actix_web::http::header::HeaderValue::from_static(allowed));
    answer
}

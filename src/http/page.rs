//! The status page: plain HTML that works without a script and on a telephone, and the way to it.

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::Value;
use slog::info;

use super::State;
use super::answer::{Answered, Refusal, whole};
use super::manners::body;
use super::open::Health;
use super::read::whole_status;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>funding-arb</title>\
    <link rel=\"stylesheet\" href=\"/style.css\">";
const STYLE: &str = include_str!("style.css");
const SIGN_IN: &str = "</head><body><main><h1>funding-arb</h1><form method=\"post\" action=\"/login\">\
    <label>Control token <input type=\"password\" name=\"token\" autocomplete=\"current-password\" required></label>\
    <button>Show the status</button></form><p>The session reads only and ends after 8 hours.</p></main></body></html>";

const SILENT: &str = "<meta http-equiv=\"refresh\" content=\"5\"></head><body><main><h1>The engine does not answer</h1>\
    <p>This page asks again every 5 seconds.</p></main></body></html>";

/// Text that can't be taken for markup.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => safe(text),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(other) => safe(&other.to_string()),
    }
}

/// A table of some fields of some rows; a sentence where there are none.
fn table(out: &mut String, title: &str, rows: Option<&Value>, columns: &[(&str, &str)], none: &str) {
    let rows = rows.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let _ = write!(out, "<h2>{title}</h2>");
    if rows.is_empty() {
        let _ = write!(out, "<p>{none}</p>");
        return;
    }
    out.push_str("<div class=\"wide\"><table><tr>");
    for (heading, _) in columns {
        let _ = write!(out, "<th>{heading}</th>");
    }
    out.push_str("</tr>");
    for row in rows {
        out.push_str("<tr>");
        for (_, field) in columns {
            let _ = write!(out, "<td>{}</td>", shown(row.pointer(field)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div>");
}

type Columns = [(&'static str, &'static str)];

/// The figures at the top, and where they stand in the status.
const FIGURES: [(&str, &str); 10] = [
    ("Exposure, USD", "/exposure/total_usd"),
    ("Lost today, USD", "/exposure/lost_today_usd"),
    ("Funding, USD", "/funding_usd"),
    ("Fees, USD", "/fees_usd"),
    ("Net of closed hedges, USD", "/closed_net_usd"),
    ("Hedges closed", "/hedges_closed"),
    ("Longest on one leg, s", "/max_naked_seconds"),
    ("Last evaluation", "/last_evaluation"),
    ("Last reconciliation", "/last_reconciliation"),
    ("Version", "/version"),
];
const REASONS: &Columns = &[("Reason", "/reason"), ("By", "/by"), ("Since", "/since")];
const HEDGES: &Columns = &[
    ("No.", "/id"),
    ("Symbol", "/symbol"),
    ("Kind", "/kind"),
    ("State", "/state"),
    ("Long", "/legs/0/venue"),
    ("held", "/legs/0/filled"),
    ("Short", "/legs/1/venue"),
    ("held", "/legs/1/filled"),
    ("Funding, USD", "/funding_usd"),
    ("Fees, USD", "/fees_usd"),
    ("Net, USD", "/net_usd"),
];
const BEST: &Columns = &[
    ("Asset", "/asset"),
    ("Long", "/long"),
    ("Short", "/short"),
    ("Net, bps", "/net_bps"),
    ("Even after, h", "/break_even_hours"),
    ("Why not", "/refused_because"),
];
const TREE: &Columns = &[
    ("Name", "/name"),
    ("Fresh", "/ok"),
    ("Age, s", "/age_seconds"),
    ("Restarts", "/restarts"),
];

fn sheet(status: &Value, health: &Health) -> String {
    let mut out = format!("{HEAD}<meta http-equiv=\"refresh\" content=\"5\"></head><body><main>");
    let (mode, well) = (safe(&health.mode), if health.ok { "healthy" } else { "NOT HEALTHY" });
    let _ = write!(
        out,
        "<h1>{mode} · {well}</h1><p>As of {}.</p><dl>",
        shown(status.get("now"))
    );
    for (label, place) in FIGURES {
        let _ = write!(
            out,
            "<div><dt>{label}</dt><dd>{}</dd></div>",
            shown(status.pointer(place))
        );
    }
    out.push_str("</dl>");
    let mut best = status.pointer("/scanner/opportunities").cloned().unwrap_or_default();
    if let Some(rows) = best.as_array_mut() {
        rows.truncate(10);
    }
    let part = |name| status.get(name);
    table(
        &mut out,
        "Entries are stopped because",
        part("pause_reasons"),
        REASONS,
        "Nothing stops entries.",
    );
    table(&mut out, "Hedges", part("hedges"), HEDGES, "No hedge is held.");
    table(
        &mut out,
        "Best ten opportunities",
        Some(&best),
        BEST,
        "Nothing has been judged yet.",
    );
    table(&mut out, "Feeds", part("feeds"), TREE, "No feed has reported yet.");
    table(&mut out, "Actors", part("actors"), TREE, "No actor has reported yet.");
    out.push_str("</main></body></html>");
    out
}

fn html(mut answer: HttpResponseBuilder, text: String) -> HttpResponse {
    answer
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .content_type("text/html; charset=utf-8")
        .body(text)
}

/// `GET /`: the page for those who may read, the sign-in for others.
pub async fn page(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let now = state.clock.read().machine;
    match state.auth.read(&request, now) {
        Err(refusal) if refusal.status == StatusCode::BAD_REQUEST => return refusal.answer(),
        Err(_) => return html(HttpResponse::Ok(), format!("{HEAD}{SIGN_IN}")),
        Ok(()) => {}
    }
    let health = Health::read(&state.health, now);
    let Some(status) = whole_status(&state).await else {
        return html(HttpResponse::ServiceUnavailable(), format!("{HEAD}{SILENT}"));
    };
    html(HttpResponse::Ok(), sheet(&status, &health))
}

/// `GET /style.css`.
pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}

fn begin(state: &State) -> Answered {
    let cookie = state.auth.begin_session(state.clock.read().machine);
    let cookie = cookie.ok_or(Refusal::away("the system has no random numbers to give"))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, "/"))
        .insert_header((SET_COOKIE, cookie))
        .finish())
}

/// Undoes `application/x-www-form-urlencoded`; `None` where it is broken.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// `POST /login`: a read-only session for the token. The one door that takes a form, as the page has no script.
pub async fn login(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let answered = async {
        if !state.auth.has_token() {
            return Err(Refusal::NO_TOKEN);
        }
        let site = request
            .headers()
            .get("sec-fetch-site")
            .map(actix_web::http::header::HeaderValue::as_bytes);
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "foreign_site",
                "sign in on the page itself",
            ));
        }
        let form = body(&request, payload, "application/x-www-form-urlencoded").await?;
        let form = String::from_utf8(form).map_err(|_| Refusal::bad("the form is broken"))?;
        let token = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="))
            .and_then(unescape);
        if token.is_some_and(|token| state.auth.is_token(&token)) {
            return begin(&state);
        }
        info!(state.log, "a sign-in was refused");
        Err(Refusal::UNAUTHORISED)
    };
    whole(answered.await)
}

/// `GET /enter/{secret}`: the one-time link. It opens a read-only session, and only once.
pub async fn enter(state: web::Data<State>, secret: web::Path<String>) -> HttpResponse {
    if state.auth.take_entry(&secret) {
        whole(begin(&state))
    } else {
        Refusal::NOT_FOUND.answer()
    }
}

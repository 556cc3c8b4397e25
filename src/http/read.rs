//! What is told to those who may read.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::messages::Observe;
use ledger::Page;
use serde_json::{Value, json};
use std::time::Duration;

use super::State;
use super::actors::{PATIENCE, ask};
use super::answer::{Answered, Refusal, whole};

/// Rows of a page when nobody says, and at most.
const ROWS: usize = 50;
const MOST_ROWS: usize = 200;
/// How long the ledger may take.
const LEDGER_PATIENCE: Duration = Duration::from_secs(5);

/// Which piece of a list is asked for.
struct Cut {
    cursor: Option<i64>,
    limit: usize,
}

impl Cut {
    /// Reads `cursor` and `limit`. An unknown word is an error, so that a secret in a URL is noticed at once.
    fn of(query: &str) -> Result<Self, Refusal> {
        let mut cut = Self {
            cursor: None,
            limit: ROWS,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("cursor", text)) => {
                    let cursor = text.parse().ok().filter(|cursor| *cursor >= 0);
                    cut.cursor = Some(cursor.ok_or(Refusal::bad("cursor is not one that a list gave"))?);
                }
                Some(("limit", text)) => {
                    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                    // A number beyond all counting is more than a page as well.
                    let limit = Some(text.parse::<usize>().unwrap_or(MOST_ROWS)).filter(|limit| digits && *limit > 0);
                    cut.limit = limit
                        .ok_or(Refusal::bad("limit is a number from 1; a page has at most 200 rows"))?
                        .min(MOST_ROWS);
                }
                _ => return Err(Refusal::bad("a list takes cursor and limit, nothing else")),
            }
        }
        Ok(cut)
    }
}

/// Everything that the engine says about itself, and the version.
pub async fn whole_status(state: &State) -> Option<Value> {
    let mut status = ask(&state.actors.status, Observe, PATIENCE).await?;
    if let Some(fields) = status.as_object_mut() {
        fields.insert("version".to_owned(), Value::from(state.version.as_str()));
    }
    Some(status)
}

/// `GET /status`.
pub async fn status(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let answered = async {
        state.auth.read(&request, state.clock.read().machine)?;
        let status = whole_status(&state)
            .await
            .ok_or(Refusal::away("the engine does not answer within 2 s"))?;
        Ok(HttpResponse::Ok().json(status))
    };
    whole(answered.await)
}

/// `GET /opportunities`: the ranking of this moment, and how many facts of the market it is drawn from. Its cursor is a
/// place in it.
pub async fn opportunities(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let answered = async {
        state.auth.read(&request, state.clock.read().machine)?;
        let cut = Cut::of(request.query_string())?;
        let answer = ask(&state.actors.opportunities, Observe, PATIENCE).await;
        let answer = answer.ok_or(Refusal::away("the scanner does not answer within 2 s"))?;
        if answer.get("unavailable").is_some() {
            return Err(Refusal::away("this process knows no market: ask the one that leads"));
        }
        let all = answer
            .get("opportunities")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(cut.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
        let items: Vec<_> = all.iter().skip(from).take(cut.limit).collect();
        let next = from.saturating_add(items.len());
        let next_cursor = if next < all.len() && !items.is_empty() {
            Some(next)
        } else {
            None
        };
        let facts = answer.get("facts");
        Ok(HttpResponse::Ok().json(json!({ "items": items, "next_cursor": next_cursor, "facts": facts })))
    };
    whole(answered.await)
}

async fn list(state: &State, request: &HttpRequest, page: Page) -> Answered {
    state.auth.read(request, state.clock.read().machine)?;
    let cut = Cut::of(request.query_string())?;
    let read = state.ledger.page(page, cut.cursor, cut.limit);
    match tokio::time::timeout(LEDGER_PATIENCE, read).await {
        Ok(Ok(page)) => Ok(HttpResponse::Ok().json(page)),
        Ok(Err(error)) => {
            slog::warn!(state.log, "a list could not be read"; "error" => %error);
            Err(Refusal::away("the ledger cannot be read now"))
        }
        Err(_) => Err(Refusal::away("the ledger does not answer within 5 s")),
    }
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident $page:ident),* $(,)?) => {
        $($(#[$doc])* pub async fn $name(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
            whole(list(&state, &request, Page::$page).await)
        })*
    };
}

lists! {
    /// `GET /hedges`.
    hedges Hedges,
    /// `GET /orders`.
    orders Orders,
    /// `GET /fills`.
    fills Fills,
    /// `GET /funding`.
    funding Funding,
    /// `GET /decisions`.
    decisions Decisions,
    /// `GET /audit`.
    audit Audit,
}

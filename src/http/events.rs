//! `GET /events`: what happens, as it happens, as server-sent events.
//!
//! `status` comes when mode, pauses, hedges or exposure have changed; `audit` for each new row of the audit log, with the
//! row's number as its id. A comment comes every 15 s, so that a dead line is noticed. A stream begins with now: what was
//! before is in the lists.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use actors::messages::Observe;
use futures_util::Stream;
use ledger::Page;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::State;
use super::actors::{PATIENCE, ask};
use super::answer::{Refusal, whole};

/// Streams at a time; each holds a connection.
const MOST_STREAMS: usize = 64;
/// Events that may wait for a reader; one that is further behind is cut off.
const QUEUE: usize = 64;
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Looks between two comments.
const COMMENT_EACH: u32 = 15;
/// New rows of the audit log that are told at a look; more are left to the list.
const ROWS: usize = 50;
/// What of the status is told when it changes. Ages change always, and are left out.
const TOLD: [&str; 5] = ["mode", "pause_reasons", "hedges", "exposure", "limits"];

/// Everybody who listens.
#[derive(Default)]
pub struct Hub(Mutex<Listeners>);

#[derive(Default)]
struct Listeners {
    queues: Vec<mpsc::Sender<Bytes>>,
    /// Whether somebody looks for news.
    is_served: bool,
}

/// What one listener still has to read.
pub struct Told(mpsc::Receiver<Bytes>);

impl Stream for Told {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

impl Hub {
    /// One more listener, and whether somebody must begin to look for news; `None` when there are too many.
    fn join(&self) -> Option<(Told, bool)> {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.queues.retain(|queue| !queue.is_closed());
        if listeners.queues.len() >= MOST_STREAMS {
            return None;
        }
        let (queue, told) = mpsc::channel(QUEUE);
        // An empty queue takes it. The reader comes back after 3 s when the line breaks.
        let _ = queue.try_send(Bytes::from_static(b"retry: 3000\n\n"));
        listeners.queues.push(queue);
        let must_serve = !std::mem::replace(&mut listeners.is_served, true);
        Some((Told(told), must_serve))
    }

    /// Tells everybody. Whoever has not read what was told before is cut off.
    fn tell(&self, frame: &Bytes) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.queues.retain(|queue| queue.try_send(frame.clone()).is_ok());
    }

    /// Whether nobody listens any more; then nobody looks any more either.
    fn rests(&self) -> bool {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.queues.retain(|queue| !queue.is_closed());
        listeners.is_served = !listeners.queues.is_empty();
        !listeners.is_served
    }
}

/// One event. JSON holds no line break, so one line of data carries it.
fn frame(name: &str, id: Option<i64>, data: &Value) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("event: {name}\n{id}data: {data}\n\n"))
}

/// `GET /events`.
pub async fn events(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let answered = async {
        state.auth.read(&request, state.clock.read().machine)?;
        if !request.query_string().is_empty() {
            return Err(Refusal::bad("events take no query"));
        }
        let (told, must_serve) = state.hub.join().ok_or(Refusal::CROWDED)?;
        if must_serve {
            actix_rt::spawn(serve(state.clone()));
        }
        Ok(HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header(("X-Accel-Buffering", "no"))
            .streaming(told))
    };
    whole(answered.await)
}

/// Looks for news while somebody listens.
async fn serve(state: web::Data<State>) {
    let (mut before, mut newest, mut looks) = (Value::Null, None, 0_u32);
    while !state.hub.rests() {
        let status = summary(&state).await;
        if status != before {
            state.hub.tell(&frame("status", None, &status));
            before = status;
        }
        for (id, row) in rows(&state, &mut newest).await {
            state.hub.tell(&frame("audit", Some(id), &row));
        }
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(COMMENT_EACH) {
            state.hub.tell(&Bytes::from_static(b": still here\n\n"));
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn summary(state: &State) -> Value {
    let Some(status) = ask(&state.actors.status, Observe, PATIENCE).await else {
        return json!({ "mode": state.health.mode(), "answered": false });
    };
    let told = |name: &&str| status.get(*name).map(|value| ((*name).to_owned(), value.clone()));
    Value::Object(TOLD.iter().filter_map(told).collect::<Map<_, _>>())
}

/// Rows of the audit log that were not there at the last look, the oldest first.
async fn rows(state: &State, newest: &mut Option<i64>) -> Vec<(i64, Value)> {
    let Ok(Ok(page)) = tokio::time::timeout(PATIENCE, state.ledger.page(Page::Audit, None, ROWS)).await else {
        return Vec::new();
    };
    let number = |row: &Value| match row.get("id")? {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    let mut all: Vec<(i64, Value)> = page
        .items
        .into_iter()
        .filter_map(|row| Some((number(&row)?, row)))
        .collect();
    all.reverse();
    let last = all.last().map_or(0, |(id, _)| *id);
    let told = newest.replace(last.max(newest.unwrap_or(0)));
    // The first look only finds where now is.
    all.retain(|(id, _)| told.is_some_and(|told| *id > told));
    all
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[actix_web::test]
    async fn whoever_does_not_read_is_cut_off_and_makes_room() {
        let hub = Hub::default();
        let (mut slow, first) = hub.join().unwrap();
        let (mut quick, second) = hub.join().unwrap();
        assert!(first && !second, "one looks for all");
        for number in 0..QUEUE {
            hub.tell(&frame("status", None, &json!(number)));
            quick.next().await.unwrap().unwrap();
        }
        assert!(!hub.rests());
        let mut held = 0;
        while slow.next().await.is_some() {
            held += 1;
        }
        assert_eq!(held, QUEUE, "what had been queued is still told, then the stream ends");
        drop((slow, quick));
        assert!(hub.rests());
        let all: Vec<_> = (0..MOST_STREAMS).map(|_| hub.join().unwrap()).collect();
        assert!(hub.join().is_none(), "the 65th");
        drop(all);
        assert!(hub.join().is_some_and(|(_, must_serve)| !must_serve));
    }
}

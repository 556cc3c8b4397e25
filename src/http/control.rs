//! What is done on request. Each call is kept in the audit log before it acts; refused strangers leave no row, so that
//! nobody without the token writes to the ledger.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::messages::{Audit, Execute, GetHedge, GetPortfolio, Intent, Observe, Pause, Resume};
use domain::order::HedgeId;
use domain::pause::PauseReason;
use serde_json::{Map, Value, json};
use slog::{error, info, warn};

use super::State;
use super::actors::{PATIENCE, StayOut, ask};
use super::answer::{Answered, Refusal, whole};
use super::manners::body;

/// The longest reason, in characters.
const MAX_REASON: usize = 200;
/// How long a door waits until something is durable.
const DURABLE_WITHIN: Duration = Duration::from_secs(10);

/// Exits that were asked for and are not over: asking twice gives the same job.
#[derive(Default)]
pub struct Jobs {
    running: Mutex<(u64, BTreeMap<HedgeId, u64>)>,
}

impl Jobs {
    /// The number of the job that leaves this hedge, and whether it is new.
    fn begin(&self, hedge: HedgeId) -> (u64, bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, jobs) = &mut *running;
        if let Some(job) = jobs.get(&hedge) {
            return (*job, false);
        }
        *last += 1;
        jobs.insert(hedge, *last);
        (*last, true)
    }

    fn end(&self, hedge: HedgeId) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .remove(&hedge);
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    #[serde(default)]
    reason: String,
}

/// Whether a character can be seen and stands where it seems to stand.
fn is_printable(character: char) -> bool {
    let hidden = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..);
    !character.is_control() && !hidden
}

/// The reason in a body, where one may be.
fn reason(state: &State, body: &[u8]) -> Result<String, Refusal> {
    const BROKEN: Refusal = Refusal::bad("the body is an object with a text \"reason\", or empty");
    if body.is_empty() {
        return Ok(String::new());
    }
    // A list of fields in order would pass for the object, too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(BROKEN);
    }
    let words: Words = serde_json::from_slice(body).map_err(|_| BROKEN)?;
    let reason = words.reason;
    if reason.chars().count() > MAX_REASON || !reason.chars().all(is_printable) {
        return Err(Refusal::bad("a reason has at most 200 printable characters"));
    }
    if state.auth.leaks_in(&reason) {
        return Err(Refusal::bad(
            "a reason is kept and shown: it must not contain the token",
        ));
    }
    Ok(reason)
}

/// Lets the owner of the token through, and reads the reason.
async fn admit(state: &State, request: &HttpRequest, payload: web::Payload) -> Result<(String, String), Refusal> {
    let peer = request
        .peer_addr()
        .map_or_else(|| "an unknown address".to_owned(), |peer| peer.to_string());
    let judged = async {
        let now = state.clock.read().machine;
        state.auth.control(request, now)?;
        state.pace.take(now).map_err(Refusal::too_often)?;
        if !request.query_string().is_empty() {
            return Err(Refusal::bad("control takes no query"));
        }
        reason(state, &body(request, payload, "application/json").await?)
    };
    match judged.await {
        Ok(reason) => Ok((format!("token from {peer}"), reason)),
        Err(refusal) => {
            info!(state.log, "a control call was refused"; "peer" => peer, "status" => refusal.status.as_u16());
            Err(refusal)
        }
    }
}

/// Keeps a call in the audit log; false when that could not be done in time.
async fn audit(state: &State, action: &str, who: &str, detail: String) -> bool {
    let entry = Audit {
        action: action.to_owned(),
        who: who.to_owned(),
        detail,
    };
    let kept = matches!(ask(&state.actors.audit, entry, PATIENCE).await, Some(Ok(())));
    if !kept {
        warn!(state.log, "a control call could not be audited in time"; "action" => action, "who" => who);
    }
    kept
}

/// The new mode, with the reasons that remain.
async fn new_mode(state: &State) -> HttpResponse {
    let status = ask(&state.actors.status, Observe, PATIENCE).await;
    let reasons = status
        .as_ref()
        .and_then(|status| status.get("pause_reasons"))
        .cloned()
        .unwrap_or(Value::Null);
    HttpResponse::Ok().json(json!({ "mode": state.health.mode(), "pause_reasons": reasons }))
}

/// `POST /pause`.
pub async fn pause(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let answered = async {
        let (who, words) = admit(&state, &request, payload).await?;
        audit(&state, "pause", &who, words.clone()).await;
        let words = if words.is_empty() {
            "no reason given".to_owned()
        } else {
            words
        };
        let order = Pause {
            reason: PauseReason::Human(words),
            by: who,
        };
        match ask(&state.actors.pause, order, DURABLE_WITHIN).await {
            Some(Ok(())) => Ok(new_mode(&state).await),
            _ => Err(Refusal::away(
                "entries are stopped as far as the engine answers, but that is not durable yet: ask again",
            )),
        }
    };
    whole(answered.await)
}

/// `POST /resume`.
pub async fn resume(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let answered = async {
        let (who, words) = admit(&state, &request, payload).await?;
        if !audit(&state, "resume", &who, words).await {
            return Err(Refusal::away("the ledger cannot be written: nothing is resumed"));
        }
        match ask(&state.actors.resume, Resume { by: who }, DURABLE_WITHIN).await {
            Some(Ok(())) => Ok(new_mode(&state).await),
            _ => Err(Refusal::away(
                "that is not durable yet: look at the status, and ask again",
            )),
        }
    };
    whole(answered.await)
}

/// Starts leaving a hedge; its end is not waited for.
fn leave(state: &web::Data<State>, hedge: HedgeId, who: &str) -> u64 {
    let (job, is_new) = state.jobs.begin(hedge);
    if is_new {
        let (state, reason) = (state.clone(), format!("asked for by {who}"));
        actix_rt::spawn(async move {
            let ended = state.actors.execute.send(Execute(Intent::Exit { hedge, reason })).await;
            state.jobs.end(hedge);
            match ended {
                Ok(ended) => info!(state.log, "a job is over"; "job" => job, "hedge" => %hedge, "ended" => ?ended),
                Err(gone) => {
                    error!(state.log, "a job was not taken"; "job" => job, "hedge" => %hedge, "error" => %gone)
                }
            }
        });
    }
    job
}

/// `POST /hedges/{id}/close`.
pub async fn close(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    let answered = async {
        let (who, words) = admit(&state, &request, payload).await?;
        let digits = path.len() <= 20 && path.bytes().all(|byte| byte.is_ascii_digit());
        let hedge = path
            .parse()
            .ok()
            .filter(|_| digits)
            .map(HedgeId)
            .ok_or(Refusal::NO_HEDGE)?;
        audit(
            &state,
            "close",
            &who,
            format!("hedge {hedge}. {words}").trim_end().to_owned(),
        )
        .await;
        let known = ask(&state.actors.hedge, GetHedge(hedge), PATIENCE).await;
        let known = known.ok_or(Refusal::away("the position keeper does not answer within 2 s"))?;
        if known.is_none() {
            return Err(Refusal::NO_HEDGE);
        }
        let job = leave(&state, hedge, &who);
        let job = described("close", &[(job, hedge)]);
        Ok(HttpResponse::Accepted().json(json!({ "job": job })))
    };
    whole(answered.await)
}

/// `POST /close-all`: what is held is left, and nothing is entered until somebody resumes.
pub async fn close_all(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let answered: Answered = async {
        let (who, words) = admit(&state, &request, payload).await?;
        audit(&state, "close-all", &who, words).await;
        let stopped = StayOut::begin(&state.actors, &who).await;
        let held = ask(&state.actors.portfolio, GetPortfolio, PATIENCE).await;
        let held = held.ok_or(Refusal::away("the position keeper does not answer within 2 s"))?;
        let jobs: Vec<_> = held
            .hedges
            .iter()
            .map(|hedge| (leave(&state, hedge.id, &who), hedge.id))
            .collect();
        let mut job = described("close-all", &jobs);
        job.insert("pause".to_owned(), PauseReason::CloseAll.key().into());
        job.insert("pause_durable".to_owned(), stopped.durable().await.into());
        Ok(HttpResponse::Accepted().json(json!({ "job": job })))
    }
    .await;
    whole(answered)
}

fn described(kind: &str, jobs: &[(u64, HedgeId)]) -> Map<String, Value> {
    let exits: Vec<_> = jobs
        .iter()
        .map(|(job, hedge)| json!({ "id": job.to_string(), "hedge": hedge.to_string() }))
        .collect();
    let first = jobs.first().map(|(job, _)| job.to_string());
    [("id", json!(first)), ("kind", kind.into()), ("exits", exits.into())]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

//! Who may ask, what is confirmed, what is done and answered.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::messages::{Audit, Execute, GetHedge, GetPortfolio, Intent, Observe, Pause, Resume};
use domain::order::HedgeId;
use domain::pause::PauseReason;
use domain::time::Machine;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use slog::{Logger, info, o, warn};

use super::order::{Change, Order, read};
use crate::commands::tables;
use crate::http::actors::{PATIENCE, StayOut, ask};
use crate::http::{Actors, random_secret};

/// How long a code is good.
const CODE_FOR: Duration = Duration::from_mins(1);
/// Letters of a code.
const CODE_LETTERS: usize = 6;
/// How long something durable may take.
const DURABLE_WITHIN: Duration = Duration::from_secs(10);
const HELP: &str = "/status  how it is\n/profit  what was earned\n/why [SYMBOL]  why nothing is entered\n\
                    /pause [reason]  stop entries; exits go on\n/resume  allow them again\n\
                    /close N  leave hedge N\n/close all  leave every hedge, and enter none until /resume\n\
                    What changes something is done after /confirm with the code that you get.";

/// Who is heard.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The chat.
    pub chat: String,
    /// The users in it; empty means whoever is in the chat.
    pub users: Vec<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The chat it was written in.
    pub chat: String,
    /// By whom: the number.
    pub user: String,
    /// What it says.
    pub text: String,
}

/// Answers messages.
pub struct Desk {
    actors: Actors,
    allowed: Allowed,
    /// What was asked for and not confirmed yet, by who asked: the code, until when it is good.
    asked: BTreeMap<String, (String, Machine, Change)>,
    log: Logger,
}

impl Desk {
    /// A desk for those who are allowed.
    pub fn new(actors: Actors, allowed: Allowed, log: &Logger) -> Self {
        Self {
            actors,
            allowed,
            asked: BTreeMap::new(),
            log: log.new(o!("actor" => "telegram")),
        }
    }

    /// The answer, if there is one. A stranger gets none.
    pub async fn answer(&mut self, note: &Note, now: Machine) -> Option<String> {
        let users = &self.allowed.users;
        if note.chat != self.allowed.chat || !(users.is_empty() || users.contains(&note.user)) {
            warn!(self.log, "a stranger wrote to the bot"; "who" => &note.user, "chat" => &note.chat);
            return None;
        }
        Some(match read(&note.text)? {
            Order::Help => HELP.to_owned(),
            Order::Status => self.status().await,
            Order::Profit => self.profit().await,
            Order::Why(symbol) => self.why(symbol.as_deref()).await,
            Order::Ask(change) => self.ask_back(&note.user, change, now),
            Order::Confirm(code) => match self.confirmed(&note.user, &code, now) {
                Some(change) => self.carry_out(&note.user, change).await,
                None => "there is nothing to confirm with this code: ask again".to_owned(),
            },
        })
    }

    async fn look(&self) -> Option<Value> {
        ask(&self.actors.status, Observe, PATIENCE).await
    }

    async fn status(&self) -> String {
        self.look().await.map_or_else(silent, |status| tables::status(&status))
    }

    async fn profit(&self) -> String {
        let Some(status) = self.look().await else {
            return silent();
        };
        let line = |key: &str| match status.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        };
        format!(
            "funding {} USD, fees {} USD\nhedges held {}, closed {}\nsince the ledger's beginning, of hedges that this process knows",
            line("funding_usd"),
            line("fees_usd"),
            status.get("hedges").and_then(Value::as_array).map_or(0, Vec::len),
            line("hedges_closed"),
        )
    }

    async fn why(&self, symbol: Option<&str>) -> String {
        let ranked = ask(&self.actors.opportunities, Observe, PATIENCE).await;
        let (Some(status), Some(ranked)) = (self.look().await, ranked) else {
            return silent();
        };
        let all = ranked
            .get("opportunities")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let is_meant = |item: &&Value| symbol.is_none_or(|symbol| tables::is_about(item, symbol));
        let items: Vec<&Value> = all.iter().filter(is_meant).collect();
        let answer =
            json!({ "mode": status.get("mode"), "pause_reasons": status.get("pause_reasons"), "items": items });
        tables::why(&answer)
    }

    /// Draws a code; the last one of this user is void.
    fn ask_back(&mut self, user: &str, change: Change, now: Machine) -> String {
        let Some(secret) = random_secret() else {
            return "no code can be drawn now".to_owned();
        };
        let code: String = secret.expose_secret().chars().take(CODE_LETTERS).collect();
        let words = format!("To {}: /confirm {code} within a minute.", change.words());
        self.asked.insert(user.to_owned(), (code, now.plus(CODE_FOR), change));
        words
    }

    /// Takes what was asked for, if this is its code. Any try ends it: a code is not guessed at.
    fn confirmed(&mut self, user: &str, code: &str, now: Machine) -> Option<Change> {
        let (right, until, change) = self.asked.remove(user)?;
        (right == code && now <= until).then_some(change)
    }

    async fn carry_out(&self, user: &str, change: Change) -> String {
        let who = format!("telegram user {user}");
        let (action, detail) = (change.action().to_owned(), change.words());
        info!(self.log, "a command is carried out"; "action" => &action, "who" => &who);
        let entry = Audit {
            action,
            who: who.clone(),
            detail,
        };
        let kept = matches!(ask(&self.actors.audit, entry, PATIENCE).await, Some(Ok(())));
        match change {
            Change::Pause(reason) => {
                let words = if reason.is_empty() {
                    "no reason given".to_owned()
                } else {
                    reason
                };
                let order = Pause {
                    reason: PauseReason::Human(words),
                    by: who,
                };
                match ask(&self.actors.pause, order, DURABLE_WITHIN).await {
                    Some(Ok(())) => self.new_mode().await,
                    _ => "entries are stopped as far as the engine answers, but not durably yet: ask again".to_owned(),
                }
            }
            Change::Resume if !kept => "the ledger cannot be written: nothing is resumed".to_owned(),
            Change::Resume => match ask(&self.actors.resume, Resume { by: who }, DURABLE_WITHIN).await {
                Some(Ok(())) => self.new_mode().await,
                _ => "that is not durable yet: look at /status, and ask again".to_owned(),
            },
            Change::Close(hedge) => match ask(&self.actors.hedge, GetHedge(hedge), PATIENCE).await {
                Some(Some(_)) => self.leave(&[hedge], &who),
                Some(None) => format!("there is no open hedge {hedge}"),
                None => silent(),
            },
            Change::CloseAll => {
                let stopped = StayOut::begin(&self.actors, &who).await;
                let Some(held) = ask(&self.actors.portfolio, GetPortfolio, PATIENCE).await else {
                    return silent();
                };
                let leaving = self.leave(&held.hedges.iter().map(|hedge| hedge.id).collect::<Vec<_>>(), &who);
                let paused = if stopped.durable().await {
                    "nothing is entered until /resume"
                } else {
                    "entries are stopped as far as the engine answers, but not durably yet: ask again"
                };
                format!("{leaving}\n{paused}")
            }
        }
    }

    /// Starts leaving; the end is an alert of its own.
    fn leave(&self, hedges: &[HedgeId], who: &str) -> String {
        for hedge in hedges.iter().copied() {
            let (execute, log) = (self.actors.execute.clone(), self.log.clone());
            let reason = format!("asked for by {who}");
            actix_rt::spawn(async move {
                let ended = execute.send(Execute(Intent::Exit { hedge, reason })).await;
                info!(log, "a job is over"; "hedge" => %hedge, "ended" => ?ended);
            });
        }
        let numbers: Vec<String> = hedges.iter().map(ToString::to_string).collect();
        if numbers.is_empty() {
            "there is nothing to leave".to_owned()
        } else {
            format!("leaving {}; /status shows how far it is", numbers.join(", "))
        }
    }

    async fn new_mode(&self) -> String {
        self.look().await.map_or_else(silent, |status| tables::mode(&status))
    }
}

fn silent() -> String {
    "the engine does not answer within 2 s".to_owned()
}

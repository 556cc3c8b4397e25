//! Asks Telegram for messages, and sends the answers.

use std::time::Duration;

use actors::health::HealthBoard;
use domain::ports::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use slog::{Logger, debug, o, warn};
use venues::shared::transport::Transport;

use super::desk::{Desk, Note};
use crate::alerts::{BadAddress, Post, cut};

/// How long Telegram may hold a question until there is a message, in seconds.
const HOLD_SECONDS: u64 = 25;
/// How long the whole question may take.
const ASK_WITHIN: Duration = Duration::from_secs(HOLD_SECONDS + 10);
/// Between two questions after one that failed, or while another process leads.
const AGAIN: Duration = Duration::from_secs(2);
/// Messages of an answer.
const MOST: u32 = 10;
/// The longest text of a message.
const MAX_TEXT: usize = 4_096;
/// A message that is older was meant for another moment.
const STALE_SECONDS: i64 = 120;
/// Modes of a process that leads.
const LEADING: [&str; 3] = ["running", "paused", "reconciling"];

#[derive(Deserialize)]
struct Updates {
    result: Vec<Update>,
}

#[derive(Deserialize)]
struct Update {
    update_id: i64,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    date: i64,
    chat: Numbered,
    from: Option<Numbered>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

/// The line to Telegram.
pub struct Line {
    updates: Post,
    messages: Post,
    log: Logger,
}

impl Line {
    /// A bot. Its token becomes a part of the addresses, so those are secrets.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(base_url: &str, bot: &SecretString, transport: &Transport, log: &Logger) -> Result<Self, BadAddress> {
        let url = |method: &str| {
            let base = base_url.trim_end_matches('/');
            SecretString::from(format!("{base}/bot{}/{method}", bot.expose_secret()))
        };
        Ok(Self {
            updates: Post::new("telegram", &url("getUpdates"), transport)?,
            messages: Post::new("telegram", &url("sendMessage"), transport)?,
            log: log.new(o!("actor" => "telegram")),
        })
    }

    /// Serves until it is dropped.
    pub async fn serve(self, mut desk: Desk, health: HealthBoard, clock: impl Clock) {
        let mut next = 0;
        loop {
            if !LEADING.contains(&health.mode().as_str()) {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            match self.ask(next).await {
                Ok(updates) => {
                    for update in updates {
                        next = next.max(update.update_id.saturating_add(1));
                        self.one(update, &mut desk, &clock).await;
                    }
                }
                Err(error) => {
                    debug!(self.log, "no messages were told"; "error" => error);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn ask(&self, next: i64) -> Result<Vec<Update>, String> {
        let question =
            json!({ "offset": next, "limit": MOST, "timeout": HOLD_SECONDS, "allowed_updates": ["message"] });
        let answer = self.updates.send_within(&question, ASK_WITHIN).await?;
        let updates: Updates = serde_json::from_str(&answer).map_err(|_| "its answer cannot be read".to_owned())?;
        Ok(updates.result)
    }

    async fn one(&self, update: Update, desk: &mut Desk, clock: &impl Clock) {
        let Some(Message {
            date,
            chat,
            from: Some(from),
            text: Some(text),
        }) = update.message
        else {
            return;
        };
        let now = clock.now();
        if now.market.millis() / 1_000 - date > STALE_SECONDS {
            warn!(self.log, "an old message was not carried out"; "who" => from.id);
            return;
        }
        let note = Note {
            chat: chat.id.to_string(),
            user: from.id.to_string(),
            text,
        };
        let Some(answer) = desk.answer(&note, now.machine).await else {
            return;
        };
        // Without a parse mode the text is plain: nothing in it can be markup.
        let body: Value = json!({ "chat_id": chat.id, "text": cut(&answer, MAX_TEXT) });
        if let Err(error) = self.messages.send(&body).await {
            warn!(self.log, "an answer was not taken"; "error" => error);
        }
    }
}

//! Telegram, by a bot.

use domain::alert::{Alert, Severity};
use domain::ports::{AlertSink, Answer};
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use venues::shared::transport::Transport;

use super::cut;
use super::post::{BadAddress, Post};

/// The longest message.
const MAX_TEXT: usize = 4_096;

/// Tells a Telegram chat what is critical.
pub struct TelegramSink {
    post: Post,
    chat: String,
}

impl TelegramSink {
    /// A chat that a bot may write to. The bot's token becomes a part of the address, so the address is a secret.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(
        base_url: &str,
        bot_token: &SecretString,
        chat: &str,
        transport: &Transport,
    ) -> Result<Self, BadAddress> {
        let url = format!(
            "{}/bot{}/sendMessage",
            base_url.trim_end_matches('/'),
            bot_token.expose_secret()
        );
        let post = Post::new("telegram", &url.into(), transport)?;
        Ok(Self {
            post,
            chat: chat.to_owned(),
        })
    }
}

impl AlertSink for TelegramSink {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn wants(&self, alert: &Alert) -> bool {
        alert.name.severity() == Severity::Critical
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>> {
        let text = format!(
            "{} · {}\n{}\n{at}",
            alert.name.severity().as_str().to_uppercase(),
            alert.name,
            alert.text
        );
        // Without a parse mode the text is plain: nothing in it can be markup.
        let body = json!({ "chat_id": self.chat, "text": cut(&text, MAX_TEXT), "link_preview_options": { "is_disabled": true } });
        Box::pin(async move {
            let answer = self.post.send(&body).await?;
            let taken = serde_json::from_str::<Value>(&answer)
                .ok()
                .and_then(|answer| answer.get("ok")?.as_bool());
            if taken == Some(true) {
                Ok(())
            } else {
                Err("did not say that it took the message".to_owned())
            }
        })
    }
}

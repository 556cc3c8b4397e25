//! Discord, by webhook.

use domain::alert::{Alert, Severity};
use domain::ports::{AlertSink, Answer};
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use venues::shared::transport::Transport;

use super::cut;
use super::post::{BadAddress, Post};

/// The longest description of an embed.
const MAX_TEXT: usize = 4_096;

/// Tells everything to a Discord channel.
pub struct DiscordSink(Post);

impl DiscordSink {
    /// A channel behind a webhook's address, which is a secret.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(webhook_url: &SecretString, transport: &Transport) -> Result<Self, BadAddress> {
        Post::new("discord", webhook_url, transport).map(Self)
    }
}

const fn colour(severity: Severity) -> u32 {
    match severity {
        Severity::Critical => 0x00ff_0000,
        Severity::Warning => 0x00ff_aa00,
        Severity::Info => 0x0000_aaff,
    }
}

impl AlertSink for DiscordSink {
    fn name(&self) -> &'static str {
        "discord"
    }

    fn wants(&self, _: &Alert) -> bool {
        true
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>> {
        let severity = alert.name.severity();
        let body = json!({
            "username": "funding-arb",
            // A venue's words may stand in the text: nobody is to be called by them.
            "allowed_mentions": { "parse": [] },
            "embeds": [{
                "title": alert.name.as_str(),
                "description": cut(&alert.text, MAX_TEXT),
                "color": colour(severity),
                "timestamp": at.to_string(),
                "footer": { "text": severity.as_str() },
            }],
        });
        Box::pin(async move { self.0.send(&body).await.map(drop) })
    }
}

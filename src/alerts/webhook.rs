//! Any program that takes JSON.

use domain::alert::Alert;
use domain::ports::{AlertSink, Answer};
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use venues::shared::transport::Transport;

use super::post::{BadAddress, Post};

/// Posts everything as JSON.
pub struct WebhookSink(Post, Option<SecretString>);

impl WebhookSink {
    /// A receiver; its address may hold a secret. With a secret of its own, what is posted is signed.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(url: &SecretString, secret: Option<&SecretString>, transport: &Transport) -> Result<Self, BadAddress> {
        Ok(Self(Post::new("webhook", url, transport)?, secret.cloned()))
    }
}

impl AlertSink for WebhookSink {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn wants(&self, _: &Alert) -> bool {
        true
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>> {
        let body = json!({
            // The same alert said twice has the same id.
            "id": format!("{}@{}", alert.key, at.millis()),
            "name": alert.name.as_str(),
            "severity": alert.name.severity().as_str(),
            "key": alert.key,
            "text": alert.text,
            "at": at.to_string(),
        });
        Box::pin(async move { self.0.send_signed(&body, self.1.as_ref(), at).await.map(drop) })
    }
}

//! The ping whose absence is an alert: an outside watch expects it, and calls when it stays away.

use std::time::Duration;

use actors::health::HealthBoard;
use domain::ports::Clock;
use secrecy::SecretString;
use serde_json::json;
use slog::{Logger, warn};
use venues::shared::transport::Transport;

use super::post::{BadAddress, Post};

/// How often the watch hears that all is well. Watches call after a few that are missing.
pub const EVERY: Duration = Duration::from_mins(1);

/// Pings an outside watch while the engine trades and is well.
pub struct DeadMan(Post);

impl DeadMan {
    /// A watch; its address holds a secret.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(url: &SecretString, transport: &Transport) -> Result<Self, BadAddress> {
        Post::new("dead-man", url, transport).map(Self)
    }

    /// Pings until it is dropped. What is not well, does not lead, or ends is not told: silence is the message.
    pub async fn watch(self, health: HealthBoard, clock: impl Clock, every: Duration, log: Logger) {
        loop {
            let mode = health.mode();
            let leads = matches!(mode.as_str(), "running" | "paused");
            let now = clock.now().machine;
            if leads && health.read(now).iter().all(|check| check.ok) {
                let ping = json!({ "status": "ok", "mode": mode, "uptime_seconds": now.0.as_secs() });
                if let Err(error) = self.0.send(&ping).await {
                    warn!(log, "the outside watch did not take a ping"; "error" => error);
                }
            }
            tokio::time::sleep(every).await;
        }
    }
}

//! One JSON request to an address that is a secret.

use std::cell::Cell;
use std::time::Duration;

use awc::error::SendRequestError;
use awc::http::StatusCode;
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use venues::shared::sign::hmac_sha256;
use venues::shared::transport::Transport;

/// How long a channel may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MAX_ANSWER: usize = 64 << 10;
/// Wait where a channel is throttled and does not say for how long, and the longest wait that is believed.
const WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The address of a channel cannot be used. The address itself is a secret, so it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the {0} channel must be https://…, or http://… on this machine")]
pub struct BadAddress(pub &'static str);

/// Posts to one address.
pub(crate) struct Post {
    client: awc::Client,
    url: SecretString,
    quiet_until: Cell<Option<Instant>>,
}

impl Post {
    /// Checks the address. Nothing is sent.
    pub fn new(channel: &'static str, url: &SecretString, transport: &Transport) -> Result<Self, BadAddress> {
        let bad = BadAddress(channel);
        let text = url.expose_secret();
        let is_http = text.starts_with("https://") || text.starts_with("http://");
        let admitted = transport
            .admit(text)
            .ok()
            .filter(|url| is_http && url.parse::<awc::http::Uri>().is_ok());
        Ok(Self {
            client: transport.http(),
            url: admitted.ok_or(bad)?.into(),
            quiet_until: Cell::new(None),
        })
    }

    /// Sends once. The answer's text, when it was taken.
    pub async fn send(&self, body: &Value) -> Result<String, String> {
        self.send_within(body, WITHIN).await
    }

    /// As [`Self::send`], with the time and a signature of both in the head, so that the receiver knows who speaks.
    pub async fn send_signed(
        &self,
        body: &Value,
        secret: Option<&SecretString>,
        at: Timestamp,
    ) -> Result<String, String> {
        let stamp = at.millis().to_string();
        let signed = secret.map(|secret| (hmac_sha256(secret, &format!("{stamp}.{body}")), stamp));
        self.exchange(body, WITHIN, signed.as_ref()).await
    }

    /// As [`Self::send`], with another patience: for a channel that holds its answer.
    pub async fn send_within(&self, body: &Value, within: Duration) -> Result<String, String> {
        self.exchange(body, within, None).await
    }

    async fn exchange(
        &self,
        body: &Value,
        within: Duration,
        signed: Option<&(String, String)>,
    ) -> Result<String, String> {
        let left = self
            .quiet_until
            .get()
            .map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            return Err(format!("asked us to wait, {} s are left", left.as_secs() + 1));
        }
        let exchange = async {
            let mut call = self.client.post(self.url.expose_secret());
            if let Some((signature, stamp)) = signed {
                call = call
                    .insert_header(("X-Funding-Arb-Signature", format!("sha256={signature}")))
                    .insert_header(("X-Funding-Arb-Time", stamp.as_str()));
            }
            // Byte for byte what was signed.
            let sent = call.content_type("application/json").send_body(body.to_string()).await;
            let mut answer = sent.map_err(|error| words(&error).to_owned())?;
            let wait = answer
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .and_then(seconds);
            let text = answer
                .body()
                .limit(MAX_ANSWER)
                .await
                .map_err(|_| "its answer broke off".to_owned())?;
            Ok::<_, String>((answer.status(), wait, String::from_utf8_lossy(&text).into_owned()))
        };
        let (status, wait, text) = timeout(within, exchange)
            .await
            .map_err(|_| format!("no answer within {} s", within.as_secs()))??;
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = wait.or_else(|| wait_in(&text)).unwrap_or(WAIT).min(LONGEST_WAIT);
            self.quiet_until.set(Some(Instant::now() + wait));
            return Err(format!("too many alerts: it asks to wait {} s", wait.as_secs()));
        }
        if status.is_success() {
            Ok(text)
        } else {
            Err(format!("answered {}", status.as_u16()))
        }
    }
}

/// What happened, in words that hold no address.
const fn words(error: &SendRequestError) -> &'static str {
    match error {
        SendRequestError::Connect(_) => "cannot be reached",
        SendRequestError::Timeout => "no answer in time",
        SendRequestError::Send(_) | SendRequestError::Response(_) | SendRequestError::H2(_) => "the connection broke",
        _ => "the request could not be made",
    }
}

/// `1.5` or `30`: seconds, rounded up to whole ones.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let more = u64::from(part.bytes().any(|digit| digit != b'0'));
    whole
        .parse::<u64>()
        .ok()
        .map(|whole| Duration::from_secs(whole.saturating_add(more)))
}

/// Where the head does not say how long to wait, the body may: Discord and Telegram each have a place for it.
fn wait_in(text: &str) -> Option<Duration> {
    let body: Value = serde_json::from_str(text).ok()?;
    let wait = body
        .get("retry_after")
        .or_else(|| body.pointer("/parameters/retry_after"))?;
    seconds(&wait.to_string())
}

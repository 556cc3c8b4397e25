//! The log.

use domain::alert::{Alert, Severity};
use domain::ports::{AlertSink, Answer};
use domain::time::Timestamp;
use slog::{Logger, error, info, warn};

/// Writes every alert to the log.
pub struct LogSink(Logger);

impl LogSink {
    /// A channel that is always there.
    pub fn new(log: &Logger) -> Self {
        Self(log.new(slog::o!("actor" => "alerts")))
    }
}

impl AlertSink for LogSink {
    fn name(&self) -> &'static str {
        "log"
    }

    fn wants(&self, _: &Alert) -> bool {
        true
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, at: Timestamp) -> Answer<'a, Result<(), String>> {
        let (name, at) = (alert.name.as_str(), at.to_string());
        match alert.name.severity() {
            Severity::Critical => error!(self.0, "{}", alert.text; "alert" => name, "key" => &alert.key, "since" => at),
            Severity::Warning => warn!(self.0, "{}", alert.text; "alert" => name, "key" => &alert.key, "since" => at),
            Severity::Info => info!(self.0, "{}", alert.text; "alert" => name, "key" => &alert.key, "since" => at),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

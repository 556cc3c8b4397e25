//! Whether the channels to people take a message: tried only when that was asked for, since people are disturbed by it.

use domain::alert::{Alert, AlertName};
use domain::time::Timestamp;
use slog::Logger;
use venues::shared::transport::Transport;

use super::check::{Check, Checks};
use crate::config::Config;
use crate::service::sinks;

const ID: &str = "alerts.delivered";
const TEXT: &str = "This is a test by `funding-arb doctor --send`. Nothing has happened.";

pub async fn check(config: &Config, send: bool, transport: &Transport, log: &Logger, now: Timestamp, all: &mut Checks) {
    if !send {
        all.add(Check::skipped(
            ID,
            "`doctor --send` sends one message through every channel",
        ));
        return;
    }
    let sinks = match sinks(config, transport, log) {
        Ok(sinks) => sinks,
        Err(error) => {
            all.add(Check::fail(ID, error.to_string(), "correct the channel's address"));
            return;
        }
    };
    let alert = Alert::new(AlertName::Resumed, "doctor", TEXT.to_owned());
    // The log is the first one, and takes everything.
    for sink in sinks.iter().skip(1) {
        let id = format!("{ID}:{}", sink.name());
        all.add(match sink.deliver(&alert, now).await {
            Ok(()) => Check::ok(&id, "it took a test message"),
            Err(error) => Check::fail(&id, error, "look at its address, token and chat"),
        });
    }
}

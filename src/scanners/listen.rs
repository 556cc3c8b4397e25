//! Hears what scanners name, in the process that enters.

use std::time::Duration;

use actix::Recipient;
use actors::messages::ScannerSaid;
use ledger::Listener;
use slog::{Logger, info, warn};
use tokio::time::Instant;

use super::{CHANNEL, words};

/// Between two tries to listen.
const AGAIN: Duration = Duration::from_secs(1);
/// Notices of a second that are read; the rest is dropped unread. Ten scanners say thirty.
const MOST_A_SECOND: u32 = 100;

/// Listens until it is ended; a connection that is lost is opened anew. What is missed meanwhile is missed: a naming is
/// repeated every few seconds.
pub async fn listen(url: String, scanner: Recipient<ScannerSaid>, log: Logger) {
    let mut was_away = false;
    loop {
        match Listener::open(&url, CHANNEL).await {
            Ok(mut listener) => {
                info!(log, "scanners are listened to"; "again" => was_away);
                let why = hear(&mut listener, &scanner, &log).await;
                warn!(log, "scanners are not heard; they are listened to again"; "error" => why);
            }
            Err(error) if !was_away => warn!(log, "scanners cannot be listened to yet"; "error" => %error),
            Err(_) => {}
        }
        was_away = true;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Why the connection ended.
async fn hear(listener: &mut Listener, scanner: &Recipient<ScannerSaid>, log: &Logger) -> String {
    let (mut second, mut heard) = (Instant::now(), 0_u32);
    loop {
        let text = match listener.next().await {
            Ok(text) => text,
            Err(error) => return error.to_string(),
        };
        if second.elapsed() >= Duration::from_secs(1) {
            (second, heard) = (Instant::now(), 0);
        }
        heard = heard.saturating_add(1);
        if heard > MOST_A_SECOND {
            if heard == MOST_A_SECOND + 1 {
                warn!(
                    log,
                    "too much is said where scanners are listened to; the rest of this second is dropped"
                );
            }
            continue;
        }
        let _ = scanner.try_send(ScannerSaid(words::read(&text))); // a full mailbox: it is said again
    }
}

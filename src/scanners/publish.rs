//! Tells every process on the same server what may be entered.

use std::time::Duration;

use actix::Recipient;
use actors::health::HealthBoard;
use actors::messages::GetEnterable;
use domain::named::Naming;
use domain::ports::Clock as _;
use ledger::Ledger;
use slog::{Logger, info, warn};

use super::{CHANNEL, words};
use crate::clock::ScaledClock;

/// Pairs that are named in one turn, the best first: more than an executor could enter in the time.
const MOST: usize = 60;
/// How long one notice may take, and how long the publisher may go without one that was taken.
const PATIENCE: Duration = Duration::from_secs(5);
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// Names pairs, over and over.
pub struct Publisher {
    /// Its name.
    pub who: String,
    /// The way to the others.
    pub ledger: Ledger,
    /// Knows what may be entered.
    pub scanner: Recipient<GetEnterable>,
    /// Between two turns.
    pub every: Duration,
    /// Tells the time.
    pub clock: ScaledClock,
    /// Told of each turn that was heard.
    pub health: HealthBoard,
    /// Where to speak.
    pub log: Logger,
}

impl Publisher {
    /// Until it is ended.
    pub async fn run(self) {
        let (mut named, mut is_away) = (usize::MAX, false);
        loop {
            if let Ok(pairs) = self.scanner.send(GetEnterable { most: MOST }).await {
                let count = pairs.len();
                let naming = Naming {
                    who: self.who.clone(),
                    at: self.clock.now().market,
                    pairs,
                };
                match self.say(&naming).await {
                    Ok(()) => {
                        self.health.beat("publisher", self.clock.now().machine, SILENT_AFTER);
                        if std::mem::replace(&mut named, count) != count || std::mem::take(&mut is_away) {
                            info!(self.log, "pairs are named"; "pairs" => count);
                        }
                    }
                    Err(why) if !std::mem::replace(&mut is_away, true) => {
                        warn!(self.log, "nothing could be named; it is tried again"; "error" => why)
                    }
                    Err(_) => {}
                }
            }
            tokio::time::sleep(self.every).await;
        }
    }

    async fn say(&self, naming: &Naming) -> Result<(), String> {
        for text in words::write(naming) {
            match tokio::time::timeout(PATIENCE, self.ledger.say(CHANNEL, &text)).await {
                Ok(said) => said.map_err(|error| error.to_string())?,
                Err(_) => return Err("the server does not answer".to_owned()),
            }
        }
        Ok(())
    }
}

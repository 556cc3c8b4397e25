//! What perpetuals have paid, read at the start and again after each settlement, for those who forecast from it.
//!
//! - HI-1  A venue that does not answer changes nothing; it is asked again.
//! - HI-2  One question at a time to a venue, and a pause after each: what trading needs comes first.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::forecast::Settlement;
use domain::instrument::{InstrumentId, VenueId};
use domain::ports::{Clock, MarketData};
use domain::time::{HOUR_MS, Timestamp};
use futures_util::future::join_all;
use slog::{Logger, info, warn};

use crate::messages::SettlementsHeard;
use crate::settings::Settings;

/// How far back is read: twelve times what the slow average forgets half in.
const REACH_HOURS: i64 = 90 * 24;
/// After a question. A venue that answers 500 of them in five minutes is asked a little less.
const PAUSE: Duration = Duration::from_millis(700);
/// Between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A settlement is told of some seconds after its hour.
const TOLD_AFTER_MS: i64 = 60_000;

/// Where settlements are read.
pub(crate) struct Historian {
    pub(crate) markets: BTreeMap<VenueId, Rc<dyn MarketData>>,
    pub(crate) settings: Rc<Settings>,
    pub(crate) clock: Rc<dyn Clock>,
}

/// What is known of one perpetual's schedule.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    last: Option<Timestamp>,
    interval_ms: Option<i64>,
}

impl Read {
    /// Whether there may be something new.
    fn is_due(&self, now: Timestamp) -> bool {
        // One that has skipped its interval may have been given a shorter one, or none: it is asked at each hour.
        let step = self.interval_ms.unwrap_or(HOUR_MS);
        self.last
            .is_none_or(|last| now.millis_since(last) >= step + TOLD_AFTER_MS)
    }

    fn take(&mut self, rows: &[Settlement]) {
        for row in rows {
            self.interval_ms = self.last.map(|last| row.at.millis_since(last)).or(self.interval_ms);
            self.last = Some(row.at);
        }
    }
}

impl Historian {
    /// Reads what is due, over and over; at once done where nobody forecasts from it.
    pub(crate) async fn keep_up(
        self,
        perpetuals: Vec<InstrumentId>,
        scanner: Recipient<SettlementsHeard>,
        log: Logger,
    ) {
        if self.settings.plan.forecast.is_none() {
            return;
        }
        let venues = self.markets.keys().map(|venue| {
            let of_venue = perpetuals.iter().filter(|id| id.venue == *venue).cloned().collect();
            self.keep_up_venue(*venue, of_venue, &scanner, &log)
        });
        join_all(venues).await;
    }

    async fn keep_up_venue(
        &self,
        venue: VenueId,
        perpetuals: Vec<InstrumentId>,
        scanner: &Recipient<SettlementsHeard>,
        log: &Logger,
    ) {
        let Some(market) = self.markets.get(&venue) else {
            return;
        };
        let mut known: BTreeMap<_, _> = perpetuals.into_iter().map(|id| (id, Read::default())).collect();
        let mut first = true;
        loop {
            for (id, read) in &mut known {
                let now = self.clock.now().market;
                if !read.is_due(now) {
                    continue;
                }
                let since = read
                    .last
                    .map_or(now.plus_hours(-REACH_HOURS), |last| last.plus_millis(1));
                match market.funding_history(id, since).await {
                    Ok(rows) => {
                        read.take(&rows);
                        let heard = SettlementsHeard(id.clone(), rows);
                        if scanner.send(heard).await.is_err() {
                            warn!(log, "the scanner did not take what was settled"; "instrument" => %id);
                        }
                    }
                    Err(error) => {
                        warn!(log, "settlements could not be read"; "instrument" => %id, "error" => %error);
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
            if std::mem::take(&mut first) {
                info!(log, "past settlements are read"; "venue" => %venue, "perpetuals" => known.len());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

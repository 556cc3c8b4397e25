//! How much is going on in each market, read at the start and again while the engine runs: it bounds how large a leg may be.
//!
//! - AC-1  A venue that does not answer changes nothing; it is asked again.
//! - AC-2  One question at a time to a venue, and a pause after each: what trading needs comes first.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::bounds::Activity;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::ports::MarketData;
use futures_util::future::join_all;
use slog::{Logger, warn};

use crate::messages::ActivityHeard;
use crate::settings::Settings;

/// After a question about one perpetual: six hundred of them are asked within a minute, at a quarter of what is allowed.
const PAUSE: Duration = Duration::from_millis(100);
/// Before a venue that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(30);

/// Where it is read.
pub(crate) struct Watch {
    pub(crate) markets: BTreeMap<VenueId, Rc<dyn MarketData>>,
    pub(crate) settings: Rc<Settings>,
}

impl Watch {
    /// Reads all of it, over and over; at once done where nothing is bounded by it.
    pub(crate) async fn keep_up(self, watched: Vec<InstrumentId>, scanner: Recipient<ActivityHeard>, log: Logger) {
        let shares = self.settings.limits.shares;
        if shares.open_interest.is_none() && shares.volume.is_none() {
            return;
        }
        let venues = self.markets.iter().map(|(venue, market)| {
            let of_venue: Vec<_> = watched.iter().filter(|id| id.venue == *venue).cloned().collect();
            self.keep_up_venue(market.as_ref(), of_venue, &scanner, &log)
        });
        join_all(venues).await;
    }

    async fn keep_up_venue(
        &self,
        market: &dyn MarketData,
        watched: Vec<InstrumentId>,
        scanner: &Recipient<ActivityHeard>,
        log: &Logger,
    ) {
        loop {
            let again = match market.activity().await {
                Ok(told) => {
                    self.keep_up_perpetuals(market, &watched, told, scanner, log).await;
                    self.settings.relist_every
                }
                Err(error) => {
                    warn!(log, "what is traded at a venue could not be read"; "error" => %error);
                    RETRY
                }
            };
            tokio::time::sleep(again).await;
        }
    }

    /// Hands on what was told of all at once, and asks for the open interest of each perpetual of which that does not tell.
    async fn keep_up_perpetuals(
        &self,
        market: &dyn MarketData,
        watched: &[InstrumentId],
        told: Vec<(InstrumentId, Activity)>,
        scanner: &Recipient<ActivityHeard>,
        log: &Logger,
    ) {
        let mut told: BTreeMap<_, _> = told.into_iter().collect();
        told.retain(|id, _| watched.contains(id));
        let is_told = |id: &InstrumentId| told.get(id).is_some_and(|activity| activity.open_interest.is_some());
        let untold: Vec<_> = watched
            .iter()
            .filter(|id| id.product == Product::Perp && !is_told(id))
            .cloned()
            .collect();
        hand_on(scanner, told.into_iter().collect(), log).await;
        if self.settings.limits.shares.open_interest.is_none() {
            return;
        }
        for id in untold {
            match market.open_interest(&id).await {
                Ok(open_interest) => {
                    let activity = Activity {
                        open_interest,
                        volume_24h: None,
                    };
                    hand_on(scanner, vec![(id, activity)], log).await;
                }
                Err(error) => {
                    warn!(log, "open interest could not be read"; "instrument" => %id, "error" => %error);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn hand_on(scanner: &Recipient<ActivityHeard>, heard: Vec<(InstrumentId, Activity)>, log: &Logger) {
    if scanner.send(ActivityHeard(heard)).await.is_err() {
        warn!(log, "the scanner did not take what is going on in its markets");
    }
}

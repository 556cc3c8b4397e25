//! What can be traded and what it costs, read at the start and again while the engine runs: halts, delistings, filters
//! and fees change.
//!
//! - LI-1  A watched instrument that its venue does not list any more has ended: it is not entered.
//! - LI-2  A venue that does not answer changes nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use actix::prelude::*;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus, VenueId};
use domain::ports::{AccountView, MarketData, VenueError};
use slog::{Logger, info, warn};

use crate::messages::ListInstruments;
use crate::settings::Settings;

/// Instruments with what we pay for trading them.
pub(crate) type Listed = BTreeMap<InstrumentId, (Instrument, FeeRates)>;

/// Where instruments and fees are read.
pub(crate) struct Lister {
    pub(crate) markets: BTreeMap<VenueId, Rc<dyn MarketData>>,
    pub(crate) accounts: BTreeMap<VenueId, Rc<dyn AccountView>>,
    pub(crate) settings: Rc<Settings>,
}

impl Lister {
    /// Every instrument of a venue whose fees are told.
    pub(crate) async fn of_venue(&self, venue: VenueId) -> Result<Listed, VenueError> {
        let Some(market) = self.markets.get(&venue) else {
            return Ok(Listed::new());
        };
        let instruments = market.instruments().await?;
        let mut fees: BTreeMap<Product, FeeRates> = BTreeMap::new();
        for product in Product::ALL {
            let sample = instruments
                .iter()
                .find(|one| one.id.product == product && self.settings.covers(&one.asset, &one.id.symbol));
            if let (Some(sample), Some(account)) = (sample, self.accounts.get(&venue)) {
                fees.insert(product, account.fees(&sample.id).await?);
            }
        }
        let priced = instruments
            .into_iter()
            .filter_map(|one| Some((one.id.clone(), (one.clone(), *fees.get(&one.id.product)?))));
        Ok(priced.collect())
    }

    /// Reads what is watched again and again, and tells the scanner what has changed.
    pub(crate) async fn keep_up(self, mut watched: Listed, scanner: Recipient<ListInstruments>, log: Logger) {
        loop {
            tokio::time::sleep(self.settings.relist_every).await;
            for venue in self.markets.keys() {
                match self.of_venue(*venue).await {
                    Ok(listed) => {
                        let changed = changes(&mut watched, *venue, &listed, &log);
                        if !changed.is_empty() && scanner.send(ListInstruments(changed)).await.is_err() {
                            warn!(log, "the scanner did not take what has changed");
                        }
                    }
                    Err(error) => {
                        warn!(log, "a venue's instruments or fees could not be read again"; "error" => %error)
                    }
                }
            }
        }
    }
}

/// Instruments in the universe whose asset has at least one pair: a perpetual and something to hold against it.
pub(crate) fn watched(settings: &Settings, listed: &Listed) -> Listed {
    let mut by_asset: BTreeMap<&Name, (usize, usize)> = BTreeMap::new();
    let covered = |instrument: &Instrument| settings.covers(&instrument.asset, &instrument.id.symbol);
    for (instrument, _) in listed.values().filter(|(instrument, _)| covered(instrument)) {
        let (all, perps) = by_asset.entry(&instrument.asset).or_default();
        *all += 1;
        *perps += usize::from(instrument.id.product == Product::Perp);
    }
    let paired = |asset: &Name| by_asset.get(asset).is_some_and(|(all, perps)| *all >= 2 && *perps >= 1);
    listed
        .iter()
        .filter(|(_, (one, _))| covered(one) && paired(&one.asset))
        .map(|(id, one)| (id.clone(), one.clone()))
        .collect()
}

/// What is listed otherwise than before; `watched` is brought up to date.
fn changes(watched: &mut Listed, venue: VenueId, listed: &Listed, log: &Logger) -> Vec<(Instrument, FeeRates)> {
    let mut changed = Vec::new();
    for (id, known) in watched.iter_mut().filter(|(id, _)| id.venue == venue) {
        let now = listed.get(id).cloned().unwrap_or_else(|| {
            let (mut gone, fees) = known.clone();
            gone.status = TradingStatus::Ended;
            (gone, fees)
        });
        if now == *known {
            continue;
        }
        if now.0.status != known.0.status {
            info!(log, "trading of an instrument has changed"; "instrument" => %id, "status" => ?now.0.status);
        }
        known.clone_from(&now);
        changed.push(now);
    }
    changed
}

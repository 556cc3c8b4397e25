//! What trading is assumed to cost where no account says it: the venues' lowest tier. Who pays less is named fewer pairs
//! than it could enter, never more.

use domain::instrument::{FeeRates, InstrumentId, Product, VenueId};
use domain::money::Rate;
use domain::ports::{AccountView, Answer, VenueError};
use domain::position::{AccountTruth, Balance};
use domain::setup::Setup;
use domain::time::Timestamp;
use simulator::market::{self, Venue, lowest_tier};

/// An account that is none.
pub struct LowestTier;

fn none<T>(venue: VenueId) -> Result<T, VenueError> {
    Err(VenueError::Refused {
        venue,
        code: 0,
        reason: "a scanner has no account".to_owned(),
    })
}

impl AccountView for LowestTier {
    fn truth<'a>(
        &'a self,
        _: Timestamp,
        instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>> {
        let venue = instruments.first().map_or(VenueId::Binance, |id| id.venue);
        Box::pin(async move { none(venue) })
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        Box::pin(async { none(VenueId::Binance) })
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        let venue = match instrument.venue {
            VenueId::Binance => Venue::Binance,
            VenueId::Bybit => Venue::Bybit,
        };
        let product = match instrument.product {
            Product::Spot => market::Product::Spot,
            Product::Perp => market::Product::Perp,
        };
        let (taker, maker) = lowest_tier(venue, product);
        Box::pin(async move {
            Ok(FeeRates {
                maker: Rate(maker),
                taker: Rate(taker),
            })
        })
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, _: Setup) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(async move { none(instrument.venue) })
    }
}

//! The risk tiers of a venue's perpetuals, as they were told last.
//!
//! - TI-1  A reading that fails leaves what was told before; where nothing was, the tiers are unknown, not absent.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::bounds::{Tier, Tiers};
use domain::instrument::{Instrument, Product};
use domain::ports::VenueError;

/// Tiers by symbol.
#[derive(Debug, Default)]
pub struct KnownTiers(RefCell<BTreeMap<String, Tiers>>);

impl KnownTiers {
    /// Takes what a venue tells. Tiers that cannot be believed are left out: without any, their perpetual is not entered.
    ///
    /// # Errors
    /// The error of the reading, after which everything stays as it was.
    pub fn learn(&self, told: Result<Vec<(String, Tier)>, VenueError>) -> Result<(), VenueError> {
        let mut by_symbol: BTreeMap<String, Vec<Tier>> = BTreeMap::new();
        for (symbol, tier) in told? {
            by_symbol.entry(symbol).or_default().push(tier);
        }
        let believed = by_symbol
            .into_iter()
            .filter_map(|(symbol, tiers)| Some((symbol, Tiers::believable(tiers).ok()?)));
        self.0.replace(believed.collect());
        Ok(())
    }

    /// Says of each perpetual which tiers it has.
    pub fn put_on(&self, instruments: &mut [Instrument]) {
        let known = self.0.borrow();
        let perpetuals = instruments.iter_mut().filter(|one| one.id.product == Product::Perp);
        for perpetual in perpetuals {
            let tiers = known.get(perpetual.id.symbol.as_str()).cloned();
            perpetual.bounds.tiers = Some(tiers.unwrap_or_default());
        }
    }
}

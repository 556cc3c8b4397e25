//! What the witness must know beforehand.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::fact::Input;

/// Tolerances and names. [`Bounds::default`] fits the two venues with no tolerance at all for exposure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// X of each asset, in units of the asset: what may stay naked for ever, one lot and below the minimum notional.
    pub naked: BTreeMap<String, Decimal>,
    /// X of an asset that is not listed.
    pub naked_otherwise: Decimal,
    /// How long a hedge may stay beyond X, in milliseconds. Absent where time runs otherwise than the engine's: then it is
    /// measured and not judged.
    pub naked_at_most_ms: Option<i64>,
    /// Which wallet a product settles in: venue, then product, to wallet. A product not listed has a wallet of its name.
    pub wallets: BTreeMap<String, BTreeMap<String, String>>,
    /// Assets that a symbol may end with; the longest that fits is its quote.
    pub quotes: Vec<String>,
    /// The venue's last decimal. A profit taken at an average price that cannot be written exactly may differ by this
    /// much per unit closed (and at least by this much); every other sum is compared without tolerance.
    pub last_decimal: Decimal,
    /// What must be left of a lease when bytes of an order leave, in milliseconds.
    pub lease_margin_ms: i64,
    /// How old what a process heard may be when it enters, in milliseconds.
    pub oldest_ms: BTreeMap<Input, i64>,
    /// Price and quantity steps: venue, product and symbol to tick and lot. Nothing is judged of an instrument without.
    pub steps: BTreeMap<String, (Decimal, Decimal)>,
    /// What the owner allows, if anything.
    pub caps: Option<Caps>,
    /// How long an order must be unaccounted for before it may be called absent, in milliseconds.
    pub quiet_ms: i64,
    /// How soon after the last trouble the engine must have settled, in milliseconds.
    pub settled_within_ms: i64,
    /// How soon a hedge must be flat that somebody wants to leave, without troubles, in milliseconds.
    pub flat_within_ms: i64,
    /// How soon entries must be stopped when a stranger has traded what a hedge holds, in milliseconds.
    pub stranger_seen_within_ms: i64,
    /// Whether the ledger books executions of orders that are not the engine's. When it does not, they are asked of
    /// nobody, and the wallets and positions that they touched are no longer compared.
    pub foreign_is_booked: bool,
}

/// Caps on notional, in the quote currency, by the worst case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Of one leg.
    pub leg: Decimal,
    /// Of all legs at one venue.
    pub venue: Decimal,
    /// Of all legs.
    pub total: Decimal,
}

impl Default for Bounds {
    fn default() -> Self {
        let unified = ["spot", "linear"].map(|product| (product.to_owned(), "unified".to_owned()));
        Self {
            naked: BTreeMap::new(),
            naked_otherwise: Decimal::ZERO,
            naked_at_most_ms: None,
            wallets: BTreeMap::from([("bybit".to_owned(), BTreeMap::from(unified))]),
            quotes: ["USDT", "USDC", "USD"].map(str::to_owned).to_vec(),
            last_decimal: Decimal::new(1, 8),
            lease_margin_ms: 5_000,
            oldest_ms: BTreeMap::new(),
            steps: BTreeMap::new(),
            caps: None,
            quiet_ms: 0,
            settled_within_ms: 120_000,
            flat_within_ms: 30_000,
            stranger_seen_within_ms: 60_000,
            foreign_is_booked: true,
        }
    }
}

impl Bounds {
    /// X of an asset.
    #[must_use]
    pub fn naked(&self, asset: &str) -> Decimal {
        self.naked.get(asset).copied().unwrap_or(self.naked_otherwise)
    }

    /// Tick and lot of an instrument.
    #[must_use]
    pub fn steps(&self, venue: &str, product: &str, symbol: &str) -> Option<(Decimal, Decimal)> {
        self.steps.get(&instrument(venue, product, symbol)).copied()
    }

    /// The wallet in which a product of a venue settles.
    #[must_use]
    pub fn wallet<'a>(&'a self, venue: &str, product: &'a str) -> &'a str {
        self.wallets
            .get(venue)
            .and_then(|products| products.get(product))
            .map_or(product, String::as_str)
    }

    /// Base and quote of a symbol, `None` when it ends with no known quote.
    #[must_use]
    pub fn split<'a>(&self, symbol: &'a str) -> Option<(&'a str, &'a str)> {
        let quote = self
            .quotes
            .iter()
            .filter(|quote| symbol.ends_with(quote.as_str()))
            .max_by_key(|quote| quote.len())?;
        symbol.split_at_checked(symbol.len() - quote.len())
    }
}

/// The name of an instrument in [`Bounds::steps`].
#[must_use]
pub fn instrument(venue: &str, product: &str, symbol: &str) -> String {
    format!("{venue} {product} {symbol}")
}

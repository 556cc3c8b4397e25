//! What the witness must know beforehand.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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
    /// Whether the ledger books executions of orders that are not the engine's. When it does not, they are asked of
    /// nobody, and the wallets and positions that they touched are no longer compared.
    pub foreign_is_booked: bool,
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

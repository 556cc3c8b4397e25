//! Carry on one venue, held from the first hour to the last; on the other venue where the first one's series end.

use domain::instrument::VenueId;

use super::View;
use crate::engine::{Caps, Held, Rule};

/// Holds a carry of each of these symbols, or of every symbol.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Which; all of them when there are none.
    pub symbols: Vec<String>,
    /// US dollars of each leg; the usual where none are said.
    pub notional: Option<i64>,
}

impl Hold {
    /// Bitcoin and ether.
    pub fn majors() -> Self {
        Self {
            symbols: ["BTCUSDT", "ETHUSDT"].map(str::to_owned).to_vec(),
            notional: None,
        }
    }

    /// Every symbol, with an equal share of the capital.
    pub fn everything(symbols: usize, caps: &Caps) -> Self {
        let count = i64::try_from(symbols).unwrap_or(i64::MAX).max(1);
        Self {
            symbols: Vec::new(),
            notional: Some((caps.capital * 3 / (4 * count)).min(caps.notional)),
        }
    }
}

impl Rule for Hold {
    fn notional(&self, caps: &Caps) -> i64 {
        self.notional.unwrap_or(caps.notional)
    }

    fn most(&self, _: &Caps) -> usize {
        usize::MAX
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let known = self.symbols.is_empty() || self.symbols.iter().any(|name| name == view.name(symbol));
        let legs = view.pair(symbol, pair)?;
        // What has bars first, then what is on one venue, then Binance.
        let bars = i64::from(view.is_priced(symbol, pair)) * 4;
        let single = i64::from(legs.is_single_venue()) * 2;
        let score = bars + single + i64::from(legs.long.venue == VenueId::Binance);
        (known && legs.is_carry()).then_some(score)
    }

    fn leave(&mut self, _: &View<'_>, _: &Held) -> bool {
        false
    }
}

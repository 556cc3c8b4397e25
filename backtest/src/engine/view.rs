//! What a decision may see: nothing stamped after its hour.

use domain::instrument::{Product, VenueId};
use domain::time::Timestamp;

use super::Held;
use crate::exact::Exact;
use crate::hedges::Market;
use crate::tape::{Hour, Pair, Settled, Symbol, Tape};

/// A tape, cut off at an hour.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    tape: &'a Tape,
    now: Hour,
    seen: &'a [[usize; 2]],
}

impl<'a> View<'a> {
    pub(super) const fn new(tape: &'a Tape, now: Hour, seen: &'a [[usize; 2]]) -> Self {
        Self { tape, now, seen }
    }

    /// The hour of the decision.
    pub const fn now(&self) -> Hour {
        self.now
    }

    /// When an hour begins.
    pub fn time(&self, hour: Hour) -> Timestamp {
        self.tape.time(hour)
    }

    /// How many symbols there are.
    pub fn symbols(&self) -> usize {
        self.tape.symbols.len()
    }

    /// A symbol's name.
    pub fn name(&self, symbol: usize) -> &'a str {
        self.symbol(symbol).map_or("", |symbol| &symbol.name)
    }

    /// The pairs of a symbol: which markets, not when.
    pub fn pair(&self, symbol: usize, pair: usize) -> Option<&'a Pair> {
        self.symbol(symbol)?.pairs.get(pair)
    }

    /// Whether a pair has bars for an order given now.
    pub fn is_priced(&self, symbol: usize, pair: usize) -> bool {
        let span = self.pair(symbol, pair).and_then(|pair| pair.span_at(self.now + 1));
        span.is_some_and(|span| span.priced)
    }

    /// What trading a symbol costs.
    pub fn slip(&self, symbol: usize, product: Product) -> i64 {
        self.symbol(symbol).map_or(0, |symbol| symbol.slip(product))
    }

    /// Settlements of a perpetual so far, the last one at or before now.
    pub fn settled(&self, symbol: usize, venue: VenueId) -> &'a [Settled] {
        let place = usize::from(venue == VenueId::Bybit);
        let count = self.seen.get(symbol).and_then(|seen| seen.get(place)).copied();
        let rows = self.symbol(symbol).map(|symbol| symbol.settled(venue));
        rows.and_then(|rows| rows.get(..count?)).unwrap_or_default()
    }

    /// The last price of a market: the close of the bar that has just ended.
    pub fn price(&self, symbol: usize, market: Market) -> Option<i64> {
        self.symbol(symbol)?.columns(market).close_at(self.now - 1)
    }

    /// Marked profit of a hedge at the last prices, without the costs of leaving.
    pub fn profit(&self, held: &Held) -> Exact {
        let prices = || {
            let pair = self.pair(held.symbol, held.pair)?;
            Some((
                self.price(held.symbol, pair.long)?,
                self.price(held.symbol, pair.short)?,
            ))
        };
        held.marked(prices()).net()
    }

    fn symbol(&self, symbol: usize) -> Option<&'a Symbol> {
        self.tape.symbols.get(symbol)
    }
}

//! The best schedule for somebody who knows every settlement, and nothing else of the future: for each symbol by itself,
//! the entries and exits that bring the most funding after fees and slippage. Basis is not known, caps are not weighed;
//! the loop applies both. It is a bound beside the results, not a rule.

use super::View;
use super::edge::fees;
use domain::instrument::{Product, VenueId};

use crate::costs::Liquidity;
use crate::engine::{Caps, Held, Rule};
use crate::hedges::Market;
use crate::tape::{Hour, Pair, Span, Symbol, Tape};

/// One planned hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Which pair.
    pub pair: usize,
    /// Filled in at.
    pub entry: Hour,
    /// Filled out at.
    pub exit: Hour,
    /// What it brings without basis, in units of 10⁻⁸ USD.
    pub gain: i64,
}

/// The schedule.
#[derive(Clone, Debug, Default)]
pub struct Foresight {
    planned: Vec<Vec<Planned>>,
}

impl Foresight {
    /// Plans every symbol of a tape with so many US dollars of each leg.
    pub fn of(tape: &Tape, caps: &Caps) -> Self {
        let plan = |symbol| Plan::new(symbol, caps).walk(tape.hours);
        Self {
            planned: tape.symbols.iter().map(plan).collect(),
        }
    }

    /// What the schedule brings without basis and without caps, in units of 10⁻⁸ USD.
    pub fn relaxed(&self) -> i64 {
        self.planned.iter().flatten().map(|planned| planned.gain).sum()
    }

    fn next(&self, symbol: usize, pair: usize, after: Hour) -> Option<&Planned> {
        let of = self.planned.get(symbol)?;
        of.iter().find(|planned| planned.entry > after && planned.pair == pair)
    }
}

impl Rule for Foresight {
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let next = self.next(symbol, pair, view.now())?;
        let thirds = if view.pair(symbol, pair)?.is_carry() { 4 } else { 2 };
        Some(next.gain / thirds / i64::from((next.exit - next.entry).max(1)))
    }

    fn agree(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> bool {
        self.next(symbol, pair, view.now())
            .is_some_and(|next| next.entry == view.now() + 1)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let of = self.planned.get(held.symbol).into_iter().flatten();
        of.clone()
            .any(|planned| planned.pair == held.pair && planned.entry == held.entry && planned.exit <= view.now() + 1)
    }
}

/// An entry that has been possible, as a line: what leaving brings is its height plus its quantity times what a unit of
/// quantity has received and would cost to leave.
#[derive(Clone, Copy, Debug)]
struct Line {
    entry: Hour,
    /// Units of 10⁻⁸.
    quantity: i64,
    /// Units of 10⁻¹⁸ USD.
    height: i128,
    /// The best of being flat when it was entered.
    before: i128,
}

/// Units of 10⁻¹⁸ USD in one of 10⁻⁸.
const FINE: i128 = 10_i128.pow(10);
/// The price of a unit where the notional is fixed: one dollar.
const ONE: i64 = 10_000_000_000;

/// The walk over one symbol: the best of being flat, and every entry that has been possible.
struct Plan<'a> {
    symbol: &'a Symbol,
    caps: &'a Caps,
    lines: Vec<Vec<Line>>,
    /// What a unit of each pair has received since the beginning, in units of 10⁻¹⁰ USD.
    received: Vec<i64>,
    flat: i128,
    /// Each hold that made being flat better, with what it started from and what it led to.
    steps: Vec<(Planned, i128, i128)>,
    cursors: [usize; 2],
}

impl<'a> Plan<'a> {
    fn new(symbol: &'a Symbol, caps: &'a Caps) -> Self {
        Self {
            symbol,
            caps,
            lines: vec![Vec::new(); symbol.pairs.len()],
            received: vec![0; symbol.pairs.len()],
            flat: 0,
            steps: Vec::new(),
            cursors: [0; 2],
        }
    }

    fn walk(mut self, hours: Hour) -> Vec<Planned> {
        for hour in 0..hours {
            let settled = self.settlements(hour);
            let mut best: Option<(Planned, i128, i128)> = None;
            for place in 0..self.symbol.pairs.len() {
                self.leave(place, hour, settled, &mut best);
            }
            if let Some(step) = best {
                self.flat = step.2;
                self.steps.push(step);
            }
            for place in 0..self.symbol.pairs.len() {
                self.enter(place, hour, settled.iter().any(Option::is_some));
            }
        }
        self.chosen()
    }

    /// Rate and mark of each venue's settlement at an hour.
    fn settlements(&mut self, hour: Hour) -> [Option<(i64, i64)>; 2] {
        let mut settled = [None; 2];
        for ((rows, cursor), settled) in self.symbol.settled.iter().zip(&mut self.cursors).zip(&mut settled) {
            while let Some(row) = rows.get(*cursor).filter(|row| row.hour <= hour) {
                *cursor += 1;
                *settled = (row.hour == hour).then_some((row.rate, row.mark));
            }
        }
        settled
    }

    /// Takes what was settled, and the best hold that could end now.
    fn leave(
        &mut self,
        place: usize,
        hour: Hour,
        settled: [Option<(i64, i64)>; 2],
        best: &mut Option<(Planned, i128, i128)>,
    ) {
        let Some(pair) = self.symbol.pairs.get(place) else {
            return;
        };
        let (Some(lines), Some(received)) = (self.lines.get_mut(place), self.received.get_mut(place)) else {
            return;
        };
        let Some(span) = pair.span_at(hour) else {
            lines.clear();
            return;
        };
        let paid = unit_cash(pair, settled, span.priced);
        *received += paid;
        let last = hour >= span.last;
        if (paid != 0 || last)
            && let Some(price) = price(self.symbol, pair, span, hour)
        {
            let unit = *received - self.symbol.one_way(pair, price);
            for line in lines.iter() {
                let value = line.height + i128::from(line.quantity) * i128::from(unit);
                if value > best.map_or(self.flat, |(.., value)| value) {
                    let planned = Planned {
                        pair: place,
                        entry: line.entry,
                        exit: hour,
                        gain: i64::try_from((value - line.before) / FINE).unwrap_or(i64::MAX),
                    };
                    *best = Some((planned, line.before, value));
                }
            }
        }
        if last {
            lines.clear();
        }
    }

    /// Notes the entry that is possible now.
    fn enter(&mut self, place: usize, hour: Hour, news: bool) {
        let Some(pair) = self.symbol.pairs.get(place) else {
            return;
        };
        let (Some(lines), Some(received)) = (self.lines.get_mut(place), self.received.get(place)) else {
            return;
        };
        let Some(span) = pair.span_at(hour) else { return };
        // Nothing is gained by entering between settlements, but for the first hour that an order can fill in.
        let due = (news || hour == span.first.max(1)) && span.takes(hour) && hour > 0;
        let Some(price) = price(self.symbol, pair, span, hour).filter(|_| due) else {
            return;
        };
        let bought = i128::from(self.caps.notional) * FINE * 100_000_000 / i128::from(price);
        let Ok(quantity) = i64::try_from(bought) else { return };
        let paid = *received + self.symbol.one_way(pair, price);
        lines.push(Line {
            entry: hour,
            quantity,
            height: self.flat - i128::from(quantity) * i128::from(paid),
            before: self.flat,
        });
    }

    /// Follows the best value back to its beginning.
    fn chosen(self) -> Vec<Planned> {
        let (mut planned, mut value) = (Vec::new(), self.flat);
        for (step, before, after) in self.steps.into_iter().rev() {
            if after == value {
                planned.push(step);
                value = before;
            }
        }
        planned.reverse();
        planned
    }
}

impl Symbol {
    /// Taker fees and slippage of both legs, one way, for a unit at a price; units of 10⁻¹⁰ USD.
    fn one_way(&self, pair: &Pair, price: i64) -> i64 {
        let slip = self.slip(pair.long.product) + self.slip(pair.short.product);
        let millionths = i128::from(fees(pair, Liquidity::Taker) / 2 + slip);
        i64::try_from(i128::from(price) * millionths / 1_000_000).unwrap_or(i64::MAX)
    }
}

/// What a unit of a pair receives.
fn unit_cash(pair: &Pair, [binance, bybit]: [Option<(i64, i64)>; 2], priced: bool) -> i64 {
    let of = |market: Market| {
        let settled = match (market.product, market.venue) {
            (Product::Spot, _) => None,
            (Product::Perp, VenueId::Binance) => binance,
            (Product::Perp, VenueId::Bybit) => bybit,
        };
        settled.map_or(0, |(rate, mark)| {
            let mark = if priced { mark } else { ONE };
            i64::try_from(i128::from(rate) * i128::from(mark) / i128::from(ONE)).unwrap_or_default()
        })
    };
    of(pair.short) - of(pair.long)
}

/// The larger leg's price, which decides the quantity.
fn price(symbol: &Symbol, pair: &Pair, span: &Span, hour: Hour) -> Option<i64> {
    if !span.priced {
        return Some(ONE);
    }
    let open = |market| symbol.columns(market).open_at(hour);
    Some(open(pair.long)?.max(open(pair.short)?))
}

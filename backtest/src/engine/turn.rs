//! An hour of the loop: settlements, fills, marks, decisions.

use domain::instrument::{Product, VenueId};

use super::book::{self, Cause, Closed, Held, Sums};
use super::view::View;
use super::{Caps, DOLLAR, LIQUIDATION_PER_MILLE, Midnight, Outcome, Rule, fill, margin};
use crate::costs::Liquidity;
use crate::exact::Exact;
use crate::tape::{Hour, Symbol, Tape};

/// Why a run was broken off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An amount has more digits than the arithmetic holds.
    #[error("an amount of {symbol} is too large to be held exactly")]
    TooLarge {
        /// Of which symbol.
        symbol: String,
    },
    /// A settlement that a priced hedge earns has no mark price.
    #[error(
        "the settlement of {venue} {symbol} in hour {hour} of the run has no mark price, and no mark or perp bar begins there"
    )]
    NoMark {
        /// Whose.
        venue: VenueId,
        /// Of which symbol.
        symbol: String,
        /// When.
        hour: Hour,
    },
}

/// Runs a rule over a tape. Whatever is open at the end is closed there.
///
/// # Errors
/// [`RunError`] when an amount cannot be held or a price is nowhere.
pub fn run(tape: &Tape, rule: &mut dyn Rule, caps: &Caps) -> Result<Outcome, RunError> {
    let mut turn = Turn::new(tape, caps);
    for hour in 0..tape.hours {
        turn.settle(hour, rule)?;
        turn.fill(hour, rule)?;
        turn.mark(hour);
        if hour + 1 < tape.hours {
            turn.decide(hour, rule);
        }
    }
    turn.outcome.events += tape.events;
    Ok(turn.outcome)
}

/// Everything that changes from hour to hour.
pub(super) struct Turn<'a> {
    pub(super) tape: &'a Tape,
    pub(super) caps: &'a Caps,
    /// Settlements seen so far by symbol and venue.
    pub(super) seen: Vec<[usize; 2]>,
    /// What each pair was wanted for when its symbol last settled.
    wishes: Vec<Vec<Option<i64>>>,
    /// Symbols of which any pair is wanted.
    eager: Vec<bool>,
    /// News told so far.
    told: usize,
    /// Something has settled in this hour.
    pub(super) settled: bool,
    pub(super) held: Vec<Held>,
    /// Entries that fill at the next hour: symbol, pair, and what is expected of them.
    pub(super) entering: Vec<(usize, usize, Option<i64>)>,
    /// Entries of this hour that did not fill, which is known only when it is over: symbol, and whether it is a carry.
    unfilled: Vec<(usize, bool)>,
    /// Why the hedge of the same place is being left, where it is.
    pub(super) leaving: Vec<Option<Cause>>,
    /// Sums of what is closed.
    booked: Sums,
    pub(super) wanted: Vec<(i64, usize, usize)>,
    outcome: Outcome,
}

impl<'a> Turn<'a> {
    fn new(tape: &'a Tape, caps: &'a Caps) -> Self {
        let seen = tape.symbols.iter().map(|symbol| {
            let before = |venue| symbol.settled(venue).partition_point(|row| row.hour < 0);
            VenueId::ALL.map(before)
        });
        let wishes = tape.symbols.iter().map(|symbol| vec![None; symbol.pairs.len()]);
        Self {
            tape,
            caps,
            seen: seen.collect(),
            wishes: wishes.collect(),
            eager: vec![false; tape.symbols.len()],
            told: 0,
            settled: false,
            held: Vec::new(),
            entering: Vec::new(),
            unfilled: Vec::new(),
            leaving: Vec::new(),
            booked: Sums::default(),
            wanted: Vec::new(),
            outcome: Outcome {
                equity: Vec::with_capacity(usize::try_from(tape.hours).unwrap_or_default()),
                ..Outcome::default()
            },
        }
    }

    /// Settlements of this hour: paid to what is open, told to the rule.
    fn settle(&mut self, hour: Hour, rule: &mut dyn Rule) -> Result<(), RunError> {
        if hour == 0 {
            for place in 0..self.tape.symbols.len() {
                self.hear(place, hour, rule);
            }
        }
        let tape = self.tape;
        self.settled = false;
        while let Some(&(due, place)) = tape.news.get(self.told).filter(|(due, _)| *due <= hour) {
            (self.told, self.settled) = (self.told + 1, true);
            let Some(symbol) = tape.symbols.get(place) else {
                continue;
            };
            for (slot, venue) in VenueId::ALL.into_iter().enumerate() {
                let Some(count) = self.seen.get_mut(place).and_then(|seen| seen.get_mut(slot)) else {
                    continue;
                };
                let Some(row) = symbol.settled(venue).get(*count).filter(|row| row.hour == due) else {
                    continue;
                };
                *count += 1;
                for held in self.held.iter_mut().filter(|held| held.symbol == place) {
                    pay(symbol, held, venue, (row.rate, row.mark, hour))?;
                }
            }
            self.hear(place, hour, rule);
        }
        Ok(())
    }

    /// Tells the rule that a symbol has settled, and asks what it wants now.
    fn hear(&mut self, place: usize, hour: Hour, rule: &mut dyn Rule) {
        let view = View::new(self.tape, hour, &self.seen);
        rule.heard(&view, place);
        let mut any = false;
        for (pair, wish) in self.wishes.get_mut(place).into_iter().flatten().enumerate() {
            *wish = rule.wish(&view, place, pair);
            any |= wish.is_some();
        }
        if let Some(eager) = self.eager.get_mut(place) {
            *eager = any;
        }
    }

    /// Orders of the last hour, and what must be closed because its series or the period ends.
    fn fill(&mut self, hour: Hour, rule: &mut dyn Rule) -> Result<(), RunError> {
        let mut place = 0;
        while let Some(held) = self.held.get(place).copied() {
            let Some(cause) = self.cause(place, &held, hour) else {
                place += 1;
                continue;
            };
            if let Some(closed) = self.close(&held, hour, cause, rule)? {
                self.held.remove(place);
                self.leaving.remove(place);
                self.booked = self.booked.and(&closed.sums);
                rule.left(&View::new(self.tape, hour, &self.seen), &closed);
                self.outcome.closed.push(closed);
            } else {
                place += 1; // a missing hour that is bridged: it fills at the next one
            }
        }
        for (symbol, pair, forecast) in std::mem::take(&mut self.entering) {
            let open = self.held.iter().any(|held| held.symbol == symbol) || !self.room_for(symbol, pair, rule);
            let entered = if open {
                None
            } else {
                self.enter(symbol, pair, hour, rule)?
            };
            if let Some(held) = entered {
                self.held.push(Held { forecast, ..held });
                self.leaving.push(None);
            } else {
                let legs = self.tape.symbols.get(symbol).and_then(|symbol| symbol.pairs.get(pair));
                self.unfilled
                    .push((symbol, legs.is_some_and(crate::tape::Pair::is_carry)));
                self.outcome.missed += 1;
            }
        }
        self.outcome.most_at_once = self.outcome.most_at_once.max(self.held.len());
        Ok(())
    }

    /// Why a hedge is closed at this hour, where it is.
    fn cause(&self, place: usize, held: &Held, hour: Hour) -> Option<Cause> {
        let gone = || {
            let symbol = self.tape.symbols.get(held.symbol);
            symbol.is_some_and(|symbol| margin::moved(symbol, held, hour - 1, LIQUIDATION_PER_MILLE, margin::worst))
        };
        if self.caps.liquidate && gone() {
            return Some(Cause::Liquidated);
        }
        let wanted = self.leaving.get(place).copied().flatten();
        let ended = (hour >= held.until).then_some(Cause::DataEnd);
        let over = (hour + 1 == self.tape.hours).then_some(Cause::PeriodEnd);
        wanted.or(ended).or(over)
    }

    /// Whether the caps allow one more hedge right now.
    fn room_for(&self, symbol: usize, pair: usize, rule: &dyn Rule) -> bool {
        let legs = self.tape.symbols.get(symbol).and_then(|symbol| symbol.pairs.get(pair));
        let carry = legs.is_some_and(crate::tape::Pair::is_carry);
        let tied: i64 = self.held.iter().map(Held::tied).sum();
        let needed = book::tied(rule.notional(self.caps), carry);
        self.held.len() < rule.most(self.caps) && tied + needed <= self.caps.capital * DOLLAR
    }

    fn close(&self, held: &Held, hour: Hour, cause: Cause, rule: &dyn Rule) -> Result<Option<Closed>, RunError> {
        let Some(symbol) = self.tape.symbols.get(held.symbol) else {
            return Ok(None);
        };
        let Some(pair) = symbol.pairs.get(held.pair) else {
            return Ok(None);
        };
        let priced = held.quantity > 0;
        let opens = match fill::opens(symbol, pair, hour, priced) {
            Some(opens) => opens,
            // The very last hour is missing: the last price that was seen has to do.
            None if hour + 1 == self.tape.hours => held.marks,
            None => return Ok(None),
        };
        let taken = if left(Some(cause)) && rule.manner().passive_exit {
            fill::passive(symbol, pair, hour, (priced, false)).unwrap_or(TAKEN)
        } else {
            TAKEN
        };
        let closed = fill::leave(symbol, held, (hour, opens, cause), taken);
        closed.map(Some).ok_or_else(|| too_large(symbol))
    }

    fn enter(&self, symbol: usize, pair: usize, hour: Hour, rule: &dyn Rule) -> Result<Option<Held>, RunError> {
        let Some(known) = self.tape.symbols.get(symbol) else {
            return Ok(None);
        };
        let Some(legs) = known.pairs.get(pair) else {
            return Ok(None);
        };
        let Some(span) = legs.span_at(hour) else {
            return Ok(None);
        };
        let Some(opens) = fill::opens(known, legs, hour, span.priced) else {
            return Ok(None);
        };
        let taken = if rule.manner().passive_entry {
            match fill::passive(known, legs, hour, (span.priced, true)) {
                Some(taken) => taken,
                None => return Ok(None),
            }
        } else {
            TAKEN
        };
        let dollars = rule.notional(self.caps);
        let held = fill::enter(known, (symbol, pair), (hour, span.last), (opens, dollars), taken);
        held.map(Some).ok_or_else(|| too_large(known))
    }

    /// Marks what is open at this hour's opens.
    fn mark(&mut self, hour: Hour) {
        let (mut equity, mut tied, mut marked) = (self.booked.net(), 0_i128, 0_i128);
        let midnight = self.tape.is_midnight(hour) || hour + 1 == self.tape.hours;
        let mut sums = self.booked;
        for held in &mut self.held {
            if held.quantity > 0
                && let Some(symbol) = self.tape.symbols.get(held.symbol)
                && let Some(pair) = symbol.pairs.get(held.pair)
                && let Some(opens) = fill::opens(symbol, pair, hour, true)
            {
                held.marks = opens;
            }
            let worth = held.marked(Some(held.marks));
            equity += worth.net();
            if midnight {
                sums = sums.and(&worth);
            }
            tied += i128::from(held.tied());
            marked += i128::from(held.marked_tied());
        }
        let outcome = &mut self.outcome;
        outcome.equity.push(equity.coarse());
        if midnight {
            let tied = i64::try_from(tied).unwrap_or(i64::MAX);
            outcome.days.push(Midnight { hour, sums, tied });
        }
        outcome.tied += tied;
        outcome.marked_tied += marked;
        outcome.hours_in_market += u32::from(!self.held.is_empty());
    }

    /// Which hedges are left at the next hour.
    fn review(&mut self, hour: Hour, rule: &mut dyn Rule) {
        let view = View::new(self.tape, hour, &self.seen);
        for (held, leaving) in self.held.iter().zip(&mut self.leaving) {
            if leaving.is_some() {
                continue;
            }
            if rule.leave(&view, held) {
                *leaving = Some(Cause::Rule);
            } else if drifted(self.tape, self.caps, held, hour) {
                // Its room is its own: what is left here is entered again in the same hour.
                *leaving = Some(Cause::Recentred);
                let forecast = rule.forecast(&view, held.symbol, held.pair);
                self.entering.push((held.symbol, held.pair, forecast));
            }
        }
    }

    /// What fills at the next hour.
    fn decide(&mut self, hour: Hour, rule: &mut dyn Rule) {
        self.review(hour, rule);
        // What is being left is gone before anything is entered; where it is not, the entry does not fill.
        let staying = self.held.iter().zip(&self.leaving);
        let staying = staying.filter(|(_, leaving)| !left(**leaving));
        let mut count = staying.clone().count() + self.unfilled.len();
        let mut tied: i64 = staying.map(|(held, _)| held.tied()).sum();
        let (most, dollars) = (rule.most(self.caps), rule.notional(self.caps));
        let unfilled = std::mem::take(&mut self.unfilled);
        tied += unfilled
            .iter()
            .map(|(_, carry)| book::tied(dollars, *carry))
            .sum::<i64>();
        let room = |tied: i64, carry| tied + book::tied(dollars, carry) <= self.caps.capital * DOLLAR;
        // A full book is looked at again only where a hedge may give way, and something has told of a reason.
        let changes = rule.rotates() && self.settled;
        if (count >= most || !room(tied, false)) && !changes {
            return;
        }
        self.list_wanted(hour, rule, &unfilled, changes);
        let view = View::new(self.tape, hour, &self.seen);
        for (_, symbol, pair) in &self.wanted {
            if count >= most {
                break;
            }
            let carry = view.pair(*symbol, *pair).is_some_and(crate::tape::Pair::is_carry);
            let mut open = self.held.iter().zip(&self.leaving);
            let taken = self.entering.iter().any(|(other, ..)| other == symbol)
                || (changes && open.any(|(held, leaving)| held.symbol == *symbol && !left(*leaving)));
            if taken || !room(tied, carry) {
                continue;
            }
            tied += book::tied(dollars, carry);
            count += 1;
            let forecast = rule.forecast(&view, *symbol, *pair);
            self.entering.push((*symbol, *pair, forecast));
        }
        if changes {
            self.change(hour, rule);
        }
    }

    /// The pairs that are wanted and may be entered at the next hour, best first; those of a symbol that is held only where
    /// hedges may give way.
    fn list_wanted(&mut self, hour: Hour, rule: &mut dyn Rule, unfilled: &[(usize, bool)], changes: bool) {
        let tape = self.tape;
        let view = View::new(tape, hour, &self.seen);
        self.wanted.clear();
        let eager = self.eager.iter().enumerate().filter(|(_, eager)| **eager);
        for (place, symbol) in eager.filter_map(|(place, _)| Some((place, tape.symbols.get(place)?))) {
            let mut open = self.held.iter().zip(&self.leaving);
            let pending = unfilled.iter().any(|(symbol, _)| *symbol == place);
            let mut held = || open.any(|(held, leaving)| held.symbol == place && !left(*leaving));
            if pending || (!changes && held()) {
                continue;
            }
            let wishes = self.wishes.get(place).into_iter().flatten();
            for (pair, (legs, wish)) in symbol.pairs.iter().zip(wishes).enumerate() {
                let Some(score) = *wish else { continue };
                let open = legs.span_at(hour + 1).filter(|span| span.takes(hour + 1));
                let open = open.filter(|span| {
                    if span.priced {
                        self.caps.priced
                    } else {
                        self.caps.funding_only
                    }
                });
                if open.is_some() && rule.agree(&view, place, pair) {
                    self.wanted.push((score, place, pair));
                }
            }
        }
        self.wanted
            .sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    }
}

/// Whether a hedge is on its way out because the rule wants it so: what comes then does not wait for it.
pub(super) fn left(leaving: Option<Cause>) -> bool {
    matches!(leaving, Some(Cause::Rule | Cause::Rotated))
}

/// Whether a hedge has moved so far that it is to be entered anew, and can be.
fn drifted(tape: &Tape, caps: &Caps, held: &Held, hour: Hour) -> bool {
    let Some((symbol, per_mille)) = tape.symbols.get(held.symbol).zip(caps.recentre) else {
        return false;
    };
    let span = symbol.pairs.get(held.pair).and_then(|pair| pair.span_at(hour + 1));
    // The bar that has just ended.
    span.is_some_and(|span| span.takes(hour + 1)) && margin::moved(symbol, held, hour - 1, per_mille, margin::close)
}

const TAKEN: (Liquidity, Liquidity) = (Liquidity::Taker, Liquidity::Taker);

fn too_large(symbol: &Symbol) -> RunError {
    RunError::TooLarge {
        symbol: symbol.name.clone(),
    }
}

/// One settlement of a venue's perpetual, to a hedge that was open before it.
fn pay(symbol: &Symbol, held: &mut Held, venue: VenueId, (rate, mark, hour): (i64, i64, Hour)) -> Result<(), RunError> {
    let Some(pair) = symbol.pairs.get(held.pair) else {
        return Ok(());
    };
    let mut cash = Exact::ZERO;
    for (market, long) in [(pair.long, true), (pair.short, false)] {
        if market.venue != venue || market.product != Product::Perp {
            continue;
        }
        if held.quantity > 0 && mark == 0 {
            return Err(RunError::NoMark {
                venue,
                symbol: symbol.name.clone(),
                hour,
            });
        }
        let earned = fill::settlement(held, rate, mark).ok_or_else(|| too_large(symbol))?;
        cash += if long { -earned } else { earned };
        held.settlements += 1;
    }
    held.sums.funding += cash;
    Ok(())
}

//! A hedge gives way to a better one that finds no room beside it.
//!
//! Both orders fill at the same hour, the way out first; where that does not fill, neither does the way in.

use super::Rule;
use super::book::{self, Cause, Held};
use super::turn::Turn;
use super::view::View;
use crate::tape::{Hour, Pair};

impl Turn<'_> {
    /// At most one change an hour: of the pair that is wanted most, the one that gains most.
    pub(super) fn change(&mut self, hour: Hour, rule: &mut dyn Rule) {
        let view = View::new(self.tape, hour, &self.seen);
        let dollars = rule.notional(self.caps);
        let mut best: Option<(i64, usize, usize, usize)> = None;
        for (_, symbol, pair) in &self.wanted {
            if self.entering.iter().any(|(other, ..)| other == symbol) {
                continue;
            }
            let carry = view.pair(*symbol, *pair).is_some_and(Pair::is_carry);
            let needed = book::tied(dollars, carry);
            // Of its own symbol another pair takes its place; of another one it takes the room.
            let own = self.held.iter().any(|held| held.symbol == *symbol);
            let makes_room = |held: &Held| {
                if own {
                    held.symbol == *symbol && held.pair != *pair && held.tied() >= needed
                } else {
                    held.tied() >= needed
                }
            };
            for (place, (held, leaving)) in self.held.iter().zip(&self.leaving).enumerate() {
                if leaving.is_some() || !makes_room(held) {
                    continue;
                }
                if let Some(gain) = rule.gives_way(&view, held, (*symbol, *pair))
                    && best.is_none_or(|(most, ..)| gain > most)
                {
                    best = Some((gain, place, *symbol, *pair));
                }
            }
        }
        let Some((_, place, symbol, pair)) = best else { return };
        if let Some(leaving) = self.leaving.get_mut(place) {
            *leaving = Some(Cause::Rotated);
            let forecast = rule.forecast(&view, symbol, pair);
            self.entering.push((symbol, pair, forecast));
        }
    }
}

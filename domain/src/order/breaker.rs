//! When the orders themselves say that something is wrong: entries stop then until somebody has looked.
//!
//! - OB-1  Once [`MOST_A_MINUTE`] orders that open have left in a minute no hedge is begun, whoever asks for it.
//! - OB-2  A venue that refuses the same side of the same instrument for the same reason [`SAME`] times in a row is not
//!   asked for it again.
//!
//! Orders that reduce are neither counted nor held back: what bounds them are the tries of a job and the rests between
//! jobs.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use super::{OrderTicket, Placed, Purpose};
use crate::instrument::{InstrumentId, Side};
use crate::time::Machine;

/// Orders that open in any minute. An entry is two orders and an evaluation begins one at most every other second; twenty
/// hedges that are entered at once and a large one in slices stay well below it.
pub const MOST_A_MINUTE: usize = 60;
/// How many times in a row the same refusal is met before nobody asks any more: as often as one job tries a leg.
pub const SAME: u8 = 3;

const MINUTE: Duration = Duration::from_mins(1);

/// What the orders have come to.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    left: VecDeque<Machine>,
    refused: BTreeMap<(InstrumentId, Side), (i64, u8)>,
}

/// Why nothing more is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tripped {
    /// More orders were to leave in a minute than any sound engine sends.
    Storm,
    /// A venue says the same no again and again.
    SameRefusal {
        /// Of which instrument.
        instrument: InstrumentId,
        /// Which side of it.
        side: Side,
        /// The venue's code.
        code: i64,
    },
}

impl Breaker {
    /// An order is about to leave; `begins` where nothing of its hedge is held yet.
    ///
    /// # Errors
    /// [`Tripped::Storm`] when it must not. What completes a hedge that was begun is counted and let through: to take it
    /// back would be one order more.
    pub fn leaving(&mut self, purpose: Purpose, begins: bool, now: Machine) -> Result<(), Tripped> {
        if purpose.reduces() {
            return Ok(());
        }
        while self.left.front().is_some_and(|left| now.since(*left) >= MINUTE) {
            self.left.pop_front();
        }
        if begins && self.left.len() >= MOST_A_MINUTE {
            return Err(Tripped::Storm);
        }
        self.left.push_back(now);
        Ok(())
    }

    /// A venue has answered an order. Tells once when it is the last refusal of its kind that is asked for.
    pub fn answered(&mut self, ticket: &OrderTicket, answer: &Placed) -> Option<Tripped> {
        if ticket.purpose.reduces() {
            return None;
        }
        let of = (ticket.instrument.clone(), ticket.side);
        let Placed::Refused { code, .. } = answer else {
            if matches!(answer, Placed::Confirmed { .. }) {
                self.refused.remove(&of);
            }
            return None;
        };
        let (last, times) = self.refused.get(&of).copied().unwrap_or((*code, 0));
        let times = if last == *code { times + 1 } else { 1 };
        if times < SAME {
            self.refused.insert(of, (*code, times));
            return None;
        }
        // Whoever resumes has looked: from there on it is counted anew.
        self.refused.remove(&of);
        let (instrument, side) = of;
        Some(Tripped::SameRefusal {
            instrument,
            side,
            code: *code,
        })
    }
}

impl fmt::Display for Tripped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storm => write!(
                out,
                "more than {MOST_A_MINUTE} orders were to be opened within a minute"
            ),
            Self::SameRefusal { instrument, side, code } => {
                write!(
                    out,
                    "to {side} {instrument} was refused {SAME} times in a row with code {code}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dec, perp};
    use crate::instrument::VenueId;
    use crate::money::Quantity;
    use crate::order::{ClientOrderId, HedgeId, LegIndex, OrderKind};

    fn at(seconds: u64) -> Machine {
        Machine(Duration::from_secs(seconds))
    }

    fn ticket(purpose: Purpose, side: Side) -> OrderTicket {
        OrderTicket {
            client_id: ClientOrderId::from_text("x"),
            hedge: HedgeId(1),
            leg: LegIndex::Long,
            purpose,
            instrument: perp(VenueId::Bybit, "BTCUSDT").id,
            side,
            kind: OrderKind::Market,
            quantity: Quantity(dec("1")),
        }
    }

    fn refused(code: i64) -> Placed {
        Placed::Refused {
            code,
            reason: "no".to_owned(),
        }
    }

    #[test]
    fn a_minute_takes_so_many_and_the_next_one_as_many_again() {
        let mut breaker = Breaker::default();
        for _ in 0..MOST_A_MINUTE {
            assert_eq!(breaker.leaving(Purpose::Open, true, at(10)), Ok(()));
        }
        assert_eq!(breaker.leaving(Purpose::Open, true, at(69)), Err(Tripped::Storm));
        for purpose in [Purpose::Close, Purpose::Unwind] {
            assert_eq!(
                breaker.leaving(purpose, true, at(69)),
                Ok(()),
                "a way out is never held back"
            );
        }
        assert_eq!(
            breaker.leaving(Purpose::Open, false, at(69)),
            Ok(()),
            "nor what makes a hedge whole"
        );
        assert_eq!(breaker.leaving(Purpose::Open, true, at(70)), Ok(()));
    }

    #[test]
    fn the_same_no_is_heard_three_times_and_a_yes_or_another_no_begins_anew() {
        let mut breaker = Breaker::default();
        let mut hear = |purpose, side, answer: &Placed| breaker.answered(&ticket(purpose, side), answer);
        let confirmed = Placed::Confirmed {
            venue_order_id: "v".to_owned(),
        };
        let unknown = Placed::Unknown {
            reason: "lost".to_owned(),
        };
        let buys = |answer: &Placed, hear: &mut dyn FnMut(Purpose, Side, &Placed) -> Option<Tripped>| {
            hear(Purpose::Open, Side::Buy, answer)
        };
        for answer in [&refused(1), &refused(1), &refused(2), &refused(2), &confirmed] {
            assert_eq!(buys(answer, &mut hear), None);
        }
        for _ in 0..5 {
            assert_eq!(
                hear(Purpose::Close, Side::Buy, &refused(1)),
                None,
                "ways out are not counted"
            );
        }
        for answer in [&refused(1), &refused(1), &unknown] {
            assert_eq!(buys(answer, &mut hear), None);
        }
        assert_eq!(
            hear(Purpose::Open, Side::Sell, &refused(1)),
            None,
            "the other side is another order"
        );
        let tripped = buys(&refused(1), &mut hear).map(|tripped| tripped.to_string());
        let words = "to buy bybit:perp:BTCUSDT was refused 3 times in a row with code 1";
        assert_eq!(tripped.as_deref(), Some(words));
        assert_eq!(buys(&refused(1), &mut hear), None, "whoever has looked may try again");
    }
}

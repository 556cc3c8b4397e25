//! Where an order stands, and what moves it.
//!
//! ```text
//!  recorded ─► sent ─► acknowledged ─► resting ─► leaving ─► over: filled, cancelled, rejected, expired
//!     │         │            │  an order that lives on ▲
//!     │         ├─► unknown ─┴── by the venue's word ──┘
//!     ▼         ▼        └─► over: absent, by proof alone (OR-2)
//!  over: not sent
//! ```
//!
//! A cancellation that was asked for proves nothing: an order that is leaving may fill until its end is reported.

use super::{Placed, VenueOrderStatus};
use crate::money::Quantity;

/// Where one of our orders stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Durable, and not yet sent.
    Recorded,
    /// Bytes may have left.
    Sent,
    /// The venue has said that it received it.
    Acknowledged {
        /// Units done.
        filled: Quantity,
    },
    /// By the venue's word it is in the book, or on its way there, and lives on.
    Resting {
        /// Units done.
        filled: Quantity,
    },
    /// Its end was asked for and is unproven: what it fills until then counts.
    Leaving {
        /// Units done.
        filled: Quantity,
    },
    /// It may or may not exist: exposure until proven (OR-2).
    Unknown,
    /// Over.
    Done {
        /// How it ended.
        how: Ending,
        /// Units done.
        filled: Quantity,
    },
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Entirely filled.
    Filled,
    /// Cancelled, by us or by its time in force.
    Cancelled,
    /// The venue said no.
    Rejected,
    /// The venue ended it.
    Expired,
    /// It never left this process.
    NotSent,
    /// It was proven that the venue never had it.
    Absent,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Filled,
        Self::Cancelled,
        Self::Rejected,
        Self::Expired,
        Self::NotSent,
        Self::Absent,
    ];

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::NotSent => "not_sent",
            Self::Absent => "absent",
        }
    }
}

impl OrderState {
    /// The names of the states of an order that may still move.
    pub const LIVE: [&str; 6] = ["recorded", "sent", "acknowledged", "resting", "leaving", "unknown"];

    /// Whether the venue has said that it has the order: it can no longer be proven absent.
    pub const fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Acknowledged { .. } | Self::Resting { .. } | Self::Leaving { .. }
        )
    }

    /// Whether nothing more can happen (OR-3).
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Its name in logs and rows.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Sent => "sent",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Resting { .. } => "resting",
            Self::Leaving { .. } => "leaving",
            Self::Unknown => "unknown",
            Self::Done { how, .. } => how.as_str(),
        }
    }

    /// Units known to be done.
    pub const fn filled(&self) -> Quantity {
        match self {
            Self::Acknowledged { filled }
            | Self::Resting { filled }
            | Self::Leaving { filled }
            | Self::Done { filled, .. } => *filled,
            Self::Recorded | Self::Sent | Self::Unknown => Quantity::ZERO,
        }
    }

    /// Puts a state back together from its row: its name and the units done. `None` for a name that is none.
    pub fn from_row(name: &str, filled: Quantity) -> Option<Self> {
        Some(match name {
            "recorded" => Self::Recorded,
            "sent" => Self::Sent,
            "acknowledged" => Self::Acknowledged { filled },
            "resting" => Self::Resting { filled },
            "leaving" => Self::Leaving { filled },
            "unknown" => Self::Unknown,
            other => Self::Done {
                how: Ending::ALL.into_iter().find(|how| how.as_str() == other)?,
                filled,
            },
        })
    }
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// The request is about to leave.
    Sending,
    /// What the request brought back.
    Answered(Placed),
    /// The request to end it is about to leave.
    Cancelling,
    /// The venue's word on it, by query or by stream.
    Reported {
        /// Its state.
        status: VenueOrderStatus,
        /// Units done.
        filled: Quantity,
    },
    /// An execution of it is known, so the venue has it, whatever else it says.
    Executed,
    /// It was proven that the venue never had it.
    ProvenAbsent,
}

/// An event that cannot follow a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot take {event}")]
pub struct IllegalOrderEvent {
    /// The state.
    pub from: &'static str,
    /// The event.
    pub event: String,
}

/// Moves an order. Late news about a finished order changes nothing; fills never shrink.
///
/// # Errors
/// When the event contradicts what is known.
pub fn step(state: &OrderState, event: &OrderEvent) -> Result<OrderState, IllegalOrderEvent> {
    use OrderEvent::{Answered, Cancelling, Executed, ProvenAbsent, Reported, Sending};
    use OrderState::{Acknowledged, Done, Leaving, Recorded, Resting, Sent, Unknown};
    let illegal = || IllegalOrderEvent {
        from: state.as_str(),
        event: format!("{event:?}"),
    };
    Ok(match (state, event) {
        (Done { .. }, Sending) => return Err(illegal()),
        (Done { .. }, _) => state.clone(),
        (Recorded, Sending) => Sent,
        (_, Sending) => return Err(illegal()),
        (Recorded | Sent, Answered(Placed::NotSent { .. })) => ended(Ending::NotSent, Quantity::ZERO),
        (_, Answered(Placed::NotSent { .. })) => return Err(illegal()),
        (Sent | Unknown, Answered(Placed::Confirmed { .. })) => Acknowledged { filled: Quantity::ZERO },
        (Recorded | Sent | Unknown, Executed) => Acknowledged { filled: Quantity::ZERO },
        (Acknowledged { .. } | Resting { .. } | Leaving { .. }, Answered(_) | Executed) => state.clone(),
        (Sent | Unknown, Answered(Placed::Refused { .. })) => ended(Ending::Rejected, Quantity::ZERO),
        (Sent | Unknown, Answered(Placed::Unknown { .. })) => Unknown,
        (Recorded, Answered(_) | Cancelling) => return Err(illegal()),
        // Whether there is anything to end is not known, and asking does not tell.
        (Sent | Unknown, Cancelling) => Unknown,
        (Acknowledged { filled } | Resting { filled } | Leaving { filled }, Cancelling) => Leaving { filled: *filled },
        (Leaving { filled: known }, Reported { status, filled }) if !status.is_terminal() => Leaving {
            filled: (*known).max(*filled),
        },
        (_, Reported { status, filled }) => reported(*status, (*filled).max(state.filled())),
        (Recorded | Sent | Unknown, ProvenAbsent) => ended(Ending::Absent, Quantity::ZERO),
        (Acknowledged { .. } | Resting { .. } | Leaving { .. }, ProvenAbsent) => return Err(illegal()),
    })
}

const fn ended(how: Ending, filled: Quantity) -> OrderState {
    OrderState::Done { how, filled }
}

const fn reported(status: VenueOrderStatus, filled: Quantity) -> OrderState {
    match status {
        VenueOrderStatus::Live => OrderState::Resting { filled },
        VenueOrderStatus::Filled => ended(Ending::Filled, filled),
        VenueOrderStatus::Cancelled => ended(Ending::Cancelled, filled),
        VenueOrderStatus::Rejected => ended(Ending::Rejected, filled),
        VenueOrderStatus::Expired => ended(Ending::Expired, filled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> OrderEvent {
        OrderEvent::Answered(Placed::Unknown {
            reason: "no answer in time".to_owned(),
        })
    }

    fn report(status: VenueOrderStatus, filled: i64) -> OrderEvent {
        OrderEvent::Reported {
            status,
            filled: Quantity(filled.into()),
        }
    }

    #[test]
    fn unknown_ends_only_on_proof() {
        let mut state = step(&OrderState::Recorded, &OrderEvent::Sending).unwrap();
        state = step(&state, &unknown()).unwrap();
        assert_eq!(state, OrderState::Unknown);
        state = step(&state, &unknown()).unwrap();
        assert!(!state.is_terminal());
        let filled = step(&state, &report(VenueOrderStatus::Filled, 3)).unwrap();
        assert_eq!(filled, ended(Ending::Filled, Quantity(3.into())));
        assert_eq!(
            step(&state, &OrderEvent::ProvenAbsent).unwrap(),
            ended(Ending::Absent, Quantity::ZERO)
        );
    }

    #[test]
    fn a_finished_order_never_moves_and_is_never_sent_again() {
        let done = ended(Ending::Filled, Quantity(3.into()));
        assert_eq!(step(&done, &report(VenueOrderStatus::Live, 1)).unwrap(), done);
        assert!(step(&done, &OrderEvent::Sending).is_err());
        assert!(step(&OrderState::Sent, &OrderEvent::Sending).is_err());
    }

    #[test]
    fn an_acknowledged_order_cannot_be_proven_absent_and_its_fills_never_shrink() {
        let acknowledged = OrderState::Acknowledged {
            filled: Quantity(2.into()),
        };
        assert!(step(&acknowledged, &OrderEvent::ProvenAbsent).is_err());
        let late = step(&acknowledged, &report(VenueOrderStatus::Live, 1)).unwrap();
        assert_eq!(late.filled(), Quantity(2.into()));
    }

    #[test]
    fn an_order_that_is_leaving_fills_until_its_end_is_told() {
        let resting = step(&OrderState::Sent, &report(VenueOrderStatus::Live, 1)).unwrap();
        assert_eq!(resting.as_str(), "resting");
        let leaving = step(&resting, &OrderEvent::Cancelling).unwrap();
        let more = step(&leaving, &report(VenueOrderStatus::Live, 2)).unwrap();
        let filled = Quantity(2.into());
        assert_eq!(
            more,
            OrderState::Leaving { filled },
            "a look that came too early ends nothing"
        );
        let late = step(&more, &report(VenueOrderStatus::Filled, 3)).unwrap();
        assert_eq!(late, ended(Ending::Filled, Quantity(3.into())));
    }

    fn every_state() -> [OrderState; 7] {
        let filled = Quantity(1.into());
        [
            OrderState::Recorded,
            OrderState::Sent,
            OrderState::Unknown,
            OrderState::Acknowledged { filled },
            OrderState::Resting { filled },
            OrderState::Leaving { filled },
            ended(Ending::Cancelled, filled),
        ]
    }

    /// Every state against every event. `-` is refused, `=` changes nothing; anything else is the state that follows.
    #[test]
    fn every_transition_is_tabled() {
        let (answered, said) = (OrderEvent::Answered, |status| report(status, 1));
        let (venue_order_id, reason) = (String::new(), String::new());
        let not_sent = Placed::NotSent { reason: String::new() };
        let refused = Placed::Refused { code: 1, reason };
        let rows = [
            ("sending", OrderEvent::Sending, "sent - - - - - -"),
            (
                "confirmed",
                answered(Placed::Confirmed { venue_order_id }),
                "- acknowledged acknowledged = = = =",
            ),
            ("refused", answered(refused), "- rejected rejected = = = ="),
            ("not sent", answered(not_sent), "not_sent not_sent - - - - ="),
            ("no answer", unknown(), "- unknown = = = = ="),
            ("cancelling", OrderEvent::Cancelling, "- unknown = leaving leaving = ="),
            (
                "live",
                said(VenueOrderStatus::Live),
                "resting resting resting resting = = =",
            ),
            (
                "filled",
                said(VenueOrderStatus::Filled),
                "filled filled filled filled filled filled =",
            ),
            (
                "cancelled",
                said(VenueOrderStatus::Cancelled),
                "cancelled cancelled cancelled cancelled cancelled cancelled =",
            ),
            (
                "rejected",
                said(VenueOrderStatus::Rejected),
                "rejected rejected rejected rejected rejected rejected =",
            ),
            (
                "expired",
                said(VenueOrderStatus::Expired),
                "expired expired expired expired expired expired =",
            ),
            (
                "executed",
                OrderEvent::Executed,
                "acknowledged acknowledged acknowledged = = = =",
            ),
            ("absent", OrderEvent::ProvenAbsent, "absent absent absent - - - ="),
        ];
        for (name, event, wanted) in rows {
            for (state, wanted) in every_state().iter().zip(wanted.split(' ')) {
                let told = match step(state, &event) {
                    Err(_) => "-".to_owned(),
                    Ok(next) if next == *state => "=".to_owned(),
                    Ok(next) => next.as_str().to_owned(),
                };
                assert_eq!(told, wanted, "{} takes {name}", state.as_str());
            }
        }
    }

    #[test]
    fn the_live_states_are_those_that_are_not_over() {
        for name in OrderState::LIVE {
            assert!(
                !OrderState::from_row(name, Quantity::ZERO).unwrap().is_terminal(),
                "{name}"
            );
        }
        for how in Ending::ALL {
            assert!(!OrderState::LIVE.contains(&how.as_str()));
        }
    }

    #[test]
    fn a_state_survives_its_row() {
        for state in [
            OrderState::Recorded,
            OrderState::Unknown,
            OrderState::Resting {
                filled: Quantity(1.into()),
            },
            OrderState::Leaving { filled: Quantity::ZERO },
            ended(Ending::Absent, Quantity::ZERO),
        ] {
            assert_eq!(OrderState::from_row(state.as_str(), state.filled()), Some(state));
        }
        assert_eq!(OrderState::from_row("perhaps", Quantity::ZERO), None);
    }
}

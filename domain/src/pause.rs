//! Whether entries are allowed. Reasons are a durable set; a human's is removed by a human only.

use std::collections::BTreeSet;
use std::fmt;

use crate::instrument::VenueId;

/// Why entries are stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseReason {
    /// Someone asked for it, with these words.
    Human(String),
    /// The ledger and a venue differ while a position is open. Cleared by a human who has looked.
    Inconsistent,
    /// A venue cannot be reached or its feed keeps failing. Clears itself.
    VenueDegraded(VenueId),
    /// The ledger cannot be written. Clears itself.
    LedgerUnavailable,
    /// An order's outcome is not yet proven. Clears itself.
    OrderUnknown,
    /// A hedge is left with one leg that could not be repaired. Clears itself once it is flat or whole.
    OneLegged,
    /// A loss limit was reached. Cleared by a human.
    LossLimit,
    /// A venue took no order for want of a valid key or its permission. Cleared by a human who has mended the key.
    KeyRefused(VenueId),
    /// More orders were to be opened in a minute than any sound engine sends. Cleared by a human who has looked.
    OrderStorm,
    /// A venue refused the same order again and again. Cleared by a human who has looked.
    OrdersRefused,
    /// Somebody asked for everything to be left: whoever wants to be out does not want to be in again. Cleared by a human.
    CloseAll,
}

impl PauseReason {
    /// Whether the engine may remove it when its cause ends.
    pub const fn clears_itself(&self) -> bool {
        matches!(
            self,
            Self::VenueDegraded(_) | Self::LedgerUnavailable | Self::OrderUnknown | Self::OneLegged
        )
    }

    /// Its key in rows and answers.
    pub fn key(&self) -> String {
        match self {
            Self::Human(_) => "human".to_owned(),
            Self::Inconsistent => "inconsistent".to_owned(),
            Self::VenueDegraded(venue) => format!("venue_degraded:{venue}"),
            Self::LedgerUnavailable => "ledger_unavailable".to_owned(),
            Self::OrderUnknown => "order_unknown".to_owned(),
            Self::OneLegged => "one_legged".to_owned(),
            Self::LossLimit => "loss_limit".to_owned(),
            Self::KeyRefused(venue) => format!("key_refused:{venue}"),
            Self::OrderStorm => "order_storm".to_owned(),
            Self::OrdersRefused => "orders_refused".to_owned(),
            Self::CloseAll => "close_all".to_owned(),
        }
    }

    /// Reads a row back: its key and its words. `None` for a key that is none.
    pub fn from_row(key: &str, words: &str) -> Option<Self> {
        Some(match key {
            "human" => Self::Human(words.to_owned()),
            "inconsistent" => Self::Inconsistent,
            "ledger_unavailable" => Self::LedgerUnavailable,
            "order_unknown" => Self::OrderUnknown,
            "one_legged" => Self::OneLegged,
            "loss_limit" => Self::LossLimit,
            "order_storm" => Self::OrderStorm,
            "orders_refused" => Self::OrdersRefused,
            "close_all" => Self::CloseAll,
            other => match other.split_once(':')? {
                ("venue_degraded", venue) => Self::VenueDegraded(VenueId::parse(venue)?),
                ("key_refused", venue) => Self::KeyRefused(VenueId::parse(venue)?),
                _ => return None,
            },
        })
    }
}

impl fmt::Display for PauseReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Human(words) => write!(out, "paused by hand: {words}"),
            Self::Inconsistent => out.write_str("the ledger and a venue differ"),
            Self::VenueDegraded(venue) => write!(out, "{venue} is degraded"),
            Self::LedgerUnavailable => out.write_str("the ledger cannot be written"),
            Self::OrderUnknown => out.write_str("an order's outcome is unknown"),
            Self::OneLegged => out.write_str("a hedge has one leg"),
            Self::LossLimit => out.write_str("a loss limit was reached"),
            Self::KeyRefused(venue) => write!(out, "{venue} refuses the key"),
            Self::OrderStorm => out.write_str("too many orders were to be opened within a minute"),
            Self::OrdersRefused => out.write_str("a venue refuses the same order again and again"),
            Self::CloseAll => out.write_str("everything is left by hand; resume allows entries again"),
        }
    }
}

/// Who wants a pause reason removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Somebody with the token.
    Human,
    /// The engine.
    Engine,
}

/// The reasons in force, one per key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses(BTreeSet<PauseReason>);

impl Pauses {
    /// Adds a reason; false when its key was already in force.
    pub fn add(&mut self, reason: PauseReason) -> bool {
        if self.0.iter().any(|held| held.key() == reason.key()) {
            return false;
        }
        self.0.insert(reason)
    }

    /// Removes what `by` may remove with this key; true when something went.
    pub fn remove(&mut self, key: &str, by: By) -> bool {
        let before = self.0.len();
        self.0
            .retain(|reason| reason.key() != key || (by == By::Engine && !reason.clears_itself()));
        self.0.len() != before
    }

    /// A human's resume: everything that does not clear itself goes; what clears itself stays until its cause ends.
    pub fn resume(&mut self) -> Vec<PauseReason> {
        let gone: Vec<_> = self
            .0
            .iter()
            .filter(|reason| !reason.clears_itself())
            .cloned()
            .collect();
        self.0.retain(PauseReason::clears_itself);
        gone
    }

    /// Whether entries are stopped.
    pub fn is_paused(&self) -> bool {
        !self.0.is_empty()
    }

    /// The reasons, in order.
    pub fn iter(&self) -> impl Iterator<Item = &PauseReason> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_never_removes_a_humans_pause() {
        let mut pauses = Pauses::default();
        assert!(pauses.add(PauseReason::Human("maintenance".to_owned())));
        assert!(!pauses.add(PauseReason::Human("again".to_owned())));
        pauses.add(PauseReason::VenueDegraded(VenueId::Bybit));
        assert!(!pauses.remove("human", By::Engine));
        assert!(pauses.remove("venue_degraded:bybit", By::Engine));
        assert!(pauses.is_paused());
        assert!(pauses.remove("human", By::Human) && !pauses.is_paused());
    }

    #[test]
    fn a_resume_leaves_what_still_has_a_cause() {
        let mut pauses = Pauses::default();
        pauses.add(PauseReason::Inconsistent);
        pauses.add(PauseReason::LedgerUnavailable);
        pauses.add(PauseReason::CloseAll);
        assert!(!pauses.remove("close_all", By::Engine));
        assert_eq!(pauses.resume(), [PauseReason::Inconsistent, PauseReason::CloseAll]);
        assert!(pauses.is_paused());
    }

    #[test]
    fn a_reason_survives_its_row() {
        for reason in [
            PauseReason::Human("x".to_owned()),
            PauseReason::VenueDegraded(VenueId::Binance),
            PauseReason::LossLimit,
            PauseReason::KeyRefused(VenueId::Bybit),
            PauseReason::OrderStorm,
            PauseReason::OrdersRefused,
            PauseReason::CloseAll,
        ] {
            assert_eq!(PauseReason::from_row(&reason.key(), "x"), Some(reason));
        }
        assert_eq!(PauseReason::from_row("mood", ""), None);
    }
}

//! What a venue's answer says about the order that it was given for. Both venues' tables speak in these classes.
//!
//! There is one class more, which no code has: *not sent*. This process knows it of itself ([`Reply::NotSent`]).
//!
//! [`Reply::NotSent`]: super::rest::Reply::NotSent

/// The class of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It was received.
    Confirmed,
    /// It was not carried out, and does not exist.
    Refused,
    /// The same, for want of a valid key: no other order will fare better.
    Key,
    /// The same, for too many requests or an overloaded venue.
    Limits,
    /// It may exist: it is asked for by its client order id. So is whatever no table knows.
    Unknown,
}

impl Class {
    /// Whether it is certain that no order exists.
    pub const fn leaves_nothing(self) -> bool {
        matches!(self, Self::Refused | Self::Key | Self::Limits)
    }
}

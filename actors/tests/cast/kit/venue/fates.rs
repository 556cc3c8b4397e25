//! What may become of what a venue by script is asked for.

use std::time::Duration;

use rust_decimal::Decimal;

/// What becomes of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Filled and answered.
    Fill,
    /// This much of it is filled, the rest is over.
    Part(Decimal),
    /// Refused with this code.
    Refuse(i64),
    /// Filled; the answer is lost.
    Lost,
    /// It never arrives, and nobody knows.
    Vanish,
    /// Filled; the venue shows it to nobody for this long.
    Late(Duration),
    /// Filled at once; its executions are shown after this long.
    LateFills(Duration),
    /// Filled; no answer ever comes.
    Hang,
    /// Answered after this long, then filled.
    Slow(Duration),
    /// It rests in the book until it is met or cancelled.
    Rest,
    /// The same; the answer is lost.
    RestLost,
    /// Taken, and refused later: nothing of it is filled.
    Rejected,
    /// Filled by this much more than was asked for.
    Over(Decimal),
    /// Refused with this code, unless it is a market order.
    RefuseLimit(i64),
    /// The answer is lost; it arrives after this long, and is filled then.
    Arrives(Duration),
    /// A bug.
    Panic,
}

/// What becomes of one cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// The order is over; the answer is lost.
    Lost,
    /// It never arrives, and nobody knows.
    Vanish,
    /// It comes too late: the order has been filled entirely.
    TooLate,
}

/// What becomes of one question about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    Error,
    Absent,
}

/// How one life of a public feed goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedLife {
    Healthy,
    Refused,
    Panics,
    Ends,
    /// Speaks once, then never again.
    Silent,
    /// Opens, and never says a word.
    Mute,
    /// Says the same a thousand times in one breath, every second.
    Bursts,
}

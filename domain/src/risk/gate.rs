//! What stops an entry, with the numbers that say how far it was from being let through.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::instrument::VenueId;
use crate::market::{Bound, TooOld};
use crate::money::{Bps, Usd};

/// The first gate that stopped something, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Entries are paused.
    Paused(String),
    /// The venue takes no new exposure in this instrument.
    Restricted {
        /// Which.
        what: String,
        /// Why not, in words that follow its name.
        why: &'static str,
    },
    /// The venue says that positions in this instrument are likely to be reduced by auto-deleveraging.
    AdlHigh(String),
    /// Notice has been given of the instrument's end, and that is too near.
    Delisting {
        /// Which.
        what: String,
        /// Whole hours until its end.
        hours: i64,
        /// How many there have to be.
        least: i64,
    },
    /// The venue does not tell where it would take over a position that is held there, nor the margin that would say it.
    LiquidationUnknown(VenueId),
    /// By its own word the venue takes no order of any kind for now.
    Shut {
        /// What cannot be traded.
        what: String,
        /// For how much longer.
        wait: Duration,
    },
    /// Something needed was never heard.
    Missing(&'static str),
    /// Something needed is too old.
    Stale {
        /// What.
        what: &'static str,
        /// How old.
        age: Duration,
        /// How old it may be.
        bound: Duration,
    },
    /// Something needed keeps coming, and is old already when it comes.
    Late {
        /// What.
        what: &'static str,
        /// How long it was on its way, by the venue's clock.
        delay: Duration,
        /// How long it may be.
        bound: Duration,
    },
    /// A settlement is too near.
    Blackout,
    /// The legs' prices are too far apart to be believed.
    BasisOutOfRange(Bps),
    /// The carry does not pay.
    Spread {
        /// Expected net carry.
        net: Bps,
        /// The least that is asked for.
        least: Bps,
    },
    /// The asset is hedged already.
    AlreadyHedged,
    /// In a market of this asset the venue holds something that the ledger does not know, or less than it believes.
    Uncertain(String),
    /// A cap leaves no room for an order that the venues would take.
    NoRoom {
        /// What is left, per leg.
        room: Usd,
    },
    /// The position would be larger than the last risk tier of the perpetual takes.
    MarginTier {
        /// Of which perpetual.
        what: String,
        /// What it takes, per leg.
        most: Usd,
    },
    /// The leg would be too large a part of all open positions.
    OpenInterest {
        /// Of which perpetual.
        what: String,
        /// What it may be.
        most: Usd,
    },
    /// The leg would be too large a part of what is traded in a day.
    Volume {
        /// Of which instrument.
        what: String,
        /// What it may be.
        most: Usd,
    },
    /// A filter of the venue would refuse the order.
    Filter {
        /// Of which instrument.
        what: String,
        /// What it bounds.
        filter: &'static str,
        /// The last value that it takes.
        bound: Decimal,
    },
    /// The book is too thin.
    Slippage {
        /// Expected.
        expected: Bps,
        /// Allowed.
        most: Bps,
    },
    /// This process enters only what a scanner has named, and none has lately.
    Unnamed {
        /// For how long nobody has.
        silent: Duration,
        /// How old a naming may be.
        bound: Duration,
    },
    /// The day's loss has reached its limit.
    DailyLoss {
        /// Lost today.
        lost: Usd,
        /// Allowed.
        most: Usd,
    },
    /// Equity has fallen too far from its highest point.
    Drawdown {
        /// By so much.
        fallen: Bps,
        /// Allowed.
        most: Bps,
    },
}

impl Gate {
    /// What stops something that is too old.
    pub const fn of_age(what: &'static str, found: TooOld, bound: Bound) -> Self {
        match found {
            TooOld::Age(age) => Self::Stale {
                what,
                age,
                bound: bound.age,
            },
            TooOld::Delay(delay) => Self::Late {
                what,
                delay,
                bound: bound.delay,
            },
        }
    }

    /// Its name in tables and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Paused(_) => "paused",
            Self::Restricted { .. } => "restricted",
            Self::AdlHigh(_) => "adl_high",
            Self::Delisting { .. } => "delisting",
            Self::LiquidationUnknown(_) => "liquidation_unknown",
            Self::Shut { .. } => "shut",
            Self::Missing(_) => "missing",
            Self::Stale { .. } | Self::Late { .. } => "stale",
            Self::Blackout => "blackout",
            Self::BasisOutOfRange(_) => "basis",
            Self::Spread { .. } => "spread",
            Self::AlreadyHedged => "already_hedged",
            Self::Uncertain(_) => "uncertain",
            Self::NoRoom { .. } => "no_room",
            Self::MarginTier { .. } => "margin_tier",
            Self::OpenInterest { .. } => "open_interest",
            Self::Volume { .. } => "volume",
            Self::Filter { .. } => "filter",
            Self::Slippage { .. } => "slippage",
            Self::Unnamed { .. } => "unnamed",
            Self::DailyLoss { .. } => "daily_loss",
            Self::Drawdown { .. } => "drawdown",
        }
    }
}

impl Gate {
    /// The words of the gates that bound how much.
    fn of_size(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom { room } => write!(out, "only {} USD of room per leg", room.cents()),
            Self::MarginTier { what, most } => {
                write!(out, "the risk tiers of {what} end at {} USD", most.cents())
            }
            Self::OpenInterest { what, most } => {
                write!(out, "the share of the open interest of {what} is {} USD", most.cents())
            }
            Self::Volume { what, most } => {
                write!(
                    out,
                    "the share of what is traded of {what} in a day is {} USD",
                    most.cents()
                )
            }
            Self::Filter { what, filter, bound } => {
                write!(out, "the {filter} of {what} ends at {}", bound.normalize())
            }
            Self::Slippage { expected, most } => {
                write!(out, "slippage {} bps, allowed {most} bps", expected.0.round_dp(2))
            }
            other => out.write_str(other.name()),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = Duration::as_millis;
        match self {
            Self::Paused(why) => write!(out, "entries are paused: {why}"),
            Self::Restricted { what, why } => write!(out, "{what} {why}"),
            Self::AdlHigh(what) => write!(out, "{what} is likely to be deleveraged, by its venue's word"),
            Self::Delisting { what, hours, least } => {
                write!(out, "{what} ends in {hours} h, which is less than {least} h")
            }
            Self::LiquidationUnknown(venue) => {
                write!(out, "{venue} does not tell where it would liquidate what is held there")
            }
            Self::Shut { what, wait } => write!(out, "{what} takes no orders for another {} s", wait.as_secs()),
            Self::Missing(what) => write!(out, "no {what} yet"),
            Self::Stale { what, age, bound } => {
                write!(out, "{what} is {} ms old, allowed {} ms", ms(age), ms(bound))
            }
            Self::Late { what, delay, bound } => {
                write!(
                    out,
                    "{what} was {} ms old by the venue's clock when it came, allowed {} ms",
                    ms(delay),
                    ms(bound)
                )
            }
            Self::Blackout => out.write_str("a settlement is too near"),
            Self::BasisOutOfRange(basis) => write!(out, "the legs are {} bps apart", basis.0.round_dp(1)),
            Self::Spread { net, least } => write!(out, "net {} bps, least {least} bps", net.0.round_dp(2)),
            Self::AlreadyHedged => out.write_str("hedged already"),
            Self::Uncertain(what) => write!(out, "what is held of {what} is uncertain"),
            Self::NoRoom { .. }
            | Self::MarginTier { .. }
            | Self::OpenInterest { .. }
            | Self::Volume { .. }
            | Self::Filter { .. }
            | Self::Slippage { .. } => self.of_size(out),
            Self::Unnamed { silent, bound } => {
                let (silent, bound) = (silent.as_secs(), bound.as_secs());
                write!(out, "no scanner has named it for {silent} s, allowed {bound} s")
            }
            Self::DailyLoss { lost, most } => write!(out, "lost {} USD today, allowed {most} USD", lost.cents()),
            Self::Drawdown { fallen, most } => {
                write!(
                    out,
                    "{} bps below the highest point, allowed {most} bps",
                    fallen.0.round_dp(1)
                )
            }
        }
    }
}

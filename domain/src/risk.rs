//! The gate that every entry passes, twice: when it is decided and again before the wire.
//!
//! - RI-1  Limits hold in the worst case: open, in flight and unknown count in full.
//! - RI-2  A limit that is absent or zero means no trading.
//! - RI-3  Exits never come here.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::bounds::Shares;
use crate::instrument::VenueId;
use crate::market::{Bound, TooOld};
use crate::money::{Bps, Usd};

/// How old an input may be when an entry is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Touch prices heard from a stream, for choosing a pair.
    pub quote: Duration,
    /// Books read for the order itself.
    pub book: Duration,
    /// Funding terms.
    pub funding: Duration,
    /// Balances and positions.
    pub account: Duration,
    /// How late a stream may tell what happened, by the venue's clock: market time, whatever kind it is.
    pub delay: Duration,
}

impl Freshness {
    /// The bounds that hold unless configuration narrows them. Choosing tolerates an older touch than ordering does:
    /// a quiet book is silent, and the executor reads it again anyway.
    pub const DEFAULT: Self = Self {
        quote: Duration::from_secs(15),
        book: Duration::from_secs(2),
        funding: Duration::from_secs(90),
        account: Duration::from_mins(2),
        delay: Duration::from_secs(10),
    };

    /// Both bounds of something that may have been received `age` ago.
    pub const fn within(&self, age: Duration) -> Bound {
        Bound { age, delay: self.delay }
    }
}

/// What the owner allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Least expected net carry over the planned hold, of leg notional (`MIN_SPREAD_BPS`).
    pub min_spread: Bps,
    /// Most notional of one leg (`MAX_POSITION_USD`).
    pub max_position: Usd,
    /// Most notional of all legs at one venue.
    pub max_venue: Usd,
    /// Most notional of all legs together.
    pub max_total: Usd,
    /// Most loss of a UTC day, realised, before entries stop.
    pub max_daily_loss: Usd,
    /// Most fall of what was there and was earned from its highest point, before entries stop.
    pub max_drawdown: Bps,
    /// Most slippage of an entry order against the mid of its book.
    pub max_slippage: Bps,
    /// Hours before the announced end of an instrument from which on it is not entered any more.
    pub delisting_hours: u32,
    /// Most of a market that one leg may be.
    pub shares: Shares,
    /// Ages.
    pub freshness: Freshness,
}

/// What closed hedges have lost, by the ledger's rows: a restart forgets nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Lost since midnight UTC, positive when lost.
    pub today: Usd,
    /// How far capital and earnings have fallen from their highest point, of that point.
    pub drawdown: Bps,
}

/// Notional at risk in the worst case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    by_venue: BTreeMap<VenueId, Usd>,
}

impl Exposure {
    /// Adds one leg's notional.
    pub fn add(&mut self, venue: VenueId, notional: Usd) {
        *self.by_venue.entry(venue).or_default() += notional.abs();
    }

    /// At one venue.
    pub fn at(&self, venue: VenueId) -> Usd {
        self.by_venue.get(&venue).copied().unwrap_or_default()
    }

    /// Everywhere.
    pub fn total(&self) -> Usd {
        self.by_venue.values().copied().sum()
    }

    /// Most notional per leg that a pair at these two venues may still add.
    pub fn room(&self, limits: &Limits, long: VenueId, short: VenueId) -> Usd {
        let two = rust_decimal::Decimal::TWO;
        let venue_room =
            |venue: VenueId, legs: rust_decimal::Decimal| Usd((limits.max_venue - self.at(venue)).0 / legs);
        let by_venue = if long == short {
            venue_room(long, two)
        } else {
            venue_room(long, rust_decimal::Decimal::ONE).min(venue_room(short, rust_decimal::Decimal::ONE))
        };
        let by_total = Usd((limits.max_total - self.total()).0 / two);
        limits.max_position.min(by_venue).min(by_total).max(Usd::ZERO)
    }
}

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

/// Proof that a notional passed the caps; only [`approve`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved {
    notional: Usd,
}

impl Approved {
    /// What was approved, per leg.
    pub const fn notional(&self) -> Usd {
        self.notional
    }
}

/// The last gate before the wire, independent of whatever chose the pair.
///
/// # Errors
/// The first limit that `notional` per leg would break.
pub fn approve(
    notional: Usd,
    long: VenueId,
    short: VenueId,
    exposure: &Exposure,
    limits: &Limits,
    losses: Losses,
) -> Result<Approved, Gate> {
    within(limits, losses)?;
    let room = exposure.room(limits, long, short);
    if room <= Usd::ZERO || notional > room {
        return Err(Gate::NoRoom { room });
    }
    Ok(Approved { notional })
}

/// Whether what was lost leaves anything to risk.
///
/// # Errors
/// The limit that is reached.
pub fn within(limits: &Limits, losses: Losses) -> Result<(), Gate> {
    // RI-2: without a limit nothing may be lost, so nothing is risked.
    if losses.today.max(Usd::ZERO) >= limits.max_daily_loss {
        return Err(Gate::DailyLoss {
            lost: losses.today,
            most: limits.max_daily_loss,
        });
    }
    if losses.drawdown.max(Bps::ZERO) >= limits.max_drawdown {
        return Err(Gate::Drawdown {
            fallen: losses.drawdown,
            most: limits.max_drawdown,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::dec;

    fn limits() -> Limits {
        Limits {
            min_spread: Bps(dec("10")),
            max_position: Usd(dec("10000")),
            max_venue: Usd(dec("25000")),
            max_total: Usd(dec("40000")),
            max_daily_loss: Usd(dec("500")),
            max_drawdown: Bps(dec("1000")),
            max_slippage: Bps(dec("5")),
            delisting_hours: 72,
            shares: Shares::default(),
            freshness: Freshness::DEFAULT,
        }
    }

    fn usd(text: &str) -> Usd {
        Usd(dec(text))
    }

    #[test]
    fn the_narrowest_cap_decides() {
        let mut exposure = Exposure::default();
        let room = |exposure: &Exposure| exposure.room(&limits(), VenueId::Binance, VenueId::Bybit);
        assert_eq!(room(&exposure), usd("10000"));
        exposure.add(VenueId::Binance, usd("-18000"));
        assert_eq!(room(&exposure), usd("7000"));
        exposure.add(VenueId::Bybit, usd("18000"));
        assert_eq!(room(&exposure), usd("2000"));
        assert_eq!(exposure.room(&limits(), VenueId::Bybit, VenueId::Bybit), usd("2000"));
        exposure.add(VenueId::Bybit, usd("9000"));
        assert_eq!(room(&exposure), Usd::ZERO);
    }

    #[test]
    fn an_absent_limit_means_no_trading() {
        for strip in [
            |limits: &mut Limits| limits.max_position = Usd::ZERO,
            |limits: &mut Limits| limits.max_venue = Usd::ZERO,
            |limits: &mut Limits| limits.max_total = Usd::ZERO,
        ] {
            let mut stripped = limits();
            strip(&mut stripped);
            let verdict = approve(
                usd("1"),
                VenueId::Binance,
                VenueId::Bybit,
                &Exposure::default(),
                &stripped,
                Losses::default(),
            );
            assert_eq!(verdict, Err(Gate::NoRoom { room: Usd::ZERO }));
        }
        let verdict = |limits: &Limits| {
            let (none, losses) = (Exposure::default(), Losses::default());
            approve(usd("1"), VenueId::Binance, VenueId::Bybit, &none, limits, losses)
        };
        let mut stripped = limits();
        stripped.max_drawdown = Bps::ZERO;
        assert!(matches!(verdict(&stripped), Err(Gate::Drawdown { .. })));
        let mut stripped = limits();
        stripped.max_daily_loss = Usd::ZERO;
        assert!(matches!(verdict(&stripped), Err(Gate::DailyLoss { .. })));
    }

    #[test]
    fn a_lost_day_is_over_and_a_notional_over_its_room_is_refused() {
        let ask = |notional, today| {
            let lost = Losses {
                today,
                drawdown: Bps::ZERO,
            };
            approve(
                notional,
                VenueId::Binance,
                VenueId::Bybit,
                &Exposure::default(),
                &limits(),
                lost,
            )
        };
        assert_eq!(ask(usd("10000"), Usd::ZERO).unwrap().notional(), usd("10000"));
        assert_eq!(
            ask(usd("10000.01"), Usd::ZERO),
            Err(Gate::NoRoom { room: usd("10000") })
        );
        assert!(matches!(ask(usd("1"), usd("500")), Err(Gate::DailyLoss { .. })));
        let fallen = |drawdown: &str| {
            let losses = Losses {
                drawdown: Bps(dec(drawdown)),
                ..Losses::default()
            };
            approve(
                usd("1"),
                VenueId::Binance,
                VenueId::Bybit,
                &Exposure::default(),
                &limits(),
                losses,
            )
        };
        assert!(fallen("999.99").is_ok());
        assert!(matches!(fallen("1000"), Err(Gate::Drawdown { .. })));
    }
}

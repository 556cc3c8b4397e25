//! The gate that every entry passes, twice: when it is decided and again before the wire.
//!
//! - RI-1  Limits hold in the worst case: open, in flight and unknown count in full.
//! - RI-2  A limit that is absent or zero means no trading.
//! - RI-3  Exits never come here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bounds::Shares;
use crate::instrument::VenueId;
use crate::market::Bound;
use crate::money::{Bps, Usd};

mod gate;

pub use gate::Gate;

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

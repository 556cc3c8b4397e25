//! Open hedges, their cash and their marks.

use crate::costs::Liquidity;
use crate::exact::Exact;
use crate::hedges::{Hedge, Leg, Size};
use crate::tape::{Hour, Tape};

/// What was earned and paid, US dollars. Fees and slippage are positive costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Settlements.
    pub funding: Exact,
    /// Fees.
    pub fees: Exact,
    /// Slippage.
    pub slippage: Exact,
    /// Price profit of both legs.
    pub basis: Exact,
}

impl Sums {
    /// What is left.
    pub fn net(&self) -> Exact {
        self.funding + self.basis - self.fees - self.slippage
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            funding: self.funding + other.funding,
            fees: self.fees + other.fees,
            slippage: self.slippage + other.slippage,
            basis: self.basis + other.basis,
        }
    }

    /// What came since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            funding: self.funding - before.funding,
            fees: self.fees - before.fees,
            slippage: self.slippage - before.slippage,
            basis: self.basis - before.basis,
        }
    }
}

/// An open hedge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its symbol's place.
    pub symbol: usize,
    /// Its pair's place.
    pub pair: usize,
    /// When it was filled.
    pub entry: Hour,
    /// Quantity in units of 10⁻⁸; 0 where the notional is fixed.
    pub quantity: i64,
    /// US dollars of a leg at entry.
    pub notional: i64,
    /// Whether it is spot against a perpetual.
    pub carry: bool,
    /// Settlements earned so far.
    pub settlements: u32,
    /// What the rule expected an hour when it ordered, in units of 10⁻¹⁰ of notional.
    pub forecast: Option<i64>,
    /// Opens at entry.
    pub(super) opens: (i64, i64),
    /// The last prices it was marked at.
    pub(super) marks: (i64, i64),
    /// Cash so far: settlements and the costs of the entry.
    pub(super) sums: Sums,
    /// The last hour at which it can be filled.
    pub(super) until: Hour,
    /// Who took liquidity at entry.
    pub(super) taken: (Liquidity, Liquidity),
}

impl Held {
    /// Settlements and costs so far.
    pub fn sums(&self) -> Sums {
        self.sums
    }

    /// The sums with the basis at these prices of the long and the short leg; at the prices of the entry where none are given.
    pub fn marked(&self, prices: Option<(i64, i64)>) -> Sums {
        let mut sums = self.sums;
        if let Some((long, short)) = prices.filter(|_| self.quantity > 0) {
            // Both legs together, so that no price is rounded; within range because the notionals were.
            let moved = (i128::from(long) - i128::from(self.opens.0)) - (i128::from(short) - i128::from(self.opens.1));
            let product = moved.saturating_mul(i128::from(self.quantity));
            sums.basis += Exact(product.saturating_mul(1_000_000_000_000));
        }
        sums
    }

    /// Margin at entry in units of 10⁻⁸ USD: the notional and a third of it for a carry, two thirds for two perpetuals.
    pub fn tied(&self) -> i64 {
        tied(self.notional, self.carry)
    }

    /// The same at the last marks.
    pub(super) fn marked_tied(&self) -> i64 {
        if self.quantity == 0 {
            return self.tied();
        }
        let larger = i128::from(self.marks.0.max(self.marks.1)) * i128::from(self.quantity) / 10_000_000_000;
        let thirds = if self.carry { 4 } else { 2 };
        i64::try_from(larger * thirds / 3).unwrap_or(i64::MAX)
    }
}

/// Margin of a hedge of so many US dollars, in units of 10⁻⁸ USD.
pub(super) fn tied(notional: i64, carry: bool) -> i64 {
    notional.saturating_mul(super::DOLLAR) / 3 * if carry { 4 } else { 2 }
}

/// Why a hedge was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The rule wanted to leave.
    Rule,
    /// It gave way to a better one.
    Rotated,
    /// It had drifted too far, and was entered again.
    Recentred,
    /// Its margin was gone.
    Liquidated,
    /// Its series ended.
    DataEnd,
    /// The period ended.
    PeriodEnd,
}

impl Cause {
    /// Its name in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Rotated => "rotated",
            Self::Recentred => "recentred",
            Self::Liquidated => "liquidated",
            Self::DataEnd => "data_end",
            Self::PeriodEnd => "period_end",
        }
    }
}

/// A hedge that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// As it was held.
    pub held: Held,
    /// When it was left.
    pub exit: Hour,
    /// Everything it brought.
    pub sums: Sums,
    /// Why.
    pub cause: Cause,
    /// Who took liquidity at exit.
    pub taken: (Liquidity, Liquidity),
}

impl Closed {
    /// What was received an hour, in units of 10⁻¹⁰ of the notional at entry: to be held against the forecast.
    pub fn paid_per_hour(&self) -> Option<i64> {
        let hours = i64::from(self.exit - self.held.entry);
        let whole = self.sums.funding.coarse().checked_mul(100)?;
        whole.checked_div(self.held.notional.checked_mul(hours)?)
    }

    /// As a hedge that can be priced by itself.
    pub fn hedge(&self, tape: &Tape) -> Option<Hedge> {
        let symbol = tape.symbols.get(self.held.symbol)?;
        let pair = symbol.pairs.get(self.held.pair)?;
        let leg = |market, entry, exit| Leg { market, entry, exit };
        let size = if self.held.quantity > 0 {
            Size::Quantity(rust_decimal::Decimal::new(self.held.quantity, 8).normalize())
        } else {
            Size::FixedNotional(self.held.notional.into())
        };
        Some(Hedge {
            id: None,
            symbol: symbol.name.clone(),
            long: leg(pair.long, self.held.taken.0, self.taken.0),
            short: leg(pair.short, self.held.taken.1, self.taken.1),
            size,
            entry: tape.time(self.held.entry),
            exit: tape.time(self.exit),
        })
    }
}

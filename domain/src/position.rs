//! What an account holds, by the venue's word.

use rust_decimal::Decimal;

use crate::funding::FundingPayment;
use crate::instrument::{InstrumentId, Name, VenueId};
use crate::money::{Bps, Price, Quantity, Usd};
use crate::order::{Fill, OrderReport};
use crate::time::Timestamp;

/// One open perpetual position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Of which perpetual.
    pub instrument: InstrumentId,
    /// Units; negative is short.
    pub quantity: Quantity,
    /// Average entry.
    pub entry_price: Price,
    /// Mark price now.
    pub mark_price: Price,
    /// Where the venue would take over; `None` is *unknown*, not *far away*.
    pub liquidation_price: Option<Price>,
}

impl Position {
    /// How far the mark price is from where the venue would take over, as a part of the mark price; nothing is left when
    /// it has been passed. `None` is *unknown*, not *far away*.
    pub fn liquidation_distance(&self) -> Option<Bps> {
        let against = if self.quantity.0 < Decimal::ZERO {
            Decimal::ONE
        } else {
            -Decimal::ONE
        };
        let room = (self.liquidation_price?.0 - self.mark_price.0) * against;
        let part = room.max(Decimal::ZERO).checked_div(self.mark_price.0)?;
        Some(Bps(part * Decimal::from(10_000)))
    }
}

/// What stands behind the perpetual positions of an account, where they share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// What there is, open profits and losses included.
    pub balance: Usd,
    /// What must be there: with less the venue takes over.
    pub maintenance: Usd,
}

/// Which wallet of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wallet {
    /// Coins for spot trading.
    Spot,
    /// Margin of perpetuals.
    Futures,
    /// One wallet for both.
    Unified,
}

impl Wallet {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Spot, Self::Futures, Self::Unified];

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Futures => "futures",
            Self::Unified => "unified",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wallet| wallet.as_str() == text)
    }
}

/// One asset in one wallet. Unrealised profit is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Where.
    pub venue: VenueId,
    /// In which wallet.
    pub wallet: Wallet,
    /// Of what.
    pub asset: Name,
    /// All of it, in units of the asset.
    pub total: Decimal,
    /// What can be sold or withdrawn now.
    pub free: Decimal,
}

/// Everything a venue says about our account, read at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTruth {
    /// Whose word.
    pub venue: VenueId,
    /// Wallets.
    pub balances: Vec<Balance>,
    /// Open positions; an instrument that is absent is flat.
    pub positions: Vec<Position>,
    /// Orders that are still live.
    pub open_orders: Vec<OrderReport>,
    /// Executions since the instant that was asked for.
    pub fills: Vec<Fill>,
    /// Funding rows since the instant that was asked for.
    pub funding: Vec<FundingPayment>,
    /// What stands behind the positions, where the venue was asked and told it.
    pub margin: Option<Margin>,
    /// Market time of the reading.
    pub read_at: Timestamp,
}

impl AccountTruth {
    /// How far prices may move against all positions together before the account's margin is used up, as a part of their
    /// value. That is never more than how far the price of one may move alone. `None` where the margin is not known.
    pub fn distance_by_margin(&self) -> Option<Bps> {
        let margin = self.margin?;
        let value = |position: &Position| position.mark_price.0 * position.quantity.0.abs();
        let all: Decimal = self.positions.iter().map(value).sum();
        let spare = (margin.balance - margin.maintenance).0.max(Decimal::ZERO);
        Some(Bps(spare.checked_div(all)? * Decimal::from(10_000)))
    }
}

/// Something a venue said about our account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFact {
    /// An order changed.
    Order(OrderReport),
    /// Something was executed.
    Fill(Fill),
    /// Funding was settled.
    Funding(FundingPayment),
    /// Funding was settled. This road does not carry the name under which its row counts: that row is to be read.
    Settled {
        /// Of which perpetual; not every venue says.
        instrument: Option<InstrumentId>,
    },
    /// A balance changed.
    Balance(Balance),
    /// A position stands so now, whatever moved it.
    Position {
        /// Of which perpetual.
        instrument: InstrumentId,
        /// Units; negative is short, nothing is flat.
        quantity: Quantity,
    },
    /// A position was reduced by the venue: liquidation or auto-deleveraging.
    ForcedReduction {
        /// Of which perpetual.
        instrument: InstrumentId,
        /// The venue's word for it.
        kind: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::Product;

    fn position(quantity: i64, mark: i64, liquidation: Option<i64>) -> Position {
        Position {
            instrument: InstrumentId {
                venue: VenueId::Bybit,
                product: Product::Perp,
                symbol: Name::new("XRPUSDT"),
            },
            quantity: Quantity(quantity.into()),
            entry_price: Price(100.into()),
            mark_price: Price(mark.into()),
            liquidation_price: liquidation.map(|price| Price(price.into())),
        }
    }

    #[test]
    fn the_distance_is_what_the_mark_may_still_move_against_the_position() {
        let distance = |quantity, mark, liquidation| position(quantity, mark, liquidation).liquidation_distance();
        assert_eq!(distance(1, 100, Some(70)), Some(Bps(3_000.into())));
        assert_eq!(distance(-1, 100, Some(133)), Some(Bps(3_300.into())));
        assert_eq!(
            distance(-1, 140, Some(133)),
            Some(Bps(Decimal::ZERO)),
            "it has been passed"
        );
        assert_eq!(
            distance(1, 100, Some(0)),
            Some(Bps(10_000.into())),
            "it cannot be reached"
        );
        assert_eq!(distance(1, 100, None), None, "unknown is not far away");
        assert_eq!(distance(1, 0, Some(70)), None, "nor is a mark of nothing");
    }
}

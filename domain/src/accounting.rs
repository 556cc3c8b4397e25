//! Positions, cash and profit, recomputed from rows alone.
//!
//! - AC-1  Every change of a wallet is an opening, a fill or a funding row; what is left over is nothing.
//! - AC-2  P&L identity: realised + unrealised − fees + funding of a hedge equals the change of what its legs are worth.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::funding::FundingPayment;
use crate::instrument::{Instrument, InstrumentId, Name, Product, Side, VenueId};
use crate::money::{AssetQuantity, Price, Quantity, Usd};
use crate::order::Fill;
use crate::position::Wallet;
use crate::postings::{self, Account, Posting};
use crate::time::Timestamp;

/// What a wallet held when the ledger first saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which account.
    pub account: CashAccount,
    /// Units of the asset.
    pub total: Decimal,
    /// Market time of the reading; rows of the account from before it are part of the total.
    pub at: Timestamp,
}

/// One asset in one wallet of one venue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CashAccount {
    /// Where.
    pub venue: VenueId,
    /// In which wallet.
    pub wallet: Wallet,
    /// Of what.
    pub asset: Name,
}

/// How many decimals venues keep of a wallet; both publish eight.
pub const WALLET_DECIMALS: u32 = 8;

/// The wallet that trades of an instrument move.
pub const fn wallet_of(venue: VenueId, product: Product) -> Wallet {
    match (venue, product) {
        (VenueId::Bybit, _) => Wallet::Unified,
        (VenueId::Binance, Product::Spot) => Wallet::Spot,
        (VenueId::Binance, Product::Perp) => Wallet::Futures,
    }
}

/// A perpetual position as its fills make it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Units; negative is short.
    pub quantity: Quantity,
    /// Quantity times average entry: what the position cost, signed like the quantity.
    pub cost: Usd,
}

impl Holding {
    /// Adds a trade and returns the profit that it realises, by average cost as the venues book it.
    pub fn trade(&mut self, side: Side, quantity: Quantity, price: Price) -> Usd {
        let change = Quantity(side.sign() * quantity.0);
        let reduces = !self.quantity.is_zero() && (self.quantity.0.is_sign_negative() != change.0.is_sign_negative());
        if !reduces {
            self.quantity += change;
            self.cost += price.notional(change);
            return Usd::ZERO;
        }
        let closed = Quantity(change.0.abs().min(self.quantity.0.abs()));
        let released = if closed == self.quantity.abs() {
            self.cost
        } else {
            Usd(self.cost.0 * closed.0 / self.quantity.0.abs())
        };
        let direction = if self.quantity.0.is_sign_negative() {
            Decimal::NEGATIVE_ONE
        } else {
            Decimal::ONE
        };
        let realised = Usd(direction * closed.0 * price.0) - released;
        let opened = Quantity(change.0 + direction * closed.0);
        self.quantity = Quantity(self.quantity.0 - direction * closed.0) + opened;
        self.cost = self.cost - released + price.notional(opened);
        realised
    }

    /// Profit that is not realised, at `mark`.
    pub fn unrealised(&self, mark: Price) -> Usd {
        mark.notional(self.quantity) - self.cost
    }
}

/// The account recomputed from rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    cash: BTreeMap<CashAccount, Decimal>,
    positions: BTreeMap<InstrumentId, Holding>,
}

impl Books {
    /// Takes what a wallet held at first. Answers its rows.
    pub fn open(&mut self, opening: &Opening) -> [Posting; 2] {
        let rows = postings::of_opening(opening);
        self.post(&rows);
        rows
    }

    /// Takes an execution. `base` and `quote` are the instrument's coins in the venue's words. Answers its rows.
    pub fn fill(&mut self, fill: &Fill, base: &Name, quote: &Name) -> Vec<Posting> {
        let realised = if fill.instrument.product == Product::Perp {
            let position = self.positions.entry(fill.instrument.clone()).or_default();
            let computed = position.trade(fill.side, fill.quantity, fill.price);
            // Venues book a profit with as many decimals as they keep of a wallet.
            fill.realised.unwrap_or(Usd(computed.0.round_dp(WALLET_DECIMALS)))
        } else {
            Usd::ZERO
        };
        let rows = postings::of_fill(fill, base, quote, realised);
        self.post(&rows);
        rows
    }

    /// Takes a funding row. Answers its rows.
    pub fn funding(&mut self, payment: &FundingPayment, quote: &Name) -> [Posting; 2] {
        let rows = postings::of_funding(payment, quote);
        self.post(&rows);
        rows
    }

    fn post(&mut self, rows: &[Posting]) {
        for row in rows {
            if let Account::Wallet(wallet) = row.account {
                let account = CashAccount {
                    venue: row.venue,
                    wallet,
                    asset: row.asset.clone(),
                };
                *self.cash.entry(account).or_default() += row.amount;
            }
        }
    }

    /// Units of a perpetual; negative is short.
    pub fn position(&self, id: &InstrumentId) -> Quantity {
        self.positions
            .get(id)
            .map_or(Quantity::ZERO, |holding| holding.quantity)
    }

    /// Every perpetual that was ever held.
    pub fn positions(&self) -> impl Iterator<Item = (&InstrumentId, &Holding)> {
        self.positions.iter()
    }

    /// Every wallet and what is in it.
    pub fn cash(&self) -> impl Iterator<Item = (&CashAccount, Decimal)> {
        self.cash.iter().map(|(account, total)| (account, *total))
    }

    /// What one wallet holds.
    pub fn cash_in(&self, account: &CashAccount) -> Option<Decimal> {
        self.cash.get(account).copied()
    }
}

/// Asset units that an execution added to (positive) or took from (negative) a leg. A spot fee taken in the base coin
/// is not delivered, and so is not hedged.
pub fn delivered(fill: &Fill, instrument: &Instrument) -> AssetQuantity {
    let gross = fill.side.sign() * fill.quantity.0;
    let in_base = fill.instrument.product == Product::Spot && fill.fee_asset == instrument.base;
    let fee = if in_base { fill.fee } else { Decimal::ZERO };
    AssetQuantity((gross - fee) * instrument.multiplier)
}

/// What a hedge has earned and paid so far, in quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HedgeResult {
    /// Cash from buying and selling, both legs, before fees.
    pub trade: Usd,
    /// Fees paid, valued in quote currency.
    pub fees: Usd,
    /// Funding received less paid.
    pub funding: Usd,
}

impl HedgeResult {
    /// Takes an execution of one of the hedge's legs.
    pub fn fill(&mut self, fill: &Fill, quote: &Name) {
        self.trade -= Usd(fill.side.sign() * fill.quantity.0 * fill.price.0);
        // A fee in the base coin is worth what the coin traded at.
        self.fees += Usd(if fill.fee_asset == *quote {
            fill.fee
        } else {
            fill.fee * fill.price.0
        });
    }

    /// Profit of a hedge whose legs are flat, or whose open legs are worth `open_value` at executable prices. A fee in
    /// the base coin has already left the legs, so it is not taken from `trade` again: `open_value` lacks it.
    pub fn net(&self, open_value: Usd, fees_in_base: Usd) -> Usd {
        self.trade + open_value + self.funding - (self.fees - fees_in_base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{fill, spot};

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn profit_is_realised_by_average_cost_and_a_flip_opens_the_rest() {
        let mut holding = Holding::default();
        let buy = |holding: &mut Holding, quantity: i64, price: i64| {
            holding.trade(Side::Buy, Quantity(quantity.into()), Price(price.into()))
        };
        assert_eq!(buy(&mut holding, 2, 100), Usd::ZERO);
        assert_eq!(buy(&mut holding, 2, 110), Usd::ZERO);
        assert_eq!(
            holding.trade(Side::Sell, Quantity(1.into()), Price(120.into())),
            Usd(15.into())
        );
        assert_eq!(
            holding.trade(Side::Sell, Quantity(5.into()), Price(100.into())),
            Usd((-15).into())
        );
        assert_eq!(
            (holding.quantity, holding.cost),
            (Quantity((-2).into()), Usd((-200).into()))
        );
        assert_eq!(holding.unrealised(Price(90.into())), Usd(20.into()));
        assert_eq!(buy(&mut holding, 2, 90), Usd(20.into()));
        assert_eq!(holding, Holding::default());
    }

    #[test]
    fn a_round_trip_leaves_its_cash_and_nothing_else() {
        let instrument = spot(VenueId::Binance, "BTCUSDT");
        let mut books = Books::default();
        let mut bought = fill(&instrument.id, Side::Buy, "2", "100");
        (bought.fee, bought.fee_asset) = (dec("0.002"), instrument.base.clone());
        let mut sold = fill(&instrument.id, Side::Sell, "1.998", "110");
        (sold.fee, sold.fee_asset) = (dec("0.21978"), instrument.quote.clone());
        for one in [&bought, &sold] {
            books.fill(one, &instrument.base, &instrument.quote);
        }
        let account = |asset: &Name| CashAccount {
            venue: VenueId::Binance,
            wallet: Wallet::Spot,
            asset: asset.clone(),
        };
        assert_eq!(books.cash_in(&account(&instrument.base)), Some(Decimal::ZERO));
        assert_eq!(books.cash_in(&account(&instrument.quote)), Some(dec("19.56022")));
        assert_eq!(delivered(&bought, &instrument), AssetQuantity(dec("1.998")));
        assert_eq!(delivered(&sold, &instrument), AssetQuantity(dec("-1.998")));
        // AC-2: the same number by the other road.
        let mut result = HedgeResult::default();
        result.fill(&bought, &instrument.quote);
        result.fill(&sold, &instrument.quote);
        assert_eq!(result.net(Usd::ZERO, Usd(dec("0.2"))), Usd(dec("19.56022")));
    }
}

//! Double entry: every change of an account as rows that add up to nothing.
//!
//! - DE-1  The rows of one transaction add up to zero in each asset.
//! - DE-2  The rows of a wallet add up to what is in it.
//!
//! A wallet gains what another account loses. Perpetuals are counted as units of their symbol, so that a position, too, is
//! a sum of rows; the profit that a reducing execution brings is what moves the wallet.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;

use crate::accounting::{Opening, wallet_of};
use crate::funding::FundingPayment;
use crate::instrument::{InstrumentId, Name, Product, VenueId};
use crate::money::Usd;
use crate::order::Fill;
use crate::position::Wallet;

/// What a row is booked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// A wallet of ours.
    Wallet(Wallet),
    /// A perpetual position of ours, in units of its symbol.
    Position,
    /// What was given and taken in trades.
    Traded,
    /// What perpetuals have brought.
    Profit,
    /// What venues took for trading.
    Fees,
    /// What funding has brought.
    Funding,
    /// What was there at first.
    Opening,
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wallet(wallet) => write!(out, "wallet:{}", wallet.as_str()),
            Self::Position => out.write_str("position"),
            Self::Traded => out.write_str("traded"),
            Self::Profit => out.write_str("profit"),
            Self::Fees => out.write_str("fees"),
            Self::Funding => out.write_str("funding"),
            Self::Opening => out.write_str("opening"),
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// At which venue.
    pub venue: VenueId,
    /// To what.
    pub account: Account,
    /// Units of what: an asset, or a perpetual's symbol.
    pub asset: Name,
    /// How much; a wallet grows by what is positive.
    pub amount: Decimal,
}

/// Two rows: `amount` of an asset goes from one account to another.
fn moves(venue: VenueId, to: Account, from: Account, asset: &Name, amount: Decimal) -> [Posting; 2] {
    [(to, amount), (from, -amount)].map(|(account, amount)| Posting {
        venue,
        account,
        asset: asset.clone(),
        amount,
    })
}

fn wallet(id: &InstrumentId) -> Account {
    Account::Wallet(wallet_of(id.venue, id.product))
}

/// The rows of an execution and its fee. `realised` is the profit that it took, nothing for a coin.
pub fn of_fill(fill: &Fill, base: &Name, quote: &Name, realised: Usd) -> Vec<Posting> {
    let id = &fill.instrument;
    let (ours, signed) = (wallet(id), fill.side.sign() * fill.quantity.0);
    let book = |to, from, asset: &Name, amount| moves(id.venue, to, from, asset, amount);
    let mut rows = Vec::with_capacity(6);
    match id.product {
        Product::Spot => {
            rows.extend(book(ours, Account::Traded, base, signed));
            rows.extend(book(ours, Account::Traded, quote, -signed * fill.price.0));
        }
        Product::Perp => {
            rows.extend(book(Account::Position, Account::Traded, &id.symbol, signed));
            rows.extend(book(ours, Account::Profit, quote, realised.0));
        }
    }
    rows.extend(book(ours, Account::Fees, &fill.fee_asset, -fill.fee));
    rows
}

/// The rows of a funding payment.
pub fn of_funding(payment: &FundingPayment, quote: &Name) -> [Posting; 2] {
    let id = &payment.instrument;
    moves(id.venue, wallet(id), Account::Funding, quote, payment.amount.0)
}

/// The rows of what a wallet held at first.
pub fn of_opening(opening: &Opening) -> [Posting; 2] {
    let account = &opening.account;
    let ours = Account::Wallet(account.wallet);
    moves(account.venue, ours, Account::Opening, &account.asset, opening.total)
}

/// What the rows of one transaction leave over, by asset; nothing where they are balanced (DE-1).
pub fn left_over(rows: &[Posting]) -> BTreeMap<Name, Decimal> {
    let mut sums: BTreeMap<Name, Decimal> = BTreeMap::new();
    for row in rows {
        *sums.entry(row.asset.clone()).or_default() += row.amount;
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dec, fill, perp, spot};
    use crate::instrument::Side;
    use crate::time::Timestamp;

    #[test]
    fn the_rows_of_every_transaction_add_up_to_nothing() {
        let (coin, contract) = (spot(VenueId::Binance, "BTCUSDT"), perp(VenueId::Bybit, "BTCUSDT"));
        let mut bought = fill(&coin.id, Side::Buy, "2", "100.01");
        (bought.fee, bought.fee_asset) = (dec("0.002"), coin.base.clone());
        let mut sold = fill(&contract.id, Side::Sell, "2", "101");
        (sold.fee, sold.fee_asset) = (dec("0.101"), contract.quote.clone());
        let payment = FundingPayment {
            instrument: contract.id.clone(),
            id: "1".to_owned(),
            amount: Usd(dec("0.07")),
            rate: None,
            settled_at: Timestamp(1),
        };
        let transactions = [
            of_fill(&bought, &coin.base, &coin.quote, Usd::ZERO),
            of_fill(&sold, &contract.base, &contract.quote, Usd(dec("3.3"))),
            of_funding(&payment, &contract.quote).to_vec(),
        ];
        for rows in &transactions {
            assert_eq!(left_over(rows), BTreeMap::new(), "{rows:?}");
        }
        let mut short = transactions[0].clone();
        short.pop();
        assert_eq!(left_over(&short), BTreeMap::from([(coin.base, dec("-0.002"))]));
    }
}

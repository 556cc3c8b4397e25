//! What a fill costs: the fee table and the slippage table of `docs/backtest.md`.
//!
//! Slippage is the half-spread plus the impact of 10 000 USD, set by judgement after a snapshot of best bids and asks; it
//! is paid by every fill, a passive one included, where it stands for adverse selection.

use domain::instrument::{Product, VenueId};
use rust_decimal::Decimal;

/// Whether a fill took liquidity or provided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquidity {
    /// It took.
    Taker,
    /// It provided.
    Maker,
}

/// Hundredths of a basis point: the unit of the tables, so that 5.5 bps is a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// In basis points.
    pub fn bps(self) -> Decimal {
        Decimal::new(self.0, 2).normalize()
    }

    /// As a fraction of notional.
    pub fn fraction(self) -> Decimal {
        Decimal::new(self.0, 6).normalize()
    }
}

/// The fee of one fill.
pub const fn fee(venue: VenueId, product: Product, liquidity: Liquidity) -> Hundredths {
    Hundredths(match (venue, product, liquidity) {
        (_, Product::Spot, _) => 1_000,
        (VenueId::Binance, Product::Perp, Liquidity::Taker) => 500,
        (VenueId::Bybit, Product::Perp, Liquidity::Taker) => 550,
        (_, Product::Perp, Liquidity::Maker) => 200,
    })
}

/// How liquid a symbol is: perp and spot slippage in hundredths of a basis point.
const CLASSES: [(&[&str], i64, i64); 3] = [
    (&["BTC", "ETH"], 50, 50),
    (
        &[
            "SOL", "XRP", "BNB", "DOGE", "ADA", "LINK", "LTC", "AVAX", "SUI", "TRX", "BCH", "ZEC", "HYPE",
        ],
        200,
        200,
    ),
    (
        &[
            "AAVE", "APT", "ARB", "NEAR", "OP", "INJ", "ORDI", "WIF", "TON", "SEI", "TIA", "APE", "ENA", "ORCA",
            "1000PEPE",
        ],
        400,
        600,
    ),
];
/// Of every other symbol.
const OTHERS: (i64, i64) = (600, 1_200);

/// The slippage of one fill in a symbol, named as its perpetual (`BTCUSDT`).
pub fn slippage(symbol: &str, product: Product) -> Hundredths {
    let base = symbol.strip_suffix("USDT").unwrap_or(symbol);
    let class = CLASSES.iter().find(|(names, ..)| names.contains(&base));
    let (perp, spot) = class.map_or(OTHERS, |(_, perp, spot)| (*perp, *spot));
    Hundredths(match product {
        Product::Perp => perp,
        Product::Spot => spot,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_the_table() {
        let bps = |symbol, product| slippage(symbol, product).bps().to_string();
        assert_eq!(bps("BTCUSDT", Product::Spot), "0.5");
        assert_eq!(bps("TRXUSDT", Product::Perp), "2");
        assert_eq!(
            (bps("1000PEPEUSDT", Product::Perp), bps("1000PEPEUSDT", Product::Spot)),
            ("4".into(), "6".into())
        );
        assert_eq!(
            (bps("KAVAUSDT", Product::Perp), bps("KAVAUSDT", Product::Spot)),
            ("6".into(), "12".into())
        );
        let fee = |venue, product, liquidity| fee(venue, product, liquidity).bps().to_string();
        assert_eq!(fee(VenueId::Bybit, Product::Perp, Liquidity::Taker), "5.5");
        assert_eq!(fee(VenueId::Binance, Product::Perp, Liquidity::Taker), "5");
        assert_eq!(fee(VenueId::Bybit, Product::Perp, Liquidity::Maker), "2");
        assert_eq!(fee(VenueId::Binance, Product::Spot, Liquidity::Maker), "10");
    }
}

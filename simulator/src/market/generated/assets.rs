//! The coins of a generated market, with plausible steps and prices.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::super::{Key, Product, Rules, Status, Venue};

/// How liquid a coin is; volatility, margins and caps follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// BTC, ETH.
    Largest,
    /// The next dozen.
    Large,
    /// The rest.
    Small,
}

/// A coin. Pairs `(m, s)` stand for `m · 10^-s`.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    /// Base of the perpetual (`1000PEPE`).
    pub base: Cow<'static, str>,
    /// Base of the spot pair (`PEPE`).
    pub coin: Cow<'static, str>,
    /// Coins in one unit of the perpetual.
    pub multiplier: i64,
    /// Opening price of the perpetual's unit.
    pub price: (i64, u32),
    /// Decimal places of the perpetual's price; the tick is one of the last.
    pub price_places: u32,
    /// Quantity step of the perpetual.
    pub lot: (i64, u32),
    /// Quantity step of the spot pair.
    pub spot_lot: (i64, u32),
    /// How liquid.
    pub class: Class,
}

const fn asset(
    base: &'static str,
    price: (i64, u32),
    price_places: u32,
    lot: (i64, u32),
    spot_lot: (i64, u32),
    class: Class,
) -> Asset {
    Asset {
        base: Cow::Borrowed(base),
        coin: Cow::Borrowed(base),
        multiplier: 1,
        price,
        price_places,
        lot,
        spot_lot,
        class,
    }
}

/// Most coins that a market can have: more than both venues list together.
pub(super) const MOST: usize = 1_000;

/// The first `count` coins: those with names, then as many of the long tail (`TAIL025`) as are wanted.
pub(super) fn coins(count: usize) -> Vec<Asset> {
    let tail = (NAMED.len() + 1..=count).map(|number| Asset {
        base: Cow::Owned(format!("TAIL{number:03}")),
        coin: Cow::Owned(format!("TAIL{number:03}")),
        ..asset(
            "",
            (i64::try_from(number).unwrap_or(1), 1),
            4,
            (1, 0),
            (1, 1),
            Class::Small,
        )
    });
    NAMED.iter().take(count).cloned().chain(tail).collect()
}

/// The coins with names, the most traded first.
const NAMED: [Asset; 24] = [
    asset("BTC", (65_000, 0), 1, (1, 3), (1, 5), Class::Largest),
    asset("ETH", (3_400, 0), 2, (1, 3), (1, 4), Class::Largest),
    asset("SOL", (150, 0), 2, (1, 2), (1, 3), Class::Large),
    asset("XRP", (6, 1), 4, (1, 1), (1, 1), Class::Large),
    asset("BNB", (580, 0), 2, (1, 2), (1, 3), Class::Large),
    asset("DOGE", (14, 2), 5, (1, 0), (1, 0), Class::Large),
    asset("SUI", (21, 1), 4, (1, 1), (1, 1), Class::Large),
    asset("LINK", (14, 0), 3, (1, 2), (1, 2), Class::Large),
    asset("AVAX", (28, 0), 3, (1, 0), (1, 2), Class::Large),
    Asset {
        base: Cow::Borrowed("1000PEPE"),
        coin: Cow::Borrowed("PEPE"),
        multiplier: 1_000,
        price: (12, 3),
        price_places: 7,
        lot: (1, 0),
        spot_lot: (1, 0),
        class: Class::Small,
    },
    asset("ADA", (45, 2), 4, (1, 0), (1, 1), Class::Large),
    asset("TRX", (13, 2), 5, (1, 0), (1, 1), Class::Large),
    asset("WIF", (22, 1), 4, (1, 1), (1, 2), Class::Small),
    asset("ARB", (8, 1), 4, (1, 1), (1, 1), Class::Small),
    asset("OP", (18, 1), 4, (1, 1), (1, 2), Class::Small),
    asset("INJ", (24, 0), 3, (1, 1), (1, 2), Class::Small),
    asset("NEAR", (5, 0), 3, (1, 0), (1, 1), Class::Small),
    asset("APT", (9, 0), 3, (1, 1), (1, 2), Class::Small),
    asset("AAVE", (110, 0), 2, (1, 1), (1, 3), Class::Small),
    asset("ORDI", (38, 0), 3, (1, 1), (1, 2), Class::Small),
    asset("TIA", (7, 0), 4, (1, 0), (1, 2), Class::Small),
    asset("SEI", (4, 1), 4, (1, 0), (1, 1), Class::Small),
    asset("ENA", (6, 1), 4, (1, 0), (1, 2), Class::Small),
    asset("LTC", (72, 0), 2, (1, 3), (1, 3), Class::Large),
];

impl Asset {
    /// Spread of hourly returns, in hundred-millionths.
    pub(super) fn hourly_noise(&self) -> i64 {
        match self.class {
            Class::Largest => 350_000,
            Class::Large => 600_000,
            Class::Small => 900_000,
        }
    }

    /// Greatest rate of one settlement.
    pub(super) fn cap(&self, venue: Venue) -> Decimal {
        match (self.class, venue) {
            (Class::Largest, Venue::Binance) => Decimal::new(3, 3),
            (Class::Largest, Venue::Bybit) => Decimal::new(375, 5),
            (_, Venue::Binance) => Decimal::new(2, 2),
            (_, Venue::Bybit) => Decimal::new(1, 2),
        }
    }

    /// Dollars traded in a day.
    pub(super) fn daily_usd(&self, venue: Venue, product: Product) -> i64 {
        let perp = match self.class {
            Class::Largest => 12_000_000_000,
            Class::Large => 900_000_000,
            Class::Small => 150_000_000,
        };
        let there = if venue == Venue::Bybit { perp / 3 } else { perp };
        if product == Product::Spot { there / 5 } else { there }
    }

    /// The rules of one listing.
    pub(super) fn rules(&self, venue: Venue, product: Product) -> Rules {
        let spot = product == Product::Spot;
        let (base, lot) = if spot {
            (&self.coin, self.spot_lot)
        } else {
            (&self.base, self.lot)
        };
        let tick = Decimal::new(1, self.price_places);
        let (tick, units) = if spot {
            let per_unit = Decimal::from(self.multiplier);
            // Spot pairs of tiny coins are quoted in hundred-millionths at the finest.
            ((tick / per_unit).max(Decimal::new(1, 8)), per_unit)
        } else {
            (tick, Decimal::ONE)
        };
        let lot = Decimal::new(lot.0, lot.1);
        let price = Decimal::new(self.price.0, self.price.1) / units;
        let usd = |amount: i64| (Decimal::from(amount) / price / lot).floor() * lot;
        let (leverage, maintenance) = match self.class {
            Class::Largest => (100, Decimal::new(4, 3)),
            Class::Large => (75, Decimal::new(1, 2)),
            Class::Small => (50, Decimal::new(2, 2)),
        };
        Rules {
            key: Key {
                venue,
                product,
                symbol: format!("{base}USDT"),
            },
            base: base.clone().into_owned(),
            quote: "USDT".to_owned(),
            tick: tick.normalize(),
            lot,
            min_quantity: lot,
            max_quantity: usd(10_000_000),
            max_market_quantity: usd(2_000_000),
            min_notional: self.min_notional(venue, product),
            taker_fee: taker_fee(venue, product),
            maker_fee: maker_fee(product),
            max_leverage: if spot { Decimal::ONE } else { Decimal::from(leverage) },
            maintenance_margin: if spot { Decimal::ZERO } else { maintenance },
            status: Status::Trading,
        }
    }

    fn min_notional(&self, venue: Venue, product: Product) -> Decimal {
        Decimal::from(match (venue, product, self.base.as_ref()) {
            (Venue::Binance, Product::Perp, "BTC") => 50,
            (Venue::Binance, Product::Perp, "ETH") => 20,
            _ => 5,
        })
    }
}

/// Taker and maker fee of the lowest tier, as fractions.
pub fn lowest_tier(venue: Venue, product: Product) -> (Decimal, Decimal) {
    (taker_fee(venue, product), maker_fee(product))
}

/// Taker fee of the lowest tier.
pub(in super::super) fn taker_fee(venue: Venue, product: Product) -> Decimal {
    match (product, venue) {
        (Product::Spot, _) => Decimal::new(10, 4),
        (Product::Perp, Venue::Binance) => Decimal::new(5, 4),
        (Product::Perp, Venue::Bybit) => Decimal::new(55, 5),
    }
}

/// Maker fee of the lowest tier.
pub(in super::super) fn maker_fee(product: Product) -> Decimal {
    match product {
        Product::Spot => Decimal::new(10, 4),
        Product::Perp => Decimal::new(2, 4),
    }
}

//! One coin's record: the bars and settlements of its listings, and where a price comes from when a leg has no bars.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;

use super::super::book;
use super::super::files::{self, MarketError};
use super::super::generated::{maker_fee, taker_fee};
use super::super::schedule::{HOUR_MS, Row, Schedule};
use super::super::{Key, Ms, Product, Rules, Status, Venue};
use super::choose::{Leg, spot_of};
use super::parse::{self, Properties, Steps};
use super::series::Series;
use super::{Kind, quoted_base, stem};

/// Both venues, in the order of keys.
pub(super) const VENUES: [Venue; 2] = [Venue::Binance, Venue::Bybit];

/// One coin.
pub(super) struct Coin {
    symbol: String,
    spot_symbol: String,
    /// Coins in one contract.
    multiplier: Decimal,
    bars: BTreeMap<(Kind, Venue), Series>,
    schedules: BTreeMap<Venue, Schedule>,
    /// Venues that list the spot pair.
    spot: Vec<Venue>,
}

impl Coin {
    /// Reads the files of one symbol within `window`.
    pub(super) fn load(dir: &Path, known: &Properties, symbol: &str, window: (Ms, Ms)) -> Result<Self, MarketError> {
        let base = quoted_base(symbol).ok_or_else(|| MarketError::Nothing {
            path: dir.to_owned(),
            expected: format!("symbols of letters and digits that end in USDT, not {symbol:?}"),
        })?;
        let (spot_symbol, multiplier, _) = spot_of(dir, known, symbol, base);
        let mut schedules = BTreeMap::new();
        for venue in VENUES {
            if let Some(path) = files::find(&stem(dir, venue, None, symbol)) {
                let rows = parse::funding(&path, (window.0 - 24 * HOUR_MS, window.1.saturating_add(24 * HOUR_MS)))?;
                if !rows.is_empty() {
                    let limit = limit(base, venue, &rows);
                    schedules.insert(venue, Schedule::new(rows, limit, -limit));
                }
            }
        }
        let mut bars = BTreeMap::new();
        for kind in [Kind::Spot, Kind::Perp, Kind::Mark] {
            for venue in VENUES {
                let name = if kind == Kind::Spot { &spot_symbol } else { symbol };
                if let Some(path) = files::find(&stem(dir, venue, Some(kind), name)) {
                    bars.insert((kind, venue), parse::bars(&path, window)?);
                }
            }
        }
        let listed = |venue: &Venue| {
            known.contains_key(&(*venue, Product::Spot, spot_symbol.clone()))
                || bars.contains_key(&(Kind::Spot, *venue))
        };
        let spot = VENUES.into_iter().filter(listed).collect();
        let coin = Self {
            symbol: symbol.to_owned(),
            spot_symbol,
            multiplier,
            bars,
            schedules,
            spot,
        };
        coin.check(dir)?;
        Ok(coin)
    }

    fn check(&self, dir: &Path) -> Result<(), MarketError> {
        let missing = |folder: &str, expected: String| MarketError::Missing {
            path: dir.join(folder),
            expected,
        };
        if self.schedules.is_empty() {
            let expected = format!("settlements of {} within the time asked for", self.symbol);
            return Err(missing("funding", expected));
        }
        let priced = |venue: &Venue| {
            self.bars
                .get(&(Kind::Perp, *venue))
                .is_some_and(|bars| bars.span().is_some())
        };
        if !VENUES.iter().any(priced) {
            let expected = format!("hourly bars of the {} perpetual within the time asked for", self.symbol);
            return Err(missing("klines", expected));
        }
        Ok(())
    }

    /// The keys of its listings: perpetuals with settlements, spot pairs that a venue lists.
    pub(super) fn keys(&self) -> Vec<Key> {
        let perps = self.schedules.keys().map(|venue| (*venue, Product::Perp, &self.symbol));
        let spots = self.spot.iter().map(|venue| (*venue, Product::Spot, &self.spot_symbol));
        spots
            .chain(perps)
            .map(|(venue, product, symbol)| Key {
                venue,
                product,
                symbol: symbol.clone(),
            })
            .collect()
    }

    /// Where a listing's price may come from, the best first: its own bars, the other venue's, then the perpetuals.
    fn chain(key: &Key) -> [(Kind, Venue); 4] {
        let other = if key.venue == Venue::Binance {
            Venue::Bybit
        } else {
            Venue::Binance
        };
        let perps = [(Kind::Perp, key.venue), (Kind::Perp, other)];
        match key.product {
            Product::Perp => [perps[0], perps[1], perps[0], perps[1]],
            Product::Spot => [(Kind::Spot, key.venue), (Kind::Spot, other), perps[0], perps[1]],
        }
    }

    /// The bars in force at `now` and their price in the units of the listing.
    fn quoted(&self, key: &Key, now: Ms) -> Option<(Kind, &Series, Decimal)> {
        Self::chain(key).iter().find_map(|source| {
            let series = self.bars.get(source)?;
            Some((
                source.0,
                series,
                self.in_units_of(key.product, source.0, series.price(now)?),
            ))
        })
    }

    fn in_units_of(&self, wanted: Product, from: Kind, price: Decimal) -> Decimal {
        match (wanted, from) {
            (Product::Spot, Kind::Perp | Kind::Mark) => price / self.multiplier,
            (Product::Perp, Kind::Spot) => price * self.multiplier,
            _ => price,
        }
    }

    /// Mid price of a listing.
    pub(super) fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.quoted(key, now).map(|(_, _, price)| price)
    }

    /// Mark price: the venue's mark bars, its perpetual's bars, the other venue's mark bars, its perpetual's.
    pub(super) fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let [own, other, ..] = Self::chain(key);
        let chain = [(Kind::Mark, own.1), own, (Kind::Mark, other.1), other];
        chain.iter().find_map(|source| self.bars.get(source)?.price(now))
    }

    /// Index price: the spot pair's price in units of the contract, else the perpetual's.
    pub(super) fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let chain = [(Kind::Spot, Venue::Binance), (Kind::Spot, Venue::Bybit)];
        let spot = chain.iter().find_map(|source| self.bars.get(source)?.price(now));
        spot.map(|price| self.in_units_of(Product::Perp, Kind::Spot, price))
            .or_else(|| self.mid(key, now))
    }

    /// Units traded in 24 h by the bars that give the price.
    pub(super) fn volume_24h(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let (kind, series, _) = self.quoted(key, now)?;
        let traded = series.volume_24h(now)?.normalize();
        // Bars of the perpetual count contracts.
        let coins = key.product == Product::Spot && kind == Kind::Perp;
        Some(if coins { traded * self.multiplier } else { traded })
    }

    /// The settlements of a perpetual.
    pub(super) fn schedule(&self, venue: Venue) -> Option<&Schedule> {
        self.schedules.get(&venue)
    }

    /// From when to when a listing can be traded.
    pub(super) fn span(&self, key: &Key) -> Option<(Ms, Ms)> {
        let spans = Self::chain(key)
            .into_iter()
            .filter_map(|source| self.bars.get(&source)?.span());
        let (from, until) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        match key.product {
            Product::Spot => Some((from, until)),
            Product::Perp => {
                // Terms are known up to the last settlement, not at it.
                let (first, last) = self.schedules.get(&key.venue)?.span()?;
                Some((from.max(first), until.min(last - 1)))
            }
        }
    }

    /// Whether every listing has a price, and every perpetual terms, at each hour of a time.
    pub(super) fn covers(&self, from: Ms, until: Ms) -> bool {
        let steps = (until - from) / HOUR_MS;
        self.keys().iter().all(|key| {
            (0..=steps).map(|step| from + step * HOUR_MS).all(|now| {
                let terms = self.schedules.get(&key.venue).and_then(|schedule| schedule.terms(now));
                self.mid(key, now).is_some() && (key.product == Product::Spot || terms.is_some())
            })
        })
    }

    /// What its perpetuals pay.
    pub(super) fn legs(&self) -> Vec<Leg> {
        let leg = |key: &Key| {
            let rows = self.schedules.get(&key.venue)?.between(Ms::MIN, Ms::MAX);
            Leg::new(&key.symbol, key.venue, rows, self.span(key)?)
        };
        self.keys()
            .iter()
            .filter(|key| key.product == Product::Perp)
            .filter_map(leg)
            .collect()
    }

    /// The rules of a listing; steps that the list of instruments lacks are derived.
    pub(super) fn rules(&self, key: Key, known: &Properties, at: Ms) -> Option<Rules> {
        let price = self.mid(&key, at).or_else(|| self.mid(&key, self.span(&key)?.0))?;
        let (venue, product) = (key.venue, key.product);
        let own = known.get(&(venue, product, key.symbol.clone()));
        let twin = known.get(&(Venue::Binance, product, key.symbol.clone()));
        let steps = own
            .copied()
            .or(twin.map(|s| Steps { least: None, ..*s }))
            .unwrap_or_else(|| usual_steps(price));
        let lot = steps.lot;
        // What is too much to count is no limit worth having: one lot then.
        let lots = |usd: i64| {
            Decimal::from(usd)
                .checked_div(price)?
                .checked_div(lot)?
                .floor()
                .checked_mul(lot)
        };
        let usd = |amount: i64| lots(amount).unwrap_or(lot).max(lot);
        let base = quoted_base(&key.symbol)?.to_owned();
        let (leverage, maintenance) = margins(&base);
        let spot = product == Product::Spot;
        let least_units = steps.least.filter(|_| venue == Venue::Bybit).unwrap_or(lot);
        Some(Rules {
            tick: steps.tick,
            lot,
            min_quantity: ((least_units / lot).ceil() * lot).max(lot),
            max_quantity: usd(10_000_000),
            max_market_quantity: usd(2_000_000),
            min_notional: least_notional(venue, product, &base, steps.least),
            taker_fee: taker_fee(venue, product),
            maker_fee: maker_fee(product),
            max_leverage: if spot { Decimal::ONE } else { Decimal::from(leverage) },
            maintenance_margin: if spot { Decimal::ZERO } else { maintenance },
            status: Status::Trading,
            quote: "USDT".to_owned(),
            base,
            key,
        })
    }
}

/// Greatest rate of a settlement, also downwards: 0.3 % (Binance) and 0.375 % (Bybit) for BTC and ETH, 2 % and 1 %
/// for others, and never less than what the file shows to have been charged.
fn limit(base: &str, venue: Venue, rows: &[Row]) -> Decimal {
    let usual = match (book::is_largest(base), venue) {
        (true, Venue::Binance) => Decimal::new(3, 3),
        (true, Venue::Bybit) => Decimal::new(375, 5),
        (false, Venue::Binance) => Decimal::new(2, 2),
        (false, Venue::Bybit) => Decimal::new(1, 2),
    };
    rows.iter().map(|row| row.rate.abs()).fold(usual, Decimal::max)
}

/// Greatest leverage and maintenance margin.
fn margins(base: &str) -> (i64, Decimal) {
    if book::is_largest(base) {
        (100, Decimal::new(4, 3))
    } else if book::is_large(base) {
        (75, Decimal::new(1, 2))
    } else {
        (50, Decimal::new(2, 2))
    }
}

fn least_notional(venue: Venue, product: Product, base: &str, listed: Option<Decimal>) -> Decimal {
    match (venue, product, base) {
        (Venue::Binance, Product::Perp, "BTC") => Decimal::from(50),
        (Venue::Binance, Product::Perp, "ETH") => Decimal::from(20),
        (Venue::Binance, Product::Spot, _) => listed.unwrap_or(Decimal::from(5)),
        _ => Decimal::from(5),
    }
}

/// A tick of about one basis point and a lot of about a dollar, both powers of ten.
fn usual_steps(price: Decimal) -> Steps {
    let mut power = Decimal::new(1, 12);
    while power * Decimal::TEN <= price {
        power *= Decimal::TEN;
    }
    let tick = (power / Decimal::from(10_000)).normalize();
    let mut lot = Decimal::ONE;
    while lot * price > Decimal::TEN && lot > Decimal::new(1, 6) {
        lot /= Decimal::TEN;
    }
    Steps {
        tick,
        lot: lot.normalize(),
        least: None,
    }
}

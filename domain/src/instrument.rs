//! What can be traded, and the grid on which its prices and quantities lie.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::bounds::Bounds;
use crate::money::{AssetQuantity, Price, Quantity, Rate, Usd, ceil_to, floor_to};
use crate::time::{HOUR_MS, Timestamp};

/// A trading venue. Adding one is adding an adapter; no decision depends on which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VenueId {
    /// Binance spot and USDⓈ-M futures.
    Binance,
    /// Bybit v5 spot and linear perpetuals.
    Bybit,
}

impl VenueId {
    /// Every venue, in order.
    pub const ALL: [Self; 2] = [Self::Binance, Self::Bybit];

    /// Its name in logs, rows and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binance => "binance",
            Self::Bybit => "bybit",
        }
    }

    /// The name of one of its feeds: the public one of a product, or the private one. A constant, so that a heartbeat
    /// costs no allocation.
    pub const fn feed_name(self, product: Option<Product>) -> &'static str {
        match (self, product) {
            (Self::Binance, Some(Product::Spot)) => "binance.spot",
            (Self::Binance, Some(Product::Perp)) => "binance.perp",
            (Self::Binance, None) => "binance.account",
            (Self::Bybit, Some(Product::Spot)) => "bybit.spot",
            (Self::Bybit, Some(Product::Perp)) => "bybit.perp",
            (Self::Bybit, None) => "bybit.account",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|venue| venue.as_str() == text)
    }
}

impl fmt::Display for VenueId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What kind of thing is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// The asset itself, against the quote currency.
    Spot,
    /// A linear perpetual, margined and settled in the quote currency.
    Perp,
}

impl Product {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Spot, Self::Perp];

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Perp => "perp",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.as_str() == text)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A name as a venue writes it (`BTCUSDT`, `BTC`). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// A name.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Its letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its letters are kept: the same for its clones, while one of them lives. Two names at different places may
    /// still have the same letters.
    pub fn place(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// One tradable thing of one venue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId {
    /// Where.
    pub venue: VenueId,
    /// What kind.
    pub product: Product,
    /// The venue's symbol.
    pub symbol: Name,
}

impl fmt::Display for InstrumentId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.venue, self.product, self.symbol)
    }
}

/// Whether a venue takes orders for an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TradingStatus {
    /// All orders.
    Trading,
    /// All orders, and its venue says that positions in it are likely to be reduced by auto-deleveraging.
    Crowded,
    /// Not open yet, or in the auction that opens it.
    PreLaunch,
    /// Open, and for now without new exposure: halted or cancel-only.
    Halted,
    /// Being settled or delivered, closed, or not listed any more.
    Ended,
}

impl TradingStatus {
    /// Whether new exposure may be taken, by its venue's word.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Trading | Self::Crowded)
    }

    /// Its words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Trading => "trades",
            Self::Crowded => "is likely to be deleveraged",
            Self::PreLaunch => "is not open yet",
            Self::Halted => "is halted or takes cancellations only",
            Self::Ended => "is being settled, or is not listed any more",
        }
    }
}

/// The rules of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Which one.
    pub id: InstrumentId,
    /// The underlying asset without any multiplier (`PEPE` for `1000PEPEUSDT`).
    pub asset: Name,
    /// The venue's name for one unit's coin, in which spot buyers are charged fees (`PEPE`, `1000PEPE`).
    pub base: Name,
    /// Quote and margin currency.
    pub quote: Name,
    /// Units of the asset in one unit of this instrument: 1, or 1000 for `1000PEPEUSDT`.
    pub multiplier: Decimal,
    /// Price step.
    pub tick: Price,
    /// Quantity step.
    pub lot: Quantity,
    /// Least quantity of an order.
    pub min_quantity: Quantity,
    /// Most quantity of a limit order.
    pub max_quantity: Quantity,
    /// Most quantity of a market order.
    pub max_market_quantity: Quantity,
    /// Least price times quantity of an opening order.
    pub min_notional: Usd,
    /// Least price of an order; nothing where the venue names none.
    pub least_price: Price,
    /// Greatest price of an order, where the venue names one.
    pub greatest_price: Option<Price>,
    /// Whether orders are taken.
    pub status: TradingStatus,
    /// When it ends, where notice has been given of that.
    pub ends_at: Option<Timestamp>,
    /// How much of it may be held, and at which prices.
    pub bounds: Bounds,
}

impl Instrument {
    /// Asset units in `quantity` units of this instrument.
    pub fn to_asset(&self, quantity: Quantity) -> AssetQuantity {
        AssetQuantity(quantity.0 * self.multiplier)
    }

    /// Units of this instrument that hold `asset`, rounded down to the lot: towards less exposure.
    pub fn to_units(&self, asset: AssetQuantity) -> Quantity {
        Quantity(floor_to(asset.0.abs() / self.multiplier, self.lot.0))
    }

    /// The lot in asset units.
    pub fn lot_asset(&self) -> AssetQuantity {
        self.to_asset(self.lot)
    }

    /// The worst price of a buyer, on the tick and never above `limit`; likewise never below it for a seller. A buyer's is
    /// never above the greatest price that the venue takes, nor a seller's below the least: that only makes it better.
    pub fn price_on_tick(&self, limit: Price, side: Side) -> Price {
        Price(match side {
            Side::Buy => floor_to(self.greatest_price.map_or(limit, |most| limit.min(most)).0, self.tick.0),
            Side::Sell => ceil_to(limit.max(self.least_price).0, self.tick.0),
        })
    }

    /// Whole hours until it ends, rounded down and never less than nothing; `None` where no notice has been given.
    pub fn hours_left(&self, now: Timestamp) -> Option<i64> {
        Some((self.ends_at?.millis_since(now) / HOUR_MS).max(0))
    }

    /// Whether `quantity` at `price` satisfies the minimums of an opening order.
    pub fn is_orderable(&self, quantity: Quantity, price: Price) -> bool {
        quantity >= self.min_quantity && quantity.0 > Decimal::ZERO && price.notional(quantity) >= self.min_notional
    }
}

/// The quantity grid that two instruments share, in asset units: the least common multiple of both lots.
///
/// `None` when a lot is not positive or the multiple does not fit.
pub fn common_lot(a: &Instrument, b: &Instrument) -> Option<AssetQuantity> {
    let (a, b) = (a.lot_asset().0.normalize(), b.lot_asset().0.normalize());
    if a <= Decimal::ZERO || b <= Decimal::ZERO {
        return None;
    }
    let scale = a.scale().max(b.scale());
    let whole = |value: Decimal| {
        value
            .mantissa()
            .checked_mul(10_i128.checked_pow(scale - value.scale())?)
    };
    let (a, b) = (whole(a)?, whole(b)?);
    let multiple = a.checked_div(greatest_common_divisor(a, b))?.checked_mul(b)?;
    Decimal::try_from_i128_with_scale(multiple, scale)
        .ok()
        .map(|lot| AssetQuantity(lot.normalize()))
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// More of the asset.
    Buy,
    /// Less of it.
    Sell,
}

impl Side {
    /// The other direction.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// One for a buy, minus one for a sell.
    pub const fn sign(self) -> Decimal {
        match self {
            Self::Buy => Decimal::ONE,
            Self::Sell => Decimal::NEGATIVE_ONE,
        }
    }

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Buy, Self::Sell].into_iter().find(|side| side.as_str() == text)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What an account pays a venue for trading one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRates {
    /// Paid by an order that rests.
    pub maker: Rate,
    /// Paid by an order that takes.
    pub taker: Rate,
}

/// Most that one trade may cost or bring, as a part of its value: what lies beyond is no fee of these venues.
const MOST_BELIEVABLE_FEE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

impl FeeRates {
    /// Whether they can be believed.
    ///
    /// # Errors
    /// What cannot be.
    pub fn believable(self) -> Result<Self, &'static str> {
        let sound = |rate: Rate| rate.0.abs() <= MOST_BELIEVABLE_FEE;
        if sound(self.maker) && sound(self.taker) {
            Ok(self)
        } else {
            Err("a fee beyond 2 % of a trade")
        }
    }
}

impl Instrument {
    /// Whether its rules can be believed: a grid is more than nothing, and no least is less.
    ///
    /// # Errors
    /// What cannot be.
    pub fn believable(self) -> Result<Self, &'static str> {
        let (zero, most) = (Decimal::ZERO, self.max_quantity.min(self.max_market_quantity));
        if self.tick.0 <= zero || self.lot.0 <= zero {
            Err("a step of nothing or less")
        } else if self.min_quantity.0 < zero || self.min_notional.0 < zero {
            Err("a least order of less than nothing")
        } else if most.0 <= zero {
            Err("a greatest order of nothing or less")
        } else if self.greatest_price.is_some_and(|greatest| greatest <= self.least_price) {
            Err("no price between the least and the greatest")
        } else {
            Ok(self)
        }
    }
}

/// Splits a venue's base coin into the asset and its multiplier: `1000PEPE` is 1000 of `PEPE`.
pub fn split_multiplier(base: &str) -> (Name, Decimal) {
    let digits = base.len() - base.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, asset) = base.split_at(digits);
    let is_multiplier =
        number.len() >= 4 && number.starts_with('1') && number.trim_start_matches('1').chars().all(|c| c == '0');
    match number.parse::<Decimal>() {
        Ok(multiplier) if is_multiplier && !asset.is_empty() && number.chars().filter(|c| *c == '1').count() == 1 => {
            (Name::new(asset), multiplier)
        }
        _ => (Name::new(base), Decimal::ONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::perp;

    #[test]
    fn f061_a_multiplier_is_read_from_the_name_and_a_ticker_with_digits_is_left_alone() {
        assert_eq!(split_multiplier("1000PEPE"), (Name::new("PEPE"), Decimal::from(1000)));
        assert_eq!(
            split_multiplier("1000000MOG"),
            (Name::new("MOG"), Decimal::from(1_000_000))
        );
        assert_eq!(split_multiplier("1INCH"), (Name::new("1INCH"), Decimal::ONE));
        assert_eq!(split_multiplier("0G"), (Name::new("0G"), Decimal::ONE));
        assert_eq!(split_multiplier("BTC"), (Name::new("BTC"), Decimal::ONE));
    }

    #[test]
    fn f057_two_lots_meet_on_their_least_common_multiple() {
        let mut a = perp(VenueId::Binance, "BTCUSDT");
        let mut b = perp(VenueId::Bybit, "BTCUSDT");
        (a.lot, b.lot) = (Quantity("0.003".parse().unwrap()), Quantity("0.02".parse().unwrap()));
        assert_eq!(common_lot(&a, &b), Some(AssetQuantity("0.06".parse().unwrap())));
        b.multiplier = Decimal::from(1000);
        assert_eq!(common_lot(&a, &b), Some(AssetQuantity("60".parse().unwrap())));
        a.lot = Quantity::ZERO;
        assert_eq!(common_lot(&a, &b), None);
    }

    #[test]
    fn a_limit_price_lands_on_the_tick_inside_the_bound() {
        let mut btc = perp(VenueId::Binance, "BTCUSDT");
        btc.tick = Price("0.5".parse().unwrap());
        let limit = Price("100.3".parse().unwrap());
        assert_eq!(btc.price_on_tick(limit, Side::Buy), Price(Decimal::from(100)));
        assert_eq!(btc.price_on_tick(limit, Side::Sell), Price("100.5".parse().unwrap()));
        // A price that the venue would refuse is moved inside its range, never to the worse.
        (btc.least_price, btc.greatest_price) = (Price(Decimal::from(101)), Some(Price(Decimal::from(99))));
        assert_eq!(btc.price_on_tick(limit, Side::Buy), Price(Decimal::from(99)));
        assert_eq!(btc.price_on_tick(limit, Side::Sell), Price(Decimal::from(101)));
        assert!(btc.believable().is_err(), "no price is left");
    }
}

//! A hand on the market: what `POST /sim/market` asks for, and what it leaves on one instrument.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::market::{Depth, Level, Ms, Product, Rules, Settlement, Status, Venue};

/// Farthest into the future that a hand may be announced: a year.
const LONGEST_S: u32 = 366 * 86_400;

/// A hand on the market: `POST /sim/market`. Absent fields stay as they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketOverride {
    /// Venue.
    pub venue: Venue,
    /// The venue's symbol.
    pub symbol: String,
    /// `spot`, or `perp` by any of its names (`usdm`, `linear`).
    #[serde(default = "perp")]
    pub product: String,
    /// Rate of the coming settlements, as a fraction.
    #[serde(default)]
    pub funding_rate: Option<Decimal>,
    /// Mark, index and book mid.
    #[serde(default)]
    pub mark_price: Option<Decimal>,
    /// Distance between best bid and ask.
    #[serde(default)]
    pub spread_bps: Option<Decimal>,
    /// Quote value on each side of the book.
    #[serde(default)]
    pub depth_usd: Option<Decimal>,
    /// Trading status: `trading`, `halted`, `cancel_only` or `delisted`, in any case.
    #[serde(default, deserialize_with = "status_word")]
    pub status: Option<Status>,
    /// Hours between settlements; boundaries fall on multiples of it since midnight UTC.
    #[serde(default)]
    pub interval_hours: Option<u32>,
    /// Greatest rate of a settlement; the least one is its opposite. Rates beyond it are cut to it.
    #[serde(default)]
    pub funding_cap: Option<Decimal>,
    /// One settlement beside the regular ones, at once (Binance's `Special` rows).
    #[serde(default)]
    pub special_rate: Option<Decimal>,
    /// How likely the venue says deleveraging is: `low`, `medium` or `high`.
    #[serde(default)]
    pub adl_risk: Option<AdlRisk>,
    /// Simulated seconds until all this comes true; at once without. A delisting to come is announced.
    #[serde(default)]
    pub in_s: Option<u32>,
}

impl MarketOverride {
    /// A hand on a perpetual that changes nothing yet.
    pub fn on(venue: Venue, symbol: &str) -> Self {
        Self {
            venue,
            symbol: symbol.to_owned(),
            product: perp(),
            funding_rate: None,
            mark_price: None,
            spread_bps: None,
            depth_usd: None,
            status: None,
            interval_hours: None,
            funding_cap: None,
            special_rate: None,
            adl_risk: None,
            in_s: None,
        }
    }

    /// The kind of instrument that `product` names.
    pub(super) fn kind(&self) -> Option<Product> {
        match self.product.as_str() {
            "spot" => Some(Product::Spot),
            "perp" | "usdm" | "linear" => Some(Product::Perp),
            _ => None,
        }
    }
}

/// How likely a venue says that it takes positions off to cover what others owe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdlRisk {
    /// As always.
    #[default]
    Low,
    /// The insurance fund shrinks.
    Medium,
    /// It has begun, or is about to.
    High,
}

impl AdlRisk {
    /// Lower-case name, as Binance spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

fn status_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Status>, D::Error> {
    let Some(word) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match word.to_ascii_lowercase().as_str() {
        "trading" => Ok(Some(Status::Trading)),
        "halted" | "halt" => Ok(Some(Status::Halted)),
        "cancel_only" => Ok(Some(Status::CancelOnly)),
        "delisted" => Ok(Some(Status::Delisted)),
        _ => Err(D::Error::custom(format!(
            "unknown status `{word}`: trading, halted, cancel_only or delisted"
        ))),
    }
}

fn perp() -> String {
    "perp".to_owned()
}

/// Why a hand on the market was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarketError {
    /// No such instrument.
    #[error("no instrument {venue:?} {product} {symbol}")]
    Unknown {
        /// Venue.
        venue: Venue,
        /// Product as written.
        product: String,
        /// Symbol as written.
        symbol: String,
    },
    /// A value that makes no market.
    #[error("{0} is out of range")]
    Range(&'static str),
}

/// What is laid on one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Hand {
    pub funding_rate: Option<Decimal>,
    pub price: Option<Decimal>,
    pub spread_bps: Option<Decimal>,
    pub depth_usd: Option<Decimal>,
    pub status: Option<Status>,
    pub interval_hours: Option<u32>,
    pub cap: Option<Decimal>,
    pub adl_risk: Option<AdlRisk>,
    /// Settlements beside the regular ones.
    pub special: Vec<Settlement>,
    /// Since when settlements follow this hand and not the source.
    pub settles_since: Option<Ms>,
    pub settled: Vec<Settlement>,
}

impl Hand {
    /// Takes over what the order says; the rest stays as it is.
    pub(super) fn take(&mut self, hand: &MarketOverride) {
        self.funding_rate = hand.funding_rate.or(self.funding_rate);
        self.price = hand.mark_price.or(self.price);
        self.spread_bps = hand.spread_bps.or(self.spread_bps);
        self.depth_usd = hand.depth_usd.or(self.depth_usd);
        self.status = hand.status.or(self.status);
        self.interval_hours = hand.interval_hours.or(self.interval_hours);
        self.cap = hand.funding_cap.or(self.cap);
        self.adl_risk = hand.adl_risk.or(self.adl_risk);
    }

    /// Whether settlements under it are other ones than the source's.
    pub(super) const fn settles(&self) -> bool {
        self.funding_rate.is_some() || self.interval_hours.is_some() || self.price.is_some() || self.cap.is_some()
    }

    /// Whether the book is another one under it.
    pub(super) const fn shapes_book(&self) -> bool {
        self.price.is_some() || self.spread_bps.is_some() || self.depth_usd.is_some()
    }

    /// Moves the book to the hand's price, sets its spread and scales its depth; stays on tick and lot, never crossed.
    pub(super) fn reshape(&self, mut depth: Depth, mid: Decimal, rule: &Rules) -> Depth {
        let target = self.price.unwrap_or(mid);
        let half = self.spread_bps.map(|bps| target * bps / Decimal::from(20_000));
        let old_half = |levels: &[Level]| levels.first().map_or(Decimal::ZERO, |level| (level.price - mid).abs());
        let (bid_half, ask_half) = (old_half(&depth.bids), old_half(&depth.asks));
        // Levels keep their distance from the best one; the best one moves to the wanted half spread.
        for level in &mut depth.bids {
            let away = (mid - level.price) - bid_half + half.unwrap_or(bid_half);
            level.price = snap(target - away, rule.tick, RoundingStrategy::ToNegativeInfinity).max(rule.tick);
        }
        for level in &mut depth.asks {
            let away = (level.price - mid) - ask_half + half.unwrap_or(ask_half);
            level.price = snap(target + away, rule.tick, RoundingStrategy::ToPositiveInfinity);
        }
        if let (Some(bid), Some(ask)) = (depth.bids.first().copied(), depth.asks.first().copied())
            && ask.price <= bid.price
        {
            let lift = bid.price - ask.price + rule.tick;
            for level in &mut depth.asks {
                level.price += lift;
            }
        }
        if let Some(wanted) = self.depth_usd {
            scale(&mut depth.bids, wanted, rule);
            scale(&mut depth.asks, wanted, rule);
        }
        depth
    }
}

fn snap(price: Decimal, tick: Decimal, way: RoundingStrategy) -> Decimal {
    if tick.is_zero() {
        price
    } else {
        (price / tick).round_dp_with_strategy(0, way) * tick
    }
}

fn scale(levels: &mut [Level], wanted: Decimal, rule: &Rules) {
    let total: Decimal = levels.iter().map(|level| level.price * level.quantity).sum();
    if total.is_zero() {
        return;
    }
    for level in levels {
        let quantity = level.quantity * wanted / total;
        level.quantity = snap(quantity, rule.lot, RoundingStrategy::ToZero).max(rule.lot);
    }
}

/// Whether every value makes a market.
pub(super) fn check_ranges(hand: &MarketOverride) -> Result<(), MarketError> {
    let most = Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND;
    let positive = |value: Option<Decimal>| value.is_none_or(|v| v > Decimal::ZERO && v <= most);
    if hand.funding_rate.is_some_and(|rate| rate.abs() > Decimal::ONE) {
        return Err(MarketError::Range("funding_rate"));
    }
    if hand
        .special_rate
        .is_some_and(|rate| rate.abs() > Decimal::ONE || hand.venue != Venue::Binance)
    {
        return Err(MarketError::Range("special_rate"));
    }
    if hand
        .funding_cap
        .is_some_and(|cap| cap <= Decimal::ZERO || cap > Decimal::ONE)
    {
        return Err(MarketError::Range("funding_cap"));
    }
    if hand.in_s.is_some_and(|seconds| seconds > LONGEST_S) {
        return Err(MarketError::Range("in_s"));
    }
    if !positive(hand.mark_price) {
        return Err(MarketError::Range("mark_price"));
    }
    if !positive(hand.depth_usd) {
        return Err(MarketError::Range("depth_usd"));
    }
    if hand
        .spread_bps
        .is_some_and(|bps| bps < Decimal::ZERO || bps >= Decimal::from(10_000))
    {
        return Err(MarketError::Range("spread_bps"));
    }
    if hand
        .interval_hours
        .is_some_and(|hours| !(1..=24).contains(&hours) || 24 % hours != 0)
    {
        return Err(MarketError::Range("interval_hours"));
    }
    Ok(())
}

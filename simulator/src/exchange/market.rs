//! The market as the exchange sees it: the source, with what was moved by hand laid over it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::bites::Bites;
use super::types::Side;
use crate::market::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Status, Venue};

/// Milliseconds of an hour.
const HOUR: Ms = 3_600_000;

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

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// Highest buyer.
    pub bid: Level,
    /// Lowest seller.
    pub ask: Level,
}

#[derive(Clone, Debug, Default)]
struct Hand {
    funding_rate: Option<Decimal>,
    price: Option<Decimal>,
    spread_bps: Option<Decimal>,
    depth_usd: Option<Decimal>,
    status: Option<Status>,
    interval_hours: Option<u32>,
    /// Since when settlements follow this hand and not the source.
    settles_since: Option<Ms>,
    settled: Vec<Settlement>,
}

/// The source and the hands laid on it.
pub struct Market {
    source: Box<dyn Source>,
    hands: BTreeMap<Key, Hand>,
    best: RefCell<BTreeMap<Key, (Ms, Option<Best>)>>,
    bites: Bites,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market")
            .field("instruments", &self.rules().len())
            .field("hands", &self.hands)
            .finish_non_exhaustive()
    }
}

impl Market {
    /// A market that nobody has touched.
    pub fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            hands: BTreeMap::new(),
            best: RefCell::default(),
            bites: Bites::default(),
        }
    }

    /// Every instrument, in the order of their keys. The `status` in here is the source's; ask [`Self::status`].
    pub fn rules(&self) -> &[Rules] {
        self.source.rules()
    }

    /// The rules of one instrument.
    pub fn rule(&self, key: &Key) -> Option<&Rules> {
        let rules = self.source.rules();
        rules
            .binary_search_by(|rule| rule.key.cmp(key))
            .ok()
            .and_then(|at| rules.get(at))
    }

    /// The rules by name.
    pub fn find(&self, venue: Venue, product: Product, symbol: &str) -> Option<&Rules> {
        let rules = self.source.rules();
        rules
            .binary_search_by(|rule| {
                (rule.key.venue, rule.key.product, rule.key.symbol.as_str()).cmp(&(venue, product, symbol))
            })
            .ok()
            .and_then(|at| rules.get(at))
    }

    /// Whether orders are taken now.
    pub fn status(&self, key: &Key) -> Option<Status> {
        let hand = self.hands.get(key).and_then(|hand| hand.status);
        hand.or_else(|| self.rule(key).map(|rule| rule.status))
    }

    /// Mid price.
    pub fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.price(key).or_else(|| self.source.mid(key, now))
    }

    /// Mark price of a perpetual.
    pub fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.price(key).or_else(|| self.source.mark(key, now))
    }

    /// Index price of a perpetual.
    pub fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.price(key).or_else(|| self.source.index(key, now))
    }

    fn price(&self, key: &Key) -> Option<Decimal> {
        self.hands.get(key).and_then(|hand| hand.price)
    }

    /// Units traded in the last 24 h.
    pub fn volume_24h(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.source.volume_24h(key, now)
    }

    /// The first and last instant with prices.
    pub fn span(&self) -> (Ms, Ms) {
        (self.source.starts_ms(), self.source.ends_ms())
    }

    /// The book: what the source or a hand says, without what was traded away a moment ago.
    pub fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        let depth = self.source.depth(key, now)?;
        let depth = match self.hands.get(key) {
            Some(hand) if hand.shapes_book() => {
                let rule = self.rule(key)?;
                hand.reshape(depth, self.source.mid(key, now)?, rule)
            }
            _ => depth,
        };
        Some(self.bites.out_of(key, depth, now))
    }

    /// Takes a quantity out of a level that a trade hit; `taker` is the side that took.
    pub fn bite(&mut self, key: &Key, taker: Side, (price, quantity): (Decimal, Decimal), now: Ms) {
        self.bites.take(key, taker.opposite(), price, quantity, now);
        self.best.borrow_mut().remove(key);
    }

    /// Best bid and ask; cheap when asked again for the same instant.
    pub fn best(&self, key: &Key, now: Ms) -> Option<Best> {
        if let Some((at, best)) = self.best.borrow().get(key)
            && *at == now
        {
            return *best;
        }
        let bitten = self.bites.any(key, now);
        let best = match self.hands.get(key) {
            hand if bitten || hand.is_some_and(Hand::shapes_book) => self.depth(key, now).and_then(|depth| {
                Some(Best {
                    bid: *depth.bids.first()?,
                    ask: *depth.asks.first()?,
                })
            }),
            _ => self.source.best(key, now).map(|(bid, ask)| Best { bid, ask }),
        };
        let mut cache = self.best.borrow_mut();
        if let Some(known) = cache.get_mut(key) {
            *known = (now, best);
        } else {
            cache.insert(key.clone(), (now, best));
        }
        best
    }

    /// Funding terms of a perpetual.
    pub fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        let mut funding = self.source.funding(key, now)?;
        if let Some(hand) = self.hands.get(key) {
            if let Some(rate) = hand.funding_rate {
                funding.predicted = rate;
            }
            if let Some(hours) = hand.interval_hours {
                let step = Ms::from(hours) * HOUR;
                funding.interval_hours = hours;
                funding.next_ms = now - now.rem_euclid(step) + step;
            }
        }
        Some(funding)
    }

    /// Settlements with `after < at <= until`, oldest first. Those under a hand are known once time has passed
    /// them ([`Self::walk`]).
    pub fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let mut rows = self.source.settlements(key, after, until);
        if let Some(hand) = self.hands.get(key)
            && let Some(since) = hand.settles_since
        {
            rows.retain(|row| row.at_ms <= since);
            rows.extend(
                hand.settled
                    .iter()
                    .filter(|row| row.at_ms > after && row.at_ms <= until)
                    .cloned(),
            );
        }
        rows
    }

    /// Lets the settlements under a hand happen in `after < at <= until`.
    pub fn walk(&mut self, after: Ms, until: Ms) {
        let mut due: Vec<(Key, Vec<Settlement>)> = Vec::new();
        for (key, hand) in &self.hands {
            let Some(since) = hand.settles_since else { continue };
            let after = after
                .max(since)
                .max(hand.settled.last().map_or(Ms::MIN, |row| row.at_ms));
            due.push((key.clone(), self.imposed(key, hand, after, until)));
        }
        for (key, rows) in due {
            if let Some(hand) = self.hands.get_mut(&key) {
                hand.settled.extend(rows);
            }
        }
    }

    fn imposed(&self, key: &Key, hand: &Hand, after: Ms, until: Ms) -> Vec<Settlement> {
        let mut rows = Vec::new();
        let mut at = after;
        while let Some(terms) = self.funding(key, at) {
            if terms.next_ms <= at || terms.next_ms > until {
                break;
            }
            at = terms.next_ms;
            let truth = self.source.settlements(key, at - 1, at).pop();
            let rate = hand
                .funding_rate
                .or(truth.as_ref().map(|row| row.rate))
                .unwrap_or(terms.predicted);
            let mark = hand.price.or(truth.map(|row| row.mark)).or_else(|| self.mark(key, at));
            if let Some(mark) = mark {
                rows.push(Settlement {
                    at_ms: at,
                    rate,
                    mark,
                    interval_hours: terms.interval_hours,
                });
            }
        }
        rows
    }

    /// Lays a hand on the market. The caller has let time pass up to `now` first.
    ///
    /// # Errors
    /// An unknown instrument, or a value that makes no market.
    pub fn lay(&mut self, hand: &MarketOverride, now: Ms) -> Result<(), MarketError> {
        let product = match hand.product.as_str() {
            "spot" => Some(Product::Spot),
            "perp" | "usdm" | "linear" => Some(Product::Perp),
            _ => None,
        };
        let rule = product
            .and_then(|product| self.find(hand.venue, product, &hand.symbol))
            .ok_or_else(|| MarketError::Unknown {
                venue: hand.venue,
                product: hand.product.clone(),
                symbol: hand.symbol.clone(),
            })?;
        check_ranges(hand)?;
        let key = rule.key.clone();
        let terms = self.funding(&key, now);
        let laid = self.hands.entry(key).or_default();
        laid.funding_rate = hand.funding_rate.or(laid.funding_rate);
        laid.price = hand.mark_price.or(laid.price);
        laid.spread_bps = hand.spread_bps.or(laid.spread_bps);
        laid.depth_usd = hand.depth_usd.or(laid.depth_usd);
        laid.status = hand.status.or(laid.status);
        laid.interval_hours = hand.interval_hours.or(laid.interval_hours);
        let settles = laid.funding_rate.is_some() || laid.interval_hours.is_some() || laid.price.is_some();
        if settles && laid.settles_since.is_none() && terms.is_some() {
            laid.settles_since = Some(now);
        }
        self.best.borrow_mut().clear();
        Ok(())
    }
}

fn check_ranges(hand: &MarketOverride) -> Result<(), MarketError> {
    let most = Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND * Decimal::ONE_THOUSAND;
    let positive = |value: Option<Decimal>| value.is_none_or(|v| v > Decimal::ZERO && v <= most);
    if hand.funding_rate.is_some_and(|rate| rate.abs() > Decimal::ONE) {
        return Err(MarketError::Range("funding_rate"));
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

impl Hand {
    const fn shapes_book(&self) -> bool {
        self.price.is_some() || self.spread_bps.is_some() || self.depth_usd.is_some()
    }

    /// Moves the book to the hand's price, sets its spread and scales its depth; stays on tick and lot, never crossed.
    fn reshape(&self, mut depth: Depth, mid: Decimal, rule: &Rules) -> Depth {
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

//! The market as the exchange sees it: the source, with what was moved by hand laid over it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::bites::Bites;
use super::hand::{AdlRisk, Hand, MarketError, MarketOverride, check_ranges};
use super::types::Side;
use crate::market::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Status, Venue};

/// Milliseconds of an hour.
const HOUR: Ms = 3_600_000;

/// Best bid and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// Highest buyer.
    pub bid: Level,
    /// Lowest seller.
    pub ask: Level,
}

/// The source and the hands laid on it.
pub struct Market {
    source: Box<dyn Source>,
    hands: BTreeMap<Key, Hand>,
    /// Hands that are announced, and when they come true, in the order of time.
    announced: Vec<(Ms, Key, MarketOverride)>,
    /// Until when deleveraging of an instrument goes on.
    deleveraged: BTreeMap<Key, Ms>,
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
            announced: Vec::new(),
            deleveraged: BTreeMap::new(),
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
            if let Some(cap) = hand.cap {
                (funding.cap, funding.floor) = (cap, -cap);
            }
            let rate = hand.funding_rate.unwrap_or(funding.predicted);
            funding.predicted = rate.clamp(funding.floor, funding.cap);
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
        if let Some(hand) = self.hands.get(key)
            && !hand.special.is_empty()
        {
            let inside = |row: &&Settlement| row.at_ms > after && row.at_ms <= until;
            rows.extend(hand.special.iter().filter(inside).cloned());
            rows.sort_by_key(|row| row.at_ms);
        }
        rows
    }

    /// How likely the venue says deleveraging of a perpetual is: what a hand says, and high for an hour after it was done.
    pub fn adl_risk(&self, key: &Key, now: Ms) -> AdlRisk {
        let told = self.hands.get(key).and_then(|hand| hand.adl_risk).unwrap_or_default();
        if self.deleveraged.get(key).is_some_and(|until| now < *until) {
            AdlRisk::High
        } else {
            told
        }
    }

    /// Notes that positions of an instrument were deleveraged.
    pub(super) fn deleveraged(&mut self, key: &Key, now: Ms) {
        self.deleveraged.insert(key.clone(), now + HOUR);
    }

    /// When an instrument that is still traded ends, where that is announced.
    pub fn ends(&self, key: &Key) -> Option<Ms> {
        let ends = |(_, of, hand): &&(Ms, Key, MarketOverride)| of == key && hand.status == Some(Status::Delisted);
        self.announced.iter().find(ends).map(|(at, _, _)| *at)
    }

    /// When the next announced hand comes true.
    pub(super) fn next_announced(&self) -> Option<Ms> {
        self.announced.first().map(|(at, _, _)| *at)
    }

    /// Lets the announced hands come true whose time is over.
    pub(super) fn come_true(&mut self, now: Ms) {
        let due = self.announced.partition_point(|(at, _, _)| *at <= now);
        for (at, key, hand) in self.announced.drain(..due).collect::<Vec<_>>() {
            self.take(key, &hand, at);
        }
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
                .unwrap_or(terms.predicted)
                .clamp(terms.floor, terms.cap);
            let mark = hand.price.or(truth.map(|row| row.mark)).or_else(|| self.mark(key, at));
            if let Some(mark) = mark {
                rows.push(Settlement {
                    at_ms: at,
                    rate,
                    mark,
                    interval_hours: terms.interval_hours,
                    special: false,
                });
            }
        }
        rows
    }

    /// Lays a hand on the market, or announces it. The caller has let time pass up to `now` first.
    ///
    /// # Errors
    /// An unknown instrument, or a value that makes no market.
    pub fn lay(&mut self, hand: &MarketOverride, now: Ms) -> Result<(), MarketError> {
        let rule = hand
            .kind()
            .and_then(|product| self.find(hand.venue, product, &hand.symbol))
            .ok_or_else(|| MarketError::Unknown {
                venue: hand.venue,
                product: hand.product.clone(),
                symbol: hand.symbol.clone(),
            })?;
        check_ranges(hand)?;
        let key = rule.key.clone();
        match hand.in_s.filter(|seconds| *seconds > 0) {
            None => self.take(key, hand, now),
            Some(seconds) => {
                let at = now + Ms::from(seconds) * 1_000;
                let place = self.announced.partition_point(|(other, _, _)| *other <= at);
                self.announced.insert(place, (at, key, hand.clone()));
            }
        }
        Ok(())
    }

    fn take(&mut self, key: Key, hand: &MarketOverride, now: Ms) {
        let terms = self.funding(&key, now);
        let special = hand
            .special_rate
            .zip(self.mark(&key, now))
            .map(|(rate, mark)| Settlement {
                at_ms: now + 1,
                rate,
                mark,
                interval_hours: 0,
                special: true,
            });
        let laid = self.hands.entry(key).or_default();
        laid.take(hand);
        laid.special.extend(special);
        if laid.settles() && laid.settles_since.is_none() && terms.is_some() {
            laid.settles_since = Some(now);
        }
        self.best.borrow_mut().clear();
    }
}

//! A market that is told from outside, as it happens: what real venues quote, for an exchange that plays only our account.
//!
//! It knows the present alone. A quote that nobody has repeated for [`BELIEVED_MS`] is none: an exchange without a price
//! takes no order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rust_decimal::Decimal;

use super::{Depth, Funding, Key, Level, Ms, Rules, Settlement, Source};

/// How long a quote is believed.
pub const BELIEVED_MS: Ms = 120_000;
/// Settlements that are kept of each perpetual.
const SETTLEMENTS_KEPT: usize = 64;

#[derive(Debug, Default)]
struct Quoted {
    depth: Depth,
    at_ms: Ms,
    mark: Option<Decimal>,
    index: Option<Decimal>,
    funding: Option<Funding>,
    settled: Vec<Settlement>,
}

/// Where the telling is done. Clones tell one market.
#[derive(Clone, Debug)]
pub struct Teller(Rc<RefCell<BTreeMap<Key, Quoted>>>);

/// The market that a [`Teller`] tells.
pub struct Told {
    rules: Vec<Rules>,
    quoted: Rc<RefCell<BTreeMap<Key, Quoted>>>,
    since: Ms,
}

impl Told {
    /// A market of these instruments in which nothing is quoted yet.
    pub fn new(mut rules: Vec<Rules>, now: Ms) -> (Self, Teller) {
        rules.sort_by(|a, b| a.key.cmp(&b.key));
        let quoted = rules.iter().map(|rule| (rule.key.clone(), Quoted::default())).collect();
        let quoted = Rc::new(RefCell::new(quoted));
        let market = Self {
            rules,
            quoted: Rc::clone(&quoted),
            since: now,
        };
        (market, Teller(quoted))
    }

    fn look<T>(&self, key: &Key, look: impl FnOnce(&Quoted) -> Option<T>) -> Option<T> {
        look(self.quoted.borrow().get(key)?)
    }

    fn quote<T>(&self, key: &Key, now: Ms, look: impl FnOnce(&Depth) -> Option<T>) -> Option<T> {
        self.look(key, |quoted| {
            (now - quoted.at_ms <= BELIEVED_MS)
                .then(|| look(&quoted.depth))
                .flatten()
        })
    }
}

impl Teller {
    /// A whole book. What is crossed or empty is no book and changes nothing.
    pub fn book(&self, key: &Key, depth: Depth, at_ms: Ms) {
        let sane = matches!((depth.bids.first(), depth.asks.first()), (Some(bid), Some(ask)) if bid.price < ask.price);
        self.tell(key, |quoted| {
            if sane {
                quoted.depth = depth;
                quoted.at_ms = at_ms;
            }
        });
    }

    /// Best bid and ask: levels of the last book that they passed are gone, those behind them stand.
    pub fn touch(&self, key: &Key, bid: Level, ask: Level, at_ms: Ms) {
        self.tell(key, |quoted| {
            if bid.price >= ask.price {
                return;
            }
            let Depth { bids, asks } = &mut quoted.depth;
            bids.retain(|level| level.price < bid.price);
            asks.retain(|level| level.price > ask.price);
            bids.insert(0, bid);
            asks.insert(0, ask);
            quoted.at_ms = at_ms;
        });
    }

    /// Mark price, and index price where the venue tells it.
    pub fn mark(&self, key: &Key, mark: Decimal, index: Option<Decimal>) {
        self.tell(key, |quoted| {
            quoted.mark = Some(mark);
            quoted.index = index.or(quoted.index);
        });
    }

    /// Funding terms. When they name a later settlement than before, the earlier one has happened, at the rate and mark
    /// that were told last before it.
    pub fn funding(&self, key: &Key, terms: Funding) {
        self.tell(key, |quoted| {
            if let Some(before) = &quoted.funding
                && terms.next_ms > before.next_ms
            {
                quoted.settle();
            }
            quoted.funding = Some(terms);
        });
    }

    fn tell(&self, key: &Key, tell: impl FnOnce(&mut Quoted)) {
        if let Some(quoted) = self.0.borrow_mut().get_mut(key) {
            tell(quoted);
        }
    }
}

impl Quoted {
    /// The settlement that the terms in force name.
    fn due(&self) -> Option<Settlement> {
        let terms = self.funding.as_ref()?;
        Some(Settlement {
            at_ms: terms.next_ms,
            rate: terms.predicted.clamp(terms.floor, terms.cap),
            mark: self.mark?,
            interval_hours: terms.interval_hours,
            special: false,
        })
    }

    fn settle(&mut self) {
        if let Some(due) = self.due()
            && self.settled.last().is_none_or(|last| last.at_ms < due.at_ms)
        {
            self.settled.push(due);
            let surplus = self.settled.len().saturating_sub(SETTLEMENTS_KEPT);
            self.settled.drain(..surplus);
        }
    }
}

impl Source for Told {
    fn starts_ms(&self) -> Ms {
        self.since
    }

    fn ends_ms(&self) -> Ms {
        Ms::MAX / 4
    }

    fn showcase_ms(&self) -> Ms {
        self.since
    }

    fn rules(&self) -> &[Rules] {
        &self.rules
    }

    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.quote(key, now, |depth| {
            Some((depth.bids.first()?.price + depth.asks.first()?.price) / Decimal::TWO)
        })
    }

    fn mark(&self, key: &Key, _: Ms) -> Option<Decimal> {
        self.look(key, |quoted| quoted.mark)
    }

    fn index(&self, key: &Key, _: Ms) -> Option<Decimal> {
        self.look(key, |quoted| quoted.index.or(quoted.mark))
    }

    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        self.quote(key, now, |depth| Some(depth.clone()))
    }

    fn best(&self, key: &Key, now: Ms) -> Option<(Level, Level)> {
        self.quote(key, now, |depth| Some((*depth.bids.first()?, *depth.asks.first()?)))
    }

    fn funding(&self, key: &Key, _: Ms) -> Option<Funding> {
        self.look(key, |quoted| quoted.funding.clone())
    }

    /// Those that were told, and the one that is due when its instant has come before the venue named the next.
    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        self.look(key, |quoted| {
            let due = quoted
                .due()
                .filter(|due| quoted.settled.last().is_none_or(|last| last.at_ms < due.at_ms));
            let within = |row: &Settlement| row.at_ms > after && row.at_ms <= until;
            Some(quoted.settled.iter().cloned().chain(due).filter(within).collect())
        })
        .unwrap_or_default()
    }

    fn volume_24h(&self, _: &Key, _: Ms) -> Option<Decimal> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Product, Status, Venue};
    use super::*;

    fn key() -> Key {
        Key {
            venue: Venue::Bybit,
            product: Product::Perp,
            symbol: "XRPUSDT".to_owned(),
        }
    }

    fn market() -> (Told, Teller) {
        let rules = Rules {
            key: key(),
            base: "XRP".to_owned(),
            quote: "USDT".to_owned(),
            tick: Decimal::new(1, 4),
            lot: Decimal::ONE,
            min_quantity: Decimal::ONE,
            max_quantity: Decimal::from(1_000_000),
            max_market_quantity: Decimal::from(100_000),
            min_notional: Decimal::from(5),
            taker_fee: Decimal::new(55, 5),
            maker_fee: Decimal::new(2, 4),
            max_leverage: Decimal::from(50),
            maintenance_margin: Decimal::new(2, 2),
            status: Status::Trading,
        };
        Told::new(vec![rules], 0)
    }

    fn level(price: i64, quantity: i64) -> Level {
        Level {
            price: Decimal::new(price, 2),
            quantity: quantity.into(),
        }
    }

    fn terms(next_ms: Ms, rate: i64) -> Funding {
        Funding {
            predicted: Decimal::new(rate, 4),
            next_ms,
            interval_hours: 8,
            cap: Decimal::new(1, 2),
            floor: Decimal::new(-1, 2),
        }
    }

    #[test]
    fn a_touch_takes_away_what_it_passed_and_leaves_what_lies_behind() {
        let (market, teller) = market();
        let book = Depth {
            bids: vec![level(100, 1), level(99, 2), level(98, 3)],
            asks: vec![level(101, 1), level(102, 2)],
        };
        teller.book(&key(), book, 10);
        teller.touch(&key(), level(99, 7), level(100, 4), 20);
        let depth = market.depth(&key(), 20).unwrap();
        assert_eq!(depth.bids, [level(99, 7), level(98, 3)]);
        assert_eq!(depth.asks, [level(100, 4), level(101, 1), level(102, 2)]);
        // Crossed is no quote.
        teller.touch(&key(), level(103, 7), level(100, 4), 30);
        assert_eq!(market.depth(&key(), 30), Some(depth));
    }

    #[test]
    fn a_quote_that_nobody_repeats_is_none_after_a_while() {
        let (market, teller) = market();
        assert_eq!(market.mid(&key(), 0), None);
        teller.touch(&key(), level(99, 7), level(101, 4), 1_000);
        assert_eq!(market.mid(&key(), 1_000 + BELIEVED_MS), Some(Decimal::ONE));
        assert_eq!(market.mid(&key(), 1_001 + BELIEVED_MS), None);
    }

    #[test]
    fn a_settlement_pays_the_rate_that_was_told_last_before_it_once() {
        let (market, teller) = market();
        teller.mark(&key(), Decimal::TWO, None);
        teller.funding(&key(), terms(1_000, 3));
        teller.funding(&key(), terms(1_000, 5));
        assert_eq!(market.settlements(&key(), 0, 999), []);
        let due = market.settlements(&key(), 0, 1_000);
        assert_eq!((due.len(), due[0].rate), (1, Decimal::new(5, 4)));
        // The venue names the next one: the first stays what it was.
        teller.funding(&key(), terms(2_000, 9));
        teller.mark(&key(), Decimal::TEN, None);
        assert_eq!(market.settlements(&key(), 0, 1_999), due);
        assert_eq!(market.settlements(&key(), 1_000, 1_999), []);
    }
}

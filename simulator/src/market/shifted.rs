//! A market moved in time, so that a recorded or generated one can be played against the wall clock.

use rust_decimal::Decimal;

use super::{Depth, Funding, Key, Level, Ms, Rules, Settlement, Source};

/// Settlements of every interval fall on multiples of this; a shift keeps to it.
const STRIDE_MS: Ms = 8 * 3_600_000;

/// Another market, seen `offset` later than it is. Before its beginning it is its own mirror image, so that whoever asks
/// for history gets as much as there is future.
pub struct Shifted {
    inner: Box<dyn Source + Send>,
    offset: Ms,
    /// Where the mirror stands, in the other market's time: a boundary that every interval has.
    mirror: Ms,
}

impl Shifted {
    /// Moves a market so that its showcase begins at `now`, or up to 8 h before: settlements stay on their hours.
    pub fn to_now(inner: Box<dyn Source + Send>, now: Ms) -> Self {
        let offset = (now - inner.showcase_ms()).div_euclid(STRIDE_MS) * STRIDE_MS;
        let mirror = (inner.starts_ms() + STRIDE_MS - 1).div_euclid(STRIDE_MS) * STRIDE_MS;
        Self { inner, offset, mirror }
    }

    /// The other market's time.
    fn then(&self, now: Ms) -> Ms {
        let then = now - self.offset;
        if then < self.mirror {
            2 * self.mirror - then
        } else {
            then
        }
    }

    /// Settlements seen in the mirror, oldest first.
    fn mirrored(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let until = until.min(self.mirror + self.offset - 1);
        if until <= after {
            return Vec::new();
        }
        // What lies after an instant lies before it in the mirror: the open end of the stretch changes sides.
        let mut rows = self.inner.settlements(key, self.then(until) - 1, self.then(after) - 1);
        rows.reverse();
        for row in &mut rows {
            row.at_ms = 2 * self.mirror - row.at_ms + self.offset;
        }
        rows
    }
}

impl Source for Shifted {
    fn starts_ms(&self) -> Ms {
        2 * self.mirror - self.inner.ends_ms() + self.offset
    }

    fn ends_ms(&self) -> Ms {
        self.inner.ends_ms() + self.offset
    }

    fn showcase_ms(&self) -> Ms {
        self.inner.showcase_ms() + self.offset
    }

    fn rules(&self) -> &[Rules] {
        self.inner.rules()
    }

    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.inner.mid(key, self.then(now))
    }

    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.inner.mark(key, self.then(now))
    }

    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.inner.index(key, self.then(now))
    }

    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        self.inner.depth(key, self.then(now))
    }

    fn best(&self, key: &Key, now: Ms) -> Option<(Level, Level)> {
        self.inner.best(key, self.then(now))
    }

    fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        let mut funding = self.inner.funding(key, self.then(now))?;
        if now - self.offset >= self.mirror {
            funding.next_ms += self.offset;
            return Some(funding);
        }
        let next = self.settlements(key, now, now + 3 * STRIDE_MS).into_iter().next()?;
        Some(Funding {
            predicted: next.rate,
            next_ms: next.at_ms,
            interval_hours: next.interval_hours,
            ..funding
        })
    }

    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let mut rows = self.mirrored(key, after, until);
        let from = (after - self.offset).max(self.mirror - 1);
        rows.extend(
            self.inner
                .settlements(key, from, until - self.offset)
                .into_iter()
                .map(|row| Settlement {
                    at_ms: row.at_ms + self.offset,
                    ..row
                }),
        );
        rows
    }

    fn volume_24h(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.inner.volume_24h(key, self.then(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Generated, GeneratedOptions, Product};

    #[test]
    fn a_shifted_market_says_the_same_later_and_settles_on_the_hour() {
        let make = || Box::new(Generated::new(7, GeneratedOptions::default()));
        let now = 1_800_000_123_456;
        let (plain, shifted) = (make(), Shifted::to_now(make(), now));
        assert!((0..STRIDE_MS).contains(&(now - shifted.showcase_ms())));
        let key = plain
            .rules()
            .iter()
            .find(|rules| rules.key.product == Product::Perp)
            .unwrap()
            .key
            .clone();
        let then = now - shifted.offset;
        assert_eq!(shifted.mid(&key, now), plain.mid(&key, then));
        let day = 3 * STRIDE_MS;
        let past = shifted.settlements(&key, now - 40 * day, now);
        assert!(past.len() >= 120, "{} settlements in forty days", past.len());
        assert!(past.windows(2).all(|pair| {
            let step = pair[1].at_ms - pair[0].at_ms;
            step > 0 && step <= STRIDE_MS && pair[0].at_ms % 3_600_000 == 0
        }));
        assert!((0..40).all(|days| shifted.mid(&key, now - days * day).is_some()));
        let terms = shifted.funding(&key, now - 30 * day).unwrap();
        assert!(terms.next_ms > now - 30 * day && past.iter().any(|row| row.at_ms == terms.next_ms));
        assert_eq!(shifted.funding(&key, now).unwrap().next_ms % 3_600_000, 0);
        let rows = shifted.settlements(&key, now, now + 3 * STRIDE_MS);
        assert!(
            !rows.is_empty()
                && rows
                    .iter()
                    .all(|row| row.at_ms > now && row.at_ms <= now + 3 * STRIDE_MS)
        );
    }
}

//! Which pairs are worth entering, and which hedges are worth leaving.
//!
//! - ST-1  A pair is judged from fresh inputs only; a refused pair carries the first gate that stopped it.
//! - ST-2  The ranking is kept up to date by recomputing only the assets that changed.
//! - ST-3  A hedge is left when what it is expected to bring is worse than leaving and coming back, never because a
//!   rate changed its sign.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::carry::{self, Costs, Outlook, PairTerms};
use crate::funding::FundingTerms;
use crate::hedge::HedgeKind;
use crate::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus, VenueId, common_lot};
use crate::market::{Heard, MarketFact, Quote};
use crate::money::{AssetQuantity, Bps, Price, Usd};
use crate::risk::{Exposure, Freshness, Gate, Limits};
use crate::time::Now;

/// Legs further apart than this are taken for a data fault, not for an opportunity.
const BELIEVABLE_BASIS: Bps = Bps(Decimal::from_parts(300, 0, 0, false, 0));

/// How the owner wants to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Hours that an entry is planned to be held.
    pub hold_hours: u32,
    /// The share of a round trip's cost that a hedge may be expected to lose over the planned hold before it is left:
    /// how likely it is that the same pair would soon be entered again. Between 0 and 1.
    pub reentry_share: Decimal,
}

/// Everything known of one instrument.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Its rules.
    pub instrument: Instrument,
    /// What we pay.
    pub fees: FeeRates,
    /// Its touch.
    pub quote: Option<Heard<Quote>>,
    /// Its funding terms; none on spot.
    pub funding: Option<Heard<FundingTerms>>,
    /// Its mark price; none on spot.
    pub mark: Option<Heard<Price>>,
}

/// Two instruments of one asset, in the direction that would be traded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Bought.
    pub long: InstrumentId,
    /// Sold.
    pub short: InstrumentId,
}

/// A pair and what is thought of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opportunity {
    /// The asset.
    pub asset: Name,
    /// Which combination.
    pub kind: HedgeKind,
    /// The pair.
    pub pair: Pair,
    /// What it would bring, where its inputs are there.
    pub outlook: Option<Outlook>,
    /// The first gate that stops it; none when it may be entered.
    pub refused: Option<Gate>,
}

impl Opportunity {
    fn net(&self) -> Option<Bps> {
        self.outlook.map(|outlook| outlook.net())
    }
}

/// The latest view of every market, and the ranking of pairs.
#[derive(Debug, Default)]
pub struct Board {
    listings: BTreeMap<InstrumentId, Listing>,
    by_asset: BTreeMap<Name, Vec<InstrumentId>>,
    ranked: BTreeMap<Name, Vec<Opportunity>>,
    changed: BTreeSet<Name>,
}

impl Board {
    /// Adds an instrument, or replaces its rules.
    pub fn list(&mut self, instrument: Instrument, fees: FeeRates) {
        let (id, asset) = (instrument.id.clone(), instrument.asset.clone());
        self.changed.insert(asset.clone());
        if let Some(listing) = self.listings.get_mut(&id) {
            (listing.instrument, listing.fees) = (instrument, fees);
            return;
        }
        self.by_asset.entry(asset).or_default().push(id.clone());
        self.listings.insert(
            id,
            Listing {
                instrument,
                fees,
                quote: None,
                funding: None,
                mark: None,
            },
        );
    }

    /// Takes a fact; false when nobody asked about its instrument.
    pub fn observe(&mut self, fact: &MarketFact, now: Now) -> bool {
        let Some(listing) = self.listings.get_mut(fact.instrument()) else {
            return false;
        };
        match fact {
            MarketFact::Quote { quote, venue_time, .. } => {
                listing.quote = Some(Heard {
                    value: *quote,
                    venue_time: *venue_time,
                    at: now.machine,
                });
            }
            MarketFact::Funding { terms, venue_time, .. } => {
                listing.funding = Some(Heard {
                    value: terms.clone(),
                    venue_time: *venue_time,
                    at: now.machine,
                });
            }
            MarketFact::Mark { mark, venue_time, .. } => {
                listing.mark = Some(Heard {
                    value: *mark,
                    venue_time: *venue_time,
                    at: now.machine,
                });
                return true; // no pair is judged by its mark
            }
        }
        if !self.changed.contains(&listing.instrument.asset) {
            self.changed.insert(listing.instrument.asset.clone());
        }
        true
    }

    /// Forgets what a venue said: after its feed was rebuilt, nothing old may be traded on.
    pub fn forget(&mut self, venue: VenueId, product: Product) {
        for (id, listing) in &mut self.listings {
            if id.venue == venue && id.product == product {
                (listing.quote, listing.funding, listing.mark) = (None, None, None);
                self.changed.insert(listing.instrument.asset.clone());
            }
        }
    }

    /// What is known of an instrument.
    pub fn listing(&self, id: &InstrumentId) -> Option<&Listing> {
        self.listings.get(id)
    }

    /// Every instrument.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.listings.values()
    }

    /// Recomputes the pairs of the assets that changed (ST-2); returns how many assets that were.
    pub fn refresh(&mut self, plan: &Plan, limits: &Limits, now: Now) -> usize {
        let changed = std::mem::take(&mut self.changed);
        for asset in &changed {
            let ids = self.by_asset.get(asset).map_or(&[][..], Vec::as_slice);
            let mut judged: Vec<_> = pairs(ids)
                .filter_map(|(kind, long, short)| {
                    let (long, short) = (self.listings.get(long)?, self.listings.get(short)?);
                    Some(judge(kind, long, short, plan, limits, now))
                })
                .collect();
            judged.sort_by(|a, b| b.net().cmp(&a.net()).then_with(|| a.pair.cmp(&b.pair)));
            self.ranked.insert(asset.clone(), judged);
        }
        changed.len()
    }

    /// Every pair, best first within its asset, assets in order of their name.
    pub fn opportunities(&self) -> impl Iterator<Item = &Opportunity> {
        self.ranked.values().flatten()
    }

    /// The pairs that nothing stops, best first, judged again at `now`: time alone can stale an input.
    pub fn enterable(&self, plan: &Plan, limits: &Limits, now: Now) -> Vec<Opportunity> {
        let mut open: Vec<_> = self
            .opportunities()
            .filter(|opportunity| opportunity.refused.is_none())
            .filter_map(|opportunity| self.judge_again(opportunity, plan, limits, now))
            .filter(|opportunity| opportunity.refused.is_none())
            .collect();
        open.sort_by(|a, b| b.net().cmp(&a.net()).then_with(|| a.pair.cmp(&b.pair)));
        open
    }

    fn judge_again(&self, old: &Opportunity, plan: &Plan, limits: &Limits, now: Now) -> Option<Opportunity> {
        let (long, short) = (self.listings.get(&old.pair.long)?, self.listings.get(&old.pair.short)?);
        Some(judge(old.kind, long, short, plan, limits, now))
    }

    /// What staying in a pair is expected to bring over the planned hold, and what leaving and re-entering would cost.
    /// `None` when an input is missing or stale: nothing is decided blindly.
    pub fn stay(&self, pair: &Pair, plan: &Plan, freshness: &Freshness, now: Now) -> Option<(Bps, Costs)> {
        let (long, short) = (self.listings.get(&pair.long)?, self.listings.get(&pair.short)?);
        let inputs = Inputs::fresh(long, short, freshness, now).ok()?;
        let until = now.market.plus_hours(i64::from(plan.hold_hours));
        Some((inputs.terms().funding(now.market, until), inputs.costs(long, short)))
    }
}

/// Every pair of one asset that could be traded: long spot or perp, short perp, never against itself.
fn pairs(ids: &[InstrumentId]) -> impl Iterator<Item = (HedgeKind, &InstrumentId, &InstrumentId)> {
    ids.iter().flat_map(move |long| {
        ids.iter()
            .filter(move |short| *short != long)
            .filter_map(move |short| Some((HedgeKind::of(long.product, short.product)?, long, short)))
    })
}

/// The inputs of a judgement, all of them fresh.
struct Inputs {
    long: Quote,
    short: Quote,
    long_terms: Option<FundingTerms>,
    short_terms: Option<FundingTerms>,
}

impl Inputs {
    fn fresh(long: &Listing, short: &Listing, bounds: &Freshness, now: Now) -> Result<Self, Gate> {
        Ok(Self {
            long: fresh_quote(long, bounds, now)?,
            short: fresh_quote(short, bounds, now)?,
            long_terms: fresh_terms(long, bounds, now)?,
            short_terms: fresh_terms(short, bounds, now)?,
        })
    }

    const fn terms(&self) -> PairTerms<'_> {
        PairTerms {
            long: self.long_terms.as_ref(),
            short: self.short_terms.as_ref(),
        }
    }

    /// Mid prices per asset unit, so that a thousand-fold contract compares with its coin.
    fn basis(&self, long: &Listing, short: &Listing) -> Bps {
        let per_asset = |quote: &Quote, listing: &Listing| Price(quote.mid().0 / listing.instrument.multiplier);
        carry::basis(per_asset(&self.long, long), per_asset(&self.short, short))
    }

    fn costs(&self, long: &Listing, short: &Listing) -> Costs {
        Costs::of_pair(
            (&self.long, long.fees),
            (&self.short, short.fees),
            self.basis(long, short),
        )
    }

    fn in_blackout(&self, now: Now) -> bool {
        [&self.long_terms, &self.short_terms]
            .into_iter()
            .flatten()
            .any(|terms| terms.in_blackout(now.market))
    }
}

fn fresh_quote(listing: &Listing, bounds: &Freshness, now: Now) -> Result<Quote, Gate> {
    let heard = listing.quote.as_ref().ok_or(Gate::Missing("quote"))?;
    let fresh = heard.fresh(now.machine, bounds.quote);
    let fresh = fresh.map_err(|age| Gate::Stale {
        what: "quote",
        age,
        bound: bounds.quote,
    })?;
    if fresh.get().is_sane() {
        Ok(*fresh.get())
    } else {
        Err(Gate::Missing("uncrossed quote"))
    }
}

fn fresh_terms(listing: &Listing, bounds: &Freshness, now: Now) -> Result<Option<FundingTerms>, Gate> {
    if listing.instrument.id.product == Product::Spot {
        return Ok(None);
    }
    let heard = listing.funding.as_ref().ok_or(Gate::Missing("funding rate"))?;
    let fresh = heard.fresh(now.machine, bounds.funding);
    fresh.map(|fresh| Some(fresh.get().clone())).map_err(|age| Gate::Stale {
        what: "funding rate",
        age,
        bound: bounds.funding,
    })
}

/// Judges one pair at `now` (ST-1).
pub fn judge(kind: HedgeKind, long: &Listing, short: &Listing, plan: &Plan, limits: &Limits, now: Now) -> Opportunity {
    let mut opportunity = Opportunity {
        asset: long.instrument.asset.clone(),
        kind,
        pair: Pair {
            long: long.instrument.id.clone(),
            short: short.instrument.id.clone(),
        },
        outlook: None,
        refused: None,
    };
    match weigh(long, short, plan, limits, now) {
        Ok((outlook, refused)) => (opportunity.outlook, opportunity.refused) = (Some(outlook), refused),
        Err(gate) => opportunity.refused = Some(gate),
    }
    opportunity
}

fn weigh(
    long: &Listing,
    short: &Listing,
    plan: &Plan,
    limits: &Limits,
    now: Now,
) -> Result<(Outlook, Option<Gate>), Gate> {
    for listing in [long, short] {
        if listing.instrument.status != TradingStatus::Trading {
            return Err(Gate::Restricted(listing.instrument.id.to_string()));
        }
    }
    let inputs = Inputs::fresh(long, short, &limits.freshness, now)?;
    let outlook = inputs
        .terms()
        .outlook(now.market, plan.hold_hours, inputs.costs(long, short));
    let basis = inputs.basis(long, short);
    let gate = if basis.abs() > BELIEVABLE_BASIS {
        Some(Gate::BasisOutOfRange(basis))
    } else if outlook.net() < limits.min_spread {
        Some(Gate::Spread {
            net: outlook.net(),
            least: limits.min_spread,
        })
    } else if inputs.in_blackout(now) {
        Some(Gate::Blackout)
    } else {
        None
    };
    Ok((outlook, gate))
}

/// An entry that is worth trying: what the executor is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The pair and what it would bring.
    pub opportunity: Opportunity,
    /// Asset units aimed at on each leg, on the common lot of both venues.
    pub target: AssetQuantity,
    /// Notional of one leg at the prices that were seen.
    pub notional: Usd,
    /// What is bought.
    pub long: Instrument,
    /// What is sold.
    pub short: Instrument,
    /// The quantity grid that both share.
    pub lot: AssetQuantity,
}

/// Sizes an opportunity inside the caps.
///
/// # Errors
/// [`Gate::NoRoom`] when the caps leave less than both venues take.
pub fn size(opportunity: &Opportunity, board: &Board, exposure: &Exposure, limits: &Limits) -> Result<Entry, Gate> {
    let Pair { long, short } = &opportunity.pair;
    let room = exposure.room(limits, long.venue, short.venue);
    let too_small = || Gate::NoRoom { room };
    let (long, short) = board
        .listing(long)
        .zip(board.listing(short))
        .ok_or(Gate::Missing("instrument"))?;
    let ask = |listing: &Listing| {
        let quote = listing.quote.as_ref().ok_or(Gate::Missing("quote"))?;
        Ok(Price(quote.value.ask.0 / listing.instrument.multiplier))
    };
    let price = ask(long)?.max(ask(short)?);
    let lot = common_lot(&long.instrument, &short.instrument).ok_or_else(too_small)?;
    let target = crate::hedge::size(room, price, lot);
    let fits = [long, short].into_iter().all(|listing| {
        let instrument = &listing.instrument;
        let unit_price = Price(price.0 * instrument.multiplier);
        let units = instrument.to_units(target);
        instrument.is_orderable(units, unit_price)
            && units <= instrument.max_market_quantity.min(instrument.max_quantity)
    });
    if !fits {
        return Err(too_small());
    }
    Ok(Entry {
        opportunity: opportunity.clone(),
        target,
        notional: Usd(target.0 * price.0),
        long: long.instrument.clone(),
        short: short.instrument.clone(),
        lot,
    })
}

/// Whether a hedge is worth leaving, with the numbers (ST-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StayOrLeave {
    /// It is expected to bring this much over the planned hold.
    Stay(Bps),
    /// It is expected to lose more than leaving and coming back would cost.
    Leave {
        /// Expected over the planned hold.
        expected: Bps,
        /// What would have been tolerated.
        tolerated: Bps,
    },
}

/// Weighs staying against leaving. The cost of leaving itself is paid sooner or later and does not count.
pub fn stay_or_leave(expected: Bps, costs: &Costs, plan: &Plan) -> StayOrLeave {
    let tolerated = Bps(-(costs.fees + costs.slippage).0 * plan.reentry_share);
    if expected < tolerated {
        StayOrLeave::Leave { expected, tolerated }
    } else {
        StayOrLeave::Stay(expected)
    }
}

#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;

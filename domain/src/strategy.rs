//! Which pairs are worth entering, and which hedges are worth leaving.
//!
//! - ST-1  A pair is judged from fresh inputs only; a refused pair carries the first gate that stopped it.
//! - ST-2  The ranking is kept up to date by recomputing only the assets that changed.
//! - ST-3  A hedge is left when what it is expected to bring is worse than leaving and coming back, never because a
//!   rate changed its sign, and not before it has been held for a while.
//!
//! - ST-4  A hedge gives way to another one only when that gains what an entry has to bring, after both changes are paid.
//!
//! `size` fits an entry into the caps, `caps` says what bounds one leg of it, `leave` weighs staying against leaving,
//! `rotate` against changing.

mod caps;
mod leave;
mod rotate;
mod size;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::bounds::Activity;
use crate::carry::{self, Costs, LegCosts, LegFunding, Outlook, PairTerms};
use crate::forecast::{Forecaster, Lean, Memory, Settlement};
use crate::funding::FundingTerms;
use crate::hedge::HedgeKind;
use crate::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus, VenueId};
use crate::market::{Book, Heard, MarketFact, Quote};
use crate::money::{Bps, Price};
use crate::risk::{Freshness, Gate, Limits};
use crate::time::Now;

pub use leave::{StayOrLeave, stay_or_leave};
pub use rotate::{Rotation, gives_way, makes_room};
pub use size::{Entry, size};

/// What venues do unless they say otherwise.
const USUAL_INTERVAL: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);
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
    /// Hours that a hedge is held before it may be left for what it is expected to bring. What endangers it waits for
    /// nothing.
    pub minimum_hold_hours: u32,
    /// Whether a hedge may give way to a better one that finds no room beside it.
    pub rotation: bool,
    /// What perpetuals are expected to pay: from what they have paid, or, without one, what their venue estimates now.
    pub forecast: Option<Forecaster>,
}

/// Everything known of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its rules.
    pub instrument: Instrument,
    /// What we pay.
    pub fees: FeeRates,
    /// Its touch.
    pub quote: Option<Heard<Quote>>,
    /// Its funding terms; none on spot.
    pub funding: Option<Heard<FundingTerms>>,
    /// What is remembered of its settlements; nothing on spot.
    pub past: Memory,
    /// Its mark price; none on spot.
    pub mark: Option<Heard<Price>>,
    /// Its book, where it is of interest and kept without a gap.
    pub book: Option<Heard<Arc<Book>>>,
    /// How much is going on in its market.
    pub activity: Activity,
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

impl Listing {
    /// An instrument that nothing has been heard of yet.
    pub const fn silent(instrument: Instrument, fees: FeeRates) -> Self {
        Self {
            instrument,
            fees,
            quote: None,
            funding: None,
            past: Memory::EMPTY,
            mark: None,
            book: None,
            activity: Activity {
                open_interest: None,
                volume_24h: None,
            },
        }
    }
}

impl Opportunity {
    /// Takes a judgement; returns its net carry.
    fn take(&mut self, judged: Result<Judged, Gate>) -> Option<Bps> {
        let net;
        (self.outlook, self.refused, net) = match judged {
            Ok(judged) => (Some(judged.outlook), judged.refused, Some(judged.net)),
            Err(gate) => (None, Some(gate), None),
        };
        net
    }
}

/// One instrument and the place of its asset.
#[derive(Debug)]
struct Slot {
    listing: Listing,
    asset: usize,
}

/// A pair in the ranking, with the places of its legs among the slots.
#[derive(Debug)]
struct Ranked {
    opportunity: Opportunity,
    net: Option<Bps>,
    long: usize,
    short: usize,
}

/// One asset: its instruments, and its pairs, best first.
#[derive(Debug, Default)]
struct Asset {
    slots: Vec<usize>,
    ranked: Vec<Ranked>,
    /// An instrument was added since the pairs were made.
    grown: bool,
    /// It is among those to be judged again.
    changed: bool,
}

/// Where an instrument stands among the slots.
#[derive(Debug, Default)]
#[expect(
    clippy::disallowed_types,
    reason = "asked for each fact and never walked, so that its order reaches no decision"
)]
struct Places(std::collections::HashMap<InstrumentId, usize>);

/// The latest view of every market, and the ranking of pairs. Names are looked up once for each fact; from there on
/// everything is found by its place.
#[derive(Debug, Default)]
pub struct Board {
    slots: Vec<Slot>,
    places: Places,
    assets: Vec<Asset>,
    by_name: BTreeMap<Name, usize>,
    changed: Vec<usize>,
}

impl Board {
    /// Adds an instrument, or replaces its rules.
    pub fn list(&mut self, instrument: Instrument, fees: FeeRates) {
        let id = instrument.id.clone();
        if let Some(slot) = self.places.0.get(&id).and_then(|place| self.slots.get_mut(*place)) {
            (slot.listing.instrument, slot.listing.fees) = (instrument, fees);
            mark(&mut self.assets, &mut self.changed, slot.asset);
            return;
        }
        let place = self.slots.len();
        let asset = *self.by_name.entry(instrument.asset.clone()).or_insert_with(|| {
            self.assets.push(Asset::default());
            self.assets.len() - 1
        });
        if let Some(asset) = self.assets.get_mut(asset) {
            asset.slots.push(place);
            asset.grown = true;
        }
        mark(&mut self.assets, &mut self.changed, asset);
        self.places.0.insert(id, place);
        let listing = Listing::silent(instrument, fees);
        self.slots.push(Slot { listing, asset });
    }

    /// Takes a fact; false when nobody asked about its instrument. `now.market` is the time by its venue's clock.
    pub fn observe(&mut self, fact: &MarketFact, now: Now) -> bool {
        let place = self.places.0.get(fact.instrument());
        let Some(Slot { listing, asset }) = place.and_then(|place| self.slots.get_mut(*place)) else {
            return false;
        };
        match fact {
            MarketFact::Quote { quote, venue_time, .. } => {
                listing.quote = Some(Heard::new(*quote, *venue_time, now));
            }
            MarketFact::Funding { terms, venue_time, .. } => {
                listing.funding = Some(Heard::new(terms.clone(), *venue_time, now));
            }
            MarketFact::Mark { mark, venue_time, .. } => {
                listing.mark = Some(Heard::new(*mark, *venue_time, now));
                return true; // no pair is judged by its mark
            }
            MarketFact::Book { book, venue_time, .. } => {
                listing.book = Some(Heard::new(Arc::clone(book), *venue_time, now));
                return true; // nor by its book: that is for the order
            }
            MarketFact::BookLost { .. } => {
                listing.book = None;
                return true;
            }
        }
        mark(&mut self.assets, &mut self.changed, *asset);
        true
    }

    /// Takes in settlements that are over, in the order of time; false when nobody asked about their instrument.
    pub fn recall(&mut self, id: &InstrumentId, rows: &[Settlement], plan: &Plan) -> bool {
        let place = self.places.0.get(id);
        let Some(Slot { listing, asset }) = place.and_then(|place| self.slots.get_mut(*place)) else {
            return false;
        };
        let usual = listing
            .funding
            .as_ref()
            .map_or(USUAL_INTERVAL, |terms| terms.value.interval_hours);
        if let Some(forecaster) = &plan.forecast
            && forecaster.recall(&mut listing.past, rows, usual) > 0
        {
            mark(&mut self.assets, &mut self.changed, *asset);
        }
        true
    }

    /// Takes what was read of an instrument's market; false when nobody asked about it. No pair is judged by that: it
    /// bounds a size.
    pub fn hear_activity(&mut self, id: &InstrumentId, activity: Activity) -> bool {
        let place = self.places.0.get(id);
        let slot = place.and_then(|place| self.slots.get_mut(*place));
        slot.map(|slot| slot.listing.activity.hear(activity)).is_some()
    }

    /// Forgets what a venue said: after its feed was rebuilt, nothing old may be traded on.
    pub fn forget(&mut self, venue: VenueId, product: Product) {
        for Slot { listing, asset } in &mut self.slots {
            let id = &listing.instrument.id;
            if id.venue == venue && id.product == product {
                (listing.quote, listing.funding, listing.mark, listing.book) = (None, None, None, None);
                mark(&mut self.assets, &mut self.changed, *asset);
            }
        }
    }

    /// What is known of an instrument.
    pub fn listing(&self, id: &InstrumentId) -> Option<&Listing> {
        self.places.0.get(id).and_then(|place| self.at(*place))
    }

    /// Every instrument, in the order in which they were listed.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        self.slots.iter().map(|slot| &slot.listing)
    }

    fn at(&self, place: usize) -> Option<&Listing> {
        self.slots.get(place).map(|slot| &slot.listing)
    }

    /// Recomputes the pairs of the assets that changed (ST-2); returns how many assets that were.
    pub fn refresh(&mut self, plan: &Plan, limits: &Limits, now: Now) -> usize {
        let judged = self.changed.len();
        let mut legs = Vec::new();
        for place in self.changed.drain(..) {
            let Some(asset) = self.assets.get_mut(place) else {
                continue;
            };
            asset.changed = false;
            if std::mem::take(&mut asset.grown) {
                asset.ranked = pairs(&asset.slots, &self.slots);
            }
            legs.clear();
            let listings = asset
                .slots
                .iter()
                .filter_map(|at| Some((*at, &self.slots.get(*at)?.listing)));
            legs.extend(listings.map(|(at, listing)| (at, Leg::of(listing, plan, &limits.freshness, now))));
            let leg = |place| legs.iter().find(|(at, _)| *at == place).map(|(_, leg)| leg);
            for pair in &mut asset.ranked {
                if let Some((long, short)) = leg(pair.long).zip(leg(pair.short)) {
                    pair.net = pair.opportunity.take(weigh(long, short, (plan, limits), now));
                }
            }
            asset
                .ranked
                .sort_by(|a, b| best_first((a.net, &a.opportunity), (b.net, &b.opportunity)));
        }
        judged
    }

    /// Every pair, best first within its asset, assets in order of their name.
    pub fn opportunities(&self) -> impl Iterator<Item = &Opportunity> {
        self.ranked().map(|pair| &pair.opportunity)
    }

    fn ranked(&self) -> impl Iterator<Item = &Ranked> {
        let assets = self.by_name.values().filter_map(|place| self.assets.get(*place));
        assets.flat_map(|asset| &asset.ranked)
    }

    /// The pairs that nothing stops, best first, judged again at `now`: time alone can stale an input.
    pub fn enterable(&self, plan: &Plan, limits: &Limits, now: Now) -> Vec<Opportunity> {
        let mut open: Vec<_> = self
            .ranked()
            .filter(|pair| pair.opportunity.refused.is_none())
            .filter_map(|pair| {
                let leg = |place| Some(Leg::of(self.at(place)?, plan, &limits.freshness, now));
                let (long, short) = (leg(pair.long)?, leg(pair.short)?);
                let mut again = pair.opportunity.clone();
                let net = again.take(weigh(&long, &short, (plan, limits), now));
                Some((net, again))
            })
            .filter(|(_, opportunity)| opportunity.refused.is_none())
            .collect();
        open.sort_by(|a, b| best_first((a.0, &a.1), (b.0, &b.1)));
        open.into_iter().map(|(_, opportunity)| opportunity).collect()
    }

    /// What staying in a pair is expected to bring over the planned hold, and what leaving and re-entering would cost.
    /// `None` when an input is missing or stale: nothing is decided blindly.
    pub fn stay(&self, pair: &Pair, plan: &Plan, freshness: &Freshness, now: Now) -> Option<(Bps, Costs)> {
        let leg = |id| Some(Leg::of(self.listing(id)?, plan, freshness, now));
        let (long, short) = (leg(&pair.long)?, leg(&pair.short)?);
        let inputs = Inputs::fresh(&long, &short).ok()?;
        let until = now.market.plus_hours(i64::from(plan.hold_hours));
        // What is held is judged by the forecast as it is: doubt is a reason not to enter, not one to pay for leaving.
        let expected = |leg: &Leg<'_>| expected(leg.listing, leg.terms.as_ref().ok()?.as_ref(), plan, Lean::None);
        let (paid, received) = (expected(&long), expected(&short));
        let terms = PairTerms {
            long: paid.as_ref(),
            short: received.as_ref(),
        };
        Some((terms.funding(now.market, until), inputs.costs))
    }

    /// Why a pair that is held has to be left whatever staying would bring: a leg of it ends soon, and its other leg would
    /// stand alone. The last third of the time in which it is not entered any more is enough to leave in, and keeps what
    /// was entered just before that time from being left at once. What has ended takes no orders.
    pub fn must_leave(&self, pair: &Pair, limits: &Limits, now: Now) -> Option<Gate> {
        let least = i64::from(limits.delisting_hours).div_euclid(3).max(1);
        let legs = [&pair.long, &pair.short].into_iter().filter_map(|id| self.listing(id));
        let mut open = legs.filter(|listing| listing.instrument.status.is_open());
        open.find_map(|listing| delisting(&listing.instrument, least, now))
    }
}

/// The gate of an instrument whose announced end is less than `least` hours away.
fn delisting(instrument: &Instrument, least: i64, now: Now) -> Option<Gate> {
    let hours = instrument.hours_left(now.market).filter(|hours| *hours < least)?;
    Some(Gate::Delisting {
        what: instrument.id.to_string(),
        hours,
        least,
    })
}

/// Notes that an asset is to be judged again.
fn mark(assets: &mut [Asset], changed: &mut Vec<usize>, place: usize) {
    if let Some(asset) = assets.get_mut(place).filter(|asset| !asset.changed) {
        asset.changed = true;
        changed.push(place);
    }
}

fn best_first(a: (Option<Bps>, &Opportunity), b: (Option<Bps>, &Opportunity)) -> Ordering {
    b.0.cmp(&a.0).then_with(|| a.1.pair.cmp(&b.1.pair))
}

/// Every pair of one asset that could be traded: long spot or perp, short perp, never against itself.
fn pairs(places: &[usize], slots: &[Slot]) -> Vec<Ranked> {
    let known = |place: &usize| Some((*place, &slots.get(*place)?.listing.instrument));
    let both = places
        .iter()
        .flat_map(|long| places.iter().map(move |short| (long, short)));
    both.filter(|(long, short)| long != short)
        .filter_map(|(long, short)| {
            let ((long, buy), (short, sell)) = known(long).zip(known(short))?;
            Some(Ranked {
                opportunity: Opportunity {
                    asset: buy.asset.clone(),
                    kind: HedgeKind::of(buy.id.product, sell.id.product)?,
                    pair: Pair {
                        long: buy.id.clone(),
                        short: sell.id.clone(),
                    },
                    outlook: None,
                    refused: None,
                },
                net: None,
                long,
                short,
            })
        })
        .collect()
}

/// One side of the pairs of an asset: what is the same in all of them, computed once.
#[derive(Debug)]
struct Leg<'a> {
    listing: &'a Listing,
    touch: Result<Touch, Gate>,
    /// Its schedule and what the venue says of it.
    terms: Result<Option<FundingTerms>, Gate>,
    /// What a short of it is expected to receive, for an entry that is long here, and for one that is short; meaningless
    /// without terms.
    funding: [LegFunding; 2],
}

/// A fresh and sane quote, reduced to what a judgement needs.
#[derive(Clone, Copy, Debug)]
struct Touch {
    /// Bid and ask together, per asset unit, so that a thousand-fold contract compares with its coin. Halves cancel out
    /// where two mid prices are compared.
    twice_mid: Price,
    costs: LegCosts,
}

impl<'a> Leg<'a> {
    fn of(listing: &'a Listing, plan: &Plan, bounds: &Freshness, now: Now) -> Self {
        let terms = fresh_terms(listing, bounds, now).and_then(|terms| remembered(listing, plan, terms));
        let known = terms.as_ref().ok().and_then(Option::as_ref);
        let funding = |terms: Option<&FundingTerms>| LegFunding::of(terms, now.market, plan.hold_hours);
        let leaning = |lean| funding(expected(listing, known, plan, lean).as_ref());
        Self {
            listing,
            funding: match plan.forecast {
                Some(_) => [leaning(Lean::Long), leaning(Lean::Short)],
                None => [funding(known); 2],
            },
            touch: fresh_quote(listing, bounds, now).map(|quote| {
                let (both, multiplier) = (quote.bid.0 + quote.ask.0, listing.instrument.multiplier);
                let single = multiplier == Decimal::ONE;
                Touch {
                    twice_mid: Price(if single { both } else { both / multiplier }),
                    costs: LegCosts::of(&quote, listing.fees),
                }
            }),
            terms,
        }
    }
}

/// The inputs of a judgement, all of them fresh.
struct Inputs<'a> {
    terms: PairTerms<'a>,
    costs: Costs,
    basis: Bps,
}

impl<'a> Inputs<'a> {
    fn fresh(long: &'a Leg<'_>, short: &'a Leg<'_>) -> Result<Self, Gate> {
        let touch = |leg: &Leg<'_>| leg.touch.as_ref().copied().map_err(Clone::clone);
        let (bought, sold) = (touch(long)?, touch(short)?);
        let terms = PairTerms {
            long: long.terms.as_ref().map_err(Clone::clone)?.as_ref(),
            short: short.terms.as_ref().map_err(Clone::clone)?.as_ref(),
        };
        let basis = carry::basis(bought.twice_mid, sold.twice_mid);
        Ok(Self {
            terms,
            costs: Costs::of_legs(&bought.costs, &sold.costs, basis),
            basis,
        })
    }

    fn in_blackout(&self, now: Now) -> bool {
        let mut both = [self.terms.long, self.terms.short].into_iter().flatten();
        both.any(|terms| terms.in_blackout(now.market))
    }
}

fn fresh_quote(listing: &Listing, bounds: &Freshness, now: Now) -> Result<Quote, Gate> {
    let heard = listing.quote.as_ref().ok_or(Gate::Missing("quote"))?;
    let bound = bounds.within(bounds.quote);
    let fresh = heard.fresh(now.machine, bound);
    let fresh = fresh.map_err(|found| Gate::of_age("quote", found, bound))?;
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
    if !heard.value.is_believable() {
        return Err(Gate::Missing("believable funding rate"));
    }
    let bound = bounds.within(bounds.funding);
    let fresh = heard.fresh(now.machine, bound);
    fresh
        .map(|fresh| Some(fresh.get().clone()))
        .map_err(|found| Gate::of_age("funding rate", found, bound))
}

/// The same terms, where enough is remembered to forecast from, or nothing needs to be.
fn remembered(listing: &Listing, plan: &Plan, terms: Option<FundingTerms>) -> Result<Option<FundingTerms>, Gate> {
    let missing = |forecaster: &Forecaster| terms.is_some() && !forecaster.is_warm(&listing.past);
    if plan.forecast.as_ref().is_some_and(missing) {
        return Err(Gate::Missing("settlements to forecast from"));
    }
    Ok(terms)
}

/// What a leg is expected to pay, as funding terms; none on spot.
fn expected(listing: &Listing, known: Option<&FundingTerms>, plan: &Plan, lean: Lean) -> Option<FundingTerms> {
    match &plan.forecast {
        Some(forecaster) => forecaster.terms(&listing.past, known?, lean),
        None => known.cloned(),
    }
}

/// A pair whose inputs were all there.
struct Judged {
    outlook: Outlook,
    net: Bps,
    refused: Option<Gate>,
}

/// Judges one pair at `now` (ST-1).
fn weigh(long: &Leg<'_>, short: &Leg<'_>, (plan, limits): (&Plan, &Limits), now: Now) -> Result<Judged, Gate> {
    for leg in [long, short] {
        let instrument = &leg.listing.instrument;
        if !instrument.status.is_open() {
            return Err(Gate::Restricted {
                what: instrument.id.to_string(),
                why: instrument.status.words(),
            });
        }
        if instrument.status == TradingStatus::Crowded {
            return Err(Gate::AdlHigh(instrument.id.to_string()));
        }
        // Neither may it end before it is planned to be left.
        let least = i64::from(limits.delisting_hours.max(plan.hold_hours));
        delisting(instrument, least, now).map_or(Ok(()), Err)?;
    }
    let inputs = Inputs::fresh(long, short)?;
    let ([long_funding, _], [_, short_funding]) = (&long.funding, &short.funding);
    let outlook = LegFunding::outlook(long_funding, short_funding, now.market, inputs.costs);
    let net = outlook.net();
    let gate = if inputs.basis.abs() > BELIEVABLE_BASIS {
        Some(Gate::BasisOutOfRange(inputs.basis))
    } else if net < limits.min_spread {
        Some(Gate::Spread {
            net,
            least: limits.min_spread,
        })
    } else if inputs.in_blackout(now) {
        Some(Gate::Blackout)
    } else {
        None
    };
    Ok(Judged {
        outlook,
        net,
        refused: gate,
    })
}

#[cfg(test)]
mod gate_tests;
#[cfg(test)]
#[path = "strategy_tests.rs"]
mod tests;

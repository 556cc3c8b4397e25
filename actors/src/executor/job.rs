//! One job: the hedge machine asks for orders, the hands send them, until it rests.

use std::time::Duration;

use domain::crash::{self, Moment, Point};
use domain::execution::{fit, shape, thinner};
use domain::hedge::{Course, Goal, Hedge, HedgeState, Job, LegPrices, Next, OrderNeed, size};
use domain::instrument::{Instrument, Product, Side};
use domain::journal::Record;
use domain::market::Book;
use domain::money::{AssetQuantity, Price, Quantity, Usd};
use domain::order::{ClientOrderId, HedgeId, LegIndex, OrderTicket};
use domain::pause::PauseReason;
use domain::risk::{Exposure, Gate, Losses, approve};
use domain::strategy::{Entry, Pair};
use domain::time::Machine;
use rust_decimal::Decimal;
use slog::{error, info, warn};

use super::Hands;
use super::resting::Pace;
use super::why::{Books, Why};
use crate::messages::{ClearPause, GetHedge, GetPortfolio, HedgeMoved, Intent, JobEnded, Pause, PlanHedge};

/// A decision older than this is not acted upon.
const DECISION_BOUND: Duration = Duration::from_secs(5);
/// The pause between two tries of one leg: long enough for a book to refill, short against the naked bound of 10 s.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// How long a job waits until a pause is durable.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

impl Hands {
    pub(super) async fn run(&self, intent: Intent) -> JobEnded {
        match intent {
            Intent::Enter {
                entry,
                decided_at,
                exposure,
                losses,
            } => {
                // The caps are held against what the decision saw and against what is held now: whoever decides, this
                // gate does not take his word for it.
                let Ok(held) = self.wires.keeper.send(GetPortfolio).await else {
                    return JobEnded::Refused(Gate::Missing("portfolio"));
                };
                let limits = &self.settings.limits;
                let Pair { long, short } = &entry.opportunity.pair;
                let fits = |exposure: &Exposure, lost: Losses| {
                    approve(entry.notional, long.venue, short.venue, exposure, limits, lost)
                };
                let at_venue = || {
                    [long.venue, short.venue]
                        .iter()
                        .find_map(|venue| held.barred_venues.get(venue))
                };
                let barred = held.barred.get(&entry.opportunity.asset).or_else(at_venue).cloned();
                let verdict = self
                    .entry_gate(decided_at)
                    .and_then(|()| barred.map_or(Ok(()), Err))
                    .and_then(|()| fits(&exposure, losses))
                    .and_then(|_| fits(&held.exposure, held.losses));
                match verdict {
                    Ok(_approved) => self.enter(*entry).await,
                    Err(gate) => JobEnded::Refused(gate),
                }
            }
            Intent::Exit { hedge, .. } | Intent::Repair { hedge } if !self.prove(Some(hedge)).await => {
                JobEnded::Unproven(hedge)
            }
            Intent::Exit { hedge, reason } => self.reduce(hedge, Goal::Exit, &reason).await,
            Intent::Repair { hedge } => self.reduce(hedge, Goal::Balance, "the legs are unequal").await,
        }
    }

    /// What must hold for an entry at the moment of acting, whatever was decided before.
    fn entry_gate(&self, decided_at: Machine) -> Result<(), Gate> {
        if let Some(gate) = self.entries.borrow().clone() {
            return Err(gate);
        }
        if self.wires.recorder.is_keeping() {
            return Err(Gate::Paused("rows wait outside of the ledger".to_owned()));
        }
        if !self.may_send() {
            return Err(Gate::Paused("the lease is not held".to_owned()));
        }
        let age = self.wires.clock.now().machine.since(decided_at);
        if age > DECISION_BOUND {
            return Err(Gate::Stale {
                what: "decision",
                age,
                bound: DECISION_BOUND,
            });
        }
        Ok(())
    }

    pub(super) fn may_send(&self) -> bool {
        let now = self.wires.clock.now().machine;
        self.lease.get().is_some_and(|held| held.allows_orders(now))
    }

    async fn enter(&self, mut entry: Entry) -> JobEnded {
        let Pair { long, short } = entry.opportunity.pair.clone();
        if let Err(gate) = self.both_open([&long, &short]).await {
            return JobEnded::Refused(gate);
        }
        for leg in [&entry.long, &entry.short] {
            if let Err(gate) = self.prepare(&leg.instrument, entry.notional).await {
                return JobEnded::Refused(gate);
            }
        }
        let asked = self.wires.clock.now().machine;
        let books = self.books(&long, &short).await;
        let (age, bound) = (self.age_of(&books), self.settings.limits.freshness.book);
        if age > bound {
            return JobEnded::Refused(Gate::Stale {
                what: "book",
                age,
                bound,
            });
        }
        let (Some(long_book), Some(short_book)) = (books.of(LegIndex::Long), books.of(LegIndex::Short)) else {
            return JobEnded::Refused(Gate::Missing("book"));
        };
        let why = Why::entry(&entry, asked);
        let (long_leg, short_leg) = (
            (&entry.long.instrument, long_book),
            (&entry.short.instrument, short_book),
        );
        let most = self.settings.limits.max_slippage;
        let piece = self.slice_of(&entry);
        let fitting = match fit(piece.unwrap_or(entry.target), entry.lot, long_leg, short_leg, most) {
            Ok(fitting) => fitting,
            Err(gate) => return JobEnded::Refused(gate),
        };
        let course = Course {
            slice: piece.map(|_| fitting),
            rests_first: self.settings.manner.rests_for.is_some(),
        };
        if piece.is_none() {
            entry.target = fitting;
        }
        let heard = [&entry.long, &entry.short]
            .into_iter()
            .filter_map(|leg| leg.funding.as_ref());
        let mut pace = Pace {
            begun: asked,
            slice_begun: asked,
            terms: heard.map(|heard| heard.value.clone()).collect(),
        };
        let first = thinner(long_leg, short_leg, most);
        let Ok(Some(hedge)) = self.wires.keeper.send(PlanHedge(entry)).await else {
            return JobEnded::Refused(Gate::Missing("instrument"));
        };
        self.drive(hedge.id, Job::entry(first, course), why, Some(&mut pace))
            .await
    }

    /// The size of a slice, where the entry is larger than one.
    fn slice_of(&self, entry: &Entry) -> Option<AssetQuantity> {
        let price = Price(entry.notional.0.checked_div(entry.target.0)?);
        let slice = size(self.settings.manner.slice?, price, entry.lot);
        // Less than a lot would be no slice at all; a lot is the least that can stand alone.
        Some(slice.max(entry.lot)).filter(|slice| *slice < entry.target)
    }

    /// Sets a perpetual up for a position of this notional, unless it is so already: with the leverage of its risk tier,
    /// where that is less than what is asked for.
    async fn prepare(&self, instrument: &Instrument, notional: Usd) -> Result<(), Gate> {
        let (id, mut setup) = (&instrument.id, self.settings.setup);
        if let Some(tiers) = &instrument.bounds.tiers {
            setup.leverage = tiers
                .leverage(notional, setup.leverage)
                .ok_or_else(|| Gate::MarginTier {
                    what: id.to_string(),
                    most: tiers.most().unwrap_or_default(),
                })?;
        }
        if id.product != Product::Perp || self.prepared.borrow().get(id) == Some(&setup.leverage) {
            return Ok(());
        }
        let desk = self.wires.desks.get(&id.venue).ok_or(Gate::Missing("venue"))?;
        crash::point(Point::JobBeforePrepare);
        let prepared = desk.account.prepare(id, setup).await;
        crash::point(Point::JobPrepared);
        match prepared {
            Ok(()) => {
                self.prepared.borrow_mut().insert(id.clone(), setup.leverage);
                Ok(())
            }
            Err(error) => {
                warn!(self.log, "an instrument could not be prepared"; "instrument" => %id, "error" => %error);
                Err(Gate::Restricted {
                    what: id.to_string(),
                    why: "could not be prepared for trading",
                })
            }
        }
    }

    async fn reduce(&self, id: HedgeId, goal: Goal, reason: &str) -> JobEnded {
        let Ok(Some(hedge)) = self.wires.keeper.send(GetHedge(id)).await else {
            return JobEnded::NoSuchHedge;
        };
        // A perpetual first: it is the leg that can be liquidated, and its order can be told to reduce only.
        let first = if hedge.short.instrument.id.product == Product::Perp {
            LegIndex::Short
        } else {
            LegIndex::Long
        };
        self.drive(id, Job::new(goal, first), Why::reduction(reason), None)
            .await
    }

    /// Lets the machine ask for orders until it rests.
    async fn drive(&self, id: HedgeId, mut job: Job, why: Why, mut pace: Option<&mut Pace>) -> JobEnded {
        let mut untouched = true;
        loop {
            if !untouched
                && job.waits()
                && let Some(why) = self.gives_way(id)
            {
                info!(self.log, "an entry ends with what it has"; "hedge" => id.0, "why" => why);
                job.stop();
            }
            let Ok(Some(mut hedge)) = self.wires.keeper.send(GetHedge(id)).await else {
                return JobEnded::NoSuchHedge;
            };
            let books = self.books(&hedge.long.instrument.id, &hedge.short.instrument.id).await;
            let (before, prices) = (hedge.state, prices(&hedge, &books));
            match hedge.next(&mut job, prices) {
                Next::Rest(state) => return self.rest(hedge, state, &why.reason).await,
                Next::Slice => match self.next_slice(&hedge, pace.as_deref_mut()).await {
                    Ok(()) => hedge.begin_slice(&mut job),
                    Err(why) => {
                        info!(self.log, "an entry ends with what it has"; "hedge" => id.0, "why" => why);
                        job.stop();
                    }
                },
                Next::Order(need) => {
                    if !self.may_send() {
                        hedge.state = before;
                        error!(self.log, "a job stops: the lease is not held"; "hedge" => id.0);
                        return JobEnded::Stopping;
                    }
                    if hedge.needs_both(&need, prices) {
                        let legs = [&hedge.long.instrument.id, &hedge.short.instrument.id];
                        if let Err(gate) = self.both_open(legs).await {
                            if untouched && job.goal == Goal::Exit {
                                return JobEnded::Refused(gate);
                            }
                            job.goal = Goal::Balance; // what was begun rests as a whole
                            continue;
                        }
                    }
                    untouched = false;
                    match self.order(&hedge, need, &books, &why).await {
                        Ok(filled) if !filled.is_zero() => {}
                        Ok(_) => tokio::time::sleep(BETWEEN_TRIES).await,
                        Err(ended) => return ended,
                    }
                }
            }
        }
    }

    /// An opening order is shaped by a fresh book only; a reducing one by what there is.
    fn usable<'a>(&self, books: &'a Books, need: &OrderNeed) -> Option<&'a Book> {
        let fresh = self.age_of(books) <= self.settings.limits.freshness.book;
        books.of(need.leg).filter(|_| fresh || need.purpose.reduces())
    }

    pub(super) fn age_of(&self, books: &Books) -> Duration {
        books.age(self.wires.clock.now().machine)
    }

    /// A leg that could not be matched stops entries until a hedge rests whole or flat again.
    async fn pause_while_one_legged(&self, state: HedgeState) {
        let reason = PauseReason::OneLegged;
        if matches!(state, HedgeState::OneLegged { .. }) {
            self.pause(reason).await;
        } else if self.wires.clear.try_send(ClearPause { key: reason.key() }).is_err() {
            warn!(
                self.log,
                "the supervisor is busy; a pause for a single leg stays until it is resumed"
            );
        }
    }

    /// Stops entries. That is in force as soon as the supervisor has heard it; a ledger that is away, and so cannot keep
    /// it yet, holds nobody up.
    pub(super) async fn pause(&self, reason: PauseReason) {
        let by = "engine".to_owned();
        let heard = self.wires.pause.send(Pause { reason, by });
        if let Ok(Err(error)) = tokio::time::timeout(TOLD_WITHIN, heard).await {
            error!(self.log, "the supervisor did not take a pause"; "error" => %error);
        }
    }

    async fn rest(&self, mut hedge: Hedge, state: HedgeState, reason: &str) -> JobEnded {
        let now = self.wires.clock.now().market;
        match state {
            HedgeState::Open => hedge.opened_at = hedge.opened_at.or(Some(now)),
            HedgeState::Closed => hedge.closed_at = Some(now),
            _ => {}
        }
        info!(self.log, "hedge rests"; "hedge" => hedge.id.0, "state" => %state, "reason" => reason);
        let moved = HedgeMoved {
            row: hedge.row(),
            cause: reason.to_owned(),
        };
        self.pause_while_one_legged(state).await;
        crash::point(Point::JobBeforeRest);
        let rested = self.wires.keeper.send(moved).await;
        crash::enter(Moment::resting(state));
        crash::point(Point::JobRested);
        match rested {
            Ok(Ok(())) => JobEnded::Rested(hedge.id, state),
            Ok(Err(error)) => JobEnded::NotRecorded(error.to_string()),
            Err(error) => JobEnded::NotRecorded(error.to_string()),
        }
    }

    /// Records and sends one order, and waits for its proven end. Answers the units that it filled, or how the job ends.
    async fn order(&self, hedge: &Hedge, need: OrderNeed, books: &Books, why: &Why) -> Result<Quantity, JobEnded> {
        let instrument = &hedge.leg(need.leg).instrument;
        let book = self.usable(books, &need);
        let mut shape = match shape(&need, instrument, book, self.settings.limits.max_slippage) {
            Ok(shape) => shape,
            Err(gate) => {
                info!(self.log, "an order was not sent"; "hedge" => hedge.id.0, "gate" => %gate);
                return Ok(Quantity::ZERO);
            }
        };
        if instrument.id.product == Product::Spot && need.side == Side::Sell {
            shape.quantity = self.cap_at_free(hedge, need.leg, shape.quantity).await;
        }
        if shape.quantity.is_zero() {
            return Ok(Quantity::ZERO);
        }
        if !self.may_leave(hedge, need.purpose).await {
            return Ok(Quantity::ZERO);
        }
        let held = hedge.leg(need.leg).held;
        let ticket = OrderTicket {
            client_id: self.next_id(hedge.id),
            hedge: hedge.id,
            leg: need.leg,
            purpose: need.purpose,
            instrument: instrument.id.clone(),
            side: need.side,
            kind: shape.kind,
            quantity: shape.quantity,
        };
        let holds = !hedge.long.held.is_zero() || !hedge.short.held.is_zero();
        crash::enter(Moment::ordering(need.purpose, holds));
        if let Err(error) = self.record(hedge, &ticket, books, why).await {
            self.end_unsent(&ticket);
            return Err(JobEnded::NotRecorded(error));
        }
        if let Some(why) = self.last_look(hedge, &ticket, books).await {
            self.withhold(ticket, why).await;
            return Ok(Quantity::ZERO);
        }
        let filled = self.send(ticket, held).await.ok_or(JobEnded::Unproven(hedge.id));
        let now = self.wires.clock.now().machine;
        self.acted.borrow_mut().insert(instrument.id.clone(), now);
        filled
    }

    /// Intent, order and the hedge's new state, durable together before a byte leaves.
    async fn record(&self, hedge: &Hedge, ticket: &OrderTicket, books: &Books, why: &Why) -> Result<(), String> {
        let records = vec![
            Record::Hedge {
                row: hedge.row(),
                cause: why.reason.clone(),
            },
            Record::Intent {
                hedge: hedge.id,
                reason: why.reason.clone(),
                inputs: why.with(hedge, books, self.wires.clock.now().machine).to_string(),
            },
            Record::Order(ticket.clone()),
        ];
        let recorder = &self.wires.recorder;
        crash::point(Point::OrderBeforeRecord);
        let written = if ticket.purpose.reduces() {
            recorder.write_way_out(records).await
        } else {
            recorder.write(records).await.map(drop)
        };
        written.map_err(|error| error.to_string())?;
        crash::point(Point::OrderRecorded);
        self.wires
            .keeper
            .send(crate::messages::OrderRecorded(ticket.clone()))
            .await
            .map_err(|error| error.to_string())
    }

    fn next_id(&self, hedge: HedgeId) -> ClientOrderId {
        self.serial.set(self.serial.get() + 1);
        ClientOrderId::derive(
            &self.tag.borrow(),
            &self.settings.run,
            self.wires.recorder.epoch(),
            hedge,
            self.serial.get(),
        )
    }

    /// A spot sale never asks for more than is there: fees in the coin, or a person, may have taken some.
    async fn cap_at_free(&self, hedge: &Hedge, leg: LegIndex, units: Quantity) -> Quantity {
        let instrument = &hedge.leg(leg).instrument;
        let Some(desk) = self.wires.desks.get(&instrument.id.venue) else {
            return units;
        };
        let wallet = domain::accounting::wallet_of(instrument.id.venue, Product::Spot);
        crash::point(Point::JobBeforeFree);
        let read = desk.account.balances().await;
        crash::point(Point::JobFreeRead);
        match read {
            Ok(balances) => {
                let of_base =
                    |balance: &&domain::position::Balance| balance.wallet == wallet && balance.asset == instrument.base;
                let free = balances
                    .iter()
                    .find(of_base)
                    .map_or(Decimal::ZERO, |balance| balance.free);
                units.min(instrument.to_units(AssetQuantity(free * instrument.multiplier)))
            }
            // Without an answer the venue's own check decides.
            Err(_) => units,
        }
    }
}

/// Mids, where a book could be read; else the price of the other leg, for judging what is dust.
fn prices(hedge: &Hedge, books: &Books) -> LegPrices {
    let per_asset = |leg: LegIndex| {
        let quote = books.of(leg).and_then(Book::quote)?;
        Some(quote.mid().0 / hedge.leg(leg).instrument.multiplier)
    };
    let (long, short) = (per_asset(LegIndex::Long), per_asset(LegIndex::Short));
    let price = |leg: LegIndex, own: Option<Decimal>, other: Option<Decimal>| {
        // Blind on both sides: a price so high that nothing counts as dust.
        let asset = own.or(other).unwrap_or(Decimal::from(1_000_000_000));
        Price(asset * hedge.leg(leg).instrument.multiplier)
    };
    LegPrices {
        long: price(LegIndex::Long, long, short),
        short: price(LegIndex::Short, short, long),
    }
}

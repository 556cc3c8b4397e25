//! What is held, and whether the venues agree.
//!
//! Owns      the hedges, the books (positions and cash by the ledger's rows), the reconciliation.
//! Receives  [`AccountFacts`], executions from the executor, its own reconciliation tick.
//! Sends     rows to the ledger before it believes them; [`Reconciled`] to the supervisor.
//! Starts    from [`Restore`]; knows nothing before it.
//! Never     counts an execution twice, whichever road it came by.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::accounting::{Books, CashAccount, HedgeResult};
use domain::alert::{Alert, AlertName};
use domain::funding::FundingPayment;
use domain::hedge::{Hedge, HedgeState, Leg};
use domain::instrument::{FeeRates, Instrument, InstrumentId, Product, VenueId};
use domain::journal::{JournalError, OrderRow, Record};
use domain::money::{AssetQuantity, Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Fill, HedgeId, LegIndex, OrderState, Purpose};
use domain::ports::{AccountView, Clock};
use domain::position::AccountFact;
use domain::reconcile::Inconsistency;
use domain::risk::Exposure;
use domain::strategy::Pair;
use domain::time::{Machine, Timestamp};
use slog::{Logger, error, info, o, warn};

use crate::messages::{
    AccountFacts, AccountFeedOpened, GetHedge, GetPortfolio, Heartbeat, HedgeBrief, HedgeMoved, OrderMoved,
    OrderRecorded, PlanHedge, PortfolioView, Reconcile, Restore,
};
use crate::recorder::Recorder;
use crate::settings::Settings;

mod reconcile;
mod report;

/// Its name in heartbeats.
pub const NAME: &str = "position_keeper";
/// The name of its finished reconciliations in heartbeats.
pub const RECONCILIATION: &str = "reconciliation";

/// Facts waiting: a burst of executions of a swept book, several hundred at once.
const MAILBOX: usize = 1024;
/// The wait for a second feed to open.
const CATCH_UP_AFTER: Duration = Duration::from_secs(1);
/// How long after its last trade an instrument's fills are still asked for, in market time.
const WATCH_HOURS: i64 = 48;

type FillKey = (InstrumentId, String);

/// The outcome of a reconciliation.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Reconciled {
    /// What differs.
    pub found: Vec<Inconsistency>,
    /// Whether anything is held.
    pub holding: bool,
}

/// Whom the keeper tells and asks.
pub struct Wires {
    /// The venues' word.
    pub accounts: BTreeMap<VenueId, Rc<dyn AccountView>>,
    /// Where rows become durable.
    pub recorder: Recorder,
    /// Who counts heartbeats.
    pub supervisor: Recipient<Heartbeat>,
    /// Who judges a reconciliation.
    pub reconciled: Recipient<Reconciled>,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
}

/// What a leg was entered at.
#[derive(Clone, Copy, Debug, Default)]
struct Entered {
    quantity: Quantity,
    value: Usd,
}

/// A hedge that is being watched, with what it has earned.
struct Kept {
    hedge: Hedge,
    result: HedgeResult,
    fees_in_base: Usd,
    entered: BTreeMap<LegIndex, Entered>,
    naked_since: Option<Machine>,
}

/// The actor.
pub struct PositionKeeper {
    wires: Wires,
    settings: Rc<Settings>,
    instruments: BTreeMap<InstrumentId, (Instrument, FeeRates)>,
    hedges: BTreeMap<HedgeId, Kept>,
    closed: Vec<Kept>,
    orders: BTreeMap<ClientOrderId, OrderRow>,
    books: Books,
    fills: BTreeSet<FillKey>,
    payments: BTreeSet<FillKey>,
    opened_at: BTreeMap<VenueId, Timestamp>,
    /// Up to when everything of a venue has been read and agrees.
    agreed_at: BTreeMap<VenueId, Timestamp>,
    /// The wallets as they were read last.
    wallets: BTreeMap<VenueId, Vec<domain::position::Balance>>,
    traded: BTreeMap<InstrumentId, Timestamp>,
    last_price: BTreeMap<InstrumentId, Price>,
    tag: String,
    last_hedge: u64,
    max_naked: Duration,
    reconciliations: u64,
    inconsistencies: u64,
    last_reconciled: Option<Timestamp>,
    restored: bool,
    catching_up: bool,
    log: Logger,
}

impl PositionKeeper {
    /// A keeper that knows nothing yet.
    pub fn new(wires: Wires, settings: Rc<Settings>, log: &Logger) -> Self {
        Self {
            wires,
            settings,
            instruments: BTreeMap::new(),
            hedges: BTreeMap::new(),
            closed: Vec::new(),
            orders: BTreeMap::new(),
            books: Books::default(),
            fills: BTreeSet::new(),
            payments: BTreeSet::new(),
            opened_at: BTreeMap::new(),
            agreed_at: BTreeMap::new(),
            wallets: BTreeMap::new(),
            traded: BTreeMap::new(),
            last_price: BTreeMap::new(),
            tag: String::new(),
            last_hedge: 0,
            max_naked: Duration::ZERO,
            reconciliations: 0,
            inconsistencies: 0,
            last_reconciled: None,
            restored: false,
            catching_up: false,
            log: log.new(o!("actor" => NAME)),
        }
    }

    /// The base and quote coin of an instrument; of one that has since been delisted, by its name.
    fn coins(&self, id: &InstrumentId) -> (domain::instrument::Name, domain::instrument::Name) {
        self.instruments.get(id).map_or_else(
            || {
                let base = id.symbol.as_str().strip_suffix("USDT").unwrap_or(id.symbol.as_str());
                (base.into(), "USDT".into())
            },
            |(instrument, _)| (instrument.base.clone(), instrument.quote.clone()),
        )
    }

    /// Believes an execution, once.
    fn apply_fill(&mut self, fill: &Fill) {
        if !self.fills.insert((fill.instrument.clone(), fill.trade_id.clone())) {
            return;
        }
        let (base, quote) = self.coins(&fill.instrument);
        self.books.fill(fill, &base, &quote);
        self.traded.insert(fill.instrument.clone(), fill.at);
        self.last_price.insert(fill.instrument.clone(), fill.price);
        let Some((hedge, leg, purpose)) = self
            .orders
            .get(&fill.client_id)
            .map(|row| (row.ticket.hedge, row.ticket.leg, row.ticket.purpose))
        else {
            if !fill.client_id.is_ours(&self.tag) {
                self.apply_foreign(fill);
            }
            return;
        };
        let now = self.wires.clock.now().machine;
        let Some(kept) = self.hedges.get_mut(&hedge) else {
            return;
        };
        kept.take(fill, leg, purpose, &base, &quote);
        let naked_for = kept.watch_delta(now);
        self.max_naked = self.max_naked.max(naked_for);
    }

    /// An execution that nobody here ordered: a liquidation, a deleveraging, or a person. Where it shrinks a leg, the leg
    /// is smaller from now on, and the other one is cut to match.
    fn apply_foreign(&mut self, fill: &Fill) {
        warn!(self.log, "an execution that is not ours"; "instrument" => %fill.instrument, "trade_id" => &fill.trade_id);
        let (_, quote) = self.coins(&fill.instrument);
        let now = self.wires.clock.now().machine;
        for kept in self.hedges.values_mut() {
            for leg in LegIndex::BOTH {
                let held = kept.hedge.leg(leg);
                let shrinks = held.instrument.id == fill.instrument && leg.entry_side() != fill.side;
                if shrinks && held.held.0 > rust_decimal::Decimal::ZERO {
                    let delivered = domain::accounting::delivered(fill, &held.instrument);
                    kept.hedge.traded(leg, delivered);
                    kept.result.fill(fill, &quote);
                    kept.watch_delta(now);
                }
            }
        }
    }

    /// Reads the venues soon: feeds that open together are caught up by one reading, which spares the request budget.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.catching_up, true) {
            ctx.run_later(CATCH_UP_AFTER, |keeper, ctx| {
                keeper.catching_up = false;
                ctx.notify(reconcile::Tick);
            });
        }
    }

    /// Believes a funding row, once, and credits it to the hedge that held the position.
    fn apply_funding(&mut self, payment: &FundingPayment) {
        if !self.payments.insert((payment.instrument.clone(), payment.id.clone())) {
            return;
        }
        let (_, quote) = self.coins(&payment.instrument);
        self.books.funding(payment, &quote);
        let holds = |kept: &&mut Kept| {
            let hedge = &kept.hedge;
            let legs = [&hedge.long.instrument.id, &hedge.short.instrument.id];
            legs.contains(&&payment.instrument)
                && hedge.planned_at <= payment.settled_at
                && hedge.closed_at.is_none_or(|closed| payment.settled_at <= closed)
        };
        let kept = self.hedges.values_mut().chain(self.closed.iter_mut()).find(holds);
        if let Some(kept) = kept {
            kept.result.funding += payment.amount;
        }
    }

    fn unseen_fills(&self, fills: Vec<Fill>) -> Vec<Fill> {
        let fresh = |fill: &Fill| !self.fills.contains(&(fill.instrument.clone(), fill.trade_id.clone()));
        fills
            .into_iter()
            .filter(|fill| fresh(fill) && self.is_after_opening(fill.instrument.venue, fill.at))
            .filter_map(|fill| self.attribute(fill))
            .collect()
    }

    /// Some lists of executions do not repeat our name for the order; the venue's name then tells whose it is. While an
    /// order of ours is on its way, an execution of no known order may be its own: it is read again later.
    fn attribute(&self, mut fill: Fill) -> Option<Fill> {
        if !fill.client_id.as_str().is_empty() {
            return Some(fill);
        }
        let mut on_its_way = false;
        for (id, row) in &self.orders {
            if row.ticket.instrument != fill.instrument {
                continue;
            }
            if row.venue_order_id.as_deref() == Some(fill.venue_order_id.as_str()) {
                fill.client_id = id.clone();
                return Some(fill);
            }
            on_its_way |= !row.state.is_terminal();
        }
        (!on_its_way).then_some(fill)
    }

    fn unseen_payments(&self, payments: Vec<FundingPayment>) -> Vec<FundingPayment> {
        let fresh = |payment: &FundingPayment| {
            !self
                .payments
                .contains(&(payment.instrument.clone(), payment.id.clone()))
        };
        let after = |payment: &FundingPayment| self.is_after_opening(payment.instrument.venue, payment.settled_at);
        payments
            .into_iter()
            .filter(|payment| fresh(payment) && after(payment))
            .collect()
    }

    /// Rows from before the wallets were first read are part of what they held then.
    fn is_after_opening(&self, venue: VenueId, at: Timestamp) -> bool {
        self.opened_at.get(&venue).is_some_and(|opened| at > *opened)
    }

    fn leg(&self, id: &InstrumentId) -> Option<Leg> {
        let (instrument, fees) = self.instruments.get(id)?;
        let fee_in_base = if id.product == Product::Spot {
            fees.taker
        } else {
            Rate::ZERO
        };
        Some(Leg::empty(instrument.clone(), fee_in_base))
    }

    /// Price of one asset unit of a leg, as last traded.
    fn asset_price(&self, leg: &Leg) -> Option<Price> {
        let price = self.last_price.get(&leg.instrument.id)?;
        Some(Price(price.0 / leg.instrument.multiplier))
    }

    /// Everything open, being opened, or not yet proven, in full (RI-1).
    fn exposure(&self) -> Exposure {
        let mut exposure = Exposure::default();
        for kept in self.hedges.values() {
            let hedge = &kept.hedge;
            let price = [&hedge.long, &hedge.short]
                .into_iter()
                .filter_map(|leg| self.asset_price(leg))
                .max()
                .unwrap_or_default();
            for leg in [&hedge.long, &hedge.short] {
                let entering = matches!(hedge.state, HedgeState::Planned | HedgeState::Opening(_));
                let units = if entering { leg.held.max(hedge.target) } else { leg.held };
                exposure.add(leg.instrument.id.venue, Usd(units.0 * price.0));
            }
        }
        exposure
    }

    /// What the hedges that were closed since midnight UTC have lost, positive when lost.
    fn lost_today(&self) -> Usd {
        let day = |at: Timestamp| at.millis().div_euclid(24 * domain::time::HOUR_MS);
        let today = day(self.wires.clock.now().market);
        let closed_today = self
            .closed
            .iter()
            .filter(|kept| kept.hedge.closed_at.is_some_and(|at| day(at) == today));
        let earned: Usd = closed_today
            .map(|kept| kept.result.net(Usd::ZERO, kept.fees_in_base))
            .sum();
        (-earned).max(Usd::ZERO)
    }

    fn restore(&mut self, Restore { state, instruments }: Restore) {
        self.instruments = instruments;
        (self.tag, self.last_hedge) = (state.tag, state.last_hedge);
        for opening in &state.openings {
            self.books.open(opening);
            let venue = opening.account.venue;
            let first = self.opened_at.entry(venue).or_insert(opening.at);
            *first = (*first).min(opening.at);
        }
        for row in &state.hedges {
            let (Some(long), Some(short)) = (self.leg(&row.long), self.leg(&row.short)) else {
                error!(self.log, "a hedge's instrument is no longer listed; its positions show up in the reconciliation"; "hedge" => row.id.0);
                continue;
            };
            self.hedges.insert(row.id, Kept::new(Hedge::restore(row, long, short)));
        }
        self.orders = state
            .orders
            .into_iter()
            .map(|row| (row.ticket.client_id.clone(), row))
            .collect();
        if let Some(agreed) = state.reconciled_at {
            self.agreed_at = VenueId::ALL.into_iter().map(|venue| (venue, agreed)).collect();
        }
        for fill in &state.fills {
            self.apply_fill(fill);
        }
        for payment in &state.funding {
            self.apply_funding(payment);
        }
        self.restored = true;
        info!(self.log, "restored from the ledger"; "hedges" => self.hedges.len(), "fills" => self.fills.len(), "funding_payments" => self.payments.len());
    }

    fn plan(&mut self, entry: domain::strategy::Entry) -> Option<Hedge> {
        let (long, short) = (
            self.leg(&entry.opportunity.pair.long)?,
            self.leg(&entry.opportunity.pair.short)?,
        );
        self.last_hedge += 1;
        let price = Price(entry.notional.0.checked_div(entry.target.0)?);
        for leg in [&long, &short] {
            self.last_price
                .entry(leg.instrument.id.clone())
                .or_insert(Price(price.0 * leg.instrument.multiplier));
        }
        let hedge = Hedge {
            id: HedgeId(self.last_hedge),
            kind: entry.opportunity.kind,
            asset: entry.opportunity.asset,
            long,
            short,
            target: entry.target,
            state: HedgeState::Planned,
            planned_at: self.wires.clock.now().market,
            opened_at: None,
            closed_at: None,
        };
        self.hedges.insert(hedge.id, Kept::new(hedge.clone()));
        Some(hedge)
    }

    /// What a hedge's move is worth telling.
    fn alert(&self, moved: &HedgeMoved) -> Option<Alert> {
        let kept = self.hedges.get(&moved.row.id)?;
        let (id, row) = (moved.row.id, &moved.row);
        let subject = format!("hedge {id}");
        match row.state {
            HedgeState::Open if kept.hedge.opened_at.is_none() => {
                let text = format!(
                    "Hedge {id} is open: long {} and short {}, {} {} a leg. {}",
                    row.long, row.short, kept.hedge.long.held, row.asset, moved.cause
                );
                Some(Alert::new(AlertName::HedgeOpened, &subject, text))
            }
            HedgeState::Closed if kept.has_traded() && kept.hedge.opened_at.is_none() => {
                let net = kept.result.net(Usd::ZERO, kept.fees_in_base);
                let text = format!(
                    "Hedge {id} ({}) could not be opened on both legs and was taken back: net {} USD.",
                    row.asset,
                    net.cents()
                );
                Some(Alert::new(AlertName::ExecutionFailed, &subject, text))
            }
            HedgeState::Closed if kept.has_traded() => {
                let net = kept.result.net(Usd::ZERO, kept.fees_in_base);
                let text = format!(
                    "Hedge {id} ({}) is closed: net {} USD, of it funding {} USD, fees {} USD. {}",
                    row.asset,
                    net.cents(),
                    kept.result.funding.cents(),
                    kept.result.fees.cents(),
                    moved.cause
                );
                Some(Alert::new(AlertName::HedgeClosed, &subject, text))
            }
            HedgeState::OneLegged { filled, missing } => {
                let text = format!(
                    "Hedge {id} has one leg: {missing} {} too much on the {} side. It is being repaired; entries wait.",
                    row.asset,
                    filled.as_str()
                );
                Some(Alert::new(AlertName::HedgeOneLegged, &subject, text))
            }
            _ => None,
        }
    }

    fn take_move(&mut self, row: &domain::journal::HedgeRow) {
        let Some(kept) = self.hedges.get_mut(&row.id) else {
            return;
        };
        (kept.hedge.state, kept.hedge.opened_at, kept.hedge.closed_at) = (row.state, row.opened_at, row.closed_at);
        if row.state == HedgeState::Closed
            && let Some(closed) = self.hedges.remove(&row.id)
        {
            self.orders
                .retain(|_, order| order.ticket.hedge != row.id || !order.state.is_terminal());
            if closed.has_traded() {
                self.closed.push(closed);
            }
        }
    }
}

impl Kept {
    fn new(hedge: Hedge) -> Self {
        Self {
            hedge,
            result: HedgeResult::default(),
            fees_in_base: Usd::ZERO,
            entered: BTreeMap::new(),
            naked_since: None,
        }
    }

    /// An open hedge whose legs have come apart is one-legged, whatever its row says.
    fn apparent_state(&self) -> HedgeState {
        let delta = self.hedge.net_delta();
        if self.hedge.state == HedgeState::Open && self.naked_since.is_some() {
            let filled = if delta.0.is_sign_negative() {
                LegIndex::Short
            } else {
                LegIndex::Long
            };
            return HedgeState::OneLegged {
                filled,
                missing: delta.abs(),
            };
        }
        self.hedge.state
    }

    fn has_traded(&self) -> bool {
        !self.entered.is_empty()
    }

    fn take(
        &mut self,
        fill: &Fill,
        leg: LegIndex,
        purpose: Purpose,
        base: &domain::instrument::Name,
        quote: &domain::instrument::Name,
    ) {
        let delivered = domain::accounting::delivered(fill, &self.hedge.leg(leg).instrument);
        self.hedge.traded(leg, delivered);
        self.result.fill(fill, quote);
        if fill.fee_asset == *base && fill.instrument.product == Product::Spot {
            self.fees_in_base += Usd(fill.fee * fill.price.0);
        }
        if purpose == Purpose::Open {
            let entered = self.entered.entry(leg).or_default();
            entered.quantity += fill.quantity;
            entered.value += fill.price.notional(fill.quantity);
        }
    }

    /// Times how long the legs differ by more than either venue's least order; answers how long they have by now.
    fn watch_delta(&mut self, now: Machine) -> Duration {
        let hedge = &self.hedge;
        let least = |leg: &Leg| {
            leg.instrument
                .to_asset(leg.instrument.min_quantity.max(leg.instrument.lot))
        };
        let fee = AssetQuantity(hedge.target.0 * (hedge.long.fee_in_base.0 + hedge.short.fee_in_base.0));
        let bound = least(&hedge.long).max(least(&hedge.short)).max(fee);
        let naked = hedge.net_delta().abs() > bound;
        let lasted = self.naked_since.map_or(Duration::ZERO, |since| now.since(since));
        self.naked_since = naked.then_some(self.naked_since.unwrap_or(now));
        lasted
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for PositionKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(Begin);
    }
}

impl Supervised for PositionKeeper {}

impl Handler<Begin> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        ctx.run_interval(self.settings.heartbeat_every, |keeper, _| {
            let _ = keeper.wires.supervisor.try_send(Heartbeat {
                actor: NAME,
                generation: 0,
            });
            let now = keeper.wires.clock.now().machine;
            let longest = keeper
                .hedges
                .values_mut()
                .map(|kept| kept.watch_delta(now))
                .max()
                .unwrap_or_default();
            keeper.max_naked = keeper.max_naked.max(longest);
        });
        ctx.run_interval(self.settings.reconcile_every, |keeper, ctx| {
            if keeper.restored {
                ctx.notify(reconcile::Tick);
            }
        });
    }
}

impl Handler<Restore> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, restore: Restore, _: &mut Self::Context) {
        self.restore(restore);
    }
}

impl Handler<GetPortfolio> for PositionKeeper {
    type Result = MessageResult<GetPortfolio>;

    fn handle(&mut self, _: GetPortfolio, _: &mut Self::Context) -> Self::Result {
        let brief = |kept: &Kept| HedgeBrief {
            id: kept.hedge.id,
            asset: kept.hedge.asset.clone(),
            pair: Pair {
                long: kept.hedge.long.instrument.id.clone(),
                short: kept.hedge.short.instrument.id.clone(),
            },
            state: kept.apparent_state(),
        };
        let hedges = self.hedges.values().map(brief).collect();
        MessageResult(PortfolioView {
            exposure: self.exposure(),
            hedges,
            lost_today: self.lost_today(),
        })
    }
}

impl Handler<PlanHedge> for PositionKeeper {
    type Result = Option<Hedge>;

    fn handle(&mut self, PlanHedge(entry): PlanHedge, _: &mut Self::Context) -> Self::Result {
        self.plan(entry)
    }
}

impl Handler<GetHedge> for PositionKeeper {
    type Result = Option<Hedge>;

    fn handle(&mut self, GetHedge(id): GetHedge, _: &mut Self::Context) -> Self::Result {
        self.hedges.get(&id).map(|kept| kept.hedge.clone())
    }
}

impl Handler<OrderRecorded> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, OrderRecorded(ticket): OrderRecorded, _: &mut Self::Context) {
        let now = self.wires.clock.now().market;
        self.traded.insert(ticket.instrument.clone(), now);
        if let Some(kept) = self.hedges.get_mut(&ticket.hedge) {
            kept.hedge.state = if ticket.purpose == Purpose::Open {
                HedgeState::Opening(ticket.leg)
            } else {
                kept.hedge.state
            };
        }
        let row = OrderRow {
            ticket,
            state: OrderState::Recorded,
            venue_order_id: None,
            recorded_at: now,
        };
        self.orders.insert(row.ticket.client_id.clone(), row);
    }
}

impl Handler<OrderMoved> for PositionKeeper {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    fn handle(&mut self, moved: OrderMoved, _: &mut Self::Context) -> Self::Result {
        let fills = self.unseen_fills(moved.fills);
        let mut records: Vec<_> = fills.iter().cloned().map(Record::Fill).collect();
        records.push(Record::OrderMoved {
            client_id: moved.client_id.clone(),
            state: moved.state.clone(),
            venue_order_id: moved.venue_order_id.clone(),
            cause: moved.cause,
        });
        let recorder = self.wires.recorder.clone();
        let (id, state, venue_order_id) = (moved.client_id, moved.state, moved.venue_order_id);
        Box::pin(
            async move { recorder.insist(records).await }
                .into_actor(self)
                .map(move |written, keeper, _| {
                    written?;
                    if let Some(row) = keeper.orders.get_mut(&id) {
                        row.state = state;
                        row.venue_order_id = venue_order_id.or_else(|| row.venue_order_id.take());
                    }
                    for fill in &fills {
                        keeper.apply_fill(fill);
                    }
                    Ok(())
                }),
        )
    }
}

impl Handler<HedgeMoved> for PositionKeeper {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    fn handle(&mut self, moved: HedgeMoved, _: &mut Self::Context) -> Self::Result {
        let mut records = vec![Record::Hedge {
            row: moved.row.clone(),
            cause: moved.cause.clone(),
        }];
        records.extend(self.alert(&moved).map(Record::Alert));
        let recorder = self.wires.recorder.clone();
        let written = async move { recorder.insist(records).await };
        Box::pin(written.into_actor(self).map(move |written, keeper, _| {
            written?;
            keeper.take_move(&moved.row);
            Ok(())
        }))
    }
}

impl Handler<AccountFacts> for PositionKeeper {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, AccountFacts { venue, facts }: AccountFacts, _: &mut Self::Context) -> Self::Result {
        let (mut fills, mut payments, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for fact in facts {
            match fact {
                AccountFact::Fill(fill) => fills.push(fill),
                AccountFact::Funding(payment) => payments.push(payment),
                AccountFact::ForcedReduction { instrument, kind } => {
                    let text = format!(
                        "{venue} has reduced {instrument} by itself ({kind}). The other leg is cut at the next evaluation."
                    );
                    records.push(Record::Alert(Alert::new(
                        AlertName::ForcedReduction,
                        &instrument.to_string(),
                        text,
                    )));
                }
                // The executor asks for its orders' fate itself; balances are read whole at each reconciliation.
                AccountFact::Order(_) | AccountFact::Balance(_) => {}
            }
        }
        let (fills, payments) = (self.unseen_fills(fills), self.unseen_payments(payments));
        records.extend(fills.iter().cloned().map(Record::Fill));
        records.extend(payments.iter().flat_map(funding_records));
        if records.is_empty() {
            return Box::pin(actix::fut::ready(()));
        }
        let recorder = self.wires.recorder.clone();
        Box::pin(
            async move { recorder.insist(records).await }.into_actor(self).map(
                move |written, keeper, _| match written {
                    Ok(_) => {
                        for fill in &fills {
                            keeper.apply_fill(fill);
                        }
                        for payment in &payments {
                            keeper.apply_funding(payment);
                        }
                    }
                    Err(error) => {
                        error!(keeper.log, "account facts were not recorded; they are read again"; "error" => %error)
                    }
                },
            ),
        )
    }
}

impl Handler<AccountFeedOpened> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, opened: AccountFeedOpened, ctx: &mut Self::Context) {
        if self.restored {
            info!(self.log, "reading what the account feed missed"; "venue" => %opened.venue);
            self.catch_up(ctx);
        }
    }
}

impl Handler<Reconcile> for PositionKeeper {
    type Result = ResponseActFuture<Self, Result<Vec<Inconsistency>, JournalError>>;

    fn handle(&mut self, _: Reconcile, _: &mut Self::Context) -> Self::Result {
        self.reconcile(reconcile::TRIES)
    }
}

/// A funding row, and the rate that settled where the venue tells it.
fn funding_records(payment: &FundingPayment) -> Vec<Record> {
    let rate = payment.rate.map(|rate| Record::FundingRate {
        instrument: payment.instrument.clone(),
        settlement: payment.settled_at,
        rate,
        settled: true,
    });
    std::iter::once(Record::Funding(payment.clone())).chain(rate).collect()
}

/// Which wallets have been opened, for the reconciliation.
fn opened_accounts(books: &Books) -> BTreeSet<CashAccount> {
    books.cash().map(|(account, _)| account.clone()).collect()
}

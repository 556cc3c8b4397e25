//! What is held, and whether the venues agree.
//!
//! Owns      the hedges, the books (positions and cash by the ledger's rows), the reconciliation.
//! Receives  [`AccountFacts`], executions from the executor, its own reconciliation tick.
//! Sends     rows to the ledger before it believes them; [`Reconciled`] to the supervisor.
//! Starts    from [`Restore`]; knows nothing before it.
//! Never     counts an execution twice, whichever road it came by.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::crash::{self, Point};
use domain::funding::FundingPayment;
use domain::hedge::{Hedge, HedgeState};
use domain::instrument::{InstrumentId, VenueId};
use domain::journal::{JournalError, Record};
use domain::money::Quantity;
use domain::order::Fill;
use domain::portfolio::tracked::Tracked;
use domain::portfolio::{Portfolio, Seen};
use domain::ports::{AccountView, Clock};
use domain::position::Balance;
use domain::reconcile::Inconsistency;
use domain::strategy::Pair;
use domain::time::{Machine, Timestamp};
use slog::{Logger, error, info, o, warn};

use crate::messages::{
    AccountFeedOpened, GetHedge, GetPortfolio, HasExecuted, Heartbeat, HedgeBrief, HedgeMoved, OrderMoved,
    OrderRecorded, PlanHedge, PortfolioView, Reconcile, Restore, Urgent,
};
use crate::recorder::Recorder;
use crate::settings::Settings;

mod reconcile;
mod report;
mod streamed;

pub use streamed::HurryTo;

/// Its name in heartbeats.
pub const NAME: &str = "position_keeper";
/// The name of its finished reconciliations in heartbeats.
pub const RECONCILIATION: &str = "reconciliation";

/// Facts waiting: a burst of executions of a swept book, several hundred at once.
const MAILBOX: usize = 1024;
/// The wait for a second feed to open.
const CATCH_UP_AFTER: Duration = Duration::from_secs(1);
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

/// The actor.
pub struct PositionKeeper {
    wires: Wires,
    settings: Rc<Settings>,
    portfolio: Portfolio,
    /// The wallets as they were read last.
    wallets: BTreeMap<VenueId, Vec<Balance>>,
    reconciliations: u64,
    inconsistencies: u64,
    last_reconciled: Option<Timestamp>,
    restored: bool,
    catching_up: bool,
    /// A settlement was heard of; its rows are read soon.
    settling: bool,
    /// How positions stand by the streams, until they have been held against the books.
    told: BTreeMap<InstrumentId, Quantity>,
    /// What strangers have traded of what hedges hold, until the next comparison tells it.
    foreign: Vec<Inconsistency>,
    /// When a venue last said that it had reduced a position by itself.
    forced: BTreeMap<InstrumentId, Machine>,
    /// Who looks at once when a leg was cut by its venue.
    urgent: Option<Recipient<Urgent>>,
    log: Logger,
}

impl PositionKeeper {
    /// A keeper that knows nothing yet.
    pub fn new(wires: Wires, settings: Rc<Settings>, log: &Logger) -> Self {
        Self {
            wires,
            settings,
            portfolio: Portfolio::default(),
            wallets: BTreeMap::new(),
            reconciliations: 0,
            inconsistencies: 0,
            last_reconciled: None,
            restored: false,
            catching_up: false,
            settling: false,
            told: BTreeMap::new(),
            foreign: Vec::new(),
            forced: BTreeMap::new(),
            urgent: None,
            log: log.new(o!("actor" => NAME)),
        }
    }

    /// Believes rows that are durable. An execution that nobody here ordered may have cut a leg: then it is looked at once.
    fn believe(&mut self, fills: &[Fill], payments: &[FundingPayment]) {
        let now = self.wires.clock.now().machine;
        let mut foreign = false;
        for fill in fills {
            if self.portfolio.believe_fill(fill, now) == Seen::Foreign {
                foreign = true;
                self.note_foreign(fill, now);
                warn!(self.log, "an execution that is not ours"; "instrument" => %fill.instrument, "trade_id" => &fill.trade_id);
            }
        }
        for payment in payments {
            self.portfolio.believe_funding(payment);
        }
        let is_cut = |tracked: &Tracked| matches!(tracked.apparent_state(), HedgeState::OneLegged { .. });
        if foreign && self.portfolio.hedges().any(is_cut) {
            self.hurry();
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
            keeper.portfolio.watch_deltas(keeper.wires.clock.now().machine);
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

    fn handle(&mut self, Restore { state, instruments }: Restore, _: &mut Self::Context) {
        let now = self.wires.clock.now().machine;
        for delisted in self.portfolio.restore(state, instruments, now) {
            error!(self.log, "a hedge's instrument is no longer listed; its positions show up in the reconciliation"; "hedge" => delisted.0);
        }
        self.restored = true;
        let (fills, payments) = self.portfolio.rows_believed();
        info!(self.log, "restored from the ledger"; "hedges" => self.portfolio.hedges().len(), "fills" => fills, "funding_payments" => payments);
    }
}

impl Handler<GetPortfolio> for PositionKeeper {
    type Result = MessageResult<GetPortfolio>;

    fn handle(&mut self, _: GetPortfolio, _: &mut Self::Context) -> Self::Result {
        let brief = |tracked: &Tracked| HedgeBrief {
            id: tracked.hedge.id,
            asset: tracked.hedge.asset.clone(),
            pair: Pair {
                long: tracked.hedge.long.instrument.id.clone(),
                short: tracked.hedge.short.instrument.id.clone(),
            },
            state: tracked.apparent_state(),
            opened_at: tracked.hedge.opened_at,
            endangered: self.portfolio.endangered(&tracked.hedge),
        };
        MessageResult(PortfolioView {
            exposure: self.portfolio.exposure(),
            hedges: self.portfolio.hedges().map(brief).collect(),
            barred: self.portfolio.barred(),
            barred_venues: self.portfolio.barred_venues(),
            losses: self.portfolio.losses(self.wires.clock.now().market),
        })
    }
}

impl Handler<PlanHedge> for PositionKeeper {
    type Result = Option<Hedge>;

    fn handle(&mut self, PlanHedge(entry): PlanHedge, _: &mut Self::Context) -> Self::Result {
        self.portfolio.plan(entry, self.wires.clock.now().market)
    }
}

impl Handler<GetHedge> for PositionKeeper {
    type Result = Option<Hedge>;

    fn handle(&mut self, GetHedge(id): GetHedge, _: &mut Self::Context) -> Self::Result {
        self.portfolio.hedge(id).cloned()
    }
}

impl Handler<HasExecuted> for PositionKeeper {
    type Result = bool;

    fn handle(&mut self, HasExecuted(id): HasExecuted, _: &mut Self::Context) -> Self::Result {
        self.portfolio.has_executed(&id)
    }
}

impl Handler<OrderRecorded> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, OrderRecorded(ticket): OrderRecorded, _: &mut Self::Context) {
        self.portfolio.order_recorded(ticket, self.wires.clock.now().market);
    }
}

impl Handler<OrderMoved> for PositionKeeper {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    fn handle(&mut self, moved: OrderMoved, _: &mut Self::Context) -> Self::Result {
        let fills = self.portfolio.unseen_fills(moved.fills);
        let mut records: Vec<_> = fills.iter().cloned().map(Record::Fill).collect();
        records.push(Record::OrderMoved {
            client_id: moved.client_id.clone(),
            state: moved.state.clone(),
            venue_order_id: moved.venue_order_id.clone(),
            cause: moved.cause,
        });
        let recorder = self.wires.recorder.clone();
        let (id, state, venue_order_id) = (moved.client_id, moved.state, moved.venue_order_id);
        Box::pin(kept(recorder, records).into_actor(self).map(move |written, keeper, _| {
            written?;
            keeper.portfolio.order_moved(&id, state, venue_order_id);
            keeper.believe(&fills, &[]);
            Ok(())
        }))
    }
}

impl Handler<HedgeMoved> for PositionKeeper {
    type Result = ResponseActFuture<Self, Result<(), JournalError>>;

    fn handle(&mut self, moved: HedgeMoved, _: &mut Self::Context) -> Self::Result {
        let mut records = vec![Record::Hedge {
            row: moved.row.clone(),
            cause: moved.cause.clone(),
        }];
        records.extend(self.portfolio.news(&moved.row, &moved.cause).map(Record::Alert));
        let recorder = self.wires.recorder.clone();
        let written = async move {
            crash::point(Point::HedgeBeforeKeep);
            let written = recorder.insist_way_out(records).await;
            crash::point(Point::HedgeKept);
            written
        };
        Box::pin(written.into_actor(self).map(move |written, keeper, _| {
            written?;
            keeper.portfolio.hedge_moved(&moved.row);
            Ok(())
        }))
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

/// Makes an order's end and its executions durable.
async fn kept(recorder: Recorder, records: Vec<Record>) -> Result<(), JournalError> {
    crash::point(Point::FillBeforeKeep);
    let written = recorder.insist_way_out(records).await;
    crash::point(Point::FillKept);
    written
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

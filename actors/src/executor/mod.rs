//! The only actor that writes to a venue.
//!
//! Owns      the order gateways; no other actor is handed one.
//! Receives  [`Execute`], from the strategist and from people; [`ResolveOrders`] at start.
//! Sends     intents to the ledger and waits for the durable answer, then orders; executions to the position keeper.
//! Starts    with entries gated and without a lease.
//! Never     begins a job before [`StartWork`], has two jobs at once, and never sends an order twice.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::lease::Held;
use domain::order::{Breaker, ClientOrderId, HedgeId};
use domain::ports::{AccountView, Clock, MarketData, OrderGateway};
use domain::risk::Gate;
use domain::time::Machine;
use serde_json::json;
use slog::{Logger, o};
use tokio::sync::oneshot;

use crate::messages::{
    ClearPause, Drain, EntriesGated, Execute, GetBook, Heartbeat, Intent, JobEnded, LeaseChanged, Observe, Pause,
    ResolveOrders,
};
use crate::position_keeper::PositionKeeper;
use crate::recorder::Recorder;
use crate::settings::Settings;

mod books;
mod breaker;
mod job;
mod last_look;
mod order;
mod resting;
mod shut;
mod sweep;
mod why;

use order::Trail;
pub use sweep::CancelOrphans;

/// Its name in heartbeats.
pub const NAME: &str = "executor";

/// Intents waiting. Small on purpose: by the fifth, the decision behind it is stale.
const MAILBOX: usize = 8;
/// How often the orders that were laid aside are asked about while there is nothing else to do.
const PROVE_EVERY: Duration = Duration::from_secs(5);

/// What an executor needs of one venue.
pub struct Desk {
    /// Sends orders.
    pub gateway: Rc<dyn OrderGateway>,
    /// Reads books.
    pub data: Rc<dyn MarketData>,
    /// Reads balances, sets leverage.
    pub account: Rc<dyn AccountView>,
}

/// Whom the executor tells and asks.
pub struct Wires {
    /// The venues.
    pub desks: BTreeMap<VenueId, Desk>,
    /// Keeps the hedges.
    pub keeper: Addr<PositionKeeper>,
    /// Knows the books that are kept from their changes.
    pub books: Recipient<GetBook>,
    /// Where intents become durable.
    pub recorder: Recorder,
    /// Stops entries.
    pub pause: Recipient<Pause>,
    /// Lifts what clears itself.
    pub clear: Recipient<ClearPause>,
    /// Who counts heartbeats.
    pub supervisor: Recipient<Heartbeat>,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
}

/// What a running job works with.
struct Hands {
    wires: Wires,
    settings: Rc<Settings>,
    entries: RefCell<Option<Gate>>,
    lease: Cell<Option<Held>>,
    stopping: Cell<bool>,
    /// Hedges that wait for the running job, and whether they are to be left.
    waiting: RefCell<Vec<(HedgeId, bool)>>,
    tag: RefCell<String>,
    serial: Cell<u32>,
    /// The perpetuals that are set up, each with its leverage.
    prepared: RefCell<BTreeMap<InstrumentId, u8>>,
    /// Orders whose fate the venue has not told yet; nothing is done to their hedges before.
    aside: RefCell<BTreeMap<ClientOrderId, Trail>>,
    /// When our last order of an instrument was over: a book of before then does not show what it took.
    acted: RefCell<BTreeMap<InstrumentId, Machine>>,
    /// Counts orders and refusals.
    breaker: RefCell<Breaker>,
    /// Hosts of which people have been told that they take no orders.
    shut: RefCell<BTreeSet<(VenueId, Product)>>,
    log: Logger,
}

/// The actor.
pub struct Executor {
    hands: Rc<Hands>,
    queue: VecDeque<(Intent, oneshot::Sender<JobEnded>)>,
    busy: bool,
    /// Whether the truth is known: no job of any kind is begun before.
    ready: bool,
    jobs: u64,
    /// Whoever waits for the running job to be the last one.
    draining: Vec<oneshot::Sender<()>>,
}

impl Executor {
    /// An executor that may not send anything yet.
    pub fn new(wires: Wires, settings: Rc<Settings>, log: &Logger) -> Self {
        let hands = Hands {
            wires,
            settings,
            entries: RefCell::new(Some(Gate::Paused("starting".to_owned()))),
            lease: Cell::new(None),
            stopping: Cell::new(false),
            waiting: RefCell::default(),
            tag: RefCell::new(String::new()),
            serial: Cell::new(0),
            prepared: RefCell::default(),
            aside: RefCell::new(BTreeMap::new()),
            acted: RefCell::new(BTreeMap::new()),
            breaker: RefCell::default(),
            shut: RefCell::new(BTreeSet::new()),
            log: log.new(o!("actor" => NAME)),
        };
        Self {
            hands: Rc::new(hands),
            queue: VecDeque::new(),
            busy: false,
            ready: false,
            jobs: 0,
            draining: Vec::new(),
        }
    }

    /// Exits and repairs before entries; among equals the oldest.
    fn next(&mut self) -> Option<(Intent, oneshot::Sender<JobEnded>)> {
        let reducing = self
            .queue
            .iter()
            .position(|(intent, _)| !matches!(intent, Intent::Enter { .. }));
        let next = self.queue.remove(reducing.unwrap_or(0));
        self.note_urgent();
        next
    }

    fn note_urgent(&self) {
        let reduced = self.queue.iter().filter_map(|(intent, _)| match intent {
            Intent::Exit { hedge, .. } => Some((*hedge, true)),
            Intent::Repair { hedge } => Some((*hedge, false)),
            Intent::Enter { .. } => None,
        });
        *self.hands.waiting.borrow_mut() = reduced.collect();
    }

    fn idle(&mut self, ctx: &mut Context<Self>) {
        self.busy = false;
        for waiting in self.draining.drain(..) {
            let _ = waiting.send(()); // whoever waited may be gone
        }
        self.pump(ctx);
    }

    fn pump(&mut self, ctx: &mut Context<Self>) {
        if self.busy || !self.ready {
            return;
        }
        let Some((intent, answer)) = self.next() else {
            return;
        };
        (self.busy, self.jobs) = (true, self.jobs + 1);
        let hands = Rc::clone(&self.hands);
        async move { hands.run(intent).await }
            .into_actor(self)
            .map(move |ended, executor, ctx| {
                let _ = answer.send(ended); // whoever asked may be gone
                executor.idle(ctx);
            })
            .spawn(ctx);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for Executor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(Begin);
    }
}

impl Supervised for Executor {}

impl Handler<Begin> for Executor {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        ctx.run_interval(self.hands.settings.heartbeat_every, |executor, _| {
            let _ = executor.hands.wires.supervisor.try_send(Heartbeat {
                actor: NAME,
                generation: 0,
            });
        });
        ctx.run_interval(PROVE_EVERY, |executor, ctx| {
            let idle = !executor.busy && executor.ready && executor.queue.is_empty();
            if idle && !executor.hands.aside.borrow().is_empty() {
                executor.busy = true;
                let hands = Rc::clone(&executor.hands);
                async move { hands.prove(None).await }
                    .into_actor(executor)
                    .map(|_, executor, ctx| executor.idle(ctx))
                    .spawn(ctx);
            }
        });
    }
}

impl Handler<Execute> for Executor {
    type Result = ResponseFuture<JobEnded>;

    fn handle(&mut self, Execute(intent): Execute, ctx: &mut Self::Context) -> Self::Result {
        let (answer, ended) = oneshot::channel();
        if self.hands.stopping.get() {
            return Box::pin(std::future::ready(JobEnded::Stopping));
        }
        self.queue.push_back((intent, answer));
        self.note_urgent();
        self.pump(ctx);
        Box::pin(async move { ended.await.unwrap_or(JobEnded::Stopping) })
    }
}

impl Handler<ResolveOrders> for Executor {
    type Result = ResponseActFuture<Self, usize>;

    fn handle(&mut self, ResolveOrders(orders): ResolveOrders, _: &mut Self::Context) -> Self::Result {
        self.busy = true;
        let hands = Rc::clone(&self.hands);
        let resolved = async move {
            for row in orders {
                hands.resolve_row(row).await;
            }
        };
        Box::pin(resolved.into_actor(self).map(|(), executor, ctx| {
            executor.idle(ctx);
            executor.hands.aside.borrow().len()
        }))
    }
}

/// The ledger and the venues have been compared: jobs may begin.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StartWork;

impl Handler<StartWork> for Executor {
    type Result = ();

    fn handle(&mut self, _: StartWork, ctx: &mut Self::Context) {
        self.ready = true;
        self.pump(ctx);
    }
}

/// The ledger's tag in client order ids.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct UseTag(pub String);

impl Handler<UseTag> for Executor {
    type Result = ();

    fn handle(&mut self, UseTag(tag): UseTag, _: &mut Self::Context) {
        *self.hands.tag.borrow_mut() = tag;
    }
}

impl Handler<EntriesGated> for Executor {
    type Result = ();

    fn handle(&mut self, EntriesGated(gate): EntriesGated, _: &mut Self::Context) {
        *self.hands.entries.borrow_mut() = gate;
    }
}

impl Handler<LeaseChanged> for Executor {
    type Result = ();

    fn handle(&mut self, LeaseChanged(held): LeaseChanged, _: &mut Self::Context) {
        self.hands.lease.set(held);
    }
}

impl Handler<Drain> for Executor {
    type Result = ResponseFuture<()>;

    /// Answered when the running job is over; what waits in the queue is told that it will not be begun.
    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.hands.stopping.set(true);
        for (_, answer) in self.queue.drain(..) {
            let _ = answer.send(JobEnded::Stopping);
        }
        let hands = Rc::clone(&self.hands);
        if !self.busy {
            return Box::pin(async move { hands.leave_nothing_resting().await });
        }
        let (answer, idle) = oneshot::channel();
        self.draining.push(answer);
        Box::pin(async move {
            idle.await.unwrap_or(());
            hands.leave_nothing_resting().await;
        })
    }
}

impl Handler<Observe> for Executor {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        MessageResult(json!({
            "busy": self.busy,
            "queued": self.queue.len(),
            "jobs": self.jobs,
            "orders_unproven": self.hands.aside.borrow().len(),
        }))
    }
}

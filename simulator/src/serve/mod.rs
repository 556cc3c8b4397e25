//! The edge: the exchange behind HTTP/1.1 and WebSocket, over sockets or in-process pipes.
//!
//! ```text
//! mod       Twin: the exchange, its clock, its sessions, its observers
//! http      one connection: requests, faults on them, the upgrade
//! socket    one websocket: frames in, pushes out
//! control   /sim/*: truth, faults, clock, market
//! ```
//!
//! Single-threaded: everything runs on the local set that polls it. No clock but the one handed in; timers are
//! tokio's, so that paused time works.

mod control;
mod http;
mod socket;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::exchange::{AccountSpec, Carried, CarriedError, Event, Exchange, MarketError, MarketOverride, Quirks};
use crate::faults::{Action, FaultError, Faults, Rule};
use crate::market::{Ms, Source, Venue};
use crate::wire::{Host, Wire, wire};
use socket::Slot;

/// How long a frame travels over a real socket. Clients note a subscription right after they have sent it: an
/// acknowledgement that is back before that, as loopback alone would have it, meets some of them unprepared.
const TRANSIT: Duration = Duration::from_millis(5);

/// How a twin is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The customers.
    pub accounts: Vec<AccountSpec>,
    /// Goes into ids.
    pub seed: u64,
    /// Simulated milliseconds per real one.
    pub speed: u32,
    /// How often market data is pushed, in tokio's time.
    pub push_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            accounts: vec![AccountSpec::demo()],
            seed: 7,
            speed: 1,
            push_every: Duration::from_millis(100),
        }
    }
}

/// Told of each fact of the truth, in order, right after it happened.
pub type EventHook = Box<dyn FnMut(&Event, Ms)>;

struct Inner {
    exchange: RefCell<Exchange>,
    faults: RefCell<Faults>,
    wires: BTreeMap<Host, Rc<dyn Wire>>,
    sessions: RefCell<BTreeMap<u64, Rc<Slot>>>,
    next_session: Cell<u64>,
    hooks: RefCell<Vec<EventHook>>,
    telling: Cell<bool>,
    clock: Rc<dyn Fn() -> Ms>,
    offset: Cell<Ms>,
    push_every: Duration,
}

/// The venues' twin. Cheap to clone: all clones are one twin.
#[derive(Clone)]
pub struct Twin(Rc<Inner>);

impl std::fmt::Debug for Twin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twin")
            .field("sessions", &self.0.sessions.borrow().len())
            .finish_non_exhaustive()
    }
}

impl Twin {
    /// A twin on a market, speaking as the venues do. `clock` is the simulated time in ms; it must not go back.
    pub fn new(source: Box<dyn Source>, options: Options, clock: Rc<dyn Fn() -> Ms>) -> Self {
        let wires = Host::ALL.into_iter().map(|host| (host, wire(host))).collect();
        Self::with_wires(source, options, clock, wires)
    }

    /// The same with wires of your own; a host without one answers 404.
    pub fn with_wires(
        source: Box<dyn Source>,
        options: Options,
        clock: Rc<dyn Fn() -> Ms>,
        wires: BTreeMap<Host, Rc<dyn Wire>>,
    ) -> Self {
        let Options {
            accounts,
            seed,
            speed,
            push_every,
        } = options;
        let exchange = Exchange::new(source, &accounts, seed, speed, clock());
        Self(Rc::new(Inner {
            exchange: RefCell::new(exchange),
            faults: RefCell::new(Faults::seeded(seed)),
            wires,
            sessions: RefCell::default(),
            next_session: Cell::new(0),
            hooks: RefCell::default(),
            telling: Cell::new(false),
            clock,
            offset: Cell::new(0),
            push_every,
        }))
    }

    /// The simulator's time.
    pub fn now(&self) -> Ms {
        (self.0.clock)() + self.0.offset.get()
    }

    /// Serves one connection of a host until it ends. Must run on a local set.
    pub async fn serve<Io>(&self, host: Host, io: Io)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        http::serve(self.clone(), host, io, Duration::ZERO).await;
    }

    /// Serves every connection that a listener accepts. Must run on a local set; ends only with an error of the
    /// listener.
    ///
    /// # Errors
    /// What `accept` says when it can no longer accept.
    pub async fn listen(&self, host: Host, listener: TcpListener) -> std::io::Result<()> {
        loop {
            let (socket, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                // A client that is gone before it was accepted is no fault of the listener.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let _ = socket.set_nodelay(true);
            let twin = self.clone();
            tokio::task::spawn_local(async move { http::serve(twin, host, socket, TRANSIT).await });
        }
    }

    /// Lets time pass and pushes market data, for ever. Must run on a local set.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(self.0.push_every).await;
            self.push();
        }
    }

    /// Lets time pass up to now, tells what happened, and pushes the market data that changed.
    pub fn push(&self) {
        let now = self.now();
        self.advance(now);
        let sessions: Vec<Rc<Slot>> = self.0.sessions.borrow().values().cloned().collect();
        for slot in sessions {
            let messages = slot.session.borrow_mut().tick(&self.0.exchange.borrow(), now);
            for message in messages {
                self.deliver(&slot, message);
            }
            self.close_if_wanted(&slot);
        }
    }

    /// The truth now: the JSON of `GET /sim/truth`.
    pub fn truth(&self) -> Value {
        let now = self.now();
        self.advance(now);
        self.0.exchange.borrow().truth(now)
    }

    /// Sets fault rules beside those in force.
    ///
    /// # Errors
    /// An act (`FOREIGN`, `HALT`, `DELIST`, `ADL`, `LIQ`) that could not be done; rules before it stand.
    pub fn inject(&self, rules: Vec<Rule>) -> Result<(), FaultError> {
        let now = self.now();
        self.advance(now);
        for rule in rules {
            let venues = rule
                .venue
                .map_or_else(|| vec![Venue::Binance, Venue::Bybit], |venue| vec![venue]);
            if rule.action.is_quirk() {
                for venue in venues {
                    self.set_quirk(venue, &rule.action);
                }
            } else if rule.action.is_act() && rule.matcher.is_none() {
                for venue in venues {
                    self.act(venue, &rule.action, now).map_err(FaultError::Act)?;
                }
            }
            self.0.faults.borrow_mut().add([rule]);
        }
        self.tell(now);
        Ok(())
    }

    fn set_quirk(&self, venue: Venue, action: &Action) {
        let mut exchange = self.0.exchange.borrow_mut();
        let mut quirks = exchange.quirks(venue);
        match action {
            Action::AcceptDuplicateIds => quirks.accept_duplicate_ids = true,
            Action::Lag(ms) => quirks.lag_ms = *ms,
            Action::Skew(ms) => quirks.skew_ms = *ms,
            _ => {}
        }
        exchange.set_quirks(venue, quirks);
    }

    /// Does something to the account that its client did not.
    fn act(&self, venue: Venue, action: &Action, now: Ms) -> Result<(), String> {
        let mut exchange = self.0.exchange.borrow_mut();
        match action {
            Action::Foreign(act) => exchange.foreign(venue, act, now),
            Action::Adl { symbol, fraction } => exchange.deleverage(venue, symbol, *fraction, now),
            Action::Liq { symbol, fraction } => exchange.force_liquidation(venue, symbol, *fraction, now),
            Action::Close {
                symbol,
                product,
                status,
                in_s,
            } => {
                let hand = MarketOverride {
                    product: product.clone(),
                    status: Some(*status),
                    in_s: *in_s,
                    ..MarketOverride::on(venue, symbol)
                };
                return exchange.override_market(&hand, now).map_err(|error| error.to_string());
            }
            Action::Market(hand) => {
                let hand = MarketOverride {
                    venue,
                    ..hand.as_ref().clone()
                };
                return exchange.override_market(&hand, now).map_err(|error| error.to_string());
            }
            _ => Ok(()),
        }
        .map_err(|error| error.to_string())
    }

    /// The rules in force with their counts: the JSON of `GET /sim/faults`.
    pub fn faults(&self) -> Value {
        self.0.faults.borrow().show()
    }

    /// Removes every fault rule and what rules had set.
    pub fn clear_faults(&self) {
        self.0.faults.borrow_mut().clear();
        let mut exchange = self.0.exchange.borrow_mut();
        for venue in [Venue::Binance, Venue::Bybit] {
            exchange.set_quirks(venue, Quirks::default());
        }
    }

    /// Adds an observer.
    pub fn on_event(&self, hook: EventHook) {
        self.0.hooks.borrow_mut().push(hook);
    }

    /// Moves the simulator's clock ahead. Negative steps are ignored: the venues' time does not go back.
    pub fn advance_clock(&self, by: Ms) {
        self.0.offset.set(self.0.offset.get() + by.max(0));
        self.push();
    }

    /// Lays a hand on the market.
    ///
    /// # Errors
    /// An unknown instrument, or a value that makes no market.
    pub fn override_market(&self, hand: &MarketOverride) -> Result<(), MarketError> {
        let now = self.now();
        self.0.exchange.borrow_mut().override_market(hand, now)?;
        self.push();
        Ok(())
    }

    /// Gives the first account what it held in an earlier life.
    ///
    /// # Errors
    /// [`CarriedError`]; nothing has changed then.
    pub fn carry_on(&self, carried: &Carried) -> Result<(), CarriedError> {
        self.0.exchange.borrow_mut().carry_on(carried)
    }

    /// Looks at the exchange as it is.
    pub fn with_exchange<T>(&self, look: impl FnOnce(&Exchange) -> T) -> T {
        look(&self.0.exchange.borrow())
    }

    fn advance(&self, now: Ms) {
        self.0.exchange.borrow_mut().advance(now);
        self.tell(now);
    }

    /// Tells observers and sessions what happened since the last time, in order. An observer may look at the truth
    /// meanwhile: what that brings about is told after what is being told.
    fn tell(&self, now: Ms) {
        if self.0.telling.replace(true) {
            return;
        }
        loop {
            let events = self.0.exchange.borrow_mut().take_events();
            if events.is_empty() {
                break;
            }
            let sessions: Vec<Rc<Slot>> = self.0.sessions.borrow().values().cloned().collect();
            for event in &events {
                self.tell_one(event, &sessions, now);
            }
        }
        self.0.telling.set(false);
    }

    fn tell_one(&self, event: &Event, sessions: &[Rc<Slot>], now: Ms) {
        let mut hooks = self.0.hooks.take();
        for hook in &mut hooks {
            hook(event, now);
        }
        let added = self.0.hooks.replace(hooks);
        self.0.hooks.borrow_mut().extend(added);
        for slot in sessions.iter().filter(|slot| slot.venue == event.venue()) {
            let messages = slot.session.borrow_mut().event(&self.0.exchange.borrow(), event, now);
            for message in messages {
                self.deliver(slot, message);
            }
        }
    }
}

//! One public connection of one venue and product.
//!
//! Owns      the connection and its generation.
//! Receives  facts from the adapter's stream.
//! Sends     [`MarketFacts`] to the scanner, of a burst the newest of each kind; [`MarketLost`] when it is rebuilt.
//! Stops     when the stream ends, is refused, or falls silent; its guardian brings it back.
//! Moves     to a new connection before the venue cuts the old one; that one is heard until the new one is open.
//! Never     mends a connection, nor hears two at once: each has a generation of its own.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::{MarketFact, newest_only};
use domain::ports::{FactStream, MarketFeed as Port, VenueError};
use domain::time::Machine;
use slog::{Logger, info, o, warn};

use domain::ports::Clock;

use crate::drain::Drained;
use crate::messages::{Heartbeat, MarketFacts, MarketLost};

/// Between two tries of moving to a new connection; the old one lives on meanwhile.
const MOVE_AGAIN: Duration = Duration::from_mins(1);

/// What a feed needs.
pub struct Wires {
    /// The adapter.
    pub port: Rc<dyn Port>,
    /// Whose books are to be kept.
    pub interest: Interest,
    /// Where facts go.
    pub scanner: Recipient<MarketFacts>,
    /// Who forgets what a lost feed said.
    pub lost: Recipient<MarketLost>,
    /// Who counts heartbeats.
    pub supervisor: Recipient<Heartbeat>,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
}

/// The actor.
pub struct MarketFeed {
    name: &'static str,
    venue: VenueId,
    product: Product,
    instruments: Rc<[InstrumentId]>,
    wires: Wires,
    silence: Duration,
    life: Duration,
    generation: u32,
    stream: Option<SpawnHandle>,
    heard: Option<Machine>,
    /// Whether this life has heard anything: an open connection without a word is no recovery.
    speaks: bool,
    /// The scanner has still to be told that an earlier life is over.
    owes_loss: bool,
    /// What the scanner has still to be told, the newest of each kind only.
    unsent: Vec<MarketFact>,
    log: Logger,
}

impl MarketFeed {
    /// A feed of these instruments, not yet connected. After `silence` it is rebuilt; after `life` it moves to a new
    /// connection.
    pub fn new(
        name: &'static str,
        venue: VenueId,
        product: Product,
        instruments: Rc<[InstrumentId]>,
        wires: Wires,
        (silence, life): (Duration, Duration),
        log: &Logger,
    ) -> Self {
        let log = log.new(o!("actor" => name));
        Self {
            name,
            venue,
            product,
            instruments,
            wires,
            silence,
            life,
            generation: 0,
            stream: None,
            heard: None,
            speaks: false,
            owes_loss: false,
            unsent: Vec::new(),
            log,
        }
    }

    /// Tells the scanner what it has still to be told. One that is behind is told the newest of each kind later: a burst
    /// of one symbol is one quote, and a loss is never left out.
    fn hand_over(&mut self) {
        let lost = MarketLost {
            venue: self.venue,
            product: self.product,
        };
        if self.owes_loss && self.wires.lost.try_send(lost).is_err() {
            return;
        }
        self.owes_loss = false;
        newest_only(&mut self.unsent);
        if self.unsent.is_empty() {
            return;
        }
        let facts = MarketFacts {
            facts: std::mem::take(&mut self.unsent),
            ahead_ms: self.wires.port.clock_ahead_ms(),
            venue: self.venue,
            left_out: self.wires.port.left_out(),
        };
        match self.wires.scanner.try_send(facts) {
            Ok(()) | Err(SendError::Closed(_)) => {}
            Err(SendError::Full(MarketFacts { facts, .. })) => {
                self.unsent = facts;
                slog::debug!(self.log, "the scanner is busy: facts wait"; "facts" => self.unsent.len());
            }
        }
    }

    /// Silence, and nothing else, gives a dead peer away.
    fn listen(&mut self, ctx: &mut Context<Self>) {
        self.hand_over();
        let now = self.wires.clock.now().machine;
        let silent = now.since(self.heard.unwrap_or_default());
        if silent > self.silence {
            warn!(self.log, "feed is silent"; "seconds" => silent.as_secs(), "generation" => self.generation);
            ctx.stop();
        } else if self.speaks {
            let _ = self.wires.supervisor.try_send(Heartbeat {
                actor: self.name,
                generation: self.generation,
            });
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for MarketFeed {
    type Context = Context<Self>;

    /// Nothing is spawned here: after a restart actix may still cancel what a new life spawns in `started`.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Begin);
    }
}

impl Supervised for MarketFeed {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.generation += 1;
        self.heard = None;
        self.speaks = false;
        self.stream = None;
        self.unsent.clear();
        self.owes_loss = true;
        self.hand_over();
    }
}

type Opened = Result<Box<dyn FactStream<MarketFact>>, VenueError>;

impl Handler<Begin> for MarketFeed {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        self.heard = Some(self.wires.clock.now().machine);
        ctx.run_interval(self.silence / 6, Self::listen);
        self.open(ctx, Self::connected);
    }
}

impl MarketFeed {
    fn open(&self, ctx: &mut Context<Self>, then: fn(&mut Self, Opened, &mut Context<Self>)) {
        let (port, instruments) = (Rc::clone(&self.wires.port), Rc::clone(&self.instruments));
        let interest = self.wires.interest.clone();
        async move { port.open(&instruments, &interest).await }
            .into_actor(self)
            .map(move |opened: Opened, feed, ctx| then(feed, opened, ctx))
            .spawn(ctx);
    }

    /// Listens to a stream from now on, and to no other.
    fn follow(&mut self, facts: Box<dyn FactStream<MarketFact>>, ctx: &mut Context<Self>) {
        let stream = ctx.add_stream(Drained::new(facts));
        if let Some(old) = self.stream.replace(stream) {
            ctx.cancel_future(old);
        }
        ctx.run_later(self.life, |feed, ctx| feed.open(ctx, Self::moved));
    }

    /// The venue cuts every connection after a day: the feed moves before that, and nothing is missed between the two.
    fn moved(&mut self, opened: Opened, ctx: &mut Context<Self>) {
        match opened {
            Ok(facts) => {
                self.generation += 1;
                info!(self.log, "feed moved to a new connection"; "generation" => self.generation);
                self.follow(facts, ctx);
            }
            Err(error) => {
                warn!(self.log, "feed could not move yet"; "error" => %error, "generation" => self.generation);
                ctx.run_later(MOVE_AGAIN, |feed, ctx| feed.open(ctx, Self::moved));
            }
        }
    }

    fn connected(&mut self, opened: Opened, ctx: &mut Context<Self>) {
        match opened {
            Ok(facts) => {
                info!(self.log, "feed is open"; "generation" => self.generation, "instruments" => self.instruments.len());
                self.follow(facts, ctx);
            }
            Err(error) => {
                warn!(self.log, "feed did not open"; "error" => %error, "generation" => self.generation);
                ctx.stop();
            }
        }
    }
}

impl StreamHandler<Result<Vec<MarketFact>, VenueError>> for MarketFeed {
    fn handle(&mut self, item: Result<Vec<MarketFact>, VenueError>, ctx: &mut Self::Context) {
        match item {
            Ok(facts) => {
                // An answered ping says that the venue is there, not that it still tells of the market.
                if !facts.is_empty() || self.instruments.is_empty() {
                    self.heard = Some(self.wires.clock.now().machine);
                }
                self.speaks = true;
                if self.unsent.is_empty() {
                    self.unsent = facts;
                } else {
                    self.unsent.extend(facts);
                }
                self.hand_over();
            }
            Err(error) => {
                warn!(self.log, "feed ended"; "error" => %error, "generation" => self.generation);
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

//! One public connection of one venue and product.
//!
//! Owns      the connection and its generation.
//! Receives  facts from the adapter's stream.
//! Sends     [`MarketFacts`] to the scanner, [`MarketLost`] when it is rebuilt.
//! Stops     when the stream ends, is refused, or falls silent; its guardian brings it back.
//! Never     mends a connection: a new life is a new connection.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::market::MarketFact;
use domain::ports::{FactStream, MarketFeed as Port, VenueError};
use domain::time::Machine;
use futures_util::stream;
use slog::{Logger, info, o, warn};

use crate::messages::{Heartbeat, MarketFacts, MarketLost};
use domain::ports::Clock;

/// What a feed needs.
pub struct Wires {
    /// The adapter.
    pub port: Rc<dyn Port>,
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
    generation: u32,
    heard: Option<Machine>,
    /// Whether this life has heard anything: an open connection without a word is no recovery.
    speaks: bool,
    log: Logger,
}

impl MarketFeed {
    /// A feed of these instruments, not yet connected.
    pub fn new(
        name: &'static str,
        venue: VenueId,
        product: Product,
        instruments: Rc<[InstrumentId]>,
        wires: Wires,
        silence: Duration,
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
            generation: 0,
            heard: None,
            speaks: false,
            log,
        }
    }

    /// Silence, and nothing else, gives a dead peer away.
    fn listen(&mut self, ctx: &mut Context<Self>) {
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
        let _ = self.wires.lost.try_send(MarketLost {
            venue: self.venue,
            product: self.product,
        });
    }
}

type Opened = Result<Box<dyn FactStream<MarketFact>>, VenueError>;

impl Handler<Begin> for MarketFeed {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        self.heard = Some(self.wires.clock.now().machine);
        ctx.run_interval(self.silence / 6, Self::listen);
        let (port, instruments) = (Rc::clone(&self.wires.port), Rc::clone(&self.instruments));
        async move { port.open(&instruments).await }
            .into_actor(self)
            .map(|opened: Opened, feed, ctx| feed.connected(opened, ctx))
            .spawn(ctx);
    }
}

impl MarketFeed {
    fn connected(&mut self, opened: Opened, ctx: &mut Context<Self>) {
        match opened {
            Ok(facts) => {
                info!(self.log, "feed is open"; "generation" => self.generation, "instruments" => self.instruments.len());
                ctx.add_stream(facts_of(facts));
            }
            Err(error) => {
                warn!(self.log, "feed did not open"; "error" => %error, "generation" => self.generation);
                ctx.stop();
            }
        }
    }
}

/// The adapter's stream as actix takes it; it ends after its first error.
pub(crate) fn facts_of<T: 'static>(
    facts: Box<dyn FactStream<T>>,
) -> impl futures_util::Stream<Item = Result<Vec<T>, VenueError>> {
    stream::unfold(Some(facts), |facts| async move {
        let mut facts = facts?;
        let item = facts.next().await;
        let rest = item.is_ok().then_some(facts);
        Some((item, rest))
    })
}

impl StreamHandler<Result<Vec<MarketFact>, VenueError>> for MarketFeed {
    fn handle(&mut self, item: Result<Vec<MarketFact>, VenueError>, ctx: &mut Self::Context) {
        match item {
            Ok(facts) => {
                self.heard = Some(self.wires.clock.now().machine);
                self.speaks = true;
                if !facts.is_empty() && self.wires.scanner.try_send(MarketFacts(facts)).is_err() {
                    // The scanner is behind: the next quote carries all that this one did.
                    slog::debug!(self.log, "facts dropped: the scanner is busy");
                }
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

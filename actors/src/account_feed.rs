//! One private connection of one venue.
//!
//! Owns      the connection and its generation.
//! Receives  facts from the adapter's stream.
//! Sends     [`AccountFacts`] to the position keeper, and [`AccountFeedOpened`] first, so that what was missed is read.
//! Stops     when the stream ends or is refused; its guardian brings it back.
//! Moves     to a new connection before the venue cuts the old one, which is heard until the new one is open.
//! Never     drops a fact: it waits until the keeper has taken it.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::VenueId;
use domain::ports::{AccountStream, FactStream, VenueError};
use domain::position::AccountFact;
use slog::{Logger, info, o, warn};

use crate::drain::Drained;
use crate::messages::{AccountFacts, AccountFeedOpened, Heartbeat};

/// Between two tries of moving to a new connection; the old one lives on meanwhile.
const MOVE_AGAIN: Duration = Duration::from_mins(1);

/// What a private feed needs.
pub struct Wires {
    /// The adapter.
    pub port: Rc<dyn AccountStream>,
    /// Where facts go.
    pub keeper: Recipient<AccountFacts>,
    /// Who reads what was missed.
    pub opened: Recipient<AccountFeedOpened>,
    /// Who counts heartbeats.
    pub supervisor: Recipient<Heartbeat>,
}

/// The actor.
pub struct AccountFeed {
    name: &'static str,
    venue: VenueId,
    wires: Wires,
    beat: Duration,
    life: Duration,
    generation: u32,
    open: bool,
    stream: Option<SpawnHandle>,
    log: Logger,
}

impl AccountFeed {
    /// A feed, not yet connected. While it is open it says so every `beat`; after `life` it moves to a new connection.
    pub fn new(
        name: &'static str,
        venue: VenueId,
        wires: Wires,
        (beat, life): (Duration, Duration),
        log: &Logger,
    ) -> Self {
        Self {
            name,
            venue,
            wires,
            beat,
            life,
            generation: 0,
            open: false,
            stream: None,
            log: log.new(o!("actor" => name)),
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for AccountFeed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Begin);
    }
}

impl Supervised for AccountFeed {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.generation += 1;
        self.open = false;
        self.stream = None;
    }
}

type Opened = Result<Box<dyn FactStream<AccountFact>>, VenueError>;

impl Handler<Begin> for AccountFeed {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        // An account may be silent for days; only an open connection counts as progress.
        ctx.run_interval(self.beat, |feed, _| {
            if feed.open {
                let _ = feed.wires.supervisor.try_send(Heartbeat {
                    actor: feed.name,
                    generation: feed.generation,
                });
            }
        });
        self.connect(ctx, Self::connected);
    }
}

impl AccountFeed {
    fn connect(&self, ctx: &mut Context<Self>, then: fn(&mut Self, Opened, &mut Context<Self>)) {
        let port = Rc::clone(&self.wires.port);
        async move { port.open().await }
            .into_actor(self)
            .map(move |opened: Opened, feed, ctx| then(feed, opened, ctx))
            .spawn(ctx);
    }

    /// Listens to a stream from now on, and to no other. What the one before had not told yet is read on request.
    fn follow(&mut self, facts: Box<dyn FactStream<AccountFact>>, ctx: &mut Context<Self>) {
        let opened = AccountFeedOpened { venue: self.venue };
        if self.wires.opened.try_send(opened).is_err() {
            warn!(
                self.log,
                "the keeper is busy; what was missed is read at the next reconciliation"
            );
        }
        let stream = ctx.add_stream(Drained::new(facts));
        if let Some(old) = self.stream.replace(stream) {
            ctx.cancel_future(old);
        }
        ctx.run_later(self.life, |feed, ctx| feed.connect(ctx, Self::moved));
    }

    /// The venue cuts every connection after a day: the feed moves before that.
    fn moved(&mut self, opened: Opened, ctx: &mut Context<Self>) {
        match opened {
            Ok(facts) => {
                self.generation += 1;
                info!(self.log, "account feed moved to a new connection"; "generation" => self.generation);
                self.follow(facts, ctx);
            }
            Err(error) => {
                warn!(self.log, "account feed could not move yet"; "error" => %error, "generation" => self.generation);
                ctx.run_later(MOVE_AGAIN, |feed, ctx| feed.connect(ctx, Self::moved));
            }
        }
    }

    fn connected(&mut self, opened: Opened, ctx: &mut Context<Self>) {
        match opened {
            Ok(facts) => {
                info!(self.log, "account feed is open"; "generation" => self.generation);
                self.open = true;
                let _ = self.wires.supervisor.try_send(Heartbeat {
                    actor: self.name,
                    generation: self.generation,
                });
                self.follow(facts, ctx);
            }
            Err(error) => {
                warn!(self.log, "account feed did not open"; "error" => %error, "generation" => self.generation);
                ctx.stop();
            }
        }
    }
}

impl StreamHandler<Result<Vec<AccountFact>, VenueError>> for AccountFeed {
    fn handle(&mut self, item: Result<Vec<AccountFact>, VenueError>, ctx: &mut Self::Context) {
        match item {
            Ok(facts) if facts.is_empty() => {}
            Ok(facts) => {
                let sent = self.wires.keeper.send(AccountFacts {
                    venue: self.venue,
                    facts,
                });
                sent.into_actor(self).map(|_, _, _| ()).wait(ctx); // wait: the order of facts is kept
            }
            Err(error) => {
                warn!(self.log, "account feed ended"; "error" => %error, "generation" => self.generation);
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

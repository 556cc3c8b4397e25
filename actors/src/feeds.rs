//! Starts the feeds, each under its guardian, once the instruments are known.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::ports::{AccountStream, Clock, MarketFeed as FeedPort};
use slog::Logger;

use crate::account_feed::{self, AccountFeed};
use crate::guardian::{Fault, Guardian, Policy};
use crate::market_feed::{self, MarketFeed};
use crate::messages::Heartbeat;
use crate::position_keeper::PositionKeeper;
use crate::scanner::Scanner;
use crate::settings::Settings;

/// The streams of one venue.
pub(crate) struct Streams {
    /// Which.
    pub(crate) venue: VenueId,
    /// The public ones.
    pub(crate) feeds: Vec<(Product, Rc<dyn FeedPort>)>,
    /// The private one and who hears it; a process without an account has none.
    pub(crate) account: Option<(Rc<dyn AccountStream>, Addr<PositionKeeper>)>,
}

/// Everything that feeds need.
pub(crate) struct Feeds {
    pub(crate) streams: Vec<Streams>,
    pub(crate) scanner: Addr<Scanner>,
    pub(crate) boss: Recipient<Fault>,
    pub(crate) beats: Recipient<Heartbeat>,
    pub(crate) settings: Rc<Settings>,
    pub(crate) clock: Rc<dyn Clock>,
    pub(crate) interest: Interest,
    pub(crate) log: Logger,
}

impl Feeds {
    /// Starts all of them. A product of which nothing is watched has none.
    pub(crate) fn start(self, instruments: &[InstrumentId]) {
        // Each feed draws its own waits: feeds that died together must not return in step.
        let mut seed = self.settings.seed;
        // Nor do they move together: each lives a little shorter than the one before.
        let (whole, step) = (self.settings.feed_life, self.settings.feed_life / 50);
        let mut lives = (0_u32..).map(|nth| whole.saturating_sub(step * nth).max(whole / 2));
        let mut next = || {
            seed = seed.wrapping_add(1);
            (seed, lives.next().unwrap_or_default())
        };
        for Streams { venue, feeds, account } in &self.streams {
            for (product, port) in feeds {
                let of_feed = |id: &&InstrumentId| id.venue == *venue && id.product == *product;
                let watched: Rc<[InstrumentId]> = instruments.iter().filter(of_feed).cloned().collect();
                if !watched.is_empty() {
                    self.market((*venue, *product), port, watched, next());
                }
            }
            if let Some((port, keeper)) = account {
                self.account(*venue, port, keeper, next());
            }
        }
    }

    fn market(
        &self,
        (venue, product): (VenueId, Product),
        port: &Rc<dyn FeedPort>,
        watched: Rc<[InstrumentId]>,
        (seed, life): (u64, Duration),
    ) {
        let wires = market_feed::Wires {
            port: Rc::clone(port),
            interest: self.interest.clone(),
            scanner: self.scanner.clone().recipient(),
            lost: self.scanner.clone().recipient(),
            supervisor: self.beats.clone(),
            clock: Rc::clone(&self.clock),
        };
        let name = venue.feed_name(Some(product));
        let times = (self.settings.feed_silence, life);
        let feed = MarketFeed::new(name, venue, product, watched, wires, times, &self.log);
        Guardian::start(name, Policy::FEED, self.boss.clone(), seed, |_| feed);
    }

    fn account(
        &self,
        venue: VenueId,
        port: &Rc<dyn AccountStream>,
        keeper: &Addr<PositionKeeper>,
        (seed, life): (u64, Duration),
    ) {
        let wires = account_feed::Wires {
            port: Rc::clone(port),
            keeper: keeper.clone().recipient(),
            opened: keeper.clone().recipient(),
            supervisor: self.beats.clone(),
        };
        let name = venue.feed_name(None);
        let feed = AccountFeed::new(name, venue, wires, (self.settings.heartbeat_every, life), &self.log);
        Guardian::start(name, Policy::FEED, self.boss.clone(), seed, |_| feed);
    }
}

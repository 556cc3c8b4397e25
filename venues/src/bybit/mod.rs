//! Bybit v5: spot and linear perpetuals of one unified account.
//!
//! ```text
//! wire            payloads as the venue writes them; private to this folder
//! parse           wire -> instruments, books, funding, marks
//! parse_account   wire -> orders, fills, positions, balances, funding rows
//! bounds          how much of a perpetual may be held, and how large each market is
//! codes           what each of the venue's codes means for the caller: the one table
//! pace            what is left of an endpoint's second
//! rest            signed requests, the envelope, every page
//! public          instruments and books on request
//! account         our account on request
//! gateway         orders
//! book            a book kept from its changes
//! books           the books of interest, kept
//! depth, ticker   pushed books and tickers, by the scan or by the full parser
//! reader, told    any message at all, and answers by what they hold
//! merge           changes onto snapshots: tickers and touches
//! control         subscriptions, acknowledgements, heartbeats
//! feed, private   what a public and a private connection say
//! stream          the sockets themselves
//! inspect         what a check before trading asks
//! ```

mod account;
pub mod book;
#[cfg(test)]
mod book_tests;
mod books;
mod bounds;
mod codes;
mod control;
pub mod depth;
mod feed;
mod gateway;
mod inspect;
mod merge;
mod pace;
mod parse;
mod parse_account;
#[cfg(test)]
mod parse_tests;
mod private;
mod public;
mod reader;
mod rest;
mod stream;
#[cfg(test)]
mod tests;
mod ticker;
mod told;
mod wire;

use std::rc::Rc;
use std::time::Duration;

use domain::bounds::Activity;
use domain::forecast::Settlement;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Product, VenueId};
use domain::market::Book;
use domain::money::Quantity;
use domain::order::{ClientOrderId, Fill, OrderReport, OrderTicket, Placed};
use domain::ports::{
    AccountStream, AccountView, Answer, Clock, FactStream, MarketData, MarketFeed, OrderGateway, VenueError,
};
use domain::position::{AccountFact, AccountTruth, Balance};
use domain::setup::Setup;
use domain::time::Timestamp;
use secrecy::SecretString;

use crate::shared::rest::Rest as Host;
use crate::shared::tiers::KnownTiers;
use crate::shared::transport::{BadUrl, Transport};
use crate::shared::unreadable::LeftOut;
pub use reader::Reader;
use rest::{LIMITS, Rest};
use stream::{Feed, Sockets};

/// Where the venue is, and who we are there.
#[derive(Clone, Debug)]
pub struct BybitConfig {
    /// `https://host` of the requests.
    pub rest_url: String,
    /// `wss://host` of the streams, without a path.
    pub ws_url: String,
    /// The key; empty where only public data is read.
    pub key: SecretString,
    /// Its secret.
    pub secret: SecretString,
}

impl Default for BybitConfig {
    /// The venue itself, without a key.
    fn default() -> Self {
        Self {
            rest_url: "https://api.bybit.com".to_owned(),
            ws_url: "wss://stream.bybit.com".to_owned(),
            key: SecretString::default(),
            secret: SecretString::default(),
        }
    }
}

/// Bybit as the engine's ports see it. Cheap to clone.
#[derive(Clone)]
pub struct Bybit {
    sockets: Sockets,
    /// As it was given, for questions outside of the budget.
    rest_url: String,
    tiers: Rc<KnownTiers>,
    log: slog::Logger,
}

impl Bybit {
    /// The venue; nothing is sent before it is asked something.
    ///
    /// # Errors
    /// [`BadUrl`] when a URL may not be used.
    pub fn new(
        config: BybitConfig,
        transport: Transport,
        clock: Rc<dyn Clock>,
        log: slog::Logger,
    ) -> Result<Self, BadUrl> {
        transport.admit(&config.ws_url)?;
        let host = Host::new(VenueId::Bybit, &config.rest_url, &transport, clock.clone(), LIMITS)?;
        let sockets = Sockets {
            rest: Rc::new(Rest::new(host, config.key, config.secret, log.clone())),
            base: config.ws_url,
            transport,
            clock,
            left_out: LeftOut::default(),
            log: log.clone(),
        };
        Ok(Self {
            sockets,
            rest_url: config.rest_url,
            tiers: Rc::default(),
            log,
        })
    }

    /// How many messages of the public streams could not be read and were left out.
    pub fn left_out(&self) -> LeftOut {
        self.sockets.left_out.clone()
    }

    /// The public stream of a product.
    pub fn market_feed(&self, product: Product) -> impl MarketFeed + use<> {
        Feed::new(self.sockets.clone(), product)
    }

    fn rest(&self) -> &Rest {
        &self.sockets.rest
    }
}

impl MarketData for Bybit {
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>> {
        Box::pin(async move {
            let mut all = public::instruments(self.rest(), &self.log).await?;
            // Without them nothing is entered, and what is held can still be left.
            let told = bounds::tiers(self.rest(), &self.sockets.left_out).await;
            if let Err(error) = self.tiers.learn(told) {
                slog::warn!(self.log, "the risk tiers were not read"; "error" => %error);
            }
            self.tiers.put_on(&mut all);
            Ok(all)
        })
    }

    fn book<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>> {
        Box::pin(public::book(self.rest(), instrument))
    }

    fn funding_history<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        since: Timestamp,
    ) -> Answer<'a, Result<Vec<Settlement>, VenueError>> {
        Box::pin(public::funding_history(self.rest(), instrument, since))
    }

    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>> {
        Box::pin(bounds::activity(self.rest(), &self.sockets.left_out))
    }

    /// It is among what [`MarketData::activity`] tells.
    fn open_interest<'a>(&'a self, _: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl AccountView for Bybit {
    /// The venue answers for all symbols at once, so `instruments` are not needed.
    fn truth<'a>(
        &'a self,
        since: Timestamp,
        _instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(account::truth(self.rest(), since))
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        Box::pin(account::wallets(self.rest()))
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        Box::pin(account::fee_rates(self.rest(), instrument))
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(account::prepare(self.rest(), instrument, setup))
    }
}

impl OrderGateway for Bybit {
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed> {
        Box::pin(gateway::place(self.rest(), ticket))
    }

    fn find<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>> {
        Box::pin(gateway::find(self.rest(), instrument, id))
    }

    fn open_orders<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>> {
        Box::pin(account::open_orders_of(self.rest(), instrument))
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        Box::pin(account::fills_of(self.rest(), order))
    }

    fn refuses_the_key(&self, code: i64) -> bool {
        codes::is_about_key(code)
    }

    fn refuses_the_pace(&self, code: i64) -> bool {
        codes::is_about_pace(code)
    }

    /// Both products are on one host.
    fn shut_for(&self, _: &InstrumentId) -> Option<Duration> {
        self.rest().shut_for()
    }

    fn cancel<'a>(&'a self, instrument: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(gateway::cancel(self.rest(), instrument, id))
    }
}

impl AccountStream for Bybit {
    fn open(&self) -> Answer<'_, Result<Box<dyn FactStream<AccountFact>>, VenueError>> {
        Box::pin(stream::open_account(&self.sockets))
    }
}

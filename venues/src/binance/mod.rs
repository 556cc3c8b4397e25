//! Binance: spot and USDⓈ-M futures, as one venue.
//!
//! ```text
//! text           exact numbers and ids out of JSON
//! wire           shapes on the wire
//! parse          public data, pure          parse_account   private data, pure
//! codes          what each code means for an order
//! pace           how many orders may still be placed
//! host           stamped and signed requests to one of the two hosts
//! bounds         how much of an instrument may be held, and how large its market is
//! book           a book kept from its changes
//! books          the books of interest, kept
//! depth          books and their changes, pure
//! decode         one pushed public message      reader          any message at all
//! told           answers and rows by what they hold           told_user       pushed private events
//! feed           public streams             user_stream     private streams
//! gateway        orders                     account         the account on request
//! history        rows that come in pages              inspect       what a check before trading asks
//! ```
//!
//! - BN-1  One-way mode only: a position in hedge mode is an error, not a guess.
//! - BN-2  A placement is sent once; what became of it is judged in `codes` alone.

mod account;
pub mod book;
#[cfg(test)]
mod book_tests;
mod books;
mod bounds;
mod codes;
mod decode;
mod depth;
mod feed;
mod gateway;
mod history;
mod host;
mod inspect;
mod pace;
mod parse;
mod parse_account;
mod reader;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod told_user;
mod user_stream;
mod wire;
#[cfg(test)]
mod wire_tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use domain::bounds::Activity;
use domain::forecast::Settlement;
use domain::instrument::{Instrument, InstrumentId, Product};
use domain::market::Book;
use domain::money::Quantity;
use domain::ports::{Answer, Clock, MarketData, VenueError};
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::shared::tiers::KnownTiers;
use crate::shared::transport::{BadUrl, Transport};
use crate::shared::unreadable::LeftOut;
pub use decode::{Decoder, Said};
pub use feed::Feed;
use host::{Host, Keys, Params};
pub use parse::FundingRules;
pub use reader::{Context, Reader};

/// Where Binance is, and who we are there.
#[derive(Clone, Debug)]
pub struct BinanceConfig {
    /// Spot REST, without a path.
    pub spot_rest_url: String,
    /// Spot market streams, without a path.
    pub spot_ws_url: String,
    /// Spot websocket API, with its path.
    pub spot_ws_api_url: String,
    /// Futures REST, without a path.
    pub usdm_rest_url: String,
    /// Futures streams, without a path.
    pub usdm_ws_url: String,
    /// Futures websocket API, with its path. Reserved: everything futures need is served elsewhere.
    pub usdm_ws_api_url: String,
    /// How long the marks of futures may be silent. The venue sends them every second; a market whose quotes are
    /// thinned needs more.
    pub marks_within: Duration,
    /// API key; empty where only public data is read.
    pub key: SecretString,
    /// API secret.
    pub secret: SecretString,
}

impl Default for BinanceConfig {
    fn default() -> Self {
        Self {
            spot_rest_url: "https://api.binance.com".to_owned(),
            spot_ws_url: "wss://stream.binance.com:9443".to_owned(),
            spot_ws_api_url: "wss://ws-api.binance.com:443/ws-api/v3".to_owned(),
            usdm_rest_url: "https://fapi.binance.com".to_owned(),
            usdm_ws_url: "wss://fstream.binance.com".to_owned(),
            usdm_ws_api_url: "wss://ws-fapi.binance.com/ws-fapi/v1".to_owned(),
            marks_within: feed::MARK_WITHIN,
            key: SecretString::default(),
            secret: SecretString::default(),
        }
    }
}

struct Core {
    config: BinanceConfig,
    transport: Transport,
    spot: Host,
    usdm: Host,
    rules: RefCell<FundingRules>,
    tiers: KnownTiers,
    left_out: LeftOut,
    log: slog::Logger,
}

impl Core {
    const fn host(&self, product: Product) -> &Host {
        match product {
            Product::Spot => &self.spot,
            Product::Perp => &self.usdm,
        }
    }

    async fn refresh_rules(&self) -> Result<(), VenueError> {
        let body = self.usdm.public("/fapi/v1/fundingInfo", Params::new(), 0).await?;
        let rules = parse::funding_rules(&body)?;
        let adjusted = rules.len();
        if self.rules.replace(rules).len() != adjusted {
            slog::debug!(self.log, "funding rules read"; "adjusted" => adjusted);
        }
        Ok(())
    }
}

/// Binance as the ports see it. Cheap to clone; belongs to one thread.
#[derive(Clone)]
pub struct Binance {
    core: Rc<Core>,
}

impl Binance {
    /// Checks the addresses; nothing connects until something is asked.
    ///
    /// # Errors
    /// [`BadUrl`]: unreadable, or plain text to a host that is not loopback.
    pub fn new(
        config: BinanceConfig,
        transport: Transport,
        clock: Rc<dyn Clock>,
        log: slog::Logger,
    ) -> Result<Self, BadUrl> {
        let config = BinanceConfig {
            spot_ws_url: config.spot_ws_url.trim_end_matches('/').to_owned(),
            usdm_ws_url: config.usdm_ws_url.trim_end_matches('/').to_owned(),
            ..config
        };
        for url in [
            &config.spot_ws_url,
            &config.spot_ws_api_url,
            &config.usdm_ws_url,
            &config.usdm_ws_api_url,
        ] {
            transport.admit(url)?;
        }
        let keys = Rc::new(Keys {
            key: config.key.clone(),
            secret: config.secret.clone(),
        });
        let spot = Host::new(
            Product::Spot,
            &config.spot_rest_url,
            &transport,
            clock.clone(),
            keys.clone(),
        )?;
        let usdm = Host::new(Product::Perp, &config.usdm_rest_url, &transport, clock, keys)?;
        Ok(Self {
            core: Rc::new(Core {
                config,
                transport,
                spot,
                usdm,
                rules: RefCell::default(),
                tiers: KnownTiers::default(),
                left_out: LeftOut::default(),
                log,
            }),
        })
    }

    /// How many messages of the public streams could not be read and were left out.
    pub fn left_out(&self) -> LeftOut {
        self.core.left_out.clone()
    }

    /// The market feed of a product.
    pub fn market_feed(&self, product: Product) -> Feed {
        Feed::new(self.core.clone(), product)
    }
}

impl MarketData for Binance {
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>> {
        Box::pin(async move {
            let spot = self.core.spot.public("/api/v3/exchangeInfo", Params::new(), 20).await?;
            let mut all = parse::instruments(Product::Spot, &spot)?;
            self.core.spot.learn_limits(&spot);
            let perp = self.core.usdm.public("/fapi/v1/exchangeInfo", Params::new(), 1).await?;
            let mut perpetuals = parse::instruments(Product::Perp, &perp)?;
            self.core.usdm.learn_limits(&perp);
            // A warning that does not come is no reason to list nothing.
            let crowded = self.core.usdm.public("/fapi/v1/symbolAdlRisk", Params::new(), 1).await;
            if let Err(error) = crowded.and_then(|body| parse::mark_crowded(&mut perpetuals, &body)) {
                slog::warn!(self.core.log, "the risk of deleveraging was not read"; "error" => %error);
            }
            // Told to accounts only. Without them nothing is entered, and what is held can still be left.
            if !self.core.config.key.expose_secret().is_empty() {
                let told = self
                    .core
                    .usdm
                    .private("/fapi/v1/leverageBracket", Params::new(), 1)
                    .await;
                if let Err(error) = self.core.tiers.learn(told.and_then(|body| bounds::tiers(&body))) {
                    slog::warn!(self.core.log, "the risk tiers were not read"; "error" => %error);
                }
                self.core.tiers.put_on(&mut perpetuals);
            }
            all.extend(perpetuals);
            Ok(all)
        })
    }

    fn book<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>> {
        Box::pin(async move {
            let path = match instrument.product {
                Product::Spot => "/api/v3/depth",
                Product::Perp => "/fapi/v1/depth",
            };
            let params = Params::new()
                .with("symbol", instrument.symbol.as_str())
                .number("limit", 50);
            let host = self.core.host(instrument.product);
            depth::book(&host.public(path, params, 5).await?)
        })
    }

    fn funding_history<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        since: Timestamp,
    ) -> Answer<'a, Result<Vec<Settlement>, VenueError>> {
        Box::pin(history::settlements(&self.core, instrument, since))
    }

    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>> {
        Box::pin(async move {
            let core = &self.core;
            let spot = core.spot.public("/api/v3/ticker/24hr", Params::new(), 80).await?;
            let mut all = bounds::volumes(Product::Spot, &spot, &core.left_out)?;
            let perp = core.usdm.public("/fapi/v1/ticker/24hr", Params::new(), 40).await?;
            all.extend(bounds::volumes(Product::Perp, &perp, &core.left_out)?);
            Ok(all)
        })
    }

    fn open_interest<'a>(&'a self, perpetual: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>> {
        Box::pin(async move {
            let params = Params::new().with("symbol", perpetual.symbol.as_str());
            let body = self.core.usdm.public("/fapi/v1/openInterest", params, 1).await?;
            bounds::open_interest(perpetual, &body).map(Some)
        })
    }
}

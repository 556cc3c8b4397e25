//! The only place that names a concrete venue and the database.

use std::rc::Rc;

use actors::engine::VenueParts;
use domain::instrument::{Product, VenueId};
use domain::ports::{Clock, MarketFeed};
use secrecy::SecretString;
use slog::Logger;
use venues::binance::{Binance, BinanceConfig};
use venues::bybit::{Bybit, BybitConfig};
use venues::shared::inspect::Inspect;
use venues::shared::transport::{BadUrl, Transport};

use crate::config::Venues;

/// Where the venues are and who we are there.
#[derive(Clone, Debug, Default)]
pub struct VenueSettings {
    /// Binance.
    pub binance: BinanceConfig,
    /// Bybit.
    pub bybit: BybitConfig,
}

impl VenueSettings {
    /// Where the configuration says that the venues are, and who we are there.
    pub fn configured(venues: &Venues) -> Self {
        let (binance, bybit) = (venues.binance.clone(), venues.bybit.clone());
        Self {
            binance: BinanceConfig {
                spot_rest_url: binance.spot_rest_url,
                spot_ws_url: binance.spot_ws_url,
                spot_ws_api_url: binance.spot_ws_api_url,
                usdm_rest_url: binance.usdm_rest_url,
                usdm_ws_url: binance.usdm_ws_url,
                usdm_ws_api_url: binance.usdm_ws_api_url,
                key: binance.api_key,
                secret: binance.api_secret,
                ..BinanceConfig::default()
            },
            bybit: BybitConfig {
                rest_url: bybit.rest_url,
                ws_url: bybit.ws_url,
                key: bybit.api_key,
                secret: bybit.api_secret,
            },
        }
    }

    /// The simulator's hosts on loopback: Binance spot, Binance USDⓈ-M, Bybit; its default account.
    pub fn simulated(spot: u16, usdm: u16, bybit: u16) -> Self {
        let http = |port: u16| format!("http://127.0.0.1:{port}");
        let ws = |port: u16| format!("ws://127.0.0.1:{port}");
        let word = || SecretString::from("demo");
        Self {
            binance: BinanceConfig {
                spot_rest_url: http(spot),
                spot_ws_url: ws(spot),
                spot_ws_api_url: format!("{}/ws-api/v3", ws(spot)),
                usdm_rest_url: http(usdm),
                usdm_ws_url: ws(usdm),
                usdm_ws_api_url: format!("{}/ws-fapi/v1", ws(usdm)),
                key: word(),
                secret: word(),
                ..BinanceConfig::default()
            },
            bybit: BybitConfig {
                rest_url: http(bybit),
                ws_url: ws(bybit),
                key: word(),
                secret: word(),
            },
        }
    }
}

/// The adapters of both venues as the engine's ports see them. Nothing connects yet.
///
/// # Errors
/// [`BadUrl`] when a venue's address may not be used.
pub fn venues(
    settings: &VenueSettings,
    transport: &Transport,
    clock: &Rc<dyn Clock>,
    log: &Logger,
) -> Result<Vec<VenueParts>, BadUrl> {
    let binance = Rc::new(Binance::new(
        settings.binance.clone(),
        transport.clone(),
        Rc::clone(clock),
        log.clone(),
    )?);
    let bybit = Rc::new(Bybit::new(
        settings.bybit.clone(),
        transport.clone(),
        Rc::clone(clock),
        log.clone(),
    )?);
    let binance_feeds =
        Product::ALL.map(|product| (product, Rc::new(binance.market_feed(product)) as Rc<dyn MarketFeed>));
    let bybit_feeds = Product::ALL.map(|product| (product, Rc::new(bybit.market_feed(product)) as Rc<dyn MarketFeed>));
    Ok(vec![
        VenueParts {
            id: VenueId::Binance,
            data: binance.clone(),
            account: binance.clone(),
            gateway: binance.clone(),
            stream: binance,
            feeds: binance_feeds.into(),
        },
        VenueParts {
            id: VenueId::Bybit,
            data: bybit.clone(),
            account: bybit.clone(),
            gateway: bybit.clone(),
            stream: bybit,
            feeds: bybit_feeds.into(),
        },
    ])
}

/// Both venues as a check before trading sees them. Nothing connects yet.
///
/// # Errors
/// [`BadUrl`] when a venue's address may not be used.
pub fn inspected(
    settings: &VenueSettings,
    transport: &Transport,
    clock: &Rc<dyn Clock>,
    log: &Logger,
) -> Result<[Rc<dyn Inspect>; 2], BadUrl> {
    let (transport, log) = (|| transport.clone(), || log.clone());
    Ok([
        Rc::new(Binance::new(
            settings.binance.clone(),
            transport(),
            Rc::clone(clock),
            log(),
        )?),
        Rc::new(Bybit::new(
            settings.bybit.clone(),
            transport(),
            Rc::clone(clock),
            log(),
        )?),
    ])
}

//! What Binance says about reaching it, our key and our account, for a check before trading.

use std::rc::Rc;

use domain::instrument::VenueId;
use domain::ports::{Answer, Clock, VenueError};
use serde::Deserialize;

use super::parse::read;
use super::{Binance, Params, wire};
use crate::shared::inspect::{AccountFacts, HostReport, Inspect, KeyFacts, reach};
use crate::shared::transport::BadUrl;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent rights, as the venue lists them"
)]
struct Restrictions {
    ip_restrict: bool,
    enable_withdrawals: bool,
    enable_spot_and_margin_trading: bool,
    enable_futures: bool,
    /// When the right to trade ends, in milliseconds; absent where it does not.
    trading_authority_expiration_time: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    dual_side_position: bool,
    multi_assets_margin: bool,
    can_trade: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymbolConfig {
    margin_type: String,
    leverage: serde_json::Number,
}

const DAY_MS: i64 = 86_400_000;

impl Binance {
    /// Asks both hosts for their time.
    async fn ask_hosts(&self, clock: &Rc<dyn Clock>) -> Result<Vec<HostReport>, BadUrl> {
        let config = &self.core.config;
        let mut hosts = Vec::new();
        for host in [
            ("spot", config.spot_rest_url.as_str(), "/api/v3/time"),
            ("usdm", config.usdm_rest_url.as_str(), "/fapi/v1/time"),
        ] {
            let time = |body: &str| read::<wire::ServerTime>("time", body).ok().map(|time| time.server_time);
            hosts.push(reach(VenueId::Binance, host, &self.core.transport, clock, time).await?);
        }
        Ok(hosts)
    }

    /// What our key may do.
    async fn ask_key(&self) -> Result<KeyFacts, VenueError> {
        let host = &self.core.spot;
        let body = host
            .private("/sapi/v1/account/apiRestrictions", Params::new(), 1)
            .await?;
        let rights: Restrictions = read("apiRestrictions", &body)?;
        let ends = rights.trading_authority_expiration_time;
        Ok(KeyFacts {
            trades_spot: rights.enable_spot_and_margin_trading,
            trades_perp: rights.enable_futures,
            withdraws: rights.enable_withdrawals,
            ip_bound: rights.ip_restrict,
            days_left: ends.map(|at| at.saturating_sub(host.venue_time().millis()) / DAY_MS),
        })
    }

    /// How our account is set, with the leverage and margin of one futures symbol.
    async fn ask_account(&self, symbol: &str) -> Result<AccountFacts, VenueError> {
        let host = &self.core.usdm;
        let body = host.private("/fapi/v1/accountConfig", Params::new(), 5).await?;
        let config: Config = read("accountConfig", &body)?;
        let one = Params::new().with("symbol", symbol);
        let body = host.private("/fapi/v1/symbolConfig", one, 5).await?;
        let symbols: Vec<SymbolConfig> = read("symbolConfig", &body)?;
        let symbol = symbols.into_iter().next();
        let margin = symbol
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |symbol| symbol.margin_type.to_lowercase());
        let assets = if config.multi_assets_margin {
            "multi-assets"
        } else {
            "single-asset"
        };
        Ok(AccountFacts {
            kind: if config.can_trade {
                "futures account"
            } else {
                "futures account that may not trade"
            }
            .to_owned(),
            kind_fits: config.can_trade,
            hedge_mode: config.dual_side_position,
            margin_mode: format!("{assets}, {margin}"),
            margin_fits: !config.multi_assets_margin,
            leverage: symbol.map(|symbol| symbol.leverage.to_string()),
        })
    }
}

impl Inspect for Binance {
    fn id(&self) -> VenueId {
        VenueId::Binance
    }

    fn reach<'a>(&'a self, clock: &'a Rc<dyn Clock>) -> Answer<'a, Result<Vec<HostReport>, BadUrl>> {
        Box::pin(self.ask_hosts(clock))
    }

    fn key_facts(&self) -> Answer<'_, Result<KeyFacts, VenueError>> {
        Box::pin(self.ask_key())
    }

    fn account_facts<'a>(&'a self, symbol: &'a str) -> Answer<'a, Result<AccountFacts, VenueError>> {
        Box::pin(self.ask_account(symbol))
    }
}

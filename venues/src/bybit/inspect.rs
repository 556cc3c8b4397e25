//! What Bybit says about reaching it, our key and our account, for a check before trading.

use std::rc::Rc;

use domain::instrument::VenueId;
use domain::ports::{Answer, Clock, VenueError};
use serde::Deserialize;

use super::Bybit;
use super::parse::malformed;
use super::rest::Query;
use super::wire::{Answer as Envelope, Page, ServerTime};
use crate::shared::inspect::{AccountFacts, HostReport, Inspect, KeyFacts, reach};
use crate::shared::transport::BadUrl;

/// Unified accounts of the second kind, plain and professional: the first one keeps inverse contracts apart.
const UNIFIED: [i64; 2] = [5, 6];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    read_only: i64,
    permissions: Permissions,
    ips: Vec<String>,
    /// Days until a key without an address ends; below zero where it does not end.
    deadline_day: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permissions {
    #[serde(default)]
    contract_trade: Vec<String>,
    #[serde(default)]
    spot: Vec<String>,
    #[serde(default)]
    wallet: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    margin_mode: String,
    unified_margin_status: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    position_idx: i64,
    leverage: String,
}

impl Bybit {
    /// Asks the host for its time.
    async fn ask_hosts(&self, clock: &Rc<dyn Clock>) -> Result<Vec<HostReport>, BadUrl> {
        let time = |body: &str| {
            let answer: Envelope<ServerTime> = serde_json::from_str(body).ok()?;
            answer
                .result
                .time_nano
                .parse::<i64>()
                .ok()
                .map(|nanos| nanos / 1_000_000)
        };
        let host = ("v5", self.rest_url.as_str(), "/v5/market/time");
        Ok(vec![
            reach(VenueId::Bybit, host, &self.sockets.transport, clock, time).await?,
        ])
    }

    /// What our key may do.
    async fn ask_key(&self) -> Result<KeyFacts, VenueError> {
        let key: Key = self.rest().signed("/v5/user/query-api", &Query::new()).await?;
        let has = |rights: &[String], name: &str| rights.iter().any(|right| right == name);
        let writes = key.read_only == 0;
        Ok(KeyFacts {
            trades_spot: writes && has(&key.permissions.spot, "SpotTrade"),
            trades_perp: writes
                && has(&key.permissions.contract_trade, "Order")
                && has(&key.permissions.contract_trade, "Position"),
            withdraws: writes && has(&key.permissions.wallet, "Withdraw"),
            ip_bound: !key.ips.is_empty() && !key.ips.iter().any(|ip| ip == "*"),
            days_left: (key.deadline_day >= 0).then_some(key.deadline_day),
        })
    }

    /// How our account is set, with the leverage and position mode of one linear symbol.
    async fn ask_account(&self, symbol: &str) -> Result<AccountFacts, VenueError> {
        let info: Info = self.rest().signed("/v5/account/info", &Query::new()).await?;
        let query = Query::new().with("category", "linear").with("symbol", symbol);
        let page: Page<Place> = self.rest().signed("/v5/position/list", &query).await?;
        let places = page.list;
        let first = places
            .first()
            .ok_or_else(|| malformed("position/list has no row for a symbol"))?;
        let status = info.unified_margin_status;
        let kind_fits = UNIFIED.contains(&status);
        Ok(AccountFacts {
            kind: format!(
                "{} (status {status})",
                if kind_fits { "unified 2.0" } else { "not unified 2.0" }
            ),
            kind_fits,
            hedge_mode: places.iter().any(|place| place.position_idx != 0),
            margin_fits: info.margin_mode != "PORTFOLIO_MARGIN",
            margin_mode: info.margin_mode,
            leverage: Some(first.leverage.clone()),
        })
    }
}

impl Inspect for Bybit {
    fn id(&self) -> VenueId {
        VenueId::Bybit
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

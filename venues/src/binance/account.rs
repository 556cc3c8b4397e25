//! The account on request.

use domain::instrument::{FeeRates, InstrumentId, Product, VenueId};
use domain::ports::{AccountView, Answer, VenueError};
use domain::position::{AccountTruth, Balance};
use domain::setup::{MarginMode, Setup};
use domain::time::Timestamp;

use super::host::{Params, Verb};
use super::{Binance, Core, codes, history, parse_account};

async fn balances(core: &Core) -> Result<Vec<Balance>, VenueError> {
    let spot = Params::new().with("omitZeroBalances", "true");
    let spot = core.host(Product::Spot).private("/api/v3/account", spot, 20).await?;
    let futures = core
        .host(Product::Perp)
        .private("/fapi/v3/balance", Params::new(), 5)
        .await?;
    let mut all = parse_account::spot_balances(&spot)?;
    all.extend(parse_account::futures_balances(&futures)?);
    Ok(all)
}

async fn truth(core: &Core, since: Timestamp, instruments: &[InstrumentId]) -> Result<AccountTruth, VenueError> {
    let (spot, perp) = (core.host(Product::Spot), core.host(Product::Perp));
    // Stamped with the earliest instant that it may speak of.
    let read_at = perp.market_time();
    let positions = parse_account::positions(&perp.private("/fapi/v3/positionRisk", Params::new(), 5).await?)?;
    let mut fills = Vec::new();
    for id in instruments.iter().filter(|id| id.venue == VenueId::Binance) {
        fills.extend(history::fills(core, id, since).await?);
    }
    let funding = history::funding(core, since).await?;
    let spot_orders = spot.private("/api/v3/openOrders", Params::new(), 80).await?;
    let mut open_orders = parse_account::orders(Product::Spot, &spot_orders)?;
    let perp_orders = perp.private("/fapi/v1/openOrders", Params::new(), 40).await?;
    open_orders.extend(parse_account::orders(Product::Perp, &perp_orders)?);
    // A position that is far from its liquidation is told with a price of nothing: the account then says how far.
    let margin = if positions.iter().any(|position| position.liquidation_price.is_none()) {
        Some(parse_account::margin(
            &perp.private("/fapi/v3/account", Params::new(), 5).await?,
        )?)
    } else {
        None
    };
    Ok(AccountTruth {
        venue: VenueId::Binance,
        balances: balances(core).await?,
        positions,
        open_orders,
        fills,
        funding,
        margin,
        read_at,
    })
}

async fn fees(core: &Core, instrument: &InstrumentId) -> Result<FeeRates, VenueError> {
    let params = Params::new().with("symbol", instrument.symbol.as_str());
    let host = core.host(instrument.product);
    match instrument.product {
        Product::Spot => parse_account::spot_fees(&host.private("/api/v3/account/commission", params, 20).await?),
        Product::Perp => parse_account::futures_fees(&host.private("/fapi/v1/commissionRate", params, 20).await?),
    }
}

/// "Already so" is success.
fn settled(answer: Result<String, VenueError>) -> Result<(), VenueError> {
    match answer {
        Ok(_) => Ok(()),
        Err(VenueError::Refused { code, .. }) if codes::is_no_change(code) => Ok(()),
        Err(error) => Err(error),
    }
}

impl AccountView for Binance {
    fn truth<'a>(
        &'a self,
        since: Timestamp,
        instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(truth(&self.core, since, instruments))
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        Box::pin(balances(&self.core))
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        Box::pin(fees(&self.core, instrument))
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(async move {
            if instrument.product == Product::Spot {
                return Ok(());
            }
            let host = self.core.host(Product::Perp);
            let one_way = Params::new().with("dualSidePosition", "false");
            settled(host.change(Verb::Post, "/fapi/v1/positionSide/dual", one_way).await)?;
            let symbol = || Params::new().with("symbol", instrument.symbol.as_str());
            let margin = symbol().with(
                "marginType",
                match setup.margin {
                    MarginMode::Cross => "CROSSED",
                    MarginMode::Isolated => "ISOLATED",
                },
            );
            settled(host.change(Verb::Post, "/fapi/v1/marginType", margin).await)?;
            let leverage = symbol().number("leverage", setup.leverage.into());
            settled(host.change(Verb::Post, "/fapi/v1/leverage", leverage).await)
        })
    }
}

//! What one venue is like: whether its hosts serve us, its clock, and what it says about our key, account and money.

use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{FeeRates, Instrument, Product, VenueId};
use domain::ports::{Answer, Clock, VenueError};
use domain::position::Balance;
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use venues::shared::inspect::{AccountFacts, HostReport, Inspect, KeyFacts, Reached};

use super::check::{Check, Checks};
use crate::config::Config;

/// A clock that is farther off makes a venue refuse orders.
const FAR_MS: i64 = 1_000;
/// Worth a look.
const OFF_MS: i64 = 250;
/// A venue that is farther away serves an engine badly.
const SLOW_MS: u128 = 300;
/// And one that is this far away does not serve it.
const TOO_SLOW_MS: u128 = 2_000;
/// Longest a venue's wish to wait is granted, in seconds; a ban is told instead.
const A_MOMENT_S: u64 = 5;
/// Days before a key's end that are time enough to make another.
const SOON_DAYS: i64 = 14;
/// A taker fee above this is a mistake of somebody: 10 bps.
const DEAR: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// The money that hedges are kept in.
const USDT: &str = "USDT";

/// Checks of an account, in order.
const OF_ACCOUNT: [&str; 12] = [
    "key.valid",
    "key.withdrawal",
    "key.address",
    "key.trading",
    "key.expiry",
    "account.kind",
    "account.position_mode",
    "account.margin_mode",
    "account.leverage",
    "account.fees",
    "account.balance",
    "account.min_notional",
];

/// Whether a key of a venue is configured.
pub fn has_key(config: &Config, venue: VenueId) -> bool {
    let key = match venue {
        VenueId::Binance => &config.venues.binance.api_key,
        VenueId::Bybit => &config.venues.bybit.api_key,
    };
    !key.expose_secret().is_empty()
}

pub async fn check(venue: &dyn Inspect, has_key: bool, config: &Config, clock: &Rc<dyn Clock>, all: &mut Checks) {
    let name = venue.id().as_str();
    let ids = |ids: &[&str]| ids.iter().map(|id| format!("{name}.{id}")).collect::<Vec<_>>();
    let hosts = match venue.reach(clock).await {
        Ok(hosts) => hosts,
        Err(error) => {
            let fix = "correct the venue's address";
            return all.add(Check::fail(&format!("{name}.reachable"), error.to_string(), fix));
        }
    };
    for host in &hosts {
        reached(name, host, all);
    }
    if !hosts
        .iter()
        .all(|host| matches!(host.reached, Reached::Answered { .. }))
    {
        return all.skip(&ids(&OF_ACCOUNT), "a host of the venue does not answer");
    }
    let present = format!("{name}.key.present");
    if !has_key {
        all.add(Check::skipped(&present, "none is configured, and this mode needs none"));
        return all.skip(&ids(&OF_ACCOUNT), "there is no key");
    }
    all.add(Check::ok(&present, "configured"));
    let facts = match patiently(|| venue.key_facts()).await {
        Ok(facts) => facts,
        Err(error) => {
            all.add(bad_key(name, &error));
            let rest = OF_ACCOUNT.get(1..).unwrap_or_default();
            return all.skip(&ids(rest), "the key was not taken");
        }
    };
    key(name, &facts, all);
    match patiently(|| venue.instruments()).await {
        Ok(listed) => account(venue, config, &listed, all).await,
        Err(error) => {
            let rest = OF_ACCOUNT.get(5..).unwrap_or_default();
            all.skip(&ids(rest), &format!("the instruments are not told: {error}"));
        }
    }
}

fn reached(venue: &str, report: &HostReport, all: &mut Checks) {
    let id = |what: &str| format!("{venue}.{}.{what}", report.host);
    let (reachable, clock, latency) = (id("reachable"), id("clock"), id("latency"));
    match &report.reached {
        Reached::Answered { took, ahead_ms } => {
            all.add(Check::ok(&reachable, format!("{} answers", report.url)));
            all.add(skewed(&clock, *ahead_ms));
            all.add(slow(&latency, took.as_millis()));
        }
        Reached::Blocked { status } => {
            all.add(Check::fail(
                &reachable,
                format!("{} answers {status} to this address", report.url),
                "run it where the venue serves: Tokyo or Singapore, never the United States",
            ));
            all.skip(&[clock, latency], "the host does not serve this address");
        }
        Reached::Away { reason } => {
            all.add(Check::fail(
                &reachable,
                format!("{}: {reason}", report.url),
                "look at network, DNS and firewall, then at the venue's status page",
            ));
            all.skip(&[clock, latency], "the host does not answer");
        }
    }
}

fn skewed(id: &str, ahead_ms: i64) -> Check {
    const FIX: &str = "keep this machine's clock set: chrony or systemd-timesyncd";
    let saw = format!("the venue is {ahead_ms} ms ahead of this machine");
    match ahead_ms.abs() {
        off if off > FAR_MS => Check::fail(id, saw, FIX),
        off if off > OFF_MS => Check::warn(id, saw, FIX),
        _ => Check::ok(id, saw),
    }
}

fn slow(id: &str, took_ms: u128) -> Check {
    const FIX: &str = "run it nearer to the venue: Tokyo or Singapore";
    let saw = format!("{took_ms} ms there and back");
    if took_ms > TOO_SLOW_MS {
        Check::fail(id, saw, FIX)
    } else if took_ms > SLOW_MS {
        Check::warn(id, saw, FIX)
    } else {
        Check::ok(id, saw)
    }
}

/// Asks once more where the venue wants a moment: several examinations in one second reach its limits, and that says
/// nothing about a key or an account.
async fn patiently<'a, T>(ask: impl Fn() -> Answer<'a, Result<T, VenueError>>) -> Result<T, VenueError> {
    match ask().await {
        Err(VenueError::Throttled { wait_seconds, .. }) if wait_seconds <= A_MOMENT_S => {
            tokio::time::sleep(Duration::from_secs(wait_seconds)).await;
            ask().await
        }
        answer => answer,
    }
}

fn bad_key(venue: &str, error: &VenueError) -> Check {
    let fix = match error {
        VenueError::Refused { .. } => {
            "key and secret belong together, to this venue and not to its testnet, and are good from this address"
        }
        VenueError::Throttled { .. } => "wait until the venue hears this address again, then examine once more",
        VenueError::Unreachable { .. } | VenueError::Malformed { .. } => {
            "look at the network, a proxy between, and the venue's status page, then examine once more"
        }
    };
    Check::fail(&format!("{venue}.key.valid"), error.to_string(), fix)
}

fn key(venue: &str, facts: &KeyFacts, all: &mut Checks) {
    let id = |what: &str| format!("{venue}.key.{what}");
    all.add(Check::ok(&id("valid"), "the venue knows it"));
    all.add(Check::holds(
        &id("withdrawal"),
        !facts.withdraws,
        if facts.withdraws {
            "it may withdraw"
        } else {
            "it may not withdraw"
        },
        "make a key without the right to withdraw: a stolen one must not empty the account",
    ));
    all.add(Check::holds(
        &id("address"),
        facts.ip_bound,
        if facts.ip_bound {
            "bound to named addresses"
        } else {
            "good from anywhere"
        },
        "bind it to this machine's outbound address",
    ));
    all.add(Check::holds(
        &id("trading"),
        facts.trades_spot && facts.trades_perp,
        format!(
            "spot {}, perpetuals {}",
            if facts.trades_spot { "yes" } else { "no" },
            if facts.trades_perp { "yes" } else { "no" }
        ),
        "let it read and trade on spot and on perpetuals",
    ));
    all.add(match facts.days_left {
        None => Check::ok(&id("expiry"), "it does not end"),
        Some(days) if days <= 1 => Check::fail(&id("expiry"), format!("it ends in {days} days"), "make a new key"),
        Some(days) if days <= SOON_DAYS => {
            Check::warn(&id("expiry"), format!("it ends in {days} days"), "make a new key")
        }
        Some(days) => Check::ok(&id("expiry"), format!("it ends in {days} days")),
    });
}

async fn account(venue: &dyn Inspect, config: &Config, listed: &[Instrument], all: &mut Checks) {
    let name = venue.id().as_str();
    let id = |what: &str| format!("{name}.account.{what}");
    let Some(perp) = sample(config, listed, Product::Perp) else {
        let ids: Vec<String> = OF_ACCOUNT.iter().skip(5).map(|what| format!("{name}.{what}")).collect();
        return all.skip(&ids, "the venue lists no perpetual of universe.symbols");
    };
    match patiently(|| venue.account_facts(perp.id.symbol.as_str())).await {
        Ok(facts) => settings(name, &facts, perp, config, all),
        Err(error) => {
            let fix = "let the key read the account";
            all.add(Check::fail(&id("kind"), error.to_string(), fix));
            let rest = [id("position_mode"), id("margin_mode"), id("leverage")];
            all.skip(&rest, "the account's settings are not told");
        }
    }
    all.add(fees(&id("fees"), perp, patiently(|| venue.fees(&perp.id)).await));
    all.add(balance(&id("balance"), patiently(|| venue.balances()).await));
    all.add(smallest(&id("min_notional"), listed, config));
}

/// A perpetual, or a spot market, that may be traded: the first of the configured ones, or Bitcoin.
fn sample<'a>(config: &Config, listed: &'a [Instrument], product: Product) -> Option<&'a Instrument> {
    let wanted = config.universe.symbols.first().map_or("BTC", String::as_str);
    let mut fitting = listed.iter().filter(|one| one.id.product == product);
    fitting.find(|one| one.asset.as_str() == wanted || one.id.symbol.as_str() == wanted)
}

fn settings(venue: &str, facts: &AccountFacts, perp: &Instrument, config: &Config, all: &mut Checks) {
    let id = |what: &str| format!("{venue}.account.{what}");
    all.add(Check::holds(
        &id("kind"),
        facts.kind_fits,
        facts.kind.as_str(),
        "let the account trade; on Bybit upgrade it to a unified account 2.0",
    ));
    all.add(Check::holds(
        &id("position_mode"),
        !facts.hedge_mode,
        if facts.hedge_mode { "hedge mode" } else { "one-way" },
        "choose one-way mode, while nothing is held",
    ));
    all.add(Check::holds(
        &id("margin_mode"),
        facts.margin_fits,
        facts.margin_mode.as_str(),
        "choose single-asset mode on Binance, regular or isolated margin on Bybit",
    ));
    let most = config.risk.max_leverage;
    let is_told = facts
        .leverage
        .as_deref()
        .and_then(|leverage| leverage.parse::<Decimal>().ok());
    let symbol = &perp.id.symbol;
    all.add(match is_told {
        Some(leverage) if leverage <= Decimal::from(most) => {
            Check::ok(&id("leverage"), format!("{leverage} on {symbol}"))
        }
        Some(leverage) => Check::warn(
            &id("leverage"),
            format!("{leverage} on {symbol}, above risk.max_leverage = {most}"),
            "nothing: the engine sets its own before its first order there",
        ),
        None => Check::fail(
            &id("leverage"),
            format!("not told for {symbol}"),
            "let the key read positions",
        ),
    });
}

fn fees(id: &str, perp: &Instrument, told: Result<FeeRates, VenueError>) -> Check {
    match told {
        Ok(fees) => {
            let saw = format!("taker {}, maker {} on {}", fees.taker, fees.maker, perp.id.symbol);
            if fees.taker.0 > DEAR {
                Check::warn(id, saw, "above 10 bps: look at the account's fee tier")
            } else {
                Check::ok(id, saw)
            }
        }
        Err(error) => Check::fail(
            id,
            error.to_string(),
            "let the key read fee rates; without them nothing is entered",
        ),
    }
}

fn balance(id: &str, told: Result<Vec<Balance>, VenueError>) -> Check {
    const FIX: &str = "transfer USDT into the wallets that hedges are paid from";
    let rows = match told {
        Ok(rows) => rows,
        Err(error) => return Check::fail(id, error.to_string(), "let the key read the wallets"),
    };
    let held: Vec<&Balance> = rows
        .iter()
        .filter(|row| row.asset.as_str() == USDT && row.free > Decimal::ZERO)
        .collect();
    let words: Vec<String> = held
        .iter()
        .map(|row| format!("{} {USDT} free in {}", row.free.normalize(), row.wallet.as_str()))
        .collect();
    Check::holds(
        id,
        !held.is_empty(),
        if words.is_empty() {
            format!("no free {USDT}")
        } else {
            words.join(", ")
        },
        FIX,
    )
}

/// A leg that may not even be the smallest order of a venue could never be opened.
fn smallest(id: &str, listed: &[Instrument], config: &Config) -> Check {
    let most = config.risk.max_position;
    if most.is_zero() {
        return Check::skipped(id, "risk.max_position_usd is not set");
    }
    let of_both = [Product::Spot, Product::Perp].into_iter();
    let least = of_both
        .filter_map(|product| sample(config, listed, product))
        .map(|one| one.min_notional)
        .max();
    let Some(least) = least else {
        return Check::skipped(id, "the venue lists nothing of universe.symbols");
    };
    Check::holds(
        id,
        least <= most,
        format!("smallest order {least}, risk.max_position_usd {most}"),
        "raise risk.max_position_usd above the venue's smallest order",
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn clocks_and_distances_are_judged_at_their_bounds() {
        assert_eq!(skewed("a", -FAR_MS - 1).status, Status::Fail);
        assert_eq!(skewed("a", FAR_MS).status, Status::Warn);
        assert_eq!(skewed("a", -OFF_MS).status, Status::Ok);
        assert_eq!(slow("a", TOO_SLOW_MS + 1).status, Status::Fail);
        assert_eq!(slow("a", SLOW_MS + 1).status, Status::Warn);
        assert_eq!(slow("a", SLOW_MS).status, Status::Ok);
    }
}

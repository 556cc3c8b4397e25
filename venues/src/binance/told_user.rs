//! Pushed events of our own account, and the names of those that nobody needs.

use domain::instrument::{Name, Product};
use domain::money::{Price, Quantity};
use domain::position::Wallet;

use super::parse::instrument_id;
use super::parse_account::{self, Heard};
use crate::shared::event::{Event, Outcome};
use crate::shared::row::{Read, Row};

/// One pushed event that is no market data.
pub fn told(product: Product, name: &str, row: &Row<'_>, text: &str, out: &mut Vec<Event>) -> Read<Outcome> {
    let perp = |symbol: &str| instrument_id(Product::Perp, symbol);
    match name {
        "ORDER_TRADE_UPDATE" | "listenKeyExpired" => heard(parse_account::futures_event(text)?, out),
        "executionReport" | "outboundAccountPosition" | "eventStreamTerminated" | "serverShutdown" => {
            heard(parse_account::spot_event(text)?, out);
        }
        "ACCOUNT_UPDATE" => account(row, out)?,
        "balanceUpdate" => out.push(Event::CashFlow {
            kind: "balanceUpdate".to_owned(),
            asset: Name::new(&row.text("a")?),
            amount: row.number("d")?,
            id: None,
            at: row.instant("T")?,
        }),
        "MARGIN_CALL" => {
            for row in row.rows("p")? {
                out.push(Event::MarginCall {
                    instrument: perp(&row.text("s")?),
                    quantity: Quantity(row.number("pa")?),
                });
            }
        }
        "ACCOUNT_CONFIG_UPDATE" if row.has("ac") => {
            let setting = row.row("ac")?;
            out.push(Event::Leverage {
                instrument: perp(&setting.text("s")?),
                leverage: setting.number("l")?,
            });
        }
        _ => return Ok(Outcome::Ignored(reason(product, name))),
    }
    Ok(Outcome::Told)
}

/// Why an event is not needed.
fn reason(product: Product, name: &str) -> &'static str {
    match name {
        "TRADE_LITE" => "the same fill comes whole as ORDER_TRADE_UPDATE, and counts once",
        "ALGO_UPDATE" | "CONDITIONAL_ORDER_TRIGGER_REJECT" => "conditional orders: the engine places none",
        "ACCOUNT_CONFIG_UPDATE" => "the multi-assets setting: read from accountConfig",
        "kline" | "continuous_kline" => "bars: the engine trades on what is now",
        "24hrMiniTicker" => "a thinner 24hrTicker",
        "forceOrder" => "liquidations of others",
        "assetIndexUpdate" | "compositeIndex" => "indexes of assets: the mark carries the one that is needed",
        "contractInfo" => "changes of contracts: instruments are read anew",
        "listStatus" => "order lists: the engine places none",
        _ if product == Product::Spot => "a spot event of a kind that the engine does not need",
        _ => "a futures event of a kind that the engine does not need",
    }
}

fn heard(heard: Heard, out: &mut Vec<Event>) {
    match heard {
        Heard::Facts(facts) => out.extend(facts.into_iter().map(Event::Account)),
        Heard::Over(reason) => out.push(Event::Over(reason)),
    }
}

/// Wallets and positions that changed; a settlement of funding has no id here, so it is told as money that moved.
fn account(row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let account = row.row("a")?;
    let kind = account.text("m")?;
    let at = row.instant("T")?;
    for wallet in account.rows("B")? {
        let asset = Name::new(&wallet.text("a")?);
        if kind == "FUNDING_FEE" {
            out.push(Event::CashFlow {
                kind: kind.clone(),
                asset: asset.clone(),
                amount: wallet.number("bc")?,
                id: None,
                at,
            });
        }
        out.push(Event::WalletChange {
            wallet: Wallet::Futures,
            asset,
            total: wallet.number("wb")?,
        });
    }
    let positions = if account.has("P") {
        account.rows("P")?
    } else {
        Vec::new()
    };
    for position in positions {
        if position.text("ps")? == "BOTH" {
            out.push(Event::PositionChange {
                instrument: instrument_id(Product::Perp, &position.text("s")?),
                quantity: Quantity(position.number("pa")?),
                entry_price: position.maybe_number("ep")?.map(Price),
            });
        } else {
            super::told::hedged(out);
        }
    }
    Ok(())
}

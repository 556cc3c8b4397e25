//! Answers to questions, told apart by the fields that only their kind has.
//!
//! Here the question is not known: this reads files of answers. What the engine asks for itself is read by `parse` and
//! `parse_account`, and by them here, too; read here alone is only what it never asks for.

use std::num::NonZeroU8;

use domain::instrument::{FeeRates, InstrumentId, Name, Product, Side, VenueId};
use domain::market::MarketFact;
use domain::money::{Price, Quantity, Rate, Usd};
use domain::position::{AccountFact, Position, Wallet};
use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::feed::read;
use super::parse::{self, Read, instrument_id, malformed};
use super::parse_account::{self, Execution};
use super::ticker::Figures;
use super::wire::{BookRow, InstrumentRow, LogRow, OrderRow, TickerRow};
use crate::shared::event::{Event, Outcome};
use crate::shared::row::Row;

/// What is known beside a row of a list.
struct Telling<'a> {
    product: Product,
    /// Of the answer as a whole, where it names one.
    symbol: Option<&'a str>,
    /// When it was answered.
    at: Timestamp,
}

type Each = fn(&Telling<'_>, &str, &Row<'_>, &mut Vec<Event>) -> Read<()>;

enum How {
    Ignored(&'static str),
    Each(Each),
}

/// The first of whose fields any is there counts.
const KINDS: &[(&[&str], How)] = &[
    (&["lotSizeFilter", "priceFilter"], How::Each(instrument)),
    (
        &["closedPnl+avgEntryPrice"],
        How::Ignored("closed profits: reckoned from the fills"),
    ),
    (&["execType"], How::Each(execution)),
    (
        &["execId"],
        How::Ignored("public trades of the past: the engine trades on what is now"),
    ),
    (&["orderStatus"], How::Each(order)),
    (&["positionIdx", "avgPrice", "liqPrice"], How::Each(position_row)),
    (&["markPrice", "lastPrice", "bid1Price", "ask1Price"], How::Each(ticker)),
    (&["fundingRateTimestamp", "fundingRate"], How::Each(settled)),
    (&["openInterest"], How::Each(open_interest)),
    (&["riskLimitValue"], How::Each(tier)),
    (&["takerFeeRate", "makerFeeRate"], How::Each(fees)),
    (&["coin"], How::Each(wallet)),
    (&["transactionTime"], How::Each(log)),
    (
        &["orderId"],
        How::Ignored("orders in batches: the engine sends each by itself"),
    ),
];

fn fits(row: &Row<'_>, kind: &[&str]) -> bool {
    kind.iter().any(|names| names.split('+').all(|name| row.has(name)))
}

/// What a good answer holds.
pub fn told(product: Product, answer: &Row<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
    let Some(raw) = answer.raw("result") else {
        out.push(Event::Acknowledged);
        return Ok(Outcome::Told);
    };
    let result = Row::read(VenueId::Bybit, raw)?;
    let category = result.maybe_text("category")?;
    let product = match category.as_deref() {
        None => product,
        Some(category) => match parse::product(category) {
            Some(product) => product,
            None => return Ok(Outcome::Ignored("inverse contracts and options are not traded")),
        },
    };
    let at = answer.maybe_instant("time")?.unwrap_or_default();
    if let Some(list) = result.raw("list") {
        let symbol = result.maybe_text("symbol")?;
        let telling = Telling {
            product,
            symbol: symbol.as_deref(),
            at,
        };
        return rows(&telling, list, out);
    }
    single(product, raw, &result, out)
}

fn rows(telling: &Telling<'_>, list: &str, out: &mut Vec<Event>) -> Read<Outcome> {
    let raws: Vec<&RawValue> = serde_json::from_str(list).map_err(|error| malformed(error.to_string()))?;
    let Some(first) = raws.first().map(|raw| raw.get()) else {
        return Ok(Outcome::Told);
    };
    if first.starts_with('[') {
        return Ok(Outcome::Ignored("bars of the past: the engine trades on what is now"));
    }
    let head = Row::read(VenueId::Bybit, first)?;
    let Some((_, how)) = KINDS.iter().find(|(kind, _)| fits(&head, kind)) else {
        return Err(malformed("rows of no known kind"));
    };
    match how {
        How::Ignored(reason) => return Ok(Outcome::Ignored(reason)),
        How::Each(each) => {
            for raw in raws {
                each(telling, raw.get(), &Row::read(VenueId::Bybit, raw.get())?, out)?;
            }
        }
    }
    Ok(Outcome::Told)
}

fn single(product: Product, raw: &str, result: &Row<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
    if result.has("b") || result.has("a") {
        let row: BookRow = typed(raw)?;
        out.push(Event::Book {
            instrument: Some(instrument_id(product, &row.s)),
            book: parse::book(&row)?,
            update: row.u,
            venue_time: row.ts.map(Timestamp),
        });
    } else if result.has("preImrE4") {
        return Ok(Outcome::Ignored("a trial of an order: nothing was placed"));
    } else if result.has("orderId") {
        return receipt(result, out);
    } else if result.has("timeNano") {
        let nanos = result.unsigned("timeNano")?;
        let millis = i64::try_from(nanos / 1_000_000).map_err(|_| result.wrong("timeNano", "is no instant"))?;
        out.push(Event::VenueTime(Timestamp(millis)));
    } else if result.has("marginMode") {
        out.push(Event::AccountMode {
            hedge_mode: None,
            margin_mode: result.maybe_text("marginMode")?,
        });
    } else if result.has("permissions") {
        return Ok(Outcome::Ignored(
            "the key's own permissions: a refusal names the one that is missing",
        ));
    } else if result.is_empty() || result.has_any(&["riskId", "tpSlMode", "reasons"]) {
        out.push(Event::Acknowledged);
    } else {
        return Err(malformed("an answer of no known kind"));
    }
    Ok(Outcome::Told)
}

/// A receipt for an order.
pub fn receipt(row: &Row<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
    out.push(Event::Receipt {
        venue_order_id: row.id("orderId")?,
        client_id: row.maybe_text("orderLinkId")?,
    });
    Ok(Outcome::Told)
}

fn typed<T: DeserializeOwned>(raw: &str) -> Read<T> {
    read(raw)
}

fn instrument(telling: &Telling<'_>, raw: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let typed: InstrumentRow = typed(raw)?;
    if let Some(instrument) = parse::instrument(telling.product, &typed)? {
        let id = instrument.id.clone();
        out.push(Event::Instrument(Box::new(instrument)));
        funding_rule(id, row, out)?;
    }
    Ok(())
}

/// A perpetual's interval in minutes and its bounds, where the row has them.
fn funding_rule(instrument: InstrumentId, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    if !row.has("fundingInterval") {
        return Ok(());
    }
    let minutes = row.unsigned("fundingInterval")?;
    // Nothing settles in parts of an hour today; a venue that begins to must be looked at first.
    let hours = (minutes % 60 == 0).then(|| u8::try_from(minutes / 60).ok()).flatten();
    if let Some(interval_hours) = hours.and_then(NonZeroU8::new) {
        out.push(Event::FundingRule {
            instrument,
            interval_hours,
            cap: row.maybe_number("upperFundingRate")?.map(Rate),
            floor: row.maybe_number("lowerFundingRate")?.map(Rate),
        });
    }
    Ok(())
}

fn execution(telling: &Telling<'_>, raw: &str, _: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    match parse_account::execution(telling.product, &typed(raw)?)? {
        Execution::Trade(fill) => out.push(Event::Account(AccountFact::Fill(fill))),
        Execution::Forced { fill, kind } => {
            let instrument = fill.instrument.clone();
            out.push(Event::Account(AccountFact::Fill(fill)));
            out.push(Event::Account(AccountFact::ForcedReduction { instrument, kind }));
        }
        // The transaction log has the row that counts.
        Execution::Funding(_) | Execution::Other => {}
    }
    Ok(())
}

fn order(telling: &Telling<'_>, raw: &str, _: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let row: OrderRow = typed(raw)?;
    let product = row
        .category
        .as_deref()
        .and_then(parse::product)
        .unwrap_or(telling.product);
    out.push(Event::Account(AccountFact::Order(parse_account::order(product, &row)?)));
    Ok(())
}

fn position_row(telling: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    position(telling.product, row, out)
}

/// A position, on request or pushed; a flat one too, since that is news to who held it.
pub fn position(product: Product, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let instrument = instrument_id(product, &row.text("symbol")?);
    let size = parse_account::held(row.number("size")?)?;
    let entry = if row.has("entryPrice") {
        "entryPrice"
    } else {
        "avgPrice"
    };
    if size.is_zero() {
        out.push(Event::PositionChange {
            instrument: instrument.clone(),
            quantity: Quantity(size),
            entry_price: None,
        });
    } else {
        let side = match &*row.text("side")? {
            "Buy" => Side::Buy,
            "Sell" => Side::Sell,
            _ => return Err(row.wrong("side", "is missing beside a size")),
        };
        let liquidation = row.maybe_number("liqPrice")?;
        out.push(Event::Position(Position {
            instrument: instrument.clone(),
            quantity: Quantity(size * side.sign()),
            entry_price: Price(row.number(entry)?),
            mark_price: Price(row.number("markPrice")?),
            liquidation_price: liquidation.filter(|price| *price > Decimal::ZERO).map(Price),
        }));
    }
    if let Some(leverage) = row.maybe_number("leverage")? {
        out.push(Event::Leverage {
            instrument: instrument.clone(),
            leverage,
        });
    }
    if row.has("adlRankIndicator") {
        let indicator = u8::try_from(row.unsigned("adlRankIndicator")?);
        let indicator = indicator.map_err(|_| row.wrong("adlRankIndicator", "is no step"))?;
        out.push(Event::Adl { instrument, indicator });
    }
    Ok(())
}

fn ticker(telling: &Telling<'_>, raw: &str, _: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let row: TickerRow = typed(raw)?;
    let figures = Figures::of(&row)?;
    let instrument = instrument_id(telling.product, &row.symbol);
    if let Some(quote) = figures.touch() {
        out.push(Event::Market(MarketFact::Quote {
            instrument: instrument.clone(),
            quote,
            venue_time: telling.at,
        }));
    }
    if telling.product == Product::Perp {
        out.extend(figures.facts(&instrument, telling.at).map(Event::Market));
    }
    of_ticker(&figures, &figures, &instrument, telling.at, out);
    Ok(())
}

/// What a ticker says beside touch, mark and funding; only what `told` carries is news.
pub fn of_ticker(whole: &Figures, told: &Figures, instrument: &InstrumentId, at: Timestamp, out: &mut Vec<Event>) {
    if let (Some(quantity), Some(_)) = (whole.open_interest(), told.open_interest()) {
        out.push(Event::OpenInterest {
            instrument: Some(instrument.clone()),
            quantity,
            at: Some(at),
        });
    }
    if let (Some(turnover), Some(_)) = (whole.turnover(), told.turnover()) {
        out.push(Event::DayVolume {
            instrument: instrument.clone(),
            turnover,
        });
    }
}

fn settled(telling: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Settled {
        instrument: instrument_id(telling.product, &row.text("symbol")?),
        rate: Rate(row.number("fundingRate")?),
        settled_at: row.instant("fundingRateTimestamp")?,
    });
    Ok(())
}

fn open_interest(telling: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::OpenInterest {
        instrument: telling.symbol.map(|symbol| instrument_id(telling.product, symbol)),
        quantity: Quantity(row.wide("openInterest")?),
        at: row.maybe_instant("timestamp")?,
    });
    Ok(())
}

fn tier(telling: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::MarginTier {
        instrument: instrument_id(telling.product, &row.text("symbol")?),
        from: None,
        up_to: Usd(row.number("riskLimitValue")?),
        leverage: row.number("maxLeverage")?,
        maintenance: Rate(row.number("maintenanceMargin")?),
    });
    Ok(())
}

fn fees(telling: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let symbol = row.maybe_text("symbol")?;
    out.push(Event::Fees {
        instrument: symbol.map(|symbol| instrument_id(telling.product, &symbol)),
        rates: FeeRates {
            maker: Rate(row.number("makerFeeRate")?),
            taker: Rate(row.number("takerFeeRate")?),
        },
    });
    Ok(())
}

fn wallet(_: &Telling<'_>, _: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    for coin in row.rows("coin")? {
        let told = parse_account::balance(&super::wire::CoinRow {
            coin: coin.text("coin")?,
            wallet_balance: coin.text("walletBalance")?,
            locked: coin.maybe_text("locked")?,
        })?;
        out.push(Event::Account(AccountFact::Balance(told)));
    }
    Ok(())
}

/// Coins whose locked part is not told: their whole is.
pub fn whole_wallets(wallets: &[Row<'_>], out: &mut Vec<Event>) -> Read<()> {
    for wallet in wallets {
        for coin in wallet.rows("coin")? {
            if coin.maybe_text("locked")?.is_none() {
                out.push(Event::WalletChange {
                    wallet: Wallet::Unified,
                    asset: Name::new(&coin.text("coin")?),
                    total: coin.number("walletBalance")?,
                });
            }
        }
    }
    Ok(())
}

/// A row of the transaction log: funding, or money that moved for another reason.
fn log(_: &Telling<'_>, raw: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let typed: LogRow = typed(raw)?;
    if let Some(payment) = parse_account::funding(&typed)? {
        out.push(Event::from(payment));
        return Ok(());
    }
    out.push(Event::CashFlow {
        kind: typed.kind,
        asset: Name::new(&typed.currency),
        amount: row.number("change")?,
        id: Some(typed.id),
        at: row.instant("transactionTime")?,
    });
    Ok(())
}

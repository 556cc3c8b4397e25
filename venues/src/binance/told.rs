//! Answers to questions, told apart by the fields that only their kind has.
//!
//! Here the question is not known: this reads files of answers. What the engine asks for itself is read by `parse` and
//! `parse_account`, and by them here, too; read here alone is only what it never asks for.

use domain::instrument::{FeeRates, InstrumentId, Name, Product, Side, VenueId};
use domain::market::MarketFact;
use domain::money::{Price, Quantity, Rate, Usd};
use domain::ports::VenueError;
use domain::position::{AccountFact, Wallet};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::parse::{self, FundingRules, instrument_id, malformed, read};
use super::reader::Context;
use super::{depth, parse_account, wire};
use crate::shared::event::{Event, Outcome};
use crate::shared::row::{Read, Row};

/// What is known beside an answer.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The product that was asked about.
    pub product: Product,
    /// What is known of the question.
    pub context: Context<'a>,
    /// Funding rules that were told before.
    pub rules: &'a FundingRules,
}

/// A kind of answer: the fields of which any tells it, and what reads it.
type Kind = (&'static [&'static str], How);

enum How {
    /// A request was taken.
    Taken,
    /// Not needed, for this reason.
    Ignored(&'static str),
    /// Read as a whole.
    Whole(fn(&Telling<'_>, &str, &mut Vec<Event>) -> Read<()>),
    /// Read row by row.
    Each(fn(&Telling<'_>, &Row<'_>, &mut Vec<Event>) -> Read<()>),
}

/// The first that fits counts: what is told more surely stands first.
const KINDS: &[Kind] = &[
    (&["algoId"], How::Ignored("conditional orders: the engine places none")),
    (
        &["symbolRules", "referencePrice", "calculationType"],
        How::Ignored("execution rules of spot: filters are read from exchangeInfo"),
    ),
    (&["symbols"], How::Whole(instruments)),
    (
        &["rateLimitType"],
        How::Ignored("limits on requests: read from the headers of each answer"),
    ),
    (
        &["standardCommissionForOrder"],
        How::Ignored("the answer to a test order: nothing was placed"),
    ),
    (
        &["cancelResult", "newOrderResult"],
        How::Ignored("orders are never replaced: they are cancelled and placed"),
    ),
    (&["brackets"], How::Each(tiers)),
    (&["adlQuantile"], How::Each(adl)),
    (&["assets"], How::Whole(futures_account)),
    (&["balances"], How::Whole(spot_balances)),
    (&["availableBalance"], How::Whole(futures_balances)),
    (&["free", "locked"], How::Each(spot_balance)),
    (&["lastUpdateId+bids", "bids", "asks"], How::Whole(book)),
    (
        &["lastFundingRate", "nextFundingTime", "estimatedSettlePrice"],
        How::Whole(premiums),
    ),
    (
        &["fundingIntervalHours", "adjustedFundingRateCap"],
        How::Each(funding_rule),
    ),
    (&["fundingTime", "fundingRate"], How::Each(settled)),
    (
        &["quoteVolume", "weightedAvgPrice", "priceChange"],
        How::Each(day_volume),
    ),
    (&["bidPrice", "bidQty", "askPrice", "askQty"], How::Whole(touches)),
    (&["openInterest", "sumOpenInterest"], How::Each(open_interest)),
    (&["positionAmt"], How::Each(position_row)),
    (&["incomeType"], How::Each(income)),
    (&["commissionAsset", "commission"], How::Whole(trades)),
    (
        &["origQty", "executedQty", "orderReports", "code+msg"],
        How::Whole(orders),
    ),
    (
        &["isBuyerMaker", "m+q"],
        How::Ignored("public trades of the past: the engine trades on what is now"),
    ),
    (&["makerCommissionRate"], How::Whole(futures_fees)),
    (&["standardCommission"], How::Whole(spot_fees)),
    (&["makerCommission"], How::Each(fee_row)),
    (&["leverage"], How::Each(leverage)),
    (&["dualSidePosition", "multiAssetsMargin"], How::Each(mode)),
    (&["dailyInterest"], How::Each(borrow)),
    (
        &["bidBuffer"],
        How::Ignored("asset indexes of multi-assets mode: the account is kept in one asset"),
    ),
    (&["listenKey"], How::Each(listen_key)),
    (&["subscriptionId", "countdownTime"], How::Taken),
    (&["serverTime"], How::Each(server_time)),
    (&["orderId+clientOrderId"], How::Each(receipt)),
    (
        &["price"],
        How::Ignored("last and average prices: the engine trades on touches and marks"),
    ),
];

/// Whether the fields of `kind` are there; `a+b` asks for both.
fn fits(row: &Row<'_>, kind: &[&str]) -> bool {
    kind.iter().any(|names| names.split('+').all(|name| row.has(name)))
}

/// Reads an answer; `row` is the answer itself, or its first row where it is a list.
pub fn told(telling: &Telling<'_>, text: &str, row: &Row<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
    if row.is_empty() {
        out.push(Event::Acknowledged); // a ping, a prolonged key
        return Ok(Outcome::Told);
    }
    let Some((_, how)) = KINDS.iter().find(|(kind, _)| fits(row, kind)) else {
        return Err(malformed("a message of no known kind".to_owned()));
    };
    match how {
        How::Ignored(reason) => return Ok(Outcome::Ignored(reason)),
        How::Taken => out.push(Event::Acknowledged),
        How::Whole(whole) => whole(telling, text, out)?,
        How::Each(each) if text.starts_with('[') => {
            for row in Row::read_all(VenueId::Binance, text)? {
                each(telling, &row, out)?;
            }
        }
        How::Each(each) => each(telling, row, out)?,
    }
    Ok(Outcome::Told)
}

impl Telling<'_> {
    fn instrument(&self, row: &Row<'_>) -> Read<InstrumentId> {
        Ok(instrument_id(self.product, &row.text("symbol")?))
    }

    fn perhaps_instrument(&self, row: &Row<'_>) -> Read<Option<InstrumentId>> {
        let named = row.maybe_text("symbol")?;
        let symbol = named.as_deref().or(self.context.asked);
        Ok(symbol.map(|symbol| instrument_id(self.product, symbol)))
    }
}

/// One row, or a list of them.
fn many<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Read<Vec<T>> {
    if text.starts_with('[') {
        read(what, text)
    } else {
        read(what, text).map(|row| vec![row])
    }
}

fn instruments(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let listed = parse::listed(telling.product, text)?;
    if !listed.is_empty() && listed.iter().all(Result::is_err) {
        return Err(malformed("exchangeInfo: no symbol has all its filters".to_owned()));
    }
    out.extend(listed.into_iter().map(|symbol| match symbol {
        Ok(instrument) => Event::Instrument(Box::new(instrument)),
        Err(symbol) => Event::LeftOut {
            symbol,
            reason: "a filter is missing or unreadable".to_owned(),
        },
    }));
    Ok(())
}

fn book(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let snapshot = depth::snapshot(text)?;
    out.push(Event::Book {
        instrument: telling
            .context
            .asked
            .map(|symbol| instrument_id(telling.product, symbol)),
        book: snapshot.book,
        update: snapshot.update,
        venue_time: snapshot.venue_time,
    });
    Ok(())
}

fn premiums(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    for row in many::<wire::PremiumIndex<'_>>("premiumIndex", text)? {
        let id = instrument_id(telling.product, &row.symbol);
        out.extend(parse::premium(&id, &row, telling.rules).map(Event::Market));
    }
    Ok(())
}

/// A pair with an empty side has no touch.
fn touches(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    for row in many::<wire::RestTicker<'_>>("bookTicker", text)? {
        let quote = parse::quote(&row);
        if quote.is_sane() {
            out.push(Event::Market(MarketFact::Quote {
                instrument: instrument_id(telling.product, &row.symbol),
                quote,
                venue_time: row.time.map_or(telling.context.received, domain::time::Timestamp),
            }));
        }
    }
    Ok(())
}

/// Orders; in an answer to several requests some rows are refusals, and some are lists of orders.
fn orders(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    for raw in many::<&RawValue>("order", text)? {
        let row = Row::read(VenueId::Binance, raw.get())?;
        if row.has("code") && row.has("msg") {
            out.push(refused(&row)?);
        } else if let Some(reports) = row.raw("orderReports") {
            for order in read::<Vec<wire::Order<'_>>>("order", reports)? {
                push_order(telling, &order, out)?;
            }
        } else {
            push_order(telling, &read("order", raw.get())?, out)?;
        }
    }
    Ok(())
}

fn refused(row: &Row<'_>) -> Read<Event> {
    match super::reader::refusal(row)? {
        VenueError::Refused { code, reason, .. } => Ok(Event::Refused { code, reason }),
        other => Err(other),
    }
}

fn push_order(telling: &Telling<'_>, order: &wire::Order<'_>, out: &mut Vec<Event>) -> Read<()> {
    let report = parse_account::report(telling.product, order)?;
    out.push(Event::Account(AccountFact::Order(report)));
    Ok(())
}

fn trades(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    for row in many::<wire::Trade<'_>>("trades", text)? {
        let symbol = row.symbol.as_deref().or(telling.context.asked);
        let symbol = symbol.ok_or_else(|| malformed("trades: no symbol".to_owned()))?;
        let fill = parse_account::trade(&instrument_id(telling.product, symbol), &row)?;
        out.push(Event::Account(AccountFact::Fill(fill)));
    }
    Ok(())
}

fn spot_balances(_: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let balances = parse_account::spot_balances(text)?;
    out.extend(balances.into_iter().map(AccountFact::Balance).map(Event::Account));
    Ok(())
}

fn spot_balance(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let (free, locked) = (row.number("free")?, row.number("locked")?);
    let balance = parse_account::balance(Wallet::Spot, &row.text("asset")?, free + locked, free);
    out.push(Event::Account(AccountFact::Balance(balance)));
    Ok(())
}

fn futures_balances(_: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let balances = parse_account::futures_balances(text)?;
    out.extend(balances.into_iter().map(AccountFact::Balance).map(Event::Account));
    Ok(())
}

/// The futures account as a whole: its assets, and its positions without their marks.
fn futures_account(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let account = Row::read(VenueId::Binance, text)?;
    for row in account.rows("assets")? {
        let (total, free) = (row.number("walletBalance")?, row.number("availableBalance")?);
        let balance = parse_account::balance(Wallet::Futures, &row.text("asset")?, total, free);
        out.push(Event::Account(AccountFact::Balance(balance)));
    }
    for row in account.rows("positions")? {
        one_position(telling, &row, out)?;
    }
    Ok(())
}

/// A position of one-way mode. Two under one name are told as none: the engine refuses an account in hedge mode.
fn one_position(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let quantity = row.number("positionAmt")?;
    if row.text("positionSide")? == "BOTH" {
        out.push(Event::PositionChange {
            instrument: telling.instrument(row)?,
            quantity: Quantity(quantity),
            entry_price: row.maybe_number("entryPrice")?.map(Price),
        });
    } else if !quantity.is_zero() {
        hedged(out);
    }
    Ok(())
}

/// Says that the account is in hedge mode, once.
pub fn hedged(out: &mut Vec<Event>) {
    let mode = Event::AccountMode {
        hedge_mode: Some(true),
        margin_mode: None,
    };
    if !out.contains(&mode) {
        out.push(mode);
    }
}

fn position_row(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let quantity = row.number("positionAmt")?;
    let is_one_way = row.text("positionSide")? == "BOTH";
    if quantity.is_zero() || !is_one_way {
        return one_position(telling, row, out);
    }
    let liquidation = row.maybe_number("liquidationPrice")?;
    out.push(Event::Position(domain::position::Position {
        instrument: telling.instrument(row)?,
        quantity: Quantity(quantity),
        entry_price: Price(row.number("entryPrice")?),
        mark_price: Price(row.number("markPrice")?),
        liquidation_price: liquidation.filter(|price| *price > Decimal::ZERO).map(Price),
    }));
    if row.has("adl") {
        adl_of(telling.instrument(row)?, row.unsigned("adl")?, out);
    }
    Ok(())
}

fn adl_of(instrument: InstrumentId, step: u64, out: &mut Vec<Event>) {
    out.extend(
        u8::try_from(step)
            .ok()
            .map(|indicator| Event::Adl { instrument, indicator }),
    );
}

/// The greatest of the steps: in one-way mode there is one.
fn adl(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let steps = row.row("adlQuantile")?;
    let told: Read<Vec<u64>> = ["BOTH", "LONG", "SHORT"]
        .into_iter()
        .filter(|side| steps.has(side))
        .map(|side| steps.unsigned(side))
        .collect();
    let greatest = told?.into_iter().max();
    let greatest = greatest.ok_or_else(|| row.wrong("adlQuantile", "names no side"))?;
    adl_of(telling.instrument(row)?, greatest, out);
    Ok(())
}

fn tiers(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let instrument = telling.instrument(row)?;
    for tier in row.rows("brackets")? {
        out.push(Event::MarginTier {
            instrument: instrument.clone(),
            from: Some(Usd(tier.number("notionalFloor")?)),
            up_to: Usd(tier.number("notionalCap")?),
            leverage: tier.number("initialLeverage")?,
            maintenance: Rate(tier.number("maintMarginRatio")?),
        });
    }
    Ok(())
}

fn funding_rule(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let hours = u8::try_from(row.unsigned("fundingIntervalHours")?).ok();
    let hours = hours.and_then(std::num::NonZeroU8::new);
    out.push(Event::FundingRule {
        instrument: telling.instrument(row)?,
        interval_hours: hours.ok_or_else(|| row.wrong("fundingIntervalHours", "is no interval"))?,
        cap: row.maybe_number("adjustedFundingRateCap")?.map(Rate),
        floor: row.maybe_number("adjustedFundingRateFloor")?.map(Rate),
    });
    Ok(())
}

fn settled(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Settled {
        instrument: telling.instrument(row)?,
        rate: Rate(row.number("fundingRate")?),
        settled_at: row.instant("fundingTime")?,
    });
    Ok(())
}

fn day_volume(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    day(telling, row, ["symbol", "quoteVolume"], out).map(|_| ())
}

/// What was traded in a day, by the names of its two fields.
pub fn day(telling: &Telling<'_>, row: &Row<'_>, [symbol, turnover]: [&str; 2], out: &mut Vec<Event>) -> Read<Outcome> {
    out.push(Event::DayVolume {
        instrument: instrument_id(telling.product, &row.text(symbol)?),
        turnover: row.wide(turnover)?,
    });
    Ok(Outcome::Told)
}

/// Somebody's trade; the buyer being the maker says that a seller came to the book.
pub fn public_trade(
    instrument: InstrumentId,
    id: String,
    row: &Row<'_>,
    [price, quantity, time, buyer_is_maker]: [&str; 4],
) -> Read<Event> {
    Ok(Event::Trade {
        instrument,
        id,
        taker: if row.flag(buyer_is_maker)? {
            Side::Sell
        } else {
            Side::Buy
        },
        price: Price(row.number(price)?),
        quantity: Quantity(row.number(quantity)?),
        at: row.instant(time)?,
    })
}

fn open_interest(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let (quantity, at) = if row.has("openInterest") {
        ("openInterest", "time")
    } else {
        ("sumOpenInterest", "timestamp")
    };
    out.push(Event::OpenInterest {
        instrument: telling.perhaps_instrument(row)?,
        quantity: Quantity(row.wide(quantity)?),
        at: row.maybe_instant(at)?,
    });
    Ok(())
}

fn income(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let kind = row.text("incomeType")?;
    let (asset, amount) = (row.text("asset")?, row.number("income")?);
    let (at, id) = (row.instant("time")?, row.id("tranId")?);
    if kind == "FUNDING_FEE" && asset == "USDT" {
        let instrument = telling.instrument(row)?;
        let id = format!("{id}:{}", instrument.symbol);
        out.push(Event::from(domain::funding::FundingPayment {
            instrument,
            id,
            amount: Usd(amount),
            rate: None,
            settled_at: at,
        }));
    } else {
        out.push(Event::CashFlow {
            kind,
            asset: Name::new(&asset),
            amount,
            id: Some(id),
            at,
        });
    }
    Ok(())
}

fn futures_fees(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let row = Row::read(VenueId::Binance, text)?;
    let rates = parse_account::futures_fees(text)?;
    let instrument = telling.perhaps_instrument(&row)?;
    out.push(Event::Fees { instrument, rates });
    Ok(())
}

fn spot_fees(telling: &Telling<'_>, text: &str, out: &mut Vec<Event>) -> Read<()> {
    let row = Row::read(VenueId::Binance, text)?;
    let rates = parse_account::spot_fees(text)?;
    let instrument = telling.perhaps_instrument(&row)?;
    out.push(Event::Fees { instrument, rates });
    Ok(())
}

fn fee_row(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Fees {
        instrument: telling.perhaps_instrument(row)?,
        rates: FeeRates {
            maker: Rate(row.number("makerCommission")?),
            taker: Rate(row.number("takerCommission")?),
        },
    });
    Ok(())
}

fn leverage(telling: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Leverage {
        instrument: telling.instrument(row)?,
        leverage: row.number("leverage")?,
    });
    Ok(())
}

fn mode(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    let told = |name: &str| row.has(name).then(|| row.flag(name)).transpose();
    out.push(Event::AccountMode {
        hedge_mode: told("dualSidePosition")?,
        margin_mode: told("multiAssetsMargin")?
            .map(|multi| if multi { "multi-assets" } else { "single-asset" }.to_owned()),
    });
    Ok(())
}

fn borrow(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Borrow {
        asset: Name::new(&row.text("coin")?),
        daily_rate: Rate(row.number("dailyInterest")?),
        limit: row.number("borrowLimit")?,
    });
    Ok(())
}

fn listen_key(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    row.text("listenKey")?;
    out.push(Event::ListenKey);
    Ok(())
}

fn server_time(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::VenueTime(row.instant("serverTime")?));
    Ok(())
}

fn receipt(_: &Telling<'_>, row: &Row<'_>, out: &mut Vec<Event>) -> Read<()> {
    out.push(Event::Receipt {
        venue_order_id: row.id("orderId")?,
        client_id: row.maybe_text("clientOrderId")?,
    });
    Ok(())
}

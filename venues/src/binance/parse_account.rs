//! Private data from the wire to the domain: pure, and strict about numbers and states.

use std::borrow::Cow;

use domain::funding::FundingPayment;
use domain::instrument::{FeeRates, InstrumentId, Name, Product, Side, VenueId};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Fill, OrderReport, VenueOrderStatus};
use domain::ports::VenueError;
use domain::position::{AccountFact, Balance, Margin, Position, Wallet};
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::parse::{instrument_id, malformed, read};
use super::text::Num;
use super::wire;

/// Client ids of orders that the venue itself sends against us.
const FORCED: [&str; 4] = [
    "autoclose-",
    "adl_autoclose",
    "settlement_autoclose-",
    "delivery_autoclose-",
];

fn side(text: &str) -> Result<Side, VenueError> {
    match text {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        other => Err(malformed(format!("an order side {other:?}"))),
    }
}

fn status(text: &str) -> Result<VenueOrderStatus, VenueError> {
    Ok(match text {
        "NEW" | "PARTIALLY_FILLED" | "PENDING_NEW" | "PENDING_CANCEL" | "NEW_INSURANCE" | "NEW_ADL" => {
            VenueOrderStatus::Live
        }
        "FILLED" => VenueOrderStatus::Filled,
        "CANCELED" => VenueOrderStatus::Cancelled,
        "REJECTED" => VenueOrderStatus::Rejected,
        "EXPIRED" | "EXPIRED_IN_MATCH" => VenueOrderStatus::Expired,
        other => return Err(malformed(format!("an order status {other:?}"))),
    })
}

/// An order in the venue's words.
pub fn report(product: Product, order: &wire::Order<'_>) -> Result<OrderReport, VenueError> {
    let updated_at = order
        .update_time
        .or(order.transact_time)
        .or(order.time)
        .ok_or_else(|| malformed("order: no time".to_owned()))?;
    let own = order.orig_client_order_id.as_deref().filter(|id| !id.is_empty());
    believed_order(OrderReport {
        instrument: instrument_id(product, &order.symbol),
        client_id: ClientOrderId::from_text(own.unwrap_or(&order.client_order_id)),
        venue_order_id: order.order_id.0.clone(),
        side: side(&order.side)?,
        quantity: Quantity(order.orig_qty.0),
        filled: Quantity(order.executed_qty.0),
        status: status(&order.status)?,
        updated_at: Timestamp(updated_at),
    })
}

/// One order.
pub fn order(product: Product, body: &str) -> Result<OrderReport, VenueError> {
    report(product, &read("order", body)?)
}

/// Open orders.
pub fn orders(product: Product, body: &str) -> Result<Vec<OrderReport>, VenueError> {
    let rows: Vec<wire::Order<'_>> = read("openOrders", body)?;
    rows.iter().map(|row| report(product, row)).collect()
}

/// The venue's name for a placed order, if the answer is about `id`.
pub fn placed(id: &ClientOrderId, body: &str) -> Result<String, VenueError> {
    let placed: wire::PlacedOrder<'_> = read("placed order", body)?;
    if placed.client_order_id == id.as_str() {
        Ok(placed.order_id.0)
    } else {
        Err(malformed("placed order: the answer names another order".to_owned()))
    }
}

/// Executions of one instrument, with their numbers.
pub fn trades(id: &InstrumentId, body: &str) -> Result<Vec<(u64, Fill)>, VenueError> {
    let rows: Vec<wire::Trade<'_>> = read("trades", body)?;
    rows.iter().map(|row| Ok((row.id, trade(id, row)?))).collect()
}

/// An execution of ours.
pub fn trade(id: &InstrumentId, row: &wire::Trade<'_>) -> Result<Fill, VenueError> {
    let direction = match (&row.side, row.is_buyer) {
        (Some(text), _) => side(text)?,
        (None, Some(true)) => Side::Buy,
        (None, Some(false)) => Side::Sell,
        (None, None) => return Err(malformed("trades: no side".to_owned())),
    };
    let is_maker = row
        .maker
        .or(row.is_maker)
        .ok_or_else(|| malformed("trades: neither maker nor taker".to_owned()))?;
    let fill = Fill {
        instrument: id.clone(),
        trade_id: row.id.to_string(),
        client_id: ClientOrderId::from_text(""),
        venue_order_id: row.order_id.0.clone(),
        side: direction,
        quantity: Quantity(row.qty.0),
        price: Price(row.price.0),
        // Its sign differs between generations of the answer; a taker is always charged.
        fee: row.commission.0.abs(),
        fee_asset: Name::new(&row.commission_asset),
        is_maker,
        realised: row.realized_pnl.map(|Num(amount)| Usd(amount)),
        at: Timestamp(row.time),
    };
    fill.believable().map_err(|why| malformed(format!("trades: {why}")))
}

/// Open positions; those of nothing are left out.
pub fn positions(body: &str) -> Result<Vec<Position>, VenueError> {
    let rows: Vec<wire::PositionRisk<'_>> = read("positionRisk", body)?;
    rows.iter()
        .filter(|row| !row.position_amt.0.is_zero())
        .map(position)
        .collect()
}

/// One position; two under one name cannot be told apart by quantity alone.
pub fn position(row: &wire::PositionRisk<'_>) -> Result<Position, VenueError> {
    if row.position_side != "BOTH" {
        return Err(malformed(format!("positionRisk: {} is held in hedge mode", row.symbol)));
    }
    Ok(Position {
        instrument: instrument_id(Product::Perp, &row.symbol),
        quantity: Quantity(row.position_amt.0),
        entry_price: Price(row.entry_price.0),
        mark_price: Price(row.mark_price.0),
        liquidation_price: row
            .liquidation_price
            .0
            .filter(|price| *price > Decimal::ZERO)
            .map(Price),
    })
}

/// What stands behind all positions that share the wallet.
pub fn margin(body: &str) -> Result<Margin, VenueError> {
    let account: wire::FuturesAccount = read("account", body)?;
    Ok(Margin {
        balance: Usd(account.total_margin_balance.0),
        maintenance: Usd(account.total_maint_margin.0),
    })
}

/// One asset of a wallet.
pub fn balance(wallet: Wallet, asset: &str, total: Decimal, free: Decimal) -> Balance {
    Balance {
        venue: VenueId::Binance,
        wallet,
        asset: Name::new(asset),
        total,
        free,
    }
}

/// The futures wallet.
pub fn futures_balances(body: &str) -> Result<Vec<Balance>, VenueError> {
    let rows: Vec<wire::FuturesBalance<'_>> = read("balance", body)?;
    Ok(rows
        .iter()
        .filter(|row| !row.balance.0.is_zero() || !row.available_balance.0.is_zero())
        .map(|row| balance(Wallet::Futures, &row.asset, row.balance.0, row.available_balance.0))
        .collect())
}

/// The spot wallet.
pub fn spot_balances(body: &str) -> Result<Vec<Balance>, VenueError> {
    let account: wire::SpotAccount<'_> = read("account", body)?;
    Ok(account
        .balances
        .iter()
        .filter(|row| !(row.free.0 + row.locked.0).is_zero())
        .map(|row| balance(Wallet::Spot, &row.asset, row.free.0 + row.locked.0, row.free.0))
        .collect())
}

/// One page of `income`: how many rows it had, the time of the last, and the funding among them in USDT.
pub fn funding_page(body: &str) -> Result<(usize, Option<i64>, Vec<FundingPayment>), VenueError> {
    let rows: Vec<wire::Income<'_>> = read("income", body)?;
    let last = rows.iter().map(|row| row.time).max();
    let payments = rows
        .iter()
        .filter(|row| row.income_type == "FUNDING_FEE" && row.asset == "USDT")
        .map(|row| FundingPayment {
            instrument: instrument_id(Product::Perp, &row.symbol),
            id: format!("{}:{}", row.tran_id.0, row.symbol),
            amount: Usd(row.income.0),
            rate: None,
            settled_at: Timestamp(row.time),
        })
        .collect();
    Ok((rows.len(), last, payments))
}

/// Fees of a perpetual.
pub fn futures_fees(body: &str) -> Result<FeeRates, VenueError> {
    let row: wire::CommissionRate = read("commissionRate", body)?;
    believed(FeeRates {
        maker: Rate(row.maker_commission_rate.0),
        taker: Rate(row.taker_commission_rate.0),
    })
}

/// Fees on spot: everything that is charged, at the dearer side, and no discount counted on.
pub fn spot_fees(body: &str) -> Result<FeeRates, VenueError> {
    let row: wire::SpotCommission = read("account/commission", body)?;
    let parts = [
        row.standard_commission,
        row.special_commission.unwrap_or_default(),
        row.tax_commission.unwrap_or_default(),
    ];
    let dearer: Decimal = parts.iter().map(|part| part.buyer.0.max(part.seller.0)).sum();
    believed(FeeRates {
        maker: Rate(parts.iter().map(|part| part.maker.0).sum::<Decimal>() + dearer),
        taker: Rate(parts.iter().map(|part| part.taker.0).sum::<Decimal>() + dearer),
    })
}

fn believed_order(report: OrderReport) -> Result<OrderReport, VenueError> {
    report.believable().map_err(|why| malformed(format!("order: {why}")))
}

fn believed(rates: FeeRates) -> Result<FeeRates, VenueError> {
    rates
        .believable()
        .map_err(|why| malformed(format!("commission: {why}")))
}

/// What a pushed user event means.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Facts, perhaps none.
    Facts(Vec<AccountFact>),
    /// The stream will say nothing more.
    Over(String),
}

/// One event of the futures user stream.
pub fn futures_event(text: &str) -> Result<Heard, VenueError> {
    let name: wire::EventName<'_> = read("user event", text)?;
    match &*name.e {
        "ORDER_TRADE_UPDATE" => {
            let event: wire::OrderTradeUpdate<'_> = read("ORDER_TRADE_UPDATE", text)?;
            futures_order(&event.o).map(Heard::Facts)
        }
        "ACCOUNT_UPDATE" => {
            let event: wire::AccountUpdate<'_> = read("ACCOUNT_UPDATE", text)?;
            Ok(Heard::Facts(account_update(&event.a)))
        }
        "listenKeyExpired" => Ok(Heard::Over("the listen key expired".to_owned())),
        // TRADE_LITE is the same fill without its fee.
        _ => Ok(Heard::Facts(Vec::new())),
    }
}

/// Positions that changed, and that funding was settled: the event has neither the id of that row nor a free balance, so
/// both are read over REST.
fn account_update(change: &wire::AccountChange<'_>) -> Vec<AccountFact> {
    let settled = (change.m == "FUNDING_FEE").then(|| {
        // Cross positions are settled together, and then the event names none.
        let instrument = change.positions.first().map(|row| instrument_id(Product::Perp, &row.s));
        AccountFact::Settled { instrument }
    });
    let one_way = change.positions.iter().filter(|row| row.ps == "BOTH");
    let moved = one_way.map(|row| AccountFact::Position {
        instrument: instrument_id(Product::Perp, &row.s),
        quantity: Quantity(row.pa.0),
    });
    settled.into_iter().chain(moved).collect()
}

fn futures_order(event: &wire::FuturesOrderEvent<'_>) -> Result<Vec<AccountFact>, VenueError> {
    let instrument = instrument_id(Product::Perp, &event.s);
    let client_id = ClientOrderId::from_text(&event.c);
    let direction = side(&event.side)?;
    let report = OrderReport {
        instrument: instrument.clone(),
        client_id: client_id.clone(),
        venue_order_id: event.i.0.clone(),
        side: direction,
        quantity: Quantity(event.q.0),
        filled: Quantity(event.z.0),
        status: status(&event.status)?,
        updated_at: Timestamp(event.time),
    };
    let mut facts = vec![AccountFact::Order(believed_order(report)?)];
    let is_execution = matches!(&*event.x, "TRADE" | "CALCULATED");
    let forced = FORCED.iter().find(|prefix| event.c.starts_with(**prefix));
    // A delivery may come without its fee: the reduction is told, and the fill is left to REST.
    let is_whole = forced.is_none() || event.n.0.is_some();
    if is_execution && is_whole && event.t > 0 && is_priced(event.l, event.last_price) {
        let (fee, fee_asset) = fee(event.n.0, event.fee_asset.as_ref())?;
        facts.push(AccountFact::Fill(Fill {
            instrument: instrument.clone(),
            trade_id: event.t.to_string(),
            client_id,
            venue_order_id: event.i.0.clone(),
            side: direction,
            quantity: Quantity(event.l.0),
            price: Price(event.last_price.0),
            fee,
            fee_asset,
            is_maker: event.m,
            realised: event.rp.0.map(Usd),
            at: Timestamp(event.time),
        }));
    }
    if is_execution && let Some(kind) = forced {
        facts.push(AccountFact::ForcedReduction {
            instrument,
            kind: kind.trim_end_matches('-').to_owned(),
        });
    }
    Ok(facts)
}

/// An execution without a quantity or a price is none that could be counted; REST has the whole of it.
fn is_priced(quantity: Num, price: Num) -> bool {
    quantity.0 > Decimal::ZERO && price.0 > Decimal::ZERO
}

/// What an execution cost. A fee that is not told is not taken for none: REST has the whole of it.
fn fee(amount: Option<Decimal>, asset: Option<&Cow<'_, str>>) -> Result<(Decimal, Name), VenueError> {
    match (amount.map(|amount| amount.abs()), asset) {
        (Some(amount), Some(asset)) => Ok((amount, Name::new(asset))),
        (Some(amount), None) if amount.is_zero() => Ok((amount, Name::new("USDT"))),
        (Some(_), None) => Err(malformed("an execution: a fee without an asset".to_owned())),
        (None, _) => Err(malformed("an execution: no fee".to_owned())),
    }
}

/// One event of the spot user stream, out of its envelope.
pub fn spot_event(text: &str) -> Result<Heard, VenueError> {
    let name: wire::EventName<'_> = read("user event", text)?;
    match &*name.e {
        "executionReport" => spot_order(&read("executionReport", text)?).map(Heard::Facts),
        "outboundAccountPosition" => {
            let account: wire::AccountPosition<'_> = read("outboundAccountPosition", text)?;
            Ok(Heard::Facts(
                account
                    .balances
                    .iter()
                    .map(|row| AccountFact::Balance(balance(Wallet::Spot, &row.a, row.f.0 + row.l.0, row.f.0)))
                    .collect(),
            ))
        }
        "eventStreamTerminated" | "serverShutdown" => Ok(Heard::Over(name.e.into_owned())),
        _ => Ok(Heard::Facts(Vec::new())),
    }
}

fn spot_order(event: &wire::ExecutionReport<'_>) -> Result<Vec<AccountFact>, VenueError> {
    let instrument = instrument_id(Product::Spot, &event.s);
    // A cancellation carries an id of its own, and the order's beside it.
    let own = event.original_client_id.as_ref().filter(|id| !id.is_empty());
    let client_id = ClientOrderId::from_text(own.unwrap_or(&event.c));
    let direction = side(&event.side)?;
    let report = OrderReport {
        instrument: instrument.clone(),
        client_id: client_id.clone(),
        venue_order_id: event.i.0.clone(),
        side: direction,
        quantity: Quantity(event.q.0),
        filled: Quantity(event.z.0),
        status: status(&event.status)?,
        updated_at: Timestamp(event.time),
    };
    let mut facts = vec![AccountFact::Order(believed_order(report)?)];
    if event.x == "TRADE" && event.t >= 0 && is_priced(event.l, event.last_price) {
        let (fee, fee_asset) = fee(event.n.0, event.fee_asset.as_ref())?;
        facts.push(AccountFact::Fill(Fill {
            instrument,
            trade_id: event.t.to_string(),
            client_id,
            venue_order_id: event.i.0.clone(),
            side: direction,
            quantity: Quantity(event.l.0),
            price: Price(event.last_price.0),
            fee,
            fee_asset,
            is_maker: event.m,
            realised: None,
            at: Timestamp(event.time),
        }));
    }
    Ok(facts)
}

//! Wire payloads to what our account did and holds. Pure.

use domain::funding::FundingPayment;
use domain::instrument::{FeeRates, InstrumentId, Name, Product, Side, VenueId};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Fill, OrderReport, VenueOrderStatus};
use domain::position::{Balance, Margin, Position, Wallet};
use rust_decimal::Decimal;

use super::parse::{Read, instant, instrument_id, malformed, number, optional, product, required, shortened};
use super::wire::{CoinRow, ExecutionRow, FeeRow, LogRow, OrderRow, PositionRow, PushedPosition, WalletRow};

/// Our side of something that was traded.
fn side(text: &str) -> Read<Side> {
    match text {
        "Buy" => Ok(Side::Buy),
        "Sell" => Ok(Side::Sell),
        _ => Err(malformed(format!("side is `{}`", shortened(text)))),
    }
}

/// The venue's word for a side.
pub const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// The product of a pushed row; `None` for a category that is not traded here.
pub fn pushed_product(category: Option<&str>) -> Read<Option<Product>> {
    category.map(product).ok_or_else(|| malformed("a row without category"))
}

/// An order's state. An unknown word is an error: guessing would free or keep exposure.
fn status(row: &OrderRow) -> Read<VenueOrderStatus> {
    match row.order_status.as_str() {
        "New" | "PartiallyFilled" | "Untriggered" | "Triggered" => Ok(VenueOrderStatus::Live),
        "Filled" => Ok(VenueOrderStatus::Filled),
        "Rejected" => Ok(VenueOrderStatus::Rejected),
        "Cancelled" | "PartiallyFilledCanceled" | "Deactivated" => Ok(match row.cancel_type.as_deref() {
            Some(
                "CancelByPrepareLiq"
                | "CancelAllBeforeLiq"
                | "CancelByPrepareAdl"
                | "CancelAllBeforeAdl"
                | "CancelByAdmin"
                | "CancelBySettle"
                | "CancelByCannotAffordOrderCost",
            ) => VenueOrderStatus::Expired,
            _ => VenueOrderStatus::Cancelled,
        }),
        other => Err(malformed(format!("orderStatus is `{}`", shortened(other)))),
    }
}

/// An order in the venue's words.
///
/// # Errors
/// When its state or a figure of it cannot be read.
pub fn order(product: Product, row: &OrderRow) -> Read<OrderReport> {
    let report = OrderReport {
        instrument: instrument_id(product, &row.symbol),
        client_id: ClientOrderId::from_text(row.order_link_id.as_deref().unwrap_or_default()),
        venue_order_id: row.order_id.clone(),
        side: side(&row.side)?,
        quantity: Quantity(number(&row.qty, "qty")?),
        filled: Quantity(number(&row.cum_exec_qty, "cumExecQty")?),
        status: status(row)?,
        updated_at: instant(&row.updated_time, "updatedTime")?,
    };
    report.believable().map_err(malformed)
}

/// What an execution is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Execution {
    /// A trade of an order.
    Trade(Fill),
    /// The venue reduced a position without an order of ours: liquidation, auto-deleveraging, the end of a contract.
    Forced {
        /// What was executed. It moves position and wallet as any other execution does.
        fill: Fill,
        /// The venue's word.
        kind: String,
    },
    /// Funding was settled. The transaction log tells it under the id that counts.
    Funding(InstrumentId),
    /// None of our business.
    Other,
}

/// An execution.
///
/// # Errors
/// When a figure of a trade cannot be read.
pub fn execution(product: Product, row: &ExecutionRow) -> Read<Execution> {
    match row.exec_type.as_str() {
        "Trade" => fill(product, row).map(Execution::Trade),
        "AdlTrade" | "BustTrade" | "Delivery" => Ok(Execution::Forced {
            fill: fill(product, row)?,
            kind: row.exec_type.clone(),
        }),
        "Funding" => Ok(Execution::Funding(instrument_id(product, &row.symbol))),
        _ => Ok(Execution::Other),
    }
}

fn fill(product: Product, row: &ExecutionRow) -> Read<Fill> {
    let side = side(&row.side)?;
    let fill = Fill {
        instrument: instrument_id(product, &row.symbol),
        trade_id: row.exec_id.clone(),
        client_id: ClientOrderId::from_text(row.order_link_id.as_deref().unwrap_or_default()),
        venue_order_id: row.order_id.clone(),
        side,
        quantity: Quantity(number(&row.exec_qty, "execQty")?),
        price: Price(number(&row.exec_price, "execPrice")?),
        fee: required(row.exec_fee.as_deref(), "execFee")?,
        fee_asset: fee_asset(product, side, row)?,
        is_maker: row.is_maker,
        realised: optional(row.exec_pnl.as_deref(), "execPnl")?
            .filter(|_| product == Product::Perp)
            .map(Usd),
        at: instant(&row.exec_time, "execTime")?,
    };
    fill.believable().map_err(malformed)
}

/// What a fee was taken in. Where the venue leaves it out: the settle coin on a perpetual; on spot a buyer pays in the
/// base coin, a seller in the quote coin.
fn fee_asset(product: Product, side: Side, row: &ExecutionRow) -> Read<Name> {
    if let Some(coin) = row.fee_currency.as_deref().filter(|coin| !coin.is_empty()) {
        return Ok(Name::new(coin));
    }
    let base = row.symbol.strip_suffix("USDT").filter(|base| !base.is_empty());
    match (product, base, side) {
        (Product::Perp, None, _) if row.symbol.contains("USDT-") => Ok(Name::new("USDT")),
        (Product::Perp, None, _) => Ok(Name::new("USDC")),
        (Product::Perp, Some(_), _) | (Product::Spot, Some(_), Side::Sell) => Ok(Name::new("USDT")),
        (Product::Spot, Some(base), Side::Buy) => Ok(Name::new(base)),
        (Product::Spot, None, _) => Err(malformed("feeCurrency is missing")),
    }
}

/// The size of a position. The venue tells its direction as a side: a size below nothing contradicts it.
///
/// # Errors
/// When it is below nothing.
pub fn held(size: Decimal) -> Read<Decimal> {
    if size < Decimal::ZERO {
        return Err(malformed("size is below nothing"));
    }
    Ok(size)
}

/// An open position; `None` when it is flat.
///
/// # Errors
/// When a figure of it cannot be read, or it has a size and no side.
pub fn position(row: &PositionRow) -> Read<Option<Position>> {
    let size = held(number(&row.size, "size")?)?;
    if size.is_zero() {
        return Ok(None);
    }
    // "No liquidation price" is empty on request and sometimes `0` on the stream.
    let liquidation = optional(row.liq_price.as_deref(), "liqPrice")?.filter(|price| *price > Decimal::ZERO);
    Ok(Some(Position {
        instrument: instrument_id(Product::Perp, &row.symbol),
        quantity: Quantity(size * side(&row.side)?.sign()),
        entry_price: Price(number(&row.avg_price, "avgPrice")?),
        mark_price: Price(number(&row.mark_price, "markPrice")?),
        liquidation_price: liquidation.map(Price),
    }))
}

/// A pushed position: how much of what. `None` for a side of hedge mode, which cannot be told by quantity alone.
///
/// # Errors
/// When its size cannot be read, or it has a size and no side.
pub fn pushed_position(row: &PushedPosition) -> Read<Option<(InstrumentId, Quantity)>> {
    let size = held(number(&row.size, "size")?)?;
    if row.position_idx != 0 || row.category.as_deref().and_then(product) != Some(Product::Perp) {
        return Ok(None);
    }
    let sign = if size.is_zero() {
        Decimal::ZERO
    } else {
        side(&row.side)?.sign()
    };
    Ok(Some((instrument_id(Product::Perp, &row.symbol), Quantity(size * sign))))
}

/// The coins of an account.
///
/// # Errors
/// When a balance or what is locked of it is not told.
pub fn balances(wallets: &[WalletRow]) -> Read<Vec<Balance>> {
    wallets.iter().flat_map(|wallet| &wallet.coin).map(balance).collect()
}

/// What stands behind the positions of an account; `None` where the venue names none.
///
/// # Errors
/// When a figure of it cannot be read.
pub fn margin(wallets: &[WalletRow]) -> Read<Option<Margin>> {
    let Some(wallet) = wallets.first() else {
        return Ok(None);
    };
    let balance = optional(wallet.total_margin_balance.as_deref(), "totalMarginBalance")?;
    let maintenance = optional(wallet.total_maintenance_margin.as_deref(), "totalMaintenanceMargin")?;
    Ok(balance.zip(maintenance).map(|(balance, maintenance)| Margin {
        balance: Usd(balance),
        maintenance: Usd(maintenance),
    }))
}

/// One coin.
///
/// # Errors
/// When its balance or what is locked of it is not told.
pub fn balance(row: &CoinRow) -> Read<Balance> {
    let total = number(
        &row.wallet_balance,
        &format!("walletBalance of {}", shortened(&row.coin)),
    )?;
    let locked = required(row.locked.as_deref(), &format!("locked of {}", shortened(&row.coin)))?;
    if locked < Decimal::ZERO {
        return Err(malformed(format!(
            "less than nothing is locked of {}",
            shortened(&row.coin)
        )));
    }
    Ok(Balance {
        venue: VenueId::Bybit,
        wallet: Wallet::Unified,
        asset: Name::new(&row.coin),
        total,
        free: (total - locked).max(Decimal::ZERO),
    })
}

/// A row of the transaction log that is funding; `None` for any other.
///
/// The log counts a receipt as positive, the executions count it as negative: only the log is read. Its `feeRate` has
/// the market's sign on some sides only, so the sign comes from the money and the position: a short that received was
/// paid a positive rate.
///
/// # Errors
/// When the amount or the time cannot be read.
pub fn funding(row: &LogRow) -> Read<Option<FundingPayment>> {
    if row.kind != "SETTLEMENT" || row.category != "linear" || row.currency != "USDT" {
        return Ok(None);
    }
    if row.id.is_empty() {
        return Err(malformed("a funding row without an id"));
    }
    let amount = required(row.funding.as_deref(), "funding")?;
    let size = optional(row.size.as_deref(), "size")?.filter(|size| !size.is_zero());
    let rate = optional(row.fee_rate.as_deref(), "feeRate")?;
    let signed = match (rate, size) {
        (Some(rate), _) if rate.is_zero() => Some(rate),
        (Some(rate), Some(size)) if !amount.is_zero() => {
            let longs_paid = size.is_sign_positive() == amount.is_sign_negative();
            Some(if longs_paid { rate.abs() } else { -rate.abs() })
        }
        _ => None,
    };
    Ok(Some(FundingPayment {
        instrument: instrument_id(Product::Perp, &row.symbol),
        id: row.id.clone(),
        amount: Usd(amount),
        rate: signed.map(Rate),
        settled_at: instant(&row.transaction_time, "transactionTime")?,
    }))
}

/// What we pay for trading.
pub fn fees(row: &FeeRow) -> Read<FeeRates> {
    let rates = FeeRates {
        maker: Rate(number(&row.maker_fee_rate, "makerFeeRate")?),
        taker: Rate(number(&row.taker_fee_rate, "takerFeeRate")?),
    };
    rates.believable().map_err(malformed)
}

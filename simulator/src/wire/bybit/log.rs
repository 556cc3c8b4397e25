//! Cash flow by REST: one row for each cause and coin.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::codes::{Refusal, Result};
use super::convert::{fee_rate, side, side_of};
use super::json as to_json;
use super::params::{Category, DAY_MS, Query, WEEK_MS, page};
use super::rows::{Listing, LogRow};
use crate::exchange::{AccountId, CashKind, CashRow, Exchange, Fill, FundingRow};
use crate::market::{Ms, Product, Venue};

/// `GET /v5/account/transaction-log`: newest first.
pub fn transaction_log(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    if query.get("accountType").is_some_and(|kind| kind != "UNIFIED") {
        return Err(Refusal::parameter("accountType only support UNIFIED."));
    }
    let category = query
        .get("category")
        .map(|text| Category::parse(Some(text)))
        .transpose()?;
    let (start, end) = query.window(now, DAY_MS, WEEK_MS)?;
    let limit = query.limit(20, 50)?;
    let fills: BTreeMap<u64, &Fill> = [Product::Spot, Product::Perp]
        .into_iter()
        .flat_map(|product| exchange.fills(account, Venue::Bybit, product, now))
        .map(|fill| (fill.id, fill))
        .collect();
    let funding: BTreeMap<u64, &FundingRow> = exchange
        .funding_rows(account, Venue::Bybit)
        .map(|row| (row.id, row))
        .collect();
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for row in exchange
        .cash_rows(account, Venue::Bybit)
        .filter(|row| (start..=end).contains(&row.time_ms))
    {
        // A fill moves two coins in turn; its rows stand close together.
        match entries.iter_mut().rev().take(3).find(|entry| entry.takes(row)) {
            Some(entry) => entry.add(row),
            None => entries.push(Entry::new(row)),
        }
    }
    let rows = entries.iter().rev().filter_map(|entry| entry.row(&fills, &funding));
    let rows = rows.filter(|row| category.is_none_or(|category| row.category == category.name()));
    let rows = rows.filter(|row| query.get("currency").is_none_or(|currency| row.currency == currency));
    let rows: Vec<LogRow<'_>> = rows
        .filter(|row| query.get("type").is_none_or(|kind| row.kind == kind))
        .collect();
    Ok(to_json(&Listing::paged(None, page(rows, query.get("cursor"), limit)?)))
}

/// The movements of one cause in one coin: the log says them in one row.
struct Entry<'a> {
    first: &'a CashRow,
    change: Decimal,
    fee: Decimal,
    balance: Decimal,
}

impl<'a> Entry<'a> {
    fn new(row: &'a CashRow) -> Self {
        let mut entry = Self {
            first: row,
            change: Decimal::ZERO,
            fee: Decimal::ZERO,
            balance: Decimal::ZERO,
        };
        entry.add(row);
        entry
    }

    fn takes(&self, row: &CashRow) -> bool {
        let trades = |kind| matches!(kind, CashKind::Trade | CashKind::RealisedProfit | CashKind::Fee);
        row.reference.is_some()
            && row.reference == self.first.reference
            && row.asset == self.first.asset
            && trades(row.kind)
            && trades(self.first.kind)
    }

    fn add(&mut self, row: &CashRow) {
        self.change += row.amount;
        self.balance = row.balance_after;
        if row.kind == CashKind::Fee {
            self.fee -= row.amount;
        }
    }

    fn row(&self, fills: &BTreeMap<u64, &'a Fill>, funding: &BTreeMap<u64, &'a FundingRow>) -> Option<LogRow<'a>> {
        let mut row = self.bare();
        match self.first.kind {
            CashKind::Trade | CashKind::RealisedProfit | CashKind::Fee => {
                self.trade(&mut row, fills.get(&self.first.reference?)?);
            }
            CashKind::Funding => settle(&mut row, funding.get(&self.first.reference?)?),
            CashKind::Transfer => {
                row.kind = if self.change.is_sign_negative() {
                    "TRANSFER_OUT"
                } else {
                    "TRANSFER_IN"
                }
            }
            CashKind::Insurance => row.kind = "LIQUIDATION",
        }
        Some(row)
    }

    /// What any row says, whatever its cause.
    fn bare(&self) -> LogRow<'a> {
        let key = self.first.key.as_ref();
        LogRow {
            id: format!("{}_{}", self.first.id, self.first.asset),
            symbol: key.map_or("", |key| key.symbol.as_str()),
            category: key.map_or("", |key| Category::of(key.product).name()),
            side: "None",
            transaction_time: self.first.time_ms.to_string(),
            kind: "",
            trans_sub_type: "",
            qty: Decimal::ZERO,
            size: Decimal::ZERO,
            currency: &self.first.asset,
            trade_price: Decimal::ZERO,
            funding: String::new(),
            fee: self.fee.normalize(),
            cash_flow: (self.change + self.fee).normalize(),
            change: self.change.normalize(),
            cash_balance: self.balance.normalize(),
            fee_rate: Decimal::ZERO,
            bonus_change: "",
            trade_id: String::new(),
            order_id: String::new(),
            order_link_id: "",
            extra_fees: "",
        }
    }

    fn trade(&self, row: &mut LogRow<'a>, fill: &'a Fill) {
        row.kind = "TRADE";
        row.side = side(fill.side);
        row.qty = fill.quantity.normalize();
        row.size = fill.position_after.normalize();
        row.trade_price = fill.price.normalize();
        row.fee_rate = if self.fee.is_zero() {
            Decimal::ZERO
        } else {
            fee_rate(fill)
        };
        row.trade_id = fill.trade_id();
        row.order_id = fill.venue_order_id();
        row.order_link_id = &fill.client_id;
    }
}

/// A settlement: no cash flow but `funding`, negative where it was paid.
fn settle(row: &mut LogRow<'_>, payment: &FundingRow) {
    row.kind = "SETTLEMENT";
    row.side = side_of(payment.quantity);
    row.transaction_time = payment.settled_ms.to_string();
    row.qty = payment.quantity.abs().normalize();
    row.size = payment.quantity.normalize();
    row.trade_price = payment.mark_price.normalize();
    row.funding = payment.amount.normalize().to_string();
    row.cash_flow = Decimal::ZERO;
    row.fee_rate = payment.rate.normalize();
    row.trade_id = payment.funding_id();
    row.id = payment.funding_id(); // one settlement, one name: the truth, the execution and the log agree
    row.order_id = format!("{}-{}-Funding", payment.settled_ms, payment.key.symbol);
}

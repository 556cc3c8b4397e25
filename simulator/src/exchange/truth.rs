//! The truth, as `GET /sim/truth` shows it: decimals as strings, times in milliseconds.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Exchange;
use super::cash::FundingRow;
use super::names::{product_name, venue_name};
use super::types::{AccountId, Fill, Order, OrderKind, Position, RequestRow, TimeInForce, Wallet};
use crate::market::{Ms, Venue};

impl Exchange {
    /// `{now, venues: {binance|bybit: {orders, fills, positions, balances, funding, requests}}}`. Rows bear an
    /// `account` only when there is more than one.
    pub fn truth(&self, now: Ms) -> Value {
        let venues: Map<String, Value> = [Venue::Binance, Venue::Bybit]
            .into_iter()
            .map(|venue| (venue_name(venue).to_owned(), self.venue_truth(venue, now)))
            .collect();
        json!({ "now": now, "venues": venues })
    }

    fn venue_truth(&self, venue: Venue, now: Ms) -> Value {
        let of = |account: AccountId, row: Value| self.owned(account, row);
        let orders: Vec<Value> = self
            .orders
            .iter()
            .filter(|order| order.key.venue == venue)
            .map(|order| of(order.account, order_row(order)))
            .collect();
        let fills: Vec<Value> = self
            .fills
            .iter()
            .filter(|fill| fill.key.venue == venue)
            .map(|fill| of(fill.account, fill_row(fill)))
            .collect();
        let funding: Vec<Value> = self
            .funding
            .iter()
            .filter(|row| row.key.venue == venue)
            .map(|row| of(row.account, funding_row(row)))
            .collect();
        let positions: Vec<Value> = self
            .account_ids()
            .flat_map(|account| self.positions(account, venue, now))
            .map(|position| of(position.account, position_row(&position)))
            .collect();
        let requests: Vec<Value> = self
            .requests
            .get(&venue)
            .into_iter()
            .flatten()
            .map(request_row)
            .collect();
        json!({
            "orders": orders,
            "fills": fills,
            "positions": positions,
            "balances": self.balance_rows(venue),
            "funding": funding,
            "requests": requests,
        })
    }

    fn balance_rows(&self, venue: Venue) -> Vec<Value> {
        let mut rows = Vec::new();
        for account in self.account_ids() {
            for wallet in Wallet::ALL.into_iter().filter(|wallet| wallet.venue() == venue) {
                for balance in self.balances(account, wallet) {
                    let row = json!({
                        "wallet": wallet.name(),
                        "asset": balance.asset,
                        "free": text(balance.free),
                        "locked": text(balance.locked),
                    });
                    rows.push(self.owned(account, row));
                }
            }
        }
        rows
    }

    fn owned(&self, account: AccountId, mut row: Value) -> Value {
        if self.accounts.len() > 1
            && let (Some(fields), Some(owner)) = (row.as_object_mut(), self.account(account))
        {
            fields.insert("account".to_owned(), json!(owner.key));
        }
        row
    }
}

fn text(value: Decimal) -> String {
    value.normalize().to_string()
}

fn order_row(order: &Order) -> Value {
    let kind = match order.kind {
        OrderKind::Market => "market",
        OrderKind::Limit => "limit",
    };
    let lifetime = match order.time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::PostOnly => "POST_ONLY",
    };
    json!({
        "client_id": order.client_id,
        "venue_order_id": order.venue_order_id(),
        "symbol": order.key.symbol,
        "product": product_name(order.key.venue, order.key.product),
        "side": order.side.name(),
        "type": kind,
        "time_in_force": lifetime,
        "reduce_only": order.reduce_only,
        "quantity": text(order.quantity),
        "price": order.price.map(text),
        "filled": text(order.filled),
        "average_price": order.average_price().map(text),
        "status": order.status.name(),
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
        "foreign": order.foreign,
    })
}

fn fill_row(fill: &Fill) -> Value {
    json!({
        "trade_id": fill.trade_id(),
        "client_id": fill.client_id,
        "venue_order_id": fill.venue_order_id(),
        "symbol": fill.key.symbol,
        "product": product_name(fill.key.venue, fill.key.product),
        "side": fill.side.name(),
        "quantity": text(fill.quantity),
        "price": text(fill.price),
        "fee": text(fill.fee),
        "fee_asset": fill.fee_asset,
        "maker": fill.maker,
        "time_ms": fill.time_ms,
    })
}

fn position_row(position: &Position) -> Value {
    json!({
        "symbol": position.key.symbol,
        "product": product_name(position.key.venue, position.key.product),
        "quantity": text(position.quantity),
        "entry_price": text(position.entry_price),
        "mark_price": text(position.mark_price),
        "liquidation_price": position.liquidation_price.map(text),
    })
}

fn funding_row(row: &FundingRow) -> Value {
    json!({
        "id": row.funding_id(),
        "symbol": row.key.symbol,
        "product": product_name(row.key.venue, row.key.product),
        "amount": text(row.amount),
        "rate": text(row.rate),
        "quantity": text(row.quantity),
        "mark_price": text(row.mark_price),
        "settled_ms": row.settled_ms,
    })
}

fn request_row(row: &RequestRow) -> Value {
    json!({
        "time_ms": row.time_ms,
        "method": row.method,
        "path": row.path,
        "query": row.query,
        "status": row.status,
        "weight": row.weight,
    })
}

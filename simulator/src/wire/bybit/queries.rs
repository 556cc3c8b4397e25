//! What became of orders: open, closed, executed.

use std::cmp::Reverse;

use super::codes::{Refusal, Result};
use super::convert::{self, Voice};
use super::json as to_json;
use super::params::{Category, DAY_MS, Query, WEEK_MS, page};
use super::rows::{ExecutionRow, Listing};
use super::trade::reference;
use crate::exchange::{AccountId, Exchange, Order};
use crate::market::{Ms, Product, Venue};

/// Closed orders that `realtime` still knows.
const RECENT_CLOSED: usize = 500;

/// Which orders a listing asks for.
struct Filter<'a> {
    symbol: Option<&'a str>,
    base: Option<&'a str>,
    settle: Option<&'a str>,
}

impl<'a> Filter<'a> {
    /// # Errors
    /// 10001 for a listing of contracts without any scope.
    fn of(query: &'a Query, scoped: bool) -> Result<Self> {
        let filter = Self {
            symbol: query.get("symbol"),
            base: query.get("baseCoin"),
            settle: query.get("settleCoin"),
        };
        if scoped && filter.symbol.is_none() && filter.base.is_none() && filter.settle.is_none() {
            return Err(Refusal::missing("symbol or settleCoin or baseCoin"));
        }
        Ok(filter)
    }

    fn takes(&self, exchange: &Exchange, order: &Order) -> bool {
        let rules = || exchange.market().rule(&order.key);
        self.symbol.is_none_or(|symbol| order.key.symbol == symbol)
            && self
                .base
                .is_none_or(|base| rules().is_some_and(|rules| rules.base == base))
            && self
                .settle
                .is_none_or(|coin| rules().is_some_and(|rules| rules.quote == coin))
    }
}

/// `GET /v5/order/realtime`: what is open, and by name also what closed of late; newest first.
pub fn realtime(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let product = category.product();
    if let Some(order) = reference(query.get("orderId"), query.get("orderLinkId")) {
        let found = exchange.find_order(account, Venue::Bybit, product, &order, now);
        let found = found.filter(|order| query.get("symbol").is_none_or(|symbol| order.key.symbol == symbol));
        let found = found.filter(|order| {
            order.status.is_open() || recent(exchange, account, now).any(|closed| closed.id == order.id)
        });
        return listing(category, query, found.into_iter().collect());
    }
    let filter = Filter::of(query, category == Category::Linear)?;
    let orders: Vec<&Order> = if query.get("openOnly").is_some_and(|open| open != "0") {
        recent(exchange, account, now)
            .filter(|order| order.key.product == product)
            .collect()
    } else {
        let seen = now - exchange.quirks(Venue::Bybit).lag_ms;
        let open = exchange.open_orders(account, Venue::Bybit, product);
        let mut open: Vec<&Order> = open.filter(|order| order.created_ms <= seen).collect();
        open.reverse();
        open
    };
    listing(
        category,
        query,
        orders
            .into_iter()
            .filter(|order| filter.takes(exchange, order))
            .collect(),
    )
}

/// The account's last closed orders, newest first, that the venue still keeps at hand.
fn recent(exchange: &Exchange, account: AccountId, now: Ms) -> impl Iterator<Item = &Order> {
    let mut closed: Vec<&Order> = [Product::Spot, Product::Perp]
        .into_iter()
        .flat_map(|product| exchange.orders(account, Venue::Bybit, product, now))
        .filter(|order| !order.status.is_open())
        .collect();
    closed.sort_by_key(|order| Reverse((order.updated_ms, order.id)));
    closed.into_iter().take(RECENT_CLOSED)
}

fn listing(category: Category, query: &Query, orders: Vec<&Order>) -> Result<String> {
    let (orders, next) = page(orders, query.get("cursor"), query.limit(20, 50)?)?;
    let rows = orders
        .into_iter()
        .map(|order| convert::order(order, Voice::Rest))
        .collect();
    Ok(to_json(&Listing::paged(Some(category.name()), (rows, next))))
}

/// `GET /v5/order/history`: closed orders, newest first; those that ended without a fill for a day only.
pub fn history(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let filter = Filter::of(query, false)?;
    let one = reference(query.get("orderId"), query.get("orderLinkId"));
    let (start, end) = query.window(now, WEEK_MS, WEEK_MS)?;
    let found: Vec<&Order> = match &one {
        Some(order) => exchange
            .find_order(account, Venue::Bybit, category.product(), order, now)
            .into_iter()
            .collect(),
        None => exchange
            .orders(account, Venue::Bybit, category.product(), now)
            .collect(),
    };
    let kept = |order: &&Order| !order.filled.is_zero() || now - order.updated_ms <= DAY_MS;
    let timed = |order: &&Order| (start..=end).contains(&order.created_ms);
    let wanted = query.get("orderStatus");
    let mut orders: Vec<&Order> = found
        .into_iter()
        .filter(|order| !order.status.is_open() && filter.takes(exchange, order))
        .filter(kept)
        .filter(timed)
        .filter(|order| wanted.is_none_or(|wanted| wanted == convert::status(order)))
        .collect();
    orders.sort_by_key(|order| Reverse((order.created_ms, order.id)));
    listing(category, query, orders)
}

/// `GET /v5/execution/list`: trades and funding payments, newest first.
pub fn executions(exchange: &Exchange, account: AccountId, query: &Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let (start, end) = query.window(now, WEEK_MS, WEEK_MS)?;
    let limit = query.limit(50, 100)?;
    let symbol = query.get("symbol");
    let (id, link) = (query.get("orderId"), query.get("orderLinkId"));
    let named = |row_symbol: &str| symbol.is_none_or(|symbol| symbol == row_symbol);
    let mut rows: Vec<(Ms, u64, ExecutionRow<'_>)> = exchange
        .fills(account, Venue::Bybit, category.product(), now)
        .filter(|fill| (start..=end).contains(&fill.time_ms) && named(&fill.key.symbol))
        .filter(|fill| link.is_none_or(|link| fill.client_id == link))
        .filter(|fill| id.is_none_or(|id| fill.venue_order_id() == id))
        .filter_map(|fill| {
            let order = exchange.order_by_number(fill.order_id)?;
            Some((fill.time_ms, fill.id, convert::execution(fill, order, Voice::Rest)))
        })
        .collect();
    if category == Category::Linear && id.is_none() && link.is_none() {
        let paid = exchange.funding_rows(account, Venue::Bybit);
        let paid = paid.filter(|row| (start..=end).contains(&row.settled_ms) && named(&row.key.symbol));
        rows.extend(paid.map(|row| (row.settled_ms, row.id, convert::funding(row, Voice::Rest))));
    }
    rows.sort_by_key(|(time, id, _)| Reverse((*time, *id)));
    let kind = query.get("execType");
    let rows = rows
        .into_iter()
        .map(|(_, _, row)| row)
        .filter(|row| kind.is_none_or(|kind| row.exec_type == kind));
    Ok(to_json(&Listing::paged(
        Some(category.name()),
        page(rows.collect(), query.get("cursor"), limit)?,
    )))
}

//! Change an order; several orders in one call.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::account::may_trade;
use super::codes::{NO_PERMISSION, Refusal, Result};
use super::params::{Category, body, figure};
use super::trade::{self, Cancel, Create, named, reference, refused};
use crate::exchange::{AccountId, Amendment, Exchange, Refusal as Why};
use crate::market::{Ms, Venue};

/// Orders of one call.
const MOST_LINEAR: usize = 20;
const MOST_SPOT: usize = 10;

/// The body of `POST /v5/order/amend` and the argument of `order.amend`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Amend {
    category: Option<String>,
    symbol: Option<String>,
    order_id: Option<String>,
    order_link_id: Option<String>,
    qty: Option<String>,
    price: Option<String>,
}

/// `POST /v5/order/amend`.
pub fn amend(exchange: &mut Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    change(exchange, account, &body(text)?, now)
}

/// Gives an order another quantity or price.
pub fn change(exchange: &mut Exchange, account: AccountId, asked: &Amend, now: Ms) -> Result<String> {
    let category = Category::parse(asked.category.as_deref())?;
    if !may_trade(exchange, account, category) {
        return Err(NO_PERMISSION);
    }
    let symbol = asked.symbol.as_deref().ok_or_else(|| Refusal::missing("symbol"))?;
    let order = reference(asked.order_id.as_deref(), asked.order_link_id.as_deref());
    let order = order.ok_or_else(|| Refusal::missing("orderId or orderLinkId"))?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let change = Amendment {
        quantity: given(&asked.qty).map(|text| figure("qty", &text)).transpose()?,
        price: given(&asked.price).map(|text| figure("price", &text)).transpose()?,
    };
    let product = category.product();
    let found = exchange.find_order(account, Venue::Bybit, product, &order, Ms::MAX / 2);
    let found = found.filter(|order| order.key.symbol == symbol);
    let side = found.map(|order| order.side);
    let (Some(side), Some(key)) = (side, found.map(|order| order.key.clone())) else {
        return Err(super::codes::no_such_order(category));
    };
    let status = exchange.market().status(&key);
    let amended = exchange.amend(account, (Venue::Bybit, product), &order, change, now);
    let order = amended.map_err(|refusal| match refusal {
        Why::Unchanged => {
            Refusal::parameter("The order remains unchanged as the parameters entered match the existing ones.")
        }
        other => refused(&other, category, side, status),
    })?;
    Ok(named(&order))
}

/// What a call with several orders does with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// `create-batch`.
    Create,
    /// `amend-batch`.
    Amend,
    /// `cancel-batch`.
    Cancel,
}

impl Each {
    /// By the last word of a path or of a socket's operation.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "/v5/order/create-batch" | "order.create-batch" => Some(Self::Create),
            "/v5/order/amend-batch" | "order.amend-batch" => Some(Self::Amend),
            "/v5/order/cancel-batch" | "order.cancel-batch" => Some(Self::Cancel),
            _ => None,
        }
    }

    /// The call for one order whose budget each order of a batch draws on.
    pub const fn single(self) -> &'static str {
        match self {
            Self::Create => "/v5/order/create",
            Self::Amend => "/v5/order/amend",
            Self::Cancel => "/v5/order/cancel",
        }
    }
}

/// How many orders a body names.
pub fn count(text: &Value) -> usize {
    text.get("request")
        .and_then(Value::as_array)
        .map_or(1, |rows| rows.len().max(1))
}

/// Runs a batch: `result` and `retExtInfo`, a row for each order in both.
///
/// # Errors
/// 10001 for a batch that cannot be read, is empty or too long; 10005 without the right to trade.
pub fn run(
    exchange: &mut Exchange,
    account: AccountId,
    each: Each,
    asked: &Value,
    now: Ms,
) -> Result<(String, String)> {
    let category = Category::parse(asked.get("category").and_then(Value::as_str))?;
    if !may_trade(exchange, account, category) {
        return Err(NO_PERMISSION);
    }
    let rows = asked.get("request").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Refusal::missing("request"))?;
    let most = match category {
        Category::Linear => MOST_LINEAR,
        Category::Spot => MOST_SPOT,
    };
    if rows.is_empty() || rows.len() > most {
        return Err(Refusal::parameter(format!(
            "params error: request must hold 1 to {most} orders"
        )));
    }
    let (mut list, mut said) = (Vec::new(), Vec::new());
    for row in rows {
        let outcome = one(exchange, account, each, category, row, now);
        let word = |from: &Value, name: &str| from.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let names: Value = match &outcome {
            Ok(names) => serde_json::from_str(names).unwrap_or(Value::Null),
            Err(_) => row.clone(),
        };
        let mut entry = Map::new();
        entry.insert("category".to_owned(), category.name().into());
        entry.insert("symbol".to_owned(), word(row, "symbol").into());
        entry.insert("orderId".to_owned(), word(&names, "orderId").into());
        entry.insert("orderLinkId".to_owned(), word(&names, "orderLinkId").into());
        if each == Each::Create {
            let created = if outcome.is_ok() {
                now.to_string()
            } else {
                String::new()
            };
            entry.insert("createAt".to_owned(), created.into());
        }
        said.push(match outcome {
            Ok(_) => json!({ "code": 0, "msg": "OK" }),
            Err(refusal) => json!({ "code": refusal.code, "msg": refusal.text }),
        });
        list.push(entry);
    }
    Ok((json!({ "list": list }).to_string(), json!({ "list": said }).to_string()))
}

fn one(
    exchange: &mut Exchange,
    account: AccountId,
    each: Each,
    category: Category,
    row: &Value,
    now: Ms,
) -> Result<String> {
    let mut row = row.clone();
    if let Some(fields) = row.as_object_mut() {
        fields.insert("category".to_owned(), category.name().into());
    }
    match each {
        Each::Create => trade::place(exchange, account, &read::<Create>(row)?, now),
        Each::Amend => change(exchange, account, &read::<Amend>(row)?, now),
        Each::Cancel => trade::take_off(exchange, account, &read::<Cancel>(row)?, now),
    }
}

fn read<T: DeserializeOwned>(row: Value) -> Result<T> {
    serde_json::from_value(row).map_err(|_| Refusal::parameter("params error: request invalid"))
}

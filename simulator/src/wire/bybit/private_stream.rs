//! `/v5/private`: orders, executions, positions and the wallet of one account.

use std::collections::BTreeSet;

use serde::Serialize;

use super::account::position_row;
use super::control::{Heard, Operation};
use super::convert::{self, Voice};
use super::params::Category;
use super::rest::speed;
use super::wallet::wallet;
use super::{Shared, json, venue_time};
use crate::exchange::{AccountId, Event, Exchange, Order, Position};
use crate::market::{Key, Ms, Product, Venue};
use crate::wire::{Outgoing, Session};

/// Topics in their all-in-one form; each but the wallet may carry a category.
const TOPICS: [&str; 4] = ["order", "execution", "execution.fast", "position"];

/// A private connection.
#[derive(Debug)]
pub struct Private {
    id: String,
    account: Option<AccountId>,
    topics: BTreeSet<String>,
    /// The wallet moved since it was last pushed. One push says all movements of one cause.
    wallet_moved: bool,
    sent: u64,
    heard: Heard,
    lost: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Push<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    topic: &'a str,
    creation_time: Ms,
    data: [T; 1],
}

impl Private {
    /// A connection that has not said who it is.
    pub fn new(shared: &Shared, now: Ms) -> Self {
        Self {
            id: shared.connection(),
            account: None,
            topics: BTreeSet::new(),
            wallet_moved: false,
            sent: 0,
            heard: Heard(now),
            lost: false,
        }
    }

    fn authenticate(&mut self, exchange: &Exchange, op: &Operation, now: Ms) -> String {
        let (success, message) = match op.credentials(exchange, venue_time(exchange, now)) {
            Ok(account) => {
                self.account = Some(account);
                (true, "")
            }
            Err((_, why)) => {
                self.lost = true;
                (false, why)
            }
        };
        let (id, connection) = (op.id(), &self.id);
        format!(r#"{{"success":{success},"ret_msg":"{message}","op":"auth","conn_id":"{connection}","req_id":{id}}}"#)
    }

    /// All topics of a request or none.
    fn subscribe(&mut self, op: &Operation) -> Result<(), String> {
        if self.account.is_none() {
            return Err("Request not authorized".to_owned());
        }
        if let Some(topic) = op.topics().find(|topic| !known(topic)) {
            return Err(format!("error:handler not found,topic:{topic}"));
        }
        self.topics.extend(op.topics().map(str::to_owned));
        Ok(())
    }

    /// The name under which a topic of a category is subscribed, if it is.
    fn name(&self, topic: &str, category: Category) -> Option<String> {
        if self.topics.contains(topic) {
            return Some(topic.to_owned());
        }
        let narrow = format!("{topic}.{}", category.name());
        self.topics.contains(&narrow).then_some(narrow)
    }

    fn push<T: Serialize>(&mut self, out: &mut Vec<Outgoing>, topic: String, symbol: &str, row: T, now: Ms) {
        self.sent += 1;
        let numbered = !topic.starts_with("execution.fast");
        let id = numbered.then(|| format!("{}_{symbol}_{}", self.id, self.sent));
        let text = json(&Push {
            id,
            topic: &topic,
            creation_time: now,
            data: [row],
        });
        out.push(Outgoing {
            topic,
            symbol: symbol.to_owned(),
            text,
        });
    }

    fn order(&mut self, out: &mut Vec<Outgoing>, order: &Order, now: Ms) {
        if let Some(topic) = self.name("order", Category::of(order.key.product)) {
            self.push(out, topic, &order.key.symbol, convert::order(order, Voice::Stream), now);
        }
    }

    fn position(&mut self, out: &mut Vec<Outgoing>, exchange: &Exchange, position: &Position, now: Ms) {
        if let Some(topic) = self.name("position", Category::Linear) {
            let row = position_row(exchange, position, Voice::Stream);
            self.push(out, topic, &position.key.symbol, row, now);
        }
    }

    /// The position as it stands: pushed on every order of a contract, changed or not.
    fn unmoved(&mut self, out: &mut Vec<Outgoing>, exchange: &Exchange, account: AccountId, key: &Key, now: Ms) {
        if key.product == Product::Perp
            && self.name("position", Category::Linear).is_some()
            && let Some(position) = exchange.position(account, key, now)
        {
            self.position(out, exchange, &position, now);
        }
    }
}

/// Whether a topic exists.
fn known(topic: &str) -> bool {
    if matches!(topic, "wallet" | "greeks" | "dcp" | "dcp.future" | "dcp.spot") {
        return true;
    }
    TOPICS
        .iter()
        .any(|known| topic == *known || matches!(topic.strip_prefix(known), Some(".linear" | ".spot")))
}

impl Session for Private {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        self.heard = Heard(now);
        let Some(op) = Operation::parse(text) else {
            let op = Operation {
                op: String::new(),
                req_id: None,
                header: std::collections::BTreeMap::new(),
                args: Vec::new(),
            };
            return vec![op.acknowledge(Some("error:invalid json"), &self.id)];
        };
        let outcome = match op.op.as_str() {
            "auth" => return vec![self.authenticate(exchange, &op, now)],
            "ping" => {
                let stamp = venue_time(exchange, now);
                let (id, connection) = (op.id(), &self.id);
                return vec![format!(
                    r#"{{"req_id":{id},"op":"pong","args":["{stamp}"],"conn_id":"{connection}"}}"#
                )];
            }
            "subscribe" => self.subscribe(&op),
            "unsubscribe" => {
                self.topics.retain(|topic| !op.topics().any(|gone| gone == topic));
                Ok(())
            }
            _ => Err("error:request not supported".to_owned()),
        };
        vec![op.acknowledge(outcome.err().as_deref(), &self.id)]
    }

    fn tick(&mut self, exchange: &Exchange, now: Ms) -> Vec<Outgoing> {
        self.lost |= self.heard.lost(now, speed(exchange));
        let mut out = Vec::new();
        let moved = std::mem::take(&mut self.wallet_moved);
        if let Some(account) = self.account
            && moved
            && self.topics.contains("wallet")
        {
            self.push(
                &mut out,
                "wallet".to_owned(),
                "",
                wallet(exchange, account, None, now),
                now,
            );
        }
        out
    }

    fn event(&mut self, exchange: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing> {
        let mut out = Vec::new();
        let Some(account) = self
            .account
            .filter(|account| *account == event.account() && event.venue() == Venue::Bybit)
        else {
            return out;
        };
        match event {
            Event::Order { order, .. } => {
                self.order(&mut out, order, now);
                self.unmoved(&mut out, exchange, account, &order.key, now);
            }
            Event::Fill { fill, order } => {
                let category = Category::of(fill.key.product);
                if let Some(topic) = self.name("execution.fast", category) {
                    self.push(&mut out, topic, &fill.key.symbol, convert::fast(fill), now);
                }
                if let Some(topic) = self.name("execution", category) {
                    self.push(
                        &mut out,
                        topic,
                        &fill.key.symbol,
                        convert::execution(fill, order, Voice::Stream),
                        now,
                    );
                }
                self.order(&mut out, order, now);
            }
            Event::Funding(row) => {
                if let Some(topic) = self.name("execution", Category::Linear) {
                    self.push(
                        &mut out,
                        topic,
                        &row.key.symbol,
                        convert::funding(row, Voice::Stream),
                        now,
                    );
                }
            }
            Event::Balance(_) => self.wallet_moved = true,
            Event::Position(position) => self.position(&mut out, exchange, position, now),
        }
        out
    }

    fn is_private(&self) -> bool {
        true
    }

    fn wants_close(&self) -> bool {
        self.lost
    }
}

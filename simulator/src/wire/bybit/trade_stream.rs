//! `/v5/trade`: orders over a socket, with the budgets of REST and an envelope of its own.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::auth::Headers;
use super::batch::{self, Each};
use super::codes::{Refusal, Result, TOO_MANY_VISITS};
use super::control::{Heard, Operation};
use super::limits::Budget;
use super::params::Category;
use super::rest::speed;
use super::{Shared, json, trade, venue_time};
use crate::exchange::{AccountId, Event, Exchange};
use crate::market::Ms;
use crate::wire::{Outgoing, Session};

/// What an operation answers: its data, and for a batch what became of each order.
struct Done {
    data: String,
    said: String,
}

impl Done {
    fn plain(data: String) -> Self {
        Self {
            data,
            said: "{}".to_owned(),
        }
    }
}

/// A connection that takes orders.
#[derive(Debug)]
pub struct Trade {
    shared: Rc<Shared>,
    id: String,
    account: Option<AccountId>,
    heard: Heard,
    lost: bool,
}

impl Trade {
    /// A connection that has not said who it is.
    pub fn new(shared: Rc<Shared>, now: Ms) -> Self {
        let id = shared.connection();
        Self {
            shared,
            id,
            account: None,
            heard: Heard(now),
            lost: false,
        }
    }

    fn authenticate(&mut self, exchange: &Exchange, op: &Operation, now: Ms) -> String {
        let (code, text) = match op.credentials(exchange, venue_time(exchange, now)) {
            Ok(account) => {
                self.account = Some(account);
                (0, "OK")
            }
            Err(why) => {
                self.lost = true;
                why
            }
        };
        format!(
            r#"{{"reqId":{},"retCode":{code},"retMsg":"{text}","op":"auth","connId":"{}"}}"#,
            op.id(),
            self.id
        )
    }

    /// Runs an order or a cancel and says what the account has left of its budget.
    fn run(&self, exchange: &mut Exchange, op: &Operation, now: Ms) -> (Result<Done>, Option<Budget>) {
        let Some(account) = self.account else {
            return (
                Err(Refusal::fixed(10005, "Permission denied, authenticate first")),
                None,
            );
        };
        let (timestamp, window) = (op.said("X-BAPI-TIMESTAMP"), op.said("X-BAPI-RECV-WINDOW"));
        if !timestamp.is_empty() {
            let headers = Headers {
                key: "",
                timestamp: &timestamp,
                window: &window,
                sign: "",
            };
            if let Err(refusal) = headers.on_time(venue_time(exchange, now), speed(exchange)) {
                return (Err(refusal), None);
            }
        }
        let each = Each::by_name(&op.op);
        let path = match (op.op.as_str(), each) {
            ("order.create", _) => "/v5/order/create",
            ("order.amend", _) => "/v5/order/amend",
            ("order.cancel", _) => "/v5/order/cancel",
            (_, Some(each)) => each.single(),
            _ => return (Err(Refusal::fixed(10404, "op type is not found")), None),
        };
        let category = op
            .args
            .first()
            .and_then(|order| order.get("category"))
            .and_then(|text| text.as_str());
        let category = Category::parse(category).unwrap_or(Category::Linear);
        let key = exchange
            .account(account)
            .map(|holder| holder.key.clone())
            .unwrap_or_default();
        let orders = op.args.first().filter(|_| each.is_some()).map_or(1, batch::count);
        let mut limits = self.shared.limits.borrow_mut();
        let taken = (0..orders).map(|_| limits.take(&key, path, category, now, speed(exchange)));
        let budget = taken.last().flatten();
        if budget.is_some_and(|budget| budget.exceeded) {
            return (Err(TOO_MANY_VISITS), budget);
        }
        let outcome = match (path, each) {
            (_, Some(each)) => argument::<serde_json::Value>(op)
                .and_then(|asked| batch::run(exchange, account, each, &asked, now))
                .map(|(data, said)| Done { data, said }),
            ("/v5/order/create", _) => {
                argument(op).and_then(|order| trade::place(exchange, account, &order, now).map(Done::plain))
            }
            ("/v5/order/amend", _) => {
                argument(op).and_then(|order| batch::change(exchange, account, &order, now).map(Done::plain))
            }
            _ => argument(op).and_then(|order| trade::take_off(exchange, account, &order, now).map(Done::plain)),
        };
        (outcome, budget)
    }

    fn answer(&self, op: &Operation, outcome: Result<Done>, budget: Option<Budget>, now: Ms) -> String {
        let (code, text, Done { data, said }) = match outcome {
            Ok(done) => (0, "\"OK\"".to_owned(), done),
            Err(refusal) => (refusal.code, json(&refusal.text), Done::plain("{}".to_owned())),
        };
        let limits = budget.map_or_else(String::new, |budget| {
            format!(
                r#""X-Bapi-Limit":"{}","X-Bapi-Limit-Status":"{}","X-Bapi-Limit-Reset-Timestamp":"{}","#,
                budget.limit, budget.left, budget.resets_ms
            )
        });
        format!(
            r#"{{"reqId":{},"retCode":{code},"retMsg":{text},"op":{},"data":{data},"retExtInfo":{said},"header":{{{limits}"Traceid":"","Timenow":"{now}"}},"connId":"{}"}}"#,
            op.id(),
            json(&op.op),
            self.id
        )
    }
}

/// The order that an operation carries.
fn argument<T: DeserializeOwned>(op: &Operation) -> Result<T> {
    let order = op.args.first().ok_or_else(|| Refusal::missing("args"))?;
    T::deserialize(order).map_err(|_| Refusal::parameter("params error: args invalid"))
}

impl Session for Trade {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        self.heard = Heard(now);
        let stamp = venue_time(exchange, now);
        let Some(op) = Operation::parse(text) else {
            let op = Operation {
                op: String::new(),
                req_id: None,
                header: std::collections::BTreeMap::new(),
                args: Vec::new(),
            };
            return vec![self.answer(&op, Err(Refusal::parameter("error:invalid json")), None, stamp)];
        };
        match op.op.as_str() {
            "auth" => vec![self.authenticate(exchange, &op, now)],
            "ping" => {
                let connection = &self.id;
                vec![format!(
                    r#"{{"retCode":0,"retMsg":"OK","op":"pong","data":["{stamp}"],"connId":"{connection}"}}"#
                )]
            }
            _ => {
                let (outcome, budget) = self.run(exchange, &op, now);
                vec![self.answer(&op, outcome, budget, stamp)]
            }
        }
    }

    fn tick(&mut self, exchange: &Exchange, now: Ms) -> Vec<Outgoing> {
        self.lost |= self.heard.lost(now, speed(exchange));
        Vec::new()
    }

    fn event(&mut self, _: &Exchange, _: &Event, _: Ms) -> Vec<Outgoing> {
        Vec::new()
    }

    fn is_private(&self) -> bool {
        true
    }

    fn wants_close(&self) -> bool {
        self.lost
    }
}

//! The futures user stream: `/private`, by listen key.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use crate::exchange::{AccountId, Event, Exchange};
use crate::market::{Ms, Venue};
use crate::wire::{Outgoing, Session};

use super::context::{Notice, State};
use super::control::{self, Control};
use super::events_usdm;

/// One key listened to on this socket.
#[derive(Debug)]
struct Ear {
    name: String,
    /// Whose it is; `None` for a key that never was, which stays silent for ever.
    account: Option<AccountId>,
    expired: bool,
}

/// One private socket.
#[derive(Debug)]
pub struct UserSession {
    state: Rc<RefCell<State>>,
    combined: bool,
    /// Allow-list of event names; empty lets everything through.
    events: Vec<String>,
    ears: Vec<Ear>,
    /// Notices that were there when it opened, or have been told since.
    told: usize,
    inbound: control::Inbound,
}

impl UserSession {
    /// Opens with the keys named in the address.
    pub fn new(state: Rc<RefCell<State>>, combined: bool, keys: &[&str], events: Vec<String>, now: Ms) -> Self {
        let told = state.borrow().notices.len();
        let mut session = Self {
            state,
            told,
            combined,
            events,
            ears: Vec::new(),
            inbound: control::Inbound::new(false),
        };
        for key in keys {
            session.listen(key, now);
        }
        session
    }

    fn listen(&mut self, key: &str, now: Ms) {
        if self.ears.iter().any(|ear| ear.name == key) {
            return;
        }
        let account = self.state.borrow().listener(key, now);
        self.ears.push(Ear {
            name: key.to_owned(),
            account,
            expired: false,
        });
    }

    /// Leverage that was changed since the last look.
    fn settings(&mut self, now: Ms) -> Vec<Outgoing> {
        let notices: Vec<Notice> = self.state.borrow().notices.iter().skip(self.told).cloned().collect();
        self.told += notices.len();
        let mut out = Vec::new();
        for notice in notices {
            let Notice {
                symbol,
                leverage,
                time_ms,
                ..
            } = &notice;
            let live = self
                .ears
                .iter()
                .filter(|ear| ear.account == Some(notice.account) && !ear.expired);
            out.extend(live.filter_map(|ear| {
                let data = format!(
                    r#"{{"e":"ACCOUNT_CONFIG_UPDATE","E":{now},"T":{time_ms},"ac":{{"s":"{symbol}","l":{leverage}}}}}"#
                );
                self.outgoing(ear, "ACCOUNT_CONFIG_UPDATE", symbol.clone(), data)
            }));
        }
        out
    }

    fn outgoing(&self, ear: &Ear, name: &str, symbol: String, data: String) -> Option<Outgoing> {
        if !self.events.is_empty() && !self.events.iter().any(|event| event == name) {
            return None;
        }
        let text = if self.combined {
            format!(r#"{{"stream":"{}","data":{data}}}"#, ear.name)
        } else {
            data
        };
        Some(Outgoing {
            topic: name.to_owned(),
            symbol,
            text,
        })
    }
}

impl Session for UserSession {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        self.inbound.count(now, exchange.speed());
        let answer = match control::read(text) {
            Err(refusal) => refusal,
            Ok((id, Control::Subscribe(names))) => {
                for name in &names {
                    self.listen(name, now);
                }
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::Unsubscribe(names))) => {
                self.ears.retain(|ear| !names.contains(&ear.name));
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::List)) => {
                let names: Vec<&str> = self.ears.iter().map(|ear| ear.name.as_str()).collect();
                control::done(&id, &Value::from(names))
            }
            Ok((id, Control::SetCombined(combined))) => {
                self.combined = combined;
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::GetCombined)) => control::done(&id, &Value::Bool(self.combined)),
        };
        vec![answer]
    }

    /// Finds keys that have run out: one message, then silence on an open socket.
    fn tick(&mut self, _: &Exchange, now: Ms) -> Vec<Outgoing> {
        let mut ended = Vec::new();
        for (at, ear) in self.ears.iter_mut().enumerate() {
            let gone = ear.account.is_some() && self.state.borrow().listener(&ear.name, now).is_none();
            if gone && !ear.expired {
                ear.expired = true;
                ended.push(at);
            }
        }
        let ears = ended.iter().filter_map(|at| self.ears.get(*at));
        let mut out: Vec<Outgoing> = ears
            .filter_map(|ear| {
                let data = format!(r#"{{"e":"listenKeyExpired","E":{now},"listenKey":"{}"}}"#, ear.name);
                self.outgoing(ear, "listenKeyExpired", String::new(), data)
            })
            .collect();
        out.extend(self.settings(now));
        out
    }

    fn event(&mut self, exchange: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing> {
        if event.venue() != Venue::Binance {
            return Vec::new();
        }
        let mut out = Vec::new();
        for ear in &self.ears {
            let live = !ear.expired && self.state.borrow().listener(&ear.name, now).is_some();
            if !live || ear.account != Some(event.account()) {
                continue;
            }
            let messages = events_usdm::render(exchange, event, now).into_iter();
            out.extend(messages.filter_map(|(name, symbol, data)| self.outgoing(ear, name, symbol, data)));
        }
        out
    }

    fn is_private(&self) -> bool {
        true
    }

    fn wants_close(&self) -> bool {
        self.inbound.exceeded()
    }
}

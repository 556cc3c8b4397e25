//! `/v5/public/linear` and `/v5/public/spot`: books, tickers and trades of the topics asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Shared;
use super::book::BookFeed;
use super::control::{Heard, MOST_TOPIC_CHARACTERS, Operation};
use super::convert::side;
use super::figures::Shape;
use super::params::Category;
use super::rest::speed;
use super::ticker::TickerFeed;
use crate::exchange::{Event, Exchange, Fill};
use crate::market::{Depth, Key, Ms, Venue};
use crate::wire::{Outgoing, Session};

/// Topics of one request on spot.
const SPOT_ARGUMENTS: usize = 10;
/// Where the numbers of a book's messages start; 1 is kept for a venue that restarted.
const FIRST_UPDATE: u64 = 1_000;

/// What one topic has been told.
#[derive(Debug)]
enum Feed {
    Book(BookFeed, usize),
    Ticker(TickerFeed),
    Trades,
}

/// A public connection.
#[derive(Debug)]
pub struct Public {
    shared: Rc<Shared>,
    category: Category,
    id: String,
    feeds: BTreeMap<String, (Key, Feed)>,
    heard: Heard,
    lost: bool,
}

impl Public {
    /// A connection without topics.
    pub fn new(shared: Rc<Shared>, category: Category, now: Ms) -> Self {
        let id = shared.connection();
        Self {
            shared,
            category,
            id,
            feeds: BTreeMap::new(),
            heard: Heard(now),
            lost: false,
        }
    }

    /// All topics of a request or none.
    fn subscribe(&mut self, exchange: &Exchange, op: &Operation) -> Result<(), String> {
        if self.category == Category::Spot && op.args.len() > SPOT_ARGUMENTS {
            return Err("args size >10".to_owned());
        }
        let held: usize = self.feeds.keys().map(String::len).sum();
        if held + op.topics().map(str::len).sum::<usize>() > MOST_TOPIC_CHARACTERS {
            return Err("error:args length exceeds 21000 characters".to_owned());
        }
        let mut added = Vec::new();
        for topic in op.topics() {
            if self.feeds.contains_key(topic) {
                return Err(format!("error:already subscribed,topic:{topic}"));
            }
            let (key, feed) = self
                .feed(exchange, topic)
                .ok_or_else(|| format!("error:handler not found,topic:{topic}"))?;
            added.push((topic.to_owned(), (key, feed)));
        }
        self.feeds.extend(added);
        Ok(())
    }

    fn feed(&self, exchange: &Exchange, topic: &str) -> Option<(Key, Feed)> {
        let (kind, symbol) = topic.rsplit_once('.')?;
        let key = exchange
            .market()
            .find(Venue::Bybit, self.category.product(), symbol)?
            .key
            .clone();
        let feed = match kind {
            "tickers" => Feed::Ticker(TickerFeed::new(topic, symbol, self.category)),
            "publicTrade" => Feed::Trades,
            "orderbook.1" => book(topic, symbol, 1),
            "orderbook.50" => book(topic, symbol, 50),
            "orderbook.200" => book(topic, symbol, 200),
            "orderbook.1000" => book(topic, symbol, 1_000),
            _ => return None,
        };
        Some((key, feed))
    }
}

fn book(topic: &str, symbol: &str, levels: usize) -> Feed {
    Feed::Book(BookFeed::new(topic, symbol, levels, FIRST_UPDATE), levels)
}

/// The book as deep as the topic wants it.
fn depth(exchange: &Exchange, key: &Key, levels: usize, now: Ms) -> Option<Depth> {
    if levels > 1 {
        return exchange.market().depth(key, now);
    }
    let best = exchange.market().best(key, now)?;
    Some(Depth {
        bids: vec![best.bid],
        asks: vec![best.ask],
    })
}

impl Session for Public {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        self.heard = Heard(now);
        let Some(op) = Operation::parse(text) else {
            let op = Operation {
                op: String::new(),
                req_id: None,
                args: Vec::new(),
            };
            return vec![op.acknowledge(Some("error:invalid json"), &self.id)];
        };
        let outcome = match op.op.as_str() {
            "ping" => {
                let id = op.id();
                return vec![format!(
                    r#"{{"success":true,"ret_msg":"pong","conn_id":"{}","req_id":{id},"op":"ping"}}"#,
                    self.id
                )];
            }
            "subscribe" => self.subscribe(exchange, &op),
            "unsubscribe" => {
                self.feeds.retain(|topic, _| !op.topics().any(|gone| gone == topic));
                Ok(())
            }
            _ => Err("error:request not supported".to_owned()),
        };
        vec![op.acknowledge(outcome.err().as_deref(), &self.id)]
    }

    fn tick(&mut self, exchange: &Exchange, now: Ms) -> Vec<Outgoing> {
        let speed = speed(exchange);
        self.lost |= self.heard.lost(now, speed);
        let sequence = now.unsigned_abs();
        let mut out = Vec::new();
        let mut days = self.shared.days.borrow_mut();
        for (topic, (key, feed)) in &mut self.feeds {
            let text = match feed {
                Feed::Trades => None,
                Feed::Book(book, levels) => {
                    depth(exchange, key, *levels, now).and_then(|depth| book.message(now, &depth, sequence, speed))
                }
                Feed::Ticker(ticker) if ticker.due(now, speed) => days
                    .ticker(exchange.market(), key, now, Shape::Stream)
                    .and_then(|fields| ticker.message(now, fields, sequence)),
                Feed::Ticker(_) => None,
            };
            if let Some(text) = text {
                out.push(Outgoing {
                    topic: topic.clone(),
                    symbol: key.symbol.clone(),
                    text,
                });
            }
        }
        out
    }

    fn event(&mut self, _: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing> {
        let Event::Fill { fill, .. } = event else {
            return Vec::new();
        };
        if fill.key.venue != Venue::Bybit || Category::of(fill.key.product) != self.category {
            return Vec::new();
        }
        let topic = format!("publicTrade.{}", fill.key.symbol);
        if !self.feeds.contains_key(&topic) {
            return Vec::new();
        }
        let text = trade(&topic, fill, now);
        vec![Outgoing {
            topic,
            symbol: fill.key.symbol.clone(),
            text,
        }]
    }

    fn is_private(&self) -> bool {
        false
    }

    fn wants_close(&self) -> bool {
        self.lost
    }
}

/// A trade of the tape; its side is the taker's.
fn trade(topic: &str, fill: &Fill, now: Ms) -> String {
    let taker = side(if fill.maker { fill.side.opposite() } else { fill.side });
    let (time, symbol, id, seq) = (fill.time_ms, &fill.key.symbol, fill.trade_id(), fill.id);
    let (price, quantity) = (fill.price.normalize(), fill.quantity.normalize());
    format!(
        r#"{{"topic":"{topic}","type":"snapshot","ts":{now},"data":[{{"T":{time},"s":"{symbol}","S":"{taker}","v":"{quantity}","p":"{price}","L":"ZeroPlusTick","i":"{id}","BT":false,"RPI":false,"seq":{seq}}}]}}"#
    )
}

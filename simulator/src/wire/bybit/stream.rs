//! `/v5/public/linear` and `/v5/public/spot`: books, tickers, trades and candles of the topics asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Shared;
use super::book::BookFeed;
use super::control::{Heard, MOST_TOPIC_CHARACTERS, Operation};
use super::convert::side;
use super::figures::Shape;
use super::market_charts;
use super::params::Category;
use super::rest::speed;
use super::ticker::TickerFeed;
use crate::exchange::{Event, Exchange, Fill};
use crate::market::{Depth, Key, Ms, Venue};
use crate::wire::chart::{self, Line};
use crate::wire::{Outgoing, Session};

/// Topics of one request on spot.
const SPOT_ARGUMENTS: usize = 10;
/// Prints of one push at most; whoever slept longer has missed some.
const MOST_PRINTS: i64 = 20;
/// Least time between two messages of a candle or a price band.
const CANDLE_PACE_MS: Ms = 1_000;
/// Where the numbers of a book's messages start; 1 is kept for a venue that restarted.
const FIRST_UPDATE: u64 = 1_000;

/// What one topic has been told.
#[derive(Debug)]
enum Feed {
    Book(BookFeed, usize),
    Ticker(TickerFeed),
    /// The tape, and the last print that was told.
    Trades(Option<i64>),
    /// A candle of this name and length, and when it was told.
    Candle(String, Ms, Option<Ms>),
    /// The price band, and when it was told.
    Band(Option<Ms>),
    /// Told by events alone.
    Forced,
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
        if kind == "adlAlert" {
            // Nothing of the sort ever threatens here: the topic exists and stays silent.
            let any = exchange.market().rules().iter().find(|rules| rules.quote == symbol)?;
            return Some((any.key.clone(), Feed::Forced));
        }
        let key = exchange
            .market()
            .find(Venue::Bybit, self.category.product(), symbol)?
            .key
            .clone();
        let feed = match kind {
            "tickers" => Feed::Ticker(TickerFeed::new(topic, symbol, self.category)),
            "publicTrade" => Feed::Trades(None),
            "priceLimit" => Feed::Band(None),
            "allLiquidation" if self.category == Category::Linear => Feed::Forced,
            _ if kind.starts_with("kline.") => {
                let interval = kind.strip_prefix("kline.")?;
                Feed::Candle(interval.to_owned(), market_charts::length(interval)?, None)
            }
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
                header: std::collections::BTreeMap::new(),
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
                Feed::Forced => None,
                Feed::Trades(seen) => tape(exchange, topic, key, seen, now),
                Feed::Candle(interval, length, told) => candle(exchange, key, (interval, *length), told, now),
                Feed::Band(told) => band(exchange, topic, key, told, now),
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
        let Event::Fill { fill, order } = event else {
            return Vec::new();
        };
        if fill.key.venue != Venue::Bybit || Category::of(fill.key.product) != self.category {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut tell = |name: &str, write: &dyn Fn(&str) -> String| {
            let topic = format!("{name}.{}", fill.key.symbol);
            if self.feeds.contains_key(&topic) {
                let text = write(&topic);
                let symbol = fill.key.symbol.clone();
                out.push(Outgoing { topic, symbol, text });
            }
        };
        tell("publicTrade", &|topic| trade(topic, fill, now));
        if order.foreign && order.only_reduces() {
            tell("allLiquidation", &|topic| liquidated(topic, fill, now));
        }
        out
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

/// A position that was taken over; its side is the position's.
fn liquidated(topic: &str, fill: &Fill, now: Ms) -> String {
    let (time, symbol, side) = (fill.time_ms, &fill.key.symbol, side(fill.side.opposite()));
    let (price, quantity) = (fill.price.normalize(), fill.quantity.normalize());
    format!(
        r#"{{"topic":"{topic}","type":"snapshot","ts":{now},"data":[{{"T":{time},"s":"{symbol}","S":"{side}","v":"{quantity}","p":"{price}"}}]}}"#
    )
}

/// Prints since the last one; the first look only remembers where the tape stands.
fn tape(exchange: &Exchange, topic: &str, key: &Key, seen: &mut Option<i64>, now: Ms) -> Option<String> {
    let latest = chart::latest_print(now);
    let before = seen.replace(latest)?;
    let market = exchange.market();
    let prints = chart::tape(
        market,
        market.rule(key)?,
        (before + 1).max(latest - MOST_PRINTS),
        latest,
    );
    let rows: Vec<String> = prints
        .iter()
        .map(|print| {
            let (at, symbol, taker, id) = (print.at, &key.symbol, side(print.taker), print.id);
            let (price, quantity) = (print.price.normalize(), print.quantity.normalize());
            format!(
                r#"{{"T":{at},"s":"{symbol}","S":"{taker}","v":"{quantity}","p":"{price}","L":"ZeroPlusTick","i":"{id:016x}-print","BT":false,"RPI":false,"seq":{id}}}"#
            )
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let rows = rows.join(",");
    Some(format!(
        r#"{{"topic":"{topic}","type":"snapshot","ts":{now},"data":[{rows}]}}"#
    ))
}

/// The candle that is being drawn, once a second; the one that ended is told once more, as it closed.
fn candle(
    exchange: &Exchange,
    key: &Key,
    (interval, length): (&str, Ms),
    told: &mut Option<Ms>,
    now: Ms,
) -> Option<String> {
    if told.is_some_and(|told| now - told < CANDLE_PACE_MS * speed(exchange)) {
        return None;
    }
    let open = now - now.rem_euclid(length);
    let ended = told.is_some_and(|told| told < open);
    *told = Some(now);
    let row = |start: Ms, at: Ms| {
        let bar = chart::candle(exchange.market(), key, Line::Last, (start, length), at)?;
        let [first, high, low, last] = bar.prices;
        let (end, done) = (start + length - 1, start + length - 1 <= at);
        let (volume, turnover) = (bar.volume, (bar.volume * last).round_dp(4).normalize());
        Some(format!(
            r#"{{"start":{start},"end":{end},"interval":"{interval}","open":"{first}","close":"{last}","high":"{high}","low":"{low}","volume":"{volume}","turnover":"{turnover}","confirm":{done},"timestamp":{at}}}"#
        ))
    };
    let closed = if ended { row(open - length, open - 1) } else { None };
    let rows: Vec<String> = closed.into_iter().chain(row(open, now)).collect();
    let (rows, symbol) = (rows.join(","), &key.symbol);
    Some(format!(
        r#"{{"topic":"kline.{interval}.{symbol}","type":"snapshot","ts":{now},"data":[{rows}]}}"#
    ))
}

/// The price band, once a second.
fn band(exchange: &Exchange, topic: &str, key: &Key, told: &mut Option<Ms>, now: Ms) -> Option<String> {
    if told.is_some_and(|told| now - told < CANDLE_PACE_MS * speed(exchange)) {
        return None;
    }
    *told = Some(now);
    let (low, high) = super::public::band(exchange, key, now)?;
    let symbol = &key.symbol;
    Some(format!(
        r#"{{"topic":"{topic}","ts":{now},"data":{{"symbol":"{symbol}","buyLmt":"{high}","sellLmt":"{low}"}}}}"#
    ))
}

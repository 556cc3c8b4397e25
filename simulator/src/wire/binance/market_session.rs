//! A socket of public streams: control frames in, market data out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::exchange::{Best, Event, Exchange, Market};
use crate::market::{Depth, Key, Ms, Product, Rules, Venue};
use crate::wire::chart::{self, Line};
use crate::wire::{Outgoing, Session};

use super::control::{self, Control};
use super::day;
use super::feed;
use super::topics::{self, Kind, Route, Topic};

/// Levels behind a diff stream; beyond them nothing is known until it changes.
const DIFF_LEVELS: usize = 1_000;

/// What was sent last on a topic.
#[derive(Debug)]
enum Last {
    Nothing,
    Best(Best),
    Book(Depth),
    /// Best prices of every perpetual, in the order of the rules.
    All(Vec<Option<Best>>),
    /// The last print of the tape.
    Print(i64),
}

/// Streams that one socket may have.
pub const MOST_STREAMS: usize = 1_024;

/// Prints of one push at most; whoever slept longer has missed some.
const MOST_PRINTS: i64 = 20;

#[derive(Debug)]
struct Subscription {
    topic: Topic,
    route: Route,
    sent_ms: Option<Ms>,
    last: Last,
}

/// One public socket.
#[derive(Debug)]
pub struct MarketSession {
    route: Route,
    combined: bool,
    /// Every name subscribed to, those that stay silent included.
    names: Vec<String>,
    live: Vec<Subscription>,
    inbound: control::Inbound,
}

impl MarketSession {
    /// Opens on a route; names may come with the address.
    pub fn new(route: Route, combined: bool, names: &[&str]) -> Self {
        let spot = route == Route::Spot;
        let mut session = Self {
            route,
            combined,
            names: Vec::new(),
            live: Vec::new(),
            inbound: control::Inbound::new(spot),
        };
        for name in names {
            session.subscribe(name);
        }
        session
    }

    fn subscribe(&mut self, name: &str) {
        if self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        if let Some(topic) = topics::parse(name, self.route) {
            self.live.push(Subscription {
                topic,
                route: self.route,
                sent_ms: None,
                last: Last::Nothing,
            });
        }
    }

    /// Whether all of these may be added: all are or none.
    fn has_room(&self, names: &[String]) -> bool {
        let fresh: BTreeSet<&String> = names.iter().filter(|name| !self.names.contains(name)).collect();
        self.names.len() + fresh.len() <= MOST_STREAMS
    }

    fn unsubscribe(&mut self, name: &str) {
        self.names.retain(|known| known != name);
        self.live.retain(|live| live.topic.name != name);
    }

    fn wrap(combined: bool, topic: &Topic, symbol: &str, data: String) -> Outgoing {
        let text = if combined {
            format!(r#"{{"stream":"{}","data":{data}}}"#, topic.name)
        } else {
            data
        };
        Outgoing {
            topic: topic.name.clone(),
            symbol: symbol.to_owned(),
            text,
        }
    }
}

impl Session for MarketSession {
    fn receive(&mut self, exchange: &mut Exchange, text: &str, now: Ms) -> Vec<String> {
        self.inbound.count(now, exchange.speed());
        let answer = match control::read(text) {
            Err(refusal) => refusal,
            Ok((id, Control::Subscribe(names))) if !self.has_room(&names) => control::full(&id),
            Ok((id, Control::Subscribe(names))) => {
                for name in &names {
                    self.subscribe(name);
                }
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::Unsubscribe(names))) => {
                for name in &names {
                    self.unsubscribe(name);
                }
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::List)) => control::done(&id, &Value::from(self.names.clone())),
            Ok((id, Control::SetCombined(combined))) => {
                self.combined = combined;
                control::done(&id, &Value::Null)
            }
            Ok((id, Control::GetCombined)) => control::done(&id, &Value::Bool(self.combined)),
        };
        vec![answer]
    }

    fn tick(&mut self, exchange: &Exchange, now: Ms) -> Vec<Outgoing> {
        let mut out = Vec::new();
        let combined = self.combined;
        for subscription in &mut self.live {
            let early = subscription
                .sent_ms
                .is_some_and(|sent| now - sent < subscription.topic.period_ms.max(1));
            if !early {
                subscription.push(exchange.market(), now, &mut |topic, symbol, data| {
                    out.push(Self::wrap(combined, topic, symbol, data));
                });
            }
        }
        out
    }

    fn event(&mut self, exchange: &Exchange, event: &Event, now: Ms) -> Vec<Outgoing> {
        let Event::Fill { fill, order } = event else {
            return Vec::new();
        };
        let Some(rules) = exchange.market().rule(&fill.key) else {
            return Vec::new();
        };
        let heard = self.live.iter().filter(|live| {
            matches!(live.topic.kind, Kind::AggTrade | Kind::Trade) && live.topic.key.as_ref() == Some(&fill.key)
        });
        let write = |live: &Subscription| {
            let data = feed::execution(rules, fill, live.topic.kind == Kind::AggTrade, now);
            Self::wrap(self.combined, &live.topic, &fill.key.symbol, data)
        };
        let mut out: Vec<Outgoing> = heard.map(write).collect();
        if order.foreign && order.only_reduces() {
            let all = |live: &&Subscription| live.topic.key.as_ref().is_none_or(|key| *key == fill.key);
            let heard = self
                .live
                .iter()
                .filter(|live| live.topic.kind == Kind::Forced)
                .filter(all);
            out.extend(heard.map(|live| {
                let data = feed::forced(fill, order, now);
                Self::wrap(self.combined, &live.topic, &fill.key.symbol, data)
            }));
        }
        out
    }

    fn is_private(&self) -> bool {
        false
    }

    fn wants_close(&self) -> bool {
        self.inbound.exceeded()
    }
}

type Emit<'a> = dyn FnMut(&Topic, &str, String) + 'a;

impl Subscription {
    fn push(&mut self, market: &Market, now: Ms, emit: &mut Emit<'_>) {
        let kind = self.topic.kind.clone();
        match (&kind, self.topic.key.clone()) {
            (Kind::BookTicker, Some(key)) => self.push_best(market, &key, now, emit),
            (Kind::BookTicker, None) => self.push_all_best(market, now, emit),
            (Kind::MarkPrice, Some(key)) => {
                if let Some(text) = feed::mark_price(market, &key, now) {
                    self.sent_ms = Some(now);
                    emit(&self.topic, &key.symbol, text);
                }
            }
            (Kind::MarkPrice, None) => self.push_all_marks(market, now, emit),
            (Kind::Partial { levels }, Some(key)) => self.push_partial(market, &key, *levels, now, emit),
            (Kind::Diff, Some(key)) => self.push_diff(market, &key, now, emit),
            (Kind::AggTrade | Kind::Trade, Some(key)) => self.push_tape(market, &key, now, emit),
            (Kind::DayTicker { mini }, key) => self.push_days(market, key.as_ref(), *mini, now, emit),
            (
                Kind::Kline {
                    interval,
                    length_ms,
                    continuous,
                },
                Some(key),
            ) => self.push_candle(market, &key, (interval, *length_ms), *continuous, now, emit),
            (_, None) | (Kind::Forced, _) => {}
        }
    }

    fn push_best(&mut self, market: &Market, key: &Key, now: Ms, emit: &mut Emit<'_>) {
        let Some(best) = market.best(key, now) else { return };
        if matches!(&self.last, Last::Best(last) if *last == best) {
            return;
        }
        let Some(rules) = market.rule(key) else { return };
        emit(&self.topic, &key.symbol, feed::book_ticker(rules, &best, now));
        self.last = Last::Best(best);
        self.sent_ms = Some(now);
    }

    /// Prints since the last one; the first look only remembers where the tape stands.
    fn push_tape(&mut self, market: &Market, key: &Key, now: Ms, emit: &mut Emit<'_>) {
        let latest = chart::latest_print(now);
        let Last::Print(seen) = self.last else {
            self.last = Last::Print(latest);
            return;
        };
        let Some(rules) = market.rule(key) else { return };
        let aggregated = self.topic.kind == Kind::AggTrade;
        for print in chart::tape(market, rules, (seen + 1).max(latest - MOST_PRINTS), latest) {
            emit(&self.topic, &key.symbol, feed::tape(rules, &print, aggregated, now));
            self.sent_ms = Some(now);
        }
        self.last = Last::Print(latest);
    }

    fn push_days(&mut self, market: &Market, key: Option<&Key>, mini: bool, now: Ms, emit: &mut Emit<'_>) {
        let write = |rules: &Rules| {
            if mini {
                day::mini_ticker(market, rules, now)
            } else {
                day::ticker(market, rules, now)
            }
        };
        self.sent_ms = Some(now);
        if let Some(key) = key {
            if let Some(text) = market.rule(key).and_then(write) {
                emit(&self.topic, &key.symbol, text);
            }
            return;
        }
        let ours = market.rules().iter().filter(|rules| {
            rules.key.venue == Venue::Binance && (rules.key.product == Product::Spot) == (self.route == Route::Spot)
        });
        let rows: Vec<String> = ours.filter_map(write).collect();
        emit(&self.topic, "", format!("[{}]", rows.join(",")));
    }

    fn push_candle(
        &mut self,
        market: &Market,
        key: &Key,
        (interval, length): (&str, Ms),
        continuous: bool,
        now: Ms,
        emit: &mut Emit<'_>,
    ) {
        let Some(rules) = market.rule(key) else { return };
        let mut draw = |start: Ms, at: Ms, topic: &Topic| {
            if let Some(candle) = chart::candle(market, key, Line::Last, (start, length), at) {
                let data = feed::kline(rules, &candle, (interval, length), continuous, at);
                emit(topic, &key.symbol, data);
            }
        };
        let start = now - now.rem_euclid(length);
        // A candle that ended since the last message is told once more, as it closed.
        if self.sent_ms.is_some_and(|sent| sent < start) {
            draw(start - length, start - 1, &self.topic);
        }
        draw(start, now, &self.topic);
        self.sent_ms = Some(now);
    }

    fn push_all_best(&mut self, market: &Market, now: Ms, emit: &mut Emit<'_>) {
        let before = match std::mem::replace(&mut self.last, Last::Nothing) {
            Last::All(rows) => rows,
            _ => Vec::new(),
        };
        let mut rows = Vec::with_capacity(before.len());
        for (at, rules) in perpetuals(market).enumerate() {
            let best = market.best(&rules.key, now);
            if let Some(best) = best
                && before.get(at) != Some(&Some(best))
            {
                emit(&self.topic, &rules.key.symbol, feed::book_ticker(rules, &best, now));
            }
            rows.push(best);
        }
        self.last = Last::All(rows);
        self.sent_ms = Some(now);
    }

    fn push_all_marks(&mut self, market: &Market, now: Ms, emit: &mut Emit<'_>) {
        let rows: Vec<String> = perpetuals(market)
            .filter_map(|rules| feed::mark_price(market, &rules.key, now))
            .collect();
        self.sent_ms = Some(now);
        emit(&self.topic, "", format!("[{}]", rows.join(",")));
    }

    fn push_partial(&mut self, market: &Market, key: &Key, count: usize, now: Ms, emit: &mut Emit<'_>) {
        let (Some(mut depth), Some(rules)) = (market.depth(key, now), market.rule(key)) else {
            return;
        };
        depth.bids.truncate(count);
        depth.asks.truncate(count);
        if matches!(&self.last, Last::Book(last) if *last == depth) {
            return;
        }
        let before = self.sent_ms.unwrap_or(now - 1);
        emit(
            &self.topic,
            &key.symbol,
            feed::partial(rules, &depth, count, before, now),
        );
        self.last = Last::Book(depth);
        self.sent_ms = Some(now);
    }

    /// The first look only remembers the book; a snapshot taken later joins what follows.
    fn push_diff(&mut self, market: &Market, key: &Key, now: Ms, emit: &mut Emit<'_>) {
        let (Some(mut depth), Some(rules)) = (market.depth(key, now), market.rule(key)) else {
            return;
        };
        depth.bids.truncate(DIFF_LEVELS);
        depth.asks.truncate(DIFF_LEVELS);
        if let (Last::Book(old), Some(before)) = (&self.last, self.sent_ms) {
            let Some(text) = feed::diff(rules, old, &depth, before, now) else {
                return;
            };
            emit(&self.topic, &key.symbol, text);
        }
        self.last = Last::Book(depth);
        self.sent_ms = Some(now);
    }
}

/// The venue's perpetuals, in the order of their keys.
fn perpetuals(market: &Market) -> impl Iterator<Item = &crate::market::Rules> {
    market
        .rules()
        .iter()
        .filter(|rules| rules.key.venue == Venue::Binance && rules.key.product == Product::Perp)
}

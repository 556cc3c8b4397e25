//! A market whose every number is known, and a client that signs.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::exchange::{AccountSpec, Exchange};
use crate::market::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Status, Venue};
use crate::wire::binance::auth::sign;
use crate::wire::{HttpReply, HttpRequest, Session, Wire};

/// A boundary of eight hours.
pub const START: Ms = 1_767_225_600_000;
const EIGHT_HOURS: Ms = 28_800_000;

pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// ABC moves one unit every minute, XYZ settles every four hours; ten units on each of thirty levels.
#[derive(Debug)]
pub struct Board(Vec<Rules>);

impl Board {
    pub fn new() -> Self {
        let symbols = [(Product::Spot, "ABC"), (Product::Perp, "ABC"), (Product::Perp, "XYZ")];
        Self(
            symbols
                .into_iter()
                .map(|(product, base)| rules(product, base))
                .collect(),
        )
    }
}

fn rules(product: Product, base: &str) -> Rules {
    let spot = product == Product::Spot;
    Rules {
        key: Key {
            venue: Venue::Binance,
            product,
            symbol: format!("{base}USDT"),
        },
        base: base.to_owned(),
        quote: "USDT".to_owned(),
        tick: d("0.10"),
        lot: d("0.001"),
        min_quantity: d("0.001"),
        max_quantity: d("1000"),
        max_market_quantity: d("100"),
        min_notional: d("5"),
        taker_fee: d(if spot { "0.001" } else { "0.0005" }),
        maker_fee: d(if spot { "0.001" } else { "0.0002" }),
        max_leverage: d("50"),
        maintenance_margin: d("0.02"),
        status: Status::Trading,
    }
}

impl Source for Board {
    fn starts_ms(&self) -> Ms {
        0
    }
    fn ends_ms(&self) -> Ms {
        START * 2
    }
    fn showcase_ms(&self) -> Ms {
        START
    }
    fn rules(&self) -> &[Rules] {
        &self.0
    }
    fn mid(&self, _: &Key, now: Ms) -> Option<Decimal> {
        Some(Decimal::from(100 + (now / 60_000) % 2))
    }
    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.mid(key, now)
    }
    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.mid(key, now)
    }
    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        let mid = self.mid(key, now)?;
        let side = |sign: Decimal| {
            (1..=30)
                .map(|at| Level {
                    price: mid + sign * Decimal::new(at, 1),
                    quantity: Decimal::TEN,
                })
                .collect()
        };
        Some(Depth {
            bids: side(Decimal::NEGATIVE_ONE),
            asks: side(Decimal::ONE),
        })
    }
    fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        let hours = if key.symbol == "XYZUSDT" { 4 } else { 8 };
        let step = Ms::from(hours) * 3_600_000;
        let cap = d("0.015");
        let next_ms = now - now.rem_euclid(step) + step;
        Some(Funding {
            predicted: d("0.0001"),
            next_ms,
            interval_hours: hours,
            cap,
            floor: -cap,
        })
    }
    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let mut rows = Vec::new();
        let mut at = after.max(START - 10 * EIGHT_HOURS).div_euclid(EIGHT_HOURS) * EIGHT_HOURS + EIGHT_HOURS;
        while at <= until && key.product == Product::Perp {
            rows.push(Settlement {
                at_ms: at,
                rate: d("0.0001"),
                mark: d("100"),
                interval_hours: 8,
                special: false,
            });
            at += EIGHT_HOURS;
        }
        rows
    }
    fn volume_24h(&self, _: &Key, _: Ms) -> Option<Decimal> {
        Some(Decimal::ONE_THOUSAND)
    }
}

/// One account at one host.
pub struct Client {
    pub wire: std::rc::Rc<dyn Wire>,
    pub exchange: Exchange,
    pub now: Ms,
}

impl Client {
    pub fn new(host: crate::wire::Host) -> Self {
        let exchange = Exchange::new(Box::new(Board::new()), &[AccountSpec::demo()], 0, 1, START);
        Self {
            wire: crate::wire::wire(host),
            exchange,
            now: START,
        }
    }

    pub fn send(&mut self, method: &str, path: &str, query: &str) -> HttpReply {
        let request = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("x-mbx-apikey".to_owned(), "demo".to_owned())],
            body: String::new(),
        };
        self.exchange.advance(self.now);
        self.wire.http(&mut self.exchange, &request, self.now)
    }

    pub fn raw(&mut self, method: &str, path: &str, query: &str) -> HttpReply {
        let query = format!(
            "{query}{}timestamp={}",
            if query.is_empty() { "" } else { "&" },
            self.now
        );
        let signature = sign("demo", &query).unwrap();
        self.send(method, path, &format!("{query}&signature={signature}"))
    }

    /// A signed call that succeeds.
    pub fn ok(&mut self, method: &str, path: &str, query: &str) -> Value {
        let reply = self.raw(method, path, query);
        assert_eq!(reply.status, 200, "{path} {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// A public call that succeeds.
    pub fn get(&mut self, path: &str, query: &str) -> Value {
        let reply = self.send("GET", path, query);
        assert_eq!(reply.status, 200, "{path} {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// The code of a signed call that is refused.
    pub fn code(&mut self, method: &str, path: &str, query: &str) -> i64 {
        let reply = self.raw(method, path, query);
        assert_ne!(reply.status, 200, "{path} {}", reply.body);
        serde_json::from_str::<Value>(&reply.body).unwrap()["code"]
            .as_i64()
            .unwrap()
    }

    pub fn open(&mut self, path: &str) -> Box<dyn Session> {
        self.wire
            .open(&mut self.exchange, path, self.now)
            .map_err(|reply| reply.body)
            .unwrap()
    }

    /// What a socket hears of all that happened.
    pub fn hear(&mut self, session: &mut dyn Session) -> Vec<Value> {
        let events = self.exchange.take_events();
        let heard = events
            .iter()
            .flat_map(|event| session.event(&self.exchange, event, self.now));
        heard.map(|out| serde_json::from_str(&out.text).unwrap()).collect()
    }

    pub fn tick(&mut self, session: &mut dyn Session) -> Vec<Value> {
        let out = session.tick(&self.exchange, self.now).into_iter();
        out.map(|out| serde_json::from_str(&out.text).unwrap()).collect()
    }
}

/// The keys of an object, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A recorded message; absent recordings skip what they would prove.
pub fn fixture(name: &str) -> Option<Value> {
    let path = format!("{}/../../shared/fixtures/binance/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: no recording {name}");
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

//! A small market for the tests of this room, and a client that signs.

use rust_decimal::Decimal;
use serde_json::Value;

use super::auth::sign;
use crate::exchange::{AccountSpec, Event, Exchange, Permissions, Wallet};
use crate::market::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Status, Venue};
use crate::wire::{HttpReply, HttpRequest, Session, Wire};

/// Milliseconds of eight hours.
pub const EIGHT_HOURS: Ms = 28_800_000;
/// Where the tests begin: a boundary, long after the market's first instant.
pub const START: Ms = 1_000 * EIGHT_HOURS;

/// Two instruments whose mid is 100 in even minutes and 101 in odd ones; five units on each of thirty levels.
#[derive(Debug)]
pub struct Still(Vec<Rules>);

fn rules(product: Product) -> Rules {
    let d = |text: &str| text.parse::<Decimal>().unwrap();
    Rules {
        key: Key {
            venue: Venue::Bybit,
            product,
            symbol: "ABCUSDT".to_owned(),
        },
        base: "ABC".to_owned(),
        quote: "USDT".to_owned(),
        tick: d("0.10"),
        lot: d("0.001"),
        min_quantity: d("0.001"),
        max_quantity: d("1000"),
        max_market_quantity: d("500"),
        min_notional: d("5"),
        taker_fee: if product == Product::Spot {
            d("0.001")
        } else {
            d("0.00055")
        },
        maker_fee: if product == Product::Spot {
            d("0.001")
        } else {
            d("0.0002")
        },
        max_leverage: d("50"),
        maintenance_margin: d("0.01"),
        status: Status::Trading,
    }
}

impl Still {
    fn price(now: Ms) -> Decimal {
        Decimal::from(100 + (now / 60_000) % 2)
    }
}

impl Source for Still {
    fn starts_ms(&self) -> Ms {
        0
    }
    fn ends_ms(&self) -> Ms {
        START * 10
    }
    fn showcase_ms(&self) -> Ms {
        START
    }
    fn rules(&self) -> &[Rules] {
        &self.0
    }
    fn mid(&self, _: &Key, now: Ms) -> Option<Decimal> {
        Some(Self::price(now))
    }
    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        (key.product == Product::Perp).then(|| Self::price(now))
    }
    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.mark(key, now)
    }
    fn depth(&self, _: &Key, now: Ms) -> Option<Depth> {
        let level = |away: i64| Level {
            price: Self::price(now) + Decimal::new(away, 1),
            quantity: Decimal::from(5),
        };
        Some(Depth {
            bids: (1..=30).map(|away| level(-away)).collect(),
            asks: (1..=30).map(level).collect(),
        })
    }
    fn funding(&self, key: &Key, now: Ms) -> Option<Funding> {
        (key.product == Product::Perp).then(|| Funding {
            predicted: Decimal::new(1, 4),
            next_ms: now - now.rem_euclid(EIGHT_HOURS) + EIGHT_HOURS,
            interval_hours: 8,
            cap: Decimal::new(5, 3),
            floor: Decimal::new(-5, 3),
        })
    }
    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        if key.product == Product::Spot {
            return Vec::new();
        }
        let first = after.max(0) - after.max(0).rem_euclid(EIGHT_HOURS) + EIGHT_HOURS;
        let at = (0..)
            .map(|step| first + step * EIGHT_HOURS)
            .take_while(|at| *at <= until);
        at.map(|at_ms| Settlement {
            at_ms,
            rate: Decimal::new(1, 4),
            mark: Decimal::from(100),
            interval_hours: 8,
            special: false,
        })
        .collect()
    }
    fn volume_24h(&self, _: &Key, _: Ms) -> Option<Decimal> {
        Some(Decimal::from(9_000))
    }
}

/// The venue with two accounts: `k`/`s` trades, `r`/`s` reads.
pub struct Desk {
    pub exchange: Exchange,
    pub wire: std::rc::Rc<dyn Wire>,
    pub now: Ms,
    pub events: Vec<Event>,
}

impl Desk {
    pub fn new() -> Self {
        let source = Self::still();
        let account = |key: &str, trades: bool| AccountSpec {
            key: key.to_owned(),
            secret: "s".to_owned(),
            balances: [(Wallet::Unified, [("USDT".to_owned(), Decimal::from(10_000))].into())].into(),
            permissions: Permissions {
                read: true,
                spot: trades,
                futures: trades,
                withdraw: false,
            },
            addresses: Vec::new(),
        };
        let exchange = Exchange::new(source, &[account("k", true), account("r", false)], 7, 1, START + 1_000);
        Self {
            exchange,
            wire: super::wire(),
            now: START + 1_000,
            events: Vec::new(),
        }
    }

    /// Lets time pass; budgets of the last second are forgotten.
    pub fn wait(&mut self, ms: Ms) {
        self.now += ms;
        self.exchange.advance(self.now);
        self.events.extend(self.exchange.take_events());
    }

    /// The market behind it.
    pub fn still() -> Box<dyn crate::market::Source> {
        Box::new(Still(vec![rules(Product::Spot), rules(Product::Perp)]))
    }

    pub fn call(&mut self, key: &str, method: &str, path: &str, payload: &str) -> HttpReply {
        let text = format!("{}{key}5000{payload}", self.now);
        let headers = [
            ("x-bapi-api-key", key.to_owned()),
            ("x-bapi-timestamp", self.now.to_string()),
        ];
        let more = [
            ("x-bapi-recv-window", "5000".to_owned()),
            ("x-bapi-sign", sign("s", &text)),
        ];
        let get = method == "GET";
        let request = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: if get { payload.to_owned() } else { String::new() },
            headers: headers
                .into_iter()
                .chain(more)
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: if get { String::new() } else { payload.to_owned() },
        };
        let reply = self.wire.http(&mut self.exchange, &request, self.now);
        self.events.extend(self.exchange.take_events());
        reply
    }

    /// The envelope of a GET.
    pub fn get(&mut self, path: &str, query: &str) -> Value {
        serde_json::from_str(&self.call("k", "GET", path, query).body).unwrap()
    }

    /// The envelope of a POST, a second after the last one.
    pub fn post(&mut self, path: &str, body: &str) -> Value {
        self.wait(1_000);
        serde_json::from_str(&self.call("k", "POST", path, body).body).unwrap()
    }

    /// An order: fields as `name=value`, booleans and whole numbers bare where the venue wants them so.
    pub fn order(&mut self, fields: &str) -> Value {
        let pairs = fields.split(' ').map(|pair| pair.split_once('=').unwrap());
        let bare = |name: &str| matches!(name, "reduceOnly" | "positionIdx" | "closeOnTrigger");
        let pairs: Vec<_> = pairs
            .map(|(name, value)| {
                if bare(name) {
                    format!("{name:?}:{value}")
                } else {
                    format!("{name:?}:{value:?}")
                }
            })
            .collect();
        self.post("/v5/order/create", &format!("{{{}}}", pairs.join(",")))
    }

    pub fn open(&mut self, path: &str) -> Box<dyn Session> {
        self.wire.open(&mut self.exchange, path, self.now).ok().unwrap()
    }

    /// A private connection that listens to these topics.
    pub fn listen(&mut self, topics: &[&str]) -> Box<dyn Session> {
        let mut session = self.open("/v5/private");
        let ack = self.say(session.as_mut(), &self.auth_frame("k"));
        assert_eq!(ack["success"], true, "{ack}");
        let ack = self.say(
            session.as_mut(),
            &serde_json::json!({ "op": "subscribe", "args": topics }).to_string(),
        );
        assert_eq!(ack["success"], true, "{ack}");
        session
    }

    pub fn auth_frame(&self, key: &str) -> String {
        let expires = self.now + 10_000;
        let sign = sign("s", &format!("GET/realtime{expires}"));
        serde_json::json!({ "req_id": "a", "op": "auth", "args": [key, expires, sign] }).to_string()
    }

    /// Sends a frame and reads the answer.
    pub fn say(&mut self, session: &mut dyn Session, text: &str) -> Value {
        let mut answers = session.receive(&mut self.exchange, text, self.now);
        assert_eq!(answers.len(), 1);
        self.events.extend(self.exchange.take_events());
        serde_json::from_str(&answers.remove(0)).unwrap()
    }

    /// What a connection hears of everything that happened since the last call.
    pub fn heard(&mut self, session: &mut dyn Session) -> Vec<Value> {
        let mut out = Vec::new();
        for event in std::mem::take(&mut self.events) {
            out.extend(session.event(&self.exchange, &event, self.now));
        }
        out.extend(session.tick(&self.exchange, self.now));
        out.iter()
            .map(|message| serde_json::from_str(&message.text).unwrap())
            .collect()
    }
}

/// A recorded message of the venue, or `None` where the recordings are absent.
pub fn recorded(name: &str) -> Option<Value> {
    let path = format!("{}/../../shared/fixtures/bybit/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no recording {name}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Every field of `theirs` is in `ours` with the same JSON type. Words and empty lists match anything of their kind;
/// `null` of theirs matches everything. `absent` are fields known to be retired.
pub fn same_shape(ours: &Value, theirs: &Value, absent: &[&str], at: &str) {
    match (ours, theirs) {
        (_, Value::Null) => {}
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs.iter().filter(|(name, _)| !absent.contains(&name.as_str())) {
                let mine = ours.get(name).unwrap_or_else(|| panic!("{at}.{name} is missing"));
                same_shape(mine, value, absent, &format!("{at}.{name}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(mine), Some(value)) = (ours.first(), theirs.first()) {
                same_shape(mine, value, absent, &format!("{at}[0]"));
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(ours),
            std::mem::discriminant(theirs),
            "{at}: {ours} for {theirs}"
        ),
    }
}

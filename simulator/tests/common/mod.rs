//! A market whose every number the test sets.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use rust_decimal::Decimal;
use simulator::exchange::{AccountId, AccountSpec, Exchange, OrderKind, OrderRequest, Side, TimeInForce};
use simulator::market::{Depth, Funding, Key, Level, Ms, Product, Rules, Settlement, Source, Status, Venue};
use simulator::serve::Twin;

pub const HOUR: Ms = 3_600_000;
/// A whole multiple of 8 h.
pub const START: Ms = 1_767_225_600_000;
pub const ME: AccountId = AccountId(0);

/// Runs a test in virtual time, with a twin that this makes from the clock and that pushes by itself.
pub fn play(make: impl FnOnce(Rc<dyn Fn() -> Ms>) -> Twin, test: impl AsyncFnOnce(Twin)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let born = tokio::time::Instant::now();
        let twin = make(Rc::new(move || {
            START + i64::try_from(born.elapsed().as_millis()).unwrap()
        }));
        let running = twin.clone();
        tokio::task::spawn_local(async move { running.run().await });
        test(twin).await;
    });
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn key(venue: Venue, product: Product, symbol: &str) -> Key {
    Key {
        venue,
        product,
        symbol: symbol.to_owned(),
    }
}

/// A board: mids by hand, books of 20 levels of one coin each, one tick apart, two ticks of spread; a settlement of
/// 1 bp every 8 hours.
#[derive(Clone)]
pub struct Board {
    pub mids: Rc<RefCell<BTreeMap<Key, Decimal>>>,
    /// Whether mids climb and fall by a few ticks every second.
    pub moving: Rc<Cell<bool>>,
    rules: Rc<Vec<Rules>>,
}

impl Board {
    pub fn new() -> Self {
        let mut rules = Vec::new();
        for venue in [Venue::Binance, Venue::Bybit] {
            for product in [Product::Spot, Product::Perp] {
                for (base, tick) in [("BTC", "0.1"), ("ETH", "0.01")] {
                    rules.push(rule(venue, product, base, tick));
                }
            }
        }
        rules.sort_by(|a, b| a.key.cmp(&b.key));
        let mids = rules
            .iter()
            .map(|rule| (rule.key.clone(), dec(if rule.base == "BTC" { "50000" } else { "2000" })));
        Self {
            mids: Rc::new(RefCell::new(mids.collect())),
            moving: Rc::default(),
            rules: Rc::new(rules),
        }
    }

    pub fn set(&self, key: &Key, mid: &str) {
        self.mids.borrow_mut().insert(key.clone(), dec(mid));
    }

    pub fn exchange(&self) -> Exchange {
        Exchange::new(Box::new(self.clone()), &[AccountSpec::demo()], 7, 1, START)
    }
}

fn rule(venue: Venue, product: Product, base: &str, tick: &str) -> Rules {
    Rules {
        key: key(venue, product, &format!("{base}USDT")),
        base: base.to_owned(),
        quote: "USDT".to_owned(),
        tick: dec(tick),
        lot: dec("0.001"),
        min_quantity: dec("0.001"),
        max_quantity: dec("1000"),
        max_market_quantity: dec("100"),
        min_notional: dec("5"),
        taker_fee: if product == Product::Spot {
            dec("0.001")
        } else {
            dec("0.0005")
        },
        maker_fee: if product == Product::Spot {
            dec("0.001")
        } else {
            dec("0.0002")
        },
        max_leverage: dec("50"),
        maintenance_margin: dec("0.005"),
        status: Status::Trading,
    }
}

impl Source for Board {
    fn starts_ms(&self) -> Ms {
        START
    }

    fn ends_ms(&self) -> Ms {
        START + 24 * HOUR * 365
    }

    fn showcase_ms(&self) -> Ms {
        START
    }

    fn rules(&self) -> &[Rules] {
        &self.rules
    }

    fn mid(&self, key: &Key, now: Ms) -> Option<Decimal> {
        let mid = self.mids.borrow().get(key).copied()?;
        let steps = if self.moving.get() { now / 1_000 % 13 } else { 0 };
        Some(mid + Decimal::new(steps, 1))
    }

    fn mark(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.mid(key, now)
    }

    fn index(&self, key: &Key, now: Ms) -> Option<Decimal> {
        self.mid(key, now)
    }

    fn depth(&self, key: &Key, now: Ms) -> Option<Depth> {
        let (mid, tick) = (
            self.mid(key, now)?,
            self.rules.iter().find(|rule| rule.key == *key)?.tick,
        );
        let level = |step: i64| Level {
            price: mid + tick * Decimal::from(step),
            quantity: Decimal::ONE,
        };
        Some(Depth {
            bids: (1..=20).map(|n| level(-n)).collect(),
            asks: (1..=20).map(level).collect(),
        })
    }

    fn funding(&self, _: &Key, now: Ms) -> Option<Funding> {
        let next_ms = now - now.rem_euclid(8 * HOUR) + 8 * HOUR;
        let (predicted, cap, floor) = (dec("0.0001"), dec("0.02"), dec("-0.02"));
        Some(Funding {
            predicted,
            next_ms,
            interval_hours: 8,
            cap,
            floor,
        })
    }

    fn settlements(&self, key: &Key, after: Ms, until: Ms) -> Vec<Settlement> {
        let mut rows = Vec::new();
        let mut at = after - after.rem_euclid(8 * HOUR) + 8 * HOUR;
        while at <= until {
            let mark = self.mid(key, at).unwrap_or_default();
            rows.push(Settlement {
                at_ms: at,
                rate: dec("0.0001"),
                mark,
                interval_hours: 8,
                special: false,
            });
            at += 8 * HOUR;
        }
        rows
    }

    fn volume_24h(&self, _: &Key, _: Ms) -> Option<Decimal> {
        Some(dec("1000"))
    }
}

pub fn market(symbol: &str, side: Side, quantity: &str) -> OrderRequest {
    OrderRequest {
        symbol: symbol.to_owned(),
        side,
        kind: OrderKind::Market,
        time_in_force: TimeInForce::Ioc,
        quantity: Some(dec(quantity)),
        quote_quantity: None,
        price: None,
        reduce_only: false,
        client_id: None,
        position_side: simulator::exchange::PositionSide::Both,
        self_trade: simulator::exchange::SelfTrade::EndMaker,
    }
}

pub fn limit(symbol: &str, side: Side, quantity: &str, price: &str, time_in_force: TimeInForce) -> OrderRequest {
    OrderRequest {
        kind: OrderKind::Limit,
        time_in_force,
        price: Some(dec(price)),
        ..market(symbol, side, quantity)
    }
}

pub fn named(id: &str, request: OrderRequest) -> OrderRequest {
    OrderRequest {
        client_id: Some(id.to_owned()),
        ..request
    }
}

pub fn reducing(request: OrderRequest) -> OrderRequest {
    OrderRequest {
        reduce_only: true,
        ..request
    }
}

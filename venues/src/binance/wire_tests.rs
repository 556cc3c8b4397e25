//! The adapter over in-process pipes, in virtual time.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{Product, Side};
use domain::interest::Interest;
use domain::money::{Price, Quantity};
use domain::order::{ClientOrderId, HedgeId, LegIndex, OrderKind, OrderTicket, Placed, Purpose};
use domain::ports::{Clock, MarketFeed, OrderGateway, VenueError};
use domain::time::{Machine, Now, Timestamp};
use futures_util::future::LocalBoxFuture;
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::Message as Frame;

use super::parse::instrument_id;
use super::{Binance, BinanceConfig};
use crate::shared::transport::{Dial, Transport};

struct VirtualClock(tokio::time::Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let age = self.0.elapsed();
        Now {
            market: Timestamp(1_790_000_000_000 + i64::try_from(age.as_millis()).unwrap()),
            machine: Machine(age),
        }
    }
}

type Script = Box<dyn Fn(&str) -> Option<String>>;

/// A venue of one answer per request; websockets get a touch and then nothing.
struct Venue {
    answer: Script,
    heard: Rc<RefCell<Vec<String>>>,
    up: Cell<bool>,
}

impl Dial for Venue {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        Box::pin(async move {
            if !self.up.get() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = duplex(1 << 16);
            if host_port.contains("stream") {
                actix_rt::spawn(whisper(far));
                return Ok(near);
            }
            let mut far = far;
            let head = Rc::new(RefCell::new(String::new()));
            let (log, seen) = (self.heard.clone(), head.clone());
            // One request a connection: read it, then answer or hang up.
            let answers: Vec<(&str, Option<String>)> = ["/time", "/order", "/ticker", "/fundingInfo", "/premiumIndex"]
                .into_iter()
                .map(|path| (path, (self.answer)(path)))
                .collect();
            actix_rt::spawn(async move {
                let mut buffer = [0; 4096];
                let read = far.read(&mut buffer).await.unwrap_or(0);
                seen.borrow_mut().push_str(&String::from_utf8_lossy(&buffer[..read]));
                let line = seen.borrow().lines().next().unwrap_or_default().to_owned();
                log.borrow_mut().push(line.clone());
                let answer = answers
                    .into_iter()
                    .find(|(path, _)| line.contains(path))
                    .and_then(|(_, body)| body);
                if let Some(answer) = answer {
                    let _ = far.write_all(answer.as_bytes()).await;
                }
            });
            Ok(near)
        })
    }
}

async fn whisper(far: DuplexStream) {
    let mut socket = tokio_tungstenite::accept_async(far).await.unwrap();
    let _subscription = socket.next().await;
    let touch = r#"{"stream":"xrpusdt@bookTicker","data":{"u":1,"s":"XRPUSDT","b":"0.6","B":"1","a":"0.7","A":"1"}}"#;
    for text in [r#"{"result":null,"id":1}"#, touch] {
        socket.send(Frame::text(text)).await.unwrap();
    }
    // From here on it neither speaks nor reads: pings stay unanswered.
    std::future::pending::<()>().await;
}

#[expect(clippy::unnecessary_wraps, reason = "a venue may also hang up, which is `None`")]
fn http(status: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nretry-after: 9\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

fn time() -> Option<String> {
    http("200 OK", r#"{"serverTime":1790000000000}"#)
}

fn virtual_time<F: Future>(test: F) -> F::Output {
    actix_rt::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    })
    .block_on(test)
}

fn adapter(answer: impl Fn(&str) -> Option<String> + 'static) -> (Binance, Rc<Venue>) {
    let venue = Rc::new(Venue {
        answer: Box::new(answer),
        heard: Rc::default(),
        up: Cell::new(true),
    });
    let config = BinanceConfig {
        key: SecretString::from("k3y"),
        secret: SecretString::from("s3cret"),
        ..BinanceConfig::default()
    };
    let clock = Rc::new(VirtualClock(tokio::time::Instant::now()));
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let binance = Binance::new(config, Transport::pipes(venue.clone()), clock, log).unwrap();
    (binance, venue)
}

fn ticket() -> OrderTicket {
    OrderTicket {
        client_id: ClientOrderId::from_text("fatest-1-1-1"),
        hedge: HedgeId(1),
        leg: LegIndex::Short,
        purpose: Purpose::Open,
        instrument: instrument_id(Product::Perp, "XRPUSDT"),
        side: Side::Sell,
        kind: OrderKind::ImmediateOrCancel {
            limit: Price("0.6121".parse().unwrap()),
        },
        quantity: Quantity("40.0".parse().unwrap()),
    }
}

#[test]
fn an_order_whose_answer_is_lost_is_unknown_and_sent_once() {
    virtual_time(async {
        let (binance, venue) = adapter(|path| if path == "/time" { time() } else { None });
        let placed = binance.place(&ticket()).await;
        assert!(matches!(placed, Placed::Unknown { .. }), "{placed:?}");
        let posts = venue
            .heard
            .borrow()
            .iter()
            .filter(|line| line.starts_with("POST"))
            .count();
        assert_eq!(posts, 1);
    });
}

#[test]
fn an_order_does_not_wait_for_a_new_look_at_the_venues_clock() {
    virtual_time(async {
        let (binance, venue) = adapter(|path| if path == "/time" { time() } else { None });
        let asked = || {
            venue
                .heard
                .borrow()
                .iter()
                .filter(|line| line.contains("/time"))
                .count()
        };
        binance.core.usdm.settle_clock().await.unwrap();
        tokio::time::sleep(Duration::from_mins(9)).await;
        binance.place(&ticket()).await;
        assert_eq!(asked(), 1, "the measurement of nine minutes ago serves");
        // A question has the time, and so the next order has a young one.
        binance.core.usdm.settle_clock().await.unwrap();
        assert_eq!(asked(), 2);
    });
}

#[test]
fn an_order_that_never_left_is_not_sent() {
    virtual_time(async {
        let (binance, venue) = adapter(|_| time());
        binance.core.usdm.settle_clock().await.unwrap();
        venue.up.set(false);
        let placed = binance.place(&ticket()).await;
        assert!(matches!(placed, Placed::NotSent { .. }), "{placed:?}");
    });
}

#[test]
fn after_a_429_nothing_leaves_until_the_wait_is_over() {
    virtual_time(async {
        let (binance, venue) = adapter(|path| match path {
            "/time" => time(),
            _ => http("429 Too Many Requests", r#"{"code":-1003,"msg":"Too many requests."}"#),
        });
        let id = ClientOrderId::from_text("x");
        let perp = instrument_id(Product::Perp, "XRPUSDT");
        let ask = || async { binance.find(&perp, &id).await };
        assert!(matches!(
            ask().await,
            Err(VenueError::Throttled { wait_seconds: 9, .. })
        ));
        let sent = venue.heard.borrow().len();
        assert!(matches!(ask().await, Err(VenueError::Throttled { .. })));
        assert!(matches!(binance.place(&ticket()).await, Placed::NotSent { .. }));
        assert_eq!(venue.heard.borrow().len(), sent);
        assert_eq!(binance.shut_for(&perp), Some(Duration::from_secs(9)));
        assert_eq!(binance.shut_for(&instrument_id(Product::Spot, "XRPUSDT")), None);
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(binance.shut_for(&perp), None);
        assert!(ask().await.is_err());
        assert!(venue.heard.borrow().len() > sent);
    });
}

#[test]
fn an_order_that_the_venue_does_not_know_is_none_and_an_outage_is_not() {
    virtual_time(async {
        let (id, perp) = (ClientOrderId::from_text("x"), instrument_id(Product::Perp, "XRPUSDT"));
        let (knows_not, _) = adapter(|path| match path {
            "/time" => time(),
            _ => http("400 Bad Request", r#"{"code":-2013,"msg":"Order does not exist."}"#),
        });
        assert_eq!(knows_not.find(&perp, &id).await, Ok(None));
        let (down, _) = adapter(|path| match path {
            "/time" => time(),
            _ => http("503 Service Unavailable", r#"{"code":-2013,"msg":"?"}"#),
        });
        assert!(matches!(
            down.find(&perp, &id).await,
            Err(VenueError::Unreachable { .. })
        ));
    });
}

#[test]
fn a_feed_that_goes_silent_ends_with_a_reason() {
    virtual_time(async {
        let tickers = r#"[{"symbol":"XRPUSDT","bidPrice":"0.5","bidQty":"1","askPrice":"0.6","askQty":"1"}]"#;
        let (binance, _venue) = adapter(move |path| match path {
            "/ticker" => http("200 OK", tickers),
            _ => None,
        });
        let feed = binance.market_feed(Product::Spot);
        let mut stream = feed
            .open(&[instrument_id(Product::Spot, "XRPUSDT")], &Interest::none())
            .await
            .unwrap();
        let mut facts = 0;
        let began = tokio::time::Instant::now();
        let end = loop {
            match stream.next().await {
                Ok(heard) => facts += heard.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(facts, 2, "the touch from REST and the pushed one");
        assert!(end.to_string().contains("silent for too long"), "{end}");
        assert!(began.elapsed() <= Duration::from_secs(46));
    });
}

//! The edge over in-process pipes in virtual time: requests, pushes, faults, control.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use common::{Board, ME, START, dec, market, play};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use simulator::exchange::{Event, Exchange, Side};
use simulator::faults::parse_rules;
use simulator::market::{Ms, Product, Venue};
use simulator::serve::{Options, Twin};
use simulator::wire::{Host, HttpReply, HttpRequest, Outgoing, Session, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A wire of few words: `POST /buy` buys a coin, `/stream` tells the clock's ticks and every fill.
struct Terse;

impl Wire for Terse {
    fn http(&self, exchange: &mut Exchange, request: &HttpRequest, now: Ms) -> HttpReply {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/buy") => {
                let order = exchange.place(
                    ME,
                    Venue::Binance,
                    Product::Perp,
                    &market("BTCUSDT", Side::Buy, "1"),
                    now,
                );
                HttpReply::json(200, order.unwrap().venue_order_id())
                    .with_header("x-weight", "5")
                    .with_weight(5)
            }
            ("GET", "/echo") => HttpReply::json(200, request.query.clone()),
            _ => HttpReply::json(404, "{}"),
        }
    }

    fn open(&self, _: &mut Exchange, path: &str, _: Ms) -> Result<Box<dyn Session>, HttpReply> {
        if path == "/stream" {
            Ok(Box::new(Stream::default()))
        } else {
            Err(HttpReply::json(404, "no"))
        }
    }
}

#[derive(Default)]
struct Stream {
    bye: bool,
}

impl Session for Stream {
    fn receive(&mut self, _: &mut Exchange, text: &str, _: Ms) -> Vec<String> {
        self.bye = text == "bye";
        vec![format!("heard {text}")]
    }

    fn tick(&mut self, _: &Exchange, now: Ms) -> Vec<Outgoing> {
        let text = format!("tick {}", now - START);
        vec![Outgoing {
            topic: "clock".to_owned(),
            symbol: String::new(),
            text,
        }]
    }

    fn event(&mut self, _: &Exchange, event: &Event, _: Ms) -> Vec<Outgoing> {
        let Event::Fill { fill, .. } = event else {
            return Vec::new();
        };
        let text = format!("fill {}", fill.quantity);
        vec![Outgoing {
            topic: "fills".to_owned(),
            symbol: fill.key.symbol.clone(),
            text,
        }]
    }

    fn is_private(&self) -> bool {
        false
    }

    fn wants_close(&self) -> bool {
        self.bye
    }
}

/// Runs a test in virtual time with a twin that pushes every second.
fn stage<F: Future<Output = ()>>(test: impl FnOnce(Twin) -> F) {
    let make = |clock| {
        let wire: Rc<dyn Wire> = Rc::new(Terse);
        let options = Options {
            push_every: Duration::from_secs(1),
            ..Options::default()
        };
        Twin::with_wires(
            Box::new(Board::new()),
            options,
            clock,
            BTreeMap::from([(Host::BinanceUsdm, wire)]),
        )
    };
    play(make, async |twin| test(twin).await);
}

fn dial(twin: &Twin) -> DuplexStream {
    let (near, far) = duplex(1 << 16);
    let twin = twin.clone();
    tokio::task::spawn_local(async move { twin.serve(Host::BinanceUsdm, far).await });
    near
}

/// One request on a connection of its own; `None` if it closed without a byte.
async fn call(twin: &Twin, method: &str, target: &str, body: &str) -> Option<(u16, String)> {
    let mut io = dial(twin);
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    io.write_all(head.as_bytes()).await.unwrap();
    io.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    io.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
}

async fn json(twin: &Twin, method: &str, target: &str, body: &str) -> (u16, Value) {
    let (status, text) = call(twin, method, target, body).await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

async fn open(twin: &Twin) -> WebSocketStream<DuplexStream> {
    client_async("ws://sim/stream", dial(twin)).await.unwrap().0
}

async fn next(socket: &mut WebSocketStream<DuplexStream>) -> String {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn requests_are_answered_and_written_down() {
    stage(|twin| async move {
        assert_eq!(
            call(&twin, "GET", "/echo?a=1&b=%20", "").await,
            Some((200, "a=1&b=%20".to_owned()))
        );
        assert_eq!(call(&twin, "GET", "/nowhere", "").await.unwrap().0, 404);
        let (_, id) = call(&twin, "POST", "/buy", "").await.unwrap();
        let truth = twin.truth();
        let venue = &truth["venues"]["binance"];
        assert_eq!(venue["orders"][0]["venue_order_id"], id.as_str());
        assert_eq!(venue["requests"][2]["weight"], 5);
        assert_eq!(venue["requests"][0]["query"], "a=1&b=%20");
    });
}

#[test]
fn a_socket_hears_ticks_fills_and_answers() {
    stage(|twin| async move {
        let mut socket = open(&twin).await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(&mut socket).await, "heard hello");
        // The fill comes with the call that made it, not with the next push; the push of the opening may come before it.
        let before = Instant::now();
        call(&twin, "POST", "/buy", "").await.unwrap();
        let mut heard = next(&mut socket).await;
        if heard.starts_with("tick 0") {
            heard = next(&mut socket).await;
        }
        assert_eq!(heard, "fill 1");
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert!(next(&mut socket).await.starts_with("tick 1"));
        assert!(next(&mut socket).await.starts_with("tick 2"));
        socket.send(Message::Ping(b"x"[..].into())).await.unwrap();
        assert!(matches!(socket.next().await.unwrap().unwrap(), Message::Pong(_)));
        socket.send(Message::text("bye")).await.unwrap();
        assert_eq!(next(&mut socket).await, "heard bye");
        // A push may have been on its way already.
        let mut last = socket.next().await;
        while matches!(&last, Some(Ok(Message::Text(text))) if text.as_str().starts_with("tick")) {
            last = socket.next().await;
        }
        assert!(matches!(last, Some(Ok(Message::Close(_))) | None));
        assert!(client_async("ws://sim/elsewhere", dial(&twin)).await.is_err());
    });
}

#[test]
fn observers_hear_each_fact_in_order_and_may_look_at_the_truth() {
    stage(|twin| async move {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let (log, eyes) = (Rc::clone(&heard), twin.clone());
        twin.on_event(Box::new(move |event, _| {
            let orders = eyes.truth()["venues"]["binance"]["orders"].as_array().unwrap().len();
            let word = match event {
                Event::Order { .. } => "order",
                Event::Fill { .. } => "fill",
                Event::Balance(_) => "balance",
                Event::Position(_) => "position",
                Event::Funding(_) => "funding",
            };
            log.borrow_mut().push((word, orders));
        }));
        call(&twin, "POST", "/buy", "").await.unwrap();
        assert_eq!(
            *heard.borrow(),
            [("order", 1), ("fill", 1), ("balance", 1), ("position", 1)]
        );
    });
}

async fn set(twin: &Twin, rules: &str) {
    let (status, answer) = json(twin, "POST", "/sim/faults", rules).await;
    assert_eq!(status, 200, "{answer}");
}

fn orders(twin: &Twin) -> usize {
    twin.truth()["venues"]["binance"]["orders"].as_array().unwrap().len()
}

#[test]
fn a_lost_answer_and_a_lost_request_close_without_a_byte() {
    stage(|twin| async move {
        set(
            &twin,
            r#"{"rules":[{"venue":"binance","link":"rest","match":{"path":"/buy"},"action":"DROP_RESP"}]}"#,
        )
        .await;
        assert_eq!(call(&twin, "POST", "/buy", "").await, None);
        assert_eq!(orders(&twin), 1);
        assert!(call(&twin, "POST", "/buy", "").await.is_some());
        assert_eq!(orders(&twin), 2);
        set(
            &twin,
            r#"{"rules":[{"link":"rest","match":{"path":"/bu*"},"action":"DROP_REQ"}]}"#,
        )
        .await;
        assert_eq!(call(&twin, "POST", "/buy", "").await, None);
        assert_eq!(orders(&twin), 2);
    });
}

#[test]
fn a_late_a_forged_and_a_missing_answer() {
    stage(|twin| async move {
        set(
            &twin,
            r#"{"rules":[{"link":"rest","action":"DELAY","args":{"ms":5000}}]}"#,
        )
        .await;
        let before = Instant::now();
        call(&twin, "GET", "/echo?a", "").await.unwrap();
        assert_eq!(before.elapsed(), Duration::from_secs(5));
        let forged = r#"{"rules":[{"link":"rest","action":"REPLY","args":{"status":503,"body":{"code":-1008}}}]}"#;
        set(&twin, forged).await;
        assert_eq!(
            call(&twin, "POST", "/buy", "").await,
            Some((503, r#"{"code":-1008}"#.to_owned()))
        );
        assert_eq!(orders(&twin), 0);
        set(&twin, r#"{"rules":[{"link":"rest","action":"HALF_OPEN"}]}"#).await;
        assert!(
            timeout(Duration::from_mins(1), call(&twin, "POST", "/buy", ""))
                .await
                .is_err()
        );
        assert_eq!(orders(&twin), 0);
    });
}

#[test]
fn a_stalled_topic_is_silent_while_the_socket_lives() {
    stage(|twin| async move {
        let mut socket = open(&twin).await;
        set(
            &twin,
            r#"{"rules":[{"link":"public","match":{"topic":"clock"},"action":"STALL"}]}"#,
        )
        .await;
        assert!(timeout(Duration::from_secs(30), next(&mut socket)).await.is_err());
        call(&twin, "POST", "/buy", "").await.unwrap();
        assert_eq!(next(&mut socket).await, "fill 1");
        socket.send(Message::text("you there")).await.unwrap();
        assert_eq!(next(&mut socket).await, "heard you there");
        assert_eq!(json(&twin, "DELETE", "/sim/faults", "").await.0, 200);
        assert!(next(&mut socket).await.starts_with("tick"));
        set(
            &twin,
            r#"{"rules":[{"link":"public","match":{"topic":"fills"},"action":"DUP","args":{"n":1}}]}"#,
        )
        .await;
        call(&twin, "POST", "/buy", "").await.unwrap();
        assert_eq!(
            (next(&mut socket).await, next(&mut socket).await),
            ("fill 1".to_owned(), "fill 1".to_owned())
        );
        set(&twin, r#"{"rules":[{"link":"public","action":"RESET"}]}"#).await;
        assert!(matches!(socket.next().await, None | Some(Err(_))));
    });
}

#[test]
fn what_others_do_to_the_account_shows_as_foreign() {
    stage(|twin| async move {
        let rule = r#"{"rules":[{"venue":"binance","action":"FOREIGN",
            "args":{"kind":"trade","symbol":"BTCUSDT","side":"buy","quantity":"2"}}]}"#;
        set(&twin, rule).await;
        let truth = twin.truth();
        assert_eq!(truth["venues"]["binance"]["orders"][0]["foreign"], true);
        assert_eq!(truth["venues"]["binance"]["positions"][0]["quantity"], "2");
        let adl = r#"{"rules":[{"venue":"binance","match":{"path":"/buy"},"action":"ADL",
            "args":{"symbol":"BTCUSDT","fraction":"1"}}]}"#;
        twin.inject(parse_rules(adl).unwrap()).unwrap();
        call(&twin, "POST", "/buy", "").await.unwrap();
        assert_eq!(twin.truth()["venues"]["binance"]["positions"][0]["quantity"], "1");
    });
}

#[test]
fn control_moves_the_clock_and_refuses_nonsense() {
    stage(|twin| async move {
        let before = twin.now();
        let (status, answer) = json(&twin, "POST", "/sim/clock", r#"{"advance_s":3600}"#).await;
        assert_eq!((status, answer["now"].as_i64()), (200, Some(before + 3_600_000)));
        for (target, body) in [
            ("/sim/clock", r#"{"advance_s":-1}"#),
            ("/sim/clock", r#"{"advance":1}"#),
            ("/sim/clock", "nonsense"),
            ("/sim/faults", r#"{"rules":[{"action":"EXPLODE"}]}"#),
            (
                "/sim/faults",
                r#"{"rules":[{"action":"FOREIGN","args":{"kind":"trade","symbol":"NO","side":"buy","quantity":"1"}}]}"#,
            ),
            ("/sim/market", r#"{"venue":"binance","symbol":"NO","product":"spot"}"#),
            ("/sim/market", r#"{"venue":"kraken","symbol":"BTCUSDT"}"#),
            (
                "/sim/market",
                r#"{"venue":"bybit","symbol":"BTCUSDT","product":"linear","mark_price":"0"}"#,
            ),
        ] {
            let (status, answer) = json(&twin, "POST", target, body).await;
            assert_eq!(status, 400, "{target} {body}");
            assert!(answer["error"].is_string());
        }
        assert_eq!(json(&twin, "PUT", "/sim/truth", "").await.0, 405);
        assert_eq!(json(&twin, "GET", "/sim/else", "").await.0, 404);
        let hand = r#"{"venue":"bybit","symbol":"BTCUSDT","product":"linear","mark_price":"51000"}"#;
        assert_eq!(json(&twin, "POST", "/sim/market", hand).await.0, 200);
        let moved = twin.with_exchange(|exchange| {
            exchange
                .market()
                .mark(&common::key(Venue::Bybit, Product::Perp, "BTCUSDT"), START)
        });
        assert_eq!(moved, Some(dec("51000")));
    });
}

#[test]
fn the_same_twin_answers_on_a_real_socket() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let twin = Twin::new(Box::new(Board::new()), Options::default(), Rc::new(|| START));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let venue = twin.clone();
        tokio::task::spawn_local(async move { venue.listen(Host::Bybit, listener).await });
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = "GET /sim/truth HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let truth: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(truth["now"], START);
    });
}

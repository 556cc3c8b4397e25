//! Every fault verb, on every link of both venues, as a file's rules and over `POST /sim/faults`; what is wrong is named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test may fail where it stands, helpers are not marked as tests, and a table is long"
)]

#[path = "../common/mod.rs"]
mod common;
mod venue;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use common::{Board, ME, START, market, play};
use futures_util::StreamExt;
use serde_json::{Value, json};
use simulator::exchange::{Event, Exchange, Side};
use simulator::faults::parse_rules;
use simulator::market::{Ms, Product, Venue};
use simulator::serve::{Options, Twin};
use simulator::wire::{Host, HttpReply, HttpRequest, Outgoing, Session, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

/// `POST /buy` buys a coin; `/public` and `/private` count the ticks.
struct Terse(Venue);

impl Wire for Terse {
    fn http(&self, exchange: &mut Exchange, _: &HttpRequest, now: Ms) -> HttpReply {
        let bought = exchange.place(ME, self.0, Product::Perp, &market("BTCUSDT", Side::Buy, "1"), now);
        HttpReply::json(200, json!({"n": 0, "bought": bought.is_ok()}).to_string())
    }

    fn open(&self, _: &mut Exchange, path: &str, _: Ms) -> Result<Box<dyn Session>, HttpReply> {
        Ok(Box::new(Ticks {
            private: path == "/private",
            told: Cell::new(START),
        }))
    }
}

struct Ticks {
    private: bool,
    told: Cell<Ms>,
}

impl Session for Ticks {
    fn receive(&mut self, _: &mut Exchange, text: &str, _: Ms) -> Vec<String> {
        vec![format!("heard {text}")]
    }

    fn tick(&mut self, _: &Exchange, now: Ms) -> Vec<Outgoing> {
        if now <= self.told.replace(now) {
            return Vec::new();
        }
        vec![Outgoing {
            topic: "clock".to_owned(),
            symbol: "BTCUSDT".to_owned(),
            text: json!({"n": (now - START) / 1_000}).to_string(),
        }]
    }

    fn event(&mut self, _: &Exchange, _: &Event, _: Ms) -> Vec<Outgoing> {
        Vec::new()
    }

    fn is_private(&self) -> bool {
        self.private
    }

    fn wants_close(&self) -> bool {
        false
    }
}

fn host(venue: Venue) -> Host {
    if venue == Venue::Bybit {
        Host::Bybit
    } else {
        Host::BinanceUsdm
    }
}

fn name(venue: Venue) -> &'static str {
    if venue == Venue::Bybit { "bybit" } else { "binance" }
}

/// Runs a test in virtual time with a twin that pushes every second, once for each venue and each way in.
fn stage(test: impl AsyncFn(Twin, Venue, bool)) {
    for (venue, over_http) in [Venue::Binance, Venue::Bybit]
        .into_iter()
        .flat_map(|venue| [(venue, false), (venue, true)])
    {
        let make = |clock| {
            let wire: Rc<dyn Wire> = Rc::new(Terse(venue));
            let options = Options {
                push_every: Duration::from_secs(1),
                ..Options::default()
            };
            Twin::with_wires(
                Box::new(Board::new()),
                options,
                clock,
                BTreeMap::from([(host(venue), wire)]),
            )
        };
        play(make, async |twin| test(twin, venue, over_http).await);
    }
}

fn dial(twin: &Twin, venue: Venue) -> DuplexStream {
    let (near, far) = duplex(1 << 16);
    let twin = twin.clone();
    tokio::task::spawn_local(async move { twin.serve(host(venue), far).await });
    near
}

/// One request; `None` if the connection closed without a byte, an error if nothing came for a minute.
async fn call(twin: &Twin, venue: Venue, target: &str, body: &str) -> Result<Option<(u16, String)>, ()> {
    let mut io = dial(twin, venue);
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    io.write_all(head.as_bytes()).await.unwrap();
    io.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = timeout(Duration::from_mins(1), io.read_to_string(&mut answer));
    read.await.map_err(drop)?.unwrap();
    let parts = answer.split_once("\r\n\r\n");
    Ok(parts.map(|(head, body)| (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())))
}

/// Sets one rule, as a file or over HTTP; answers why not.
async fn set(twin: &Twin, venue: Venue, over_http: bool, rule: &Value) -> Result<(), String> {
    let rules = json!({ "rules": [rule] }).to_string();
    if !over_http {
        let rules = parse_rules(&rules).map_err(|error| error.to_string())?;
        return twin.inject(rules).map_err(|error| error.to_string());
    }
    let (status, answer) = call(twin, venue, "/sim/faults", &rules).await.unwrap().unwrap();
    match status {
        200 => Ok(()),
        status => {
            assert_eq!(status, 400, "{answer}");
            let answer: Value = serde_json::from_str(&answer).unwrap();
            Err(answer["error"].as_str().unwrap().to_owned())
        }
    }
}

fn rule(venue: Venue, link: &str, verb: &str, args: &Value) -> Value {
    json!({"venue": name(venue), "link": link, "action": verb, "args": args})
}

/// What a request meets: the answer with the seconds that it took, a closed connection, or nothing; and orders made.
async fn request(twin: &Twin, venue: Venue) -> (String, usize) {
    let before = Instant::now();
    let words = match call(twin, venue, "/buy", "").await {
        Err(()) => "silence".to_owned(),
        Ok(None) => "closed".to_owned(),
        Ok(Some((status, body))) => format!("{status} {body} {}", before.elapsed().as_secs()),
    };
    let orders = twin.truth()["venues"][name(venue)]["orders"].as_array().unwrap().len();
    (words, orders)
}

/// Waits until halfway between two ticks.
async fn halfway(twin: &Twin) {
    let phase = u64::try_from((twin.now() - START) % 1_000).unwrap();
    sleep(Duration::from_millis((1_500 - phase) % 1_000)).await;
}

/// What comes over a socket in the five seconds after a rule was set.
async fn pushes(twin: &Twin, venue: Venue, link: &str, over_http: bool, verb: &str, args: &Value) -> String {
    let mut socket = client_async(format!("ws://sim/{link}"), dial(twin, venue))
        .await
        .unwrap()
        .0;
    halfway(twin).await;
    set(twin, venue, over_http, &rule(venue, link, verb, args))
        .await
        .unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    let base = (twin.now() - START) / 1_000;
    let mut heard = Vec::new();
    while let Ok(frame) = timeout(end.saturating_duration_since(Instant::now()), socket.next()).await {
        let Some(Ok(Message::Text(text))) = frame else {
            heard.push("over".to_owned());
            break;
        };
        let tick = serde_json::from_str::<Value>(&text).unwrap_or_default()["n"].as_i64();
        heard.push(tick.map_or_else(|| text.to_string(), |n| (n - base).to_string()));
    }
    heard.join(" ")
}

#[test]
fn every_verb_acts_on_every_link_of_both_venues() {
    // Verb, arguments, what a request meets with the orders that it made, what a socket tells (ticks 1 to 5).
    let good = r#"200 {"bought":true,"n":0} 0"#;
    let table: [(&str, Value, &str, usize, &str); 10] = [
        ("DROP_REQ", json!({}), "closed", 0, "2 3 4 5"),
        ("DROP_RESP", json!({}), "closed", 1, "2 3 4 5"),
        (
            "DELAY",
            json!({"ms": 2_500}),
            r#"200 {"bought":true,"n":0} 2"#,
            1,
            "2 3 1 4 5",
        ),
        ("RESET", json!({}), "closed", 0, "over"),
        ("HALF_OPEN", json!({}), "silence", 0, ""),
        (
            "REPLY",
            json!({"status": 503, "body": "forged"}),
            "503 forged 0",
            0,
            "forged 2 3 4 5",
        ),
        (
            "REPLY",
            json!({"status": 504, "body": "forged", "executed": true}),
            "504 forged 0",
            1,
            "forged 2 3 4 5",
        ),
        (
            "MUTATE",
            json!({"field": "n", "value": "odd"}),
            r#"200 {"bought":true,"n":"odd"} 0"#,
            1,
            r#"{"n":"odd"} 2 3 4 5"#,
        ),
        ("STALL", json!({}), "", 0, ""),
        ("DUP", json!({"n": 2}), "", 0, "1 1 1 2 3 4 5"),
    ];
    for (verb, args, answer, orders, told) in table {
        let args = &args;
        stage(async |twin: Twin, venue, over_http| {
            let refused = set(&twin, venue, over_http, &rule(venue, "rest", verb, args))
                .await
                .err();
            if answer.is_empty() {
                assert!(refused.unwrap().contains(verb), "{verb} on requests");
            } else {
                assert_eq!(refused, None);
                assert_eq!(request(&twin, venue).await, (answer.to_owned(), orders), "{verb}");
                assert_eq!(
                    request(&twin, venue).await,
                    (good.to_owned(), orders + 1),
                    "{verb}: it is spent"
                );
            }
            for link in ["public", "private"] {
                twin.clear_faults();
                assert_eq!(
                    pushes(&twin, venue, link, over_http, verb, args).await,
                    told,
                    "{verb} on {link}"
                );
            }
        });
    }
}

#[test]
fn pushes_are_reordered_while_the_rule_holds() {
    stage(async |twin: Twin, venue, over_http| {
        for link in ["public", "private"] {
            let mut socket = client_async(format!("ws://sim/{link}"), dial(&twin, venue))
                .await
                .unwrap()
                .0;
            halfway(&twin).await;
            let mut reorder = rule(venue, link, "REORDER", &json!({"w": 3}));
            reorder["count"] = json!(4);
            set(&twin, venue, over_http, &reorder).await.unwrap();
            let base = (twin.now() - START) / 1_000;
            let mut heard = Vec::new();
            for _ in 0..6 {
                let Message::Text(text) = socket.next().await.unwrap().unwrap() else {
                    return;
                };
                let tick: Value = serde_json::from_str(&text).unwrap();
                heard.push(tick["n"].as_i64().unwrap() - base);
            }
            // The fourth waited for two more; the rule was spent, and it left with the next push.
            assert_eq!(heard, [3, 2, 1, 4, 5, 6], "{link}");
        }
    });
}

#[test]
fn a_call_over_a_socket_is_lost_forged_or_cut() {
    let table = [
        ("DROP_REQ", json!({}), "nothing"),
        ("DROP_RESP", json!({}), "nothing"),
        ("RESET", json!({}), "over"),
        (
            "REPLY",
            json!({"status": 200, "body": {"success": false}}),
            r#"{"success":false}"#,
        ),
        ("DUP", json!({"n": 1}), "heard hello"),
    ];
    for (verb, args, wanted) in table {
        let args = &args;
        stage(async |twin: Twin, venue, over_http| {
            for link in ["public", "private"] {
                use futures_util::SinkExt;
                let mut socket = client_async(format!("ws://sim/{link}"), dial(&twin, venue))
                    .await
                    .unwrap()
                    .0;
                let mut on_call = rule(venue, link, verb, args);
                on_call["match"] = json!({"method": "WS"});
                set(&twin, venue, over_http, &on_call).await.unwrap();
                socket.send(Message::text("hello")).await.unwrap();
                let heard = loop {
                    match timeout(Duration::from_millis(400), socket.next()).await {
                        Err(_) => break "nothing".to_owned(),
                        Ok(Some(Ok(Message::Text(text)))) if text.contains("\"n\"") => {}
                        Ok(Some(Ok(Message::Text(text)))) => break text.to_string(),
                        Ok(_) => break "over".to_owned(),
                    }
                };
                assert_eq!(heard, wanted, "{verb} on a call over {link}");
            }
        });
    }
}

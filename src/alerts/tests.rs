//! Channels against a real receiver on loopback.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use domain::alert::{Alert, AlertName};
use domain::ports::AlertSink;
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use venues::shared::transport::Transport;

use super::*;

const CANARY: &str = "c4n4ry-7f3a9b";
const AT: Timestamp = Timestamp(1_767_225_599_999);

/// What a receiver heard, and what it answers next.
#[derive(Clone)]
struct Ear {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    answer: Arc<Mutex<(u16, Option<&'static str>, &'static str)>>,
}

impl Ear {
    fn new() -> Self {
        Self {
            heard: Arc::default(),
            answer: Arc::new(Mutex::new((200, None, r#"{"ok":true}"#))),
        }
    }

    fn answers(&self, status: u16, retry_after: Option<&'static str>, body: &'static str) {
        *self.answer.lock().unwrap() = (status, retry_after, body);
    }

    fn heard(&self) -> Vec<(String, Value)> {
        self.heard.lock().unwrap().clone()
    }

    fn listen(&self, port: u16) -> (ServerHandle, u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let (ear, port) = (self.clone(), listener.local_addr().unwrap().port());
        let server = HttpServer::new(move || {
            let ear = ear.clone();
            App::new().default_service(web::to(move |request: HttpRequest, body: web::Bytes| {
                let ear = ear.clone();
                async move {
                    let body = serde_json::from_slice(&body).unwrap();
                    ear.heard.lock().unwrap().push((request.path().to_owned(), body));
                    let (status, wait, text) = *ear.answer.lock().unwrap();
                    let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
                    if let Some(wait) = wait {
                        answer.insert_header(("Retry-After", wait));
                    }
                    answer.body(text)
                }
            }))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        actix_rt::spawn(server);
        (handle, port)
    }
}

fn alert(name: AlertName, text: &str) -> Alert {
    Alert::new(name, "BTC", text.to_owned())
}

fn secret(text: String) -> SecretString {
    text.into()
}

/// Machine time stands still: a check is as old as it is said to be.
#[derive(Clone, Copy)]
struct Stopped;

impl domain::ports::Clock for Stopped {
    fn now(&self) -> domain::time::Now {
        domain::time::Now {
            market: AT,
            machine: domain::time::Machine(std::time::Duration::from_secs(100)),
        }
    }
}

#[actix_web::test]
async fn f109_the_outside_watch_hears_a_ping_only_while_the_engine_leads_and_is_well() {
    let ear = Ear::new();
    let (server, port) = ear.listen(0);
    let board = actors::health::HealthBoard::default();
    let url = secret(format!("http://127.0.0.1:{port}/{CANARY}"));
    let pinger = DeadMan::new(&url, &Transport::sockets()).unwrap();
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let every = std::time::Duration::from_millis(20);
    let pings = actix_rt::spawn(pinger.watch(board.clone(), Stopped, every, log));
    let wait = || tokio::time::sleep(every * 10);
    let (second, now) = (
        std::time::Duration::from_secs(1),
        domain::ports::Clock::now(&Stopped).machine,
    );
    board.beat("scanner", now, second);
    for mode in ["starting", "standby", "draining"] {
        board.set_mode(mode);
        wait().await;
        assert!(ear.heard().is_empty(), "{mode} was called well");
    }
    board.set_mode("paused");
    for _ in 0..50 {
        wait().await;
        if ear.heard().len() >= 2 {
            break;
        }
    }
    let heard = ear.heard();
    assert!(heard.len() >= 2, "{heard:?}");
    assert_eq!(heard[0].1["status"], "ok");
    assert_eq!(heard[0].1["mode"], "paused");
    board.fail("scanner");
    wait().await;
    let before = ear.heard().len();
    wait().await;
    assert_eq!(ear.heard().len(), before, "what is not well is not told");
    pings.abort();
    server.stop(false).await;
}

#[actix_web::test]
async fn discord_is_told_in_its_own_words() {
    let ear = Ear::new();
    let (_server, port) = ear.listen(0);
    let url = secret(format!("http://127.0.0.1:{port}/api/webhooks/1/{CANARY}"));
    let sink = DiscordSink::new(&url, &Transport::sockets()).unwrap();
    let long = "€".repeat(5_000);
    sink.deliver(&alert(AlertName::HedgeOneLegged, &long), AT)
        .await
        .unwrap();
    sink.deliver(&alert(AlertName::HedgeOpened, "@everyone"), AT)
        .await
        .unwrap();
    let heard = ear.heard();
    assert_eq!(heard[0].0, format!("/api/webhooks/1/{CANARY}"));
    let embed = &heard[0].1["embeds"][0];
    assert_eq!(embed["title"], "HEDGE_ONE_LEGGED");
    assert_eq!(embed["color"], 0x00ff_0000);
    assert_eq!(embed["timestamp"], "2025-12-31T23:59:59.999Z");
    assert_eq!(embed["description"].as_str().unwrap().encode_utf16().count(), 4_096);
    assert_eq!(heard[1].1["embeds"][0]["color"], 0x0000_aaff);
    assert_eq!(heard[1].1["allowed_mentions"]["parse"], serde_json::json!([]));
}

#[actix_web::test]
async fn telegram_is_told_what_is_critical_and_must_say_that_it_took_it() {
    let ear = Ear::new();
    let (_server, port) = ear.listen(0);
    let base = format!("http://127.0.0.1:{port}/");
    let sink = TelegramSink::new(&base, &secret(format!("12:{CANARY}")), "-100", &Transport::sockets()).unwrap();
    let critical = alert(AlertName::LedgerUnavailable, "another process trades");
    assert!(
        sink.wants(&critical)
            && !sink.wants(&alert(AlertName::Paused, ""))
            && !sink.wants(&alert(AlertName::Resumed, ""))
    );
    sink.deliver(&critical, AT).await.unwrap();
    let (path, body) = ear.heard().remove(0);
    assert_eq!(path, format!("/bot12:{CANARY}/sendMessage"));
    assert_eq!(body["chat_id"], "-100");
    assert!(
        body["text"]
            .as_str()
            .unwrap()
            .starts_with("CRITICAL · LEDGER_UNAVAILABLE\nanother process trades")
    );
    ear.answers(200, None, r#"{"ok":false}"#);
    assert!(sink.deliver(&critical, AT).await.is_err());
}

#[actix_web::test]
async fn a_program_is_told_and_knows_a_repetition() {
    let ear = Ear::new();
    let (_server, port) = ear.listen(0);
    let sink = WebhookSink::new(
        &secret(format!("http://localhost:{port}/x")),
        None,
        &Transport::sockets(),
    )
    .unwrap();
    let told = alert(AlertName::Paused, "wait");
    sink.deliver(&told, AT).await.unwrap();
    sink.deliver(&told, AT).await.unwrap();
    let heard = ear.heard();
    assert_eq!(heard[0].1, heard[1].1);
    assert_eq!(heard[0].1["severity"], "warning");
    assert_eq!(heard[0].1["id"], "PAUSED:BTC@1767225599999");
}

#[actix_web::test]
async fn a_channel_that_was_down_is_told_when_it_is_up() {
    let ear = Ear::new();
    let (server, port) = ear.listen(0);
    server.stop(false).await;
    let url = secret(format!("http://127.0.0.1:{port}/{CANARY}"));
    let sink = DiscordSink::new(&url, &Transport::sockets()).unwrap();
    let told = alert(AlertName::LedgerUnavailable, "x");
    let down = sink.deliver(&told, AT).await.unwrap_err();
    assert!(
        down.contains("cannot be reached") && !down.contains(CANARY) && !down.contains("127.0.0.1"),
        "{down}"
    );
    let (_server, _) = ear.listen(port);
    sink.deliver(&told, AT).await.unwrap();
    assert_eq!(ear.heard().len(), 1);
}

#[actix_web::test]
async fn f108_a_channel_that_asks_to_wait_is_left_alone() {
    for (wait, body, seconds) in [
        (Some("2"), "", "2 s"),
        (None, r#"{"retry_after":0.4}"#, "1 s"),
        (None, r#"{"parameters":{"retry_after":7}}"#, "7 s"),
    ] {
        let ear = Ear::new();
        let (_server, port) = ear.listen(0);
        let url = secret(format!("http://127.0.0.1:{port}/{CANARY}"));
        let sink = DiscordSink::new(&url, &Transport::sockets()).unwrap();
        ear.answers(429, wait, body);
        let told = alert(AlertName::Paused, "x");
        let first = sink.deliver(&told, AT).await.unwrap_err();
        assert!(first.ends_with(seconds), "{first}");
        let second = sink.deliver(&told, AT).await.unwrap_err();
        assert!(
            second.contains("asked us to wait") && !second.contains(CANARY),
            "{second}"
        );
        assert_eq!(ear.heard().len(), 1, "the second was not sent");
    }
}

#[actix_web::test]
async fn f110_every_refusal_is_an_error_without_the_secret() {
    let ear = Ear::new();
    let (_server, port) = ear.listen(0);
    let url = secret(format!("http://127.0.0.1:{port}/{CANARY}"));
    let sink = WebhookSink::new(&url, None, &Transport::sockets()).unwrap();
    for status in [301, 400, 401, 404, 500, 503] {
        ear.answers(status, None, CANARY);
        let error = sink.deliver(&alert(AlertName::Paused, "x"), AT).await.unwrap_err();
        assert_eq!(error, format!("answered {status}"));
    }
}

#[test]
fn plain_text_goes_to_this_machine_only_and_the_error_keeps_the_address() {
    for url in [
        "http://discord.com/",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/",
        "nonsense ",
        "",
    ] {
        let error = DiscordSink::new(&secret(format!("{url}{CANARY}")), &Transport::sockets())
            .err()
            .unwrap();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{url}");
    }
    assert!(DiscordSink::new(&secret("https://discord.com/x".to_owned()), &Transport::sockets()).is_ok());
}

#[test]
fn the_log_takes_everything() {
    let sink = LogSink::new(&slog::Logger::root(slog::Discard, slog::o!()));
    assert!(AlertName::ALL.iter().all(|name| sink.wants(&alert(*name, "x"))));
}

#[test]
fn a_text_is_cut_between_characters() {
    assert_eq!(cut("abc", 3), "abc");
    assert_eq!(cut("abcd", 3), "ab…");
    assert_eq!(cut("a😀😀", 4), "a😀…");
    assert_eq!(cut("a😀😀b", 5), "a😀…");
}

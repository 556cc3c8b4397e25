//! The doors, knocked at over real sockets; behind them probes that note what they were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::actors::messages::{
    Audit, Execute, GetHedge, GetPortfolio, Intent, JobEnded, Observe, Pause, PortfolioView, Resume,
};
use actix::prelude::*;
use domain::hedge::Hedge;
use domain::journal::JournalError;
use domain::money::Usd;
use domain::order::HedgeId;
use domain::risk::Exposure;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

mod control;
mod hostile;
mod reading;
mod streaming;

const TOKEN: &str = "canary-token-0123456789abcdef";
const READER: &str = "canary-reader-0123456789abcdef";
const ENTRY: &str = "one-time-entry-0123456789abcdef";

/// Everybody behind the doors.
#[derive(Clone)]
struct Probe {
    told: Arc<Mutex<Vec<String>>>,
    health: HealthBoard,
    /// Whether the ledger takes what is written.
    writable: bool,
    /// Whether it answers questions at all.
    answers: bool,
}

impl Probe {
    fn note(&self, text: String) {
        self.told.lock().unwrap().push(text);
    }

    fn durable(&self) -> Result<(), JournalError> {
        if self.writable {
            Ok(())
        } else {
            Err(JournalError::Unavailable("disk".to_owned()))
        }
    }
}

impl Actor for Probe {
    type Context = Context<Self>;
}

impl Handler<Observe> for Probe {
    type Result = ResponseFuture<Value>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        if !self.answers {
            return Box::pin(std::future::pending());
        }
        let opportunities: Vec<_> = (0..5).map(|n| json!({ "asset": format!("A{n}<b>") })).collect();
        Box::pin(std::future::ready(json!({
            "mode": self.health.mode(), "pause_reasons": [{ "reason": "<script>", "by": "x" }], "fees_usd": "1.50",
            "hedges": [], "orders": 3, "opportunities": opportunities, "scanner": { "opportunities": opportunities },
        })))
    }
}

impl Handler<Pause> for Probe {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, pause: Pause, _: &mut Self::Context) -> Self::Result {
        self.note(format!("{} by {}", pause.reason, pause.by));
        self.health.set_mode("paused");
        self.durable()
    }
}

impl Handler<Resume> for Probe {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, resume: Resume, _: &mut Self::Context) -> Self::Result {
        self.note(format!("resume by {}", resume.by));
        self.health.set_mode("running");
        self.durable()
    }
}

impl Handler<Audit> for Probe {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, audit: Audit, _: &mut Self::Context) -> Self::Result {
        self.note(format!("audit {} {} {}", audit.action, audit.who, audit.detail));
        self.durable()
    }
}

impl Handler<Execute> for Probe {
    type Result = ResponseFuture<JobEnded>;

    /// A job that takes its time.
    fn handle(&mut self, Execute(intent): Execute, _: &mut Self::Context) -> Self::Result {
        if let Intent::Exit { hedge, .. } = intent {
            self.note(format!("exit {hedge}"));
        }
        Box::pin(std::future::pending())
    }
}

impl Handler<GetHedge> for Probe {
    type Result = Option<Hedge>;

    fn handle(&mut self, GetHedge(id): GetHedge, _: &mut Self::Context) -> Self::Result {
        (id == HedgeId(7)).then(control::hedge)
    }
}

impl Handler<GetPortfolio> for Probe {
    type Result = MessageResult<GetPortfolio>;

    fn handle(&mut self, _: GetPortfolio, _: &mut Self::Context) -> Self::Result {
        MessageResult(PortfolioView {
            exposure: Exposure::default(),
            hedges: Vec::new(),
            barred: BTreeMap::new(),
            barred_venues: BTreeMap::new(),
            losses: domain::risk::Losses::default(),
        })
    }
}

/// Open doors.
struct House {
    at: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
    health: HealthBoard,
    clock: ScaledClock,
    ledger: ledger::Ledger,
    _handle: ServerHandle,
}

struct Build {
    token: Option<&'static str>,
    writable: bool,
    answers: bool,
    metrics_open: bool,
}

const USUAL: Build = Build {
    token: Some(TOKEN),
    writable: true,
    answers: true,
    metrics_open: false,
};

impl House {
    async fn open(build: Build) -> Self {
        let (told, health, clock) = (Arc::default(), HealthBoard::default(), ScaledClock::real());
        let probe = Probe {
            told: Arc::clone(&told),
            health: health.clone(),
            writable: build.writable,
            answers: build.answers,
        };
        let probe = probe.start();
        let options = ledger::Options {
            mode: "simulation",
            tag_seed: Some(1),
        };
        let ledger = ledger::Ledger::open("sqlite://:memory:", options).await.unwrap();
        let doors = Doors {
            actors: Actors {
                status: probe.clone().recipient(),
                pause: probe.clone().recipient(),
                resume: probe.clone().recipient(),
                audit: probe.clone().recipient(),
                execute: probe.clone().recipient(),
                hedge: probe.clone().recipient(),
                portfolio: probe.clone().recipient(),
                opportunities: probe.recipient(),
            },
            health: health.clone(),
            ledger: ledger.clone(),
            clock,
            tokens: Tokens {
                control: build.token.map(Into::into),
                read: build.token.map(|_| READER.into()),
                entry: Some(ENTRY.into()),
            },
            settings: HttpSettings {
                bind: "127.0.0.1".to_owned(),
                port: 0,
                allowed_hosts: vec!["bot.example.com".to_owned()],
                metrics_open: build.metrics_open,
            },
            version: "1.2.3".to_owned(),
            log: Logger::root(slog::Discard, o!()),
        };
        let listener = bind(address(&doors.settings).unwrap()).unwrap();
        let at = listener.local_addr().unwrap();
        let (handle, server) = serve(doors, listener).unwrap();
        actix_rt::spawn(server);
        Self {
            at,
            told,
            health,
            clock,
            ledger,
            _handle: handle,
        }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Sends bytes as they are; the whole answer.
    async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.at).await.unwrap();
        // A server that has seen enough may hang up before all is written.
        let _ = socket.write_all(bytes).await;
        let mut text = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(12), socket.read_to_end(&mut text)).await;
        let _ = read.expect("an answer in time");
        Answer::of(&String::from_utf8(text).unwrap())
    }

    /// One request with headers (each ends in `\r\n`) and a body.
    async fn ask(&self, line: &str, headers: &str, body: &str) -> Answer {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let text = format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}{length}\r\n{body}", self.at);
        self.raw(text.as_bytes()).await
    }

    /// With the token.
    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &bearer(TOKEN), "").await
    }

    /// With the token.
    async fn post(&self, path: &str, body: &str) -> Answer {
        let headers = format!("{}Content-Type: application/json\r\n", bearer(TOKEN));
        self.ask(&format!("POST {path}"), &headers, body).await
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        assert!(!text.contains(TOKEN), "an answer holds the token");
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn cookie(&self) -> String {
        let line = self
            .head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .unwrap();
        format!("Cookie: {}\r\n", line.split(';').next().unwrap())
    }
}

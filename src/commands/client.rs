//! Requests to a running engine. The token goes to this machine only: another one is reached through a tunnel.

use std::collections::BTreeMap;
use std::time::Duration;

use awc::http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Answer, Exit, Refused, finish, tables};
use crate::cli::{Cli, Command};
use crate::config;

/// How long the engine may take; a pause answers when it is durable.
const PATIENCE: Duration = Duration::from_secs(15);
/// The largest answer that is read.
const MOST_BYTES: usize = 16 << 20;
/// Between two looks of `scan --watch`.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Where the engine is, and what opens its doors.
struct Engine {
    url: String,
    token: Option<SecretString>,
}

/// Asks once.
pub fn run(cli: &Cli, env: &BTreeMap<String, String>) -> Answer {
    let engine = Engine::find(cli, env)?;
    actix_rt::System::new().block_on(engine.answer(&cli.command, cli.json))
}

/// Shows the ranking again and again, until it is interrupted or the engine stops answering.
pub fn watch(cli: &Cli, env: &BTreeMap<String, String>) -> Exit {
    let engine = match Engine::find(cli, env) {
        Ok(engine) => engine,
        Err(refused) => return finish(Err(refused)),
    };
    actix_rt::System::new().block_on(async {
        loop {
            let exit = finish(engine.answer(&cli.command, cli.json).await);
            if exit != Exit::Done {
                return exit;
            }
            tokio::select! {
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
                _ = tokio::signal::ctrl_c() => return Exit::Done,
            }
        }
    })
}

impl Engine {
    fn find(cli: &Cli, env: &BTreeMap<String, String>) -> Result<Self, Refused> {
        let own = |key: &str| env.get(key).filter(|value| !value.is_empty());
        let port = own("FUNDING_ARB__HTTP__PORT").filter(|port| *port != "0");
        let here = || format!("http://127.0.0.1:{}", port.map_or("8080", String::as_str));
        let url = cli.url.clone().unwrap_or_else(here);
        let url = config::check_engine_url(&url).map_err(|why| {
            Refused::usage(format!(
                "--url {url}: {why}; allowed: http:// to a loopback host (reach another machine through a tunnel, such as \
                 `ssh -L 8080:127.0.0.1:8080` or `fly proxy 8080`)"
            ))
        })?;
        let token = own("CONTROL_TOKEN").or_else(|| own("FUNDING_ARB__HTTP__CONTROL_TOKEN"));
        Ok(Self {
            url,
            token: token.map(|token| SecretString::from(token.as_str())),
        })
    }

    async fn answer(&self, command: &Command, as_json: bool) -> Answer {
        let (value, table): (Value, fn(&Value) -> String) = match command {
            Command::Status => (self.get("/status").await?, tables::status),
            Command::Scan { .. } => (self.ranking().await?, tables::ranking),
            Command::Pause { reason } => (
                self.post("/pause", Some(json!({ "reason": reason }))).await?,
                tables::mode,
            ),
            Command::Resume => (self.post("/resume", None).await?, tables::mode),
            Command::Close { hedge } => (self.post(&close_path(hedge)?, None).await?, tables::job),
            Command::CloseAll => (self.post("/close-all", None).await?, tables::job),
            Command::Why { symbol } => (self.why(symbol.as_deref()).await?, tables::why),
            _ => return Err(Refused::usage("this is no question to a running engine")),
        };
        let text = if as_json { value.to_string() } else { table(&value) };
        Ok((text, Exit::Done))
    }

    /// Every page of the ranking.
    async fn ranking(&self) -> Result<Value, Refused> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let place = cursor
                .map(|cursor: i64| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let mut page = self.get(&format!("/opportunities?limit=200{place}")).await?;
            if let Some(Value::Array(rows)) = page.get_mut("items").map(Value::take) {
                items.extend(rows);
            }
            let next = page.get("next_cursor").and_then(Value::as_i64);
            match next {
                Some(next) if cursor.is_none_or(|cursor| next > cursor) => cursor = Some(next),
                _ => return Ok(json!({ "items": items, "next_cursor": null })),
            }
        }
    }

    async fn why(&self, symbol: Option<&str>) -> Result<Value, Refused> {
        let status = self.get("/status").await?;
        let mut ranking = self.ranking().await?;
        let items = ranking.get_mut("items").map(Value::take).unwrap_or_default();
        let Value::Array(mut items) = items else {
            return Err(Refused::failed("the ranking is no list"));
        };
        if let Some(symbol) = symbol {
            items.retain(|item| tables::is_about(item, symbol));
            if items.is_empty() {
                return Err(Refused::failed(format!(
                    "{symbol}: the engine knows no pair of it: both venues must list it, and universe.symbols must let it in"
                )));
            }
        }
        let part = |name: &str| status.get(name).cloned().unwrap_or_default();
        Ok(
            json!({ "mode": part("mode"), "pause_reasons": part("pause_reasons"), "symbol": symbol, "items": items,
            "regret": status.pointer("/scanner/regret") }),
        )
    }

    async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.ask(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Result<Value, Refused> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refused> {
        let client = awc::Client::builder().disable_redirects().timeout(PATIENCE).finish();
        let mut request = client.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let sent = match body {
            Some(body) => request.send_json(&body).await,
            None => request.send().await,
        };
        let mut response = sent.map_err(|error| {
            Refused::failed(format!(
                "no engine answers at {} ({error}): is it running, and is this its port?",
                self.url
            ))
        })?;
        let body = response.body().limit(MOST_BYTES).await;
        let body = body.map_err(|error| Refused::failed(format!("the answer of {} broke off: {error}", self.url)))?;
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match (response.status(), value) {
            (status, Some(value)) if status.is_success() => Ok(value),
            (status, value) => Err(Refused::failed(self.complaint(status, value.as_ref()))),
        }
    }

    fn complaint(&self, status: StatusCode, answer: Option<&Value>) -> String {
        let said = answer.and_then(|answer| answer.get("message")).and_then(Value::as_str);
        let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
        let meant = match status.as_u16() {
            401 if self.token.is_none() => {
                "the engine asks for its token: set CONTROL_TOKEN to what it was started with"
            }
            401 => "the engine does not take this token: CONTROL_TOKEN must be what it was started with",
            403 => "the engine keeps this door shut: start it with CONTROL_TOKEN (at least 16 characters) to open it",
            404 => "there is no such thing",
            503 => "the engine cannot answer now; its health says more at /health",
            code if (200..300).contains(&code) => "something that is no funding-arb answers there",
            _ => "the engine refuses",
        };
        format!("{meant}: HTTP {}{said}", status.as_u16())
    }
}

/// An id stands in a path, so it may not be anything else.
fn close_path(hedge: &str) -> Result<String, Refused> {
    let is_id = !hedge.is_empty() && hedge.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_id {
        Ok(format!("/hedges/{hedge}/close"))
    } else {
        Err(Refused::usage(format!(
            "{hedge:?} is no hedge id: `funding-arb status` shows them"
        )))
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

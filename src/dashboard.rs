//! `run --role dashboard`: shows what the ledger holds, and changes nothing.
//!
//! It has no key of a venue, no lease and no connection but to the ledger. Behind its doors stands a mirror: `/status`
//! tells who leads, what stops entries and what is held, as the ledger has it; the lists are the ledger's own. What only
//! the process that leads can know (the ranking, ages, exposure) is not there, and `/opportunities` says so.

use std::time::Duration;

use ::actors::health::HealthBoard;
use ::actors::messages::{Audit, Execute, GetHedge, GetPortfolio, JobEnded, Observe, Pause, PortfolioView, Resume};
use actix::prelude::*;
use domain::hedge::Hedge;
use domain::journal::JournalError;
use domain::ports::Clock as _;
use ledger::{Ledger, Options, Page};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use slog::{Logger, info, warn};
use tokio::sync::oneshot;

use crate::clock::ScaledClock;
use crate::config::Config;
use crate::doors::{Behind, open};
use crate::http::{Actors, HttpSettings, Tokens, address, bind};
use crate::notify::Notifier;
use crate::service::{ServiceError, wait};

/// The mode that it shows.
const MODE: &str = "dashboard";
/// Between two looks whether the ledger answers, and how long it may be silent.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const SILENT_AFTER: Duration = Duration::from_secs(10);
/// Hedges that are looked through for those that are held.
const HEDGES: usize = 200;
const UNKNOWN: &str = "a dashboard changes nothing: ask the process that leads";

/// Runs until a signal ends it; answers the exit code.
///
/// # Errors
/// What kept it from starting.
pub async fn run(config: &Config, notifier: Notifier, log: &Logger) -> Result<i32, ServiceError> {
    let settings = HttpSettings::from(&config.http);
    let listener = bind(address(&settings)?)?;
    let options = Options {
        mode: config.mode.name(),
        tag_seed: None,
    };
    let ledger = Ledger::open(config.ledger.database_url.expose_secret(), options).await?;
    let (clock, health) = (ScaledClock::real(), HealthBoard::default());
    health.set_mode(MODE);
    let shown = Shown {
        ledger: ledger.clone(),
        clock,
        log: log.clone(),
        mode: MODE,
        own: None,
        opportunities: None,
    };
    let behind = Behind {
        actors: mirror(shown),
        health: health.clone(),
        ledger: ledger.clone(),
        clock,
        tokens: reading(config),
    };
    let doors = open(behind, settings, listener, log).await?;
    info!(log, "the doors are open"; "address" => %doors.address);
    notifier.ready();
    let looks = actix_rt::spawn(look(ledger, clock, health, notifier.clone(), log.clone()));
    let (_never, ended) = oneshot::channel();
    let code = wait(ended, log).await?;
    notifier.stopping();
    looks.abort();
    doors.close().await;
    info!(log, "stopped"; "exit_code" => code);
    Ok(code)
}

/// Whoever knows the control token may read here as well, and control nothing.
pub(crate) fn reading(config: &Config) -> Tokens {
    let read = config.http.read_token.clone();
    Tokens {
        control: None,
        read: read.or_else(|| config.http.control_token.clone()),
        entry: None,
    }
}

/// Says whether the ledger answers.
async fn look(ledger: Ledger, clock: ScaledClock, health: HealthBoard, notifier: Notifier, log: Logger) {
    loop {
        match tokio::time::timeout(SILENT_AFTER, ledger.lease()).await {
            Ok(Ok(_)) => health.beat("ledger", clock.now().machine, SILENT_AFTER),
            Ok(Err(error)) => warn!(log, "the ledger cannot be read"; "error" => %error),
            Err(_) => warn!(log, "the ledger does not answer"),
        }
        notifier.alive(MODE);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What stands behind the doors of a process that changes nothing.
pub(crate) struct Shown {
    /// What is held.
    pub(crate) ledger: Ledger,
    /// Tells the time.
    pub(crate) clock: ScaledClock,
    /// Where to speak.
    pub(crate) log: Logger,
    /// The mode that it shows.
    pub(crate) mode: &'static str,
    /// What this process knows beside the ledger, for `/status`.
    pub(crate) own: Option<Recipient<Observe>>,
    /// Who knows a market, if anybody does.
    pub(crate) opportunities: Option<Recipient<Observe>>,
}

/// Answers from the ledger.
struct Mirror(Shown);

impl Actor for Mirror {
    type Context = Context<Self>;
}

/// The mirror in everybody's place.
pub(crate) fn mirror(shown: Shown) -> Actors {
    let opportunities = shown.opportunities.clone();
    let mirror = Mirror(shown).start();
    Actors {
        status: mirror.clone().recipient(),
        pause: mirror.clone().recipient(),
        resume: mirror.clone().recipient(),
        audit: mirror.clone().recipient(),
        execute: mirror.clone().recipient(),
        hedge: mirror.clone().recipient(),
        portfolio: mirror.clone().recipient(),
        opportunities: opportunities.unwrap_or_else(|| Blank.start().recipient()),
    }
}

impl Handler<Observe> for Mirror {
    type Result = ResponseFuture<Value>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let (ledger, now, log) = (self.0.ledger.clone(), self.0.clock.now().market, self.0.log.clone());
        let (mode, own) = (self.0.mode, self.0.own.clone());
        Box::pin(async move {
            let read = async {
                let pauses = ledger.pauses().await?;
                let lease = ledger.lease().await?;
                let hedges = ledger.page(Page::Hedges, None, HEDGES).await?.items;
                Ok::<_, JournalError>((pauses, lease, hedges))
            };
            let (pauses, lease, hedges) = match read.await {
                Ok(told) => told,
                Err(error) => {
                    warn!(log, "the ledger cannot be read"; "error" => %error);
                    return with_own(json!({ "mode": mode, "error": "the ledger cannot be read" }), own).await;
                }
            };
            let reasons = pauses.iter().map(|pause| {
                json!({ "reason": pause.reason.to_string(), "key": pause.reason.key(), "by": pause.by, "since": pause.since.to_string() })
            });
            let held: Vec<Value> = hedges
                .into_iter()
                .filter(|hedge| hedge.get("state") != Some(&json!("closed")))
                .collect();
            let leads = lease.map(|row| {
                let left = row.expires_at.millis_since(now);
                json!({ "holder": row.holder, "epoch": row.epoch.0, "expires_in_seconds": left.max(0) / 1_000, "held": left > 0 })
            });
            let told =
                json!({ "mode": mode, "pause_reasons": reasons.collect::<Vec<_>>(), "hedges": held, "lease": leads });
            with_own(told, own).await
        })
    }
}

/// What the ledger says, and what the process itself does.
async fn with_own(mut told: Value, own: Option<Recipient<Observe>>) -> Value {
    if let Some(own) = own
        && let (Ok(Value::Object(own)), Some(fields)) = (own.send(Observe).await, told.as_object_mut())
    {
        fields.extend(own);
    }
    told
}

macro_rules! refuses {
    ($($message:ty),*) => {
        $(impl Handler<$message> for Mirror {
            type Result = Result<(), JournalError>;

            fn handle(&mut self, _: $message, _: &mut Self::Context) -> Self::Result {
                Err(JournalError::Refused(UNKNOWN.to_owned()))
            }
        })*
    };
}

refuses!(Pause, Resume, Audit);

impl Handler<Execute> for Mirror {
    type Result = JobEnded;

    fn handle(&mut self, _: Execute, _: &mut Self::Context) -> Self::Result {
        JobEnded::NotRecorded(UNKNOWN.to_owned())
    }
}

impl Handler<GetHedge> for Mirror {
    type Result = Option<Hedge>;

    fn handle(&mut self, _: GetHedge, _: &mut Self::Context) -> Self::Result {
        None
    }
}

impl Handler<GetPortfolio> for Mirror {
    type Result = MessageResult<GetPortfolio>;

    fn handle(&mut self, _: GetPortfolio, _: &mut Self::Context) -> Self::Result {
        MessageResult(PortfolioView {
            exposure: domain::risk::Exposure::default(),
            hedges: Vec::new(),
            barred: std::collections::BTreeMap::new(),
            barred_venues: std::collections::BTreeMap::new(),
            losses: domain::risk::Losses::default(),
        })
    }
}

/// Stands where the scanner would, and knows no market.
struct Blank;

impl Actor for Blank {
    type Context = Context<Self>;
}

impl Handler<Observe> for Blank {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        MessageResult(json!({ "unavailable": UNKNOWN }))
    }
}

//! The service, for months: live, or on paper.

use std::cell::RefCell;
use std::net::TcpListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use actix::Arbiter;
use actors::engine::{Engine, Parts, WriterHome, start};
use actors::health::HealthBoard;
use actors::messages::Drain;
use domain::ports::{AlertSink, Clock, Journal};
use domain::time::Machine;
use ledger::{Ledger, OpenError};
use secrecy::ExposeSecret;
use slog::{Logger, crit, info, warn};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use venues::shared::transport::Transport;

use crate::alerts::{BadAddress, DEAD_MAN_EVERY, DeadMan, DiscordSink, LogSink, TelegramSink, WebhookSink};
use crate::bans::FileBans;
use crate::clock::ScaledClock;
use crate::config::{Config, Mode};
use crate::doors::{Behind, OpenDoors, open};
use crate::http::{Actors, BindError, HttpSettings, Tokens, bind};
use crate::notify::Notifier;
use crate::paper::{self, PaperError};
use crate::scanners;
use crate::telegram::{Allowed, Desk, Line};
use crate::wiring::{VenueSettings, venues};

/// Exit code of an engine that no longer moves.
pub const EXIT_STUCK: i32 = 71;
/// How long a core actor may not have progressed before the process ends itself.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// How long a process that is to stand by lets others come first: a term of the lease, and a start's own time.
pub const PRECEDENCE: Duration = Duration::from_secs(20);
/// How long a whole stop may take: the running job's 30 s, and what comes after.
pub const STOP_WITHIN: Duration = Duration::from_secs(35);

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// A venue's address may not be used.
    #[error(transparent)]
    Venue(#[from] venues::shared::transport::BadUrl),
    /// The played account of paper mode cannot be set up.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// A channel's address may not be used.
    #[error(transparent)]
    Channel(#[from] BadAddress),
    /// The folder of the data cannot be made.
    #[error("data_dir {0:?} cannot be made: choose a folder that may be written")]
    Folder(PathBuf, #[source] std::io::Error),
    /// The role shares a server with others, and the ledger is a file.
    #[error(
        "the role {0} needs a ledger on PostgreSQL: set DATABASE_URL to postgres://USER@HOST/DATABASE, the same for every process"
    )]
    NoServer(&'static str),
    /// The system refused something.
    #[error("the service could not be set up")]
    System(#[from] std::io::Error),
}

impl ServiceError {
    /// 2 when the configuration is at fault, 1 when the world is.
    pub const fn exit_code(&self) -> i32 {
        match self {
            Self::Venue(_) | Self::Channel(_) | Self::NoServer(_) | Self::Bind(BindError::NoAddress(_)) => 2,
            Self::Ledger(error) if error.is_misuse() => 2,
            Self::Bind(_) | Self::Ledger(_) | Self::Paper(_) | Self::Folder(..) | Self::System(_) => 1,
        }
    }
}

/// What sets one process apart from another that shares its ledger.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// For how long it lets others ask for the lease first.
    pub claim_after: Duration,
    /// Whether it enters only what a scanner has named.
    pub heeds_scanners: bool,
}

/// Runs until a signal or the engine ends it; answers the exit code.
///
/// # Errors
/// What kept it from starting.
pub async fn run(config: &Config, part: Part, notifier: Notifier, log: &Logger) -> Result<i32, ServiceError> {
    let url = config.ledger.database_url.expose_secret();
    if part.heeds_scanners && !ledger::carries_words(url) {
        return Err(ServiceError::NoServer("executor"));
    }
    for warning in config.warnings() {
        warn!(log, "configuration"; "warning" => warning);
    }
    let settings = HttpSettings::from(&config.http);
    let listener = bind(crate::http::address(&settings)?)?;
    let clock = ScaledClock::real();
    let health = HealthBoard::default();
    let (running, ended) = Running::start(config, part, clock, &health, log).await?;
    let doors = running.doors(config, settings, listener, clock, &health, log).await?;
    info!(log, "the doors are open"; "address" => %doors.address);
    notifier.ready();
    watch(clock, health.clone(), notifier.clone(), log.clone());
    let ping = dead_man(config, clock, &health, log)?;
    let line = telegram(config, &running.engine, clock, &health, log)?;
    let hearing = part.heeds_scanners.then(|| {
        let scanner = running.engine.scanner.clone().recipient();
        actix_rt::spawn(scanners::listen(url.to_owned(), scanner, log.clone()))
    });
    let code = wait(ended, log).await?;
    for task in ping.into_iter().chain(line).chain(hearing) {
        task.abort(); // whoever stops is not well any more, and takes no commands
    }
    if code != 0 {
        return Ok(code); // the engine is not to be trusted: nothing is drained
    }
    notifier.stopping();
    health.set_mode("draining");
    if tokio::time::timeout(STOP_WITHIN, running.engine.supervisor.send(Drain))
        .await
        .is_err()
    {
        warn!(log, "the stop took too long; the next start proves what is open");
    }
    doors.close().await;
    running.writer.stop();
    info!(log, "stopped"; "exit_code" => code);
    Ok(code)
}

/// An engine that runs, and the thread of its ledger.
struct Running {
    engine: Engine,
    reader: Ledger,
    writer: Arbiter,
}

impl Running {
    async fn start(
        config: &Config,
        part: Part,
        clock: ScaledClock,
        health: &HealthBoard,
        log: &Logger,
    ) -> Result<(Self, oneshot::Receiver<i32>), ServiceError> {
        let url = config.ledger.database_url.expose_secret();
        let options = || ledger::Options {
            mode: config.mode.name(),
            tag_seed: None,
        };
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|error| ServiceError::Folder(config.data_dir.clone(), error))?;
        let journal = Ledger::open(url, options()).await?;
        let spool = journal.spool(&config.data_dir, config.ledger.sole_executor);
        let reader = Ledger::open(url, options()).await?;
        let writer = Arbiter::new();
        let port_clock: Rc<dyn Clock> = Rc::new(clock);
        let bans = Rc::new(FileBans::open(&config.data_dir, log));
        let transport = Transport::sockets().remembering(bans);
        let places = VenueSettings::configured(&config.venues);
        let parts = if config.mode == Mode::Paper {
            paper::parts(&places, &transport, &port_clock, &config.data_dir, log).await?
        } else {
            venues(&places, &transport, &port_clock, log)?
        };
        let (tell, ended) = oneshot::channel();
        let tell = RefCell::new(Some(tell));
        let engine = start(Parts {
            venues: parts,
            writer: WriterHome::Apart(writer.handle(), Box::new(move || Rc::new(journal) as Rc<dyn Journal>)),
            spool: Some(Rc::new(spool)),
            sinks: sinks(config, &transport, log)?,
            settings: actors::settings::Settings {
                claim_after: part.claim_after,
                named_within: part.heeds_scanners.then_some(scanners::NAMED_WITHIN),
                ..config.settings(holder())
            },
            clock: port_clock,
            health: health.clone(),
            // The first word counts; who speaks later finds nobody.
            exit: Rc::new(move |code| {
                if let Some(tell) = tell.borrow_mut().take() {
                    let _ = tell.send(code); // nobody listens any more: the process is ending
                }
            }),
            log: log.clone(),
        });
        Ok((Self { engine, reader, writer }, ended))
    }

    async fn doors(
        &self,
        config: &Config,
        settings: HttpSettings,
        listener: TcpListener,
        clock: ScaledClock,
        health: &HealthBoard,
        log: &Logger,
    ) -> Result<OpenDoors, ServiceError> {
        let behind = Behind {
            actors: Actors::of(&self.engine),
            health: health.clone(),
            ledger: self.reader.clone(),
            clock,
            tokens: Tokens {
                control: config.http.control_token.clone(),
                read: config.http.read_token.clone(),
                entry: None,
            },
        };
        Ok(open(behind, settings, listener, log).await?)
    }
}

/// Starts to ping the outside watch, if there is one.
fn dead_man(
    config: &Config,
    clock: ScaledClock,
    health: &HealthBoard,
    log: &Logger,
) -> Result<Option<JoinHandle<()>>, ServiceError> {
    let Some(url) = &config.alerts.dead_man_url else {
        return Ok(None);
    };
    let pinger = DeadMan::new(url, &Transport::sockets())?;
    let pings = pinger.watch(health.clone(), clock, DEAD_MAN_EVERY, log.clone());
    Ok(Some(actix_rt::spawn(pings)))
}

/// Starts to take commands from Telegram, if that is wanted.
fn telegram(
    config: &Config,
    engine: &Engine,
    clock: ScaledClock,
    health: &HealthBoard,
    log: &Logger,
) -> Result<Option<JoinHandle<()>>, ServiceError> {
    let alerts = &config.alerts;
    let (true, Some(bot), Some(chat)) = (
        alerts.telegram_commands,
        &alerts.telegram_bot_token,
        &alerts.telegram_chat_id,
    ) else {
        return Ok(None);
    };
    let allowed = Allowed {
        chat: chat.clone(),
        users: alerts.telegram_users.clone(),
    };
    let desk = Desk::new(Actors::of(engine), allowed, log);
    let line = Line::new(&alerts.telegram_base_url, bot, &Transport::sockets(), log)?;
    Ok(Some(actix_rt::spawn(line.serve(desk, health.clone(), clock))))
}

/// Waits for a signal (0) or for the engine's own end.
pub(crate) async fn wait(ended: oneshot::Receiver<i32>, log: &Logger) -> Result<i32, ServiceError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let name = tokio::select! {
        biased;
        code = ended => return Ok(code.unwrap_or(actors::supervisor::EXIT_PANIC)),
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!(log, "stopping"; "signal" => name);
    Ok(0)
}

/// Every configured channel, the log first.
///
/// # Errors
/// When the address of one may not be used.
pub fn sinks(config: &Config, transport: &Transport, log: &Logger) -> Result<Rc<[Rc<dyn AlertSink>]>, ServiceError> {
    let alerts = &config.alerts;
    let mut sinks: Vec<Rc<dyn AlertSink>> = vec![Rc::new(LogSink::new(log))];
    if let Some(url) = &alerts.discord_webhook_url {
        sinks.push(Rc::new(DiscordSink::new(url, transport)?));
    }
    if let (Some(token), Some(chat)) = (&alerts.telegram_bot_token, &alerts.telegram_chat_id) {
        sinks.push(Rc::new(TelegramSink::new(
            &alerts.telegram_base_url,
            token,
            chat,
            transport,
        )?));
    }
    if let Some(url) = &alerts.webhook_url {
        sinks.push(Rc::new(WebhookSink::new(
            url,
            alerts.webhook_secret.as_ref(),
            transport,
        )?));
    }
    Ok(Rc::from(sinks))
}

/// This process in the lease. A new name each time: a process never takes its own old lease for a living one's.
pub(crate) fn holder() -> String {
    format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple())
}

/// Ends the process when its core no longer moves. A thread that depends on nothing it watches.
pub(crate) fn watch(clock: ScaledClock, health: HealthBoard, notifier: Notifier, log: Logger) {
    let since = clock.read().machine;
    std::thread::spawn(move || {
        loop {
            pause(Duration::from_secs(1));
            let silent = silence(clock.read().machine, since, health.last_progress());
            if silent > STUCK_AFTER {
                crit!(log, "the core has not progressed; the process ends and the platform restarts it";
                    "seconds" => silent.as_secs(), "exit_code" => EXIT_STUCK);
                pause(Duration::from_millis(500)); // the last line is written by another thread
                std::process::exit(EXIT_STUCK);
            }
            notifier.alive(&health.mode());
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a plain thread is all that may still move")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}

fn silence(now: Machine, since: Machine, progress: Machine) -> Duration {
    now.since(progress.max(since))
}

//! Scanners as processes of their own, and the executor that heeds them.
//!
//! ```text
//! mod      `run --role scanner`: feeds, ranking, doors; no key, no lease
//! fees     what trading is assumed to cost where no account says it
//! words    a naming as text, and back
//! publish  tells every process on the same server what may be entered
//! listen   hears it, in the process that enters
//! ```
//!
//! A scanner says which pairs it would enter, `NAMED_WITHIN` long; an executor enters only those, and only what its own
//! fresh books and gates confirm. Ways out never look here: `docs/adr/0016-scanners-name-executors-confirm.md`.

mod fees;
mod listen;
mod publish;
mod words;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actors::health::HealthBoard;
use actors::scout::{self, PublicParts, Scout, ScoutParts};
use actors::settings::Settings;
use domain::ports::Clock;
use ledger::{Ledger, Options};
use secrecy::ExposeSecret;
use slog::{Logger, info};
use tokio::sync::oneshot;
use venues::shared::transport::Transport;

use crate::bans::FileBans;
use crate::clock::ScaledClock;
use crate::config::Config;
use crate::dashboard::{self, Shown};
use crate::doors::{Behind, open};
use crate::http::{HttpSettings, address, bind};
use crate::notify::Notifier;
use crate::service::{ServiceError, holder, wait, watch};
use crate::wiring::{VenueSettings, venues};

pub use listen::listen;

/// How long a scanner's word is good.
pub const NAMED_WITHIN: Duration = Duration::from_secs(30);
/// The channel on the server.
const CHANNEL: &str = "funding_arb_named";

/// Runs until a signal or the scanner's death ends it; answers the exit code.
///
/// # Errors
/// What kept it from starting.
pub async fn run(config: &Config, notifier: Notifier, log: &Logger) -> Result<i32, ServiceError> {
    let url = config.ledger.database_url.expose_secret();
    if !ledger::carries_words(url) {
        return Err(ServiceError::NoServer("scanner"));
    }
    let settings = HttpSettings::from(&config.http);
    let listener = bind(address(&settings)?)?;
    let options = Options {
        mode: config.mode.name(),
        tag_seed: None,
    };
    let ledger = Ledger::open(url, options).await?;
    std::fs::create_dir_all(&config.data_dir).map_err(|error| ServiceError::Folder(config.data_dir.clone(), error))?;
    let (clock, health) = (ScaledClock::real(), HealthBoard::default());
    let judged = config.settings(format!("scanner-{}", holder()));
    let (who, every) = (judged.holder.clone(), judged.evaluate_every);
    let (scout, ended) = scouting(config, judged, clock, &health, log)?;
    let behind = behind(config, &scout, &ledger, clock, &health, log);
    let doors = open(behind, settings, listener, log).await?;
    info!(log, "the doors are open"; "address" => %doors.address);
    notifier.ready();
    watch(clock, health.clone(), notifier.clone(), log.clone());
    let publisher = publish::Publisher {
        who,
        ledger,
        scanner: scout.scanner.clone().recipient(),
        every,
        clock,
        health: health.clone(),
        log: log.clone(),
    };
    let publishing = actix_rt::spawn(publisher.run());
    let code = wait(ended, log).await?;
    publishing.abort();
    if code == 0 {
        notifier.stopping();
        doors.close().await;
        info!(log, "stopped"; "exit_code" => code);
    }
    Ok(code)
}

/// Feeds and ranking, and who hears of their end.
fn scouting(
    config: &Config,
    settings: Settings,
    clock: ScaledClock,
    health: &HealthBoard,
    log: &Logger,
) -> Result<(Scout, oneshot::Receiver<i32>), ServiceError> {
    let (tell, ended) = oneshot::channel();
    let tell = RefCell::new(Some(tell));
    let scout = scout::start(ScoutParts {
        venues: public(config, clock, log)?,
        settings,
        clock: Rc::new(clock),
        health: health.clone(),
        exit: Rc::new(move |code| {
            if let Some(tell) = tell.borrow_mut().take() {
                let _ = tell.send(code); // nobody listens any more: the process is ending
            }
        }),
        log: log.clone(),
    });
    Ok((scout, ended))
}

/// What the doors ask.
fn behind(
    config: &Config,
    scout: &Scout,
    ledger: &Ledger,
    clock: ScaledClock,
    health: &HealthBoard,
    log: &Logger,
) -> Behind {
    let shown = Shown {
        ledger: ledger.clone(),
        clock,
        log: log.clone(),
        mode: scout::MODE,
        own: Some(scout.lookout.clone().recipient()),
        opportunities: Some(scout.scanner.clone().recipient()),
    };
    Behind {
        actors: dashboard::mirror(shown),
        health: health.clone(),
        ledger: ledger.clone(),
        clock,
        tokens: dashboard::reading(config),
    }
}

/// The public side of both venues.
fn public(config: &Config, clock: ScaledClock, log: &Logger) -> Result<Vec<PublicParts>, ServiceError> {
    let port_clock: Rc<dyn Clock> = Rc::new(clock);
    let transport = Transport::sockets().remembering(Rc::new(FileBans::open(&config.data_dir, log)));
    let all = venues(&VenueSettings::configured(&config.venues), &transport, &port_clock, log)?;
    let public = all.into_iter().map(|venue| PublicParts {
        id: venue.id,
        data: venue.data,
        fees: Rc::new(fees::LowestTier),
        feeds: venue.feeds,
    });
    Ok(public.collect())
}

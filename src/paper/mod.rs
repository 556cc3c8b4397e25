//! Paper mode: the real venues' market data, and an account that is only played.
//!
//! ```text
//! mod    the parts of an engine: public data from the real venues, everything private from the twin
//! rules  the real venues' instruments as the twin knows them
//! tap    what the real venues say in public, told to the twin's market on its way to the engine
//! kept   what the played account holds, kept from one start to the next
//! ```
//!
//! The engine runs the same code as live: the same adapters read the real venues and trade with the twin, which fills
//! orders against the book that the engine saw last, charges the lowest tier's fees, margins both legs and pays the
//! rate that was published last before a settlement to what was held at it. What it cannot show: our own orders move no
//! real book, and orders that rest do not stand in a real queue.

mod kept;
mod rules;
mod tap;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use actors::engine::VenueParts;
use domain::instrument::Instrument;
use domain::ports::{Clock, MarketData, MarketFeed, VenueError};
use simulator::exchange::{AccountSpec, CarriedError};
use simulator::market::{Ms, Told};
use simulator::serve::{Options, Twin};
use slog::{Logger, info, warn};
use venues::shared::transport::{BadUrl, Transport};

use crate::pipes::{self, Pipes};
use crate::wiring::{VenueSettings, venues};

use kept::Kept;
use tap::{TappedData, TappedFeed, Tell};

/// How often the real venues' instruments are asked for before the start is given up.
const ATTEMPTS: u32 = 12;
/// Between two of them.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(5);
/// How often the twin looks at its resting orders and tells its private streams.
const PUSH: Duration = Duration::from_millis(100);

/// Why paper mode could not start.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// A venue's address may not be used.
    #[error(transparent)]
    Address(#[from] BadUrl),
    /// The instruments of a venue could not be read.
    #[error("paper mode needs the instruments of both venues: {0}; check the network and start again")]
    Instruments(VenueError),
    /// What was kept of the played account cannot be read or written.
    #[error("{path}: {why}; mend it, or move it and the paper ledger away to begin anew")]
    Kept {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What was kept does not fit what the venues list.
    #[error("the played account cannot be carried on")]
    Carried(#[from] CarriedError),
}

/// The parts of a paper engine. Must be called on the local set on which the engine will run.
///
/// # Errors
/// [`PaperError`]; after a minute in which a venue did not list its instruments, among others.
pub async fn parts(
    settings: &VenueSettings,
    transport: &Transport,
    clock: &Rc<dyn Clock>,
    folder: &Path,
    log: &Logger,
) -> Result<Vec<VenueParts>, PaperError> {
    let real = venues(settings, transport, clock, log)?;
    let instruments = instruments(&real, log).await?;
    let now = market_ms(clock);
    let (market, teller) = Told::new(instruments.iter().map(rules::of).collect(), now());
    let options = Options {
        accounts: vec![AccountSpec::demo()],
        push_every: PUSH,
        ..Options::default()
    };
    let twin = Twin::new(Box::new(market), options, Rc::clone(&now));
    let kept = Kept::at(folder);
    if let Some(carried) = kept.read()? {
        twin.carry_on(&carried)?;
        info!(log, "the paper account is carried on"; "positions" => carried.positions.len());
    }
    kept.follow(&twin, log.clone())?;
    let running = twin.clone();
    actix_rt::spawn(async move { running.run().await });
    let played = venues(&pipes::addresses(), &Transport::pipes(Rc::new(Pipes(twin))), clock, log)?;
    let tell = Rc::new(Tell::new(teller, &instruments, now));
    Ok(real
        .into_iter()
        .zip(played)
        .map(|(real, played)| joined(real, played, &tell))
        .collect())
}

/// Public parts of the one, private parts of the other.
fn joined(real: VenueParts, played: VenueParts, tell: &Rc<Tell>) -> VenueParts {
    let feeds = real.feeds.into_iter().map(|(product, feed)| {
        let tapped = TappedFeed::new(feed, Rc::clone(tell));
        (product, Rc::new(tapped) as Rc<dyn MarketFeed>)
    });
    VenueParts {
        data: Rc::new(TappedData::new(real.data, Rc::clone(tell))),
        feeds: feeds.collect(),
        ..played
    }
}

/// The twin's time: the calendar's, which never goes back.
fn market_ms(clock: &Rc<dyn Clock>) -> Rc<dyn Fn() -> Ms> {
    let (clock, latest) = (Rc::clone(clock), std::cell::Cell::new(Ms::MIN));
    Rc::new(move || {
        latest.set(latest.get().max(clock.now().market.millis()));
        latest.get()
    })
}

async fn instruments(real: &[VenueParts], log: &Logger) -> Result<Vec<Instrument>, PaperError> {
    let mut all = Vec::new();
    for venue in real {
        all.extend(patiently(&venue.data, log).await.map_err(PaperError::Instruments)?);
    }
    Ok(all)
}

async fn patiently(data: &Rc<dyn MarketData>, log: &Logger) -> Result<Vec<Instrument>, VenueError> {
    let mut attempt = 1;
    loop {
        match data.instruments().await {
            Ok(instruments) => return Ok(instruments),
            Err(error) if attempt < ATTEMPTS => {
                warn!(log, "a venue does not list its instruments yet"; "error" => %error, "attempt" => attempt);
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

//! `doctor`: what must hold before a cent moves, each with what was seen and how to mend it.
//!
//! ```text
//! check      one check and how it ended; all of them for people and for programs; pure
//! settings   the configuration: mode, limits, token, doors, channels
//! machine    this machine: folder, disk, clock, the platform's patience
//! store      the ledger: there, ours, writable, whole, who leads
//! venue      each venue: hosts, clock, key, account, money
//! channels   the channels to people, when they are to be tried
//! ```
//!
//! - DR-1  It places no order and changes no setting at a venue. It opens the ledger as a start does, schema included.
//! - DR-2  What could not be checked is said to be skipped, never taken for good.
//! - DR-3  Nothing it prints holds a secret.

mod channels;
mod check;
mod machine;
mod settings;
mod store;
mod venue;

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::ports::Clock;
use slog::{Discard, Logger, o};
use venues::shared::transport::Transport;

use self::check::{Check, Checks};
use super::{Answer, Exit, Refused, config_file};
use crate::bans::FileBans;
use crate::cli::Cli;
use crate::clock::ScaledClock;
use crate::config::{Config, Mode, Profile};
use crate::wiring::{VenueSettings, inspected};

pub fn run(send: bool, cli: &Cli, env: &BTreeMap<String, String>) -> Answer {
    let file = config_file(cli.config.as_ref());
    let mut all = Checks::default();
    match Config::load(file.as_deref(), env, Profile::Live) {
        Ok(config) => {
            let from = file.as_ref().map_or_else(
                || "from the environment and the defaults".to_owned(),
                |file| format!("from {} and the environment", file.display()),
            );
            all.add(Check::ok("config.valid", from));
            settings::check(&config, file.as_deref(), &mut all);
            actix_rt::System::new().block_on(look(&config, send, &mut all))?;
        }
        Err(error) => {
            for problem in &error.problems {
                let id = format!("config.valid:{}", problem.key);
                all.add(Check::fail(
                    &id,
                    problem.to_string(),
                    "correct it; `config show` tells what is in force",
                ));
            }
            all.add(Check::skipped("everything else", "the configuration comes first"));
        }
    }
    let exit = if all.has_failed() { Exit::Unsafe } else { Exit::Done };
    let text = if cli.json {
        all.json().map_err(|error| Refused::failed(error.to_string()))?
    } else {
        all.words()
    };
    Ok((text, exit))
}

/// What has to be looked at rather than read.
async fn look(config: &Config, send: bool, all: &mut Checks) -> Result<(), Refused> {
    let log = Logger::root(Discard, o!());
    let transport = Transport::sockets().remembering(Rc::new(FileBans::open(&config.data_dir, &log)));
    let clock = ScaledClock::real();
    machine::check(config, clock.read().market, all);
    store::check(config, clock.read().market, all).await;
    let port_clock: Rc<dyn Clock> = Rc::new(clock);
    let venues = inspected(
        &VenueSettings::configured(&config.venues),
        &transport,
        &port_clock,
        &log,
    );
    let venues = venues.map_err(|error| Refused::usage(error.to_string()))?;
    for venue in venues {
        let has_key = config.mode == Mode::Live || venue::has_key(config, venue.id());
        venue::check(venue.as_ref(), has_key, config, &port_clock, all).await;
    }
    channels::check(config, send, &transport, &log, clock.read().market, all).await;
    Ok(())
}

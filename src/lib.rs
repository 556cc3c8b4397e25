//! Assembles an engine from its rooms, and opens its doors.
//!
//! ```text
//! cli        the command line: what can be asked for
//! commands   what each command does when it talks to a ledger, a file or a running engine
//! config/    the configuration file and the environment, parsed once, per area
//! wiring     the only place that names a concrete venue and the database
//! clock      real time, and the demo's scaled time
//! telemetry  logs: JSON or terminal, secrets scrubbed
//! http/      health, status, control, the status page
//! alerts/    the channels to people: Discord, Telegram, the log
//! dashboard  a process that shows what the ledger holds, and changes nothing
//! telegram/  commands from a Telegram chat
//! bans       bans that outlive the process
//! crash      lets a process on loopback die at a named place
//! notify     tells systemd how the service is
//! scanners/    scanners as processes of their own, and the executor that heeds them
//! service, demo, simulate   the three long-running commands
//! paper/       the real venues' market data, and an account that is only played
//! pipes        the simulated venues inside this process, reached by pipes
//! doors        opens the HTTP doors of an engine
//! twin         the simulator on a thread of its own
//! worlds     the whole engine in virtual time, against the simulator, watched by the observer
//! ```

pub mod alerts;
pub mod bans;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod crash;
pub mod dashboard;
pub mod demo;
pub mod doors;
pub mod http;
pub mod notify;
pub mod paper;
pub mod pipes;
pub mod scanners;
pub mod service;
pub mod simulate;
pub mod telegram;
pub mod telemetry;
pub mod twin;
pub mod wiring;
pub mod witness;
pub mod world;

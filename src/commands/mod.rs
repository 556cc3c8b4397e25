//! What the commands do that talk to a ledger, a file or a running engine. The long-running ones live elsewhere.
//!
//! ```text
//! doctor/        what must hold before a cent moves
//! client         requests to a running engine
//! tables         its answers for people; pure
//! backtest       what hedges would have earned on recorded data
//! ledger         make and prove the durable record
//! configuration  print and check the configuration
//! ```
//!
//! What is asked for goes to standard output, everything else to standard error.

mod backtest;
mod client;
mod configuration;
mod doctor;
mod ledger;
pub(crate) mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::config;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It could not be done.
    Failed,
    /// Bad usage or configuration.
    Usage,
    /// It was done, and found an unsafe state.
    Unsafe,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unsafe => 3,
        })
    }
}

/// Why a command was not done: its exit, and what to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How it ends.
    pub exit: Exit,
    /// For standard error.
    pub why: String,
}

impl Refused {
    fn failed(why: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            why: why.into(),
        }
    }

    fn usage(why: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            why: why.into(),
        }
    }
}

/// What a command prints on standard output, and how it ends.
type Answer = Result<(String, Exit), Refused>;

/// Does what was asked; `None` when it is one of the long-running commands. Blocks, and starts a runtime where it needs
/// one: call it outside of any.
pub fn dispatch(cli: &Cli, env: &BTreeMap<String, String>) -> Option<Exit> {
    let answer = match &cli.command {
        Command::Demo(_) | Command::Run { .. } | Command::Simulate(_) => return None,
        Command::Backtest(options) => backtest::run(options, cli.json),
        Command::Doctor { send } => doctor::run(*send, cli, env),
        Command::Ledger(command) => ledger::run(command, cli, env),
        Command::Config(command) => configuration::run(*command, cli, env),
        Command::Completions { shell } => Ok((completions(*shell), Exit::Done)),
        Command::Scan { watch: true } => return Some(client::watch(cli, env)),
        _ => client::run(cli, env),
    };
    Some(finish(answer))
}

fn finish(answer: Answer) -> Exit {
    match answer {
        Ok((text, exit)) => print(&text).unwrap_or(exit),
        Err(refused) => {
            eprintln!("funding-arb: {}", refused.why);
            refused.exit
        }
    }
}

/// Prints; a reader that has gone away, such as `head`, is a failure but no panic.
fn print(text: &str) -> Option<Exit> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{}", text.trim_end())
        .err()
        .map(|_| Exit::Failed)
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "funding-arb", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The file that is meant: the one that was named, or else the usual one of this folder where it is there.
pub fn config_file(named: Option<&PathBuf>) -> Option<PathBuf> {
    let usual = || Path::new(config::DEFAULT_FILE);
    named.cloned().or_else(|| usual().is_file().then(|| usual().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_know_every_command() {
        let script = completions(clap_complete::Shell::Bash);
        for word in ["demo", "simulate", "close-all", "ledger", "completions"] {
            assert!(script.contains(word), "{word}");
        }
    }
}

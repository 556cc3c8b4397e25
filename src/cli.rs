//! What can be asked for on the command line.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 unsafe state found.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Earns the funding rate of crypto perpetuals without price risk.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "funding-arb",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The configuration file; without it funding-arb.toml of this folder, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Where the running engine answers; the token comes from the variable `CONTROL_TOKEN`.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Venues, engine and page in one process on this machine; no account and no money.
    Demo(Demo),
    /// The service, with the mode that the configuration says.
    Run {
        /// What this process is among those that share a ledger.
        #[arg(long, value_enum, default_value_t = Role::All)]
        role: Role,
        /// Enter only what a scanner has named; an executor always does. For the process that stands by for one.
        #[arg(long)]
        heed_scanners: bool,
    },
    /// The venues alone, on this machine, for any client.
    Simulate(Simulate),
    /// Checks everything that must hold before a cent moves; exit 3 when something does not.
    Doctor {
        /// Send one test message through every configured channel as well.
        #[arg(long)]
        send: bool,
    },
    /// The ranked pairs, with their break-even and the gate that stops each.
    Scan {
        /// Print again every two seconds until it is interrupted.
        #[arg(long)]
        watch: bool,
    },
    /// What hedges would have earned on recorded data.
    Backtest(Backtest),
    /// What the running engine does.
    Status,
    /// Stop entries; exits go on. Durable before it answers.
    Pause {
        /// Why, for whoever looks next: at most 200 printable characters.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take the human's pause away; other reasons stay until their cause ends.
    Resume,
    /// Leave one hedge.
    Close {
        /// Its id, as `status` shows it.
        hedge: String,
    },
    /// Leave every hedge, and enter none until `resume`.
    CloseAll,
    /// Why nothing is entered.
    Why {
        /// An asset or a symbol; without it the whole picture.
        symbol: Option<String>,
    },
    /// The durable record.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Completions for a shell, on standard output.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// What a process is among those that share a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Leads, or stands by while another one leads.
    All,
    /// Ranks pairs and names them to the executor: no key, no lease; as many as you like. PostgreSQL only.
    Scanner,
    /// As all, but enters only what a scanner has named within 30 s. Ways out need none. PostgreSQL only.
    Executor,
    /// The same, but lets another one come first: it asks for the lease 20 s after its start.
    Standby,
    /// Shows what the ledger holds and changes nothing: no key, no lease, no connection to a venue.
    Dashboard,
}

/// Options of the demonstration.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// How many market seconds pass in a second; without it, what shows a whole life within a minute.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub speed: Option<u32>,
    /// How long it runs, by the wall clock: 90s, 10m, 1h. Without it, 90s.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub run_for: Option<Duration>,
    /// Draws the market and everything else that is left to chance.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// A folder of recorded market data; without it the market is generated.
    #[arg(long, value_name = "DIR")]
    pub market: Option<PathBuf>,
    /// Port of the page and the doors; 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Write the summary as JSON.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Faults that the venues show.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Keep the ledger there; without it, it goes with the process.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Options of the simulated venues.
#[derive(Args, Clone, Debug)]
pub struct Simulate {
    /// Port of Binance spot; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 9001)]
    pub spot_port: u16,
    /// Port of Binance USDⓈ-M futures; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 9002)]
    pub usdm_port: u16,
    /// Port of Bybit; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 9003)]
    pub bybit_port: u16,
    /// A folder of recorded market data; without it the market is generated.
    #[arg(long, value_name = "DIR")]
    pub market: Option<PathBuf>,
    /// How many coins a generated market has on each venue, each as spot and as perpetual.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(4..=1_000), conflicts_with = "market")]
    pub symbols: u16,
    /// Every book of a generated market changes ten times a second, as where many trade.
    #[arg(long, conflicts_with = "market")]
    pub busy: bool,
    /// Draws the market and everything else that is left to chance.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// How many market seconds pass in a second.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub speed: u32,
    /// Faults that the venues show.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Accounts with their keys and balances.
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
}

/// Options of the backtest.
#[derive(Args, Clone, Debug)]
pub struct Backtest {
    /// The folder of recorded data: funding/ and klines/.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Price the hedges of this list exactly, and decide nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "symbols", "report", "sweep", "recentre", "liquidate", "capital", "leg", "most"])]
    pub hedges: Option<PathBuf>,
    /// The first day, or hour with its zone: 2024-01-01, 2024-01-01T08:00Z. Without it, the first one that was recorded.
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// The last day, or the hour after the last one. Without it, the last one that was recorded.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Perpetuals, such as BTCUSDT,ETHUSDT; without them every one that could be hedged.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub symbols: Vec<String>,
    /// Hold hedges that have bars of both legs, hedges by funding alone where there are no bars, or both.
    #[arg(long, value_name = "BOOK", default_value = "both", value_parser = ["both", "priced", "funding"])]
    pub book: String,
    /// US dollars that may be tied up, by the margins at entry: 4/3 of the notional for a carry, 2/3 for two perpetuals.
    #[arg(long, value_name = "USD", default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(100..=100_000_000))]
    pub capital: i64,
    /// US dollars of each leg at entry. Above 10,000 slippage grows with the square root of the size.
    #[arg(long, value_name = "USD", default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(10..=10_000_000))]
    pub leg: i64,
    /// Most hedges at once, one of each symbol.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub most: u8,
    /// Leave a hedge and enter it again with the usual notional when a perpetual has moved so far against it, per cent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=90))]
    pub recentre: Option<u8>,
    /// Close a hedge when a perpetual's margin of a third of its notional is gone.
    #[arg(long)]
    pub liquidate: bool,
    /// Write the report there: one HTML file that needs no other.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the report's drawings there, each as a file of its own.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["sweep", "hedges"])]
    pub svg: Option<PathBuf>,
    /// Run a grid of settings of the own rule instead, and walk forward year by year.
    #[arg(long, conflicts_with = "report")]
    pub sweep: bool,
    /// Of the grid only the i-th of n parts: 2/4.
    #[arg(long, value_name = "I/N", requires = "sweep", value_parser = shard)]
    pub shard: Option<(usize, usize)>,
    /// Write the table of the grid there as Parquet, exact to the eighth digit, instead of CSV to standard output.
    #[arg(long, value_name = "FILE", requires = "sweep")]
    pub parquet: Option<PathBuf>,
}

/// What can be done with the ledger.
#[derive(Clone, Debug, Subcommand)]
pub enum LedgerCommand {
    /// Make it, or bring its schema up to date.
    Migrate,
    /// Prove that its rows belong together; exit 3 when they do not, 1 when there is none.
    Verify,
    /// Write every table whole: exact decimals, rows in the order of their key.
    Export {
        /// A folder that gets a file for each table; - prints all of them.
        #[arg(long, default_value = "-")]
        out: PathBuf,
        /// How.
        #[arg(long, value_enum, default_value = "json")]
        format: ExportFormat,
    },
    /// Everything about one hedge, its sums computed again; exit 3 when its rows do not explain them, 1 when there is no
    /// such hedge.
    Evidence {
        /// Its number, as `status` shows it.
        hedge: u64,
    },
}

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One file a table, with a first line of names.
    Csv,
    /// Lists of objects.
    Json,
}

/// What can be done with the configuration.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a file with every key, its meaning and its default.
    Init,
    /// Say everything that is wrong with it; exit 2 when something is.
    Check,
    /// Print every key that is in force and where it comes from; secrets are masked.
    Show,
}

/// Reads `2/4`.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    parts
        .filter(|(part, of)| (1..=*of).contains(part))
        .ok_or_else(|| "write a part of how many: 1/4 to 4/4".to_owned())
}

/// Reads `90s`, `10m`, `1h` or `500ms`.
///
/// # Errors
/// What is wrong, in words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number
        .parse()
        .map_err(|_| "write a whole number and a unit: 90s, 10m or 1h".to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "" => return Err("it has no unit: write 90s, 10m or 1h".to_owned()),
        other => return Err(format!("{other:?} is no unit: write ms, s, m or h")),
    };
    match millis {
        Some(0) => Err("it is no time at all".to_owned()),
        Some(millis) if millis <= 366 * 86_400_000 => Ok(Duration::from_millis(millis)),
        _ => Err("it is longer than a year".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_table_is_read() {
        for line in [
            "demo --speed 3600 --for 10m --seed 7 --market d --port 0 --report r --faults f --keep k",
            "run --config f.toml",
            "run --role standby",
            "run --role dashboard",
            "simulate --spot-port 1 --usdm-port 2 --bybit-port 3 --market d --seed 1 --speed 1 --faults f --accounts a",
            "simulate --symbols 600 --busy",
            "scan --watch --json",
            "doctor --send --json",
            "backtest --data d --hedges h --json",
            "backtest --data d --sweep --shard 2/4",
            "backtest --data d --from 2024-01-01 --to 2024-12-31 --symbols BTCUSDT,ETHUSDT --book priced --recentre 25 --liquidate --report r.html --svg d",
            "status --url http://127.0.0.1:1",
            "pause --reason lunch",
            "resume",
            "close 17",
            "close-all",
            "why",
            "why BTC",
            "ledger migrate",
            "ledger verify --json",
            "config init",
            "config check",
            "config show --json",
            "completions bash",
        ] {
            parse(&format!("funding-arb {line}")).unwrap();
        }
        let Command::Demo(demo) = parse("funding-arb demo --for 90s").unwrap().command else {
            panic!("another command")
        };
        assert_eq!(
            (demo.run_for, demo.seed, demo.port),
            (Some(Duration::from_secs(90)), 7, 8080)
        );
    }

    #[test]
    fn bad_usage_ends_with_code_2() {
        for line in [
            "demo --for 10",
            "demo --speed 0",
            "close",
            "fly",
            "ledger",
            "scan --port 1",
            "backtest --hedges h",
            "backtest --data d --hedges h --from 2024-01-01",
            "backtest --data d --book none",
            "backtest --data d --shard 1/2",
            "backtest --data d --sweep --shard 3/2",
            "backtest --data d --sweep --shard 0/2",
            "simulate --spot-port 70000",
        ] {
            assert_eq!(
                parse(&format!("funding-arb {line}")).unwrap_err().exit_code(),
                2,
                "{line}"
            );
        }
    }

    #[test]
    fn durations_are_read_or_refused_in_words() {
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for (text, why) in [
            ("10", "it has no unit: write 90s, 10m or 1h"),
            ("m", "write a whole number and a unit: 90s, 10m or 1h"),
            ("1.5h", "\".5h\" is no unit: write ms, s, m or h"),
            ("2w", "\"w\" is no unit: write ms, s, m or h"),
            ("0s", "it is no time at all"),
            ("99999999999999999h", "it is longer than a year"),
        ] {
            assert_eq!(duration(text), Err(why.to_owned()), "{text}");
        }
    }
}

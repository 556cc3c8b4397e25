//! What the real program takes of a machine while every symbol of both venues speaks: processor time a fact, share of a
//! core, memory and its growth, how long `/health` takes meanwhile for so many clients that poll it, and how soon it was
//! answered after the start.
//!
//! ```text
//! cargo build --release && cargo run --release --example crowd -- --symbols 600 --seconds 120 --clients 200
//! ```
//!
//! Under `chrt --rr 5` the two processes and the clients go before whatever else the machine has to do.
//!
//! Two processes of the program on loopback: `simulate` with that many coins on each venue, spot and perpetual, and `run`
//! in live mode on it, with its ledger and its doors. Linux only: it reads /proc. Both are ended with this one.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;

/// Opens the doors of the engine that is measured.
const TOKEN: &str = "crowd-measures-only";
/// Of the kernel's clock, as /proc counts processor time.
const TICKS_A_SECOND: u64 = 100;
/// How long the engine may take until it answers, and until it leads.
const START: Duration = Duration::from_secs(90);

#[derive(Debug, Parser)]
struct Crowd {
    /// Coins on each venue.
    #[arg(long, default_value_t = 600)]
    symbols: u16,
    /// How long is measured, after as long a warming up as `--warm` says.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds before the measurement begins.
    #[arg(long, default_value_t = 20)]
    warm: u64,
    /// Clients that ask for `/health` once a second each, evenly spread.
    #[arg(long, default_value_t = 20)]
    clients: u32,
    /// The program.
    #[arg(long, default_value = "target/release/funding-arb")]
    program: PathBuf,
}

/// A process that ends with this one.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

type Said<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match measure(&Crowd::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crowd: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn sleep(length: Duration) {
    std::thread::sleep(length);
}

fn measure(crowd: &Crowd) -> Said<()> {
    let folder = std::env::temp_dir().join(format!("funding-arb-crowd-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let (_venues, variables) = venues(crowd)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let began = now();
    let mut engine = engine(crowd, &folder, port, &variables)?;
    let pid = engine.0.id();
    while ask(port, "/livez").is_none() && began.elapsed() < START {
        sleep(Duration::from_millis(1));
    }
    let answered = began.elapsed();
    while ask(port, "/health").is_none() && began.elapsed() < START {
        sleep(Duration::from_millis(5));
    }
    println!(
        "from start           {answered:.0?} to the first answer, {:.0?} to a good /health",
        began.elapsed()
    );
    while facts(port).is_none() {
        if engine.0.try_wait()?.is_some() || began.elapsed() > START {
            return Err(format!("the engine does not answer; see {}", folder.join("log").display()).into());
        }
        sleep(Duration::from_millis(200));
    }
    sleep(Duration::from_secs(crowd.warm));
    let before = Sample::of(pid, port)?;
    let began = now();
    let length = Duration::from_secs(crowd.seconds);
    let clients: Vec<_> = (0..crowd.clients)
        .map(|number| {
            let first = Duration::from_secs(1) * number / crowd.clients;
            std::thread::spawn(move || poll(port, first, length))
        })
        .collect();
    let mut answers = Vec::new();
    for client in clients {
        let client = client.join().map_err(|_| "a client broke off")?;
        answers.extend(client.ok_or("no answer of /health")?);
    }
    let seconds = began.elapsed();
    report(crowd, &before, &Sample::of(pid, port)?, seconds, answers);
    drop(engine);
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// How long each answer of `/health` took, in microseconds, once a second; nothing where one was no good answer.
fn poll(port: u16, first: Duration, length: Duration) -> Option<Vec<u128>> {
    sleep(first);
    let (began, mut took) = (now(), Vec::new());
    while began.elapsed() + first < length {
        let asked = now();
        ask(port, "/health")?;
        took.push(asked.elapsed().as_micros());
        sleep(Duration::from_secs(1).saturating_sub(asked.elapsed()));
    }
    Some(took)
}

/// The simulated venues, and the variables that point an engine at them: they are in the greeting.
fn venues(crowd: &Crowd) -> Said<(Ended, Vec<(String, String)>)> {
    let mut child = Command::new(&crowd.program)
        .args(["simulate", "--spot-port", "0", "--usdm-port", "0", "--bybit-port", "0"])
        .args(["--busy", "--symbols", &crowd.symbols.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().ok_or("no output of the venues")?;
    let venues = Ended(child);
    let mut variables = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line?;
        if let Some((name, value)) = line.trim().split_once('=') {
            variables.push((name.to_owned(), value.to_owned()));
        }
        if line.contains("BYBIT__WS_URL") {
            return Ok((venues, variables));
        }
    }
    Err("the venues did not say where they are".into())
}

fn engine(crowd: &Crowd, folder: &Path, port: u16, variables: &[(String, String)]) -> Said<Ended> {
    let log = fs::File::create(folder.join("log"))?;
    let child = Command::new(&crowd.program)
        .arg("run")
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("FUNDING_ARB__MODE", "live")
        .env("FUNDING_ARB__DATA_DIR", folder.join("data"))
        .env("FUNDING_ARB__HTTP__PORT", port.to_string())
        .env("CONTROL_TOKEN", TOKEN)
        .env("BINANCE_API_KEY", "demo")
        .env("BINANCE_API_SECRET", "demo")
        .env("BYBIT_API_KEY", "demo")
        .env("BYBIT_API_SECRET", "demo")
        .env("MAX_POSITION_USD", "2000")
        .env("FUNDING_ARB__RISK__MAX_VENUE_USD", "20000")
        .env("FUNDING_ARB__RISK__MAX_TOTAL_USD", "40000")
        .env("FUNDING_ARB__RISK__MAX_DAILY_LOSS_USD", "10000")
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    Ok(Ended(child))
}

/// What a process has used, and what it has heard.
struct Sample {
    ticks: u64,
    resident_kib: u64,
    facts: u64,
}

impl Sample {
    fn of(pid: u32, port: u16) -> Said<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name may hold blanks; it ends with the last bracket. User and system time are fields 14 and 15.
        let after = stat.rsplit_once(')').ok_or("an unreadable stat")?.1;
        let field = |index: usize| {
            after
                .split_whitespace()
                .nth(index)
                .and_then(|text| text.parse::<u64>().ok())
        };
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(Self {
            ticks: field(11)
                .zip(field(12))
                .map(|(user, system)| user + system)
                .ok_or("an unreadable stat")?,
            resident_kib: resident
                .and_then(|text| text.split_whitespace().next()?.parse().ok())
                .ok_or("an unreadable status")?,
            facts: facts(port).ok_or("no answer of /opportunities")?,
        })
    }
}

/// How many facts the scanner has taken; nothing before it has taken one.
fn facts(port: u16) -> Option<u64> {
    let view: Value = serde_json::from_str(&ask(port, "/opportunities?limit=1")?).ok()?;
    view.get("facts")?.as_u64().filter(|facts| *facts > 0)
}

/// The body of a good answer.
fn ask(port: u16, path: &str) -> Option<String> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

fn report(crowd: &Crowd, before: &Sample, after: &Sample, seconds: Duration, mut answers: Vec<u128>) {
    let facts = after.facts.saturating_sub(before.facts).max(1);
    let millis = u64::try_from(seconds.as_millis()).unwrap_or(u64::MAX).max(1);
    let used_ns = (after.ticks - before.ticks) * (1_000_000_000 / TICKS_A_SECOND);
    let a_second = facts * 1_000 / millis;
    // Hundredths of a percent of one core.
    let share = used_ns / 100 / millis;
    answers.sort_unstable();
    let at = |percent: usize| answers.get(answers.len() * percent / 100).copied().unwrap_or_default();
    println!(
        "symbols              {} on each of two venues, spot and perpetual",
        crowd.symbols
    );
    println!("facts                {facts} in {seconds:.1?}, {a_second} a second");
    println!("share of a core      {}.{:02} %", share / 100, share % 100);
    println!(
        "processor time       {} ns a fact, everything in but TLS",
        used_ns / facts
    );
    println!(
        "at 20,000 a second   {}.{:02} % of a core",
        used_ns / facts * 2 / 1_000,
        used_ns / facts * 2 % 1_000 / 10
    );
    println!(
        "resident             {} KiB, {} KiB before",
        after.resident_kib, before.resident_kib
    );
    let grown = after.resident_kib.saturating_sub(before.resident_kib);
    println!("growth               {} KiB a million facts", grown * 1_000_000 / facts);
    println!(
        "/health              p50 {} us, p99 {} us, {} answers to {} clients",
        at(50),
        at(99),
        answers.len(),
        crowd.clients
    );
}

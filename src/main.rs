//! The command line of funding-arb.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use funding_arb::cli::{self, Cli, Command, Role};
use funding_arb::commands::{config_file, dispatch};
use funding_arb::config::{Config, LogFormat, Profile};
use funding_arb::dashboard;
use funding_arb::demo::{self, DEFAULT_SPEED, Demo, DemoError, DemoOptions};
use funding_arb::doors::{Behind, open};
use funding_arb::http::{Actors, HttpSettings, Tokens, bind, random_secret};
use funding_arb::notify::Notifier;
use funding_arb::service::Part;
use funding_arb::simulate::{self, SimulateOptions};
use funding_arb::{crash, scanners, service, telemetry, twin};
use secrecy::{ExposeSecret, SecretString};
use simulator::market::GeneratedOptions;
use simulator::market::Source;
use slog::Logger;
use tokio::signal::unix::{SignalKind, signal};

/// How long a demonstration lasts when nobody says otherwise.
const DEMO_LASTS: Duration = Duration::from_secs(90);
/// Days of generated market for a demonstration: ten minutes at the usual speed are fifty days.
const DEMO_DAYS: u32 = 120;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env: BTreeMap<String, String> = std::env::vars().collect();
    if let Some(exit) = dispatch(&cli, &env) {
        return exit.into();
    }
    let ended = match &cli.command {
        Command::Demo(options) => run_demo(&cli, options, &env),
        Command::Simulate(options) => run_simulate(options),
        Command::Run { role, heed_scanners } => run_service(&cli, *role, *heed_scanners, &env),
        // Everything else was done above.
        _ => Ok(0),
    };
    // The code of a panic is above what `ExitCode` promises to carry on every platform, but not above a byte.
    ended.map_or_else(
        |(code, why)| fail(code, &why),
        |code| ExitCode::from(u8::try_from(code).unwrap_or(1)),
    )
}

/// An exit code and what to tell.
type Ended = Result<i32, (i32, String)>;

fn fail(code: i32, why: &str) -> ExitCode {
    eprintln!("funding-arb: {why}");
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// An error and its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

fn run_service(cli: &Cli, role: Role, heeds_scanners: bool, env: &BTreeMap<String, String>) -> Ended {
    let file = config_file(cli.config.as_ref());
    let profile = match role {
        Role::Dashboard | Role::Scanner => Profile::Reader,
        Role::All | Role::Executor | Role::Standby => Profile::Live,
    };
    let config = Config::load(file.as_deref(), env, profile).map_err(|error| (2, error.to_string()))?;
    crash::arm(env, &config).map_err(|error| (2, error.to_string()))?;
    let notifier =
        Notifier::of(env).map_err(|error| (1, format!("the socket of NOTIFY_SOCKET cannot be used: {error}")))?;
    let part = Part {
        claim_after: if role == Role::Standby {
            service::PRECEDENCE
        } else {
            Duration::ZERO
        },
        heeds_scanners: heeds_scanners || role == Role::Executor,
    };
    let (log, guard) = telemetry::start(config.log.level, config.log.format, &config.secrets());
    let ended = actix::System::new()
        .block_on(async {
            match role {
                Role::Dashboard => dashboard::run(&config, notifier, &log).await,
                Role::Scanner => scanners::run(&config, notifier, &log).await,
                Role::All | Role::Executor | Role::Standby => service::run(&config, part, notifier, &log).await,
            }
        })
        .map_err(|error| (error.exit_code(), chain(&error)));
    drop((log, guard)); // what is still queued is written before the process ends
    ended
}

fn run_simulate(options: &cli::Simulate) -> Ended {
    let options = SimulateOptions {
        ports: [options.spot_port, options.usdm_port, options.bybit_port],
        market: options.market.clone(),
        symbols: options.symbols.into(),
        busy: options.busy,
        seed: options.seed,
        speed: options.speed,
        faults: options.faults.clone(),
        accounts: options.accounts.clone(),
    };
    actix::System::new().block_on(async {
        let line = simulate::start(&options).map_err(|error| (error.exit_code(), chain(&error)))?;
        println!("{}", simulate::greeting(line.ports));
        stopped().await;
        line.stop();
        Ok(0)
    })
}

/// Ends with the first SIGINT or SIGTERM.
async fn stopped() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn run_demo(cli: &Cli, options: &cli::Demo, env: &BTreeMap<String, String>) -> Ended {
    // The service's own file is not the demonstration's; one that is named is.
    let config = Config::load(cli.config.as_deref(), env, Profile::Demo).map_err(|error| (2, error.to_string()))?;
    let level = if env.contains_key("LOG_LEVEL") {
        config.log.level
    } else {
        slog::Level::Error
    };
    let faults = options.faults.as_deref().map(fault_rules).transpose()?;
    // Minutes later would be a bad time to learn that the report has no place.
    options.report.as_deref().map(claim_report).transpose()?;
    let generated = GeneratedOptions {
        days: DEMO_DAYS,
        ..GeneratedOptions::default()
    };
    let source =
        twin::market(options.market.as_deref(), options.seed, generated).map_err(|error| (2, chain(&error)))?;
    let listener = bind(([127, 0, 0, 1], options.port).into()).map_err(|error| (1, chain(&error)))?;
    let lasts = options.run_for.unwrap_or(DEMO_LASTS);
    let demo = DemoOptions {
        origin: options.market.as_ref().map_or_else(
            || format!("a generated market, seed {}", options.seed),
            |folder| format!("recorded data of {}", folder.display()),
        ),
        speed: options.speed.unwrap_or_else(|| fitting_speed(source.as_ref(), lasts)),
        source,
        lasts,
        seed: options.seed,
        faults,
        keep: options.keep.clone(),
        settings: config.settings("demo".to_owned()),
    };
    let token = config.http.control_token.clone().or_else(random_secret);
    let secrets: Vec<SecretString> = config.secrets().into_iter().chain(token.clone()).collect();
    let (log, guard) = telemetry::start(level, LogFormat::Auto, &secrets);
    let report = actix::System::new()
        .block_on(play(demo, token, listener, &log))
        .map_err(|error| (error.exit_code(), chain(&error)));
    drop((log, guard));
    let report = report?;
    println!("{}", report.summary());
    if let Some(path) = &options.report {
        write_report(path, &report)?;
    }
    Ok(if report.is_safe() { 0 } else { report.exit.unwrap_or(3) })
}

async fn play(
    options: DemoOptions,
    token: Option<SecretString>,
    listener: std::net::TcpListener,
    log: &Logger,
) -> Result<demo::Report, DemoError> {
    let demo = Demo::start(options, log).await?;
    let entry = random_secret();
    let settings = HttpSettings {
        bind: "127.0.0.1".to_owned(),
        port: 0,
        allowed_hosts: Vec::new(),
        metrics_open: false,
    };
    let behind = Behind {
        actors: Actors::of(&demo.engine),
        health: demo.health.clone(),
        ledger: demo.reader.clone(),
        clock: demo.clock,
        tokens: Tokens {
            control: token,
            read: None,
            entry: entry.clone(),
        },
    };
    let doors = open(behind, settings, listener, log).await?;
    let entry = entry
        .map(|entry| format!("/enter/{}", entry.expose_secret()))
        .unwrap_or_default();
    println!("Status page (the link works once): http://{}{entry}\n", doors.address);
    let report = demo.play(stopped()).await;
    doors.close().await;
    report
}

/// The usual speed, or slower where the market would end before the demonstration.
fn fitting_speed(market: &dyn Source, lasts: Duration) -> u32 {
    let there_is = market.ends_ms().saturating_sub(market.showcase_ms()) / 1_000;
    let fits = there_is / i64::try_from(lasts.as_secs().max(1)).unwrap_or(i64::MAX);
    u32::try_from(fits).unwrap_or(DEFAULT_SPEED).clamp(1, DEFAULT_SPEED)
}

fn fault_rules(path: &Path) -> Result<Vec<simulator::faults::Rule>, (i32, String)> {
    let text =
        std::fs::read_to_string(path).map_err(|error| (2, format!("{} cannot be read: {error}", path.display())))?;
    simulator::faults::parse_rules(&text).map_err(|error| (2, format!("{}: {}", path.display(), chain(&error))))
}

/// Makes sure that the report can be written; whatever is there already is left until then.
fn claim_report(path: &Path) -> Result<(), (i32, String)> {
    let claimed = std::fs::OpenOptions::new().create(true).append(true).open(path);
    claimed
        .map(drop)
        .map_err(|error| (2, format!("{} cannot be written: {error}", path.display())))
}

fn write_report(path: &Path, report: &demo::Report) -> Result<(), (i32, String)> {
    let text = serde_json::to_string_pretty(report).map_err(|error| (1, error.to_string()))?;
    std::fs::write(path, text + "\n").map_err(|error| (1, format!("{} cannot be written: {error}", path.display())))
}

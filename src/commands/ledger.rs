//! `ledger migrate`, `ledger verify`, `ledger export`, `ledger evidence`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use domain::order::HedgeId;
use ledger::{Ledger, OpenError, Options, Table, VerifyReport};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::{Answer, Exit, Refused, config_file};
use crate::cli::{Cli, ExportFormat, LedgerCommand};
use crate::config::{Profile, Resolved};

pub fn run(command: &LedgerCommand, cli: &Cli, env: &BTreeMap<String, String>) -> Answer {
    let file = config_file(cli.config.as_ref());
    let resolved = Resolved::load(file.as_deref(), env, Profile::Live);
    let resolved = resolved.map_err(|error| Refused::usage(error.to_string()))?;
    let (url, mode) = (resolved.database_url(), resolved.mode().name());
    actix_rt::System::new().block_on(async {
        match command {
            LedgerCommand::Migrate => migrate(url.expose_secret(), mode).await,
            LedgerCommand::Verify => verify(url.expose_secret(), mode, cli.json).await,
            LedgerCommand::Export { out, format } => export(url.expose_secret(), mode, out, *format).await,
            LedgerCommand::Evidence { hedge } => evidence(url.expose_secret(), mode, HedgeId(*hedge), cli.json).await,
        }
    })
}

async fn migrate(url: &str, mode: &str) -> Answer {
    if let Some(folder) = path_of(url).and_then(Path::parent) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Refused::failed(format!("{} cannot be made: {error}", folder.display())))?;
    }
    open(url, mode).await?;
    Ok((
        format!("the {mode} ledger is there and its schema is up to date"),
        Exit::Done,
    ))
}

/// Opens a ledger that is there already; whose mode it serves does not matter to whoever only reads.
async fn existing(url: &str, mode: &str) -> Result<Ledger, Refused> {
    if let Some(path) = path_of(url)
        && !std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
    {
        return Err(Refused::failed(format!("there is no ledger at {}", path.display())));
    }
    match Ledger::open(url, Options { mode, tag_seed: None }).await {
        Err(OpenError::OtherMode { found, .. }) => open(url, &found).await,
        opened => opened.map_err(Refused::from),
    }
}

async fn export(url: &str, mode: &str, out: &Path, format: ExportFormat) -> Answer {
    let ledger = existing(url, mode).await?;
    let tables = ledger.export().await;
    let tables = tables.map_err(|error| Refused::failed(error.to_string()))?;
    if out == Path::new("-") {
        return Ok((printed(&tables, format), Exit::Done));
    }
    let failed = |error: std::io::Error| Refused::failed(format!("{} cannot be written: {error}", out.display()));
    std::fs::create_dir_all(out).map_err(failed)?;
    for table in &tables {
        let (ending, text) = match format {
            ExportFormat::Csv => ("csv", table.csv()),
            ExportFormat::Json => ("json", format!("{}\n", table.json())),
        };
        std::fs::write(out.join(format!("{}.{ending}", table.name)), text).map_err(failed)?;
    }
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    let text = format!("{} tables with {rows} rows are in {}", tables.len(), out.display());
    Ok((text, Exit::Done))
}

fn printed(tables: &[Table], format: ExportFormat) -> String {
    match format {
        ExportFormat::Csv => {
            let sections: Vec<_> = tables
                .iter()
                .map(|table| format!("# {}\r\n{}", table.name, table.csv()))
                .collect();
            sections.join("\r\n")
        }
        ExportFormat::Json => {
            let named = tables.iter().map(|table| (table.name.to_owned(), table.json()));
            Value::Object(named.collect::<Map<_, _>>()).to_string()
        }
    }
}

async fn evidence(url: &str, mode: &str, hedge: HedgeId, as_json: bool) -> Answer {
    let ledger = existing(url, mode).await?;
    let found = ledger.hedge_evidence(hedge).await;
    let found = found.map_err(|error| Refused::failed(error.to_string()))?;
    let Some(found) = found else {
        return Err(Refused::failed(format!("there is no hedge {hedge} in this ledger")));
    };
    let exit = if found.explained { Exit::Done } else { Exit::Unsafe };
    let text = if as_json {
        found.document.to_string()
    } else {
        summary(&found.document)
    };
    Ok((text, exit))
}

/// A hedge's evidence in a few lines.
fn summary(document: &Value) -> String {
    let count = |name: &str| document.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    let said = |pointer: &str| match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let mut out = format!(
        "hedge {} of {} is {}: {} intents, {} orders, {} executions, {} funding rows\n",
        said("/hedge/id"),
        said("/hedge/asset"),
        said("/hedge/state"),
        count("intents"),
        count("orders"),
        count("fills"),
        count("funding"),
    );
    for (name, pointer) in [
        ("trades", "/recomputed/trades_usd"),
        ("funding", "/recomputed/funding_usd"),
        ("fees", "/recomputed/fees"),
        ("wallets gained, quote", "/recomputed/quote_gained"),
        ("rounded by venues", "/recomputed/rounding"),
        ("residual", "/recomputed/residual"),
    ] {
        let _ = writeln!(out, "{name}: {}", said(pointer));
    }
    match document.pointer("/recomputed/unexplained").and_then(Value::as_array) {
        Some(lines) if !lines.is_empty() => {
            out.push_str("not explained by its rows:");
            for line in lines.iter().filter_map(Value::as_str) {
                let _ = write!(out, "\n  {line}");
            }
        }
        _ => out.push_str("its rows explain all of it"),
    }
    out
}

async fn verify(url: &str, mode: &str, as_json: bool) -> Answer {
    let ledger = existing(url, mode).await?;
    let report = ledger
        .verify()
        .await
        .map_err(|error| Refused::failed(error.to_string()))?;
    let exit = if report.ok { Exit::Done } else { Exit::Unsafe };
    let text = if as_json {
        serde_json::to_string(&report).map_err(|error| Refused::failed(error.to_string()))?
    } else {
        words(&report)
    };
    Ok((text, exit))
}

async fn open(url: &str, mode: &str) -> Result<Ledger, Refused> {
    let opened = Ledger::open(url, Options { mode, tag_seed: None }).await;
    opened.map_err(Refused::from)
}

impl From<OpenError> for Refused {
    fn from(error: OpenError) -> Self {
        if error.is_misuse() {
            Self::usage(error.to_string())
        } else {
            Self::failed(error.to_string())
        }
    }
}

/// The file of a ledger that is one.
fn path_of(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://").map(Path::new)
}

fn words(report: &VerifyReport) -> String {
    let VerifyReport {
        orders,
        fills,
        funding_payments,
        ..
    } = report;
    let mut out = format!("{orders} orders, {fills} fills, {funding_payments} funding payments\n");
    out.push_str(if report.audit_chain_ok {
        "the audit chain is whole\n"
    } else {
        "the audit chain is broken\n"
    });
    match report.differences.len() {
        0 => out.push_str("equal: every row belongs to the others"),
        count => {
            let _ = write!(out, "{count} differences:");
            for difference in &report.differences {
                let _ = write!(out, "\n  {difference}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("funding-arb-ledger-command-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn ask(line: &str, env: &[(&str, String)]) -> Answer {
        let cli = Cli::parse_from(line.split(' '));
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let crate::cli::Command::Ledger(command) = &cli.command else {
            panic!("another command")
        };
        run(command, &cli, &env)
    }

    #[test]
    fn tables_are_exported_whole_and_an_unknown_hedge_is_named() {
        let folder = folder("export");
        let env = [("FUNDING_ARB__DATA_DIR", folder.display().to_string())];
        assert_eq!(ask("funding-arb ledger export", &env).unwrap_err().exit, Exit::Failed);
        ask("funding-arb ledger migrate", &env).unwrap();
        let (text, exit) = ask("funding-arb ledger export", &env).unwrap();
        let tables: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((tables.as_object().unwrap().len(), exit), (16, Exit::Done));
        assert_eq!(tables["meta"][0]["name"], "mode");
        let (text, _) = ask("funding-arb ledger export --format csv", &env).unwrap();
        assert!(text.contains("# meta\r\nname,value\r\nmode,paper\r\n"), "{text}");
        let out = folder.join("out");
        let line = format!("funding-arb ledger export --format csv --out {}", out.display());
        ask(&line, &env).unwrap();
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 16);
        let none = ask("funding-arb ledger evidence 7", &env).unwrap_err();
        assert_eq!(none, Refused::failed("there is no hedge 7 in this ledger"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn verify_makes_nothing_and_proves_what_migrate_made() {
        let folder = folder("whole");
        let env = [("FUNDING_ARB__DATA_DIR", folder.display().to_string())];
        let path = folder.join("funding-arb.db");
        let none = ask("funding-arb ledger verify", &env).unwrap_err();
        assert_eq!(
            none,
            Refused::failed(format!("there is no ledger at {}", path.display()))
        );
        assert!(!folder.exists());
        ask("funding-arb ledger migrate", &env).unwrap();
        let (text, exit) = ask("funding-arb ledger verify --json", &env).unwrap();
        assert_eq!(exit, Exit::Done);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "ok": true, "differences": [], "orders": 0, "fills": 0, "funding_payments": 0, "audit_chain_ok": true
        });
        assert_eq!(report, expected);
        let live = [env[0].clone(), ("FUNDING_ARB__MODE", "live".to_owned())];
        assert_eq!(ask("funding-arb ledger verify", &live).unwrap().1, Exit::Done);
        let other = ask("funding-arb ledger migrate", &live).unwrap_err();
        assert_eq!(
            other.why,
            "this is a paper ledger, and the mode is live: give each mode a ledger of its own"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_ledger_is_left_alone() {
        let folder = folder("other");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("notes.txt");
        std::fs::write(
            &path,
            "these are notes, and long enough to be read as the head of a database file, but none. ".repeat(20),
        )
        .unwrap();
        let env = [("DATABASE_URL", format!("sqlite://{}", path.display()))];
        let refused = ask("funding-arb ledger verify", &env).unwrap_err();
        assert_eq!(refused.exit, Exit::Failed);
        assert!(refused.why.contains("is not a database file"), "{}", refused.why);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn differences_are_named_one_a_line() {
        let report = VerifyReport {
            ok: false,
            differences: vec!["order a differs".to_owned(), "order b differs".to_owned()],
            orders: 2,
            fills: 1,
            funding_payments: 0,
            audit_chain_ok: false,
        };
        let expected = "2 orders, 1 fills, 0 funding payments\nthe audit chain is broken\n2 differences:\n  order a differs\n  order b differs";
        assert_eq!(words(&report), expected);
    }
}

//! `ledger migrate`, `ledger verify`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ledger::{Ledger, OpenError, Options, VerifyReport};
use secrecy::ExposeSecret;

use super::{Answer, Exit, Refused, config_file};
use crate::cli::{Cli, LedgerCommand};
use crate::config::{Profile, Resolved};

pub fn run(command: LedgerCommand, cli: &Cli, env: &BTreeMap<String, String>) -> Answer {
    let file = config_file(cli.config.as_ref());
    let resolved = Resolved::load(file.as_deref(), env, Profile::Live);
    let resolved = resolved.map_err(|error| Refused::usage(error.to_string()))?;
    let (url, mode) = (resolved.database_url(), resolved.mode().name());
    actix_rt::System::new().block_on(async {
        match command {
            LedgerCommand::Migrate => migrate(url.expose_secret(), mode).await,
            LedgerCommand::Verify => verify(url.expose_secret(), mode, cli.json).await,
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

async fn verify(url: &str, mode: &str, as_json: bool) -> Answer {
    if let Some(path) = path_of(url)
        && !std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
    {
        return Err(Refused::failed(format!("there is no ledger at {}", path.display())));
    }
    // Whose mode a ledger serves does not matter for whether its rows belong together.
    let ledger = match Ledger::open(url, Options { mode, tag_seed: None }).await {
        Err(OpenError::OtherMode { found, .. }) => open(url, &found).await?,
        opened => opened.map_err(Refused::from)?,
    };
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
        let crate::cli::Command::Ledger(command) = cli.command else {
            panic!("another command")
        };
        run(command, &cli, &env)
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

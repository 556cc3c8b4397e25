//! `config init`, `config check`, `config show`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::{Answer, Exit, Refused, config_file};
use crate::cli::{Cli, ConfigCommand};
use crate::config::{ConfigError, Profile, Resolved, document};

pub fn run(command: ConfigCommand, cli: &Cli, env: &BTreeMap<String, String>) -> Answer {
    if let ConfigCommand::Init = command {
        return Ok((document(), Exit::Done));
    }
    let file = config_file(cli.config.as_ref());
    let resolved = Resolved::load(file.as_deref(), env, Profile::Live);
    match command {
        ConfigCommand::Check => check(resolved, cli.json),
        _ => show(&resolved.map_err(|error| Refused::usage(error.to_string()))?, cli.json),
    }
}

fn check(resolved: Result<Resolved, ConfigError>, as_json: bool) -> Answer {
    match resolved.and_then(|resolved| resolved.config()) {
        Ok(config) if as_json => {
            let answer =
                json!({ "ok": true, "mode": config.mode.name(), "warnings": config.warnings(), "problems": [] });
            Ok((answer.to_string(), Exit::Done))
        }
        Ok(config) => {
            let warnings = config
                .warnings()
                .iter()
                .fold(String::new(), |out, warning| out + "warning: " + warning + "\n");
            Ok((
                format!("{warnings}the configuration is sound; mode {}", config.mode.name()),
                Exit::Done,
            ))
        }
        Err(error) if as_json => {
            let problems: Vec<_> = error.problems.iter().map(ToString::to_string).collect();
            Ok((
                json!({ "ok": false, "warnings": [], "problems": problems }).to_string(),
                Exit::Usage,
            ))
        }
        Err(error) => Err(Refused::usage(error.to_string())),
    }
}

fn show(resolved: &Resolved, as_json: bool) -> Answer {
    let shown = resolved.shown();
    if as_json {
        let text = serde_json::to_string(&shown).map_err(|error| Refused::failed(error.to_string()))?;
        return Ok((text, Exit::Done));
    }
    let width = shown.iter().map(|one| one.key.len()).max().unwrap_or_default();
    let text = shown.iter().fold(String::new(), |mut out, one| {
        let _ = writeln!(out, "{:width$} = {}  # {}", one.key, one.value, one.origin);
        out
    });
    Ok((text, Exit::Done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn ask(line: &str, env: &[(&str, &str)]) -> Answer {
        let cli = Cli::parse_from(line.split(' '));
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let crate::cli::Command::Config(command) = cli.command else {
            panic!("another command")
        };
        run(command, &cli, &env)
    }

    #[test]
    fn check_says_what_is_wrong_and_ends_with_the_code_of_bad_usage() {
        assert_eq!(
            ask("funding-arb config check", &[("CONTROL_TOKEN", "sixteen-letters-")]),
            Ok(("the configuration is sound; mode paper".to_owned(), Exit::Done))
        );
        let bad = [("FUNDING_ARB__HTTP__PORT", "x"), ("FUNDING_ARB__MODE", "fast")];
        let refused = ask("funding-arb config check", &bad).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage);
        assert_eq!(refused.why.lines().count(), 3, "{}", refused.why);
        let (text, exit) = ask("funding-arb config check --json", &bad).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (exit, &answer["ok"], answer["problems"].as_array().map(Vec::len)),
            (Exit::Usage, &json!(false), Some(2))
        );
        let missing = ask("funding-arb config check --config /nowhere/f.toml", &[]).unwrap_err();
        assert_eq!(missing.exit, Exit::Usage);
    }

    #[test]
    fn show_masks_secrets_and_names_origins() {
        let env = [("BYBIT_API_KEY", "canary"), ("MIN_SPREAD_BPS", "15")];
        let (text, _) = ask("funding-arb config show", &env).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(
            text.lines()
                .any(|line| line.starts_with("venues.bybit.api_key ") && line.ends_with("= \"***\"  # BYBIT_API_KEY")),
            "{text}"
        );
        let (text, _) = ask("funding-arb config show --json", &env).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let spread = all
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["key"] == "strategy.min_spread_bps")
            .unwrap();
        assert_eq!(
            *spread,
            json!({ "key": "strategy.min_spread_bps", "value": "15", "origin": "MIN_SPREAD_BPS" })
        );
    }

    #[test]
    fn init_prints_the_file() {
        assert_eq!(ask("funding-arb config init", &[]), Ok((document(), Exit::Done)));
    }
}

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

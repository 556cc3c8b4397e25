//! The commented file that `config init` prints: every key with its meaning, unit, range, default and variable.

use std::fmt::Write as _;

use super::keys::{KEYS, Key};
use super::kind::Kind;
use super::source::PREFIX;

const HEAD: &str = "\
# funding-arb.toml: every key with its default. Remove what you do not change.
#
# Any key can be set by a variable: FUNDING_ARB__SECTION__KEY, lists separated by commas. Variables win over this file.
# Numbers with a fraction are quoted, so that they stay exact. Secrets are better set by variables.
";

/// The file, as it equals the defaults. Keys without a default in live mode are set to none here as well: whoever
/// trades writes their limits down.
pub fn document() -> String {
    let mut out = HEAD.to_owned();
    let mut section = "";
    for key in KEYS {
        let (place, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if place != section {
            let _ = writeln!(out, "\n[{place}]");
            section = place;
        }
        let _ = writeln!(out, "\n{}", comment(key));
        let _ = writeln!(
            out,
            "{}{name} = {}",
            if is_left_out(key) { "# " } else { "" },
            literal(key)
        );
    }
    out
}

/// Limits differ by mode and secrets have no default: both are shown, and neither is set.
const fn is_left_out(key: &Key) -> bool {
    key.live_default.is_some()
        || key.settlements_default.is_some()
        || key.default.is_empty() && !matches!(key.kind, Kind::Words)
}

fn comment(key: &Key) -> String {
    let mut out = format!("# {}\n# Allowed: {}.", key.help, key.kind.allowed());
    let default = if key.default.is_empty() { "none" } else { key.default };
    let _ = match key.live_default {
        Some(_) => write!(out, " Default: {default} in paper and demo; none in live."),
        None => match key.settlements_default {
            Some(other) => write!(
                out,
                " Default: {other} with a forecast from settlements, {default} without."
            ),
            None => write!(out, " Default: {default}."),
        },
    };
    let _ = write!(out, "\n# Variable: {}", variable(key));
    if let Some(short) = key.variable {
        let _ = write!(out, " or {short}");
    }
    out
}

fn variable(key: &Key) -> String {
    format!("{PREFIX}{}", key.name.to_ascii_uppercase().replace('.', "__"))
}

fn literal(key: &Key) -> String {
    match key.kind {
        Kind::Whole { .. } | Kind::Flag => key.default.to_owned(),
        Kind::Words => "[]".to_owned(),
        _ => format!("{:?}", key.default),
    }
}

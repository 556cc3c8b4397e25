//! What is taken, what is refused, and the words of each refusal.

use std::collections::BTreeMap;

use super::problem::Problem;
use super::source;
use super::{Config, ConfigError, Mode, Profile, Resolved, document};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(file: &str, pairs: &[(&str, &str)], profile: Profile) -> Result<Config, ConfigError> {
    let mut problems: Vec<Problem> = Vec::new();
    let written = source::table("f.toml", file, &mut problems);
    Resolved::resolve(written, &env(pairs), profile, problems)?.config()
}

fn messages(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let error = read(file, pairs, Profile::Live).unwrap_err();
    error.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_printed_file_says_the_defaults() {
    let printed = read(&document(), &[], Profile::Live).unwrap();
    let silent = read("", &[], Profile::Live).unwrap();
    assert_eq!(
        format!("{printed:?}").replace("risk.max_drawdown_bps is set, but no gate of this version reads it", ""),
        format!("{silent:?}")
    );
    assert_eq!(silent.mode, Mode::Paper);
}

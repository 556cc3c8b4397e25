//! What this machine is like: its folder, disk and clock, and the platform's patience.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::time::Timestamp;

use super::check::{Check, Checks};
use crate::cli::duration;
use crate::config::Config;
use crate::service::STOP_WITHIN;

/// Room that a year of ledger and its copies need.
const ROOM_KB: u64 = 1024 * 1024;
/// Less than this, and SQLite's log may not fit.
const LEAST_KB: u64 = 100 * 1024;
/// When this program was written, 2026-01-01: no right clock is before it.
const WRITTEN_MS: i64 = 1_767_225_600_000;
/// And none is a lifetime after it.
const LIFETIME_MS: i64 = 50 * 366 * 86_400_000;

pub fn check(config: &Config, now: Timestamp, all: &mut Checks) {
    let folder = &config.data_dir;
    let writable = writable(folder);
    let is_there = folder.is_dir();
    all.add(writable);
    all.add(private(folder, is_there));
    all.add(disk(room(folder)));
    all.add(clock(now));
    all.add(patience(Path::new("fly.toml")));
}

fn writable(folder: &Path) -> Check {
    const ID: &str = "machine.data_dir";
    const FIX: &str = "choose a folder that may be written: data_dir, or FUNDING_ARB__DATA_DIR";
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = fs::File::create(&probe)?;
        file.write_all(b"doctor")?;
        file.sync_all()
    });
    // A probe that was not made needs no removal.
    let _ = fs::remove_file(&probe);
    match written {
        Ok(()) => Check::ok(ID, format!("{} takes files", folder.display())),
        Err(error) => Check::fail(ID, format!("{}: {error}", folder.display()), FIX),
    }
}

/// Whether strangers of this machine may look into the folder, or change it.
fn private(folder: &Path, is_there: bool) -> Check {
    const ID: &str = "machine.data_private";
    const FIX: &str = "chmod 700 on the folder, chmod 600 on its files: the ledger is everything that is known";
    if !is_there {
        return Check::skipped(ID, "there is no folder");
    }
    let mut files: Vec<PathBuf> = vec![folder.to_owned()];
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    files.extend(inside.map(|entry| entry.path()).filter(|path| path.is_file()));
    let modes: Vec<(PathBuf, u32)> = files
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.permissions().mode() & 0o777, path)))
        .map(|(mode, path)| (path, mode))
        .collect();
    let first = |bits: u32| modes.iter().find(|(_, mode)| mode & bits != 0);
    // Others can reach no file of a folder that they may not enter.
    let is_shut = modes.first().is_some_and(|(_, mode)| mode.trailing_zeros() >= 3);
    if let Some((path, mode)) = first(0o002) {
        return Check::fail(ID, format!("anybody may change {} ({mode:03o})", path.display()), FIX);
    }
    match first(0o004) {
        Some((path, mode)) if !is_shut => {
            Check::warn(ID, format!("anybody may read {} ({mode:03o})", path.display()), FIX)
        }
        _ => Check::ok(ID, format!("{} is for its owner", folder.display())),
    }
}

/// Free kilobytes where the folder is, by the system's own tool.
fn room(folder: &Path) -> Option<u64> {
    let said = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn disk(free_kb: Option<u64>) -> Check {
    const ID: &str = "machine.disk";
    const FIX: &str = "free some, or let the volume grow; a full disk stops every order";
    let Some(free) = free_kb else {
        return Check::skipped(ID, "the system does not tell how much is free");
    };
    let saw = format!("{} MB free", free / 1024);
    if free < LEAST_KB {
        Check::fail(ID, saw, FIX)
    } else if free < ROOM_KB {
        Check::warn(ID, saw, FIX)
    } else {
        Check::ok(ID, saw)
    }
}

fn clock(now: Timestamp) -> Check {
    let is_sane = (WRITTEN_MS..WRITTEN_MS + LIFETIME_MS).contains(&now.millis());
    Check::holds(
        "machine.clock",
        is_sane,
        format!("{now}; days and settlements are counted in UTC, whatever the zone of this machine"),
        "set the clock, and keep it set: chrony or systemd-timesyncd",
    )
}

/// Whether the platform waits as long as a stop may take, where the platform's file lies here.
fn patience(file: &Path) -> Check {
    const ID: &str = "machine.stop_time";
    let needed = STOP_WITHIN.as_secs();
    let Ok(text) = fs::read_to_string(file) else {
        return Check::skipped(
            ID,
            format!("no fly.toml here says how long the platform waits; a stop may take {needed} s, give it 45"),
        );
    };
    let told = text.parse::<toml::Table>().ok();
    let wait = told.as_ref().and_then(|table| match table.get("kill_timeout")? {
        toml::Value::String(text) => duration(text).ok(),
        toml::Value::Integer(seconds) => u64::try_from(*seconds).ok().map(std::time::Duration::from_secs),
        _ => None,
    });
    let saw = wait.map_or_else(
        || {
            format!(
                "{} names no kill_timeout, so the platform kills after 5 s",
                file.display()
            )
        },
        |wait| {
            format!(
                "{} waits {} s, a stop may take {needed} s",
                file.display(),
                wait.as_secs()
            )
        },
    );
    Check::holds(
        ID,
        wait.is_some_and(|wait| wait > STOP_WITHIN),
        saw,
        "kill_timeout = \"45s\"",
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn a_disk_is_judged_by_what_is_free() {
        let status = |free| disk(free).status;
        assert_eq!(status(None), Status::Skipped);
        assert_eq!(status(Some(LEAST_KB - 1)), Status::Fail);
        assert_eq!(status(Some(LEAST_KB)), Status::Warn);
        assert_eq!(status(Some(ROOM_KB)), Status::Ok);
        assert!(room(Path::new("/")).is_some_and(|free| free > 0));
        assert_eq!(room(Path::new("/no/such/folder")), None);
    }

    #[test]
    fn a_clock_before_this_program_is_wrong() {
        assert_eq!(clock(Timestamp(WRITTEN_MS - 1)).status, Status::Fail);
        assert_eq!(clock(Timestamp(WRITTEN_MS)).status, Status::Ok);
        assert_eq!(clock(Timestamp(WRITTEN_MS + LIFETIME_MS)).status, Status::Fail);
    }
}

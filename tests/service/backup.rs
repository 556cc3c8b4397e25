//! A copy that is made while the engine runs can be restored, and the engine goes on from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::kit::{ENTERED_WITHIN, Folder, House, PROGRAM, Venues, secs, wait_for};
use super::postgres::TempPg;

fn backup(house: &House, to: &Path, keep: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script/backup");
    Command::new(script)
        .arg(to)
        .env("FUNDING_ARB", PROGRAM)
        .env("FUNDING_ARB__DATA_DIR", house.folder.0.join("data"))
        .env("FUNDING_ARB__MODE", "live")
        .env("BINANCE_API_KEY", "demo")
        .env("BINANCE_API_SECRET", "demo")
        .env("BYBIT_API_KEY", "demo")
        .env("BYBIT_API_SECRET", "demo")
        .env("KEEP", keep)
        .output()
        .unwrap()
}

fn has_sqlite() -> bool {
    let found = Command::new("sqlite3").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no sqlite3 here");
    }
    found
}

#[test]
fn a_copy_of_a_running_engine_is_restored_and_gone_on_from() {
    if !has_sqlite() {
        return;
    }
    let folder = Folder::new("backup");
    let venues = Venues::start(&folder.0);
    let mut house = House::new("backup").at(&venues);
    let mut engine = house.start();
    engine.wait_ready(secs(60));
    venues.funding("SOLUSDT", "0.004", "-0.003");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    engine.post("/pause", None);
    let held = engine.hedges();
    let copies = folder.0.join("copies");
    let out = backup(&house, &copies, "14");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let copy = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());
    let left: Vec<_> = fs::read_dir(&copies)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(left, std::slice::from_ref(&copy), "the copy, and nothing beside it");

    // The machine is lost with its folder; the copy is all that there is.
    engine.process.kill();
    fs::remove_dir_all(house.folder.0.join("data")).unwrap();
    fs::create_dir_all(house.folder.0.join("data")).unwrap();
    fs::copy(&copy, house.ledger()).unwrap();
    assert_eq!(house.run(&["ledger", "verify"]).status.code(), Some(0));
    let mut again = house.start();
    assert_eq!(again.wait_ready(secs(60)), "paused", "the pause is in the copy");
    let numbers = |hedges: &[serde_json::Value]| hedges.iter().map(|hedge| hedge["id"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&again.hedges()), numbers(&held));
    again.close_all();
    let positions = venues.rows("positions");
    let flat = positions.iter().all(|(_, row)| {
        row["quantity"]
            .as_str()
            .is_none_or(|text| text.trim_matches(['0', '.', '-']).is_empty())
    });
    assert!(flat, "{positions:?}");
}

#[test]
fn old_copies_go_and_a_ledger_that_is_none_is_refused() {
    if !has_sqlite() {
        return;
    }
    let folder = Folder::new("backup-old");
    let house = House::new("backup-old");
    let copies = folder.0.join("copies");
    let out = backup(&house, &copies, "2");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("there is no ledger at"));
    assert_eq!(house.run(&["ledger", "migrate"]).status.code(), Some(0));
    for age in ["20200101T000000Z", "20200102T000000Z", "20200103T000000Z"] {
        fs::write(copies.join(format!("funding-arb-{age}.db")), "old").unwrap();
    }
    let out = backup(&house, &copies, "2");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut left: Vec<_> = fs::read_dir(&copies)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        (left.len(), left[0].to_str()),
        (2, Some("funding-arb-20200103T000000Z.db"))
    );
    // A file that is no ledger is copied by nobody.
    fs::write(house.ledger(), "these are notes, and no ledger at all. ".repeat(100)).unwrap();
    let before = fs::read_dir(&copies).unwrap().count();
    assert_eq!(backup(&house, &copies, "2").status.code(), Some(1));
    assert_eq!(fs::read_dir(&copies).unwrap().count(), before, "nothing was kept");
}

/// A program of PostgreSQL, where there is one.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program} here");
    }
    found
}

#[test]
fn a_copy_of_a_running_engine_on_postgresql_is_restored_into_another_server_and_gone_on_from() {
    if !(has("pg_dump") && has("pg_restore")) {
        return;
    }
    let folder = Folder::new("backup-pg");
    let venues = Venues::start(&folder.0);
    let server = TempPg::start();
    let mut house = House::new("backup-pg").at(&venues);
    house.set("DATABASE_URL", &server.url("postgres"));
    let mut engine = house.start();
    engine.wait_ready(secs(60));
    venues.funding("SOLUSDT", "0.004", "-0.003");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    engine.post("/pause", None);
    let (held, fills) = (engine.hedges(), engine.list("/fills").len());
    let copies = folder.0.join("copies");
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("script/backup"));
    let out = command
        .arg(&copies)
        .env("DATABASE_URL", server.url("postgres"))
        .output();
    let out = out.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let copy = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());

    // The server is lost; the copy is all that there is.
    engine.process.kill();
    drop(server);
    let other = TempPg::start();
    other.create("restored");
    let url = other.url("restored");
    let mut restore = Command::new("pg_restore");
    let done = restore
        .args(["--no-owner", "--exit-on-error", "--dbname", &url])
        .arg(&copy)
        .output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    house.set("DATABASE_URL", &url);
    assert_eq!(house.run(&["ledger", "verify"]).status.code(), Some(0));
    let mut again = house.start();
    assert_eq!(again.wait_ready(secs(60)), "paused", "the pause is in the copy");
    let numbers = |hedges: &[serde_json::Value]| hedges.iter().map(|hedge| hedge["id"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&again.hedges()), numbers(&held));
    assert!(again.list("/fills").len() >= fills);
    again.close_all();
    again.process.signal("TERM");
    assert_eq!(again.process.wait_end(secs(40)), Some(0));
    assert_eq!(house.run(&["ledger", "verify"]).status.code(), Some(0));
}

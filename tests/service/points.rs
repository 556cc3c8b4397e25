//! Holds the list of named places against the code, and the code against the list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use domain::crash::Point;

use super::kit::{House, Process, Venues, secs};

/// What leaves the process or becomes durable on the paths of orders, executions, the lease, the outbox and the recovery.
/// Rows are handed over by [`actors::recorder::Recorder`] alone, so its one call stands for every one of its callers.
const DOORS: [&str; 21] = [
    "gateway.place(",
    "gateway.find(",
    "gateway.cancel(",
    "gateway.cancel_all(",
    "gateway.fills_of(",
    "account.prepare(",
    "account.balances(",
    "account.truth(",
    "data.book(",
    "writer.send(",
    "back_fill.send(",
    "spool.keep(",
    "spool.forget(",
    "claim.send(",
    "renew.send(",
    ".send(ReleaseLease",
    "executor.send(Drain)",
    "outbox.send(",
    "sink.deliver(",
    "begin!(conn",
    "load.send(",
];
/// How many lines away the place before a door, and the one after it, may stand.
const NEAR: usize = 10;

fn sources() -> BTreeMap<PathBuf, Vec<String>> {
    fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<String>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                into.insert(path, text.lines().map(|line| line.trim().to_owned()).collect());
            }
        }
    }
    let (root, mut into) = (Path::new(env!("CARGO_MANIFEST_DIR")), BTreeMap::new());
    for room in ["actors/src", "ledger/src/queries"] {
        collect(&root.join(room), &mut into);
    }
    into
}

/// The places in a line of code.
fn places(line: &str) -> impl Iterator<Item = &str> {
    line.split("crash::point(Point::")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap_or_default())
}

#[test]
fn every_place_of_the_list_is_in_the_code_and_every_one_in_the_code_on_the_list() {
    let sources = sources();
    let in_code: BTreeSet<&str> = sources.values().flatten().flat_map(|line| places(line)).collect();
    let on_list: BTreeSet<&str> = Point::ALL.iter().map(|point| point.in_code()).collect();
    assert_eq!(in_code, on_list);
}

#[test]
fn every_door_of_the_paths_stands_between_two_places() {
    let (mut doors, mut bare) = (BTreeSet::new(), Vec::new());
    for (file, lines) in &sources() {
        for (number, line) in lines.iter().enumerate() {
            let Some(door) = DOORS.iter().find(|door| line.contains(**door)) else {
                continue;
            };
            if line.starts_with("//") || line.starts_with("macro_rules") {
                continue;
            }
            doors.insert(*door);
            let near = |lines: &[String]| lines.iter().any(|line| places(line).next().is_some());
            let before = near(&lines[number.saturating_sub(NEAR)..number]);
            let after = near(&lines[number + 1..lines.len().min(number + 1 + NEAR)]);
            if !before || !after {
                bare.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(bare.is_empty(), "no place before or after: {bare:#?}");
    assert_eq!(doors, DOORS.into(), "a door that is nowhere proves nothing");
}

/// How a process with this variable ends, and what it says.
fn refused(house: &mut House, order: &str) -> String {
    house.set("FUNDING_ARB_CRASH_AT", order);
    let mut process: Process = house.spawn();
    assert_eq!(process.wait_end(secs(20)), Some(2), "{}", process.logged());
    process.logged()
}

#[test]
fn a_process_that_is_told_to_die_starts_on_loopback_only_and_knows_every_name() {
    let mut house = House::new("told-to-die");
    // The real venues' addresses, which are the defaults: nothing is sent to them.
    let said = refused(&mut house, "order.before_place");
    assert!(
        said.contains("venues.binance.spot_rest_url is no loopback address"),
        "{said}"
    );
    let venues = Venues::start(&house.folder.0);
    let mut house = house.at(&venues);
    let said = refused(&mut house, "order.whenever");
    assert!(said.contains("is no place"), "{said}");
    house.set("FUNDING_ARB__VENUES__BYBIT__WS_URL", "wss://stream.bybit.com");
    let said = refused(&mut house, "order.before_place");
    assert!(said.contains("venues.bybit.ws_url is no loopback address"), "{said}");
}

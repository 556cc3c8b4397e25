//! A death at every named place, in every moment of a hedge in which the engine passes it, once. After each of them the
//! next life finds back: nothing doubled, lost or left naked, and the ledger is the account.
//!
//! `reached.txt` holds the pairs that the plays of [`super::acts`] reach, each with its play. A pair in it that is not
//! reached any more fails. `KILL_TRACE=1` writes the file anew; `KILL_ONLY=word` tries the lines that contain the word.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use domain::crash::{Moment, Point};
use serde_json::json;

use super::acts::{Act, Scene, dull};
use super::killed::{books_equal, one_order_each, recovered};
use super::kit::{House, Venues, secs, wait_for};
use super::postgres::TempPg;

/// Plays side by side: they wait more than they work.
const SIDE_BY_SIDE: usize = 6;
const REACHED: &str = "tests/service/reached.txt";

/// Whose ledger.
#[derive(Clone, Copy)]
enum Store<'a> {
    Lite,
    Pg(&'a TempPg, usize),
}

fn stage(name: &str, store: Store<'_>) -> (Venues, House) {
    let (venues, mut house) = Scene::set(name);
    if let Store::Pg(server, number) = store {
        let database = format!("crash_{number}");
        server.create(&database);
        house.set("DATABASE_URL", &server.url(&database));
    }
    (venues, house)
}

/// Plays an act with an engine that is told to die; `None` when it did not.
fn die(act: Act, order: &str, store: Store<'_>) -> Option<Scene> {
    let (mut venues, mut house) = stage("crash", store);
    if let Some((death, before)) = act.earlier_death() {
        let (earlier, died) = Scene::play(venues, house, before, death);
        if !died {
            return None;
        }
        let (kept_venues, kept_house) = earlier.apart();
        (venues, house) = (kept_venues, kept_house);
        dull(&venues);
    }
    let (scene, _) = Scene::play(venues, house, act, order);
    let died = scene.process.logged().contains(&format!("dies at {order}"));
    died.then_some(scene)
}

/// The next life finds back, and its books are the venues'.
fn finds_back(scene: Scene) {
    let (venues, mut house) = scene.apart();
    dull(&venues);
    let mut engine = house.start();
    recovered(&mut engine, &venues, &mut Vec::new());
    engine.post("/pause", Some(&json!({ "reason": "to be judged" })));
    engine.close_all();
    wait_for("orders that are all proven", secs(60), || {
        let open = |state: &str| !["filled", "cancelled", "rejected", "expired", "absent", "not_sent"].contains(&state);
        let rows = engine.list("/orders");
        (!rows.iter().any(|row| row["state"].as_str().is_some_and(open))).then_some(())
    });
    one_order_each(&venues, &engine);
    books_equal(&venues, &engine);
    assert_eq!(engine.status()["inconsistencies"], 0, "{}", engine.status());
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let verified = house.run(&["ledger", "verify", "--json"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{said}");
}

/// The pairs that are known to be reached, each with its play.
fn reached() -> Vec<(String, Act)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(REACHED)).unwrap();
    let line = |line: &str| {
        let (pair, act) = line.split_once(' ').unwrap();
        let (point, moment) = pair.split_once('@').unwrap();
        assert!(
            Point::parse(point).is_some() && Moment::parse(moment).is_some(),
            "{pair} is no pair"
        );
        (
            pair.to_owned(),
            Act::parse(act).unwrap_or_else(|| panic!("{act} is no play")),
        )
    };
    text.lines().filter(|text| !text.starts_with('#')).map(line).collect()
}

/// Does all of this, so many at a time; what went wrong with each.
fn side_by_side<T: Sync>(all: &[T], work: impl Fn(usize, &T) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, wrong) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let number = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(one) = all.get(number) else { return };
                    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(number, one)));
                    let why = match done {
                        Ok(Ok(())) => continue,
                        Ok(Err(why)) => why,
                        Err(panic) => panic
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                            .unwrap_or_default(),
                    };
                    wrong.lock().unwrap().push(why);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn tried(pair: &str, act: Act, store: Store<'_>) -> Result<(), String> {
    // A place in the background may be passed a moment too early or too late: once more then.
    let scene = die(act, pair, store).or_else(|| die(act, pair, store));
    let scene = scene.ok_or_else(|| format!("{pair} was not reached by {act:?}"))?;
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| finds_back(scene)));
    judged.map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        format!("{pair} in {act:?}: {said}")
    })
}

/// Plays every act with an engine that only writes down what it passes.
fn trace() {
    let seen: Mutex<BTreeMap<String, Act>> = Mutex::default();
    let wrong = side_by_side(&Act::ALL, |_, act| {
        let (mut venues, mut house) = stage("trace", Store::Lite);
        if let Some((death, before)) = act.earlier_death() {
            let (earlier, died) = Scene::play(venues, house, before, death);
            if !died {
                return Err(format!("{act:?} had no earlier death"));
            }
            (venues, house) = earlier.apart();
            dull(&venues);
        }
        let file = house.folder.0.join("trace");
        let (scene, _) = Scene::play(venues, house, *act, &format!("trace={}", file.display()));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        println!("{act:?}: {} pairs", text.lines().count());
        let mut seen = seen.lock().unwrap();
        for pair in text.lines() {
            let first = seen.entry(pair.to_owned()).or_insert(*act);
            *first = (*first).min(*act);
        }
        drop(scene);
        Ok(())
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut lines = vec![
        "# Written by KILL_TRACE=1: places and moments that the plays reach, each with the first play.".to_owned(),
    ];
    let seen = seen.into_inner().unwrap();
    for point in Point::ALL {
        for moment in Moment::ALL {
            let pair = format!("{point}@{moment}");
            if let Some(act) = seen.get(&pair) {
                lines.push(format!("{pair} {act:?}"));
            }
        }
    }
    std::fs::write(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(REACHED),
        lines.join("\n") + "\n",
    )
    .unwrap();
}

#[test]
fn f082_a_death_at_every_place_in_every_moment_leaves_nothing_doubled_lost_or_naked() {
    if std::env::var_os("KILL_TRACE").is_some() {
        return trace();
    }
    let (began, only) = (Instant::now(), std::env::var("KILL_ONLY").unwrap_or_default());
    let mut pairs = reached();
    let never: BTreeSet<_> = Point::ALL
        .iter()
        .filter(|point| {
            !pairs
                .iter()
                .any(|(pair, _)| pair.split('@').next() == Some(point.as_str()))
        })
        .map(|point| point.as_str())
        .collect();
    assert_eq!(never, NEVER.into(), "places that no play reaches");
    println!(
        "{} of {} pairs of place and moment are reached",
        pairs.len(),
        Point::ALL.len() * Moment::ALL.len()
    );
    pairs.retain(|(pair, act)| format!("{pair} {act:?}").contains(&only));
    // The longest plays first, so that none is left to run alone.
    pairs.sort_by_key(|(_, act)| std::cmp::Reverse(*act));
    let wrong = side_by_side(&pairs, |_, (pair, act)| tried(pair, *act, Store::Lite));
    println!("{} deaths in {} s", pairs.len(), began.elapsed().as_secs());
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
}

/// Places that no play reaches: a spot leg is never left here, no order loses its right to be sent while it is written,
/// and the simulated venues leave no immediate order resting.
const NEVER: [&str; 5] = [
    "job.before_free",
    "job.free_read",
    "order.before_withhold",
    "order.before_cancel",
    "order.cancelled",
];

#[test]
fn f082_a_sample_of_deaths_leaves_nothing_wrong_on_postgresql() {
    let server = TempPg::start();
    let wrong = side_by_side(&SAMPLE, |number, (pair, act)| {
        tried(pair, *act, Store::Pg(&server, number))
    });
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
}

/// Deaths that are tried on PostgreSQL.
const SAMPLE: [(&str, Act); 10] = [
    ("order.recorded@entering_first", Act::Plain),
    ("order.placed@entering_first", Act::Plain),
    ("batch.before_commit@entering_second", Act::Plain),
    ("order.placed@entering_second", Act::Plain),
    ("batch.committed@entering_second", Act::Plain),
    ("fill.kept@leaving", Act::Plain),
    ("batch.before_commit@leaving", Act::Plain),
    ("batch.committed@repairing", Act::Refused),
    ("lease.renew_before_commit@open", Act::Plain),
    ("boot.loaded@entering_second", Act::BornSecond),
];

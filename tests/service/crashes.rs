//! A death at every named place, in every moment of a hedge in which the engine passes it, once. After each of them the
//! next life finds back: nothing doubled, lost or left naked, and the ledger is the account.
//!
//! `reached.txt` holds the pairs that the plays of [`super::acts`] reach, each with its play; a question mark stands
//! behind those that depend on what falls together in time. Of the others a handful may be missed in a run, and is
//! named; more fail.
//!
//! `CRASHES=all` dies at every pair. Else each place is died at once, in a moment that changes from day to day, and each
//! play is played; `CRASHES=number` repeats the choice of that seed, which is printed. `KILL_TRACE=1` writes the file
//! anew; `KILL_ONLY=word` tries every line that contains the word.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use domain::crash::{Moment, Point};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::acts::{Act, Scene, dull};
use super::killed::{books_equal, every_row_is_in, one_order_each, recovered};
use super::kit::{House, Venues, secs};
use super::postgres::TempPg;

/// Plays side by side: they wait more than they work.
const SIDE_BY_SIDE: usize = 6;
const REACHED: &str = "tests/service/reached.txt";

/// Whose ledger.
#[derive(Clone, Copy)]
enum Store<'a> {
    Lite,
    Pg(&'a TempPg),
}

fn stage(name: &str, store: Store<'_>) -> (Venues, House) {
    let (venues, mut house) = Scene::set(name);
    if let Store::Pg(server) = store {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let database = format!("crash_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
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
    every_row_is_in(&venues, &engine);
    one_order_each(&venues, &engine);
    books_equal(&venues, &engine);
    assert_eq!(engine.status()["inconsistencies"], 0, "{}", engine.status());
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let verified = house.run(&["ledger", "verify", "--json"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{said}");
}

/// A death to be tried.
#[derive(Clone)]
struct Try {
    /// Place and moment.
    pair: String,
    act: Act,
    /// Whether the play must come there; else it depends on how two things fall together in time.
    certain: bool,
}

impl Try {
    fn place(&self) -> &str {
        self.pair.split_once('@').unwrap().0
    }
}

/// The pairs that are known to be reached, each with its play.
fn reached() -> Vec<Try> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(REACHED)).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (pair, act) = (words.next().unwrap(), words.next().unwrap());
        let (point, moment) = pair.split_once('@').unwrap();
        assert!(
            Point::parse(point).is_some() && Moment::parse(moment).is_some(),
            "{pair} is no pair"
        );
        Try {
            pair: pair.to_owned(),
            act: Act::parse(act).unwrap_or_else(|| panic!("{act} is no play")),
            certain: words.next().is_none(),
        }
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

/// True when it died and the next life found back, false when it was not reached.
fn tried(pair: &str, act: Act, store: Store<'_>) -> Result<bool, String> {
    // A place in the background may be passed a moment too early or too late: once more then.
    let Some(scene) = die(act, pair, store).or_else(|| die(act, pair, store)) else {
        return Ok(false);
    };
    let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| finds_back(scene)));
    judged.map(|()| true).map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        format!("{pair} in {act:?}: {said}")
    })
}

/// Tries one that must be reached.
fn must(pair: &str, act: Act, store: Store<'_>) -> Result<(), String> {
    if tried(pair, act, store)? {
        Ok(())
    } else {
        Err(format!("{pair} was not reached by {act:?}"))
    }
}

/// Plays every act twice with an engine that only writes down what it passes. What a play passes only once is by chance.
fn trace() {
    let seen: Mutex<BTreeMap<(String, Act), u32>> = Mutex::default();
    let mut plays: Vec<Act> = Act::ALL.into_iter().chain(Act::ALL).collect();
    plays.sort_by_key(|act| std::cmp::Reverse(*act));
    let wrong = side_by_side(&plays, |_, act| {
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
            *seen.entry((pair.to_owned(), *act)).or_default() += 1;
        }
        drop(scene);
        Ok(())
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    let before = reached();
    let mut lines = vec![
        "# Written by KILL_TRACE=1: places and moments that the plays reach, each with the first play.".to_owned(),
    ];
    let seen = seen.into_inner().unwrap();
    for point in Point::ALL {
        for moment in Moment::ALL {
            let pair = format!("{point}@{moment}");
            let plays = |least: u32| {
                let fits = |act: &&Act| seen.get(&(pair.clone(), **act)).is_some_and(|times| *times >= least);
                Act::ALL.iter().find(fits)
            };
            let by_chance = plays(2).is_none() || before.iter().any(|one| one.pair == pair && !one.certain);
            if let Some(act) = plays(2).or_else(|| plays(1)) {
                lines.push(format!("{pair} {act:?}{}", if by_chance { " ?" } else { "" }));
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
    let began = Instant::now();
    let tries = reached();
    let places: BTreeSet<_> = tries.iter().map(|one| one.place().to_owned()).collect();
    let never = Point::ALL.iter().map(|point| point.as_str());
    let never: Vec<_> = never.filter(|name| !places.contains(*name)).collect();
    assert_eq!(never, NEVER, "places that no play reaches");
    println!(
        "{} of {} pairs of place and moment are reached",
        tries.len(),
        Point::ALL.len() * Moment::ALL.len()
    );
    let choices = chosen(tries);
    let (died, missed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let wrong = side_by_side(&choices, |_, choice| {
        for one in choice {
            if tried(&one.pair, one.act, Store::Lite)? {
                died.lock().unwrap().push(one.place().to_owned());
                return Ok(());
            }
            missed.lock().unwrap().push((one.pair.clone(), one.certain));
        }
        Ok(())
    });
    let (died, missed) = (died.into_inner().unwrap(), missed.into_inner().unwrap());
    println!(
        "{} deaths in {} s; not reached this time: {missed:?}",
        died.len(),
        began.elapsed().as_secs()
    );
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
    let certain = missed.iter().filter(|(_, certain)| *certain).count();
    assert!(
        certain <= MISSED_AT_MOST,
        "places that are not passed any more: {missed:?}"
    );
    if std::env::var_os("KILL_ONLY").is_none() {
        let alive: Vec<_> = places.iter().filter(|place| !died.contains(*place)).collect();
        assert!(alive.is_empty(), "nobody died at {alive:?}");
    }
}

/// The deaths to be tried: of each list the first one that is reached. The longest plays come first, so that none is left
/// to run alone.
fn chosen(mut tries: Vec<Try>) -> Vec<Vec<Try>> {
    tries.sort_by_key(|one| std::cmp::Reverse(one.act));
    let alone = |tries: Vec<Try>| tries.into_iter().map(|one| vec![one]).collect();
    if let Ok(only) = std::env::var("KILL_ONLY") {
        tries.retain(|one| format!("{} {:?}", one.pair, one.act).contains(&only));
        return alone(tries);
    }
    let asked = std::env::var("CRASHES").ok();
    if asked.as_deref() == Some("all") {
        return alone(tries);
    }
    let today = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    let seed = asked.map_or_else(today, |seed| seed.parse().expect("CRASHES is `all` or a number"));
    let mut by_place: BTreeMap<String, Vec<Try>> = BTreeMap::new();
    tries.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    tries.sort_by_key(|one| !one.certain);
    for one in tries {
        by_place.entry(one.place().to_owned()).or_default().push(one);
    }
    // Plays that are nobody's first choice are played for the first place that has them.
    let mut choices: Vec<Vec<Try>> = by_place.into_values().collect();
    let mut played: BTreeSet<Act> = choices.iter().map(|choice| choice[0].act).collect();
    let mut more = Vec::new();
    for choice in &choices {
        for one in &choice[1..] {
            if one.certain && played.insert(one.act) {
                more.push(vec![one.clone()]);
            }
        }
    }
    choices.extend(more);
    choices.sort_by_key(|choice| std::cmp::Reverse(choice[0].act));
    println!(
        "{} of them are tried; CRASHES={seed} tries the same again, CRASHES=all all",
        choices.len()
    );
    choices
}

/// How many pairs that are reached may be missed in a run, on a machine that is busy with other things.
const MISSED_AT_MOST: usize = 6;

/// Places that no play reaches: a spot leg is never left here, and no order loses its right to be sent while it is written.
const NEVER: [&str; 3] = ["job.before_free", "job.free_read", "order.before_withhold"];

#[test]
fn f082_a_sample_of_deaths_leaves_nothing_wrong_on_postgresql() {
    let server = TempPg::start();
    let wrong = side_by_side(&SAMPLE, |_, (pair, act)| must(pair, *act, Store::Pg(&server)));
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
